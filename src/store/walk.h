/* SPDX-License-Identifier: MIT */
/*
 * walk.h: every unspent coin of a snapshot, from the table and the runs.
 *
 * Floor 4. In the order of the keys' bytes; borrowed from the snapshot's map.
 */
#ifndef STORE_WALK_H
#define STORE_WALK_H

#include "store/runs.h"

struct store_walk {
	struct store_merge merge;
	MDB_cursor *cursor;
	int stored_rc; /* of the table's next entry: key and value */
	MDB_val key, value;
	int merged_rc; /* of the runs' next: change */
	struct store_merged change;
};

/* @runs are the snapshot's, and stay. 0 or LMDB's error. */
BASE_MUST_CHECK int store_walk_begin(struct store_walk *w,
				     const struct store_runs *runs,
				     const struct store *s, MDB_txn *txn);
void store_walk_end(struct store_walk *w);

/* The next: an entry of the table as it is, or a coin from a run. 0;
 * MDB_NOTFOUND: no more; MDB_CORRUPTED: the coin at @key, unless that is
 * empty, does not go with its changes; LMDB's error. */
BASE_MUST_CHECK int store_walk_next(MDB_val *key, MDB_val *value,
				    struct store_walk *w);

#endif
