/* SPDX-License-Identifier: MIT */
/*
 * shadow.h: a second table of coins, made anew from the blocks.
 *
 * Floor 4, for store_verify(), so that what is stored is compared with
 * something that does not come from it. It lives in a file without a name,
 * beside the store, or in TMPDIR (or /tmp) where that folder cannot be
 * written: so nothing is left behind, whatever ends the process. Its size is
 * that of the coins; memory is bounded. One thread.
 */
#ifndef STORE_SHADOW_H
#define STORE_SHADOW_H

#include "store/internal.h"

struct store_shadow;

/* An empty table for the verification of @s. 0; -EACCES: no place for it;
 * -ENOSPC, -ENOMEM, -EIO... */
BASE_MUST_CHECK int store_shadow_open(struct store_shadow **out,
				      const struct store *s,
				      struct base_error *err);

/* NULL is allowed. */
void store_shadow_close(struct store_shadow *w);

/* Its coins, for chain_block_validate(). */
struct chain_coins store_shadow_coins(struct store_shadow *w);

/* What a block does to them. 0; -ENOSPC, -ENOMEM, -EIO... */
BASE_MUST_CHECK int store_shadow_apply(struct store_shadow *w,
				       const struct chain_changes *changes,
				       struct base_error *err);

/* That the store's table, as @txn sees it, has the same coins. 0; -EBADMSG:
 * @err names the first that is missing, stray or different; -ENOMEM... */
BASE_MUST_CHECK int store_shadow_compare(struct store_shadow *w,
					 const struct store *s, MDB_txn *txn,
					 struct base_error *err);

#endif
