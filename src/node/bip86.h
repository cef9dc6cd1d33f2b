/* SPDX-License-Identifier: MIT */
/*
 * bip86.h: from a wallet's seed to its Taproot keys and signatures.
 *
 * Floor 5; pure but for libcrypto's and libsecp256k1's own memory. Any
 * thread. BIP32 derivation along m/86'/0'/0'/change/index, then BIP341's
 * key-path tweak without a script tree (BIP86). Output keys need only the
 * account's extended public key; the seed and what signs may be locked away.
 *
 * Every function: 0; -EINVAL: the seed's length, or the one in 2^127 case in
 * which BIP32 says to take the next index; -ENOMEM.
 */
#ifndef NODE_BIP86_H
#define NODE_BIP86_H

#include "base/types.h"

#define NODE_SEED_MIN 16
#define NODE_SEED_MAX 64
#define NODE_SECRET_SIZE 32
#define NODE_SIGNATURE_SIZE 64
/* Addresses of one branch: the indexes that are not hardened. */
#define NODE_INDEX_MAX UINT32_C(0x7fffffff)

/* Extended keys: key and chain code. */
struct node_xprv {
	uint8_t key[32];
	uint8_t chain[32];
};

struct node_xpub {
	uint8_t key[33]; /* compressed */
	uint8_t chain[32];
};

/* Account 0, m/86'/0'/0'. @seed holds SEED_MIN..SEED_MAX bytes. */
BASE_MUST_CHECK int node_bip86_account(struct node_xprv *out,
				       const uint8_t *seed, size_t seed_len);
BASE_MUST_CHECK int node_bip86_public(struct node_xpub *out,
				      const struct node_xprv *in);

/* The receiving (@change 0) or the change branch (1) of @account. */
BASE_MUST_CHECK int node_bip86_branch(struct node_xpub *out,
				      const struct node_xpub *account,
				      uint32_t change);

/* The output key of address @index of @branch. */
BASE_MUST_CHECK int node_bip86_output_key(uint8_t key[static 32],
					  const struct node_xpub *branch,
					  uint32_t index);

/* The BIP340 signature on @hash of the output key of @account at @change and
 * @index. @aux is fresh randomness. */
BASE_MUST_CHECK int
node_bip86_sign(uint8_t signature[static NODE_SIGNATURE_SIZE],
		const struct base_hash *hash, const struct node_xprv *account,
		uint32_t change, uint32_t index, const uint8_t aux[static 32]);

/* The x-only public key of a BIP340 secret. -EINVAL: not a valid secret. */
BASE_MUST_CHECK int
node_xonly_public(uint8_t key[static 32],
		  const uint8_t secret[static NODE_SECRET_SIZE]);

#endif
