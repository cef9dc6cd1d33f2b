/* SPDX-License-Identifier: MIT */
/*
 * pool_load.h: from a name on the command line to a tested kernel.
 *
 * Floor 4 (loads files, reads the CPU clock). Main thread, at start.
 */
#ifndef POW_POOL_LOAD_H
#define POW_POOL_LOAD_H

#include "pow/backend.h"

/* CPU time each kernel is timed for by "auto". */
#define POW_LOAD_TIMING_MS 50

/*
 * Resolves @name: "auto" (every supported built-in kernel is timed for
 * POW_LOAD_TIMING_MS of CPU time, the fastest wins), a built-in name, or the
 * path of a shared object (contains '/'), which stays loaded for the life of
 * the process. The result passed pow_backend_self_test() and lives forever.
 * @hps, unless NULL, receives hashes per second of CPU time of one thread.
 * 0; -ENOENT (no such backend: @err lists the names; or no such file),
 * -ELIBACC (not loadable, symbol missing), or what the self-test returns.
 */
BASE_MUST_CHECK int pow_load_backend(const struct minerd_pow_backend **out,
				     double *hps, const char *name,
				     struct base_error *err);

/* Hashes per second of CPU time of @b on one thread, measured for @ms. */
double pow_load_measure(const struct minerd_pow_backend *b, unsigned ms);

#endif
