/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain/script.h"
#include "chain/sighash.h"
#include "chain/signature.h"

#include <errno.h>
#include <jansson.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#define BYTES_MAX 4000
#define INPUTS_MAX 16

static uint8_t tx_bytes[BYTES_MAX];
static struct chain_tx_view tx;
static struct chain_sighash shared;
static uint8_t script[INPUTS_MAX][100];
static size_t script_len[INPUTS_MAX];

static size_t from_hex(uint8_t *out, size_t cap, const json_t *value)
{
	const char *hex = json_string_value(value);
	size_t len;

	assert_non_null(hex);
	len = strlen(hex) / 2;
	assert_true(len <= cap);
	assert_int_equal(base_from_hex(out, len, hex), 0);
	return len;
}

/* The transaction of the vectors, and what it spends. */
static void read_given(const json_t *given)
{
	const json_t *spent = json_object_get(given, "utxosSpent");
	size_t len = from_hex(tx_bytes, sizeof(tx_bytes),
			      json_object_get(given, "rawUnsignedTx"));
	struct base_reader r = base_reader_init(tx_bytes, len);

	assert_int_equal(chain_tx_parse(&tx, &r), 0);
	assert_true(base_reader_done(&r));
	assert_int_equal(json_array_size(spent), tx.input_count);
	assert_true(tx.input_count <= INPUTS_MAX);
	chain_sighash_begin(&shared);
	for (uint32_t i = 0; i < tx.input_count; i++) {
		const json_t *o = json_array_get(spent, i);
		struct base_amount amount = {
			json_integer_value(json_object_get(o, "amountSats"))};
		struct chain_tx_input in;

		script_len[i] = from_hex(script[i], sizeof(script[i]),
					 json_object_get(o, "scriptPubKey"));
		chain_tx_input_at(&in, &tx, i);
		chain_sighash_add(&shared, &in, amount, script[i],
				  script_len[i]);
	}
	chain_sighash_end(&shared, &tx);
}

static void check_signature(const json_t *spending, uint32_t index,
			    const struct base_hash *hash)
{
	static const uint8_t no_random[32];
	const json_t *witness = json_object_get(
		json_object_get(spending, "expected"), "witness");
	const json_t *inner = json_object_get(spending, "intermediary");
	secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secp256k1_keypair pair;
	uint8_t wanted[CHAIN_SIGNATURE_SIZE];
	uint8_t made[CHAIN_SIGNATURE_SIZE];
	uint8_t secret[32];

	assert_int_equal(json_array_size(witness), 1);
	assert_int_equal(
		from_hex(wanted, sizeof(wanted), json_array_get(witness, 0)),
		sizeof(wanted));
	from_hex(secret, sizeof(secret),
		 json_object_get(inner, "tweakedPrivkey"));
	assert_true(secp256k1_keypair_create(c, &pair, secret));
	assert_true(secp256k1_schnorrsig_sign32(c, made, hash->b, &pair,
						no_random));
	assert_memory_equal(made, wanted, sizeof(wanted));
	assert_int_equal(chain_script_kind(script[index], script_len[index]),
			 CHAIN_SCRIPT_P2TR);
	assert_true(chain_signature_valid(wanted, hash->b, sizeof(hash->b),
					  script[index] + CHAIN_P2TR_KEY_AT));
	secp256k1_context_destroy(c);
}

static void published_vectors(void **state)
{
	FILE *f = test_open_vectors("bip341-wallet-test-vectors.json");
	const json_t *spending, *path;
	json_t *root;
	unsigned done = 0;
	size_t i;

	(void)state;
	if (!f)
		skip();
	root = json_loadf(f, 0, NULL);
	(void)fclose(f);
	assert_non_null(root);
	path = json_array_get(json_object_get(root, "keyPathSpending"), 0);
	read_given(json_object_get(path, "given"));
	json_array_foreach(json_object_get(path, "inputSpending"), i, spending)
	{
		const json_t *given = json_object_get(spending, "given");
		const json_t *inner = json_object_get(spending, "intermediary");
		uint32_t index = (uint32_t)json_integer_value(
			json_object_get(given, "txinIndex"));
		uint8_t type = (uint8_t)json_integer_value(
			json_object_get(given, "hashType"));
		struct base_hash wanted, hash = {.b = {7}};
		int rc = chain_sighash_of(&hash, &shared, index, type);

		if (type != CHAIN_SIGHASH_DEFAULT) {
			assert_int_equal(rc, -EINVAL);
			assert_int_equal(hash.b[0], 7);
			assert_string_not_equal(chain_sighash_name(type),
						"unknown");
			continue;
		}
		assert_int_equal(rc, 0);
		from_hex(wanted.b, sizeof(wanted.b),
			 json_object_get(inner, "sigHash"));
		assert_memory_equal(&hash, &wanted, sizeof(wanted));
		check_signature(spending, index, &hash);
		done++;
	}
	assert_int_equal(i, 7);
	assert_int_equal(done, 1);
	json_decref(root);
}

static void write_hash_of(struct base_writer *w, const void *data, size_t len)
{
	struct base_hash hash;

	pow_sha256(&hash, data, len);
	base_write_bytes(w, hash.b, sizeof(hash.b));
}

/* BIP341's message for one input and one output, spelled out. */
static void one_input_spelled_out(void **state)
{
	uint8_t amount_bytes[8];
	uint8_t spent[1 + CHAIN_P2TR_SIZE] = {CHAIN_P2TR_SIZE};
	uint8_t message[300];
	uint8_t key[CHAIN_KEY_SIZE] = {9};
	struct base_amount amount = {123456789};
	struct base_writer w = base_writer_init(tx_bytes, sizeof(tx_bytes));
	struct base_reader r;
	struct chain_tx_input in;
	struct base_hash want;
	struct base_hash have;

	(void)state;
	base_write_le32(&w, 2);
	base_write_compact_size(&w, 1);
	for (uint8_t i = 0; i < 36; i++)
		base_write_u8(&w, i); /* the outpoint, at 5 */
	base_write_compact_size(&w, 0);
	base_write_le32(&w, 0xfffffffd); /* the sequence, at 42 */
	base_write_compact_size(&w, 1);
	chain_script_write_p2tr(&w, amount, key); /* 43 bytes at 47 */
	base_write_le32(&w, 0);			  /* the lock time */
	r = base_reader_init(tx_bytes, w.len);
	assert_int_equal(chain_tx_parse(&tx, &r), 0);
	chain_tx_input_at(&in, &tx, 0);
	chain_sighash_begin(&shared);
	chain_sighash_add_key(&shared, &in, amount, key);
	chain_sighash_end(&shared, &tx);
	assert_int_equal(chain_sighash_of(&have, &shared, 0, 0), 0);

	w = base_writer_init(message, sizeof(message));
	write_hash_of(&w, "TapSighash", 10);
	write_hash_of(&w, "TapSighash", 10);
	base_write_le16(&w, 0); /* epoch and type */
	base_write_bytes(&w, tx_bytes, 4);
	base_write_le32(&w, 0); /* lock time */
	write_hash_of(&w, tx_bytes + 5, 36);
	base_store_le64(amount_bytes, (uint64_t)amount.units);
	write_hash_of(&w, amount_bytes, sizeof(amount_bytes));
	chain_script_p2tr(spent + 1, key);
	write_hash_of(&w, spent, sizeof(spent));
	write_hash_of(&w, tx_bytes + 42, 4);
	write_hash_of(&w, tx_bytes + 47, 43);
	base_write_u8(&w, 0);	/* spend type */
	base_write_le32(&w, 0); /* index */
	assert_true(base_writer_ok(&w));
	pow_sha256(&want, message, w.len);
	assert_memory_equal(&have, &want, sizeof(want));
}

static void other_types_have_names(void **state)
{
	unsigned unknown = 0;

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		unknown += strcmp(chain_sighash_name((uint8_t)type),
				  "unknown") == 0;
	assert_int_equal(unknown, 256 - 7);
	assert_string_equal(chain_sighash_name(0), "SIGHASH_DEFAULT");
	assert_string_equal(chain_sighash_name(0x83),
			    "SIGHASH_SINGLE|ANYONECANPAY");
}

/* A key is only a shorter way to write its script, and a witness, which the
 * signature goes into, is not signed. */
static void keys_and_witnesses(void **state)
{
	static const char plain[] = "0200000001"
				    "11111111111111111111111111111111"
				    "11111111111111111111111111111111"
				    "0500000000fdffffff01"
				    "e8030000000000000151"
				    "00000000";
	char segwit[300];
	uint8_t key[CHAIN_KEY_SIZE] = {1, 2, 3};
	struct base_amount amount = {1000};
	struct base_hash hash[2];

	(void)state;
	(void)snprintf(segwit, sizeof(segwit), "%.8s0001%.*s0101aa%s", plain,
		       (int)strlen(plain) - 16, plain + 8,
		       plain + strlen(plain) - 8);
	for (unsigned i = 0; i < 2; i++) {
		const char *hex = i ? segwit : plain;
		struct base_reader r =
			base_reader_init(tx_bytes, strlen(hex) / 2);
		struct chain_tx_input in;

		assert_int_equal(base_from_hex(tx_bytes, strlen(hex) / 2, hex),
				 0);
		assert_int_equal(chain_tx_parse(&tx, &r), 0);
		assert_int_equal(tx.has_witness, i);
		chain_tx_input_at(&in, &tx, 0);
		chain_script_p2tr(script[0], key);
		chain_sighash_begin(&shared);
		if (i)
			chain_sighash_add_key(&shared, &in, amount, key);
		else
			chain_sighash_add(&shared, &in, amount, script[0],
					  CHAIN_P2TR_SIZE);
		chain_sighash_end(&shared, &tx);
		assert_int_equal(chain_sighash_of(&hash[i], &shared, 0, 0), 0);
	}
	assert_memory_equal(&hash[0], &hash[1], sizeof(hash[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(one_input_spelled_out),
		cmocka_unit_test(other_types_have_names),
		cmocka_unit_test(keys_and_witnesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
