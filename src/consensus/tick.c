/* SPDX-License-Identifier: MIT */
/* R2: what happens at a tick, in the order of its letters. */
#include "consensus/internal.h"

const struct ds_hist *ds_hist_at(const struct ds *ds, struct base_tick k)
{
	const struct ds_hist *h = &ds->hist[k.n % ds->history];

	return h->used && h->tick.n == k.n ? h : NULL;
}

static void remember_tip(struct ds *ds, struct base_tick k)
{
	struct ds_hist *h = &ds->hist[k.n % ds->history];

	*h = (struct ds_hist){.used = true, .tick = k, .at = *ds_tip(ds)};
}

/* The context after a block that is known here. */
static bool context_after(struct chain_context *out, const struct ds *ds,
			  const struct base_hash *hash)
{
	int body = ds_body_find(ds, hash);

	if (base_hash_equal(&ds->final.hash, hash)) {
		*out = ds->final;
		return true;
	}
	for (uint32_t i = 0; i < ds->history; i++)
		if (ds->hist[i].used &&
		    base_hash_equal(&ds->hist[i].at.hash, hash)) {
			*out = ds->hist[i].at;
			return true;
		}
	if (body == DS_NO_INDEX ||
	    !base_hash_equal(&ds->body[body].info.header.prev, &ds->final.hash))
		return false;
	*out = ds->final;
	chain_context_append(out, ds->p, &ds->body[body].info.header);
	return true;
}

/* R2.d: who has no say in what the tip is takes the committee's word. */
static void correct_history(struct ds *ds, struct base_tick k)
{
	struct ds_hist *h = &ds->hist[k.n % ds->history];
	const struct base_hash *tip = ds_beats_tip(ds, k);
	struct chain_context at;

	if (ds->mode == DS_ACTIVE || !h->used || h->tick.n != k.n || !tip ||
	    base_hash_equal(tip, &h->at.hash))
		return;
	if (context_after(&at, ds, tip)) {
		DS_RULE(R2_d);
		h->at = at;
	} else if (!ds->c->certified) {
		/* No certificate will tell that I am behind. */
		ds_taint(ds, DS_BEHIND);
	}
}

static bool lower_hash(const struct base_hash *a, const struct base_hash *b)
{
	const struct base_u256 x = base_u256_from_hash(a);
	const struct base_u256 y = base_u256_from_hash(b);

	return base_u256_compare(&x, &y) < 0;
}

/* The only value of an instance, where it extends the tip. */
static const struct ds_slot *candidate(struct ds *ds, struct base_tick tick,
				       uint32_t sender)
{
	struct ds_instance *in =
		&ds->instance[tick.n % ds->history * ds->c->n + sender];
	const struct ds_body *b;

	if (!in->used || in->tick.n != tick.n || in->extracted != 1)
		return NULL;
	b = &ds->body[in->slot[0].body];
	if (!base_hash_equal(&b->info.header.prev, &ds_tip(ds)->hash) ||
	    b->info.height.n != ds_tip(ds)->height.n + 1)
		return NULL;
	return &in->slot[0];
}

/*~ 9. After the last round all honest members hold the same values: a lone one
 * is decided. */
static void decide(struct ds *ds, const struct ds_slot *won, uint8_t sender,
		   struct base_tick k)
{
	struct ds_decided *d = &ds->decided;
	struct ds_action *a = ds_act(ds, DS_ACT_DECIDED);

	/* Its parent is final: nothing else is extracted. */
	BASE_ASSERT(!d->set);
	d->set = true;
	d->body = won->body;
	ds_body_hold(ds, d->body);
	d->after = ds->final;
	chain_context_append(&d->after, ds->p, &ds->body[d->body].info.header);
	d->at = k;
	d->stalled = false;
	ds->own.has_last = false;
	ds->template_said = false;
	a->block.height = d->after.height;
	a->block.hash = d->after.hash;
	a->block.sender = sender;
	a->block.tick = k;
	if (!ds->c->certified && ds->mode == DS_ACTIVE)
		ds_finalise(ds, &d->after.hash, NULL);
}

/* Without certificates nothing corrects who follows only. It is one of the f
 * who may be wrong, so f other members that name what it decided have one
 * among them who is right; a follower needs one more. While they do not, it
 * judges no proposal, and its ticks are not clean. */
static void confirm_shadow(struct ds *ds, struct base_tick k)
{
	const struct base_tick before = {k.n - 1};
	const struct ds_beats *b = ds_beats_at(ds, before);
	const struct base_hash *mine = &ds->decided.after.hash;
	const struct base_hash *tip;

	if (ds->c->certified || ds->mode == DS_ACTIVE || !ds->decided.set ||
	    ds->next.set || ds->decided.at.n >= k.n)
		return;
	if (ds_beats_naming(ds, before, mine) + ds_is_member(ds) > ds->c->f) {
		ds_finalise(ds, mine, NULL);
		return;
	}
	ds->clean = 0;
	tip = b ? ds_common_tip(ds, b, b->active) : NULL;
	if (tip && !base_hash_equal(tip, mine))
		ds_drop_decided(ds);
}

/* R2.e: decided since I follow the rounds, ACTIVE by now, not voted yet. */
static void vote_for_decided(struct ds *ds)
{
	const struct ds_decided *d = &ds->decided;

	if (!d->set || ds->mode != DS_ACTIVE || !ds->c->certified ||
	    d->at.n - ds->c->rounds <= ds->shadow.n)
		return;
	DS_RULE(R2_e);
	ds_vote_for(ds, d->body);
}

/* R2.c */
static void resolve(struct ds *ds, struct base_tick k)
{
	uint32_t rounds = ds->c->rounds - (DS_MUTANT(F_ROUNDS) ? 1 : 0);
	struct base_tick tick = {k.n - rounds};
	const struct ds_slot *won = NULL;
	uint8_t sender = 0;

	/* With certificates, these alone move who is no member. */
	if (k.n < rounds || ds->mode == DS_SYNC || !ds->has_shadow ||
	    tick.n <= ds->shadow.n || (ds->c->certified && !ds_is_member(ds)))
		return;
	for (uint32_t s = 0; s < ds->c->n; s++) {
		const struct ds_slot *c = candidate(ds, tick, s);

		if (!c || (won && !lower_hash(&c->hash, &won->hash)))
			continue;
		won = c;
		sender = (uint8_t)s;
	}
	if (!won)
		return;
	DS_RULE(R2_c);
	decide(ds, won, sender, k);
}

static bool certified_tip(const struct ds *ds)
{
	return !ds->decided.set && !ds->next.set;
}

/* The own block extends the tip and may still be proposed. */
static bool own_fits(const struct ds *ds)
{
	const struct ds_own *o = &ds->own;
	const struct ds_body *b;

	if (!o->set || ds->mode != DS_ACTIVE || !certified_tip(ds))
		return false;
	b = &ds->body[o->body];
	return base_hash_equal(&b->info.header.prev, &ds_tip(ds)->hash) &&
	       !(o->has_last && base_hash_equal(&o->last, &b->hash));
}

static void drop_own(struct ds *ds, bool say)
{
	struct ds_own *o = &ds->own;
	const struct ds_body *b = &ds->body[o->body];

	if (say) {
		struct ds_action *a = ds_act(ds, DS_ACT_DROPPED);

		a->block.height = b->info.height;
		a->block.hash = b->hash;
	}
	ds_body_drop(ds, o->body);
	o->body = DS_NO_INDEX;
	o->set = false;
}

/* Asks the store for the right to propose in the next tick. */
void ds_reserve_tick(struct ds *ds)
{
	struct ds_own *o = &ds->own;
	struct base_tick next = {ds->tick.n + 1};
	struct ds_action *a;

	if (!ds->ticking || !own_fits(ds) || o->reserving ||
	    (o->has_last_tick && o->last_tick.n >= next.n))
		return;
	o->reserving = true;
	o->has_reserved = false;
	o->reserved = next;
	o->last_tick = next;
	o->has_last_tick = true;
	o->id = ds_new_id(ds);
	a = ds_act(ds, DS_ACT_PERSIST);
	a->persist.id = o->id;
	a->persist.kind = DS_PERSIST_PROPOSED;
	a->persist.tick = next;
}

/*~ 6. R2.g: at its tick the own block is signed and sent, the first of f + 1
 * rounds (proposal.c). */
static void propose_own(struct ds *ds, struct base_tick k)
{
	const struct base_tick before = {k.n - 1};
	const struct ds_hist *hist = k.n > 0 ? ds_hist_at(ds, before) : NULL;
	struct ds_own *o = &ds->own;
	const struct ds_body *b;

	if (!o->set)
		return;
	b = &ds->body[o->body];
	if (!base_hash_equal(&b->info.header.prev, &ds_tip(ds)->hash)) {
		drop_own(ds, true);
		return;
	}
	if (own_fits(ds) && o->has_reserved && o->reserved.n == k.n && hist &&
	    base_hash_equal(&hist->at.hash, &ds_tip(ds)->hash) &&
	    chain_time_in_window(b->info.header.time, ds_tick_ms(ds->c, k)) &&
	    ds_body_judge(ds, o->body)) {
		if (b->good) {
			DS_RULE(R2_g);
			ds_propose(ds, k);
			o->has_last = true;
			o->last = b->hash;
		}
		drop_own(ds, !b->good);
		return;
	}
	ds_reserve_tick(ds);
}

void ds_own_block(struct ds *ds, uint64_t now, const uint8_t *block, size_t len)
{
	struct ds_own *o = &ds->own;
	int body;

	ds_advance(ds, now);
	if (!ds_is_member(ds) || ds->mode == DS_HALT)
		return;
	body = ds_body_add(ds, block, len);
	if (body < 0)
		return;
	if (o->set)
		drop_own(ds, false);
	o->set = true;
	o->body = body;
	if (!own_fits(ds)) {
		drop_own(ds, true);
		return;
	}
	(void)ds_body_judge(ds, body);
	ds_reserve_tick(ds);
}

/* R2.h */
void ds_publish_template(struct ds *ds)
{
	if (ds->template_said)
		return;
	if (certified_tip(ds)) {
		DS_RULE(R2_h);
		ds_act(ds, DS_ACT_TEMPLATE)->template = &ds->final;
		ds->template_said = true;
		ds->pause_said = false;
	} else if (!ds->pause_said) {
		(void)ds_act(ds, DS_ACT_TEMPLATE);
		ds->pause_said = true;
	}
}

/* R2.i; and R3: who came back meanwhile has not heard the votes, and perhaps
 * those behind it have not either. */
static void watch_stall(struct ds *ds, struct base_tick k)
{
	struct ds_decided *d = &ds->decided;
	const uint64_t since = d->set ? k.n - d->at.n : 0;

	if (since > 0 && since % (ds->c->rounds + 2) == 0 &&
	    ds_is_newest(ds, k)) {
		struct ds_peers all;

		ds_peers_all(&all, ds, DS_NOBODY);
		ds_votes_send_all(ds, &all);
	}
	if (!d->set || d->stalled || since < 2 * ds->c->rounds + 4)
		return;
	DS_RULE(R2_i);
	d->stalled = true;
	ds_alert(ds, DS_STALL, 0);
}

/* R2.j */
static void free_instances(struct ds *ds, struct base_tick k)
{
	for (uint32_t i = 0; i < ds->history * ds->c->n; i++) {
		struct ds_instance *in = &ds->instance[i];

		if (!in->used || in->tick.n + ds->c->rounds + 2 >= k.n)
			continue;
		DS_RULE(R2_j);
		ds_instance_free(ds, in);
	}
}

/* R3: a member that says in its beats that it has not got my certificate,
 * long after I have, gets it once more: the first may have been lost, and
 * nobody answers votes for what is final. */
static void help_those_behind(struct ds *ds, struct base_tick k)
{
	const uint64_t patience = ds->c->rounds + 2;
	const struct ds_held_cert *cert = ds_cert_of(ds, &ds->final.hash);
	const struct ds_beats *b;

	if (!cert || k.n == 0 || k.n < ds->final_at.n + patience ||
	    k.n % patience != 0 || !ds_is_newest(ds, k) || ds->mode == DS_HALT)
		return;
	b = ds_beats_at(ds, (struct base_tick){k.n - 1});
	for (uint32_t i = 0; b && i < DS_PEERS_MAX; i++) {
		const struct ds_peer *p = &ds->peer[i];

		if (!p->up || p->member < 0 ||
		    !ds_mask_has(b->heard, (uint32_t)p->member) ||
		    b->final[p->member] >= ds->final.height.n)
			continue;
		DS_RULE(R3_HELP);
		ds_cert_send_again(ds, cert, i);
	}
}

/* R2.a and b: is this machine, and is the network, in time? */
static void watch_time(struct ds *ds, struct base_tick k)
{
	const uint64_t late = ds->now - ds_tick_ms(ds->c, k);

	if (ds->mode == DS_SYNC)
		return;
	if (ds->c->n > 1 && late > ds->c->delta_ms / 4) {
		DS_RULE(R2_a);
		ds_taint(ds, DS_LATE);
		return;
	}
	if (!ds_beats_suffice(ds, k)) {
		DS_RULE(R2_b);
		ds_taint(ds, DS_BEATS);
	}
}

void ds_run_tick(struct ds *ds, struct base_tick k)
{
	watch_time(ds, k);
	if (k.n > 0) {
		ds_judge_beats(ds, (struct base_tick){k.n - 1});
		correct_history(ds, (struct base_tick){k.n - 1});
	}
	resolve(ds, k);
	remember_tip(ds, k);
	if (k.n > 0)
		confirm_shadow(ds, k);
	ds_mode_tick(ds, k);
	vote_for_decided(ds);
	if (ds_is_member(ds)) {
		DS_RULE(R2_f);
		ds_send_beat(ds, k);
		propose_own(ds, k);
	}
	ds_publish_template(ds);
	watch_stall(ds, k);
	help_those_behind(ds, k);
	free_instances(ds, k);
	ds_catchup_tick(ds);
	ds_finalise_step(ds);
	ds_votes_step(ds);
	ds_proposals_step(ds);
}
