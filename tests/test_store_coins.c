/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>

#include "base/prng.h"
#include "store_fixture.h"

#define MODEL_BLOCKS 60
#define MODEL_CHANGES 400 /* a block, at most */
#define MODEL_COINS 8000  /* more than are ever made */

static struct store_reader *reader_of(struct store *s)
{
	struct base_error err = {""};
	struct store_reader *r;

	assert_int_equal(store_read_begin(&r, s, &err), 0);
	return r;
}

static uint64_t count_of(struct store *s)
{
	struct store_reader *r = reader_of(s);
	uint64_t count = store_coins_count(r);

	store_read_end(r);
	return count;
}

static bool coin_equal(const struct chain_coin *a, const struct chain_coin *b)
{
	uint8_t x[CHAIN_COIN_SIZE], y[CHAIN_COIN_SIZE];

	chain_coin_write(x, a);
	chain_coin_write(y, b);
	return memcmp(x, y, sizeof(x)) == 0;
}

/* What @b did is what the store has. */
static void assert_done(struct store *s, const struct test_block *b)
{
	struct store_reader *r = reader_of(s);
	struct chain_coins coins = store_coins(r);

	for (size_t i = 0; i < b->change_count; i++) {
		const struct chain_change *c = &b->change[i];
		struct chain_coin coin;
		int want = c->created && !c->spent ? 0 : -ENOENT;

		assert_int_equal(store_coin_at(&coin, r, &c->at), want);
		assert_int_equal(coins.get(coins.ctx, &coin, &c->at), want);
		if (!want)
			assert_true(coin_equal(&coin, &c->coin));
	}
	store_read_end(r);
}

static void coins_come_and_go_with_blocks(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct base_error err = {""};
	struct test_block b;

	assert_int_equal(count_of(s), 0);
	init(s, f);
	assert_int_equal(f->genesis.change_count, TEST_SPENDS);
	assert_done(s, &f->genesis);
	assert_int_equal(count_of(s), TEST_SPENDS);
	for (uint32_t h = 1; h <= TEST_SPENDS + 2; h++) {
		uint64_t before = count_of(s);

		grow(s, f, 1, &b);
		assert_done(s, &b);
		/* The coinbase; one goes, two stay, one came and went. */
		assert_int_equal(count_of(s),
				 before + (h <= TEST_SPENDS ? 2 : 1));
		assert_int_equal(b.change_count, h <= TEST_SPENDS ? 5 : 1);
	}
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
	s = open_with(f, MAP, false);
	assert_done(s, &b);
	store_close(s);
}

/* Appends the next block with the change @at of @c, which cannot be. */
static void refuse(struct store *s, const struct fixture *f,
		   struct test_block *next, struct chain_change c)
{
	struct base_error err = {""};
	uint64_t before = count_of(s);
	struct chain_context tip;

	assert_int_equal(store_tip(&tip, s, &err), 0);
	test_next(next, &f->p, &tip, 0);
	next->change[next->change_count++] = c;
	assert_int_equal(test_append(s, next, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "damaged"));
	/* Nothing of the block is there, its good changes included. */
	assert_tip(s, &tip);
	assert_int_equal(count_of(s), before);
	assert_int_equal(verify(s, f, &err), 0);
	next->change_count--;
}

static void a_refused_block_changes_no_coin(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct chain_change there = f->genesis.change[TEST_SPENDS - 1];
	struct chain_change gone = f->genesis.change[0];
	struct base_error err = {""};
	struct test_block next;

	init(s, f);
	grow(s, f, 1, &next);
	refuse(s, f, &next, there); /* created again */
	gone.created = false;
	gone.spent = true;
	refuse(s, f, &next, gone); /* spent again */
	gone.at.index = 77;
	refuse(s, f, &next, gone); /* never was */
	assert_int_equal(test_append(s, &next, &err), 0);
	assert_done(s, &next);
	assert_int_equal(verify(s, f, &err), 0);
	store_close(s);
}

static void a_reader_keeps_its_coins(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct store_reader *r;
	struct chain_coin coin;
	struct test_block b;

	init(s, f);
	r = reader_of(s);
	grow(s, f, 1, &b);
	assert_int_equal(store_coin_at(&coin, r, &f->genesis.change[0].at), 0);
	assert_int_equal(store_coins_count(r), TEST_SPENDS);
	store_read_end(r);
	r = reader_of(s);
	assert_int_equal(store_coin_at(&coin, r, &f->genesis.change[0].at),
			 -ENOENT);
	store_read_end(r);
	store_close(s);
}

struct model {
	struct chain_change coin[MODEL_COINS]; /* created, perhaps spent */
	size_t count;
	struct chain_change change[MODEL_CHANGES];
	size_t changes;
	size_t seen;
};

/* Makes some coins, many of one transaction, and spends others at random. */
static void invent(struct model *m, struct base_prng *prng, uint32_t height)
{
	size_t old = m->count;

	m->changes = 0;
	while (m->changes < MODEL_CHANGES / 4) {
		struct chain_change *c = &m->coin[m->count++];

		*c = (struct chain_change){.created = true};
		c->coin.amount.units = (int64_t)base_prng_below(prng, 1000);
		c->coin.height.n = height;
		if (c > m->coin && base_prng_below(prng, 3) != 0) {
			c->at = c[-1].at;
			c->at.index++;
		} else {
			base_prng_fill(prng, c->at.txid.b, 32);
		}
		c->spent = base_prng_below(prng, 4) == 0;
		m->change[m->changes++] = *c;
	}
	for (size_t i = 0; i < old && m->changes < MODEL_CHANGES; i++) {
		struct chain_change *c = &m->coin[i];

		/* Now and then nearly everything goes. */
		if (c->spent ||
		    base_prng_below(prng, height % 20 == 0 ? 2 : 50) != 0)
			continue;
		c->spent = true;
		m->change[m->changes] = *c;
		m->change[m->changes++].created = false;
	}
}

static int see(void *model, const struct chain_outpoint *at,
	       const struct chain_coin *coin)
{
	struct model *m = model;

	for (size_t i = 0; i < m->count; i++) {
		if (!chain_outpoint_equal(&m->coin[i].at, at))
			continue;
		m->seen++;
		return m->coin[i].spent || !coin_equal(&m->coin[i].coin, coin);
	}
	return 2;
}

static int stop(void *count, const struct chain_outpoint *at,
		const struct chain_coin *coin)
{
	int *n = count;

	(void)at;
	(void)coin;
	return ++*n == 3 ? -EINTR : 0;
}

static void assert_same(struct store *s, struct model *m)
{
	struct store_reader *r = reader_of(s);
	size_t unspent = 0;
	int calls = 0;

	for (size_t i = 0; i < m->count; i++) {
		struct chain_coin coin;

		unspent += !m->coin[i].spent;
		assert_int_equal(store_coin_at(&coin, r, &m->coin[i].at),
				 m->coin[i].spent ? -ENOENT : 0);
	}
	assert_int_equal(store_coins_count(r), unspent);
	m->seen = 0;
	assert_int_equal(store_coins_each(r, see, m), 0);
	assert_int_equal(m->seen, unspent);
	assert_int_equal(store_coins_each(r, stop, &calls), -EINTR);
	assert_int_equal(calls, 3);
	store_read_end(r);
}

/* The store takes the changes as they come: so, any. */
static void any_changes_are_as_in_a_model(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct base_prng prng = base_prng_init(3);
	struct model *m = calloc(1, sizeof(*m));
	struct base_error err = {""};
	struct chain_context tip = f->genesis.ctx;
	const struct chain_changes none = {.count = 0};

	assert_non_null(m);
	assert_int_equal(store_init_chain(s, f->genesis.data, f->genesis.len,
					  &tip, &none, &err),
			 0);
	for (uint32_t h = 1; h <= MODEL_BLOCKS; h++) {
		struct chain_changes changes = {.change = m->change};
		struct test_block b;

		invent(m, &prng, h);
		changes.count = m->changes;
		test_next(&b, &f->p, &tip, 0);
		assert_int_equal(
			store_append(s,
				     &(struct store_block){.data = b.data,
							   .len = b.len,
							   .after = b.ctx,
							   .changes = &changes},
				     &err),
			0);
		tip = b.ctx;
		if (h % 20 == 0)
			assert_same(s, m);
	}
	store_close(s);
	s = open_with(f, MAP, false);
	assert_same(s, m);
	store_close(s);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(coins_come_and_go_with_blocks),
		TEST(a_refused_block_changes_no_coin),
		TEST(a_reader_keeps_its_coins),
		TEST(any_changes_are_as_in_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
