/* SPDX-License-Identifier: MIT */
/*
 * known.h: the table of addresses that were heard of, which nobody can fill.
 *
 * Floor 4; pure. Times are Unix seconds. Whoever controls every address that
 * a node knows controls what it hears ("Eclipse Attacks on Bitcoin's
 * Peer-to-Peer Network", Heilman et al., 2015), so places are given by
 * *group*, the /16 of an IPv4 and the /32 of an IPv6 address, and by a key
 * that only this node knows:
 *
 *   told    what peers say. The group of who said it reaches
 *           NET_KNOWN_PER_SOURCE of the buckets, whatever it says; which of
 *           them, the group of the address decides.
 *   proved  those that a connection was made to. Only another one of these
 *           takes their place. The group of the address decides where it is.
 *
 * No group has more than NET_KNOWN_PER_GROUP addresses of a bucket.
 */
#ifndef NET_KNOWN_H
#define NET_KNOWN_H

#include "base/prng.h"
#include "chain/siphash.h"
#include "net/addr.h"

#define NET_KNOWN_TOLD 56u   /* buckets */
#define NET_KNOWN_PROVED 8u  /* buckets */
#define NET_KNOWN_PLACES 32u /* of a bucket */
#define NET_KNOWN_PER_SOURCE 4u
#define NET_KNOWN_PER_GROUP 8u
#define NET_KNOWN_BUCKETS (NET_KNOWN_TOLD + NET_KNOWN_PROVED)

_Static_assert(NET_KNOWN_BUCKETS *NET_KNOWN_PLACES == NET_ADDRESSES_MAX,
	       "the whole table");

struct net_known {
	struct net_addr addr; /* port 0: a free place */
	uint8_t id[NET_ID_SIZE];
	struct net_group source; /* of who said so */
	bool proved;
	uint32_t seen_s;
	uint32_t failures; /* to connect, in a row */
	uint64_t tried_ms; /* of the monotonic clock; 0: not yet */
};

struct net_known_table {
	struct chain_siphash_key key;
	uint32_t count;
	struct net_known entry[NET_ADDRESSES_MAX]; /* by bucket */
};

/* Empty. @key: random, and the same again for what was saved under it. */
void net_known_init(struct net_known_table *t,
		    const struct chain_siphash_key *key);

/*
 * @source says that @id is at @addr and was seen at @seen_s; NULL: we have
 * been connected to it, or were when that was saved. Of what is told an id
 * that is known moves only when the same source says so, or when it could not
 * be reached. In a full bucket one that could not be reached gives way, else
 * the one not seen for longest, unless that is the new one.
 */
void net_known_add(struct net_known_table *t, const struct net_addr *addr,
		   const uint8_t id[static NET_ID_SIZE], uint32_t seen_s,
		   const struct net_group *source);
struct net_known *net_known_find(struct net_known_table *t,
				 const uint8_t id[static NET_ID_SIZE]);
void net_known_remove(struct net_known_table *t, struct net_known *k);

/* Somebody to connect to: as often one that is proved as one that is told,
 * and by buckets, so that it matters little how full one is. NULL: the table
 * is empty. */
struct net_known *net_known_pick(struct net_known_table *t,
				 struct base_prng *prng);

#endif
