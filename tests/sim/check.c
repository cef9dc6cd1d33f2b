/* SPDX-License-Identifier: MIT */
/*
 * The checkers of consensus.md's invariants. Each counts how often it has
 * judged, so that one that never did is noticed; options.break_check hands
 * one of them something wrong, which it has to see.
 */
#include "sim.h"

#include <stdarg.h>

#include "base/assert.h"

#define W(w) ((w)->committee.rounds)
#define POSTPONED_MAX 8

void sim_violation(struct sim_world *w, enum sim_check check,
		   const struct sim_node *n, const char *format, ...)
{
	char text[400];
	va_list args;

	if (w->violated != SIM_CHECK_NONE)
		return;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->violated = check;
	w->stop = true;
	(void)snprintf(w->violation, sizeof(w->violation),
		       "invariant %d (%s), tick %lld, node %d: %s", (int)check,
		       sim_check_name((int)check),
		       ((long long)w->now - (long long)w->committee.t0_ms) /
			       SIM_DELTA_MS,
		       n ? (int)n->index : -1, text);
	sim_say(w, n, "VIOLATION %s", w->violation);
}

static bool judge(struct sim_world *w, enum sim_check check)
{
	w->totals->check[check]++;
	return w->options.break_check == (int)check;
}

bool sim_honest(const struct sim_node *n)
{
	return !n->liar && !n->amnesic;
}

/* Correct for long enough that nothing excuses it. */
bool sim_in_step(const struct sim_world *w, const struct sim_node *n)
{
	return sim_honest(n) && n->up && n->mode == DS_ACTIVE &&
	       n->bad_until < w->now && n->member >= 0;
}

/* ---- 1: tips at every tick ---- */

static void check_tip(struct sim_world *w, struct sim_node *n)
{
	uint64_t at = n->tick.n % SIM_HISTORY;
	struct base_hash tip = n->decided;

	if (!sim_in_step(w, n))
		return;
	if (w->history_tick[at] != n->tick.n + 1) {
		w->history_tick[at] = n->tick.n + 1;
		w->history[at] = tip;
		return;
	}
	if (judge(w, SIM_CHECK_1) && n->tick.n > 20)
		tip.b[0] ^= 1;
	if (!base_hash_equal(&w->history[at], &tip))
		sim_violation(w, SIM_CHECK_1, n,
			      "another tip than others had at tick %llu",
			      (unsigned long long)n->tick.n);
}

void sim_check_look(struct sim_world *w, struct sim_node *n)
{
	struct ds_status_view v;
	bool ticked;

	ds_look(&v, n->ds);
	ticked = v.ticking && (!n->ticking || v.tick.n != n->tick.n);
	n->tick = v.tick;
	n->ticking = v.ticking;
	n->decided = v.decided;
	n->decided_height = v.decided_height.n;
	if (n->mode != v.mode)
		n->mode = v.mode; /* at boot no action says so */
	if (!ticked)
		return;
	w->totals->ticks++;
	sim_say(w, n, "tick %llu %s clean %u, tip %u %02x%02x, final %u",
		(unsigned long long)v.tick.n, sim_mode_name(v.mode),
		v.clean_ticks, v.decided_height.n, v.decided.b[0],
		v.decided.b[1], v.final.height.n);
	sim_trace(w, &v.decided, sizeof(v.decided));
	check_tip(w, n);
}

void sim_check_boot(struct sim_world *w, struct sim_node *n)
{
	struct ds_status_view v;

	ds_look(&v, n->ds);
	n->ticking = false;
	n->mode = v.mode;
	n->active_since = v.mode == DS_ACTIVE ? w->now : SIM_NEVER;
	n->final_height = n->disk.height;
	n->final = n->disk.final.hash;
	memset(n->instance_tick, 0, sizeof(n->instance_tick));
	if (n->vote_epoch != n->committee.vote_epoch) {
		n->vote_epoch = n->committee.vote_epoch;
		memset(n->voted_is, 0, sizeof(n->voted_is));
	}
	if (!base_hash_equal(&v.final.hash, &n->disk.final.hash))
		sim_violation(w, SIM_CHECK_6, n, "starts on another tip");
}

/* ---- 2: a sole honest proposal ---- */

void sim_check_proposed(struct sim_world *w, const struct sim_proposed *p)
{
	w->proposed[w->proposed_count++ % SIM_PROPOSED_MAX] = *p;
	if (!p->timely)
		return;
	sim_at(w,
	       sim_tick_time(w, p->tick + W(w)) + w->skew_ms + w->late_ms + 100,
	       &(struct sim_event){.kind = SIM_EV_CHECK,
				   .other = SIM_CHECK_2,
				   .id = w->proposed_count - 1});
}

static bool is_sole(const struct sim_world *w, const struct sim_proposed *p)
{
	for (uint32_t i = 0; i < SIM_PROPOSED_MAX; i++) {
		const struct sim_proposed *o = &w->proposed[i];

		if (i >= w->proposed_count || o == p ||
		    (o->tick == p->tick && o->sender == p->sender &&
		     base_hash_equal(&o->hash, &p->hash)))
			continue;
		if (o->tick + W(w) >= p->tick && o->tick <= p->tick)
			return false;
	}
	return true;
}

static void check_sole(struct sim_world *w, uint64_t number)
{
	const struct sim_proposed *p = &w->proposed[number % SIM_PROPOSED_MAX];

	/* Its maker may have gone down with it. */
	if (w->proposed_count - number > SIM_PROPOSED_MAX / 2 ||
	    !is_sole(w, p) || !sim_in_step(w, &w->node[p->sender]))
		return;
	for (uint32_t i = 0; i < w->count; i++) {
		struct sim_node *n = &w->node[i];
		struct base_hash tip = n->decided;

		if (!sim_in_step(w, n) || n->paused_until > w->now)
			continue;
		if (judge(w, SIM_CHECK_2))
			tip.b[0] ^= 1;
		if (!base_hash_equal(&tip, &p->hash))
			sim_violation(w, SIM_CHECK_2, n,
				      "%u's block of tick %llu is not decided",
				      p->sender, (unsigned long long)p->tick);
	}
}

/* ---- 3, 4, 11: what a node signs ---- */

static void check_vote(struct sim_world *w, struct sim_node *n,
		       const struct ds_vote *v)
{
	uint32_t h = v->height.n;
	const struct sim_disk *d = &n->disk;
	struct base_hash hash = v->hash;
	bool durable;

	if (h >= SIM_CHAIN_MAX || v->epoch != n->vote_epoch)
		return; /* a vote of an older epoch, sent again */
	durable = d->has_vote && d->vote.height.n == h &&
		  base_hash_equal(&d->vote.hash, &v->hash) &&
		  d->vote_block != SIM_NONE &&
		  base_hash_equal(&w->block[d->vote_block].hash, &v->hash);
	durable |= w->options.break_check == -1;
	if (judge(w, SIM_CHECK_11) && n->tick.n > 20)
		durable = false;
	if (!durable && h > d->height)
		sim_violation(w, SIM_CHECK_11, n,
			      "a vote leaves before it and its block are "
			      "durable");
	if (judge(w, SIM_CHECK_3) && n->voted_is[h])
		hash.b[0] ^= 1;
	if (n->voted_is[h] && !base_hash_equal(&n->voted[h], &hash))
		sim_violation(w, SIM_CHECK_3, n, "two votes at height %u", h);
	n->voted_is[h] = 1;
	n->voted[h] = v->hash;
	/* Votes are sent again; make the canary see the second. */
	if (w->options.break_check == SIM_CHECK_3 &&
	    w->violated == SIM_CHECK_NONE && n->tick.n > 20) {
		struct ds_vote again = *v;

		again.hash.b[0] ^= 1;
		w->options.break_check = -1;
		check_vote(w, n, &again);
	}
}

static void check_own_proposal(struct sim_world *w, struct sim_node *n,
			       const struct ds_proposal *m,
			       const struct base_hash *hash,
			       const struct base_hash *prev)
{
	bool again = n->has_proposed && n->proposed_tick == m->tick.n;
	struct base_hash seen = *hash;

	if (w->committee.certified && !m->has_parent_cert && m->has_body &&
	    !base_hash_equal(prev, &w->genesis_hash))
		sim_violation(w, SIM_CHECK_2, n,
			      "proposes without its parent's certificate");
	if (judge(w, SIM_CHECK_4))
		seen.b[0] ^= again;
	if (!n->disk.has_proposed || n->disk.last_proposed.n < m->tick.n)
		sim_violation(w, SIM_CHECK_11, n,
			      "proposes in tick %llu, which is not reserved",
			      (unsigned long long)m->tick.n);
	if (again && !base_hash_equal(&n->proposed, &seen))
		sim_violation(w, SIM_CHECK_4, n, "two proposals at tick %llu",
			      (unsigned long long)m->tick.n);
	if (again)
		return;
	sim_say(w, n, "proposes at tick %llu", (unsigned long long)m->tick.n);
	n->has_proposed = true;
	n->proposed_tick = m->tick.n;
	n->proposed = *hash;
	sim_check_proposed(w, &(struct sim_proposed){
				      .tick = m->tick.n,
				      .sender = m->sender,
				      .hash = *hash,
				      .prev = *prev,
				      .honest = true,
				      .timely = sim_in_step(w, n),
			      });
	if (w->options.break_check == SIM_CHECK_4 && n->tick.n > 20)
		check_own_proposal(w, n, m, hash, prev);
}

/* ---- 10: sends of one instance ---- */

static void check_instance(struct sim_world *w, struct sim_node *n,
			   const struct ds_action *a)
{
	const struct ds_proposal *m = &a->send.proposal;
	uint64_t slot = m->tick.n % SIM_WINDOW;
	uint32_t steps = 2 * w->members + 2;
	uint32_t sends = 2 * w->members * w->members;

	if (n->instance_tick[slot][m->sender] != m->tick.n + 1) {
		n->instance_tick[slot][m->sender] = m->tick.n + 1;
		n->instance_steps[slot][m->sender] = 0;
		n->instance_sends[slot][m->sender] = 0;
	}
	n->instance_steps[slot][m->sender]++;
	for (uint32_t i = 0; i < w->members; i++) {
		uint32_t peer = sim_peer_of(i);

		n->instance_sends[slot][m->sender] +=
			(uint32_t)(a->send.to.word[peer / 64] >> (peer % 64) &
				   1);
	}
	if (judge(w, SIM_CHECK_10))
		n->instance_steps[slot][m->sender] += steps;
	if (n->instance_steps[slot][m->sender] > steps ||
	    n->instance_sends[slot][m->sender] > sends)
		sim_violation(w, SIM_CHECK_10, n,
			      "%u steps, %u sends in instance (%llu, %u)",
			      n->instance_steps[slot][m->sender],
			      n->instance_sends[slot][m->sender],
			      (unsigned long long)m->tick.n, m->sender);
}

static void check_proposal(struct sim_world *w, struct sim_node *n,
			   const struct ds_action *a)
{
	const struct ds_proposal *m = &a->send.proposal;
	int64_t round = ((int64_t)sim_now(w, n) -
			 (int64_t)sim_tick_time(w, m->tick.n)) /
			SIM_DELTA_MS;
	struct chain_header h;
	struct base_hash hash;

	chain_header_read(&h, m->block);
	chain_header_hash(&hash, &h);
	check_instance(w, n, a);
	if (n->member < 0 || !ds_mask_has(m->mask, (uint32_t)n->member))
		return;
	w->endorsed[w->endorsed_count++ % SIM_SIGNED_MAX] =
		(struct sim_signed){.tick = m->tick.n,
				    .sender = m->sender,
				    .node = (uint8_t)n->index,
				    .round = (int8_t)round,
				    .hash = hash};
	if (m->sender == (uint32_t)n->member)
		check_own_proposal(w, n, m, &hash, &h.prev);
}

/* R3: whoever connects hears our vote, if it may still be needed. */
void sim_check_peer_up(struct sim_world *w, struct sim_node *n, uint32_t peer)
{
	const struct sim_disk *d = &n->disk;

	if (!sim_honest(n) || !d->has_vote || n->mode == DS_HALT ||
	    d->vote.height.n != d->height + 1 || n->op_count > 0 ||
	    d->vote.epoch != n->committee.vote_epoch)
		return;
	if (judge(w, SIM_CHECK_13) ||
	    !(n->vote_to.word[peer / 64] >> (peer % 64) & 1))
		sim_violation(w, SIM_CHECK_13, n,
			      "does not tell its vote to who connects");
}

/* ---- 5: certificates ---- */

static uint32_t faulty_keys(const struct sim_world *w)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < w->members; i++)
		count += !sim_honest(&w->node[i]);
	return count;
}

static bool cert_good(const struct sim_world *w, const struct ds_cert *c)
{
	ds_mask left = c->mask;
	struct chain_check check;

	if (ds_mask_count(left) < w->members - w->committee.f)
		return false;
	ds_hash_vote(&check.sighash, &w->committee, c->epoch, c->height,
		     &c->hash);
	for (uint32_t i = 0; left; i++) {
		memcpy(check.key, w->committee.key[ds_mask_take(&left)],
		       sizeof(check.key));
		memcpy(check.signature,
		       c->signatures + (size_t)i * DS_SIGNATURE_SIZE,
		       sizeof(check.signature));
		if (!sim_verify(w, &check))
			return false;
	}
	return true;
}

/* Two conflicting quorums have n - 2f members in common, who lied. */
static void check_cert(struct sim_world *w, struct sim_node *n,
		       const struct ds_cert *c)
{
	uint32_t h = c->height.n;
	struct base_hash hash = c->hash;

	if (h >= SIM_CHAIN_MAX)
		return;
	if (!cert_good(w, c))
		sim_violation(w, SIM_CHECK_5, n,
			      "a certificate at height %u does not hold", h);
	if (!w->committee.certified ||
	    faulty_keys(w) >= w->members - 2 * w->committee.f)
		return;
	if (judge(w, SIM_CHECK_5) && w->certified_is[h])
		hash.b[0] ^= 1;
	if (w->certified_is[h] && !base_hash_equal(&w->certified[h], &hash))
		sim_violation(w, SIM_CHECK_5, n,
			      "two certificates at height %u", h);
	w->certified_is[h] = 1;
	w->certified[h] = c->hash;
}

/* ---- 6, 8, 12 and the rest: by action ---- */

static void check_final(struct sim_world *w, struct sim_node *n,
			const struct ds_action *a)
{
	uint32_t i = sim_block_find(w, &a->block.hash);
	uint32_t height = a->block.height.n + (judge(w, SIM_CHECK_6) ? 1 : 0);

	w->totals->finals++;
	if (i == SIM_NONE || height != n->final_height + 1 ||
	    !base_hash_equal(&w->block[i].prev, &n->final))
		sim_violation(w, SIM_CHECK_6, n,
			      "final height %u after %u, or another parent",
			      height, n->final_height);
	if (n->disk.height < a->block.height.n)
		sim_violation(w, SIM_CHECK_11, n,
			      "height %u is final before it is on disk",
			      a->block.height.n);
	n->final_height = a->block.height.n;
	n->final = a->block.hash;
	/* The first that came to be after the world had healed: what was left
	 * of before is settled now. */
	if (w->chaos && w->healed && n->bad_until == SIM_NEVER &&
	    n->final_height > w->decided_at_heal && w->now > w->judged_at)
		n->bad_until = w->now + (W(w) + 3) * SIM_DELTA_MS;
}

static void check_mode(struct sim_world *w, struct sim_node *n,
		       const struct ds_action *a)
{
	bool tainted = sim_in_step(w, n) && a->mode.mode == DS_SYNC;

	sim_say(w, n, "%s (%s)", sim_mode_name(a->mode.mode),
		ds_reason_name(a->mode.reason));
	w->totals->reason[a->mode.reason]++;
	if (a->mode.mode == DS_SYNC)
		sim_start_anew(w, n);
	if (judge(w, SIM_CHECK_12) && n->tick.n > 20)
		tainted = true;
	if (tainted)
		sim_violation(w, SIM_CHECK_12, n, "tainted: %s",
			      ds_reason_name(a->mode.reason));
	if (a->mode.mode == DS_HALT) {
		if (faulty_keys(w) < w->members - 2 * w->committee.f)
			sim_violation(w, SIM_CHECK_5, n, "halts");
		w->ended = true; /* the end of this chain, as it should be */
		w->stop = true;
	}
	n->mode = a->mode.mode;
	n->active_since = a->mode.mode == DS_ACTIVE ? w->now : SIM_NEVER;
	if (a->mode.mode != DS_ACTIVE && a->mode.mode != DS_SHADOW)
		n->alarmed_at = w->now;
}

static void check_alert(struct sim_world *w, struct sim_node *n,
			const struct ds_action *a)
{
	sim_say(w, n, "ALERT %s", ds_reason_name(a->alert.reason));
	w->totals->reason[a->alert.reason]++;
	n->alarmed_at = w->now;
	if (a->alert.reason != DS_SPLIT && a->alert.reason != DS_STALL)
		return;
	/* Liars that keep silent let a SPLIT look like a STALL. */
	if (sim_split_at_start(w, n->final_height + 1))
		sim_start_longer(w);
	else if (!w->chaos && sim_in_step(w, n))
		sim_violation(w, SIM_CHECK_13, n, "alerts %s",
			      ds_reason_name(a->alert.reason));
	w->split_height = n->final_height + 1;
}

static void check_ban(struct sim_world *w, struct sim_node *n,
		      const struct ds_action *a)
{
	const struct sim_node *other = &w->node[sim_index_of(a->ban.peer)];
	bool wrong = sim_honest(other) && !n->liar;

	sim_say(w, n, "bans %u", other->index);
	if (judge(w, SIM_CHECK_8))
		wrong = true;
	if (wrong)
		sim_violation(w, SIM_CHECK_8, n, "bans honest %u",
			      other->index);
}

static void check_decided(struct sim_world *w, struct sim_node *n,
			  const struct ds_action *a)
{
	sim_say(w, n, "decides height %u of %u, tick %llu", a->block.height.n,
		a->block.sender, (unsigned long long)a->block.tick.n);
	if (a->block.height.n < SIM_CHAIN_MAX)
		n->decided_at[a->block.height.n] = w->now;
	/* Proposed where nobody was there to hear of it, perhaps. */
	if (a->block.tick.n >= W(w))
		sim_check_proposed(w, &(struct sim_proposed){
					      .tick = a->block.tick.n - W(w),
					      .sender = a->block.sender,
					      .hash = a->block.hash,
				      });
	if (n->liar || a->block.height.n <= w->highest_decided)
		return;
	w->highest_decided = a->block.height.n;
	w->decided++;
	w->totals->decided++;
}

void sim_check_send(struct sim_world *w, struct sim_node *n,
		    const struct ds_action *a)
{
	if (a->send.kind == DS_PROPOSAL)
		check_proposal(w, n, a);
	if (a->send.kind == DS_VOTE && n->member >= 0 &&
	    a->send.vote.voter == (uint32_t)n->member) {
		for (size_t i = 0; i < 2; i++)
			n->vote_to.word[i] |= a->send.to.word[i];
		check_vote(w, n, &a->send.vote);
	}
	if (a->send.kind == DS_CERT)
		check_cert(w, n, &a->send.cert);
}

/* Of those that are not judged, too: an honest one was not the sole one. */
static void note_proposal(struct sim_world *w, const struct sim_node *n,
			  const struct ds_action *a)
{
	const struct ds_proposal *m = &a->send.proposal;
	struct sim_proposed p;
	struct chain_header h;

	if (a->kind != DS_ACT_SEND || a->send.kind != DS_PROPOSAL ||
	    (int)m->sender != n->member)
		return;
	p = (struct sim_proposed){.tick = m->tick.n, .sender = m->sender};
	chain_header_read(&h, m->block);
	chain_header_hash(&p.hash, &h);
	p.prev = h.prev;
	sim_check_proposed(w, &p);
}

void sim_check_action(struct sim_world *w, struct sim_node *n,
		      const struct ds_action *a)
{
	if (a->kind == DS_ACT_DECIDED)
		check_decided(w, n, a);
	if (!sim_honest(n)) {
		note_proposal(w, n, a);
		return;
	}
	switch (a->kind) {
	case DS_ACT_SEND:
		sim_check_send(w, n, a);
		break;
	case DS_ACT_PERSIST:
		if (a->persist.kind == DS_PERSIST_FINAL && a->persist.cert.mask)
			check_cert(w, n, &a->persist.cert);
		break;
	case DS_ACT_FINAL:
		sim_say(w, n, "final height %u", a->block.height.n);
		check_final(w, n, a);
		break;
	case DS_ACT_MODE:
		check_mode(w, n, a);
		break;
	case DS_ACT_ALERT:
		check_alert(w, n, a);
		break;
	case DS_ACT_BAN:
		check_ban(w, n, a);
		break;
	case DS_ACT_DROPPED:
		sim_say(w, n, "drops its own block");
		break;
	default:
		break;
	}
}

/* ---- 7, 13: appointments after the world has healed ---- */

static bool is_ancestor(const struct sim_world *w, const struct base_hash *a,
			const struct base_hash *of)
{
	struct base_hash at = *of;

	for (uint32_t i = 0; i < SIM_CHAIN_MAX; i++) {
		uint32_t b = sim_block_find(w, &at);

		if (base_hash_equal(&at, a))
			return true;
		if (b == SIM_NONE || b == 0)
			return false;
		at = w->block[b].prev;
	}
	return false;
}

static bool conflict(const struct sim_world *w, const struct sim_node *a,
		     const struct sim_node *b)
{
	return !is_ancestor(w, &a->decided, &b->decided) &&
	       !is_ancestor(w, &b->decided, &a->decided);
}

/* When the two came apart: the first decision at the first height at which
 * they differ. */
static uint64_t apart_since(const struct sim_world *w, const struct sim_node *a,
			    const struct sim_node *b)
{
	struct base_hash at = a->decided;
	uint32_t h = a->decided_height;
	uint32_t i = sim_block_find(w, &at);

	while (h > 0 && i != SIM_NONE &&
	       !is_ancestor(w, &w->block[i].prev, &b->decided)) {
		at = w->block[i].prev;
		i = sim_block_find(w, &at);
		h--;
	}
	return a->decided_at[h] < b->decided_at[h] ? a->decided_at[h]
						   : b->decided_at[h];
}

/* Both went on as if nothing had happened, W + 4 ticks after healing. */
static void check_divergence(struct sim_world *w)
{
	for (uint32_t i = 0; i < w->members * w->members; i++) {
		struct sim_node *a = &w->node[i / w->members];
		struct sim_node *b = &w->node[i % w->members];
		uint64_t since;

		if (a == b || !sim_honest(a) || !sim_honest(b) || !a->up ||
		    !b->up || a->mode != DS_ACTIVE || b->mode != DS_ACTIVE)
			continue;
		if (judge(w, SIM_CHECK_7))
			sim_violation(w, SIM_CHECK_7, a, "a canary");
		if (!conflict(w, a, b))
			continue;
		since = apart_since(w, a, b);
		if (since + (W(w) + 5) * SIM_DELTA_MS < w->now &&
		    a->alarmed_at < since && b->alarmed_at < since)
			sim_violation(w, SIM_CHECK_7, a,
				      "differs from %u, and neither says so",
				      b->index);
	}
}

/* What a quorum of honest members voted for must have become final: votes
 * that were lost are sent again. */
static void check_votes_count(struct sim_world *w)
{
	for (uint32_t i = 0; i < w->members; i++) {
		const struct sim_disk *d = &w->node[i].disk;
		uint32_t votes = 0;

		for (uint32_t k = 0; k < w->members; k++) {
			const struct sim_disk *o = &w->node[k].disk;

			votes += sim_honest(&w->node[k]) && o->has_vote &&
				 o->vote_at + 4 * SIM_DELTA_MS < w->now &&
				 o->vote.epoch == w->committee.vote_epoch &&
				 o->vote.height.n == d->vote.height.n &&
				 base_hash_equal(&o->vote.hash, &d->vote.hash);
		}
		if (sim_honest(&w->node[i]) && d->has_vote &&
		    votes >= w->committee.quorum &&
		    d->height < d->vote.height.n)
			sim_violation(w, SIM_CHECK_13, &w->node[i],
				      "%u honest votes for height %u make no "
				      "certificate",
				      votes, d->vote.height.n);
	}
}

/* Two final chains: a violation, unless so many keys have lied that it can
 * happen; then the seed is over, for people must decide. */
static bool check_forked(struct sim_world *w)
{
	const struct sim_node *a = NULL;

	for (uint32_t i = 0; i < w->members && !w->violated; i++) {
		struct sim_node *b = &w->node[i];
		uint32_t h;

		if (!sim_honest(b))
			continue;
		a = a ? a : b;
		h = a->disk.height < b->disk.height ? a->disk.height
						    : b->disk.height;
		if (a->disk.block[h] == b->disk.block[h])
			continue;
		w->ended = true;
		w->stop = true;
		if (faulty_keys(w) < w->members - 2 * w->committee.f)
			sim_violation(w, SIM_CHECK_5, b,
				      "another final chain than %u", a->index);
	}
	return w->stop;
}

static void check_resumed(struct sim_world *w)
{
	if (sim_starting(w) || (w->committee.certified && check_forked(w)))
		return;
	if (w->committee.certified)
		check_votes_count(w);
	if (sim_people_needed(w)) {
		sim_people_recover(w);
		return;
	}
	for (uint32_t i = 0; i < w->members; i++) {
		struct sim_node *n = &w->node[i];
		bool active = n->up && n->mode == DS_ACTIVE;

		/* A victim has an appointment of its own. */
		if (!sim_honest(n) || (!w->chaos && n->bad_until > w->now))
			continue;
		if (judge(w, SIM_CHECK_13))
			active = false;
		if (active)
			continue;
		/* Who comes back counts as faulty for as long as it takes. */
		if (w->options.break_check != SIM_CHECK_13 &&
		    w->postponed++ < POSTPONED_MAX) {
			sim_expect_progress(w);
			return;
		}
		sim_violation(w, SIM_CHECK_13, n,
			      "is in %s, 2W + 6 ticks after the last fault",
			      sim_mode_name(n->mode));
	}
}

/* It has the tip that those have who were never away. */
static bool common_tip(const struct sim_world *w, const struct sim_node *n)
{
	for (uint32_t i = 0; i < w->members; i++)
		if (!w->node[i].victim && sim_honest(&w->node[i]) &&
		    !base_hash_equal(&w->node[i].decided, &n->decided))
			return false;
	return true;
}

/* A victim's fault has ended long ago. */
static void check_rejoined(struct sim_world *w, struct sim_node *n)
{
	if (w->chaos || n->bad_until == SIM_NEVER)
		return;
	if (w->now < n->bad_until) { /* it was given longer */
		sim_at(w, n->bad_until + 1,
		       &(struct sim_event){.kind = SIM_EV_CHECK,
					   .node = (uint8_t)n->index,
					   .other = SIM_CHECK_13,
					   .id = 1});
		return;
	}
	/* Without certificates people try again, until no block is on its
	 * way while the node comes up. */
	if (!w->committee.certified &&
	    (n->mode != DS_ACTIVE || !common_tip(w, n))) {
		sim_people_restart(w, n);
		sim_excuse(w, n);
		return;
	}
	/* So far behind that it still catches up. */
	if (n->mode != DS_ACTIVE && n->disk.height != n->height_then) {
		n->height_then = n->disk.height;
		sim_excuse(w, n);
		return;
	}
	if (judge(w, SIM_CHECK_13) || !n->up || n->mode != DS_ACTIVE)
		sim_violation(w, SIM_CHECK_13, n,
			      "is in %s long after its fault",
			      sim_mode_name(n->mode));
}

void sim_check_appointment(struct sim_world *w, const struct sim_event *e)
{
	if (e->other == SIM_CHECK_2)
		check_sole(w, e->id);
	else if (e->other == SIM_CHECK_7)
		check_divergence(w);
	else if (e->other == SIM_CHECK_13 && e->id == 0)
		check_resumed(w);
	else if (e->other == SIM_CHECK_13)
		check_rejoined(w, &w->node[e->node]);
}

void sim_check_end(struct sim_world *w)
{
	for (uint32_t i = 0; i < w->count; i++) {
		struct sim_node *n = &w->node[i];

		if (!sim_honest(n) || w->violated)
			continue;
		if (w->committee.certified)
			(void)check_forked(w);
		if (w->options.break_check == SIM_CHECK_15)
			n->disk.coins.count++;
		sim_ledger_check(w, n);
	}
}
