/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain/verdict.h"
#include "chain_fixture.h"

#include <errno.h>

static struct chain_params p; /* large, hence not on the stack */
static struct base_error err;

static void fixture_is_good(void **state)
{
	(void)state;
	fixture_params(&p);
	assert_int_equal(chain_params_check(&p, &err), 0);
	p.output_count = CHAIN_OUTPUTS_MAX;
	for (unsigned i = 0; i < CHAIN_OUTPUTS_MAX; i++)
		p.output[i] = p.output[0];
	assert_int_equal(chain_params_check(&p, &err), 0);
}

/* The field named by the sentence. */
#define REFUSES(field, change)                                             \
	do {                                                               \
		fixture_params(&p);                                        \
		change;                                                    \
		memset(&err, 0, sizeof(err));                              \
		assert_int_equal(chain_params_check(&p, &err), -EINVAL);   \
		if (!strstr(err.text, field))                              \
			fail_msg("\"%s\" is not in: %s", field, err.text); \
	} while (0)

#define ACCEPTS(change)                                            \
	do {                                                       \
		fixture_params(&p);                                \
		change;                                            \
		assert_int_equal(chain_params_check(&p, &err), 0); \
	} while (0)

static void names(void **state)
{
	(void)state;
	REFUSES("name", p.name[0] = '\0');
	REFUSES("name", p.name[0] = 'A');
	REFUSES("name", p.name[0] = '_');
	REFUSES("name", memset(p.name, 'a', sizeof(p.name)));
	ACCEPTS(memset(p.name, 'a', CHAIN_NAME_MAX));
	REFUSES("address_prefix", p.address_prefix[0] = '\0');
	REFUSES("address_prefix", p.address_prefix[0] = '1');
	REFUSES("address_prefix", p.address_prefix[0] = 'F');
	REFUSES("address_prefix",
		memset(p.address_prefix, 'a', sizeof(p.address_prefix)));
	ACCEPTS(memset(p.address_prefix, 'a', CHAIN_PREFIX_MAX));
}

static void times(void **state)
{
	(void)state;
	ACCEPTS(p.genesis_time_ms = 0);
	ACCEPTS(p.genesis_time_ms = (UINT64_C(1) << 32) * 1000 - 1);
	REFUSES("genesis_time_ms",
		p.genesis_time_ms = (UINT64_C(1) << 32) * 1000);
	REFUSES("delta_ms is 0, it must be 1..3600000", p.delta_ms = 0);
	ACCEPTS(p.delta_ms = 3600000);
	REFUSES("delta_ms", p.delta_ms = 3600001);
	REFUSES("spacing_s", p.spacing_s = 0);
	ACCEPTS(p.spacing_s = 86400);
	REFUSES("spacing_s", p.spacing_s = 86401);
	REFUSES("half_life_s", p.half_life_s = 0);
	ACCEPTS(p.half_life_s = INT32_MAX);
	REFUSES("half_life_s", p.half_life_s = UINT32_C(1) << 31);
}

/* BIP340's public key that is not on the curve. */
#define OFF_CURVE \
	"eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34"

static void set_key(uint8_t key[static CHAIN_KEY_SIZE], const char *hex)
{
	assert_int_equal(base_from_hex(key, CHAIN_KEY_SIZE, hex), 0);
}

static void set_address(const char *address)
{
	(void)snprintf(p.member[1].address, sizeof(p.member[1].address), "%s",
		       address);
}

static void members(void **state)
{
	static const char *const bad_address[] = {
		"",	      "host",	  "host:",  ":7000",
		"host:0",     "host:007", "host:x", "host:-1",
		"host:65536", "ho st:70", "h\n:70", "host:700000",
		"host:7000:"};
	static const char *const good_address[] = {"h:1", "127.0.0.1:65535",
						   "[::1]:7000"};

	(void)state;
	REFUSES("members is 0", p.member_count = 0);
	REFUSES("members is 65", p.member_count = CHAIN_MEMBERS_MAX + 1);
	ACCEPTS(p.member_count = 2);
	ACCEPTS(p.faults = 2);
	REFUSES("f (faults) is 3, it must be 0..2", p.faults = 3);
	REFUSES("members[1].name", p.member[1].name[0] = 'M');
	REFUSES("members[2].name is that of members[0]",
		memcpy(p.member[2].name, p.member[0].name, sizeof(p.name)));
	REFUSES("members[1].signing_key",
		set_key(p.member[1].signing_key, OFF_CURVE));
	REFUSES("members[1].signing_key",
		memset(p.member[1].signing_key, 0xff, CHAIN_KEY_SIZE));
	REFUSES("members[2].signing_key is that of members[1]",
		set_key(p.member[2].signing_key, fixture_key[1]));
	REFUSES("members[1].node_id is that of members[0]",
		p.member[1].node_id[0] = 1);
	for (size_t i = 0; i < BASE_COUNT(bad_address); i++)
		REFUSES("members[1].address", set_address(bad_address[i]));
	for (size_t i = 0; i < BASE_COUNT(good_address); i++)
		ACCEPTS(set_address(good_address[i]));
	REFUSES("members[0].address",
		memset(p.member[0].address, 'a', sizeof(p.member[0].address)));
}

static void work(void **state)
{
	(void)state;
	REFUSES("pow_limit", memset(&p.pow_limit, 0, sizeof(p.pow_limit)));
	REFUSES("genesis_bits", p.genesis_bits = 0);
	REFUSES("genesis_bits", p.genesis_bits = 0x20800001); /* negative */
	REFUSES("genesis_bits", p.genesis_bits = 0x2300ffff); /* too large */
	REFUSES("above pow_limit", p.genesis_bits = 0x20010000);
	ACCEPTS(p.genesis_bits = 0x01010000);
	ACCEPTS(memset(&p.pow_limit, 0xff, sizeof(p.pow_limit)));
}

static void blocks(void **state)
{
	(void)state;
	REFUSES("max_block_bytes",
		p.max_block_bytes = CHAIN_BLOCK_BYTES_MIN - 1);
	REFUSES("max_block_bytes",
		p.max_block_bytes = CHAIN_BLOCK_BYTES_MAX + 1);
	ACCEPTS(p.max_block_bytes = CHAIN_BLOCK_BYTES_MAX);
	REFUSES("max_block_inputs", p.max_block_inputs = 0);
	ACCEPTS(p.max_block_inputs = 1u << 20);
	REFUSES("max_block_inputs", p.max_block_inputs = (1u << 20) + 1);
	REFUSES("subsidy.initial", p.subsidy_initial.units = -1);
	REFUSES("subsidy.initial",
		p.subsidy_initial.units = BASE_MAX_MONEY + 1);
	ACCEPTS(p.subsidy_initial.units = 0);
	REFUSES("subsidy.halving_blocks", p.subsidy_halving_blocks = 0);
	REFUSES("coinbase_maturity", p.coinbase_maturity = 0);
	ACCEPTS(p.coinbase_maturity = 1u << 20);
	REFUSES("coinbase_maturity", p.coinbase_maturity = (1u << 20) + 1);
}

static void outputs(void **state)
{
	(void)state;
	ACCEPTS(p.output_count = 0);
	REFUSES("initial outputs", p.output_count = CHAIN_OUTPUTS_MAX + 1);
	REFUSES("outputs[1].amount", p.output[1].amount.units = -1);
	REFUSES("outputs[0].amount",
		p.output[0].amount.units = BASE_MAX_MONEY + 1);
	/* each is possible, the sum is not */
	REFUSES("outputs[1].amount", p.output[1].amount.units = BASE_MAX_MONEY);
	ACCEPTS(p.output[1].amount.units = BASE_MAX_MONEY - BASE_COIN);
	REFUSES("outputs[1].key", set_key(p.output[1].key, OFF_CURVE));
}

static void subsidy_halves_to_nothing(void **state)
{
	const struct {
		uint32_t height;
		int64_t units;
	} v[] = {{0, 0},     {1, 1000},	 {99, 1000},	 {100, 500},
		 {199, 500}, {200, 250}, {900, 1},	 {1000, 0},
		 {6399, 0},  {6400, 0},	 {UINT32_MAX, 0}};

	(void)state;
	fixture_params(&p);
	p.subsidy_initial.units = 1000;
	p.subsidy_halving_blocks = 100;
	for (size_t i = 0; i < BASE_COUNT(v); i++) {
		struct base_height h = {v[i].height};

		assert_int_equal(chain_subsidy(&p, h).units, v[i].units);
	}
	/* a shift by 64 would be undefined */
	p.subsidy_initial.units = BASE_MAX_MONEY;
	p.subsidy_halving_blocks = 1;
	assert_int_equal(chain_subsidy(&p, (struct base_height){63}).units, 0);
	assert_int_equal(chain_subsidy(&p, (struct base_height){64}).units, 0);
}

static void verdicts_have_names(void **state)
{
	unsigned malformed = 0;

	(void)state;
	assert_string_equal(chain_verdict_name(CHAIN_OK), "");
	for (unsigned v = 1; v < CHAIN_VERDICTS; v++) {
		assert_true(strlen(chain_verdict_name(v)) > 0);
		malformed += chain_verdict_malformed(v);
	}
	assert_int_equal(malformed, 6);
	assert_false(chain_verdict_malformed(CHAIN_OK));
	assert_true(chain_verdict_malformed(CHAIN_BAD_DUPLICATE));
	assert_false(chain_verdict_malformed(CHAIN_BAD_POW));
	assert_string_equal(chain_verdict_name(CHAIN_BAD_SPEND),
			    "bad-txns-inputs-missingorspent");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixture_is_good),
		cmocka_unit_test(names),
		cmocka_unit_test(times),
		cmocka_unit_test(members),
		cmocka_unit_test(work),
		cmocka_unit_test(blocks),
		cmocka_unit_test(outputs),
		cmocka_unit_test(subsidy_halves_to_nothing),
		cmocka_unit_test(verdicts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
