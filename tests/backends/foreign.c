/* SPDX-License-Identifier: MIT */
/* A backend built against another version of the header. */
#define EXAMPLE_ABI (MINERD_POW_ABI + 1)
#include "example.c"
