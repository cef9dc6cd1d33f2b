/* SPDX-License-Identifier: MIT */
#include "node/template.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "chain/merkle.h"
#include "pow/target.h"

_Static_assert(CHAIN_COINBASE_BUILD_MAX <= POW_COINBASE_MAX,
	       "a coinbase fits into the work");
_Static_assert(CHAIN_EXTRANONCE_MIN == POW_EXTRANONCE_SIZE,
	       "the pool's extranonce is the coinbase's push");
_Static_assert(CHAIN_VERSION_ROLL == POW_VERSION_MASK,
	       "what the chain leaves free is what miners roll");
_Static_assert(CHAIN_MERKLE_DEPTH_MAX <= POW_BRANCH_MAX,
	       "every branch fits into the work");

/* Header, count, and the coinbase with its witness. */
#define NOT_FOR_TXS (CHAIN_BLOCK_OVERHEAD + CHAIN_COINBASE_BUILD_MAX)

int node_template_init(struct node_template *t, uint32_t max_block_bytes)
{
	*t = (struct node_template){.chosen_max = max_block_bytes /
						  CHAIN_TX_SIZE_MIN};
	t->txs = malloc(max_block_bytes);
	t->chosen = calloc(t->chosen_max, sizeof(*t->chosen));
	t->leaf = calloc((size_t)t->chosen_max + 1, sizeof(*t->leaf));
	return t->txs && t->chosen && t->leaf ? 0 : -ENOMEM;
}

void node_template_free(struct node_template *t)
{
	free(t->txs);
	free(t->chosen);
	free(t->leaf);
	*t = (struct node_template){0};
}

/* Chooses, and copies what was chosen: entries live no longer than the pool
 * lets them. */
static void choose(struct node_template *t, const struct chain_params *p,
		   struct chain_mempool *mempool)
{
	const struct chain_mempool_room room = {
		.bytes = p->max_block_bytes - NOT_FOR_TXS,
		.inputs = p->max_block_inputs,
		.txs = t->chosen_max,
	};
	struct chain_mempool_selection sel;

	chain_mempool_select(&sel, t->chosen, mempool, &room);
	t->tx_count = sel.count;
	t->fees = sel.fees;
	t->txs_len = 0;
	for (uint32_t i = 0; i < sel.count; i++) {
		memcpy(t->txs + t->txs_len, t->chosen[i]->data,
		       t->chosen[i]->len);
		t->txs_len += t->chosen[i]->len;
	}
	BASE_ASSERT(t->txs_len == sel.bytes);
}

static void commit_to_witnesses(struct base_hash *out, struct node_template *t)
{
	struct base_hash root;
	bool mutated; /* no: wtxids differ */

	/* The coinbase cannot commit to itself: zero stands for it. */
	memset(&t->leaf[0], 0, sizeof(t->leaf[0]));
	for (uint32_t i = 0; i < t->tx_count; i++)
		t->leaf[i + 1] = t->chosen[i]->wtxid;
	chain_merkle_root(&root, &mutated, t->leaf, (size_t)t->tx_count + 1);
	chain_witness_commitment(out, &root);
}

static void build_coinbase(struct node_template *t,
			   const struct node_template_options *o)
{
	struct chain_coinbase coinbase = {.height = {o->tip->height.n + 1},
					  .sender = o->sender};
	size_t at;

	memcpy(coinbase.key, o->payout_key, sizeof(coinbase.key));
	coinbase.value = chain_subsidy(o->params, coinbase.height);
	/* All the money there is may be less than what the rules would let
	 * us claim. */
	if (t->fees.units > BASE_MAX_MONEY - coinbase.value.units)
		coinbase.value.units = BASE_MAX_MONEY;
	else
		coinbase.value.units += t->fees.units;
	commit_to_witnesses(&coinbase.witness_commitment, t);
	t->work.coinbase_len = (uint32_t)chain_coinbase_build(
		t->work.coinbase, sizeof(t->work.coinbase), &at, &coinbase);
	t->work.extranonce_at = (uint32_t)at;
}

static void build_branch(struct node_template *t)
{
	for (uint32_t i = 0; i < t->tx_count; i++)
		t->leaf[i + 1] = t->chosen[i]->txid;
	t->work.branch_len = (uint32_t)chain_merkle_branch(
		t->work.branch, t->leaf, (size_t)t->tx_count + 1);
}

void node_template_build(struct node_template *t,
			 const struct node_template_options *o,
			 struct chain_mempool *mempool)
{
	struct chain_header header = {
		.version = CHAIN_VERSION,
		.prev = o->tip->hash,
		.bits = chain_context_next_bits(o->tip, o->params)};
	struct base_u256 target;
	int rc = pow_target_from_bits(&target, header.bits);

	BASE_ASSERT(rc == 0);
	memset(&t->work, 0, sizeof(t->work));
	t->work.id = o->work_id;
	t->work.version_mask = POW_VERSION_MASK;
	base_u256_to_hash(&t->work.target, &target);
	chain_header_write(t->work.header, &header);
	choose(t, o->params, mempool);
	build_coinbase(t, o);
	build_branch(t);
}

size_t node_template_block(uint8_t *out, size_t cap,
			   const struct node_template *t,
			   const struct pow_found *found)
{
	uint8_t coinbase[POW_COINBASE_MAX];
	size_t len;

	memcpy(coinbase, t->work.coinbase, t->work.coinbase_len);
	memcpy(coinbase + t->work.extranonce_at, found->extranonce,
	       sizeof(found->extranonce));
	len = chain_block_assemble(out, cap, found->header, coinbase,
				   t->work.coinbase_len, t->txs, t->txs_len,
				   t->tx_count);
	BASE_ASSERT(len > 0);
	return len;
}
