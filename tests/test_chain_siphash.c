/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "chain/siphash.h"

/* Appendix A of the paper: key 00..0f, message 00..0e. */
static void gives_the_papers_value(void **state)
{
	struct chain_siphash_key key;
	uint8_t bytes[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	key.k[0] = base_load_le64(bytes);
	key.k[1] = base_load_le64(bytes + 8);
	assert_true(chain_siphash(&key, bytes, 15) == 0xa129ca6149be45e5);
}

static void every_bit_counts(void **state)
{
	struct chain_siphash_key key = {.k = {1, 2}};
	uint8_t bytes[20] = {0};

	(void)state;
	for (size_t len = 0; len < sizeof(bytes); len++) {
		uint64_t whole = chain_siphash(&key, bytes, len);

		assert_true(whole != chain_siphash(&key, bytes, len + 1));
		for (size_t bit = 0; bit < 8 * len; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_true(whole != chain_siphash(&key, bytes, len));
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_papers_value),
		cmocka_unit_test(every_bit_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
