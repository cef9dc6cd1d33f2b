/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/ring.h"

#include <pthread.h>
#include <sched.h>

#define DEPTH 8u
#define PUSHERS 3u
#define EACH 50000u

struct item {
	uint32_t from;
	uint32_t number;
	uint64_t check;
};

static uint64_t check_of(uint32_t from, uint32_t number)
{
	return (uint64_t)from << 32 ^ number * UINT64_C(0x9e3779b97f4a7c15);
}

static void spsc_is_first_in_first_out_and_bounded(void **state)
{
	_Alignas(8) uint8_t memory[DEPTH * sizeof(uint32_t)];
	struct base_ring_spsc ring;
	uint32_t out;

	(void)state;
	assert_int_equal(base_ring_bytes_spsc(DEPTH, 4), sizeof(memory));
	base_ring_init_spsc(&ring, memory, DEPTH, 4);
	assert_false(base_ring_pop_spsc(&ring, &out));
	for (uint32_t round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < DEPTH; i++)
			assert_true(base_ring_push_spsc(&ring, &i));
		assert_false(base_ring_push_spsc(&ring, &round));
		for (uint32_t i = 0; i < DEPTH; i++) {
			assert_true(base_ring_pop_spsc(&ring, &out));
			assert_int_equal(out, i);
		}
		assert_false(base_ring_pop_spsc(&ring, &out));
	}
}

struct mpsc_run {
	struct base_ring_mpsc ring;
	_Atomic uint32_t next_pusher;
};

static void *push_mpsc(void *arg)
{
	struct mpsc_run *run = arg;
	uint32_t from = atomic_fetch_add(&run->next_pusher, 1);

	for (uint32_t i = 0; i < EACH; i++) {
		struct item item = {from, i, check_of(from, i)};

		while (!base_ring_push_mpsc(&run->ring, &item))
			sched_yield();
	}
	return NULL;
}

static void mpsc_keeps_every_pusher_in_order(void **state)
{
	struct mpsc_run run = {.next_pusher = 0};
	void *memory = malloc(base_ring_bytes_mpsc(DEPTH, sizeof(struct item)));
	uint32_t next[PUSHERS] = {0};
	pthread_t thread[PUSHERS];

	(void)state;
	assert_non_null(memory);
	base_ring_init_mpsc(&run.ring, memory, DEPTH, sizeof(struct item));
	for (uint32_t i = 0; i < PUSHERS; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, push_mpsc, &run), 0);
	for (uint32_t got = 0; got < PUSHERS * EACH;) {
		struct item item;

		if (!base_ring_pop_mpsc(&run.ring, &item)) {
			sched_yield();
			continue;
		}
		got++;
		assert_in_range(item.from, 0, PUSHERS - 1);
		assert_int_equal(item.number, next[item.from]++);
		assert_true(item.check == check_of(item.from, item.number));
	}
	for (uint32_t i = 0; i < PUSHERS; i++)
		pthread_join(thread[i], NULL);
	free(memory);
}

static void mpsc_refuses_when_full(void **state)
{
	_Alignas(8) uint8_t memory[256];
	struct base_ring_mpsc ring;
	uint32_t out;

	(void)state;
	assert_true(base_ring_bytes_mpsc(DEPTH, 4) <= sizeof(memory));
	base_ring_init_mpsc(&ring, memory, DEPTH, 4);
	for (uint32_t i = 0; i < DEPTH; i++)
		assert_true(base_ring_push_mpsc(&ring, &i));
	assert_false(base_ring_push_mpsc(&ring, &out));
	assert_true(base_ring_pop_mpsc(&ring, &out));
	assert_int_equal(out, 0); /* what came first is kept */
	assert_true(base_ring_push_mpsc(&ring, &out));
	assert_false(base_ring_push_mpsc(&ring, &out));
}

static void *push_spsc(void *arg)
{
	struct base_ring_spsc *ring = arg;

	for (uint32_t i = 0; i < EACH; i++) {
		struct item item = {0, i, check_of(0, i)};

		while (!base_ring_push_spsc(ring, &item))
			sched_yield();
	}
	return NULL;
}

static void spsc_between_two_threads(void **state)
{
	_Alignas(8) uint8_t memory[DEPTH * sizeof(struct item)];
	struct base_ring_spsc ring;
	pthread_t thread;

	(void)state;
	base_ring_init_spsc(&ring, memory, DEPTH, sizeof(struct item));
	assert_int_equal(pthread_create(&thread, NULL, push_spsc, &ring), 0);
	for (uint32_t got = 0; got < EACH;) {
		struct item item;

		if (!base_ring_pop_spsc(&ring, &item)) {
			sched_yield();
			continue;
		}
		assert_int_equal(item.number, got++);
		assert_true(item.check == check_of(0, item.number));
	}
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spsc_is_first_in_first_out_and_bounded),
		cmocka_unit_test(mpsc_keeps_every_pusher_in_order),
		cmocka_unit_test(mpsc_refuses_when_full),
		cmocka_unit_test(spsc_between_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
