/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "chain/block.h"
#include "node/rpc.h"

/* The median time of the blocks up to @b, as the next one's rule sees it. */
static enum api_code median_time(uint32_t *out, struct api_call *call,
				 const struct node_rpc_block *b)
{
	struct chain_context ctx = {.time = {b->header.time}, .time_count = 1};
	enum api_code rc = API_OK;

	while (rc == API_OK && ctx.time_count < CHAIN_MTP_BLOCKS &&
	       ctx.time_count <= b->height.n) {
		struct node_rpc_block before;

		rc = node_rpc_block_at(
			&before, call,
			(struct base_height){b->height.n - ctx.time_count});
		if (rc == API_OK)
			ctx.time[ctx.time_count++] = before.header.time;
	}
	if (rc == API_OK)
		*out = chain_context_mtp(&ctx);
	return rc;
}

static uint64_t tx_count(const struct node_rpc_block *b)
{
	struct base_reader r;

	return node_rpc_block_txs(&r, b);
}

static void put_members(struct api_writer *w, const struct node_rpc *rpc,
			const struct node_rpc_block *b, uint32_t mediantime,
			const struct base_u256 *work)
{
	char text[9];

	api_put_hash(w, "hash", &b->hash);
	api_put_int(w, "confirmations",
		    (int64_t)rpc->status.tip.height.n - b->height.n + 1);
	api_put_int(w, "height", b->height.n);
	api_put_int(w, "version", (int32_t)b->header.version);
	(void)snprintf(text, sizeof(text), "%08x", b->header.version);
	api_put_string(w, "versionHex", text);
	api_put_hash(w, "merkleroot", &b->header.merkle_root);
	api_put_int(w, "time", b->header.time);
	api_put_int(w, "mediantime", mediantime);
	api_put_int(w, "nonce", b->header.nonce);
	node_rpc_put_target(w, b->header.bits);
	api_put_real(w, "difficulty", node_rpc_difficulty(b->header.bits));
	node_rpc_put_work(w, "chainwork", work);
	api_put_int(w, "nTx", (int64_t)tx_count(b));
	if (b->height.n > 0)
		api_put_hash(w, "previousblockhash", &b->header.prev);
}

/* Everything that a header's object says, into an open object. */
enum api_code node_rpc_put_header(struct api_call *call,
				  const struct node_rpc_block *b)
{
	struct node_rpc *rpc = call->ctx;
	struct node_rpc_block next;
	struct base_u256 work;
	uint32_t mediantime = 0;
	enum api_code rc = median_time(&mediantime, call, b);

	if (rc == API_OK &&
	    node_work_at(&work, &rpc->work, rpc->reader, b->height) < 0)
		rc = api_fail(call, API_DATABASE,
			      "the chain's work cannot be summed up");
	if (rc != API_OK)
		return rc;
	put_members(call->out, rpc, b, mediantime, &work);
	if (b->height.n == rpc->status.tip.height.n)
		return API_OK;
	rc = node_rpc_block_at(&next, call,
			       (struct base_height){b->height.n + 1});
	if (rc == API_OK)
		api_put_hash(call->out, "nextblockhash", &next.hash);
	return rc;
}

static enum api_code find_block(struct node_rpc_block *out,
				struct api_call *call)
{
	struct base_hash hash;
	enum api_code rc = api_param_hash(&hash, call, 0);

	return rc == API_OK ? node_rpc_block_by_hash(out, call, &hash) : rc;
}

enum api_code node_rpc_getblockheader(struct api_call *call)
{
	struct node_rpc_block b;
	enum api_code rc = find_block(&b, call);

	if (rc != API_OK)
		return rc;
	if (json_is_false(call->param[1])) {
		api_hex(call->out, b.data, CHAIN_HEADER_SIZE);
		return API_OK;
	}
	api_object_begin(call->out);
	rc = node_rpc_put_header(call, &b);
	api_object_end(call->out);
	return rc;
}

static enum api_code damaged(struct api_call *call,
			     const struct node_rpc_block *b)
{
	return api_fail(call, API_DATABASE, "block %u is damaged", b->height.n);
}

/* The bytes of the block without witnesses. */
static enum api_code stripped_size(size_t *out, struct api_call *call,
				   const struct node_rpc_block *b)
{
	struct base_reader r;
	uint64_t count = node_rpc_block_txs(&r, b);
	size_t sum = CHAIN_HEADER_SIZE + base_compact_size_len(count);

	for (uint64_t i = 0; i < count; i++) {
		struct chain_tx_view tx;

		if (chain_tx_parse(&tx, &r) < 0)
			return damaged(call, b);
		sum += tx.stripped_len;
	}
	*out = sum;
	return API_OK;
}

static enum api_code put_txs(struct api_call *call,
			     const struct node_rpc_block *b, bool details,
			     uint8_t *scratch)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_reader r;
	uint64_t count = node_rpc_block_txs(&r, b);
	struct api_writer *w = call->out;

	api_key(w, "tx");
	api_array_begin(w);
	for (uint64_t i = 0; i < count; i++) {
		struct chain_tx_view tx;
		struct base_hash id;

		if (chain_tx_parse(&tx, &r) < 0)
			return damaged(call, b);
		if (details) {
			api_object_begin(w);
			node_rpc_put_tx(w, &tx, rpc->params, scratch);
			api_put_hex(w, "hex", tx.data, tx.len);
			api_object_end(w);
		} else {
			chain_txid(&id, scratch, &tx);
			api_hash(w, &id);
		}
	}
	api_array_end(w);
	return API_OK;
}

enum api_code node_rpc_put_block(struct api_call *call,
				 const struct node_rpc_block *b, bool details)
{
	uint8_t *scratch = malloc(b->len);
	struct api_writer *w = call->out;
	size_t stripped = 0;
	enum api_code rc;

	if (!scratch)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	api_object_begin(w);
	rc = node_rpc_put_header(call, b);
	if (rc == API_OK)
		rc = stripped_size(&stripped, call, b);
	if (rc == API_OK) {
		api_put_int(w, "strippedsize", (int64_t)stripped);
		api_put_int(w, "size", (int64_t)b->len);
		api_put_int(w, "weight", (int64_t)(3 * stripped + b->len));
		rc = put_txs(call, b, details, scratch);
	}
	api_object_end(w);
	free(scratch);
	return rc;
}

enum api_code node_rpc_getblock(struct api_call *call)
{
	struct node_rpc_block b;
	int64_t verbosity = 1;
	enum api_code rc;

	/* Core's first form of it was a flag. */
	if (json_is_boolean(call->param[1]))
		verbosity = json_is_true(call->param[1]);
	else if (call->param[1]) {
		rc = api_param_int(&verbosity, call, 1, INT32_MIN, INT32_MAX);
		if (rc != API_OK)
			return rc;
	}
	rc = find_block(&b, call);
	if (rc != API_OK)
		return rc;
	if (verbosity <= 0) {
		api_hex(call->out, b.data, b.len);
		return API_OK;
	}
	return node_rpc_put_block(call, &b, verbosity >= 2);
}
