/* SPDX-License-Identifier: MIT */
#include "pow/cpu.h"

#include <stdbool.h>

#if defined(__x86_64__)

#include <cpuid.h>

/* CPUID leaf 1, ECX */
#define LEAF1_SSSE3 (1u << 9)
#define LEAF1_SSE41 (1u << 19)
#define LEAF1_OSXSAVE (1u << 27)
#define LEAF1_AVX (1u << 28)
/* CPUID leaf 7, EBX */
#define LEAF7_AVX2 (1u << 5)
#define LEAF7_AVX512F (1u << 16)
#define LEAF7_SHA (1u << 29)
#define LEAF7_AVX512BW (1u << 30)
#define LEAF7_AVX512VL (1u << 31)
/* XCR0 */
#define STATE_AVX 0x06u	   /* XMM, upper halves of YMM */
#define STATE_AVX512 0xe6u /* also masks and both parts of ZMM */

static bool has(unsigned set, unsigned bits)
{
	return (set & bits) == bits;
}

/* The instruction by its bytes: naming it would need a compiler flag. */
static unsigned enabled_state(void)
{
	unsigned low;
	unsigned high;

	__asm__ volatile(".byte 0x0f, 0x01, 0xd0"
			 : "=a"(low), "=d"(high)
			 : "c"(0));
	return low;
}

unsigned pow_cpu_features(void)
{
	unsigned a, b, c, d;
	unsigned leaf7 = 0;
	unsigned state = 0;
	unsigned features = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return 0;
	if (has(c, LEAF1_OSXSAVE | LEAF1_AVX))
		state = enabled_state();
	if (__get_cpuid_count(7, 0, &a, &b, &a, &d))
		leaf7 = b;
	if (!has(c, LEAF1_SSSE3 | LEAF1_SSE41))
		return 0;
	features |= POW_CPU_SSE41;
	if (has(leaf7, LEAF7_SHA))
		features |= POW_CPU_SHA;
	if (has(state, STATE_AVX) && has(leaf7, LEAF7_AVX2))
		features |= POW_CPU_AVX2;
	if (has(state, STATE_AVX512) &&
	    has(leaf7, LEAF7_AVX512F | LEAF7_AVX512BW | LEAF7_AVX512VL))
		features |= POW_CPU_AVX512;
	return features;
}

#else

unsigned pow_cpu_features(void)
{
	return 0;
}

#endif
