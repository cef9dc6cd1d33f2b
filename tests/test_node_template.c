/* SPDX-License-Identifier: MIT */
/*
 * A template with transactions, mined here as a miner would, is a block that
 * the rules accept.
 */
#include "test.h"

#include "chain_fixture.h"
#include "spend_fixture.h"

#include "chain/merkle.h"
#include "node/template.h"
#include "pow/sha256.h"

#define TXS_MAX 9
#define SECRET 3
#define COIN 100000
#define FEE 500

struct fixture {
	struct chain_params params;
	struct chain_context tip;
	struct spend_coins coins;
	struct chain_mempool *mempool;
	struct node_template template;
	struct spend_tx tx[TXS_MAX];
	uint8_t block[CHAIN_BLOCK_BYTES_MIN];
	size_t block_len;
	void *memory;
};

static int set_up(void **state)
{
	static const struct chain_siphash_key key = {{1, 2}};
	struct fixture *f = calloc(1, sizeof(*f));
	struct chain_header genesis = {.version = CHAIN_VERSION,
				       .bits = FIXTURE_BITS,
				       .time = FIXTURE_TIME_MS / 1000};
	size_t size = chain_mempool_memory(CHAIN_MEMPOOL_BYTES_MIN);

	assert_non_null(f);
	*state = f;
	fixture_params(&f->params);
	chain_context_init(&f->tip, &genesis);
	f->memory = aligned_alloc(64, (size + 63) / 64 * 64);
	assert_non_null(f->memory);
	f->mempool =
		chain_mempool_init(f->memory, CHAIN_MEMPOOL_BYTES_MIN, &key);
	for (int i = 0; i < TXS_MAX; i++)
		spend_coins_add(&f->coins, COIN, SECRET, 0, false);
	return node_template_init(&f->template, f->params.max_block_bytes);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	node_template_free(&f->template);
	free(f->memory);
	free(f);
	return 0;
}

/* The pool gets a transaction that spends coin @n and pays @fee. */
static void add_tx(struct fixture *f, unsigned n, int64_t fee)
{
	struct spend_tx *t = &f->tx[n];
	struct base_hash wtxid;

	*t = (struct spend_tx){.version = 2, .inputs = 1, .outputs = 1};
	spend_from(t, 0, &f->coins, n, SECRET);
	t->out[0] = (struct spend_out){.amount = COIN - fee, .secret = SECRET};
	spend_build(t);
	chain_wtxid(&wtxid, &t->view);
	assert_int_equal(chain_mempool_add(f->mempool, &t->view, &t->txid,
					   &wtxid, (struct base_amount){fee},
					   1700000000),
			 CHAIN_MEMPOOL_OK);
}

static void build(struct fixture *f)
{
	const struct node_template_options options = {
		.params = &f->params,
		.tip = &f->tip,
		.sender = 1,
		.payout_key = f->params.output[0].key,
		.work_id = 77};

	node_template_build(&f->template, &options, f->mempool);
}

/* What a miner does with the work: extranonce, root, nonce. */
static void mine(struct fixture *f)
{
	struct pow_work *w = &f->template.work;
	struct pow_found found = {.extranonce = {1, 2, 3, 4, 5, 6, 7, 8}};
	uint8_t coinbase[POW_COINBASE_MAX];
	struct chain_header header;
	struct base_hash leaf, hash;
	struct base_u256 target, value;

	memcpy(coinbase, w->coinbase, w->coinbase_len);
	memcpy(coinbase + w->extranonce_at, found.extranonce,
	       sizeof(found.extranonce));
	pow_sha256d(&leaf, coinbase, w->coinbase_len);
	chain_header_read(&header, w->header);
	chain_merkle_climb(&header.merkle_root, &leaf, w->branch,
			   w->branch_len);
	header.time = FIXTURE_TIME_MS / 1000 + 5;
	target = base_u256_from_hash(&w->target);
	do {
		header.nonce++;
		chain_header_hash(&hash, &header);
		value = base_u256_from_hash(&hash);
	} while (base_u256_compare(&value, &target) > 0);
	chain_header_write(found.header, &header);
	f->block_len = node_template_block(f->block, sizeof(f->block),
					   &f->template, &found);
}

static void check_block(struct fixture *f, uint32_t txs, int64_t fees)
{
	const struct chain_coins coins = {.get = spend_coins_get,
					  .ctx = &f->coins};
	const uint8_t salt[CHAIN_SALT_SIZE] = {1};
	struct chain_block_info info;
	struct chain_scratch scratch;
	void *memory = malloc(chain_scratch_size(f->params.max_block_bytes));

	assert_non_null(memory);
	chain_scratch_init(&scratch, memory, f->params.max_block_bytes, salt);
	assert_int_equal(chain_block_validate(&info, &f->params, &f->tip,
					      &coins, &scratch, f->block,
					      f->block_len),
			 CHAIN_OK);
	assert_int_equal(info.tx_count, txs + 1);
	assert_int_equal(info.sender, 1);
	assert_int_equal(info.coinbase_out.units, 50 * BASE_COIN + fees);
	free(memory);
}

static void every_number_of_transactions_makes_a_block(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < TXS_MAX; n++) {
		build(f);
		assert_int_equal(f->template.work.id, 77);
		mine(f);
		check_block(f, n, (int64_t)n * FEE);
		add_tx(f, n, FEE);
	}
}

static void pins_go_in_and_exclusions_stay_out(void **state)
{
	struct fixture *f = *state;

	f->params.max_block_inputs = 2;
	add_tx(f, 0, FEE);
	add_tx(f, 1, 3 * FEE);
	add_tx(f, 2, 4 * FEE);
	assert_int_equal(chain_mempool_pin(f->mempool, &f->tx[0].txid), 0);
	assert_int_equal(chain_mempool_exclude(f->mempool, &f->tx[2].txid), 0);
	build(f);
	mine(f);
	check_block(f, 2, 4 * FEE);
	chain_mempool_unmark(f->mempool, &f->tx[0].txid);
	chain_mempool_unmark(f->mempool, &f->tx[2].txid);
	build(f);
	mine(f);
	check_block(f, 2, 7 * FEE);
}

int main(void)
{
#define WITH_FIXTURE(test) \
	cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(every_number_of_transactions_makes_a_block),
		WITH_FIXTURE(pins_go_in_and_exclusions_stay_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
