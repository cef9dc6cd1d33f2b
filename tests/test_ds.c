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

static struct ds_rounds_view rounds;

/* The instance (@tick, @sender), as member @i shows it; NULL: it is empty. */
static const struct ds_instance_view *shown(const struct world *w, uint32_t i,
					    uint64_t tick, uint8_t sender)
{
	const struct ds_instance_view *found = NULL;

	ds_look_rounds(&rounds, w->node[i].ds);
	assert_true(rounds.instance_count <= DS_VIEW_INSTANCES_MAX);
	for (uint32_t k = 0; k < rounds.instance_count; k++) {
		const struct ds_instance_view *v = &rounds.instance[k];

		if (k > 0)
			assert_true(v[-1].tick.n < v->tick.n ||
				    (v[-1].tick.n == v->tick.n &&
				     v[-1].sender < v->sender));
		if (v->tick.n == tick && v->sender == sender)
			found = v;
	}
	return found;
}

/* A proposal is seen in its rounds, then the votes for it, then neither. */
static void people_see_the_rounds(void **state)
{
	struct world *w = world_new(4, 1);
	const uint64_t start = w->committee.rounds + 5;
	const uint64_t end = start + 1 + w->committee.rounds;
	const struct ds_instance_view *v;

	(void)state;
	world_run(w, start, 500);
	ds_look_rounds(&rounds, w->node[1].ds);
	assert_int_equal(rounds.instance_count, 0);
	assert_int_equal(rounds.vote_count, 0);
	assert_int_equal(rounds.tick.n, start);
	assert_int_equal(rounds.height.n, 1);
	assert_int_equal(rounds.rounds, 2);
	own_block(w, 2);
	world_run(w, start + 1, 500);
	for (uint32_t i = 0; i < w->n; i++) {
		assert_null(shown(w, i, start + 1, 1));
		v = shown(w, i, start + 1, 2);
		assert_non_null(v);
		assert_int_equal(v->values, 1);
		assert_int_equal(v->extracted, 1);
		assert_true(ds_mask_has(v->value[0].verified, 2));
		assert_true(ds_mask_has(v->value[0].verified, i));
	}
	/* With a disk that does not answer the block waits for its votes. */
	for (uint32_t i = 0; i < w->n; i++)
		w->node[i].hold = i != 3;
	world_run(w, end, 1);
	v = shown(w, 3, start + 1, 2);
	assert_non_null(v);
	assert_int_equal(rounds.vote_count, 1);
	assert_int_equal(rounds.vote[0].voter, 3);
	assert_true(base_hash_equal(&rounds.vote[0].hash, &v->value[0].hash));
	assert_true(base_hash_equal(&rounds.vote[0].hash,
				    &w->node[3].decided_hash));
	world_run(w, end + w->committee.rounds + 3, 500);
	assert_null(shown(w, 3, start + 1, 2));
	world_free(w);
}

/* Who was heard at the last tick, and in which mode. */
static void people_see_the_beats(void **state)
{
	struct world *w = world_new(4, 1);
	struct ds_status_view v;

	(void)state;
	ds_look(&v, w->node[0].ds);
	assert_true(v.beats.heard == 0 && v.beats.agree == 0);
	world_run(w, 9, 500);
	for (uint32_t i = 0; i < w->n; i++) {
		ds_look(&v, w->node[i].ds);
		assert_int_equal(v.beats.tick.n, 8);
		assert_true(v.beats.heard == 0xf && v.beats.strong == 0xf);
		assert_true(v.beats.active == 0xf && v.beats.agree == 0xf);
	}
	w->node[1].silent = true;
	world_run(w, 12, 500);
	ds_look(&v, w->node[0].ds);
	assert_true(v.beats.heard == 0xd && v.beats.agree == 0xd);
	/* Two are too few: they doubt, first to themselves, then aloud. */
	w->node[2].silent = true;
	world_run(w, 14, 500);
	ds_look(&v, w->node[0].ds);
	assert_int_equal(v.mode, DS_SYNC);
	assert_true(v.beats.heard == 0x9);
	assert_true(v.beats.strong == 0x8 && v.beats.active == 0x8);
	world_run(w, 15, 500);
	ds_look(&v, w->node[0].ds);
	assert_true(v.beats.heard == 0x9);
	assert_true(v.beats.strong == 0 && v.beats.agree == 0);
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
		cmocka_unit_test(people_see_the_rounds),
		cmocka_unit_test(people_see_the_beats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
