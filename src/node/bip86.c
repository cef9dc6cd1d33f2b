/* SPDX-License-Identifier: MIT */
#include "node/bip86.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>

#include "base/bytes.h"
#include "pow/sha256.h"

#define HARDENED UINT32_C(0x80000000)
#define PURPOSE 86u

/* An extended private key: secret and chain code side by side, as
 * HMAC-SHA512 yields them. */
struct node_key {
	uint8_t secret[32];
	uint8_t chain[32];
};

static int hmac512(struct node_key *out, const void *key, size_t key_len,
		   const uint8_t *data, size_t len)
{
	unsigned out_len = 0;

	_Static_assert(sizeof(*out) == 64, "HMAC-SHA512 fills it exactly");
	if (!HMAC(EVP_sha512(), key, (int)key_len, data, len,
		  (unsigned char *)out, &out_len))
		return -ENOMEM;
	return 0;
}

/* BIP32, private parent to private child. */
static int derive(const secp256k1_context *ctx, struct node_key *k, uint32_t i)
{
	uint8_t data[1 + 32 + 4] = {0};
	struct node_key child;
	int rc;

	if (i & HARDENED) {
		memcpy(data + 1, k->secret, 32);
	} else {
		secp256k1_pubkey public;
		size_t len = 33;

		if (!secp256k1_ec_pubkey_create(ctx, &public, k->secret))
			return -EINVAL;
		(void)secp256k1_ec_pubkey_serialize(ctx, data, &len, &public,
						    SECP256K1_EC_COMPRESSED);
	}
	base_store_be32(data + 33, i);
	rc = hmac512(&child, k->chain, sizeof(k->chain), data, sizeof(data));
	if (rc == 0 &&
	    !secp256k1_ec_seckey_tweak_add(ctx, child.secret, k->secret))
		rc = -EINVAL;
	if (rc == 0)
		*k = child;
	base_wipe(&child, sizeof(child));
	base_wipe(data, sizeof(data));
	return rc;
}

/* BIP341's tagged hash "TapTweak" of the internal key alone. */
static void tap_tweak(struct base_hash *out, const uint8_t internal[static 32])
{
	static const char tag[] = "TapTweak";
	uint8_t data[96];
	struct base_hash tag_hash;

	pow_sha256(&tag_hash, tag, sizeof(tag) - 1);
	memcpy(data, tag_hash.b, 32);
	memcpy(data + 32, tag_hash.b, 32);
	memcpy(data + 64, internal, 32);
	pow_sha256(out, data, sizeof(data));
}

static int tweak_output(const secp256k1_context *ctx, uint8_t out[static 32],
			const uint8_t secret[static 32])
{
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey x;
	secp256k1_pubkey tweaked;
	struct base_hash tweak;
	uint8_t internal[32];
	int ok = secp256k1_keypair_create(ctx, &pair, secret) &&
		 secp256k1_keypair_xonly_pub(ctx, &x, NULL, &pair) &&
		 secp256k1_xonly_pubkey_serialize(ctx, internal, &x);

	base_wipe(&pair, sizeof(pair));
	if (!ok)
		return -EINVAL;
	tap_tweak(&tweak, internal);
	if (!secp256k1_xonly_pubkey_tweak_add(ctx, &tweaked, &x, tweak.b) ||
	    !secp256k1_xonly_pubkey_from_pubkey(ctx, &x, NULL, &tweaked))
		return -EINVAL;
	(void)secp256k1_xonly_pubkey_serialize(ctx, out, &x);
	return 0;
}

int node_bip86_output_key(uint8_t key[static 32], const uint8_t *seed,
			  size_t seed_len, uint32_t change, uint32_t index)
{
	static const char master[] = "Bitcoin seed";
	const uint32_t path[] = {PURPOSE | HARDENED, HARDENED, HARDENED, change,
				 index};
	secp256k1_context *ctx;
	struct node_key k;
	int rc;

	if (seed_len < NODE_SEED_MIN || seed_len > NODE_SEED_MAX)
		return -EINVAL;
	ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	if (!ctx)
		return -ENOMEM;
	rc = hmac512(&k, master, sizeof(master) - 1, seed, seed_len);
	if (rc == 0 && !secp256k1_ec_seckey_verify(ctx, k.secret))
		rc = -EINVAL;
	for (size_t i = 0; i < BASE_COUNT(path) && rc == 0; i++)
		rc = derive(ctx, &k, path[i]);
	if (rc == 0)
		rc = tweak_output(ctx, key, k.secret);
	base_wipe(&k, sizeof(k));
	secp256k1_context_destroy(ctx);
	return rc;
}

int node_xonly_public(uint8_t key[static 32],
		      const uint8_t secret[static NODE_SECRET_SIZE])
{
	secp256k1_context *ctx =
		secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey x;
	int ok;

	if (!ctx)
		return -ENOMEM;
	ok = secp256k1_keypair_create(ctx, &pair, secret) &&
	     secp256k1_keypair_xonly_pub(ctx, &x, NULL, &pair) &&
	     secp256k1_xonly_pubkey_serialize(ctx, key, &x);
	base_wipe(&pair, sizeof(pair));
	secp256k1_context_destroy(ctx);
	return ok ? 0 : -EINVAL;
}
