/* SPDX-License-Identifier: MIT */
/*
 * datadir.h: the directory that belongs to one node.
 *
 * Floor 5. Main thread, at start and stop.
 *
 *   minerd.lock    held while a node runs; marks the directory as ours
 *   minerd.conf    configuration, the operator's
 *   network.json   what defines the chain
 *   keys/          secrets, mode 0600
 *   chain/         the store
 */
#ifndef NODE_DATADIR_H
#define NODE_DATADIR_H

#include "base/error.h"
#include "node/config.h"

struct node_datadir {
	char path[NODE_PATH_MAX];
	int lock_fd; /* -1: opened without the lock */
};

/*
 * Opens the datadir at @path for a node: creates it (mode 0700) where there
 * is none, takes its lock and keeps it until node_datadir_close().
 * 0; -EBUSY: another node holds it; -ENOTDIR, -EACCES, ...; -EEXIST: a
 * directory with other things in it. @err says what to do.
 */
BASE_MUST_CHECK int node_datadir_open(struct node_datadir *out,
				      const char *path, struct base_error *err);

/* Opens an existing datadir to look at it: no lock, nothing is created.
 * 0; -ENOENT: there is none, or it is not a minerd datadir; -EACCES... */
BASE_MUST_CHECK int node_datadir_look(struct node_datadir *out,
				      const char *path, struct base_error *err);

void node_datadir_close(struct node_datadir *d);

/* DATADIR/NAME into @out. 0 or -ENAMETOOLONG. */
BASE_MUST_CHECK int node_datadir_path(char out[static NODE_PATH_MAX],
				      const struct node_datadir *d,
				      const char *name, struct base_error *err);

/* Makes the subdirectory NAME (mode 0700) unless it is there; its path goes
 * to @out. */
BASE_MUST_CHECK int node_datadir_subdir(char out[static NODE_PATH_MAX],
					const struct node_datadir *d,
					const char *name,
					struct base_error *err);

/*
 * Writes a whole file so that after a crash it is there complete or not at
 * all: temporary file, fsync, rename, fsync of the directory. @mode as for
 * open(2). 0 or -errno; -ENOSPC leaves nothing behind.
 */
BASE_MUST_CHECK int node_file_write(const char *path, const void *data,
				    size_t len, unsigned mode,
				    struct base_error *err);

/* Reads a file of at most @cap - 1 bytes and ends it with NUL. 0 with
 * *@len; -ENOENT and other errno; -EFBIG. */
BASE_MUST_CHECK int node_file_read(char *out, size_t *len, size_t cap,
				   const char *path, struct base_error *err);

/* The same of a secret: -EPERM: others than its owner may read or write the
 * file, and @err says what mends that. */
BASE_MUST_CHECK int node_secret_read(char *out, size_t *len, size_t cap,
				     const char *path, struct base_error *err);

#endif
