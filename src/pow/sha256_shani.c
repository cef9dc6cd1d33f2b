/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 of one message by the SHA extensions, as kernel_shani.c: two rounds
 * an instruction, the state as (F, E, B, A) and (H, G, D, C) from lane 0 up.
 */
#include <immintrin.h>

#include "pow/sha256.h"

#define QUADS 16 /* groups of four rounds */

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

static inline __m128i load(const void *at)
{
	return _mm_loadu_si128(at);
}

/* Words are big-endian in the message. */
static inline __m128i load_message(const uint8_t *at)
{
	const __m128i swap =
		_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);

	return _mm_shuffle_epi8(load(at), swap);
}

/* The four words after w[3], whatever they are called by then. */
static inline __m128i next_words(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
	__m128i seven_back = _mm_alignr_epi8(w3, w2, 4);

	return _mm_sha256msg2_epu32(
		_mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), seven_back), w3);
}

static inline void compress(__m128i *abef, __m128i *cdgh, const uint8_t *block)
{
	__m128i a = *abef;
	__m128i c = *cdgh;
	__m128i w[QUADS];

	UNROLLED
	for (unsigned q = 0; q < QUADS; q++) {
		__m128i kw;

		w[q] = q < 4 ? load_message(block + 16 * (size_t)q)
			     : next_words(w[q - 4], w[q - 3], w[q - 2],
					  w[q - 1]);
		kw = _mm_add_epi32(w[q], load(&pow_sha256_k[4 * q]));
		c = _mm_sha256rnds2_epu32(c, a, kw);
		a = _mm_sha256rnds2_epu32(a, c, _mm_shuffle_epi32(kw, 0x0e));
	}
	*abef = _mm_add_epi32(a, *abef);
	*cdgh = _mm_add_epi32(c, *cdgh);
}

void pow_sha256_blocks_shani(uint32_t state[static 8], const uint8_t *data,
			     size_t count)
{
	/* Names are lanes from 3 down: memory is (D, C, B, A), (H, G, F, E). */
	__m128i cdab = _mm_shuffle_epi32(load(&state[0]), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(load(&state[4]), 0x1b);
	__m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
	__m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
	__m128i feba, dchg;

	for (size_t i = 0; i < count; i++)
		compress(&abef, &cdgh, data + i * POW_SHA256_BLOCK);
	feba = _mm_shuffle_epi32(abef, 0x1b);
	dchg = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)(void *)&state[0],
			 _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)&state[4],
			 _mm_alignr_epi8(dchg, feba, 8));
}
