/* SPDX-License-Identifier: MIT */
#include <sys/stat.h>

#include "node/rpc.h"

#define HASHPS_BLOCKS 120

enum api_code node_rpc_getblockcount(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	api_int(call->out, rpc->status.tip.height.n);
	return API_OK;
}

enum api_code node_rpc_getbestblockhash(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	api_hash(call->out, &rpc->status.tip.hash);
	return API_OK;
}

enum api_code node_rpc_getblockhash(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_rpc_block b;
	int64_t height = 0;
	enum api_code rc =
		api_param_int(&height, call, 0, INT32_MIN, INT32_MAX);

	if (rc != API_OK)
		return rc;
	if (height < 0 || height > rpc->status.tip.height.n)
		return api_fail(call, API_INVALID_PARAMETER,
				"Block height out of range");
	rc = node_rpc_block_at(&b, call,
			       (struct base_height){(uint32_t)height});
	if (rc == API_OK)
		api_hash(call->out, &b.hash);
	return rc;
}

static enum api_code find_tip(struct node_rpc_block *out, struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	return node_rpc_block_at(out, call, rpc->status.tip.height);
}

enum api_code node_rpc_getdifficulty(struct api_call *call)
{
	struct node_rpc_block tip;
	enum api_code rc = find_tip(&tip, call);

	if (rc == API_OK)
		api_real(call->out, node_rpc_difficulty(tip.header.bits));
	return rc;
}

static int64_t size_on_disk(const struct node_rpc *rpc)
{
	struct stat st;

	return stat(rpc->data_path, &st) == 0 ? (int64_t)st.st_blocks * 512 : 0;
}

static void put_no_warnings(struct api_writer *w)
{
	api_key(w, "warnings");
	api_array_begin(w);
	api_array_end(w);
}

enum api_code node_rpc_getblockchaininfo(struct api_call *call)
{
	struct node_rpc *rpc = call->ctx;
	struct api_writer *w = call->out;
	struct node_rpc_block tip;
	struct base_u256 work;
	enum api_code rc = find_tip(&tip, call);

	if (rc != API_OK)
		return rc;
	if (node_work_at(&work, &rpc->work, rpc->reader, tip.height) < 0)
		return api_fail(call, API_DATABASE,
				"the chain's work cannot be summed up");
	api_object_begin(w);
	api_put_string(w, "chain", rpc->params->name);
	api_put_int(w, "blocks", tip.height.n);
	api_put_int(w, "headers", tip.height.n);
	api_put_hash(w, "bestblockhash", &tip.hash);
	node_rpc_put_target(w, tip.header.bits);
	api_put_real(w, "difficulty", node_rpc_difficulty(tip.header.bits));
	api_put_int(w, "time", tip.header.time);
	api_put_int(w, "mediantime", chain_context_mtp(&rpc->status.tip));
	api_put_int(w, "verificationprogress", 1);
	api_put_bool(w, "initialblockdownload", false);
	node_rpc_put_work(w, "chainwork", &work);
	api_put_int(w, "size_on_disk", size_on_disk(rpc));
	api_put_bool(w, "pruned", false);
	put_no_warnings(w);
	api_object_end(w);
	return API_OK;
}

enum api_code node_rpc_getchaintips(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct api_writer *w = call->out;

	api_array_begin(w);
	api_object_begin(w);
	api_put_int(w, "height", rpc->status.tip.height.n);
	api_put_hash(w, "hash", &rpc->status.tip.hash);
	api_put_int(w, "branchlen", 0);
	api_put_string(w, "status", "active");
	api_object_end(w);
	api_array_end(w);
	return API_OK;
}

/* Work over time of @count blocks up to @height; Bitcoin Core's figure. */
static enum api_code network_hashps(double *out, struct api_call *call,
				    uint32_t count, struct base_height height)
{
	struct base_u256 sum = {{0}};
	struct node_rpc_block b;
	uint32_t least;
	uint32_t most;
	enum api_code rc = node_rpc_block_at(&b, call, height);

	if (count > height.n)
		count = height.n;
	least = b.header.time;
	most = least;
	*out = 0;
	for (uint32_t i = 0; i < count && rc == API_OK; i++) {
		struct base_u256 work = node_work_of(b.header.bits);

		(void)base_u256_add(&sum, &work);
		rc = node_rpc_block_at(&b, call,
				       (struct base_height){height.n - i - 1});
		if (b.header.time < least)
			least = b.header.time;
		if (b.header.time > most)
			most = b.header.time;
	}
	if (rc == API_OK && most > least)
		*out = node_work_to_double(&sum) / (double)(most - least);
	return rc;
}

enum api_code node_rpc_getnetworkhashps(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const uint32_t tip = rpc->status.tip.height.n;
	int64_t count = HASHPS_BLOCKS;
	int64_t height = -1;
	enum api_code rc = API_OK;
	double hps;

	if (call->param[0])
		rc = api_param_int(&count, call, 0, INT32_MIN, INT32_MAX);
	if (rc == API_OK && call->param[1])
		rc = api_param_int(&height, call, 1, INT32_MIN, INT32_MAX);
	if (rc != API_OK)
		return rc;
	if (count < -1 || count == 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Invalid nblocks. Must be a positive number "
				"or -1.");
	if (height < -1 || height > tip)
		return api_fail(call, API_INVALID_PARAMETER,
				"Block does not exist at specified height");
	if (height < 0)
		height = tip;
	if (count < 0)
		count = 1;
	rc = network_hashps(&hps, call, (uint32_t)count,
			    (struct base_height){(uint32_t)height});
	if (rc == API_OK)
		api_real(call->out, hps);
	return rc;
}

enum api_code node_rpc_getmininginfo(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const struct node_status *s = &rpc->status;
	uint32_t next = chain_context_next_bits(&s->tip, rpc->params);
	struct node_pool_view pool = node_rpc_pool(rpc);
	struct chain_mempool_totals totals;
	struct api_writer *w = call->out;
	struct node_rpc_block tip;
	double hps = 0;
	int pooled;
	enum api_code rc = find_tip(&tip, call);

	if (rc == API_OK)
		rc = network_hashps(&hps, call, HASHPS_BLOCKS, s->tip.height);
	if (rc != API_OK)
		return rc;
	pooled = node_pool_totals(&totals, &pool);
	if (pooled < 0)
		return node_rpc_pool_failed(call, pooled);
	api_object_begin(w);
	api_put_int(w, "blocks", s->tip.height.n);
	node_rpc_put_target(w, tip.header.bits);
	api_put_real(w, "difficulty", node_rpc_difficulty(tip.header.bits));
	api_put_real(w, "networkhashps", hps);
	api_put_int(w, "pooledtx", totals.count);
	api_put_string(w, "chain", rpc->params->name);
	api_key(w, "next");
	api_object_begin(w);
	api_put_int(w, "height", (int64_t)s->tip.height.n + 1);
	node_rpc_put_target(w, next);
	api_put_real(w, "difficulty", node_rpc_difficulty(next));
	api_object_end(w);
	api_put_int(w, "threads", s->threads);
	api_put_real(w, "hashespersec", s->hashes_per_second);
	api_put_bool(w, "paused", s->paused);
	api_put_bool(w, "holding", s->holding);
	api_put_bool(w, "blockheld", s->held);
	put_no_warnings(w);
	api_object_end(w);
	return API_OK;
}
