/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "chain/script.h"
#include "chain/tx.h"
#include "pow/sha256.h"

#include <errno.h>

#define VERSION "02000000"
#define INPUT                                                              \
	"1111111111111111111111111111111111111111111111111111111111111111" \
	"05000000"                                                         \
	"02abcd"                                                           \
	"feffffff"
#define OUTPUT             \
	"40420f0000000000" \
	"03515253"
#define LOCK "07000000"
#define PLAIN VERSION "01" INPUT "01" OUTPUT LOCK
#define WITNESS "0203a1a2a300" /* two items: three bytes, none */
#define SEGWIT         \
	VERSION "0001" \
		"01" INPUT "01" OUTPUT WITNESS LOCK

static uint8_t bytes[1000];

static struct base_reader reader(const char *hex)
{
	size_t len = strlen(hex) / 2;

	assert_int_equal(base_from_hex(bytes, len, hex), 0);
	return base_reader_init(bytes, len);
}

static void check_fields(const struct chain_tx_view *tx)
{
	struct chain_tx_input in;
	struct chain_tx_output out;

	assert_int_equal(tx->version, 2);
	assert_int_equal(tx->input_count, 1);
	assert_int_equal(tx->output_count, 1);
	assert_int_equal(tx->stripped_len, strlen(PLAIN) / 2);
	assert_int_equal(base_load_le32(tx->lock_time), 7);
	chain_tx_input_at(&in, tx, 0);
	assert_int_equal(in.prev_hash.b[31], 0x11);
	assert_int_equal(in.prev_index, 5);
	assert_int_equal(in.script_len, 2);
	assert_int_equal(in.script[1], 0xcd);
	assert_int_equal(in.sequence, 0xfffffffe);
	chain_tx_output_at(&out, tx, 0);
	assert_int_equal(out.amount.units, 1000000);
	assert_int_equal(out.script_len, 3);
	assert_int_equal(out.script[2], 0x53);
}

static void both_forms_have_one_id(void **state)
{
	struct chain_tx_view tx;
	struct base_reader r = reader(PLAIN);
	struct base_hash id;
	struct base_hash wid;
	struct base_hash other;
	uint8_t stripped[200];

	(void)state;
	assert_int_equal(chain_tx_parse(&tx, &r), 0);
	assert_true(base_reader_done(&r));
	assert_false(tx.has_witness);
	assert_null(tx.witness);
	check_fields(&tx);
	chain_txid(&id, stripped, &tx);
	chain_wtxid(&wid, &tx);
	assert_memory_equal(&id, &wid, sizeof(id));

	r = reader(SEGWIT);
	assert_int_equal(chain_tx_parse(&tx, &r), 0);
	assert_true(base_reader_done(&r));
	assert_true(tx.has_witness);
	check_fields(&tx);
	chain_txid(&other, stripped, &tx);
	assert_memory_equal(&id, &other, sizeof(id));
	chain_wtxid(&wid, &tx);
	assert_memory_not_equal(&id, &wid, sizeof(id));
	pow_sha256d(&other, bytes, strlen(SEGWIT) / 2);
	assert_memory_equal(&wid, &other, sizeof(wid));
}

static void every_cut_is_refused(void **state)
{
	static const char *const forms[] = {PLAIN, SEGWIT};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(forms); i++) {
		struct base_reader whole = reader(forms[i]);

		for (size_t cut = 0; cut < base_reader_left(&whole); cut++) {
			struct chain_tx_view tx;
			struct base_reader r = base_reader_init(bytes, cut);

			assert_int_equal(chain_tx_parse(&tx, &r), -EBADMSG);
			assert_false(base_reader_ok(&r));
		}
	}
}

static const char *const malformed[] = {
	VERSION "00" LOCK,   /* no input, no marker */
	VERSION "0000" LOCK, /* flag 0 */
	VERSION "0002"
		"01" INPUT "01" OUTPUT WITNESS LOCK, /* flag 2 */
	VERSION "0001"
		"00"
		"01" OUTPUT LOCK,     /* no input */
	VERSION "01" INPUT "00" LOCK, /* no output */
	VERSION "0001"
		"01" INPUT "01" OUTPUT "00" LOCK, /* empty witness */
	VERSION "fd0100" INPUT "01" OUTPUT LOCK,  /* longer than needed */
	VERSION "01" INPUT "fd0100" OUTPUT LOCK,
	VERSION "0001"
		"01" INPUT "01" OUTPUT "fd0100"
		"00" LOCK,
	VERSION "ffffffffffffffffff" INPUT "01" OUTPUT LOCK,
	VERSION "01" INPUT "feffffffff" OUTPUT LOCK,
	VERSION "0001"
		"01" INPUT "01" OUTPUT "ffffffffffffffffff" LOCK,
	VERSION "02" INPUT "01" OUTPUT LOCK, /* one input short */
};

static void malformed_ones_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(malformed); i++) {
		struct base_reader r = reader(malformed[i]);
		struct chain_tx_view tx = {.version = 77};

		assert_int_equal(chain_tx_parse(&tx, &r), -EBADMSG);
		assert_false(base_reader_ok(&r));
		assert_int_equal(tx.version, 77);
	}
}

/* An output script longer than what is left, up to the whole address space. */
static void script_lengths_are_bounded(void **state)
{
	static const char *const length[] = {"04", "ffffffffffffffffff",
					     "feffffff7f"};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(length); i++) {
		char hex[1000];
		struct base_reader r;
		struct chain_tx_view tx;

		(void)snprintf(hex, sizeof(hex), "%s%s",
			       VERSION "01" INPUT "01"
				       "40420f0000000000",
			       length[i]);
		r = reader(hex);
		assert_int_equal(chain_tx_parse(&tx, &r), -EBADMSG);
	}
}

/* @outputs of 9 bytes each beside one input. */
static int parse_outputs(uint32_t outputs)
{
	static uint8_t big[250000];
	struct base_writer w = base_writer_init(big, sizeof(big));
	struct chain_tx_view tx;
	struct base_reader r;

	base_write_le32(&w, 2);
	base_write_compact_size(&w, 1);
	for (int i = 0; i < 36; i++)
		base_write_u8(&w, 1);
	base_write_compact_size(&w, 0);
	base_write_le32(&w, 0);
	base_write_compact_size(&w, outputs);
	for (uint32_t i = 0; i < outputs; i++) {
		base_write_le64(&w, i);
		base_write_compact_size(&w, 0);
	}
	base_write_le32(&w, 0);
	assert_true(base_writer_ok(&w));
	r = base_reader_init(big, w.len);
	return chain_tx_parse(&tx, &r);
}

static void counts_have_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_outputs(CHAIN_TX_OUTPUTS_MAX), 0);
	assert_int_equal(parse_outputs(CHAIN_TX_OUTPUTS_MAX + 1), -EBADMSG);
}

/* The signed transaction of BIP341's wallet vectors: nine inputs, of several
 * kinds, most with witness. */
static void bip341_transaction(void **state)
{
	FILE *f = test_open_vectors("bip341-wallet-test-vectors.json");
	static char text[40000];
	static uint8_t raw[4000];
	static uint8_t stripped[4000];
	struct chain_tx_view tx;
	struct chain_tx_view again;
	struct base_reader r;
	char *hex;
	size_t len;

	(void)state;
	if (!f)
		skip();
	len = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	assert_in_range(len, 1, sizeof(text) - 2);
	hex = strstr(text, "\"fullySignedTx\"");
	assert_non_null(hex);
	hex = strchr(strchr(hex, ':'), '"') + 1;
	*strchr(hex, '"') = '\0';
	len = strlen(hex) / 2;
	assert_int_equal(base_from_hex(raw, len, hex), 0);
	r = base_reader_init(raw, len);
	assert_int_equal(chain_tx_parse(&tx, &r), 0);
	assert_true(base_reader_done(&r));
	assert_true(tx.has_witness);
	assert_int_equal(tx.input_count, 9);
	chain_tx_strip(stripped, &tx);
	r = base_reader_init(stripped, tx.stripped_len);
	assert_int_equal(chain_tx_parse(&again, &r), 0);
	assert_true(base_reader_done(&r));
	assert_int_equal(again.output_count, tx.output_count);
}

static void heights_are_pushed_like_bitcoin_core(void **state)
{
	static const struct {
		uint32_t height;
		const char *hex;
	} v[] = {
		{1, "51"},
		{16, "60"},
		{17, "0111"},
		{127, "017f"},
		{128, "028000"},
		{255, "02ff00"},
		{256, "020001"},
		{32767, "02ff7f"},
		{32768, "03008000"},
		{8388607, "03ffff7f"},
		{8388608, "0400008000"},
		{2147483647, "04ffffff7f"},
		{2147483648, "050000008000"},
		{4294967295, "05ffffffff00"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(v); i++) {
		uint8_t out[CHAIN_SCRIPT_HEIGHT_MAX];
		char hex[2 * CHAIN_SCRIPT_HEIGHT_MAX + 1];
		struct base_writer w = base_writer_init(out, sizeof(out));
		struct base_height back = {0};
		struct base_reader r;

		chain_script_write_height(&w,
					  (struct base_height){v[i].height});
		base_to_hex(hex, out, w.len);
		assert_string_equal(hex, v[i].hex);
		r = base_reader_init(out, w.len);
		assert_true(chain_script_read_height(&back, &r));
		assert_true(base_reader_done(&r));
		assert_int_equal(back.n, v[i].height);
	}
}

static void other_heights_are_refused(void **state)
{
	static const char *const bad[] = {"00",		  "4f",
					  "50",		  "61",
					  "0101",	  "0110",
					  "021100",	  "0180",
					  "0181",	  "02ff80",
					  "0211",	  "03ff7f00",
					  "05ffffffff01", "06ffffffff0000",
					  "4c0111",	  "05ffffff7f00",
					  "05ffffffff80"};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct base_reader r = reader(bad[i]);
		struct base_height h = {77};

		assert_false(chain_script_read_height(&h, &r));
		assert_int_equal(h.n, 77);
	}
}

static void data_outputs_have_one_minimal_push(void **state)
{
	uint8_t s[2 + 100] = {0x6a};

	(void)state;
	for (unsigned len = 0; len <= 90; len++) {
		/* direct push: 0, 2..75; of one byte only large values */
		s[1] = (uint8_t)len;
		memset(s + 2, 0x77, sizeof(s) - 2);
		assert_int_equal(chain_script_kind(s, 2 + len),
				 len <= 75 ? CHAIN_SCRIPT_DATA
					   : CHAIN_SCRIPT_OTHER);
		s[1] = 0x4c;
		s[2] = (uint8_t)len;
		assert_int_equal(chain_script_kind(s, 3 + len),
				 len > 75 && len <= 80 ? CHAIN_SCRIPT_DATA
						       : CHAIN_SCRIPT_OTHER);
	}
	for (unsigned op = 0; op < 256; op++) {
		bool small =
			op == 0 || op == 0x4f || (op >= 0x51 && op <= 0x60);
		bool value = op >= 1 && op <= 16;

		s[1] = (uint8_t)op;
		assert_int_equal(chain_script_kind(s, 2),
				 small ? CHAIN_SCRIPT_DATA
				       : CHAIN_SCRIPT_OTHER);
		s[1] = 1;
		s[2] = (uint8_t)op;
		assert_int_equal(chain_script_kind(s, 3),
				 value || op == 0x81 ? CHAIN_SCRIPT_OTHER
						     : CHAIN_SCRIPT_DATA);
	}
	assert_int_equal(chain_script_kind(s, 0), CHAIN_SCRIPT_OTHER);
	assert_int_equal(chain_script_kind(s, 1), CHAIN_SCRIPT_OTHER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_have_one_id),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(malformed_ones_are_refused),
		cmocka_unit_test(script_lengths_are_bounded),
		cmocka_unit_test(counts_have_limits),
		cmocka_unit_test(bip341_transaction),
		cmocka_unit_test(heights_are_pushed_like_bitcoin_core),
		cmocka_unit_test(other_heights_are_refused),
		cmocka_unit_test(data_outputs_have_one_minimal_push),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
