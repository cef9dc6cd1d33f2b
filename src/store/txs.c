/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "store/internal.h"

#define INDEXED "indexed"
#define COMMIT_BYTES (4u << 20) /* of blocks, between two commits */

int store_txs_indexed(uint32_t *out, const struct store *s, MDB_txn *txn)
{
	MDB_val value;
	int rc = store_get(&value, s, txn, STORE_META, INDEXED,
			   sizeof(INDEXED) - 1);

	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (!rc && value.mv_size != 4)
		return MDB_CORRUPTED;
	*out = rc ? 0 : base_load_le32(value.mv_data);
	return 0;
}

static int put_indexed(const struct store *s, MDB_txn *txn, uint32_t count)
{
	uint8_t bytes[4];
	MDB_val key = store_val(INDEXED, sizeof(INDEXED) - 1);
	MDB_val value = store_val(bytes, sizeof(bytes));

	base_store_le32(bytes, count);
	return mdb_put(txn, s->table[STORE_META], &key, &value, 0);
}

int store_txs_add(struct store *s, MDB_txn *txn, const uint8_t *block,
		  size_t len, struct base_height height)
{
	struct base_reader r = base_reader_init(block + CHAIN_HEADER_SIZE,
						len - CHAIN_HEADER_SIZE);
	uint64_t count = base_read_compact_size(&r);
	uint8_t bytes[4];
	int rc = 0;

	if (count > CHAIN_BLOCK_TXS_MAX)
		return MDB_CORRUPTED;
	base_store_be32(bytes, height.n);
	for (uint64_t i = 0; i < count && !rc; i++) {
		struct chain_tx_view tx;
		struct base_hash txid;
		MDB_val key = store_val(txid.b, sizeof(txid.b));
		MDB_val value = store_val(bytes, sizeof(bytes));

		if (chain_tx_parse(&tx, &r) < 0)
			return MDB_CORRUPTED;
		chain_txid(&txid, s->stripped, &tx);
		rc = mdb_put(txn, s->table[STORE_TXS], &key, &value, 0);
	}
	return rc ? rc : put_indexed(s, txn, height.n + 1);
}

/* Indexes blocks from @next on, some of them, and moves it past them. */
static int add_some(struct store *s, MDB_txn *txn, struct store_reader *r,
		    uint32_t *next, uint32_t tip)
{
	size_t bytes = 0;
	int rc = 0;

	for (; !rc && *next <= tip && bytes < COMMIT_BYTES; ++*next) {
		struct base_height height = {*next};
		const uint8_t *block;
		size_t len;

		if (store_block_at(&block, &len, r, height) ||
		    len > CHAIN_BLOCK_BYTES_MAX)
			return MDB_CORRUPTED;
		rc = store_txs_add(s, txn, block, len, height);
		bytes += len;
	}
	return rc;
}

/* One commit; *@more: it was not the last. */
static int complete_some(struct store *s, uint32_t tip, bool *more,
			 struct base_error *err)
{
	struct store_reader *r;
	uint32_t next = 0;
	MDB_txn *txn;
	/* Blocks are read through a snapshot of their own: LMDB's promise for
	 * data of a writing transaction ends at its next write. */
	int rc = store_read_begin(&r, s, err);

	if (rc)
		return rc;
	rc = store_txn_begin(&txn, s, 0, err);
	if (rc) {
		store_read_end(r);
		return rc;
	}
	rc = store_txs_indexed(&next, s, txn);
	if (!rc)
		rc = add_some(s, txn, r, &next, tip);
	store_read_end(r);
	*more = next <= tip;
	return store_write_end(s, txn, rc, COMMIT_BYTES, err);
}

int store_txs_complete(struct store *s, struct base_error *err)
{
	struct chain_context tip;
	bool more = true;
	int rc;

	s->stripped = malloc(CHAIN_BLOCK_BYTES_MAX); /* touched as needed */
	if (!s->stripped)
		return base_fail(err, -ENOMEM, "%s: no memory for its index",
				 s->path);
	rc = store_tip(&tip, s, err);
	while (!rc && more)
		rc = complete_some(s, tip.height.n, &more, err);
	return rc == -ENODATA ? 0 : rc;
}

int store_tx_height(struct base_height *out, struct store_reader *r,
		    const struct base_hash *txid)
{
	MDB_val value;
	int rc;

	if (!r->s->stripped)
		return -EOPNOTSUPP;
	rc = store_get(&value, r->s, r->txn, STORE_TXS, txid->b,
		       sizeof(txid->b));
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	if (rc || value.mv_size != 4)
		return -EBADMSG;
	out->n = base_load_be32(value.mv_data);
	return 0;
}
