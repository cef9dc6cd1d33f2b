/* SPDX-License-Identifier: MIT */
/*
 * kernel_vec.h: the vector kernels, written once.
 *
 * Floor 1, pure, private. A kernel file defines the vector type and its
 * operations, then includes this file, which defines vec_scan().
 *
 *   vec            a vector of 32-bit lanes
 *   VEC_LANES      how many
 *   vec_set(x)     the same word in all lanes
 *   vec_nonces(n)  n, n + 1, n + 2 ... (mod 2^32), each byte-swapped
 *   vec_add, vec_big_sigma0, vec_big_sigma1, vec_small_sigma0,
 *   vec_small_sigma1, vec_choose(e, f, g)
 *   vec_majority(a, b, c, &bc)   bc is b ^ c on entry, a ^ b on return; an
 *                  implementation that does not use it ignores it
 *   vec_at_most(x, top)  a bit for each lane whose byte-swapped word is at
 *                  most top
 *   VEC_ROUNDS     if defined: the file, in quotes, that has vec_first() and
 *                  vec_second() instead of those here
 *
 * The work is cut so that each phase lives in registers: the message
 * schedule runs ahead into memory, word by word; the rounds read it back as
 * memory operands and keep only their states. (With VEC_ROUNDS the second
 * hash's words may be made beside its rounds.) The first hash's schedule
 * does not depend on the midstate, so all midstates of a job share it. Two
 * vectors of nonces are always in flight, each covering the latency of the
 * other's dependent operations.
 */
#ifndef POW_KERNEL_VEC_H
#define POW_KERNEL_VEC_H

#include "pow/kernel.h"
#include "pow/sha256.h"

#define VEC_STREAMS 2
#define VEC_STEP ((uint32_t)VEC_STREAMS * VEC_LANES)
#define VEC_INLINE static inline __attribute__((always_inline))

_Static_assert(VEC_STEP <= POW_KERNEL_LANES_MAX, "a mask holds a step");

/* A loop's body fills the instruction cache well enough once. */
#ifdef __clang__
#define VEC_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define VEC_ROLLED _Pragma("GCC unroll 1")
#endif

struct vec_state {
	vec a, b, c, d, e, f, g, h;
	vec bc; /* for vec_majority() */
};

/* What one step of a scan keeps in memory. */
struct vec_work {
	/* The words of the hash at hand. */
	vec w[64][VEC_STREAMS];
	/* Keeps a word and its sum at different offsets within a page. */
	vec apart[5];
	/* First hash: word + constant, 7..63; with VEC_ROUNDS also 5 and 6,
	 * and a zero that is added one round past the last. */
	vec wk[64 + 1][VEC_STREAMS];
};

/* A statement for both streams. */
#define EACH(macro, ...)               \
	do {                           \
		macro(0, __VA_ARGS__); \
		macro(1, __VA_ARGS__); \
	} while (0)

/* A round whose h already has constant and word added: h gathers T1, then
 * T1 + T2, in place, since every other register is taken. */
#define ROUND_SUM(i, a, b, c, d, e, f, g, h)                                  \
	do {                                                                  \
		s[i].h = vec_add(s[i].h, vec_choose(s[i].e, s[i].f, s[i].g)); \
		s[i].h = vec_add(s[i].h, vec_big_sigma1(s[i].e));             \
		s[i].d = vec_add(s[i].d, s[i].h);                             \
		s[i].h = vec_add(s[i].h, vec_majority(s[i].a, s[i].b, s[i].c, \
						      &s[i].bc));             \
		s[i].h = vec_add(s[i].h, vec_big_sigma0(s[i].a));             \
	} while (0)

/* @kw(i, t): constant plus word of stream i and round t. */
#define ROUND(i, a, b, c, d, e, f, g, h, kw, t_)      \
	do {                                          \
		s[i].h = vec_add(s[i].h, kw(i, t_));  \
		ROUND_SUM(i, a, b, c, d, e, f, g, h); \
	} while (0)

/* Only e of the round is wanted. */
#define ROUND_E(i, d, e, f, g, h, kw, t_)                              \
	(s[i].d = vec_add(vec_add(s[i].d, vec_add(s[i].h, kw(i, t_))), \
			  vec_add(vec_choose(s[i].e, s[i].f, s[i].g),  \
				  vec_big_sigma1(s[i].e))))

#define ROUNDS_4(kw, t)                                           \
	do {                                                      \
		EACH(ROUND, a, b, c, d, e, f, g, h, kw, t);       \
		EACH(ROUND, h, a, b, c, d, e, f, g, kw, (t) + 1); \
		EACH(ROUND, g, h, a, b, c, d, e, f, kw, (t) + 2); \
		EACH(ROUND, f, g, h, a, b, c, d, e, kw, (t) + 3); \
	} while (0)

#define ROUNDS_4_MORE(kw, t)                                      \
	do {                                                      \
		EACH(ROUND, e, f, g, h, a, b, c, d, kw, t);       \
		EACH(ROUND, d, e, f, g, h, a, b, c, kw, (t) + 1); \
		EACH(ROUND, c, d, e, f, g, h, a, b, kw, (t) + 2); \
		EACH(ROUND, b, c, d, e, f, g, h, a, kw, (t) + 3); \
	} while (0)

/* Word @t of any schedule from the 16 before it; @two_back is word t - 2,
 * which was just computed and therefore comes last. */
VEC_INLINE vec vec_word(const struct vec_work *work, unsigned i, unsigned t,
			vec two_back)
{
	return vec_add(vec_small_sigma1(two_back),
		       vec_add(vec_add(vec_small_sigma0(work->w[t - 15][i]),
				       work->w[t - 16][i]),
			       work->w[t - 7][i]));
}

/* Word @t in 18..33 of the first hash, without the terms that are zero and
 * with the constant ones summed. @t is known to the compiler. */
VEC_INLINE vec vec_first_word(const struct vec_work *work, unsigned i,
			      unsigned t, vec word3,
			      const struct pow_kernel_setup *setup)
{
	vec s1 = t < 20 ? word3 : vec_small_sigma1(work->w[t - 2][i]);

	switch (t) {
	case 18:
		return vec_add(vec_small_sigma0(word3), vec_set(setup->c18));
	case 19:
		return vec_add(word3, vec_set(setup->c19));
	case 20:
		return vec_add(s1, vec_set(0x80000000u));
	case 21:
		return s1;
	case 22:
		return vec_add(s1, vec_set(640));
	case 23:
		return vec_add(s1, vec_set(setup->w16));
	case 24:
		return vec_add(s1, vec_set(setup->w17));
	case 30: /* the constant is small_sigma0(640) */
		return vec_add(vec_add(s1, work->w[23][i]),
			       vec_set(0x00a00055u));
	case 31:
		return vec_add(vec_add(s1, work->w[24][i]),
			       vec_set(setup->c31));
	case 32:
		return vec_add(vec_add(s1, work->w[25][i]),
			       vec_set(setup->c32));
	case 33:
		return vec_add(vec_add(s1, vec_set(setup->w17)),
			       vec_add(vec_small_sigma0(work->w[18][i]),
				       work->w[26][i]));
	default: /* 25 to 29 */
		return vec_add(s1, work->w[t - 7][i]);
	}
}

/* Word @t in 16..31 of the second hash: 8 and 15 are padding, between them
 * are zeros. @t is known to the compiler. */
VEC_INLINE vec vec_second_word(const struct vec_work *work, unsigned i,
			       unsigned t)
{
	vec s0 = t < 23 ? vec_add(vec_small_sigma0(work->w[t - 15][i]),
				  work->w[t - 16][i])
			: work->w[0][i];
	vec s1 = t < 18 ? work->w[0][i] : vec_small_sigma1(work->w[t - 2][i]);

	switch (t) {
	case 16:
		return s0;
	case 17: /* small_sigma1(256) */
		return vec_add(s0, vec_set(0x00a00000u));
	case 18:
	case 19:
	case 20:
	case 21:
		return vec_add(s0, s1);
	case 22:
		return vec_add(vec_add(s0, s1), vec_set(256));
	case 23: /* small_sigma0(0x80000000) */
		return vec_add(vec_add(work->w[7][i], work->w[16][i]),
			       vec_add(s1, vec_set(0x11002000u)));
	case 24:
		return vec_add(vec_add(s1, work->w[17][i]),
			       vec_set(0x80000000u));
	case 30: /* small_sigma0(256) */
		return vec_add(vec_add(s1, work->w[23][i]),
			       vec_set(0x00400022u));
	case 31:
		return vec_add(
			vec_add(vec_small_sigma0(work->w[16][i]), vec_set(256)),
			vec_add(s1, work->w[24][i]));
	default: /* 25 to 29 */
		return vec_add(s1, work->w[t - 7][i]);
	}
}

#define EXPAND_FIRST(i, t)                                                   \
	do {                                                                 \
		work->w[t][i] = vec_first_word(work, i, t, word3[i], setup); \
		work->wk[t][i] =                                             \
			vec_add(work->w[t][i], vec_set(pow_sha256_k[t]));    \
	} while (0)

#define EXPAND_SECOND(i, t) work->w[t][i] = vec_second_word(work, i, t)

/* @last[i] holds word t - 2 and receives word t: kept in a register, because
 * the way through memory would be the longest of the whole schedule. */
#define EXPAND(i, last, t)                               \
	do {                                             \
		last[i] = vec_word(work, i, t, last[i]); \
		work->w[t][i] = last[i];                 \
	} while (0)

#define EXPAND_SUM(i, last, t)                                               \
	do {                                                                 \
		EXPAND(i, last, t);                                          \
		work->wk[t][i] = vec_add(last[i], vec_set(pow_sha256_k[t])); \
	} while (0)

#define EXPAND_4(expand, t)            \
	do {                           \
		EACH(expand, t);       \
		EACH(expand, (t) + 1); \
		EACH(expand, (t) + 2); \
		EACH(expand, (t) + 3); \
	} while (0)

#define EXPAND_16(expand, t)                \
	do {                                \
		EXPAND_4(expand, t);        \
		EXPAND_4(expand, (t) + 4);  \
		EXPAND_4(expand, (t) + 8);  \
		EXPAND_4(expand, (t) + 12); \
	} while (0)

/* Words 18..63 of the first hash, which all midstates share. */
VEC_INLINE void vec_expand_first(struct vec_work *work, const vec *word3,
				 const struct pow_kernel_setup *setup)
{
	vec even[VEC_STREAMS];
	vec odd[VEC_STREAMS];

	EXPAND_16(EXPAND_FIRST, 18);
	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		even[i] = work->w[32][i];
		odd[i] = work->w[33][i];
	}
	VEC_ROLLED
	for (unsigned t = 34; t < 64; t += 2) {
		EACH(EXPAND_SUM, even, t);
		EACH(EXPAND_SUM, odd, t + 1);
	}
}

/* Words 16..59 of the second hash; word 60 is made where it is used. */
VEC_INLINE void vec_expand_second(struct vec_work *work)
{
	vec even[VEC_STREAMS];
	vec odd[VEC_STREAMS];

	EXPAND_16(EXPAND_SECOND, 16);
	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		even[i] = work->w[30][i];
		odd[i] = work->w[31][i];
	}
	VEC_ROLLED
	for (unsigned t = 32; t < 60; t += 2) {
		EACH(EXPAND, even, t);
		EACH(EXPAND, odd, t + 1);
	}
}

/* What a round adds: its constant and its word. */
#define KW_FIRST(i, t) work->wk[t][i]
#define KW_SECOND(i, t) vec_add(work->w[t][i], vec_set(pow_sha256_k[t]))
/* The initial state's last word too, so that h ends as the hash's. */
#define KW_LAST(i, t)                                    \
	vec_add(vec_word(work, i, t, work->w[t - 2][i]), \
		vec_set(pow_sha256_k[t] + pow_sha256_iv[7]))

/* The first hash is the second one's message. */
#define SECOND_WORDS(i, mid)                                           \
	do {                                                           \
		work->w[0][i] = vec_add(s[i].a, vec_set((mid)->h[0])); \
		work->w[1][i] = vec_add(s[i].b, vec_set((mid)->h[1])); \
		work->w[2][i] = vec_add(s[i].c, vec_set((mid)->h[2])); \
		work->w[3][i] = vec_add(s[i].d, vec_set((mid)->h[3])); \
		work->w[4][i] = vec_add(s[i].e, vec_set((mid)->h[4])); \
		work->w[5][i] = vec_add(s[i].f, vec_set((mid)->h[5])); \
		work->w[6][i] = vec_add(s[i].g, vec_set((mid)->h[6])); \
		work->w[7][i] = vec_add(s[i].h, vec_set((mid)->h[7])); \
	} while (0)

#ifdef VEC_ROUNDS
#include VEC_ROUNDS
#else

/* The state after round 3, named so that round 8 begins at a. */
#define FIRST_START(i, mid, word3)                              \
	do {                                                    \
		s[i].e = vec_add(word3[i], vec_set((mid)->a3)); \
		s[i].f = vec_set((mid)->s[0]);                  \
		s[i].g = vec_set((mid)->s[1]);                  \
		s[i].h = vec_set((mid)->s[2]);                  \
		s[i].a = vec_add(word3[i], vec_set((mid)->e3)); \
		s[i].b = vec_set((mid)->s[4]);                  \
		s[i].c = vec_set((mid)->s[5]);                  \
		s[i].d = vec_set((mid)->s[6]);                  \
		s[i].bc = vec_set((mid)->s[0] ^ (mid)->s[1]);   \
	} while (0)

/* The state after round 0, named so that round 8 begins at a. */
#define SECOND_START(i, setup)                                                \
	do {                                                                  \
		s[i].h = vec_add(work->w[0][i], vec_set((setup)->second_a0)); \
		s[i].a = vec_set(pow_sha256_iv[0]);                           \
		s[i].b = vec_set(pow_sha256_iv[1]);                           \
		s[i].c = vec_set(pow_sha256_iv[2]);                           \
		s[i].d = vec_add(work->w[0][i], vec_set((setup)->second_e0)); \
		s[i].e = vec_set(pow_sha256_iv[4]);                           \
		s[i].f = vec_set(pow_sha256_iv[5]);                           \
		s[i].g = vec_set(pow_sha256_iv[6]);                           \
		s[i].bc = vec_set(pow_sha256_iv[0] ^ pow_sha256_iv[1]);       \
	} while (0)

#define ROUND_FIRST(i, a, b, c, d, e, f, g, h, mid, t) \
	do {                                           \
		s[i].h = vec_set((mid)->hk[t]);        \
		ROUND_SUM(i, a, b, c, d, e, f, g, h);  \
	} while (0)

/* h of rounds 1 to 3 is word 6 to 4 of the initial state. */
#define ROUND_SECOND(i, a, b, c, d, e, f, g, h, t_)                           \
	do {                                                                  \
		s[i].h = vec_add(                                             \
			work->w[t_][i],                                       \
			vec_set(pow_sha256_iv[7 - (t_)] + pow_sha256_k[t_])); \
		ROUND_SUM(i, a, b, c, d, e, f, g, h);                         \
	} while (0)

VEC_INLINE void vec_first(struct vec_state *s, const struct vec_work *work,
			  const vec *word3,
			  const struct pow_kernel_midstate *mid)
{
	EACH(FIRST_START, mid, word3);
	EACH(ROUND_FIRST, e, f, g, h, a, b, c, d, mid, 4);
	EACH(ROUND_FIRST, d, e, f, g, h, a, b, c, mid, 5);
	EACH(ROUND_FIRST, c, d, e, f, g, h, a, b, mid, 6);
	EACH(ROUND, b, c, d, e, f, g, h, a, KW_FIRST, 7);
	VEC_ROLLED
	for (unsigned t = 8; t < 64; t += 8) {
		ROUNDS_4(KW_FIRST, t);
		ROUNDS_4_MORE(KW_FIRST, t + 4);
	}
}

/* From words 0 to 7 on; leaves the last word of the hash in h. */
VEC_INLINE void vec_second(struct vec_state *s, struct vec_work *work,
			   const struct pow_kernel_setup *setup)
{
	vec_expand_second(work);
	EACH(SECOND_START, setup);
	EACH(ROUND_SECOND, h, a, b, c, d, e, f, g, 1);
	EACH(ROUND_SECOND, g, h, a, b, c, d, e, f, 2);
	EACH(ROUND_SECOND, f, g, h, a, b, c, d, e, 3);
	ROUNDS_4_MORE(KW_SECOND, 4);
	VEC_ROLLED
	for (unsigned t = 8; t < 56; t += 8) {
		ROUNDS_4(KW_SECOND, t);
		ROUNDS_4_MORE(KW_SECOND, t + 4);
	}
	EACH(ROUND, a, b, c, d, e, f, g, h, KW_SECOND, 56);
	EACH(ROUND_E, c, d, e, f, g, KW_SECOND, 57);
	EACH(ROUND_E, b, c, d, e, f, KW_SECOND, 58);
	EACH(ROUND_E, a, b, c, d, e, KW_SECOND, 59);
	EACH(ROUND_E, h, a, b, c, d, KW_LAST, POW_KERNEL_LAST_ROUND);
}

#endif

/* Tests VEC_STEP nonces from @nonce on; true when there is a candidate. */
VEC_INLINE bool vec_step(uint32_t *masks, struct vec_work *work, uint32_t nonce,
			 const struct pow_kernel_setup *setup)
{
	struct vec_state s[VEC_STREAMS];
	vec word3[VEC_STREAMS];
	uint32_t any = 0;

	for (unsigned i = 0; i < VEC_STREAMS; i++)
		word3[i] = vec_nonces(nonce + i * VEC_LANES);
	vec_expand_first(work, word3, setup);
	VEC_ROLLED
	for (uint32_t m = 0; m < setup->count; m++) {
		const struct pow_kernel_midstate *mid = &setup->mid[m];

		vec_first(s, work, word3, mid);
		EACH(SECOND_WORDS, mid);
		vec_second(s, work, setup);
		masks[m] = vec_at_most(s[0].h, setup->top) |
			   vec_at_most(s[1].h, setup->top) << VEC_LANES;
		any |= masks[m];
	}
	return any != 0;
}

/* The words that no step writes: constants of both hashes. */
VEC_INLINE void vec_work_init(struct vec_work *work,
			      const struct pow_kernel_setup *setup)
{
	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		for (unsigned t = 5; t < 18; t++)
			work->wk[t][i] = vec_set(setup->kw[t]);
		work->w[8][i] = vec_set(0x80000000u);
		for (unsigned t = 9; t < 15; t++)
			work->w[t][i] = vec_set(0);
		work->w[15][i] = vec_set(256);
		work->wk[64][i] = vec_set(0);
	}
}

VEC_INLINE uint64_t vec_scan(const struct minerd_pow_job *job, uint64_t first,
			     uint64_t end, struct minerd_pow_hits *hits)
{
	struct pow_kernel_setup setup;
	struct vec_work work;
	uint32_t masks[MINERD_POW_MIDSTATES_MAX];

	hits->count = 0;
	pow_kernel_prepare(&setup, job);
	vec_work_init(&work, &setup);
	for (uint64_t n = first; n < end; n += VEC_STEP) {
		/* Lanes past the end may wrap: they are not looked at. */
		uint32_t lanes =
			end - n < VEC_STEP ? (uint32_t)(end - n) : VEC_STEP;
		uint64_t next;

		if (!vec_step(masks, &work, (uint32_t)n, &setup))
			continue;
		next = pow_kernel_collect(job, masks, n, lanes, hits);
		if (hits->count + setup.count > MINERD_POW_HITS_MAX)
			return next;
	}
	return end;
}

#endif
