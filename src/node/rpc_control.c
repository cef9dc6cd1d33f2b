/* SPDX-License-Identifier: MIT */
#include "node/clock.h"
#include "node/rpc.h"

enum api_code node_rpc_uptime(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	api_int(call->out,
		(int64_t)((node_monotonic_ms() - rpc->started_ms) / 1000));
	return API_OK;
}

enum api_code node_rpc_stop(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	rpc->stop(rpc->stop_ctx);
	api_string(call->out, "minerd stopping");
	return API_OK;
}

/* Core's categories are here the levels of log.h: a level is active with all
 * that are more important. */
static const char *const log_levels[] = {"error", "warn", "info", "debug"};

/* Raises or lowers @level by each name of parameter @index. */
static enum api_code take_levels(int *level, struct api_call *call,
				 size_t index, bool include)
{
	const json_t *v;
	size_t i;

	json_array_foreach(call->param[index], i, v)
	{
		const char *name = json_string_value(v);
		int at = 0;

		while (name && at < (int)BASE_COUNT(log_levels) &&
		       strcmp(log_levels[at], name) != 0)
			at++;
		if (!name || at == (int)BASE_COUNT(log_levels))
			return api_fail(call, API_INVALID_PARAMETER,
					"unknown logging category %.100s",
					name ? name : "");
		if (!include && at == NODE_LOG_ERROR)
			return api_fail(call, API_INVALID_PARAMETER,
					"errors are always logged");
		if (include && *level < at)
			*level = at;
		if (!include && *level >= at)
			*level = at - 1;
	}
	return API_OK;
}

enum api_code node_rpc_logging(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	int level = (int)node_log_level(rpc->log);
	enum api_code rc = take_levels(&level, call, 0, true);

	if (rc == API_OK)
		rc = take_levels(&level, call, 1, false);
	if (rc != API_OK)
		return rc;
	node_log_set_level(rpc->log, (enum node_log_level)level);
	api_object_begin(call->out);
	for (int i = 0; i < (int)BASE_COUNT(log_levels); i++)
		api_put_bool(call->out, log_levels[i], i <= level);
	api_object_end(call->out);
	return API_OK;
}
