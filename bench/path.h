/* SPDX-License-Identifier: MIT */
/*
 * path.h: a block's way through validation and into a store, by stages.
 *
 * The same pieces as in the node: chain_block_execute() on coins from an LMDB
 * reader, verify threads, store_append(). What prepares the chain is done by
 * another process, so that this one's memory is what the way itself needs.
 */
#ifndef BENCH_PATH_H
#define BENCH_PATH_H

#include "ledger.h"

#define PATH_COINS_MIN CHAIN_OUTPUTS_MAX /* what genesis makes */

struct path_options {
	const char *dir;  /* the store is made in a folder below it */
	uint32_t threads; /* besides a pool of one */
	uint32_t coins;
	struct ledger_shape shape; /* of the blocks */
};

struct path_sample {
	double cpu_ns;	   /* of all threads */
	double execute_ns; /* of them: chain_block_execute() with its reads */
	double append_ns;  /* of them: store_append() */
	double wall_ns;
	double execute_wall_ns; /* of them */
	double verify_wall_ns;
	double append_wall_ns;
	size_t bytes;
	uint32_t txs;
	uint32_t inputs;
};

struct path;

/* Makes a store with as many coins as asked for. 0 or -errno, after a message
 * on standard error; so do the others. */
BASE_MUST_CHECK int path_open(struct path **out,
			      const struct path_options *options);
void path_close(struct path *p);

/* Verifications a CPU second by libsecp256k1 itself, with parsing the key. */
double path_library_rate(struct path *p);

/* A new block with @threads verify threads (1 or the option's); @known: its
 * transactions were verified before. Afterwards, and not measured, another
 * block brings the number of coins back. */
BASE_MUST_CHECK int path_block(struct path_sample *out, struct path *p,
			       uint32_t threads, bool known);

/* The most that was seen after a block. */
long path_rss_anon_kb(const struct path *p);

#endif
