/* SPDX-License-Identifier: MIT */
/* A backend with one wrong bit: the self-test must refuse it by name. */
#define EXAMPLE_WRONG
#include "example.c"
