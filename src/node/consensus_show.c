/* SPDX-License-Identifier: MIT */
#include "node/consensus_internal.h"

static void show_agreement(struct node_status *s,
			   const struct node_consensus *c)
{
	struct ds_status_view v;

	ds_look(&v, c->ds);
	s->mode = v.mode;
	s->ticking = v.ticking;
	s->clean_ticks = v.clean_ticks;
	s->tick = v.tick;
	s->tick_ms = ds_tick_ms(c->options.committee, v.tick);
	s->decided = v.decided;
	s->decided_height = v.decided_height;
	s->vote_epoch = c->options.committee->vote_epoch;
	s->self =
		c->options.self < 0 ? 0 : ds_mask_of((uint32_t)c->options.self);
	s->late_ms = c->late.worst_ms;
	s->late_minute_ms = node_lateness_minute(&c->late);
	s->beats = v.beats;
	memcpy(s->reason, v.counter, sizeof(s->reason));
}

void node_consensus_show(struct node_consensus *c)
{
	const struct pow_plan *plan = c->options.plan;
	struct node_status status = {
		.tip = c->final,
		.hashes_per_second = pow_rate_get(&c->total, 0),
		.threads = plan ? plan->worker_count : 0,
	};

	if (!c->options.status)
		return;
	show_agreement(&status, c);
	/* First: who sees the tip sees rounds at least as new. */
	ds_look_rounds(&c->rounds, c->ds);
	node_status_publish_rounds(c->options.status, &c->rounds);
	node_status_publish(c->options.status, &status);
}
