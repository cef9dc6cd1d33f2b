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
	s->target = v.target;
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

/* How far catching up is, while it takes long enough to ask. */
void node_consensus_tell_sync(struct node_consensus *c, uint64_t monotonic)
{
	struct ds_status_view v;
	uint64_t done;
	double rate;

	ds_look(&v, c->ds);
	if (v.target.n <= c->final.height.n) {
		c->sync_since_ms = 0;
		return;
	}
	if (c->sync_since_ms == 0) {
		c->sync_since_ms = monotonic;
		c->sync_told_ms = monotonic;
		c->sync_from = c->final.height;
	}
	if (monotonic < c->sync_told_ms + NODE_SYNC_EVERY_MS)
		return;
	c->sync_told_ms = monotonic;
	done = c->final.height.n - c->sync_from.n;
	rate = (double)done * 1000 / (double)(monotonic - c->sync_since_ms);
	if (done == 0)
		node_log(c->options.log, NODE_LOG_INFO, "sync",
			 "at block %u of %u, waiting for blocks",
			 c->final.height.n, v.target.n);
	else
		node_log(c->options.log, NODE_LOG_INFO, "sync",
			 "at block %u of %u (%.1f %%), %.0f blocks/s, %.0f s "
			 "left",
			 c->final.height.n, v.target.n,
			 100.0 * c->final.height.n / v.target.n, rate,
			 (v.target.n - c->final.height.n) / rate);
}

void node_consensus_show(struct node_consensus *c)
{
	const struct pow_plan *plan = c->options.plan;
	struct node_status status = {
		.tip = c->final,
		.hashes_per_second = pow_rate_get(&c->total, 0),
		.threads = plan ? plan->worker_count : 0,
		.paused = c->paused,
		.holding = c->holding,
		.held = c->held_len > 0,
	};

	if (!c->options.status)
		return;
	show_agreement(&status, c);
	/* First: who sees the tip sees rounds at least as new. */
	ds_look_rounds(&c->rounds, c->ds);
	node_status_publish_rounds(c->options.status, &c->rounds);
	node_status_publish(c->options.status, &status);
}
