/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/prng.h"
#include "chain/context.h"
#include "chain/difficulty.h"
#include "chain_fixture.h"

#include <errno.h>

static struct chain_params p;

static struct chain_header genesis(void)
{
	return (struct chain_header){.version = CHAIN_VERSION,
				     .time = 1000000,
				     .bits = FIXTURE_BITS};
}

/* A header on @ctx at @time; appending looks at nothing else. */
static void grow(struct chain_context *ctx, uint32_t time)
{
	struct chain_header h = {.version = CHAIN_VERSION,
				 .prev = ctx->hash,
				 .time = time,
				 .bits = FIXTURE_BITS};

	chain_context_append(ctx, &p, &h);
}

static void start(struct chain_context *ctx)
{
	struct chain_header g = genesis();

	fixture_params(&p);
	chain_context_init(ctx, &g);
}

static void median_of_what_there_is(void **state)
{
	/* times after genesis (0), and the median once they are there */
	static const struct {
		uint32_t time;
		uint32_t mtp;
	} v[] = {{10, 10},  {20, 10}, {5, 10},	{30, 10}, {40, 20},
		 {50, 20},  {60, 30}, {70, 30}, {80, 40}, {90, 40},
		 {100, 50}, {1, 50},  {2, 50},	{3, 50}};
	struct chain_context ctx;

	(void)state;
	start(&ctx);
	assert_int_equal(chain_context_mtp(&ctx), 1000000);
	for (size_t i = 0; i < BASE_COUNT(v); i++) {
		grow(&ctx, 1000000 + v[i].time);
		assert_int_equal(ctx.height.n, i + 1);
		assert_int_equal(ctx.time_count, i + 2 < CHAIN_MTP_BLOCKS
							 ? i + 2
							 : CHAIN_MTP_BLOCKS);
		assert_int_equal(chain_context_mtp(&ctx), 1000000 + v[i].mtp);
	}
}

static void tau_is_bounded_upwards_only(void **state)
{
	struct chain_context ctx;

	(void)state;
	start(&ctx);
	assert_true(ctx.tau_s == 0);
	grow(&ctx, 1000005);
	assert_true(ctx.tau_s == 5);
	grow(&ctx, 1000005 + p.half_life_s);
	assert_true(ctx.tau_s == 5 + p.half_life_s);
	grow(&ctx, ctx.time[0] + p.half_life_s + 1);
	assert_true(ctx.tau_s == 5 + 2 * (int64_t)p.half_life_s);
	grow(&ctx, UINT32_MAX);
	assert_true(ctx.tau_s == 5 + 3 * (int64_t)p.half_life_s);
	grow(&ctx, 0);
	assert_true(ctx.tau_s ==
		    5 + 3 * (int64_t)p.half_life_s - (int64_t)UINT32_MAX);
}

static void bits_follow_the_schedule(void **state)
{
	struct chain_context ctx;
	struct base_u256 half;
	uint32_t time = 1000000;

	(void)state;
	start(&ctx);
	assert_int_equal(chain_context_next_bits(&ctx, &p), FIXTURE_BITS);
	for (int i = 0; i < 100; i++)
		grow(&ctx, time += p.spacing_s);
	assert_int_equal(chain_context_next_bits(&ctx, &p), FIXTURE_BITS);
	/* late: easier, but genesis_bits is pow_limit here */
	grow(&ctx, time += 100);
	assert_int_equal(chain_context_next_bits(&ctx, &p), FIXTURE_BITS);
	/* a half-life ahead of schedule: half the target */
	start(&ctx);
	for (int i = 0; i < CHAIN_HALF_LIFE_SPACINGS; i++)
		grow(&ctx, 1000000);
	half = p.pow_limit;
	base_u256_shr(&half, 1);
	assert_int_equal(chain_context_next_bits(&ctx, &p),
			 pow_target_to_bits(&half));
}

/* Hostile times, through the lowest tau there can be: always valid bits. */
static void hostile_times_stay_in_range(void **state)
{
	struct chain_context ctx;
	struct base_prng rng = base_prng_init(11);
	uint8_t bytes[CHAIN_CONTEXT_SIZE];

	(void)state;
	start(&ctx);
	p.spacing_s = 86400;
	p.half_life_s = INT32_MAX;
	ctx.tau_s = -(INT64_C(1) << 62) + 1000;
	for (int i = 0; i < 10000; i++) {
		struct base_u256 target;

		grow(&ctx, (uint32_t)base_prng_u64(&rng));
		assert_int_equal(
			pow_target_from_bits(&target,
					     chain_context_next_bits(&ctx, &p)),
			0);
		assert_true(base_u256_compare(&target, &p.pow_limit) <= 0);
		chain_context_write(bytes, &ctx);
		assert_int_equal(chain_context_read(&ctx, bytes), 0);
	}
}

static struct chain_header mined(const struct chain_context *ctx)
{
	struct chain_header h = {.version = CHAIN_VERSION,
				 .prev = ctx->hash,
				 .time = 1000001,
				 .bits = chain_context_next_bits(ctx, &p)};

	return h;
}

static void mine(struct chain_header *h)
{
	struct base_hash hash;

	for (h->nonce = 0; h->nonce < 1000000; h->nonce++) {
		struct base_u256 target;

		chain_header_hash(&hash, h);
		assert_int_equal(pow_target_from_bits(&target, h->bits), 0);
		if (pow_target_met(&target, &hash))
			return;
	}
	fail();
}

static void header_verdicts(void **state)
{
	struct chain_context ctx;
	struct chain_header h;

	(void)state;
	start(&ctx);
	h = mined(&ctx);
	mine(&h);
	assert_int_equal(chain_context_check(&ctx, &p, &h), CHAIN_OK);
	h.nonce = 0;
	while (chain_context_check(&ctx, &p, &h) == CHAIN_OK)
		h.nonce++;
	assert_int_equal(chain_context_check(&ctx, &p, &h), CHAIN_BAD_POW);
	h = mined(&ctx);
	h.version = 1;
	assert_int_equal(chain_context_check(&ctx, &p, &h), CHAIN_BAD_VERSION);
	h = mined(&ctx);
	h.bits = 0x207fffff;
	assert_int_equal(chain_context_check(&ctx, &p, &h), CHAIN_BAD_BITS);
	h = mined(&ctx);
	h.prev.b[0] ^= 1;
	mine(&h);
	assert_int_equal(chain_context_check(&ctx, &p, &h), CHAIN_BAD_PREV);
	h = mined(&ctx);
	h.bits = 0x2000fffe; /* harder than demanded is wrong as well */
	mine(&h);
	assert_int_equal(chain_context_check(&ctx, &p, &h),
			 CHAIN_BAD_DIFFICULTY);
	h = mined(&ctx);
	h.time = 1000000;
	mine(&h);
	assert_int_equal(chain_context_check(&ctx, &p, &h), CHAIN_BAD_TIME_OLD);
}

static void window_is_sixty_seconds(void **state)
{
	(void)state;
	assert_true(chain_time_in_window(1000, 1000999));
	assert_true(chain_time_in_window(940, 1000999));
	assert_false(chain_time_in_window(939, 1000999));
	assert_false(chain_time_in_window(1001, 1000999));
	assert_true(chain_time_in_window(0, 0));
	assert_true(
		chain_time_in_window(UINT32_MAX, (uint64_t)UINT32_MAX * 1000));
	assert_true(chain_time_in_window(UINT32_MAX,
					 ((uint64_t)UINT32_MAX + 60) * 1000));
	assert_false(chain_time_in_window(UINT32_MAX,
					  ((uint64_t)UINT32_MAX + 61) * 1000));
}

static void stored_form_is_exact(void **state)
{
	struct chain_context ctx;

	(void)state;
	start(&ctx);
	for (uint32_t i = 0; i < 30; i++) {
		uint8_t bytes[CHAIN_CONTEXT_SIZE];
		uint8_t again[CHAIN_CONTEXT_SIZE];
		struct chain_context back;

		chain_context_write(bytes, &ctx);
		assert_int_equal(chain_context_read(&back, bytes), 0);
		assert_int_equal(back.height.n, i);
		assert_true(back.tau_s == ctx.tau_s);
		chain_context_write(again, &back);
		assert_memory_equal(bytes, again, sizeof(bytes));
		assert_int_equal(chain_context_mtp(&back),
				 chain_context_mtp(&ctx));
		grow(&ctx, ctx.time[0] + 5 * (i % 7) - 3);
	}
}

static void impossible_stored_forms_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} v[] = {
		{44, 0},	 /* no time */
		{44, 2},	 /* fewer times than the height has */
		{44, 12},	 /* more than are kept */
		{32, 1},	 /* a height with one time too many */
		{48 + 4 * 3, 1}, /* a time where there is none */
		{43, 0x80},	 /* tau below the least */
		{40, 1},	 /* tau above 2^32 */
	};
	struct chain_context ctx;
	uint8_t good[CHAIN_CONTEXT_SIZE];

	(void)state;
	start(&ctx);
	grow(&ctx, 1000007);
	grow(&ctx, 1000008);
	chain_context_write(good, &ctx);
	assert_int_equal(chain_context_read(&ctx, good), 0);
	for (size_t i = 0; i < BASE_COUNT(v); i++) {
		uint8_t bytes[CHAIN_CONTEXT_SIZE];
		struct chain_context out = {.time_count = 99};

		memcpy(bytes, good, sizeof(good));
		bytes[v[i].at] = v[i].value;
		assert_int_equal(chain_context_read(&out, bytes), -EINVAL);
		assert_int_equal(out.time_count, 99);
	}
	start(&ctx);
	ctx.tau_s = 1; /* genesis has none */
	chain_context_write(good, &ctx);
	assert_int_equal(chain_context_read(&ctx, good), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(median_of_what_there_is),
		cmocka_unit_test(tau_is_bounded_upwards_only),
		cmocka_unit_test(bits_follow_the_schedule),
		cmocka_unit_test(hostile_times_stay_in_range),
		cmocka_unit_test(header_verdicts),
		cmocka_unit_test(window_is_sixty_seconds),
		cmocka_unit_test(stored_form_is_exact),
		cmocka_unit_test(impossible_stored_forms_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
