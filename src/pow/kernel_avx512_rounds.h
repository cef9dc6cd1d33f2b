/* SPDX-License-Identifier: MIT */
/*
 * kernel_avx512_rounds.h: the rounds of a search with AVX-512, one
 * instruction a statement, in an order that was found by search.
 *
 * Floor 1, pure, private. Included by kernel_vec.h in place of its own
 * vec_first() and vec_second(). A CPU looks for instructions that can start
 * among some 64 that wait, and these rounds keep it busy only if they come
 * when their operands are nearly there: consumers far behind producers,
 * rotations spread evenly. Compilers order for other aims, so the ordered part
 * is statements of volatile assembly, which stay in their place; registers are
 * still theirs to choose. docs/performance.md has the method, and what the
 * order is worth.
 *
 * A *step* r of a stream is the part of round r that makes e, beside the part
 * of round r - 1 that makes a. Its early half makes what is added, its late
 * half adds; one stream's early half stands beside the other's late one:
 *
 *   stream 0   early of step r | late of step r          | early of step r + 1
 *   stream 1   late of r - 1   | early of step r         | late of step r
 *
 * Macros take from where they are used: s, the streams; wk, w and k, which
 * point at round 0 of the eight at hand in the tables of sums, of words and of
 * constants. A step adds the sum or word of the round after it: in the first
 * hash's last step that is the zero at the table's end.
 */
#ifndef POW_KERNEL_AVX512_ROUNDS_H
#define POW_KERNEL_AVX512_ROUNDS_H

#define EACH_LANE "%{1to16%}"
#include "pow/kernel_asm.h"

struct stream {
	vec v[8]; /* in round 0 a to h; later STATE() */
	vec choose, e6, e11, e25;
	vec majority, a2, a13, a22;
	vec word[2]; /* of the second hash, the latest even and odd ones */
	vec sum, next, w7, w18, w17, w19;
};

/* Variables of round @r, counted from where the stream began. */
#define STATE(i, k, r) s[i].v[((k) + 64 - (r)) % 8]
#define STATE_A(i, r) STATE(i, 0, r)
#define STATE_B(i, r) STATE(i, 1, r)
#define STATE_C(i, r) STATE(i, 2, r)
#define STATE_D(i, r) STATE(i, 3, r)
#define STATE_E(i, r) STATE(i, 4, r)
#define STATE_F(i, r) STATE(i, 5, r)
#define STATE_G(i, r) STATE(i, 6, r)
#define STATE_H(i, r) STATE(i, 7, r)

/* The part of round @r that makes e: h gathers T1. */
#define CHOOSE_COPY(i, r) COPY(s[i].choose, STATE_E(i, r))
#define CHOOSE(i, r) TERNARY(s[i].choose, STATE_F(i, r), STATE_G(i, r), 0xca)
#define ROTATE_E(i, r, n) ROTATE(s[i].e##n, STATE_E(i, r), n)
#define SIGMA1(i) TERNARY(s[i].e6, s[i].e11, s[i].e25, 0x96)
#define ADD_CHOOSE(i, r) ADD(STATE_H(i, r), STATE_H(i, r), s[i].choose)
#define ADD_SIGMA1(i, r) ADD(STATE_H(i, r), STATE_H(i, r), s[i].e6)
#define NEW_E(i, r) ADD(STATE_D(i, r), STATE_D(i, r), STATE_H(i, r))
/* Word and constant of the first hash; each of them of the second. */
#define ADD_SUM(i, r) ADD_MEMORY(STATE_H(i, r), STATE_H(i, r), wk[r][i])
#define ADD_WORD(i, r) ADD_MEMORY(STATE_H(i, r), STATE_H(i, r), w[r][i])
#define ADD_CONSTANT(i, r) ADD_EACH(STATE_H(i, r), STATE_H(i, r), k[r])
#define ADD_BOTH(i, r)              \
	do {                        \
		ADD_WORD(i, r);     \
		ADD_CONSTANT(i, r); \
	} while (0)

/* The part that makes a, in h's place. */
#define MAJORITY_COPY(i, r) COPY(s[i].majority, STATE_A(i, r))
#define MAJORITY(i, r) \
	TERNARY(s[i].majority, STATE_B(i, r), STATE_C(i, r), 0xe8)
#define ROTATE_A(i, r, n) ROTATE(s[i].a##n, STATE_A(i, r), n)
#define SIGMA0(i) TERNARY(s[i].a2, s[i].a13, s[i].a22, 0x96)
#define ADD_MAJORITY(i, r) ADD(STATE_H(i, r), STATE_H(i, r), s[i].majority)
#define ADD_SIGMA0(i, r) ADD(STATE_H(i, r), STATE_H(i, r), s[i].a2)

#define IF(condition, statement)   \
	do {                       \
		if (condition)     \
			statement; \
	} while (0)

/* The early half of stream @x's step @r beside the late half of @y's step @q;
 * @xe, @xa, @ye, @ya: with the part that makes e, or a; @add: ADD_SUM or
 * ADD_BOTH.
 */
#define HALF_STEP(x, r, xe, xa, y, q, ye, ya, add) \
	do {                                       \
		IF(xe, CHOOSE_COPY(x, r));         \
		IF(xe, ROTATE_E(x, r, 25));        \
		IF(ye, ADD_CHOOSE(y, q));          \
		IF(xe, ROTATE_E(x, r, 11));        \
		IF(ya, SIGMA0(y));                 \
		IF(ye, ADD_SIGMA1(y, q));          \
		IF(xa, ROTATE_A(x, (r)-1, 22));    \
		IF(ya, ADD_MAJORITY(y, (q)-1));    \
		IF(xe, ROTATE_E(x, r, 6));         \
		IF(xa, ROTATE_A(x, (r)-1, 13));    \
		IF(xe, CHOOSE(x, r));              \
		IF(xa, ROTATE_A(x, (r)-1, 2));     \
		IF(ye, add(y, (q) + 1));           \
		IF(ya, ADD_SIGMA0(y, (q)-1));      \
		IF(ye, NEW_E(y, q));               \
		IF(ye, MAJORITY_COPY(y, q));       \
		IF(xa, MAJORITY(x, (r)-1));        \
		IF(xe, SIGMA1(x));                 \
	} while (0)

/* Both streams' step @r, the other stream half a step later; @one, @two:
 * at least so many steps of this run came before. */
#define STEP(r, one, two, add)                                    \
	do {                                                      \
		HALF_STEP(0, r, 1, one, 1, (r)-1, one, two, add); \
		HALF_STEP(1, r, 1, one, 0, r, 1, one, add);       \
	} while (0)

#define STEPS_4(r, begun, add)                \
	do {                                  \
		STEP(r, begun, begun, add);   \
		STEP((r) + 1, 1, begun, add); \
		STEP((r) + 2, 1, 1, add);     \
		STEP((r) + 3, 1, 1, add);     \
	} while (0)

#define STEPS_8(begun, add)             \
	do {                            \
		STEPS_4(0, begun, add); \
		STEPS_4(4, 1, add);     \
	} while (0)

/* What the steps before @r have left over. */
#define STEPS_END(r, add)                                     \
	do {                                                  \
		HALF_STEP(0, r, 0, 1, 1, (r)-1, 1, 1, add);   \
		HALF_STEP(1, r, 0, 1, 0, r, 0, 1, add);       \
		HALF_STEP(0, (r) + 1, 0, 0, 1, r, 0, 1, add); \
	} while (0)

/* Word @t of the second hash: 16 to 31, or any of 32 and above, for all that
 * are as the latter. Words 8 to 15 are padding, most of them zero; what they
 * add to a word is a constant. */
#define WORD_SIGMA0(t) ((t) < 23 || (t) > 30)
#define WORD_SIGMA1(t) ((t) > 17)
#define WORD_16_BACK(t) ((t) < 24 || (t) > 31)
#define WORD_7_BACK(t) ((t) > 22)
#define WORD_CONSTANT(t) ((t) < 32 && word_constant[(t) % 32] != 0)

static const uint32_t word_constant[32] = {
	[17] = 0x00a00000, /* small_sigma1(word 15) */
	[22] = 256,	   /* word 15 */
	[23] = 0x11002000, /* small_sigma0(word 8) */
	[24] = 0x80000000, /* word 8 */
	[30] = 0x00400022, /* small_sigma0(word 15) */
	[31] = 256,	   /* word 15 */
};

/* What nothing is rotated for is loaded as the sum. */
#define WORD_LOAD(i, r, t)                             \
	do {                                           \
		if (WORD_SIGMA0(t))                    \
			LOAD(s[i].next, w[r][i]);      \
		else if (WORD_16_BACK(t))              \
			LOAD(s[i].sum, w[(r)-1][i]);   \
		else                                   \
			LOAD(s[i].sum, w[(r) + 8][i]); \
	} while (0)
#define WORD_ADD_16_BACK(i, r, t)             \
	IF(WORD_16_BACK(t) && WORD_SIGMA0(t), \
	   ADD_MEMORY(s[i].sum, s[i].sum, w[(r)-1][i]))
#define WORD_ADD_7_BACK(i, r, t)                                           \
	do {                                                               \
		IF(WORD_CONSTANT(t),                                       \
		   ADD_EACH(s[i].sum, s[i].sum, word_constant[(t) % 32])); \
		IF(WORD_7_BACK(t) && (WORD_SIGMA0(t) || WORD_16_BACK(t)),  \
		   ADD_MEMORY(s[i].sum, s[i].sum, w[(r) + 8][i]));         \
	} while (0)
#define WORD_W7(i, t) IF(WORD_SIGMA0(t), ROTATE(s[i].w7, s[i].next, 7))
#define WORD_W18(i, t) IF(WORD_SIGMA0(t), ROTATE(s[i].w18, s[i].next, 18))
#define WORD_W3(i, t) IF(WORD_SIGMA0(t), SHIFT(s[i].sum, s[i].next, 3))
#define WORD_SUM0(i, t) \
	IF(WORD_SIGMA0(t), TERNARY(s[i].sum, s[i].w7, s[i].w18, 0x96))
/* From the word two back. */
#define WORD_W17(i, t) \
	IF(WORD_SIGMA1(t), ROTATE(s[i].w17, s[i].word[(t) % 2], 17))
#define WORD_W19(i, t) \
	IF(WORD_SIGMA1(t), ROTATE(s[i].w19, s[i].word[(t) % 2], 19))
#define WORD_W10(i, t) \
	IF(WORD_SIGMA1(t), SHIFT(s[i].next, s[i].word[(t) % 2], 10))
#define WORD_SUM1(i, t) \
	IF(WORD_SIGMA1(t), TERNARY(s[i].next, s[i].w17, s[i].w19, 0x96))
/* In the place of the word two back. */
#define WORD_NEW(i, t)                                                      \
	do {                                                                \
		IF(WORD_SIGMA1(t), ADD(s[i].next, s[i].next, s[i].sum));    \
		s[i].word[(t) % 2] = WORD_SIGMA1(t) ? s[i].next : s[i].sum; \
	} while (0)
#define WORD_STORE(i, r, t) STORE(w[(r) + 15][i], s[i].word[(t) % 2])

/* Round @r of stream @x beside stream @y's word @t, which is needed 15 rounds
 * later, and what is left of its round @q; @rest: there is such a round. */
#define HALF_WORDS(x, r, y, q, rest, t)       \
	do {                                  \
		ADD_WORD(x, r);               \
		IF(rest, SIGMA0(y));          \
		IF(rest, MAJORITY(y, q));     \
		CHOOSE_COPY(x, r);            \
		IF(rest, ADD_MAJORITY(y, q)); \
		WORD_LOAD(y, r, t);           \
		ADD_CONSTANT(x, r);           \
		WORD_W7(y, t);                \
		ROTATE_E(x, r, 25);           \
		ROTATE_E(x, r, 6);            \
		WORD_W18(y, t);               \
		ROTATE_E(x, r, 11);           \
		IF(rest, ADD_SIGMA0(y, q));   \
		WORD_W3(y, t);                \
		CHOOSE(x, r);                 \
		ADD_CHOOSE(x, r);             \
		SIGMA1(x);                    \
		WORD_SUM0(y, t);              \
		ADD_SIGMA1(x, r);             \
		WORD_ADD_16_BACK(y, r, t);    \
		MAJORITY_COPY(x, r);          \
		WORD_W10(y, t);               \
		WORD_ADD_7_BACK(y, r, t);     \
		WORD_W19(y, t);               \
		WORD_W17(y, t);               \
		ROTATE_A(x, r, 22);           \
		WORD_SUM1(y, t);              \
		WORD_NEW(y, t);               \
		NEW_E(x, r);                  \
		ROTATE_A(x, r, 13);           \
		ROTATE_A(x, r, 2);            \
		WORD_STORE(y, r, t);          \
	} while (0)

#define WORDS(r, rest, t)                            \
	do {                                         \
		HALF_WORDS(0, r, 1, (r)-1, rest, t); \
		HALF_WORDS(1, r, 0, r, 1, t);        \
	} while (0)

#define WORDS_4(r, rest, t)                 \
	do {                                \
		WORDS(r, rest, t);          \
		WORDS((r) + 1, 1, (t) + 1); \
		WORDS((r) + 2, 1, (t) + 2); \
		WORDS((r) + 3, 1, (t) + 3); \
	} while (0)

#define WORDS_8(rest, t)                \
	do {                            \
		WORDS_4(0, rest, t);    \
		WORDS_4(4, 1, (t) + 4); \
	} while (0)

/* What is left of stream 1's round @r. */
#define WORDS_END(r)                \
	do {                        \
		SIGMA0(1);          \
		MAJORITY(1, r);     \
		ADD_MAJORITY(1, r); \
		ADD_SIGMA0(1, r);   \
	} while (0)

/* The state after round 3. */
#define FIRST_BEGIN(i, mid)                                        \
	do {                                                       \
		s[i].v[0] = vec_add(word3[i], vec_set((mid)->a3)); \
		s[i].v[1] = vec_set((mid)->s[0]);                  \
		s[i].v[2] = vec_set((mid)->s[1]);                  \
		s[i].v[3] = vec_set((mid)->s[2]);                  \
		s[i].v[4] = vec_add(word3[i], vec_set((mid)->e3)); \
		s[i].v[5] = vec_set((mid)->s[4]);                  \
		s[i].v[6] = vec_set((mid)->s[5]);                  \
		s[i].v[7] = vec_set((mid)->hk[4]);                 \
	} while (0)

#define FIRST_RESULT(i, r)                \
	do {                              \
		out[i].a = STATE_A(i, r); \
		out[i].b = STATE_B(i, r); \
		out[i].c = STATE_C(i, r); \
		out[i].d = STATE_D(i, r); \
		out[i].e = STATE_E(i, r); \
		out[i].f = STATE_F(i, r); \
		out[i].g = STATE_G(i, r); \
		out[i].h = STATE_H(i, r); \
	} while (0)

/* Rounds 4 to 63. */
VEC_INLINE void vec_first(struct vec_state *out, const struct vec_work *work,
			  const vec *word3,
			  const struct pow_kernel_midstate *mid)
{
	const vec(*wk)[VEC_STREAMS] = &work->wk[4];
	struct stream s[VEC_STREAMS];

	EACH(FIRST_BEGIN, mid);
	STEPS_8(0, ADD_SUM);
	VEC_ROLLED
	for (wk += 8; wk < &work->wk[60]; wk += 8)
		STEPS_8(1, ADD_SUM);
	STEPS_4(0, 1, ADD_SUM);
	STEPS_END(4, ADD_SUM);
	EACH(FIRST_RESULT, 4);
}

/* The state after round 0 of the second hash. */
#define SECOND_BEGIN(i, setup)                                               \
	do {                                                                 \
		s[i].v[0] =                                                  \
			vec_add(work->w[0][i], vec_set((setup)->second_a0)); \
		s[i].v[1] = vec_set(pow_sha256_iv[0]);                       \
		s[i].v[2] = vec_set(pow_sha256_iv[1]);                       \
		s[i].v[3] = vec_set(pow_sha256_iv[2]);                       \
		s[i].v[4] =                                                  \
			vec_add(work->w[0][i], vec_set((setup)->second_e0)); \
		s[i].v[5] = vec_set(pow_sha256_iv[4]);                       \
		s[i].v[6] = vec_set(pow_sha256_iv[5]);                       \
		s[i].v[7] = vec_set(pow_sha256_iv[6]);                       \
	} while (0)

/* Only e of the round is wanted; h has word and constant added. */
#define ONLY_E(i, r)                                                      \
	(STATE_D(i, r) =                                                  \
		 vec_add(vec_add(STATE_D(i, r), STATE_H(i, r)),           \
			 vec_add(vec_choose(STATE_E(i, r), STATE_F(i, r), \
					    STATE_G(i, r)),               \
				 vec_big_sigma1(STATE_E(i, r)))))
#define ONLY_E_WORD(i, r)       \
	do {                    \
		ADD_BOTH(i, r); \
		ONLY_E(i, r);   \
	} while (0)
#define SECOND_RESULT(i, r) \
	(out[i].h = vec_add(STATE_E(i, r), vec_set(pow_sha256_iv[7])))

/* Rounds 1 to 45 with words 16 to 60, then 46 to 56, and of 57 to 60 what the
 * last e needs: it is left in h, with the initial state's last word added. */
VEC_INLINE void vec_second(struct vec_state *out, struct vec_work *work,
			   const struct pow_kernel_setup *setup)
{
	vec(*w)[VEC_STREAMS] = &work->w[1];
	const uint32_t *k = &pow_sha256_k[1];
	struct stream s[VEC_STREAMS];

	EACH(SECOND_BEGIN, setup);
	WORDS_8(0, 16);
	w += 8;
	k += 8;
	WORDS_8(1, 24);
	VEC_ROLLED
	for (w += 8, k += 8; w < &work->w[41]; w += 8, k += 8)
		WORDS_8(1, 32);
	WORDS_4(0, 1, 32);
	WORDS(4, 1, 36);
	WORDS_END(4);
	EACH(ADD_BOTH, 5);
	STEP(5, 0, 0, ADD_BOTH);
	STEP(6, 1, 0, ADD_BOTH);
	STEP(7, 1, 1, ADD_BOTH);
	w += 8;
	k += 8;
	STEPS_8(1, ADD_BOTH);
	STEPS_END(8, ADD_BOTH);
	EACH(ONLY_E, 8);
	EACH(ONLY_E_WORD, 9);
	EACH(ONLY_E_WORD, 10);
	EACH(ONLY_E_WORD, 11);
	EACH(SECOND_RESULT, 12);
}

#endif
