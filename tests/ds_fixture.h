/* SPDX-License-Identifier: MIT */
/*
 * ds_fixture.h: a committee of any size on the fixture chain.
 */
#ifndef TESTS_DS_FIXTURE_H
#define TESTS_DS_FIXTURE_H

#include "chain_fixture.h"

#include "consensus/committee.h"

static inline void fixture_committee(struct ds_committee *c, uint32_t n,
				     uint32_t f)
{
	struct chain_params p;
	struct base_hash genesis;

	fixture_params(&p);
	p.member_count = n;
	p.faults = f;
	memset(&genesis, 0x9e, sizeof(genesis));
	ds_committee_init(c, &p, &genesis, 0);
	for (uint32_t i = 0; i < n; i++)
		c->key[i][0] = (uint8_t)i;
}

#endif
