/* SPDX-License-Identifier: MIT */
/* The work of a block, against figures of the Bitcoin chain. */
#include "test.h"

#include "base/bytes.h"
#include "node/rpc.h"

static void expect_work(uint32_t bits, const char *hex)
{
	struct base_u256 work = node_work_of(bits);
	char text[BASE_HASH_HEX_SIZE];
	struct base_hash hash;

	base_u256_to_hash(&hash, &work);
	base_hash_to_hex(text, &hash);
	assert_string_equal(text, hex);
}

static void work(void **state)
{
	(void)state;
	/* The first block's 0x100010001 is the best known of them. */
	expect_work(0x1d00ffff,
		    "00000000000000000000000000000000000000000000000"
		    "00000000100010001");
	expect_work(0x207fffff,
		    "00000000000000000000000000000000000000000000000"
		    "00000000000000002");
	expect_work(0x03000001,
		    "80000000000000000000000000000000000000000000000"
		    "00000000000000000");
	/* 2^256 / (2^248 * 0xff + 1): the quotient is 1. */
	expect_work(0x2100ff00,
		    "00000000000000000000000000000000000000000000000"
		    "00000000000000001");
	expect_work(0, "00000000000000000000000000000000000000000000000"
		       "00000000000000000");
}

static void as_double(void **state)
{
	const struct base_u256 a = {{5, 1, 0, 0}};

	(void)state;
	assert_true(node_work_to_double(&a) == 18446744073709551621.0);
}

static void difficulty(void **state)
{
	(void)state;
	assert_true(node_rpc_difficulty(0x1d00ffff) == 1.0);
	/* Block 100,000 of the Bitcoin chain: 14484.1623612254. */
	assert_true(node_rpc_difficulty(0x1b04864c) > 14484.16236122);
	assert_true(node_rpc_difficulty(0x1b04864c) < 14484.16236123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work),
		cmocka_unit_test(as_double),
		cmocka_unit_test(difficulty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
