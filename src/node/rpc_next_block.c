/* SPDX-License-Identifier: MIT */
/* What goes into the next block: its price, and the operator's choices. */
#include <errno.h>

#include "node/rpc.h"

#define BLOCKS_MAX 1008 /* Bitcoin Core's longest estimate */

/* Header, coinbase and its witness leave the rest of a block to others. */
#define COINBASE_ROOM 1000

enum api_code node_rpc_estimatesmartfee(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_pool_view pool = node_rpc_pool(rpc);
	const uint64_t room = rpc->params->max_block_bytes - COINBASE_ROOM;
	const char *mode = json_string_value(call->param[1]);
	struct api_writer *w = call->out;
	uint64_t rate = 0;
	int64_t blocks = 0;
	enum api_code code =
		api_param_int(&blocks, call, 0, INT32_MIN, INT32_MAX);
	int rc;

	if (code != API_OK)
		return code;
	if (blocks < 1 || blocks > BLOCKS_MAX)
		return api_fail(call, API_INVALID_PARAMETER,
				"Invalid conf_target, must be between 1 and %d",
				BLOCKS_MAX);
	if (mode && strcmp(mode, "unset") != 0 &&
	    strcmp(mode, "economical") != 0 &&
	    strcmp(mode, "conservative") != 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Invalid estimate_mode parameter, must be one "
				"of: \"unset\", \"economical\", "
				"\"conservative\"");
	rc = node_pool_next_rate(&rate, &pool, (uint64_t)blocks * room);
	if (rc < 0)
		return node_rpc_pool_failed(call, rc);
	api_object_begin(w);
	api_put_amount(w, "feerate", (struct base_amount){(int64_t)rate});
	api_put_int(w, "blocks", blocks);
	api_object_end(w);
	return API_OK;
}

static enum api_code note(struct api_call *call, enum node_pool_note note,
			  int64_t delta)
{
	struct node_pool_view pool = node_rpc_pool(call->ctx);
	struct base_hash txid;
	enum api_code code = api_param_hash(&txid, call, 0);
	int rc;

	if (code != API_OK)
		return code;
	rc = node_pool_note(&pool, &txid, note, delta);
	if (rc == -ENOSPC)
		return api_fail(call, API_MISC,
				"%d transactions are noted already; they are "
				"forgotten when they are in a block",
				CHAIN_MEMPOOL_NOTES_MAX);
	if (rc == -ERANGE)
		return api_fail(call, API_INVALID_PARAMETER,
				"the sum of fee deltas is out of range");
	if (rc < 0)
		return node_rpc_pool_failed(call, rc);
	api_bool(call->out, true);
	return API_OK;
}

enum api_code node_rpc_pintransaction(struct api_call *call)
{
	return note(call, NODE_POOL_PIN, 0);
}

enum api_code node_rpc_excludetransaction(struct api_call *call)
{
	return note(call, NODE_POOL_EXCLUDE, 0);
}

enum api_code node_rpc_unpintransaction(struct api_call *call)
{
	return note(call, NODE_POOL_UNMARK, 0);
}

enum api_code node_rpc_prioritisetransaction(struct api_call *call)
{
	int64_t delta = 0;
	enum api_code code;

	if (call->param[1] && json_number_value(call->param[1]) != 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Priority is no longer supported, dummy "
				"argument to prioritisetransaction must be 0.");
	if (!call->param[2])
		return api_fail(call, API_MISC, "fee_delta is missing");
	code = api_param_int(&delta, call, 2, -BASE_MAX_MONEY, BASE_MAX_MONEY);
	return code == API_OK ? note(call, NODE_POOL_DELTA, delta) : code;
}
