/* SPDX-License-Identifier: MIT */
/*
 * cpu.h: which vector instructions this CPU and operating system can run.
 *
 * Floor 1, pure. Any thread. CPUID says what the CPU has, XGETBV what state
 * the system saves across a switch; a feature counts only with both. On
 * other architectures than x86-64 there are none.
 * Source: Intel SDM volume 1, chapters 13.1 to 13.3 and 14.3, 15.2 (how to
 * detect AVX, AVX2 and AVX-512).
 */
#ifndef POW_CPU_H
#define POW_CPU_H

#include "base/platform.h"

#define POW_CPU_SSE41 1u  /* with SSSE3 */
#define POW_CPU_AVX2 2u	  /* 256-bit registers are saved */
#define POW_CPU_AVX512 4u /* F, BW and VL; 512-bit registers are saved */
#define POW_CPU_SHA 8u	  /* SHA extensions, with SSE4.1 */

/* The set of POW_CPU_* that may be used. CPUID can trap to a hypervisor, so
 * ask once, not in a loop. */
unsigned pow_cpu_features(void);

#endif
