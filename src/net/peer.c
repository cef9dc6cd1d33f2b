/* SPDX-License-Identifier: MIT */
#include "base/assert.h"
#include "net/internal.h"

int net_member_of(const struct net *n, const uint8_t id[static NET_ID_SIZE])
{
	for (uint32_t i = 0; i < n->o.members; i++)
		if (memcmp(n->member[i].id, id, NET_ID_SIZE) == 0)
			return (int)i;
	return -1;
}

struct net_conn *net_peer_at(struct net *n, uint32_t slot)
{
	if (slot >= NET_SLOTS_MAX || n->slot[slot].conn < 0)
		return NULL;
	return &n->conn[n->slot[slot].conn];
}

static bool listed(const struct net *n, const uint8_t id[static NET_ID_SIZE])
{
	for (uint32_t i = 0; i < n->access_count; i++)
		if (memcmp(n->access_list[i], id, NET_ID_SIZE) == 0)
			return true;
	return false;
}

bool net_may_ask(const struct net *n, const struct net_conn *c)
{
	return net_conn_is_member(c) || n->o.access == NET_ACCESS_OPEN ||
	       (n->o.access == NET_ACCESS_LIST && listed(n, c->id));
}

static bool refused(const struct net *n, const struct net_conn *c)
{
	if (net_conn_is_member(c))
		return n->refusal[c->member].until_ms > n->now_ms;
	return net_ban_has_id(&n->bans, c->id, net_unix_ms() / 1000) ||
	       (!c->outbound &&
		net_ban_has_address(&n->bans, &c->addr, net_unix_ms() / 1000));
}

void net_peer_proved(struct net *n, struct net_conn *c)
{
	struct net_hello h = {.version = NET_VERSION,
			      .mode = (uint8_t)n->o.mode,
			      .port = n->listen_port,
			      .nonce = n->nonce,
			      .height = n->height,
			      .genesis = n->o.genesis};
	uint8_t payload[NET_HELLO_SIZE];

	net_count(n, NET_C_HANDSHAKES);
	memcpy(c->id, n->ops->peer(c->session), NET_ID_SIZE);
	c->member = net_member_of(n, c->id);
	if (net_conn_is_member(c))
		memcpy(n->member_ip[c->member], c->addr.ip, sizeof(c->addr.ip));
	c->state = NET_CONN_HELLO;
	c->since_ms = n->now_ms;
	if (memcmp(c->id, n->id, NET_ID_SIZE) == 0) {
		net_conn_close(n, c, NET_SELF, true);
		return;
	}
	if (refused(n, c)) {
		net_count(n, NET_C_REFUSED);
		net_conn_close(n, c, NET_BANNED, true);
		return;
	}
	net_hello_write(payload, &h);
	(void)net_output_bytes(n, c, NET_HELLO, payload, sizeof(payload));
}

/* Of two connections between the same nodes the same one stays at both ends:
 * the one that the smaller id made; of two that the same end made, the newer,
 * for then the older one is dead. False: @c is the one to go. */
static bool settle_duplicate(struct net *n, struct net_conn *c)
{
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *other = &n->conn[i];
		bool ours;

		if (other == c || other->state != NET_CONN_UP ||
		    memcmp(other->id, c->id, NET_ID_SIZE) != 0)
			continue;
		ours = memcmp(n->id, c->id, NET_ID_SIZE) < 0;
		if (other->outbound != c->outbound && c->outbound != ours)
			return false;
		net_conn_close(n, other, NET_DUPLICATE, true);
	}
	return true;
}

/* Room among those that are no members; they never take a member's place. */
static bool has_room(const struct net *n, const struct net_conn *c)
{
	uint32_t inbound = 0;
	uint32_t near = 0;
	uint32_t members = 0;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		const struct net_conn *o = &n->conn[i];

		if (o->state != NET_CONN_UP)
			continue;
		members += net_conn_is_member(o);
		if (net_conn_is_member(o) || o->outbound)
			continue;
		inbound++;
		near += net_addr_same_network(&o->addr, &c->addr);
	}
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++)
		taken += n->slot[i].taken;
	if (net_conn_is_member(c))
		return taken < NET_SLOTS_MAX;
	if (!c->outbound &&
	    (inbound >= n->l.inbound || near >= n->l.per_network))
		return false;
	return taken + (n->o.members - members) < NET_SLOTS_MAX;
}

static bool take_slot(struct net *n, struct net_conn *c)
{
	struct net_event e = {.kind = NET_EV_UP, .gen = c->gen};
	uint32_t i = 0;

	while (i < NET_SLOTS_MAX && n->slot[i].taken)
		i++;
	if (i == NET_SLOTS_MAX)
		return false;
	e.slot = i;
	memcpy(e.up.id, c->id, NET_ID_SIZE);
	e.up.member = c->member;
	e.up.mode = (enum net_mode)c->hello.mode;
	e.up.outbound = c->outbound;
	e.up.height = c->hello.height;
	if (!net_port_push(n, NET_CONSENSUS, &e, true))
		return false;
	n->slot[i] = (struct net_slot){.conn = (int)net_conn_index(n, c),
				       .gen = c->gen,
				       .taken = true};
	c->slot = (int)i;
	net_gossip_forget(n, i);
	return true;
}

static void come_up(struct net *n, struct net_conn *c)
{
	char text[NET_ADDR_TEXT_MAX];

	net_conn_settle(n, c);
	c->state = NET_CONN_UP;
	c->since_ms = n->now_ms;
	c->up_unix_ms = net_unix_ms();
	c->ping_ms = n->now_ms;
	c->addr_ms = n->now_ms;
	c->granted = net_may_ask(n, c);
	/* We announce a little less than it grants us. */
	if (n->o.self >= 0)
		net_quota_init(&c->announce, 180000, 1800, n->now_ms);
	else
		net_quota_init(&c->announce, n->l.txs_per_s * UINT64_C(900),
			       n->l.txs_burst * UINT64_C(9) / 10, n->now_ms);
	net_addr_text(text, &c->addr);
	net_log(n, "peer %d up: %s %s%s", c->slot, text,
		c->outbound ? "outbound" : "inbound",
		net_conn_is_member(c) ? " member" : "");
	if (c->target >= 0)
		net_dial_up(n, c);
	net_addr_send(n, c);
}

static enum net_reason judge_hello(struct net *n, struct net_conn *c)
{
	if (c->hello.version != NET_VERSION)
		return NET_OTHER_VERSION;
	if (!base_hash_equal(&c->hello.genesis, &n->o.genesis))
		return NET_OTHER_GENESIS;
	if (c->hello.nonce == n->nonce)
		return NET_SELF;
	if (c->hello.mode >= NET_MODES)
		return NET_PROTOCOL;
	return NET_REASON_NONE;
}

enum net_parse_result net_peer_hello(struct net *n, struct net_conn *c,
				     const struct net_buffer *b)
{
	enum net_reason why;

	if (c->state != NET_CONN_HELLO ||
	    net_hello_read(&c->hello, b->data) < 0)
		return NET_PARSE_BAD;
	why = judge_hello(n, c);
	if (why == NET_REASON_NONE && !settle_duplicate(n, c))
		why = NET_DUPLICATE;
	if (why == NET_REASON_NONE && (!has_room(n, c) || !take_slot(n, c)))
		why = NET_FULL;
	if (why != NET_REASON_NONE) {
		net_count(n, NET_C_REFUSED);
		net_conn_close(n, c, why, true);
		return NET_PARSE_BAD;
	}
	come_up(n, c);
	return NET_PARSE_OK;
}

static bool push_down(struct net *n, uint32_t slot)
{
	struct net_event e = {.kind = NET_EV_DOWN,
			      .slot = slot,
			      .gen = n->slot[slot].gen,
			      .down = n->slot[slot].why};

	return net_port_push(n, NET_CONSENSUS, &e, true);
}

void net_peer_down(struct net *n, struct net_conn *c, enum net_reason why)
{
	struct net_slot *s = &n->slot[c->slot];

	net_log(n, "peer %d down: %s", c->slot, net_reason_name(why));
	net_requests_end(n, c);
	s->conn = -1;
	s->why = why;
	s->down_due = !push_down(n, (uint32_t)c->slot);
	c->slot = -1;
}

void net_peer_downs_due(struct net *n)
{
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++)
		if (n->slot[i].down_due)
			n->slot[i].down_due = !push_down(n, i);
}

void net_peer_acknowledged(struct net *n, uint32_t slot)
{
	n->slot[slot].taken = false;
}

void net_peer_ban(struct net *n, struct net_conn *c)
{
	struct net_ban ban = {.until_s = net_unix_ms() / 1000 + NET_BAN_S};
	char text[NET_ADDR_TEXT_MAX];

	net_count(n, NET_C_BANS);
	net_addr_text(text, &c->addr);
	if (net_conn_is_member(c)) {
		n->refusal[c->member].until_ms = n->now_ms + n->t.refuse;
		net_log(n, "member %d (%s) is refused for %u s: an offence",
			c->member, text, n->t.refuse / 1000);
	} else {
		memcpy(ban.id, c->id, NET_ID_SIZE);
		memcpy(ban.address, c->addr.ip, sizeof(ban.address));
		net_ban_add(&n->bans, &ban, net_unix_ms() / 1000);
		n->save_due = true;
		net_log(n, "%s is banned for 24 h", text);
	}
	net_conn_close(n, c, NET_BANNED, false);
}

void net_peer_fault(struct net *n, struct net_conn *c, uint32_t points)
{
	if (c->state != NET_CONN_UP)
		return;
	net_quota_charge(&c->score, points, n->now_ms);
	if (c->score.tokens <= 0)
		net_peer_ban(n, c);
}

void net_peer_charge(struct net *n, struct net_conn *c, uint32_t checks,
		     bool useless)
{
	int64_t least = -(int64_t)(c->checks.per_s * NET_CHECKS_OWED_S);

	net_quota_charge(&c->checks, checks, n->now_ms);
	if (c->checks.tokens < least)
		c->checks.tokens = least;
	if (useless && c->checks.tokens < 0)
		net_peer_fault(n, c, NET_SCORE_QUOTA);
}
