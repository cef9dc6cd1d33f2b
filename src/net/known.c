/* SPDX-License-Identifier: MIT */
#include "net/known.h"

void net_known_init(struct net_known_table *t,
		    const struct chain_siphash_key *key)
{
	memset(t, 0, sizeof(*t));
	t->key = *key;
}

struct net_known *net_known_find(struct net_known_table *t,
				 const uint8_t id[static NET_ID_SIZE])
{
	for (uint32_t i = 0; i < NET_ADDRESSES_MAX; i++)
		if (t->entry[i].addr.port &&
		    memcmp(t->entry[i].id, id, NET_ID_SIZE) == 0)
			return &t->entry[i];
	return NULL;
}

void net_known_remove(struct net_known_table *t, struct net_known *k)
{
	memset(k, 0, sizeof(*k));
	t->count--;
}

static uint64_t hash(const struct net_known_table *t, uint8_t what,
		     const struct net_group *group, uint8_t number)
{
	uint8_t data[sizeof(group->b) + 2];

	memcpy(data, group->b, sizeof(group->b));
	data[sizeof(group->b)] = what;
	data[sizeof(group->b) + 1] = number;
	return chain_siphash(&t->key, data, sizeof(data));
}

/* The first place of the bucket. */
static struct net_known *bucket_of(struct net_known_table *t,
				   const struct net_group *group,
				   const struct net_group *source)
{
	uint64_t bucket;
	uint8_t which;

	if (source) {
		which = (uint8_t)(hash(t, 0, group, 0) % NET_KNOWN_PER_SOURCE);
		bucket = hash(t, 1, source, which) % NET_KNOWN_TOLD;
	} else {
		bucket = NET_KNOWN_TOLD +
			 hash(t, 2, group, 0) % NET_KNOWN_PROVED;
	}
	return &t->entry[bucket * NET_KNOWN_PLACES];
}

/* @a should rather give way than @b. */
static bool is_worse(const struct net_known *a, const struct net_known *b)
{
	if ((a->failures > 0) != (b->failures > 0))
		return a->failures > 0;
	return a->seen_s < b->seen_s;
}

/* Where one of @group goes; NULL: it is worth less than what is there. */
static struct net_known *place(struct net_known *bucket,
			       const struct net_group *group, uint32_t seen_s)
{
	struct net_known *worst = NULL;
	struct net_known *kin = NULL; /* the worst of the group */
	struct net_known *free = NULL;
	uint32_t kins = 0;

	for (uint32_t i = 0; i < NET_KNOWN_PLACES; i++) {
		struct net_known *k = &bucket[i];
		struct net_group g;

		if (k->addr.port == 0) {
			free = free ? free : k;
			continue;
		}
		if (!worst || is_worse(k, worst))
			worst = k;
		g = net_addr_group(&k->addr);
		if (memcmp(&g, group, sizeof(g)) != 0)
			continue;
		kins++;
		if (!kin || is_worse(k, kin))
			kin = k;
	}
	if (kins >= NET_KNOWN_PER_GROUP)
		worst = kin;
	else if (free)
		return free;
	return worst->failures > 0 || worst->seen_s <= seen_s ? worst : NULL;
}

/* What @source says of one that is known already; true: that is all. */
static bool is_old_news(struct net_known_table *t, struct net_known *k,
			const struct net_addr *addr, uint32_t seen_s,
			const struct net_group *source)
{
	bool same = memcmp(addr->ip, k->addr.ip, sizeof(addr->ip)) == 0 &&
		    addr->port == k->addr.port;
	bool its_own =
		!k->proved && memcmp(source, &k->source, sizeof(*source)) == 0;

	if (seen_s <= k->seen_s)
		return true;
	if (same) {
		k->seen_s = seen_s;
		return true;
	}
	if (!its_own && k->failures == 0)
		return true;
	net_known_remove(t, k);
	return false;
}

void net_known_add(struct net_known_table *t, const struct net_addr *addr,
		   const uint8_t id[static NET_ID_SIZE], uint32_t seen_s,
		   const struct net_group *source)
{
	struct net_known *k = net_known_find(t, id);
	struct net_group group = net_addr_group(addr);

	if (addr->port == 0)
		return;
	if (k && source && is_old_news(t, k, addr, seen_s, source))
		return;
	if (k && !source)
		net_known_remove(t, k);
	k = place(bucket_of(t, &group, source), &group, seen_s);
	if (!k)
		return;
	t->count += k->addr.port == 0;
	*k = (struct net_known){
		.addr = *addr, .proved = !source, .seen_s = seen_s};
	memcpy(k->id, id, NET_ID_SIZE);
	if (source)
		k->source = *source;
}

/* One of the @count buckets from @first on; NULL: all are empty. */
static struct net_known *pick_of(struct net_known_table *t,
				 struct base_prng *prng, uint32_t first,
				 uint32_t count)
{
	uint32_t bucket = (uint32_t)base_prng_below(prng, count);
	uint32_t at = (uint32_t)base_prng_below(prng, NET_KNOWN_PLACES);

	for (uint32_t i = 0; i < count * NET_KNOWN_PLACES; i++) {
		uint32_t b = first + (bucket + i / NET_KNOWN_PLACES) % count;
		struct net_known *k = &t->entry[b * NET_KNOWN_PLACES +
						(at + i) % NET_KNOWN_PLACES];

		if (k->addr.port)
			return k;
	}
	return NULL;
}

struct net_known *net_known_pick(struct net_known_table *t,
				 struct base_prng *prng)
{
	bool proved = base_prng_below(prng, 2) == 0;
	struct net_known *k =
		proved ? pick_of(t, prng, NET_KNOWN_TOLD, NET_KNOWN_PROVED)
		       : pick_of(t, prng, 0, NET_KNOWN_TOLD);

	if (k)
		return k;
	return pick_of(t, prng, 0, NET_KNOWN_BUCKETS);
}
