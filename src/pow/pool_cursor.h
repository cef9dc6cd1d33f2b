/* SPDX-License-Identifier: MIT */
/*
 * pool_cursor.h: the order in which one worker walks its nonce space, and
 * how much of it is one batch.
 *
 * Pure. A worker's space is every (extranonce counter, version, nonce);
 * with its index in the extranonce the spaces of all workers are disjoint.
 * For each counter, for each group of versions, all nonces, in batches: every
 * point exactly once, whatever the sizes of batches and wherever a scan
 * stopped early (tests/test_pool_cursor counts them).
 */
#ifndef POW_POOL_CURSOR_H
#define POW_POOL_CURSOR_H

#include "base/types.h"

struct pow_cursor {
	uint64_t counters; /* extranonce counters: 1..2^32 */
	uint64_t nonces;   /* of a header: 1..2^32 */
	uint32_t versions; /* 1..2^16 */
	uint32_t group;	   /* versions searched together, >= 1 */
	/* Where the next batch begins. */
	uint64_t counter;
	uint32_t version;
	uint64_t nonce;
};

/* One batch: nonces first..end-1 of versions version..version+count-1. */
struct pow_batch {
	uint32_t counter;
	uint32_t version;
	uint32_t count;
	uint64_t first;
	uint64_t end;
};

/* A cursor over the whole space of one worker; @group in 1..2^16. */
struct pow_cursor pow_cursor_init(uint32_t version_mask, uint32_t group);

/* The next batch: as many nonces as make @hashes with the versions of its
 * group, rounded down to whole vectors of @lanes (>= 1) but at least one, or
 * what is left of its headers. False when all was walked. Moves nothing. */
BASE_MUST_CHECK bool pow_cursor_peek(struct pow_batch *out,
				     const struct pow_cursor *c,
				     uint64_t hashes, uint32_t lanes);

/* The batch last seen was searched up to before @reached, in first..end of
 * that batch. */
void pow_cursor_advance(struct pow_cursor *c, uint64_t reached);

/* @version with its bits in @mask replaced by the lowest bits of @i, least
 * significant first; i < 2^(bits of mask). For POW_VERSION_MASK it is
 * pow_version_roll(). */
uint32_t pow_version_spread(uint32_t version, uint32_t mask, uint32_t i);

/* CPU time that a batch aims at: half of what is allowed. */
#define POW_BATCH_AIM_NS UINT64_C(500000)

/*
 * The size of the next batch, in hashes, after one of @hashes that took
 * @cost_ns of CPU time: scaled to POW_BATCH_AIM_NS, at most doubled, at least
 * 1. Counted in hashes and not in nonces, since a group of more versions
 * makes a hash cheaper, never dearer: while the time of a kernel for a vector
 * is constant and below the aim, batches stay below twice the aim.
 */
uint64_t pow_batch_size(uint64_t hashes, uint64_t cost_ns);

#endif
