/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "chain/address.h"

#include <ctype.h>
#include <errno.h>

#define VALID_BC \
	"bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"
#define VALID_TB \
	"tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c"

static const struct {
	const char *prefix;
	const char *address;
	const char *key;
} good[] = {
	/* BIP350, the ones of version 1 with 32 bytes */
	{"bc", VALID_BC,
	 "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"},
	{"tb", VALID_TB,
	 "000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433"},
};

static void published_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++) {
		uint8_t key[CHAIN_KEY_SIZE];
		uint8_t want[CHAIN_KEY_SIZE];
		char text[CHAIN_ADDRESS_SIZE];

		assert_int_equal(base_from_hex(want, 32, good[i].key), 0);
		assert_int_equal(chain_address_decode(key, good[i].prefix,
						      good[i].address),
				 0);
		assert_memory_equal(key, want, 32);
		chain_address_encode(text, good[i].prefix, key);
		assert_string_equal(text, good[i].address);
		for (char *c = text; *c; c++)
			*c = (char)toupper(*c);
		memset(key, 0, sizeof(key));
		assert_int_equal(
			chain_address_decode(key, good[i].prefix, text), 0);
		assert_memory_equal(key, want, 32);
	}
}

static const struct {
	const char *prefix;
	const char *address;
} bad[] = {
	/* BIP350, invalid: bech32 where bech32m belongs */
	{"bc",
	 "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd"},
	{"tb",
	 "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf"},
	{"bc",
	 "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL"},
	/* bech32m where bech32 belongs: version 0 */
	{"bc", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh"},
	{"tb",
	 "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47"},
	/* invalid character in the checksum */
	{"bc",
	 "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4"},
	/* version 17 */
	{"bc",
	 "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R"},
	/* programs of 1 and 41 bytes; version 0 with 16 */
	{"bc", "bc1pw5dgrnzv"},
	{"bc",
	 "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0mua"
	 "ewav253zgeav"},
	{"bc", "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P"},
	/* mixed case */
	{"tb",
	 "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq"},
	/* padding of more than four bits, padding that is not zero */
	{"bc",
	 "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf"},
	{"tb",
	 "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j"},
	{"bc", "bc1gmk9yu"},
	/* BIP350, valid there, but no 32 bytes of version 1 */
	{"bc", "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4"},
	{"bc",
	 "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5x"
	 "w7kt5nd6y"},
	{"bc", "BC1SW50QGDZ25J"},
	{"bc", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs"},
	{"tb",
	 "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7"},
	/* neither */
	{"bc", ""},
	{"bc", "1"},
	{"bc", "bc1"},
	{"bc", " " VALID_BC},
	{"bc", VALID_BC " "},
	{"bc", VALID_BC VALID_BC},
	{"bc",
	 "bcxp0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
	{"bc", "1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"},
};

static void refuses_what_is_no_address(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		uint8_t key[CHAIN_KEY_SIZE] = {0xaa};

		assert_int_equal(chain_address_decode(key, bad[i].prefix,
						      bad[i].address),
				 -EINVAL);
		assert_int_equal(key[0], 0xaa);
	}
}

static void another_prefix_is_told_apart(void **state)
{
	uint8_t key[CHAIN_KEY_SIZE] = {0xaa};

	(void)state;
	assert_int_equal(chain_address_decode(key, "tb", VALID_BC), -EXDEV);
	assert_int_equal(chain_address_decode(key, "b", VALID_BC), -EXDEV);
	assert_int_equal(chain_address_decode(key, "bcc", VALID_BC), -EXDEV);
	assert_int_equal(
		chain_address_decode(key, "tb",
				     "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8"
				     "z3k2e72q4k9hcz7vq5zuyut"),
		-EXDEV);
	assert_int_equal(key[0], 0xaa);
}

/* BIP173: any change of up to four characters is found. Here: of one. */
static void one_wrong_character_is_found(void **state)
{
	static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	uint8_t key[CHAIN_KEY_SIZE];

	(void)state;
	for (size_t i = 3; i < strlen(VALID_BC); i++) {
		for (const char *c = charset; *c; c++) {
			char text[] = VALID_BC;

			if (text[i] == *c)
				continue;
			text[i] = *c;
			assert_int_equal(chain_address_decode(key, "bc", text),
					 -EINVAL);
		}
	}
}

static void every_prefix_length_round_trips(void **state)
{
	struct base_prng rng = base_prng_init(3);

	(void)state;
	for (size_t len = 1; len <= CHAIN_PREFIX_MAX; len++) {
		char prefix[CHAIN_PREFIX_MAX + 1] = {0};
		char text[CHAIN_ADDRESS_SIZE];
		uint8_t key[CHAIN_KEY_SIZE];
		uint8_t back[CHAIN_KEY_SIZE];

		for (size_t i = 0; i < len; i++)
			prefix[i] = (char)('a' + base_prng_below(&rng, 26));
		base_prng_fill(&rng, key, sizeof(key));
		chain_address_encode(text, prefix, key);
		assert_int_equal(strlen(text), len + 60);
		assert_int_equal(chain_address_decode(back, prefix, text), 0);
		assert_memory_equal(key, back, sizeof(key));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_addresses),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(another_prefix_is_told_apart),
		cmocka_unit_test(one_wrong_character_is_found),
		cmocka_unit_test(every_prefix_length_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
