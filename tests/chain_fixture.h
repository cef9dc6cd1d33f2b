/* SPDX-License-Identifier: MIT */
/*
 * chain_fixture.h: parameters of a small chain that is quickly mined.
 */
#ifndef TESTS_CHAIN_FIXTURE_H
#define TESTS_CHAIN_FIXTURE_H

#include "base/bytes.h"
#include "chain/params.h"
#include "pow/target.h"

#define FIXTURE_BITS 0x2000ffffu /* one hash in 256 */
#define FIXTURE_TIME_MS UINT64_C(1700000000999)
#define FIXTURE_MEMBERS 3

/* x of G, 2G and 3G on secp256k1 */
static const char *const fixture_key[FIXTURE_MEMBERS] = {
	"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
	"c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
	"f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
};

static inline void fixture_params(struct chain_params *p)
{
	int rc = 0;

	memset(p, 0, sizeof(*p));
	(void)snprintf(p->name, sizeof(p->name), "fixture-1");
	(void)snprintf(p->address_prefix, sizeof(p->address_prefix), "fix");
	p->genesis_time_ms = FIXTURE_TIME_MS;
	p->delta_ms = 1000;
	p->faults = 1;
	p->member_count = FIXTURE_MEMBERS;
	for (unsigned i = 0; i < FIXTURE_MEMBERS; i++) {
		struct chain_member *m = &p->member[i];

		(void)snprintf(m->name, sizeof(m->name), "member-%u", i);
		(void)snprintf(m->address, sizeof(m->address),
			       "node-%u.example:7000", i);
		rc |= base_from_hex(m->signing_key, CHAIN_KEY_SIZE,
				    fixture_key[i]);
		m->node_id[0] = (uint8_t)(i + 1);
	}
	rc |= pow_target_from_bits(&p->pow_limit, FIXTURE_BITS);
	p->genesis_bits = FIXTURE_BITS;
	p->spacing_s = 5;
	p->half_life_s = 5 * CHAIN_HALF_LIFE_SPACINGS;
	p->max_block_bytes = CHAIN_BLOCK_BYTES_MIN;
	p->max_block_inputs = 10;
	p->subsidy_initial.units = 50 * BASE_COIN;
	p->subsidy_halving_blocks = 210000;
	p->coinbase_maturity = CHAIN_MATURITY_DEFAULT;
	p->output_count = 2;
	for (unsigned i = 0; i < 2; i++) {
		p->output[i].amount.units = (i + 1) * BASE_COIN;
		rc |= base_from_hex(p->output[i].key, CHAIN_KEY_SIZE,
				    fixture_key[i]);
	}
	if (rc != 0)
		abort();
}

#endif
