/* SPDX-License-Identifier: MIT */
/*
 * What happens to honest nodes and to the wires. In the SYNC regime only the
 * victims are hit, never more than f - liars; in CHAOS everybody may be.
 */
#include "sim.h"

#include "base/assert.h"

#define W(w) ((w)->committee.rounds)
#define START_MAX 60 /* ticks that a liar may draw out the start */

/* A partition that does not part the liars from anybody. */
#define TWO_FACED (UINT64_C(1) << 62)

enum phase { BEGIN, END, NOW };

void sim_fired(struct sim_world *w, enum sim_fault fault)
{
	w->totals->fault[fault]++;
	w->fired |= SIM_BIT(fault);
}

/* Too little went wrong: clocks that drift, messages that come twice, and a
 * crash of who is alone. */
void sim_faults_add(struct sim_world *w)
{
	struct sim_node *n = &w->node[0];

	n->clock.offset_ms = (int64_t)(sim_local(w, n) - w->now);
	n->clock.since = w->now;
	n->clock.drift_ppm = 20;
	sim_fired(w, SIM_DRIFT);
	if (w->members > 1) {
		w->duplicate_ppm = 100000;
		return;
	}
	sim_people_restart(w, n);
	sim_fired(w, SIM_CRASH);
}

static void at(struct sim_world *w, uint64_t when, enum sim_fault fault,
	       enum phase phase, uint32_t node, uint64_t param)
{
	sim_at(w, when,
	       &(struct sim_event){.kind = SIM_EV_FAULT,
				   .node = (uint8_t)node,
				   .other = (uint8_t)fault,
				   .wire = (uint8_t)phase,
				   .id = param});
}

static uint64_t settle_ms(const struct sim_world *w)
{
	return (2 * (uint64_t)W(w) + 8) * SIM_DELTA_MS;
}

/* When every node that was there at tick 0 must be ACTIVE. */
uint64_t sim_start_over(const struct sim_world *w)
{
	return sim_tick_time(w, 2) + settle_ms(w);
}

/* Until then more than f are rejoining, and a liar may split them. */
void sim_start_longer(struct sim_world *w)
{
	sim_say(w, NULL, "the start takes longer");
	w->start_until = w->now + settle_ms(w) + SIM_DELTA_MS;
	for (uint32_t i = 0; i < w->members; i++)
		if (!w->node[i].victim && w->node[i].bad_until < w->start_until)
			w->node[i].bad_until = w->start_until;
	sim_at(w, w->start_until,
	       &(struct sim_event){.kind = SIM_EV_CHECK,
				   .other = SIM_CHECK_13});
}

/* The start is over when nobody was tainted for long enough. */
void sim_start_anew(struct sim_world *w, const struct sim_node *n)
{
	if (!w->chaos && !n->victim && n->bad_until != SIM_NEVER &&
	    n->bad_until >= w->now && w->now <= sim_tick_time(w, START_MAX))
		sim_start_longer(w);
}

/* It is judged when it is over. */
bool sim_starting(const struct sim_world *w)
{
	return !w->chaos && w->now < w->start_until;
}

/* Whether the votes at this height are for what was decided at the start. */
bool sim_split_at_start(const struct sim_world *w, uint32_t height)
{
	const uint64_t until = w->start_until > sim_start_over(w)
				       ? w->start_until
				       : sim_start_over(w);

	for (uint32_t i = 0; i < w->members; i++) {
		const struct sim_node *n = &w->node[i];

		if (w->chaos || !w->committee.certified)
			break;
		if (sim_honest(n) && n->decided_at[height] > 0 &&
		    n->decided_at[height] <= until)
			return true;
	}
	return false;
}

/* ---- people ---- */

static struct sim_node *best_ledger(struct sim_world *w,
				    const struct sim_node *but)
{
	struct sim_node *best = NULL;

	for (uint32_t i = 0; i < w->members; i++) {
		struct sim_node *n = &w->node[i];

		if (n == but || !sim_honest(n) || !n->up)
			continue;
		if (!best || n->disk.height > best->disk.height)
			best = n;
	}
	return best;
}

static void copy_ledger(struct sim_node *to, const struct sim_node *from)
{
	struct sim_disk *d = &to->disk;
	const struct sim_disk *s = &from->disk;

	d->height = s->height;
	memcpy(d->block, s->block, (s->height + 1) * sizeof(d->block[0]));
	memcpy(d->cert, s->cert, (s->height + 1) * sizeof(d->cert[0]));
	d->final = s->final;
	d->coins = s->coins;
}

/* Without certificates nobody but people can say what is final. */
void sim_people_restart(struct sim_world *w, struct sim_node *n)
{
	struct sim_node *from = best_ledger(w, n);

	sim_crash(w, n);
	if (!w->committee.certified && from)
		copy_ledger(n, from);
	sim_boot(w, n, !w->committee.certified);
}

void sim_expect_progress(struct sim_world *w)
{
	w->judged_at = w->now + settle_ms(w);
	/* Another start: they are up, and SHADOW, some ticks from now. */
	if (!w->chaos) {
		w->judged_at += 3 * SIM_DELTA_MS;
		w->start_until = w->judged_at;
	}
	w->decided_at_heal = w->highest_decided;
	for (uint32_t i = 0; i < w->count; i++) {
		struct sim_node *n = &w->node[i];

		if (w->chaos)
			n->bad_until = SIM_NEVER;
		else if (n->bad_until < w->judged_at)
			n->bad_until = w->judged_at;
	}
	sim_at(w, w->judged_at,
	       &(struct sim_event){.kind = SIM_EV_CHECK,
				   .other = SIM_CHECK_13});
}

/* An alert said that no block can become final on this tip, and it stands;
 * without certificates nobody returns by himself. */
bool sim_people_needed(const struct sim_world *w)
{
	if (!w->committee.certified)
		return w->chaos && w->healed && w->recoveries == 0;
	for (uint32_t i = 0; i < w->members; i++)
		if (sim_honest(&w->node[i]) &&
		    w->node[i].final_height >= w->split_height)
			return false;
	return w->split_height > 0;
}

/* They agree on F and restart every member in the next vote epoch. */
void sim_people_recover(struct sim_world *w)
{
	struct sim_node *from = best_ledger(w, NULL);

	w->split_height = 0;
	sim_say(w, NULL, "people restart all in epoch %u",
		w->committee.vote_epoch + 1);
	if (++w->recoveries > 3 || !from) {
		sim_violation(w, SIM_CHECK_13, NULL,
			      "people cannot make it go on");
		return;
	}
	w->committee.vote_epoch++;
	for (uint32_t i = 0; i < w->count; i++)
		sim_crash(w, &w->node[i]);
	for (uint32_t i = 0; i < w->count; i++) {
		if (!w->committee.certified && &w->node[i] != from)
			copy_ledger(&w->node[i], from);
		sim_boot(w, &w->node[i], !w->committee.certified);
	}
	sim_expect_progress(w);
}

/* ---- one fault ---- */

static void cut(struct sim_world *w, uint64_t side, bool one_way, bool on)
{
	for (uint32_t a = 0; a < w->count; a++) {
		for (uint32_t b = 0; b < w->count; b++) {
			bool from = side >> (a % 64) & 1;
			bool to = side >> (b % 64) & 1;
			bool both = side & TWO_FACED &&
				    (w->node[a].liar || w->node[b].liar);

			if (a != b && from && !to && !both) {
				w->link[a][b].cut = on;
				if (!one_way)
					w->link[b][a].cut = on;
			}
		}
	}
}

/* On a victim, in the SYNC regime: from when on it is to be judged again. */
void sim_excuse(struct sim_world *w, struct sim_node *n)
{
	if (w->chaos)
		return;
	n->bad_until = w->now + settle_ms(w) + SIM_DELTA_MS;
	sim_at(w, n->bad_until + 1,
	       &(struct sim_event){.kind = SIM_EV_CHECK,
				   .node = (uint8_t)n->index,
				   .other = SIM_CHECK_13,
				   .id = 1});
}

static void begin(struct sim_world *w, struct sim_node *n,
		  const struct sim_event *e)
{
	uint64_t span = e->id;

	n->bad_until = SIM_NEVER;
	n->height_then = 0;
	switch (e->other) {
	case SIM_CRASH:
	case SIM_AMNESIA:
		sim_crash(w, n);
		if (e->other == SIM_AMNESIA) {
			sim_disk_format(w, &n->disk);
			n->amnesic = true;
		}
		break;
	case SIM_TORN:
	case SIM_CRASH_PERSIST:
		n->crash_at_persist = true;
		return; /* counted when it happens */
	case SIM_PAUSE:
		n->paused_until = w->now + 300 + span % 5000;
		break;
	case SIM_STEP:
		sim_step_clock(w, n, (int64_t)(span % 4000) - 2000);
		break;
	case SIM_DISK_FULL:
		n->full_until = SIM_NEVER;
		return;
	case SIM_DISK_SLOW:
		n->slow_until = SIM_NEVER;
		return;
	default:
		BASE_ASSERT(e->other == SIM_CRASH);
	}
	sim_fired(w, (enum sim_fault)e->other);
}

/* Certificates off: who was tainted comes back by people's hand only. */
static void end(struct sim_world *w, struct sim_node *n,
		const struct sim_event *e)
{
	n->crash_at_persist = false;
	n->full_until = 0;
	n->slow_until = 0;
	if (e->other == SIM_STEP)
		sim_step_clock(w, n, -((int64_t)(e->id % 4000) - 2000));
	if (!n->up || (!w->committee.certified && !w->chaos))
		sim_people_restart(w, n);
	sim_excuse(w, n);
}

static void wires(struct sim_world *w, const struct sim_event *e)
{
	bool on = e->wire == BEGIN;

	switch (e->other) {
	case SIM_PARTITION:
	case SIM_ONE_WAY:
		cut(w, e->id, e->other == SIM_ONE_WAY, on);
		if (e->id & TWO_FACED)
			w->two_faced = on;
		if (on)
			sim_fired(w, (enum sim_fault)e->other);
		break;
	case SIM_LOSS:
		w->loss_ppm = on ? 5000 + (uint32_t)(e->id % 200000) : 0;
		break;
	case SIM_DELAY:
		w->delay_ppm = on ? 10000 + (uint32_t)(e->id % 400000) : 0;
		break;
	case SIM_OVERFLOW:
		w->queue_max = on ? 2 + (uint32_t)(e->id % 10) : SIM_NONE;
		break;
	default:
		BASE_ASSERT(e->other == SIM_LOSS);
	}
}

static bool of_wires(enum sim_fault fault)
{
	return fault == SIM_PARTITION || fault == SIM_ONE_WAY ||
	       fault == SIM_LOSS || fault == SIM_DELAY || fault == SIM_OVERFLOW;
}

void sim_fault(struct sim_world *w, const struct sim_event *e)
{
	struct sim_node *n = &w->node[e->node];

	sim_say(w, n, "fault %s %s", sim_fault_name(e->other),
		e->wire == BEGIN ? "begins" : "ends");
	if (w->now >= w->heal_at && e->wire != END)
		return;
	if (of_wires((enum sim_fault)e->other))
		wires(w, e);
	else if (e->wire == NOW)
		sim_crash(w, n);
	else if (e->wire == BEGIN)
		begin(w, n, e);
	else
		end(w, n, e);
}

/* All is well from now on, but for the liars. */
void sim_heal(struct sim_world *w)
{
	sim_say(w, NULL, "heals");
	w->two_faced = false;
	w->loss_ppm = 0;
	w->delay_ppm = 0;
	w->queue_max = SIM_NONE;
	w->late_ms = w->late_ms > 40 ? 40 : w->late_ms;
	for (uint32_t i = 0; i < w->count; i++) {
		struct sim_node *n = &w->node[i];
		int64_t right = (int64_t)(i * 7 % (w->skew_ms + 1));
		int64_t off = (int64_t)(sim_local(w, n) - w->now) - right;

		n->paused_until = 0;
		n->full_until = 0;
		n->slow_until = 0;
		n->crash_at_persist = false;
		n->clock.drift_ppm = 0;
		n->clock.offset_ms = right + off;
		n->clock.since = w->now;
		if (off > SIM_DELTA_MS / 50 || off < -SIM_DELTA_MS / 50)
			sim_step_clock(w, n, -off);
		else
			n->clock.offset_ms = right;
		if (!n->up)
			sim_people_restart(w, n);
	}
	sim_links_mend(w);
	w->healed = true;
	sim_at(w, w->now + (W(w) + 5) * SIM_DELTA_MS,
	       &(struct sim_event){.kind = SIM_EV_CHECK, .other = SIM_CHECK_7});
	sim_expect_progress(w);
}

/* ---- drawing ---- */

static uint32_t a_victim(struct sim_world *w)
{
	uint32_t i;

	for (uint32_t tries = 0; tries < 200; tries++) {
		i = (uint32_t)sim_below(w, w->members);
		if (!w->node[i].liar && (w->chaos || w->node[i].victim))
			return i;
	}
	return SIM_NONE;
}

/* When the fault that is planned begins, and how long it lasts. */
static void plan(struct sim_world *w, enum sim_fault fault)
{
	uint64_t last = w->heal_at - 4 * SIM_DELTA_MS;
	uint64_t from = sim_start_over(w) + SIM_DELTA_MS;
	uint64_t begins = from + sim_below(w, last - from);
	uint64_t span = SIM_DELTA_MS / 2 + sim_below(w, 15 * SIM_DELTA_MS);
	uint32_t node = 0;
	uint64_t param = sim_below(w, UINT32_MAX);

	if (!of_wires(fault)) {
		node = a_victim(w);
		if (node == SIM_NONE)
			return;
	}
	if (fault == SIM_PARTITION || fault == SIM_ONE_WAY)
		param = 1 + sim_below(w, w->count > 8 ? UINT32_MAX
						      : (1u << w->count) - 1);
	/* It lies from then on, perhaps: nobody's way may lead over it. */
	if (fault == SIM_AMNESIA)
		w->node[node].victim = true;
	/* A victim is free again before it is hit again. */
	if (!w->chaos && !of_wires(fault)) {
		struct sim_node *n = &w->node[node];

		if (begins < n->busy_until)
			begins = n->busy_until;
		n->busy_until = begins + span + settle_ms(w) + 2 * SIM_DELTA_MS;
		if (begins + span > last)
			return;
	}
	if (begins + span > last + 2 * SIM_DELTA_MS)
		span = SIM_DELTA_MS;
	at(w, begins, fault, BEGIN, node, param);
	at(w, begins + span, fault, END, node, param);
	w->drawn |= SIM_BIT(fault);
}

/* Only one of a seed's honest members may lose its memory: it counts as a
 * liar from then on. */
static bool allowed(const struct sim_world *w, enum sim_fault fault,
		    uint32_t victims)
{
	if (!(w->options.faults & SIM_BIT(fault)))
		return false;
	if (fault == SIM_AMNESIA && w->liars >= w->committee.f)
		return false;
	if (w->chaos)
		return true;
	return !of_wires(fault) && victims > 0;
}

static void quiet_faults(struct sim_world *w)
{
	if (w->options.faults & SIM_BIT(SIM_DUPLICATE) && sim_chance(w, 600000))
		w->duplicate_ppm = 1000 + (uint32_t)sim_below(w, 100000);
	w->keep_order = !(w->options.faults & SIM_BIT(SIM_REORDER)) ||
			sim_chance(w, 300000);
	for (uint32_t i = 0; i < w->count; i++) {
		struct sim_clock *c = &w->node[i].clock;
		uint64_t off = sim_below(w, w->skew_ms + 1);

		*c = (struct sim_clock){.since = w->now};
		if (w->options.faults & SIM_BIT(SIM_OFFSET)) {
			c->offset_ms = (int64_t)off;
			sim_fired(w, SIM_OFFSET);
		}
		if (w->options.faults & SIM_BIT(SIM_DRIFT) &&
		    sim_chance(w, 500000)) {
			c->drift_ppm = (int64_t)sim_below(w, 31);
			sim_fired(w, SIM_DRIFT);
		}
	}
}

/* Clocks that are wrong all the time until they are set right. */
static void bad_clocks(struct sim_world *w)
{
	for (uint32_t i = 0; i < w->members; i++) {
		struct sim_clock *c = &w->node[i].clock;

		if (w->options.faults & SIM_BIT(SIM_OFFSET) &&
		    sim_chance(w, 60000))
			c->offset_ms = (int64_t)sim_below(w, 2400) - 1200;
		if (w->options.faults & SIM_BIT(SIM_DRIFT) &&
		    sim_chance(w, 60000))
			c->drift_ppm = (int64_t)sim_below(w, 20000) - 10000;
	}
}

/* Liars between two halves that do not hear each other: with n - 2f of them
 * there can be two certificates, which must be noticed (R4). */
static void draw_two_faced(struct sim_world *w)
{
	uint64_t begins = sim_start_over(w) + sim_below(w, 60) * SIM_DELTA_MS;
	uint64_t side = TWO_FACED;

	if (!w->halves)
		return;
	w->lies |= SIM_BIT(SIM_VOTE_BOTH);
	/* The first honest node, and everybody else. */
	side |= SIM_BIT(w->node[0].liar ? 1 : 0);
	at(w, begins, SIM_PARTITION, BEGIN, 0, side);
	at(w, begins + 30 * SIM_DELTA_MS, SIM_PARTITION, END, 0, side);
}

void sim_faults_draw(struct sim_world *w)
{
	static const enum sim_fault kinds[] = {
		SIM_LOSS,     SIM_DELAY, SIM_PARTITION,	    SIM_ONE_WAY,
		SIM_OVERFLOW, SIM_STEP,	 SIM_PAUSE,	    SIM_CRASH,
		SIM_AMNESIA,  SIM_TORN,	 SIM_CRASH_PERSIST, SIM_DISK_FULL,
		SIM_DISK_SLOW};
	uint32_t victims = w->committee.f - w->liars;
	uint32_t plans =
		w->halves ? 0 : 2 + (uint32_t)sim_below(w, w->chaos ? 8 : 5);
	uint32_t amnesics = 0;

	quiet_faults(w);
	if (w->chaos && !w->halves)
		bad_clocks(w);
	if (w->chaos)
		draw_two_faced(w);
	for (uint32_t i = 0; !w->chaos && i < victims;) {
		struct sim_node *n = &w->node[sim_below(w, w->members)];

		if (n->liar || n->victim)
			continue;
		n->victim = true;
		i++;
	}
	for (uint32_t i = 0; i < plans; i++) {
		enum sim_fault kind =
			kinds[sim_below(w, sizeof(kinds) / sizeof(kinds[0]))];

		if (!allowed(w, kind, victims))
			continue;
		amnesics += kind == SIM_AMNESIA;
		if (kind == SIM_AMNESIA && amnesics > 1)
			continue;
		plan(w, kind);
	}
}
