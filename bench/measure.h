/* SPDX-License-Identifier: MIT */
/*
 * measure.h: slices of CPU time of a kernel, of OpenSSL, and of many threads.
 *
 * All rates are hashes per second of CPU time: the machine may be shared.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdbool.h>
#include <time.h>

#include "base/platform.h"
#include "minerd/pow_backend.h"

#define MEASURE_SLICES_MAX 1001
#define MEASURE_THREADS_MAX 256
#define MEASURE_MACHINE_MAX 192

struct measure_slice {
	uint64_t hashes;
	uint64_t cpu_ns;
};

double measure_rate(const struct measure_slice *s);

/* @midstates headers a nonce, for @ms of CPU time of this thread. */
struct measure_slice measure_backend(const struct minerd_pow_backend *b,
				     uint32_t midstates, unsigned ms);

/* Headers hashed by OpenSSL's SHA256_Transform: two calls each, the second
 * block from the midstate and then the digest. */
struct measure_slice measure_openssl(unsigned ms);

/* Sum of @count threads of this process, each for @ms of its CPU time; or
 * of @count processes with one thread each. Negative errno, or 0. */
BASE_MUST_CHECK int measure_threads(struct measure_slice *out,
				    const struct minerd_pow_backend *b,
				    unsigned count, unsigned ms);
BASE_MUST_CHECK int measure_processes(struct measure_slice *out,
				      const struct minerd_pow_backend *b,
				      unsigned count, unsigned ms);

/* Ticks of the time stamp counter a second, and clock cycles of the core per
 * tick while it works (a chain of dependent additions, one cycle each); 0
 * where there is no such counter. */
double measure_tsc_hz(void);
double measure_core_per_tsc(void);

/* Makes OpenSSL run with or without the CPU's SHA extensions, by starting this
 * program again with @argv where needed: call it first. 0, or -1 and errno
 * when it cannot start again. */
BASE_MUST_CHECK int measure_settle_baseline(bool with_sha, char **argv);

/* Nanoseconds on @clock. */
uint64_t measure_clock_ns(clockid_t clock);

/* The CPU's name and how many there are. */
void measure_machine(char out[static MEASURE_MACHINE_MAX]);

/* Sorts @values. @count >= 1. */
double measure_median(double *values, size_t count);

#endif
