/* SPDX-License-Identifier: MIT */
/*
 * ledger.h: a chain of any size to measure with, and the list of its coins.
 *
 * All of it lies in memory shared between processes, so that another process
 * can prepare a chain, and so that none of it counts as this process' own
 * (RssAnon). Difficulty is trivial; few keys own all coins.
 */
#ifndef BENCH_LEDGER_H
#define BENCH_LEDGER_H

#include "chain/block.h"

#define LEDGER_COINS_MAX 10000000u
#define LEDGER_BLOCK_BYTES CHAIN_BLOCK_BYTES_DEFAULT
#define LEDGER_TX_INPUTS_MAX 1000
#define LEDGER_TX_OUTPUTS_MAX 1000

/* What the transactions of a block are like. Each spends coins at random out
 * of all that earlier blocks left, and shares their sum out evenly. */
struct ledger_shape {
	uint32_t inputs;
	uint32_t outputs;
	uint32_t txs; /* at most so many; as many as fit */
	bool sign;    /* otherwise signatures are zeros */
};

struct ledger_block {
	const uint8_t *data; /* until the next one is made */
	size_t len;
	uint32_t txs;		       /* without the coinbase */
	uint32_t inputs;	       /* of these */
	const struct base_hash *wtxid; /* of each, coinbase first */
};

struct ledger;

/* Room for @coins and the blocks of a measurement. NULL: no memory. */
struct ledger *ledger_create(uint32_t coins);
void ledger_free(struct ledger *l);

const struct chain_params *ledger_params(const struct ledger *l);

/* The context before the last block made, and after it. */
const struct chain_context *ledger_before(const struct ledger *l);
const struct chain_context *ledger_after(const struct ledger *l);

/* Coins on the list. */
uint32_t ledger_coins(const struct ledger *l);

void ledger_genesis(struct ledger_block *out, struct ledger *l);

/* The next block; the ledger is after it then. */
void ledger_next(struct ledger_block *out, struct ledger *l,
		 const struct ledger_shape *shape);

/* @count good checks, each of a key and a message of its own. */
void ledger_checks(struct chain_check *out, struct ledger *l, size_t count);

#endif
