/* SPDX-License-Identifier: MIT */
#include "base/prng.h"

#include "base/assert.h"

static uint64_t rotl(uint64_t v, unsigned n)
{
	return v << n | v >> (64 - n);
}

struct base_prng base_prng_init(uint64_t seed)
{
	struct base_prng p;

	for (size_t i = 0; i < BASE_COUNT(p.s); i++) {
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
		p.s[i] = z ^ z >> 31;
	}
	return p;
}

uint64_t base_prng_u64(struct base_prng *p)
{
	uint64_t *s = p->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t base_prng_below(struct base_prng *p, uint64_t bound)
{
	uint64_t v;
	uint64_t reject_below;

	BASE_ASSERT(bound >= 1);
	reject_below = -bound % bound; /* 2^64 mod bound */
	do {
		v = base_prng_u64(p);
	} while (v < reject_below);
	return v % bound;
}

void base_prng_fill(struct base_prng *p, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(base_prng_u64(p) >> 56);
}
