/* SPDX-License-Identifier: MIT */
/*
 * platform.h: what this program takes for granted, asserted at compile time.
 *
 * Floor 0, pure. Everything includes it through types.h; a platform on which
 * one of these fails is not supported, and the compiler says which one.
 */
#ifndef BASE_PLATFORM_H
#define BASE_PLATFORM_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(CHAR_BIT == 8, "bytes have eight bits");
_Static_assert(sizeof(int) >= 4, "int holds 32 bits");
_Static_assert(sizeof(size_t) == 8, "a 64-bit platform");
_Static_assert((-1 & 3) == 3, "two's complement");
_Static_assert((-5 / 2) == -2, "integer division truncates towards zero");
_Static_assert((-5 >> 1) == -3, "right shift of negatives is arithmetic");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian");

/* Bytes two cores can write without disturbing each other. Adjacent-line
 * prefetch on x86 couples pairs of 64-byte lines, hence 128. */
#define BASE_CACHE_LINE 128

#define BASE_MUST_CHECK __attribute__((warn_unused_result))
#define BASE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
