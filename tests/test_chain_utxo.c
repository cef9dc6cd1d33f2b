/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain/utxo.h"

#include <errno.h>

static struct chain_coin example(void)
{
	struct chain_coin coin = {.amount.units = INT64_C(0x0102030405),
				  .height.n = 0xa0b0c0d0,
				  .coinbase = true};

	for (unsigned i = 0; i < sizeof(coin.key); i++)
		coin.key[i] = (uint8_t)(i + 1);
	return coin;
}

static void outpoints_are_as_in_transactions(void **state)
{
	struct chain_outpoint at = {.index = 0x01020304};
	struct chain_outpoint again;
	uint8_t bytes[CHAIN_OUTPOINT_SIZE];

	(void)state;
	at.txid.b[0] = 0xaa;
	at.txid.b[31] = 0xbb;
	chain_outpoint_write(bytes, &at);
	assert_int_equal(bytes[0], 0xaa);
	assert_int_equal(bytes[31], 0xbb);
	assert_int_equal(bytes[32], 4);
	assert_int_equal(bytes[35], 1);
	chain_outpoint_read(&again, bytes);
	assert_true(chain_outpoint_equal(&at, &again));
	again.index++;
	assert_false(chain_outpoint_equal(&at, &again));
	again = at;
	again.txid.b[31]++;
	assert_false(chain_outpoint_equal(&at, &again));
}

static void coins_come_back(void **state)
{
	struct chain_coin coin = example();
	struct chain_coin again;
	uint8_t bytes[CHAIN_COIN_SIZE];

	(void)state;
	chain_coin_write(bytes, &coin);
	assert_int_equal(bytes[0], 5);
	assert_int_equal(bytes[8], 1);
	assert_int_equal(bytes[39], 32);
	assert_int_equal(bytes[40], 0xd0);
	assert_int_equal(bytes[44], 1);
	assert_int_equal(chain_coin_read(&again, bytes), 0);
	assert_int_equal(again.amount.units, coin.amount.units);
	assert_memory_equal(again.key, coin.key, sizeof(coin.key));
	assert_int_equal(again.height.n, coin.height.n);
	assert_true(again.coinbase);
	coin.coinbase = false;
	chain_coin_write(bytes, &coin);
	assert_int_equal(chain_coin_read(&again, bytes), 0);
	assert_false(again.coinbase);
}

static void what_was_not_written_is_refused(void **state)
{
	struct chain_coin coin = example();
	struct chain_coin out = {.height.n = 77};
	uint8_t bytes[CHAIN_COIN_SIZE];

	(void)state;
	chain_coin_write(bytes, &coin);
	bytes[44] = 2;
	assert_int_equal(chain_coin_read(&out, bytes), -EINVAL);
	bytes[44] = 0;
	base_store_le64(bytes, (uint64_t)BASE_MAX_MONEY + 1);
	assert_int_equal(chain_coin_read(&out, bytes), -EINVAL);
	base_store_le64(bytes, UINT64_MAX);
	assert_int_equal(chain_coin_read(&out, bytes), -EINVAL);
	assert_int_equal(out.height.n, 77);
	base_store_le64(bytes, (uint64_t)BASE_MAX_MONEY);
	assert_int_equal(chain_coin_read(&out, bytes), 0);
}

static void nothing_has_no_coins(void **state)
{
	struct chain_outpoint at = {.index = 0};
	struct chain_coin coin;

	(void)state;
	assert_int_equal(
		chain_coins_empty.get(chain_coins_empty.ctx, &coin, &at),
		-ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outpoints_are_as_in_transactions),
		cmocka_unit_test(coins_come_back),
		cmocka_unit_test(what_was_not_written_is_refused),
		cmocka_unit_test(nothing_has_no_coins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
