/* SPDX-License-Identifier: MIT */
/*
 * The SHA extensions beside AVX-512VL: 24 nonces by the former and 8 lanes
 * by the latter in one stream of instructions, for CPUs where they fill
 * different ports. Vectors have 256 bits, because those of 512 take a port
 * twice and stand in the way of the others (docs/performance.md).
 *
 * The unit is a half step: three nonces' first hash, the second hash of the
 * three that are a midstate behind, 15 rounds of the lanes, and 22 words of
 * the schedule of a second hash, eight nonces side by side. A midstate is
 * eight half steps. sha256msg1 and sha256msg2 are not used: for a word of a
 * nonce they take more of the ports than lanes do.
 *
 * What a half step does beside the nonces' rounds:
 *
 *   half step   lanes' rounds           words
 *   0, 1        first hash, 4 to 33     of nonces 16 to 23, a midstate behind
 *   2           first hash, 34 to 48    40 to 61 of the lanes, the same
 *   3           first hash, 49 to 63    18 to 39 of nonces 0 to 7
 *   4           second hash, 1 to 15    40 to 61 of them
 *   5           second hash, 16 to 30   18 to 39 of the lanes
 *   6, 7        second hash, 31 to 60   of nonces 8 to 15
 *
 * Each of these needs what ended at least one half step before.
 */
#include "pow/kernel_mixed.h"
#include "base/bytes.h"

#define STEP (POW_SHA_NONCES + LANES)
#define EIGHTS (POW_SHA_NONCES / LANES) /* vectors of nonces */
#define WORDS_FIRST 18			/* the first that half steps make */

_Static_assert(STEP <= POW_KERNEL_LANES_MAX, "a mask holds a step");
_Static_assert(POW_SHA_HALVES / 2 * ROUNDS == POW_KERNEL_LAST_ROUND,
	       "rounds 4 to 63, then 1 to 60");
_Static_assert(WORDS_FIRST + 2 * WORDS > POW_KERNEL_LAST_ROUND + 1 &&
		       WORDS_FIRST + 2 * WORDS <= 64,
	       "two half steps make a schedule, to word 61");
_Static_assert(WORDS % 2 == 0 && WORDS / 2 <= ROUNDS,
	       "two words a quad, in some of them");

/* A vector holds these nonces of eight, from lane 0 up: two words of it
 * unpacked are then the eight in their order. */
static const uint32_t nonce_order[LANES] = {0, 1, 4, 5, 2, 3, 6, 7};

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

static inline vec vec_xor3(vec x, vec y, vec z)
{
	return _mm256_ternarylogic_epi32(x, y, z, 0x96);
}

static inline vec vec_small_sigma0(vec x)
{
	return vec_xor3(_mm256_ror_epi32(x, 7), _mm256_ror_epi32(x, 18),
			_mm256_srli_epi32(x, 3));
}

static inline vec vec_small_sigma1(vec x)
{
	return vec_xor3(_mm256_ror_epi32(x, 17), _mm256_ror_epi32(x, 19),
			_mm256_srli_epi32(x, 10));
}

/* Word @t of a schedule of which @w holds the sixteen before, plus its
 * constant. */
static inline vec vec_word(vec w[static 16], unsigned t)
{
	vec x = vec_add(
		vec_add(w[t % 16], vec_small_sigma0(w[(t + 1) % 16])),
		vec_add(w[(t + 9) % 16], vec_small_sigma1(w[(t + 14) % 16])));

	w[t % 16] = x;
	return vec_add(x, vec_set(pow_sha256_k[t]));
}

/* Words 16 and 17 of a second hash: little of its words 8 to 15 is left. */
static inline void second_words(vec *w)
{
	w[16] = vec_add(w[0], vec_small_sigma0(w[1]));
	w[17] = vec_add(vec_add(w[1], vec_small_sigma0(w[2])),
			vec_set(0x00a00000u)); /* small_sigma1(256) */
}

/* Two words plus constants of eight nonces, in the nonces' order. */
static inline void pair_store(uint64_t *out, vec x, vec y)
{
	_mm256_storeu_si256((vec *)out, _mm256_unpacklo_epi32(x, y));
	_mm256_storeu_si256((vec *)(out + 4), _mm256_unpackhi_epi32(x, y));
}

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

/* By assembly, too: what a sanitizer makes of plain C may call something that
 * does not know these registers. */
#define STORE_NONCE(to, x) \
	__asm__ volatile("vmovdqa %1, %0" : "=m"(to) : "x"(x))
#define STORE_LATE(to, x) __asm__ volatile("vmovd %1, %0" : "=m"(to) : "x"(x))
#define NONCE_STORE(i, n)                                                     \
	do {                                                                  \
		STORE_NONCE(work->nonces_state[(n) + (i)][0], first_abef##i); \
		STORE_NONCE(work->nonces_state[(n) + (i)][1], first_cdgh##i); \
		STORE_LATE(work->nonces_late[(n) + (i)], cdgh##i);            \
	} while (0)

/*
 * Three nonces' first hash from @n on, of @mid; the second hash of those a
 * midstate behind; the lanes' rounds that add @lane_kw on; the words at @w on,
 * whose sums with @k go to @wk as they are when @plain, else to @pairs nonce by
 * nonce.
 */
static inline __attribute__((always_inline)) void
half_step(struct mixed_work *work, size_t n, const struct pow_sha_midstate *mid,
	  const vec *lane_kw, vec *w, const uint32_t *k, bool plain, vec *wk,
	  uint64_t *pairs)
{
	const uint32_t *iv = pow_sha256_iv;
	const uint64_t *first_kw = &work->nonces_kw1[0][n];
	const uint64_t *second_kw = &work->nonces_kw2[0][n];
	const __m128i start_abef = pow_sha_words(iv[5], iv[4], iv[1], iv[0]);
	const __m128i start_cdgh = pow_sha_words(iv[7], iv[6], iv[3], iv[2]);
	const __m128i mid_abef = mid->abef;
	const __m128i two_rounds = mid->two_rounds;
	const vec two_back = w[-2];
	const vec one_back = w[-1];
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
	register vec t0 __asm__("ymm13");
	register vec t1 __asm__("ymm14");
	register vec t2 __asm__("ymm15");
	register vec v0 __asm__("ymm16");
	register vec v1 __asm__("ymm17");
	register vec v2 __asm__("ymm18");
	register vec v3 __asm__("ymm19");
	register vec v4 __asm__("ymm20");
	register vec v5 __asm__("ymm21");
	register vec v6 __asm__("ymm22");
	register vec v7 __asm__("ymm23");
	register vec t3 __asm__("ymm24");
	register vec t4 __asm__("ymm25");
	register vec t5 __asm__("ymm26");
	register vec t6 __asm__("ymm27");
	register vec t7 __asm__("ymm28");
	register vec t8 __asm__("ymm29");
	register vec even __asm__("ymm30") = two_back;
	register vec odd __asm__("ymm31") = one_back;

	LANES_LOAD(work->lanes_v);
	QUADS;
	POW_SHA_EACH(NONCE_STORE, n);
	LANES_STORE(work->lanes_v);
}

static __attribute__((noinline, aligned(64))) void
half_step_pairs(struct mixed_work *work, size_t n,
		const struct pow_sha_midstate *mid, const vec *lane_kw, vec *w,
		const uint32_t *k, uint64_t *pairs)
{
	half_step(work, n, mid, lane_kw, w, k, false, NULL, pairs);
}

static __attribute__((noinline, aligned(64))) void
half_step_plain(struct mixed_work *work, size_t n,
		const struct pow_sha_midstate *mid, const vec *lane_kw, vec *w,
		const uint32_t *k, vec *wk)
{
	half_step(work, n, mid, lane_kw, w, k, true, wk, NULL);
}

/* Half step @h with the lanes' rounds that add @lane_kw on, and the words from
 * @t on of the nonces from 8 times @eight on. */
static inline void half_step_nonces(struct mixed_work *work, unsigned h,
				    const struct pow_sha_midstate *mid,
				    const vec *lane_kw, unsigned eight,
				    unsigned t)
{
	half_step_pairs(work, h * POW_SHA_PARTS, mid, lane_kw,
			&work->nonces_w[t], &pow_sha256_k[t],
			&work->nonces_kw2[t / 2][eight * LANES]);
}

/* The same with words of the lanes, whose sums go to @wk. */
static inline void half_step_lanes(struct mixed_work *work, unsigned h,
				   const struct pow_sha_midstate *mid,
				   const vec *lane_kw, vec *wk, unsigned t)
{
	half_step_plain(work, h * POW_SHA_PARTS, mid, lane_kw,
			&work->lanes_w[t], &pow_sha256_k[t], &wk[t]);
}

static inline vec load_two(const __m128i *low, const __m128i *high)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(*low), *high, 1);
}

/* Four words of eight nonces, from as many vectors of four words: the last
 * one first, as the SHA extensions have them. */
static inline void transpose(vec out[static 4], __m128i (*state)[2],
			     unsigned which)
{
	vec in[4];
	vec x[4];

	POW_SHA_UNROLLED
	for (unsigned i = 0; i < 4; i++)
		in[i] = load_two(&state[nonce_order[i]][which],
				 &state[nonce_order[i + 4]][which]);
	x[0] = _mm256_unpacklo_epi32(in[0], in[1]);
	x[1] = _mm256_unpacklo_epi32(in[2], in[3]);
	x[2] = _mm256_unpackhi_epi32(in[0], in[1]);
	x[3] = _mm256_unpackhi_epi32(in[2], in[3]);
	out[3] = _mm256_unpacklo_epi64(x[0], x[1]);
	out[2] = _mm256_unpackhi_epi64(x[0], x[1]);
	out[1] = _mm256_unpacklo_epi64(x[2], x[3]);
	out[0] = _mm256_unpackhi_epi64(x[2], x[3]);
}

/* Eight nonces' first hash as the second one's message. */
static void message(struct mixed_work *work, unsigned eight,
		    const struct pow_kernel_midstate *mid)
{
	vec abef[4];
	vec cdgh[4];

	transpose(abef, &work->nonces_state[eight * LANES], 0);
	transpose(cdgh, &work->nonces_state[eight * LANES], 1);
	POW_SHA_UNROLLED
	for (unsigned i = 0; i < 2; i++) {
		work->nonces_w[i] = vec_add(abef[i], vec_set(mid->h[i]));
		work->nonces_w[i + 2] =
			vec_add(cdgh[i], vec_set(mid->h[i + 2]));
		work->nonces_w[i + 4] =
			vec_add(abef[i + 2], vec_set(mid->h[i + 4]));
		work->nonces_w[i + 6] =
			vec_add(cdgh[i + 2], vec_set(mid->h[i + 6]));
	}
	second_words(work->nonces_w);
	POW_SHA_UNROLLED
	for (unsigned t = 0; t < WORDS_FIRST; t = t == 6 ? 16 : t + 2)
		pair_store(&work->nonces_kw2[t / 2][eight * LANES],
			   vec_add(work->nonces_w[t], vec_set(pow_sha256_k[t])),
			   vec_add(work->nonces_w[t + 1],
				   vec_set(pow_sha256_k[t + 1])));
}

/* The lanes' state after round 3 of @mid. */
static inline void lanes_first(struct mixed_work *work,
			       const struct pow_kernel_midstate *mid)
{
	work->lanes_v[0] = vec_add(work->lanes_word3, vec_set(mid->a3));
	work->lanes_v[1] = vec_set(mid->s[0]);
	work->lanes_v[2] = vec_set(mid->s[1]);
	work->lanes_v[3] = vec_set(mid->s[2]);
	work->lanes_v[4] = vec_add(work->lanes_word3, vec_set(mid->e3));
	work->lanes_v[5] = vec_set(mid->s[4]);
	work->lanes_v[6] = vec_set(mid->s[5]);
	work->lanes_v[7] = vec_set(mid->s[6]);
}

/* Their first hash as the second one's message, its sums to @wk; and the
 * state after round 0 of the second hash a midstate behind. */
static inline void lanes_second(struct mixed_work *work, vec *wk,
				const struct pow_kernel_setup *setup,
				const struct pow_kernel_midstate *mid)
{
	const uint32_t *iv = pow_sha256_iv;
	vec word0 = work->lanes_word0;

	POW_SHA_UNROLLED
	for (unsigned i = 0; i < 8; i++) {
		work->lanes_w[i] =
			vec_add(work->lanes_v[i], vec_set(mid->h[i]));
		wk[i] = vec_add(work->lanes_w[i], vec_set(pow_sha256_k[i]));
	}
	work->lanes_word0 = work->lanes_w[0];
	second_words(work->lanes_w);
	for (unsigned t = 16; t < WORDS_FIRST; t++)
		wk[t] = vec_add(work->lanes_w[t], vec_set(pow_sha256_k[t]));
	work->lanes_v[0] = vec_add(word0, vec_set(setup->second_a0));
	work->lanes_v[4] = vec_add(word0, vec_set(setup->second_e0));
	for (unsigned i = 1; i < 4; i++) {
		work->lanes_v[i] = vec_set(iv[i - 1]);
		work->lanes_v[i + 4] = vec_set(iv[i + 3]);
	}
}

/* A bit for each of a step's nonces that may be a hit: of each the last
 * word less what is added at the end. */
static inline uint32_t step_mask(const struct mixed_work *work, uint32_t top)
{
	const vec added = vec_set(pow_sha256_iv[7]);
	uint32_t mask = 0;

	POW_SHA_UNROLLED
	for (unsigned i = 0; i < STEP / LANES; i++) {
		vec last = i < POW_SHA_NONCES / LANES
				   ? _mm256_load_si256(
					     (const vec *)work->nonces_late + i)
				   : work->lanes_v[4];

		mask |= (uint32_t)_mm256_cmple_epu32_mask(
				vec_byte_swap(vec_add(last, added)),
				vec_set(top))
			<< (i * LANES);
	}
	return mask;
}

/* The words of the first hash of a step's nonces from @nonce on. */
static void first_expand(struct mixed_work *work, const uint32_t tail[static 3],
			 uint32_t nonce)
{
	const vec order = _mm256_loadu_si256((const __m256i_u *)nonce_order);
	const vec straight = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	vec w[EIGHTS + 1][16];

	memset(w, 0, sizeof(w));
	for (unsigned i = 0; i <= EIGHTS; i++) {
		vec n = vec_add(vec_set(nonce + i * LANES),
				i < EIGHTS ? order : straight);

		for (unsigned t = 0; t < 3; t++)
			w[i][t] = vec_set(tail[t]);
		w[i][3] = vec_byte_swap(n);
		w[i][4] = vec_set(0x80000000u);
		w[i][15] = vec_set(640);
	}
	work->lanes_word3 = w[EIGHTS][3];
	for (unsigned i = 0; i < EIGHTS; i++)
		pair_store(&work->nonces_kw1[1][i * LANES],
			   vec_add(w[i][2], vec_set(pow_sha256_k[2])),
			   vec_add(w[i][3], vec_set(pow_sha256_k[3])));
	POW_SHA_ROLLED
	for (unsigned t = 16; t < 64; t += 2) {
		POW_SHA_UNROLLED
		for (unsigned i = 0; i < EIGHTS; i++) {
			vec x = vec_word(w[i], t);
			vec y = vec_word(w[i], t + 1);

			pair_store(&work->nonces_kw1[t / 2][i * LANES], x, y);
		}
		work->lanes_kw1[t] = vec_word(w[EIGHTS], t);
		work->lanes_kw1[t + 1] = vec_word(w[EIGHTS], t + 1);
	}
}

/* All that no step writes. */
static void work_init(struct mixed_work *work)
{
	memset(work, 0, sizeof(*work));
	work->nonces_w[8] = vec_set(0x80000000u);
	work->nonces_w[15] = vec_set(256);
	work->lanes_w[8] = work->nonces_w[8];
	work->lanes_w[15] = work->nonces_w[15];
	for (unsigned t = 4; t < 16; t++) {
		uint32_t w1 = t == 4 ? 0x80000000u : t == 15 ? 640 : 0;
		uint32_t w2 = t == 8 ? 0x80000000u : t == 15 ? 256 : 0;
		uint32_t k = pow_sha256_k[t];

		work->lanes_kw1[t] = vec_set(w1 + k);
		for (unsigned i = 0; i < 2; i++)
			work->lanes_kw2[i][t] = vec_set(w2 + k);
		for (unsigned n = 0; n < POW_SHA_NONCES; n++) {
			unsigned shift = t % 2 * 32;

			work->nonces_kw1[t / 2][n] |= (uint64_t)(w1 + k)
						      << shift;
			if (t >= 8)
				work->nonces_kw2[t / 2][n] |= (uint64_t)(w2 + k)
							      << shift;
		}
	}
}

/* The first hash of a step's nonces with midstate @m, and the second of what
 * is a midstate behind: its mask. */
static uint32_t step(struct mixed_work *work,
		     const struct pow_kernel_setup *setup,
		     const struct pow_sha_midstate *mid, uint32_t m)
{
	const vec *first = &work->lanes_kw1[4];
	vec *old = work->lanes_kw2[work->parity];
	vec *new = work->lanes_kw2[!work->parity];
	const unsigned t0 = WORDS_FIRST;
	const unsigned t1 = WORDS_FIRST + WORDS;

	mid += m;
	lanes_first(work, &setup->mid[m]);
	half_step_nonces(work, 0, mid, first, 2, t0);
	half_step_nonces(work, 1, mid, first + ROUNDS, 2, t1);
	half_step_lanes(work, 2, mid, first + 2 * ROUNDS, old, t1);
	message(work, 0, &setup->mid[m]);
	half_step_nonces(work, 3, mid, first + 3 * ROUNDS, 0, t0);
	lanes_second(work, new, setup, &setup->mid[m]);
	half_step_nonces(work, 4, mid, old + 1, 0, t1);
	half_step_lanes(work, 5, mid, old + 1 + ROUNDS, new, t0);
	message(work, 1, &setup->mid[m]);
	half_step_nonces(work, 6, mid, old + 1 + 2 * ROUNDS, 1, t0);
	half_step_nonces(work, 7, mid, old + 1 + 3 * ROUNDS, 1, t1);
	message(work, 2, &setup->mid[m]);
	work->parity = !work->parity;
	return step_mask(work, setup->top);
}

uint64_t pow_scan_mixed(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits)
{
	struct pow_kernel_setup setup;
	struct pow_sha_midstate mid[MINERD_POW_MIDSTATES_MAX];
	struct mixed_work work;
	uint32_t masks[MINERD_POW_MIDSTATES_MAX];
	uint32_t last = job->midstate_count - 1;

	hits->count = 0;
	pow_kernel_prepare(&setup, job);
	for (uint32_t m = 0; m < job->midstate_count; m++)
		pow_sha_prepare(&mid[m], job->midstate[m], job->tail);
	work_init(&work);
	for (uint64_t n = first;; n += STEP) {
		uint32_t any = 0;

		if (n < end)
			first_expand(&work, job->tail, (uint32_t)n);
		/* What ends here began with the nonces before. */
		masks[last] = step(&work, &setup, mid, 0);
		if (n > first) {
			uint64_t from = n - STEP;
			/* Nonces past the end may wrap: they are not looked
			 * at. */
			uint32_t lanes = end - from < STEP
						 ? (uint32_t)(end - from)
						 : STEP;

			for (uint32_t m = 0; m <= last; m++)
				any |= masks[m];
			if (any) {
				uint64_t next = pow_kernel_collect(
					job, masks, from, lanes, hits);

				if (hits->count + job->midstate_count >
				    MINERD_POW_HITS_MAX)
					return next;
			}
		}
		if (n >= end)
			return end;
		for (uint32_t m = 1; m <= last; m++)
			masks[m - 1] = step(&work, &setup, mid, m);
	}
}
