/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "store/runs.h"
#include "store/walk.h"

/* A change of the table may split a page. */
#define CHANGE_BYTES (UINT64_C(2) * 4096)

/* The coins of one snapshot. */
struct view {
	struct store *s;
	MDB_txn *txn;
	const struct store_runs *runs;
};

static uint64_t ask_filter(struct store *s, const struct store_runs *runs,
			   const uint8_t *at)
{
	if (s->read_only || runs->count == 0)
		return UINT64_MAX;
	return store_filter_ask(&s->filter, runs->first,
				runs->first + runs->count - 1, at);
}

/* Errors as store_runs_find(). */
static int find_in_runs(const uint8_t **coin, const struct view *v,
			const uint8_t *at)
{
	if (v->runs->count == 0)
		return MDB_NOTFOUND;
	return store_runs_find(coin, v->runs, ask_filter(v->s, v->runs, at),
			       at);
}

static int load(struct store_reader *r)
{
	int rc = r->loaded ? 0 : store_runs_load(&r->runs, r->s, r->txn);

	if (rc)
		return rc == ENOMEM ? -ENOMEM : -EBADMSG;
	r->loaded = true;
	return 0;
}

int store_coin_at(struct chain_coin *out, struct store_reader *r,
		  const struct chain_outpoint *at)
{
	const struct view v = {r->s, r->txn, &r->runs};
	uint8_t bytes[CHAIN_OUTPOINT_SIZE];
	const uint8_t *coin;
	int rc = load(r);

	if (rc)
		return rc;
	chain_outpoint_write(bytes, at);
	rc = find_in_runs(&coin, &v, bytes);
	if (rc == MDB_NOTFOUND)
		return store_table_get(out, r->txn, r->s->table[STORE_COINS],
				       bytes);
	if (rc || (coin && chain_coin_read(out, coin) < 0))
		return -EBADMSG;
	return coin ? 0 : -ENOENT;
}

static int get(void *reader, struct chain_coin *out,
	       const struct chain_outpoint *at)
{
	return store_coin_at(out, reader, at);
}

struct chain_coins store_coins(struct store_reader *r)
{
	return (struct chain_coins){.get = get, .ctx = r};
}

static int walk(struct store_walk *w,
		int (*each)(void *ctx, const struct chain_outpoint *at,
			    const struct chain_coin *coin),
		void *ctx)
{
	MDB_val key, value;
	int rc = 0;

	while (rc == 0) {
		struct chain_outpoint at;
		struct chain_coin coin;

		rc = store_walk_next(&key, &value, w);
		if (rc)
			return rc == MDB_NOTFOUND ? 0 : -EBADMSG;
		if (key.mv_size != CHAIN_OUTPOINT_SIZE ||
		    value.mv_size != CHAIN_COIN_SIZE ||
		    chain_coin_read(&coin, value.mv_data) < 0)
			return -EBADMSG;
		chain_outpoint_read(&at, key.mv_data);
		rc = each(ctx, &at, &coin);
	}
	return rc;
}

int store_coins_each(struct store_reader *r,
		     int (*each)(void *ctx, const struct chain_outpoint *at,
				 const struct chain_coin *coin),
		     void *ctx)
{
	struct store_walk w;
	int rc = load(r);

	if (rc)
		return rc;
	rc = store_walk_begin(&w, &r->runs, r->s, r->txn);
	if (rc)
		return rc == ENOMEM ? -ENOMEM : -EBADMSG;
	rc = walk(&w, each, ctx);
	store_walk_end(&w);
	return rc;
}

uint64_t store_coins_count(struct store_reader *r)
{
	/* LMDB gives up a transaction that met a damaged page. */
	if (load(r) || r->runs.count == 0)
		return 0;
	return r->runs.run[r->runs.count - 1].coins;
}

int store_coins_filter(struct store *s, MDB_txn *txn)
{
	struct store_runs runs;
	int rc = store_runs_load(&runs, s, txn);

	if (rc)
		return rc;
	store_filter_reset(&s->filter, runs.count ? runs.first : 0);
	for (uint32_t i = 0; i < runs.count; i++) {
		const struct store_run *r = &runs.run[i];

		store_filter_begin(&s->filter, runs.first + i);
		for (uint32_t j = 0; j < r->count; j++)
			store_filter_add(&s->filter, runs.first + i,
					 r->entry +
						 (size_t)j * STORE_RUN_ENTRY);
		store_filter_end(&s->filter, runs.first + i);
	}
	return 0;
}

/* The coin at @at is there, or is not, as @change begins with; @cursor is the
 * table's. */
static int check_change(const struct view *v, MDB_cursor *cursor,
			const struct chain_change *change)
{
	uint8_t at[CHAIN_OUTPOINT_SIZE];
	MDB_val key = store_val(at, sizeof(at)), value;
	const uint8_t *coin;
	bool there;
	int rc;

	chain_outpoint_write(at, &change->at);
	rc = find_in_runs(&coin, v, at);
	there = !rc && coin;
	if (rc == MDB_NOTFOUND) {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);
		there = !rc;
	}
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	return there == change->created ? MDB_CORRUPTED : 0;
}

static int check(const struct view *v, const struct store_place *place,
		 size_t count)
{
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(v->txn, v->s->table[STORE_COINS], &cursor);

	if (rc)
		return rc;
	for (size_t i = 0; i < count && !rc; i++) {
		rc = check_change(v, cursor, place[i].change);
		if (i > 0 && chain_outpoint_equal(&place[i].change->at,
						  &place[i - 1].change->at))
			rc = MDB_CORRUPTED;
	}
	mdb_cursor_close(cursor);
	return rc;
}

/* What became of a coin since the table knew it. */
static int merge_one(MDB_cursor *cursor, const struct store_merged *m)
{
	int rc = 0;

	if (!m->fresh)
		rc = store_table_take(cursor, m->key);
	if (!rc && m->coin)
		rc = store_table_add(cursor, m->key, m->coin);
	return rc;
}

/* The slice of @height into the table; *@merged: how many changes of it. */
static int merge(struct store *s, MDB_txn *txn, const struct store_runs *runs,
		 struct base_height height, uint64_t *merged)
{
	struct store_merge m;
	struct store_merged change;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(txn, s->table[STORE_COINS], &cursor);

	if (rc)
		return rc;
	store_merge_slice(&m, runs, height.n % STORE_RUNS_MAX);
	for (;;) {
		rc = store_merge_next(&change, &m);
		if (!rc)
			rc = merge_one(cursor, &change);
		if (rc)
			break;
		++*merged;
	}
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

static void write_run(struct store *s, uint8_t *out, uint32_t height,
		      const struct store_place *place, uint32_t count,
		      uint32_t made, uint64_t coins)
{
	uint8_t *entry = out + STORE_RUN_HEAD;
	uint8_t *coin = entry + (size_t)count * STORE_RUN_ENTRY;
	uint32_t next = 0;

	base_store_le32(out, count);
	base_store_le32(out + 4, made);
	base_store_le64(out + 8, coins);
	store_filter_begin(&s->filter, height);
	for (uint32_t i = 0; i < count; i++) {
		const struct chain_change *change = place[i].change;
		bool add = change->created;

		chain_outpoint_write(entry, &change->at);
		base_store_le32(entry + CHAIN_OUTPOINT_SIZE,
				add ? next : STORE_RUN_TAKEN);
		store_filter_add(&s->filter, height, entry);
		entry += STORE_RUN_ENTRY;
		if (add)
			chain_coin_write(coin + CHAIN_COIN_SIZE * next++,
					 &change->coin);
	}
	BASE_ASSERT(next == made);
}

/* The run of @height, the next; @before: unspent coins until now. */
static int put_run(struct store *s, MDB_txn *txn, struct base_height height,
		   const struct store_place *place, uint32_t count,
		   uint64_t before)
{
	uint8_t at[4];
	MDB_val key = store_val(at, sizeof(at)), room;
	uint32_t made = 0;
	int rc;

	for (uint32_t i = 0; i < count; i++)
		made += place[i].change->created;
	room.mv_size = STORE_RUN_HEAD + (size_t)count * STORE_RUN_ENTRY +
		       (size_t)made * CHAIN_COIN_SIZE;
	base_store_be32(at, height.n);
	rc = mdb_put(txn, s->table[STORE_RUNS], &key, &room,
		     MDB_APPEND | MDB_RESERVE);
	if (rc)
		return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
	write_run(s, room.mv_data, height.n, place, count, made,
		  before + made - (count - made));
	return 0;
}

/* The run that the last slice was merged of. */
static int drop_run(struct store *s, MDB_txn *txn, struct base_height height)
{
	uint8_t at[4];
	MDB_val key = store_val(at, sizeof(at));

	if (height.n < STORE_RUNS_MAX)
		return 0;
	base_store_be32(at, height.n - STORE_RUNS_MAX);
	return mdb_del(txn, s->table[STORE_RUNS], &key, NULL);
}

/* @v is as it was before: LMDB's promise for data of a writing transaction
 * ends at its next write. */
static int append(MDB_txn *txn, struct base_height height, const struct view *v,
		  const struct store_place *place, size_t count,
		  uint64_t *bytes)
{
	const struct store_runs *runs = v->runs;
	uint64_t before = runs->count ? runs->run[runs->count - 1].coins : 0;
	uint64_t merged = 0;
	int rc = check(v, place, count);

	if (!rc)
		rc = merge(v->s, txn, runs, height, &merged);
	*bytes = merged * CHANGE_BYTES +
		 count * (STORE_RUN_ENTRY + CHAIN_COIN_SIZE);
	if (!rc)
		rc = drop_run(v->s, txn, height);
	if (!rc)
		rc = put_run(v->s, txn, height, place, (uint32_t)count, before);
	return rc;
}

int store_coins_append(struct store *s, MDB_txn *txn, struct base_height height,
		       const struct chain_changes *changes, uint64_t *bytes)
{
	struct store_place *place;
	struct store_runs runs;
	struct view v = {.s = s, .runs = &runs};
	/* Not store_txn_begin(): its lock comes before LMDB's for writing,
	 * which @txn holds; and while that lives, so does the environment. */
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &v.txn);

	if (rc)
		return rc;
	rc = store_runs_load(&runs, s, v.txn);
	place = malloc((changes->count + 1) * sizeof(*place));
	if (!rc && !place)
		rc = ENOMEM;
	if (!rc)
		rc = append(txn, height, &v, place,
			    store_table_sort(place, changes), bytes);
	free(place);
	mdb_txn_abort(v.txn);
	return rc;
}
