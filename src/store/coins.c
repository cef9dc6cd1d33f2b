/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"

/* A change, and the beginning of its key. */
struct place {
	uint64_t prefix;
	const struct chain_change *change;
};

static int compare(const void *a_, const void *b_)
{
	const struct place *a = a_, *b = b_;
	int order;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	order = memcmp(&a->change->at.txid, &b->change->at.txid,
		       sizeof(a->change->at.txid));
	if (order != 0)
		return order;
	return a->change->at.index < b->change->at.index ? -1 : 1;
}

/* What changes the table, in its order: @out has room for all changes.
 * Returns how many. */
static size_t sort(struct place *out, const struct chain_changes *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct chain_change *change = &changes->change[i];

		if (change->created != change->spent)
			out[n++] = (struct place){
				.prefix = __builtin_bswap64(
					base_load_le64(change->at.txid.b)),
				.change = change,
			};
	}
	qsort(out, n, sizeof(*out), compare);
	return n;
}

static int add(MDB_cursor *cursor, MDB_val key, const struct chain_coin *coin)
{
	uint8_t bytes[CHAIN_COIN_SIZE];
	MDB_val value = store_val(bytes, sizeof(bytes));
	int rc;

	chain_coin_write(bytes, coin);
	rc = mdb_cursor_put(cursor, &key, &value, MDB_NOOVERWRITE);
	return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
}

static int take(MDB_cursor *cursor, MDB_val key)
{
	MDB_val value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);

	if (rc == 0)
		rc = mdb_cursor_del(cursor, 0);
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int apply(MDB_cursor *cursor, const struct place *place, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct chain_change *change = place[i].change;
		uint8_t at[CHAIN_OUTPOINT_SIZE];
		MDB_val key = store_val(at, sizeof(at));

		chain_outpoint_write(at, &change->at);
		rc = change->created ? add(cursor, key, &change->coin)
				     : take(cursor, key);
	}
	return rc;
}

/* Sorted, so that a page is looked for once and is still in the CPU's cache
 * when its next coin comes. */
int store_coins_apply(MDB_txn *txn, MDB_dbi table,
		      const struct chain_changes *changes)
{
	struct place *place = malloc((changes->count + 1) * sizeof(*place));
	MDB_cursor *cursor;
	int rc;

	if (!place)
		return ENOMEM;
	rc = mdb_cursor_open(txn, table, &cursor);
	if (rc == 0) {
		rc = apply(cursor, place, sort(place, changes));
		mdb_cursor_close(cursor);
	}
	free(place);
	return rc;
}

static int load_coin(struct chain_coin *out, const MDB_val *value)
{
	if (value->mv_size != CHAIN_COIN_SIZE ||
	    chain_coin_read(out, value->mv_data) < 0)
		return -EBADMSG;
	return 0;
}

int store_coins_get(struct chain_coin *out, MDB_txn *txn, MDB_dbi table,
		    const struct chain_outpoint *at)
{
	uint8_t bytes[CHAIN_OUTPOINT_SIZE];
	MDB_val key = store_val(bytes, sizeof(bytes)), value;
	int rc;

	chain_outpoint_write(bytes, at);
	rc = mdb_get(txn, table, &key, &value);
	if (rc)
		return rc == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
	return load_coin(out, &value);
}

int store_coin_at(struct chain_coin *out, struct store_reader *r,
		  const struct chain_outpoint *at)
{
	return store_coins_get(out, r->txn, r->s->table[STORE_COINS], at);
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

static int walk(MDB_cursor *cursor,
		int (*each)(void *ctx, const struct chain_outpoint *at,
			    const struct chain_coin *coin),
		void *ctx)
{
	MDB_val key, value;
	int rc = 0;

	while (rc == 0) {
		struct chain_outpoint at;
		struct chain_coin coin;

		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		if (rc)
			return rc == MDB_NOTFOUND ? 0 : -EBADMSG;
		if (key.mv_size != CHAIN_OUTPOINT_SIZE)
			return -EBADMSG;
		chain_outpoint_read(&at, key.mv_data);
		rc = load_coin(&coin, &value);
		if (rc == 0)
			rc = each(ctx, &at, &coin);
	}
	return rc;
}

int store_coins_each(struct store_reader *r,
		     int (*each)(void *ctx, const struct chain_outpoint *at,
				 const struct chain_coin *coin),
		     void *ctx)
{
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(r->txn, r->s->table[STORE_COINS], &cursor);

	if (rc)
		return rc == ENOMEM ? -ENOMEM : -EBADMSG;
	rc = walk(cursor, each, ctx);
	mdb_cursor_close(cursor);
	return rc;
}

uint64_t store_coins_count(struct store_reader *r)
{
	MDB_stat stat;

	/* LMDB gives up a transaction that met a damaged page. */
	if (mdb_stat(r->txn, r->s->table[STORE_COINS], &stat))
		return 0;
	return stat.ms_entries;
}
