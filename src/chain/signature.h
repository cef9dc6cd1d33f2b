/* SPDX-License-Identifier: MIT */
/*
 * signature.h: BIP340 signatures, verified by libsecp256k1.
 *
 * Floor 2, pure: the library's static context, no memory. Any thread. A check
 * holds all that its verification needs, so that it can travel to a thread
 * that verifies.
 */
#ifndef CHAIN_SIGNATURE_H
#define CHAIN_SIGNATURE_H

#include "chain/params.h"

#define CHAIN_SIGNATURE_SIZE 64

struct chain_check {
	struct base_hash sighash;
	uint8_t key[CHAIN_KEY_SIZE]; /* x-only, perhaps no point */
	uint8_t signature[CHAIN_SIGNATURE_SIZE];
};

/* @signature is the holder of @key's on the @len bytes of @message; false
 * also when @key is no point of the curve. @message may be NULL if empty. */
bool chain_signature_valid(const uint8_t signature[static CHAIN_SIGNATURE_SIZE],
			   const uint8_t *message, size_t len,
			   const uint8_t key[static CHAIN_KEY_SIZE]);

/* All of the @count checks hold. */
bool chain_checks_valid(const struct chain_check *check, size_t count);

#endif
