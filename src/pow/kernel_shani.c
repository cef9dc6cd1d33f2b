/* SPDX-License-Identifier: MIT */
/*
 * The SHA extensions: two rounds an instruction. They take the state as two
 * vectors, (F, E, B, A) and (H, G, D, C) from lane 0 up, and four words at a
 * time. Two nonces are in flight, each covering the other's latency.
 */
#include <immintrin.h>

#include "pow/kernel.h"
#include "pow/sha256.h"

#define STREAMS 2
#define QUADS 16 /* groups of four rounds */

#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

struct sha_midstate {
	__m128i abef;
	__m128i cdgh;
	/* After rounds 0 and 1, which the nonce does not reach: the new
	 * (F, E, B, A); the new (H, G, D, C) is the old (F, E, B, A). */
	__m128i two_rounds;
};

static inline __m128i words(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
	return _mm_setr_epi32((int)w0, (int)w1, (int)w2, (int)w3);
}

static inline __m128i constants(unsigned quad)
{
	return _mm_loadu_si128((const __m128i *)&pow_sha256_k[4 * quad]);
}

static inline __m128i upper(__m128i x)
{
	return _mm_shuffle_epi32(x, 0x0e);
}

/* From the first four quads of each stream: all words plus constants. */
static inline void expand(__m128i kw[STREAMS][QUADS], __m128i m[STREAMS][QUADS])
{
	UNROLLED
	for (unsigned q = 4; q < QUADS; q++) {
		for (unsigned i = 0; i < STREAMS; i++) {
			const __m128i *x = &m[i][q];
			__m128i seven_back = _mm_alignr_epi8(x[-1], x[-2], 4);

			m[i][q] = _mm_sha256msg2_epu32(
				_mm_add_epi32(
					_mm_sha256msg1_epu32(x[-4], x[-3]),
					seven_back),
				x[-1]);
		}
	}
	UNROLLED
	for (unsigned q = 0; q < QUADS; q++)
		for (unsigned i = 0; i < STREAMS; i++)
			kw[i][q] = _mm_add_epi32(m[i][q], constants(q));
}

/* Quads @first..@end - 1, four rounds each. */
static inline void rounds(__m128i abef[STREAMS], __m128i cdgh[STREAMS],
			  __m128i kw[STREAMS][QUADS], unsigned first,
			  unsigned end)
{
	UNROLLED
	for (unsigned q = first; q < end; q++) {
		for (unsigned i = 0; i < STREAMS; i++)
			cdgh[i] = _mm_sha256rnds2_epu32(cdgh[i], abef[i],
							kw[i][q]);
		for (unsigned i = 0; i < STREAMS; i++)
			abef[i] = _mm_sha256rnds2_epu32(abef[i], cdgh[i],
							upper(kw[i][q]));
	}
}

/* The state as the next hash's message. */
static inline void digest_words(__m128i m[QUADS], __m128i abef, __m128i cdgh)
{
	m[0] = _mm_shuffle_epi32(_mm_unpackhi_epi64(abef, cdgh), 0xb1);
	m[1] = _mm_shuffle_epi32(_mm_unpacklo_epi64(abef, cdgh), 0xb1);
	m[2] = words(0x80000000u, 0, 0, 0);
	m[3] = words(0, 0, 0, 256);
}

/* The first hash as the second one's message; kw as expand() made it. */
static inline void first_hash(__m128i m[STREAMS][QUADS],
			      __m128i kw[STREAMS][QUADS],
			      const struct sha_midstate *mid)
{
	__m128i abef[STREAMS];
	__m128i cdgh[STREAMS];

	for (unsigned i = 0; i < STREAMS; i++) {
		cdgh[i] = mid->two_rounds;
		abef[i] = _mm_sha256rnds2_epu32(mid->abef, cdgh[i],
						upper(kw[i][0]));
	}
	rounds(abef, cdgh, kw, 1, QUADS);
	for (unsigned i = 0; i < STREAMS; i++) {
		abef[i] = _mm_add_epi32(abef[i], mid->abef);
		cdgh[i] = _mm_add_epi32(cdgh[i], mid->cdgh);
		digest_words(m[i], abef[i], cdgh[i]);
	}
}

/* Bit i says that stream i may be a hit. */
static inline uint32_t second_hash(__m128i m[STREAMS][QUADS], uint32_t top)
{
	const uint32_t *iv = pow_sha256_iv;
	__m128i kw[STREAMS][QUADS];
	__m128i abef[STREAMS];
	__m128i cdgh[STREAMS];
	uint32_t mask = 0;

	expand(kw, m);
	for (unsigned i = 0; i < STREAMS; i++) {
		abef[i] = words(iv[5], iv[4], iv[1], iv[0]);
		cdgh[i] = words(iv[7], iv[6], iv[3], iv[2]);
	}
	rounds(abef, cdgh, kw, 0, QUADS - 1);
	for (unsigned i = 0; i < STREAMS; i++) {
		/* After round 61, f is e of round 60. */
		__m128i late = _mm_sha256rnds2_epu32(cdgh[i], abef[i],
						     kw[i][QUADS - 1]);
		uint32_t last = (uint32_t)_mm_cvtsi128_si32(late) + iv[7];

		mask |= (uint32_t)(__builtin_bswap32(last) <= top) << i;
	}
	return mask;
}

static void prepare(struct sha_midstate *out, const uint32_t s[static 8],
		    const uint32_t tail[static 3])
{
	out->abef = words(s[5], s[4], s[1], s[0]);
	out->cdgh = words(s[7], s[6], s[3], s[2]);
	out->two_rounds = _mm_sha256rnds2_epu32(
		out->cdgh, out->abef,
		_mm_add_epi32(words(tail[0], tail[1], 0, 0), constants(0)));
}

static bool step(uint32_t *masks, const struct minerd_pow_job *job,
		 const struct sha_midstate *mid, uint32_t nonce)
{
	__m128i m[STREAMS][QUADS];
	__m128i kw[STREAMS][QUADS];
	uint32_t any = 0;

	for (unsigned i = 0; i < STREAMS; i++) {
		m[i][0] = words(job->tail[0], job->tail[1], job->tail[2],
				__builtin_bswap32(nonce + i));
		m[i][1] = words(0x80000000u, 0, 0, 0);
		m[i][2] = _mm_setzero_si128();
		m[i][3] = words(0, 0, 0, 640);
	}
	expand(kw, m);
	for (uint32_t k = 0; k < job->midstate_count; k++) {
		first_hash(m, kw, &mid[k]);
		masks[k] = second_hash(m, job->target[7]);
		any |= masks[k];
	}
	return any != 0;
}

uint64_t pow_scan_shani(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits)
{
	struct sha_midstate mid[MINERD_POW_MIDSTATES_MAX];
	uint32_t masks[MINERD_POW_MIDSTATES_MAX];

	hits->count = 0;
	for (uint32_t k = 0; k < job->midstate_count; k++)
		prepare(&mid[k], job->midstate[k], job->tail);
	for (uint64_t n = first; n < end; n += STREAMS) {
		uint32_t lanes = end - n < STREAMS ? 1 : STREAMS;
		uint64_t next;

		if (!step(masks, job, mid, (uint32_t)n))
			continue;
		next = pow_kernel_collect(job, masks, n, lanes, hits);
		if (hits->count + job->midstate_count > MINERD_POW_HITS_MAX)
			return next;
	}
	return end;
}

/* Two whole messages side by side: their chaining values and schedules. */
struct sha_bulk {
	__m128i abef[STREAMS];
	__m128i cdgh[STREAMS];
	__m128i m[STREAMS][QUADS];
	__m128i kw[STREAMS][QUADS];
};

static inline void bulk_start(struct sha_bulk *b)
{
	const uint32_t *iv = pow_sha256_iv;

	for (unsigned i = 0; i < STREAMS; i++) {
		b->abef[i] = words(iv[5], iv[4], iv[1], iv[0]);
		b->cdgh[i] = words(iv[7], iv[6], iv[3], iv[2]);
	}
}

/* Words are big-endian in the message. */
static inline __m128i byte_swap(__m128i x)
{
	return _mm_shuffle_epi8(
		x, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

static inline __m128i load_words(const uint8_t *at)
{
	return byte_swap(_mm_loadu_si128((const __m128i_u *)at));
}

static inline void bulk_rounds(struct sha_bulk *b)
{
	__m128i abef[STREAMS] = {b->abef[0], b->abef[1]};
	__m128i cdgh[STREAMS] = {b->cdgh[0], b->cdgh[1]};

	rounds(abef, cdgh, b->kw, 0, QUADS);
	for (unsigned i = 0; i < STREAMS; i++) {
		b->abef[i] = _mm_add_epi32(b->abef[i], abef[i]);
		b->cdgh[i] = _mm_add_epi32(b->cdgh[i], cdgh[i]);
	}
}

static inline void bulk_first_block(struct sha_bulk *b, const uint8_t *a0,
				    const uint8_t *a1)
{
	bulk_start(b);
	for (unsigned q = 0; q < 4; q++) {
		b->m[0][q] = load_words(a0 + 16 * (size_t)q);
		b->m[1][q] = load_words(a1 + 16 * (size_t)q);
	}
	expand(b->kw, b->m);
	bulk_rounds(b);
}

static inline void bulk_second(struct base_hash *out[STREAMS],
			       struct sha_bulk *b)
{
	for (unsigned i = 0; i < STREAMS; i++)
		digest_words(b->m[i], b->abef[i], b->cdgh[i]);
	expand(b->kw, b->m);
	bulk_start(b);
	bulk_rounds(b);
	for (unsigned i = 0; i < STREAMS; i++) {
		__m128i *at = (__m128i *)(void *)out[i]->b;

		digest_words(b->m[i], b->abef[i], b->cdgh[i]);
		_mm_storeu_si128(at, byte_swap(b->m[i][0]));
		_mm_storeu_si128(at + 1, byte_swap(b->m[i][1]));
	}
}

/* An odd last message is hashed twice. */
void pow_bulk_pairs_shani(struct base_hash *out, const struct base_hash *in,
			  size_t count)
{
	struct sha_bulk b;
	uint32_t kw[64];

	pow_kernel_padding(kw, 512);
	for (size_t n = 0; n < count; n += STREAMS) {
		size_t other = n + 1 < count ? n + 1 : n;
		struct base_hash *to[STREAMS] = {&out[n], &out[other]};

		bulk_first_block(&b, in[2 * n].b, in[2 * other].b);
		for (unsigned q = 0; q < QUADS; q++)
			b.kw[0][q] = b.kw[1][q] = _mm_loadu_si128(
				(const __m128i_u *)(const void *)&kw[4 * q]);
		bulk_rounds(&b);
		bulk_second(to, &b);
	}
}

void pow_bulk_headers_shani(struct base_hash *out, const uint8_t *headers,
			    size_t stride, size_t count)
{
	struct sha_bulk b;

	for (size_t n = 0; n < count; n += STREAMS) {
		size_t other = n + 1 < count ? n + 1 : n;
		struct base_hash *to[STREAMS] = {&out[n], &out[other]};
		const uint8_t *at[STREAMS] = {headers + n * stride,
					      headers + other * stride};

		bulk_first_block(&b, at[0], at[1]);
		for (unsigned i = 0; i < STREAMS; i++) {
			b.m[i][0] = load_words(at[i] + POW_SHA256_BLOCK);
			b.m[i][1] = words(0x80000000u, 0, 0, 0);
			b.m[i][2] = _mm_setzero_si128();
			b.m[i][3] = words(0, 0, 0, 640);
		}
		expand(b.kw, b.m);
		bulk_rounds(&b);
		bulk_second(to, &b);
	}
}
