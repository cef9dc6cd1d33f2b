/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/internal.h"

static const uint32_t depth_of[NET_PORTS][3] = {
	[NET_CONSENSUS] = {NET_DEPTH_URGENT, NET_DEPTH_REST,
			   NET_DEPTH_COMMANDS},
	[NET_READER] = {2, NET_DEPTH_READER, NET_DEPTH_READER_COMMANDS},
};

/*
 * The bell. The net thread sets `asleep`, looks at its rings once more and
 * sleeps; who pushed takes the flag away, and rings when it was set. Both
 * sides are read-modify-writes, acquire and release: one of them comes second
 * and sees what the other did before it.
 */
void net_bell_ring(struct net *n)
{
	const uint64_t one = 1;

	if (atomic_exchange_explicit(&n->asleep, 0, memory_order_acq_rel))
		(void)!write(n->bell, &one, sizeof(one));
}

int net_port_open(struct net *n, enum net_port_kind kind)
{
	struct net_port *p = &n->port[kind];
	const uint32_t *depth = depth_of[kind];
	uint32_t event = sizeof(struct net_event);
	size_t size[5] = {
		base_ring_bytes_spsc(depth[0], event),
		base_ring_bytes_spsc(depth[1], event),
		base_ring_bytes_spsc(NET_DEPTH_HOME, sizeof(void *)),
		base_ring_bytes_spsc(depth[2], sizeof(struct net_command)),
		base_ring_bytes_spsc(NET_DEPTH_RETURNS,
				     sizeof(struct net_return)),
	};
	uint8_t *at;

	p->net = n;
	p->kind = kind;
	p->down_slot = -1;
	p->memory = malloc(size[0] + size[1] + size[2] + size[3] + size[4]);
	if (!p->memory)
		return -ENOMEM;
	at = p->memory;
	base_ring_init_spsc(&p->urgent, at, depth[0], event);
	at += size[0];
	base_ring_init_spsc(&p->rest, at, depth[1], event);
	at += size[1];
	base_ring_init_spsc(&p->home, at, NET_DEPTH_HOME, sizeof(void *));
	at += size[2];
	base_ring_init_spsc(&p->commands, at, depth[2],
			    sizeof(struct net_command));
	at += size[3];
	base_ring_init_spsc(&p->returns, at, NET_DEPTH_RETURNS,
			    sizeof(struct net_return));
	return net_pool_open(&p->pool, (uint8_t)kind, n->buffers[kind],
			     n->o.max_block_bytes);
}

void net_port_close(struct net_port *p)
{
	if (p->pool.memory)
		net_pool_close(&p->pool);
	free(p->memory);
	p->memory = NULL;
}

struct net_port *net_port(struct net *n, enum net_port_kind kind)
{
	return &n->port[kind];
}

/* ---- the port's thread ---- */

struct net_buffer *net_buffer_get(struct net_port *p, size_t len)
{
	struct net_buffer *b;

	while (base_ring_pop_spsc(&p->home, &b))
		net_pool_put(&p->pool, b);
	b = net_pool_get(&p->pool, len, 0);
	if (!b && len <= p->pool.cap[NET_BODY])
		atomic_store_explicit(&p->starved, true, memory_order_relaxed);
	return b;
}

static void give_back(struct net_port *p, struct net_buffer *b, int slot)
{
	struct net_return r = {.buffer = b, .slot = (uint32_t)slot};

	/* Never full: it is deeper than there are buffers and slots. */
	BASE_ASSERT(base_ring_push_spsc(&p->returns, &r));
	net_bell_ring(p->net);
}

void net_release(struct net_port *p, struct net_buffer *b)
{
	if (b)
		give_back(p, b, 0);
}

/* Its peer's UP has been taken and its DOWN has not. */
static bool is_due(const struct net_port *p, const struct net_event *e)
{
	return p->kind != NET_CONSENSUS || p->up_gen[e->slot] == e->gen;
}

static bool take_urgent(struct net_port *p, struct net_event *out)
{
	if (!base_ring_pop_spsc(&p->urgent, out))
		return false;
	if (out->kind == NET_EV_UP)
		p->up_gen[out->slot] = out->gen;
	if (out->kind == NET_EV_DOWN) {
		p->up_gen[out->slot] = 0;
		p->down_slot = (int)out->slot;
	}
	return true;
}

bool net_next(struct net_port *p, struct net_event *out)
{
	if (p->down_slot >= 0) {
		give_back(p, NULL, p->down_slot);
		p->down_slot = -1;
	}
	/* Bounded by the depth of the ring: each turn pops one. */
	for (;;) {
		if (p->kind == NET_CONSENSUS && take_urgent(p, out))
			return true;
		if (!p->stashed && !base_ring_pop_spsc(&p->rest, &p->stash))
			return false;
		if (is_due(p, &p->stash)) {
			p->stashed = false;
			*out = p->stash;
			return true;
		}
		/* Its UP was pushed before it and is there by now, unless the
		 * peer is gone already. */
		if (!p->stashed && p->kind == NET_CONSENSUS) {
			p->stashed = true;
			continue;
		}
		p->stashed = false;
		if (p->stash.kind == NET_EV_MESSAGE)
			net_release(p, p->stash.message.buffer);
	}
}

static int command(struct net_port *p, const struct net_command *c)
{
	if (!base_ring_push_spsc(&p->commands, c)) {
		atomic_fetch_add_explicit(&p->again, 1, memory_order_relaxed);
		return -EAGAIN;
	}
	net_bell_ring(p->net);
	return 0;
}

int net_send(struct net_port *p, const struct net_send *s)
{
	struct net_command c = {.kind = NET_CMD_SEND,
				.type = s->type,
				.to = s->to,
				.buffer = s->buffer};

	if (s->id) {
		c.has_id = true;
		memcpy(c.id, s->id, sizeof(c.id));
	}
	return command(p, &c);
}

struct ds_peers net_everyone(void)
{
	struct ds_peers all;

	memset(&all, 0xff, sizeof(all));
	return all;
}

int net_reply(struct net_port *p, const struct net_event *e, uint8_t type,
	      struct net_buffer *buffer)
{
	struct net_command c = {.kind = NET_CMD_REPLY,
				.type = type,
				.slot = e->slot,
				.gen = e->gen,
				.buffer = buffer};

	return command(p, &c);
}

int net_pass(struct net_port *p, const struct net_event *e)
{
	struct net_command c = {.kind = NET_CMD_PASS,
				.type = e->message.type,
				.slot = e->slot,
				.gen = e->gen,
				.buffer = e->message.buffer};

	return command(p, &c);
}

int net_seen(struct net_port *p, const uint8_t id[static 32])
{
	struct net_command c = {.kind = NET_CMD_SEEN};

	memcpy(c.id, id, sizeof(c.id));
	return command(p, &c);
}

int net_fault(struct net_port *p, uint32_t slot, uint32_t points)
{
	struct net_command c = {.kind = NET_CMD_FAULT,
				.slot = slot,
				.gen = p->up_gen[slot],
				.points = points};

	return command(p, &c);
}

int net_charge(struct net_port *p, uint32_t slot, uint32_t checks, bool useless)
{
	struct net_command c = {.kind = NET_CMD_CHARGE,
				.slot = slot,
				.gen = p->up_gen[slot],
				.points = checks,
				.useless = useless};

	return command(p, &c);
}

int net_ban(struct net_port *p, uint32_t slot)
{
	return net_fault(p, slot, NET_SCORE_MAX);
}

/* ---- the net thread ---- */

void net_unref(struct net *n, struct net_buffer *b)
{
	BASE_ASSERT(b->refs > 0);
	if (--b->refs > 0)
		return;
	if (b->home == NET_HOME_RECEIVED)
		net_pool_put(&n->pool, b);
	else
		BASE_ASSERT(base_ring_push_spsc(&n->port[b->home].home, &b));
}

void net_port_drop(struct net *n, struct net_buffer *b)
{
	if (b->conn >= 0) {
		struct net_conn *c = &n->conn[b->conn];

		if (c->gen == b->gen) {
			BASE_ASSERT(c->held >= b->len);
			c->held -= b->len;
		}
		b->conn = -1;
	}
	net_unref(n, b);
}

bool net_port_push(struct net *n, enum net_port_kind kind,
		   const struct net_event *e, bool urgent)
{
	struct net_port *p = &n->port[kind];

	if (!base_ring_push_spsc(urgent ? &p->urgent : &p->rest, e))
		return false;
	p->pushed = true;
	return true;
}

/* Returns are popped before the commands and applied after them: a command
 * that names a buffer or a slot was pushed before either was given back. */
static void drain(struct net *n, struct net_port *p)
{
	struct net_return r[256];
	struct net_command c;
	uint32_t count = 0;
	uint32_t done = 0;

	while (count < BASE_COUNT(r) &&
	       base_ring_pop_spsc(&p->returns, &r[count]))
		count++;
	while (done < NET_DEPTH_COMMANDS &&
	       base_ring_pop_spsc(&p->commands, &c)) {
		net_do_command(n, p, &c);
		done++;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (r[i].buffer)
			net_port_drop(n, r[i].buffer);
		else
			net_peer_acknowledged(n, r[i].slot);
	}
}

void net_ports_drain(struct net *n)
{
	struct net_control c;

	for (uint32_t i = 0; i < NET_PORTS; i++)
		drain(n, &n->port[i]);
	for (uint32_t i = 0; i < NET_DEPTH_CONTROL; i++) {
		if (!base_ring_pop_mpsc(&n->control, &c))
			break;
		net_do_control(n, &c);
	}
}

void net_ports_wake(struct net *n)
{
	for (uint32_t i = 0; i < NET_PORTS; i++) {
		if (!n->port[i].pushed)
			continue;
		n->port[i].pushed = false;
		if (n->o.wake[i])
			n->o.wake[i](n->o.wake_ctx[i]);
	}
}
