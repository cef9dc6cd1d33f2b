/* SPDX-License-Identifier: MIT */
#include "chain/utxo.h"

#include <errno.h>

#include "base/assert.h"

#define KEY_AT 8
#define HEIGHT_AT (KEY_AT + CHAIN_KEY_SIZE)
#define COINBASE_AT (HEIGHT_AT + 4)

static int get_none(void *ctx, struct chain_coin *out,
		    const struct chain_outpoint *at)
{
	(void)ctx;
	(void)out;
	(void)at;
	return -ENOENT;
}

const struct chain_coins chain_coins_empty = {.get = get_none};

void chain_outpoint_write(uint8_t out[static CHAIN_OUTPOINT_SIZE],
			  const struct chain_outpoint *at)
{
	memcpy(out, at->txid.b, sizeof(at->txid.b));
	base_store_le32(out + sizeof(at->txid.b), at->index);
}

void chain_outpoint_read(struct chain_outpoint *out,
			 const uint8_t in[static CHAIN_OUTPOINT_SIZE])
{
	memcpy(out->txid.b, in, sizeof(out->txid.b));
	out->index = base_load_le32(in + sizeof(out->txid.b));
}

void chain_coin_write(uint8_t out[static CHAIN_COIN_SIZE],
		      const struct chain_coin *coin)
{
	BASE_ASSERT(base_amount_valid(coin->amount));
	base_store_le64(out, (uint64_t)coin->amount.units);
	memcpy(out + KEY_AT, coin->key, sizeof(coin->key));
	base_store_le32(out + HEIGHT_AT, coin->height.n);
	out[COINBASE_AT] = coin->coinbase;
}

int chain_coin_read(struct chain_coin *out,
		    const uint8_t in[static CHAIN_COIN_SIZE])
{
	struct chain_coin coin = {
		.amount.units = (int64_t)base_load_le64(in),
		.height.n = base_load_le32(in + HEIGHT_AT),
		.coinbase = in[COINBASE_AT] == 1,
	};

	if (!base_amount_valid(coin.amount) || in[COINBASE_AT] > 1)
		return -EINVAL;
	memcpy(coin.key, in + KEY_AT, sizeof(coin.key));
	*out = coin;
	return 0;
}
