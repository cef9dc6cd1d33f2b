/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>

#include "store_fixture.h"

#define PIECE_MAX 10000

struct pieces {
	uint32_t next;
	uint32_t count;
	uint8_t tag;
};

/* Pieces of all sizes, empty never, told apart by @tag. */
static size_t size_of(uint32_t index)
{
	return 1 + index * 977 % PIECE_MAX;
}

static size_t next_piece(void *ctx, uint8_t *out, size_t cap)
{
	struct pieces *p = ctx;
	size_t len = size_of(p->next);

	if (p->next == p->count)
		return 0;
	if (len > cap)
		len = cap;
	memset(out, p->tag + (int)(p->next % 100), len);
	p->next++;
	return len;
}

static int write_pieces(struct store *s, uint32_t count, uint8_t tag,
			struct base_error *err)
{
	struct pieces p = {.count = count, .tag = tag};
	uint8_t buffer[PIECE_MAX];

	return store_pool_write(s, next_piece, &p, buffer, sizeof(buffer), err);
}

static void assert_pieces(struct store *s, uint32_t count, uint8_t tag)
{
	struct base_error err = {""};
	const uint8_t *data = NULL;
	struct store_reader *r;
	size_t len = 0;

	assert_int_equal(store_read_begin(&r, s, &err), 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(store_pool_piece(&data, &len, r, i), 0);
		assert_int_equal(len, size_of(i));
		assert_int_equal(data[0], tag + (int)(i % 100));
		assert_int_equal(data[len - 1], tag + (int)(i % 100));
	}
	len = 5;
	assert_int_equal(store_pool_piece(&data, &len, r, count), -ENOENT);
	assert_int_equal(store_pool_piece(&data, &len, r, UINT32_MAX), -ENOENT);
	assert_int_equal(len, 5);
	store_read_end(r);
}

static void a_dump_replaces_the_one_before(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct base_error err = {""};
	struct test_block b;

	init(s, f);
	assert_pieces(s, 0, 0);
	assert_int_equal(write_pieces(s, 300, 1, &err), 0);
	assert_pieces(s, 300, 1);
	grow(s, f, 2, &b);
	assert_int_equal(write_pieces(s, 7, 50, &err), 0);
	assert_pieces(s, 7, 50);
	store_close(s);
	s = open_with(f, MAP, false);
	assert_pieces(s, 7, 50);
	/* It is no part of the chain. */
	assert_int_equal(verify(s, f, &err), 0);
	assert_int_equal(write_pieces(s, 0, 0, &err), 0);
	assert_pieces(s, 0, 0);
	store_close(s);
}

static void a_dump_that_fails_leaves_the_last(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, 1 << 20, false);
	struct base_error err = {""};

	init(s, f);
	assert_int_equal(write_pieces(s, 20, 1, &err), 0);
	assert_int_equal(write_pieces(s, 1000, 2, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "--db-map"));
	assert_pieces(s, 20, 1);
	assert_int_equal(write_pieces(s, 21, 3, &err), 0);
	assert_pieces(s, 21, 3);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
}

static size_t one_byte(void *left, uint8_t *out, size_t cap)
{
	uint32_t *n = left;

	assert_true(cap > 0);
	*out = 1;
	return (*n)-- > 0;
}

static void pieces_are_bounded(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	uint32_t left = STORE_POOL_PIECES_MAX + 1;
	struct base_error err = {""};
	uint8_t buffer[1];

	init(s, f);
	assert_int_equal(write_pieces(s, 2, 9, &err), 0);
	assert_int_equal(store_pool_write(s, one_byte, &left, buffer, 1, &err),
			 -E2BIG);
	assert_pieces(s, 2, 9);
	left = STORE_POOL_PIECES_MAX;
	assert_int_equal(store_pool_write(s, one_byte, &left, buffer, 1, &err),
			 0);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_dump_replaces_the_one_before),
		TEST(a_dump_that_fails_leaves_the_last),
		TEST(pieces_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
