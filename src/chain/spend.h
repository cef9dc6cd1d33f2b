/* SPDX-License-Identifier: MIT */
/*
 * spend.h: the rules for transactions that spend (chain.md, Transactions).
 *
 * Floor 2, pure. First what a transaction says by itself, then what it does
 * to the coins. Signatures are not verified here: each input yields a check
 * that the caller, or a thread of its choice, verifies (chain/signature.h).
 */
#ifndef CHAIN_SPEND_H
#define CHAIN_SPEND_H

#include "chain/changes.h"
#include "chain/signature.h"
#include "chain/tx.h"
#include "chain/verdict.h"

/* What every input with its witness, and every coin, takes at least in a
 * block: bounds for tables. */
#define CHAIN_SPEND_SIZE_MIN (41 + 2 + CHAIN_SIGNATURE_SIZE)
#define CHAIN_COIN_OUTPUT_SIZE 43

/*
 * The rules that need no coins: size, version, lock time, sequences, no null
 * or script in an input, output amounts and scripts, one 64-byte signature in
 * each witness. CHAIN_OK or one of CHAIN_BAD_TX_*. A coinbase is refused;
 * that inputs differ is seen by chain_tx_spend().
 */
enum chain_verdict chain_tx_check(const struct chain_tx_view *tx,
				  const struct chain_params *p);

struct chain_spending {
	const struct chain_params *params;
	const struct chain_coins *coins; /* before all of it */
	struct chain_changes *changes;	 /* so far */
	struct base_height height;	 /* of the block */
};

/*
 * Spends the inputs of @tx, which has passed chain_tx_check(): coins exist,
 * are unspent and mature, amounts suffice. Adds at most input_count changes.
 * @check is for input_count checks, or NULL when the signatures are known to
 * be good. CHAIN_OK with *@fee >= 0; otherwise CHAIN_BAD_SPEND*,
 * CHAIN_BAD_TX_DUPLICATE or CHAIN_COINS_FAILED, and what is in @changes and
 * @check by then is to be thrown away.
 */
enum chain_verdict chain_tx_spend(struct base_amount *fee,
				  struct chain_check *check,
				  const struct chain_spending *s,
				  const struct chain_tx_view *tx);

/* Adds the P2TR outputs of @tx as coins; @coinbase: they have to mature. At
 * most output_count changes. */
void chain_tx_create(struct chain_changes *changes,
		     const struct chain_tx_view *tx,
		     const struct base_hash *txid, struct base_height height,
		     bool coinbase);

#endif
