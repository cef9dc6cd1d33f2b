/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"

/* LMDB copies a snapshot and holds up a writer only for the meta pages. */
static int copy_to(struct store *s, int fd)
{
	int rc = mdb_env_copyfd(s->env, fd);

	if (!rc && fsync(fd) < 0)
		rc = errno;
	return rc;
}

int store_copy(struct store *s, const char *path, struct base_error *err)
{
	MDB_txn *txn;
	int fd, rc;

	/* So that nobody closes the environment meanwhile. */
	rc = store_txn_begin(&txn, s, MDB_RDONLY, err);
	if (rc)
		return rc;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		  STORE_FILE_MODE);
	rc = fd < 0 ? errno : copy_to(s, fd);
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = errno;
	store_txn_abort(s, txn);
	if (!rc)
		return 0;
	if (fd >= 0)
		(void)unlink(path);
	return store_failed(err, rc, path, "writing");
}
