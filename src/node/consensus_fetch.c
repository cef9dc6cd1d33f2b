/* SPDX-License-Identifier: MIT */
/*
 * Blocks asked for ahead (network.md, Sync). The state machine asks for one
 * block at a time, in order. The headers that it was given tell which follow:
 * they are asked for meanwhile, from all peers that keep the chain, and held
 * until their turn comes.
 */
#include "base/assert.h"
#include "node/consensus_internal.h"
#include "pow/bulk.h"

/* Asked of one peer and not yet given on: what it sends is counted against it,
 * and a peer with much to be counted is not read from (net.h). */
#define PER_PEER_MAX 4

static struct node_fetched *fetched_at(struct node_fetch *f, uint32_t index)
{
	return &f->block[index % NODE_FETCH_WINDOW];
}

static void let_go(struct node_consensus *c, struct node_fetched *b)
{
	net_release(c->port, b->buffer);
	*b = (struct node_fetched){.peer = NODE_NO_PEER};
}

void node_fetch_clear(struct node_consensus *c)
{
	struct node_fetch *f = &c->fetch;

	for (uint32_t i = 0; i < NODE_FETCH_WINDOW; i++)
		let_go(c, &f->block[i]);
	f->count = 0;
	f->next = 0;
}

void node_fetch_way(struct node_consensus *c, const uint8_t *headers,
		    size_t count)
{
	node_fetch_clear(c);
	if (count > NET_HEADERS_MAX)
		return;
	pow_bulk_headers(c->fetch.way, headers, CHAIN_HEADER_SIZE, count);
	c->fetch.count = (uint32_t)count;
}

static void ask(struct node_consensus *c, uint32_t index, uint32_t peer)
{
	struct node_fetched *b = fetched_at(&c->fetch, index);

	b->peer = peer;
	node_net_ask_block(c, &c->fetch.way[index], peer);
}

static uint32_t load_of(const struct node_consensus *c, uint32_t peer)
{
	uint32_t load = 0;

	for (uint32_t i = 0; i < NODE_FETCH_WINDOW; i++)
		load += c->fetch.block[i].peer == peer;
	return load;
}

/* The peer with the least to do; NODE_NO_PEER: all have enough. */
static uint32_t idlest(const struct node_consensus *c)
{
	uint32_t best = NODE_NO_PEER;
	uint32_t least = PER_PEER_MAX;

	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		uint32_t load;

		if (!c->peer[i].up || c->peer[i].mode == NET_LIGHT)
			continue;
		load = load_of(c, i);
		if (load < least) {
			least = load;
			best = i;
		}
	}
	return best;
}

static void ask_ahead(struct node_consensus *c)
{
	struct node_fetch *f = &c->fetch;

	for (uint32_t i = f->next; i < f->count; i++) {
		uint32_t peer;

		if (i - f->next == NODE_FETCH_WINDOW)
			return;
		if (fetched_at(f, i)->peer != NODE_NO_PEER)
			continue;
		peer = idlest(c);
		if (peer == NODE_NO_PEER)
			return;
		ask(c, i, peer);
	}
}

static uint32_t find(const struct node_fetch *f, const struct base_hash *hash)
{
	for (uint32_t i = f->next; i < f->count; i++)
		if (base_hash_equal(&f->way[i], hash))
			return i;
	return f->count;
}

/* It was asked for before and did not come. What the one that is asked now has
 * sent beyond it is given up, for it may be in the way. */
static void replace(struct node_consensus *c, uint32_t index, uint32_t peer)
{
	for (uint32_t i = 0; i < NODE_FETCH_WINDOW; i++) {
		struct node_fetched *b = &c->fetch.block[i];

		if (b->peer == peer && b->buffer)
			let_go(c, b);
	}
	ask(c, index, peer);
}

void node_fetch_want(struct node_consensus *c, const struct base_hash *hash,
		     uint32_t peer)
{
	struct node_fetch *f = &c->fetch;
	uint32_t index = find(f, hash);
	struct node_fetched *b;
	bool again;

	if (index == f->count) {
		node_net_ask_block(c, hash, peer);
		return;
	}
	again = f->wanted && index == f->next;
	while (f->next < index)
		let_go(c, fetched_at(f, f->next++));
	f->wanted = true;
	b = fetched_at(f, index);
	if (b->peer == NODE_NO_PEER)
		ask(c, index, peer);
	else if (again && !b->buffer)
		replace(c, index, peer);
	ask_ahead(c);
}

bool node_fetch_hold(struct node_consensus *c, const struct net_event *e)
{
	const struct net_buffer *buffer = e->message.buffer;
	struct node_fetch *f = &c->fetch;
	struct base_hash hash;
	struct node_fetched *b;
	uint32_t index;

	if (buffer->len < CHAIN_HEADER_SIZE || f->count == 0)
		return false;
	pow_bulk_headers(&hash, buffer->data, CHAIN_HEADER_SIZE, 1);
	index = find(f, &hash);
	if (index == f->count || index - f->next >= NODE_FETCH_WINDOW)
		return false;
	b = fetched_at(f, index);
	if (b->buffer || b->peer != e->slot)
		return false;
	b->buffer = e->message.buffer;
	return true;
}

/* The lowest of what was asked of @peer will not come. */
void node_fetch_missing(struct node_consensus *c, uint32_t peer)
{
	struct node_fetch *f = &c->fetch;

	for (uint32_t i = f->next; i < f->count; i++) {
		struct node_fetched *b = fetched_at(f, i);

		if (i - f->next == NODE_FETCH_WINDOW)
			return;
		if (b->peer == peer && !b->buffer) {
			let_go(c, b);
			return;
		}
	}
}

void node_fetch_gone(struct node_consensus *c, uint32_t peer)
{
	for (uint32_t i = 0; i < NODE_FETCH_WINDOW; i++)
		if (c->fetch.block[i].peer == peer)
			let_go(c, &c->fetch.block[i]);
}

void node_fetch_feed(struct node_consensus *c)
{
	struct node_fetch *f = &c->fetch;
	struct node_fetched b;

	if (!f->wanted || f->next == f->count)
		return;
	b = *fetched_at(f, f->next);
	if (!b.buffer)
		return;
	/* Before it is given on: what follows may be asked for at once. */
	*fetched_at(f, f->next++) = (struct node_fetched){.peer = NODE_NO_PEER};
	f->wanted = false;
	ds_block(c->ds, c->now, b.peer, b.buffer->data, b.buffer->len);
	node_consensus_act(c);
	net_release(c->port, b.buffer);
	ask_ahead(c);
}
