/* SPDX-License-Identifier: MIT */
/*
 * difficulty.h: aserti3-2d, the exponential difficulty rule, in integers.
 *
 * Floor 2, pure. Specification: Bitcoin Cash 2020-11-15 ASERT; the exponent
 * here is bounded by chain/context.h, the polynomial is the published one.
 */
#ifndef CHAIN_DIFFICULTY_H
#define CHAIN_DIFFICULTY_H

#include "base/u256.h"

/*
 * The target after an exponent, in units of 1/65536 of a doubling:
 *   anchor * 2^(exponent / 65536), approximated, clamped to 1..limit.
 * @anchor is 1..limit. Truncation and rounding are the specification's.
 */
struct base_u256 chain_asert_target(const struct base_u256 *anchor,
				    int64_t exponent,
				    const struct base_u256 *limit);

/* ((elapsed - spacing * blocks) * 65536) / half_life, truncating to zero;
 * half_life is 1..2^31-1. The difference counts as +-2^46 at most, which is
 * 2^15 half-lives or more: the target is clamped long before. */
int64_t chain_asert_exponent(int64_t elapsed_s, uint32_t spacing_s,
			     uint64_t blocks, uint32_t half_life_s);

#endif
