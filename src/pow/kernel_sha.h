/* SPDX-License-Identifier: MIT */
/*
 * kernel_sha.h: what the kernels of the SHA extensions share.
 *
 * Floor 1, pure, private. A search has six chains in flight: three nonces in
 * their first hash, the three before in their second. A chain is 31
 * sha256rnds2 of four cycles each, and a CPU may start one every cycle.
 */
#ifndef POW_KERNEL_SHA_H
#define POW_KERNEL_SHA_H

#include <immintrin.h>

#include "pow/kernel.h"
#include "pow/sha256.h"

#define POW_SHA_PARTS 3	 /* nonces side by side in each hash */
#define POW_SHA_HALVES 8 /* groups of them in a step */
#define POW_SHA_NONCES (POW_SHA_PARTS * POW_SHA_HALVES)
#define POW_SHA_QUADS 16 /* groups of four rounds */

#ifdef __clang__
#define POW_SHA_UNROLLED _Pragma("clang loop unroll(full)")
#define POW_SHA_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define POW_SHA_UNROLLED _Pragma("GCC unroll 16")
#define POW_SHA_ROLLED _Pragma("GCC unroll 1")
#endif

struct pow_sha_midstate {
	__m128i abef;
	__m128i cdgh;
	/* After rounds 0 and 1, which the nonce does not reach: the new
	 * (F, E, B, A); the new (H, G, D, C) is the old (F, E, B, A). */
	__m128i two_rounds;
};

static inline __m128i pow_sha_words(uint32_t w0, uint32_t w1, uint32_t w2,
				    uint32_t w3)
{
	return _mm_setr_epi32((int)w0, (int)w1, (int)w2, (int)w3);
}

static inline __m128i pow_sha_constants(unsigned quad)
{
	return _mm_loadu_si128((const __m128i *)&pow_sha256_k[4 * quad]);
}

static inline void pow_sha_prepare(struct pow_sha_midstate *out,
				   const uint32_t s[static 8],
				   const uint32_t tail[static 3])
{
	out->abef = pow_sha_words(s[5], s[4], s[1], s[0]);
	out->cdgh = pow_sha_words(s[7], s[6], s[3], s[2]);
	out->two_rounds = _mm_sha256rnds2_epu32(
		out->cdgh, out->abef,
		_mm_add_epi32(pow_sha_words(tail[0], tail[1], 0, 0),
			      pow_sha_constants(0)));
}

/* Words plus constants of the first hash that no nonce reaches. */
static inline void pow_sha_first_init(__m128i (*kw)[POW_SHA_QUADS])
{
	for (unsigned i = 0; i < POW_SHA_NONCES; i++) {
		kw[i][1] = _mm_add_epi32(pow_sha_words(0x80000000u, 0, 0, 0),
					 pow_sha_constants(1));
		kw[i][2] = pow_sha_constants(2);
		kw[i][3] = _mm_add_epi32(pow_sha_words(0, 0, 0, 640),
					 pow_sha_constants(3));
	}
}

/* The others, of POW_SHA_PARTS nonces. */
static inline void pow_sha_first_expand(__m128i (*kw)[POW_SHA_QUADS],
					const uint32_t tail[static 3],
					uint32_t nonce)
{
	__m128i m[POW_SHA_PARTS][POW_SHA_QUADS];

	POW_SHA_UNROLLED
	for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
		m[i][0] = pow_sha_words(tail[0], tail[1], tail[2],
					__builtin_bswap32(nonce + i));
		m[i][1] = pow_sha_words(0x80000000u, 0, 0, 0);
		m[i][2] = _mm_setzero_si128();
		m[i][3] = pow_sha_words(0, 0, 0, 640);
		kw[i][0] = _mm_add_epi32(m[i][0], pow_sha_constants(0));
	}
	POW_SHA_UNROLLED
	for (unsigned q = 4; q < POW_SHA_QUADS; q++) {
		POW_SHA_UNROLLED
		for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
			__m128i *x = &m[i][q];
			__m128i seven_back = _mm_alignr_epi8(x[-1], x[-2], 4);

			*x = _mm_sha256msg2_epu32(
				_mm_add_epi32(
					_mm_sha256msg1_epu32(x[-4], x[-3]),
					seven_back),
				x[-1]);
			kw[i][q] = _mm_add_epi32(*x, pow_sha_constants(q));
		}
	}
}

/* The state as the next hash's first two quads of words. */
static inline void pow_sha_digest_words(__m128i *m, __m128i abef, __m128i cdgh)
{
	m[0] = _mm_shuffle_epi32(_mm_unpackhi_epi64(abef, cdgh), 0xb1);
	m[1] = _mm_shuffle_epi32(_mm_unpacklo_epi64(abef, cdgh), 0xb1);
}

/* A bit for each of POW_SHA_PARTS hashes that may be a hit: in lane 0 is f
 * after round 61, which is e of round 60. */
static inline uint32_t pow_sha_mask(const __m128i late[static POW_SHA_PARTS],
				    uint32_t top)
{
	uint32_t mask = 0;

	POW_SHA_UNROLLED
	for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
		uint32_t last =
			(uint32_t)_mm_cvtsi128_si32(late[i]) + pow_sha256_iv[7];

		mask |= (uint32_t)(__builtin_bswap32(last) <= top) << i;
	}
	return mask;
}

/*
 * A call may clobber what is in a named register, and a sanitizer or a build
 * without inlining makes calls of plain C: so between the first and the last
 * statement of assembly there are only such statements, and values go in and
 * out through local variables.
 */

/* A statement for each of POW_SHA_PARTS. */
#define POW_SHA_EACH(macro, ...)       \
	do {                           \
		macro(0, __VA_ARGS__); \
		macro(1, __VA_ARGS__); \
		macro(2, __VA_ARGS__); \
	} while (0)

#endif
