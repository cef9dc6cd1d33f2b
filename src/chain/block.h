/* SPDX-License-Identifier: MIT */
/*
 * block.h: blocks as bytes: checked, executed, assembled, and the first one.
 *
 * Floor 2, pure: working memory comes in as a scratch area.
 * header | varint count | transactions, coinbase first.
 */
#ifndef CHAIN_BLOCK_H
#define CHAIN_BLOCK_H

#include "chain/coinbase.h"
#include "chain/context.h"
#include "chain/header.h"
#include "chain/params.h"
#include "chain/scratch.h"
#include "chain/tx.h"
#include "chain/verdict.h"

#define CHAIN_TX_SIZE_MIN 60 /* smallest transaction with one in, one out */
#define CHAIN_BLOCK_TXS_MAX (CHAIN_BLOCK_BYTES_MAX / CHAIN_TX_SIZE_MIN)

struct chain_block_info {
	struct chain_header header;
	struct base_hash hash;
	uint32_t tx_count;
	uint8_t sender;		   /* committee index that the coinbase binds */
	struct base_height height; /* that the coinbase binds */
	struct base_amount coinbase_out; /* sum of the coinbase's outputs */
};

/*
 * What can be known of a block without its parent: shape, size, version,
 * proof of work, merkle root, mutation, coinbase form (the sender is below
 * member_count), witness commitment, chain_tx_check() of each spend. What
 * condemns the hash is only said once the merkle root binds the body to it.
 * @out is complete for CHAIN_OK only.
 */
enum chain_verdict chain_block_check(struct chain_block_info *out,
				     const struct chain_params *p,
				     struct chain_scratch *scratch,
				     const uint8_t *block, size_t len);

/* Transactions whose signatures are known to be good: has() is asked for the
 * wtxid, so that the answer covers the very witness. */
struct chain_known {
	bool (*has)(void *ctx, const struct base_hash *wtxid);
	void *ctx;
};

/*
 * All rules for extending @ctx but the signatures: chain_block_check(), then
 * prev, difficulty, MTP, coinbase height, every spend in order on @coins, the
 * unspent outputs of @ctx, and the coinbase's amount against subsidy and fees.
 * After CHAIN_OK @scratch holds, until its next use,
 * - check[0..check_count): signatures of transactions that @known (NULL: of
 *   none) has not; the block is valid only if each verifies, on whatever
 *   thread, otherwise it is CHAIN_BAD_SIGNATURE;
 * - changes: what the block does to the coins, for the store;
 * - txid, wtxid: of its tx_count transactions.
 * CHAIN_COINS_FAILED: @coins could not be read; try again.
 */
enum chain_verdict chain_block_execute(struct chain_block_info *out,
				       const struct chain_params *p,
				       const struct chain_context *ctx,
				       const struct chain_coins *coins,
				       const struct chain_known *known,
				       struct chain_scratch *scratch,
				       const uint8_t *block, size_t len);

/* All rules: chain_block_execute() and, here and now, the signatures. */
enum chain_verdict chain_block_validate(struct chain_block_info *out,
					const struct chain_params *p,
					const struct chain_context *ctx,
					const struct chain_coins *coins,
					struct chain_scratch *scratch,
					const uint8_t *block, size_t len);

/* Bytes that wrap the coinbase in a block besides other transactions. */
#define CHAIN_BLOCK_OVERHEAD (CHAIN_HEADER_SIZE + 9 + 2 + 1 + 1 + 32)

/*
 * Puts a block together: @header as mined, the coinbase serialised without
 * witness (its witness, one 32-byte zero item, is added), and @tx_count
 * further transactions, already serialised one after the other in @txs.
 * Returns the length, or 0 when @cap is too small.
 */
size_t chain_block_assemble(uint8_t *out, size_t cap,
			    const uint8_t header[static CHAIN_HEADER_SIZE],
			    const uint8_t *coinbase, size_t coinbase_len,
			    const uint8_t *txs, size_t txs_len,
			    uint32_t tx_count);

#define CHAIN_GENESIS_MAX (512 + 43 * CHAIN_OUTPUTS_MAX)

/*
 * The genesis block of @p: scriptSig `00 20` and @params_hash, the SHA-256
 * of the network file's canonical form; the initial outputs, then the
 * witness commitment; exempt from proof of work. Returns its length, at most
 * CHAIN_GENESIS_MAX, the least @cap.
 */
size_t chain_genesis_build(uint8_t *out, size_t cap,
			   const struct chain_params *p,
			   const struct base_hash *params_hash);

/* The coins of a genesis block that chain_genesis_build() made, as changes in
 * @scratch: they need not mature. */
void chain_genesis_execute(struct chain_scratch *scratch,
			   const uint8_t *genesis, size_t len);

#endif
