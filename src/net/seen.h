/* SPDX-License-Identifier: MIT */
/*
 * seen.h: which messages were met, and which peers have them.
 *
 * Floor 4; pure but for the memory it is opened with. Canonical ids are kept
 * as SipHash-128 under a key of this start (two 64-bit SipHashes), in two
 * generations: when one is half full, or NET_SEEN_MS old, the older one is
 * forgotten. Time in milliseconds of a clock that does not go back.
 */
#ifndef NET_SEEN_H
#define NET_SEEN_H

#include "chain/siphash.h"
#include "net/net.h"

#define NET_SEEN_SLOTS 65536u /* of a generation */
#define NET_SEEN_MS 120000u

struct net_key {
	uint64_t k[2];
};

struct net_seen_entry {
	struct net_key key; /* all zero: free */
	struct ds_peers has;
};

struct net_seen {
	struct net_seen_entry *generation[2];
	uint32_t slots; /* power of two */
	uint32_t used;	/* of the current one */
	uint32_t current;
	uint64_t since_ms;
};

struct net_keyer {
	struct chain_siphash_key key[2];
};

struct net_key net_key_of(const struct net_keyer *k,
			  const uint8_t id[static 32]);

/* 0 or -ENOMEM. */
BASE_MUST_CHECK int net_seen_open(struct net_seen *s, uint32_t slots,
				  uint64_t now_ms);
void net_seen_close(struct net_seen *s);

/* The entry of @key; NULL: not met. Valid until the next net_seen_add(). */
struct net_seen_entry *net_seen_find(struct net_seen *s,
				     const struct net_key *key);

/* The entry of @key, made when there is none. */
struct net_seen_entry *net_seen_add(struct net_seen *s,
				    const struct net_key *key, uint64_t now_ms);

/* The slot goes to another peer, which has nothing yet. */
void net_seen_forget(struct net_seen *s, uint32_t slot);

static inline bool net_set_has(const struct ds_peers *p, uint32_t slot)
{
	return p->word[slot / 64] >> (slot % 64) & 1;
}

static inline void net_set_add(struct ds_peers *p, uint32_t slot)
{
	p->word[slot / 64] |= UINT64_C(1) << (slot % 64);
}

static inline void net_set_remove(struct ds_peers *p, uint32_t slot)
{
	p->word[slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

#endif
