/* SPDX-License-Identifier: MIT */
/*
 * known.h: transactions whose signatures have been verified, by wtxid.
 *
 * Floor 2, pure: memory and the secret salt come from the caller. One thread.
 * A bounded cache: a wtxid that was never added is never said to be there;
 * one that was may have made room for younger ones. The wtxid covers the
 * witness, and every id is kept whole, so that no other transaction passes.
 */
#ifndef CHAIN_KNOWN_H
#define CHAIN_KNOWN_H

#include "chain/block.h"
#include "chain/siphash.h"

/* Ids that share a bucket: the oldest of them makes room. */
#define CHAIN_KNOWN_WAYS 8
#define CHAIN_KNOWN_ENTRIES_MAX (1u << 30)

/* 8 MiB and a bit. A full mempool has less than 160,000 transactions, the
 * largest block 26,000: with both, a bucket holds 6 on average. */
#define CHAIN_KNOWN_ENTRIES (1u << 18)

struct chain_known_cache {
	struct base_hash *id; /* CHAIN_KNOWN_WAYS for each bucket */
	uint8_t *added;	      /* to the bucket: counts on in WAYS..2*WAYS-1 */
	uint64_t mask;	      /* buckets - 1 */
	struct chain_siphash_key salt;
};

/* Bytes of memory for @entries: a power of two in
 * CHAIN_KNOWN_WAYS..CHAIN_KNOWN_ENTRIES_MAX. */
size_t chain_known_cache_size(uint32_t entries);

/* An empty cache in @memory of chain_known_cache_size(entries) bytes, all
 * zero, and borrowed; what is not used stays untouched. */
void chain_known_cache_init(struct chain_known_cache *out, void *memory,
			    uint32_t entries,
			    const uint8_t salt[static CHAIN_SALT_SIZE]);

/* Nothing happens if it is there already. */
void chain_known_cache_add(struct chain_known_cache *c,
			   const struct base_hash *wtxid);

bool chain_known_cache_has(const struct chain_known_cache *c,
			   const struct base_hash *wtxid);

/* The cache as chain_block_execute() wants it; @c is borrowed. */
struct chain_known chain_known_of(struct chain_known_cache *c);

#endif
