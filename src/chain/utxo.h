/* SPDX-License-Identifier: MIT */
/*
 * utxo.h: unspent outputs: where they are, what they hold, who knows them.
 *
 * Floor 2, pure (chain.md, State and storage). Only P2TR outputs are coins,
 * so that a key stands for the whole script.
 */
#ifndef CHAIN_UTXO_H
#define CHAIN_UTXO_H

#include "base/bytes.h"
#include "chain/params.h"

struct chain_outpoint {
	struct base_hash txid;
	uint32_t index;
};

static inline bool chain_outpoint_equal(const struct chain_outpoint *a,
					const struct chain_outpoint *b)
{
	return a->index == b->index && base_hash_equal(&a->txid, &b->txid);
}

/* As transactions have it: id, then index, little-endian. */
#define CHAIN_OUTPOINT_SIZE 36
void chain_outpoint_write(uint8_t out[static CHAIN_OUTPOINT_SIZE],
			  const struct chain_outpoint *at);
void chain_outpoint_read(struct chain_outpoint *out,
			 const uint8_t in[static CHAIN_OUTPOINT_SIZE]);

struct chain_coin {
	struct base_amount amount;   /* 0..BASE_MAX_MONEY */
	uint8_t key[CHAIN_KEY_SIZE]; /* P2TR output key, perhaps no point */
	struct base_height height;   /* of the block that made it */
	bool coinbase; /* has to mature; false for genesis outputs */
};

/* Exact form for storage: amount | key | height | coinbase (0 or 1). */
#define CHAIN_COIN_SIZE (8 + CHAIN_KEY_SIZE + 4 + 1)
void chain_coin_write(uint8_t out[static CHAIN_COIN_SIZE],
		      const struct chain_coin *coin);
/* 0, or -EINVAL when @in cannot have been written by the above. */
BASE_MUST_CHECK int chain_coin_read(struct chain_coin *out,
				    const uint8_t in[static CHAIN_COIN_SIZE]);

/*
 * The unspent outputs as they are before a block or transaction: what the
 * rules ask, and storage or the mempool answers. get(): 0; -ENOENT: there is
 * none, or it is spent; another -errno: it cannot be known (storage failed),
 * and nothing is said about the block. @out is untouched on failure.
 */
struct chain_coins {
	int (*get)(void *ctx, struct chain_coin *out,
		   const struct chain_outpoint *at);
	void *ctx;
};

/* No coin at all. */
extern const struct chain_coins chain_coins_empty;

#endif
