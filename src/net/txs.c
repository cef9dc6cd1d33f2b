/* SPDX-License-Identifier: MIT */
#include "base/assert.h"
#include "base/bytes.h"
#include "net/internal.h"

/* ---- what is kept for those who ask ---- */

static struct net_tx *tx_at(struct net *n, uint32_t number)
{
	return &n->tx[number % NET_TXS_MAX];
}

static bool is_kept(const struct net *n, uint32_t number)
{
	return number - n->tx_first < n->tx_next - n->tx_first;
}

static void forget_oldest(struct net *n)
{
	struct net_tx *tx = tx_at(n, n->tx_first++);

	n->tx_bytes -= tx->buffer->cap;
	n->tx_large -= tx->buffer->size >= NET_LARGE;
	net_idmap_remove(&n->tx_map, tx->map);
	net_unref(n, tx->buffer);
	tx->buffer = NULL;
}

void net_txs_clear(struct net *n)
{
	while (n->tx_first != n->tx_next)
		forget_oldest(n);
}

static void push_announce(struct net_conn *c, uint32_t number)
{
	/* A peer that is behind misses the newest; it asks others. */
	if (c->announce_count == NET_ANNOUNCE_MAX)
		return;
	c->announces[(c->announce_first + c->announce_count++) %
		     NET_ANNOUNCE_MAX] = number;
}

void net_txs_add(struct net *n, struct net_buffer *b, const struct ds_peers *to,
		 const uint8_t id[static 32])
{
	struct net_key key = net_key_of(&n->keyer, id);
	bool large = b->size >= NET_LARGE;
	struct net_tx *tx;
	uint32_t map;

	net_gossip_seen(n, id);
	if (net_idmap_find(&n->tx_map, &key) != NET_IDMAP_NONE)
		return;
	while (n->tx_first != n->tx_next &&
	       (n->tx_next - n->tx_first >= NET_TXS_MAX ||
		n->tx_bytes + b->cap > NET_TXS_BYTES ||
		(large && n->tx_large >= NET_TXS_LARGE_MAX)))
		forget_oldest(n);
	map = net_idmap_add(&n->tx_map, &key);
	BASE_ASSERT(map != NET_IDMAP_NONE);
	n->tx_index[map] = n->tx_next;
	tx = tx_at(n, n->tx_next);
	*tx = (struct net_tx){.buffer = b, .key = key, .map = map};
	memcpy(tx->id, id, sizeof(tx->id));
	b->refs++;
	n->tx_bytes += b->cap;
	n->tx_large += large;
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		struct net_conn *c = net_peer_at(n, i);

		if (c && net_set_has(to, i) && c->hello.mode != NET_LIGHT)
			push_announce(c, n->tx_next);
	}
	n->tx_next++;
}

/* One announcement of what waits for @c. */
static void announce(struct net *n, struct net_conn *c)
{
	uint32_t most = c->announce_count < NET_INV_MAX ? c->announce_count
							: NET_INV_MAX;
	struct net_buffer *b = net_pool_get(&n->pool, (size_t)32 * most, 0);
	uint32_t count = 0;

	if (!b)
		return;
	while (c->announce_count > 0 && count < most &&
	       net_quota_take(&c->announce, 1, n->now_ms)) {
		uint32_t number = c->announces[c->announce_first];
		const struct net_tx *tx = tx_at(n, number);
		struct net_seen_entry *e;

		c->announce_first = (c->announce_first + 1) % NET_ANNOUNCE_MAX;
		c->announce_count--;
		if (!is_kept(n, number))
			continue;
		e = net_seen_find(&n->seen, &tx->key);
		if (e && net_set_has(&e->has, (uint32_t)c->slot)) {
			net_count(n, NET_C_FILTERED);
			continue;
		}
		if (e)
			net_set_add(&e->has, (uint32_t)c->slot);
		memcpy(b->data + (size_t)32 * count++, tx->id, 32);
	}
	b->len = 32 * count;
	if (count > 0)
		(void)net_output_queue(n, c, NET_TX_INV, b);
	net_unref(n, b);
}

void net_txs_announce(struct net *n)
{
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		struct net_conn *c = net_peer_at(n, i);

		if (c && c->announce_count > 0)
			announce(n, c);
	}
}

bool net_txs_get(struct net *n, struct net_conn *c, struct net_buffer *b)
{
	uint32_t left = 0;

	if (b->len % 32 != 0) {
		net_peer_fault(n, c, NET_SCORE_QUOTA);
		return false;
	}
	for (uint32_t at = 0; at < b->len && c->state == NET_CONN_UP;
	     at += 32) {
		struct net_key key = net_key_of(&n->keyer, b->data + at);
		uint32_t map = net_idmap_find(&n->tx_map, &key);

		if (map != NET_IDMAP_NONE) {
			(void)net_output_queue(
				n, c, NET_TX,
				tx_at(n, n->tx_index[map])->buffer);
			continue;
		}
		memmove(b->data + left, b->data + at, 32);
		left += 32;
	}
	/* Counted by its length when it came. */
	c->held -= b->len - left;
	b->len = left;
	return left > 0 && c->state == NET_CONN_UP;
}

/* ---- what we ask for ---- */

struct batch {
	struct net_buffer *buffer;
	uint32_t count;
};

static void want(struct net *n, struct net_conn *c, struct batch *batch,
		 uint32_t index)
{
	struct net_wanted *w = &n->wanted[index];

	w->from = (uint32_t)c->slot;
	w->deadline_ms = n->now_ms + NET_WANTED_MS;
	net_set_add(&w->tried, (uint32_t)c->slot);
	c->wanted++;
	memcpy(batch->buffer->data + (size_t)32 * batch->count++, w->id, 32);
}

static void forget_wanted(struct net *n, uint32_t index)
{
	struct net_wanted *w = &n->wanted[index];
	struct net_conn *c =
		w->from < NET_SLOTS_MAX ? net_peer_at(n, w->from) : NULL;

	if (c && !w->delivered && c->wanted > 0)
		c->wanted--;
	net_idmap_remove(&n->wanted_map, index);
	memset(w, 0, sizeof(*w));
}

static void ask(struct net *n, struct net_conn *c, struct batch *batch)
{
	batch->buffer->len = 32 * batch->count;
	if (batch->count > 0)
		(void)net_output_queue(n, c, NET_TX_GET, batch->buffer);
	net_unref(n, batch->buffer);
}

static void announced(struct net *n, struct net_conn *c, const uint8_t id[32],
		      struct batch *batch)
{
	uint32_t max =
		net_conn_is_member(c) ? NET_WANTED_MEMBER : NET_WANTED_OTHER;
	struct net_key key = net_key_of(&n->keyer, id);
	uint32_t index;

	if (net_gossip_heard(n, c, id, true))
		return;
	if (net_idmap_find(&n->wanted_map, &key) != NET_IDMAP_NONE)
		return;
	if (c->wanted >= max || !net_quota_ok(&c->checks, n->now_ms))
		return;
	index = net_idmap_add(&n->wanted_map, &key);
	if (index == NET_IDMAP_NONE)
		return;
	memset(&n->wanted[index], 0, sizeof(n->wanted[index]));
	memcpy(n->wanted[index].id, id, 32);
	want(n, c, batch, index);
}

enum net_parse_result net_txs_inv(struct net *n, struct net_conn *c,
				  const struct net_buffer *b)
{
	struct batch batch = {0};
	bool over = false;

	if (n->o.mode == NET_LIGHT)
		return NET_PARSE_OK;
	if (b->len % 32 != 0) {
		net_peer_fault(n, c, NET_SCORE_QUOTA);
		return NET_PARSE_OK;
	}
	batch.buffer = net_pool_get(&n->pool, b->len, 0);
	if (!batch.buffer)
		return NET_PARSE_OK;
	for (uint32_t at = 0; at < b->len; at += 32) {
		over = !net_quota_take(&c->txs, 1, n->now_ms);
		if (over) {
			net_count(n, NET_C_TX_DROPPED);
			continue;
		}
		announced(n, c, b->data + at, &batch);
	}
	ask(n, c, &batch);
	if (over)
		net_peer_fault(n, c, NET_SCORE_QUOTA);
	return NET_PARSE_OK;
}

bool net_txs_came(struct net *n, struct net_conn *c,
		  const uint8_t id[static 32], bool *copy)
{
	struct net_key key = net_key_of(&n->keyer, id);
	uint32_t index = net_idmap_find(&n->wanted_map, &key);
	struct net_wanted *w;

	*copy = net_gossip_heard(n, c, id, true);
	if (index == NET_IDMAP_NONE)
		return *copy;
	w = &n->wanted[index];
	/* Late, after another was asked: welcome all the same. */
	if (!net_set_has(&w->tried, (uint32_t)c->slot))
		return false;
	if (w->delivered) {
		*copy = true;
		return true;
	}
	if (w->from < NET_SLOTS_MAX) {
		struct net_conn *asked = net_peer_at(n, w->from);

		if (asked && asked->wanted > 0)
			asked->wanted--;
	}
	w->delivered = true;
	w->deadline_ms = n->now_ms + NET_DELIVERED_MS;
	return true;
}

void net_txs_done(struct net *n, const uint8_t id[static 32])
{
	struct net_key key = net_key_of(&n->keyer, id);
	uint32_t index = net_idmap_find(&n->wanted_map, &key);

	if (index != NET_IDMAP_NONE)
		forget_wanted(n, index);
}

/* Another peer that announced it and was not asked yet. */
static struct net_conn *next_to_ask(struct net *n, const struct net_key *key,
				    const struct net_wanted *w)
{
	const struct net_seen_entry *e = net_seen_find(&n->heard, key);

	for (uint32_t i = 0; e && i < NET_SLOTS_MAX; i++) {
		struct net_conn *c = net_peer_at(n, i);

		if (c && net_set_has(&e->has, i) &&
		    !net_set_has(&w->tried, i) &&
		    net_quota_ok(&c->checks, n->now_ms))
			return c;
	}
	return NULL;
}

void net_txs_expire(struct net *n)
{
	/* Each of its own: rare, and simple. */
	for (uint32_t i = 0; i < NET_WANTED_MAX && n->wanted_map.used > 0;
	     i++) {
		struct net_wanted *w = &n->wanted[i];
		struct net_key key = n->wanted_map.node[i].key;
		struct batch batch = {0};
		struct net_conn *asked;
		struct net_conn *c;

		if (w->deadline_ms == 0 || w->deadline_ms > n->now_ms)
			continue;
		asked = w->from < NET_SLOTS_MAX ? net_peer_at(n, w->from)
						: NULL;
		c = w->delivered ? NULL : next_to_ask(n, &key, w);
		if (c)
			batch.buffer = net_pool_get(&n->pool, 32, 0);
		if (!batch.buffer) {
			forget_wanted(n, i);
			continue;
		}
		if (asked && asked->wanted > 0)
			asked->wanted--;
		want(n, c, &batch, i);
		ask(n, c, &batch);
	}
}

void net_txs_gone(struct net *n, struct net_conn *c)
{
	/* Who else announced them is asked at the next look. */
	for (uint32_t i = 0; i < NET_WANTED_MAX && c->wanted > 0; i++) {
		struct net_wanted *w = &n->wanted[i];

		if (w->deadline_ms == 0 || w->delivered ||
		    w->from != (uint32_t)c->slot)
			continue;
		w->from = NET_SLOTS_MAX;
		w->deadline_ms = n->now_ms;
		c->wanted--;
	}
}
