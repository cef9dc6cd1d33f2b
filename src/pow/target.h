/* SPDX-License-Identifier: MIT */
/*
 * target.h: the compact form of proof-of-work targets ("bits").
 *
 * Floor 1, pure. One byte of exponent (in bytes), three of signed mantissa;
 * Bitcoin Core's arith_uint256 SetCompact/GetCompact is the rule.
 */
#ifndef POW_TARGET_H
#define POW_TARGET_H

#include "base/u256.h"

/* Decodes @bits. 0, or -EINVAL when the value is negative, zero or more than
 * 256 bits; @out is untouched then. */
BASE_MUST_CHECK int pow_target_from_bits(struct base_u256 *out, uint32_t bits);

/* The compact form of @target, truncating to its precision. */
uint32_t pow_target_to_bits(const struct base_u256 *target);

/* Whether @hash read as a little-endian number is <= @target. */
bool pow_target_met(const struct base_u256 *target,
		    const struct base_hash *hash);

/* The target at which one hash in @hashes (>= 1) succeeds on average:
 * floor((2^256 - 1) / hashes). */
struct base_u256 pow_target_for_hashes(uint64_t hashes);

#endif
