/* SPDX-License-Identifier: MIT */
#include "pow/target.h"

#include <errno.h>

#include "base/assert.h"

#define MANTISSA_MASK UINT32_C(0x007fffff)
#define SIGN_BIT UINT32_C(0x00800000)

int pow_target_from_bits(struct base_u256 *out, uint32_t bits)
{
	struct base_u256 v = {.limb = {bits & MANTISSA_MASK, 0, 0, 0}};
	unsigned bytes = bits >> 24;

	if (bytes <= 3)
		base_u256_shr(&v, 8 * (3 - bytes));
	if (base_u256_is_zero(&v) || (bits & SIGN_BIT) != 0)
		return -EINVAL;
	if (bytes > 3 &&
	    (8 * (bytes - 3) > 255 || base_u256_shl(&v, 8 * (bytes - 3))))
		return -EINVAL;
	*out = v;
	return 0;
}

uint32_t pow_target_to_bits(const struct base_u256 *target)
{
	struct base_u256 v = *target;
	unsigned bytes = (base_u256_bits(target) + 7) / 8;
	uint32_t mantissa;

	if (bytes <= 3) {
		mantissa = (uint32_t)v.limb[0] << 8 * (3 - bytes);
	} else {
		base_u256_shr(&v, 8 * (bytes - 3));
		mantissa = (uint32_t)v.limb[0];
	}
	/* The top bit of the mantissa is its sign. */
	if ((mantissa & SIGN_BIT) != 0) {
		mantissa >>= 8;
		bytes++;
	}
	return mantissa | (uint32_t)bytes << 24;
}

bool pow_target_met(const struct base_u256 *target,
		    const struct base_hash *hash)
{
	struct base_u256 v = base_u256_from_hash(hash);

	return base_u256_compare(&v, target) <= 0;
}

struct base_u256 pow_target_for_hashes(uint64_t hashes)
{
	struct base_u256 v = {
		.limb = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

	BASE_ASSERT(hashes >= 1);
	base_u256_div_u64(&v, hashes);
	return v;
}
