/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/bytes.h"
#include "chain/mempool.h"
#include "net/addr.h"
#include "node/parse.h"
#include "node/rpc.h"
#include "node/version.h"

#define ID_HEX_SIZE (2 * NET_ID_SIZE + 1)

static const char *const mode_name[NET_MODES] = {
	[NET_MINER] = "miner",
	[NET_FULL_NODE] = "full",
	[NET_LIGHT] = "light",
};

struct net_view *node_rpc_net_view(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct net_view *v = calloc(1, sizeof(*v));

	if (!v)
		(void)api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	else if (rpc->net)
		net_look(v, rpc->net);
	return v;
}

enum api_code node_rpc_need_net(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	if (rpc->net)
		return API_OK;
	return api_fail(call, API_NO_NETWORK,
			"Error: Peer-to-peer functionality missing or "
			"disabled");
}

enum api_code node_rpc_net_done(struct api_call *call, int rc)
{
	if (rc < 0)
		return api_fail(call, API_MISC,
				"the network is busy with other commands; try "
				"again");
	api_null(call->out);
	return API_OK;
}

enum api_code node_rpc_getconnectioncount(struct api_call *call)
{
	struct net_view *v = node_rpc_net_view(call);

	if (!v)
		return API_OUT_OF_MEMORY;
	api_int(call->out, v->peers);
	free(v);
	return API_OK;
}

/* "1.2.3.4:5", and whether that is IPv6. */
static bool peer_text(char out[static NET_ADDR_TEXT_MAX],
		      const struct net_peer_info *p)
{
	struct net_addr a = {.port = p->port};

	memcpy(a.ip, p->address, sizeof(a.ip));
	net_addr_text(out, &a);
	return *out == '[';
}

/* What it said to our wish for the chain; null: we did not ask. */
static void put_wish(struct api_writer *w, const struct net_peer_info *p)
{
	static const char *const names[NET_WISHES] = {
		[NET_WISH_SENT] = "asked",
		[NET_WISH_GRANTED] = "granted",
		[NET_WISH_REFUSED] = "refused",
		[NET_WISH_NOT_FULL] = "not-full",
	};

	api_key(w, "chainaccess");
	if (p->wish == NET_WISH_NONE || p->wish >= NET_WISHES)
		api_null(w);
	else
		api_string(w, names[p->wish]);
	if (p->wish == NET_WISH_REFUSED)
		api_put_string(
			w, "refusal",
			net_reason_name((enum net_reason)p->wish_reason));
}

static void put_peer(struct api_writer *w, const struct net_peer_info *p,
		     const struct chain_params *params)
{
	char addr[NET_ADDR_TEXT_MAX];
	bool v6 = peer_text(addr, p);

	api_object_begin(w);
	api_put_int(w, "id", p->slot);
	api_put_string(w, "addr", addr);
	api_put_string(w, "network", v6 ? "ipv6" : "ipv4");
	api_put_hex(w, "nodeid", p->id, sizeof(p->id));
	api_key(w, "member");
	if (p->member >= 0 && (uint32_t)p->member < params->member_count)
		api_string(w, params->member[p->member].name);
	else
		api_null(w);
	api_put_string(w, "mode",
		       p->mode < NET_MODES ? mode_name[p->mode] : "?");
	api_put_int(w, "lastsend", (int64_t)(p->last_out_ms / 1000));
	api_put_int(w, "lastrecv", (int64_t)(p->last_in_ms / 1000));
	api_put_int(w, "bytessent", (int64_t)p->bytes_out);
	api_put_int(w, "bytesrecv", (int64_t)p->bytes_in);
	api_put_int(w, "conntime", (int64_t)(p->up_ms / 1000));
	if (p->ping_us > 0)
		api_put_real(w, "pingtime", (double)p->ping_us / 1e6);
	api_put_int(w, "version", p->version);
	api_put_bool(w, "inbound", !p->outbound);
	api_put_int(w, "startingheight", (int64_t)p->height);
	api_put_string(w, "connection_type",
		       p->outbound ? "outbound-full-relay" : "inbound");
	api_put_string(w, "transport_protocol_type", "tls");
	api_put_bool(w, "access", p->granted);
	put_wish(w, p);
	api_put_int(w, "score", p->score);
	api_put_int(w, "sendqueue", p->queue_out);
	api_put_int(w, "recvqueue", p->queue_in);
	api_object_end(w);
}

enum api_code node_rpc_getpeerinfo(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct net_view *v = node_rpc_net_view(call);

	if (!v)
		return API_OUT_OF_MEMORY;
	api_array_begin(call->out);
	for (uint32_t i = 0; i < v->peers; i++)
		put_peer(call->out, &v->peer[i], rpc->params);
	api_array_end(call->out);
	free(v);
	return API_OK;
}

/* 0.1.2 is 102, as Core counts. */
static int64_t version_number(void)
{
	unsigned major = 0;
	unsigned minor = 0;
	unsigned patch = 0;

	(void)sscanf(NODE_VERSION_TEXT, "%u.%u.%u", &major, &minor, &patch);
	return (int64_t)major * 10000 + (int64_t)minor * 100 + patch;
}

/* Those that Core asks about; through no proxy. */
static void put_networks(struct api_writer *w, bool on)
{
	static const char *const names[] = {"ipv4", "ipv6"};

	api_key(w, "networks");
	api_array_begin(w);
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		api_object_begin(w);
		api_put_string(w, "name", names[i]);
		api_put_bool(w, "limited", !on);
		api_put_bool(w, "reachable", on);
		api_put_string(w, "proxy", "");
		api_put_bool(w, "proxy_randomize_credentials", false);
		api_object_end(w);
	}
	api_array_end(w);
}

static void put_nothing(struct api_writer *w, const char *key)
{
	api_key(w, key);
	api_array_begin(w);
	api_array_end(w);
}

/* What Core does not have. */
static void put_own(struct api_writer *w, const struct net *net,
		    const struct net_view *v)
{
	api_key(w, "nodeid");
	if (net)
		api_hex(w, net_id(net), NET_ID_SIZE);
	else
		api_null(w);
	api_put_string(w, "listen", net ? net_address(net) : "");
	api_put_int(w, "members", v->members);
	api_put_int(w, "addresses", v->addresses);
	api_put_int(w, "bans", v->bans);
	api_put_int(w, "memory", (int64_t)v->memory);
	api_put_int(w, "memoryheld", (int64_t)v->held);
	api_key(w, "counters");
	api_object_begin(w);
	for (int c = 0; c < NET_COUNTERS; c++)
		api_put_int(w, net_counter_name((enum net_counter)c),
			    (int64_t)v->counter[c]);
	api_object_end(w);
}

enum api_code node_rpc_getnetworkinfo(struct api_call *call)
{
	const struct base_amount relay = {CHAIN_MEMPOOL_RELAY_FEE};
	const struct node_rpc *rpc = call->ctx;
	struct net_view *v = node_rpc_net_view(call);
	struct api_writer *w = call->out;
	uint32_t outbound = 0;

	if (!v)
		return API_OUT_OF_MEMORY;
	for (uint32_t i = 0; i < v->peers; i++)
		outbound += v->peer[i].outbound;
	api_object_begin(w);
	api_put_int(w, "version", version_number());
	api_put_string(w, "subversion", "/minerd:" NODE_VERSION_TEXT "/");
	api_put_int(w, "protocolversion", NET_VERSION);
	api_put_string(w, "localservices", "0000000000000000");
	put_nothing(w, "localservicesnames");
	api_put_bool(w, "localrelay", rpc->net != NULL);
	api_put_int(w, "timeoffset", 0);
	api_put_bool(w, "networkactive", rpc->net != NULL);
	api_put_int(w, "connections", v->peers);
	api_put_int(w, "connections_in", v->peers - outbound);
	api_put_int(w, "connections_out", outbound);
	put_networks(w, rpc->net != NULL);
	api_put_amount(w, "relayfee", relay);
	api_put_amount(w, "incrementalfee", relay);
	put_nothing(w, "localaddresses");
	put_nothing(w, "warnings");
	put_own(w, rpc->net, v);
	api_object_end(w);
	free(v);
	return API_OK;
}

/* Peers are pinged all the time; nothing is left to ask for. */
enum api_code node_rpc_ping(struct api_call *call)
{
	enum api_code rc = node_rpc_need_net(call);

	return rc == API_OK ? node_rpc_net_done(call, 0) : rc;
}

/* ---- whom to connect to ---- */

static uint32_t find_added(const struct node_rpc *rpc, const uint8_t *id)
{
	uint32_t i = 0;

	while (i < rpc->added_count &&
	       memcmp(rpc->added[i], id, NET_ID_SIZE) != 0)
		i++;
	return i;
}

static enum api_code add_node(struct api_call *call,
			      const struct net_endpoint *to)
{
	struct node_rpc *rpc = call->ctx;
	int rc;

	if (find_added(rpc, to->id) < rpc->added_count)
		return api_fail(call, API_NODE_ALREADY_ADDED,
				"Error: Node already added");
	if (rpc->added_count == NODE_RPC_ADDED_MAX)
		return api_fail(call, API_NODE_CAPACITY,
				"Error: %d nodes were added; remove one first",
				NODE_RPC_ADDED_MAX);
	rc = net_connect(rpc->net, to, false);
	if (rc == 0)
		memcpy(rpc->added[rpc->added_count++], to->id, NET_ID_SIZE);
	return node_rpc_net_done(call, rc);
}

static enum api_code remove_node(struct api_call *call,
				 const struct net_endpoint *to)
{
	struct node_rpc *rpc = call->ctx;
	uint32_t at = find_added(rpc, to->id);
	int rc;

	if (at == rpc->added_count)
		return api_fail(call, API_NODE_NOT_ADDED,
				"Error: Node could not be removed. It has not "
				"been added previously.");
	rc = net_connect(rpc->net, to, true);
	if (rc == 0)
		memmove(rpc->added[at], rpc->added[--rpc->added_count],
			NET_ID_SIZE);
	return node_rpc_net_done(call, rc);
}

enum api_code node_rpc_addnode(struct api_call *call)
{
	const char *node = json_string_value(call->param[0]);
	const char *command = json_string_value(call->param[1]);
	const struct node_rpc *rpc = call->ctx;
	struct net_endpoint to;
	bool add = strcmp(command, "add") == 0;
	bool once = strcmp(command, "onetry") == 0;
	enum api_code rc;

	if (!add && !once && strcmp(command, "remove") != 0)
		return api_fail_usage(call);
	rc = node_rpc_need_net(call);
	if (rc != API_OK)
		return rc;
	if (node_parse_endpoint(&to, node) < 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Error: '%.100s' is not ID@HOST:PORT; ID is "
				"the 64 hex digits of the node's key",
				node);
	if (memcmp(to.id, net_id(rpc->net), NET_ID_SIZE) == 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Error: %.64s is this node", node);
	if (once)
		return node_rpc_net_done(call, net_try(rpc->net, &to));
	return add ? add_node(call, &to) : remove_node(call, &to);
}

/* "ADDR:PORT" as getpeerinfo says it, an id, or ID@HOST:PORT. */
static bool is_peer(const struct net_peer_info *p, const char *text)
{
	char addr[NET_ADDR_TEXT_MAX];
	char id[ID_HEX_SIZE];

	(void)peer_text(addr, p);
	base_to_hex(id, p->id, NET_ID_SIZE);
	return strcmp(addr, text) == 0 ||
	       (strncasecmp(id, text, ID_HEX_SIZE - 1) == 0 &&
		(text[ID_HEX_SIZE - 1] == '\0' ||
		 text[ID_HEX_SIZE - 1] == '@'));
}

/* The peer that @text names. API_NODE_NOT_CONNECTED. */
static enum api_code find_peer(uint8_t id[static NET_ID_SIZE],
			       struct api_call *call, const char *text)
{
	struct net_view *v = node_rpc_net_view(call);
	uint32_t i = 0;

	if (!v)
		return API_OUT_OF_MEMORY;
	while (i < v->peers && !is_peer(&v->peer[i], text))
		i++;
	if (i < v->peers)
		memcpy(id, v->peer[i].id, NET_ID_SIZE);
	else
		i = UINT32_MAX;
	free(v);
	if (i == UINT32_MAX)
		return api_fail(call, API_NODE_NOT_CONNECTED,
				"Node not found in connected nodes");
	return API_OK;
}

enum api_code node_rpc_requestaccess(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const char *text = json_string_value(call->param[0]);
	uint8_t id[NET_ID_SIZE];
	enum api_code rc = node_rpc_need_net(call);

	if (rc == API_OK && text)
		rc = find_peer(id, call, text);
	if (rc != API_OK)
		return rc;
	return node_rpc_net_done(
		call, net_request_access(rpc->net, text ? id : NULL));
}

enum api_code node_rpc_grantaccess(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const char *text = json_string_value(call->param[0]);
	const char *command = json_string_value(call->param[1]);
	bool add = strcmp(command, "add") == 0;
	uint8_t id[NET_ID_SIZE];
	enum api_code rc;

	if (!add && strcmp(command, "remove") != 0)
		return api_fail_usage(call);
	rc = node_rpc_need_net(call);
	if (rc != API_OK)
		return rc;
	if (base_from_hex(id, sizeof(id), text) < 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"'%.100s' is no node id: 64 hex digits", text);
	return node_rpc_net_done(call, net_grant(rpc->net, id, add));
}

enum api_code node_rpc_disconnectnode(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const char *text = json_string_value(call->param[0]);
	bool by_slot = call->param[1] != NULL;
	enum api_code rc = node_rpc_need_net(call);
	struct net_view *v;
	int64_t slot = -1;
	uint32_t i = 0;

	if (rc == API_OK && by_slot)
		rc = api_param_int(&slot, call, 1, INT64_MIN, INT64_MAX);
	if (rc != API_OK)
		return rc;
	if (by_slot == (text && *text))
		return api_fail(call, API_INVALID_PARAMS,
				"Only one of address and nodeid should be "
				"provided.");
	v = node_rpc_net_view(call);
	if (!v)
		return API_OUT_OF_MEMORY;
	while (i < v->peers && (by_slot ? v->peer[i].slot != slot
					: !is_peer(&v->peer[i], text)))
		i++;
	if (i == v->peers)
		rc = api_fail(call, API_NODE_NOT_CONNECTED,
			      "Node not found in connected nodes");
	else
		rc = node_rpc_net_done(call,
				       net_disconnect(rpc->net, v->peer[i].id));
	free(v);
	return rc;
}
