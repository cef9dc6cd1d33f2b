/* SPDX-License-Identifier: MIT */
#include "oracle.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "measure.h"

static secp256k1_context *context;
static secp256k1_keypair pair[DS_MEMBERS_MAX];
static uint8_t real_key[DS_MEMBERS_MAX][CHAIN_KEY_SIZE];

static void make_keys(void)
{
	context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	for (uint32_t i = 0; i < DS_MEMBERS_MAX; i++) {
		const uint8_t secret[32] = {[31] = (uint8_t)(i + 1)};
		secp256k1_xonly_pubkey point;
		int ok = secp256k1_keypair_create(context, &pair[i], secret);

		ok &= secp256k1_keypair_xonly_pub(context, &point, NULL,
						  &pair[i]);
		ok &= secp256k1_xonly_pubkey_serialize(context, real_key[i],
						       &point);
		BASE_ASSERT(ok);
	}
}

void oracle_key(uint8_t out[static CHAIN_KEY_SIZE], const struct oracle *o,
		uint32_t member)
{
	BASE_ASSERT(member < DS_MEMBERS_MAX);
	if (!context)
		make_keys();
	if (o->real)
		memcpy(out, real_key[member], CHAIN_KEY_SIZE);
	else
		memset(out, (int)member + 1, CHAIN_KEY_SIZE);
}

static void cheap(uint8_t out[static DS_SIGNATURE_SIZE], const uint8_t *key,
		  const struct base_hash *hash)
{
	uint64_t h = base_load_le64(key);

	for (int i = 0; i < 4; i++)
		h = (h ^ base_load_le64(hash->b + 8 * i)) *
		    UINT64_C(0x9e3779b97f4a7c15);
	for (int i = 0; i < 8; i++) {
		h = (h ^ h >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
		base_store_le64(out + 8 * i, h);
	}
}

void oracle_sign(uint8_t out[static DS_SIGNATURE_SIZE], struct oracle *o,
		 uint32_t member, const struct base_hash *hash)
{
	uint8_t key[CHAIN_KEY_SIZE];
	uint64_t began;
	int ok;

	if (!o->real) {
		oracle_key(key, o, member);
		cheap(out, key, hash);
		return;
	}
	began = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	ok = secp256k1_schnorrsig_sign32(context, out, hash->b, &pair[member],
					 NULL);
	BASE_ASSERT(ok);
	o->cpu_ns += measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
}

bool oracle_verify(struct oracle *o, const struct chain_check *check,
		   uint32_t count)
{
	uint8_t want[DS_SIGNATURE_SIZE];
	uint64_t began;
	bool good = true;

	if (!o->real) {
		for (uint32_t i = 0; i < count && good; i++) {
			cheap(want, check[i].key, &check[i].sighash);
			good = memcmp(want, check[i].signature, sizeof(want)) ==
			       0;
		}
		return good;
	}
	began = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	good = chain_checks_valid(check, count);
	o->cpu_ns += measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
	return good;
}
