/* SPDX-License-Identifier: MIT */
#include "net/ban.h"

static const uint8_t any[NET_ID_SIZE];

static bool names_id(const struct net_ban *b)
{
	return memcmp(b->id, any, sizeof(b->id)) != 0;
}

static bool names_address(const struct net_ban *b)
{
	return memcmp(b->address, any, sizeof(b->address)) != 0;
}

static bool same(const struct net_ban *a, const struct net_ban *b)
{
	return memcmp(a->id, b->id, sizeof(a->id)) == 0 &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void drop(struct net_ban_table *t, uint32_t i)
{
	t->entry[i] = t->entry[--t->count];
}

void net_ban_add(struct net_ban_table *t, const struct net_ban *ban,
		 uint64_t now_s)
{
	struct net_ban *to = NULL;
	uint32_t first = 0;

	for (uint32_t i = 0; i < t->count;) {
		if (t->entry[i].until_s <= now_s) {
			drop(t, i);
			continue;
		}
		if (same(&t->entry[i], ban))
			to = &t->entry[i];
		if (t->entry[i].until_s < t->entry[first].until_s)
			first = i;
		i++;
	}
	if (!to)
		to = t->count < NET_BANS_MAX ? &t->entry[t->count++]
					     : &t->entry[first];
	*to = *ban;
}

bool net_ban_lift(struct net_ban_table *t, const struct net_ban *ban)
{
	uint32_t before = t->count;

	for (uint32_t i = 0; i < t->count;) {
		const struct net_ban *e = &t->entry[i];

		if ((names_id(ban) &&
		     memcmp(e->id, ban->id, sizeof(e->id)) == 0) ||
		    (names_address(ban) &&
		     memcmp(e->address, ban->address, sizeof(e->address)) == 0))
			drop(t, i);
		else
			i++;
	}
	return t->count != before;
}

bool net_ban_has_address(const struct net_ban_table *t,
			 const struct net_addr *a, uint64_t now_s)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->entry[i].until_s > now_s &&
		    names_address(&t->entry[i]) &&
		    memcmp(t->entry[i].address, a->ip, sizeof(a->ip)) == 0)
			return true;
	return false;
}

bool net_ban_has_id(const struct net_ban_table *t,
		    const uint8_t id[static NET_ID_SIZE], uint64_t now_s)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->entry[i].until_s > now_s && names_id(&t->entry[i]) &&
		    memcmp(t->entry[i].id, id, NET_ID_SIZE) == 0)
			return true;
	return false;
}
