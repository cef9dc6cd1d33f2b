/* SPDX-License-Identifier: MIT */
/*
 * test.h: cmocka with its includes in the order it wants, and where the
 * published vectors are.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* cmocka's own says "not ok # SKIP", which meson takes for a failure. This one
 * ends the test, whose reason has been printed, as "ok" with a remark that
 * tests/count.py counts. For functions that return nothing. */
#undef skip
#define skip()                             \
	do {                               \
		print_message("# SKIP\n"); \
		return;                    \
	} while (0)

/* Opens a published vector file (MINERD_VECTORS, else ../shared/vectors);
 * NULL after saying so when it is absent: the test then calls skip(). */
static inline FILE *test_open_vectors(const char *name)
{
	const char *dir = getenv("MINERD_VECTORS");
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s",
		       dir ? dir : "../shared/vectors", name);
	f = fopen(path, "r");
	if (!f)
		print_message("# %s is absent; set MINERD_VECTORS\n", path);
	return f;
}

#endif
