/* SPDX-License-Identifier: MIT */
/*
 * R1 and R1L: a block on its way through the rounds.
 *
 * A message waits as a pending entry until its body, its parent's
 * certificate, its signatures and its transactions are there; then it is
 * settled, once, by the clock of that moment. Slots hold what was extracted;
 * of other values only the set of verified signers is kept, so that nobody
 * can fill the slots with what nobody may extract.
 */
#include "consensus/internal.h"

#include "pow/target.h"

/* Values that an honest member signs in one instance. */
#define VALUES_MAX 2

enum judgement {
	GOOD, /* R1.4 passes */
	BAD,  /* it fails: if f + 1 sign it, I am the one who is wrong */
	DEAD, /* my tip has moved beyond its parent: it can win nowhere */
};

static uint64_t deadline(const struct ds *ds, struct base_tick tick, uint32_t r)
{
	uint32_t rounds = r < ds->c->rounds ? r : ds->c->rounds;

	if (DS_MUTANT(LATE))
		rounds = ds->c->rounds + 1;
	if (DS_MUTANT(OFF_BY_ONE))
		rounds++;
	return ds_tick_ms(ds->c, tick) + rounds * ds->c->delta_ms;
}

/* R1.2 */
static bool in_window(const struct ds *ds, struct base_tick tick)
{
	const struct base_tick before = {tick.n - 1};

	if (tick.n == 0 || !ds->ticking || ds->now < ds_tick_ms(ds->c, before))
		return false;
	return DS_MUTANT(REPLAY) || tick.n + ds->c->rounds + 1 >= ds->tick.n;
}

/* It began after I entered SHADOW: I have heard all of it. What began before
 * is passed on, and says nothing to me. */
static bool heard_whole(const struct ds *ds, struct base_tick tick)
{
	return ds->mode != DS_SYNC && ds->has_shadow && tick.n > ds->shadow.n;
}

/* The context after the block @hash, where that is recent. */
static const struct chain_context *context_of(const struct ds *ds,
					      const struct base_hash *hash)
{
	if (base_hash_equal(&ds->final.hash, hash))
		return &ds->final;
	if (base_hash_equal(&ds_tip(ds)->hash, hash))
		return ds_tip(ds);
	for (uint32_t i = 0; i < ds->history; i++)
		if (ds->hist[i].used &&
		    base_hash_equal(&ds->hist[i].at.hash, hash))
			return &ds->hist[i].at;
	return NULL;
}

/* The parent is not final here yet, but on its way to be. */
static bool parent_comes(const struct ds *ds, const struct base_hash *prev)
{
	if (base_hash_equal(prev, &ds->final.hash))
		return false;
	if (ds->next.set && base_hash_equal(prev, &ds->next.hash))
		return true;
	/* Without certificates nothing comes for who only follows; what it
	 * cannot judge it still passes on. */
	return ds->c->certified && base_hash_equal(prev, &ds_tip(ds)->hash);
}

static ds_mask known_signers(struct ds_instance *in,
			     const struct base_hash *hash)
{
	const struct ds_slot *slot = ds_slot_find(in, hash);
	const struct ds_light *light = ds_light_find(in, hash);

	return slot ? slot->verified : light ? light->verified : 0;
}

/* R1.6: what would be sent, @mask, holds more signatures than anything sent
 * of this value, as far as a deadline looks at them, and one of a signer who
 * was sent with fewer than two other values. */
static bool tells_more(const struct ds *ds, const struct ds_instance *in,
		       uint32_t sent, ds_mask counted, ds_mask mask)
{
	uint32_t r = ds_mask_count(mask);

	if (r > ds->c->rounds)
		r = ds->c->rounds;
	if (r <= sent)
		return false;
	while (mask) {
		uint32_t who = ds_mask_take(&mask);

		if (in->counted[who] - ds_mask_has(counted, who) < VALUES_MAX)
			return true;
	}
	return false;
}

/* Whether anything could come of @m: before a signature is looked at. */
static bool worthwhile(const struct ds *ds, struct ds_instance *in,
		       const struct ds_pending *m)
{
	const bool slot = ds_slot_find(in, &m->hash) != NULL;
	const struct ds_light *light = ds_light_find(in, &m->hash);
	ds_mask known;
	ds_mask fresh;
	uint32_t r;

	known = known_signers(in, &m->hash);
	fresh = m->mask & ~known;
	if (fresh == 0)
		return false;
	r = ds_mask_count(known | m->mask);
	if (ds->now >= deadline(ds, m->tick, r)) /* R1L only */
		return !slot && r >= ds->c->f + 1 && in->extracted < DS_SLOTS;
	if (slot || in->extracted < DS_SLOTS)
		return true;
	return tells_more(ds, in, light ? light->sent : 0,
			  light ? light->counted : 0, m->mask);
}

/* R1.3, as far as the header goes. */
static bool header_ok(const struct ds *ds, const struct ds_pending *m)
{
	return chain_header_check(&m->header, ds->p, &m->hash) == CHAIN_OK &&
	       chain_time_in_window(m->header.time, ds_tick_ms(ds->c, m->tick));
}

/* R1.5: the sender's first, then what this value has not shown before. For
 * a value without a slot all of them: their bytes may be passed on. */
static void verify_signatures(struct ds *ds, struct ds_pending *m)
{
	struct ds_instance *in = ds_instance_at(ds, m->tick, m->sender);
	const struct ds_slot *slot = ds_slot_find(in, &m->hash);
	struct base_hash hash;
	uint32_t count = 0;
	ds_mask left;

	ds_hash_proposal(
		&hash, ds->c,
		(struct base_tick){DS_MUTANT(TICK_FREE) ? 0 : m->tick.n},
		m->sender, &m->hash);
	m->fresh = slot ? m->mask & ~slot->verified : m->mask;
	left = m->fresh;
	for (bool first = true; left; first = false) {
		uint32_t who = first && ds_mask_has(left, m->sender)
				       ? m->sender
				       : (uint32_t)__builtin_ctzll(left);

		left &= ~ds_mask_of(who);
		m->check[count].sighash = hash;
		memcpy(m->check[count].key, ds->c->key[who], CHAIN_KEY_SIZE);
		memcpy(m->check[count].signature,
		       ds_signature_of(m->signature, m->mask, who),
		       DS_SIGNATURE_SIZE);
		count++;
	}
	if (count > 0)
		ds_verify(ds, m, count);
}

/* Takes the body in, or asks for it. False: it is bad, and so is the peer. */
static bool take_body(struct ds *ds, struct ds_pending *m,
		      const struct ds_proposal *in)
{
	m->body = ds_body_find(ds, &m->hash);
	if (m->body != DS_NO_INDEX) {
		ds_body_hold(ds, m->body);
	} else if (in->has_body) {
		m->body = ds_body_add(ds, in->block, in->block_len);
		if (m->body == DS_BAD_BODY) {
			m->body = DS_NO_INDEX;
			return false;
		}
	}
	if (m->body == DS_NO_INDEX) {
		m->waits |= DS_WAIT_BODY;
		ds_ask(ds, DS_NEED_BLOCK, m->peer, &m->hash);
		return true;
	}
	return ds->body[m->body].info.sender == m->sender;
}

/* The parent's certificate moves F where that is behind. */
static void take_parent_cert(struct ds *ds, struct ds_pending *m,
			     const struct ds_proposal *in)
{
	const struct base_hash *prev = &m->header.prev;

	if (!ds->c->certified || base_hash_equal(prev, &ds->final.hash) ||
	    ds_cert_of(ds, prev))
		return;
	if (in->has_parent_cert && base_hash_equal(&in->parent_cert.hash, prev))
		ds_on_cert(ds, m->peer, &in->parent_cert, false);
	else if (parent_comes(ds, prev))
		ds_ask(ds, DS_NEED_CERT, m->peer, prev);
}

void ds_on_proposal(struct ds *ds, uint32_t peer, const struct ds_proposal *in)
{
	struct ds_instance *instance;
	struct ds_pending *m;

	if (in->epoch != ds->c->vote_epoch || !in_window(ds, in->tick)) {
		DS_RULE(R1_2);
		return;
	}
	m = ds_pend(ds, peer, DS_PROPOSAL);
	if (!m)
		return;
	m->tick = in->tick;
	m->sender = in->sender;
	m->mask = in->mask;
	chain_header_read(&m->header, in->block);
	chain_header_hash(&m->hash, &m->header);
	memcpy(m->signature, in->signatures,
	       (size_t)ds_mask_count(in->mask) * DS_SIGNATURE_SIZE);
	if (!header_ok(ds, m)) {
		DS_RULE(R1_3);
		ds_ban(ds, peer);
		ds_unpend(ds, m);
		return;
	}
	instance = ds_instance_at(ds, m->tick, m->sender);
	if (!worthwhile(ds, instance, m)) {
		ds_unpend(ds, m);
		return;
	}
	if (!take_body(ds, m, in)) {
		DS_RULE(R1_3);
		ds_ban(ds, peer);
		ds_unpend(ds, m);
		return;
	}
	verify_signatures(ds, m);
	take_parent_cert(ds, m, in);
	ds_proposal_step(ds, m);
}

/* Two values of one instance under the sender's own signature. */
static void watch_sender(struct ds *ds, struct ds_instance *in,
			 const struct ds_pending *m)
{
	const uint8_t *mine = ds_signature_of(m->signature, m->mask, m->sender);
	struct ds_evidence e = {.kind = DS_TWO_PROPOSALS,
				.epoch = ds->c->vote_epoch,
				.number = m->tick.n,
				.member = m->sender};
	bool swap;

	if (!ds_mask_has(m->fresh, m->sender))
		return;
	if (!in->has_first) {
		in->has_first = true;
		in->first_hash = m->hash;
		memcpy(in->first_signature, mine, DS_SIGNATURE_SIZE);
		return;
	}
	if (in->accused || base_hash_equal(&in->first_hash, &m->hash))
		return;
	in->accused = true;
	swap = memcmp(in->first_hash.b, m->hash.b, sizeof(m->hash.b)) > 0;
	e.hash[swap] = in->first_hash;
	e.signature[swap] = in->first_signature;
	e.hash[!swap] = m->hash;
	e.signature[!swap] = mine;
	ds_accuse(ds, &e);
}

/* R1.4, but for the transactions. */
static enum judgement judge_header(const struct ds *ds,
				   const struct ds_pending *m)
{
	const struct base_tick before = {m->tick.n - 1};
	const struct ds_hist *hist = ds_hist_at(ds, before);
	const struct chain_context *at = hist ? &hist->at : NULL;

	if (DS_MUTANT(CONTEXT))
		at = ds_tip(ds);
	if (!at)
		return DEAD;
	if (!base_hash_equal(&m->header.prev, &at->hash) ||
	    ds->body[m->body].info.height.n != at->height.n + 1 ||
	    chain_context_check(at, ds->p, &m->header) != CHAIN_OK)
		return BAD;
	return base_hash_equal(&at->hash, &ds->final.hash) &&
			       base_hash_equal(&at->hash, &ds_tip(ds)->hash)
		       ? GOOD
		       : DEAD;
}

static void taint_if_many(struct ds *ds, const struct ds_instance *in,
			  uint32_t signers)
{
	if (signers >= ds->c->f + 1 && in->extracted < VALUES_MAX &&
	    heard_whole(ds, in->tick))
		ds_taint(ds, DS_D1);
}

/* R1.6: prev is known and the bits are right after it. Without certificates
 * who only follows may be behind for long, and must not be where the way
 * between two members ends. */
static bool may_relay(const struct ds *ds, const struct ds_pending *m)
{
	const struct chain_context *at = context_of(ds, &m->header.prev);

	if (!ds->c->certified && ds->mode != DS_ACTIVE)
		return true;
	return at && chain_context_next_bits(at, ds->p) == m->header.bits;
}

/* Whatever becomes of its parent, R1.4 will fail. */
static bool wrong_bits(const struct ds *ds, const struct ds_pending *m)
{
	const struct chain_context *at = context_of(ds, &m->header.prev);

	return at && !base_hash_equal(&at->hash, &ds->final.hash) &&
	       chain_context_next_bits(at, ds->p) != m->header.bits;
}

static void mark_bare(struct ds_action *a, const struct ds *ds,
		      const struct base_hash *hash)
{
	for (uint32_t i = 0; i < DS_PEERS_MAX; i++)
		for (uint32_t k = 0; ds->peer[i].up && k < DS_HAVES; k++)
			if (base_hash_equal(&ds->peer[i].have[k], hash))
				ds_peers_add(&a->send.bare, i);
}

/* The peers that may learn something from @mask. */
static void choose_peers(struct ds_peers *to, struct ds *ds,
			 struct ds_slot *slot, ds_mask mask, uint32_t from)
{
	for (uint32_t i = 0; i < DS_PEERS_MAX; i++) {
		const struct ds_peer *p = &ds->peer[i];

		if (!p->up ||
		    (p->member >= 0 && ds_mask_has(mask, (uint32_t)p->member)))
			continue;
		if (slot ? (mask & ~slot->carried[i]) == 0 : i == from)
			continue;
		if (slot)
			slot->carried[i] |= mask;
		ds_peers_add(to, i);
	}
}

static void send_value(struct ds *ds, struct base_tick tick, uint8_t sender,
		       struct ds_slot *slot, ds_mask mask,
		       const uint8_t *signatures, int body, uint32_t from)
{
	const struct ds_body *b = &ds->body[body];
	const struct ds_held_cert *cert = ds_cert_of(ds, &b->info.header.prev);
	struct ds_peers to = {{0}};
	struct ds_action *a;

	choose_peers(&to, ds, slot, mask, from);
	if (ds_peers_empty(&to))
		return;
	a = ds_act(ds, DS_ACT_SEND);
	a->send.kind = DS_PROPOSAL;
	a->send.to = to;
	mark_bare(a, ds, &b->hash);
	a->send.proposal = (struct ds_proposal){
		.epoch = ds->c->vote_epoch,
		.tick = tick,
		.sender = sender,
		.mask = mask,
		.signatures = ds_snapshot(ds, signatures, ds_mask_count(mask)),
		.has_body = true,
		.block = b->data,
		.block_len = b->len};
	if (cert && !DS_MUTANT(NO_CERT)) {
		a->send.proposal.has_parent_cert = true;
		a->send.proposal.parent_cert = cert->cert;
		a->send.proposal.parent_cert.signatures = ds_snapshot(
			ds, cert->signature, ds_mask_count(cert->cert.mask));
	}
}

/* A slot keeps its signatures packed in member order: what is sent is what
 * lies there. */
static void slot_add(struct ds_slot *slot, uint32_t member,
		     const uint8_t *signature)
{
	uint32_t count = ds_mask_count(slot->verified);
	uint32_t at = ds_mask_count(slot->verified & (ds_mask_of(member) - 1));

	if (ds_mask_has(slot->verified, member))
		return;
	memmove(slot->signature[at + 1], slot->signature[at],
		(size_t)(count - at) * DS_SIGNATURE_SIZE);
	memcpy(slot->signature[at], signature, DS_SIGNATURE_SIZE);
	slot->verified |= ds_mask_of(member);
}

static void slot_take(struct ds_slot *slot, const struct ds_pending *m)
{
	ds_mask left = m->fresh;

	while (left) {
		uint32_t who = ds_mask_take(&left);

		slot_add(slot, who,
			 ds_signature_of(m->signature, m->mask, who));
	}
	if (m->peer != DS_NOBODY)
		slot->carried[m->peer] |= m->mask;
}

/* R1.7: the value takes a slot. */
static struct ds_slot *extract(struct ds *ds, struct ds_instance *in,
			       const struct base_hash *hash, int body)
{
	const struct ds_light *light = ds_light_find(in, hash);
	struct ds_slot *slot = &in->slot[in->extracted++];

	slot->hash = *hash;
	slot->body = body;
	slot->verified = 0;
	slot->sent = light ? light->sent : 0;
	slot->counted = light ? light->counted : 0;
	memset(slot->carried, 0, sizeof(slot->carried));
	ds_body_hold(ds, body);
	return slot;
}

static void own_signature(struct ds *ds, struct ds_slot *slot,
			  struct base_tick tick, uint8_t sender)
{
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct base_hash hash;

	ds_hash_proposal(&hash, ds->c,
			 (struct base_tick){DS_MUTANT(TICK_FREE) ? 0 : tick.n},
			 sender, &slot->hash);
	ds->o.signer.sign(ds->o.signer.ctx, signature, &hash);
	slot_add(slot, (uint32_t)ds->o.self, signature);
}

/* A place for a value without a slot; one of which nothing was sent makes
 * room. NULL: all have been. */
static struct ds_light *light_of(struct ds_instance *in,
				 const struct base_hash *hash)
{
	struct ds_light *light = ds_light_find(in, hash);

	if (light)
		return light;
	if (in->lights < DS_LIGHT_MAX)
		light = &in->light[in->lights++];
	for (uint32_t i = 0; !light && i < in->lights; i++)
		if (in->light[i].sent == 0)
			light = &in->light[i];
	if (light)
		*light = (struct ds_light){.hash = *hash};
	return light;
}

/* Only what is sent counts. */
static void count_sent(const struct ds *ds, struct ds_instance *in,
		       uint32_t *sent, ds_mask *counted, ds_mask mask)
{
	uint32_t r = ds_mask_count(mask);
	ds_mask fresh = mask & ~*counted;

	*sent = r < ds->c->rounds ? r : ds->c->rounds;
	*counted |= mask;
	while (fresh)
		in->counted[ds_mask_take(&fresh)]++;
}

static void relay_slot(struct ds *ds, struct ds_instance *in,
		       struct ds_slot *slot, const struct ds_pending *m)
{
	if (!tells_more(ds, in, slot->sent, slot->counted, slot->verified) ||
	    (DS_MUTANT(DEDUPE) && slot->sent > 0))
		return;
	DS_RULE(R1_6);
	count_sent(ds, in, &slot->sent, &slot->counted, slot->verified);
	send_value(ds, m->tick, m->sender, slot, slot->verified,
		   slot->signature[0], slot->body, m->peer);
}

/* As it came: of this value no signatures are kept. */
static void relay_light(struct ds *ds, struct ds_instance *in,
			struct ds_light *light, const struct ds_pending *m)
{
	if (!tells_more(ds, in, light->sent, light->counted, m->mask) ||
	    (DS_MUTANT(DEDUPE) && light->sent > 0))
		return;
	DS_RULE(R1_6);
	count_sent(ds, in, &light->sent, &light->counted, m->mask);
	send_value(ds, m->tick, m->sender, NULL, m->mask, m->signature, m->body,
		   m->peer);
}

/* Everything is there, in time: R1.4, R1.6, R1.7. */
static void settle_in_time(struct ds *ds, struct ds_instance *in,
			   struct ds_pending *m, enum judgement judgement,
			   ds_mask known)
{
	struct ds_slot *slot = ds_slot_find(in, &m->hash);
	const uint32_t r = ds_mask_count(known | m->mask);
	const bool follows = heard_whole(ds, m->tick);
	struct ds_light *light;

	if (judgement == BAD) {
		DS_RULE(R1_4);
		taint_if_many(ds, in, r);
	}
	if (!slot && judgement == GOOD && follows &&
	    in->extracted < (DS_MUTANT(ONE_VALUE) ? 1 : DS_SLOTS)) {
		DS_RULE(R1_7);
		slot = extract(ds, in, &m->hash, m->body);
		slot_take(slot, m);
		if (ds->mode == DS_ACTIVE && r <= ds->c->f)
			own_signature(ds, slot, m->tick, m->sender);
	} else if (slot) {
		slot_take(slot, m);
	}
	light = slot ? NULL : light_of(in, &m->hash);
	if (light)
		light->verified |= m->mask;
	if (!may_relay(ds, m))
		return;
	if (slot)
		relay_slot(ds, in, slot, m);
	else if (light)
		relay_light(ds, in, light, m);
}

static void settle(struct ds *ds, struct ds_pending *m,
		   enum judgement judgement)
{
	struct ds_instance *in = ds_instance_at(ds, m->tick, m->sender);
	ds_mask known;
	uint32_t r;

	known = known_signers(in, &m->hash);
	r = ds_mask_count(known | m->mask);
	watch_sender(ds, in, m);
	if (ds->now < deadline(ds, m->tick, r)) {
		settle_in_time(ds, in, m, judgement, known);
	} else if (!ds_slot_find(in, &m->hash) && judgement != DEAD) {
		DS_RULE(R1L);
		taint_if_many(ds, in, r);
	}
	ds_unpend(ds, m);
}

void ds_proposal_step(struct ds *ds, struct ds_pending *m)
{
	enum judgement judgement;

	if (!in_window(ds, m->tick)) { /* it waited for too long */
		if (!(m->waits & DS_WAIT_SIGS))
			ds_unpend(ds, m);
		return;
	}
	if (m->waits & (DS_WAIT_SIGS | DS_WAIT_BODY))
		return;
	/* R2.d: without a vote in what the tip is, its tick comes first. */
	if (ds->mode != DS_ACTIVE && ds->now < ds_tick_ms(ds->c, m->tick))
		return;
	/* Only work of the right size may wait for its parent. */
	if (wrong_bits(ds, m)) {
		settle(ds, m, BAD);
		return;
	}
	if (parent_comes(ds, &m->header.prev))
		return;
	judgement = judge_header(ds, m);
	if (judgement == GOOD) {
		if (!ds_body_judge(ds, m->body))
			return;
		if (!ds->body[m->body].good)
			judgement = BAD;
	}
	settle(ds, m, judgement);
}

void ds_proposals_step(struct ds *ds)
{
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++) {
		struct ds_pending *m = &ds->pending[i];

		if (m->used && m->kind == DS_PROPOSAL)
			ds_proposal_step(ds, m);
	}
}

void ds_proposals_body(struct ds *ds, int body)
{
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++) {
		struct ds_pending *m = &ds->pending[i];

		if (!m->used || m->kind != DS_PROPOSAL ||
		    m->body != DS_NO_INDEX ||
		    !base_hash_equal(&m->hash, &ds->body[body].hash))
			continue;
		if (ds->body[body].info.sender != m->sender) {
			/* R1.3. Its signatures may be with the verifier: it
			 * is dropped when they return. */
			DS_RULE(R1_3);
			ds_ban(ds, m->peer);
			m->tick.n = 0;
			continue;
		}
		ds_body_hold(ds, body);
		m->body = body;
		m->waits &= ~DS_WAIT_BODY;
		ds_proposal_step(ds, m);
	}
}

/* R2.g's end: the block of our own takes its instance. */
void ds_propose(struct ds *ds, struct base_tick tick)
{
	const uint8_t self = (uint8_t)ds->o.self;
	struct ds_instance *in = ds_instance_at(ds, tick, self);
	struct ds_slot *slot =
		extract(ds, in, &ds->body[ds->own.body].hash, ds->own.body);

	own_signature(ds, slot, tick, self);
	count_sent(ds, in, &slot->sent, &slot->counted, slot->verified);
	send_value(ds, tick, self, slot, slot->verified, slot->signature[0],
		   slot->body, DS_NOBODY);
}
