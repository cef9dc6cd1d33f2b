/* SPDX-License-Identifier: MIT */
#include "chain/tx_proof.h"

#include <errno.h>

#define STRIPPED_MIN 65 /* chain/spend.h; a coinbase is longer, too */

int chain_tx_proof_read(struct chain_tx_proof *out, struct base_reader *r)
{
	struct chain_tx_proof p;

	_Static_assert(sizeof(struct base_hash) == 32 &&
			       _Alignof(struct base_hash) == 1,
		       "siblings are read where they stand");
	p.height.n = base_read_le32(r);
	p.index = base_read_le32(r);
	p.depth = base_read_u8(r);
	if (p.depth > CHAIN_MERKLE_DEPTH_MAX) {
		r->failed = true;
		return -EBADMSG;
	}
	p.branch = (const struct base_hash *)base_read_bytes(
		r, p.depth * sizeof(struct base_hash));
	if (chain_tx_parse(&p.tx, r) < 0 || p.tx.stripped_len < STRIPPED_MIN) {
		r->failed = true;
		return -EBADMSG;
	}
	*out = p;
	return 0;
}

void chain_tx_proof_write(struct base_writer *w, const struct chain_tx_proof *p)
{
	base_write_le32(w, p->height.n);
	base_write_le32(w, p->index);
	base_write_u8(w, (uint8_t)p->depth);
	base_write_bytes(w, p->branch, p->depth * sizeof(struct base_hash));
	base_write_bytes(w, p->tx.data, p->tx.len);
}

bool chain_tx_proof_holds(struct base_hash *txid, uint8_t *scratch,
			  const struct chain_tx_proof *p,
			  const struct base_hash *merkle_root)
{
	struct base_hash root;

	chain_txid(txid, scratch, &p->tx);
	if (!chain_merkle_branch_proper(txid, p->index, p->branch, p->depth))
		return false;
	chain_merkle_climb_from(&root, txid, p->index, p->branch, p->depth);
	return base_hash_equal(&root, merkle_root);
}
