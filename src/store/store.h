/* SPDX-License-Identifier: MIT */
/*
 * store.h: the chain on disk, in one LMDB environment.
 *
 * Floor 4. Guarantees: store_append() is one durable transaction: block,
 * header and tip are there together after a crash at any moment, or not at
 * all; what it returned 0 for is never lost. One thread appends (the store
 * thread); any thread reads through a reader of its own.
 *
 * Layout: one named database per table (chain.md, State and storage). The
 * format number and the genesis hash are in "meta"; a newer format or
 * another chain is refused.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/error.h"
#include "chain/block.h"
#include "chain/context.h"

#define STORE_FORMAT 1
#define STORE_MAP_DEFAULT (UINT64_C(1) << 40) /* sparse */
#define STORE_READERS_MAX 32

struct store;

struct store_options {
	const char *dir;    /* existing directory, ours alone */
	uint64_t map_bytes; /* 0: STORE_MAP_DEFAULT; most the store may grow */
	/* Verify: nothing is created, and no data changed. Without a lock.mdb
	 * the caller sees to it that nobody begins to write meanwhile. */
	bool read_only;
};

/*
 * Opens or, unless read_only, creates the environment in @options->dir.
 * 0; -EACCES, -ENOENT, -EIO, -ENOSPC...: the system refused; -EPROTO: newer
 * format; -EBADMSG: damaged or not a minerd store. @err says which file and
 * what to do. *@out is untouched on failure.
 */
BASE_MUST_CHECK int store_open(struct store **out,
			       const struct store_options *options,
			       struct base_error *err);

void store_close(struct store *s);

/*
 * The tip's context. 0; -ENODATA: the store is empty; -EBADMSG: damaged.
 */
BASE_MUST_CHECK int store_tip(struct chain_context *out, struct store *s,
			      struct base_error *err);

/* Writes genesis into an empty store. Errors as store_append(). */
BASE_MUST_CHECK int store_init_chain(struct store *s, const uint8_t *genesis,
				     size_t len,
				     const struct chain_context *ctx,
				     struct base_error *err);

/*
 * Appends a validated block and makes @ctx (the context *after* it) the tip:
 * one durable commit. 0; -ENOSPC: the disk or the map is full, nothing was
 * written, the store is as before; -EIO: the disk failed (store_tip() says
 * from where to go on); -EINVAL: @block does not extend the stored tip;
 * -EBADMSG: damaged.
 */
BASE_MUST_CHECK int store_append(struct store *s, const uint8_t *block,
				 size_t len, const struct chain_context *ctx,
				 struct base_error *err);

/*
 * Reads: a reader holds one snapshot from begin to end; data is borrowed
 * from the map until then. One thread per reader. -EBUSY: STORE_READERS_MAX
 * are alive already; otherwise errors as store_open(). While a reader lives,
 * a failed disk keeps the store closed: every call is -EIO until it ended.
 */
struct store_reader;

BASE_MUST_CHECK int store_read_begin(struct store_reader **out, struct store *s,
				     struct base_error *err);
void store_read_end(struct store_reader *r);

/* 0; -ENOENT: no such height or hash; -EBADMSG: damaged. */
BASE_MUST_CHECK int store_block_at(const uint8_t **block, size_t *len,
				   struct store_reader *r,
				   struct base_height height);
BASE_MUST_CHECK int store_hash_at(struct base_hash *out, struct store_reader *r,
				  struct base_height height);
BASE_MUST_CHECK int store_height_of(struct base_height *out,
				    struct store_reader *r,
				    const struct base_hash *hash);

/*
 * Re-checks everything from genesis: that heights are complete, each block
 * passes chain_block_validate() on its predecessor's context, indexes agree,
 * and the stored tip is what results. @genesis is what the network file
 * makes. @progress, unless NULL, is called now and then.
 * 0 with *@tip the verified tip; -EBADMSG: @err names the height and rule;
 * -ENODATA: empty; -ENOMEM.
 */
BASE_MUST_CHECK int store_verify(struct chain_context *tip, struct store *s,
				 const struct chain_params *p,
				 const uint8_t *genesis, size_t genesis_len,
				 void (*progress)(uint32_t height, void *ctx),
				 void *progress_ctx, struct base_error *err);

#endif
