/* SPDX-License-Identifier: MIT */
/*
 * assert.h: programmer errors end the program, in release builds too.
 *
 * Floor 0. Never for bad input: that is an error code or a verdict.
 */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

/* Writes "file:line: assertion failed: expr" to standard error and aborts.
 * Any thread. Does not return. */
_Noreturn void base_panic(const char *file, int line, const char *expr);

#define BASE_ASSERT(expr) \
	((expr) ? (void)0 : base_panic(__FILE__, __LINE__, #expr))

#endif
