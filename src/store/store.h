/* SPDX-License-Identifier: MIT */
/*
 * store.h: the chain on disk, in one LMDB environment.
 *
 * Floor 4. Guarantees: each write is one durable transaction: what belongs
 * together (a block with its header, coins, certificate and tip; a vote with
 * its block) is there together after a crash at any moment, or not at all;
 * what returned 0 is never lost. One thread writes (the store thread); any
 * thread reads through a reader of its own.
 *
 * Layout: one named database per table (chain.md, State and storage). The
 * format number and the genesis hash are in "meta"; another format or another
 * chain is refused. Consensus messages are stored as consensus/message.h
 * writes them; only store_verify() looks inside.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/error.h"
#include "chain/block.h"
#include "chain/context.h"

#define STORE_FORMAT 3
#define STORE_MAP_DEFAULT (UINT64_C(1) << 40) /* sparse */
#define STORE_READERS_MAX 32
#define STORE_POOL_PIECES_MAX 65536
#define STORE_EVIDENCE_MAX 256

struct store;

struct store_options {
	const char *dir;    /* existing directory, ours alone */
	uint64_t map_bytes; /* 0: STORE_MAP_DEFAULT; most the store may grow */
	/* Verify: nothing is created, and no data changed. Without a lock.mdb
	 * the caller sees to it that nobody begins to write meanwhile. */
	bool read_only;
	/* Keep an index of transactions. One that is behind, as blocks were
	 * appended without, is completed when opening, which takes its time
	 * and goes on where it was interrupted. Left as it is when not set;
	 * not to be had with read_only. */
	bool txindex;
	/* A light node's: no blocks, but the tables of light.h. */
	bool light;
};

/*
 * Opens or, unless read_only, creates the environment in @options->dir.
 * 0; -EACCES, -ENOENT, -EIO, -ENOSPC...: the system refused; -EPROTO: another
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

/* Writes genesis into an empty store, with the coins that
 * chain_genesis_execute() left in @changes. Errors as store_append(). */
BASE_MUST_CHECK int store_init_chain(struct store *s, const uint8_t *genesis,
				     size_t len,
				     const struct chain_context *ctx,
				     const struct chain_changes *changes,
				     struct base_error *err);

/* A validated block on its way to the disk. */
struct store_block {
	const uint8_t *data;
	size_t len;
	struct chain_context after;	     /* the tip with it */
	const struct chain_changes *changes; /* what chain_block_execute() left
					      * of it */
	const uint8_t *cert; /* the block's certificate; NULL: none */
	size_t cert_len;
};

/*
 * Appends @block, changes the coins as @block->changes say (created and
 * unspent coins are added, those spent and not created go), keeps the
 * certificate and makes @block->after the tip: one durable commit. 0; -ENOSPC:
 * the disk or the map is full, nothing was written, the store is as before;
 * -EIO: the disk failed (store_tip() says from where to go on); -EINVAL: @block
 * does not extend the stored tip; -EBADMSG: damaged: also when a coin to be
 * added is there already, or one to go is not, and when an earlier change of a
 * coin, which is merged now (runs.h), does not go with what the table has;
 * -ENOMEM.
 */
BASE_MUST_CHECK int store_append(struct store *s,
				 const struct store_block *block,
				 struct base_error *err);

/* What a member must not forget (consensus.md, State), each one durable
 * commit in place of the one before: the last tick that it may have proposed
 * in; its last vote with the block voted for. Errors as store_append(). */
BASE_MUST_CHECK int store_put_proposed(struct store *s, struct base_tick tick,
				       struct base_error *err);
BASE_MUST_CHECK int store_put_vote(struct store *s, const uint8_t *vote,
				   size_t len, const uint8_t *block,
				   size_t block_len, struct base_error *err);

/* Evidence against a member, kept for people: the youngest
 * STORE_EVIDENCE_MAX. Errors as store_append(). */
BASE_MUST_CHECK int store_add_evidence(struct store *s, const uint8_t *evidence,
				       size_t len, struct base_error *err);

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

/* The certificate stored with the block of @height. 0; -ENOENT: it came
 * without, as an ancestor of a certified one; -EBADMSG: damaged. */
BASE_MUST_CHECK int store_cert_at(const uint8_t **cert, size_t *len,
				  struct store_reader *r,
				  struct base_height height);

/* What store_put_proposed() and store_put_vote() wrote last. 0; -EBADMSG. */
struct store_member {
	bool has_proposed;
	struct base_tick proposed;
	const uint8_t *vote; /* NULL: none; then no block either */
	size_t vote_len;
	const uint8_t *vote_block;
	size_t vote_block_len;
};
BASE_MUST_CHECK int store_member(struct store_member *out,
				 struct store_reader *r);

/* Pieces of evidence kept; 0, too, where they cannot be read. */
uint64_t store_evidence_count(struct store_reader *r);

/* The block with the transaction @txid. 0; -ENOENT: no such transaction;
 * -EOPNOTSUPP: the store was opened without txindex; -EBADMSG: damaged. */
BASE_MUST_CHECK int store_tx_height(struct base_height *out,
				    struct store_reader *r,
				    const struct base_hash *txid);

/* The coin at @at. 0; -ENOENT: there is none, or it is spent; -EBADMSG:
 * damaged. */
BASE_MUST_CHECK int store_coin_at(struct chain_coin *out,
				  struct store_reader *r,
				  const struct chain_outpoint *at);

/* The same as the rules ask for it: the coins of the snapshot's tip, as long
 * as @r lives, for the thread that reads with it. */
struct chain_coins store_coins(struct store_reader *r);

/* Calls @each for every coin, ordered by the bytes of the outpoint, and stops
 * at its first nonzero, which is returned. 0: all of them; -EBADMSG: damaged;
 * -ENOMEM. */
BASE_MUST_CHECK int
store_coins_each(struct store_reader *r,
		 int (*each)(void *ctx, const struct chain_outpoint *at,
			     const struct chain_coin *coin),
		 void *ctx);

/* How many there are, as the newest block left it; 0, too, after a read of @r
 * that was -EBADMSG. */
uint64_t store_coins_count(struct store_reader *r);

/*
 * The mempool's dump (chain/mempool_dump.h), in pieces; the store does not
 * look inside. Replaces all pieces by what @next yields into @buffer of @cap
 * bytes until it returns 0: one durable commit, from the thread that appends.
 * 0; -E2BIG: more than STORE_POOL_PIECES_MAX, and nothing was written;
 * otherwise errors as store_append().
 */
BASE_MUST_CHECK int
store_pool_write(struct store *s,
		 size_t (*next)(void *ctx, uint8_t *out, size_t cap), void *ctx,
		 uint8_t *buffer, size_t cap, struct base_error *err);

/* Piece @index from 0 on. 0; -ENOENT: past the last; -EBADMSG: damaged. */
BASE_MUST_CHECK int store_pool_piece(const uint8_t **data, size_t *len,
				     struct store_reader *r, uint32_t index);

/*
 * Writes a copy of the whole store to the new file @path, also while another
 * process writes to it: a snapshot, on disk when this returns, which a store's
 * folder with nothing else in it opens as its data.mdb. 0; -EEXIST; -ENOSPC,
 * -EIO: the disk is full, or failed, and nothing is left; errors of
 * store_open().
 */
BASE_MUST_CHECK int store_copy(struct store *s, const char *path,
			       struct base_error *err);

/*
 * Re-checks everything from genesis: that heights are complete, each block
 * passes chain_block_validate() on its predecessor's context and the coins
 * that the blocks before it make, indexes agree as far as they go, and the
 * stored tip and coins are what results; that each certificate stored is its
 * block's and bears a quorum's signatures. @genesis is what the network file
 * makes. @progress, unless NULL, is called after each block. Takes as much disk
 * as the coins do: in the store's folder, or in TMPDIR (or /tmp) where that is
 * read-only. 0 with *@tip the verified tip; -EBADMSG: @err names the height and
 * rule, or the coin; -ENODATA: empty; -ENOMEM; -EACCES: no place for the coins;
 * -ENOSPC, -EIO: the disk is full, or failed.
 */
BASE_MUST_CHECK int store_verify(struct chain_context *tip, struct store *s,
				 const struct chain_params *p,
				 const uint8_t *genesis, size_t genesis_len,
				 void (*progress)(uint32_t height, void *ctx),
				 void *progress_ctx, struct base_error *err);

#endif
