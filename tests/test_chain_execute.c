/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain_spec.h"
#include "spend_fixture.h"

/* Coins that the block at hand may spend: 0 of secret 3, 1 of secret 4. */
static struct spend_coins set;
static struct chain_coins coins = {.get = spend_coins_get, .ctx = &set};

static void start_coins(void)
{
	start();
	memset(&set, 0, sizeof(set));
	spend_coins_add(&set, 7000, 3, 0, false);
	spend_coins_add(&set, 5000, 4, 0, false);
}

/* One in, two out, 100 for the miner. */
static void pay(struct spend_tx *t, unsigned coin, uint8_t secret)
{
	memset(t, 0, sizeof(*t));
	t->version = 2;
	t->inputs = 1;
	t->outputs = 2;
	spend_from(t, 0, &set, coin, secret);
	t->out[0] = (struct spend_out){.amount = 1000, .secret = 8};
	t->out[1] = (struct spend_out){.amount = t->in[0].amount.units - 1100,
				       .secret = 9};
	spend_build(t);
}

/* Spends output @index of @from, which pays to @secret, whole. */
static void spend_output(struct spend_tx *t, const struct spend_tx *from,
			 unsigned index, uint8_t secret)
{
	memset(t, 0, sizeof(*t));
	t->version = 2;
	t->inputs = 1;
	t->outputs = 1;
	t->in[0] = (struct spend_in){.at = {.txid = from->txid, .index = index},
				     .amount.units = from->out[index].amount,
				     .secret = secret,
				     .sequence = UINT32_MAX};
	t->out[0] = (struct spend_out){.amount = from->out[index].amount,
				       .secret = 10};
	spend_build(t);
}

/* Builds a block of @count transactions that claims @fees. */
static void build_with(struct spend_tx *const *t, size_t count, int64_t fees)
{
	static char hex[TXS_MAX][2 * SPEND_TX_MAX + 1];
	struct spec s = {.amount_add = {fees}};

	assert_true(count <= TXS_MAX);
	for (size_t i = 0; i < count; i++) {
		base_to_hex(hex[i], t[i]->bytes, t[i]->len);
		s.tx[i] = hex[i];
	}
	build(&s);
}

static enum chain_verdict execute(const struct chain_known *known)
{
	struct chain_block_info info;

	return chain_block_execute(&info, &p, &ctx, &coins, known, &scratch,
				   block, block_len);
}

static enum chain_verdict validate(void)
{
	struct chain_block_info info;

	return chain_block_validate(&info, &p, &ctx, &coins, &scratch, block,
				    block_len);
}

#define BUILD(fees, ...)                                             \
	build_with((struct spend_tx *const[]){__VA_ARGS__},          \
		   sizeof((struct spend_tx *const[]){__VA_ARGS__}) / \
			   sizeof(struct spend_tx *),                \
		   fees)

static void check_change(unsigned i, const struct base_hash *txid,
			 uint32_t index, bool created, bool spent)
{
	const struct chain_change *c = &scratch.changes.change[i];

	assert_memory_equal(&c->at.txid, txid, sizeof(*txid));
	assert_int_equal(c->at.index, index);
	assert_int_equal(c->created, created);
	assert_int_equal(c->spent, spent);
}

/* The coinbase, a spend of a stored coin, and a spend of what that made. */
static void spends_become_changes(void **state)
{
	struct spend_tx a, b;
	struct base_hash wtxid;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	spend_output(&b, &a, 1, 9);
	BUILD(100, &a, &b);
	assert_int_equal(execute(NULL), CHAIN_OK);
	assert_int_equal(scratch.check_count, 2);
	assert_true(chain_checks_valid(scratch.check, 2));
	assert_int_equal(scratch.changes.count, 5);
	check_change(0, &scratch.txid[0], 0, true, false);
	check_change(1, &set.at[0].txid, 0, false, true);
	check_change(2, &a.txid, 0, true, false);
	check_change(3, &a.txid, 1, true, true); /* came and went */
	check_change(4, &b.txid, 0, true, false);
	assert_true(scratch.changes.change[0].coin.coinbase);
	assert_int_equal(scratch.changes.change[0].coin.height.n, 1);
	assert_int_equal(scratch.changes.change[0].coin.amount.units,
			 50 * BASE_COIN + 100);
	assert_false(scratch.changes.change[2].coin.coinbase);
	assert_int_equal(scratch.changes.change[4].coin.amount.units, 5900);
	assert_memory_equal(&scratch.txid[2], &b.txid, sizeof(b.txid));
	chain_wtxid(&wtxid, &b.view);
	assert_memory_equal(&scratch.wtxid[2], &wtxid, sizeof(wtxid));
	assert_int_equal(validate(), CHAIN_OK);
}

static void fees_bound_the_coinbase(void **state)
{
	struct spend_tx a, b;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	pay(&b, 1, 4);
	BUILD(200, &a, &b);
	assert_int_equal(validate(), CHAIN_OK);
	BUILD(201, &a, &b);
	assert_int_equal(validate(), CHAIN_BAD_CB_AMOUNT);
	BUILD(199, &a, &b); /* burnt */
	assert_int_equal(validate(), CHAIN_OK);
	BUILD(101, &a);
	assert_int_equal(validate(), CHAIN_BAD_CB_AMOUNT);
}

static void a_coin_is_spent_once(void **state)
{
	struct spend_tx a, b, c;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	pay(&b, 0, 3);
	b.out[0].amount--;
	spend_build(&b);
	BUILD(0, &a, &b);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
	BUILD(0, &b, &a);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
	BUILD(0, &a);
	assert_int_equal(validate(), CHAIN_OK);
	/* the same for coins made in the block */
	spend_output(&b, &a, 0, 8);
	spend_output(&c, &a, 0, 8);
	c.out[0].amount--;
	spend_build(&c);
	BUILD(0, &a, &b, &c);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
	/* and for a transaction that comes twice, not side by side */
	pay(&c, 1, 4);
	BUILD(0, &a, &c, &a);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
}

static void parents_come_first(void **state)
{
	struct spend_tx a, b;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	spend_output(&b, &a, 1, 9);
	BUILD(0, &b, &a);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
	BUILD(0, &b);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
	BUILD(0, &a, &b);
	assert_int_equal(validate(), CHAIN_OK);
	/* An OP_RETURN makes no coin. */
	a.out[1].script = "6a00";
	a.out[1].amount = 0;
	spend_build(&a);
	spend_output(&b, &a, 1, 9);
	BUILD(0, &a, &b);
	assert_int_equal(validate(), CHAIN_BAD_SPEND);
}

static void coinbases_mature(void **state)
{
	struct spend_tx a;

	(void)state;
	start_coins();
	p.coinbase_maturity = 2;
	spend_coins_add(&set, 5000, 5, 0, true);
	pay(&a, 2, 5);
	BUILD(0, &a);
	assert_int_equal(validate(), CHAIN_BAD_SPEND_IMMATURE);
	p.coinbase_maturity = 1;
	assert_int_equal(validate(), CHAIN_OK);
	set.coin[2].height.n = 1; /* as of this very block */
	assert_int_equal(validate(), CHAIN_BAD_SPEND_IMMATURE);
	set.coin[2].coinbase = false;
	assert_int_equal(validate(), CHAIN_OK);
}

/* execute() leaves signatures to others, validate() does not. */
static void signatures_are_somebodys_business(void **state)
{
	struct spend_tx a, b;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	pay(&b, 1, 5); /* not its key */
	BUILD(0, &a, &b);
	assert_int_equal(execute(NULL), CHAIN_OK);
	assert_int_equal(scratch.check_count, 2);
	assert_true(chain_checks_valid(scratch.check, 1));
	assert_false(chain_checks_valid(scratch.check + 1, 1));
	assert_int_equal(validate(), CHAIN_BAD_SIGNATURE);
}

static struct base_hash known_wtxid;
static unsigned known_asked;

static bool is_known(void *ctx_, const struct base_hash *wtxid)
{
	(void)ctx_;
	known_asked++;
	return base_hash_equal(wtxid, &known_wtxid);
}

static void known_signatures_are_skipped(void **state)
{
	const struct chain_known known = {.has = is_known};
	struct spend_tx a, b, other;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	pay(&b, 1, 4);
	BUILD(200, &a, &b);
	chain_wtxid(&known_wtxid, &a.view);
	known_asked = 0;
	assert_int_equal(execute(&known), CHAIN_OK);
	assert_int_equal(known_asked, 2);
	assert_int_equal(scratch.check_count, 1);
	assert_memory_equal(scratch.check[0].key, set.coin[1].key, 32);
	assert_true(chain_checks_valid(scratch.check, 1));
	assert_int_equal(scratch.changes.count, 7);
	/* Another signature of the same transaction is not known, and what is
	 * known must still be there to be spent. */
	pay(&other, 0, 3);
	other.in[0].witness = "0140" KEY KEY;
	spend_build(&other);
	assert_memory_equal(&other.txid, &a.txid, sizeof(a.txid));
	BUILD(200, &other, &b);
	assert_int_equal(execute(&known), CHAIN_OK);
	assert_int_equal(scratch.check_count, 2);
	assert_false(chain_checks_valid(scratch.check, 1));
	BUILD(200, &a, &b);
	set.count = 0;
	assert_int_equal(execute(&known), CHAIN_BAD_SPEND);
}

/* A relaying peer that takes the signatures away says nothing about the
 * block, however bad it looks then. */
static void stripped_witnesses_are_malformed(void **state)
{
	struct spend_tx a;
	size_t at;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	BUILD(100, &a);
	at = block_len - a.len;
	a.stripped = true;
	spend_build(&a);
	memcpy(block + at, a.bytes, a.len);
	block_len = at + a.len;
	assert_int_equal(validate(), CHAIN_BAD_WITNESS);
	assert_true(chain_verdict_malformed(CHAIN_BAD_WITNESS));
}

static void storage_that_fails_condemns_nobody(void **state)
{
	struct spend_tx a;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	BUILD(100, &a);
	set.fail = -EIO;
	assert_int_equal(validate(), CHAIN_COINS_FAILED);
	assert_false(chain_verdict_malformed(CHAIN_COINS_FAILED));
	set.fail = 0;
	assert_int_equal(validate(), CHAIN_OK);
}

static void fees_stay_in_range(void **state)
{
	struct spend_tx t[2];

	(void)state;
	start_coins();
	for (unsigned i = 0; i < 2; i++) {
		spend_coins_add(&set, BASE_MAX_MONEY, 5, 0, false);
		pay(&t[i], 2 + i, 5);
		t[i].outputs = 1;
		spend_build(&t[i]);
	}
	BUILD(0, &t[0]);
	assert_int_equal(validate(), CHAIN_OK);
	BUILD(0, &t[0], &t[1]);
	assert_int_equal(validate(), CHAIN_BAD_SPEND_FEES);
}

/* Every bit of a block with spends: refused, each for a reason of its own. */
static void every_flipped_bit_is_refused(void **state)
{
	struct spend_tx a, b;

	(void)state;
	start_coins();
	pay(&a, 0, 3);
	spend_output(&b, &a, 1, 9);
	BUILD(100, &a, &b);
	for (size_t bit = 0; bit < 8 * block_len; bit++) {
		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(validate(), CHAIN_OK);
		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(validate(), CHAIN_OK);
}

/* A block of the largest size, in a scratch area for no more. */
static void largest_blocks_fit(void **state)
{
	static const uint8_t salt[CHAIN_SALT_SIZE];
	static char hex[2 * SPEND_TX_MAX + 1];
	struct spec s = {.label = NULL};
	struct spend_tx t;
	void *memory;

	(void)state;
	start_coins();
	memset(&t, 0, sizeof(t));
	t.version = 2;
	t.inputs = SPEND_INPUTS_MAX;
	t.outputs = SPEND_OUTPUTS_MAX;
	for (unsigned i = 0; i < SPEND_INPUTS_MAX; i++) {
		spend_coins_add(&set, 1000, 5, 0, false);
		spend_from(&t, i, &set, 2 + i, 5);
		t.out[i] = (struct spend_out){.amount = 1000, .secret = 5};
	}
	spend_build(&t);
	base_to_hex(hex, t.bytes, t.len);
	s.tx[0] = hex;
	build(&s);
	p.max_block_bytes = (uint32_t)block_len;
	memory = malloc(chain_scratch_size(p.max_block_bytes));
	assert_non_null(memory);
	chain_scratch_init(&scratch, memory, p.max_block_bytes, salt);
	assert_int_equal(validate(), CHAIN_OK);
	assert_int_equal(scratch.check_count, SPEND_INPUTS_MAX);
	assert_int_equal(scratch.changes.count,
			 1 + SPEND_INPUTS_MAX + SPEND_OUTPUTS_MAX);
	free(memory);
}

static void genesis_outputs_are_coins(void **state)
{
	static uint8_t out[CHAIN_GENESIS_MAX];
	struct base_hash params_hash = {.b = {1}};
	size_t len;

	(void)state;
	start();
	p.coinbase_maturity = 100;
	len = chain_genesis_build(out, sizeof(out), &p, &params_hash);
	chain_genesis_execute(&scratch, out, len);
	assert_int_equal(scratch.changes.count, 2);
	for (unsigned i = 0; i < 2; i++) {
		const struct chain_change *c = &scratch.changes.change[i];

		assert_true(c->created && !c->spent);
		assert_int_equal(c->at.index, i);
		assert_int_equal(c->coin.amount.units,
				 p.output[i].amount.units);
		assert_memory_equal(c->coin.key, p.output[i].key, 32);
		assert_false(c->coin.coinbase);
		set.at[i] = c->at;
		set.coin[i] = c->coin;
	}
	/* They can be spent by block 1: secrets 1 and 2 are in the fixture. */
	set.count = 2;
	set.fail = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct spend_tx a;

		pay(&a, i, (uint8_t)(i + 1));
		BUILD(100, &a);
		assert_int_equal(validate(), CHAIN_OK);
	}
	p.output_count = CHAIN_OUTPUTS_MAX;
	len = chain_genesis_build(out, sizeof(out), &p, &params_hash);
	chain_genesis_execute(&scratch, out, len);
	assert_int_equal(scratch.changes.count, CHAIN_OUTPUTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spends_become_changes),
		cmocka_unit_test(fees_bound_the_coinbase),
		cmocka_unit_test(a_coin_is_spent_once),
		cmocka_unit_test(parents_come_first),
		cmocka_unit_test(coinbases_mature),
		cmocka_unit_test(signatures_are_somebodys_business),
		cmocka_unit_test(known_signatures_are_skipped),
		cmocka_unit_test(stripped_witnesses_are_malformed),
		cmocka_unit_test(storage_that_fails_condemns_nobody),
		cmocka_unit_test(fees_stay_in_range),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(largest_blocks_fit),
		cmocka_unit_test(genesis_outputs_are_coins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
