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
