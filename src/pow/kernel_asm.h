/* SPDX-License-Identifier: MIT */
/*
 * kernel_asm.h: AVX-512's instructions, one a statement that stays in its
 * place.
 *
 * Floor 1, pure, private. For kernels whose order of instructions is the
 * point: statements of volatile assembly keep it, and the compiler chooses the
 * registers of what has no named one. Vectors in memory are aligned to their
 * size. The file that includes this one defines EACH_LANE, "{1to8}" or
 * "{1to16}" by the number of lanes, with a % before each brace.
 */
#ifndef POW_KERNEL_ASM_H
#define POW_KERNEL_ASM_H

#define LOAD(to, from) \
	__asm__ volatile("vmovdqa64 %1, %0" : "=v"(to) : "m"(from))
#define STORE(to, from) \
	__asm__ volatile("vmovdqa64 %1, %0" : "=m"(to) : "v"(from))
#define COPY(to, x) __asm__ volatile("vmovdqa64 %1, %0" : "=v"(to) : "v"(x))
#define ADD(to, x, y) \
	__asm__ volatile("vpaddd %2, %1, %0" : "=v"(to) : "v"(x), "v"(y))
#define ADD_MEMORY(to, x, y) \
	__asm__ volatile("vpaddd %2, %1, %0" : "=v"(to) : "v"(x), "m"(y))
/* The same number in memory to each lane. */
#define ADD_EACH(to, x, y)                                \
	__asm__ volatile("vpaddd %2" EACH_LANE ", %1, %0" \
			 : "=v"(to)                       \
			 : "v"(x), "m"(y))
#define ROTATE(to, x, n) \
	__asm__ volatile("vprord %2, %1, %0" : "=v"(to) : "v"(x), "i"(n))
#define SHIFT(to, x, n) \
	__asm__ volatile("vpsrld %2, %1, %0" : "=v"(to) : "v"(x), "i"(n))
/* Any function of three bits: to's, x's and y's are bits 2, 1 and 0 of the
 * index into the truth table. */
#define TERNARY(to, x, y, table)                     \
	__asm__ volatile("vpternlogd %3, %2, %1, %0" \
			 : "+v"(to)                  \
			 : "v"(x), "v"(y), "i"(table))

#endif
