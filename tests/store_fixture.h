/* SPDX-License-Identifier: MIT */
/* store_fixture.h: a store in a folder of its own, for each test anew. */
#ifndef TESTS_STORE_FIXTURE_H
#define TESTS_STORE_FIXTURE_H

#include "store_blocks.h"

#define MAP (UINT64_C(64) << 20)
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct fixture {
	char *dir;
	struct chain_params p;
	struct test_block genesis;
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->dir = test_dir_make();
	f->p = test_params();
	test_genesis(&f->genesis, &f->p);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	test_dir_remove(f->dir);
	free(f);
	return 0;
}

static inline struct store *open_with(const struct fixture *f,
				      uint64_t map_bytes, bool read_only)
{
	struct store_options options = {
		.dir = f->dir, .map_bytes = map_bytes, .read_only = read_only};
	struct base_error err = {""};
	struct store *s;
	int rc = store_open(&s, &options, &err);

	if (rc)
		print_message("# %s\n", err.text);
	assert_int_equal(rc, 0);
	return s;
}

static inline void init(struct store *s, const struct fixture *f)
{
	struct base_error err = {""};

	assert_int_equal(test_init_chain(s, &f->genesis, &err), 0);
}

/* Appends @count blocks to what is there; @b is the last one then. */
static inline void grow(struct store *s, const struct fixture *f,
			uint32_t count, struct test_block *b)
{
	struct base_error err = {""};
	struct chain_context tip;

	assert_int_equal(store_tip(&tip, s, &err), 0);
	for (uint32_t i = 0; i < count; i++) {
		test_next(b, &f->p, &tip, 0);
		assert_int_equal(test_append(s, b, &err), 0);
		tip = b->ctx;
	}
}

static inline void assert_tip(struct store *s, const struct chain_context *want)
{
	struct base_error err = {""};
	struct chain_context tip;

	assert_int_equal(store_tip(&tip, s, &err), 0);
	assert_true(test_context_equal(&tip, want));
}

static inline int verify(struct store *s, const struct fixture *f,
			 struct base_error *err)
{
	struct chain_context tip;
	int rc = store_verify(&tip, s, &f->p, f->genesis.data, f->genesis.len,
			      NULL, NULL, err);

	if (!rc)
		assert_tip(s, &tip);
	return rc;
}

#endif
