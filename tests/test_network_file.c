/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "node/network_file.h"
#include "pow/sha256.h"
#include "pow/target.h"

#include <errno.h>

/* A network of one member; the keys are the generator's x and arbitrary
 * bytes. */
static void make_params(struct chain_params *p)
{
	static const uint8_t generator[32] = {
		0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac,
		0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07,
		0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9,
		0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98};

	memset(p, 0, sizeof(*p));
	(void)strcpy(p->name, "test");
	(void)strcpy(p->address_prefix, "mdr");
	p->genesis_time_ms = UINT64_C(1700000000123);
	p->delta_ms = 500;
	p->member_count = 1;
	(void)strcpy(p->member[0].name, "alice");
	(void)strcpy(p->member[0].address, "alice.example:9444");
	memcpy(p->member[0].signing_key, generator, 32);
	memset(p->member[0].node_id, 7, 32);
	assert_int_equal(pow_target_from_bits(&p->pow_limit, 0x207fffff), 0);
	p->genesis_bits = 0x1d00ffff;
	p->spacing_s = 5;
	p->half_life_s = 240;
	p->max_block_bytes = CHAIN_BLOCK_BYTES_DEFAULT;
	p->max_block_inputs = 1000;
	p->subsidy_initial.units = 50 * BASE_COIN;
	p->subsidy_halving_blocks = 210000;
	p->coinbase_maturity = 1;
	p->output_count = 1;
	memcpy(p->output[0].key, generator, 32);
	p->output[0].amount.units = 12345;
}

/* The canonical form is a contract: the genesis hash is made of it. */
static const char canonical[] =
	"{\"address_prefix\":\"mdr\",\"coinbase_maturity\":1,\"delta_ms\":500,"
	"\"f\":0,\"genesis_bits\":\"1d00ffff\",\"genesis_time_ms\":"
	"1700000000123,\"half_life_s\":240,\"max_block_bytes\":1048576,"
	"\"max_block_inputs\":1000,\"members\":[{\"address\":"
	"\"alice.example:9444\",\"name\":\"alice\",\"node_id\":"
	"\"0707070707070707070707070707070707070707070707070707070707070707\","
	"\"signing_key\":"
	"\"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\""
	"}],\"name\":\"test\",\"outputs\":[{\"address\":\"mdr1p";

static void canonical_form_is_exact(void **state)
{
	static struct chain_params p;
	char *text;

	(void)state;
	make_params(&p);
	text = node_network_canonical(&p);
	assert_non_null(text);
	assert_memory_equal(text, canonical, sizeof(canonical) - 1);
	assert_null(strchr(text, ' '));
	assert_null(strchr(text, '\n'));
	free(text);
}

static void reading_what_was_written_is_the_same(void **state)
{
	static struct chain_params p;
	static struct chain_params q;
	struct base_hash hash;
	struct base_hash direct;
	struct base_error err;
	char *text;

	(void)state;
	make_params(&p);
	text = node_network_canonical(&p);
	assert_non_null(text);
	assert_int_equal(
		node_network_parse(&q, &hash, text, strlen(text), "t", &err),
		0);
	assert_memory_equal(&p, &q, sizeof(p));
	pow_sha256(&direct, text, strlen(text));
	assert_true(base_hash_equal(&hash, &direct));
	free(text);
}

/* Cut anywhere, or with any byte changed, a file is refused or means
 * something else; it never passes for the same network. */
static void damage_never_passes_unseen(void **state)
{
	static struct chain_params p;
	static struct chain_params q;
	struct base_hash good;
	struct base_hash hash;
	struct base_error err;
	char *text;
	size_t len;
	uint64_t accepted = 0;

	(void)state;
	make_params(&p);
	text = node_network_canonical(&p);
	assert_non_null(text);
	len = strlen(text);
	pow_sha256(&good, text, len);
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(
			node_network_parse(&q, &hash, text, i, "t", &err),
			-EBADMSG);
		text[i] ^= 1;
		if (node_network_parse(&q, &hash, text, len, "t", &err) == 0) {
			assert_false(base_hash_equal(&hash, &good));
			accepted++;
		}
		text[i] ^= 1;
	}
	assert_true(accepted > 0); /* another name is another network */
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_form_is_exact),
		cmocka_unit_test(reading_what_was_written_is_the_same),
		cmocka_unit_test(damage_never_passes_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
