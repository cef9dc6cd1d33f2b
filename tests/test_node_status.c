/* SPDX-License-Identifier: MIT */
/* Snapshots are whole and never go back, whatever the publisher does. */
#include "test.h"

#include <pthread.h>

#include "node/lateness.h"
#include "node/status.h"

#define ROUNDS 100000u
#define GRIDS 5000u

static struct node_status_board board;
static struct ds_rounds_view made, seen;

static struct node_status numbered(uint32_t n)
{
	struct node_status s = {.threads = n, .hashes_per_second = n};

	s.tip.height.n = n;
	memset(&s.tip.hash, (int)(n & 0xff), sizeof(s.tip.hash));
	s.tip.tau_s = n;
	return s;
}

static void *publish(void *arg)
{
	(void)arg;
	for (uint32_t n = 1; n <= ROUNDS; n++) {
		struct node_status s = numbered(n);

		node_status_publish(&board, &s);
	}
	return NULL;
}

static void whole_and_in_order(void **state)
{
	struct node_status first = numbered(0);
	struct node_status got = {0};
	uint32_t last = 0;
	pthread_t thread;

	(void)state;
	node_status_init(&board, &first);
	assert_int_equal(pthread_create(&thread, NULL, publish, NULL), 0);
	while (last < ROUNDS) {
		struct node_status want;

		node_status_read(&got, &board);
		want = numbered(got.threads);
		assert_memory_equal(&got, &want, sizeof(got));
		assert_true(got.threads >= last);
		last = got.threads;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* A grid whose every cell says its number; as long as the number says. */
static void number_rounds(struct ds_rounds_view *v, uint32_t n)
{
	*v = (struct ds_rounds_view){.tick = {n},
				     .vote_count = n % DS_VIEW_VOTES_MAX,
				     .instance_count =
					     n % DS_VIEW_INSTANCES_MAX};
	for (uint32_t i = 0; i < v->vote_count; i++)
		v->vote[i].hash.b[0] = (uint8_t)n;
	for (uint32_t i = 0; i < v->instance_count; i++)
		v->instance[i].tick.n = n;
}

static void *publish_rounds(void *arg)
{
	(void)arg;
	for (uint32_t n = 1; n <= GRIDS; n++) {
		number_rounds(&made, n);
		node_status_publish_rounds(&board, &made);
	}
	return NULL;
}

static void the_rounds_are_whole(void **state)
{
	struct node_status first = numbered(0);
	pthread_t thread;

	(void)state;
	node_status_init(&board, &first);
	/* Nobody made room: nothing happens. */
	node_status_publish_rounds(&board, &made);
	assert_false(node_status_read_rounds(&seen, &board));
	node_status_close(&board);
	assert_int_equal(node_status_open_rounds(&board), 0);
	assert_false(node_status_read_rounds(&seen, &board));
	assert_int_equal(pthread_create(&thread, NULL, publish_rounds, NULL),
			 0);
	while (seen.tick.n < GRIDS) {
		uint64_t last = seen.tick.n;

		if (!node_status_read_rounds(&seen, &board))
			continue;
		assert_true(seen.tick.n >= last);
		assert_int_equal(seen.instance_count,
				 seen.tick.n % DS_VIEW_INSTANCES_MAX);
		for (uint32_t i = 0; i < seen.vote_count; i++)
			assert_int_equal(seen.vote[i].hash.b[0],
					 (uint8_t)seen.tick.n);
		for (uint32_t i = 0; i < seen.instance_count; i++)
			assert_int_equal(seen.instance[i].tick.n, seen.tick.n);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	node_status_close(&board);
}

static void lateness_is_forgotten_after_a_minute(void **state)
{
	struct node_lateness l = {0};

	(void)state;
	node_lateness_note(&l, 40);
	node_lateness_note(&l, 7);
	assert_int_equal(node_lateness_minute(&l), 40);
	for (uint32_t i = 0; i < NODE_LATENESS_SECONDS - 1; i++)
		node_lateness_second(&l);
	node_lateness_note(&l, 9);
	assert_int_equal(node_lateness_minute(&l), 40);
	node_lateness_second(&l);
	assert_int_equal(node_lateness_minute(&l), 9);
	assert_int_equal(l.worst_ms, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_in_order),
		cmocka_unit_test(the_rounds_are_whole),
		cmocka_unit_test(lateness_is_forgotten_after_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
