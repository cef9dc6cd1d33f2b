/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>

#include "store_fixture.h"

#define LENGTH 40
#define BIG (3u << 20) /* two of them end a commit */

static struct store *open_indexed(const struct fixture *f)
{
	const struct store_options options = {
		.dir = f->dir, .map_bytes = MAP, .txindex = true};
	struct base_error err = {""};
	struct store *s;

	assert_int_equal(store_open(&s, &options, &err), 0);
	return s;
}

static int height_of(struct store *s, const struct base_hash *txid,
		     uint32_t *out)
{
	struct base_height height = {UINT32_MAX};
	struct base_error err = {""};
	struct store_reader *r;
	int rc;

	assert_int_equal(store_read_begin(&r, s, &err), 0);
	rc = store_tx_height(&height, r, txid);
	store_read_end(r);
	*out = height.n;
	return rc;
}

/* Every transaction of the blocks up to @length made a coin. */
static void assert_indexed(struct store *s, const struct fixture *f,
			   uint32_t length)
{
	struct test_block b = f->genesis;
	struct base_hash unknown = {{5}};
	uint32_t found = 0, h = 0;

	for (;; h++) {
		for (size_t i = 0; i < b.change_count; i++) {
			if (!b.change[i].created)
				continue;
			assert_int_equal(
				height_of(s, &b.change[i].at.txid, &found), 0);
			assert_int_equal(found, h);
		}
		if (h == length)
			break;
		test_next(&b, &f->p, &b.ctx, 0);
	}
	assert_int_equal(height_of(s, &unknown, &found), -ENOENT);
	assert_int_equal(found, UINT32_MAX);
}

static void an_index_grows_with_the_chain(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_indexed(f);
	struct base_error err = {""};
	struct test_block b;

	init(s, f);
	grow(s, f, LENGTH, &b);
	assert_indexed(s, f, LENGTH);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
	s = open_indexed(f);
	assert_indexed(s, f, LENGTH);
	store_close(s);
}

static void an_index_left_behind_catches_up(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct base_error err = {""};
	struct test_block b;
	uint32_t height;

	init(s, f);
	grow(s, f, 3, &b);
	assert_int_equal(height_of(s, &b.change[0].at.txid, &height),
			 -EOPNOTSUPP);
	store_close(s);
	s = open_indexed(f);
	assert_indexed(s, f, 3);
	grow(s, f, 2, &b);
	store_close(s);
	s = open_with(f, MAP, false);
	grow(s, f, LENGTH - 5, &b);
	/* As far as it goes, it is right. */
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
	s = open_indexed(f);
	assert_indexed(s, f, LENGTH);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
}

/* More blocks than one commit indexes; the store does not look at what comes
 * behind the transactions. */
static void a_long_chain_is_indexed_in_parts(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	uint8_t *big = calloc(1, BIG);
	struct test_block b = f->genesis;
	struct base_error err = {""};

	assert_non_null(big);
	init(s, f);
	for (int i = 0; i < 5; i++) {
		test_next(&b, &f->p, &b.ctx, 0);
		memcpy(big, b.data, b.len);
		assert_int_equal(test_append_as(s, &b, big, BIG, &b.ctx, &err),
				 0);
	}
	store_close(s);
	s = open_indexed(f);
	assert_indexed(s, f, 5);
	store_close(s);
	free(big);
}

static void what_is_no_block_cannot_be_indexed(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_indexed(f);
	struct chain_context tip;
	struct base_error err = {""};
	struct test_block b;

	init(s, f);
	test_next(&b, &f->p, &f->genesis.ctx, 0);
	assert_int_equal(test_append_as(s, &b, b.data, b.len - 1, &b.ctx, &err),
			 -EBADMSG);
	b.data[CHAIN_HEADER_SIZE] = 0xff; /* the count */
	assert_int_equal(test_append(s, &b, &err), -EBADMSG);
	assert_int_equal(store_tip(&tip, s, &err), 0);
	assert_int_equal(tip.height.n, 0);
	assert_indexed(s, f, 0);
	store_close(s);
}

static void reading_only_there_is_no_index(void **state)
{
	const struct fixture *f = *state;
	const struct store_options options = {.dir = f->dir,
					      .map_bytes = MAP,
					      .read_only = true,
					      .txindex = true};
	struct base_error err = {""};
	struct store *s = open_indexed(f);
	uint32_t height;

	init(s, f);
	store_close(s);
	assert_int_equal(store_open(&s, &options, &err), 0);
	assert_int_equal(height_of(s, &f->genesis.change[0].at.txid, &height),
			 -EOPNOTSUPP);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_index_grows_with_the_chain),
		TEST(an_index_left_behind_catches_up),
		TEST(a_long_chain_is_indexed_in_parts),
		TEST(what_is_no_block_cannot_be_indexed),
		TEST(reading_only_there_is_no_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
