/* SPDX-License-Identifier: MIT */
/*
 * bip86.h: from a wallet's seed to its Taproot output keys.
 *
 * Floor 5; pure but for libcrypto's and libsecp256k1's own memory. BIP32
 * derivation along m/86'/0'/0'/change/index, then BIP341's key-path tweak
 * without a script tree (BIP86).
 */
#ifndef NODE_BIP86_H
#define NODE_BIP86_H

#include "base/types.h"

#define NODE_SEED_MIN 16
#define NODE_SEED_MAX 64
#define NODE_SECRET_SIZE 32

/* The output key of address @index (below 2^31) of the receiving chain
 * (@change 0) or the change chain (1) of account 0. @seed holds 16..64
 * bytes. 0; -EINVAL: the seed's length, or the one in 2^127 case in which
 * BIP32 says to take the next index; -ENOMEM. */
BASE_MUST_CHECK int node_bip86_output_key(uint8_t key[static 32],
					  const uint8_t *seed, size_t seed_len,
					  uint32_t change, uint32_t index);

/* The x-only public key of a BIP340 secret. 0; -EINVAL: not a valid secret;
 * -ENOMEM. */
BASE_MUST_CHECK int
node_xonly_public(uint8_t key[static 32],
		  const uint8_t secret[static NODE_SECRET_SIZE]);

#endif
