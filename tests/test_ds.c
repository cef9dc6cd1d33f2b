/* SPDX-License-Identifier: MIT */
/* The life of a block among members, in scenes without faults. */
#include "ds_world.h"

static void own_block(struct world *w, uint32_t i)
{
	uint8_t block[WORLD_BLOCK_MAX];
	struct world_node *node = &w->node[i];
	size_t len = world_mine(block, node, (uint32_t)(w->now / 1000));

	ds_own_block(node->ds, w->now, block, len);
	world_drain(node);
	world_pump(w);
}

static void all_become_active(void **state)
{
	static const uint32_t nf[][2] = {{1, 0}, {3, 1}, {4, 1}, {7, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(nf) / sizeof(*nf); i++) {
		struct world *w = world_new(nf[i][0], nf[i][1]);

		world_run(w, w->committee.rounds + 4, 500);
		for (uint32_t k = 0; k < w->n; k++) {
			assert_int_equal(world_mode(w, k), DS_ACTIVE);
			assert_int_equal(w->node[k].bans, 0);
			assert_true(w->node[k].mining);
		}
		world_free(w);
	}
}

/* Proposed at the next tick, decided W ticks later, certified at once. */
static void a_block_becomes_final(void **state)
{
	static const uint32_t nf[][2] = {{1, 0}, {3, 1}, {4, 1}, {7, 2}};

	(void)state;
	for (size_t i = 0; i < sizeof(nf) / sizeof(*nf); i++) {
		struct world *w = world_new(nf[i][0], nf[i][1]);
		const uint64_t start = w->committee.rounds + 5;

		world_run(w, start, 500);
		own_block(w, 0);
		world_run(w, start + w->committee.rounds, 500);
		for (uint32_t k = 0; k < w->n; k++)
			assert_int_equal(w->node[k].decided, 0);
		world_run(w, start + 1 + w->committee.rounds, 1);
		for (uint32_t k = 0; k < w->n; k++) {
			assert_int_equal(w->node[k].decided, 1);
			assert_int_equal(w->node[k].finals, 1);
			assert_int_equal(w->node[k].height, 1);
			assert_true(w->node[k].chain[1].has_cert);
			assert_int_equal(world_mode(w, k), DS_ACTIVE);
			assert_int_equal(w->node[k].bans, 0);
		}
		world_free(w);
	}
}

/* Two blocks of one tick: the lower hash wins everywhere. */
static void blocks_follow_each_other(void **state)
{
	struct world *w = world_new(4, 1);
	uint64_t tick = 10;

	(void)state;
	world_run(w, tick, 500);
	for (int round = 0; round < 10; round++) {
		own_block(w, (uint32_t)round % 4);
		own_block(w, (uint32_t)(round + 1) % 4);
		tick += 1 + w->committee.rounds;
		world_run(w, tick, 500);
	}
	for (uint32_t k = 0; k < w->n; k++) {
		assert_int_equal(w->node[k].height, 10);
		assert_true(base_hash_equal(&w->node[k].chain[10].hash,
					    &w->node[0].chain[10].hash));
		assert_int_equal(world_mode(w, k), DS_ACTIVE);
		assert_int_equal(w->node[k].bans, 0);
	}
	world_free(w);
}

/* One of four is gone: the others go on; it returns and catches up. */
static void a_member_comes_back(void **state)
{
	struct world *w = world_new(4, 1);
	uint64_t tick = 10;

	(void)state;
	world_run(w, tick, 500);
	w->node[3].silent = true;
	for (int round = 0; round < 5; round++) {
		own_block(w, (uint32_t)round % 3);
		tick += 1 + w->committee.rounds;
		world_run(w, tick, 500);
	}
	assert_int_equal(w->node[0].height, 5);
	assert_int_equal(w->node[3].height, 0);
	w->node[3].silent = false;
	tick += 2 * w->committee.rounds + 6;
	world_run(w, tick, 500);
	assert_int_equal(w->node[3].height, 5);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	own_block(w, 3);
	tick += 1 + w->committee.rounds;
	world_run(w, tick, 500);
	for (uint32_t k = 0; k < w->n; k++)
		assert_int_equal(w->node[k].height, 6);
	world_free(w);
}

/* Without certificates a decided block is final. */
static void a_dishonest_majority_is_borne(void **state)
{
	struct world *w = world_new(5, 4);

	(void)state;
	world_run(w, 0, 10);
	for (uint32_t k = 0; k < w->n; k++)
		assert_int_equal(world_mode(w, k), DS_ACTIVE);
	for (uint32_t k = 1; k < w->n; k++)
		w->node[k].silent = true;
	own_block(w, 0);
	world_run(w, 1 + w->committee.rounds, 1);
	assert_int_equal(w->node[0].height, 1);
	assert_int_equal(world_mode(w, 0), DS_ACTIVE);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_become_active),
		cmocka_unit_test(a_block_becomes_final),
		cmocka_unit_test(blocks_follow_each_other),
		cmocka_unit_test(a_member_comes_back),
		cmocka_unit_test(a_dishonest_majority_is_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
