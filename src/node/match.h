/* SPDX-License-Identifier: MIT */
/*
 * match.h: which transactions of a block somebody asks for, and their
 * proofs.
 *
 * Floor 5; one thread. Keys are wire.h's: output keys, and txids whose outputs
 * are spent. They are strangers' choice, as transactions are: the table of them
 * is keyed.
 */
#ifndef NODE_MATCH_H
#define NODE_MATCH_H

#include "base/error.h"
#include "chain/siphash.h"
#include "chain/tx_proof.h"

#define NODE_MATCH_KEY_SIZE 32
#define NODE_MATCH_SLOTS 4096u
#define NODE_MATCH_KEYS_MAX (NODE_MATCH_SLOTS / 2)

struct node_match_found {
	struct chain_tx_view tx;
	uint32_t index;
};

struct node_match {
	struct chain_siphash_key hasher;
	/* The keys. */
	uint32_t count;
	uint16_t slot[NODE_MATCH_SLOTS]; /* number of a key + 1; 0: free */
	uint8_t key[NODE_MATCH_KEYS_MAX][NODE_MATCH_KEY_SIZE];
	/* The block looked at last. */
	uint32_t txs_max;
	uint32_t txs; /* its transactions */
	uint32_t found_count;
	struct node_match_found *found; /* room for txs_max */
	struct chain_tx_view *view;	/* of all its transactions */
	struct base_hash *tree;		/* its merkle tree, when complete */
	bool tree_made;
	uint8_t *scratch; /* of one transaction */
};

/* For blocks of @max_block_bytes. 0; -ENOMEM; -EIO: no random numbers. */
BASE_MUST_CHECK int node_match_open(struct node_match *m,
				    uint32_t max_block_bytes,
				    struct base_error *err);
void node_match_close(struct node_match *m);

/* Forgets all keys. */
void node_match_clear(struct node_match *m);
/* False: there are NODE_MATCH_KEYS_MAX. One that is there counts once. */
bool node_match_add(struct node_match *m,
		    const uint8_t key[static NODE_MATCH_KEY_SIZE]);
bool node_match_has(const struct node_match *m,
		    const uint8_t key[static NODE_MATCH_KEY_SIZE]);

/*
 * Looks through a block, borrowed while its finds are used. The txids of those
 * found become keys, so that who spends them is found, too; where there is no
 * room for one more key, the search ends behind that transaction, and *@end is
 * the next one's index, else their number. 0; -EBADMSG: it is no block.
 */
BASE_MUST_CHECK int node_match_block(struct node_match *m, uint32_t *end,
				     const uint8_t *block, size_t len);

/* The transaction with @txid of a block. 0; -ENOENT; -EBADMSG. */
BASE_MUST_CHECK int node_match_txid(struct node_match *m, const uint8_t *block,
				    size_t len, const struct base_hash *txid);

/* The proof of one found in the last block, whose height is @height; borrows
 * @branch. */
void node_match_proof(struct chain_tx_proof *out,
		      struct base_hash branch[static CHAIN_MERKLE_DEPTH_MAX],
		      struct node_match *m, const struct node_match_found *f,
		      struct base_height height);

#endif
