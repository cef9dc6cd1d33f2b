/* SPDX-License-Identifier: MIT */
#include "chain/difficulty.h"

#include "base/assert.h"

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

#define DRIFT_MAX (INT64_C(1) << 46)

/* The specification multiplies in 256 bits, which holds while the limit has
 * 32 leading zero bits. Limits here may be any, so one more limb. */
#define WIDE_LIMBS (BASE_U256_LIMBS + 1)

struct wide {
	uint64_t limb[WIDE_LIMBS];
};

static int wide_bits(const struct wide *v)
{
	for (int i = WIDE_LIMBS - 1; i >= 0; i--)
		if (v->limb[i] != 0)
			return 64 * i + 64 - __builtin_clzll(v->limb[i]);
	return 0;
}

static struct wide wide_product(const struct base_u256 *a, uint64_t m)
{
	struct wide v;
	u128 carry = 0;

	for (int i = 0; i < BASE_U256_LIMBS; i++) {
		carry += (u128)a->limb[i] * m;
		v.limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	v.limb[BASE_U256_LIMBS] = (uint64_t)carry;
	return v;
}

static uint64_t limb_at(const struct wide *v, int64_t i)
{
	return i >= 0 && i < WIDE_LIMBS ? v->limb[i] : 0;
}

/* v * 2^by, truncating; the result is known to fit. */
static struct base_u256 wide_scaled(const struct wide *v, int64_t by)
{
	struct base_u256 out;

	for (int i = 0; i < BASE_U256_LIMBS; i++) {
		int64_t from = 64 * i - by; /* the bit that lands at 64 * i */
		int64_t limb = from >> 6;
		unsigned bit = (unsigned)(from & 63);
		uint64_t lo = limb_at(v, limb);
		uint64_t hi = limb_at(v, limb + 1);

		out.limb[i] = bit ? lo >> bit | hi << (64 - bit) : lo;
	}
	return out;
}

struct base_u256 chain_asert_target(const struct base_u256 *anchor,
				    int64_t exponent,
				    const struct base_u256 *limit)
{
	int64_t shifts = exponent >> 16; /* towards minus infinity */
	uint64_t frac = (uint64_t)(exponent - shifts * 65536);
	uint64_t factor = 65536 + ((UINT64_C(195766423245049) * frac +
				    UINT64_C(971821376) * frac * frac +
				    UINT64_C(5127) * frac * frac * frac +
				    (UINT64_C(1) << 47)) >>
				   48);
	struct wide product;
	struct base_u256 target;
	int64_t bits;

	BASE_ASSERT(!base_u256_is_zero(anchor));
	BASE_ASSERT(base_u256_compare(anchor, limit) <= 0);
	product = wide_product(anchor, factor);
	shifts -= 16; /* the factor is in units of 1/65536 */
	bits = wide_bits(&product) + shifts;
	if (bits > 256)
		return *limit;
	if (bits <= 0)
		return (struct base_u256){.limb = {1}};
	target = wide_scaled(&product, shifts);
	return base_u256_compare(&target, limit) > 0 ? *limit : target;
}

int64_t chain_asert_exponent(int64_t elapsed_s, uint32_t spacing_s,
			     uint64_t blocks, uint32_t half_life_s)
{
	i128 drift = (i128)elapsed_s - (i128)spacing_s * blocks;

	BASE_ASSERT(half_life_s >= 1 && half_life_s <= INT32_MAX);
	if (drift > DRIFT_MAX)
		drift = DRIFT_MAX;
	if (drift < -DRIFT_MAX)
		drift = -DRIFT_MAX;
	return (int64_t)drift * 65536 / half_life_s;
}
