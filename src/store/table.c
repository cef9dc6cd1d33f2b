/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "store/internal.h"

static int compare(const void *a_, const void *b_)
{
	const struct store_place *a = a_, *b = b_;
	int order;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	order = memcmp(&a->change->at.txid, &b->change->at.txid,
		       sizeof(a->change->at.txid));
	if (order != 0)
		return order;
	/* As the bytes of the key are ordered. */
	return __builtin_bswap32(a->change->at.index) <
			       __builtin_bswap32(b->change->at.index)
		       ? -1
		       : 1;
}

size_t store_table_sort(struct store_place *out,
			const struct chain_changes *changes)
{
	size_t n = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct chain_change *change = &changes->change[i];

		if (change->created != change->spent)
			out[n++] = (struct store_place){
				.prefix = __builtin_bswap64(
					base_load_le64(change->at.txid.b)),
				.change = change,
			};
	}
	qsort(out, n, sizeof(*out), compare);
	return n;
}

int store_table_add(MDB_cursor *cursor, const uint8_t *at, const uint8_t *coin)
{
	MDB_val key = store_val(at, CHAIN_OUTPOINT_SIZE);
	MDB_val value = store_val(coin, CHAIN_COIN_SIZE);
	int rc = mdb_cursor_put(cursor, &key, &value, MDB_NOOVERWRITE);

	return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
}

int store_table_take(MDB_cursor *cursor, const uint8_t *at)
{
	MDB_val key = store_val(at, CHAIN_OUTPOINT_SIZE), value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);

	if (rc == 0)
		rc = mdb_cursor_del(cursor, 0);
	return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

static int apply(MDB_cursor *cursor, const struct store_place *place,
		 size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct chain_change *change = place[i].change;
		uint8_t at[CHAIN_OUTPOINT_SIZE], coin[CHAIN_COIN_SIZE];

		chain_outpoint_write(at, &change->at);
		chain_coin_write(coin, &change->coin);
		rc = change->created ? store_table_add(cursor, at, coin)
				     : store_table_take(cursor, at);
	}
	return rc;
}

/* Sorted, so that a page is looked for once and is still in the CPU's cache
 * when its next coin comes. */
int store_table_apply(MDB_txn *txn, MDB_dbi table,
		      const struct chain_changes *changes)
{
	struct store_place *place =
		malloc((changes->count + 1) * sizeof(*place));
	MDB_cursor *cursor;
	int rc;

	if (!place)
		return ENOMEM;
	rc = mdb_cursor_open(txn, table, &cursor);
	if (rc == 0) {
		rc = apply(cursor, place, store_table_sort(place, changes));
		mdb_cursor_close(cursor);
	}
	free(place);
	return rc;
}

int store_table_get(struct chain_coin *out, MDB_txn *txn, MDB_dbi table,
		    const uint8_t *at)
{
	MDB_val key = store_val(at, CHAIN_OUTPOINT_SIZE), value;
	int rc = mdb_get(txn, table, &key, &value);

	if (rc)
		return rc == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
	if (value.mv_size != CHAIN_COIN_SIZE ||
	    chain_coin_read(out, value.mv_data) < 0)
		return -EBADMSG;
	return 0;
}
