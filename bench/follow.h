/* SPDX-License-Identifier: MIT */
/*
 * follow.h: a light node's work without network and disk: headers in messages
 * of CHAIN_RUN_MAX, as peers send them, and certificates at intervals.
 */
#ifndef BENCH_FOLLOW_H
#define BENCH_FOLLOW_H

#include "base/platform.h"

#define FOLLOW_HEADERS_MAX 4000000u

struct follow_options {
	uint32_t headers;
	uint32_t every; /* headers a certificate; a multiple of the message */
	uint32_t members;
	uint32_t faults;
};

struct follow;

/* Mines the headers, whose bits move as the rule demands. NULL: no memory. */
struct follow *follow_create(const struct follow_options *options);
void follow_free(struct follow *f);

/* One pass over all of them: hashes, links, times, difficulty, proof of work,
 * certificates. CPU nanoseconds of this thread; *@certs_ns of them are the
 * certificates'. */
double follow_run(struct follow *f, double *certs_ns);

#endif
