/* SPDX-License-Identifier: MIT */
#include "node/rest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "chain/script.h"
#include "node/parse.h"

#define OK 200u
#define BAD_REQUEST 400u
#define NOT_FOUND 404u
#define INTERNAL_ERROR 500u

#define PATH_LEN_MAX 2048
#define PARTS_MAX (NODE_REST_OUTPOINTS_MAX + 2)
#define HEADERS_DEFAULT "5"
#define POOL_HEIGHT 0x7fffffffu /* of a coin that is in no block yet */
#define HEX_PIECE 512

enum format {
	FORMAT_NONE,
	FORMAT_BIN,
	FORMAT_HEX,
	FORMAT_JSON,
};

struct rest {
	struct api_call call;
	const struct api_request *request;
	const char *type;
	enum format format;
	char path[PATH_LEN_MAX]; /* behind the name, without the format */
};

static unsigned fail(struct rest *r, unsigned status, const char *fmt, ...)
	BASE_PRINTF(3, 4);

static unsigned fail(struct rest *r, unsigned status, const char *fmt, ...)
{
	char text[PATH_LEN_MAX + 256];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	api_writer_rewind(r->call.out, (struct api_writer_mark){0});
	api_raw(r->call.out, text, strlen(text));
	api_raw(r->call.out, "\r\n", 2);
	r->type = "text/plain";
	return status;
}

/* What a method's code means here; @hash is what was looked for. */
static unsigned fail_code(struct rest *r, enum api_code code, const char *hash)
{
	if (code == API_NOT_FOUND)
		return fail(r, NOT_FOUND, "%s not found", hash);
	return fail(r, INTERNAL_ERROR, "%s", r->call.message);
}

static unsigned no_format(struct rest *r, const char *available)
{
	return fail(r, NOT_FOUND, "output format not found (available: %s)",
		    available);
}

static unsigned no_such_format(struct rest *r)
{
	return no_format(r, ".bin, .hex, .json");
}

/* The end of a reply of any format. */
static unsigned done(struct rest *r)
{
	switch (r->format) {
	case FORMAT_BIN:
		r->type = "application/octet-stream";
		return OK;
	case FORMAT_HEX:
		r->type = "text/plain";
		break;
	default:
		r->type = "application/json";
		break;
	}
	api_raw(r->call.out, "\n", 1);
	return OK;
}

/* Bytes as they are, or as hex. */
static void put_bytes(struct rest *r, const uint8_t *data, size_t len)
{
	char hex[2 * HEX_PIECE + 1];

	if (r->format == FORMAT_BIN) {
		api_raw(r->call.out, data, len);
		return;
	}
	for (size_t at = 0; at < len; at += HEX_PIECE) {
		size_t n = len - at < HEX_PIECE ? len - at : HEX_PIECE;

		base_to_hex(hex, data + at, n);
		api_raw(r->call.out, hex, 2 * n);
	}
}

/* Takes the format off the end of @path, as far as it is one. */
static enum format take_format(char *path)
{
	static const char *const names[] = {[FORMAT_BIN] = ".bin",
					    [FORMAT_HEX] = ".hex",
					    [FORMAT_JSON] = ".json"};
	char *dot = strrchr(path, '.');

	for (size_t i = FORMAT_BIN; dot && i < BASE_COUNT(names); i++)
		if (strcmp(dot, names[i]) == 0) {
			*dot = '\0';
			return (enum format)i;
		}
	return FORMAT_NONE;
}

/* Cuts @path at its slashes; the number of parts, at most PARTS_MAX, none of
 * an empty path. The last part keeps what is beyond. */
static size_t split(char *part[static PARTS_MAX], char *path)
{
	size_t count = 0;

	while (path && *path && count < PARTS_MAX) {
		part[count++] = path;
		path = count < PARTS_MAX ? strchr(path, '/') : NULL;
		if (path)
			*path++ = '\0';
	}
	return count;
}

static unsigned block(struct rest *r, bool details)
{
	struct node_rpc_block b;
	struct base_hash hash;
	enum api_code code;

	if (base_hash_from_hex(&hash, r->path) < 0)
		return fail(r, BAD_REQUEST, "Invalid hash: %s", r->path);
	if (r->format == FORMAT_NONE)
		return no_such_format(r);
	code = node_rpc_block_by_hash(&b, &r->call, &hash);
	if (code == API_OK && r->format == FORMAT_JSON)
		code = node_rpc_put_block(&r->call, &b, details);
	else if (code == API_OK)
		put_bytes(r, b.data, b.len);
	return code == API_OK ? done(r) : fail_code(r, code, r->path);
}

static unsigned block_with_details(struct rest *r)
{
	return block(r, true);
}

static unsigned block_without_details(struct rest *r)
{
	return block(r, false);
}

static enum api_code put_one_header(struct rest *r,
				    const struct node_rpc_block *b)
{
	struct api_writer *w = r->call.out;
	enum api_code code;

	if (r->format != FORMAT_JSON) {
		put_bytes(r, b->data, CHAIN_HEADER_SIZE);
		return API_OK;
	}
	api_object_begin(w);
	code = node_rpc_put_header(&r->call, b);
	api_object_end(w);
	return code;
}

static enum api_code put_headers(struct rest *r, const struct base_hash *hash,
				 uint64_t count)
{
	const struct node_rpc *rpc = r->call.ctx;
	struct node_rpc_block b;
	enum api_code code = node_rpc_block_by_hash(&b, &r->call, hash);

	/* What is not in the chain has no headers to give. */
	if (code == API_NOT_FOUND)
		return API_OK;
	for (uint64_t i = 0; i < count && code == API_OK; i++) {
		code = put_one_header(r, &b);
		if (b.height.n == rpc->status.tip.height.n)
			break;
		if (code == API_OK && i + 1 < count)
			code = node_rpc_block_at(
				&b, &r->call,
				(struct base_height){b.height.n + 1});
	}
	return code;
}

/* headers/<hash>?count=<count>, and the older headers/<count>/<hash>. */
static unsigned headers(struct rest *r)
{
	const char *count_text = api_request_query(r->request, "count");
	struct api_writer *w = r->call.out;
	char *part[PARTS_MAX];
	size_t parts = split(part, r->path);
	const char *hash_text;
	struct base_hash hash;
	enum api_code code;
	uint64_t count;

	if (parts != 1 && parts != 2)
		return fail(r, BAD_REQUEST,
			    "Invalid URI format. Expected "
			    "/rest/headers/<hash>.<ext>?count=<count>");
	hash_text = part[parts - 1];
	if (parts == 2)
		count_text = part[0];
	else if (!count_text)
		count_text = HEADERS_DEFAULT;
	if (node_parse_u64(&count, count_text, 1, NODE_REST_HEADERS_MAX) < 0)
		return fail(r, BAD_REQUEST,
			    "Header count is invalid or out of acceptable "
			    "range (1-%d): %.100s",
			    NODE_REST_HEADERS_MAX, count_text);
	if (base_hash_from_hex(&hash, hash_text) < 0)
		return fail(r, BAD_REQUEST, "Invalid hash: %s", hash_text);
	if (r->format == FORMAT_NONE)
		return no_such_format(r);
	if (r->format == FORMAT_JSON)
		api_array_begin(w);
	code = put_headers(r, &hash, count);
	if (r->format == FORMAT_JSON)
		api_array_end(w);
	return code == API_OK ? done(r) : fail_code(r, code, hash_text);
}

static unsigned hash_by_height(struct rest *r)
{
	const struct node_rpc *rpc = r->call.ctx;
	struct api_writer *w = r->call.out;
	char hex[BASE_HASH_HEX_SIZE];
	struct node_rpc_block b;
	enum api_code code;
	uint64_t height;

	if (node_parse_u64(&height, r->path, 0, INT32_MAX) < 0)
		return fail(r, BAD_REQUEST, "Invalid height: %s", r->path);
	if (height > rpc->status.tip.height.n)
		return fail(r, NOT_FOUND, "Block height out of range");
	if (r->format == FORMAT_NONE)
		return no_such_format(r);
	code = node_rpc_block_at(&b, &r->call,
				 (struct base_height){(uint32_t)height});
	if (code != API_OK)
		return fail_code(r, code, r->path);
	base_hash_to_hex(hex, &b.hash);
	if (r->format == FORMAT_BIN) {
		api_raw(w, b.hash.b, sizeof(b.hash.b));
	} else if (r->format == FORMAT_HEX) {
		api_raw(w, hex, strlen(hex));
	} else {
		api_object_begin(w);
		api_put_string(w, "blockhash", hex);
		api_object_end(w);
	}
	return done(r);
}

static unsigned chain_info(struct rest *r)
{
	enum api_code code;

	if (r->format != FORMAT_JSON)
		return no_format(r, "json");
	code = node_rpc_getblockchaininfo(&r->call);
	return code == API_OK ? done(r) : fail_code(r, code, "chain");
}

static unsigned transaction(struct rest *r)
{
	struct node_rpc_tx tx;
	struct base_hash txid;
	enum api_code code;

	if (base_hash_from_hex(&txid, r->path) < 0)
		return fail(r, BAD_REQUEST, "Invalid hash: %s", r->path);
	if (r->format == FORMAT_NONE)
		return no_such_format(r);
	code = node_rpc_tx_find(&tx, &r->call, &txid, NULL);
	if (code != API_OK)
		return fail_code(r, code, r->path);
	if (r->format == FORMAT_JSON)
		code = node_rpc_put_found(&r->call, &tx, false, false);
	else
		put_bytes(r, tx.view.data, tx.view.len);
	node_rpc_tx_free(&tx);
	return code == API_OK ? done(r) : fail_code(r, code, r->path);
}

/* A query parameter that is "true" or "false". False: it is something else,
 * and @r says so. */
static bool take_flag(bool *out, struct rest *r, const char *name)
{
	const char *text = api_request_query(r->request, name);

	if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
		(void)fail(r, BAD_REQUEST,
			   "The \"%s\" query parameter must be either "
			   "\"true\" or \"false\".",
			   name);
		return false;
	}
	if (text)
		*out = *text == 't';
	return true;
}

static unsigned mempool(struct rest *r)
{
	bool contents = strcmp(r->path, "contents") == 0;
	bool verbose = true;
	bool sequence = false;
	enum api_code code;

	if (!contents && strcmp(r->path, "info") != 0)
		return fail(r, BAD_REQUEST,
			    "Invalid URI format. Expected "
			    "/rest/mempool/<info|contents>.json");
	if (r->format != FORMAT_JSON)
		return no_format(r, "json");
	if (contents && (!take_flag(&verbose, r, "verbose") ||
			 !take_flag(&sequence, r, "mempool_sequence")))
		return BAD_REQUEST;
	if (contents && verbose && sequence)
		return fail(r, BAD_REQUEST,
			    "Verbose results cannot contain mempool sequence "
			    "values. (hint: set \"verbose=false\")");
	code = contents ? node_rpc_put_mempool(&r->call, verbose, sequence)
			: node_rpc_getmempoolinfo(&r->call);
	return code == API_OK ? done(r) : fail_code(r, code, r->path);
}

struct utxos {
	uint32_t count;
	struct chain_outpoint at[NODE_REST_OUTPOINTS_MAX];
	bool hit[NODE_REST_OUTPOINTS_MAX];
	struct node_rpc_coin coin[NODE_REST_OUTPOINTS_MAX];
};

/* <txid>-<n>. 0 or -EINVAL. */
static int parse_outpoint(struct chain_outpoint *out, char *text)
{
	char *dash = strchr(text, '-');
	uint64_t index;

	if (!dash || node_parse_u64(&index, dash + 1, 0, INT32_MAX) < 0)
		return -EINVAL;
	*dash = '\0';
	out->index = (uint32_t)index;
	return base_hash_from_hex(&out->txid, text);
}

static void put_utxos_bytes(struct rest *r, const struct utxos *u,
			    const struct base_hash *best)
{
	const struct node_rpc *rpc = r->call.ctx;
	uint8_t bitmap[(NODE_REST_OUTPOINTS_MAX + 7) / 8] = {0};
	uint8_t bytes[64 + NODE_REST_OUTPOINTS_MAX * 64];
	struct base_writer w = base_writer_init(bytes, sizeof(bytes));
	uint32_t hits = 0;

	for (uint32_t i = 0; i < u->count; i++) {
		bitmap[i / 8] |= (uint8_t)(u->hit[i] << i % 8);
		hits += u->hit[i];
	}
	base_write_le32(&w, rpc->status.tip.height.n);
	base_write_bytes(&w, best->b, sizeof(best->b));
	base_write_compact_size(&w, (u->count + 7) / 8);
	base_write_bytes(&w, bitmap, (u->count + 7) / 8);
	base_write_compact_size(&w, hits);
	for (uint32_t i = 0; i < u->count; i++) {
		const struct node_rpc_coin *c = &u->coin[i];

		if (!u->hit[i])
			continue;
		base_write_le32(&w, 0); /* was the transaction's version */
		base_write_le32(&w, c->unconfirmed ? POOL_HEIGHT
						   : c->coin.height.n);
		chain_script_write_p2tr(&w, c->coin.amount, c->coin.key);
	}
	put_bytes(r, bytes, w.len);
}

static void put_utxos_json(struct rest *r, const struct utxos *u,
			   const struct base_hash *best)
{
	const struct node_rpc *rpc = r->call.ctx;
	struct api_writer *w = r->call.out;
	char bitmap[NODE_REST_OUTPOINTS_MAX + 1] = "";

	for (uint32_t i = 0; i < u->count; i++)
		bitmap[i] = u->hit[i] ? '1' : '0';
	api_object_begin(w);
	api_put_int(w, "chainHeight", rpc->status.tip.height.n);
	api_put_hash(w, "chaintipHash", best);
	api_put_string(w, "bitmap", bitmap);
	api_key(w, "utxos");
	api_array_begin(w);
	for (uint32_t i = 0; i < u->count; i++) {
		const struct node_rpc_coin *c = &u->coin[i];
		uint8_t script[CHAIN_P2TR_SIZE];

		if (!u->hit[i])
			continue;
		chain_script_p2tr(script, c->coin.key);
		api_object_begin(w);
		api_put_int(w, "height",
			    c->unconfirmed ? POOL_HEIGHT : c->coin.height.n);
		api_put_amount(w, "value", c->coin.amount);
		node_rpc_put_script(w, script, sizeof(script), rpc->params);
		api_object_end(w);
	}
	api_array_end(w);
	api_object_end(w);
}

/* getutxos/<checkmempool>/<txid>-<n>/..., see BIP64. */
static unsigned utxos(struct rest *r)
{
	struct node_rpc *rpc = r->call.ctx;
	struct utxos u = {.count = 0};
	char *part[PARTS_MAX];
	size_t parts = split(part, r->path);
	bool pool = parts > 0 && strcmp(part[0], "checkmempool") == 0;

	if (parts == pool)
		return fail(r, BAD_REQUEST, "Error: empty request");
	if (r->format == FORMAT_NONE)
		return no_such_format(r);
	if (parts - pool > NODE_REST_OUTPOINTS_MAX)
		return fail(r, BAD_REQUEST,
			    "Error: max outpoints exceeded (max: %d)",
			    NODE_REST_OUTPOINTS_MAX);
	for (size_t i = pool; i < parts; i++)
		if (parse_outpoint(&u.at[u.count++], part[i]) < 0)
			return fail(r, BAD_REQUEST, "Parse error");
	for (uint32_t i = 0; i < u.count; i++) {
		int rc = node_rpc_coin_find(&u.coin[i], rpc, &u.at[i], pool);

		if (rc < 0 && rc != -ENOENT)
			return fail_code(r, node_rpc_pool_failed(&r->call, rc),
					 "coins");
		u.hit[i] = rc == 0;
	}
	if (r->format == FORMAT_JSON)
		put_utxos_json(r, &u, &rpc->status.tip.hash);
	else
		put_utxos_bytes(r, &u, &rpc->status.tip.hash);
	return done(r);
}

/* The first that the path begins with. */
static const struct {
	const char *prefix;
	unsigned (*answer)(struct rest *r);
} paths[] = {
	{"tx/", transaction},
	{"block/notxdetails/", block_without_details},
	{"block/", block_with_details},
	{"blockhashbyheight/", hash_by_height},
	{"chaininfo", chain_info},
	{"headers/", headers},
	{"mempool/", mempool},
	{"getutxos/", utxos},
	{"getutxos", utxos},
};

static unsigned answer(struct rest *r)
{
	const char *path = r->request->path;

	for (size_t i = 0; i < BASE_COUNT(paths); i++) {
		size_t len = strlen(paths[i].prefix);

		if (strncmp(path, paths[i].prefix, len) != 0)
			continue;
		if (strlen(path + len) >= sizeof(r->path))
			return fail(r, BAD_REQUEST, "the path is too long");
		(void)strcpy(r->path, path + len);
		r->format = take_format(r->path);
		return paths[i].answer(r);
	}
	return NOT_FOUND;
}

unsigned node_rest(struct api_writer *out, const char **type,
		   struct node_rpc *rpc, const struct api_request *request)
{
	struct rest r = {.call = {.ctx = rpc, .out = out},
			 .request = request,
			 .type = "text/plain"};
	unsigned status;

	node_rpc_begin(rpc);
	status = answer(&r);
	if (!api_writer_ok(out))
		status = fail(&r, INTERNAL_ERROR,
			      "the reply is larger than %u bytes",
			      API_REPLY_MAX);
	node_rpc_end(rpc);
	*type = r.type;
	return status;
}
