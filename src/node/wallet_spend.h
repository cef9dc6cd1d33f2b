/* SPDX-License-Identifier: MIT */
/*
 * wallet_spend.h: which coins pay for what, and the transaction that does.
 *
 * Floor 5; the thread that has the wallet. Selection is pure. All inputs are
 * P2TR by key path, so that sizes are exact. Fees are rounded up.
 */
#ifndef NODE_WALLET_SPEND_H
#define NODE_WALLET_SPEND_H

#include "chain/mempool.h"
#include "chain/script.h"
#include "node/wallet.h"

#define NODE_SPEND_INPUTS_MAX 500u
/* A slip of the hand, not a fee: 0.1 coins. */
#define NODE_SPEND_FEE_MAX (BASE_COIN / 10)

struct node_spend {
	/* Asked. */
	uint8_t key[CHAIN_KEY_SIZE]; /* who is paid */
	struct base_amount amount;   /* 1..MAX_MONEY */
	bool fee_from_amount;
	int64_t fee_rate; /* units per 1000 vB, at most 10^12 */
	char memo[CHAIN_DATA_MAX + 1];
	size_t memo_len;     /* 0: none */
	uint32_t inputs_max; /* 1..SPEND_INPUTS_MAX */
	/* Answered by node_spend_select(). */
	const struct node_wallet_coin *coin[NODE_SPEND_INPUTS_MAX];
	uint32_t inputs;
	struct base_amount paid;
	struct base_amount change; /* 0: none */
	struct base_amount fee;
	/* For node_spend_build(). */
	uint8_t change_key[CHAIN_KEY_SIZE];
	bool change_first;
};

/* Weight (BIP141) of a transaction with @inputs, and its virtual size. */
uint32_t node_spend_weight(uint32_t inputs, bool change, size_t memo_len);

/*
 * Chooses among @count coins, all spendable; their order is changed. The
 * smallest that suffices alone, else the largest first. Change below the dust
 * limit goes to the fee. 0; -ENOSPC: not enough; -E2BIG: not enough within
 * inputs_max, s->paid says what they would pay; -EDOM: what is left of the
 * amount is dust; -ERANGE: the fee is over FEE_MAX.
 */
BASE_MUST_CHECK int node_spend_select(struct node_spend *s,
				      const struct node_wallet_coin **coin,
				      size_t count);

/* The largest that node_spend_build() makes. */
#define NODE_SPEND_SIZE_MAX \
	(64 + (41 + 66) * NODE_SPEND_INPUTS_MAX + 2 * 43 + 12 + CHAIN_DATA_MAX)

/* Serialises and signs what was selected; every signature is verified again.
 * 0 with *@len; -EIO: no randomness; -EINVAL: @secret is not of these keys. */
BASE_MUST_CHECK int node_spend_build(uint8_t out[static NODE_SPEND_SIZE_MAX],
				     size_t *len, const struct node_spend *s,
				     const struct node_wallet *w,
				     const struct node_xprv *secret);

#endif
