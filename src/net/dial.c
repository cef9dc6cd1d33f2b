/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "base/bytes.h"
#include "net/internal.h"

#define DISCOVER_MS 1000u
#define TRIED_AGAIN_MS 60000u
#define FAILURES_MAX 10u /* then an address is forgotten */
#define SEEN_AHEAD_S 600u

static struct net_target *find(struct net *n,
			       const uint8_t id[static NET_ID_SIZE])
{
	for (uint32_t i = 0; i < NET_TARGETS_MAX; i++)
		if (n->target[i].used &&
		    memcmp(n->target[i].id, id, NET_ID_SIZE) == 0)
			return &n->target[i];
	return NULL;
}

static struct net_target *make(struct net *n,
			       const uint8_t id[static NET_ID_SIZE])
{
	struct net_target *t = find(n, id);

	for (uint32_t i = 0; i < NET_TARGETS_MAX && !t; i++)
		if (!n->target[i].used)
			t = &n->target[i];
	if (t && !t->used) {
		*t = (struct net_target){.used = true,
					 .member = net_member_of(n, id),
					 .conn = -1,
					 .next_ms = n->now_ms};
		memcpy(t->id, id, NET_ID_SIZE);
	}
	return t;
}

void net_dial_add(struct net *n, const struct net_endpoint *e, int member)
{
	struct net_target *t;

	if (memcmp(e->id, n->id, NET_ID_SIZE) == 0 || !e->address[0])
		return;
	t = make(n, e->id);
	if (!t) {
		net_log(n, "too many peers to connect to; %s is left out",
			e->address);
		return;
	}
	if (member >= 0)
		t->member = member;
	t->keep = true;
	t->next_ms = n->now_ms;
	memcpy(t->address, e->address, sizeof(t->address));
	t->address[sizeof(t->address) - 1] = '\0';
	t->resolved = net_addr_parse(&t->addr, t->address) == 0;
}

void net_dial_try(struct net *n, const struct net_endpoint *e)
{
	struct net_target *t = find(n, e->id);

	if (t) {
		t->next_ms = n->now_ms;
		return;
	}
	net_dial_add(n, e, -1);
	t = find(n, e->id);
	if (t)
		t->keep = false;
}

void net_dial_remove(struct net *n, const struct net_endpoint *e)
{
	struct net_target *t = find(n, e->id);

	if (t && t->member < 0) {
		if (t->conn >= 0)
			n->conn[t->conn].target = -1;
		t->used = false;
	}
}

void net_dial_init(struct net *n)
{
	for (uint32_t i = 0; i < n->o.members; i++)
		net_dial_add(n, &n->member[i], (int)i);
	for (uint32_t i = 0; i < n->o.connects; i++)
		net_dial_add(n, &n->o.connect[i], -1);
}

static bool connected(const struct net *n, const uint8_t id[static NET_ID_SIZE])
{
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++)
		if (n->conn[i].state == NET_CONN_UP &&
		    memcmp(n->conn[i].id, id, NET_ID_SIZE) == 0)
			return true;
	return false;
}

static void pause_target(struct net *n, struct net_target *t, uint64_t ms)
{
	/* Up to a quarter more, so that two nodes do not stay in step. */
	t->next_ms = n->now_ms + ms + base_prng_below(&n->prng, ms / 4 + 1);
}

static void failed(struct net *n, struct net_target *t)
{
	uint64_t most = t->member >= 0 ? n->t.retry_member : n->t.retry_max;
	uint32_t shift = t->failures < 16 ? t->failures : 16;
	uint64_t ms = (uint64_t)n->t.retry << shift;

	if (!t->keep) {
		t->used = false;
		return;
	}
	t->failures++;
	/* The name may mean another address by now. */
	t->resolved = net_addr_parse(&t->addr, t->address) == 0;
	pause_target(n, t, ms < most ? ms : most);
}

static void dial(struct net *n, struct net_target *t)
{
	struct sockaddr_storage sa;
	socklen_t len = net_addr_to_socket(&sa, &t->addr);
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct net_conn *c =
		fd >= 0 ? net_conn_new(n, fd, true, &t->addr) : NULL;

	if (!c) {
		if (fd >= 0)
			(void)close(fd);
		failed(n, t);
		return;
	}
	c->state = NET_CONN_CONNECTING;
	memcpy(c->id, t->id, NET_ID_SIZE);
	c->target = (int)(t - n->target);
	t->conn = (int)net_conn_index(n, c);
	c->ops++;
	/* Read when the ring is submitted. */
	c->to = sa;
	net_uring_connect(n->uring, fd, &c->to, len, n->t.hello,
			  net_op(NET_OP_CONNECT, net_conn_index(n, c)));
}

static void try_target(struct net *n, struct net_target *t)
{
	if (!t->used || t->conn >= 0 || t->next_ms > n->now_ms)
		return;
	if (connected(n, t->id)) {
		t->used = t->keep;
		return;
	}
	if (t->member >= 0 && n->refusal[t->member].until_ms > n->now_ms)
		return;
	if (t->resolved) {
		dial(n, t);
	} else if (!t->resolving) {
		t->resolving = net_resolve(
			n->resolver, (uint32_t)(t - n->target), t->address);
		if (!t->resolving)
			failed(n, t);
	}
}

static void take_answers(struct net *n)
{
	struct net_addr addr;
	uint32_t tag;
	bool found;

	for (uint32_t i = 0; i < NET_RESOLVE_DEPTH; i++) {
		struct net_target *t;

		if (!net_resolved(n->resolver, &tag, &found, &addr))
			return;
		t = &n->target[tag];
		/* For an earlier target of this place, at worst. */
		t->resolving = false;
		if (!t->used || t->resolved)
			continue;
		if (!found) {
			failed(n, t);
			continue;
		}
		t->addr = addr;
		t->resolved = true;
	}
}

/* Whether one more stranger may be connected to, and this one. */
static bool has_room(const struct net *n, const struct net_addr *addr)
{
	struct net_group group = net_addr_group(addr);
	uint32_t strangers = 0;
	uint32_t near = 0;

	for (uint32_t i = 0; i < NET_TARGETS_MAX; i++) {
		const struct net_target *t = &n->target[i];
		struct net_group g;

		if (!t->used || t->member >= 0)
			continue;
		strangers++;
		g = net_addr_group(&t->addr);
		near += !t->keep && memcmp(&g, &group, sizeof(g)) == 0;
	}
	return strangers < n->l.outbound && near < NET_OUTBOUND_PER_GROUP;
}

/* Somebody new, out of the table. */
static void discover(struct net *n)
{
	struct net_known *k = net_known_pick(&n->known, &n->prng);
	struct net_target *t;

	if (!k || !has_room(n, &k->addr))
		return;
	if (memcmp(k->id, n->id, NET_ID_SIZE) == 0 || find(n, k->id) ||
	    connected(n, k->id) || net_member_of(n, k->id) >= 0 ||
	    (k->tried_ms && n->now_ms - k->tried_ms < TRIED_AGAIN_MS) ||
	    net_ban_has_id(&n->bans, k->id, net_unix_ms() / 1000) ||
	    net_ban_has_address(&n->bans, &k->addr, net_unix_ms() / 1000))
		return;
	t = make(n, k->id);
	if (!t)
		return;
	k->tried_ms = n->now_ms;
	t->addr = k->addr;
	t->resolved = true;
	net_addr_text(t->address, &k->addr);
}

void net_dial_step(struct net *n)
{
	take_answers(n);
	for (uint32_t i = 0; i < NET_TARGETS_MAX; i++)
		try_target(n, &n->target[i]);
	if (n->o.discover && n->now_ms - n->discover_ms >= DISCOVER_MS) {
		n->discover_ms = n->now_ms;
		discover(n);
	}
}

void net_dial_ended(struct net *n, struct net_conn *c, bool was_up)
{
	struct net_target *t = &n->target[c->target];
	struct net_known *k;

	c->target = -1;
	t->conn = -1;
	if (!t->keep) {
		k = net_known_find(&n->known, t->id);
		if (k && !was_up && ++k->failures >= FAILURES_MAX)
			net_known_remove(&n->known, k);
		t->used = false;
		return;
	}
	if (was_up)
		t->failures = 0;
	/* These do not mend themselves quickly. */
	if (!was_up && (c->why == NET_OTHER_GENESIS || c->why == NET_SELF ||
			c->why == NET_OTHER_VERSION || c->why == NET_BANNED))
		t->failures = 16;
	failed(n, t);
}

void net_dial_up(struct net *n, struct net_conn *c)
{
	n->target[c->target].failures = 0;
	net_known_add(&n->known, &c->addr, c->id,
		      (uint32_t)(net_unix_ms() / 1000), NULL);
	n->save_due = true;
}

/* ---- what peers tell each other of others ---- */

void net_addr_send(struct net *n, struct net_conn *c)
{
	uint8_t payload[NET_ADDR_SIZE * NET_ADDR_MAX];
	struct base_writer w = base_writer_init(payload, sizeof(payload));
	struct net_addr own = {.port = c->hello.port};
	struct net_group group = net_addr_group(&c->addr);
	uint32_t first;

	if (!c->outbound && c->hello.port) {
		/* Where it came from, and where it says that it listens. */
		memcpy(own.ip, c->addr.ip, sizeof(own.ip));
		net_known_add(&n->known, &own, c->id,
			      (uint32_t)(net_unix_ms() / 1000), &group);
	}
	first = (uint32_t)base_prng_below(&n->prng, NET_ADDRESSES_MAX);
	for (uint32_t i = 0; i < NET_ADDRESSES_MAX && w.len < sizeof(payload);
	     i++) {
		const struct net_known *k =
			&n->known.entry[(first + i) % NET_ADDRESSES_MAX];

		if (k->addr.port == 0 || memcmp(k->id, c->id, NET_ID_SIZE) == 0)
			continue;
		base_write_bytes(&w, k->addr.ip, sizeof(k->addr.ip));
		base_write_le16(&w, k->addr.port);
		base_write_le16(&w, 0);
		base_write_le32(&w, k->seen_s);
		base_write_bytes(&w, k->id, NET_ID_SIZE);
	}
	if (w.len > 0)
		(void)net_output_bytes(n, c, NET_ADDR, payload,
				       (uint32_t)w.len);
}

void net_addr_came(struct net *n, struct net_conn *c,
		   const struct net_buffer *b)
{
	struct base_reader r = base_reader_init(b->data, b->len);
	uint32_t now_s = (uint32_t)(net_unix_ms() / 1000);
	struct net_group source = net_addr_group(&c->addr);

	if (b->len % NET_ADDR_SIZE != 0) {
		net_peer_fault(n, c, NET_SCORE_QUOTA);
		return;
	}
	while (base_reader_left(&r) > 0) {
		const uint8_t *ip = base_read_bytes(&r, 16);
		struct net_addr a;
		const uint8_t *id;
		uint32_t seen_s;

		memcpy(a.ip, ip, sizeof(a.ip));
		a.port = base_read_le16(&r);
		(void)base_read_le16(&r);
		seen_s = base_read_le32(&r);
		id = base_read_bytes(&r, NET_ID_SIZE);
		if (!net_quota_take(&c->addrs, 1, n->now_ms))
			continue;
		if (seen_s > now_s + SEEN_AHEAD_S ||
		    memcmp(id, n->id, NET_ID_SIZE) == 0 ||
		    net_member_of(n, id) >= 0)
			continue;
		net_known_add(&n->known, &a, id, seen_s, &source);
	}
}
