/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain_spec.h"

static void expect(const struct spec *s)
{
	struct chain_block_info info = {.tx_count = 77};
	enum chain_verdict check;
	enum chain_verdict v;

	build(s);
	check = chain_block_check(&info, &p, &scratch, block, block_len);
	v = chain_block_validate(&info, &p, &ctx, &chain_coins_empty, &scratch,
				 block, block_len);
	if (v != s->want || check != (s->late ? CHAIN_OK : s->want))
		fail_msg("%s: check %s, validate %s, expected %s", s->label,
			 chain_verdict_name(check), chain_verdict_name(v),
			 chain_verdict_name(s->want));
}

#define D80                                                                 \
	"77777777777777777777777777777777777777777777777777777777777777777" \
	"77777777777777777777777777777777777777777777777777777777777777777" \
	"777777777777777777777777777777"

static const struct spec good[] = {
	{.label = "plain"},
	{.label = "rolled version", .version_xor = CHAIN_VERSION_ROLL},
	{.label = "commitment first",
	 .output = {COMMITMENT, P2TR},
	 .amount_add = {-50 * BASE_COIN, 50 * BASE_COIN}},
	{.label = "several payees",
	 .output = {P2TR, P2TR, COMMITMENT, P2TR},
	 .amount_add = {-3, 2, 0, 1}},
	{.label = "data", .output = {P2TR, "6a0377aa77", COMMITMENT}},
	{.label = "empty data", .output = {P2TR, COMMITMENT, "6a00"}},
	{.label = "data of 80", .output = {P2TR, COMMITMENT, "6a4c50" D80}},
	{.label = "less than the subsidy", .amount_add = {-50 * BASE_COIN}},
	{.label = "sender 0",
	 .script = "51"
		   "0100"
		   "08" EXTRANONCE},
	{.label = "extranonce of 32",
	 .script = "51"
		   "0102"
		   "20" ZERO32},
};

static void good_blocks_pass(void **state)
{
	(void)state;
	start();
	for (size_t i = 0; i < BASE_COUNT(good); i++)
		expect(&good[i]);
}

static void facts_of_a_good_block(void **state)
{
	struct chain_block_info info;
	struct base_hash hash;

	(void)state;
	start();
	build(&good[0]);
	assert_int_equal(chain_block_validate(&info, &p, &ctx,
					      &chain_coins_empty, &scratch,
					      block, block_len),
			 CHAIN_OK);
	pow_sha256d(&hash, block, CHAIN_HEADER_SIZE);
	assert_memory_equal(&info.hash, &hash, sizeof(hash));
	assert_memory_equal(&info.header.prev, &ctx.hash, sizeof(hash));
	assert_int_equal(info.tx_count, 1);
	assert_int_equal(info.sender, 2);
	assert_int_equal(info.height.n, 1);
	assert_int_equal(info.coinbase_out.units, 50 * BASE_COIN);
}

static const struct spec bad_headers[] = {
	{.label = "version", .want = CHAIN_BAD_VERSION, .version_xor = 1},
	{.label = "version 1",
	 .want = CHAIN_BAD_VERSION,
	 .version_xor = CHAIN_VERSION | 1},
	{.label = "work", .want = CHAIN_BAD_POW, .unmined = true},
	{.label = "bits over the limit",
	 .want = CHAIN_BAD_BITS,
	 .bits = 0x207fffff},
	{.label = "negative bits", .want = CHAIN_BAD_BITS, .bits = 0x20800001},
	{.label = "huge bits", .want = CHAIN_BAD_BITS, .bits = 0x7f00ffff},
	{.label = "prev", .want = CHAIN_BAD_PREV, .late = true, .prev_xor = 1},
	{.label = "harder than asked",
	 .want = CHAIN_BAD_DIFFICULTY,
	 .late = true,
	 .bits = 0x2000fffe},
	{.label = "time at the median",
	 .want = CHAIN_BAD_TIME_OLD,
	 .late = true,
	 .time_add = -5},
	{.label = "merkle root", .want = CHAIN_BAD_MERKLE, .root_xor = 1},
};

static const struct spec bad_coinbases[] = {
	{.label = "cb version", .want = CHAIN_BAD_CB_FORM, .cb_version_xor = 3},
	{.label = "cb lock time", .want = CHAIN_BAD_CB_FORM, .cb_lock_xor = 1},
	{.label = "cb sequence",
	 .want = CHAIN_BAD_CB_FORM,
	 .cb_sequence_xor = 1},
	{.label = "cb prev", .want = CHAIN_BAD_CB_MISSING, .cb_prev_xor = 1},
	{.label = "cb index", .want = CHAIN_BAD_CB_MISSING, .cb_index_xor = 1},
	{.label = "height of another block",
	 .want = CHAIN_BAD_CB_HEIGHT,
	 .late = true,
	 .script = "52"
		   "0102"
		   "08" EXTRANONCE},
	{.label = "height not minimal",
	 .want = CHAIN_BAD_CB_HEIGHT,
	 .script = "0101"
		   "0102"
		   "08" EXTRANONCE},
	{.label = "height 0",
	 .want = CHAIN_BAD_CB_HEIGHT,
	 .script = "00"
		   "0102"
		   "08" EXTRANONCE},
	{.label = "no script", .want = CHAIN_BAD_CB_HEIGHT, .script = ""},
	{.label = "height only", .want = CHAIN_BAD_CB_SCRIPT, .script = "51"},
	{.label = "sender as an opcode",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "52"
		   "08" EXTRANONCE},
	{.label = "sender of two bytes",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "020200"
		   "08" EXTRANONCE},
	{.label = "sender outside the committee",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0103"
		   "08" EXTRANONCE},
	{.label = "no extranonce",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0102"},
	{.label = "extranonce of 7",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0102"
		   "07"
		   "11223344556677"},
	{.label = "extranonce of 33",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0102"
		   "21" ZERO32 "00"},
	{.label = "extranonce cut",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0102"
		   "09" EXTRANONCE},
	{.label = "extranonce by PUSHDATA1",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0102"
		   "4c08" EXTRANONCE},
	{.label = "more after the extranonce",
	 .want = CHAIN_BAD_CB_SCRIPT,
	 .script = "51"
		   "0102"
		   "08" EXTRANONCE "00"},
};

static const struct spec bad_outputs[] = {
	{.label = "no commitment",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR}},
	{.label = "two commitments",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, COMMITMENT}},
	{.label = "no payee",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {COMMITMENT},
	 .amount_add = {-50 * BASE_COIN}},
	{.label = "two data outputs",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, "6a00", "6a00"}},
	{.label = "data of 81",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, "6a4c51" D80 "77"}},
	{.label = "bare OP_RETURN",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, "6a"}},
	{.label = "data in two pushes",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, "6a0000"}},
	{.label = "empty script",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, ""}},
	{.label = "version 0 program",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {"0020" KEY, COMMITMENT}},
	{.label = "anyone can spend",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, "51"}},
	{.label = "commitment with an amount",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .amount_add = {-1, 1}},
	{.label = "data with an amount",
	 .want = CHAIN_BAD_CB_OUTPUT,
	 .output = {P2TR, COMMITMENT, "6a00"},
	 .amount_add = {-1, 0, 1}},
	{.label = "one unit too many",
	 .want = CHAIN_BAD_CB_AMOUNT,
	 .late = true,
	 .amount_add = {1}},
	{.label = "one unit too many in sum",
	 .want = CHAIN_BAD_CB_AMOUNT,
	 .late = true,
	 .output = {P2TR, COMMITMENT, P2TR},
	 .amount_add = {0, 0, 1}},
	{.label = "negative amount",
	 .want = CHAIN_BAD_CB_AMOUNT,
	 .amount_add = {-50 * BASE_COIN - 1}},
	{.label = "more than there can be",
	 .want = CHAIN_BAD_CB_AMOUNT,
	 .amount_add = {BASE_MAX_MONEY}},
	{.label = "sum more than there can be",
	 .want = CHAIN_BAD_CB_AMOUNT,
	 .output = {P2TR, COMMITMENT, P2TR},
	 .amount_add = {0, 0, BASE_MAX_MONEY}},
};

static const struct spec bad_witnesses[] = {
	{.label = "commitment", .want = CHAIN_BAD_WITNESS, .commitment_xor = 1},
	{.label = "no witness", .want = CHAIN_BAD_WITNESS_NONCE, .witness = ""},
	{.label = "nonce of 31 bytes",
	 .want = CHAIN_BAD_WITNESS_NONCE,
	 .witness = "011f"
		    "00000000000000000000000000000000"
		    "000000000000000000000000000000"},
	{.label = "nonce that is not zero",
	 .want = CHAIN_BAD_WITNESS_NONCE,
	 .witness = "0120" KEY},
	{.label = "two items",
	 .want = CHAIN_BAD_WITNESS_NONCE,
	 .witness = "0220" ZERO32 "00"},
};

static const struct spec bad_bodies[] = {
	{.label = "count 0", .want = CHAIN_BAD_PARSE, .count = "00"},
	{.label = "count 2", .want = CHAIN_BAD_PARSE, .count = "02"},
	{.label = "count not minimal",
	 .want = CHAIN_BAD_PARSE,
	 .count = "fd0100"},
	{.label = "count of 2^64-1",
	 .want = CHAIN_BAD_PARSE,
	 .count = "ffffffffffffffffff"},
	{.label = "a byte more", .want = CHAIN_BAD_PARSE, .tail = "00"},
	{.label = "a transaction more than counted",
	 .want = CHAIN_BAD_PARSE,
	 .tx = {TX("01")},
	 .count = "01"},
	{.label = "a spend without witness",
	 .want = CHAIN_BAD_TX_NO_WITNESS,
	 .tx = {TX("01")}},
	{.label = "a signature of one byte",
	 .want = CHAIN_BAD_TX_SIG_SIZE,
	 .tx = {TX_WITNESS("0101aa"), TX("01")}},
	{.label = "a spend of nothing",
	 .want = CHAIN_BAD_SPEND,
	 .late = true,
	 .tx = {TX_WITNESS("0140" KEY KEY)}},
	{.label = "spends",
	 .want = CHAIN_BAD_TX_NO_WITNESS,
	 .tx = {TX("01"), TX_WITNESS("0101aa"), TX_65("03"), TX("04")}},
	{.label = "repeated end",
	 .want = CHAIN_BAD_DUPLICATE,
	 .tx = {TX("01"), TX("02")},
	 .repeat_last = true},
	{.label = "repeated end of five",
	 .want = CHAIN_BAD_DUPLICATE,
	 .tx = {TX("01"), TX("02"), TX("03"), TX("04")},
	 .repeat_last = true},
	{.label = "one more that is not the end",
	 .want = CHAIN_BAD_MERKLE,
	 .tx = {TX("01")},
	 .repeat_last = true},
	{.label = "second coinbase",
	 .want = CHAIN_BAD_CB_MULTIPLE,
	 .tx = {TX("01"), TX_COINBASE}},
	{.label = "60 bytes", .want = CHAIN_BAD_TX_SMALL, .tx = {TX_60("01")}},
	{.label = "64 bytes: perhaps an inner node",
	 .want = CHAIN_BAD_PARSE,
	 .tx = {TX_64("01")}},
};

#define EXPECT_ALL(table)                                      \
	do {                                                   \
		start();                                       \
		for (size_t i = 0; i < BASE_COUNT(table); i++) \
			expect(&(table)[i]);                   \
	} while (0)

static void each_bad_part_has_its_verdict(void **state)
{
	(void)state;
	EXPECT_ALL(bad_headers);
	EXPECT_ALL(bad_coinbases);
	EXPECT_ALL(bad_outputs);
	EXPECT_ALL(bad_witnesses);
	EXPECT_ALL(bad_bodies);
}

static enum chain_verdict validate(size_t len)
{
	struct chain_block_info info;

	return chain_block_validate(&info, &p, &ctx, &chain_coins_empty,
				    &scratch, block, len);
}

static void inputs_of_a_block_are_limited(void **state)
{
	struct spec s = {.label = "inputs",
			 .want = CHAIN_BAD_TX_NO_WITNESS,
			 .tx = {TX("01"), TX("02")}};

	(void)state;
	start();
	p.max_block_inputs = 2;
	expect(&s);
	p.max_block_inputs = 1;
	s.want = CHAIN_BAD_TX;
	expect(&s);
}

/* A witness that was changed on the way is the relaying peer's fault. */
static void changed_witness_is_malformed(void **state)
{
	struct spec s = {.label = "witness",
			 .want = CHAIN_BAD_TX_SIG_SIZE,
			 .tx = {TX_WITNESS("0101aa")}};

	(void)state;
	start();
	expect(&s);
	assert_int_equal(block[block_len - 5], 0xaa);
	block[block_len - 5] = 0xab;
	assert_int_equal(validate(block_len), CHAIN_BAD_WITNESS);
}

static void lengths_are_bounded(void **state)
{
	struct spec s = {.label = "plain"};
	uint8_t more[1] = {0};

	(void)state;
	start();
	build(&s);
	for (size_t len = 0; len < block_len; len++) {
		uint8_t *copy = malloc(len + 1); /* so that ASan sees reads */
		enum chain_verdict v;
		struct chain_block_info info;

		assert_non_null(copy);
		memcpy(copy, block, len);
		v = chain_block_validate(&info, &p, &ctx, &chain_coins_empty,
					 &scratch, copy, len);
		free(copy);
		assert_int_equal(v, len < 80 + 1 + CHAIN_TX_SIZE_MIN
					    ? CHAIN_BAD_LENGTH
					    : CHAIN_BAD_PARSE);
	}
	assert_int_equal(validate(block_len), CHAIN_OK);
	p.max_block_bytes = (uint32_t)block_len - 1;
	assert_int_equal(validate(block_len), CHAIN_BAD_LENGTH);
	p.max_block_bytes = (uint32_t)block_len;
	assert_int_equal(validate(block_len), CHAIN_OK);
	block[block_len] = more[0];
	assert_int_equal(validate(block_len + 1), CHAIN_BAD_LENGTH);
	p.max_block_bytes++;
	assert_int_equal(validate(block_len + 1), CHAIN_BAD_PARSE);
}

/* With work of 2^16 hashes, so that no flipped header passes by chance. */
static void every_flipped_bit_is_refused(void **state)
{
	struct spec s = {.label = "plain"};
	unsigned count[CHAIN_VERDICTS] = {0};

	(void)state;
	start();
	p.genesis_bits = 0x1f00ffff;
	expect(&s);
	for (size_t bit = 0; bit < 8 * block_len; bit++) {
		enum chain_verdict v;

		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
		v = validate(block_len);
		assert_int_not_equal(v, CHAIN_OK);
		count[v]++;
		/* Only a header can condemn: the body is bound by its root. */
		assert_true(bit < 640 || chain_verdict_malformed(v));
		block[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(validate(block_len), CHAIN_OK);
	for (unsigned v = 0; v < CHAIN_VERDICTS; v++)
		if (count[v] > 0)
			print_message("# %4u flips: %s\n", count[v],
				      chain_verdict_name(v));
}

/* What the miner builds is what the rules accept, at heights whose push
 * differs in form. */
static void built_coinbase_passes(void **state)
{
	static const uint32_t heights[] = {
		1, 16, 17, 127, 128, 32768, 8388608, 0x80000000, UINT32_MAX};

	(void)state;
	start();
	for (size_t i = 0; i < BASE_COUNT(heights); i++) {
		struct chain_coinbase c = {
			.height = {heights[i]},
			.sender = 2,
			.extranonce = {1, 2, 3, 4, 5, 6, 7, 8},
		};
		struct base_hash zero = {.b = {0}};
		struct chain_header h = {.version = CHAIN_VERSION,
					 .time = ctx.time[0] + 1,
					 .bits = FIXTURE_BITS};
		uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
		uint8_t header[CHAIN_HEADER_SIZE];
		size_t at;
		size_t len;

		c.value = chain_subsidy(&p, c.height);
		ctx.height.n = heights[i] - 1;
		ctx.tau_s = (int64_t)p.spacing_s * ctx.height.n;
		h.prev = ctx.hash;
		chain_witness_commitment(&c.witness_commitment, &zero);
		len = chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
		assert_memory_equal(coinbase + at, c.extranonce, 8);
		coinbase[at]++; /* as a miner does */
		pow_sha256d(&h.merkle_root, coinbase, len);
		mine(&h);
		chain_header_write(header, &h);
		block_len = chain_block_assemble(block, sizeof(block), header,
						 coinbase, len, NULL, 0, 0);
		assert_in_range(block_len, 1, len + CHAIN_BLOCK_OVERHEAD);
		assert_int_equal(validate(block_len), CHAIN_OK);
	}
}

static void assemble_fits_or_says_so(void **state)
{
	static const uint8_t header[CHAIN_HEADER_SIZE];
	static const uint8_t coinbase[100];
	static const uint8_t txs[50];
	uint8_t out[400];
	size_t len =
		chain_block_assemble(out, sizeof(out), header, coinbase,
				     sizeof(coinbase), txs, sizeof(txs), 252);

	(void)state;
	assert_int_equal(len, 80 + 3 + 100 + 36 + 50);
	assert_int_equal(out[80], 0xfd);
	assert_int_equal(base_load_le32(out + 81) & 0xffff, 253);
	for (size_t cap = 0; cap < len; cap++)
		assert_int_equal(chain_block_assemble(out, cap, header,
						      coinbase,
						      sizeof(coinbase), txs,
						      sizeof(txs), 252),
				 0);
}

/* The transaction of the genesis block in @out; its header in @h. */
static void read_genesis(struct chain_header *h, struct chain_tx_view *tx,
			 const uint8_t *out, size_t len)
{
	struct base_reader r = base_reader_init(out, len);

	chain_header_read(h, base_read_bytes(&r, CHAIN_HEADER_SIZE));
	assert_int_equal(base_read_compact_size(&r), 1);
	assert_int_equal(chain_tx_parse(tx, &r), 0);
	assert_true(base_reader_done(&r));
}

static void genesis_is_what_the_parameters_say(void **state)
{
	static uint8_t out[CHAIN_GENESIS_MAX];
	static const struct base_hash zero;
	struct base_hash params_hash = {.b = {0xab, 0xcd}};
	struct base_hash id;
	struct base_hash commitment;
	struct chain_header h;
	struct chain_tx_view tx;
	struct chain_tx_input in;
	struct chain_tx_output o;
	size_t len;

	(void)state;
	start();
	len = chain_genesis_build(out, sizeof(out), &p, &params_hash);
	read_genesis(&h, &tx, out, len);
	assert_int_equal(h.version, CHAIN_VERSION);
	assert_memory_equal(&h.prev, &zero, sizeof(zero));
	assert_int_equal(h.time, 1700000000); /* of 1700000000999 ms */
	assert_int_equal(h.bits, p.genesis_bits);
	assert_int_equal(h.nonce, 0);
	chain_txid(&id, scratch.bytes, &tx);
	assert_memory_equal(&h.merkle_root, &id, sizeof(id));

	assert_true(chain_coinbase_is(&tx));
	assert_true(chain_coinbase_witness_ok(&tx));
	assert_int_equal(tx.version, 2);
	chain_tx_input_at(&in, &tx, 0);
	assert_int_equal(in.script_len, 34);
	assert_int_equal(in.script[0], 0x00);
	assert_int_equal(in.script[1], 0x20);
	assert_memory_equal(in.script + 2, &params_hash, 32);
	assert_int_equal(in.sequence, UINT32_MAX);
	assert_int_equal(tx.output_count, 3);
	for (unsigned i = 0; i < 2; i++) {
		chain_tx_output_at(&o, &tx, i);
		assert_int_equal(o.amount.units, (i + 1) * BASE_COIN);
		assert_int_equal(chain_script_kind(o.script, o.script_len),
				 CHAIN_SCRIPT_P2TR);
		assert_memory_equal(o.script + 2, p.output[i].key, 32);
	}
	chain_tx_output_at(&o, &tx, 2);
	assert_int_equal(o.amount.units, 0);
	assert_int_equal(chain_script_kind(o.script, o.script_len),
			 CHAIN_SCRIPT_COMMITMENT);
	chain_witness_commitment(&commitment, &zero);
	assert_memory_equal(o.script + CHAIN_COMMITMENT_AT, &commitment, 32);
	/* It is no block that could follow another one. */
	assert_int_not_equal(chain_block_check(&(struct chain_block_info){0},
					       &p, &scratch, out, len),
			     CHAIN_OK);
}

static void genesis_fits_with_all_outputs(void **state)
{
	static uint8_t out[CHAIN_GENESIS_MAX];
	struct base_hash params_hash = {.b = {1}};
	struct chain_header h;
	struct chain_tx_view tx;
	size_t len;

	(void)state;
	start();
	p.output_count = CHAIN_OUTPUTS_MAX;
	len = chain_genesis_build(out, sizeof(out), &p, &params_hash);
	assert_in_range(len, 43 * CHAIN_OUTPUTS_MAX, CHAIN_GENESIS_MAX);
	read_genesis(&h, &tx, out, len);
	assert_int_equal(tx.output_count, CHAIN_OUTPUTS_MAX + 1);
	p.output_count = 0;
	len = chain_genesis_build(out, sizeof(out), &p, &params_hash);
	read_genesis(&h, &tx, out, len);
	assert_int_equal(tx.output_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_blocks_pass),
		cmocka_unit_test(facts_of_a_good_block),
		cmocka_unit_test(each_bad_part_has_its_verdict),
		cmocka_unit_test(inputs_of_a_block_are_limited),
		cmocka_unit_test(changed_witness_is_malformed),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(built_coinbase_passes),
		cmocka_unit_test(assemble_fits_or_says_so),
		cmocka_unit_test(genesis_is_what_the_parameters_say),
		cmocka_unit_test(genesis_fits_with_all_outputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
