/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <openssl/rand.h>

#include "net/internal.h"

int net_gossip_open(struct net *n)
{
	if (RAND_bytes((uint8_t *)&n->keyer, sizeof(n->keyer)) != 1)
		return -EIO;
	if (net_seen_open(&n->seen, NET_SEEN_SLOTS, n->now_ms) < 0 ||
	    net_seen_open(&n->heard, NET_SEEN_SLOTS, n->now_ms) < 0 ||
	    net_idmap_open(&n->tx_map, NET_TXS_MAX) < 0 ||
	    net_idmap_open(&n->wanted_map, NET_WANTED_MAX) < 0)
		return -ENOMEM;
	return 0;
}

void net_gossip_close(struct net *n)
{
	net_seen_close(&n->seen);
	net_seen_close(&n->heard);
	net_idmap_close(&n->tx_map);
	net_idmap_close(&n->wanted_map);
}

void net_gossip_forget(struct net *n, uint32_t slot)
{
	net_seen_forget(&n->seen, slot);
	net_seen_forget(&n->heard, slot);
}

bool net_gossip_heard(struct net *n, struct net_conn *c,
		      const uint8_t id[static 32], bool drop)
{
	struct net_key key = net_key_of(&n->keyer, id);
	struct net_seen_entry *e = net_seen_find(&n->seen, &key);

	if (e) {
		net_set_add(&e->has, (uint32_t)c->slot);
		if (drop)
			net_count(n, NET_C_COPIES);
		return drop;
	}
	e = net_seen_add(&n->heard, &key, n->now_ms);
	net_set_add(&e->has, (uint32_t)c->slot);
	return false;
}

/* Moves what was heard to what is valid. */
static struct net_seen_entry *see(struct net *n, const struct net_key *key)
{
	struct net_seen_entry *e = net_seen_find(&n->seen, key);
	const struct net_seen_entry *heard;

	if (e)
		return e;
	e = net_seen_add(&n->seen, key, n->now_ms);
	heard = net_seen_find(&n->heard, key);
	if (heard)
		for (uint32_t i = 0; i < BASE_COUNT(e->has.word); i++)
			e->has.word[i] |= heard->has.word[i];
	return e;
}

void net_gossip_seen(struct net *n, const uint8_t id[static 32])
{
	struct net_key key = net_key_of(&n->keyer, id);

	(void)see(n, &key);
	net_txs_done(n, id);
}

void net_gossip_send(struct net *n, uint8_t type, struct net_buffer *b,
		     const struct ds_peers *to, const uint8_t id[static 32])
{
	struct net_key key = net_key_of(&n->keyer, id);
	struct net_seen_entry *e = see(n, &key);

	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		struct net_conn *c = net_peer_at(n, i);

		if (!c || !net_set_has(to, i))
			continue;
		if (net_set_has(&e->has, i)) {
			net_count(n, NET_C_FILTERED);
			continue;
		}
		net_set_add(&e->has, i);
		(void)net_output_queue(n, c, type, b);
	}
}
