/* SPDX-License-Identifier: MIT */
/*
 * siphash.h: SipHash-2-4, a keyed hash for tables that strangers fill.
 *
 * Floor 2, pure. Who does not know the key cannot build collisions; not a
 * signature. Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.
 */
#ifndef CHAIN_SIPHASH_H
#define CHAIN_SIPHASH_H

#include "base/types.h"

struct chain_siphash_key {
	uint64_t k[2]; /* the paper's k0 and k1 */
};

uint64_t chain_siphash(const struct chain_siphash_key *key, const void *data,
		       size_t len);

#endif
