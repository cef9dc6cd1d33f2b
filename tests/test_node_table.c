/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/prng.h"
#include "node/table.h"

#define KEYS 300
#define STEPS 20000

struct item {
	uint32_t key;
	uint32_t value;
};

/* Random puts and removes agree with an array, at every size on the way. */
static void agrees_with_a_plain_array(void **state)
{
	struct base_prng prng = base_prng_init(7);
	uint32_t model[KEYS] = {0}; /* 0: not there */
	struct node_table t;
	uint32_t count = 0;

	(void)state;
	assert_int_equal(
		node_table_init(&t, sizeof(uint32_t), sizeof(struct item)), 0);
	assert_null(node_table_find(&t, &count));
	assert_null(node_table_next(&t, NULL));
	for (uint32_t step = 1; step <= STEPS; step++) {
		struct item item = {
			.key = (uint32_t)base_prng_below(&prng, KEYS),
			.value = step};
		uint32_t *there = &model[item.key];
		const struct item *found;

		/* First it grows, then it shrinks. */
		if (base_prng_below(&prng, STEPS) > step) {
			assert_int_equal(node_table_put(&t, &item), 0);
			count += !*there;
			*there = step;
		} else {
			node_table_remove(&t, &item.key);
			count -= *there > 0;
			*there = 0;
		}
		assert_int_equal(t.count, count);
		item.key = (uint32_t)base_prng_below(&prng, KEYS);
		found = node_table_find(&t, &item.key);
		assert_int_equal(found ? found->value : 0, model[item.key]);
	}
	for (struct item *i = NULL; (i = node_table_next(&t, i)); count--)
		assert_int_equal(i->value, model[i->key]);
	assert_int_equal(count, 0);
	node_table_free(&t);
}

static void cleared_is_empty_and_usable(void **state)
{
	struct node_table t;

	(void)state;
	assert_int_equal(
		node_table_init(&t, sizeof(uint32_t), sizeof(struct item)), 0);
	node_table_clear(&t);
	for (uint32_t round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < KEYS; i++) {
			const struct item item = {.key = i, .value = i + round};

			assert_int_equal(node_table_put(&t, &item), 0);
		}
		assert_int_equal(t.count, KEYS);
		for (uint32_t i = 0; i < KEYS; i++) {
			const struct item *found = node_table_find(&t, &i);

			assert_non_null(found);
			assert_int_equal(found->value, i + round);
		}
		node_table_clear(&t);
		assert_null(node_table_next(&t, NULL));
	}
	node_table_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_plain_array),
		cmocka_unit_test(cleared_is_empty_and_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
