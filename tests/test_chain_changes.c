/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/prng.h"
#include "chain/changes.h"

#include <errno.h>

#define MANY 1000

static struct chain_changes changes;
static struct chain_coin coin;

static void start(void)
{
	static uint64_t memory[32768];
	static const uint8_t salt[CHAIN_SALT_SIZE] = {9};

	assert_true(chain_changes_size(MANY) <= sizeof(memory));
	chain_changes_init(&changes, memory, MANY, salt);
}

static struct chain_outpoint outpoint(unsigned n)
{
	struct base_prng prng = base_prng_init(n);
	struct chain_outpoint at = {.index = n % 3};

	base_prng_fill(&prng, at.txid.b, sizeof(at.txid.b));
	return at;
}

static int spend(unsigned n)
{
	struct chain_outpoint at = outpoint(n);

	return chain_changes_spend(&coin, &changes, &chain_coins_empty, &at);
}

/* As many as there is room for, each found again and spent once. */
static void full_of_coins(void **state)
{
	(void)state;
	start();
	for (unsigned n = 0; n < MANY; n++) {
		struct chain_outpoint at = outpoint(n);
		struct chain_coin made = {.amount.units = n};

		chain_changes_create(&changes, &at, &made);
	}
	assert_int_equal(changes.count, MANY);
	assert_int_equal(spend(MANY), -ENOENT);
	for (unsigned n = MANY; n-- > 0;) {
		chain_changes_next_tx(&changes);
		assert_int_equal(spend(n), 0);
		assert_int_equal(coin.amount.units, n);
		assert_int_equal(spend(n), -EEXIST);
	}
	chain_changes_next_tx(&changes);
	assert_int_equal(spend(0), -ENOENT);
	assert_int_equal(changes.count, MANY);
}

static void cleared_is_empty(void **state)
{
	struct chain_outpoint at = outpoint(1);
	struct chain_coin made = {.amount.units = 1};

	(void)state;
	start();
	for (unsigned need = 0; need <= MANY; need += 50) {
		chain_changes_clear(&changes, need);
		assert_int_equal(changes.count, 0);
		assert_int_equal(spend(1), -ENOENT);
		if (need == 0)
			continue;
		chain_changes_create(&changes, &at, &made);
		assert_int_equal(spend(1), 0);
	}
}

/* Two indexes of one transaction are two coins. */
static void indexes_differ(void **state)
{
	struct chain_outpoint at = outpoint(3);
	struct chain_coin made = {.amount.units = 5};

	(void)state;
	start();
	chain_changes_create(&changes, &at, &made);
	at.index++;
	assert_int_equal(
		chain_changes_spend(&coin, &changes, &chain_coins_empty, &at),
		-ENOENT);
	at.index--;
	assert_int_equal(
		chain_changes_spend(&coin, &changes, &chain_coins_empty, &at),
		0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_of_coins),
		cmocka_unit_test(cleared_is_empty),
		cmocka_unit_test(indexes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
