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

VEC_OP vec vec_xor(vec x, vec y)
{
	return _mm512_xor_si512(x, y);
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

VEC_OP vec vec_byte_swap(vec x)
{
	return _mm512_shuffle_epi8(x,
				   _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b,
						     0x04050607, 0x00010203));
}

VEC_OP vec vec_nonces(unsigned n)
{
	return vec_byte_swap(_mm512_add_epi32(
		vec_set(n), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
					      11, 12, 13, 14, 15)));
}

VEC_OP unsigned vec_at_most(vec x, unsigned top)
{
	return _mm512_cmple_epu32_mask(vec_byte_swap(x), vec_set(top));
}

VEC_OP vec vec_low32(vec x, vec y)
{
	return _mm512_unpacklo_epi32(x, y);
}

VEC_OP vec vec_high32(vec x, vec y)
{
	return _mm512_unpackhi_epi32(x, y);
}

VEC_OP vec vec_low64(vec x, vec y)
{
	return _mm512_unpacklo_epi64(x, y);
}

VEC_OP vec vec_high64(vec x, vec y)
{
	return _mm512_unpackhi_epi64(x, y);
}

VEC_OP __m128i load_part(const unsigned char *p)
{
	return _mm_loadu_si128((const __m128i_u *)p);
}

VEC_OP vec vec_gather(const unsigned char *p, unsigned long stride)
{
	vec x = _mm512_castsi128_si512(load_part(p));

	x = _mm512_inserti32x4(x, load_part(p + 4 * stride), 1);
	x = _mm512_inserti32x4(x, load_part(p + 8 * stride), 2);
	return _mm512_inserti32x4(x, load_part(p + 12 * stride), 3);
}

VEC_OP void store_part(unsigned char *p, __m128i x)
{
	_mm_storeu_si128((__m128i_u *)p, x);
}

VEC_OP void vec_scatter(unsigned char *p, unsigned long stride, vec x)
{
	store_part(p, _mm512_castsi512_si128(x));
	store_part(p + 4 * stride, _mm512_extracti32x4_epi32(x, 1));
	store_part(p + 8 * stride, _mm512_extracti32x4_epi32(x, 2));
	store_part(p + 12 * stride, _mm512_extracti32x4_epi32(x, 3));
}

#define VEC_ROUNDS "pow/kernel_avx512_rounds.h"
#include "pow/kernel_bulk.h"

uint64_t pow_scan_avx512(const struct minerd_pow_job *job, uint64_t first,
			 uint64_t end, struct minerd_pow_hits *hits)
{
	return vec_scan(job, first, end, hits);
}

void pow_bulk_pairs_avx512(struct base_hash *out, const struct base_hash *in,
			   size_t count)
{
	vec_pairs(out, in, count);
}

void pow_bulk_headers_avx512(struct base_hash *out, const uint8_t *headers,
			     size_t stride, size_t count)
{
	vec_headers(out, headers, stride, count);
}
