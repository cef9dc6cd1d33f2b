/* SPDX-License-Identifier: MIT */
#include "chain/known.h"

#include "base/assert.h"
#include "base/bytes.h"

#define WAYS CHAIN_KNOWN_WAYS

size_t chain_known_cache_size(uint32_t entries)
{
	return entries * sizeof(struct base_hash) + entries / WAYS;
}

void chain_known_cache_init(struct chain_known_cache *out, void *memory,
			    uint32_t entries,
			    const uint8_t salt[static CHAIN_SALT_SIZE])
{
	BASE_ASSERT(entries >= WAYS && entries <= CHAIN_KNOWN_ENTRIES_MAX);
	BASE_ASSERT((entries & (entries - 1)) == 0);
	*out = (struct chain_known_cache){
		.id = memory,
		.added = (uint8_t *)memory + entries * sizeof(*out->id),
		.mask = entries / WAYS - 1,
		.salt.k = {base_load_le64(salt), base_load_le64(salt + 8)},
	};
}

static size_t bucket_of(const struct chain_known_cache *c,
			const struct base_hash *wtxid)
{
	return chain_siphash(&c->salt, wtxid->b, sizeof(wtxid->b)) & c->mask;
}

static bool bucket_has(const struct chain_known_cache *c, size_t bucket,
		       const struct base_hash *wtxid)
{
	const struct base_hash *id = &c->id[bucket * WAYS];
	unsigned count = c->added[bucket] < WAYS ? c->added[bucket] : WAYS;

	for (unsigned i = 0; i < count; i++)
		if (base_hash_equal(&id[i], wtxid))
			return true;
	return false;
}

void chain_known_cache_add(struct chain_known_cache *c,
			   const struct base_hash *wtxid)
{
	size_t bucket = bucket_of(c, wtxid);
	uint8_t *added = &c->added[bucket];

	if (bucket_has(c, bucket, wtxid))
		return;
	c->id[bucket * WAYS + *added % WAYS] = *wtxid;
	if (++*added == 2 * WAYS)
		*added = WAYS;
}

bool chain_known_cache_has(const struct chain_known_cache *c,
			   const struct base_hash *wtxid)
{
	return bucket_has(c, bucket_of(c, wtxid), wtxid);
}

static bool has(void *ctx, const struct base_hash *wtxid)
{
	return chain_known_cache_has(ctx, wtxid);
}

struct chain_known chain_known_of(struct chain_known_cache *c)
{
	return (struct chain_known){.has = has, .ctx = c};
}
