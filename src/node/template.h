/* SPDX-License-Identifier: MIT */
/*
 * template.h: the next block, but for what miners find.
 *
 * Floor 5; the consensus thread's. Transactions chosen from the pool, a
 * coinbase that takes their fees, and the work for the miners: a header that
 * lacks its time, merkle root and nonce, and the way from coinbase to root.
 */
#ifndef NODE_TEMPLATE_H
#define NODE_TEMPLATE_H

#include "chain/block.h"
#include "chain/mempool.h"
#include "pow/pool.h"

struct node_template {
	struct pow_work work;
	uint8_t *txs; /* the chosen transactions, serialised */
	size_t txs_len;
	uint32_t tx_count; /* of them, without the coinbase */
	struct base_amount fees;
	/* For the making. */
	const struct chain_mempool_entry **chosen;
	struct base_hash *leaf;
	uint32_t chosen_max;
};

/* Memory for blocks of at most @max_block_bytes. 0 or -ENOMEM; either way
 * node_template_free() frees. */
BASE_MUST_CHECK int node_template_init(struct node_template *t,
				       uint32_t max_block_bytes);
void node_template_free(struct node_template *t);

struct node_template_options {
	const struct chain_params *params;
	const struct chain_context *tip;
	uint8_t sender; /* our committee index */
	const uint8_t *payout_key;
	uint64_t work_id;
};

/* Makes @t the template on the tip, with the best of @mempool. */
void node_template_build(struct node_template *t,
			 const struct node_template_options *options,
			 struct chain_mempool *mempool);

/* The whole block for a hit on the template's work. Returns its length; it
 * fits into @cap >= the network's max_block_bytes. */
size_t node_template_block(uint8_t *out, size_t cap,
			   const struct node_template *t,
			   const struct pow_found *found);

#endif
