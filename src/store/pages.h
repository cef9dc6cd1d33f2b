/* SPDX-License-Identifier: MIT */
/*
 * pages.h: looks at LMDB's pages before LMDB trusts them.
 *
 * Floor 4. LMDB follows the page numbers and offsets it finds: a damaged or
 * truncated file makes it read outside the file and die. The checks here
 * read with pread(), so a bad file is an error and no more. They are about
 * structure only: that a lookup stays inside the file. What the values say
 * is for store_verify().
 *
 * The layout is that of LMDB's data format 1 (0.9.x): two meta pages, then
 * B+trees of branch, leaf and overflow pages.
 */
#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include "base/error.h"

/*
 * The file's two meta pages: that @path is an LMDB data file whose current
 * meta page is in itself sound, before mdb_env_open() maps it. 0; -EBADMSG:
 * damaged or foreign; -ENOENT, -EACCES, -EIO...: cannot be read.
 */
BASE_MUST_CHECK int store_pages_check_meta(const char *path,
					   struct base_error *err);

/*
 * Walks every tree of the snapshot @txn_id that a transaction holds: each
 * page inside the file, of its right kind, used once, its nodes inside it;
 * free pages not in use. At most @pages_max tree pages are read, unless the
 * file is shorter than it should be. @fd and @path are data.mdb's. Tables of
 * a kind this program does not write are left out. 0; -EBADMSG; -ENOMEM;
 * -EIO...
 */
BASE_MUST_CHECK int store_pages_walk(int fd, const char *path, uint64_t txn_id,
				     uint64_t pages_max,
				     struct base_error *err);

#endif
