/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain_fixture.h"
#include "spend_fixture.h"

#define HEIGHT 10
#define CHANGES_MAX 64
#define KEY "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define BYTES_32 \
	"1111111111111111111111111111111111111111111111111111111111111111"

static struct chain_params p;
static struct spend_coins set;
static struct chain_coins coins = {.get = spend_coins_get, .ctx = &set};
static struct chain_changes changes;
static struct chain_check check[SPEND_INPUTS_MAX];
static struct base_amount fee;

/* Coins 0 and 1 of secrets 3 and 4; 2 a coinbase of the block before; 3 a
 * coinbase of the block itself; 4 all the money there is. */
static void start(void)
{
	static uint64_t memory[4096];
	static const uint8_t salt[CHAIN_SALT_SIZE] = {1, 2, 3};

	assert_true(chain_changes_size(CHANGES_MAX) <= sizeof(memory));
	fixture_params(&p);
	chain_changes_init(&changes, memory, CHANGES_MAX, salt);
	memset(&set, 0, sizeof(set));
	spend_coins_add(&set, 7000, 3, 1, false);
	spend_coins_add(&set, 5000, 4, HEIGHT, false);
	spend_coins_add(&set, 5000, 5, HEIGHT - 1, true);
	spend_coins_add(&set, 5000, 6, HEIGHT, true);
	spend_coins_add(&set, BASE_MAX_MONEY, 7, 1, false);
}

/* 12,000 in, 11,900 out, and a word. */
static void good_tx(struct spend_tx *t)
{
	memset(t, 0, sizeof(*t));
	t->version = 2;
	t->inputs = 2;
	t->outputs = 3;
	spend_from(t, 0, &set, 0, 3);
	spend_from(t, 1, &set, 1, 4);
	t->out[0] = (struct spend_out){.amount = 11000, .secret = 8};
	t->out[1] = (struct spend_out){.script = "6a0568656c6c6f"};
	t->out[2] = (struct spend_out){.amount = 900, .secret = 9};
}

static enum chain_verdict spend(const struct spend_tx *t,
				struct chain_check *into)
{
	struct chain_spending s = {.params = &p,
				   .coins = &coins,
				   .changes = &changes,
				   .height.n = HEIGHT};
	enum chain_verdict v = chain_tx_check(&t->view, &p);

	chain_changes_clear(&changes, CHANGES_MAX);
	fee.units = -1;
	return v == CHAIN_OK ? chain_tx_spend(&fee, into, &s, &t->view) : v;
}

static void a_good_one_passes(void **state)
{
	struct spend_tx t;

	(void)state;
	start();
	good_tx(&t);
	t.in[1].sequence = UINT32_C(1) << 31;
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_int_equal(fee.units, 100);
	assert_true(chain_checks_valid(check, 2));
	assert_int_equal(changes.count, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(changes.change[i].spent);
		assert_false(changes.change[i].created);
		assert_true(chain_outpoint_equal(&changes.change[i].at,
						 &set.at[i]));
		assert_memory_equal(check[i].key, set.coin[i].key, 32);
	}
	/* Known to be good: nothing to check, all the rest the same. */
	assert_int_equal(spend(&t, NULL), CHAIN_OK);
	assert_int_equal(fee.units, 100);
	/* No fee is a fee. */
	t.out[2].amount = 1000;
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_int_equal(fee.units, 0);
	assert_true(chain_checks_valid(check, 2));
}

static void outputs_become_coins(void **state)
{
	struct base_height height = {HEIGHT};
	struct chain_coin coin;
	struct spend_tx t;

	(void)state;
	start();
	good_tx(&t);
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	chain_tx_create(&changes, &t.view, &t.txid, height, false);
	assert_int_equal(changes.count, 4); /* the word is no coin */
	for (unsigned i = 0; i < 2; i++) {
		const struct chain_change *c = &changes.change[2 + i];

		assert_true(c->created);
		assert_false(c->spent);
		assert_memory_equal(&c->at.txid, &t.txid, 32);
		assert_int_equal(c->at.index, 2 * i);
		assert_int_equal(c->coin.amount.units, i ? 900 : 11000);
		assert_int_equal(c->coin.height.n, HEIGHT);
		assert_false(c->coin.coinbase);
	}
	/* And are spent once. */
	chain_changes_next_tx(&changes);
	assert_int_equal(chain_changes_spend(&coin, &changes, &coins,
					     &changes.change[2].at),
			 0);
	assert_int_equal(coin.amount.units, 11000);
	assert_true(changes.change[2].spent && changes.change[2].created);
	assert_int_equal(chain_changes_spend(&coin, &changes, &coins,
					     &changes.change[2].at),
			 -EEXIST);
	chain_changes_next_tx(&changes);
	assert_int_equal(chain_changes_spend(&coin, &changes, &coins,
					     &changes.change[2].at),
			 -ENOENT);
	assert_int_equal(changes.count, 4);
}

/* What is wrong with an otherwise good transaction. */
struct wrong {
	const char *label;
	enum chain_verdict want;
	uint32_t version, lock_time, sequence;
	int64_t amount; /* of output 0 */
	const char *in_script, *out_script, *witness;
	bool stripped, one_input, null_input, one_output;
	int64_t data_amount;
	unsigned coin; /* of input 1 */
	uint8_t secret;
};

static const struct wrong wrongs[] = {
	{.label = "version 1", .want = CHAIN_BAD_TX_VERSION, .version = 1},
	{.label = "version 3", .want = CHAIN_BAD_TX_VERSION, .version = 3},
	{.label = "version -2",
	 .want = CHAIN_BAD_TX_VERSION,
	 .version = 0xfffffffe},
	{.label = "lock", .want = CHAIN_BAD_TX_LOCK_TIME, .lock_time = 1},
	{.label = "sequence",
	 .want = CHAIN_BAD_TX_SEQUENCE,
	 .sequence = 0x7fffffff},
	{.label = "null", .want = CHAIN_BAD_TX_NULL, .null_input = true},
	{.label = "coinbase",
	 .want = CHAIN_BAD_TX_COINBASE,
	 .null_input = true,
	 .one_input = true},
	{.label = "script", .want = CHAIN_BAD_TX_SCRIPTSIG, .in_script = "51"},
	{.label = "-1", .want = CHAIN_BAD_TX_NEGATIVE, .amount = -1},
	{.label = "min", .want = CHAIN_BAD_TX_NEGATIVE, .amount = INT64_MIN},
	{.label = "too much",
	 .want = CHAIN_BAD_TX_TOO_MUCH,
	 .amount = BASE_MAX_MONEY + 1},
	{.label = "max", .want = CHAIN_BAD_TX_TOO_MUCH, .amount = INT64_MAX},
	{.label = "sum too much", /* CVE-2010-5139 */
	 .want = CHAIN_BAD_TX_TOTAL,
	 .amount = BASE_MAX_MONEY - 899},
	{.label = "all money, but too little to spend",
	 .want = CHAIN_BAD_SPEND_BELOW,
	 .amount = BASE_MAX_MONEY - 900},
	{.label = "no script", .want = CHAIN_BAD_TX_SCRIPT, .out_script = ""},
	{.label = "P2WPKH",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "00140000000000000000000000000000000000000000"},
	{.label = "P2WSH",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "0020" BYTES_32},
	{.label = "witness version 2",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "5220" BYTES_32},
	{.label = "P2TR and more",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "5120" BYTES_32 "00"},
	{.label = "OP_RETURN alone",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "6a"},
	{.label = "two pushes",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "6a01aa01bb"},
	{.label = "push not minimal",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "6a4c01aa"},
	{.label = "81 bytes",
	 .want = CHAIN_BAD_TX_SCRIPT,
	 .out_script = "6a4c51" BYTES_32 BYTES_32
		       "1111111111111111111111111111111111"},
	{.label = "two OP_RETURN",
	 .want = CHAIN_BAD_TX_DATA_COUNT,
	 .amount = INT64_C(1) << 62, /* stands for 0 */
	 .out_script = "6a01aa"},
	{.label = "a burnt coin",
	 .want = CHAIN_BAD_TX_DATA_AMOUNT,
	 .data_amount = 1},
	{.label = "stripped",
	 .want = CHAIN_BAD_TX_NO_WITNESS,
	 .stripped = true},
	{.label = "no stack", .want = CHAIN_BAD_TX_NO_WITNESS, .witness = "00"},
	{.label = "script path",
	 .want = CHAIN_BAD_TX_WITNESS,
	 .witness = "02015121c0" BYTES_32},
	{.label = "annex",
	 .want = CHAIN_BAD_TX_WITNESS,
	 .witness = "0240" BYTES_32 BYTES_32 "0150"},
	{.label = "empty signature",
	 .want = CHAIN_BAD_TX_SIG_SIZE,
	 .witness = "0100"},
	{.label = "63 bytes",
	 .want = CHAIN_BAD_TX_SIG_SIZE,
	 .witness = "013f" BYTES_32 "1111111111111111111111111111111111111111"
		    "1111111111111111111111"},
	{.label = "66 bytes",
	 .want = CHAIN_BAD_TX_SIG_SIZE,
	 .witness = "0142" BYTES_32 BYTES_32 "0101"},
	{.label = "SIGHASH_ALL",
	 .want = CHAIN_BAD_TX_HASH_TYPE,
	 .witness = "0141" BYTES_32 BYTES_32 "01"},
	{.label = "SIGHASH_DEFAULT written out",
	 .want = CHAIN_BAD_TX_HASH_TYPE,
	 .witness = "0141" BYTES_32 BYTES_32 "00"},
	{.label = "SIGHASH_SINGLE|ANYONECANPAY",
	 .want = CHAIN_BAD_TX_HASH_TYPE,
	 .witness = "0141" BYTES_32 BYTES_32 "83"},
	{.label = "twice the same", /* CVE-2018-17144 */
	 .want = CHAIN_BAD_TX_DUPLICATE,
	 .coin = 9},
	{.label = "no such coin", .want = CHAIN_BAD_SPEND, .coin = 10},
	{.label = "immature",
	 .want = CHAIN_BAD_SPEND_IMMATURE,
	 .coin = 3,
	 .secret = 6},
	{.label = "more in than there can be",
	 .want = CHAIN_BAD_SPEND_RANGE,
	 .coin = 4,
	 .secret = 7},
	{.label = "more out than in",
	 .want = CHAIN_BAD_SPEND_BELOW,
	 .amount = 11101},
};

static void apply(struct spend_tx *t, const struct wrong *w)
{
	good_tx(t);
	t->version = w->version ? w->version : t->version;
	t->lock_time = w->lock_time;
	t->stripped = w->stripped;
	if (w->one_input)
		t->inputs = 1;
	if (w->coin == 9)
		t->in[1] = t->in[0];
	else if (w->coin == 10)
		t->in[1].at.index++;
	else if (w->coin)
		spend_from(t, 1, &set, w->coin, w->secret);
	if (w->null_input)
		t->in[t->inputs - 1].at =
			(struct chain_outpoint){.index = UINT32_MAX};
	if (w->sequence)
		t->in[1].sequence = w->sequence;
	t->in[1].script = w->in_script;
	t->in[1].witness = w->witness;
	if (w->amount)
		t->out[0].amount = w->amount;
	if (w->out_script)
		t->out[0].script = w->out_script;
	if (w->amount == INT64_C(1) << 62)
		t->out[0].amount = 0;
	t->out[1].amount = w->data_amount;
}

static void each_wrong_has_its_verdict(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < BASE_COUNT(wrongs); i++) {
		enum chain_verdict v;
		struct spend_tx t;

		apply(&t, &wrongs[i]);
		spend_build(&t);
		v = spend(&t, check);
		if (v != wrongs[i].want)
			print_message("# %s: %s\n", wrongs[i].label,
				      chain_verdict_name(v));
		assert_int_equal(v, wrongs[i].want);
		assert_int_equal(fee.units, -1);
	}
}

static void edges_pass(void **state)
{
	struct spend_tx t;

	(void)state;
	start();
	/* a coinbase on the day it is mature, a coin of this very height */
	good_tx(&t);
	spend_from(&t, 1, &set, 2, 5);
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_true(chain_checks_valid(check, 2));
	p.coinbase_maturity = 2;
	assert_int_equal(spend(&t, check), CHAIN_BAD_SPEND_IMMATURE);
	/* all the money there is, in and out; 80 bytes; a key off the curve */
	good_tx(&t);
	t.inputs = 1;
	spend_from(&t, 0, &set, 4, 7);
	t.out[0].amount = BASE_MAX_MONEY - 900;
	t.out[1].script =
		"6a4c50" BYTES_32 BYTES_32 "11111111111111111111111111111111";
	t.out[2].script = "5120"
			  "ffffffffffffffffffffffffffffffff"
			  "ffffffffffffffffffffffffffffffff";
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_int_equal(fee.units, 0);
	/* one OP_RETURN and no coin, all to the miner: 65 bytes or more */
	good_tx(&t);
	t.inputs = 1;
	t.outputs = 1;
	t.out[0] = (struct spend_out){.script = "6a0401020304"};
	spend_build(&t);
	assert_int_equal(t.view.stripped_len, 66);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_int_equal(fee.units, 7000);
	t.out[0].script = "6a03010203";
	spend_build(&t);
	assert_int_equal(t.view.stripped_len, 65);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	t.out[0].script = "6a020102"; /* CVE-2017-12842 */
	spend_build(&t);
	assert_int_equal(t.view.stripped_len, 64);
	assert_int_equal(spend(&t, check), CHAIN_BAD_TX_SMALL);
}

static void sizes_are_bounded(void **state)
{
	struct spend_tx t;

	(void)state;
	start();
	good_tx(&t);
	spend_build(&t);
	p.max_block_bytes = (uint32_t)t.len;
	p.max_block_inputs = 2;
	assert_int_equal(spend(&t, check), CHAIN_OK);
	p.max_block_bytes--;
	assert_int_equal(spend(&t, check), CHAIN_BAD_TX_OVERSIZE);
	p.max_block_bytes++;
	p.max_block_inputs--;
	assert_int_equal(spend(&t, check), CHAIN_BAD_TX_OVERSIZE);
}

static void storage_that_fails_condemns_nobody(void **state)
{
	struct spend_tx t;

	(void)state;
	start();
	good_tx(&t);
	spend_build(&t);
	set.fail = -EIO;
	assert_int_equal(spend(&t, check), CHAIN_COINS_FAILED);
	set.fail = 0;
	assert_int_equal(spend(&t, check), CHAIN_OK);
}

static void keys_off_the_curve_cannot_spend(void **state)
{
	struct spend_tx t;

	(void)state;
	start();
	memset(set.coin[0].key, 0xff, CHAIN_KEY_SIZE);
	good_tx(&t);
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_false(chain_checks_valid(check, 1));
}

/* Another's key, another amount, and any one bit of the whole. */
static void what_was_not_signed_is_refused(void **state)
{
	struct spend_tx t;

	(void)state;
	start();
	good_tx(&t);
	t.in[1].secret = 5;
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_false(chain_checks_valid(check, 2));
	good_tx(&t);
	t.in[0].amount.units++;
	spend_build(&t);
	assert_int_equal(spend(&t, check), CHAIN_OK);
	assert_false(chain_checks_valid(check, 1));
	assert_false(chain_checks_valid(check + 1, 1));

	good_tx(&t);
	spend_build(&t);
	for (size_t bit = 0; bit < 8 * t.len; bit++) {
		struct base_reader r = base_reader_init(t.bytes, t.len);

		t.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (chain_tx_parse(&t.view, &r) == 0 && base_reader_done(&r) &&
		    spend(&t, check) == CHAIN_OK)
			assert_false(chain_checks_valid(check, 2));
		t.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void names_are_bitcoins(void **state)
{
	const struct {
		enum chain_verdict v;
		const char *name;
	} v[] = {
		{CHAIN_BAD_SPEND, "bad-txns-inputs-missingorspent"},
		{CHAIN_BAD_SPEND_IMMATURE,
		 "bad-txns-premature-spend-of-coinbase"},
		{CHAIN_BAD_SPEND_BELOW, "bad-txns-in-belowout"},
		{CHAIN_BAD_TX_DUPLICATE, "bad-txns-inputs-duplicate"},
		{CHAIN_BAD_TX_SMALL, "tx-size-small"},
		{CHAIN_BAD_SIGNATURE, "mandatory-script-verify-flag-failed "
				      "(Invalid Schnorr signature)"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(v); i++)
		assert_string_equal(chain_verdict_name(v[i].v), v[i].name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one_passes),
		cmocka_unit_test(outputs_become_coins),
		cmocka_unit_test(each_wrong_has_its_verdict),
		cmocka_unit_test(edges_pass),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(storage_that_fails_condemns_nobody),
		cmocka_unit_test(keys_off_the_curve_cannot_spend),
		cmocka_unit_test(what_was_not_signed_is_refused),
		cmocka_unit_test(names_are_bitcoins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
