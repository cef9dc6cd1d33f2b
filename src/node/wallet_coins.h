/* SPDX-License-Identifier: MIT */
/*
 * wallet_coins.h: which coins are ours, in the chain and in the pool.
 *
 * Floor 5; the thread that has the wallet. Found anew whenever it is asked:
 * from the chain what was appended since the last time, from the pool all.
 */
#ifndef NODE_WALLET_COINS_H
#define NODE_WALLET_COINS_H

#include "chain/tx.h"
#include "node/pool_copy.h"
#include "node/wallet.h"
#include "store/store.h"

/* Takes in all blocks of the snapshot of @r, which has @known. 0; -EBADMSG: the
 * store is damaged; -ENOMEM, -ENOSPC as node_wallet_derive(); errors of files.
 */
BASE_MUST_CHECK int node_wallet_sync(struct node_wallet *w,
				     struct store_reader *r,
				     struct base_height known,
				     struct base_error *err);

/* For a light node, which has no blocks: forgets all coins; takes in one
 * transaction of the chain, in its order. 0; -ENOMEM, -ENOSPC. */
void node_wallet_forget(struct node_wallet *w);
BASE_MUST_CHECK int node_wallet_take_tx(struct node_wallet *w,
					const struct chain_tx_view *tx,
					struct base_height height, bool first);

/* Takes in those transactions of a pool that touch our coins and addresses:
 * w->pending and w->spent. @pool was copied before the snapshot was taken
 * that node_wallet_sync() has seen in between: a block that came meanwhile is
 * then seen in both or in the chain, never in none. 0, -ENOMEM, -ENOSPC. */
BASE_MUST_CHECK int node_wallet_sync_pool(struct node_wallet *w,
					  const struct node_pool_copy *pool);

/* The sum of all that counts, in units. */
struct node_wallet_balance {
	struct base_amount trusted;  /* confirmed, mature, or our own change */
	struct base_amount pending;  /* others' payments that wait */
	struct base_amount immature; /* coinbase outputs */
};

/* Whether coin @c, confirmed or pending, can be spent in the next block with
 * a coinbase maturity of @maturity, and nothing in the pool does so. */
bool node_wallet_spendable(const struct node_wallet *w,
			   const struct node_wallet_coin *c, uint32_t maturity);
bool node_wallet_mature(const struct node_wallet *w,
			const struct node_wallet_coin *c, uint32_t maturity);

/* 0 for a pending coin. */
uint32_t node_wallet_confirmations(const struct node_wallet *w,
				   const struct node_wallet_coin *c);

/* @depth: confirmations that "trusted" asks for; 0: change counts, too. */
void node_wallet_balance(struct node_wallet_balance *out,
			 const struct node_wallet *w, uint32_t maturity,
			 uint32_t depth);

#endif
