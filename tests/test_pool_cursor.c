/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/prng.h"
#include "pow/backend.h"
#include "pow/pool_cursor.h"

#define COUNTERS 3u
#define VERSIONS_MAX 8u
#define NONCES 37u

static uint8_t seen[COUNTERS][VERSIONS_MAX][NONCES];

static void mark(const struct pow_batch *b, uint64_t reached)
{
	for (uint32_t v = b->version; v < b->version + b->count; v++) {
		for (uint64_t n = b->first; n < reached; n++)
			seen[b->counter][v][n]++;
	}
}

/* Walks a shrunken space with batches of changing size and scans that stop
 * early, and counts every point. */
static void walk(uint32_t mask, uint32_t group, uint32_t lanes, uint64_t seed)
{
	struct base_prng prng = base_prng_init(seed);
	struct pow_cursor c = pow_cursor_init(mask, group);
	uint32_t versions = c.versions;
	struct pow_batch b;
	uint32_t batches = 0;

	c.counters = COUNTERS;
	c.nonces = NONCES;
	memset(seen, 0, sizeof(seen));
	while (pow_cursor_peek(&b, &c, base_prng_below(&prng, 60), lanes)) {
		uint64_t reached = b.end;

		assert_true(b.first < b.end && b.end <= NONCES);
		assert_in_range(b.count, 1, group);
		if (base_prng_below(&prng, 3) == 0) /* hits are full */
			reached = b.first + 1 +
				  base_prng_below(&prng, b.end - b.first);
		mark(&b, reached);
		pow_cursor_advance(&c, reached);
		assert_true(++batches <= COUNTERS * VERSIONS_MAX * NONCES);
	}
	for (uint32_t e = 0; e < COUNTERS; e++) {
		for (uint32_t v = 0; v < VERSIONS_MAX; v++) {
			for (uint32_t n = 0; n < NONCES; n++)
				assert_int_equal(seen[e][v][n], v < versions);
		}
	}
}

static void every_point_exactly_once(void **state)
{
	static const uint32_t masks[] = {0, 0x10000000, 0x12002000};
	static const uint32_t lanes[] = {1, 4, 64};

	(void)state;
	for (size_t m = 0; m < BASE_COUNT(masks); m++) {
		for (uint32_t group = 1; group <= 16; group++) {
			for (size_t l = 0; l < BASE_COUNT(lanes); l++) {
				for (uint64_t seed = 0; seed < 20; seed++)
					walk(masks[m], group, lanes[l], seed);
			}
		}
	}
}

static void the_whole_space(void **state)
{
	struct pow_cursor c = pow_cursor_init(POW_VERSION_MASK, 8);
	struct pow_batch b;

	(void)state;
	assert_true(c.counters == UINT64_C(1) << 32);
	assert_true(c.nonces == UINT64_C(1) << 32);
	assert_int_equal(c.versions, 1 << 16);
	c.counter = UINT32_MAX;
	c.version = 65528;
	c.nonce = UINT32_MAX;
	assert_true(pow_cursor_peek(&b, &c, 1000, 16));
	assert_int_equal(b.counter, UINT32_MAX);
	assert_int_equal(b.count, 8);
	assert_true(b.end == UINT64_C(1) << 32);
	pow_cursor_advance(&c, b.end);
	assert_false(pow_cursor_peek(&b, &c, 1000, 16));
}

static void batches_are_whole_vectors(void **state)
{
	struct pow_cursor c = pow_cursor_init(0x0000e000, 3);
	struct pow_batch b;

	(void)state;
	assert_true(pow_cursor_peek(&b, &c, 1000, 16));
	assert_int_equal(b.end, 320); /* 1000 / 3 = 333 */
	assert_true(pow_cursor_peek(&b, &c, 1, 16));
	assert_int_equal(b.end, 16);
}

static void versions_stay_within_the_mask(void **state)
{
	static const uint32_t masks[] = {0, 0x00002000, 0x10000000, 0x12002000,
					 0x1fffe000};

	(void)state;
	for (size_t m = 0; m < BASE_COUNT(masks); m++) {
		uint32_t count = 1u << __builtin_popcount(masks[m]);
		uint32_t last = 0;

		for (uint32_t i = 0; i < count; i++) {
			uint32_t v =
				pow_version_spread(0xffffffff, masks[m], i);

			assert_int_equal(v & ~masks[m], ~masks[m]);
			assert_true(i == 0 || v > last); /* so all differ */
			last = v;
			if (masks[m] == POW_VERSION_MASK)
				assert_int_equal(
					v, pow_version_roll(0xffffffff, i));
		}
	}
	assert_int_equal(pow_version_spread(0x20000000, 0x12002000, 5),
			 0x30002000);
}

static void batches_stay_within_twice_the_aim(void **state)
{
	struct base_prng prng = base_prng_init(1);

	(void)state;
	for (uint64_t ps = 10; ps < 100000000; ps = ps * 5 / 4) {
		uint64_t hashes = 1; /* each of ps picoseconds */

		for (int i = 0; i < 60; i++) {
			uint64_t cost = hashes * ps / 1000;

			assert_true(cost <= 2 * POW_BATCH_AIM_NS);
			/* Something else took its time: only shrinks. */
			if (base_prng_below(&prng, 10) == 0)
				cost += base_prng_below(&prng, 100000000);
			hashes = pow_batch_size(hashes, cost);
		}
		for (int i = 0; i < 60; i++)
			hashes = pow_batch_size(hashes, hashes * ps / 1000);
		assert_true(hashes * ps / 1000 >= POW_BATCH_AIM_NS * 4 / 5 ||
			    hashes == MINERD_POW_NONCE_END);
	}
	assert_int_equal(pow_batch_size(1, UINT64_MAX), 1);
	assert_true(pow_batch_size(MINERD_POW_NONCE_END, 0) ==
		    MINERD_POW_NONCE_END);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_exactly_once),
		cmocka_unit_test(the_whole_space),
		cmocka_unit_test(batches_are_whole_vectors),
		cmocka_unit_test(versions_stay_within_the_mask),
		cmocka_unit_test(batches_stay_within_twice_the_aim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
