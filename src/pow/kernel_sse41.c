/* SPDX-License-Identifier: MIT */
/* 4 lanes. */
#include <immintrin.h>

typedef __m128i vec;

#define VEC_LANES 4
#define VEC_OP static inline __attribute__((always_inline))

VEC_OP vec vec_set(unsigned x)
{
	return _mm_set1_epi32((int)x);
}

VEC_OP vec vec_add(vec x, vec y)
{
	return _mm_add_epi32(x, y);
}

VEC_OP vec vec_xor(vec x, vec y)
{
	return _mm_xor_si128(x, y);
}

VEC_OP vec vec_right(vec x, int n)
{
	return _mm_srli_epi32(x, n);
}

VEC_OP vec vec_left(vec x, int n)
{
	return _mm_slli_epi32(x, n);
}

VEC_OP vec vec_and(vec x, vec y)
{
	return _mm_and_si128(x, y);
}

VEC_OP vec vec_byte_swap(vec x)
{
	return _mm_shuffle_epi8(x, _mm_setr_epi32(0x00010203, 0x04050607,
						  0x08090a0b, 0x0c0d0e0f));
}

VEC_OP vec vec_nonces(unsigned n)
{
	return vec_byte_swap(vec_add(vec_set(n), _mm_setr_epi32(0, 1, 2, 3)));
}

VEC_OP unsigned vec_at_most(vec x, unsigned top)
{
	vec v = vec_byte_swap(x);
	vec le = _mm_cmpeq_epi32(_mm_min_epu32(v, vec_set(top)), v);

	return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(le));
}

VEC_OP vec vec_low32(vec x, vec y)
{
	return _mm_unpacklo_epi32(x, y);
}

VEC_OP vec vec_high32(vec x, vec y)
{
	return _mm_unpackhi_epi32(x, y);
}

VEC_OP vec vec_low64(vec x, vec y)
{
	return _mm_unpacklo_epi64(x, y);
}

VEC_OP vec vec_high64(vec x, vec y)
{
	return _mm_unpackhi_epi64(x, y);
}

VEC_OP vec vec_gather(const unsigned char *p, unsigned long stride)
{
	(void)stride;
	return _mm_loadu_si128((const __m128i_u *)p);
}

VEC_OP void vec_scatter(unsigned char *p, unsigned long stride, vec x)
{
	(void)stride;
	_mm_storeu_si128((__m128i_u *)p, x);
}

#include "pow/kernel_vec_logic.h"

#include "pow/kernel_bulk.h"

uint64_t pow_scan_sse41(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits)
{
	return vec_scan(job, first, end, hits);
}

void pow_bulk_pairs_sse41(struct base_hash *out, const struct base_hash *in,
			  size_t count)
{
	vec_pairs(out, in, count);
}

void pow_bulk_headers_sse41(struct base_hash *out, const uint8_t *headers,
			    size_t stride, size_t count)
{
	vec_headers(out, headers, stride, count);
}
