/* SPDX-License-Identifier: MIT */
/* Snapshots are whole and never go back, whatever the publisher does. */
#include "test.h"

#include <pthread.h>

#include "node/status.h"

#define ROUNDS 100000u

static struct node_status_board board;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
