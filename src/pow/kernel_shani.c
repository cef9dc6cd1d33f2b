/* SPDX-License-Identifier: MIT */
/*
 * The SHA extensions: two rounds an instruction. They take the state as two
 * vectors, (F, E, B, A) and (H, G, D, C) from lane 0 up, and four words at a
 * time. The unit of a search is a half step: three nonces' first hash and the
 * second hash of the three before, six chains that cover each other's latency.
 *
 * The order of instructions is fixed by statements of assembly: left to
 * themselves both compilers move the loads up and spill, and a hash takes
 * half as long again. All sixteen registers are in use, xmm0 for whatever is
 * at hand.
 */
#include "base/bytes.h"
#include "pow/kernel_sha.h"

struct sha_work {
	/* Words plus constants of the first hash. */
	__m128i first[POW_SHA_NONCES][POW_SHA_QUADS];
	/* Of the three in their second hash: words, words plus constants, and
	 * sha256msg1 of two quads. */
	__m128i x[POW_SHA_PARTS][POW_SHA_QUADS];
	__m128i xk[POW_SHA_PARTS][POW_SHA_QUADS];
	__m128i m1[POW_SHA_PARTS][POW_SHA_QUADS];
};

/* Words plus constants of the first hash that no nonce reaches. */
static inline void first_init(__m128i (*kw)[POW_SHA_QUADS])
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
static inline void first_expand(__m128i (*kw)[POW_SHA_QUADS],
				const uint32_t tail[static 3], uint32_t nonce)
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
static inline void digest_words(__m128i *m, __m128i abef, __m128i cdgh)
{
	m[0] = _mm_shuffle_epi32(_mm_unpackhi_epi64(abef, cdgh), 0xb1);
	m[1] = _mm_shuffle_epi32(_mm_unpacklo_epi64(abef, cdgh), 0xb1);
}

/* A bit for each of POW_SHA_PARTS hashes that may be a hit: in lane 0 is f
 * after round 61, which is e of round 60. */
static inline uint32_t hits_mask(const __m128i late[static POW_SHA_PARTS],
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

/* Two rounds of one nonce: the new (F, E, B, A) in place of (H, G, D, C). */
#define RNDS2(cdgh, abef, kw)                         \
	__asm__ volatile("movdqa %2, %%xmm0\n\t"      \
			 "sha256rnds2 %%xmm0, %1, %0" \
			 : "+x"(cdgh)                 \
			 : "x"(abef), "m"((kw)[0])    \
			 : "xmm0")

/* The same with the upper two of the four words at @kw. */
#define RNDS2_UPPER(cdgh, abef, kw)                                     \
	__asm__ volatile("movq %2, %%xmm0\n\t"                          \
			 "sha256rnds2 %%xmm0, %1, %0"                   \
			 : "+x"(cdgh)                                   \
			 : "x"(abef), "m"(((const long long *)(kw))[1]) \
			 : "xmm0")

/* Words 4q + 16..4q + 19 of a nonce's second hash: @last holds the quad at
 * q + 3 and receives the new one. */
#define NEW_WORDS(last, x, xk, m1, q)                                          \
	__asm__ volatile("movdqa %0, %%xmm0\n\t"                               \
			 "palignr $4, %3, %%xmm0\n\t"                          \
			 "paddd %4, %%xmm0\n\t"                                \
			 "sha256msg2 %0, %%xmm0\n\t"                           \
			 "movdqa %%xmm0, %0\n\t"                               \
			 "movdqa %0, %1\n\t"                                   \
			 "paddd %5, %%xmm0\n\t"                                \
			 "movdqa %%xmm0, %2"                                   \
			 : "+x"(last), "=m"((x)[(q) + 4]), "=m"((xk)[(q) + 4]) \
			 : "m"((x)[(q) + 2]), "m"((m1)[q]),                    \
			   "m"(sha_k[(q) + 4])                                 \
			 : "xmm0")
/* And of the two quads before it what a later one needs. */
#define OLD_WORDS(last, x, m1, q)                       \
	__asm__ volatile("movdqa %2, %%xmm0\n\t"        \
			 "sha256msg1 %1, %%xmm0\n\t"    \
			 "movdqa %%xmm0, %0"            \
			 : "=m"((m1)[(q) + 3])          \
			 : "x"(last), "m"((x)[(q) + 3]) \
			 : "xmm0")

/* Part i's statements of quad q, which only some quads have. */
#define SECOND_LOWER(i, q)                                        \
	do {                                                      \
		if ((q) >= 0 && (q) < POW_SHA_QUADS)              \
			RNDS2(cdgh##i, abef##i, &work->xk[i][q]); \
	} while (0)
#define SECOND_UPPER(i, q)                                              \
	do {                                                            \
		if ((q) >= 0 && (q) < POW_SHA_QUADS - 1)                \
			RNDS2_UPPER(abef##i, cdgh##i, &work->xk[i][q]); \
	} while (0)
#define FIRST_LOWER(i, q)                                               \
	do {                                                            \
		if ((q) > 0 && (q) < POW_SHA_QUADS)                     \
			RNDS2(first_cdgh##i, first_abef##i, &kw[i][q]); \
	} while (0)
#define FIRST_UPPER(i, q)                                                     \
	do {                                                                  \
		if ((q) >= 0 && (q) < POW_SHA_QUADS)                          \
			RNDS2_UPPER(first_abef##i, first_cdgh##i, &kw[i][q]); \
	} while (0)
#define NEW_QUAD(i, q)                                              \
	do {                                                        \
		if ((q) >= 0 && (q) < POW_SHA_QUADS - 4)            \
			NEW_WORDS(last##i, work->x[i], work->xk[i], \
				  work->m1[i], q);                  \
	} while (0)
#define OLD_QUAD(i, q)                                                  \
	do {                                                            \
		if ((q) >= 0 && (q) < POW_SHA_QUADS - 4)                \
			OLD_WORDS(last##i, work->x[i], work->m1[i], q); \
	} while (0)

/* Four rounds of all parts, in an order found by search in the kernel on Zen 4;
 * some is left for the next quad (docs/performance.md). */
#define QUAD(q)                         \
	do {                            \
		SECOND_LOWER(0, q);     \
		SECOND_UPPER(2, (q)-1); \
		OLD_QUAD(0, (q)-1);     \
		SECOND_LOWER(2, q);     \
		FIRST_LOWER(0, q);      \
		FIRST_LOWER(1, q);      \
		SECOND_LOWER(1, q);     \
		FIRST_LOWER(2, q);      \
		FIRST_UPPER(1, q);      \
		NEW_QUAD(0, q);         \
		SECOND_UPPER(0, q);     \
		NEW_QUAD(1, q);         \
		SECOND_UPPER(1, q);     \
		FIRST_UPPER(0, q);      \
		NEW_QUAD(2, q);         \
		OLD_QUAD(1, q);         \
		OLD_QUAD(2, q);         \
		FIRST_UPPER(2, q);      \
	} while (0)

/* The first hashes' last states as the second ones' messages. */
static void digest(struct sha_work *work, const struct pow_sha_midstate *mid,
		   const __m128i abef[static POW_SHA_PARTS],
		   const __m128i cdgh[static POW_SHA_PARTS])
{
	POW_SHA_UNROLLED
	for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
		__m128i *x = work->x[i];

		digest_words(x, _mm_add_epi32(abef[i], mid->abef),
			     _mm_add_epi32(cdgh[i], mid->cdgh));
		POW_SHA_UNROLLED
		for (unsigned n = 0; n < 2; n++) {
			work->xk[i][n] =
				_mm_add_epi32(x[n], pow_sha_constants(n));
			work->m1[i][n] = _mm_sha256msg1_epu32(x[n], x[n + 1]);
		}
	}
}

/* Three nonces' first hash of @mid with the words @kw, and the second of the
 * three before, a bit of the result for each that may be a hit. */
static __attribute__((noinline)) uint32_t
half_step(struct sha_work *work, __m128i (*kw)[POW_SHA_QUADS],
	  const struct pow_sha_midstate *mid,
	  const __m128i sha_k[static POW_SHA_QUADS], uint32_t top)
{
	const uint32_t *iv = pow_sha256_iv;
	const __m128i start_abef = pow_sha_words(iv[5], iv[4], iv[1], iv[0]);
	const __m128i start_cdgh = pow_sha_words(iv[7], iv[6], iv[3], iv[2]);
	const __m128i length = pow_sha_words(0, 0, 0, 256);
	const __m128i mid_abef = mid->abef;
	const __m128i two_rounds = mid->two_rounds;
	register __m128i first_abef0 __asm__("xmm1") = mid_abef;
	register __m128i first_cdgh0 __asm__("xmm2") = two_rounds;
	register __m128i first_abef1 __asm__("xmm3") = mid_abef;
	register __m128i first_cdgh1 __asm__("xmm4") = two_rounds;
	register __m128i first_abef2 __asm__("xmm5") = mid_abef;
	register __m128i first_cdgh2 __asm__("xmm6") = two_rounds;
	register __m128i abef0 __asm__("xmm7") = start_abef;
	register __m128i cdgh0 __asm__("xmm8") = start_cdgh;
	register __m128i abef1 __asm__("xmm9") = start_abef;
	register __m128i cdgh1 __asm__("xmm10") = start_cdgh;
	register __m128i abef2 __asm__("xmm11") = start_abef;
	register __m128i cdgh2 __asm__("xmm12") = start_cdgh;
	register __m128i last0 __asm__("xmm13") = length;
	register __m128i last1 __asm__("xmm14") = length;
	register __m128i last2 __asm__("xmm15") = length;

	QUAD(0);
	QUAD(1);
	QUAD(2);
	QUAD(3);
	QUAD(4);
	QUAD(5);
	QUAD(6);
	QUAD(7);
	QUAD(8);
	QUAD(9);
	QUAD(10);
	QUAD(11);
	QUAD(12);
	QUAD(13);
	QUAD(14);
	QUAD(15);
	QUAD(16);
	{
		const __m128i late[] = {cdgh0, cdgh1, cdgh2};
		const __m128i abef[] = {first_abef0, first_abef1, first_abef2};
		const __m128i cdgh[] = {first_cdgh0, first_cdgh1, first_cdgh2};

		digest(work, mid, abef, cdgh);
		return hits_mask(late, top);
	}
}

/* All that no step writes. */
static void work_init(struct sha_work *work)
{
	memset(work, 0, sizeof(*work));
	first_init(work->first);
	for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
		__m128i *x = work->x[i];

		x[2] = pow_sha_words(0x80000000u, 0, 0, 0);
		x[3] = pow_sha_words(0, 0, 0, 256);
		work->m1[i][2] = _mm_sha256msg1_epu32(x[2], x[3]);
		for (unsigned q = 2; q < 4; q++)
			work->xk[i][q] =
				_mm_add_epi32(x[q], pow_sha_constants(q));
	}
}

/* Tests POW_SHA_NONCES nonces from @nonce on; true when there is a candidate.
 */
static bool step(uint32_t *masks, struct sha_work *work,
		 const __m128i sha_k[static POW_SHA_QUADS],
		 const struct minerd_pow_job *job,
		 const struct pow_sha_midstate *mid, uint32_t nonce)
{
	const uint32_t top = job->target[7];
	uint32_t mask = 0;
	uint32_t any = 0;

	for (unsigned i = 0; i < POW_SHA_NONCES; i += POW_SHA_PARTS)
		first_expand(&work->first[i], job->tail, nonce + i);
	for (uint32_t m = 0; m < job->midstate_count; m++) {
		for (unsigned h = 0; h < POW_SHA_HALVES; h++) {
			/* What ends here belongs to the half step before. */
			uint32_t before =
				half_step(work, &work->first[h * POW_SHA_PARTS],
					  &mid[m], sha_k, top);

			mask = mask >> POW_SHA_PARTS |
			       before << (POW_SHA_NONCES - POW_SHA_PARTS);
			if (h == 0 && m > 0) {
				masks[m - 1] = mask;
				any |= mask;
			}
		}
	}
	/* The last second hashes, beside nothing of use. */
	mask = mask >> POW_SHA_PARTS |
	       half_step(work, work->first, mid, sha_k, top)
		       << (POW_SHA_NONCES - POW_SHA_PARTS);
	masks[job->midstate_count - 1] = mask;
	return (any | mask) != 0;
}

uint64_t pow_scan_shani(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits)
{
	struct pow_sha_midstate mid[MINERD_POW_MIDSTATES_MAX];
	uint32_t masks[MINERD_POW_MIDSTATES_MAX];
	__m128i sha_k[POW_SHA_QUADS];
	struct sha_work work;

	hits->count = 0;
	for (unsigned q = 0; q < POW_SHA_QUADS; q++)
		sha_k[q] = pow_sha_constants(q);
	for (uint32_t k = 0; k < job->midstate_count; k++)
		pow_sha_prepare(&mid[k], job->midstate[k], job->tail);
	work_init(&work);
	for (uint64_t n = first; n < end; n += POW_SHA_NONCES) {
		/* Nonces past the end may wrap: they are not looked at. */
		uint32_t lanes = end - n < POW_SHA_NONCES ? (uint32_t)(end - n)
							  : POW_SHA_NONCES;
		uint64_t next;

		if (!step(masks, &work, sha_k, job, mid, (uint32_t)n))
			continue;
		next = pow_kernel_collect(job, masks, n, lanes, hits);
		if (hits->count + job->midstate_count > MINERD_POW_HITS_MAX)
			return next;
	}
	return end;
}

#define STREAMS 2 /* messages side by side in bulk */

static inline __m128i upper(__m128i x)
{
	return _mm_shuffle_epi32(x, 0x0e);
}

/* From the first four quads of each stream: all words plus constants. */
static inline void expand(__m128i kw[STREAMS][POW_SHA_QUADS],
			  __m128i m[STREAMS][POW_SHA_QUADS])
{
	POW_SHA_UNROLLED
	for (unsigned q = 4; q < POW_SHA_QUADS; q++) {
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
	POW_SHA_UNROLLED
	for (unsigned q = 0; q < POW_SHA_QUADS; q++)
		for (unsigned i = 0; i < STREAMS; i++)
			kw[i][q] = _mm_add_epi32(m[i][q], pow_sha_constants(q));
}

/* Quads @first..@end - 1, four rounds each. */
static inline void rounds(__m128i abef[STREAMS], __m128i cdgh[STREAMS],
			  __m128i kw[STREAMS][POW_SHA_QUADS], unsigned first,
			  unsigned end)
{
	POW_SHA_UNROLLED
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
static inline void message(__m128i m[POW_SHA_QUADS], __m128i abef, __m128i cdgh)
{
	digest_words(m, abef, cdgh);
	m[2] = pow_sha_words(0x80000000u, 0, 0, 0);
	m[3] = pow_sha_words(0, 0, 0, 256);
}

/* Two whole messages side by side: their chaining values and schedules. */
struct sha_bulk {
	__m128i abef[STREAMS];
	__m128i cdgh[STREAMS];
	__m128i m[STREAMS][POW_SHA_QUADS];
	__m128i kw[STREAMS][POW_SHA_QUADS];
};

static inline void bulk_start(struct sha_bulk *b)
{
	const uint32_t *iv = pow_sha256_iv;

	for (unsigned i = 0; i < STREAMS; i++) {
		b->abef[i] = pow_sha_words(iv[5], iv[4], iv[1], iv[0]);
		b->cdgh[i] = pow_sha_words(iv[7], iv[6], iv[3], iv[2]);
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

	rounds(abef, cdgh, b->kw, 0, POW_SHA_QUADS);
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
		message(b->m[i], b->abef[i], b->cdgh[i]);
	expand(b->kw, b->m);
	bulk_start(b);
	bulk_rounds(b);
	for (unsigned i = 0; i < STREAMS; i++) {
		__m128i *at = (__m128i *)(void *)out[i]->b;

		message(b->m[i], b->abef[i], b->cdgh[i]);
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
		for (unsigned q = 0; q < POW_SHA_QUADS; q++)
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
			b.m[i][1] = pow_sha_words(0x80000000u, 0, 0, 0);
			b.m[i][2] = _mm_setzero_si128();
			b.m[i][3] = pow_sha_words(0, 0, 0, 640);
		}
		expand(b.kw, b.m);
		bulk_rounds(&b);
		bulk_second(to, &b);
	}
}
