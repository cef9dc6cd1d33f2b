/* SPDX-License-Identifier: MIT */
/*
 * kernel_mixed.h: the instructions of kernel_mixed.c in their order.
 *
 * Floor 1, pure, private. Both compilers, left to themselves, move all loads
 * up and spill, and the order decides how much of the ports is used: hence
 * assembly, one statement for each instruction.
 */
#ifndef POW_KERNEL_MIXED_H
#define POW_KERNEL_MIXED_H

#include "pow/kernel_sha.h"

#define LANES 8
#define ROUNDS 15 /* of the lanes, in a half step */
#define WORDS 22  /* of a schedule, in a half step */

typedef __m256i vec;

#define EACH_LANE "%{1to8%}"
#include "pow/kernel_asm.h"

struct mixed_work {
	/* Words plus constants of the nonces' first hash: two words of all. */
	_Alignas(64) uint64_t nonces_kw1[32][POW_SHA_NONCES];
	/* Words of the second hash of the eight whose turn it is. */
	vec nonces_w[64];
	/* Words plus constants of the nonces' second hash. */
	uint64_t nonces_kw2[32][POW_SHA_NONCES];
	/* Lanes: words of the second hash; words plus constants of the first
	 * and of the second, of two midstates; the state; word 3 of the first
	 * hash; word 0 of the second. */
	vec lanes_w[64];
	vec lanes_kw1[64];
	vec lanes_kw2[2][64];
	vec lanes_v[8];
	vec lanes_word3;
	vec lanes_word0;
	/* Nonces: the state after the first hash's rounds; the last word. */
	__m128i nonces_state[POW_SHA_NONCES][2];
	_Alignas(32) uint32_t nonces_late[POW_SHA_NONCES];
	unsigned parity; /* which of lanes_kw2 is a midstate behind */
};

#define XOR3(to, x, y) TERNARY(to, x, y, 0x96)
#define CHOOSE(to, x, y) TERNARY(to, x, y, 0xca)
#define MAJORITY(to, x, y) TERNARY(to, x, y, 0xe8)
#define XOR(to, x) __asm__ volatile("vpxord %1, %0, %0" : "+v"(to) : "v"(x))
#define UNPACK_LOW(to, x, y) \
	__asm__ volatile("vpunpckldq %2, %1, %0" : "=v"(to) : "v"(x), "v"(y))
#define UNPACK_HIGH(to, x, y) \
	__asm__ volatile("vpunpckhdq %2, %1, %0" : "=v"(to) : "v"(x), "v"(y))

/* Two rounds of one nonce: the new (F, E, B, A) in place of (H, G, D, C). */
#define RNDS2(cdgh, abef, kw)                         \
	__asm__ volatile("vmovq %2, %%xmm0\n\t"       \
			 "sha256rnds2 %%xmm0, %1, %0" \
			 : "+x"(cdgh)                 \
			 : "x"(abef), "m"(kw)         \
			 : "xmm0")

/*
 * A quad is four rounds of the nonces, one of the lanes, and in eleven of
 * fifteen two words. What is in a statement only some quads have: rounds 0
 * and 1 of the first hash no nonce reaches, 62 and 63 of the second do not
 * decide, and the order has statements of the quad before.
 */
#define FIRST_LOWER(i, q)                                   \
	do {                                                \
		if ((q) > 0 && (q) < POW_SHA_QUADS)         \
			RNDS2(first_cdgh##i, first_abef##i, \
			      KW(first_kw, 2 * (q), i));    \
	} while (0)
#define FIRST_UPPER(i, q)                                    \
	do {                                                 \
		if ((q) >= 0 && (q) < POW_SHA_QUADS)         \
			RNDS2(first_abef##i, first_cdgh##i,  \
			      KW(first_kw, 2 * (q) + 1, i)); \
	} while (0)
#define SECOND_LOWER(i, q)                                                  \
	do {                                                                \
		if ((q) >= 0 && (q) < POW_SHA_QUADS)                        \
			RNDS2(cdgh##i, abef##i, KW(second_kw, 2 * (q), i)); \
	} while (0)
#define SECOND_UPPER(i, q)                                    \
	do {                                                  \
		if ((q) >= 0 && (q) < POW_SHA_QUADS - 1)      \
			RNDS2(abef##i, cdgh##i,               \
			      KW(second_kw, 2 * (q) + 1, i)); \
	} while (0)
#define KW(kw, pair, i) (kw)[(pair)*POW_SHA_NONCES + (i)]

#define ROUND(q, statement)                   \
	do {                                  \
		if ((q) >= 0 && (q) < ROUNDS) \
			statement;            \
	} while (0)
#define ROUND_KW(q) lane_kw[q]

#define PAIR(q) ((q) * (WORDS / 2) / ROUNDS)
#define WORD(q, statement)                                               \
	do {                                                             \
		if ((q) >= 0 && (q) < ROUNDS && PAIR(q) < PAIR((q) + 1)) \
			statement;                                       \
	} while (0)
#define UNPACKED(q, statement) WORD(q, if (!plain) statement)
#define PLAIN(q, statement) WORD(q, if (plain) statement)
#define PAIR_W(q, i) w[2 * PAIR(q) + (i)]
#define PAIR_K(q, i) k[2 * PAIR(q) + (i)]
#define PAIR_PLAIN(q, i) wk[2 * PAIR(q) + (i)]
#define PAIR_OUT(q, i) (*(vec *)&pairs[PAIR(q) * POW_SHA_NONCES + 4 * (i)])

/*
 * Four rounds of the nonces with all that is beside them, in the order that
 * was found best on Zen 4 (family 25, model 17) by search. Each statement has
 * a time; what is later than the quad's end is in the next one, as a statement
 * of q - 1, where the lanes' *state* has the names of round q: what round q - 1
 * makes is a and e there. Orders that mix the parts evenly, or that a model of
 * latencies liked, had times changed at random, and what was fastest was kept,
 * measured in a loop of half steps at several alignments, then in the kernel by
 * both compilers (docs/performance.md). t0 to t8 hold what lives between two
 * statements; another order has them allotted anew.
 *
 * The words' sigmas have no ternary logic: in a cycle in which that starts no
 * sha256rnds2 does.
 */
#define QUAD(q, a, b, c, d, e, f, g, h)                                 \
	do {                                                            \
		WORD((q)-1, LOAD(t2, PAIR_W((q)-1, 1 - 15)));           \
		SECOND_LOWER(1, (q)-1);                                 \
		WORD((q)-1, XOR(t4, t7));                               \
		WORD((q)-1, XOR(t1, t4));                               \
		WORD((q)-1, ADD_MEMORY(t4, t1, PAIR_W((q)-1, 0 - 16))); \
		ROUND((q)-1, ADD(a, t5, a));                            \
		WORD((q)-1, SHIFT(t5, even, 10));                       \
		ROUND((q)-1, ROTATE(t7, f, 11));                        \
		ROUND((q)-1, ROTATE(t8, f, 6));                         \
		ROUND((q)-1, ROTATE(t1, f, 25));                        \
		WORD((q)-1, XOR(t6, t3));                               \
		ROUND((q)-1, XOR3(t1, t8, t7));                         \
		WORD((q)-1, ADD_MEMORY(t4, t4, PAIR_W((q)-1, 0 - 7)));  \
		WORD((q)-1, XOR(t5, t6));                               \
		FIRST_LOWER(1, (q)-1);                                  \
		FIRST_LOWER(2, (q)-1);                                  \
		WORD((q)-1, ADD(even, t5, t4));                         \
		WORD((q)-1, SHIFT(t3, t2, 3));                          \
		WORD((q)-1, ROTATE(t4, t2, 7));                         \
		WORD((q)-1, ROTATE(t2, t2, 18));                        \
		SECOND_LOWER(2, (q)-1);                                 \
		WORD((q)-1, XOR(t4, t2));                               \
		SECOND_UPPER(0, (q)-1);                                 \
		WORD((q)-1, SHIFT(t2, odd, 10));                        \
		WORD((q)-1, STORE(PAIR_W((q)-1, 0), even));             \
		WORD((q)-1, ROTATE(t5, odd, 17));                       \
		WORD((q)-1, ROTATE(t6, odd, 19));                       \
		WORD((q)-1, XOR(t3, t4));                               \
		WORD((q)-1, ADD(t0, t3, t0));                           \
		ROUND((q)-1, ADD(a, t1, a));                            \
		ROUND(q, ADD_MEMORY(h, h, ROUND_KW(q)));                \
		FIRST_UPPER(0, (q)-1);                                  \
		SECOND_UPPER(1, (q)-1);                                 \
		ROUND((q)-1, ROTATE(t1, b, 22));                        \
		WORD((q)-1, ADD_MEMORY(t0, t0, PAIR_W((q)-1, 1 - 7)));  \
		WORD((q)-1, XOR(t5, t6));                               \
		ROUND((q)-1, COPY(t6, b));                              \
		WORD((q)-1, XOR(t2, t5));                               \
		ROUND((q)-1, ROTATE(t5, b, 13));                        \
		ROUND((q)-1, ROTATE(t3, b, 2));                         \
		WORD((q)-1, ADD(odd, t2, t0));                          \
		WORD(q, LOAD(t0, PAIR_W(q, 0 - 15)));                   \
		ROUND((q)-1, MAJORITY(t6, c, d));                       \
		ROUND((q)-1, ADD(e, a, e));                             \
		FIRST_UPPER(1, (q)-1);                                  \
		SECOND_UPPER(2, (q)-1);                                 \
		WORD((q)-1, ADD_EACH(t2, odd, PAIR_K((q)-1, 1)));       \
		ROUND((q)-1, ADD(a, t6, a));                            \
		ROUND((q)-1, XOR3(t1, t3, t5));                         \
		SECOND_LOWER(0, q);                                     \
		FIRST_UPPER(2, (q)-1);                                  \
		WORD((q)-1, ADD_EACH(t3, even, PAIR_K((q)-1, 0)));      \
		ROUND(q, COPY(t5, e));                                  \
		PLAIN((q)-1, STORE(PAIR_PLAIN((q)-1, 0), t3));          \
		PLAIN((q)-1, STORE(PAIR_PLAIN((q)-1, 1), t2));          \
		UNPACKED((q)-1, UNPACK_LOW(t6, t3, t2));                \
		ROUND(q, CHOOSE(t5, f, g));                             \
		WORD(q, ROTATE(t4, t0, 7));                             \
		WORD(q, ROTATE(t7, t0, 18));                            \
		ROUND((q)-1, ADD(a, t1, a));                            \
		WORD(q, SHIFT(t1, t0, 3));                              \
		UNPACKED((q)-1, UNPACK_HIGH(t2, t3, t2));               \
		WORD((q)-1, STORE(PAIR_W((q)-1, 1), odd));              \
		WORD(q, ROTATE(t3, even, 19));                          \
		UNPACKED((q)-1, STORE(PAIR_OUT((q)-1, 0), t6));         \
		WORD(q, ROTATE(t6, even, 17));                          \
		UNPACKED((q)-1, STORE(PAIR_OUT((q)-1, 1), t2));         \
		FIRST_LOWER(0, q);                                      \
	} while (0)

/* A half step. */
#define QUADS                                             \
	do {                                              \
		QUAD(0, v0, v1, v2, v3, v4, v5, v6, v7);  \
		QUAD(1, v7, v0, v1, v2, v3, v4, v5, v6);  \
		QUAD(2, v6, v7, v0, v1, v2, v3, v4, v5);  \
		QUAD(3, v5, v6, v7, v0, v1, v2, v3, v4);  \
		QUAD(4, v4, v5, v6, v7, v0, v1, v2, v3);  \
		QUAD(5, v3, v4, v5, v6, v7, v0, v1, v2);  \
		QUAD(6, v2, v3, v4, v5, v6, v7, v0, v1);  \
		QUAD(7, v1, v2, v3, v4, v5, v6, v7, v0);  \
		QUAD(8, v0, v1, v2, v3, v4, v5, v6, v7);  \
		QUAD(9, v7, v0, v1, v2, v3, v4, v5, v6);  \
		QUAD(10, v6, v7, v0, v1, v2, v3, v4, v5); \
		QUAD(11, v5, v6, v7, v0, v1, v2, v3, v4); \
		QUAD(12, v4, v5, v6, v7, v0, v1, v2, v3); \
		QUAD(13, v3, v4, v5, v6, v7, v0, v1, v2); \
		QUAD(14, v2, v3, v4, v5, v6, v7, v0, v1); \
		QUAD(15, v1, v2, v3, v4, v5, v6, v7, v0); \
		QUAD(16, v0, v1, v2, v3, v4, v5, v6, v7); \
	} while (0)

#endif
