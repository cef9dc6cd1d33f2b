/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "store/internal.h"

static int too_many(const struct store *s, struct base_error *err)
{
	return base_fail(err, -E2BIG,
			 "writing %s failed: the mempool has more than %d "
			 "pieces",
			 s->path, STORE_POOL_PIECES_MAX);
}

static int put_piece(const struct store *s, MDB_txn *txn, uint32_t index,
		     const uint8_t *data, size_t len)
{
	uint8_t at[4];
	MDB_val key = store_val(at, sizeof(at));
	MDB_val value = store_val(data, len);

	base_store_be32(at, index);
	return mdb_put(txn, s->table[STORE_POOL], &key, &value, MDB_APPEND);
}

int store_pool_write(struct store *s,
		     size_t (*next)(void *ctx, uint8_t *out, size_t cap),
		     void *ctx, uint8_t *buffer, size_t cap,
		     struct base_error *err)
{
	uint64_t bytes = 0;
	uint32_t index = 0;
	MDB_txn *txn;
	size_t len;
	int rc;

	BASE_ASSERT(!s->read_only);
	rc = store_txn_begin(&txn, s, 0, err);
	if (rc)
		return rc;
	rc = mdb_drop(txn, s->table[STORE_POOL], 0);
	while (!rc && (len = next(ctx, buffer, cap)) > 0) {
		BASE_ASSERT(len <= cap);
		if (index == STORE_POOL_PIECES_MAX) {
			store_txn_abort(s, txn);
			return too_many(s, err);
		}
		rc = put_piece(s, txn, index++, buffer, len);
		bytes += len;
	}
	return store_write_end(s, txn, rc, bytes, err);
}

int store_pool_piece(const uint8_t **data, size_t *len, struct store_reader *r,
		     uint32_t index)
{
	uint8_t at[4];
	MDB_val value;
	int rc;

	base_store_be32(at, index);
	rc = store_get(&value, r->s, r->txn, STORE_POOL, at, sizeof(at));
	if (rc)
		return rc == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
	*data = value.mv_data;
	*len = value.mv_size;
	return 0;
}
