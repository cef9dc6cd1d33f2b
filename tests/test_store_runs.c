/* SPDX-License-Identifier: MIT */
/*
 * test_store_runs: coins whose changes are merged long after their blocks,
 * against a model that keeps every block's coins; with snapshots of old
 * blocks, with stores opened again, and with a thread that reads meanwhile.
 */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/prng.h"
#include "store/filter.h"
#include "store_fixture.h"

#define BLOCKS 200u /* three times those that have runs */
#define PLACES 1500u
#define KEPT 6u /* snapshots held at a time */
#define OFTEN 7u
#define REOPEN 41u

/* What is at each place after each block: the height that made the coin, and
 * 1; 0: nothing. */
struct model {
	struct chain_outpoint at[PLACES];
	uint16_t made[BLOCKS + 1][PLACES];
	struct chain_change change[PLACES];
	struct chain_changes changes;
	struct base_prng prng;
	_Atomic uint32_t end; /* heights in the store, for the other thread */
};

static void place_all(struct model *m)
{
	for (uint32_t i = 0; i < PLACES; i++) {
		struct chain_outpoint *at = &m->at[i];

		base_prng_fill(&m->prng, at->txid.b, 32);
		/* Ids of many outputs, ids that somebody chose, and where
		 * slices begin and end. */
		if (i % 3 != 0)
			*at = at[-1];
		else if (i % 7 == 0)
			memset(at->txid.b, i % 2 ? 0xff : 0, 2);
		else if (i % 5 == 0)
			memset(at->txid.b, 0x77, 12);
		at->index = i % 3 * 255;
	}
}

static struct chain_coin coin_of(uint32_t place, uint16_t made)
{
	return (struct chain_coin){
		.amount.units = (int64_t)place,
		.key = {(uint8_t)made, 1},
		.height.n = made - 1u,
	};
}

/* Changes some places at random, so that coins live for a block or many. */
static void invent(struct model *m, uint32_t height)
{
	uint16_t *made = m->made[height];
	uint64_t rare = height % 50 == 0 ? 2 : height % 11 == 0 ? 2000 : 30;

	m->changes = (struct chain_changes){.change = m->change};
	if (height > 0)
		memcpy(made, m->made[height - 1], sizeof(m->made[0]));
	for (uint32_t i = 0; i < PLACES; i++) {
		uint16_t now = made[i] ? 0 : (uint16_t)(height + 1);

		if (base_prng_below(&m->prng, i % 2 ? rare : 8 * rare) != 0)
			continue;
		m->change[m->changes.count++] = (struct chain_change){
			.at = m->at[i],
			.created = now,
			.spent = !now,
			.coin = coin_of(i, now ? now : 1),
		};
		made[i] = now;
	}
}

struct seen {
	const struct model *m;
	uint32_t height;
	uint32_t count;
	uint8_t last[CHAIN_OUTPOINT_SIZE];
};

static bool same(const struct chain_coin *a, const struct chain_coin *b)
{
	uint8_t x[CHAIN_COIN_SIZE], y[CHAIN_COIN_SIZE];

	chain_coin_write(x, a);
	chain_coin_write(y, b);
	return memcmp(x, y, sizeof(x)) == 0;
}

static int see(void *ctx, const struct chain_outpoint *at,
	       const struct chain_coin *coin)
{
	struct seen *s = ctx;
	uint8_t bytes[CHAIN_OUTPOINT_SIZE];
	/* It says itself where it should be. */
	uint32_t i = (uint32_t)coin->amount.units;
	struct chain_coin want;

	chain_outpoint_write(bytes, at);
	if (s->count++ > 0 && memcmp(bytes, s->last, sizeof(bytes)) <= 0)
		return 1;
	memcpy(s->last, bytes, sizeof(bytes));
	if (i >= PLACES || !chain_outpoint_equal(at, &s->m->at[i]))
		return 2;
	want = coin_of(i, s->m->made[s->height][i]);
	return s->m->made[s->height][i] && same(coin, &want) ? 0 : 3;
}

/* 0: place @i of @r is as after @height. */
static int wrong_at(struct store_reader *r, const struct model *m,
		    uint32_t height, uint32_t i)
{
	uint16_t made = m->made[height][i];
	struct chain_coin coin, want = coin_of(i, made ? made : 1);
	int rc = store_coin_at(&coin, r, &m->at[i]);

	if (!made)
		return rc != -ENOENT;
	return rc != 0 || !same(&coin, &want);
}

static void assert_coins(struct store_reader *r, const struct model *m,
			 uint32_t height)
{
	struct seen seen = {.m = m, .height = height};
	uint32_t count = 0;

	for (uint32_t i = 0; i < PLACES; i++) {
		assert_int_equal(wrong_at(r, m, height, i), 0);
		count += m->made[height][i] != 0;
	}
	assert_int_equal(store_coins_each(r, see, &seen), 0);
	assert_int_equal(seen.count, count);
	assert_int_equal(store_coins_count(r), count);
}

/* Snapshots that live for a while. */
struct kept {
	struct store_reader *reader[KEPT];
	uint32_t height[KEPT];
};

static void keep(struct kept *k, struct store *s, struct model *m,
		 uint32_t height)
{
	uint32_t i = (uint32_t)base_prng_below(&m->prng, KEPT);
	struct base_error err = {""};

	if (k->reader[i]) {
		assert_coins(k->reader[i], m, k->height[i]);
		store_read_end(k->reader[i]);
	}
	assert_int_equal(store_read_begin(&k->reader[i], s, &err), 0);
	k->height[i] = height;
	/* Some look only when they are old. */
	if (i % 2)
		assert_coins(k->reader[i], m, height);
}

static void drop_all(struct kept *k, const struct model *m)
{
	for (uint32_t i = 0; i < KEPT; i++) {
		if (!k->reader[i])
			continue;
		assert_coins(k->reader[i], m, k->height[i]);
		store_read_end(k->reader[i]);
		k->reader[i] = NULL;
	}
}

static int add(struct store *s, const struct fixture *f, struct model *m,
	       struct chain_context *tip)
{
	struct base_error err = {""};
	struct test_block b;
	int rc;

	test_next(&b, &f->p, tip, 0);
	rc = store_append(s,
			  &(struct store_block){.data = b.data,
						.len = b.len,
						.after = b.ctx,
						.changes = &m->changes},
			  &err);
	if (rc == 0)
		*tip = b.ctx;
	return rc;
}

/* Changes that cannot be: a coin there is made, or one that is not goes. */
static void refuse(struct store *s, const struct fixture *f, struct model *m,
		   struct chain_context *tip)
{
	uint32_t i = (uint32_t)base_prng_below(&m->prng, PLACES);
	bool there = m->made[tip->height.n][i];

	m->changes = (struct chain_changes){.change = m->change, .count = 1};
	m->change[0] = (struct chain_change){
		.at = m->at[i], .created = there, .spent = !there};
	assert_int_equal(add(s, f, m, tip), -EBADMSG);
}

static struct model *begin(struct store *s, const struct fixture *f,
			   uint64_t seed)
{
	struct model *m = calloc(1, sizeof(*m));
	struct base_error err = {""};

	assert_non_null(m);
	m->prng = base_prng_init(seed);
	place_all(m);
	invent(m, 0);
	assert_int_equal(store_init_chain(s, f->genesis.data, f->genesis.len,
					  &f->genesis.ctx, &m->changes, &err),
			 0);
	return m;
}

static void coins_of_every_block_are_as_in_a_model(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct model *m = begin(s, f, 4);
	struct chain_context tip = f->genesis.ctx;
	struct kept kept = {.reader = {NULL}};

	for (uint32_t h = 1; h <= BLOCKS; h++) {
		if (h % OFTEN == 0)
			refuse(s, f, m, &tip);
		invent(m, h);
		assert_int_equal(add(s, f, m, &tip), 0);
		if (base_prng_below(&m->prng, OFTEN) == 0)
			keep(&kept, s, m, h);
		if (base_prng_below(&m->prng, REOPEN) == 0) {
			drop_all(&kept, m);
			store_close(s);
			s = open_with(f, MAP, base_prng_below(&m->prng, 2));
			keep(&kept, s, m, h);
			drop_all(&kept, m);
			store_close(s);
			s = open_with(f, MAP, false);
		}
	}
	keep(&kept, s, m, BLOCKS);
	drop_all(&kept, m);
	store_close(s);
	free(m);
}

struct shared {
	struct store *s;
	struct model *m;
	uint32_t looks;
	uint32_t wrong;
};

/* The height of a snapshot is in the store itself. */
static uint32_t height_of(struct store_reader *r, uint32_t from)
{
	struct base_hash hash;

	while (store_hash_at(&hash, r, (struct base_height){from + 1}) == 0)
		from++;
	return from;
}

static void *read_meanwhile(void *arg)
{
	struct shared *sh = arg;
	uint32_t end = 0;

	while (end < BLOCKS) {
		struct store_reader *r;
		struct base_error err;
		uint32_t height;

		end = atomic_load_explicit(&sh->m->end, memory_order_acquire);
		if (store_read_begin(&r, sh->s, &err)) {
			sh->wrong++;
			break;
		}
		height = height_of(r, end);
		for (uint32_t i = sh->looks % 5; i < PLACES; i += 5)
			sh->wrong += (uint32_t)wrong_at(r, sh->m, height, i);
		sh->looks++;
		store_read_end(r);
	}
	return NULL;
}

static void a_thread_reads_while_blocks_come(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct model *m = begin(s, f, 5);
	struct shared sh = {.s = s, .m = m};
	struct chain_context tip = f->genesis.ctx;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, read_meanwhile, &sh), 0);
	for (uint32_t h = 1; h <= BLOCKS; h++) {
		int rc;

		invent(m, h);
		rc = add(s, f, m, &tip);
		atomic_store_explicit(&m->end, h, memory_order_release);
		assert_int_equal(rc, 0);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(sh.wrong, 0);
	assert_true(sh.looks > 0);
	store_close(s);
	free(m);
}

static void key_of(uint8_t out[CHAIN_OUTPOINT_SIZE], uint32_t height,
		   uint32_t i)
{
	memset(out, 0, CHAIN_OUTPOINT_SIZE);
	base_store_le32(out, height);
	base_store_le32(out + 4, i);
}

static void fill(struct store_filter *f, uint32_t height)
{
	uint8_t key[CHAIN_OUTPOINT_SIZE];

	store_filter_begin(f, height);
	for (uint32_t i = 0; i < 1000; i++) {
		key_of(key, height, i);
		store_filter_add(f, height, key);
	}
}

/* Every key of blocks first..last is found there, and seldom elsewhere. */
static void assert_known(struct store_filter *f, uint32_t first, uint32_t last)
{
	uint8_t key[CHAIN_OUTPOINT_SIZE];
	uint32_t strays = 0;

	for (uint32_t h = first; h <= last; h++) {
		for (uint32_t i = 0; i < 1000; i++) {
			uint64_t bit = UINT64_C(1) << (63 - (last - h));
			uint64_t found;

			key_of(key, h, i);
			found = store_filter_ask(f, first, last, key);
			assert_true(found & bit);
			found &= ~(UINT64_MAX >> (last - first + 1));
			strays += (uint32_t)__builtin_popcountll(found) - 1;
		}
	}
	assert_true(strays < 10 * (last - first + 1));
}

static void the_filter_knows_the_newest_blocks(void **state)
{
	uint8_t key[CHAIN_OUTPOINT_SIZE];
	struct store_filter f;

	(void)state;
	assert_int_equal(store_filter_init(&f), 0);
	store_filter_reset(&f, 30);
	key_of(key, 30, 1);
	assert_true(store_filter_ask(&f, 30, 30, key) == UINT64_MAX);
	for (uint32_t h = 30; h < 200; h++) {
		fill(&f, h);
		/* Not before it is complete, and what was begun in vain is
		 * forgotten. */
		assert_true(store_filter_ask(&f, h, h, key) == UINT64_MAX);
		fill(&f, h);
		store_filter_end(&f, h);
		if (h % 17 == 0)
			assert_known(&f, h < 85 ? 30 : h - 55, h);
	}
	/* As old as it can be, and older. */
	assert_known(&f, 136, 190);
	key_of(key, 77, 7);
	assert_true(store_filter_ask(&f, 135, 190, key) == UINT64_MAX);
	store_filter_reset(&f, 0);
	assert_true(store_filter_ask(&f, 150, 190, key) == UINT64_MAX);
	store_filter_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(coins_of_every_block_are_as_in_a_model),
		TEST(a_thread_reads_while_blocks_come),
		cmocka_unit_test(the_filter_knows_the_newest_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
