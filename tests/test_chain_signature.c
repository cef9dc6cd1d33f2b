/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "chain/signature.h"

#define LINE_BYTES_MAX 4096
#define FIELDS 7 /* index,secret,key,aux,message,signature,result */
#define VECTORS 19

/* The fields of one line, cut in place. */
static void split(char *field[static FIELDS], char *line)
{
	for (unsigned i = 0; i < FIELDS; i++) {
		char *comma = strchr(line, ',');

		assert_non_null(comma);
		*comma = '\0';
		field[i] = line;
		line = comma + 1;
	}
}

static void published_vectors(void **state)
{
	FILE *f = test_open_vectors("bip340-test-vectors.csv");
	char line[LINE_BYTES_MAX];
	unsigned lines = 0;

	(void)state;
	if (!f)
		skip();
	assert_non_null(fgets(line, sizeof(line), f)); /* titles */
	while (lines < 100 && fgets(line, sizeof(line), f)) {
		uint8_t key[CHAIN_KEY_SIZE], message[LINE_BYTES_MAX / 2];
		uint8_t signature[CHAIN_SIGNATURE_SIZE];
		char *field[FIELDS];
		size_t len;

		split(field, line);
		len = strlen(field[4]) / 2;
		assert_int_equal(base_from_hex(key, sizeof(key), field[2]), 0);
		assert_int_equal(base_from_hex(message, len, field[4]), 0);
		assert_int_equal(
			base_from_hex(signature, sizeof(signature), field[5]),
			0);
		assert_int_equal(
			chain_signature_valid(signature, message, len, key),
			strcmp(field[6], "TRUE") == 0);
		lines++;
	}
	(void)fclose(f);
	assert_int_equal(lines, VECTORS);
}

static void one_bad_check_fails_all(void **state)
{
	/* vector 0 of BIP340 */
	static const char key[] = "f9308a019258c31049344f85f89d5229"
				  "b531c845836f99b08601f113bce036f9";
	static const char signature[] = "e907831f80848d1069a5371b40241036"
					"4bdf1c5f8307b0084c55f1ce2dca8215"
					"25f66a4a85ea8b71e482a74f382d2ce5"
					"ebeee8fdb2172f477df4900d310536c0";
	struct chain_check check[2] = {0};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			base_from_hex(check[i].key, CHAIN_KEY_SIZE, key), 0);
		assert_int_equal(base_from_hex(check[i].signature,
					       CHAIN_SIGNATURE_SIZE, signature),
				 0);
	}
	assert_true(chain_checks_valid(check, 0));
	assert_true(chain_checks_valid(check, 2));
	check[1].sighash.b[31] ^= 1;
	assert_false(chain_checks_valid(check, 2));
	assert_true(chain_checks_valid(check, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(one_bad_check_fails_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
