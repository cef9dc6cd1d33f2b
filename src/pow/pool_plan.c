/* SPDX-License-Identifier: MIT */
#include "pow/pool_plan.h"

#include "base/assert.h"

#include <errno.h>

struct picker {
	const struct pow_topo *topo;
	uint32_t count;			    /* candidates */
	uint32_t at[POW_CPUS_MAX];	    /* their indices in topo->cpu */
	uint32_t sibling[POW_CPUS_MAX];	    /* nth candidate of its core */
	uint32_t per_package[POW_CPUS_MAX]; /* picked so far */
	uint32_t per_numa[POW_CPUS_MAX];
};

static bool bit_of(const uint64_t *set, uint32_t bit)
{
	return set[bit / 64] >> bit % 64 & 1;
}

static void set_bit(uint64_t *set, uint32_t bit)
{
	set[bit / 64] |= UINT64_C(1) << bit % 64;
}

static void check_topo(const struct pow_topo *topo)
{
	BASE_ASSERT(topo->cpu_count >= 1 && topo->cpu_count <= POW_CPUS_MAX);
	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		const struct pow_cpu *cpu = &topo->cpu[i];

		BASE_ASSERT(cpu->os_index < POW_CPUS_MAX);
		BASE_ASSERT(cpu->core < POW_CPUS_MAX);
		BASE_ASSERT(cpu->package < POW_CPUS_MAX);
		BASE_ASSERT(cpu->numa < POW_CPUS_MAX);
		BASE_ASSERT(i == 0 || cpu[-1].os_index < cpu->os_index);
	}
}

static void find_candidates(struct picker *p,
			    const struct pow_plan_request *request)
{
	uint32_t per_core[POW_CPUS_MAX] = {0};

	for (uint32_t i = 0; i < p->topo->cpu_count; i++) {
		const struct pow_cpu *cpu = &p->topo->cpu[i];

		if (!cpu->allowed)
			continue;
		if (request->affinity_set &&
		    !bit_of(request->affinity, cpu->os_index))
			continue;
		p->at[p->count] = i;
		p->sibling[p->count] = per_core[cpu->core]++;
		p->count++;
	}
}

/* Whether candidate @a is to be picked before candidate @b. */
static bool before(const struct picker *p, uint32_t a, uint32_t b)
{
	const struct pow_cpu *x = &p->topo->cpu[p->at[a]];
	const struct pow_cpu *y = &p->topo->cpu[p->at[b]];

	if (p->sibling[a] != p->sibling[b])
		return p->sibling[a] < p->sibling[b];
	if (x->efficiency != y->efficiency)
		return x->efficiency > y->efficiency;
	if (p->per_package[x->package] != p->per_package[y->package])
		return p->per_package[x->package] < p->per_package[y->package];
	if (p->per_numa[x->numa] != p->per_numa[y->numa])
		return p->per_numa[x->numa] < p->per_numa[y->numa];
	return x->os_index < y->os_index;
}

/* Moves the best of the candidates from @first on to @first. */
static void pick(struct picker *p, uint32_t first)
{
	uint32_t best = first;
	uint32_t at, sibling;

	for (uint32_t i = first + 1; i < p->count; i++) {
		if (before(p, i, best))
			best = i;
	}
	at = p->at[best];
	sibling = p->sibling[best];
	p->at[best] = p->at[first];
	p->sibling[best] = p->sibling[first];
	p->at[first] = at;
	p->sibling[first] = sibling;
	p->per_package[p->topo->cpu[at].package]++;
	p->per_numa[p->topo->cpu[at].numa]++;
}

static void place_services(struct pow_plan *plan, const struct picker *p)
{
	const struct pow_topo *topo = p->topo;
	uint32_t workers = plan->worker_count;
	bool busy[POW_CPUS_MAX] = {false}; /* cores */

	if (workers > p->count)
		workers = p->count;
	for (uint32_t i = 0; i < workers; i++)
		busy[topo->cpu[p->at[i]].core] = true;
	plan->service_shared = true;
	for (uint32_t i = 0; i < topo->cpu_count; i++) {
		const struct pow_cpu *cpu = &topo->cpu[i];

		if (cpu->allowed && !busy[cpu->core]) {
			set_bit(plan->service, cpu->os_index);
			plan->service_shared = false;
		}
	}
	for (uint32_t i = 0; plan->service_shared && i < topo->cpu_count; i++) {
		if (topo->cpu[i].allowed)
			set_bit(plan->service, topo->cpu[i].os_index);
	}
}

int pow_plan_make(struct pow_plan *out, const struct pow_topo *topo,
		  const struct pow_plan_request *request)
{
	struct picker p = {.topo = topo};
	struct pow_plan plan = {0};

	check_topo(topo);
	find_candidates(&p, request);
	if (p.count == 0 || request->threads > POW_WORKERS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < p.count; i++)
		pick(&p, i);
	plan.usable = p.count;
	if (topo->quota != 0 && topo->quota < plan.usable)
		plan.usable = topo->quota;
	plan.worker_count = request->threads ? request->threads : plan.usable;
	plan.oversubscribed = plan.worker_count > plan.usable;
	for (uint32_t i = 0; i < plan.worker_count; i++) {
		const struct pow_cpu *cpu = &topo->cpu[p.at[i % p.count]];

		plan.cpu[i] = cpu->os_index;
		plan.numa[i] = cpu->numa;
	}
	place_services(&plan, &p);
	*out = plan;
	return 0;
}
