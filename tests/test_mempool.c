/* SPDX-License-Identifier: MIT */
/* The mempool's rules, one by one, at their borders. */
#include "mempool_fixture.h"

#include <errno.h>
#include <time.h>

#include "base/prng.h"

#define NOW UINT64_C(1700000000)
#define MIB ((size_t)1 << 20)
#define CHAIN_MAX CHAIN_MEMPOOL_CHAIN_MAX

static struct chain_mempool *m;
static uint32_t coins;

static int setup(void **state)
{
	(void)state;
	m = fixture_pool(MIB);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(m);
	return 0;
}

static struct fixture_in fresh(void)
{
	return fixture_coin(++coins);
}

static struct fixture_in output(const struct fixture_tx *t, uint32_t index)
{
	return (struct fixture_in){.txid = t->txid, .index = index};
}

/* One input, @outs outputs. */
static struct fixture_tx simple(struct fixture_in in, uint32_t outs)
{
	struct fixture_shape s = fixture_shape(in);

	s.out_count = outs;
	return fixture_build(&s);
}

/* Adds at @rate units per virtual byte; it must be accepted. */
static void put(const struct fixture_tx *t, int64_t rate)
{
	assert_int_equal(fixture_add(m, t, rate * fixture_vsize(t), NOW),
			 CHAIN_MEMPOOL_OK);
}

static uint32_t count(void)
{
	struct chain_mempool_totals t;

	chain_mempool_totals(&t, m);
	return t.count;
}

static bool has(const struct fixture_tx *t)
{
	return chain_mempool_find(m, &t->txid) != NULL;
}

/* Refused with @reason, and nothing is changed. */
static void refused(const struct fixture_tx *t, int64_t fee, const char *reason)
{
	struct chain_mempool_totals before, after;
	enum chain_mempool_verdict v;

	chain_mempool_totals(&before, m);
	v = fixture_add(m, t, fee, NOW);
	assert_string_equal(chain_mempool_verdict_name(v), reason);
	chain_mempool_totals(&after, m);
	assert_int_equal(before.count, after.count);
	assert_int_equal(before.vsize, after.vsize);
	assert_int_equal(before.usage, after.usage);
	assert_int_equal(before.fees, after.fees);
	assert_int_equal(before.min_fee_kvb, after.min_fee_kvb);
}

static void size_is_bounded(void **state)
{
	struct fixture_shape s = fixture_shape(fresh());
	struct fixture_tx t;
	uint32_t rest;

	(void)state;
	s.pad = 70000; /* its length takes 5 bytes from here on */
	t = fixture_build(&s);
	rest = (uint32_t)(3 * t.view.stripped_len + t.view.len) - s.pad;
	free(t.bytes);
	s.pad = CHAIN_MEMPOOL_WEIGHT_MAX - rest + 1;
	t = fixture_build(&s);
	refused(&t, 10000000, "tx-size");
	free(t.bytes);
	s.pad--;
	t = fixture_build(&s);
	put(&t, 1);
	free(t.bytes);
}

static void dust_is_refused(void **state)
{
	struct fixture_shape s = fixture_shape(fresh());
	struct fixture_tx t;

	(void)state;
	s.data_len = 80; /* its value of 0 is no dust */
	s.amount = CHAIN_MEMPOOL_DUST - 1;
	t = fixture_build(&s);
	refused(&t, 10000, "dust");
	free(t.bytes);
	s.amount = CHAIN_MEMPOOL_DUST;
	t = fixture_build(&s);
	put(&t, 1);
	free(t.bytes);
}

static void a_transaction_enters_once(void **state)
{
	struct fixture_shape s = fixture_shape(fresh());
	struct fixture_tx t = fixture_build(&s);
	struct fixture_tx other;

	(void)state;
	put(&t, 1);
	refused(&t, 10000, "txn-already-in-mempool");
	s.pad++;
	other = fixture_build(&s);
	assert_memory_equal(&t.txid, &other.txid, 32);
	refused(&other, 10000, "txn-same-nonwitness-data-in-mempool");
	assert_ptr_equal(chain_mempool_find_wtxid(m, &t.wtxid),
			 chain_mempool_find(m, &t.txid));
	assert_null(chain_mempool_find_wtxid(m, &other.wtxid));
	free(t.bytes);
	free(other.bytes);
}

static void an_output_is_spent_once(void **state)
{
	struct fixture_shape s = fixture_shape(fresh());
	struct fixture_tx first = fixture_build(&s);
	struct fixture_tx t;

	(void)state;
	put(&first, 1);
	/* However much it pays: no replacement. The fresh inputs before the
	 * one in conflict are given back. */
	s.in_count = 3;
	s.in[2] = s.in[0];
	s.in[0] = fresh();
	s.in[1] = fresh();
	t = fixture_build(&s);
	refused(&t, 1000000, "txn-mempool-conflict");
	assert_null(chain_mempool_spender(m, &s.in[0].txid, s.in[0].index));
	free(t.bytes);
	s.in[2] = s.in[0];
	t = fixture_build(&s);
	refused(&t, 1000000, "bad-txns-inputs-duplicate");
	assert_null(chain_mempool_spender(m, &s.in[0].txid, s.in[0].index));
	free(t.bytes);
	/* Another output of the same transaction is another coin. */
	s.in_count = 1;
	s.in[0] = output(&first, 0);
	t = fixture_build(&s);
	put(&t, 1);
	assert_ptr_equal(chain_mempool_spender(m, &first.txid, 0),
			 chain_mempool_find(m, &t.txid));
	assert_null(chain_mempool_spender(m, &first.txid, 1));
	free(t.bytes);
	free(first.bytes);
}

static void relay_has_a_price(void **state)
{
	struct fixture_tx t = simple(fresh(), 1);
	int64_t vsize = fixture_vsize(&t);

	(void)state;
	assert_int_equal(vsize, 111);
	refused(&t, vsize - 1, "min relay fee not met");
	/* As often as one likes: nothing is used up. */
	for (int i = 0; i < 3000; i++)
		refused(&t, 0, "min relay fee not met");
	/* The operator's delta counts, both ways. */
	assert_int_equal(chain_mempool_prioritise(m, &t.txid, vsize), 0);
	assert_int_equal(fixture_add(m, &t, 0, NOW), CHAIN_MEMPOOL_OK);
	assert_int_equal(chain_mempool_remove(m, &t.txid), 1);
	assert_int_equal(chain_mempool_prioritise(m, &t.txid, -vsize - 1), 0);
	refused(&t, vsize, "min relay fee not met");
	assert_int_equal(chain_mempool_prioritise(m, &t.txid, 1), 0);
	put(&t, 1);
	free(t.bytes);
}

static void chains_are_bounded_in_depth(void **state)
{
	struct fixture_in in = fresh();
	const struct chain_mempool_entry *up[CHAIN_MAX];
	struct fixture_tx t = {0};

	(void)state;
	for (uint32_t i = 1; i <= CHAIN_MAX; i++) {
		t = simple(in, 2);
		put(&t, 1);
		in = output(&t, 1);
		free(t.bytes);
	}
	assert_int_equal(
		chain_mempool_ancestors(up, m, chain_mempool_find(m, &t.txid)),
		CHAIN_MAX - 1);
	t = simple(in, 1);
	refused(&t, 100000, "too-long-mempool-chain");
	free(t.bytes);
}

static void chains_are_bounded_in_width(void **state)
{
	const struct chain_mempool_entry *down[CHAIN_MAX];
	struct fixture_tx parent = simple(fresh(), CHAIN_MAX);
	struct fixture_tx t;

	(void)state;
	put(&parent, 1);
	for (uint32_t i = 0; i < CHAIN_MAX - 1; i++) {
		t = simple(output(&parent, i), 1);
		put(&t, 1);
		free(t.bytes);
	}
	t = simple(output(&parent, CHAIN_MAX - 1), 1);
	refused(&t, 100000, "too-long-mempool-chain");
	assert_int_equal(chain_mempool_descendants(
				 down, m, chain_mempool_find(m, &parent.txid)),
			 CHAIN_MAX - 1);
	assert_int_equal(chain_mempool_remove(m, &parent.txid), CHAIN_MAX);
	assert_int_equal(count(), 0);
	free(t.bytes);
	free(parent.bytes);
}

static void chains_are_bounded_in_bytes(void **state)
{
	struct fixture_tx parent = simple(fresh(), 2000);
	struct fixture_shape s = fixture_shape(output(&parent, 0));
	struct fixture_tx t;
	uint32_t left;

	(void)state;
	put(&parent, 1);
	s.out_count = 200;
	s.pad = 20000;
	t = fixture_build(&s);
	left = CHAIN_MEMPOOL_CHAIN_VSIZE_MAX - fixture_vsize(&parent) -
	       fixture_vsize(&t);
	free(t.bytes);
	s.pad += 4 * left + 4;
	t = fixture_build(&s);
	refused(&t, 1000000, "too-long-mempool-chain");
	free(t.bytes);
	s.pad -= 4;
	t = fixture_build(&s);
	assert_int_equal(fixture_vsize(&parent) + fixture_vsize(&t),
			 CHAIN_MEMPOOL_CHAIN_VSIZE_MAX);
	put(&t, 1);
	free(t.bytes);
	free(parent.bytes);
}

/* Fills the pool with small transactions of @rate and 50 units until none
 * fits. */
static uint32_t fill(int64_t rate)
{
	uint32_t n = 0;

	for (;;) {
		struct fixture_tx t = simple(fresh(), 1);
		enum chain_mempool_verdict v =
			fixture_add(m, &t, rate * fixture_vsize(&t) + 50, NOW);
		uint32_t now = count();

		free(t.bytes);
		if (v == CHAIN_MEMPOOL_FULL || now == n)
			return n;
		n = now;
	}
}

static void a_full_pool_keeps_the_better(void **state)
{
	struct fixture_tx low = simple(fresh(), 2);
	struct fixture_tx child, t;
	struct chain_mempool_totals totals;
	uint32_t full;

	(void)state;
	put(&low, 1);
	chain_mempool_totals(&totals, m);
	assert_int_equal(totals.min_fee_kvb, CHAIN_MEMPOOL_RELAY_FEE);
	full = fill(5);
	assert_true(full > 1000);
	assert_false(has(&low));
	chain_mempool_totals(&totals, m);
	assert_true(totals.usage <= totals.bytes_max);
	assert_true(totals.usage > totals.bytes_max - 2000);
	assert_int_equal(totals.min_fee_kvb, 5000 + 50 * 1000 / 111 + 1);
	refused(&low, 4 * fixture_vsize(&low), "mempool full");
	put(&low, 6);
	/* Removed with its descendants, however much those paid. */
	child = simple(output(&low, 1), 1);
	put(&child, 50);
	assert_int_equal(chain_mempool_prioritise(m, &low.txid, -1000000), 0);
	t = simple(fresh(), 1);
	put(&t, 7);
	assert_false(has(&low));
	assert_false(has(&child));
	assert_true(has(&t));
	free(low.bytes);
	free(child.bytes);
	free(t.bytes);
}

static void a_child_pays_for_its_parent(void **state)
{
	struct fixture_tx parent = simple(fresh(), 1);
	struct fixture_tx child = simple(output(&parent, 0), 1);

	(void)state;
	put(&parent, 1);
	put(&child, 50);
	(void)fill(5);
	assert_true(has(&parent));
	assert_true(has(&child));
	free(parent.bytes);
	free(child.bytes);
}

/* A large newcomer cannot flush small ones and then be refused itself. */
static void a_refused_newcomer_flushes_nothing(void **state)
{
	struct fixture_tx low[10], big;

	(void)state;
	for (int i = 0; i < 10; i++) {
		low[i] = simple(fresh(), 1);
		put(&low[i], 2);
	}
	/* Fills up without pushing the low ones out. */
	for (;;) {
		struct chain_mempool_totals t;
		struct fixture_tx x = simple(fresh(), 1);

		put(&x, 5);
		free(x.bytes);
		chain_mempool_totals(&t, m);
		if (t.min_fee_kvb > CHAIN_MEMPOOL_RELAY_FEE)
			break;
	}
	big = simple(fresh(), 1500);
	refused(&big, 3 * fixture_vsize(&big), "mempool full");
	for (int i = 0; i < 10; i++) {
		assert_true(has(&low[i]));
		free(low[i].bytes);
	}
	put(&big, 6);
	free(big.bytes);
}

static void entries_expire_with_descendants(void **state)
{
	struct fixture_tx parent = simple(fresh(), 1);
	struct fixture_tx child = simple(output(&parent, 0), 1);
	struct fixture_tx other = simple(fresh(), 1);
	const uint64_t end = NOW + CHAIN_MEMPOOL_EXPIRY_S;

	(void)state;
	put(&parent, 1);
	assert_int_equal(fixture_add(m, &child, 500, NOW + 50), 0);
	assert_int_equal(fixture_add(m, &other, 500, NOW + 1), 0);
	assert_int_equal(chain_mempool_expire(m, 0), 0);
	assert_int_equal(chain_mempool_expire(m, end), 0);
	assert_int_equal(chain_mempool_expire(m, end + 1), 2);
	assert_false(has(&child));
	assert_true(has(&other));
	assert_int_equal(chain_mempool_expire(m, end + 2), 1);
	assert_int_equal(count(), 0);
	free(parent.bytes);
	free(child.bytes);
	free(other.bytes);
}

static size_t build_block(uint8_t *block, size_t cap,
			  const struct fixture_tx *const *tx, uint32_t n)
{
	static const uint8_t header[80];
	struct base_writer w = base_writer_init(block, cap);

	base_write_bytes(&w, header, sizeof(header));
	base_write_compact_size(&w, n);
	for (uint32_t i = 0; i < n; i++)
		base_write_bytes(&w, tx[i]->view.data, tx[i]->view.len);
	assert_true(base_writer_ok(&w));
	return w.len;
}

static void a_final_block_takes_its_own_and_their_rivals(void **state)
{
	static uint8_t block[5000], scratch[5000];
	struct fixture_in contested = fresh();
	struct fixture_tx a = simple(fresh(), 1);
	struct fixture_tx b = simple(output(&a, 0), 1);
	struct fixture_tx c = simple(output(&b, 0), 1);
	struct fixture_tx loser = simple(contested, 1);
	struct fixture_tx loser_child = simple(output(&loser, 0), 1);
	struct fixture_tx winner = simple(contested, 1);
	const struct fixture_tx *all[] = {&a, &winner, &b};
	struct fixture_tx *in_pool[] = {&a, &b, &c, &loser, &loser_child};
	size_t len = build_block(block, sizeof(block), all, 3);

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(in_pool); i++)
		put(in_pool[i], 2);
	assert_int_equal(chain_mempool_prioritise(m, &winner.txid, 5), 0);
	for (size_t cut = 0; cut < 85; cut++) /* in the first transaction */
		assert_int_equal(
			chain_mempool_confirm_block(m, scratch, block, cut),
			-EBADMSG);
	assert_int_equal(count(), 5);
	assert_int_equal(chain_mempool_confirm_block(m, scratch, block, len),
			 0);
	assert_int_equal(count(), 1);
	assert_true(has(&c));
	assert_int_equal(chain_mempool_find(m, &c.txid)->ancestors.count, 1);
	assert_ptr_equal(chain_mempool_spender(m, &b.txid, 0),
			 chain_mempool_find(m, &c.txid));
	for (size_t i = 0; i < BASE_COUNT(in_pool); i++)
		free(in_pool[i]->bytes);
	free(winner.bytes);
}

static void an_unconfirmed_output_is_a_coin(void **state)
{
	struct fixture_shape s = fixture_shape(fresh());
	struct chain_tx_output out;
	struct fixture_tx t;

	(void)state;
	s.out_count = 2;
	s.data_len = 3;
	t = fixture_build(&s);
	assert_false(chain_mempool_coin(&out, m, &t.txid, 0));
	put(&t, 1);
	assert_true(chain_mempool_coin(&out, m, &t.txid, 0));
	assert_int_equal(out.amount.units, 0);
	assert_int_equal(out.script_len, 5);
	assert_true(chain_mempool_coin(&out, m, &t.txid, 2));
	assert_int_equal(out.amount.units, 1000);
	assert_int_equal(out.script_len, 34);
	assert_false(chain_mempool_coin(&out, m, &t.txid, 3));
	free(t.bytes);
}

/* Fills a block from the pool and says where @t stands, from 1; 0: absent. */
static uint32_t place(const struct fixture_tx *t, uint32_t txs)
{
	static const struct chain_mempool_entry *out[4000];
	struct chain_mempool_selection sel;
	struct chain_mempool_room room = {
		.bytes = 1000000, .inputs = 5000, .txs = txs};

	chain_mempool_select(&sel, out, m, &room);
	assert_true(sel.count <= txs);
	for (uint32_t i = 0; i < sel.count; i++)
		if (memcmp(&out[i]->txid, &t->txid, 32) == 0)
			return i + 1;
	return 0;
}

static void blocks_take_the_best_packages(void **state)
{
	struct fixture_tx middle = simple(fresh(), 1);
	struct fixture_tx parent = simple(fresh(), 2);
	struct fixture_tx rich = simple(output(&parent, 0), 1);
	struct fixture_tx poor = simple(output(&parent, 1), 1);

	(void)state;
	put(&parent, 1);
	put(&middle, 5);
	put(&rich, 20);
	put(&poor, 2);
	assert_int_equal(place(&parent, 10), 1);
	assert_int_equal(place(&rich, 10), 2);
	assert_int_equal(place(&middle, 10), 3);
	assert_int_equal(place(&poor, 10), 4);
	/* The best package has two parts; with room for one, the next. */
	assert_int_equal(place(&middle, 1), 1);
	free(middle.bytes);
	free(parent.bytes);
	free(rich.bytes);
	free(poor.bytes);
}

/* @misses packages have too many inputs before one that has few enough. */
static bool chosen_after(uint32_t misses, uint32_t inputs)
{
	struct fixture_tx small = simple(fresh(), 1);
	const struct chain_mempool_entry *out[9];
	struct chain_mempool_selection sel;
	struct chain_mempool_room room = {9000, inputs, 9};

	put(&small, 1);
	for (uint32_t i = 0; i < misses; i++) {
		struct fixture_shape s = fixture_shape(fresh());
		struct fixture_tx t;

		s.in_count = inputs + 1;
		for (uint32_t k = 1; k < s.in_count; k++)
			s.in[k] = fresh();
		t = fixture_build(&s);
		put(&t, 5);
		free(t.bytes);
	}
	chain_mempool_select(&sel, out, m, &room);
	assert_int_equal(chain_mempool_remove(m, &small.txid), 1);
	free(small.bytes);
	return sel.count == 1;
}

static void a_nearly_full_block_is_given_up(void **state)
{
	(void)state;
	free(m);
	m = fixture_pool(8 * MIB);
	assert_true(chosen_after(CHAIN_MEMPOOL_MISSES_MAX - 1, 5));
	assert_false(chosen_after(1, 5));
	free(m);
	m = fixture_pool(8 * MIB);
	/* Far from full: looks on. */
	assert_true(chosen_after(CHAIN_MEMPOOL_MISSES_MAX + 1, 6));
}

static void many_inputs_fill_no_table(void **state)
{
	struct fixture_shape s = fixture_shape(fresh());
	struct chain_mempool_totals t;
	uint32_t added = 0;

	(void)state;
	s.in_count = FIXTURE_INPUTS_MAX;
	s.pad = 0;
	for (uint32_t n = 0; n < 400; n++) {
		struct fixture_tx tx;

		for (uint32_t i = 0; i < s.in_count; i++)
			s.in[i] = fresh();
		tx = fixture_build(&s);
		added += fixture_add(m, &tx, (10 + n) * fixture_vsize(&tx),
				     NOW) == CHAIN_MEMPOOL_OK;
		free(tx.bytes);
	}
	assert_int_equal(added, 400);
	chain_mempool_totals(&t, m);
	assert_true(t.count < 200 && t.usage > t.bytes_max - 20000);
}

static void the_operator_pins_and_excludes(void **state)
{
	struct fixture_tx parent = simple(fresh(), 1);
	struct fixture_tx child = simple(output(&parent, 0), 1);
	struct fixture_tx late = simple(fresh(), 1);
	struct fixture_tx rich = simple(fresh(), 1);

	(void)state;
	/* Noted before they come. */
	assert_int_equal(chain_mempool_pin(m, &child.txid), 0);
	assert_int_equal(chain_mempool_pin(m, &late.txid), 0);
	put(&rich, 90);
	put(&parent, 1);
	put(&child, 1);
	put(&late, 50);
	assert_true(chain_mempool_find(m, &late.txid)->pinned);
	assert_int_equal(place(&parent, 9), 1);
	assert_int_equal(place(&child, 9), 2);
	assert_int_equal(place(&late, 9), 3);
	assert_int_equal(place(&rich, 9), 4);
	/* Pinning again is no new place; exclusion beats a pin below it. */
	assert_int_equal(chain_mempool_pin(m, &child.txid), 0);
	assert_int_equal(place(&child, 9), 2);
	assert_int_equal(chain_mempool_exclude(m, &parent.txid), 0);
	assert_int_equal(place(&parent, 9), 0);
	assert_int_equal(place(&child, 9), 0);
	assert_int_equal(place(&late, 9), 1);
	chain_mempool_unmark(m, &parent.txid);
	chain_mempool_unmark(m, &late.txid);
	assert_int_equal(place(&child, 9), 2);
	assert_int_equal(place(&late, 9), 4);
	/* The last call holds; confirmation forgets. */
	assert_int_equal(chain_mempool_exclude(m, &child.txid), 0);
	assert_false(chain_mempool_find(m, &child.txid)->pinned);
	assert_int_equal(place(&child, 9), 0);
	chain_mempool_confirm(m, &rich.view, &rich.txid);
	assert_int_equal(chain_mempool_remove(m, &child.txid), 1);
	put(&child, 1);
	assert_true(chain_mempool_find(m, &child.txid)->excluded);
	chain_mempool_confirm(m, &parent.view, &parent.txid);
	chain_mempool_confirm(m, &child.view, &child.txid);
	put(&child, 1);
	assert_false(chain_mempool_find(m, &child.txid)->excluded);
	free(parent.bytes);
	free(child.bytes);
	free(late.bytes);
	free(rich.bytes);
}

static void notes_are_bounded(void **state)
{
	struct base_hash txid = {{0}};

	(void)state;
	assert_int_equal(chain_mempool_prioritise(m, &txid, BASE_MAX_MONEY + 1),
			 -ERANGE);
	assert_int_equal(chain_mempool_prioritise(m, &txid, BASE_MAX_MONEY), 0);
	assert_int_equal(chain_mempool_prioritise(m, &txid, 1), -ERANGE);
	assert_int_equal(chain_mempool_prioritise(m, &txid, INT64_MAX),
			 -ERANGE);
	assert_int_equal(chain_mempool_prioritise(m, &txid, -BASE_MAX_MONEY),
			 0);
	for (uint32_t i = 0; i < CHAIN_MEMPOOL_NOTES_MAX; i++) {
		base_store_le32(txid.b, i);
		assert_int_equal(chain_mempool_pin(m, &txid), 0);
	}
	base_store_le32(txid.b, CHAIN_MEMPOOL_NOTES_MAX);
	assert_int_equal(chain_mempool_exclude(m, &txid), -ENOSPC);
	assert_int_equal(chain_mempool_prioritise(m, &txid, 1), -ENOSPC);
	base_store_le32(txid.b, 7);
	assert_int_equal(chain_mempool_exclude(m, &txid), 0);
	chain_mempool_unmark(m, &txid);
	base_store_le32(txid.b, CHAIN_MEMPOOL_NOTES_MAX);
	chain_mempool_unmark(m, &txid);
	assert_int_equal(chain_mempool_exclude(m, &txid), 0);
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A pool of full size, filled twice over with small transactions of random
 * rates, then emptied block by block. Figures are printed, not judged. */
static void a_large_pool_holds(void **state)
{
	static const struct chain_mempool_entry *out[20000];
	struct chain_mempool *big = fixture_pool(CHAIN_MEMPOOL_BYTES_MAX);
	struct base_prng rng = base_prng_init(5);
	struct chain_mempool_room room = {1000000, 20000, 20000};
	struct chain_mempool_selection sel;
	struct chain_mempool_totals t;
	double adding = 0, choosing = 0, confirming = 0, start;
	uint32_t added = 0, blocks = 0, most;

	(void)state;
	for (uint32_t i = 0; i < 150000; i++) {
		struct fixture_tx tx = simple(fixture_coin(1000000 + i), 1);
		int64_t fee = 111 + (int64_t)base_prng_below(&rng, 100000);

		start = seconds();
		added += fixture_add(big, &tx, fee, NOW) == CHAIN_MEMPOOL_OK;
		adding += seconds() - start;
		free(tx.bytes);
	}
	chain_mempool_totals(&t, big);
	assert_true(t.usage <= CHAIN_MEMPOOL_BYTES_MAX);
	most = t.count;
	for (; t.count > 0; blocks++) {
		start = seconds();
		chain_mempool_select(&sel, out, big, &room);
		choosing += seconds() - start;
		assert_true(sel.count > 0);
		start = seconds();
		for (uint32_t i = 0; i < sel.count; i++) {
			struct base_hash txid = out[i]->txid;

			assert_int_equal(chain_mempool_remove(big, &txid), 1);
		}
		confirming += seconds() - start;
		chain_mempool_totals(&t, big);
	}
	print_message("# %u entries of %u; add %.1f us, select a block "
		      "%.1f ms, remove a block %.1f ms; %zu MiB reserved\n",
		      most, added, 1e6 * adding / 150000,
		      1e3 * choosing / blocks, 1e3 * confirming / blocks,
		      chain_mempool_memory(CHAIN_MEMPOOL_BYTES_MAX) >> 20);
	free(big);
}

#define WITH_POOL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_POOL(size_is_bounded),
		WITH_POOL(dust_is_refused),
		WITH_POOL(a_transaction_enters_once),
		WITH_POOL(an_output_is_spent_once),
		WITH_POOL(relay_has_a_price),
		WITH_POOL(chains_are_bounded_in_depth),
		WITH_POOL(chains_are_bounded_in_width),
		WITH_POOL(chains_are_bounded_in_bytes),
		WITH_POOL(a_full_pool_keeps_the_better),
		WITH_POOL(a_child_pays_for_its_parent),
		WITH_POOL(a_refused_newcomer_flushes_nothing),
		WITH_POOL(entries_expire_with_descendants),
		WITH_POOL(a_final_block_takes_its_own_and_their_rivals),
		WITH_POOL(an_unconfirmed_output_is_a_coin),
		WITH_POOL(blocks_take_the_best_packages),
		WITH_POOL(a_nearly_full_block_is_given_up),
		WITH_POOL(many_inputs_fill_no_table),
		WITH_POOL(the_operator_pins_and_excludes),
		WITH_POOL(notes_are_bounded),
		cmocka_unit_test(a_large_pool_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
