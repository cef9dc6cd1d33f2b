/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "store/internal.h"

int store_read_begin(struct store_reader **out, struct store *s,
		     struct base_error *err)
{
	struct store_reader *r = NULL;
	MDB_txn *txn;
	int rc = store_txn_begin(&txn, s, MDB_RDONLY, err);

	if (rc)
		return rc;
	(void)pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < STORE_READERS_MAX && !r; i++)
		if (!s->reader[i].txn)
			r = &s->reader[i];
	if (r) {
		r->txn = txn;
		r->loaded = false;
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (!r) {
		store_txn_abort(s, txn);
		return store_failed(err, MDB_READERS_FULL, s->path, "reading");
	}
	*out = r;
	return 0;
}

void store_read_end(struct store_reader *r)
{
	struct store *s = r->s;
	MDB_txn *txn = r->txn;

	BASE_ASSERT(txn);
	(void)pthread_mutex_lock(&s->lock);
	r->txn = NULL;
	(void)pthread_mutex_unlock(&s->lock);
	store_txn_abort(s, txn);
}

int store_hash_at(struct base_hash *out, struct store_reader *r,
		  struct base_height height)
{
	uint8_t key[4];
	MDB_val value;
	int rc;

	base_store_be32(key, height.n);
	rc = store_get(&value, r->s, r->txn, STORE_HEIGHTS, key, sizeof(key));
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	if (rc || value.mv_size != sizeof(out->b))
		return -EBADMSG;
	memcpy(out->b, value.mv_data, sizeof(out->b));
	return 0;
}

static int block_of(const uint8_t **block, size_t *len,
		    struct base_height *height, struct store_reader *r,
		    const struct base_hash *hash)
{
	MDB_val value;
	int rc = store_get(&value, r->s, r->txn, STORE_BLOCKS, hash->b,
			   sizeof(hash->b));

	if (rc)
		return rc == MDB_NOTFOUND ? -ENOENT : -EBADMSG;
	return store_block_split(block, len, height, &value);
}

int store_block_at(const uint8_t **block, size_t *len, struct store_reader *r,
		   struct base_height height)
{
	struct base_height found;
	struct base_hash hash;
	const uint8_t *data;
	size_t data_len;
	int rc = store_hash_at(&hash, r, height);

	if (rc)
		return rc;
	if (block_of(&data, &data_len, &found, r, &hash) || found.n != height.n)
		return -EBADMSG;
	*block = data;
	*len = data_len;
	return 0;
}

int store_height_of(struct base_height *out, struct store_reader *r,
		    const struct base_hash *hash)
{
	const uint8_t *block;
	size_t len;

	return block_of(&block, &len, out, r, hash);
}
