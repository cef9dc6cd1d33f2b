/* SPDX-License-Identifier: MIT */
/*
 * fuzz_tx.c: any bytes as a transaction, by itself and on coins that are
 * made of the outpoints that ask for them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "chain/spend.h"
#include "chain_fixture.h"

#define BYTES_MAX (64u << 10)
#define INPUTS_MAX (BYTES_MAX / CHAIN_SPEND_SIZE_MIN)
#define CHANGES_MAX (BYTES_MAX / CHAIN_COIN_OUTPUT_SIZE)
#define HEIGHT 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chain_params p;
static struct chain_changes changes;
static struct chain_check check[INPUTS_MAX];
static uint8_t stripped[BYTES_MAX];

static void init(void)
{
	static uint64_t memory[1u << 16];
	static const uint8_t salt[CHAIN_SALT_SIZE] = {5};

	fixture_params(&p);
	p.max_block_bytes = BYTES_MAX;
	p.max_block_inputs = INPUTS_MAX;
	p.coinbase_maturity = 3;
	BASE_ASSERT(chain_changes_size(CHANGES_MAX) <= sizeof(memory));
	chain_changes_init(&changes, memory, CHANGES_MAX, salt);
}

/* Nothing, a failure, or a coin, as the id's first byte says. */
static int get(void *ctx, struct chain_coin *out,
	       const struct chain_outpoint *at)
{
	const uint8_t *b = at->txid.b;

	(void)ctx;
	if (b[0] == 0)
		return -ENOENT;
	if (b[0] == 1)
		return -EIO;
	out->amount.units = (int64_t)(base_load_le64(b + 8) >> 13);
	if (out->amount.units > BASE_MAX_MONEY)
		out->amount.units = BASE_MAX_MONEY;
	memcpy(out->key, p.output[0].key, sizeof(out->key));
	out->height.n = HEIGHT - b[1] % 5;
	out->coinbase = b[0] & 1;
	return 0;
}

static void check_changes(const struct chain_tx_view *tx,
			  struct base_amount fee)
{
	struct base_height height = {HEIGHT};
	int64_t in = 0, out = 0;
	struct base_hash id;

	BASE_ASSERT(changes.count == tx->input_count);
	chain_txid(&id, stripped, tx);
	chain_tx_create(&changes, tx, &id, height, false);
	for (size_t i = 0; i < changes.count; i++) {
		const struct chain_change *c = &changes.change[i];

		BASE_ASSERT(base_amount_valid(c->coin.amount));
		BASE_ASSERT(c->created != c->spent);
		if (c->spent)
			in += c->coin.amount.units;
		else
			out += c->coin.amount.units;
	}
	BASE_ASSERT(base_amount_valid(fee) && in - out == fee.units);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chain_coins coins = {.get = get};
	const struct chain_spending s = {.params = &p,
					 .coins = &coins,
					 .changes = &changes,
					 .height.n = HEIGHT};
	struct base_reader r = base_reader_init(data, size);
	struct base_amount fee, again;
	struct chain_tx_view tx;
	enum chain_verdict v;
	static bool ready;

	if (!ready)
		init();
	ready = true;
	if (chain_tx_parse(&tx, &r) < 0)
		return 0;
	v = chain_tx_check(&tx, &p);
	BASE_ASSERT(!chain_verdict_malformed(v));
	if (v != CHAIN_OK)
		return 0;
	chain_changes_clear(&changes, tx.input_count);
	v = chain_tx_spend(&fee, NULL, &s, &tx);
	chain_changes_clear(&changes, CHANGES_MAX);
	BASE_ASSERT(v == chain_tx_spend(&again, check, &s, &tx));
	if (v != CHAIN_OK)
		return 0;
	BASE_ASSERT(fee.units == again.units);
	(void)chain_checks_valid(check, 1);
	check_changes(&tx, fee);
	return 0;
}
