/* SPDX-License-Identifier: MIT */
#include "consensus/committee.h"

#include "base/assert.h"

void ds_committee_init(struct ds_committee *out, const struct chain_params *p,
		       const struct base_hash *genesis, uint32_t vote_epoch)
{
	uint32_t n = p->member_count;
	uint32_t f = p->faults;

	BASE_ASSERT(n >= 1 && n <= DS_MEMBERS_MAX && f < n);
	BASE_ASSERT(p->delta_ms >= 1);
	*out = (struct ds_committee){
		.n = n,
		.f = f,
		.rounds = f + 1,
		.quorum = n - f,
		.certified = n >= 2 * f + 1,
		.t0_ms = p->genesis_time_ms,
		.delta_ms = p->delta_ms,
		.genesis = *genesis,
		.vote_epoch = vote_epoch,
	};
	for (uint32_t i = 0; i < n; i++)
		memcpy(out->key[i], p->member[i].signing_key,
		       sizeof(out->key[i]));
}

uint64_t ds_tick_ms(const struct ds_committee *c, struct base_tick tick)
{
	uint64_t ms;

	if (__builtin_mul_overflow(tick.n, c->delta_ms, &ms) ||
	    __builtin_add_overflow(ms, c->t0_ms, &ms))
		return UINT64_MAX;
	return ms;
}

bool ds_tick_at(struct base_tick *out, const struct ds_committee *c,
		uint64_t now_ms)
{
	if (now_ms < c->t0_ms)
		return false;
	out->n = (now_ms - c->t0_ms) / c->delta_ms;
	return true;
}
