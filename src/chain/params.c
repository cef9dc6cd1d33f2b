/* SPDX-License-Identifier: MIT */
#include "chain/params.h"

#include <errno.h>

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>

#include "pow/target.h"

#define MATURITY_MAX (1u << 20)
#define HALVINGS_MAX 64

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* 1..CHAIN_NAME_MAX of [a-z0-9-] and a NUL. */
static bool name_ok(const char name[static CHAIN_NAME_MAX + 1])
{
	size_t len = strnlen(name, CHAIN_NAME_MAX + 1);

	if (len == 0 || len > CHAIN_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower(name[i]) && !is_digit(name[i]) && name[i] != '-')
			return false;
	return true;
}

static bool prefix_ok(const char prefix[static CHAIN_PREFIX_MAX + 1])
{
	size_t len = strnlen(prefix, CHAIN_PREFIX_MAX + 1);

	if (len == 0 || len > CHAIN_PREFIX_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_lower(prefix[i]))
			return false;
	return true;
}

/* HOST:PORT of printable characters; the last colon is the separator, so
 * that [::1]:7000 is one. */
static bool endpoint_ok(const char endpoint[static CHAIN_ENDPOINT_MAX + 1])
{
	size_t len = strnlen(endpoint, CHAIN_ENDPOINT_MAX + 1);
	size_t colon = len;
	uint32_t port = 0;

	if (len > CHAIN_ENDPOINT_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (endpoint[i] <= ' ' || endpoint[i] > '~')
			return false;
		if (endpoint[i] == ':')
			colon = i;
	}
	if (colon == 0 || colon + 1 >= len || len - colon - 1 > 5 ||
	    endpoint[colon + 1] == '0')
		return false;
	for (size_t i = colon + 1; i < len; i++) {
		if (!is_digit(endpoint[i]))
			return false;
		port = port * 10 + (uint32_t)(endpoint[i] - '0');
	}
	return port <= 65535;
}

static bool key_ok(const uint8_t key[static CHAIN_KEY_SIZE])
{
	secp256k1_xonly_pubkey parsed;

	return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &parsed,
					    key) == 1;
}

/* 0, or -EINVAL with the field and its range in @err. */
static int check_range(uint64_t value, uint64_t min, uint64_t max,
		       const char *field, struct base_error *err)
{
	if (value >= min && value <= max)
		return 0;
	return base_fail(err, -EINVAL, "%s is %ju, it must be %ju..%ju", field,
			 (uintmax_t)value, (uintmax_t)min, (uintmax_t)max);
}

static int check_time(const struct chain_params *p, struct base_error *err)
{
	int rc = check_range(p->genesis_time_ms, 0, CHAIN_GENESIS_END_MS - 1,
			     "genesis_time_ms", err);

	if (rc == 0)
		rc = check_range(p->delta_ms, 1, CHAIN_DELTA_MAX_MS, "delta_ms",
				 err);
	if (rc == 0)
		rc = check_range(p->spacing_s, 1, CHAIN_SPACING_MAX_S,
				 "spacing_s", err);
	if (rc == 0)
		rc = check_range(p->half_life_s, 1, INT32_MAX, "half_life_s",
				 err);
	return rc;
}

int chain_member_check(const struct chain_member *m, struct base_error *err)
{
	if (!name_ok(m->name))
		return base_fail(err, -EINVAL,
				 "name must be 1..%d characters of a-z, 0-9 "
				 "and -",
				 CHAIN_NAME_MAX);
	if (!key_ok(m->signing_key))
		return base_fail(err, -EINVAL,
				 "signing_key (%s) is no x-only key on "
				 "secp256k1",
				 m->name);
	if (!endpoint_ok(m->address))
		return base_fail(err, -EINVAL,
				 "address (%s) must be HOST:PORT, the port "
				 "1..65535, at most %d characters",
				 m->name, CHAIN_ENDPOINT_MAX);
	return 0;
}

static int check_member(const struct chain_params *p, uint32_t i,
			struct base_error *err)
{
	struct base_error inner;
	int rc = chain_member_check(&p->member[i], &inner);

	return rc < 0 ? base_fail(err, rc, "members[%u].%.300s", i, inner.text)
		      : 0;
}

static int check_member_is_new(const struct chain_params *p, uint32_t i,
			       struct base_error *err)
{
	const struct chain_member *m = &p->member[i];

	for (uint32_t k = 0; k < i; k++) {
		const struct chain_member *o = &p->member[k];
		const char *field = NULL;

		if (strcmp(m->name, o->name) == 0)
			field = "name";
		else if (memcmp(m->signing_key, o->signing_key,
				CHAIN_KEY_SIZE) == 0)
			field = "signing_key";
		else if (memcmp(m->node_id, o->node_id, CHAIN_KEY_SIZE) == 0)
			field = "node_id";
		if (field)
			return base_fail(err, -EINVAL,
					 "members[%u].%s is that of "
					 "members[%u] (%s); each "
					 "member needs its own",
					 i, field, k, o->name);
	}
	return 0;
}

static int check_members(const struct chain_params *p, struct base_error *err)
{
	int rc = check_range(p->member_count, 1, CHAIN_MEMBERS_MAX,
			     "the number of members", err);

	if (rc == 0)
		rc = check_range(p->faults, 0, p->member_count - 1,
				 "f (faults)", err);
	for (uint32_t i = 0; rc == 0 && i < p->member_count; i++) {
		rc = check_member(p, i, err);
		if (rc == 0)
			rc = check_member_is_new(p, i, err);
	}
	return rc;
}

static int check_work(const struct chain_params *p, struct base_error *err)
{
	struct base_u256 target;

	if (base_u256_is_zero(&p->pow_limit))
		return base_fail(err, -EINVAL,
				 "pow_limit is 0, it must be at least 1");
	if (pow_target_from_bits(&target, p->genesis_bits) < 0)
		return base_fail(err, -EINVAL,
				 "genesis_bits 0x%08x is no compact "
				 "target: negative, zero or over 256 bits",
				 p->genesis_bits);
	if (base_u256_compare(&target, &p->pow_limit) > 0)
		return base_fail(err, -EINVAL,
				 "genesis_bits 0x%08x is a target "
				 "above pow_limit",
				 p->genesis_bits);
	return 0;
}

static int check_blocks(const struct chain_params *p, struct base_error *err)
{
	int rc = check_range(p->max_block_bytes, CHAIN_BLOCK_BYTES_MIN,
			     CHAIN_BLOCK_BYTES_MAX, "max_block_bytes", err);

	if (rc == 0)
		rc = check_range(p->max_block_inputs, 1, CHAIN_BLOCK_INPUTS_MAX,
				 "max_block_inputs", err);
	if (rc == 0)
		rc = check_range(p->subsidy_halving_blocks, 1, UINT32_MAX,
				 "subsidy.halving_blocks", err);
	if (rc == 0)
		rc = check_range(p->coinbase_maturity, 1, MATURITY_MAX,
				 "coinbase_maturity", err);
	if (rc == 0 && !base_amount_valid(p->subsidy_initial))
		rc = base_fail(err, -EINVAL,
			       "subsidy.initial is %jd, it must be 0..%jd",
			       (intmax_t)p->subsidy_initial.units,
			       (intmax_t)BASE_MAX_MONEY);
	return rc;
}

static int check_outputs(const struct chain_params *p, struct base_error *err)
{
	int64_t sum = 0;
	int rc = check_range(p->output_count, 0, CHAIN_OUTPUTS_MAX,
			     "the number of initial outputs", err);

	for (uint32_t i = 0; rc == 0 && i < p->output_count; i++) {
		const struct chain_initial_output *o = &p->output[i];

		if (!base_amount_valid(o->amount) ||
		    o->amount.units > BASE_MAX_MONEY - sum)
			return base_fail(err, -EINVAL,
					 "outputs[%u].amount is "
					 "%jd; each and their sum "
					 "must be 0..%jd",
					 i, (intmax_t)o->amount.units,
					 (intmax_t)BASE_MAX_MONEY);
		sum += o->amount.units;
		if (!key_ok(o->key))
			return base_fail(err, -EINVAL,
					 "outputs[%u].key is no "
					 "x-only key on secp256k1",
					 i);
	}
	return rc;
}

int chain_params_check(const struct chain_params *p, struct base_error *err)
{
	int rc = 0;

	if (!name_ok(p->name))
		return base_fail(err, -EINVAL,
				 "name must be 1..%d characters of a-z, 0-9 "
				 "and -",
				 CHAIN_NAME_MAX);
	if (!prefix_ok(p->address_prefix))
		return base_fail(err, -EINVAL,
				 "address_prefix must be 1..%d letters a-z",
				 CHAIN_PREFIX_MAX);
	rc = check_time(p, err);
	if (rc == 0)
		rc = check_members(p, err);
	if (rc == 0)
		rc = check_work(p, err);
	if (rc == 0)
		rc = check_blocks(p, err);
	if (rc == 0)
		rc = check_outputs(p, err);
	return rc;
}

struct base_amount chain_subsidy(const struct chain_params *p,
				 struct base_height height)
{
	uint32_t halvings = height.n / p->subsidy_halving_blocks;

	if (height.n == 0 || halvings >= HALVINGS_MAX)
		return (struct base_amount){0};
	return (struct base_amount){p->subsidy_initial.units >> halvings};
}
