/* SPDX-License-Identifier: MIT */
/*
 * ports: how many core cycles instructions of the kernels take in a loop,
 * alone and beside each other. What two take together says whether they want
 * the same ports: the sum if they do, the longer of the two if not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"
#include "pow/cpu.h"

#if defined(__x86_64__)

#include <x86intrin.h>

#define SLICES 201
#define TURNS 400 /* of a loop in a slice */
#define UNITS 7	  /* in a loop's body: chains that do not depend */

/* Unit i of 1 to 7; where there is a second and third register, i + 8 and
 * i + 16, which sha256rnds2 cannot name anyway. */
#define RNDS2(i) "sha256rnds2 %%xmm0, %%xmm" #i ", %%xmm" #i "\n\t"
#define MSG1(i) "sha256msg1 %%xmm0, %%xmm" #i "\n\t"
#define MSG2(i) "sha256msg2 %%xmm0, %%xmm" #i "\n\t"
#define THREE(op, r, i) op " %%" r #i ", %%" r #i ", %%" r #i "\n\t"
#define SHIFT(op, r, i) op " $7, %%" r #i ", %%" r #i "\n\t"
#define TERNARY(r, i) "vpternlogd $0x96, %%" r #i ", %%" r #i ", %%" r #i "\n\t"
#define ADD_Y(i) THREE("vpaddd", "ymm", i)
#define ROT_Y(i) SHIFT("vprold", "ymm", i)
#define SRL_Y(i) SHIFT("vpsrld", "ymm", i)
#define TERN_Y(i) TERNARY("ymm", i)
#define ADD_Z(i) THREE("vpaddd", "zmm", i)
#define ROT_Z(i) SHIFT("vprold", "zmm", i)
#define TERN_Z(i) TERNARY("zmm", i)

#define ALONE(f) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#define HIGH(f) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
#define BESIDE(f, g)                                                          \
	f(1) g(9) f(2) g(10) f(3) g(11) f(4) g(12) f(5) g(13) f(6) g(14) f(7) \
		g(15)
#define BESIDE_2(f, g)                                                     \
	f(1) g(9) g(17) f(2) g(10) g(18) f(3) g(11) g(19) f(4) g(12) g(20) \
		f(5) g(13) g(21) f(6) g(14) g(22) f(7) g(15) g(23)
#define HIGH_2(f, g)                                                           \
	f(9) g(17) f(10) g(18) f(11) g(19) f(12) g(20) f(13) g(21) f(14) g(22) \
		f(15) g(23)

/* One chain is a unit's latency times UNITS. */
#define CHAIN(f) f(1) f(1) f(1) f(1) f(1) f(1) f(1)

/* Each waits for its first source, for its third. */
#define TERN_SAME(i) "vpternlogd $0x96, %%ymm9, %%ymm9, %%ymm" #i "\n\t"
#define TERN_NEXT(from, to) \
	"vpternlogd $0x96, %%ymm" #from ", %%ymm9, %%ymm" #to "\n\t"
#define TERN_CHAIN      \
	TERN_NEXT(1, 2) \
	TERN_NEXT(2, 3) \
	TERN_NEXT(3, 4) \
	TERN_NEXT(4, 5) TERN_NEXT(5, 6) TERN_NEXT(6, 7) TERN_NEXT(7, 1)

#define LOOPS(X)                                                              \
	X(rnds2_chain, "sha256rnds2, each waits", CHAIN(RNDS2))               \
	X(rnds2, "sha256rnds2", ALONE(RNDS2))                                 \
	X(msg1, "sha256msg1", ALONE(MSG1))                                    \
	X(msg2, "sha256msg2", ALONE(MSG2))                                    \
	X(add_y, "vpaddd 256", HIGH(ADD_Y))                                   \
	X(rot_y, "vprold 256", HIGH(ROT_Y))                                   \
	X(srl_y, "vpsrld 256", HIGH(SRL_Y))                                   \
	X(tern_y, "vpternlogd 256", HIGH(TERN_Y))                             \
	X(add_z, "vpaddd 512", HIGH(ADD_Z))                                   \
	X(rot_chain, "vprold 256, each waits", CHAIN(ROT_Y))                  \
	X(tern_chain, "vpternlogd 256, each waits, first source",             \
	  CHAIN(TERN_SAME))                                                   \
	X(tern_next, "vpternlogd 256, each waits, third source", TERN_CHAIN)  \
	X(rot_z, "vprold 512", HIGH(ROT_Z))                                   \
	X(tern_z, "vpternlogd 512", HIGH(TERN_Z))                             \
	X(rot_srl, "vprold 256, vpsrld 256", HIGH_2(ROT_Y, SRL_Y))            \
	X(rnds2_msg1, "sha256rnds2, sha256msg1", BESIDE_MSG(RNDS2, MSG1))     \
	X(rnds2_msg2, "sha256rnds2, sha256msg2", BESIDE_MSG(RNDS2, MSG2))     \
	X(rnds2_add_y, "sha256rnds2, 2 vpaddd 256", BESIDE_2(RNDS2, ADD_Y))   \
	X(rnds2_rot_y, "sha256rnds2, 2 vprold 256", BESIDE_2(RNDS2, ROT_Y))   \
	X(rnds2_srl_y, "sha256rnds2, 2 vpsrld 256", BESIDE_2(RNDS2, SRL_Y))   \
	X(rnds2_tern_y, "sha256rnds2, 2 vpternlogd 256",                      \
	  BESIDE_2(RNDS2, TERN_Y))                                            \
	X(rnds2_add_z, "sha256rnds2, vpaddd 512", BESIDE(RNDS2, ADD_Z))       \
	X(rnds2_rot_z, "sha256rnds2, vprold 512", BESIDE(RNDS2, ROT_Z))       \
	X(rnds2_tern_z, "sha256rnds2, vpternlogd 512", BESIDE(RNDS2, TERN_Z)) \
	X(msg2_add_y, "sha256msg2, 2 vpaddd 256", BESIDE_2(MSG2, ADD_Y))

/* Half of the SHA registers each. */
#define BESIDE_MSG(f, g)                                                     \
	f(1) g(8) f(2) g(9) f(3) g(10) f(4) g(11) f(5) g(12) f(6) g(13) f(7) \
		g(14)

#define LOOP(name, text, body)                                                 \
	static __attribute__((target("avx512f,avx512vl"),                      \
			      noinline)) void loop_##name(void)                \
	{                                                                      \
		unsigned turns = TURNS;                                        \
                                                                               \
		__asm__ volatile("vzeroall\n"                                  \
				 "1:\n\t" body "dec %0\n\t"                    \
				 "jnz 1b\n\t"                                  \
				 "vzeroupper"                                  \
				 : "+r"(turns)                                 \
				 :                                             \
				 : "cc", "xmm0", "xmm1", "xmm2", "xmm3",       \
				   "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",     \
				   "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
				   "xmm14", "xmm15", "xmm17", "xmm18",         \
				   "xmm19", "xmm20", "xmm21", "xmm22",         \
				   "xmm23");                                   \
	}

LOOPS(LOOP)

struct loop {
	const char *text;
	void (*run)(void);
};

#define ROW(name, text, body) {text, loop_##name},

static const struct loop loops[] = {LOOPS(ROW)};

/* Core cycles of one unit: the lower tenth of the slices. */
static double cycles(const struct loop *l)
{
	double slices[SLICES];

	for (unsigned i = 0; i < SLICES; i++) {
		uint64_t start;

		l->run();
		start = __rdtsc();
		l->run();
		slices[i] = (double)(__rdtsc() - start);
	}
	(void)measure_median(slices, SLICES); /* sorts them */
	return slices[SLICES / 10] / (TURNS * UNITS);
}

int main(void)
{
	const unsigned wanted = POW_CPU_AVX512 | POW_CPU_SHA;
	double core = measure_core_per_tsc();

	if ((pow_cpu_features() & wanted) != wanted) {
		(void)fprintf(stderr, "ports: wants a CPU with AVX-512 and the "
				      "SHA extensions\n");
		return EXIT_FAILURE;
	}
	(void)printf("core cycles of these together, in a loop of independent "
		     "ones:\n");
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
		(void)printf("%6.2f  %s\n", cycles(&loops[i]) * core,
			     loops[i].text);
	return EXIT_SUCCESS;
}

#else

int main(void)
{
	(void)fprintf(stderr, "ports: for x86-64 only\n");
	return EXIT_FAILURE;
}

#endif
