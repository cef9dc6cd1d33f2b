/* SPDX-License-Identifier: MIT */
/*
 * tx_proof.h: a transaction, its place in a block, and why that is true.
 *
 * Floor 2, pure. As bytes, integers little-endian:
 *   height u32 | index in the block u32 | count of siblings u8 |
 *   siblings, deepest first | the transaction as in BIP144
 * The siblings lead from its txid to the merkle root in the header of that
 * height. A transaction of 64 bytes could be an inner node of the tree
 * (CVE-2017-12842); no block has one of less than 65, and such a proof is
 * refused. What a witness says is not proved.
 */
#ifndef CHAIN_TX_PROOF_H
#define CHAIN_TX_PROOF_H

#include "chain/merkle.h"
#include "chain/tx.h"

/* Bytes besides the transaction. */
#define CHAIN_TX_PROOF_EXTRA(depth) \
	(4 + 4 + 1 + sizeof(struct base_hash) * (size_t)(depth))

struct chain_tx_proof {
	struct base_height height;
	uint32_t index;
	uint32_t depth; /* siblings, at most CHAIN_MERKLE_DEPTH_MAX */
	const struct base_hash *branch;
	struct chain_tx_view tx;
};

/* Takes one off the front of @r; borrows its bytes. 0, or -EBADMSG: the form
 * is wrong, and the reader has failed. */
BASE_MUST_CHECK int chain_tx_proof_read(struct chain_tx_proof *out,
					struct base_reader *r);

void chain_tx_proof_write(struct base_writer *w,
			  const struct chain_tx_proof *p);

/* It holds for a header with @merkle_root, and has no second form with another
 * index. @txid is written in any case; @scratch holds tx.stripped_len bytes. */
bool chain_tx_proof_holds(struct base_hash *txid, uint8_t *scratch,
			  const struct chain_tx_proof *p,
			  const struct base_hash *merkle_root);

#endif
