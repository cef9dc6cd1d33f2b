/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "api/decimal.h"

#include <errno.h>

static void decimals_are_exact(void **state)
{
	static const struct {
		const char *text;
		int rc;
		int64_t units;
	} known[] = {
		{"0.1", 0, 10000000},
		{"0.00000001", 0, 1},
		{"1e-8", 0, 1},
		{"1E-08", 0, 1},
		{"20999999.99999999", 0, INT64_C(2099999999999999)},
		{"21000000", 0, INT64_C(2100000000000000)},
		{"2.1e7", 0, INT64_C(2100000000000000)},
		{"-0.5", 0, -50000000},
		{"0", 0, 0},
		{"0e60", 0, 0},
		{"1.000000000000", 0, 100000000},
		{"100e-10", 0, 1},
		{"0.000000001", -EINVAL, 0},
		{"1e-9", -EINVAL, 0},
		{"1e11", -EINVAL, 0},
		{"123456789012345678901", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"-", -EINVAL, 0},
		{".5", -EINVAL, 0},
		{"1.", -EINVAL, 0},
		{"01", -EINVAL, 0},
		{"+1", -EINVAL, 0},
		{" 1", -EINVAL, 0},
		{"1 ", -EINVAL, 0},
		{"1e", -EINVAL, 0},
		{"1e+", -EINVAL, 0},
		{"1e999", -EINVAL, 0},
		{"0x1", -EINVAL, 0},
		{"nan", -EINVAL, 0},
		{"1.5.5", -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(known); i++) {
		int64_t v = 7;

		assert_int_equal(api_decimal_parse(&v, known[i].text, 8),
				 known[i].rc);
		assert_true(v == (known[i].rc ? 7 : known[i].units));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
