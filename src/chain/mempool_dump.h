/* SPDX-License-Identifier: MIT */
/*
 * mempool_dump.h: a pool as bytes, so that it survives a restart.
 *
 * Floor 2, pure. A dump is a sequence of checksummed records in pieces; each
 * piece holds whole records, in order: version, notes, entries (parents
 * first), end. The checksums find damage and loss, not forgery: who restores
 * checks every transaction anew.
 */
#ifndef CHAIN_MEMPOOL_DUMP_H
#define CHAIN_MEMPOOL_DUMP_H

#include "chain/mempool.h"

#define CHAIN_MEMPOOL_DUMP_VERSION 1
/* The least size of a piece: the largest record. */
#define CHAIN_MEMPOOL_PIECE_MIN (CHAIN_MEMPOOL_WEIGHT_MAX + 64)

struct chain_mempool_dump {
	uint32_t stage;
	uint32_t slot;	   /* next note */
	uint64_t time_s;   /* of the last entry written */
	uint64_t sequence; /* of the last entry written */
	uint64_t checksum; /* of everything before */
};

/* Writes the next piece, at most @cap >= PIECE_MIN bytes. @d begins as all
 * zeros. Returns its length; 0 when the dump is complete. The pool may change
 * between pieces: what comes or goes meanwhile may be in the dump or not. */
size_t chain_mempool_dump(struct chain_mempool_dump *d, uint8_t *out,
			  size_t cap, const struct chain_mempool *m);

/* Called for each entry of a dump: checks it anew and calls
 * chain_mempool_add() with @time_s, or drops it. */
typedef void chain_mempool_restore_fn(void *context,
				      const struct chain_tx_view *tx,
				      uint64_t time_s);

struct chain_mempool_restore {
	uint32_t stage;
	uint64_t checksum;
};

/* Reads the next piece into @m. @r begins as all zeros. 0; -EBADMSG: damaged,
 * out of order, or of another version; what came before the damage is kept,
 * and @r is at its end. */
BASE_MUST_CHECK int chain_mempool_restore(struct chain_mempool_restore *r,
					  struct chain_mempool *m,
					  const uint8_t *piece, size_t len,
					  chain_mempool_restore_fn *each,
					  void *context);

/* The end of the dump was read: nothing is missing. */
bool chain_mempool_restored(const struct chain_mempool_restore *r);

#endif
