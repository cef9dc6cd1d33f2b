/* SPDX-License-Identifier: MIT */
/*
 * internal.h: what the store's own files share; nobody else includes it.
 *
 * Floor 4. Tables (all plain LMDB named databases, integers as said):
 *   meta     "format" -> le32; "genesis" -> hash; "tip" -> chain context;
 *            "indexed" -> le32 number of blocks that are in txs
 *   blocks   hash -> le32 height | block
 *   heights  be32 height -> hash
 *   headers  be32 height -> the 80 bytes of the block's header
 *   certs    be32 height -> the block's certificate
 *   coins    outpoint -> coin, of unspent outputs; where it is behind the tip
 *   runs     be32 height -> what its block changed: runs.h
 *   txs      txid -> be32 height, of transactions in indexed blocks
 *   pool     be32 index -> a piece of the mempool's dump
 *   member   "proposed" -> le64 tick; "vote" -> vote; "vote block" -> block
 *   evidence be64 number, in the order of writing -> evidence
 * and in a light node's store (light.h):
 *   light state    "final", "tip" -> chain context; "cert" -> certificate of
 *                  final; "conflict 0", "conflict 1" -> certificates
 *   light headers  be32 height / STORE_LIGHT_CHUNK -> headers side by side
 *   light txs      be32 height | be32 index -> proof of one transaction
 *   light keys     key -> le32 height from which it is looked for
 *   light pending  txid -> a transaction of ours on its way
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <lmdb.h>
#include <pthread.h>

#include "base/bytes.h"
#include "store/filter.h"
#include "store/store.h"

#define STORE_PATH_MAX 4096
/* Named databases that an environment may hold, now and in later formats. */
#define STORE_TABLES_MAX 32
/* Entries of LMDB's table of readers: ours, and those of other processes. */
#define STORE_READER_SLOTS (4 * STORE_READERS_MAX)
/* Tree pages looked at when opening: 256 MiB of the usual 4 KiB. */
#define STORE_OPEN_PAGES_MAX (UINT64_C(1) << 16)
#define STORE_FILE_MODE 0600
#define STORE_BLOCK_PREFIX 4 /* le32 height */

enum store_table {
	STORE_META,
	STORE_BLOCKS,
	STORE_HEIGHTS,
	STORE_HEADERS,
	STORE_CERTS,
	STORE_COINS,
	STORE_RUNS,
	STORE_TXS,
	STORE_POOL,
	STORE_MEMBER,
	STORE_EVIDENCE,
	STORE_FULL_TABLES,
	STORE_LIGHT_STATE = STORE_FULL_TABLES,
	STORE_LIGHT_HEADERS,
	STORE_LIGHT_TXS,
	STORE_LIGHT_KEYS,
	STORE_LIGHT_PENDING,
	STORE_TABLES
};

_Static_assert(STORE_TABLES <= STORE_TABLES_MAX, "LMDB has room for them");

/* Blocks whose changes to the coins are runs (runs.h), and slices of the
 * keys: with more of them, commits touch fewer pages of the table of coins
 * (1/STORE_RUNS_MAX of them), and lookups have more runs to look into. */
#define STORE_RUNS_MAX 62

struct store_run {
	const uint8_t *entry; /* count of them */
	const uint8_t *coin;  /* made of them */
	uint32_t count;
	uint32_t made;
	uint64_t coins; /* unspent after the block */
};

struct store_runs {
	uint32_t first; /* height of the first */
	uint32_t count; /* the last is the tip's */
	struct store_run run[STORE_RUNS_MAX];
};

struct store_reader {
	struct store *s;
	MDB_txn *txn;		/* NULL: free */
	bool loaded;		/* runs is */
	struct store_runs runs; /* of the snapshot */
};

struct store {
	/* Guards env while users is 0, users, and which readers are free. */
	pthread_mutex_t lock;
	uint32_t users; /* transactions alive */
	MDB_env *env;	/* NULL: could not be opened again after a failure */
	MDB_dbi table[STORE_TABLES];
	struct store_reader reader[STORE_READERS_MAX];
	struct store_filter filter; /* of the runs; not when read_only */
	uint64_t map_bytes;
	uint8_t *stripped; /* for ids of transactions; NULL: no index */
	bool read_only;
	bool light;
	char dir[STORE_PATH_MAX];
	char path[STORE_PATH_MAX]; /* of data.mdb */
};

/* @data for LMDB, which never writes through what it is given. */
static inline MDB_val store_val(const void *data, size_t len)
{
	return (MDB_val){len, (void *)(uintptr_t)data};
}

/* Writes "@doing failed ..." for the LMDB or system error @rc on @path, with
 * what to do, and returns the -errno that store.h promises for it. */
int store_failed(struct base_error *err, int rc, const char *path,
		 const char *doing);

/* env.c: opens (creating when allowed) and closes s->env and s->table. */
BASE_MUST_CHECK int store_env_open(struct store *s, struct base_error *err);
void store_env_close(struct store *s);

/* A transaction; @flags is 0 or MDB_RDONLY. An environment that LMDB gave up
 * after a failed write is opened afresh first. Errors as store_append(). */
BASE_MUST_CHECK int store_txn_begin(MDB_txn **out, struct store *s,
				    unsigned int flags, struct base_error *err);
/* Ends it without a trace, or durably; 0 or LMDB's error. */
void store_txn_abort(struct store *s, MDB_txn *txn);
BASE_MUST_CHECK int store_txn_commit(struct store *s, MDB_txn *txn);

/* The value of @key, borrowed until @txn ends. 0 or LMDB's error. */
BASE_MUST_CHECK int store_get(MDB_val *out, const struct store *s, MDB_txn *txn,
			      enum store_table table, const void *key,
			      size_t key_len);

/* What @rc, as store_failed() takes it, means for a write of at most @bytes
 * (and little more); tells a full disk from a broken one. */
int store_write_failed(const struct store *s, int rc, uint64_t bytes,
		       struct base_error *err);

/* Ends a writing transaction: durably if @rc, its outcome so far, is 0, else
 * without a trace. @bytes as in store_write_failed(). */
BASE_MUST_CHECK int store_write_end(struct store *s, MDB_txn *txn, int rc,
				    uint64_t bytes, struct base_error *err);

/* The tip record. 0, MDB_NOTFOUND, MDB_CORRUPTED or LMDB's error. */
BASE_MUST_CHECK int store_get_tip(struct chain_context *out,
				  const struct store *s, MDB_txn *txn);

/* The value of @block in the table of blocks taken apart. */
BASE_MUST_CHECK int store_block_split(const uint8_t **block, size_t *len,
				      struct base_height *height,
				      const MDB_val *value);

/* txs.c: adds the transactions of block @height, the next to be indexed. 0;
 * MDB_CORRUPTED: it is no block; LMDB's error. */
BASE_MUST_CHECK int store_txs_add(struct store *s, MDB_txn *txn,
				  const uint8_t *block, size_t len,
				  struct base_height height);

/* How many blocks are indexed. 0, MDB_CORRUPTED or LMDB's error. */
BASE_MUST_CHECK int store_txs_indexed(uint32_t *out, const struct store *s,
				      MDB_txn *txn);

/* Indexes the blocks that are not. Errors as store_append(). */
BASE_MUST_CHECK int store_txs_complete(struct store *s, struct base_error *err);

/* table.c: a table of coins, outpoint -> coin. */

/* A change that lasts, and the beginning of its key. */
struct store_place {
	uint64_t prefix;
	const struct chain_change *change;
};

/* What @changes leave to be done, in the order of the keys' bytes. @out has
 * room for all of them. Returns how many. */
size_t store_table_sort(struct store_place *out,
			const struct chain_changes *changes);

/* Adds a coin of CHAIN_COIN_SIZE bytes, or takes it. 0; MDB_CORRUPTED: it is
 * there already, or is not there; LMDB's error. */
BASE_MUST_CHECK int store_table_add(MDB_cursor *cursor, const uint8_t *at,
				    const uint8_t *coin);
BASE_MUST_CHECK int store_table_take(MDB_cursor *cursor, const uint8_t *at);

/* Does all of it. Errors as above; the transaction is good for aborting only
 * after a failure. */
BASE_MUST_CHECK int store_table_apply(MDB_txn *txn, MDB_dbi table,
				      const struct chain_changes *changes);

/* The coin at @at. Errors as store_coin_at(). */
BASE_MUST_CHECK int store_table_get(struct chain_coin *out, MDB_txn *txn,
				    MDB_dbi table, const uint8_t *at);

/* coins.c: the changes of the block at @height, the next. *@bytes: about how
 * many it writes at most. 0; MDB_CORRUPTED: the coins are not what they began
 * with; LMDB's error. The transaction is good for aborting only after a
 * failure; after its commit store_filter_end() is due. */
BASE_MUST_CHECK int store_coins_append(struct store *s, MDB_txn *txn,
				       struct base_height height,
				       const struct chain_changes *changes,
				       uint64_t *bytes);

/* Makes the filter anew. 0 or LMDB's error. */
BASE_MUST_CHECK int store_coins_filter(struct store *s, MDB_txn *txn);

#endif
