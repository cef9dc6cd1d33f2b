/* SPDX-License-Identifier: MIT */
#include "store/walk.h"

#include "base/assert.h"

static void next_stored(struct store_walk *w)
{
	w->stored_rc = mdb_cursor_get(w->cursor, &w->key, &w->value, MDB_NEXT);
}

static void next_merged(struct store_walk *w)
{
	w->merged_rc = store_merge_next(&w->change, &w->merge);
}

int store_walk_begin(struct store_walk *w, const struct store_runs *runs,
		     const struct store *s, MDB_txn *txn)
{
	int rc = mdb_cursor_open(txn, s->table[STORE_COINS], &w->cursor);

	if (rc)
		return rc;
	store_merge_all(&w->merge, runs);
	next_stored(w);
	next_merged(w);
	return 0;
}

void store_walk_end(struct store_walk *w)
{
	mdb_cursor_close(w->cursor);
}

/* Less than 0: the table's entry comes first; 0: both are one coin's. */
static int order(const struct store_walk *w)
{
	MDB_val changed;

	if (w->merged_rc)
		return -1;
	if (w->stored_rc)
		return 1;
	changed = store_val(w->change.key, CHAIN_OUTPOINT_SIZE);
	return mdb_cmp(mdb_cursor_txn(w->cursor), mdb_cursor_dbi(w->cursor),
		       &w->key, &changed);
}

int store_walk_next(MDB_val *key, MDB_val *value, struct store_walk *w)
{
	*key = (MDB_val){0, NULL};
	for (;;) {
		int which = order(w);
		bool there;

		if (w->stored_rc && w->stored_rc != MDB_NOTFOUND)
			return w->stored_rc;
		if (w->merged_rc && w->merged_rc != MDB_NOTFOUND)
			return w->merged_rc;
		if (w->stored_rc && w->merged_rc)
			return MDB_NOTFOUND;
		if (which < 0) {
			*key = w->key;
			*value = w->value;
			next_stored(w);
			return 0;
		}
		*key = store_val(w->change.key, CHAIN_OUTPOINT_SIZE);
		if (w->change.fresh == (which == 0))
			return MDB_CORRUPTED;
		there = w->change.coin;
		if (there)
			*value = store_val(w->change.coin, CHAIN_COIN_SIZE);
		if (which == 0)
			next_stored(w);
		next_merged(w);
		if (there)
			return 0;
		*key = (MDB_val){0, NULL};
	}
}
