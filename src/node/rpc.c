/* SPDX-License-Identifier: MIT */
#include "node/rpc.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "pow/target.h"

void node_rpc_begin(struct node_rpc *rpc)
{
	struct base_error err;

	/* The status first: its tip is on disk, hence in the snapshot. */
	node_status_read(&rpc->status, rpc->board);
	rpc->reader = NULL;
	if (store_read_begin(&rpc->reader, rpc->store, &err) < 0)
		rpc->reader = NULL;
}

void node_rpc_end(struct node_rpc *rpc)
{
	if (rpc->reader)
		store_read_end(rpc->reader);
	rpc->reader = NULL;
	/* Addresses may have been handed out. */
	for (int i = 0; rpc->light && rpc->wallet && i < NODE_BRANCHES; i++)
		node_light_use(rpc->light, (enum node_branch)i,
			       rpc->wallet->next[i]);
}

struct node_pool_view node_rpc_pool(const struct node_rpc *rpc)
{
	return (struct node_pool_view){.asks = rpc->asks,
				       .asker = &rpc->answered};
}

enum api_code node_rpc_pool_failed(struct api_call *call, int rc)
{
	switch (rc) {
	case -ENOENT:
		return api_fail(call, API_NOT_FOUND,
				"Transaction not in mempool");
	case -EAGAIN:
		return api_fail(call, API_MISC,
				"the node is busy with other requests; try "
				"again");
	case -ENOMEM:
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	default:
		return api_fail(call, API_DATABASE,
				"the coins cannot be read from disk");
	}
}

enum api_code node_rpc_block_at(struct node_rpc_block *out,
				struct api_call *call,
				struct base_height height)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_rpc_block b = {.height = height};
	int rc = -EIO;

	if (height.n > rpc->status.tip.height.n)
		return api_fail(call, API_NOT_FOUND, "Block not found");
	if (rpc->reader)
		rc = store_block_at(&b.data, &b.len, rpc->reader, height);
	if (rc < 0 || b.len < CHAIN_HEADER_SIZE)
		return api_fail(call, API_DATABASE,
				"block %u cannot be read from disk", height.n);
	chain_header_read(&b.header, b.data);
	chain_header_hash(&b.hash, &b.header);
	*out = b;
	return API_OK;
}

enum api_code node_rpc_block_by_hash(struct node_rpc_block *out,
				     struct api_call *call,
				     const struct base_hash *hash)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_height height;
	int rc = -EIO;

	if (rpc->reader)
		rc = store_height_of(&height, rpc->reader, hash);
	if (rc == -ENOENT)
		return api_fail(call, API_NOT_FOUND, "Block not found");
	if (rc < 0)
		return api_fail(call, API_DATABASE,
				"the chain cannot be read from disk");
	return node_rpc_block_at(out, call, height);
}

uint64_t node_rpc_block_txs(struct base_reader *out,
			    const struct node_rpc_block *b)
{
	*out = base_reader_init(b->data + CHAIN_HEADER_SIZE,
				b->len - CHAIN_HEADER_SIZE);
	return base_read_compact_size(out);
}

double node_rpc_difficulty(uint32_t bits)
{
	double difficulty = 65535.0 / (double)(bits & 0x00ffffff);
	int exponent = (int)(bits >> 24);

	for (; exponent < 29; exponent++)
		difficulty *= 256.0;
	for (; exponent > 29; exponent--)
		difficulty /= 256.0;
	return difficulty;
}

void node_rpc_put_work(struct api_writer *w, const char *key,
		       const struct base_u256 *work)
{
	struct base_hash hash;

	base_u256_to_hash(&hash, work);
	api_put_hash(w, key, &hash);
}

void node_rpc_put_target(struct api_writer *w, uint32_t bits)
{
	struct base_u256 target = {{0}};
	char text[9];

	(void)snprintf(text, sizeof(text), "%08x", bits);
	api_put_string(w, "bits", text);
	/* Bits of the chain are a target; genesis' are checked at start. */
	if (pow_target_from_bits(&target, bits) == 0)
		node_rpc_put_work(w, "target", &target);
}
