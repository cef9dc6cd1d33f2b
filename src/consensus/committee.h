/* SPDX-License-Identifier: MIT */
/*
 * committee.h: who agrees with whom, how many may fail, and when ticks are.
 *
 * Floor 3, pure. Immutable once made; any thread. Times in milliseconds of
 * Unix time, ticks counted from genesis (consensus.md, Parameters).
 */
#ifndef DS_COMMITTEE_H
#define DS_COMMITTEE_H

#include "base/types.h"
#include "chain/params.h"

#define DS_MEMBERS_MAX CHAIN_MEMBERS_MAX

/* A set of members, a bit each: bit i is member i. */
typedef uint64_t ds_mask;

_Static_assert(DS_MEMBERS_MAX <= 64, "a member is a bit of a mask");

struct ds_committee {
	uint32_t n;	 /* members, 1..DS_MEMBERS_MAX */
	uint32_t f;	 /* of them may be faulty, below n */
	uint32_t rounds; /* W = f + 1: a proposal of tick T is decided at T + W
			  */
	uint32_t quorum; /* q = n - f: votes that make a certificate */
	bool certified;	 /* certificates are made: n >= 2f + 1 */
	uint64_t t0_ms;	 /* tick 0 */
	uint64_t delta_ms;	  /* between ticks, >= 1 */
	struct base_hash genesis; /* which chain signatures are for */
	uint32_t vote_epoch;	  /* raised by people after a SPLIT */
	uint8_t key[DS_MEMBERS_MAX][CHAIN_KEY_SIZE]; /* signing keys */
};

/* The committee of the network @p, whose parameters are valid. */
void ds_committee_init(struct ds_committee *out, const struct chain_params *p,
		       const struct base_hash *genesis, uint32_t vote_epoch);

static inline ds_mask ds_mask_of(uint32_t member)
{
	return UINT64_C(1) << member;
}

static inline bool ds_mask_has(ds_mask mask, uint32_t member)
{
	return mask >> member & 1;
}

static inline uint32_t ds_mask_count(ds_mask mask)
{
	return (uint32_t)__builtin_popcountll(mask);
}

/* Takes the lowest member out of @mask, which is not empty. */
static inline uint32_t ds_mask_take(ds_mask *mask)
{
	uint32_t member = (uint32_t)__builtin_ctzll(*mask);

	*mask &= *mask - 1;
	return member;
}

/* All members; without a shift by 64. */
static inline ds_mask ds_mask_all(const struct ds_committee *c)
{
	return ~UINT64_C(0) >> (64 - c->n);
}

/* t(k). Saturates, far beyond any clock. */
uint64_t ds_tick_ms(const struct ds_committee *c, struct base_tick tick);

/* The last tick k with t(k) <= @now_ms. False: it is before tick 0. */
bool ds_tick_at(struct base_tick *out, const struct ds_committee *c,
		uint64_t now_ms);

#endif
