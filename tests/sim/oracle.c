/* SPDX-License-Identifier: MIT */
/*
 * Signatures. In most seeds they are a keyed hash that only the simulator
 * can make: cheap, and as hard to forge for a liar of the script as a real
 * one. One seed in a hundred signs and verifies by BIP340.
 */
#include "sim.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/assert.h"

static secp256k1_context *context;
static secp256k1_keypair pair[DS_MEMBERS_MAX];
static uint8_t real_key[DS_MEMBERS_MAX][CHAIN_KEY_SIZE];

static void make_keys(void)
{
	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	for (uint32_t i = 0; i < DS_MEMBERS_MAX; i++) {
		uint8_t secret[32] = {[31] = (uint8_t)(i + 1)};
		secp256k1_xonly_pubkey point;
		int ok = secp256k1_keypair_create(context, &pair[i], secret);

		ok &= secp256k1_keypair_xonly_pub(context, &point, NULL,
						  &pair[i]);
		ok &= secp256k1_xonly_pubkey_serialize(context, real_key[i],
						       &point);
		BASE_ASSERT(ok);
	}
}

void sim_member_key(const struct sim_world *w, uint32_t member,
		    uint8_t key[static CHAIN_KEY_SIZE])
{
	BASE_ASSERT(member < DS_MEMBERS_MAX);
	if (w->real_signatures) {
		if (!context)
			make_keys();
		memcpy(key, real_key[member], CHAIN_KEY_SIZE);
		return;
	}
	memset(key, 0, CHAIN_KEY_SIZE);
	key[0] = 0x51;
	key[1] = (uint8_t)member;
	memset(key + 2, (int)(member * 37 + 11), CHAIN_KEY_SIZE - 2);
}

/* Every bit of the key and the hash moves every word. */
static void keyed_hash(uint64_t out[static 8], const uint8_t *key,
		       const struct base_hash *hash)
{
	uint64_t h = sim_mix(sim_mix(1, key, CHAIN_KEY_SIZE), hash->b,
			     sizeof(hash->b));

	for (int i = 0; i < 8; i++) {
		h += UINT64_C(0x9e3779b97f4a7c15);
		out[i] = (h ^ h >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
	}
}

void sim_sign(const struct sim_world *w, uint32_t member,
	      uint8_t signature[static DS_SIGNATURE_SIZE],
	      const struct base_hash *hash)
{
	uint8_t key[CHAIN_KEY_SIZE];
	uint64_t words[8];

	sim_member_key(w, member, key);
	if (w->real_signatures) {
		int ok = secp256k1_schnorrsig_sign32(
			context, signature, hash->b, &pair[member], NULL);
		BASE_ASSERT(ok);
		return;
	}
	keyed_hash(words, key, hash);
	memcpy(signature, words, sizeof(words));
}

bool sim_verify(const struct sim_world *w, const struct chain_check *check)
{
	uint64_t words[8];

	if (w->real_signatures)
		return chain_checks_valid(check, 1);
	keyed_hash(words, check->key, &check->sighash);
	return memcmp(words, check->signature, sizeof(words)) == 0;
}
