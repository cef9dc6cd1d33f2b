/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/assert.h"
#include "store/internal.h"

/* Free space below which a short write is a full disk: LMDB calls both EIO.
 * More than what one commit writes besides the block and its coins. */
#define FULL_BELOW (UINT64_C(1) << 20)

static int failed_full(struct base_error *err, const char *path,
		       const char *doing)
{
	return base_fail(err, -ENOSPC,
			 "%s %s failed: the disk is full; free some space and "
			 "try again",
			 doing, path);
}

int store_failed(struct base_error *err, int rc, const char *path,
		 const char *doing)
{
	const char *why = mdb_strerror(rc); /* strerror() for the system's */

	switch (rc) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return failed_full(err, path, doing);
	case MDB_MAP_FULL:
		return base_fail(err, -ENOSPC,
				 "%s %s failed: the store reached the size "
				 "it may have; raise --db-map",
				 doing, path);
	case MDB_READERS_FULL:
		return base_fail(err, -EBUSY,
				 "%s %s failed: too many readers; try again "
				 "when some are done",
				 doing, path);
	case MDB_MAP_RESIZED:
		return base_fail(err, -EAGAIN,
				 "%s %s failed: another process grew it; "
				 "raise --db-map and open it again",
				 doing, path);
	case MDB_PANIC:
	case EIO:
		return base_fail(err, -EIO, "%s %s failed: %s; check the disk",
				 doing, path, why);
	case ENOMEM:
		return base_fail(err, -ENOMEM,
				 "%s %s failed: %s; a lower --db-map takes "
				 "less address space",
				 doing, path, why);
	case ENOENT:
		return base_fail(err, -ENOENT,
				 "%s %s failed: %s; check the data directory",
				 doing, path, why);
	case EACCES:
	case EPERM:
	case EROFS:
		return base_fail(err, -EACCES,
				 "%s %s failed: %s; check its owner and mode",
				 doing, path, why);
	default:
		break;
	}
	if (rc > 0)
		return base_fail(err, -rc, "%s %s failed: %s", doing, path,
				 why);
	return base_fail(err, -EBADMSG,
			 "%s %s failed: it is damaged or not a minerd store "
			 "(%s); restore a copy",
			 doing, path, why);
}

int store_open(struct store **out, const struct store_options *options,
	       struct base_error *err)
{
	struct store *s;
	int rc;

	if (strlen(options->dir) + sizeof("/data.mdb") > STORE_PATH_MAX)
		return base_fail(err, -ENAMETOOLONG, "%s: path too long",
				 options->dir);
	s = calloc(1, sizeof(*s));
	if (!s)
		return base_fail(err, -ENOMEM, "%s: no memory to open it",
				 options->dir);
	(void)strcpy(s->dir, options->dir);
	(void)strcpy(s->path, options->dir);
	(void)strcat(s->path, "/data.mdb");
	s->read_only = options->read_only;
	s->map_bytes = options->map_bytes;
	if (!s->map_bytes)
		s->map_bytes = STORE_MAP_DEFAULT;
	for (size_t i = 0; i < STORE_READERS_MAX; i++)
		s->reader[i].s = s;
	s->light = options->light;
	rc = s->read_only || s->light ? 0 : store_filter_init(&s->filter);
	if (rc)
		rc = store_failed(err, -rc, s->path, "opening");
	else
		rc = store_env_open(s, err);
	if (rc) {
		store_filter_free(&s->filter);
		free(s);
		return rc;
	}
	rc = pthread_mutex_init(&s->lock, NULL);
	BASE_ASSERT(!rc);
	if (options->txindex && !options->read_only)
		rc = store_txs_complete(s, err);
	if (rc) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	BASE_ASSERT(s->users == 0);
	store_env_close(s);
	(void)pthread_mutex_destroy(&s->lock);
	store_filter_free(&s->filter);
	free(s->stripped);
	free(s);
}

static void lock(struct store *s)
{
	int rc = pthread_mutex_lock(&s->lock);

	BASE_ASSERT(!rc);
}

static void unlock(struct store *s)
{
	int rc = pthread_mutex_unlock(&s->lock);

	BASE_ASSERT(!rc);
}

/* With the lock held. */
static int begin_locked(MDB_txn **out, struct store *s, unsigned int flags,
			struct base_error *err)
{
	int rc = MDB_PANIC;

	if (s->env)
		rc = mdb_txn_begin(s->env, NULL, flags, out);
	/* A failed write of the meta page ends LMDB's environment. What is on
	 * disk is the snapshot before it: start from there again. */
	if (rc == MDB_PANIC && s->users == 0) {
		store_env_close(s);
		rc = store_env_open(s, err);
		if (rc)
			return rc;
		rc = mdb_txn_begin(s->env, NULL, flags, out);
	}
	return rc ? store_failed(err, rc, s->path, "reading") : 0;
}

int store_txn_begin(MDB_txn **out, struct store *s, unsigned int flags,
		    struct base_error *err)
{
	int rc;

	lock(s);
	rc = begin_locked(out, s, flags | (s->read_only ? MDB_RDONLY : 0), err);
	if (!rc)
		s->users++;
	unlock(s);
	return rc;
}

static void leave(struct store *s)
{
	lock(s);
	s->users--;
	unlock(s);
}

void store_txn_abort(struct store *s, MDB_txn *txn)
{
	mdb_txn_abort(txn);
	leave(s);
}

int store_txn_commit(struct store *s, MDB_txn *txn)
{
	int rc = mdb_txn_commit(txn);

	leave(s);
	return rc;
}

int store_get(MDB_val *out, const struct store *s, MDB_txn *txn,
	      enum store_table table, const void *key, size_t key_len)
{
	MDB_val k = store_val(key, key_len);

	return mdb_get(txn, s->table[table], &k, out);
}

int store_get_tip(struct chain_context *out, const struct store *s,
		  MDB_txn *txn)
{
	MDB_val value;
	int rc = store_get(&value, s, txn, STORE_META, "tip", 3);

	if (rc)
		return rc;
	if (value.mv_size != CHAIN_CONTEXT_SIZE ||
	    chain_context_read(out, value.mv_data))
		return MDB_CORRUPTED;
	return 0;
}

int store_block_split(const uint8_t **block, size_t *len,
		      struct base_height *height, const MDB_val *value)
{
	const uint8_t *data = value->mv_data;

	if (value->mv_size < STORE_BLOCK_PREFIX + CHAIN_HEADER_SIZE)
		return -EBADMSG;
	height->n = base_load_le32(data);
	*block = data + STORE_BLOCK_PREFIX;
	*len = value->mv_size - STORE_BLOCK_PREFIX;
	return 0;
}

int store_tip(struct chain_context *out, struct store *s,
	      struct base_error *err)
{
	MDB_txn *txn;
	int rc = store_txn_begin(&txn, s, MDB_RDONLY, err);

	if (rc)
		return rc;
	rc = store_get_tip(out, s, txn);
	if (rc == MDB_NOTFOUND)
		rc = base_fail(err, -ENODATA, "%s is empty", s->path);
	else if (rc)
		rc = store_failed(err, rc, s->path, "reading the tip of");
	store_txn_abort(s, txn);
	return rc;
}

static int put(const struct store *s, MDB_txn *txn, enum store_table table,
	       MDB_val key, MDB_val value, unsigned int flags)
{
	int rc = mdb_put(txn, s->table[table], &key, &value, flags);

	/* The caller extends the tip: nothing can be there yet. */
	return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
}

static int put_block(const struct store *s, MDB_txn *txn,
		     const struct store_block *b)
{
	const struct chain_context *ctx = &b->after;
	uint8_t height[4], record[CHAIN_CONTEXT_SIZE];
	MDB_val hash = store_val(ctx->hash.b, sizeof(ctx->hash.b));
	MDB_val key = store_val(height, sizeof(height));
	MDB_val header = store_val(b->data, CHAIN_HEADER_SIZE);
	MDB_val room = {STORE_BLOCK_PREFIX + b->len, NULL};
	uint8_t *value;
	int rc;

	rc = mdb_put(txn, s->table[STORE_BLOCKS], &hash, &room,
		     MDB_NOOVERWRITE | MDB_RESERVE);
	if (rc)
		return rc == MDB_KEYEXIST ? MDB_CORRUPTED : rc;
	value = room.mv_data;
	base_store_le32(value, ctx->height.n);
	memcpy(value + STORE_BLOCK_PREFIX, b->data, b->len);
	base_store_be32(height, ctx->height.n);
	rc = put(s, txn, STORE_HEIGHTS, key, hash, MDB_APPEND);
	if (!rc)
		rc = put(s, txn, STORE_HEADERS, key, header, MDB_APPEND);
	if (!rc && b->cert)
		rc = put(s, txn, STORE_CERTS, key,
			 store_val(b->cert, b->cert_len), MDB_APPEND);
	if (!rc && ctx->height.n == 0)
		rc = put(s, txn, STORE_META, store_val("genesis", 7), hash,
			 MDB_NOOVERWRITE);
	chain_context_write(record, ctx);
	if (!rc)
		rc = put(s, txn, STORE_META, store_val("tip", 3),
			 store_val(record, sizeof(record)), 0);
	return rc;
}

static int not_extending(const struct store *s, const struct chain_context *ctx,
			 struct base_error *err)
{
	return base_fail(err, -EINVAL,
			 "%s: block %u does not extend the stored tip", s->path,
			 ctx->height.n);
}

/* @block with its context @ctx comes next in this store. */
static int check_extends(const struct store *s, MDB_txn *txn,
			 const uint8_t *block, const struct chain_context *ctx,
			 struct base_error *err)
{
	struct chain_context tip;
	struct chain_header header;
	struct base_hash hash;
	int rc = store_get_tip(&tip, s, txn);

	if (rc && rc != MDB_NOTFOUND)
		return store_failed(err, rc, s->path, "reading the tip of");
	chain_header_read(&header, block);
	chain_header_hash(&hash, &header);
	if (!base_hash_equal(&hash, &ctx->hash))
		return not_extending(s, ctx, err);
	if (rc == MDB_NOTFOUND)
		return ctx->height.n == 0 ? 0 : not_extending(s, ctx, err);
	if (tip.height.n == UINT32_MAX || ctx->height.n != tip.height.n + 1 ||
	    !base_hash_equal(&header.prev, &tip.hash))
		return not_extending(s, ctx, err);
	return 0;
}

int store_write_failed(const struct store *s, int rc, uint64_t bytes,
		       struct base_error *err)
{
	struct statvfs fs;

	if (rc == EIO && statvfs(s->dir, &fs) == 0 &&
	    (uint64_t)fs.f_bavail * fs.f_frsize < FULL_BELOW + bytes)
		return failed_full(err, s->path, "writing");
	return store_failed(err, rc, s->path, "writing");
}

int store_write_end(struct store *s, MDB_txn *txn, int rc, uint64_t bytes,
		    struct base_error *err)
{
	if (rc)
		store_txn_abort(s, txn);
	else
		rc = store_txn_commit(s, txn);
	return rc ? store_write_failed(s, rc, bytes, err) : 0;
}

static int append(struct store *s, const struct store_block *b,
		  struct base_error *err)
{
	uint64_t bytes = 0;
	MDB_txn *txn;
	int dead, rc;

	BASE_ASSERT(!s->read_only);
	if (b->len < CHAIN_HEADER_SIZE || b->len > CHAIN_BLOCK_BYTES_MAX)
		return base_fail(err, -EINVAL, "%s: not a block: %zu bytes",
				 s->path, b->len);
	rc = store_txn_begin(&txn, s, 0, err);
	if (rc)
		return rc;
	rc = check_extends(s, txn, b->data, &b->after, err);
	if (rc) {
		store_txn_abort(s, txn);
		return rc;
	}
	/* A killed reader of another process would hold its snapshot's pages
	 * for ever. Not finding it now is no harm. */
	(void)mdb_reader_check(s->env, &dead);
	rc = put_block(s, txn, b);
	if (!rc)
		rc = store_coins_append(s, txn, b->after.height, b->changes,
					&bytes);
	if (!rc && s->stripped)
		rc = store_txs_add(s, txn, b->data, b->len, b->after.height);
	rc = store_write_end(s, txn, rc, b->len + b->cert_len + bytes, err);
	if (!rc)
		store_filter_end(&s->filter, b->after.height.n);
	return rc;
}

int store_append(struct store *s, const struct store_block *block,
		 struct base_error *err)
{
	/* A first block is store_init_chain()'s. */
	if (block->after.height.n == 0)
		return not_extending(s, &block->after, err);
	return append(s, block, err);
}

int store_init_chain(struct store *s, const uint8_t *genesis, size_t len,
		     const struct chain_context *ctx,
		     const struct chain_changes *changes,
		     struct base_error *err)
{
	const struct store_block first = {
		.data = genesis, .len = len, .after = *ctx, .changes = changes};

	if (ctx->height.n != 0)
		return not_extending(s, ctx, err);
	return append(s, &first, err);
}
