/* SPDX-License-Identifier: MIT */
/*
 * scratch.h: working memory for checking blocks, and what a check leaves.
 *
 * Floor 2, pure: one piece of the caller's memory, divided once and used for
 * block after block. One thread at a time.
 */
#ifndef CHAIN_SCRATCH_H
#define CHAIN_SCRATCH_H

#include "chain/changes.h"
#include "chain/signature.h"

struct chain_scratch {
	uint32_t max_block_bytes;  /* of the largest block that fits */
	struct base_hash *txid;	   /* of each transaction of the block */
	struct base_hash *wtxid;   /* the same; zero for the coinbase */
	struct base_hash *node;	   /* of a merkle tree, in the making */
	uint8_t *bytes;		   /* of one transaction, without witness */
	struct chain_check *check; /* signatures that are not yet verified */
	size_t check_count;
	struct chain_changes changes; /* to the coins */
};

/* Bytes of memory for blocks of at most @max_block_bytes. */
size_t chain_scratch_size(uint32_t max_block_bytes);

/*
 * Divides @memory: chain_scratch_size() bytes, aligned as malloc() does, and
 * borrowed; untouched memory stays so until a block needs it. @salt is random
 * and secret (chain/changes.h).
 */
void chain_scratch_init(struct chain_scratch *out, void *memory,
			uint32_t max_block_bytes,
			const uint8_t salt[static CHAIN_SALT_SIZE]);

#endif
