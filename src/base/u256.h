/* SPDX-License-Identifier: MIT */
/*
 * u256.h: unsigned 256-bit integers, as far as targets and work need them.
 *
 * Floor 0, pure. limb[0] is least significant. Nothing wraps silently:
 * operations that can overflow return whether they did.
 */
#ifndef BASE_U256_H
#define BASE_U256_H

#include "base/types.h"

#define BASE_U256_LIMBS 4

struct base_u256 {
	uint64_t limb[BASE_U256_LIMBS];
};

/* A hash read as proof of work reads it: byte 0 is least significant. */
struct base_u256 base_u256_from_hash(const struct base_hash *hash);
void base_u256_to_hash(struct base_hash *out, const struct base_u256 *v);

bool base_u256_is_zero(const struct base_u256 *v);
/* -1, 0 or 1 as a < b, a == b, a > b. */
int base_u256_compare(const struct base_u256 *a, const struct base_u256 *b);
/* Position of the highest set bit plus one; 0 for zero. */
unsigned base_u256_bits(const struct base_u256 *v);

/* v *= m. True when bits were lost. */
bool base_u256_mul_u64(struct base_u256 *v, uint64_t m);
/* v <<= n, n in 0..255. True when bits were lost. */
bool base_u256_shl(struct base_u256 *v, unsigned n);
/* v >>= n, n in 0..255. */
void base_u256_shr(struct base_u256 *v, unsigned n);
/* v /= d, truncating; d >= 1. */
void base_u256_div_u64(struct base_u256 *v, uint64_t d);

/* a += b modulo 2^256. True when it wrapped. */
bool base_u256_add(struct base_u256 *a, const struct base_u256 *b);
/* a -= b modulo 2^256. True when it wrapped: b > a. */
bool base_u256_sub(struct base_u256 *a, const struct base_u256 *b);
/* v /= d, truncating; d >= 1. */
void base_u256_div(struct base_u256 *v, const struct base_u256 *d);

#endif
