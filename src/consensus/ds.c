/* SPDX-License-Identifier: MIT */
#include "consensus/internal.h"

#define ALIGN 64

static const char *const reason_name[DS_REASONS] = {
	[DS_REASON_NONE] = "",	    [DS_LATE] = "LATE",
	[DS_BEATS] = "BEATS",	    [DS_D1] = "D1",
	[DS_DIVERGED] = "DIVERGED", [DS_OVERRULED] = "OVERRULED",
	[DS_BEHIND] = "BEHIND",	    [DS_ANOMALY] = "ANOMALY",
	[DS_STORAGE] = "STORAGE",   [DS_STALL] = "STALL",
	[DS_SPLIT] = "SPLIT",	    [DS_SKEW] = "SKEW",
	[DS_FORK] = "FORK",	    [DS_CONFLICT] = "CONFLICT",
};

const char *ds_reason_name(enum ds_reason reason)
{
	BASE_ASSERT(reason < DS_REASONS);
	return reason_name[reason];
}

/*
 * Actions: a ring of fixed depth. An input makes far fewer than fit: some for
 * each pending message, a dozen for each tick, and one for each peer and vote
 * at the newest tick.
 */
_Static_assert(4 * DS_PENDING_MAX + 24 * DS_HISTORY_MAX + 3 * DS_PEERS_MAX +
			       4 * DS_MEMBERS_MAX <=
		       DS_ACTIONS_MAX,
	       "the actions of one input");
_Static_assert(DS_ARENA_BYTES >= (2 * DS_PENDING_MAX + 64) * DS_MEMBERS_MAX *
					 DS_SIGNATURE_SIZE,
	       "the signatures of one input");

struct ds_action *ds_act(struct ds *ds, enum ds_action_kind kind)
{
	struct ds_action *a;

	BASE_ASSERT(ds->action_count < DS_ACTIONS_MAX);
	a = &ds->action[(ds->action_first + ds->action_count) % DS_ACTIONS_MAX];
	ds->action_count++;
	memset(a, 0, sizeof(*a));
	a->kind = kind;
	return a;
}

bool ds_next(struct ds *ds, struct ds_action *out)
{
	if (ds->action_count == 0)
		return false;
	*out = ds->action[ds->action_first];
	ds->action_first = (ds->action_first + 1) % DS_ACTIONS_MAX;
	ds->action_count--;
	return true;
}

const uint8_t *ds_snapshot(struct ds *ds, const uint8_t *signatures,
			   uint32_t count)
{
	uint8_t *out = ds->arena + ds->arena_used;
	const uint32_t size = count * DS_SIGNATURE_SIZE;

	BASE_ASSERT(size <= DS_ARENA_BYTES - ds->arena_used);
	memcpy(out, signatures, size);
	ds->arena_used += size;
	return out;
}

uint64_t ds_new_id(struct ds *ds)
{
	return ++ds->next_id;
}

void ds_ban(struct ds *ds, uint32_t peer)
{
	if (peer == DS_NOBODY || !ds->peer[peer].up)
		return;
	ds_act(ds, DS_ACT_BAN)->ban.peer = peer;
}

void ds_alert(struct ds *ds, enum ds_reason reason, uint8_t member)
{
	struct ds_action *a = ds_act(ds, DS_ACT_ALERT);

	a->alert.reason = reason;
	a->alert.member = member;
	ds->counter[reason]++;
}

void ds_ask(struct ds *ds, enum ds_need_kind kind, uint32_t peer,
	    const struct base_hash *hash)
{
	struct ds_action *a;

	if (peer == DS_NOBODY || !ds->peer[peer].up)
		return;
	a = ds_act(ds, DS_ACT_NEED);
	a->need.kind = kind;
	a->need.peer = peer;
	a->need.hash = *hash;
}
static uint32_t peer_among(const struct ds *ds, ds_mask members)
{
	for (uint32_t i = 0; i < DS_PEERS_MAX; i++)
		if (ds->peer[i].up && ds->peer[i].member >= 0 &&
		    ds_mask_has(members, (uint32_t)ds->peer[i].member))
			return i;
	return ds_another_peer(ds, 0);
}

void ds_ask_again(struct ds *ds, ds_mask holders, const struct base_hash *hash)
{
	const bool again = base_hash_equal(&ds->asked_hash, hash);

	if (again && ds->now < ds->asked_ms + ds->c->delta_ms / 4)
		return;
	ds->asked_last = again ? ds_another_peer(ds, ds->asked_last)
			       : peer_among(ds, holders);
	ds->asked_hash = *hash;
	ds->asked_ms = ds->now;
	ds_ask(ds, DS_NEED_BLOCK, ds->asked_last, hash);
}

void ds_peers_all(struct ds_peers *out, const struct ds *ds, uint32_t except)
{
	*out = (struct ds_peers){{0}};
	for (uint32_t i = 0; i < DS_PEERS_MAX; i++)
		if (ds->peer[i].up && i != except)
			ds_peers_add(out, i);
}

struct ds_pending *ds_pend(struct ds *ds, uint32_t peer,
			   enum ds_message_kind kind)
{
	if (peer != DS_NOBODY && ds->peer[peer].pending >= DS_PENDING_PER_PEER)
		return NULL;
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++) {
		struct ds_pending *m = &ds->pending[i];

		if (m->used)
			continue;
		m->used = true;
		m->peer = peer;
		m->kind = kind;
		m->waits = 0;
		m->id = 0;
		m->bad_sigs = false;
		m->asked = false;
		m->body = DS_NO_INDEX;
		if (peer != DS_NOBODY)
			ds->peer[peer].pending++;
		return m;
	}
	return NULL;
}

bool ds_verifying(const struct ds *ds, enum ds_message_kind kind,
		  const struct base_hash *hash, const uint8_t *signature)
{
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++) {
		const struct ds_pending *m = &ds->pending[i];

		if (m->used && m->kind == kind &&
		    memcmp(m->signature, signature, DS_SIGNATURE_SIZE) == 0 &&
		    base_hash_equal(&m->check[0].sighash, hash))
			return true;
	}
	return false;
}

void ds_unpend(struct ds *ds, struct ds_pending *m)
{
	if (m->body != DS_NO_INDEX)
		ds_body_drop(ds, m->body);
	if (m->peer != DS_NOBODY)
		ds->peer[m->peer].pending--;
	m->used = false;
}

void ds_verify(struct ds *ds, struct ds_pending *m, uint32_t count)
{
	struct ds_action *a = ds_act(ds, DS_ACT_VERIFY);

	m->id = ds_new_id(ds);
	m->waits |= DS_WAIT_SIGS;
	a->verify.id = m->id;
	a->verify.check = m->check;
	a->verify.count = count;
}

static void verified(struct ds *ds, struct ds_pending *m, bool good)
{
	m->waits &= ~DS_WAIT_SIGS;
	m->id = 0;
	if (!good) {
		DS_RULE(R1_5);
		ds_ban(ds, m->peer);
		ds_unpend(ds, m);
		return;
	}
	switch (m->kind) {
	case DS_PROPOSAL:
		ds_proposal_step(ds, m);
		return;
	case DS_VOTE:
		ds_vote_good(ds, m);
		break;
	case DS_BEAT:
		ds_beat_good(ds, m);
		break;
	case DS_EVID:
		ds_evidence_good(ds, m);
		break;
	case DS_CERT:
		ds_cert_good(ds, m->peer, &m->cert, m->asked);
		break;
	}
	ds_unpend(ds, m);
}

/* R0: every tick that is due, in order, before anything else. Ticks that
 * were slept through one by one would be a long way: they are late, which
 * taints, and what they would have done is void. */
void ds_advance(struct ds *ds, uint64_t now)
{
	struct base_tick k;

	BASE_ASSERT(now >= ds->now);
	ds->now = now;
	if (ds->action_count == 0) {
		ds->arena_used = 0;
		ds_bodies_let_go(ds);
	}
	if (ds->mode == DS_HALT || !ds_tick_at(&k, ds->c, now))
		return;
	if (!ds->ticking) {
		ds->ticking = true;
		ds->tick = k;
		ds_run_tick(ds, k);
		return;
	}
	if (k.n > ds->tick.n + 2 * ds->history) {
		ds_taint(ds, DS_LATE);
		ds->tick.n = k.n - ds->history;
	}
	while (ds->tick.n < k.n && ds->mode != DS_HALT) {
		ds->tick.n++;
		DS_RULE(R0);
		ds_run_tick(ds, ds->tick);
	}
}

uint64_t ds_next_tick_ms(const struct ds *ds)
{
	struct base_tick next = {ds->ticking ? ds->tick.n + 1 : 0};

	return ds->mode == DS_HALT ? UINT64_MAX : ds_tick_ms(ds->c, next);
}

static void dispatch(struct ds *ds, uint32_t peer, enum ds_message_kind kind,
		     const uint8_t *data, size_t len)
{
	union {
		struct ds_proposal proposal;
		struct ds_vote vote;
		struct ds_cert cert;
		struct ds_beat beat;
		struct ds_evidence evidence;
	} m;
	int rc = -1;

	switch (kind) {
	case DS_PROPOSAL:
		rc = ds_proposal_read(&m.proposal, ds->c,
				      ds->p->max_block_bytes, data, len);
		if (rc == 0)
			ds_on_proposal(ds, peer, &m.proposal);
		break;
	case DS_VOTE:
		rc = ds_vote_read(&m.vote, ds->c, data, len);
		if (rc == 0)
			ds_on_vote(ds, peer, &m.vote);
		break;
	case DS_CERT:
		rc = ds_cert_read(&m.cert, ds->c, data, len);
		if (rc == 0)
			ds_on_cert(ds, peer, &m.cert, false);
		break;
	case DS_BEAT:
		rc = ds_beat_read(&m.beat, ds->c, data, len);
		if (rc == 0)
			ds_on_beat(ds, peer, &m.beat);
		break;
	case DS_EVID:
		rc = ds_evidence_read(&m.evidence, ds->c, data, len);
		if (rc == 0)
			ds_on_evidence(ds, peer, &m.evidence);
		break;
	}
	if (rc < 0) {
		DS_RULE(R1_1);
		ds_ban(ds, peer);
	}
}

void ds_message(struct ds *ds, uint64_t now, uint32_t peer,
		enum ds_message_kind kind, const uint8_t *data, size_t len)
{
	ds_advance(ds, now);
	BASE_ASSERT(peer < DS_PEERS_MAX);
	if (!ds->peer[peer].up)
		return;
	/* R4: a halted node says what it knows and hears nothing. */
	if (ds->mode != DS_HALT)
		dispatch(ds, peer, kind, data, len);
}

void ds_verified(struct ds *ds, uint64_t now, uint64_t id, bool good)
{
	ds_advance(ds, now);
	if (ds->mode == DS_HALT)
		return;
	if (ds_body_judged(ds, id, good)) {
		ds_finalise_step(ds);
		ds_votes_step(ds);
		ds_proposals_step(ds);
		return;
	}
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++) {
		struct ds_pending *m = &ds->pending[i];

		if (m->used && m->id == id) {
			verified(ds, m, good);
			return;
		}
	}
}

void ds_persisted(struct ds *ds, uint64_t now, uint64_t id, bool done)
{
	ds_advance(ds, now);
	if (ds->next.out && ds->next.id == id) {
		ds_final_persisted(ds, done);
		return;
	}
	if (ds->vote.out && ds->vote.id == id) {
		ds_vote_persisted(ds, done);
		return;
	}
	if (ds->own.reserving && ds->own.id == id) {
		ds->own.reserving = false;
		if (!done) {
			ds_taint(ds, DS_STORAGE);
			return;
		}
		ds->own.has_reserved = true;
	}
}

void ds_clock_anomaly(struct ds *ds, uint64_t now)
{
	ds_advance(ds, now);
	ds_taint(ds, DS_ANOMALY);
}

void ds_peer_up(struct ds *ds, uint64_t now, uint32_t peer, int member)
{
	struct ds_peer *p = &ds->peer[peer];
	const struct ds_held_cert *cert;
	struct ds_peers only = {{0}};
	struct ds_action *a;

	BASE_ASSERT(peer < DS_PEERS_MAX && !p->up);
	BASE_ASSERT(member < (int)ds->c->n);
	ds_advance(ds, now);
	memset(p, 0, sizeof(*p));
	p->up = true;
	p->member = member;
	if (ds->mode == DS_HALT) /* R4: what it held for final is in doubt */
		return;
	ds_peers_add(&only, peer);
	cert = ds_cert_of(ds, &ds->final.hash);
	if (cert)
		ds_cert_send_again(ds, cert, peer);
	if (!DS_MUTANT(NO_RESEND))
		ds_votes_send_all(ds, &only);
	if (ds->catchup.phase == DS_CATCH_STATUS) {
		a = ds_act(ds, DS_ACT_NEED);
		a->need.kind = DS_NEED_STATUS;
		a->need.peer = peer;
	}
}

void ds_peer_down(struct ds *ds, uint64_t now, uint32_t peer)
{
	BASE_ASSERT(peer < DS_PEERS_MAX);
	ds_advance(ds, now);
	ds->peer[peer].up = false;
	if (ds->asked_last == peer)
		ds->asked_ms = 0;
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++) {
		struct ds_pending *m = &ds->pending[i];

		if (m->used && m->peer == peer)
			m->peer = DS_NOBODY;
	}
	for (uint32_t i = 0; i < ds->history * ds->c->n; i++)
		for (uint32_t s = 0; s < DS_SLOTS; s++)
			if (ds->instance[i].used)
				ds->instance[i].slot[s].carried[peer] = 0;
	/* What it was asked for, another may have. */
	ds_finalise_step(ds);
}

void ds_have(struct ds *ds, uint64_t now, uint32_t peer,
	     const struct base_hash *hash)
{
	struct ds_peer *p = &ds->peer[peer];

	BASE_ASSERT(peer < DS_PEERS_MAX);
	ds_advance(ds, now);
	p->have[p->have_next++ % DS_HAVES] = *hash;
}

/* Takes @size bytes at @at, rounded up; @base NULL only counts. */
static void *take(uint8_t *base, size_t *at, size_t size)
{
	size_t here = *at;

	*at += (size + ALIGN - 1) / ALIGN * ALIGN;
	return base ? base + here : NULL;
}

static uint32_t bodies_of(const struct ds_committee *c, uint32_t history)
{
	const uint32_t spare = DS_SPARE_BODIES_EACH * c->n;

	return DS_SLOTS * c->n * history +
	       (spare < DS_SPARE_BODIES ? spare : DS_SPARE_BODIES);
}

/* One plan for measuring and for dividing. */
static size_t lay_out(uint8_t *base, const struct ds_options *o)
{
	const uint32_t history = o->committee->rounds + 4;
	const uint32_t bodies = bodies_of(o->committee, history);
	const uint32_t bytes = o->params->max_block_bytes;
	struct ds *ds;
	uint8_t *data;
	void *scratch;
	size_t at = 0;

	ds = take(base, &at, sizeof(*ds));
	if (base) {
		memset(ds, 0, sizeof(*ds));
		ds->history = history;
		ds->bodies = bodies;
	}
#define TAKE(field, count)                                                   \
	do {                                                                 \
		void *got = take(base, &at, (count) * sizeof(*(ds)->field)); \
		if (base)                                                    \
			ds->field = got;                                     \
	} while (0)
	TAKE(instance, (size_t)history * o->committee->n);
	TAKE(body, bodies);
	TAKE(pending, DS_PENDING_MAX);
	TAKE(action, DS_ACTIONS_MAX);
	TAKE(arena, DS_ARENA_BYTES);
#undef TAKE
	for (uint32_t i = 0; i < bodies; i++) {
		data = take(base, &at, bytes);
		if (base) {
			ds->body[i].refs = 0;
			ds->body[i].lingers = false;
			ds->body[i].data = data;
		}
	}
	for (uint32_t i = 0; i <= DS_SCRATCHES; i++) {
		scratch = take(base, &at, chain_scratch_size(bytes));
		if (base)
			chain_scratch_init(i < DS_SCRATCHES
						   ? &ds->judge[i].scratch
						   : &ds->checking,
					   scratch, bytes, o->salt);
	}
	return at;
}

size_t ds_memory(const struct ds_options *o)
{
	const uint32_t history = o->committee->rounds + 4;
	uint64_t bytes = (uint64_t)DS_SLOTS * o->committee->n * history *
			 o->params->max_block_bytes;

	return bytes > DS_BODIES_MAX_BYTES ? 0 : lay_out(NULL, o);
}

/* What was voted for before counts as received, and is not voted again. */
static void boot_vote(struct ds *ds, const struct ds_boot *boot)
{
	struct ds_own_vote *v = &ds->vote;

	v->body = DS_NO_INDEX;
	if (!boot->vote || !ds_is_member(ds) ||
	    boot->vote->epoch != ds->c->vote_epoch ||
	    boot->vote->height.n != ds->final.height.n + 1)
		return;
	v->has = true;
	v->sent = true;
	v->height = boot->vote->height;
	v->hash = boot->vote->hash;
	memcpy(v->signature, boot->vote->signature, DS_SIGNATURE_SIZE);
	v->body = ds_body_add(ds, boot->vote_block, boot->vote_block_len);
	if (v->body < 0)
		v->body = DS_NO_INDEX;
	ds->tally[0].voter[ds->o.self].count = 1;
	ds->tally[0].voter[ds->o.self].hash[0] = v->hash;
	memcpy(ds->tally[0].voter[ds->o.self].signature[0], v->signature,
	       DS_SIGNATURE_SIZE);
}

struct ds *ds_init(void *memory, const struct ds_options *options,
		   const struct ds_boot *boot, uint64_t now)
{
	struct ds *ds = memory;

	BASE_ASSERT(ds_memory(options) > 0);
	BASE_ASSERT(options->self < (int)options->committee->n);
	(void)lay_out(memory, options);
	for (uint32_t i = 0; i < ds->history * options->committee->n; i++)
		ds->instance[i].used = false;
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++)
		ds->pending[i].used = false;
	ds->o = *options;
	ds->c = options->committee;
	ds->p = options->params;
	ds->now = now;
	ds->mode = DS_SYNC;
	ds->final = boot->final;
	ds->decided.body = DS_NO_INDEX;
	ds->next.body = DS_NO_INDEX;
	ds->own.body = DS_NO_INDEX;
	ds->wish = DS_NO_INDEX;
	ds->own.has_last_tick = boot->has_proposed;
	ds->own.last_tick = boot->last_proposed;
	if (boot->cert)
		ds_hold_cert(&ds->kept[ds->kept_next++], boot->cert);
	boot_vote(ds, boot);
	ds->trusting = boot->trusted && !ds->c->certified;
	if (ds->trusting)
		ds->trusted = *boot->trusted;
	/* Ticks before the start are not run: nobody was there. */
	if (ds_tick_at(&ds->tick, ds->c, now))
		ds->ticking = true;
	ds_catchup_begin(ds);
	return ds;
}

void ds_block(struct ds *ds, uint64_t now, uint32_t peer, const uint8_t *block,
	      size_t len)
{
	int body;

	ds_advance(ds, now);
	if (ds->mode == DS_HALT || !ds->peer[peer].up)
		return;
	body = ds_body_add(ds, block, len);
	if (body == DS_BAD_BODY) {
		DS_RULE(R1_3);
		ds_ban(ds, peer);
	}
	if (body < 0)
		return;
	/* Whoever waits for it takes a reference of its own. */
	ds_finalise_step(ds);
	ds_votes_step(ds);
	ds_proposals_body(ds, body);
	ds_body_drop(ds, body);
}

const uint8_t *ds_find_block(size_t *len, const struct ds *ds,
			     const struct base_hash *hash)
{
	int body = ds_body_find(ds, hash);

	if (body == DS_NO_INDEX)
		return NULL;
	*len = ds->body[body].len;
	return ds->body[body].data;
}

const struct ds_cert *ds_find_cert(const struct ds *ds,
				   const struct base_hash *hash)
{
	const struct ds_held_cert *held = ds_cert_of(ds, hash);

	return held ? &held->cert : NULL;
}
