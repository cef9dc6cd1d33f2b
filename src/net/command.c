/* SPDX-License-Identifier: MIT */
#include "net/internal.h"

static bool is_request(uint8_t type)
{
	return net_type_answer(type) != 0;
}

static void unanswered(struct net *n, struct net_port *p,
		       const struct net_conn *c, uint8_t type)
{
	struct net_event e = {.kind = NET_EV_UNANSWERED,
			      .slot = (uint32_t)c->slot,
			      .gen = c->gen,
			      .unanswered = type};

	/* A full ring: its owner is not waiting for this. */
	if (net_port_push(n, p->kind, &e, false))
		net_count(n, NET_C_UNANSWERED);
}

static void send_to(struct net *n, struct net_port *p, struct net_conn *c,
		    const struct net_command *cmd)
{
	if (is_request(cmd->type) &&
	    !net_request_open(n, c, cmd->type, p->kind)) {
		unanswered(n, p, c, cmd->type);
		return;
	}
	if (cmd->type == NET_WATCH)
		c->watches = true;
	(void)net_output_queue(n, c, cmd->type, cmd->buffer);
}

static void send_all(struct net *n, struct net_port *p,
		     const struct net_command *cmd)
{
	if (cmd->has_id && cmd->type == NET_TX && cmd->buffer) {
		net_txs_add(n, cmd->buffer, &cmd->to, cmd->id);
		return;
	}
	if (cmd->has_id) {
		net_gossip_send(n, cmd->type, cmd->buffer, &cmd->to, cmd->id);
		return;
	}
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		struct net_conn *c = net_peer_at(n, i);

		if (c && net_set_has(&cmd->to, i))
			send_to(n, p, c, cmd);
	}
}

/* The peer of this generation; NULL: it is gone. */
static struct net_conn *find(struct net *n, const struct net_command *cmd)
{
	struct net_conn *c = net_peer_at(n, cmd->slot);

	return c && c->gen == cmd->gen ? c : NULL;
}

static void reply(struct net *n, const struct net_command *cmd)
{
	struct net_conn *c = find(n, cmd);

	if (!c)
		return;
	if (cmd->type != NET_WATCHED && c->asked > 0)
		c->asked--;
	(void)net_output_queue(n, c, cmd->type, cmd->buffer);
}

static void pass(struct net *n, const struct net_port *p,
		 const struct net_command *cmd)
{
	enum net_port_kind to =
		p->kind == NET_READER ? NET_CONSENSUS : NET_READER;
	struct net_conn *c = find(n, cmd);
	struct net_event e = {
		.kind = NET_EV_MESSAGE, .slot = cmd->slot, .gen = cmd->gen};

	e.message.type = cmd->type;
	e.message.buffer = cmd->buffer;
	if (c && net_port_push(n, to, &e, false))
		return;
	net_port_drop(n, cmd->buffer);
	if (!c)
		return;
	if (c->asked > 0)
		c->asked--;
	net_count(n, NET_C_BUSY);
	net_refuse(n, c, NET_BUSY, cmd->type);
}

void net_do_command(struct net *n, struct net_port *p,
		    const struct net_command *cmd)
{
	struct net_conn *c;

	switch (cmd->kind) {
	case NET_CMD_SEND:
		send_all(n, p, cmd);
		break;
	case NET_CMD_REPLY:
		reply(n, cmd);
		break;
	case NET_CMD_PASS:
		pass(n, p, cmd);
		break;
	case NET_CMD_SEEN:
		net_gossip_seen(n, cmd->id);
		break;
	case NET_CMD_FAULT:
		c = find(n, cmd);
		if (c)
			net_peer_fault(n, c, cmd->points);
		break;
	case NET_CMD_CHARGE:
		c = find(n, cmd);
		if (c)
			net_peer_charge(n, c, cmd->points, cmd->useless);
		break;
	}
}

/* ---- control ---- */

static void grant(struct net *n, const uint8_t id[static NET_ID_SIZE],
		  bool granted)
{
	uint32_t i = 0;

	while (i < n->access_count &&
	       memcmp(n->access_list[i], id, NET_ID_SIZE) != 0)
		i++;
	if (granted && i == n->access_count && i < NET_ACCESS_MAX)
		memcpy(n->access_list[n->access_count++], id, NET_ID_SIZE);
	if (!granted && i < n->access_count)
		memcpy(n->access_list[i], n->access_list[--n->access_count],
		       NET_ID_SIZE);
	for (i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *c = &n->conn[i];
		bool before = c->granted;

		if (c->state != NET_CONN_UP)
			continue;
		c->granted = net_may_ask(n, c);
		c->was_told = c->was_told && !c->granted;
		if (c->granted && !before)
			(void)net_output_bytes(n, c, NET_GRANT, NULL, 0);
	}
}

static bool all_zero(const uint8_t *p, size_t len)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum |= p[i];
	return sum == 0;
}

static void wish(struct net *n, const uint8_t id[static NET_ID_SIZE])
{
	bool all = all_zero(id, NET_ID_SIZE);

	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *c = &n->conn[i];

		if (c->state != NET_CONN_UP ||
		    (!all && memcmp(c->id, id, NET_ID_SIZE) != 0))
			continue;
		c->wish = NET_WISH_SENT;
		(void)net_output_bytes(n, c, NET_REQUEST_ACCESS, NULL, 0);
	}
}

static void disconnect(struct net *n, const uint8_t id[static NET_ID_SIZE])
{
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *c = &n->conn[i];

		if (c->state == NET_CONN_UP &&
		    memcmp(c->id, id, NET_ID_SIZE) == 0)
			net_conn_close(n, c, NET_ASKED, true);
	}
}

static void set_ban(struct net *n, const struct net_ban *ban)
{
	bool by_id = !all_zero(ban->id, sizeof(ban->id));
	bool by_address = !all_zero(ban->address, sizeof(ban->address));
	int member = by_id ? net_member_of(n, ban->id) : -1;

	if (member >= 0)
		n->refusal[member].until_ms = n->now_ms + n->t.refuse;
	else
		net_ban_add(&n->bans, ban, net_unix_ms() / 1000);
	n->save_due = true;
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *c = &n->conn[i];
		bool hit = by_id && memcmp(c->id, ban->id, NET_ID_SIZE) == 0;

		if (by_address && !net_conn_is_member(c) &&
		    memcmp(c->addr.ip, ban->address, 16) == 0)
			hit = true;
		if (hit && c->state != NET_CONN_FREE &&
		    c->state != NET_CONN_CLOSING)
			net_conn_close(n, c, NET_BANNED, true);
	}
}

static void lift_ban(struct net *n, const struct net_ban *ban)
{
	int member = net_member_of(n, ban->id);

	if (member >= 0)
		n->refusal[member].until_ms = 0;
	if (net_ban_lift(&n->bans, ban))
		n->save_due = true;
}

void net_do_control(struct net *n, const struct net_control *c)
{
	switch (c->kind) {
	case NET_CTL_CONNECT:
		net_dial_add(n, &c->endpoint, -1);
		break;
	case NET_CTL_TRY:
		net_dial_try(n, &c->endpoint);
		break;
	case NET_CTL_FORGET:
		net_dial_remove(n, &c->endpoint);
		break;
	case NET_CTL_DISCONNECT:
		disconnect(n, c->endpoint.id);
		break;
	case NET_CTL_GRANT:
	case NET_CTL_UNGRANT:
		grant(n, c->endpoint.id, c->kind == NET_CTL_GRANT);
		break;
	case NET_CTL_WISH:
		wish(n, c->endpoint.id);
		break;
	case NET_CTL_HEIGHT:
		n->height = c->number;
		break;
	case NET_CTL_BAN:
		set_ban(n, &c->ban);
		break;
	case NET_CTL_UNBAN:
		lift_ban(n, &c->ban);
		break;
	case NET_CTL_CLEAR_BANS:
		n->bans.count = 0;
		memset(n->refusal, 0, sizeof(n->refusal));
		n->save_due = true;
		break;
	}
}
