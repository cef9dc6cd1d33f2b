/* SPDX-License-Identifier: MIT */
/*
 * merkle_proof.h: that transactions are in a block, without the block.
 *
 * Floor 2, pure. The partial merkle tree of BIP37, as `merkleblock` messages
 * and Bitcoin Core's gettxoutproof have it after the header:
 *   count of transactions u32 | hashes, deepest first from the left |
 *   bits, one a visited node: "something below is proved".
 * The counts of hashes and of bytes of bits are CompactSize.
 *
 * A proof proves nothing by itself: the root that comes out must be that of
 * a header known to be in the chain, and @total the count of transactions
 * which that block really has (an inner node can pass for a transaction
 * where it is not compared, CVE-2017-12842).
 */
#ifndef CHAIN_MERKLE_PROOF_H
#define CHAIN_MERKLE_PROOF_H

#include "base/bytes.h"

/* Most bytes that a proof about @total transactions takes. */
size_t chain_merkle_proof_size(uint32_t total);

/* Writes the proof for those of @leaf[0..total) that are marked in @proved;
 * total in 1..CHAIN_BLOCK_TXS_MAX. */
void chain_merkle_proof_write(struct base_writer *w,
			      const struct base_hash *leaf, const bool *proved,
			      uint32_t total);

/* A proof as read; borrows the bytes it was read from. */
struct chain_merkle_proof {
	uint32_t total;
	uint32_t hash_count; /* 0..total */
	const struct base_hash *hash;
	size_t bit_bytes;
	const uint8_t *bits;
};

/* Takes a proof off the front of @r. 0; -EBADMSG: cut short, or more hashes
 * than transactions, or a count that no block has. */
BASE_MUST_CHECK int chain_merkle_proof_read(struct chain_merkle_proof *out,
					    struct base_reader *r);

/* Computes the root, and finds what is proved: at most hash_count of them,
 * for which @leaf and @index (place in the block) have room. 0 with *@count
 * of them; -EBADMSG: it is not the one proof for what it proves: hashes or
 * bits are missing or left over, or a node has two equal children
 * (CVE-2012-2459). What is in @leaf and @index is of no use then. */
BASE_MUST_CHECK int
chain_merkle_proof_extract(struct base_hash *root, struct base_hash *leaf,
			   uint32_t *index, uint32_t *count,
			   const struct chain_merkle_proof *proof);

#endif
