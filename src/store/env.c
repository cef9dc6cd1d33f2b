/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/internal.h"
#include "store/pages.h"

static const char *const table_name[STORE_TABLES] = {
	[STORE_META] = "meta",
	[STORE_BLOCKS] = "blocks",
	[STORE_HEIGHTS] = "heights",
	[STORE_HEADERS] = "headers",
	[STORE_CERTS] = "certs",
	[STORE_COINS] = "coins",
	[STORE_RUNS] = "runs",
	[STORE_TXS] = "txs",
	[STORE_POOL] = "pool",
	[STORE_MEMBER] = "member",
	[STORE_EVIDENCE] = "evidence",
	[STORE_LIGHT_STATE] = "light state",
	[STORE_LIGHT_HEADERS] = "light headers",
	[STORE_LIGHT_TXS] = "light txs",
	[STORE_LIGHT_KEYS] = "light keys",
	[STORE_LIGHT_PENDING] = "light pending",
};

/* A new store grows here, so that data.mdb is there whole or not at all. */
#define NEW_DIR "creating"

/* At least what LMDB needs: a line of 64 bytes a reader, and its header. */
#define LOCK_BYTES (STORE_READER_SLOTS * 64 + 4096)

struct paths {
	char dir[STORE_PATH_MAX + 16];
	char data[STORE_PATH_MAX + 32];
	char lock[STORE_PATH_MAX + 32];
};

static int damaged(const struct store *s, struct base_error *err,
		   const char *what)
{
	return base_fail(err, -EBADMSG,
			 "%s is damaged or not a minerd store: %s; restore a "
			 "copy, or choose another data directory",
			 s->path, what);
}

static int env_create(MDB_env **out, const struct store *s)
{
	long page = sysconf(_SC_PAGESIZE);
	uint64_t map = s->map_bytes / (uint64_t)page * (uint64_t)page;
	MDB_env *env;
	int rc = mdb_env_create(&env);

	if (rc)
		return rc;
	rc = mdb_env_set_maxdbs(env, STORE_TABLES_MAX);
	if (!rc)
		rc = mdb_env_set_maxreaders(env, STORE_READER_SLOTS);
	if (!rc)
		rc = mdb_env_set_mapsize(env, map);
	if (rc) {
		mdb_env_close(env);
		return rc;
	}
	*out = env;
	return 0;
}

static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return errno;
	if (fsync(fd) < 0)
		rc = errno;
	(void)close(fd);
	return rc;
}

/* LMDB maps its lock file and writes to it: on a full disk a sparse one would
 * be SIGBUS. So its blocks are there before LMDB looks. */
static int reserve_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, STORE_FILE_MODE);
	int rc;

	if (fd < 0)
		return errno;
	rc = posix_fallocate(fd, 0, LOCK_BYTES);
	(void)close(fd);
	return rc;
}

/* Drops what an interrupted creation left. */
static int remove_new(const struct paths *at)
{
	if (unlink(at->data) < 0 && errno != ENOENT)
		return errno;
	if (unlink(at->lock) < 0 && errno != ENOENT)
		return errno;
	if (rmdir(at->dir) < 0 && errno != ENOENT)
		return errno;
	return 0;
}

static int table_count(const struct store *s)
{
	return s->light ? STORE_TABLES : STORE_FULL_TABLES;
}

static int put_tables(const struct store *s, MDB_env *env)
{
	uint8_t format[4];
	MDB_val key = store_val("format", 6);
	MDB_val value = store_val(format, sizeof(format));
	MDB_dbi table[STORE_TABLES];
	MDB_txn *txn;
	int rc = mdb_txn_begin(env, NULL, 0, &txn);

	if (rc)
		return rc;
	for (int i = 0; i < table_count(s) && !rc; i++)
		rc = mdb_dbi_open(txn, table_name[i], MDB_CREATE, &table[i]);
	base_store_le32(format, STORE_FORMAT);
	if (!rc)
		rc = mdb_put(txn, table[STORE_META], &key, &value, 0);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

static int create_in(const struct store *s, const struct paths *at)
{
	MDB_env *env;
	int rc = remove_new(at);

	if (!rc && mkdir(at->dir, 0700) < 0)
		rc = errno;
	if (!rc)
		rc = reserve_lock(at->lock);
	if (!rc)
		rc = env_create(&env, s);
	if (rc)
		return rc;
	rc = mdb_env_open(env, at->dir, MDB_NOTLS, STORE_FILE_MODE);
	if (!rc)
		rc = put_tables(s, env);
	mdb_env_close(env);
	if (!rc && rename(at->data, s->path) < 0)
		rc = errno;
	return rc ? rc : sync_dir(s->dir);
}

static int create(const struct store *s, const struct paths *at,
		  struct base_error *err)
{
	int rc = create_in(s, at);

	return rc ? store_failed(err, rc, s->path, "creating") : 0;
}

/* Makes data.mdb unless it is there; sees to leftovers either way. */
static int prepare(const struct store *s, struct base_error *err)
{
	struct paths at;
	struct stat st;
	int rc;

	(void)snprintf(at.dir, sizeof(at.dir), "%s/" NEW_DIR, s->dir);
	(void)snprintf(at.data, sizeof(at.data), "%s/data.mdb", at.dir);
	(void)snprintf(at.lock, sizeof(at.lock), "%s/lock.mdb", at.dir);
	if (stat(s->path, &st) < 0) {
		if (errno != ENOENT || s->read_only)
			return store_failed(err, errno, s->path, "opening");
		rc = create(s, &at, err);
		if (rc)
			return rc;
	}
	rc = s->read_only ? 0 : remove_new(&at);
	return rc ? store_failed(err, rc, at.dir, "removing") : 0;
}

static int env_open(const struct store *s)
{
	char lock[STORE_PATH_MAX + 16];
	unsigned int flags = MDB_NOTLS;
	int rc = 0;

	(void)snprintf(lock, sizeof(lock), "%s/lock.mdb", s->dir);
	if (!s->read_only)
		rc = reserve_lock(lock);
	else if (access(lock, F_OK) == 0)
		flags |= MDB_RDONLY;
	else /* nobody has the store open, and a reader makes no file */
		flags |= MDB_RDONLY | MDB_NOLOCK;
	return rc ? rc : mdb_env_open(s->env, s->dir, flags, STORE_FILE_MODE);
}

static int check_format(const struct store *s, MDB_txn *txn,
			struct base_error *err)
{
	MDB_val value;
	uint32_t format;
	int rc = store_get(&value, s, txn, STORE_META, "format", 6);

	if (rc == MDB_NOTFOUND || (!rc && value.mv_size != 4))
		return damaged(s, err, "it has no format number");
	if (rc)
		return store_failed(err, rc, s->path, "reading");
	format = base_load_le32(value.mv_data);
	if (format > STORE_FORMAT)
		return base_fail(err, -EPROTO,
				 "%s has format %u, this minerd knows up to "
				 "%d; use a newer minerd",
				 s->path, format, STORE_FORMAT);
	if (format == 0)
		return damaged(s, err, "its format number was never in use");
	if (format < STORE_FORMAT)
		return base_fail(err, -EPROTO,
				 "%s has format %u, of an older minerd; use "
				 "that one, or choose another data directory "
				 "to begin anew",
				 s->path, format);
	return 0;
}

static int open_table(struct store *s, MDB_txn *txn, int i,
		      struct base_error *err)
{
	unsigned int flags;
	int rc = mdb_dbi_open(txn, table_name[i], 0, &s->table[i]);

	if (!rc)
		rc = mdb_dbi_flags(txn, s->table[i], &flags);
	if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE || (!rc && flags != 0))
		return damaged(s, err, "a table is missing or of another kind");
	return rc ? store_failed(err, rc, s->path, "reading") : 0;
}

/* The tip record is sound and its block is there. */
static int check_tip(const struct store *s, MDB_txn *txn,
		     struct base_error *err)
{
	struct chain_context tip;
	struct base_height height;
	const uint8_t *block;
	size_t len;
	MDB_val value;
	int rc = store_get_tip(&tip, s, txn);

	if (rc == MDB_NOTFOUND)
		return 0;
	if (rc == MDB_CORRUPTED)
		return damaged(s, err, "the tip record is unreadable");
	if (!rc)
		rc = store_get(&value, s, txn, STORE_BLOCKS, tip.hash.b,
			       sizeof(tip.hash.b));
	if (rc == MDB_NOTFOUND)
		return damaged(s, err, "the tip's block is missing");
	if (rc)
		return store_failed(err, rc, s->path, "reading");
	if (store_block_split(&block, &len, &height, &value) ||
	    height.n != tip.height.n)
		return damaged(s, err, "the tip's block is of another height");
	return 0;
}

/* The runs of a store that is only read belong to who writes it, if anybody
 * does: no filter follows them. */
static int make_filter(struct store *s, MDB_txn *txn, struct base_error *err)
{
	int rc = s->read_only || s->light ? 0 : store_coins_filter(s, txn);

	return rc ? store_failed(err, rc, s->path, "reading the coins of") : 0;
}

static int open_tables(struct store *s, struct base_error *err)
{
	MDB_txn *txn;
	int fd, rc;

	rc = mdb_env_get_fd(s->env, &fd);
	BASE_ASSERT(!rc);
	rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	if (rc)
		return store_failed(err, rc, s->path, "opening");
	rc = store_pages_walk(fd, s->path, mdb_txn_id(txn),
			      STORE_OPEN_PAGES_MAX, err);
	/* The format first: the tables of a newer one are not for us. */
	if (!rc)
		rc = open_table(s, txn, STORE_META, err);
	if (!rc)
		rc = check_format(s, txn, err);
	for (int i = STORE_META + 1; i < table_count(s) && !rc; i++)
		rc = open_table(s, txn, i, err);
	if (!rc)
		rc = check_tip(s, txn, err);
	if (!rc)
		rc = make_filter(s, txn, err);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn); /* keeps the tables' handles */
	return rc ? store_failed(err, rc, s->path, "opening") : 0;
}

int store_env_open(struct store *s, struct base_error *err)
{
	int rc = prepare(s, err);

	if (rc)
		return rc;
	rc = store_pages_check_meta(s->path, err);
	if (rc)
		return rc;
	rc = env_create(&s->env, s);
	if (rc)
		return store_failed(err, rc, s->path, "opening");
	rc = env_open(s);
	if (rc)
		rc = store_failed(err, rc, s->path, "opening");
	else
		rc = open_tables(s, err);
	if (rc)
		store_env_close(s);
	return rc;
}

void store_env_close(struct store *s)
{
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
}
