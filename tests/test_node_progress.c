/* SPDX-License-Identifier: MIT */
/* The line of a progress bar, from the widest terminal to 20 columns. */
#include "test.h"

#include "node/progress.h"

static void in_full(void **state)
{
	char line[NODE_PROGRESS_LINE_MAX];
	const struct node_progress_state s = {.what = "verify",
					      .done = 50,
					      .total = 100,
					      .rate = 2,
					      .columns = 41};

	(void)state;
	assert_int_equal(node_progress_line(line, &s), 40);
	assert_string_equal(line, "verify [######......]  50% 2/s 0:25 left");
}

static void in_narrow_windows(void **state)
{
	char line[NODE_PROGRESS_LINE_MAX];
	struct node_progress_state s = {.what = "import",
					.done = 1,
					.total = UINT64_MAX,
					.rate = 1000000};

	(void)state;
	for (s.columns = 0; s.columns <= 300; s.columns++) {
		size_t room = s.columns < 20 ? 20 : s.columns;

		for (s.done = 1; s.done; s.done = s.done << 7) {
			size_t plain, colour;

			s.colour = false;
			plain = node_progress_line(line, &s);
			assert_true(plain < room);
			assert_int_equal(strlen(line), plain);
			assert_null(strchr(line, '\x1b'));
			s.colour = true;
			colour = node_progress_line(line, &s);
			assert_int_equal(plain, colour);
		}
	}
}

static void twenty_columns(void **state)
{
	char line[NODE_PROGRESS_LINE_MAX];
	struct node_progress_state s = {.what = "verify",
					.done = 9,
					.total = 10,
					.rate = 1,
					.columns = 20};

	(void)state;
	(void)node_progress_line(line, &s);
	assert_string_equal(line, "verify  90% 0:01");
	s.rate = 0;
	(void)node_progress_line(line, &s);
	assert_string_equal(line, "verify [####.]  90%");
}

static void without_a_total(void **state)
{
	char line[NODE_PROGRESS_LINE_MAX];
	const struct node_progress_state s = {
		.what = "scan", .done = 12345, .rate = 10, .columns = 80};

	(void)state;
	(void)node_progress_line(line, &s);
	assert_string_equal(line, "scan 12345 10/s");
}

static void past_the_end(void **state)
{
	char line[NODE_PROGRESS_LINE_MAX];
	const struct node_progress_state s = {.what = "export",
					      .done = 12,
					      .total = 10,
					      .rate = 1,
					      .columns = 30};

	(void)state;
	(void)node_progress_line(line, &s);
	assert_string_equal(line, "export [###########] 100% 1/s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_full),
		cmocka_unit_test(in_narrow_windows),
		cmocka_unit_test(twenty_columns),
		cmocka_unit_test(without_a_total),
		cmocka_unit_test(past_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
