/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "node/config.h"
#include "node/parse.h"

static void numbers_are_strict(void **state)
{
	static const char *const bad[] = {"",	 "-1",	"+1",
					  " 1",	 "1 ",	"0x1",
					  "1.0", "101", "99999999999999999999"};
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_true(node_parse_u64(&v, bad[i], 0, 100) < 0);
	assert_int_equal(v, 7);
	assert_int_equal(node_parse_u64(&v, "100", 0, 100), 0);
	assert_int_equal(v, 100);
	assert_int_equal(
		node_parse_u64(&v, "18446744073709551615", 0, UINT64_MAX), 0);
	assert_true(v == UINT64_MAX);
}

static void sizes_have_suffixes(void **state)
{
	uint64_t v = 7;

	(void)state;
	assert_int_equal(node_parse_size(&v, "3G", 0, UINT64_MAX), 0);
	assert_true(v == UINT64_C(3) << 30);
	assert_int_equal(node_parse_size(&v, "512", 0, 512), 0);
	assert_true(node_parse_size(&v, "1KK", 0, UINT64_MAX) < 0);
	assert_true(node_parse_size(&v, "K", 0, UINT64_MAX) < 0);
	assert_true(node_parse_size(&v, "1k", 0, UINT64_MAX) < 0);
	assert_true(node_parse_size(&v, "18014398509481984T", 0, UINT64_MAX) <
		    0);
	assert_true(v == 512);
}

static void affinity_lists_and_masks(void **state)
{
	static const char *const bad[] = {"",	  "3-1", "1024", "1,", ",1",
					  "1--2", "0x",	 "0x0",	 "0xg"};
	uint64_t list[POW_CPUS_MAX / 64] = {0};
	uint64_t mask[POW_CPUS_MAX / 64] = {0};

	(void)state;
	assert_int_equal(node_parse_affinity(list, "0-3,8,70"), 0);
	assert_true(list[0] == 0x10f && list[1] == 0x40);
	assert_int_equal(node_parse_affinity(mask, "0x40000000000000010F"), 0);
	assert_memory_equal(list, mask, sizeof(list));
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_true(node_parse_affinity(mask, bad[i]) < 0);
	assert_memory_equal(list, mask, sizeof(list));
	assert_int_equal(node_parse_affinity(mask, "1023"), 0);
	assert_true(mask[15] == UINT64_C(1) << 63 && mask[0] == 0);
}

static void edit_distance(void **state)
{
	(void)state;
	assert_int_equal(node_edit_distance("", ""), 0);
	assert_int_equal(node_edit_distance("threads", "thread"), 1);
	assert_int_equal(node_edit_distance("kitten", "sitting"), 3);
	assert_int_equal(node_edit_distance("", "abc"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(sizes_have_suffixes),
		cmocka_unit_test(affinity_lists_and_masks),
		cmocka_unit_test(edit_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
