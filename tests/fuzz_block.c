/* SPDX-License-Identifier: MIT */
/*
 * fuzz_block.c: any bytes as a block, as they come and with the proof of
 * work, parent and merkle root made right, so that the rules behind them are
 * reached as well.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "chain/block.h"
#include "chain/merkle.h"
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

/* Ids of what parses; the root goes into the header. */
static void repair(uint8_t *data, size_t size)
{
	struct base_reader r = base_reader_init(data + CHAIN_HEADER_SIZE,
						size - CHAIN_HEADER_SIZE);
	uint64_t count = base_read_compact_size(&r);
	struct chain_header h;
	size_t n = 0;
	bool mutated;

	while (n < count && n < BASE_COUNT(hashes)) {
		struct chain_tx_view tx;

		if (chain_tx_parse(&tx, &r) < 0)
			break;
		check_tx(&tx);
		chain_txid(&hashes[n++], bytes, &tx);
	}
	if (n == 0)
		return;
	chain_header_read(&h, data);
	chain_merkle_root(&h.merkle_root, &mutated, hashes, n);
	h.version = CHAIN_VERSION;
	h.prev = ctx.hash;
	h.bits = EASIEST_BITS;
	h.time = h.time > 1700000000 ? h.time : 1700000001;
	chain_header_write(data, &h);
}

static void check(const uint8_t *data, size_t size)
{
	struct chain_block_info info;
	enum chain_verdict alone =
		chain_block_check(&info, &p, &scratch, data, size);
	enum chain_verdict v = chain_block_validate(
		&info, &p, &ctx, &chain_coins_empty, &scratch, data, size);

	BASE_ASSERT(alone == CHAIN_OK || v == alone);
	BASE_ASSERT(!chain_verdict_malformed(v) || v == alone);
	if (v != CHAIN_OK)
		return;
	BASE_ASSERT(info.height.n == 1 && info.sender < p.member_count);
	BASE_ASSERT(info.coinbase_out.units >= 0 &&
		    info.coinbase_out.units <= p.subsidy_initial.units);
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
