/* SPDX-License-Identifier: MIT */
/*
 * The difficulty rule against a simulated clock: solve times are exponential
 * for a hash rate and the target of the moment, timestamps are those that a
 * node sets. Nothing real is waited for, and each seed gives the same run.
 */
#include "test.h"

#include "base/prng.h"
#include "chain/context.h"
#include "chain_fixture.h"

#include <math.h>

#define SPACING 5
#define BLOCKS 300
#define FIRST 101 /* the mean is that of blocks FIRST..BLOCKS */
#define SEEDS 200
#define PAUSE_S (12 * 3600)
#define STORM_S 300 /* "the first minutes" after a pause */
#define GENESIS_BITS 0x1b00ffffu

struct plan {
	const char *label;
	uint32_t half_life; /* in spacings */
	double rate;	    /* at first, in what genesis_bits is meant for */
	unsigned change_after;
	double factor;	      /* of the rate, after that block; 0: none */
	unsigned pause_after; /* block; 0: none */
	bool holds;	      /* 99 of 100 seeds are within 25 % */
};

struct run {
	double mean;		/* of blocks FIRST..BLOCKS, in spacings */
	unsigned blocks;	/* in the first STORM_S after the pause */
	unsigned blocks_minute; /* in the first 60 s after it */
};

static struct chain_params p;

static double target_value(uint32_t bits)
{
	struct base_u256 target;
	double v = 0;

	assert_int_equal(pow_target_from_bits(&target, bits), 0);
	for (int i = BASE_U256_LIMBS - 1; i >= 0; i--)
		v = ldexp(v, 64) + (double)target.limb[i];
	return v;
}

/* In seconds, for a rate that needs SPACING on average at genesis_bits. */
static double solve_time(struct base_prng *rng, uint32_t bits, double rate)
{
	double u = ldexp((double)(base_prng_u64(rng) >> 11) + 0.5, -53);
	double work = target_value(GENESIS_BITS) / target_value(bits);

	return -log(u) * SPACING * work / rate;
}

/* The next block: mining starts when its template may be used, and the time
 * in it is refreshed each second. */
static void next_block(struct chain_context *ctx, double *now,
		       struct base_prng *rng, double rate)
{
	struct chain_header h = {.version = CHAIN_VERSION, .prev = ctx->hash};
	uint32_t least = chain_context_mtp(ctx) + 1;

	h.bits = chain_context_next_bits(ctx, &p);
	if (*now < least)
		*now = least;
	*now += solve_time(rng, h.bits, rate);
	h.time = (uint32_t)*now;
	assert_true(h.time >= least);
	chain_context_append(ctx, &p, &h);
}

static struct run simulate(const struct plan *plan, uint64_t seed)
{
	struct chain_header g = {.version = CHAIN_VERSION,
				 .time = 1700000000,
				 .bits = GENESIS_BITS};
	struct base_prng rng = base_prng_init(seed);
	struct chain_context ctx;
	struct run run = {0};
	double now = g.time;
	double begin = 0;
	double resumed = INFINITY;
	double rate = plan->rate;

	fixture_params(&p);
	memset(&p.pow_limit, 0xff, sizeof(p.pow_limit));
	p.genesis_bits = GENESIS_BITS;
	p.spacing_s = SPACING;
	p.half_life_s = SPACING * plan->half_life;
	chain_context_init(&ctx, &g);
	for (unsigned height = 1; height <= BLOCKS; height++) {
		unsigned done = height - 1;

		if (done == FIRST - 1)
			begin = now;
		if (plan->factor > 0 && done == plan->change_after)
			rate *= plan->factor;
		if (plan->pause_after > 0 && done == plan->pause_after) {
			now += PAUSE_S;
			/* Nobody mines meanwhile: it is no spacing. */
			begin += done >= FIRST - 1 ? PAUSE_S : 0;
			resumed = now;
		}
		next_block(&ctx, &now, &rng, rate);
		run.blocks += now > resumed && now <= resumed + STORM_S;
		run.blocks_minute += now > resumed && now <= resumed + 60;
	}
	run.mean = (now - begin) / (BLOCKS - FIRST + 1) / SPACING;
	return run;
}

struct summary {
	double mean, min, max;
	unsigned within; /* 25 % */
	unsigned most_blocks, most_minute;
};

static struct summary summarise(const struct plan *plan)
{
	struct summary s = {.min = INFINITY};

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct run r = simulate(plan, seed);

		s.mean += r.mean / SEEDS;
		s.min = fmin(s.min, r.mean);
		s.max = fmax(s.max, r.mean);
		s.within += r.mean >= 0.75 && r.mean <= 1.25;
		if (r.blocks > s.most_blocks)
			s.most_blocks = r.blocks;
		if (r.blocks_minute > s.most_minute)
			s.most_minute = r.blocks_minute;
	}
	print_message("# %-28s half-life %2u: mean %.3f (%.3f..%.3f), "
		      "%3u of %d within 25 %%%s\n",
		      plan->label, plan->half_life, s.mean, s.min, s.max,
		      s.within, SEEDS, plan->holds ? "" : ", not asserted");
	return s;
}

#define DEFAULT CHAIN_HALF_LIFE_SPACINGS
#define LONG 48

/*
 * A half-life is how fast the rule learns. At 48 spacings a tenfold rise, 3.3
 * half-lives, is not unlearned within 200 blocks, however early it comes; so
 * the default is shorter (docs/decisions.md). A change right before the
 * measured blocks falls into them whole: its mean is within the quarter, not
 * every seed is. What misses is printed, not hidden.
 */
static const struct plan plans[] = {
	{"steady", DEFAULT, 1, 0, 0, 0, true},
	{"12 h pause after block 20", DEFAULT, 1, 0, 0, 20, true},
	{"12 h pause after block 50", DEFAULT, 1, 0, 0, 50, true},
	{"12 h pause after block 100", DEFAULT, 1, 0, 0, 100, true},
	{"12 h pause after block 200", DEFAULT, 1, 0, 0, 200, true},
	{"genesis 2x too easy", DEFAULT, 2, 0, 0, 0, true},
	{"genesis 2x too hard", DEFAULT, 0.5, 0, 0, 0, true},
	{"genesis 10x too easy", DEFAULT, 10, 0, 0, 0, true},
	{"genesis 10x too hard", DEFAULT, 0.1, 0, 0, 0, true},
	{"10x faster after block 50", DEFAULT, 1, 50, 10, 0, true},
	{"10x slower after block 50", DEFAULT, 1, 50, 0.1, 0, true},
	{"10x faster after block 75", DEFAULT, 1, 75, 10, 0, true},
	{"10x slower after block 75", DEFAULT, 1, 75, 0.1, 0, true},
	{"10x faster, pause, after 50", DEFAULT, 1, 50, 10, 50, true},
	{"10x slower, pause, after 50", DEFAULT, 1, 50, 0.1, 50, true},
	{"10x faster after block 100", DEFAULT, 1, 100, 10, 0, false},
	{"10x slower after block 100", DEFAULT, 1, 100, 0.1, 0, false},
	{"12 h pause after block 100", LONG, 1, 0, 0, 100, false},
	{"10x faster after block 50", LONG, 1, 50, 10, 0, false},
	{"10x slower after block 50", LONG, 1, 50, 0.1, 0, false},
};

static void mean_spacing_is_within_a_quarter(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(plans); i++) {
		struct summary s = summarise(&plans[i]);

		if (plans[i].holds)
			assert_true(s.within >= SEEDS * 99 / 100);
		if (plans[i].half_life == DEFAULT)
			assert_true(s.mean >= 0.75 && s.mean <= 1.25);
	}
}

/*
 * A pause counts as one half-life at most, so it makes up for half_life /
 * spacing blocks and not for the 8640 that a schedule without bound would
 * owe. In the first five minutes: 60 as always and at most that many more; a
 * fifth above that for luck. In the first minute: at most three times 12.
 */
static void a_pause_brings_no_storm(void **state)
{
	static const unsigned after[] = {1, 20, 50, 100, 150};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(after); i++) {
		struct plan plan = {"no storm", DEFAULT, 1,
				    .pause_after = after[i]};
		struct summary s = summarise(&plan);

		print_message("# pause after %u: at most %u blocks in the "
			      "first minute (12 are usual), %u in five (60)\n",
			      after[i], s.most_minute, s.most_blocks);
		assert_true(s.most_blocks <= (60 + DEFAULT) * 6 / 5);
		assert_true(s.most_minute <= 36);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mean_spacing_is_within_a_quarter),
		cmocka_unit_test(a_pause_brings_no_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
