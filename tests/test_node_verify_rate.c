/* SPDX-License-Identifier: MIT */
/* Whether a machine is fast enough for a network (consensus.md, Parameters). */
#include "test.h"

#include "node/verify_rate.h"

static void a_rate_is_measured(void **state)
{
	(void)state;
	assert_true(node_verify_rate() > 100);
}

/* 4 members, 250 inputs each: 1,000 signatures within 125 ms. */
static void the_bound_is_a_quarter_of_delta(void **state)
{
	struct chain_params p = {
		.member_count = 4, .max_block_inputs = 250, .delta_ms = 500};

	(void)state;
	assert_true(node_verify_fast_enough(&p, 8000, 1));
	assert_false(node_verify_fast_enough(&p, 7999, 1));
	assert_true(node_verify_fast_enough(&p, 4000, 2));
	p.max_block_inputs = 251;
	assert_false(node_verify_fast_enough(&p, 8000, 1));
	p.delta_ms = 502;
	assert_true(node_verify_fast_enough(&p, 8000, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rate_is_measured),
		cmocka_unit_test(the_bound_is_a_quarter_of_delta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
