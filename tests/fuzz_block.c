/* SPDX-License-Identifier: MIT */
/*
 * fuzz_block.c: any bytes as a block, as they come and with the proof of
 * work, parent, witness commitment and merkle root made right, so that the
 * rules behind them are reached as well.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "chain/block.h"
#include "chain/merkle.h"
#include "chain/script.h"
#include "chain_fixture.h"

#define BYTES_MAX (64u << 10)
#define EASIEST_BITS 0x2100ffffu /* all but one hash in 65,536 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chain_params p;
static struct chain_context ctx;
static struct chain_scratch scratch;
static struct base_hash hashes[BYTES_MAX / CHAIN_TX_SIZE_MIN];
static uint8_t bytes[BYTES_MAX];
static uint8_t block[BYTES_MAX];

static void init(void)
{
	static uint64_t memory[1u << 16];
	static const uint8_t salt[CHAIN_SALT_SIZE];
	struct chain_header g = {.version = CHAIN_VERSION,
				 .time = 1700000000,
				 .bits = EASIEST_BITS};

	fixture_params(&p);
	memset(&p.pow_limit, 0xff, sizeof(p.pow_limit));
	p.genesis_bits = EASIEST_BITS;
	p.max_block_bytes = BYTES_MAX;
	chain_context_init(&ctx, &g);
	BASE_ASSERT(chain_scratch_size(BYTES_MAX) <= sizeof(memory));
	chain_scratch_init(&scratch, memory, BYTES_MAX, salt);
}

/* A transaction's stripped form parses to the same, with the same id. */
static void check_tx(const struct chain_tx_view *tx)
{
	struct base_reader r;
	struct chain_tx_view again;
	struct base_hash id;
	struct base_hash other;
	int rc;

	BASE_ASSERT(tx->stripped_len >= CHAIN_TX_SIZE_MIN &&
		    tx->stripped_len <= tx->len);
	chain_txid(&id, bytes, tx);
	chain_tx_strip(bytes, tx);
	r = base_reader_init(bytes, tx->stripped_len);
	rc = chain_tx_parse(&again, &r);
	BASE_ASSERT(rc == 0 && base_reader_done(&r) && !again.has_witness);
	BASE_ASSERT(again.input_count == tx->input_count);
	BASE_ASSERT(again.output_count == tx->output_count);
	chain_wtxid(&other, &again);
	BASE_ASSERT(base_hash_equal(&id, &other));
}

/* Coins of 1 to 256 units, by ids that no transaction can have. */
static int get(void *unused, struct chain_coin *out,
	       const struct chain_outpoint *at)
{
	(void)unused;
	for (size_t i = 2; i < sizeof(at->txid.b); i++)
		if (at->txid.b[i] != 0x55)
			return -ENOENT;
	*out = (struct chain_coin){.amount.units = at->txid.b[1] + 1};
	memcpy(out->key, p.output[0].key, sizeof(out->key));
	return 0;
}

/* Writes the right commitment over that of @coinbase, which is in @data. */
static void commit(uint8_t *data, const struct chain_tx_view *coinbase,
		   size_t n)
{
	struct base_hash root, commitment;
	bool mutated;

	memset(&hashes[0], 0, sizeof(hashes[0]));
	chain_merkle_root(&root, &mutated, hashes, n);
	chain_witness_commitment(&commitment, &root);
	for (uint32_t i = 0; i < coinbase->output_count; i++) {
		struct chain_tx_output o;

		chain_tx_output_at(&o, coinbase, i);
		if (chain_script_kind(o.script, o.script_len) !=
		    CHAIN_SCRIPT_COMMITMENT)
			continue;
		memcpy(data + (o.script - data) + CHAIN_COMMITMENT_AT,
		       commitment.b, sizeof(commitment.b));
		return;
	}
}

/* Ids, or witness ids, of what parses; returns how many. */
static size_t read_ids(struct chain_tx_view *first, const uint8_t *data,
		       size_t size, bool witness)
{
	struct base_reader r = base_reader_init(data + CHAIN_HEADER_SIZE,
						size - CHAIN_HEADER_SIZE);
	uint64_t count = base_read_compact_size(&r);
	size_t n = 0;

	while (n < count && n < BASE_COUNT(hashes)) {
		struct chain_tx_view tx;

		if (chain_tx_parse(&tx, &r) < 0)
			break;
		check_tx(&tx);
		if (n == 0)
			*first = tx;
		if (witness)
			chain_wtxid(&hashes[n++], &tx);
		else
			chain_txid(&hashes[n++], bytes, &tx);
	}
	return n;
}

static void repair(uint8_t *data, size_t size)
{
	struct chain_tx_view coinbase;
	struct chain_header h;
	size_t n = read_ids(&coinbase, data, size, true);
	bool mutated;

	if (n == 0)
		return;
	commit(data, &coinbase, n);
	n = read_ids(&coinbase, data, size, false);
	chain_header_read(&h, data);
	chain_merkle_root(&h.merkle_root, &mutated, hashes, n);
	h.version = CHAIN_VERSION;
	h.prev = ctx.hash;
	h.bits = EASIEST_BITS;
	h.time = h.time > 1700000000 ? h.time : 1700000001;
	chain_header_write(data, &h);
}

/* What a block leaves behind adds up: coins do not come from nowhere. */
static void check_changes(const struct chain_block_info *info)
{
	int64_t in = p.subsidy_initial.units, out = 0;

	for (size_t i = 0; i < scratch.changes.count; i++) {
		const struct chain_change *c = &scratch.changes.change[i];

		BASE_ASSERT(c->created || c->spent);
		in += c->created ? 0 : c->coin.amount.units;
		out += c->spent ? 0 : c->coin.amount.units;
	}
	BASE_ASSERT(out <= in);
	BASE_ASSERT(info->tx_count > 1 || scratch.check_count == 0);
}

static void check(const uint8_t *data, size_t size)
{
	static const struct chain_coins coins = {.get = get};
	struct chain_block_info info;
	enum chain_verdict alone =
		chain_block_check(&info, &p, &scratch, data, size);
	enum chain_verdict v = chain_block_execute(&info, &p, &ctx, &coins,
						   NULL, &scratch, data, size);

	BASE_ASSERT(alone == CHAIN_OK || v == alone);
	BASE_ASSERT(!chain_verdict_malformed(v) || v == alone);
	if (v != CHAIN_OK)
		return;
	BASE_ASSERT(info.height.n == 1 && info.sender < p.member_count);
	BASE_ASSERT(base_amount_valid(info.coinbase_out));
	check_changes(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready)
		init();
	ready = true;
	check(data, size);
	if (size > BYTES_MAX || size <= CHAIN_HEADER_SIZE)
		return 0;
	memcpy(block, data, size);
	repair(block, size);
	check(block, size);
	return 0;
}
