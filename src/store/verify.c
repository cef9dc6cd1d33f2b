/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "consensus/light.h"
#include "store/internal.h"
#include "store/pages.h"
#include "store/shadow.h"

struct verify {
	struct store *s;
	MDB_txn *txn;
	const struct chain_params *params;
	const uint8_t *genesis;
	size_t genesis_len;
	struct base_error *err;
	struct chain_scratch scratch;
	void *memory; /* of the scratch */
	struct store_shadow *shadow;
	uint32_t indexed; /* blocks whose transactions are in the index */
	uint64_t txs;	  /* that were found there */
	struct ds_committee committee;
	uint32_t certs;		  /* found so far */
	struct chain_context ctx; /* after the blocks so far */
};

static int broken_at(const struct verify *v, uint32_t height, const char *why)
{
	return base_fail(v->err, -EBADMSG,
			 "%s is damaged at height %u: %s; restore a copy",
			 v->s->path, height, why);
}

static int broken(const struct verify *v, const char *why)
{
	return base_fail(v->err, -EBADMSG, "%s is damaged: %s; restore a copy",
			 v->s->path, why);
}

/* What the index has at @height, of @size bytes. */
static int indexed_at(const uint8_t **out, const struct verify *v,
		      enum store_table table, size_t size, uint32_t height)
{
	const char *name = table == STORE_HEIGHTS ? "the height index"
						  : "the table of headers";
	char why[64];
	uint8_t key[4];
	MDB_val value;
	int rc;

	base_store_be32(key, height);
	rc = store_get(&value, v->s, v->txn, table, key, sizeof(key));
	if (!rc && value.mv_size == size) {
		*out = value.mv_data;
		return 0;
	}
	(void)snprintf(why, sizeof(why), "%s has %s entry", name,
		       rc == MDB_NOTFOUND ? "no" : "an unreadable");
	return broken_at(v, height, why);
}

/* The block at @height, found through the indexes as they agree. */
static int fetch(const uint8_t **block, size_t *len, struct base_hash *hash,
		 const struct verify *v, uint32_t height)
{
	struct base_height found;
	const uint8_t *data;
	MDB_val value;
	int rc = indexed_at(&data, v, STORE_HEIGHTS, sizeof(hash->b), height);

	if (rc)
		return rc;
	memcpy(hash->b, data, sizeof(hash->b));
	rc = store_get(&value, v->s, v->txn, STORE_BLOCKS, hash->b,
		       sizeof(hash->b));
	if (rc == MDB_NOTFOUND)
		return broken_at(v, height, "the block is missing");
	if (rc || store_block_split(block, len, &found, &value))
		return broken_at(v, height, "the block is unreadable");
	if (found.n != height)
		return broken_at(v, height, "the block has another height");
	rc = indexed_at(&data, v, STORE_HEADERS, CHAIN_HEADER_SIZE, height);
	if (rc)
		return rc;
	if (memcmp(data, *block, CHAIN_HEADER_SIZE) != 0)
		return broken_at(v, height, "header and block differ");
	return 0;
}

/* The transactions of a block at @height lead back to it. */
static int verify_txs(struct verify *v, uint32_t height,
		      const struct base_hash *txid, size_t count)
{
	char why[128], hex[BASE_HASH_HEX_SIZE];

	for (size_t i = 0; i < count && height < v->indexed; i++) {
		MDB_val value;
		int rc = store_get(&value, v->s, v->txn, STORE_TXS, txid[i].b,
				   sizeof(txid[i].b));

		if (rc || value.mv_size != 4 ||
		    base_load_be32(value.mv_data) != height) {
			base_hash_to_hex(hex, &txid[i]);
			(void)snprintf(why, sizeof(why),
				       "the transaction index is wrong about "
				       "%s",
				       hex);
			return broken_at(v, height, why);
		}
		v->txs++;
	}
	return 0;
}

/* Not every block has one: a certificate vouches for ancestors, too. */
static int verify_cert(struct verify *v, uint32_t height,
		       const struct base_hash *hash)
{
	const struct ds_committee *c = &v->committee;
	struct ds_cert cert;
	uint8_t key[4];
	MDB_val value;
	int rc;

	base_store_be32(key, height);
	rc = store_get(&value, v->s, v->txn, STORE_CERTS, key, sizeof(key));
	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc || ds_cert_read(&cert, c, value.mv_data, value.mv_size) < 0)
		return broken_at(v, height, "the certificate is unreadable");
	v->certs++;
	if (cert.height.n != height || !base_hash_equal(&cert.hash, hash))
		return broken_at(v, height,
				 "the certificate is another block's");
	if (!ds_cert_valid(c, &cert))
		return broken_at(v, height,
				 "the certificate has a wrong signature");
	return 0;
}

static int verify_genesis(struct verify *v, const uint8_t *block, size_t len,
			  const struct base_hash *hash)
{
	struct chain_header header;
	MDB_val value;
	int rc;

	if (len != v->genesis_len || memcmp(block, v->genesis, len) != 0)
		return broken_at(v, 0,
				 "the genesis block is not this "
				 "network's");
	chain_header_read(&header, block);
	chain_context_init(&v->ctx, &header);
	if (!base_hash_equal(&v->ctx.hash, hash))
		return broken_at(v, 0, "indexed under another hash");
	rc = store_get(&value, v->s, v->txn, STORE_META, "genesis", 7);
	if (rc || value.mv_size != sizeof(hash->b) ||
	    memcmp(value.mv_data, hash->b, sizeof(hash->b)) != 0)
		return broken_at(v, 0,
				 "the record of the genesis hash is "
				 "wrong");
	ds_committee_init(&v->committee, v->params, hash, 0);
	rc = verify_txs(v, 0, &header.merkle_root, 1);
	if (rc)
		return rc;
	chain_genesis_execute(&v->scratch, block, len);
	return store_shadow_apply(v->shadow, &v->scratch.changes, v->err);
}

static int verify_block(struct verify *v, uint32_t height)
{
	struct chain_coins coins = store_shadow_coins(v->shadow);
	struct chain_block_info info;
	enum chain_verdict verdict;
	struct base_hash hash;
	const uint8_t *block;
	size_t len;
	int rc = fetch(&block, &len, &hash, v, height);

	if (rc)
		return rc;
	if (height == 0)
		return verify_genesis(v, block, len, &hash);
	verdict = chain_block_validate(&info, v->params, &v->ctx, &coins,
				       &v->scratch, block, len);
	if (verdict == CHAIN_COINS_FAILED)
		return base_fail(v->err, -EIO,
				 "verifying %s failed: the coins made so far "
				 "cannot be read; check the disk",
				 v->s->path);
	if (verdict != CHAIN_OK)
		return broken_at(v, height, chain_verdict_name(verdict));
	if (!base_hash_equal(&info.hash, &hash))
		return broken_at(v, height, "indexed under another hash");
	chain_context_append(&v->ctx, v->params, &info.header);
	rc = verify_cert(v, height, &hash);
	if (rc)
		return rc;
	rc = verify_txs(v, height, v->scratch.txid, info.tx_count);
	if (rc)
		return rc;
	return store_shadow_apply(v->shadow, &v->scratch.changes, v->err);
}

/* Names a block that no height leads to. */
static int stray_block(const struct verify *v)
{
	char hex[BASE_HASH_HEX_SIZE], why[128];
	struct base_hash hash;
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(v->txn, v->s->table[STORE_BLOCKS], &cursor);

	if (rc)
		return store_failed(v->err, rc, v->s->path, "reading");
	rc = broken(v, "the table of blocks has a stray entry");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		struct base_height height;
		const uint8_t *block, *at;
		size_t len;

		if (key.mv_size != sizeof(hash.b))
			break;
		memcpy(hash.b, key.mv_data, sizeof(hash.b));
		base_hash_to_hex(hex, &hash);
		(void)snprintf(why, sizeof(why), "no height leads to block %s",
			       hex);
		if (store_block_split(&block, &len, &height, &value) ||
		    height.n > v->ctx.height.n ||
		    indexed_at(&at, v, STORE_HEIGHTS, sizeof(hash.b),
			       height.n) ||
		    memcmp(at, hash.b, sizeof(hash.b)) != 0) {
			rc = broken(v, why);
			break;
		}
	}
	mdb_cursor_close(cursor);
	return rc;
}

/* Every height up to the tip was found in each table: as many entries as
 * that, or some are strays. */
static int verify_counts(const struct verify *v)
{
	static const enum store_table table[] = {STORE_HEIGHTS, STORE_HEADERS,
						 STORE_BLOCKS};
	size_t want = (size_t)v->ctx.height.n + 1;

	for (size_t i = 0; i < BASE_COUNT(table); i++) {
		MDB_stat stat;
		int rc = mdb_stat(v->txn, v->s->table[table[i]], &stat);

		if (rc)
			return store_failed(v->err, rc, v->s->path, "reading");
		if (stat.ms_entries == want)
			continue;
		if (table[i] == STORE_BLOCKS)
			return stray_block(v);
		return broken(v, table[i] == STORE_HEIGHTS
					 ? "the height index goes beyond the "
					   "tip"
					 : "the table of headers goes beyond "
					   "the tip");
	}
	return 0;
}

static int verify_more_counts(const struct verify *v)
{
	MDB_stat stat;
	int rc = mdb_stat(v->txn, v->s->table[STORE_TXS], &stat);

	if (rc)
		return store_failed(v->err, rc, v->s->path, "reading");
	if (stat.ms_entries != v->txs)
		return broken(v, "the transaction index has a stray entry");
	rc = mdb_stat(v->txn, v->s->table[STORE_CERTS], &stat);
	if (rc)
		return store_failed(v->err, rc, v->s->path, "reading");
	if (stat.ms_entries != v->certs)
		return broken(v, "the table of certificates has a stray entry");
	return 0;
}

/* No tip: then there may be no blocks either. */
static int verify_empty(const struct verify *v)
{
	for (int i = STORE_BLOCKS; i < STORE_POOL; i++) {
		MDB_stat stat;
		int rc = mdb_stat(v->txn, v->s->table[i], &stat);

		if (rc)
			return store_failed(v->err, rc, v->s->path, "reading");
		if (stat.ms_entries != 0)
			return broken(v, "the tip record is missing");
	}
	return base_fail(v->err, -ENODATA, "%s is empty", v->s->path);
}

static int verify_chain(struct verify *v,
			void (*progress)(uint32_t height, void *ctx),
			void *progress_ctx)
{
	uint8_t computed[CHAIN_CONTEXT_SIZE], stored[CHAIN_CONTEXT_SIZE];
	struct chain_context tip;
	int rc = store_get_tip(&tip, v->s, v->txn);

	if (rc == MDB_NOTFOUND)
		return verify_empty(v);
	if (rc == MDB_CORRUPTED)
		return broken(v, "the tip record is unreadable");
	if (rc)
		return store_failed(v->err, rc, v->s->path, "reading");
	rc = store_txs_indexed(&v->indexed, v->s, v->txn);
	if (rc || v->indexed > (uint64_t)tip.height.n + 1)
		return broken(v, "the record of what is indexed is wrong");
	for (uint64_t h = 0; h <= tip.height.n; h++) {
		rc = verify_block(v, (uint32_t)h);
		if (rc)
			return rc;
		if (progress)
			progress((uint32_t)h, progress_ctx);
	}
	chain_context_write(computed, &v->ctx);
	chain_context_write(stored, &tip);
	if (memcmp(computed, stored, sizeof(computed)) != 0)
		return broken_at(v, tip.height.n,
				 "the tip record is not what the blocks yield");
	rc = verify_counts(v);
	if (!rc)
		rc = verify_more_counts(v);
	return rc ? rc : store_shadow_compare(v->shadow, v->s, v->txn, v->err);
}

static int allocate(struct verify *v)
{
	uint32_t block_bytes = v->params->max_block_bytes;
	uint8_t salt[CHAIN_SALT_SIZE];

	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return base_fail(v->err, -EIO, "no random numbers: %s",
				 strerror(errno));
	v->memory = malloc(chain_scratch_size(block_bytes));
	if (!v->memory)
		return base_fail(v->err, -ENOMEM, "%s: no memory to verify it",
				 v->s->path);
	chain_scratch_init(&v->scratch, v->memory, block_bytes, salt);
	return store_shadow_open(&v->shadow, v->s, v->err);
}

int store_verify(struct chain_context *tip, struct store *s,
		 const struct chain_params *p, const uint8_t *genesis,
		 size_t genesis_len,
		 void (*progress)(uint32_t height, void *ctx),
		 void *progress_ctx, struct base_error *err)
{
	struct verify v = {.s = s,
			   .params = p,
			   .genesis = genesis,
			   .genesis_len = genesis_len,
			   .err = err};
	int fd, rc = store_txn_begin(&v.txn, s, MDB_RDONLY, err);

	if (rc)
		return rc;
	rc = mdb_env_get_fd(s->env, &fd);
	BASE_ASSERT(!rc);
	rc = store_pages_walk(fd, s->path, mdb_txn_id(v.txn), UINT64_MAX, err);
	if (!rc)
		rc = allocate(&v);
	if (!rc)
		rc = verify_chain(&v, progress, progress_ctx);
	store_shadow_close(v.shadow);
	free(v.memory);
	store_txn_abort(s, v.txn);
	if (!rc)
		*tip = v.ctx;
	return rc;
}
