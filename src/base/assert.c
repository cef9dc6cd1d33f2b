/* SPDX-License-Identifier: MIT */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void base_panic(const char *file, int line, const char *expr)
{
	(void)fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line,
		      expr);
	abort();
}
