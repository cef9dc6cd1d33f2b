/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "pow/pool_board.h"

#include <pthread.h>

/* More threads than cores: readers lose the CPU in the middle of a copy. */
#define READERS 4u
#define PUBLISHES 400000u

static struct pow_board board;

/* Every word of it follows from @id. */
static void make_work(struct pow_work *work, uint64_t id)
{
	memset(work, (int)(id % 251), sizeof(*work));
	work->id = id;
	for (size_t i = 0; i < POW_BRANCH_MAX; i++)
		memcpy(&work->branch[i], &id, sizeof(id));
}

static void *read_all(void *arg)
{
	uint64_t *torn = arg;
	uint64_t published_ns, last = 0;
	struct pow_board_record r;
	struct pow_work want;
	uint32_t seen = 0;

	for (uint32_t reads = 0; reads <= PUBLISHES; reads++) {
		seen = pow_board_wait(&r, &published_ns, &board, seen);
		if (r.order == POW_BOARD_STOP)
			break;
		make_work(&want, r.work.id);
		*torn += memcmp(&want, &r.work, sizeof(want)) != 0;
		*torn += r.work.id <= last; /* never back in time */
		*torn += r.work.id != seen;
		last = r.work.id;
	}
	return NULL;
}

static void no_reader_sees_a_torn_record(void **state)
{
	uint64_t torn[READERS] = {0};
	pthread_t thread[READERS];
	struct pow_work work;

	(void)state;
	pow_board_init(&board);
	for (uint32_t i = 0; i < READERS; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, read_all, &torn[i]),
			0);
	for (uint64_t id = 1; id <= PUBLISHES; id++) {
		make_work(&work, id);
		pow_board_publish(&board, POW_BOARD_WORK, &work);
	}
	pow_board_publish(&board, POW_BOARD_STOP, NULL);
	for (uint32_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		assert_int_equal(torn[i], 0);
	}
}

static void the_newest_is_read(void **state)
{
	struct pow_board_record r;
	struct pow_work work;
	uint64_t published_ns;
	uint32_t seen = 0;

	(void)state;
	pow_board_init(&board);
	assert_false(pow_board_changed(&board, seen));
	for (uint64_t id = 1; id <= 2 * POW_BOARD_SLOTS + 1; id++) {
		make_work(&work, id);
		pow_board_publish(&board, POW_BOARD_WORK, &work);
	}
	assert_true(pow_board_changed(&board, seen));
	seen = pow_board_wait(&r, &published_ns, &board, seen);
	assert_int_equal(r.order, POW_BOARD_WORK);
	assert_memory_equal(&r.work, &work, sizeof(work));
	assert_true(published_ns > 0);
	assert_false(pow_board_changed(&board, seen));
	pow_board_publish(&board, POW_BOARD_PAUSE, NULL);
	assert_true(pow_board_changed(&board, seen));
	seen = pow_board_wait(&r, &published_ns, &board, seen);
	assert_int_equal(r.order, POW_BOARD_PAUSE);
	assert_false(pow_board_changed(&board, seen));
}

static void generations_wrap(void **state)
{
	struct pow_board_record r;
	struct pow_work work;
	uint64_t published_ns;
	uint32_t seen = UINT32_MAX - 2;

	(void)state;
	pow_board_init(&board);
	atomic_store(&board.generation, seen);
	for (uint64_t id = 1; id <= 6; id++) {
		make_work(&work, id);
		pow_board_publish(&board, POW_BOARD_WORK, &work);
		seen = pow_board_wait(&r, &published_ns, &board, seen);
		assert_memory_equal(&r.work, &work, sizeof(work));
	}
	assert_int_equal(seen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_is_read),
		cmocka_unit_test(generations_wrap),
		cmocka_unit_test(no_reader_sees_a_torn_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
