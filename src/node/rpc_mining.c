/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "node/mining.h"
#include "node/rpc.h"

static enum api_code act(struct api_call *call, enum node_mining_act what)
{
	const struct node_rpc *rpc = call->ctx;

	switch (node_mining(rpc->asks, &rpc->answered, what)) {
	case 0:
		api_null(call->out);
		return API_OK;
	case -ENOTSUP:
		return api_fail(call, API_MISC,
				"this node does not mine: it was started as "
				"a full or light node, or signs nothing");
	case -ENOENT:
		return api_fail(call, API_NOT_FOUND,
				"no block waits: what is found is proposed by "
				"itself, unless holdblocks keeps it back");
	default:
		return api_fail(call, API_MISC,
				"the node is busy with other requests; try "
				"again");
	}
}

enum api_code node_rpc_broadcastblock(struct api_call *call)
{
	return act(call, NODE_MINING_BROADCAST);
}

enum api_code node_rpc_holdblocks(struct api_call *call)
{
	return act(call, json_is_true(call->param[0]) ? NODE_MINING_HOLD
						      : NODE_MINING_LET_GO);
}

enum api_code node_rpc_pausemining(struct api_call *call)
{
	return act(call, NODE_MINING_PAUSE);
}

enum api_code node_rpc_resumemining(struct api_call *call)
{
	return act(call, NODE_MINING_RESUME);
}
