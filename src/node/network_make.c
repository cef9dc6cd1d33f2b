/* SPDX-License-Identifier: MIT */
#include "node/network_make.h"

#include <errno.h>
#include <stdlib.h>

#include "consensus/ds.h"
#include "pow/pool_load.h"
#include "pow/pool_topo.h"
#include "pow/target.h"

#define ADDRESS_PREFIX "mdr"
#define SUBSIDY_COINS 50
#define HALVING_BLOCKS 210000
#define SLOTS 2u /* blocks held for each instance: consensus.md, State */
/* As easy as the compact form goes: a chain may move to slower machines. */
#define POW_LIMIT_BITS 0x207fffff

uint32_t node_spacing(uint32_t times, uint32_t faults, uint32_t delta_ms)
{
	uint64_t ms = (uint64_t)times * (faults + UINT64_C(1)) * delta_ms;
	uint64_t s = (ms + 999) / 1000;

	return s > CHAIN_SPACING_MAX_S ? CHAIN_SPACING_MAX_S : (uint32_t)s;
}

uint32_t node_block_bytes_most(uint32_t members, uint32_t faults)
{
	uint64_t history = (uint64_t)faults + 1 + 4;

	return (uint32_t)(DS_BODIES_MAX_BYTES / (SLOTS * members * history));
}

static int by_name(const void *a, const void *b)
{
	const struct chain_member *one = a;
	const struct chain_member *other = b;

	return strcmp(one->name, other->name);
}

static int choose_block_bytes(struct chain_params *p, uint32_t wish,
			      struct base_error *err)
{
	uint32_t most = node_block_bytes_most(p->member_count, p->faults);

	if (wish > most)
		return base_fail(err, -EINVAL,
				 "max_block_bytes %u with %u members and f=%u: "
				 "the blocks in flight would take more than "
				 "%ju MiB; it may be at most %u",
				 wish, p->member_count, p->faults,
				 (uintmax_t)(DS_BODIES_MAX_BYTES >> 20), most);
	if (wish == 0)
		wish = most < CHAIN_BLOCK_BYTES_DEFAULT
			       ? most
			       : CHAIN_BLOCK_BYTES_DEFAULT;
	p->max_block_bytes = wish;
	return 0;
}

static void choose_difficulty(struct chain_params *p, uint64_t hps)
{
	struct base_u256 target;
	uint64_t hashes;

	if (__builtin_mul_overflow(hps, (uint64_t)p->spacing_s, &hashes))
		hashes = UINT64_MAX;
	target = pow_target_for_hashes(hashes < 2 ? 2 : hashes);
	p->genesis_bits = pow_target_to_bits(&target);
}

int node_network_check_faults(uint32_t members, uint32_t faults,
			      struct base_error *err)
{
	if (members < 1 || members > CHAIN_MEMBERS_MAX)
		return base_fail(err, -EINVAL,
				 "a network of %u members: it may have 1 to %d",
				 members, CHAIN_MEMBERS_MAX);
	if (faults >= members)
		return base_fail(err, -EINVAL,
				 "f=%u faults of %u member%s: it must be 0 to "
				 "%u",
				 faults, members, members == 1 ? "" : "s",
				 members - 1);
	return 0;
}

int node_network_make(struct chain_params *p,
		      const struct node_network_wish *wish,
		      struct base_error *err)
{
	uint32_t n = p->member_count;
	int rc;

	rc = node_network_check_faults(n, wish->faults, err);
	if (rc < 0)
		return rc;
	if (strlen(wish->name) > CHAIN_NAME_MAX)
		return base_fail(err, -EINVAL,
				 "the name '%.100s' is longer than %d "
				 "characters",
				 wish->name, CHAIN_NAME_MAX);
	(void)strcpy(p->name, wish->name);
	(void)strcpy(p->address_prefix, ADDRESS_PREFIX);
	p->genesis_time_ms = wish->genesis_time_ms;
	p->delta_ms = wish->delta_ms;
	p->faults = wish->faults;
	p->spacing_s = wish->spacing_s;
	p->half_life_s = CHAIN_HALF_LIFE_SPACINGS * wish->spacing_s;
	qsort(p->member, n, sizeof(p->member[0]), by_name);
	rc = choose_block_bytes(p, wish->max_block_bytes, err);
	if (rc == 0)
		rc = pow_target_from_bits(&p->pow_limit, POW_LIMIT_BITS);
	if (rc < 0)
		return rc;
	choose_difficulty(p, wish->hps);
	p->max_block_inputs = 2 * wish->delta_ms / n;
	if (p->max_block_inputs == 0)
		p->max_block_inputs = 1;
	if (p->max_block_inputs > CHAIN_BLOCK_INPUTS_MAX)
		p->max_block_inputs = CHAIN_BLOCK_INPUTS_MAX;
	p->subsidy_initial.units = SUBSIDY_COINS * BASE_COIN;
	p->subsidy_halving_blocks = HALVING_BLOCKS;
	p->coinbase_maturity = CHAIN_MATURITY_DEFAULT;
	return chain_params_check(p, err);
}

int node_machine_hps(uint64_t *out, const char *backend, uint32_t threads,
		     struct base_error *err)
{
	const struct minerd_pow_backend *found;
	struct pow_topo *topo = calloc(1, sizeof(*topo));
	struct pow_plan *plan = calloc(1, sizeof(*plan));
	const struct pow_plan_request request = {.threads = 0};
	double hps = 0;
	int rc = 0;

	if (!topo || !plan)
		rc = base_fail(err, -ENOMEM, "no memory for the CPUs");
	if (rc == 0)
		rc = pow_topo_read(topo, NULL, err);
	if (rc == 0 && pow_plan_make(plan, topo, &request) < 0)
		rc = base_fail(err, -EINVAL, "there is no CPU to mine on");
	if (rc == 0)
		rc = pow_load_backend(&found, &hps, backend, err);
	if (rc == 0) {
		if (threads == 0 || threads > plan->usable)
			threads = plan->usable;
		hps *= threads;
		*out = hps < 1 ? 1 : (uint64_t)hps;
	}
	free(plan);
	free(topo);
	return rc;
}
