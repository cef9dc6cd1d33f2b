/* SPDX-License-Identifier: MIT */
/*
 * The SHA extensions beside AVX-512VL: 24 nonces by the former and 8 lanes
 * by the latter in one stream of instructions, for CPUs where they fill
 * different ports. Vectors have 256 bits, because those of 512 take a port
 * twice and stand in the way of the others (docs/performance.md).
 *
 * The unit is a half step: three nonces' first hash, the second hash of the
 * three before, and 15 rounds of the lanes. Six chains of dependent SHA
 * instructions hide each other's latency, and the lanes' instructions fill
 * what is left. A midstate is eight half steps: four times 15 rounds are the
 * lanes' first hash from round 4, four times 15 the second from round 1.
 *
 * The order of the instructions and the registers are the point, and both
 * compilers, left to themselves, move all loads up and spill: hence assembly,
 * one statement for each step of each chain.
 */
#include "base/bytes.h"
#include "pow/kernel_sha.h"

#define LANES 8
#define STEP (POW_SHA_NONCES + LANES)
#define ROUNDS 15
/* Of the lanes' schedule, in each half step of their second hash. */
#define WORDS 12
#define WORD_QUAD (ROUNDS - WORDS) /* that has the first of them */

_Static_assert(STEP <= POW_KERNEL_LANES_MAX, "a mask holds a step");
_Static_assert(POW_SHA_HALVES / 2 * ROUNDS == POW_KERNEL_LAST_ROUND,
	       "rounds 4 to 63, then 1 to 60");
_Static_assert(16 + POW_SHA_HALVES / 2 * WORDS > POW_KERNEL_LAST_ROUND &&
		       16 + POW_SHA_HALVES / 2 * WORDS <= 64,
	       "words 16 to 63");

typedef __m256i vec;

struct mixed_work {
	/* Nonces: words plus constants of the first hash. */
	__m128i first[POW_SHA_NONCES][POW_SHA_QUADS];
	/* Of the three in their second hash: words, words plus constants. */
	__m128i x[POW_SHA_PARTS][POW_SHA_QUADS];
	__m128i xk[POW_SHA_PARTS][POW_SHA_QUADS];
	/* Lanes: the state, and words plus constants of both hashes. */
	vec v[8];
	vec wk1[64];
	vec wk2[64];
	/* Their words of the first hash, of the second. */
	vec w1[64];
	vec w[64];
};

static inline vec vec_set(uint32_t x)
{
	return _mm256_set1_epi32((int)x);
}

static inline vec vec_add(vec x, vec y)
{
	return _mm256_add_epi32(x, y);
}

static inline vec vec_byte_swap(vec x)
{
	return _mm256_shuffle_epi8(
		x, _mm256_broadcastsi128_si256(_mm_set_epi64x(
			   0x0c0d0e0f08090a0b, 0x0405060700010203)));
}

/* Two rounds of one nonce: the new (F, E, B, A) in place of (H, G, D, C). */
#define RNDS2(cdgh, abef, kw)                         \
	__asm__ volatile("vmovdqa %2, %%xmm0\n\t"     \
			 "sha256rnds2 %%xmm0, %1, %0" \
			 : "+x"(cdgh)                 \
			 : "x"(abef), "m"(*&(kw)[0])  \
			 : "xmm0")

/* The same with the upper two of the four words at @kw. */
#define RNDS2_UPPER(cdgh, abef, kw)                                     \
	__asm__ volatile("vmovq %2, %%xmm0\n\t"                         \
			 "sha256rnds2 %%xmm0, %1, %0"                   \
			 : "+x"(cdgh)                                   \
			 : "x"(abef), "m"(((const long long *)(kw))[1]) \
			 : "xmm0")

/* Words 4q + 16..4q + 19 of a nonce's second hash; @x is at quad q, @last
 * holds the one at q + 3 and receives the new one. */
#define EXPAND(last, x, xk, q)                                                 \
	__asm__ volatile("vmovdqa %3, %%xmm0\n\t"                              \
			 "sha256msg1 %4, %%xmm0\n\t"                           \
			 "vpalignr $4, %5, %0, %%xmm31\n\t"                    \
			 "vpaddd %%xmm31, %%xmm0, %%xmm0\n\t"                  \
			 "sha256msg2 %0, %%xmm0\n\t"                           \
			 "vmovdqa %%xmm0, %0\n\t"                              \
			 "vmovdqa %0, %1\n\t"                                  \
			 "vpaddd %6, %0, %%xmm30\n\t"                          \
			 "vmovdqa64 %%xmm30, %2"                               \
			 : "+x"(last), "=m"((x)[(q) + 4]), "=m"((xk)[(q) + 4]) \
			 : "m"((x)[q]), "m"((x)[(q) + 1]), "m"((x)[(q) + 2]),  \
			   "m"(*(const __m128i *)&pow_sha256_k[4 * (q) + 16])  \
			 : "xmm0", "xmm30", "xmm31")

/* The half of a lanes' round that makes e: h gathers T1. */
#define ROUND_E(d, e, f, g, h, kw)                                         \
	__asm__ volatile("vpaddd %5, %1, %1\n\t"                           \
			 "vmovdqa64 %2, %%ymm24\n\t"                       \
			 "vpternlogd $0xca, %4, %3, %%ymm24\n\t"           \
			 "vprord $6, %2, %%ymm25\n\t"                      \
			 "vprord $11, %2, %%ymm26\n\t"                     \
			 "vprord $25, %2, %%ymm27\n\t"                     \
			 "vpternlogd $0x96, %%ymm25, %%ymm26, %%ymm27\n\t" \
			 "vpaddd %%ymm24, %1, %1\n\t"                      \
			 "vpaddd %%ymm27, %1, %1\n\t"                      \
			 "vpaddd %1, %0, %0"                               \
			 : "+v"(d), "+v"(h)                                \
			 : "v"(e), "v"(f), "v"(g), "m"(kw)                 \
			 : "xmm24", "xmm25", "xmm26", "xmm27")

/* The half that makes a, in h's place. */
#define ROUND_A(a, b, c, h)                                                \
	__asm__ volatile("vmovdqa64 %1, %%ymm24\n\t"                       \
			 "vpternlogd $0xe8, %3, %2, %%ymm24\n\t"           \
			 "vprord $2, %1, %%ymm25\n\t"                      \
			 "vprord $13, %1, %%ymm26\n\t"                     \
			 "vprord $22, %1, %%ymm27\n\t"                     \
			 "vpternlogd $0x96, %%ymm25, %%ymm26, %%ymm27\n\t" \
			 "vpaddd %%ymm24, %0, %0\n\t"                      \
			 "vpaddd %%ymm27, %0, %0"                          \
			 : "+v"(h)                                         \
			 : "v"(a), "v"(b), "v"(c)                          \
			 : "xmm24", "xmm25", "xmm26", "xmm27")

/* The lanes' word at @w, and its sum with @k; @last holds the one two back
 * and receives the new one. */
#define WORD(last, w, wk, k)                                               \
	__asm__ volatile("vmovdqa64 %3, %%ymm24\n\t"                       \
			 "vprord $7, %%ymm24, %%ymm25\n\t"                 \
			 "vprord $18, %%ymm24, %%ymm26\n\t"                \
			 "vpsrld $3, %%ymm24, %%ymm24\n\t"                 \
			 "vpternlogd $0x96, %%ymm25, %%ymm26, %%ymm24\n\t" \
			 "vpaddd %4, %%ymm24, %%ymm24\n\t"                 \
			 "vpaddd %5, %%ymm24, %%ymm24\n\t"                 \
			 "vprord $17, %0, %%ymm25\n\t"                     \
			 "vprord $19, %0, %%ymm26\n\t"                     \
			 "vpsrld $10, %0, %0\n\t"                          \
			 "vpternlogd $0x96, %%ymm25, %%ymm26, %0\n\t"      \
			 "vpaddd %%ymm24, %0, %0\n\t"                      \
			 "vmovdqa64 %0, %1\n\t"                            \
			 "vpaddd %6%{1to8%}, %0, %%ymm24\n\t"              \
			 "vmovdqa64 %%ymm24, %2"                           \
			 : "+v"(last), "=m"(w), "=m"(wk)                   \
			 : "m"((&(w))[-15]), "m"((&(w))[-16]),             \
			   "m"((&(w))[-7]), "m"(k)                         \
			 : "xmm24", "xmm25", "xmm26")

/* Rounds 4q and 4q + 1 of part i: second hash, first hash. */
#define LOWER(i, q)                                                     \
	do {                                                            \
		if ((q) < POW_SHA_QUADS - 1)                            \
			RNDS2(cdgh##i, abef##i, &work->xk[i][q]);       \
		if ((q) > 0)                                            \
			RNDS2(first_cdgh##i, first_abef##i, &kw[i][q]); \
	} while (0)

#define UPPER(i, q)                                                     \
	do {                                                            \
		if ((q) < POW_SHA_QUADS - 1)                            \
			RNDS2_UPPER(abef##i, cdgh##i, &work->xk[i][q]); \
		RNDS2_UPPER(first_abef##i, first_cdgh##i, &kw[i][q]);   \
	} while (0)

#define EXPAND_PART(i, q) EXPAND(last##i, work->x[i], work->xk[i], q)

/* Four rounds of all parts and one of the lanes. */
#define QUAD(q, a, b, c, d, e, f, g, h)                               \
	do {                                                          \
		POW_SHA_EACH(LOWER, q);                               \
		ROUND_E(d, e, f, g, h, lane_kw[q]);                   \
		if ((q) < POW_SHA_QUADS - 4)                          \
			POW_SHA_EACH(EXPAND_PART, q);                 \
		POW_SHA_EACH(UPPER, q);                               \
		ROUND_A(a, b, c, h);                                  \
		if (with_words && (q) >= WORD_QUAD && (q) % 2)        \
			WORD(even, lane_w[q], lane_wk[q], lane_k[q]); \
		if (with_words && (q) > WORD_QUAD && (q) % 2 == 0)    \
			WORD(odd, lane_w[q], lane_wk[q], lane_k[q]);  \
	} while (0)

/* The first hashes' last states as the second ones' messages. */
static void digest(struct mixed_work *work, const struct pow_sha_midstate *mid,
		   const __m128i abef[static POW_SHA_PARTS],
		   const __m128i cdgh[static POW_SHA_PARTS])
{
	POW_SHA_UNROLLED
	for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
		__m128i *x = work->x[i];

		pow_sha_digest_words(x, _mm_add_epi32(abef[i], mid->abef),
				     _mm_add_epi32(cdgh[i], mid->cdgh));
		POW_SHA_UNROLLED
		for (unsigned n = 0; n < 2; n++)
			work->xk[i][n] =
				_mm_add_epi32(x[n], pow_sha_constants(n));
	}
}

#define LOAD(to, from) \
	__asm__ volatile("vmovdqa64 %1, %0" : "=v"(to) : "m"(from))
#define STORE(to, from) \
	__asm__ volatile("vmovdqa64 %1, %0" : "=m"(to) : "v"(from))

#define LANES_LOAD(from)             \
	do {                         \
		LOAD(v0, (from)[0]); \
		LOAD(v1, (from)[1]); \
		LOAD(v2, (from)[2]); \
		LOAD(v3, (from)[3]); \
		LOAD(v4, (from)[4]); \
		LOAD(v5, (from)[5]); \
		LOAD(v6, (from)[6]); \
		LOAD(v7, (from)[7]); \
	} while (0)

/* 15 rounds on, a is where b was. */
#define LANES_STORE(to)             \
	do {                        \
		STORE((to)[0], v1); \
		STORE((to)[1], v2); \
		STORE((to)[2], v3); \
		STORE((to)[3], v4); \
		STORE((to)[4], v5); \
		STORE((to)[5], v6); \
		STORE((to)[6], v7); \
		STORE((to)[7], v0); \
	} while (0)

#define LAST_ROUNDS(i, q) RNDS2(cdgh##i, abef##i, &work->xk[i][q])

/* Three nonces' first hash of @mid with the words @kw, and the second of the
 * three before, a bit of the result for each that may be a hit; the lanes'
 * rounds that add @lane_kw on, and @with_words their words from @t on. One
 * copy of the code: two cost a quarter by gcc, none by clang. */
static __attribute__((noinline)) uint32_t
half_step(struct mixed_work *work, __m128i (*kw)[POW_SHA_QUADS],
	  const struct pow_sha_midstate *mid, const vec *lane_kw,
	  bool with_words, unsigned t, uint32_t top)
{
	const uint32_t *iv = pow_sha256_iv;
	const __m128i start_abef = pow_sha_words(iv[5], iv[4], iv[1], iv[0]);
	const __m128i start_cdgh = pow_sha_words(iv[7], iv[6], iv[3], iv[2]);
	const __m128i length = pow_sha_words(0, 0, 0, 256);
	vec *lane_w = &work->w[t - WORD_QUAD];
	vec *lane_wk = &work->wk2[t - WORD_QUAD];
	const uint32_t *lane_k = &pow_sha256_k[t - WORD_QUAD];
	const __m128i mid_abef = mid->abef;
	const __m128i two_rounds = mid->two_rounds;
	const vec two_back = work->w[t - 2];
	const vec one_back = work->w[t - 1];
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
	register vec v0 __asm__("ymm16");
	register vec v1 __asm__("ymm17");
	register vec v2 __asm__("ymm18");
	register vec v3 __asm__("ymm19");
	register vec v4 __asm__("ymm20");
	register vec v5 __asm__("ymm21");
	register vec v6 __asm__("ymm22");
	register vec v7 __asm__("ymm23");
	register vec even __asm__("ymm28") = two_back;
	register vec odd __asm__("ymm29") = one_back;

	LANES_LOAD(work->v);
	QUAD(0, v0, v1, v2, v3, v4, v5, v6, v7);
	QUAD(1, v7, v0, v1, v2, v3, v4, v5, v6);
	QUAD(2, v6, v7, v0, v1, v2, v3, v4, v5);
	QUAD(3, v5, v6, v7, v0, v1, v2, v3, v4);
	QUAD(4, v4, v5, v6, v7, v0, v1, v2, v3);
	QUAD(5, v3, v4, v5, v6, v7, v0, v1, v2);
	QUAD(6, v2, v3, v4, v5, v6, v7, v0, v1);
	QUAD(7, v1, v2, v3, v4, v5, v6, v7, v0);
	QUAD(8, v0, v1, v2, v3, v4, v5, v6, v7);
	QUAD(9, v7, v0, v1, v2, v3, v4, v5, v6);
	QUAD(10, v6, v7, v0, v1, v2, v3, v4, v5);
	QUAD(11, v5, v6, v7, v0, v1, v2, v3, v4);
	QUAD(12, v4, v5, v6, v7, v0, v1, v2, v3);
	QUAD(13, v3, v4, v5, v6, v7, v0, v1, v2);
	QUAD(14, v2, v3, v4, v5, v6, v7, v0, v1);
	POW_SHA_EACH(LAST_ROUNDS, POW_SHA_QUADS - 1);
	POW_SHA_EACH(LOWER, POW_SHA_QUADS - 1);
	POW_SHA_EACH(UPPER, POW_SHA_QUADS - 1);
	LANES_STORE(work->v);
	{
		const __m128i late[] = {cdgh0, cdgh1, cdgh2};
		const __m128i abef[] = {first_abef0, first_abef1, first_abef2};
		const __m128i cdgh[] = {first_cdgh0, first_cdgh1, first_cdgh2};

		digest(work, mid, abef, cdgh);
		return pow_sha_mask(late, top);
	}
}

/* The lanes' state after round 3 of @mid. */
static inline void lanes_first(struct mixed_work *work, vec word3,
			       const struct pow_kernel_midstate *mid)
{
	work->v[0] = vec_add(word3, vec_set(mid->a3));
	work->v[1] = vec_set(mid->s[0]);
	work->v[2] = vec_set(mid->s[1]);
	work->v[3] = vec_set(mid->s[2]);
	work->v[4] = vec_add(word3, vec_set(mid->e3));
	work->v[5] = vec_set(mid->s[4]);
	work->v[6] = vec_set(mid->s[5]);
	work->v[7] = vec_set(mid->s[6]);
}

/* Their first hash as the second one's message, and the state after its
 * round 0. */
static inline void lanes_second(struct mixed_work *work,
				const struct pow_kernel_setup *setup,
				const struct pow_kernel_midstate *mid)
{
	const uint32_t *iv = pow_sha256_iv;

	POW_SHA_UNROLLED
	for (unsigned i = 0; i < 8; i++) {
		work->w[i] = vec_add(work->v[i], vec_set(mid->h[i]));
		work->wk2[i] = vec_add(work->w[i], vec_set(pow_sha256_k[i]));
	}
	work->v[0] = vec_add(work->w[0], vec_set(setup->second_a0));
	work->v[4] = vec_add(work->w[0], vec_set(setup->second_e0));
	for (unsigned i = 1; i < 4; i++) {
		work->v[i] = vec_set(iv[i - 1]);
		work->v[i + 4] = vec_set(iv[i + 3]);
	}
}

static inline uint32_t lanes_mask(const struct mixed_work *work, uint32_t top)
{
	vec last = vec_add(work->v[4], vec_set(pow_sha256_iv[7]));

	return _mm256_cmple_epu32_mask(vec_byte_swap(last), vec_set(top));
}

/* Words 16 to 63 of their first hash. */
static inline void lanes_expand(struct mixed_work *work, vec word3)
{
	const vec two_back = work->w1[14];
	const vec one_back = work->w1[15];

	work->w1[3] = word3;
	register vec even __asm__("ymm28") = two_back;
	register vec odd __asm__("ymm29") = one_back;

	POW_SHA_ROLLED
	for (unsigned t = 16; t < 64; t += 2) {
		WORD(even, work->w1[t], work->wk1[t], pow_sha256_k[t]);
		WORD(odd, work->w1[t + 1], work->wk1[t + 1],
		     pow_sha256_k[t + 1]);
	}
}

/* All that no step writes. */
static void work_init(struct mixed_work *work, const uint32_t tail[static 3])
{
	memset(work, 0, sizeof(*work));
	for (unsigned i = 0; i < 3; i++)
		work->w1[i] = vec_set(tail[i]);
	work->w1[4] = vec_set(0x80000000u);
	work->w1[15] = vec_set(640);
	work->w[8] = vec_set(0x80000000u);
	work->w[15] = vec_set(256);
	for (unsigned t = 4; t < 16; t++) {
		vec k = vec_set(pow_sha256_k[t]);

		work->wk1[t] = vec_add(work->w1[t], k);
		work->wk2[t] = vec_add(work->w[t], k);
	}
	pow_sha_first_init(work->first);
	for (unsigned i = 0; i < POW_SHA_PARTS; i++) {
		work->x[i][2] = pow_sha_words(0x80000000u, 0, 0, 0);
		work->x[i][3] = pow_sha_words(0, 0, 0, 256);
		for (unsigned q = 2; q < 4; q++)
			work->xk[i][q] = _mm_add_epi32(work->x[i][q],
						       pow_sha_constants(q));
	}
}

/* Tests STEP nonces from @nonce on; true when there is a candidate. */
static inline __attribute__((always_inline)) bool
step(uint32_t *masks, struct mixed_work *work, uint32_t nonce,
     const struct minerd_pow_job *job, const struct pow_kernel_setup *setup,
     const struct pow_sha_midstate *mid)
{
	vec word3 = vec_byte_swap(
		vec_add(vec_set(nonce + POW_SHA_NONCES),
			_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
	const uint32_t top = setup->top;
	uint32_t before; /* what ends in this half step, of the one before */
	uint32_t mask = 0;
	uint32_t any = 0;

	lanes_expand(work, word3);
	POW_SHA_ROLLED
	for (unsigned i = 0; i < POW_SHA_NONCES; i += POW_SHA_PARTS)
		pow_sha_first_expand(&work->first[i], job->tail, nonce + i);
	POW_SHA_ROLLED
	for (uint32_t m = 0; m < setup->count; m++) {
		__m128i(*kw)[POW_SHA_QUADS] = work->first;
		uint32_t lanes;

		lanes_first(work, word3, &setup->mid[m]);
		POW_SHA_ROLLED
		for (unsigned h = 0; h < POW_SHA_HALVES / 2;
		     h++, kw += POW_SHA_PARTS) {
			before = half_step(work, kw, &mid[m],
					   work->wk1 + 4 + h * ROUNDS, false,
					   16, top);
			mask = mask >> POW_SHA_PARTS |
			       before << (POW_SHA_NONCES - POW_SHA_PARTS);
			if (h == 0 && m > 0) {
				masks[m - 1] |= mask;
				any |= mask;
			}
		}
		lanes_second(work, setup, &setup->mid[m]);
		POW_SHA_ROLLED
		for (unsigned h = 0; h < POW_SHA_HALVES / 2;
		     h++, kw += POW_SHA_PARTS) {
			before = half_step(work, kw, &mid[m],
					   work->wk2 + 1 + h * ROUNDS, true,
					   16 + h * WORDS, top);
			mask = mask >> POW_SHA_PARTS |
			       before << (POW_SHA_NONCES - POW_SHA_PARTS);
		}
		lanes = lanes_mask(work, top) << POW_SHA_NONCES;
		masks[m] = lanes;
		any |= lanes;
	}
	/* The last second hashes, beside nothing of use. */
	before = half_step(work, work->first, mid, work->wk1 + 4, false, 16,
			   top);
	mask = mask >> POW_SHA_PARTS |
	       before << (POW_SHA_NONCES - POW_SHA_PARTS);
	masks[setup->count - 1] |= mask;
	return (any | mask) != 0;
}

uint64_t pow_scan_mixed(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits)
{
	struct pow_kernel_setup setup;
	struct pow_sha_midstate mid[MINERD_POW_MIDSTATES_MAX];
	struct mixed_work work;
	uint32_t masks[MINERD_POW_MIDSTATES_MAX];

	hits->count = 0;
	pow_kernel_prepare(&setup, job);
	for (uint32_t m = 0; m < job->midstate_count; m++)
		pow_sha_prepare(&mid[m], job->midstate[m], job->tail);
	work_init(&work, job->tail);
	for (uint64_t n = first; n < end; n += STEP) {
		/* Nonces past the end may wrap: they are not looked at. */
		uint32_t lanes = end - n < STEP ? (uint32_t)(end - n) : STEP;
		uint64_t next;

		if (!step(masks, &work, (uint32_t)n, job, &setup, mid))
			continue;
		next = pow_kernel_collect(job, masks, n, lanes, hits);
		if (hits->count + job->midstate_count > MINERD_POW_HITS_MAX)
			return next;
	}
	return end;
}
