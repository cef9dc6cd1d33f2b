/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "store/internal.h"
#include "store/light.h"

#define TX_KEY_SIZE 8
#define RECORD_BYTES 65536

static void tx_key(uint8_t out[static TX_KEY_SIZE], struct base_height height,
		   uint32_t index)
{
	base_store_be32(out, height.n);
	base_store_be32(out + 4, index);
}

static int put_tx(const struct store *s, MDB_txn *txn,
		  const struct store_light_tx *tx)
{
	uint8_t at[TX_KEY_SIZE];
	MDB_val key = store_val(at, sizeof(at));
	MDB_val value = store_val(tx->proof, tx->len);

	tx_key(at, tx->height, tx->index);
	return mdb_put(txn, s->table[STORE_LIGHT_TXS], &key, &value, 0);
}

static int put_key(const struct store *s, MDB_txn *txn,
		   const struct store_light_key *k)
{
	uint8_t next[4];
	MDB_val key = store_val(k->key, sizeof(k->key));
	MDB_val value = store_val(next, sizeof(next));

	base_store_le32(next, k->next.n);
	return mdb_put(txn, s->table[STORE_LIGHT_KEYS], &key, &value, 0);
}

int store_light_found(struct store *s, const struct store_light_tx *tx,
		      size_t tx_count, const struct store_light_key *key,
		      size_t key_count, struct base_error *err)
{
	uint64_t bytes = RECORD_BYTES;
	MDB_txn *txn;
	int rc;

	BASE_ASSERT(s->light && !s->read_only);
	rc = store_txn_begin(&txn, s, 0, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < tx_count && !rc; i++) {
		rc = put_tx(s, txn, &tx[i]);
		bytes += tx[i].len;
	}
	for (size_t i = 0; i < key_count && !rc; i++)
		rc = put_key(s, txn, &key[i]);
	return store_write_end(s, txn, rc, bytes, err);
}

int store_light_tx(struct store_light_tx *out, struct store_reader *r,
		   struct base_height height, uint32_t index)
{
	uint8_t at[TX_KEY_SIZE];
	MDB_val key = store_val(at, sizeof(at));
	MDB_cursor *cursor;
	MDB_val value;
	int rc;

	tx_key(at, height, index);
	rc = mdb_cursor_open(r->txn, r->s->table[STORE_LIGHT_TXS], &cursor);
	if (rc)
		return -EBADMSG;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	if (!rc && key.mv_size == TX_KEY_SIZE) {
		const uint8_t *found = key.mv_data;

		*out = (struct store_light_tx){
			.height.n = base_load_be32(found),
			.index = base_load_be32(found + 4),
			.proof = value.mv_data,
			.len = value.mv_size};
	} else if (!rc) {
		rc = MDB_CORRUPTED;
	}
	mdb_cursor_close(cursor);
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	return rc ? -EBADMSG : 0;
}

/* Every record of @table whose keys have 32 bytes. */
static int each_of(struct store_reader *r, enum store_table table,
		   int (*each)(void *ctx, const uint8_t *key,
			       const MDB_val *value),
		   void *ctx)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(r->txn, r->s->table[table], &cursor);
	int answer = 0;

	if (rc)
		return -EBADMSG;
	while (!answer &&
	       !(rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) {
		if (key.mv_size != STORE_LIGHT_KEY_SIZE)
			answer = -EBADMSG;
		else
			answer = each(ctx, key.mv_data, &value);
	}
	mdb_cursor_close(cursor);
	return !answer && rc != MDB_NOTFOUND ? -EBADMSG : answer;
}

struct keys_each {
	int (*each)(void *ctx, const struct store_light_key *key);
	void *ctx;
};

static int one_key(void *ctx, const uint8_t *key, const MDB_val *value)
{
	const struct keys_each *e = ctx;
	struct store_light_key k;

	if (value->mv_size != 4)
		return -EBADMSG;
	memcpy(k.key, key, sizeof(k.key));
	k.next.n = base_load_le32(value->mv_data);
	return e->each(e->ctx, &k);
}

int store_light_keys(struct store_reader *r,
		     int (*each)(void *ctx, const struct store_light_key *key),
		     void *ctx)
{
	struct keys_each e = {.each = each, .ctx = ctx};

	return each_of(r, STORE_LIGHT_KEYS, one_key, &e);
}

int store_light_pend(struct store *s, const struct base_hash *txid,
		     const uint8_t *tx, size_t len, struct base_error *err)
{
	MDB_val key = store_val(txid->b, sizeof(txid->b));
	MDB_val value = store_val(tx, len);
	MDB_txn *txn;
	int rc;

	BASE_ASSERT(s->light && !s->read_only);
	rc = store_txn_begin(&txn, s, 0, err);
	if (rc)
		return rc;
	if (tx)
		rc = mdb_put(txn, s->table[STORE_LIGHT_PENDING], &key, &value,
			     0);
	else
		rc = mdb_del(txn, s->table[STORE_LIGHT_PENDING], &key, NULL);
	return store_write_end(s, txn, rc == MDB_NOTFOUND ? 0 : rc,
			       RECORD_BYTES + len, err);
}

struct pending_each {
	int (*each)(void *ctx, const struct base_hash *txid, const uint8_t *tx,
		    size_t len);
	void *ctx;
};

static int one_pending(void *ctx, const uint8_t *key, const MDB_val *value)
{
	const struct pending_each *e = ctx;
	struct base_hash txid;

	memcpy(txid.b, key, sizeof(txid.b));
	return e->each(e->ctx, &txid, value->mv_data, value->mv_size);
}

int store_light_pending(struct store_reader *r,
			int (*each)(void *ctx, const struct base_hash *txid,
				    const uint8_t *tx, size_t len),
			void *ctx)
{
	struct pending_each e = {.each = each, .ctx = ctx};

	return each_of(r, STORE_LIGHT_PENDING, one_pending, &e);
}
