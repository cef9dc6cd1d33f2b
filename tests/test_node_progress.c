/* SPDX-License-Identifier: MIT */
/* Progress and rates as text, in every width. */
#include "test.h"

#include <string.h>

#include "node/progress.h"

static void expect_text(const char *words, unsigned columns, uint64_t done,
			uint64_t total, double rate)
{
	char out[NODE_PROGRESS_MAX];

	node_progress_text(out, columns, done, total, rate);
	assert_string_equal(out, words);
}

static void bars_fit(void **state)
{
	char out[NODE_PROGRESS_MAX];

	(void)state;
	expect_text("[#####-----] 50 % 10/s 5 s left", 31, 50, 100, 10);
	expect_text("[#####] 100 % 10/s 0 s left", 27, 100, 100, 10);
	expect_text("50 % 10/s 5 s left", 20, 50, 100, 10);
	expect_text("50 % 10/s", 10, 50, 100, 10);
	expect_text("50 %", 4, 50, 100, 10);
	expect_text("[---------] 0 %", 15, 0, 0, 0);
	expect_text("[########] 100 %", 16, 7, 5, 0);
	for (unsigned columns = 5; columns < 300; columns++) {
		for (uint64_t done = 0; done <= 1000; done += 50) {
			node_progress_text(out, columns, done, 1000, 1e-9);
			assert_true(strlen(out) <= columns ||
				    columns < strlen("100 %"));
		}
	}
	node_progress_text(out, 255, UINT64_MAX - 1, UINT64_MAX, 1e300);
	assert_true(strlen(out) < sizeof(out));
}

static void units_are_chosen(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} times[] = {{0, "0 s"},	{119, "119 s"},	  {600, "10 min"},
		     {7200, "2 h"},	{864000, "10 d"}, {-1, "?"},
		     {1e300 * 10, "?"}, {0.0 / 1, "0 s"}};
	char out[NODE_PROGRESS_MAX];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(times); i++) {
		node_time_text(out, times[i].seconds);
		assert_string_equal(out, times[i].text);
	}
	node_rate_text(out, 999);
	assert_string_equal(out, "999.00 H/s");
	node_rate_text(out, 12345678);
	assert_string_equal(out, "12.35 MH/s");
	node_rate_text(out, 1e30);
	assert_non_null(strstr(out, " PH/s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bars_fit),
		cmocka_unit_test(units_are_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
