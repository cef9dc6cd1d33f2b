/* SPDX-License-Identifier: MIT */
/* Arguments: the shared objects example, wrong, foreign, nothing. */
#include "test.h"

#include <errno.h>

#include "pow/pool_load.h"

static char **objects;

static void assert_says(const struct base_error *err, const char *text)
{
	if (!strstr(err->text, text))
		fail_msg("'%s' does not say '%s'", err->text, text);
}

static int load(const struct minerd_pow_backend **b, const char *name,
		struct base_error *err)
{
	memset(err, 0, sizeof(*err));
	return pow_load_backend(b, NULL, name, err);
}

static void example_is_accepted(void **state)
{
	const struct minerd_pow_backend *b = NULL;
	struct base_error err;
	double hps = 0;

	(void)state;
	assert_int_equal(pow_load_backend(&b, &hps, objects[0], &err), 0);
	assert_string_equal(b->name, "example");
	assert_true(hps > 0);
}

static void wrong_is_refused_by_name(void **state)
{
	const struct minerd_pow_backend *b = NULL;
	struct base_error err;

	(void)state;
	assert_int_equal(load(&b, objects[1], &err), -EBADMSG);
	assert_says(&err, "backend wrong");
	assert_says(&err, objects[1]);
	assert_null(b);
}

static void another_abi_is_refused(void **state)
{
	const struct minerd_pow_backend *b = NULL;
	struct base_error err;

	(void)state;
	assert_int_equal(load(&b, objects[2], &err), -EPROTO);
	assert_says(&err, "ABI 2");
	assert_says(&err, objects[2]);
	assert_null(b);
}

static void what_is_no_backend_is_refused(void **state)
{
	const struct minerd_pow_backend *b = NULL;
	struct base_error err;

	(void)state;
	assert_int_equal(load(&b, objects[3], &err), -ELIBACC);
	assert_says(&err, "does not export minerd_pow_backend()");
	assert_int_equal(load(&b, "./no/such.so", &err), -ENOENT);
	assert_says(&err, "./no/such.so");
	assert_int_equal(load(&b, "/", &err), -ELIBACC);
	assert_says(&err, "cannot be loaded");
	assert_int_equal(load(&b, "fast", &err), -ENOENT);
	assert_says(&err, "'fast'");
	assert_says(&err, "auto, scalar");
	assert_null(b);
}

static void built_in_names_load(void **state)
{
	size_t count;
	const struct minerd_pow_backend *const *table =
		pow_backend_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct minerd_pow_backend *b = NULL;
		struct base_error err;

		assert_int_equal(load(&b, table[i]->name, &err),
				 table[i]->supported() ? 0 : -ENOTSUP);
		assert_ptr_equal(b, table[i]->supported() ? table[i] : NULL);
	}
}

static void auto_takes_a_supported_one(void **state)
{
	const struct minerd_pow_backend *b = NULL;
	struct base_error err;
	double hps = 0;

	(void)state;
	assert_int_equal(pow_load_backend(&b, &hps, "auto", &err), 0);
	assert_true(b->supported());
	assert_true(hps > 0);
	print_message("# auto: %s, %.2f million hashes per CPU second\n",
		      b->name, hps / 1e6);
}

/* A description that breaks the rules never gets to run. */
static void broken_descriptions_are_refused(void **state)
{
	struct minerd_pow_backend broken = *pow_backend_find("scalar");
	struct base_error err;

	(void)state;
	broken.name = "Has Spaces";
	assert_int_equal(pow_backend_self_test(&broken, &err), -EPROTO);
	broken.name = NULL;
	assert_int_equal(pow_backend_self_test(&broken, &err), -EPROTO);
	broken.name = "fine";
	broken.midstates = MINERD_POW_MIDSTATES_MAX + 1;
	assert_int_equal(pow_backend_self_test(&broken, &err), -EPROTO);
	broken.midstates = 1;
	broken.scan = NULL;
	assert_int_equal(pow_backend_self_test(&broken, &err), -EPROTO);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_is_accepted),
		cmocka_unit_test(wrong_is_refused_by_name),
		cmocka_unit_test(another_abi_is_refused),
		cmocka_unit_test(what_is_no_backend_is_refused),
		cmocka_unit_test(built_in_names_load),
		cmocka_unit_test(auto_takes_a_supported_one),
		cmocka_unit_test(broken_descriptions_are_refused),
	};

	if (argc != 5) {
		(void)fprintf(stderr,
			      "usage: %s EXAMPLE WRONG FOREIGN "
			      "NOTHING\n",
			      argv[0]);
		return 2;
	}
	objects = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
