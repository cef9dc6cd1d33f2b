/* SPDX-License-Identifier: MIT */
/*
 * runs.h: the newest blocks' changes to the coins, before they are merged.
 *
 * Floor 4. A random coin lies on a page of its own, so that changing the table
 * of coins with each block would write a page for each coin. Instead the
 * changes of a block are stored as one sorted value, a run, and the table
 * lags behind: the keys are cut into STORE_RUNS_MAX slices, and the commit of
 * block h merges slice h mod STORE_RUNS_MAX, up to the block before it. So
 * each slice is merged once in STORE_RUNS_MAX blocks, a run is needed for as
 * many, and a coin that is made and spent meanwhile never reaches the table.
 *
 * A run: le32 changes | le32 coins made | le64 unspent coins after it |
 * changes of (outpoint | le32 place of the coin made, or STORE_RUN_TAKEN),
 * ascending | coins made.
 *
 * What is read is borrowed from the map of a snapshot. Errors are LMDB's, or
 * of the system; MDB_CORRUPTED: damaged.
 */
#ifndef STORE_RUNS_H
#define STORE_RUNS_H

#include "store/internal.h"

#define STORE_RUN_HEAD 16
#define STORE_RUN_ENTRY (CHAIN_OUTPOINT_SIZE + 4)
#define STORE_RUN_TAKEN UINT32_MAX

/* 0 or MDB_CORRUPTED. */
BASE_MUST_CHECK int store_run_read(struct store_run *out, const MDB_val *value);

/* Those of the snapshot @txn. @out->count is 0 without a tip. */
BASE_MUST_CHECK int store_runs_load(struct store_runs *out,
				    const struct store *s, MDB_txn *txn);

/* Which part of the keys @key is in: 0..STORE_RUNS_MAX - 1, ascending. */
uint32_t store_runs_slice(const uint8_t *key);

/* What they say of @key; @perhaps is store_filter_ask()'s answer for the
 * last of them. 0 with *@coin its CHAIN_COIN_SIZE bytes, or NULL: spent;
 * MDB_NOTFOUND: nothing. */
BASE_MUST_CHECK int store_runs_find(const uint8_t **coin,
				    const struct store_runs *runs,
				    uint64_t perhaps, const uint8_t *key);

/* The changes of many runs, by key. */
struct store_merge {
	const struct store_runs *runs;
	uint32_t sources;
	struct store_source {
		uint64_t prefix; /* of the key at @at */
		uint32_t run;
		uint32_t at, end;
	} source[STORE_RUNS_MAX]; /* a heap */
};

struct store_merged {
	const uint8_t *key;
	const uint8_t *coin; /* in the end; NULL: spent */
	bool fresh;	     /* made by the first change: not in the table */
};

/* All that is not in the table; or, of @slice, all but nothing else. */
void store_merge_all(struct store_merge *m, const struct store_runs *runs);
void store_merge_slice(struct store_merge *m, const struct store_runs *runs,
		       uint32_t slice);

/* The next. 0; MDB_NOTFOUND: no more; MDB_CORRUPTED. */
BASE_MUST_CHECK int store_merge_next(struct store_merged *out,
				     struct store_merge *m);

#endif
