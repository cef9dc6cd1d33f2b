/* SPDX-License-Identifier: MIT */
/*
 * error.h: one sentence for a person, carried beside a -errno.
 *
 * Floor 0, pure. The sentence says what failed, where, and what to do next;
 * the code lets a caller choose an exit status. Functions that take a
 * struct base_error write it only when they fail.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/platform.h"

#define BASE_ERROR_MAX 512

struct base_error {
	char text[BASE_ERROR_MAX]; /* NUL-terminated, no newline */
};

/* Formats into @err (truncated at BASE_ERROR_MAX - 1) and returns @code, so
 * that failing reads: return base_fail(err, -EINVAL, "..."). */
int base_fail(struct base_error *err, int code, const char *fmt, ...)
	BASE_PRINTF(3, 4);

#endif
