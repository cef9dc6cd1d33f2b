/* SPDX-License-Identifier: MIT */
/*
 * ban.h: who may not connect, by key and by address.
 *
 * Floor 4; pure. At most NET_BANS_MAX; a full table loses the one that runs
 * out first. Unix seconds.
 */
#ifndef NET_BAN_H
#define NET_BAN_H

#include "net/addr.h"

#define NET_BAN_S 86400u

struct net_ban_table {
	uint32_t count;
	struct net_ban entry[NET_BANS_MAX];
};

/* Adds it or prolongs the one that names the same. */
void net_ban_add(struct net_ban_table *t, const struct net_ban *ban,
		 uint64_t now_s);
/* Lifts those that name this key or this address (where not all zero). True:
 * there was one. */
bool net_ban_lift(struct net_ban_table *t, const struct net_ban *ban);

bool net_ban_has_address(const struct net_ban_table *t,
			 const struct net_addr *a, uint64_t now_s);
bool net_ban_has_id(const struct net_ban_table *t,
		    const uint8_t id[static NET_ID_SIZE], uint64_t now_s);

#endif
