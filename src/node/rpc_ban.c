/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "net/addr.h"
#include "node/clock.h"
#include "node/parse.h"
#include "node/rpc.h"

#define BAN_DEFAULT_S 86400
#define BAN_TIME_MAX_S (INT64_C(1) << 40)

static uint64_t now_s(void)
{
	struct node_clock clock;

	node_clock_init(&clock);
	return node_clock_ms(&clock) / 1000;
}

static bool any_byte(const uint8_t *p, size_t len)
{
	uint8_t all = 0;

	for (size_t i = 0; i < len; i++)
		all |= p[i];
	return all != 0;
}

/* The member at this address: as the network file says, or as it is
 * connected. -1: none. */
static int member_at(const struct node_rpc *rpc, const struct net_view *v,
		     const uint8_t address[static 16])
{
	struct net_addr a;

	for (uint32_t i = 0; i < rpc->params->member_count; i++)
		if (net_addr_parse(&a, rpc->params->member[i].address) == 0 &&
		    memcmp(a.ip, address, sizeof(a.ip)) == 0)
			return (int)i;
	for (uint32_t i = 0; i < v->peers; i++)
		if (v->peer[i].member >= 0 &&
		    memcmp(v->peer[i].address, address, sizeof(a.ip)) == 0)
			return v->peer[i].member;
	return -1;
}

static bool is_member(const struct node_rpc *rpc, const uint8_t *id)
{
	for (uint32_t i = 0; i < rpc->params->member_count; i++)
		if (memcmp(rpc->params->member[i].node_id, id, NET_ID_SIZE) ==
		    0)
			return true;
	return false;
}

/* A member that connects from there would be shut out with the rest. */
static enum api_code spare_members(struct api_call *call,
				   const struct net_ban *ban)
{
	const struct node_rpc *rpc = call->ctx;
	struct net_view *v;
	int member;

	if (!any_byte(ban->address, sizeof(ban->address)))
		return API_OK;
	v = node_rpc_net_view(call);
	if (!v)
		return API_OUT_OF_MEMORY;
	member = member_at(rpc, v, ban->address);
	free(v);
	if (member < 0)
		return API_OK;
	return api_fail(call, API_INVALID_PARAMETER,
			"Error: member '%s' is at this address, and members "
			"are never banned; ban a node by its id",
			rpc->params->member[member].name);
}

/* Every ban; free it. NULL: failed with API_OUT_OF_MEMORY. */
static struct net_ban *all_bans(uint32_t *count, struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct net_ban *bans = calloc(NET_BANS_MAX, sizeof(*bans));

	if (!bans)
		(void)api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	else
		*count = rpc->net ? net_bans(bans, NET_BANS_MAX, rpc->net) : 0;
	return bans;
}

static bool same(const struct net_ban *a, const struct net_ban *b)
{
	return memcmp(a->id, b->id, sizeof(a->id)) == 0 &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* @b is lifted with @what: an offender is banned by key and address. */
static bool covers(const struct net_ban *what, const struct net_ban *b)
{
	if (any_byte(what->id, sizeof(what->id)))
		return memcmp(what->id, b->id, sizeof(b->id)) == 0;
	return memcmp(what->address, b->address, sizeof(b->address)) == 0;
}

/* Whether there is one for which @match holds. */
static enum api_code
find_ban(bool *out, struct api_call *call, const struct net_ban *ban,
	 bool (*match)(const struct net_ban *, const struct net_ban *))
{
	uint32_t count = 0;
	struct net_ban *bans = all_bans(&count, call);

	if (!bans)
		return API_OUT_OF_MEMORY;
	*out = false;
	for (uint32_t i = 0; i < count && !*out; i++)
		*out = match(ban, &bans[i]);
	free(bans);
	return API_OK;
}

/* Parameters 2 and 3: for how long, or until when. */
static enum api_code ban_until(uint64_t *out, struct api_call *call)
{
	bool absolute = json_is_true(call->param[3]);
	int64_t time = 0;
	enum api_code rc = API_OK;

	if (call->param[2])
		rc = api_param_int(&time, call, 2, 0, BAN_TIME_MAX_S);
	if (rc != API_OK)
		return rc;
	if (absolute && (uint64_t)time <= now_s())
		return api_fail(call, API_INVALID_PARAMETER,
				"Error: Absolute timestamp is in the past");
	if (time == 0)
		time = BAN_DEFAULT_S;
	*out = absolute ? (uint64_t)time : now_s() + (uint64_t)time;
	return API_OK;
}

static enum api_code add_ban(struct api_call *call, struct net_ban *ban)
{
	const struct node_rpc *rpc = call->ctx;
	bool banned = false;
	enum api_code rc = find_ban(&banned, call, ban, same);

	if (rc == API_OK && banned)
		rc = api_fail(call, API_NODE_ALREADY_ADDED,
			      "Error: IP/Subnet already banned");
	if (rc == API_OK)
		rc = spare_members(call, ban);
	if (rc == API_OK)
		rc = ban_until(&ban->until_s, call);
	if (rc != API_OK)
		return rc;
	return node_rpc_net_done(call, net_set_ban(rpc->net, ban));
}

static enum api_code remove_ban(struct api_call *call,
				const struct net_ban *ban)
{
	const struct node_rpc *rpc = call->ctx;
	bool banned = false;
	enum api_code rc = find_ban(&banned, call, ban, covers);

	/* How long a member is refused is on no list. */
	if (rc == API_OK && !banned && !is_member(rpc, ban->id))
		rc = api_fail(call, API_INVALID_SUBNET,
			      "Error: Unban failed. Requested address/subnet "
			      "was not previously manually banned.");
	if (rc != API_OK)
		return rc;
	return node_rpc_net_done(call, net_set_ban(rpc->net, ban));
}

enum api_code node_rpc_setban(struct api_call *call)
{
	const char *subject = json_string_value(call->param[0]);
	const char *command = json_string_value(call->param[1]);
	const struct node_rpc *rpc = call->ctx;
	struct net_ban ban;
	bool add = strcmp(command, "add") == 0;
	enum api_code rc;

	if (!add && strcmp(command, "remove") != 0)
		return api_fail_usage(call);
	rc = node_rpc_need_net(call);
	if (rc != API_OK)
		return rc;
	if (node_parse_ban(&ban, subject) < 0)
		return api_fail(call, API_INVALID_SUBNET,
				"Error: Invalid IP/Subnet: a node id of 64 hex "
				"digits or a single address can be banned");
	if (!any_byte(ban.id, sizeof(ban.id)) &&
	    !any_byte(ban.address, sizeof(ban.address)))
		return api_fail(call, API_INVALID_SUBNET,
				"Error: Invalid IP/Subnet: no node has that "
				"id");
	ban.manual = true;
	if (memcmp(ban.id, net_id(rpc->net), sizeof(ban.id)) == 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Error: %.64s is this node", subject);
	return add ? add_ban(call, &ban) : remove_ban(call, &ban);
}

static void put_ban(struct api_writer *w, const struct net_ban *ban,
		    uint64_t now)
{
	struct net_addr a = {.port = 0};
	char text[NET_ADDR_TEXT_MAX];
	char subnet[NET_ADDR_TEXT_MAX + 8];
	bool v6;

	memcpy(a.ip, ban->address, sizeof(a.ip));
	net_addr_text(text, &a);
	v6 = *text == '[';
	/* Without the port and the brackets. */
	text[strlen(text) - (v6 ? 3 : 2)] = '\0';
	(void)snprintf(subnet, sizeof(subnet), "%s/%d", text + v6,
		       v6 ? 128 : 32);
	api_object_begin(w);
	if (any_byte(ban->address, sizeof(ban->address)))
		api_put_string(w, "address", subnet);
	if (any_byte(ban->id, sizeof(ban->id)))
		api_put_hex(w, "nodeid", ban->id, sizeof(ban->id));
	api_put_int(w, "banned_until", (int64_t)ban->until_s);
	api_put_int(w, "time_remaining",
		    ban->until_s > now ? (int64_t)(ban->until_s - now) : 0);
	api_put_bool(w, "manual", ban->manual);
	api_object_end(w);
}

enum api_code node_rpc_listbanned(struct api_call *call)
{
	const uint64_t now = now_s();
	uint32_t count = 0;
	struct net_ban *bans = all_bans(&count, call);

	if (!bans)
		return API_OUT_OF_MEMORY;
	api_array_begin(call->out);
	for (uint32_t i = 0; i < count; i++)
		put_ban(call->out, &bans[i], now);
	api_array_end(call->out);
	free(bans);
	return API_OK;
}

enum api_code node_rpc_clearbanned(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	enum api_code rc = node_rpc_need_net(call);

	if (rc != API_OK)
		return rc;
	return node_rpc_net_done(call, net_clear_bans(rpc->net));
}
