/* SPDX-License-Identifier: MIT */
/*
 * prng.h: a seeded generator for tests, simulations and tie-breaking.
 *
 * Floor 0, pure: the same seed gives the same sequence everywhere. Not for
 * keys or anything an adversary must not guess; those come from OpenSSL.
 * xoshiro256** seeded by splitmix64 (Blackman and Vigna, "Scrambled linear
 * pseudorandom number generators", 2018).
 */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include "base/platform.h"

struct base_prng {
	uint64_t s[4];
};

struct base_prng base_prng_init(uint64_t seed);
uint64_t base_prng_u64(struct base_prng *p);

/* Uniform in 0..bound-1, without bias; bound >= 1. */
uint64_t base_prng_below(struct base_prng *p, uint64_t bound);

void base_prng_fill(struct base_prng *p, uint8_t *out, size_t len);

#endif
