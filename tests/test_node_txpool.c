/* SPDX-License-Identifier: MIT */
/*
 * Transactions on their way into the pool, through real asks, a thread that
 * stands for the consensus thread, and real verify threads.
 */
#include "test.h"

#include "spend_fixture.h"

#include "node/txpool.h"

#include <pthread.h>
#include <unistd.h>

#define SECRET 7
#define COIN 100000
#define HEIGHT 10
#define NOW_S 1700000000
#define FEE 2000

struct fixture {
	struct chain_params params;
	struct spend_coins coins;
	struct node_txpool *pool;
	struct node_verify *verify;
	struct node_asks asks;
	struct node_wake asker;
	pthread_t thread;
	_Atomic bool stopping;
	struct base_error err;
};

static void *consensus_main(void *arg)
{
	struct fixture *f = arg;

	while (!atomic_load_explicit(&f->stopping, memory_order_acquire)) {
		struct node_verify_reply reply;

		node_wake_wait(&f->asks.wake, -1);
		while (node_verify_take(f->verify, &reply))
			node_txpool_verified(f->pool, &reply);
		node_asks_run(&f->asks, f->pool);
	}
	return NULL;
}

static int set_up(void **state)
{
	struct fixture *f = aligned_alloc(64, (sizeof(*f) + 63) / 64 * 64);
	struct chain_coins coins;

	assert_non_null(f);
	memset(f, 0, sizeof(*f));
	*state = f;
	f->params.max_block_bytes = 1 << 20;
	f->params.max_block_inputs = 1000;
	f->params.coinbase_maturity = 1;
	for (int i = 0; i < 8; i++)
		spend_coins_add(&f->coins, COIN, SECRET, 1, false);
	spend_coins_add(&f->coins, COIN, SECRET, HEIGHT + 1, true);
	coins = (struct chain_coins){.get = spend_coins_get, .ctx = &f->coins};
	assert_int_equal(node_txpool_open(&f->pool, &f->params,
					  CHAIN_MEMPOOL_BYTES_MIN, &f->err),
			 0);
	node_txpool_set_tip(f->pool, &coins, (struct base_height){HEIGHT});
	node_txpool_set_time(f->pool, NOW_S);
	assert_int_equal(node_asks_open(&f->asks), 0);
	assert_int_equal(node_wake_open(&f->asker), 0);
	assert_int_equal(
		node_verify_start(&f->verify, 2, &f->asks.wake, &f->err), 0);
	node_txpool_set_verify(f->pool, f->verify);
	return pthread_create(&f->thread, NULL, consensus_main, f);
}

/* The consensus thread ends; its pool is the test's from here on. */
static void stop_consensus(struct fixture *f)
{
	atomic_store_explicit(&f->stopping, true, memory_order_release);
	node_wake_ring(&f->asks.wake);
	assert_int_equal(pthread_join(f->thread, NULL), 0);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (!atomic_load(&f->stopping))
		stop_consensus(f);
	node_verify_stop(f->verify);
	node_txpool_close(f->pool);
	node_wake_close(&f->asker);
	node_asks_close(&f->asks);
	free(f);
	return 0;
}

/* Spends coin @n to one output, paying @fee. */
static struct spend_tx spend_coin(const struct fixture *f, unsigned n,
				  int64_t fee)
{
	struct spend_tx t = {.version = 2, .inputs = 1, .outputs = 1};

	spend_from(&t, 0, &f->coins, n, SECRET);
	t.out[0] = (struct spend_out){.amount = COIN - fee, .secret = SECRET};
	spend_build(&t);
	return t;
}

/* Spends output 0 of @parent. */
static struct spend_tx spend_child(const struct spend_tx *parent, int64_t fee)
{
	struct spend_tx t = {.version = 2, .inputs = 1, .outputs = 1};

	t.in[0] = (struct spend_in){
		.at = {.txid = parent->txid},
		.amount = {parent->out[0].amount},
		.secret = SECRET,
		.sequence = UINT32_MAX,
	};
	t.out[0] = (struct spend_out){.amount = parent->out[0].amount - fee,
				      .secret = SECRET};
	spend_build(&t);
	return t;
}

static struct node_tx_offer offer_bytes(struct fixture *f, const uint8_t *data,
					size_t len, bool trial)
{
	struct node_tx_offer o = {.data = data, .len = len, .trial = trial};

	assert_int_equal(node_tx_offer(&f->asks, &o, &f->asker), 0);
	return o;
}

static struct node_tx_offer offer(struct fixture *f, const struct spend_tx *t)
{
	return offer_bytes(f, t->bytes, t->len, false);
}

/* As asks of other threads see the pool. */
struct count_ask {
	struct node_ask ask;
	struct chain_mempool_totals totals;
};

static bool run_count(struct node_ask *ask, struct node_txpool *pool)
{
	struct count_ask *c = (struct count_ask *)(void *)ask;

	chain_mempool_totals(&c->totals, node_txpool_mempool(pool));
	return true;
}

static uint32_t count(struct fixture *f)
{
	struct count_ask c = {.ask.run = run_count};

	assert_int_equal(node_ask(&f->asks, &c.ask, &f->asker), 0);
	return c.totals.count;
}

static void good_ones_come_in_with_their_children(void **state)
{
	struct fixture *f = *state;
	struct spend_tx parent = spend_coin(f, 0, FEE);
	struct spend_tx child = spend_child(&parent, FEE);
	struct node_tx_offer o = offer(f, &parent);

	assert_int_equal(o.outcome, NODE_TX_ACCEPTED);
	assert_string_equal(o.reject, "");
	assert_int_equal(o.fee.units, FEE);
	assert_true(base_hash_equal(&o.txid, &parent.txid));
	assert_int_equal(offer(f, &child).outcome, NODE_TX_ACCEPTED);
	assert_int_equal(count(f), 2);
	assert_int_equal(offer(f, &parent).outcome, NODE_TX_IN_POOL);
}

static void a_trial_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct spend_tx t = spend_coin(f, 0, FEE);

	assert_int_equal(offer_bytes(f, t.bytes, t.len, true).outcome,
			 NODE_TX_ACCEPTED);
	assert_int_equal(count(f), 0);
	assert_int_equal(offer(f, &t).outcome, NODE_TX_ACCEPTED);
	assert_int_equal(count(f), 1);
}

static void expect_refused(struct fixture *f, const struct spend_tx *t,
			   enum node_tx_outcome outcome, const char *reject)
{
	struct node_tx_offer o = offer(f, t);

	assert_int_equal(o.outcome, outcome);
	assert_string_equal(o.reject, reject);
}

static void bad_ones_are_refused_by_name(void **state)
{
	struct fixture *f = *state;
	struct spend_tx t = spend_coin(f, 0, FEE);

	t.bytes[t.len - 10] ^= 1; /* in the signature */
	expect_refused(f, &t, NODE_TX_REFUSED,
		       chain_verdict_name(CHAIN_BAD_SIGNATURE));
	t = spend_coin(f, 0, 1);
	expect_refused(f, &t, NODE_TX_REFUSED, "min relay fee not met");
	t = spend_coin(f, 0, -1);
	expect_refused(f, &t, NODE_TX_REFUSED, "bad-txns-in-belowout");
	t = spend_coin(f, 8, FEE);
	expect_refused(f, &t, NODE_TX_REFUSED,
		       "bad-txns-premature-spend-of-coinbase");
	t = spend_coin(f, 0, FEE);
	t.in[0].at.index += 100;
	spend_build(&t);
	expect_refused(f, &t, NODE_TX_MISSING,
		       "bad-txns-inputs-missingorspent");
	assert_int_equal(offer_bytes(f, t.bytes, t.len - 1, false).outcome,
			 NODE_TX_UNDECODED);
	assert_int_equal(count(f), 0);
}

static void a_double_spend_is_refused(void **state)
{
	struct fixture *f = *state;
	struct spend_tx one = spend_coin(f, 0, FEE);
	struct spend_tx two = spend_coin(f, 0, 2 * FEE);

	assert_int_equal(offer(f, &one).outcome, NODE_TX_ACCEPTED);
	expect_refused(f, &two, NODE_TX_REFUSED, "txn-mempool-conflict");
	assert_int_equal(count(f), 1);
}

static void a_confirmed_one_is_known(void **state)
{
	struct fixture *f = *state;
	struct spend_tx t = spend_coin(f, 0, FEE);
	struct spend_coins *c = &f->coins;

	stop_consensus(f);
	c->at[0] = (struct chain_outpoint){.txid = t.txid};
	atomic_store(&f->stopping, false);
	assert_int_equal(pthread_create(&f->thread, NULL, consensus_main, f),
			 0);
	expect_refused(f, &t, NODE_TX_IN_CHAIN, "txn-already-known");
}

static void coins_that_cannot_be_read_are_no_verdict(void **state)
{
	struct fixture *f = *state;
	struct spend_tx t = spend_coin(f, 0, FEE);

	stop_consensus(f);
	f->coins.fail = -EIO;
	atomic_store(&f->stopping, false);
	assert_int_equal(pthread_create(&f->thread, NULL, consensus_main, f),
			 0);
	assert_int_equal(offer(f, &t).outcome, NODE_TX_UNKNOWN);
}

static void a_fee_limit_is_kept(void **state)
{
	struct fixture *f = *state;
	struct spend_tx t = spend_coin(f, 0, FEE);
	struct node_tx_offer o = {.data = t.bytes, .len = t.len};

	o.fee_rate_max = 1000;
	assert_int_equal(node_tx_offer(&f->asks, &o, &f->asker), 0);
	assert_int_equal(o.outcome, NODE_TX_FEE_LIMIT);
	o.fee_rate_max = 1000 * FEE;
	assert_int_equal(node_tx_offer(&f->asks, &o, &f->asker), 0);
	assert_int_equal(o.outcome, NODE_TX_ACCEPTED);
}

/* What was verified once is known, whether it came in or not. */
static void verified_ones_are_known(void **state)
{
	struct fixture *f = *state;
	struct spend_tx t = spend_coin(f, 0, FEE);
	struct node_tx_offer o = offer_bytes(f, t.bytes, t.len, true);
	struct chain_known known;

	stop_consensus(f);
	known = node_txpool_known(f->pool);
	assert_true(known.has(known.ctx, &o.wtxid));
	assert_false(known.has(known.ctx, &o.txid));
}

/* Four threads offer the same sixteen transactions, all at once. */
#define RACERS 4
#define RACE_TXS 16

struct racer {
	struct fixture *f;
	const struct spend_tx *t;
	unsigned accepted;
	pthread_t thread;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	struct node_wake bell;

	if (node_wake_open(&bell) < 0)
		return NULL;
	for (unsigned i = 0; i < RACE_TXS; i++) {
		struct node_tx_offer o = {.data = r->t[i].bytes,
					  .len = r->t[i].len};

		while (node_tx_offer(&r->f->asks, &o, &bell) < 0)
			(void)usleep(1000);
		r->accepted += o.outcome == NODE_TX_ACCEPTED;
	}
	node_wake_close(&bell);
	return NULL;
}

static void racing_offers_come_in_once(void **state)
{
	struct fixture *f = *state;
	struct racer racer[RACERS];
	static struct spend_tx t[RACE_TXS];
	unsigned accepted = 0;

	t[0] = spend_coin(f, 0, 200);
	for (unsigned i = 1; i < RACE_TXS; i++)
		t[i] = spend_child(&t[i - 1], 200);
	for (unsigned i = 0; i < RACERS; i++) {
		racer[i] = (struct racer){.f = f, .t = t};
		assert_int_equal(
			pthread_create(&racer[i].thread, NULL, race, &racer[i]),
			0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		assert_int_equal(pthread_join(racer[i].thread, NULL), 0);
		accepted += racer[i].accepted;
	}
	assert_int_equal(accepted, RACE_TXS);
	assert_int_equal(count(f), RACE_TXS);
}

int main(void)
{
#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_POOL(good_ones_come_in_with_their_children),
		WITH_POOL(a_trial_changes_nothing),
		WITH_POOL(bad_ones_are_refused_by_name),
		WITH_POOL(a_double_spend_is_refused),
		WITH_POOL(a_confirmed_one_is_known),
		WITH_POOL(coins_that_cannot_be_read_are_no_verdict),
		WITH_POOL(a_fee_limit_is_kept),
		WITH_POOL(verified_ones_are_known),
		WITH_POOL(racing_offers_come_in_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
