/* SPDX-License-Identifier: MIT */
#include "pow/pool_cursor.h"

#include "base/assert.h"
#include "minerd/pow_backend.h"

struct pow_cursor pow_cursor_init(uint32_t version_mask, uint32_t group)
{
	int bits = __builtin_popcount(version_mask);

	BASE_ASSERT(bits <= 16 && group >= 1 && group <= 1u << 16);
	return (struct pow_cursor){
		.counters = UINT64_C(1) << 32,
		.nonces = MINERD_POW_NONCE_END,
		.versions = 1u << bits,
		.group = group,
	};
}

/* Versions of the group that begins at the cursor; the last may be short. */
static uint32_t group_size(const struct pow_cursor *c)
{
	uint32_t left = c->versions - c->version;

	return c->group < left ? c->group : left;
}

bool pow_cursor_peek(struct pow_batch *out, const struct pow_cursor *c,
		     uint64_t hashes, uint32_t lanes)
{
	uint32_t count = group_size(c);
	uint64_t nonces = hashes / count;
	uint64_t left = c->nonces - c->nonce;

	BASE_ASSERT(lanes >= 1);
	if (c->counter == c->counters)
		return false;
	nonces = nonces < lanes ? lanes : nonces - nonces % lanes;
	*out = (struct pow_batch){
		.counter = (uint32_t)c->counter,
		.version = c->version,
		.count = count,
		.first = c->nonce,
		.end = c->nonce + (nonces < left ? nonces : left),
	};
	return true;
}

void pow_cursor_advance(struct pow_cursor *c, uint64_t reached)
{
	BASE_ASSERT(c->counter < c->counters);
	BASE_ASSERT(reached >= c->nonce && reached <= c->nonces);
	c->nonce = reached;
	if (c->nonce < c->nonces)
		return;
	c->nonce = 0;
	c->version += group_size(c);
	if (c->version < c->versions)
		return;
	c->version = 0;
	c->counter++;
}

uint32_t pow_version_spread(uint32_t version, uint32_t mask, uint32_t i)
{
	version &= ~mask;
	for (; mask; mask &= mask - 1, i >>= 1) {
		if (i & 1)
			version |= mask & -mask;
	}
	BASE_ASSERT(i == 0);
	return version;
}

uint64_t pow_batch_size(uint64_t hashes, uint64_t cost_ns)
{
	uint64_t next = 2 * hashes;

	if (cost_ns > POW_BATCH_AIM_NS / 2)
		next = hashes * POW_BATCH_AIM_NS / cost_ns;
	/* Never reached by a kernel, and keeps the product in 64 bits. */
	if (next > MINERD_POW_NONCE_END)
		next = MINERD_POW_NONCE_END;
	return next ? next : 1;
}
