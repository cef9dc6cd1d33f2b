/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "node/flags.h"

#include <errno.h>
#include <string.h>

struct sample {
	struct node_number count;
	struct node_number size;
	struct node_number when;
	const char *name;
};

static const struct node_flag rows[] = {
	{"count", "N", NODE_FLAG_NUMBER, offsetof(struct sample, count), 1, 64,
	 "how many"},
	{"size", "SIZE", NODE_FLAG_SIZE, offsetof(struct sample, size), 1024,
	 1u << 20, "how large"},
	{"start", "TIME", NODE_FLAG_TIME, offsetof(struct sample, when), 0,
	 UINT64_C(4294967295999), "when\nit begins"},
	{"name", "NAME", NODE_FLAG_TEXT, offsetof(struct sample, name), 1, 4,
	 "what it is called"},
};

#define WORDS_MAX 8

/* Parses up to WORDS_MAX - 1 words after the command; what is parsed stays
 * in place for as long as the test runs. */
static int parse(struct sample *out, const char *const *words, bool allowed,
		 struct base_error *err, int *word_count, char **argv)
{
	const struct node_flags table = {
		.command = "minerd sample",
		.about = "A sample.",
		.flag = rows,
		.count = BASE_COUNT(rows),
		.words = allowed ? "FILE..." : NULL,
	};
	static char copy[WORDS_MAX][64];
	bool help;
	int argc = 1;

	memset(out, 0, sizeof(*out));
	(void)strcpy(copy[0], "sample");
	argv[0] = copy[0];
	for (; words[argc - 1]; argc++) {
		assert_true(argc < WORDS_MAX);
		(void)snprintf(copy[argc], sizeof(copy[argc]), "%s",
			       words[argc - 1]);
		argv[argc] = copy[argc];
	}
	argv[argc] = NULL;
	return node_flags_parse(out, &help, word_count, &table, argc, argv,
				err);
}

static void values_arrive(void **state)
{
	static const char *const words[] = {"a", "--count=64", "--size", "4K",
					    "b", "--name",     "abcd",	 NULL};
	char *argv[WORDS_MAX + 1];
	struct base_error err;
	struct sample s;
	int count = -1;

	(void)state;
	assert_int_equal(parse(&s, words, true, &err, &count, argv), 0);
	assert_true(s.count.given && s.count.n == 64);
	assert_true(s.size.given && s.size.n == 4096);
	assert_false(s.when.given);
	assert_string_equal(s.name, "abcd");
	assert_int_equal(count, 2);
	assert_string_equal(argv[0], "a");
	assert_string_equal(argv[1], "b");
}

static void times_have_two_forms(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{"0", 0},
		{"1700000000123", UINT64_C(1700000000123)},
		{"1970-01-01T00:00:01Z", 1000},
		{"2000-02-29T12:34:56Z", UINT64_C(951827696000)},
	};
	static const char *const bad[] = {"2001-02-29T00:00:00Z",
					  "2000-13-01T00:00:00Z",
					  "2000-01-01T24:00:00Z",
					  "2000-01-01T00:00:60Z",
					  "2000-01-01 00:00:00Z",
					  "2000-01-01T00:00:00",
					  "2000-1-01T00:00:00Z",
					  "4294967296000",
					  "2200-01-01T00:00:00Z",
					  "1969-12-31T23:59:59Z",
					  "-1",
					  "now"};
	char *argv[WORDS_MAX + 1];
	struct base_error err;
	struct sample s;
	int count;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++) {
		const char *const words[] = {"--start", good[i].text, NULL};

		assert_int_equal(parse(&s, words, false, &err, &count, argv),
				 0);
		assert_true(s.when.given && s.when.n == good[i].ms);
	}
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		const char *const words[] = {"--start", bad[i], NULL};

		assert_int_equal(parse(&s, words, false, &err, &count, argv),
				 -EINVAL);
		assert_non_null(strstr(err.text, "--start"));
	}
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *words[4];
		const char *said[2];
	} bad[] = {
		{{"--cuont", "1"}, {"'cuont'", "did you mean 'count'"}},
		{{"--zzzzzzzz"}, {"'zzzzzzzz'", "minerd sample --help"}},
		{{"--count"}, {"--count needs a value", "how many"}},
		{{"--count", "0"}, {"--count '0'", "1 to 64"}},
		{{"--count", "65"}, {"--count '65'", "1 to 64"}},
		{{"--size", "2M"}, {"--size '2M'", "1048576 bytes"}},
		{{"--name", "abcde"}, {"--name 'abcde'", "4 characters"}},
		{{"--name="}, {"--name ''", "1 to 4"}},
		{{"word"}, {"unexpected argument 'word'", "--help"}},
		{{"-x"}, {"unexpected argument '-x'", "--help"}},
	};
	char *argv[WORDS_MAX + 1];
	struct base_error err;
	struct sample s;
	int count;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		assert_int_equal(
			parse(&s, bad[i].words, false, &err, &count, argv),
			-EINVAL);
		assert_non_null(strstr(err.text, bad[i].said[0]));
		assert_non_null(strstr(err.text, bad[i].said[1]));
	}
}

static void words_after_two_dashes(void **state)
{
	static const char *const words[] = {"--", "--count", "-", NULL};
	char *argv[WORDS_MAX + 1];
	struct base_error err;
	struct sample s;
	int count;

	(void)state;
	assert_int_equal(parse(&s, words, true, &err, &count, argv), 0);
	assert_int_equal(count, 2);
	assert_string_equal(argv[0], "--count");
	assert_false(s.count.given);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_arrive),
		cmocka_unit_test(times_have_two_forms),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(words_after_two_dashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
