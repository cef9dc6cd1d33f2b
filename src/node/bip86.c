/* SPDX-License-Identifier: MIT */
#include "node/bip86.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/bytes.h"
#include "pow/sha256.h"

#define HARDENED UINT32_C(0x80000000)
#define PURPOSE 86u

static int hmac512(struct node_xprv *out, const void *key, size_t key_len,
		   const uint8_t *data, size_t len)
{
	unsigned out_len = 0;

	_Static_assert(sizeof(*out) == 64, "HMAC-SHA512 fills it exactly");
	if (!HMAC(EVP_sha512(), key, (int)key_len, data, len,
		  (unsigned char *)out, &out_len))
		return -ENOMEM;
	return 0;
}

static int public_of(const secp256k1_context *ctx, uint8_t out[static 33],
		     const uint8_t secret[static 32])
{
	secp256k1_pubkey public;
	size_t len = 33;

	if (!secp256k1_ec_pubkey_create(ctx, &public, secret))
		return -EINVAL;
	(void)secp256k1_ec_pubkey_serialize(ctx, out, &len, &public,
					    SECP256K1_EC_COMPRESSED);
	return 0;
}

/* BIP32, private parent to private child. */
static int derive(const secp256k1_context *ctx, struct node_xprv *k, uint32_t i)
{
	uint8_t data[1 + 32 + 4] = {0};
	struct node_xprv child;
	int rc = 0;

	if (i & HARDENED)
		memcpy(data + 1, k->key, 32);
	else
		rc = public_of(ctx, data, k->key);
	base_store_be32(data + 33, i);
	if (rc == 0)
		rc = hmac512(&child, k->chain, sizeof(k->chain), data,
			     sizeof(data));
	if (rc == 0 && !secp256k1_ec_seckey_tweak_add(ctx, child.key, k->key))
		rc = -EINVAL;
	if (rc == 0)
		*k = child;
	base_wipe(&child, sizeof(child));
	base_wipe(data, sizeof(data));
	return rc;
}

/* BIP32, public parent to public child. */
static int derive_public(struct node_xpub *out, secp256k1_pubkey *point,
			 const struct node_xpub *parent, uint32_t i)
{
	const secp256k1_context *ctx = secp256k1_context_static;
	uint8_t data[33 + 4];
	struct node_xprv left;
	struct node_xpub child;
	size_t len = sizeof(child.key);
	int rc;

	memcpy(data, parent->key, sizeof(parent->key));
	base_store_be32(data + 33, i);
	rc = hmac512(&left, parent->chain, sizeof(parent->chain), data,
		     sizeof(data));
	if (rc < 0)
		return rc;
	if (!secp256k1_ec_pubkey_parse(ctx, point, parent->key,
				       sizeof(parent->key)) ||
	    !secp256k1_ec_pubkey_tweak_add(ctx, point, left.key))
		return -EINVAL;
	(void)secp256k1_ec_pubkey_serialize(ctx, child.key, &len, point,
					    SECP256K1_EC_COMPRESSED);
	memcpy(child.chain, left.chain, sizeof(child.chain));
	*out = child;
	return 0;
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

static void tweak_of(struct base_hash *out, const secp256k1_xonly_pubkey *x)
{
	uint8_t internal[32];

	(void)secp256k1_xonly_pubkey_serialize(secp256k1_context_static,
					       internal, x);
	tap_tweak(out, internal);
}

static secp256k1_context *new_context(void)
{
	return secp256k1_context_create(SECP256K1_CONTEXT_NONE);
}

int node_bip86_account(struct node_xprv *out, const uint8_t *seed,
		       size_t seed_len)
{
	static const char master[] = "Bitcoin seed";
	const uint32_t path[] = {PURPOSE | HARDENED, HARDENED, HARDENED};
	secp256k1_context *ctx;
	struct node_xprv k;
	int rc;

	if (seed_len < NODE_SEED_MIN || seed_len > NODE_SEED_MAX)
		return -EINVAL;
	ctx = new_context();
	if (!ctx)
		return -ENOMEM;
	rc = hmac512(&k, master, sizeof(master) - 1, seed, seed_len);
	if (rc == 0 && !secp256k1_ec_seckey_verify(ctx, k.key))
		rc = -EINVAL;
	for (size_t i = 0; i < BASE_COUNT(path) && rc == 0; i++)
		rc = derive(ctx, &k, path[i]);
	if (rc == 0)
		*out = k;
	base_wipe(&k, sizeof(k));
	secp256k1_context_destroy(ctx);
	return rc;
}

int node_bip86_public(struct node_xpub *out, const struct node_xprv *in)
{
	secp256k1_context *ctx = new_context();
	int rc;

	if (!ctx)
		return -ENOMEM;
	rc = public_of(ctx, out->key, in->key);
	if (rc == 0)
		memcpy(out->chain, in->chain, sizeof(out->chain));
	secp256k1_context_destroy(ctx);
	return rc;
}

int node_bip86_branch(struct node_xpub *out, const struct node_xpub *account,
		      uint32_t change)
{
	secp256k1_pubkey point;

	return derive_public(out, &point, account, change);
}

int node_bip86_output_key(uint8_t key[static 32],
			  const struct node_xpub *branch, uint32_t index)
{
	const secp256k1_context *ctx = secp256k1_context_static;
	struct node_xpub child;
	secp256k1_pubkey point;
	secp256k1_xonly_pubkey x;
	struct base_hash tweak;
	int rc;

	if (index > NODE_INDEX_MAX)
		return -EINVAL;
	rc = derive_public(&child, &point, branch, index);
	if (rc < 0)
		return rc;
	if (!secp256k1_xonly_pubkey_from_pubkey(ctx, &x, NULL, &point))
		return -EINVAL;
	tweak_of(&tweak, &x);
	if (!secp256k1_xonly_pubkey_tweak_add(ctx, &point, &x, tweak.b) ||
	    !secp256k1_xonly_pubkey_from_pubkey(ctx, &x, NULL, &point))
		return -EINVAL;
	(void)secp256k1_xonly_pubkey_serialize(ctx, key, &x);
	return 0;
}

static int sign(const secp256k1_context *ctx, uint8_t *signature,
		const struct base_hash *hash, const struct node_xprv *k,
		const uint8_t *aux)
{
	secp256k1_keypair pair;
	secp256k1_xonly_pubkey x;
	struct base_hash tweak;
	int ok = secp256k1_keypair_create(ctx, &pair, k->key) &&
		 secp256k1_keypair_xonly_pub(ctx, &x, NULL, &pair);

	if (ok) {
		tweak_of(&tweak, &x);
		ok = secp256k1_keypair_xonly_tweak_add(ctx, &pair, tweak.b) &&
		     secp256k1_schnorrsig_sign32(ctx, signature, hash->b, &pair,
						 aux);
	}
	base_wipe(&pair, sizeof(pair));
	return ok ? 0 : -EINVAL;
}

int node_bip86_sign(uint8_t signature[static NODE_SIGNATURE_SIZE],
		    const struct base_hash *hash,
		    const struct node_xprv *account, uint32_t change,
		    uint32_t index, const uint8_t aux[static 32])
{
	secp256k1_context *ctx = new_context();
	struct node_xprv k = *account;
	int rc;

	if (!ctx) {
		base_wipe(&k, sizeof(k));
		return -ENOMEM;
	}
	/* Against side channels; signing is right without it, too. */
	(void)!secp256k1_context_randomize(ctx, aux);
	rc = derive(ctx, &k, change);
	if (rc == 0)
		rc = derive(ctx, &k, index);
	if (rc == 0)
		rc = sign(ctx, signature, hash, &k, aux);
	base_wipe(&k, sizeof(k));
	secp256k1_context_destroy(ctx);
	return rc;
}

int node_xonly_public(uint8_t key[static 32],
		      const uint8_t secret[static NODE_SECRET_SIZE])
{
	secp256k1_context *ctx = new_context();
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
