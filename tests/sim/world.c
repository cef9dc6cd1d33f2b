/* SPDX-License-Identifier: MIT */
/* Events in order of time, and the life of one seed. */
#include "sim.h"

#include <stdlib.h>

#include "base/assert.h"

#define EVENTS_MAX (1u << 20)

static struct sim_event *heap;
static uint32_t heap_count;

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

void sim_at(struct sim_world *w, uint64_t at, const struct sim_event *e)
{
	uint32_t i = heap_count++;
	struct sim_event event = *e;

	if (!heap)
		heap = malloc(EVENTS_MAX * sizeof(*heap));
	BASE_ASSERT(heap && heap_count < EVENTS_MAX);
	event.at = at;
	event.seq = w->seq++;
	for (; i > 0 && before(&event, &heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap[i] = heap[(i - 1) / 2];
	heap[i] = event;
}

static struct sim_event pop(void)
{
	struct sim_event out = heap[0];
	struct sim_event last = heap[--heap_count];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= heap_count)
			break;
		if (child + 1 < heap_count &&
		    before(&heap[child + 1], &heap[child]))
			child++;
		if (before(&last, &heap[child]))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return out;
}

uint64_t sim_below(struct sim_world *w, uint64_t bound)
{
	return base_prng_below(&w->rng, bound);
}

bool sim_chance(struct sim_world *w, uint64_t ppm)
{
	return base_prng_below(&w->rng, 1000000) < ppm;
}

uint64_t sim_tick_time(const struct sim_world *w, uint64_t tick)
{
	return w->params.genesis_time_ms + tick * SIM_DELTA_MS;
}

/* Everything but what was drawn for, as on the first day. */
static void clear(struct sim_world *w)
{
	while (heap_count > 0)
		sim_buf_put(heap[--heap_count].buf);
	for (uint32_t i = 0; i < w->archive_count; i++) {
		sim_buf_put(w->archive[i]);
		w->archive[i] = NULL;
	}
	for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
		struct sim_node *n = &w->node[i];
		void *memory = n->memory;

		if (n->incarnation == 0)
			continue;
		memset(n, 0, offsetof(struct sim_node, disk));
		memset(&n->op, 0, sizeof(*n) - offsetof(struct sim_node, op));
		n->memory = memory;
	}
	memset(&w->rng, 0,
	       offsetof(struct sim_world, params) -
		       offsetof(struct sim_world, rng));
	memset(&w->real_signatures, 0,
	       offsetof(struct sim_world, totals) -
		       offsetof(struct sim_world, real_signatures));
	memset(w->history_tick, 0, sizeof(w->history_tick));
	memset(w->certified_is, 0, sizeof(w->certified_is));
	w->proposed_count = 0;
	w->endorsed_count = 0;
	w->archive_count = 0;
	memset(w->link, 0, sizeof(w->link));
	w->scene = NULL;
	w->scene_filter = NULL;
	sim_pool_reset();
}

void sim_world_begin(struct sim_world *w, uint64_t seed)
{
	clear(w);
	w->seed = seed;
	w->rng = base_prng_init(seed);
	w->now = SIM_START_MS - 3 * SIM_DELTA_MS;
	w->queue_max = SIM_NONE;
	w->heal_at = SIM_NEVER;
	w->hop_ms = 1;
}

/* Boots everybody, within the seconds before tick 0. */
void sim_world_boot(struct sim_world *w)
{
	for (uint32_t i = 0; i < w->count; i++) {
		sim_disk_format(w, &w->node[i].disk);
		sim_boot(w, &w->node[i], false);
	}
}

static void link_event(struct sim_world *w, const struct sim_event *e)
{
	/* id 0: try to connect; 1: a broken connection is noticed; more:
	 * banned, for so long. */
	if (e->id > 0)
		sim_link_down(w, e->node, e->other);
	if (e->id > 1) {
		sim_at(w, w->now + e->id,
		       &(struct sim_event){.kind = SIM_EV_LINK,
					   .node = e->node,
					   .other = e->other});
		return;
	}
	sim_link_up(w, e->node, e->other);
	if (!w->link[e->node][e->other].up && w->node[e->node].up &&
	    w->node[e->other].up)
		sim_at(w, w->now + SIM_DELTA_MS,
		       &(struct sim_event){.kind = SIM_EV_LINK,
					   .node = e->node,
					   .other = e->other});
}

static void verified(struct sim_world *w, struct sim_node *n,
		     const struct sim_event *e)
{
	const struct chain_check *check = e->pointer;
	bool good = true;

	for (uint32_t i = 0; i < e->count && good; i++)
		good = sim_verify(w, &check[i]);
	ds_verified(n->ds, sim_now(w, n), e->id, good);
	sim_drain(w, n);
}

/* Nothing but the seed has chosen what happens in it. */
static bool judged(const struct sim_world *w)
{
	return w->members <= 7 && !w->options.calm &&
	       w->options.faults == SIM_ANY_FAULTS;
}

static uint32_t kinds(const struct sim_world *w)
{
	return (uint32_t)__builtin_popcountll(w->fired);
}

/* Was the seed worth its time? */
static void check_seed(struct sim_world *w)
{
	uint64_t ticks = (w->now - SIM_START_MS) / SIM_DELTA_MS;
	uint32_t decided = w->decided;

	w->totals->ended += w->ended;
	if (!judged(w) || w->ended)
		return;
	w->totals->check[SIM_CHECK_16]++;
	if (w->options.break_check == SIM_CHECK_16)
		decided = 0;
	if (ticks < SIM_TICKS_MIN || decided < SIM_DECIDED_MIN ||
	    kinds(w) < SIM_KINDS_MIN)
		sim_violation(w, SIM_CHECK_16, NULL,
			      "%llu ticks, %u blocks, %u kinds of fault",
			      (unsigned long long)ticks, decided, kinds(w));
}

static void ask_whether_over(struct sim_world *w)
{
	uint64_t tick = (w->now - SIM_START_MS) / SIM_DELTA_MS;
	uint32_t want = w->members > 7 ? 2 : SIM_DECIDED_MIN;
	bool dull = judged(w) && kinds(w) < SIM_KINDS_MIN;

	if (dull)
		sim_faults_add(w);
	/* Where most lie, few blocks are proposed as they should be. */
	if (tick > SIM_TICKS_MIN && tick % 100 == 0 && w->mining_ms > 1000)
		w->mining_ms /= 2;
	if (w->now > w->judged_at + SIM_DELTA_MS && sim_people_needed(w))
		sim_people_recover(w);
	if (w->decided >= want && w->now > w->judged_at && !dull) {
		w->stop = true;
		return;
	}
	if (tick > SIM_TICKS_MAX) {
		sim_violation(w, SIM_CHECK_13, NULL, "only %u blocks decided",
			      w->decided);
		return;
	}
	sim_at(w, w->now + SIM_DELTA_MS,
	       &(struct sim_event){.kind = SIM_EV_END});
}

/* What concerns one node, when it is awake and still the same. */
static void node_event(struct sim_world *w, const struct sim_event *e)
{
	struct sim_node *n = &w->node[e->node];

	if (e->kind == SIM_EV_MINED) {
		if (n->up)
			sim_mined(w, n, e->incarnation);
		return;
	}
	if (!n->up || e->incarnation != n->incarnation)
		return;
	if (e->kind == SIM_EV_TICK)
		sim_tick(w, n);
	else if (e->kind == SIM_EV_VERIFIED)
		verified(w, n, e);
	else
		sim_persisted(w, n);
}

static bool of_node(const struct sim_event *e)
{
	return e->kind <= SIM_EV_MINED;
}

static void dispatch(struct sim_world *w, const struct sim_event *e)
{
	if (of_node(e) && w->node[e->node].paused_until > w->now) {
		sim_at(w, w->node[e->node].paused_until, e);
		return;
	}
	sim_trace_u64(w, e->at << 16 | (uint64_t)e->kind << 8 | e->node);
	switch (e->kind) {
	case SIM_EV_PACKET:
		sim_packet(w, e);
		break;
	case SIM_EV_LINK:
		link_event(w, e);
		break;
	case SIM_EV_LIE:
		sim_lie(w, e);
		break;
	case SIM_EV_FAULT:
		sim_fault(w, e);
		break;
	case SIM_EV_HEAL:
		sim_heal(w);
		break;
	case SIM_EV_CHECK:
		sim_check_appointment(w, e);
		break;
	case SIM_EV_END:
		ask_whether_over(w);
		break;
	case SIM_EV_SCENE:
		w->scene(w, e);
		break;
	default:
		node_event(w, e);
	}
}

void sim_world_loop(struct sim_world *w)
{
	while (!w->stop && heap_count > 0) {
		struct sim_event e = pop();

		BASE_ASSERT(e.at >= w->now);
		w->now = e.at;
		dispatch(w, &e);
	}
}

/* One seed; true: no violation. */
bool sim_run(struct sim_world *w, uint64_t seed)
{
	sim_world_begin(w, seed);
	sim_draw(w);
	sim_say(w, NULL, "seed %llu: n %u f %u, %u liars, %s, %s%s",
		(unsigned long long)seed, w->members, w->committee.f, w->liars,
		w->chaos ? "chaos" : "sync", w->complete ? "complete" : "ring",
		w->count > w->members ? ", observer" : "");
	sim_world_boot(w);
	if (w->chaos)
		sim_at(w, w->heal_at, &(struct sim_event){.kind = SIM_EV_HEAL});
	sim_at(w, sim_tick_time(w, w->members > 7 ? 60 : SIM_TICKS_MIN),
	       &(struct sim_event){.kind = SIM_EV_END});
	sim_world_loop(w);
	if (!w->violated)
		sim_check_end(w);
	if (!w->violated)
		check_seed(w);
	w->totals->seeds++;
	return w->violated == SIM_CHECK_NONE;
}
