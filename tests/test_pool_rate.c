/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "pow/pool_rate.h"

#include <math.h>

static struct pow_rate rate;

static void expect(double w10, double w60, double w900)
{
	const double want[POW_RATE_WINDOWS] = {w10, w60, w900};

	for (unsigned w = 0; w < POW_RATE_WINDOWS; w++)
		assert_true(fabs(pow_rate_get(&rate, w) - want[w]) < 1e-6);
}

static void nothing_before_two_samples(void **state)
{
	(void)state;
	pow_rate_init(&rate);
	expect(0, 0, 0);
	pow_rate_sample(&rate, 1000000, 500);
	expect(0, 0, 0);
	pow_rate_sample(&rate, 1000999, 5000); /* too early: ignored */
	expect(0, 0, 0);
	pow_rate_sample(&rate, 1002000, 2500);
	expect(1000, 1000, 1000);
}

static void each_window_sees_its_own_past(void **state)
{
	uint64_t hashes = 0;

	(void)state;
	pow_rate_init(&rate);
	/* 1000 s at 100/s, then 30 s at 700/s: more than the slots hold. */
	for (uint64_t s = 0; s <= 1030; s++) {
		pow_rate_sample(&rate, s * 1000, hashes);
		hashes += s < 1000 ? 100 : 700;
	}
	expect(700, (30 * 700 + 30 * 100) / 60.0,
	       (30 * 700 + 870 * 100) / 900.0);
	assert_int_equal(rate.count, POW_RATE_SLOTS);
}

static void what_there_is_of_a_window(void **state)
{
	(void)state;
	pow_rate_init(&rate);
	for (uint64_t s = 0; s <= 20; s++)
		pow_rate_sample(&rate, s * 1000, s < 10 ? 0 : (s - 10) * 50);
	expect(50, 25, 25);
}

static void samples_come_at_any_pace(void **state)
{
	(void)state;
	pow_rate_init(&rate);
	pow_rate_sample(&rate, 0, 0);
	pow_rate_sample(&rate, 100000, 1000); /* a gap of 100 s */
	expect(10, 10, 10);
	pow_rate_sample(&rate, 104000, 2000);
	/* 10 s before the last falls in the gap: reach over it. */
	expect(2000 / 104.0, 2000 / 104.0, 2000 / 104.0);
}

static void a_restarted_counter_begins_anew(void **state)
{
	(void)state;
	pow_rate_init(&rate);
	pow_rate_sample(&rate, 0, 0);
	pow_rate_sample(&rate, 1000, 1000000);
	pow_rate_sample(&rate, 1500, 10);
	expect(0, 0, 0);
	pow_rate_sample(&rate, 2500, 30);
	expect(20, 20, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_before_two_samples),
		cmocka_unit_test(each_window_sees_its_own_past),
		cmocka_unit_test(what_there_is_of_a_window),
		cmocka_unit_test(samples_come_at_any_pace),
		cmocka_unit_test(a_restarted_counter_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
