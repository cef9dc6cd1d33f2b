/* SPDX-License-Identifier: MIT */
/*
 * 16 lanes. A rotation is one instruction, and so is any function of three
 * bits; the immediates of ternary logic are truth tables: 0x96 is x ^ y ^ z,
 * 0xca is x ? y : z, 0xe8 is the majority.
 */
#include <immintrin.h>

typedef __m512i vec;

#define VEC_LANES 16
#define VEC_OP static inline __attribute__((always_inline))

VEC_OP vec vec_set(unsigned x)
{
	return _mm512_set1_epi32((int)x);
}

VEC_OP vec vec_add(vec x, vec y)
{
	return _mm512_add_epi32(x, y);
}

VEC_OP vec vec_xor3(vec x, vec y, vec z)
{
	return _mm512_ternarylogic_epi32(x, y, z, 0x96);
}

VEC_OP vec vec_big_sigma0(vec x)
{
	return vec_xor3(_mm512_ror_epi32(x, 2), _mm512_ror_epi32(x, 13),
			_mm512_ror_epi32(x, 22));
}

VEC_OP vec vec_big_sigma1(vec x)
{
	return vec_xor3(_mm512_ror_epi32(x, 6), _mm512_ror_epi32(x, 11),
			_mm512_ror_epi32(x, 25));
}

VEC_OP vec vec_small_sigma0(vec x)
{
	return vec_xor3(_mm512_ror_epi32(x, 7), _mm512_ror_epi32(x, 18),
			_mm512_srli_epi32(x, 3));
}

VEC_OP vec vec_small_sigma1(vec x)
{
	return vec_xor3(_mm512_ror_epi32(x, 17), _mm512_ror_epi32(x, 19),
			_mm512_srli_epi32(x, 10));
}

VEC_OP vec vec_choose(vec e, vec f, vec g)
{
	return _mm512_ternarylogic_epi32(e, f, g, 0xca);
}

VEC_OP vec vec_majority(vec a, vec b, vec c, vec *bc)
{
	(void)bc;
	return _mm512_ternarylogic_epi32(a, b, c, 0xe8);
}

VEC_OP vec byte_swap(vec x)
{
	return _mm512_shuffle_epi8(x,
				   _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b,
						     0x04050607, 0x00010203));
}

VEC_OP vec vec_nonces(unsigned n)
{
	return byte_swap(_mm512_add_epi32(
		vec_set(n), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					      11, 12, 13, 14, 15)));
}

VEC_OP unsigned vec_at_most(vec x, unsigned top)
{
	return _mm512_cmple_epu32_mask(byte_swap(x), vec_set(top));
}

#include "pow/kernel_vec.h"

uint64_t pow_scan_avx512(const struct minerd_pow_job *job, uint64_t first,
			 uint64_t end, struct minerd_pow_hits *hits)
{
	return vec_scan(job, first, end, hits);
}
