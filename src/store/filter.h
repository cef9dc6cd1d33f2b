/* SPDX-License-Identifier: MIT */
/*
 * filter.h: which of the newest blocks may have changed a coin.
 *
 * Floor 4. A Bloom filter (Bloom, "Space/time trade-offs in hash coding with
 * allowable errors", 1970) for each of the newest STORE_FILTER_BLOCKS blocks,
 * side by side: bit n of a word belongs to the filter of the blocks whose
 * height is n modulo their number, so that one look answers for all of them.
 * It says "perhaps" or "no"; its memory is fixed, larger blocks cost more
 * perhapses. Outpoints are chosen by strangers: the hash is keyed.
 *
 * One thread writes (it appends); any may ask, without a lock. Blocks that
 * the filter does not know yet or any more may all have changed every coin.
 */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include <stdatomic.h>

#include "base/error.h"
#include "chain/siphash.h"

#define STORE_FILTER_BLOCKS 64
#define STORE_FILTER_WORDS (UINT64_C(1) << 17) /* 1 MiB */
#define STORE_FILTER_HASHES 4

struct store_filter {
	struct chain_siphash_key key;
	/* Heights known: from oldest on, and below end. */
	_Atomic uint64_t oldest;
	_Atomic uint64_t end;
	_Atomic uint64_t *word;
};

/* Knows no block. 0; -ENOMEM; -EIO: no random numbers. */
BASE_MUST_CHECK int store_filter_init(struct store_filter *f);
void store_filter_free(struct store_filter *f);

/* Forgets everything; blocks from @first on will follow. Nobody asks then. */
void store_filter_reset(struct store_filter *f, uint32_t first);

/* Makes room for block @height, the next or one begun in vain. */
void store_filter_begin(struct store_filter *f, uint32_t height);

/* Block @height, begun, changes the coin at the CHAIN_OUTPOINT_SIZE bytes
 * @at. */
void store_filter_add(struct store_filter *f, uint32_t height,
		      const uint8_t *at);

/* Block @height is complete, and readers may see it. */
void store_filter_end(struct store_filter *f, uint32_t height);

/* Which of the blocks @first..@last (fewer than STORE_FILTER_BLOCKS) may
 * have changed the coin at @at: bit 63 is @last, bit 62 the one before it;
 * bits of blocks before @first mean nothing. */
uint64_t store_filter_ask(struct store_filter *f, uint32_t first, uint32_t last,
			  const uint8_t *at);

#endif
