/* SPDX-License-Identifier: MIT */
/* What a seed decides before anything happens: who, where, and how fast. */
#include "sim.h"

#include "base/assert.h"
#include "pow/target.h"

#define POW_LIMIT_BITS 0x207fffffu /* one hash in 2 */
#define GENESIS_BITS 0x201fffffu   /* one hash in 8 */
#define REACH_MS 780		   /* from node to node, over relays */

void sim_draw_params(struct sim_world *w, uint32_t n, uint32_t f)
{
	struct chain_params *p = &w->params;
	int rc;

	memset(p, 0, offsetof(struct chain_params, output));
	(void)snprintf(p->name, sizeof(p->name), "sim");
	(void)snprintf(p->address_prefix, sizeof(p->address_prefix), "sim");
	p->genesis_time_ms = SIM_START_MS;
	p->delta_ms = SIM_DELTA_MS;
	p->faults = f;
	p->member_count = n;
	for (uint32_t i = 0; i < n; i++) {
		sim_member_key(w, i, p->member[i].signing_key);
		p->member[i].node_id[0] = (uint8_t)(i + 1);
	}
	rc = pow_target_from_bits(&p->pow_limit, POW_LIMIT_BITS);
	BASE_ASSERT(rc == 0);
	p->genesis_bits = GENESIS_BITS;
	p->spacing_s = 5;
	p->half_life_s = 1000;
	p->max_block_bytes = SIM_BLOCK_MAX;
	p->max_block_inputs = 20;
	p->subsidy_initial.units = 50 * BASE_COIN;
	p->subsidy_halving_blocks = 60;
	p->coinbase_maturity = 1;
	p->output_count = 2;
	for (uint32_t i = 0; i < 2; i++) {
		p->output[i].amount.units = BASE_COIN;
		sim_member_key(w, i % n, p->output[i].key);
	}
	sim_blocks_clear(w);
	(void)sim_block_genesis(w);
	w->genesis_hash = w->block[0].hash;
	ds_committee_init(&w->committee, p, &w->genesis_hash, 0);
	w->members = n;
}

static void connect(struct sim_world *w, uint32_t a, uint32_t b)
{
	if (a == b)
		return;
	w->link[a][b].exists = true;
	w->link[b][a].exists = true;
}

void sim_connect_all(struct sim_world *w)
{
	w->complete = true;
	for (uint32_t a = 0; a < w->count; a++)
		for (uint32_t b = 0; b < a; b++)
			connect(w, a, b);
}

/* In the middle of a line an observer passes everything on and signs
 * nothing. */
static void insert_observer(struct sim_world *w, const uint32_t *solid,
			    uint32_t count)
{
	uint32_t a = solid[count / 2 - 1];
	uint32_t b = solid[count / 2];

	w->link[a][b].exists = false;
	w->link[b][a].exists = false;
	connect(w, a, w->count - 1);
	connect(w, b, w->count - 1);
}

/* A ring of those that may be relied upon; the others hang on to it. */
static void connect_ring(struct sim_world *w)
{
	bool between = w->count > w->members && w->committee.certified;
	uint32_t first = SIM_NONE;
	uint32_t last = SIM_NONE;
	uint32_t solid[SIM_NODES_MAX];
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->count; i++) {
		const struct sim_node *n = &w->node[i];

		/* A follower may be wrong for ever without certificates. */
		if (n->liar || n->victim || n->member < 0)
			continue;
		if (last != SIM_NONE)
			connect(w, last, i);
		else
			first = i;
		last = i;
		solid[count++] = i;
	}
	BASE_ASSERT(count > 0);
	between = between && count >= 2;
	if (w->members > 7 || (!between && sim_chance(w, 500000)))
		connect(w, first, last);
	for (uint32_t i = 0; w->members > 7 && i < 3 * count; i++)
		connect(w, solid[i % count], solid[sim_below(w, count)]);
	for (uint32_t i = 0; i < w->count; i++) {
		if (!w->node[i].liar && !w->node[i].victim &&
		    w->node[i].member >= 0)
			continue;
		if (between && w->node[i].member < 0)
			continue;
		connect(w, i, solid[sim_below(w, count)]);
		if (between)
			continue;
		connect(w, i, solid[sim_below(w, count)]);
		connect(w, i, (uint32_t)sim_below(w, w->count));
	}
	if (between)
		insert_observer(w, solid, count);
}

/* The liar knows everybody. */
static void connect_bridge(struct sim_world *w)
{
	uint32_t solid[SIM_NODES_MAX] = {0};
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->members; i++)
		if (!w->node[i].liar)
			solid[count++] = i;
	for (uint32_t i = 1; i < count; i++)
		connect(w, solid[i - 1], solid[i]);
	insert_observer(w, solid, count);
	for (uint32_t i = 0; i < w->count * w->members; i++)
		if (w->node[i % w->members].liar)
			connect(w, i % w->members, i / w->members);
}

static void draw_liars(struct sim_world *w)
{
	uint32_t f = w->committee.f;
	uint32_t most = sim_chance(w, 300000) ? 0 : f;

	w->liars = (uint32_t)sim_below(w, most + 1);
	if (w->options.liars <= f)
		w->liars = w->options.liars;
	if (w->halves || w->bridge)
		w->liars = f;
	for (uint32_t i = 0; i < w->liars;) {
		struct sim_node *n = &w->node[sim_below(w, w->members)];

		if (n->liar)
			continue;
		n->liar = true;
		i++;
	}
	w->lies = 0;
	for (uint32_t i = 0; w->liars > 0 && i < 4; i++) {
		uint64_t kind = SIM_FIRST_LIE +
				sim_below(w, SIM_FAULT_KINDS - SIM_FIRST_LIE);

		w->lies |= SIM_BIT(kind) & w->options.faults;
	}
	if (w->bridge)
		w->lies |= SIM_BIT(SIM_LAST_ROUND);
	w->drawn |= w->lies;
}

static void draw_size(struct sim_world *w, uint32_t *n, uint32_t *f)
{
	uint32_t most;

	*n = w->options.nodes ? w->options.nodes
			      : 1 + (uint32_t)sim_below(w, 7);
	most = *n > 7 ? 5 : *n - 1;
	*f = (uint32_t)sim_below(w, most + 1);
	/* Committees with certificates more often than not. */
	if (*n < 2 * *f + 1 && sim_chance(w, 500000))
		*f = (*n - 1) / 2;
	if (w->options.f != SIM_NONE && w->options.f < *n)
		*f = w->options.f;
	/* The least committee of which one liar can make two certificates. */
	w->halves = !w->options.nodes && !w->options.calm &&
		    w->options.faults == SIM_ANY_FAULTS && sim_chance(w, 25000);
	if (w->halves) {
		*n = 3;
		*f = 1;
	}
	/* What only a relay that signs nothing can do wrong (R1.6). */
	w->bridge = !w->options.nodes && !w->options.calm && !w->halves &&
		    w->options.faults == SIM_ANY_FAULTS &&
		    w->seed % SIM_BRIDGES == SIM_BRIDGES / 2;
	if (w->bridge) {
		*n = 5;
		*f = 1;
	}
}

static void draw_pace(struct sim_world *w)
{
	uint64_t rounds = w->committee.rounds;
	uint32_t hops = w->complete ? 1 : w->count - 1;

	if (w->members > 7)
		hops = 8; /* chords make the way short */
	w->hop_ms = REACH_MS / (hops ? hops : 1);
	if (sim_chance(w, 500000))
		w->hop_ms = 1 + (uint32_t)sim_below(w, w->hop_ms);
	else if (w->options.faults & SIM_BIT(SIM_DELAY))
		sim_fired(w, SIM_DELAY);
	w->late_ms = (uint32_t)sim_below(w, 41);
	w->skew_ms = (uint32_t)sim_below(w, 61);
	w->verify_ms = (uint32_t)sim_below(w, 6);
	w->mining_ms = sim_chance(w, 250000)
			       ? 500 + sim_below(w, 2000)
			       : 1000 * (rounds + sim_below(w, rounds + 2));
	w->tx_ppm = sim_chance(w, 500000) ? 300000 : 0;
	w->known_ppm = (uint32_t)sim_below(w, 1000001);
	w->queue_max = SIM_NONE;
}

void sim_draw(struct sim_world *w)
{
	uint32_t n;
	uint32_t f;

	w->real_signatures = w->seed % 100 == 99 && w->options.nodes <= 7;
	draw_size(w, &n, &f);
	sim_draw_params(w, n, f);
	w->count =
		n + (n > 1 && n <= 7 && (sim_chance(w, 300000) || w->bridge));
	for (uint32_t i = 0; i < w->count; i++) {
		w->node[i].index = i;
		w->node[i].member = i < n ? (int)i : -1;
	}
	w->chaos =
		w->halves || (!w->bridge && (n == 1 || sim_chance(w, 500000)) &&
			      !w->options.calm);
	w->heal_at = sim_tick_time(w, (n > 7 ? 40 : 120) + sim_below(w, 40));
	draw_liars(w);
	w->skew_ms = (uint32_t)sim_below(w, 61);
	sim_faults_draw(w);
	if (w->bridge)
		connect_bridge(w);
	else if (n <= 7 && sim_chance(w, 600000))
		sim_connect_all(w);
	else
		connect_ring(w);
	draw_pace(w);
	/* At the start all members are rejoining, more than f of them. */
	for (uint32_t i = 0; i < w->count; i++)
		w->node[i].bad_until = w->chaos ? SIM_NEVER : sim_start_over(w);
	if (!w->chaos)
		sim_at(w, sim_start_over(w),
		       &(struct sim_event){.kind = SIM_EV_CHECK,
					   .other = SIM_CHECK_13});
}
