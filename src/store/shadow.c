/* SPDX-License-Identifier: MIT */
#include "store/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "store/walk.h"

/* Between two commits: each keeps a page in memory until then. */
#define COMMIT_CHANGES 16384

/* The coins fit where the store has room for them and their blocks; this is
 * for the pages that one transaction replaces. */
#define MAP_EXTRA (UINT64_C(4) << 30)

struct store_shadow {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;
	size_t pending; /* changes since the last commit */
	char path[STORE_PATH_MAX + 16];
};

/* A new file in @dir, open and without a name; or -errno. */
static int make_file(struct store_shadow *w, const char *dir)
{
	int n = snprintf(w->path, sizeof(w->path), "%s/verify-XXXXXX", dir);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(w->path))
		return -ENAMETOOLONG;
	fd = mkostemp(w->path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(w->path);
	return fd;
}

static int open_file(struct store_shadow *w, const struct store *s,
		     struct base_error *err)
{
	const char *tmp = getenv("TMPDIR");
	int fd = make_file(w, s->dir);

	if (fd == -EACCES || fd == -EPERM || fd == -EROFS)
		fd = make_file(w, tmp ? tmp : "/tmp");
	if (fd == -EACCES || fd == -EPERM || fd == -EROFS || fd == -ENOENT)
		return base_fail(err, -EACCES,
				 "%s: verifying needs room for the coins, and "
				 "no file can be made there: %s; set TMPDIR to "
				 "a folder with room",
				 w->path, strerror(-fd));
	return fd < 0 ? store_failed(err, -fd, w->path, "making") : fd;
}

/* LMDB opens by name; the kernel has one for every descriptor. */
static int open_env(struct store_shadow *w, const struct store *s, int fd)
{
	char name[64];
	MDB_envinfo info;
	int rc = mdb_env_info(s->env, &info);

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (!rc)
		rc = mdb_env_create(&w->env);
	if (!rc)
		rc = mdb_env_set_mapsize(w->env, info.me_mapsize + MAP_EXTRA);
	/* No MDB_WRITEMAP: on a full disk it is SIGBUS, not an error. */
	if (!rc)
		rc = mdb_env_open(w->env, name,
				  MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC,
				  STORE_FILE_MODE);
	if (!rc)
		rc = mdb_txn_begin(w->env, NULL, 0, &w->txn);
	return rc ? rc : mdb_dbi_open(w->txn, NULL, 0, &w->table);
}

int store_shadow_open(struct store_shadow **out, const struct store *s,
		      struct base_error *err)
{
	struct store_shadow *w = calloc(1, sizeof(*w));
	int fd, rc;

	if (!w)
		return base_fail(err, -ENOMEM, "%s: no memory to verify it",
				 s->path);
	fd = open_file(w, s, err);
	if (fd < 0) {
		free(w);
		return fd;
	}
	rc = open_env(w, s, fd);
	(void)close(fd);
	if (rc) {
		rc = store_failed(err, rc, w->path, "opening");
		store_shadow_close(w);
		return rc;
	}
	*out = w;
	return 0;
}

void store_shadow_close(struct store_shadow *w)
{
	if (!w)
		return;
	if (w->txn)
		mdb_txn_abort(w->txn);
	if (w->env)
		mdb_env_close(w->env);
	free(w);
}

static int get(void *shadow, struct chain_coin *out,
	       const struct chain_outpoint *at)
{
	struct store_shadow *w = shadow;
	uint8_t bytes[CHAIN_OUTPOINT_SIZE];

	chain_outpoint_write(bytes, at);
	return store_table_get(out, w->txn, w->table, bytes);
}

struct chain_coins store_shadow_coins(struct store_shadow *w)
{
	return (struct chain_coins){.get = get, .ctx = w};
}

static int commit(struct store_shadow *w)
{
	MDB_txn *txn = w->txn;
	int rc;

	w->txn = NULL; /* ended, whatever comes of it */
	w->pending = 0;
	rc = mdb_txn_commit(txn);
	return rc ? rc : mdb_txn_begin(w->env, NULL, 0, &w->txn);
}

int store_shadow_apply(struct store_shadow *w,
		       const struct chain_changes *changes,
		       struct base_error *err)
{
	int rc = store_table_apply(w->txn, w->table, changes);

	w->pending += changes->count;
	if (!rc && w->pending >= COMMIT_CHANGES)
		rc = commit(w);
	return rc ? store_failed(err, rc, w->path, "writing") : 0;
}

static int differs(const struct store *s, const MDB_val *key, const char *how,
		   struct base_error *err)
{
	char hex[BASE_HASH_HEX_SIZE];
	struct chain_outpoint at;

	if (key->mv_size != CHAIN_OUTPOINT_SIZE)
		return base_fail(err, -EBADMSG,
				 "%s is damaged: the table of coins has an "
				 "entry that is none; restore a copy",
				 s->path);
	chain_outpoint_read(&at, key->mv_data);
	base_hash_to_hex(hex, &at.txid);
	return base_fail(err, -EBADMSG,
			 "%s is damaged: the coin %s:%u %s; restore a copy",
			 s->path, hex, at.index, how);
}

/* Both in the order of their keys, side by side; *@count: how many coins. */
static int compare(const struct store *s, struct store_walk *stored,
		   MDB_cursor *made, uint64_t *count, struct base_error *err)
{
	MDB_txn *txn = mdb_cursor_txn(made);
	MDB_dbi table = mdb_cursor_dbi(made);

	for (;; ++*count) {
		MDB_val key, value, want_key, want;
		int have_rc = store_walk_next(&key, &value, stored);
		int want_rc = mdb_cursor_get(made, &want_key, &want, MDB_NEXT);
		int order;

		if (have_rc == MDB_CORRUPTED && key.mv_size > 0)
			return differs(s, &key, "does not go with its changes",
				       err);
		if (have_rc && have_rc != MDB_NOTFOUND)
			return store_failed(err, have_rc, s->path, "reading");
		if (want_rc && want_rc != MDB_NOTFOUND)
			return store_failed(err, want_rc, s->path, "verifying");
		if (have_rc && want_rc)
			return 0;
		if (have_rc)
			order = 1;
		else if (want_rc)
			order = -1;
		else
			order = mdb_cmp(txn, table, &key, &want_key);
		if (order < 0)
			return differs(s, &key, "does not exist", err);
		if (order > 0)
			return differs(s, &want_key, "is missing", err);
		if (value.mv_size != want.mv_size ||
		    memcmp(value.mv_data, want.mv_data, want.mv_size) != 0)
			return differs(s, &key, "is not what its block made",
				       err);
	}
}

static int compare_runs(struct store_shadow *w, const struct store *s,
			const struct store_runs *runs, MDB_txn *txn,
			struct base_error *err)
{
	struct store_walk stored;
	MDB_cursor *made;
	uint64_t count = 0;
	int rc = store_walk_begin(&stored, runs, s, txn);

	if (rc)
		return store_failed(err, rc, s->path, "reading");
	rc = mdb_cursor_open(w->txn, w->table, &made);
	if (rc) {
		rc = store_failed(err, rc, s->path, "reading");
	} else {
		rc = compare(s, &stored, made, &count, err);
		mdb_cursor_close(made);
	}
	store_walk_end(&stored);
	if (!rc && runs->run[runs->count - 1].coins != count)
		rc = base_fail(err, -EBADMSG,
			       "%s is damaged: the number of coins is wrong; "
			       "restore a copy",
			       s->path);
	return rc;
}

int store_shadow_compare(struct store_shadow *w, const struct store *s,
			 MDB_txn *txn, struct base_error *err)
{
	struct store_runs runs;
	MDB_stat stat;
	int rc = mdb_stat(txn, s->table[STORE_RUNS], &stat);

	if (!rc)
		rc = store_runs_load(&runs, s, txn);
	if (!rc && stat.ms_entries != runs.count)
		rc = MDB_CORRUPTED;
	if (rc == MDB_CORRUPTED)
		return base_fail(err, -EBADMSG,
				 "%s is damaged: the changes of coins are not "
				 "those of the newest blocks; restore a copy",
				 s->path);
	if (rc)
		return store_failed(err, rc, s->path, "reading");
	return compare_runs(w, s, &runs, txn, err);
}
