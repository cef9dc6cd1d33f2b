/* SPDX-License-Identifier: MIT */
/*
 * The mempool against a model that is a plain array and computes everything
 * anew from the definitions, over random operations. After each, all entries,
 * sums, indices and orders must agree; often, a selection, too.
 */
#include "mempool_fixture.h"

#include "base/prng.h"
#include "chain/mempool_internal.h"

#define OPERATIONS 4000
#define REFS_MAX 2000
#define COINS 200 /* outputs of the chain, some spent twice */

__extension__ typedef __int128 i128;

struct ref {
	struct fixture_tx tx;
	struct fixture_in in[FIXTURE_INPUTS_MAX];
	uint32_t in_count;
	uint32_t out_count;
	uint32_t vsize;
	int64_t fee;
	int64_t delta;
	uint64_t time_s;
	uint64_t sequence;
	bool pinned;
	bool excluded;
	uint64_t pin_order;
};

static struct ref *refs[REFS_MAX];
static uint32_t ref_count;
static uint64_t next_sequence = 1, next_pin;
static struct base_prng rng;
static struct chain_mempool *pool;

static uint32_t below(uint32_t bound)
{
	return (uint32_t)base_prng_below(&rng, bound);
}

static bool spends(const struct ref *child, const struct ref *parent)
{
	for (uint32_t i = 0; i < child->in_count; i++)
		if (base_hash_equal(&child->in[i].txid, &parent->tx.txid))
			return true;
	return false;
}

/* parent[c][p]: refs[c] spends an output of refs[p]; then its closure. */
static bool above[REFS_MAX][REFS_MAX];

static void close_above(void)
{
	/* Refs stand in the order of entry: parents have their row already. */
	for (uint32_t c = 0; c < ref_count; c++) {
		memset(above[c], 0, ref_count * sizeof(bool));
		for (uint32_t p = 0; p < c; p++) {
			if (!spends(refs[c], refs[p]))
				continue;
			above[c][p] = true;
			for (uint32_t g = 0; g < p; g++)
				above[c][g] = above[c][g] || above[p][g];
		}
	}
}

/* The package of refs[x], up or down, without those in @gone. */
static struct chain_mempool_package sum(uint32_t x, bool up, const bool *gone)
{
	struct chain_mempool_package p = {0, 0, 0};

	for (uint32_t y = 0; y < ref_count; y++) {
		if (y != x && !(up ? above[x][y] : above[y][x]))
			continue;
		if (gone && gone[y])
			continue;
		p.count++;
		p.vsize += refs[y]->vsize;
		p.fee += refs[y]->fee + refs[y]->delta;
	}
	return p;
}

/* Does (pa, a) stand before (pb, b)? */
static bool better(struct chain_mempool_package pa, uint32_t a,
		   struct chain_mempool_package pb, uint32_t b)
{
	i128 x = (i128)pa.fee * pb.vsize;
	i128 y = (i128)pb.fee * pa.vsize;

	if (x != y)
		return x > y;
	return memcmp(refs[a]->tx.txid.b, refs[b]->tx.txid.b, 32) < 0;
}

static void forget(uint32_t x)
{
	free(refs[x]->tx.bytes);
	free(refs[x]);
	ref_count--;
	memmove(&refs[x], &refs[x + 1], (ref_count - x) * sizeof(refs[0]));
}

static void drop_marked(const bool *gone)
{
	for (uint32_t x = ref_count; x > 0; x--)
		if (gone[x - 1])
			forget(x - 1);
}

static uint32_t drop_down(uint32_t x)
{
	bool gone[REFS_MAX] = {false};
	uint32_t count = 1;

	close_above();
	gone[x] = true;
	for (uint32_t y = 0; y < ref_count; y++) {
		gone[y] = gone[y] || above[y][x];
		count += above[y][x];
	}
	drop_marked(gone);
	return count;
}

static int find_ref(const struct base_hash *txid)
{
	for (uint32_t x = 0; x < ref_count; x++)
		if (base_hash_equal(&refs[x]->tx.txid, txid))
			return (int)x;
	return -1;
}

static int find_spender(const struct fixture_in *in)
{
	for (uint32_t x = 0; x < ref_count; x++)
		for (uint32_t i = 0; i < refs[x]->in_count; i++)
			if (refs[x]->in[i].index == in->index &&
			    base_hash_equal(&refs[x]->in[i].txid, &in->txid))
				return (int)x;
	return -1;
}

static size_t cost(const struct ref *r)
{
	return chain_mempool_cost(r->tx.view.len, r->in_count);
}

/* Evicts by definition; false: the newcomer, the last ref, would go. */
static bool model_make_room(void)
{
	bool gone[REFS_MAX] = {false};
	size_t usage = 0;

	for (uint32_t x = 0; x < ref_count; x++)
		usage += cost(refs[x]);
	while (usage > CHAIN_MEMPOOL_BYTES_MIN) {
		struct chain_mempool_package worst = {0, 0, 0}, p;
		uint32_t at = REFS_MAX;

		for (uint32_t x = 0; x < ref_count; x++) {
			if (gone[x])
				continue;
			p = sum(x, false, gone);
			if (at == REFS_MAX || better(worst, at, p, x)) {
				worst = p;
				at = x;
			}
		}
		for (uint32_t y = 0; y < ref_count; y++) {
			if (gone[y] || (y != at && !above[y][at]))
				continue;
			if (y == ref_count - 1)
				return false;
			gone[y] = true;
			usage -= cost(refs[y]);
		}
	}
	drop_marked(gone);
	return true;
}

static bool model_chain_ok(void)
{
	struct chain_mempool_package p;
	uint32_t last = ref_count - 1;

	for (uint32_t x = 0; x <= last; x++) {
		if (x != last && !above[last][x])
			continue;
		p = sum(x, x == last, NULL);
		if (p.count > CHAIN_MEMPOOL_CHAIN_MAX ||
		    p.vsize > CHAIN_MEMPOOL_CHAIN_VSIZE_MAX)
			return false;
	}
	return true;
}

static enum chain_mempool_verdict model_add(struct ref *r, uint64_t now_s)
{
	enum chain_mempool_verdict v = CHAIN_MEMPOOL_OK;

	r->time_s = now_s;
	if (find_ref(&r->tx.txid) >= 0)
		return CHAIN_MEMPOOL_KNOWN;
	for (uint32_t i = 0; i < r->in_count; i++) {
		for (uint32_t k = 0; k < i; k++)
			if (memcmp(&r->in[k], &r->in[i], sizeof(r->in[i])) == 0)
				return CHAIN_MEMPOOL_DOUBLE_INPUT;
		if (find_spender(&r->in[i]) >= 0)
			return CHAIN_MEMPOOL_CONFLICT;
	}
	if (r->fee + r->delta < r->vsize)
		return CHAIN_MEMPOOL_LOW_FEE;
	refs[ref_count++] = r;
	close_above();
	if (!model_chain_ok())
		v = CHAIN_MEMPOOL_LONG_CHAIN;
	for (uint32_t x = 0; x < ref_count - 1; x++)
		if (above[ref_count - 1][x] && refs[x]->time_s > r->time_s)
			r->time_s = refs[x]->time_s;
	if (v == CHAIN_MEMPOOL_OK && !model_make_room())
		v = CHAIN_MEMPOOL_FULL;
	if (v != CHAIN_MEMPOOL_OK)
		ref_count--;
	else
		r->sequence = next_sequence++;
	return v;
}

static struct fixture_in random_input(void)
{
	if (ref_count > 0 && below(4) > 0) {
		/* mostly recent ones, so that chains grow */
		uint32_t near = ref_count < 8 ? ref_count : 8;
		uint32_t x = below(2) ? ref_count - 1 - below(near)
				      : below(ref_count);

		return (struct fixture_in){
			.txid = refs[x]->tx.txid,
			.index = below(refs[x]->out_count),
		};
	}
	return fixture_coin(below(COINS));
}

static struct ref *random_ref(void)
{
	struct fixture_shape s = fixture_shape(random_input());
	struct ref *r = calloc(1, sizeof(*r));

	s.in_count = 1 + below(4) * below(2);
	for (uint32_t i = 1; i < s.in_count; i++)
		s.in[i] = random_input();
	s.out_count = 1 + below(6);
	if (below(3) == 0)
		s.out_count = 1 + below(900);
	if (below(4) == 0)
		s.pad = below(40000);
	memcpy(r->in, s.in, sizeof(s.in));
	r->in_count = s.in_count;
	r->out_count = s.out_count;
	r->tx = fixture_build(&s);
	r->vsize = fixture_vsize(&r->tx);
	/* Few different rates, so that ties happen. */
	r->fee = (int64_t)r->vsize * (1 + below(5)) + below(2) * below(50);
	if (below(20) == 0)
		r->fee = below(r->vsize);
	return r;
}

static uint32_t verdicts[CHAIN_MEMPOOL_VERDICTS];

static void op_add(uint64_t now_s)
{
	struct ref *r;
	enum chain_mempool_verdict want, got;
	bool again = ref_count > 0 && below(50) == 0;

	if (again) {
		r = refs[below(ref_count)];
		got = fixture_add(pool, &r->tx, r->fee, now_s);
		assert_int_equal(got, CHAIN_MEMPOOL_KNOWN);
		verdicts[got]++;
		return;
	}
	r = random_ref();
	want = model_add(r, now_s);
	got = fixture_add(pool, &r->tx, r->fee, now_s);
	assert_string_equal(chain_mempool_verdict_name(got),
			    chain_mempool_verdict_name(want));
	verdicts[got]++;
	if (want != CHAIN_MEMPOOL_OK) {
		free(r->tx.bytes);
		free(r);
	}
}

static void op_remove(void)
{
	uint32_t x = below(ref_count);
	struct base_hash txid = refs[x]->tx.txid;
	uint32_t want = drop_down(x);

	assert_int_equal(chain_mempool_remove(pool, &txid), want);
	assert_null(chain_mempool_find(pool, &txid));
}

/* Confirms an entry without parents, or a stranger that spends what some
 * entries spend. */
static void op_confirm(void)
{
	struct ref *r;
	uint32_t x = below(ref_count);

	close_above();
	if (below(2)) {
		while (sum(x, true, NULL).count > 1)
			x = below(ref_count);
		chain_mempool_confirm(pool, &refs[x]->tx.view,
				      &refs[x]->tx.txid);
		forget(x);
		return;
	}
	r = random_ref();
	chain_mempool_confirm(pool, &r->tx.view, &r->tx.txid);
	for (uint32_t i = 0; i < r->in_count; i++) {
		int spender = find_spender(&r->in[i]);

		if (spender >= 0)
			(void)drop_down((uint32_t)spender);
	}
	free(r->tx.bytes);
	free(r);
}

static void op_expire(uint64_t now_s)
{
	uint32_t want = 0;

	for (uint32_t x = 0; x < ref_count;) {
		if (refs[x]->time_s + CHAIN_MEMPOOL_EXPIRY_S < now_s) {
			want += drop_down(x);
			x = 0;
		} else {
			x++;
		}
	}
	assert_int_equal(chain_mempool_expire(pool, now_s), want);
}

static void op_note(void)
{
	struct ref *r = refs[below(ref_count)];
	int64_t delta = (int64_t)below(20000) - 10000;

	switch (below(4)) {
	case 0:
		r->delta += delta;
		assert_int_equal(
			chain_mempool_prioritise(pool, &r->tx.txid, delta), 0);
		break;
	case 1:
		if (!r->pinned)
			r->pin_order = ++next_pin;
		r->pinned = true;
		r->excluded = false;
		assert_int_equal(chain_mempool_pin(pool, &r->tx.txid), 0);
		break;
	case 2:
		r->pinned = false;
		r->excluded = true;
		assert_int_equal(chain_mempool_exclude(pool, &r->tx.txid), 0);
		break;
	default:
		r->pinned = false;
		r->excluded = false;
		chain_mempool_unmark(pool, &r->tx.txid);
		break;
	}
}

static void same_package(struct chain_mempool_package a,
			 struct chain_mempool_package b)
{
	assert_int_equal(a.count, b.count);
	assert_int_equal(a.vsize, b.vsize);
	assert_int_equal(a.fee, b.fee);
}

static void check_entry(uint32_t x)
{
	const struct ref *r = refs[x];
	const struct chain_mempool_entry *e =
		chain_mempool_find(pool, &r->tx.txid);
	struct chain_tx_output out;

	assert_non_null(e);
	assert_ptr_equal(e, chain_mempool_find_wtxid(pool, &r->tx.wtxid));
	assert_int_equal(e->len, r->tx.view.len);
	assert_memory_equal(e->data, r->tx.bytes, e->len);
	assert_int_equal(e->vsize, r->vsize);
	assert_int_equal(e->fee.units, r->fee);
	assert_int_equal(e->delta, r->delta);
	assert_int_equal(e->time_s, r->time_s);
	assert_int_equal(e->sequence, r->sequence);
	assert_int_equal(e->pinned, r->pinned);
	assert_int_equal(e->excluded, r->excluded);
	same_package(e->ancestors, sum(x, true, NULL));
	same_package(e->descendants, sum(x, false, NULL));
	for (uint32_t i = 0; i < r->in_count; i++)
		assert_ptr_equal(chain_mempool_spender(pool, &r->in[i].txid,
						       r->in[i].index),
				 e);
	assert_true(chain_mempool_coin(&out, pool, &e->txid, 0));
	assert_false(chain_mempool_coin(&out, pool, &e->txid, r->out_count));
}

static bool stands_before(uint32_t a, uint32_t b,
			  enum chain_mempool_order order,
			  const struct chain_mempool_package *p)
{
	if (order == CHAIN_MEMPOOL_BY_TIME)
		return refs[a]->time_s != refs[b]->time_s
			       ? refs[a]->time_s < refs[b]->time_s
			       : refs[a]->sequence < refs[b]->sequence;
	return better(p[a], a, p[b], b);
}

static void check_order(enum chain_mempool_order order)
{
	static struct chain_mempool_package p[REFS_MAX];
	static uint32_t sorted[REFS_MAX];
	const struct chain_mempool_entry *e;

	for (uint32_t x = 0; x < ref_count; x++) {
		uint32_t k = x;

		p[x] = (struct chain_mempool_package){
			1, refs[x]->vsize, refs[x]->fee + refs[x]->delta};
		if (order == CHAIN_MEMPOOL_BY_ANCESTORS)
			p[x] = sum(x, true, NULL);
		if (order == CHAIN_MEMPOOL_BY_DESCENDANTS)
			p[x] = sum(x, false, NULL);
		for (; k > 0 && stands_before(x, sorted[k - 1], order, p); k--)
			sorted[k] = sorted[k - 1];
		sorted[k] = x;
	}
	e = chain_mempool_first(pool, order);
	for (uint32_t k = 0; k < ref_count; k++) {
		assert_non_null(e);
		assert_memory_equal(e->txid.b, refs[sorted[k]]->tx.txid.b, 32);
		e = chain_mempool_next(e, order);
	}
	assert_null(e);
}

static void check_all(void)
{
	struct chain_mempool_totals t;
	uint64_t vsize = 0;
	size_t usage = 0;
	int64_t fees = 0;

	close_above();
	for (uint32_t x = 0; x < ref_count; x++) {
		check_entry(x);
		vsize += refs[x]->vsize;
		usage += cost(refs[x]);
		fees += refs[x]->fee;
	}
	chain_mempool_totals(&t, pool);
	assert_int_equal(t.count, ref_count);
	assert_int_equal(t.vsize, vsize);
	assert_int_equal(t.usage, usage);
	assert_int_equal(t.fees, fees);
	assert_true(t.usage <= t.bytes_max);
	for (int order = 0; order < CHAIN_MEMPOOL_ORDERS; order++)
		check_order((enum chain_mempool_order)order);
}

struct model_choice {
	bool taken[REFS_MAX];
	bool passed[REFS_MAX];
	struct chain_mempool_room left;
	uint32_t list[REFS_MAX];
	uint32_t count;
};

static struct model_choice choice;

/* Takes the untaken ancestors of @x and itself, or passes it over. */
static void model_take(uint32_t x)
{
	uint32_t part[CHAIN_MEMPOOL_CHAIN_MAX];
	uint64_t bytes = 0, inputs = 0;
	uint32_t n = 0;

	choice.passed[x] = true;
	for (uint32_t y = 0; y < ref_count; y++) {
		uint32_t k = n;

		if (choice.taken[y] || (y != x && !above[x][y]))
			continue;
		if (refs[y]->excluded)
			return;
		bytes += refs[y]->tx.view.len;
		inputs += refs[y]->in_count;
		/* by number of ancestors, then by txid */
		for (; k > 0; k--) {
			uint32_t a = sum(y, true, NULL).count;
			uint32_t b = sum(part[k - 1], true, NULL).count;

			if (b < a ||
			    (b == a && memcmp(refs[part[k - 1]]->tx.txid.b,
					      refs[y]->tx.txid.b, 32) < 0))
				break;
			part[k] = part[k - 1];
		}
		part[k] = y;
		n++;
	}
	if (bytes > choice.left.bytes || inputs > choice.left.inputs ||
	    n > choice.left.txs)
		return;
	choice.left.bytes -= (uint32_t)bytes;
	choice.left.inputs -= (uint32_t)inputs;
	choice.left.txs -= n;
	for (uint32_t i = 0; i < n; i++) {
		choice.taken[part[i]] = true;
		choice.list[choice.count++] = part[i];
	}
}

static void model_select(void)
{
	struct chain_mempool_package p, best = {0, 0, 0};
	uint64_t order = 0;
	uint32_t at;

	do { /* pins, in their order */
		at = REFS_MAX;
		for (uint32_t x = 0; x < ref_count; x++)
			if (refs[x]->pinned && refs[x]->pin_order > order &&
			    (at == REFS_MAX ||
			     refs[x]->pin_order < refs[at]->pin_order))
				at = x;
		if (at != REFS_MAX) {
			order = refs[at]->pin_order;
			if (!choice.taken[at])
				model_take(at);
		}
	} while (at != REFS_MAX);
	do {
		at = REFS_MAX;
		for (uint32_t x = 0; x < ref_count; x++) {
			if (choice.taken[x] || choice.passed[x])
				continue;
			p = sum(x, true, choice.taken);
			if (at == REFS_MAX || better(p, x, best, at)) {
				best = p;
				at = x;
			}
		}
		if (at != REFS_MAX)
			model_take(at);
	} while (at != REFS_MAX);
}

static void check_selection(void)
{
	static const struct chain_mempool_entry *out[REFS_MAX];
	struct chain_mempool_selection sel;
	struct chain_mempool_room room = {
		.bytes = below(400000),
		.inputs = below(200),
		.txs = below(2) ? REFS_MAX : below(60),
	};
	int64_t fees = 0;

	memset(&choice, 0, sizeof(choice));
	choice.left = room;
	model_select();
	chain_mempool_select(&sel, out, pool, &room);
	assert_int_equal(sel.count, choice.count);
	for (uint32_t i = 0; i < sel.count; i++) {
		const struct ref *r = refs[choice.list[i]];

		assert_memory_equal(out[i]->txid.b, r->tx.txid.b, 32);
		fees += r->fee;
	}
	assert_int_equal(sel.bytes, room.bytes - choice.left.bytes);
	assert_int_equal(sel.inputs, room.inputs - choice.left.inputs);
	assert_int_equal(sel.fees.units, fees);
}

static void operate(uint64_t now_s)
{
	uint32_t op = below(100);

	if (ref_count == 0 || op < 70)
		op_add(now_s);
	else if (op < 73)
		op_remove();
	else if (op < 80)
		op_confirm();
	else if (op < 81)
		op_expire(now_s);
	else
		op_note();
}

static void agrees_with_the_model(void **state)
{
	uint64_t now_s = 1700000000;
	uint32_t most = 0;

	(void)state;
	rng = base_prng_init(20);
	pool = fixture_pool(CHAIN_MEMPOOL_BYTES_MIN);
	for (uint32_t i = 0; i < OPERATIONS; i++) {
		/* The clock may stand, step back, or leap. */
		now_s += below(4000);
		now_s -= below(3) == 0 ? below(5000) : 0;
		operate(now_s);
		check_all();
		if (below(3) == 0)
			check_selection();
		most = ref_count > most ? ref_count : most;
	}
	print_message("# at most %u entries;", most);
	for (int v = 0; v < CHAIN_MEMPOOL_VERDICTS; v++)
		print_message(" %u %s", verdicts[v],
			      v ? chain_mempool_verdict_name(
					  (enum chain_mempool_verdict)v)
				: "accepted");
	print_message("\n");
	/* What the model is for did happen. */
	assert_true(verdicts[CHAIN_MEMPOOL_CONFLICT] > 0);
	assert_true(verdicts[CHAIN_MEMPOOL_LONG_CHAIN] > 0);
	assert_true(verdicts[CHAIN_MEMPOOL_FULL] > 0);
	while (ref_count > 0)
		forget(0);
	free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
