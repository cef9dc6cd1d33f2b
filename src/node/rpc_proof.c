/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "chain/merkle_proof.h"
#include "node/rpc.h"

/* Outputs looked up to find the block of a transaction by what is unspent of
 * it: takes some tens of milliseconds. */
#define LOOKUPS_MAX 50000u

/* The transactions that a proof is asked for. */
struct wanted {
	struct base_hash *txid;
	size_t count;
};

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct base_hash));
}

/* Takes the ids, sorted. The caller frees w->txid. */
static enum api_code take_txids(struct wanted *w, struct api_call *call)
{
	const json_t *in = call->param[0];
	char hex[BASE_HASH_HEX_SIZE];

	w->count = json_array_size(in);
	if (w->count == 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Parameter 'txids' cannot be empty");
	w->txid = calloc(w->count, sizeof(*w->txid));
	if (!w->txid)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	for (size_t i = 0; i < w->count; i++) {
		const char *text = json_string_value(json_array_get(in, i));

		if (!text)
			return api_fail(call, API_TYPE,
					"JSON value is not of expected type "
					"string");
		if (base_hash_from_hex(&w->txid[i], text) < 0)
			return api_fail(call, API_INVALID_PARAMETER,
					"txid must be a string of 64 "
					"hexadecimal digits (not '%.100s')",
					text);
	}
	qsort(w->txid, w->count, sizeof(*w->txid), by_bytes);
	for (size_t i = 1; i < w->count; i++)
		if (base_hash_equal(&w->txid[i - 1], &w->txid[i])) {
			base_hash_to_hex(hex, &w->txid[i]);
			return api_fail(call, API_INVALID_PARAMETER,
					"Invalid parameter, duplicated txid: "
					"%s",
					hex);
		}
	return API_OK;
}

/* The block of the first of them, where the store has an index, or the one
 * that made an unspent output of any. */
static enum api_code find_block(struct node_rpc_block *out,
				struct api_call *call, const struct wanted *w)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_height height;
	struct chain_coin coin;

	if (rpc->reader &&
	    store_tx_height(&height, rpc->reader, &w->txid[0]) == 0)
		return node_rpc_block_at(out, call, height);
	for (uint32_t n = 0; n < LOOKUPS_MAX; n++) {
		const struct chain_outpoint at = {
			.txid = w->txid[n % w->count],
			.index = (uint32_t)(n / w->count)};
		int rc = rpc->reader ? store_coin_at(&coin, rpc->reader, &at)
				     : -EIO;

		if (rc == 0)
			return node_rpc_block_at(out, call, coin.height);
		if (rc != -ENOENT)
			return api_fail(call, API_DATABASE,
					"the coins cannot be read from disk");
	}
	return api_fail(call, API_NOT_FOUND,
			"Transaction not yet in block, or all of its outputs "
			"are spent; then provide the block hash");
}

/* The tree's leaves, and which of them are wanted. */
struct leaves {
	struct base_hash *txid;
	bool *proved;
	uint32_t count;
};

static enum api_code read_leaves(struct leaves *l, struct api_call *call,
				 const struct node_rpc_block *b,
				 const struct wanted *want)
{
	struct base_reader r;
	uint64_t count = node_rpc_block_txs(&r, b);
	uint8_t *scratch = malloc(b->len);
	size_t found = 0;
	int rc = 0;

	if (count == 0 || count > b->len / CHAIN_TX_SIZE_MIN)
		rc = -EBADMSG;
	if (rc == 0) {
		l->count = (uint32_t)count;
		l->txid = calloc(count, sizeof(*l->txid));
		l->proved = calloc(count, sizeof(*l->proved));
	}
	if (rc == 0 && (!l->txid || !l->proved || !scratch))
		rc = -ENOMEM;
	for (uint32_t i = 0; i < l->count && rc == 0; i++) {
		struct chain_tx_view tx;

		rc = chain_tx_parse(&tx, &r);
		if (rc < 0)
			break;
		chain_txid(&l->txid[i], scratch, &tx);
		l->proved[i] = bsearch(&l->txid[i], want->txid, want->count,
				       sizeof(*want->txid), by_bytes);
		found += l->proved[i];
	}
	free(scratch);
	if (rc == -ENOMEM)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	if (rc < 0)
		return api_fail(call, API_DATABASE, "block %u is damaged",
				b->height.n);
	if (found != want->count)
		return api_fail(call, API_NOT_FOUND,
				"Not all transactions found in specified or "
				"retrieved block");
	return API_OK;
}

static enum api_code put_proof(struct api_call *call,
			       const struct node_rpc_block *b,
			       const struct wanted *want)
{
	struct leaves l = {.count = 0};
	uint8_t *proof = NULL;
	enum api_code rc = read_leaves(&l, call, b, want);

	if (rc == API_OK) {
		size_t cap =
			CHAIN_HEADER_SIZE + chain_merkle_proof_size(l.count);
		struct base_writer w;

		proof = malloc(cap);
		w = base_writer_init(proof, proof ? cap : 0);
		base_write_bytes(&w, b->data, CHAIN_HEADER_SIZE);
		if (proof)
			chain_merkle_proof_write(&w, l.txid, l.proved, l.count);
		if (base_writer_ok(&w))
			api_hex(call->out, proof, w.len);
		else
			rc = api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	}
	free(proof);
	free(l.txid);
	free(l.proved);
	return rc;
}

enum api_code node_rpc_gettxoutproof(struct api_call *call)
{
	struct wanted want = {.count = 0};
	struct node_rpc_block b;
	struct base_hash hash;
	enum api_code rc = take_txids(&want, call);

	if (rc == API_OK && call->param[1]) {
		rc = api_param_hash(&hash, call, 1);
		if (rc == API_OK)
			rc = node_rpc_block_by_hash(&b, call, &hash);
	} else if (rc == API_OK) {
		rc = find_block(&b, call, &want);
	}
	if (rc == API_OK)
		rc = put_proof(call, &b, &want);
	free(want.txid);
	return rc;
}

/* A proof whose tree does not lead to the root in its header proves nothing;
 * one that does is worth what its header is. */
static enum api_code put_proved(struct api_call *call,
				const struct chain_header *header,
				const struct chain_merkle_proof *proof,
				struct base_hash *leaf, uint32_t *index)
{
	struct node_rpc_block b;
	struct base_reader r;
	struct base_hash hash;
	uint32_t count = 0;
	enum api_code rc;

	if (chain_merkle_proof_extract(&hash, leaf, index, &count, proof) < 0 ||
	    !base_hash_equal(&hash, &header->merkle_root))
		return API_OK;
	chain_header_hash(&hash, header);
	rc = node_rpc_block_by_hash(&b, call, &hash);
	if (rc == API_NOT_FOUND)
		return api_fail(call, rc, "Block not found in chain");
	if (rc != API_OK)
		return rc;
	if (node_rpc_block_txs(&r, &b) != proof->total)
		return API_OK;
	for (uint32_t i = 0; i < count; i++)
		api_hash(call->out, &leaf[i]);
	return API_OK;
}

static enum api_code verify_proof(struct api_call *call, const uint8_t *data,
				  size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	const uint8_t *head = base_read_bytes(&r, CHAIN_HEADER_SIZE);
	struct chain_merkle_proof proof;
	struct chain_header header;
	struct base_hash *leaf;
	uint32_t *index;
	enum api_code rc;

	if (!head || chain_merkle_proof_read(&proof, &r) < 0)
		return api_fail(call, API_DESERIALIZATION,
				"the proof is malformed");
	chain_header_read(&header, head);
	leaf = calloc(proof.hash_count + 1u, sizeof(*leaf));
	index = calloc(proof.hash_count + 1u, sizeof(*index));
	api_array_begin(call->out);
	rc = leaf && index ? put_proved(call, &header, &proof, leaf, index)
			   : api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	api_array_end(call->out);
	free(leaf);
	free(index);
	return rc;
}

enum api_code node_rpc_verifytxoutproof(struct api_call *call)
{
	const char *hex = json_string_value(call->param[0]);
	size_t len = strlen(hex) / 2;
	uint8_t *data = malloc(len + 1);
	enum api_code rc;

	if (!data)
		rc = api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	else if (base_from_hex(data, len, hex) < 0)
		rc = api_fail(call, API_INVALID_PARAMETER,
			      "proof must be hexadecimal string (not '%.100s')",
			      hex);
	else
		rc = verify_proof(call, data, len);
	free(data);
	return rc;
}
