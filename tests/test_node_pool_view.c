/* SPDX-License-Identifier: MIT */
/* pool_view.h: walks over a pool that changes under them, through real asks
 * and a thread that stands for the consensus thread. */
#include "test.h"

#include "mempool_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "node/pool_view.h"
#include "node/txpool.h"

#define POOL_BYTES ((size_t)16 << 20)
#define MANY 6000u
#define NOW_S 1700000000

struct fixture {
	struct chain_params params;
	struct node_txpool *pool;
	struct chain_mempool *mempool;
	struct node_asks asks;
	struct node_wake asker;
	struct node_pool_view view;
	pthread_t thread;
	_Atomic bool stopping;
	struct base_hash txid[MANY];
	uint32_t seen[MANY]; /* how often */
	uint32_t count;	     /* seen in all */
	uint64_t sequence;   /* of the last one */
	uint32_t act_at;     /* when so many were seen, remove: */
	uint32_t first;
	uint32_t end;
};

static void *consensus_main(void *arg)
{
	struct fixture *f = arg;

	while (!atomic_load_explicit(&f->stopping, memory_order_acquire)) {
		node_wake_wait(&f->asks.wake, -1);
		node_asks_run(&f->asks, f->pool);
	}
	return NULL;
}

static int set_up(void **state)
{
	struct fixture *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);
	struct base_error err;

	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	*state = f;
	f->params.max_block_bytes = 1 << 20;
	f->params.max_block_inputs = 1000;
	assert_int_equal(
		node_txpool_open(&f->pool, &f->params, POOL_BYTES, &err), 0);
	f->mempool = node_txpool_mempool(f->pool);
	assert_int_equal(node_asks_open(&f->asks), 0);
	assert_int_equal(node_wake_open(&f->asker), 0);
	f->view = (struct node_pool_view){&f->asks, &f->asker};
	return pthread_create(&f->thread, NULL, consensus_main, f);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	atomic_store_explicit(&f->stopping, true, memory_order_release);
	node_wake_ring(&f->asks.wake);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
	node_asks_close(&f->asks);
	node_wake_close(&f->asker);
	node_txpool_close(f->pool);
	free(f);
	return 0;
}

/* The thread only looks at the pool while this one waits for an answer. */
static struct base_hash add(struct fixture *f, const struct fixture_shape *s,
			    int64_t fee)
{
	struct fixture_tx tx = fixture_build(s);
	struct base_hash txid = tx.txid;

	assert_int_equal(chain_mempool_add(f->mempool, &tx.view, &tx.txid,
					   &tx.wtxid, (struct base_amount){fee},
					   NOW_S),
			 CHAIN_MEMPOOL_OK);
	free(tx.bytes);
	return txid;
}

static void add_many(struct fixture *f)
{
	for (uint32_t i = 0; i < MANY; i++) {
		struct fixture_shape s = fixture_shape(fixture_coin(i));

		f->txid[i] = add(f, &s, 5000);
	}
}

static void see(void *ctx, const struct node_pool_entry *e)
{
	struct fixture *f = ctx;

	assert_true(e->entry.sequence > f->sequence);
	f->sequence = e->entry.sequence;
	if (e->entry.sequence <= MANY)
		f->seen[e->entry.sequence - 1]++;
	f->count++;
	for (uint32_t i = f->first; f->count == f->act_at && i < f->end; i++)
		assert_int_equal(chain_mempool_remove(f->mempool, &f->txid[i]),
				 1);
}

/* All that are outside of first..end, which left, were seen once. */
static void expect_seen(const struct fixture *f)
{
	for (uint32_t i = 0; i < MANY; i++)
		if (i < f->first || i >= f->end)
			assert_int_equal(f->seen[i], 1);
}

static void each_is_seen_once(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(node_pool_each(&f->view, false, see, f), 0);
	assert_int_equal(f->count, 0);
	add_many(f);
	assert_int_equal(node_pool_each(&f->view, false, see, f), 0);
	assert_int_equal(f->count, MANY);
	expect_seen(f);
}

/* The entry at which the next page would go on has left with its
 * neighbours, beyond the steps of one ask. */
static void those_that_stay_are_seen_once(void **state)
{
	struct fixture *f = *state;

	add_many(f);
	f->act_at = 5 * NODE_POOL_IDS_MAX;
	f->first = f->act_at - 50;
	f->end = f->act_at + 50;
	assert_true(f->first > NODE_POOL_STEPS_MAX && f->end < MANY);
	assert_int_equal(node_pool_each(&f->view, false, see, f), 0);
	assert_int_equal(f->count, MANY - 50);
	expect_seen(f);
}

static void whole_entries_too(void **state)
{
	struct fixture *f = *state;

	add_many(f);
	f->act_at = 10 * NODE_POOL_ENTRIES_MAX;
	f->first = 0;
	f->end = f->act_at;
	assert_int_equal(node_pool_each(&f->view, true, see, f), 0);
	assert_int_equal(f->count, MANY);
	expect_seen(f);
}

/* What comes back stands at the end, and the walk does not jump there. */
static void come_back(void *ctx, const struct node_pool_entry *e)
{
	struct fixture *f = ctx;
	struct fixture_shape s = fixture_shape(fixture_coin(MANY));

	see(f, e);
	if (f->count != NODE_POOL_IDS_MAX)
		return;
	assert_int_equal(chain_mempool_remove(f->mempool, &e->entry.txid), 1);
	s.in[0] = fixture_coin(f->count - 1);
	s.salt = (uint32_t)e->entry.sequence;
	(void)add(f, &s, 5000);
}

static void an_entry_comes_back(void **state)
{
	struct fixture *f = *state;

	for (uint32_t i = 0; i < MANY; i++) {
		struct fixture_shape s = fixture_shape(fixture_coin(i));

		s.salt = i + 1;
		f->txid[i] = add(f, &s, 5000);
	}
	assert_int_equal(node_pool_each(&f->view, false, come_back, f), 0);
	assert_int_equal(f->count, MANY + 1);
	expect_seen(f);
}

static void one_entry_and_its_family(void **state)
{
	struct fixture *f = *state;
	struct fixture_shape s = fixture_shape(fixture_coin(0));
	struct node_pool_entry family[CHAIN_MEMPOOL_CHAIN_MAX];
	struct node_pool_entry e;
	struct base_hash id[3];
	const struct base_hash none = {{1}};
	uint32_t count = 77;

	s.out_count = 2;
	id[0] = add(f, &s, 5000);
	s = fixture_shape((struct fixture_in){id[0], 1});
	id[1] = add(f, &s, 6000);
	/* Both outputs of one parent and one of the other. */
	s = fixture_shape((struct fixture_in){id[0], 0});
	s.in[s.in_count++] = (struct fixture_in){id[1], 0};
	id[2] = add(f, &s, 7000);
	assert_int_equal(node_pool_entry(&e, &f->view, &id[1]), 0);
	assert_null(e.entry.data);
	assert_int_equal(e.entry.fee.units, 6000);
	assert_int_equal(e.parents.count, 1);
	assert_memory_equal(&e.parents.txid[0], &id[0], sizeof(id[0]));
	assert_int_equal(e.children.count, 1);
	assert_memory_equal(&e.children.txid[0], &id[2], sizeof(id[2]));
	assert_int_equal(
		node_pool_family(family, &count, &f->view, &id[0], true), 0);
	assert_int_equal(count, 2);
	assert_int_equal(
		node_pool_family(family, &count, &f->view, &id[2], false), 0);
	assert_int_equal(count, 2);
	assert_int_equal(
		node_pool_family(family, &count, &f->view, &id[0], false), 0);
	assert_int_equal(count, 0);
	assert_int_equal(node_pool_entry(&e, &f->view, &none), -ENOENT);
	assert_int_equal(
		node_pool_family(family, &count, &f->view, &none, true),
		-ENOENT);
}

static void bytes_and_coins(void **state)
{
	static uint8_t data[CHAIN_MEMPOOL_WEIGHT_MAX];
	struct fixture *f = *state;
	struct fixture_shape s = fixture_shape(fixture_coin(0));
	struct fixture_tx tx;
	struct chain_outpoint at = {.index = s.in[0].index,
				    .txid = s.in[0].txid};
	struct node_pool_coin coin;
	struct base_amount fee;
	size_t len = 0;

	s.data_len = 4;
	(void)add(f, &s, 5000);
	tx = fixture_build(&s);
	assert_int_equal(node_pool_tx(data, &len, &fee, &f->view, &tx.txid), 0);
	assert_int_equal(len, tx.view.len);
	assert_memory_equal(data, tx.bytes, len);
	assert_int_equal(fee.units, 5000);
	assert_int_equal(node_pool_tx(data, &len, &fee, &f->view, &at.txid),
			 -ENOENT);
	assert_int_equal(node_pool_coin(&coin, &f->view, &at), 0);
	assert_true(coin.spent && !coin.made);
	/* The OP_RETURN is no coin, the output behind it is one. */
	at = (struct chain_outpoint){.txid = tx.txid, .index = 0};
	assert_int_equal(node_pool_coin(&coin, &f->view, &at), 0);
	assert_true(!coin.spent && !coin.made);
	at.index = 1;
	assert_int_equal(node_pool_coin(&coin, &f->view, &at), 0);
	assert_true(!coin.spent && coin.made);
	assert_int_equal(coin.amount.units, s.amount);
	free(tx.bytes);
}

static void what_the_next_block_costs(void **state)
{
	struct fixture *f = *state;
	struct chain_mempool_totals t;
	struct node_pool_entry e;
	struct base_hash cheap;
	uint64_t rate = 0;

	assert_int_equal(node_pool_next_rate(&rate, &f->view, 1000), 0);
	assert_int_equal(rate, CHAIN_MEMPOOL_RELAY_FEE);
	for (uint32_t i = 0; i < 10; i++) {
		struct fixture_shape s = fixture_shape(fixture_coin(i));

		cheap = add(f, &s, 1000 * (10 - (int64_t)i));
	}
	assert_int_equal(node_pool_totals(&t, &f->view), 0);
	assert_int_equal(t.count, 10);
	assert_int_equal(node_pool_entry(&e, &f->view, &cheap), 0);
	assert_int_equal(node_pool_next_rate(&rate, &f->view, 10 * e.entry.len),
			 0);
	assert_int_equal(rate, CHAIN_MEMPOOL_RELAY_FEE);
	assert_int_equal(
		node_pool_next_rate(&rate, &f->view, 10 * e.entry.len - 1), 0);
	assert_int_equal(rate, 1000 * 1000 / e.entry.vsize + 1000);
	/* A delta of the operator counts as fee. */
	assert_int_equal(node_pool_note(&f->view, &cheap, NODE_POOL_DELTA,
					BASE_MAX_MONEY),
			 0);
	assert_int_equal(node_pool_next_rate(&rate, &f->view, 1), 0);
	assert_true(rate / 1000 ==
		    (uint64_t)(BASE_MAX_MONEY + 1000) / e.entry.vsize + 1);
	assert_int_equal(node_pool_note(&f->view, &cheap, NODE_POOL_DELTA, 1),
			 -ERANGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_is_seen_once),
		TEST(those_that_stay_are_seen_once),
		TEST(whole_entries_too),
		TEST(an_entry_comes_back),
		TEST(one_entry_and_its_family),
		TEST(bytes_and_coins),
		TEST(what_the_next_block_costs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
