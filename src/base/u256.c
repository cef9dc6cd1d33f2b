/* SPDX-License-Identifier: MIT */
#include "base/u256.h"

#include "base/assert.h"

__extension__ typedef unsigned __int128 u128;

struct base_u256 base_u256_from_hash(const struct base_hash *hash)
{
	struct base_u256 v;

	memcpy(v.limb, hash->b, sizeof(v.limb)); /* both little-endian */
	return v;
}

void base_u256_to_hash(struct base_hash *out, const struct base_u256 *v)
{
	memcpy(out->b, v->limb, sizeof(out->b));
}

bool base_u256_is_zero(const struct base_u256 *v)
{
	return base_u256_bits(v) == 0;
}

int base_u256_compare(const struct base_u256 *a, const struct base_u256 *b)
{
	for (int i = BASE_U256_LIMBS - 1; i >= 0; i--)
		if (a->limb[i] != b->limb[i])
			return a->limb[i] < b->limb[i] ? -1 : 1;
	return 0;
}

unsigned base_u256_bits(const struct base_u256 *v)
{
	for (int i = BASE_U256_LIMBS - 1; i >= 0; i--)
		if (v->limb[i] != 0)
			return (unsigned)(64 * i + 64 -
					  __builtin_clzll(v->limb[i]));
	return 0;
}

bool base_u256_mul_u64(struct base_u256 *v, uint64_t m)
{
	u128 carry = 0;

	for (int i = 0; i < BASE_U256_LIMBS; i++) {
		carry += (u128)v->limb[i] * m;
		v->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	return carry != 0;
}

bool base_u256_shl(struct base_u256 *v, unsigned n)
{
	unsigned limbs = n / 64;
	unsigned bits = n % 64;
	bool lost = base_u256_bits(v) + n > 256 && !base_u256_is_zero(v);

	BASE_ASSERT(n < 256);
	for (int i = BASE_U256_LIMBS - 1; i >= 0; i--) {
		int from = i - (int)limbs;
		uint64_t hi = from >= 0 ? v->limb[from] : 0;
		uint64_t lo = from >= 1 ? v->limb[from - 1] : 0;

		v->limb[i] = bits ? hi << bits | lo >> (64 - bits) : hi;
	}
	return lost;
}

void base_u256_shr(struct base_u256 *v, unsigned n)
{
	unsigned limbs = n / 64;
	unsigned bits = n % 64;

	BASE_ASSERT(n < 256);
	for (unsigned i = 0; i < BASE_U256_LIMBS; i++) {
		unsigned from = i + limbs;
		uint64_t lo = from < BASE_U256_LIMBS ? v->limb[from] : 0;
		uint64_t hi =
			from + 1 < BASE_U256_LIMBS ? v->limb[from + 1] : 0;

		v->limb[i] = bits ? lo >> bits | hi << (64 - bits) : lo;
	}
}

void base_u256_div_u64(struct base_u256 *v, uint64_t d)
{
	u128 rest = 0;

	BASE_ASSERT(d >= 1);
	for (int i = BASE_U256_LIMBS - 1; i >= 0; i--) {
		rest = rest << 64 | v->limb[i];
		v->limb[i] = (uint64_t)(rest / d);
		rest %= d;
	}
}

bool base_u256_add(struct base_u256 *a, const struct base_u256 *b)
{
	u128 carry = 0;

	for (int i = 0; i < BASE_U256_LIMBS; i++) {
		carry += (u128)a->limb[i] + b->limb[i];
		a->limb[i] = (uint64_t)carry;
		carry >>= 64;
	}
	return carry != 0;
}

bool base_u256_sub(struct base_u256 *a, const struct base_u256 *b)
{
	bool borrow = false;

	for (int i = 0; i < BASE_U256_LIMBS; i++) {
		u128 rest = (u128)a->limb[i] - b->limb[i] - borrow;

		a->limb[i] = (uint64_t)rest;
		borrow = rest >> 64 != 0;
	}
	return borrow;
}

/* Bit by bit: it is not on any hot path. */
void base_u256_div(struct base_u256 *v, const struct base_u256 *d)
{
	struct base_u256 quotient = {{0}};
	struct base_u256 step = *d;
	unsigned shift = 0;

	BASE_ASSERT(!base_u256_is_zero(d));
	if (base_u256_bits(v) > base_u256_bits(d))
		shift = base_u256_bits(v) - base_u256_bits(d);
	(void)base_u256_shl(&step, shift);
	for (unsigned i = shift + 1; i-- > 0; base_u256_shr(&step, 1)) {
		if (base_u256_compare(v, &step) < 0)
			continue;
		(void)base_u256_sub(v, &step);
		quotient.limb[i / 64] |= UINT64_C(1) << i % 64;
	}
	*v = quotient;
}
