/* SPDX-License-Identifier: MIT */
/*
 * light_fixture.h: a committee of four with real keys, chains of headers, and
 * certificates.
 */
#ifndef TESTS_LIGHT_FIXTURE_H
#define TESTS_LIGHT_FIXTURE_H

#include "test.h"

#include "chain_fixture.h"
#include "spend_fixture.h"

#include "base/assert.h"
#include "consensus/light.h"

#define LIGHT_MEMBERS 4u
#define LIGHT_FAULTS 1u
#define LIGHT_QUORUM (LIGHT_MEMBERS - LIGHT_FAULTS)
#define LIGHT_SECRET 11u /* of member 0; the others follow */
#define LIGHT_EASY_BITS UINT32_C(0x207fffff)

static inline void light_params(struct chain_params *p)
{
	int rc;

	fixture_params(p);
	rc = pow_target_from_bits(&p->pow_limit, LIGHT_EASY_BITS);
	BASE_ASSERT(rc == 0);
	p->genesis_bits = LIGHT_EASY_BITS;
	p->member_count = LIGHT_MEMBERS;
	p->faults = LIGHT_FAULTS;
	for (uint32_t i = 0; i < LIGHT_MEMBERS; i++) {
		secp256k1_keypair pair;

		spend_key(p->member[i].signing_key, &pair,
			  (uint8_t)(LIGHT_SECRET + i));
		(void)snprintf(p->member[i].name, sizeof(p->member[i].name),
			       "member-%u", i);
		memset(p->member[i].node_id, (int)(0x40 + i),
		       sizeof(p->member[i].node_id));
	}
}

/* Makes @h good on @ctx, and the next tip. */
static inline void light_mine(struct chain_header *h, struct chain_context *ctx,
			      const struct chain_params *p)
{
	while (chain_context_check(ctx, p, h) != CHAIN_OK)
		h->nonce++;
	chain_context_append(ctx, p, h);
}

/* @count headers after @ctx, which moves; chains of another @salt differ. */
static inline void light_grow(uint8_t *headers, struct chain_context *ctx,
			      const struct chain_params *p, uint32_t count,
			      uint8_t salt)
{
	for (uint32_t i = 0; i < count; i++) {
		struct chain_header h = {
			.version = CHAIN_VERSION,
			.prev = ctx->hash,
			.merkle_root = {{salt, (uint8_t)i}},
			.time = ctx->time[0] + p->spacing_s,
			.bits = chain_context_next_bits(ctx, p)};

		light_mine(&h, ctx, p);
		chain_header_write(headers + (size_t)i * CHAIN_HEADER_SIZE, &h);
	}
}

struct light_cert {
	struct ds_cert cert;
	uint8_t signature[LIGHT_MEMBERS * DS_SIGNATURE_SIZE];
};

/* The members of @mask say that @at is final. */
static inline void light_certify(struct light_cert *out,
				 const struct ds_committee *c,
				 const struct chain_context *at, ds_mask mask)
{
	secp256k1_context *s = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	struct base_hash hash;
	uint8_t key[CHAIN_KEY_SIZE];
	uint8_t *to = out->signature;

	out->cert = (struct ds_cert){.epoch = c->vote_epoch,
				     .height = at->height,
				     .hash = at->hash,
				     .mask = mask,
				     .signatures = out->signature};
	ds_hash_vote(&hash, c, c->vote_epoch, at->height, &at->hash);
	while (mask) {
		secp256k1_keypair pair;

		spend_key(key, &pair,
			  (uint8_t)(LIGHT_SECRET + ds_mask_take(&mask)));
		BASE_ASSERT(secp256k1_schnorrsig_sign32(s, to, hash.b, &pair,
							NULL));
		to += DS_SIGNATURE_SIZE;
	}
	secp256k1_context_destroy(s);
}

#endif
