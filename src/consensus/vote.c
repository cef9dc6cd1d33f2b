/* SPDX-License-Identifier: MIT */
/* R3: votes, the certificates they make, and evidence of double ones. */
#include "consensus/internal.h"

#define HASHES_MAX (2 * DS_MEMBERS_MAX)

static struct ds_tally *tally_of(struct ds *ds, struct base_height height)
{
	if (height.n == ds->final.height.n + 1)
		return &ds->tally[0];
	if (height.n == ds->final.height.n + 2)
		return &ds->tally[1];
	return NULL;
}

static const uint8_t *vote_in(const struct ds_tally *t, uint32_t voter,
			      const struct base_hash *hash)
{
	for (uint32_t i = 0; i < t->voter[voter].count; i++)
		if (base_hash_equal(&t->voter[voter].hash[i], hash))
			return t->voter[voter].signature[i];
	return NULL;
}

static ds_mask voters_of(const struct ds *ds, const struct base_hash *hash)
{
	ds_mask mask = 0;

	for (uint32_t i = 0; i < ds->c->n; i++)
		if (vote_in(&ds->tally[0], i, hash))
			mask |= ds_mask_of(i);
	return mask;
}

static bool i_voted(const struct ds *ds)
{
	return ds->vote.out ||
	       (ds->vote.has && ds->vote.height.n == ds->final.height.n + 1 &&
		!DS_MUTANT(TWO_VOTES));
}

void ds_on_vote(struct ds *ds, uint32_t peer, const struct ds_vote *in)
{
	struct ds_tally *t = tally_of(ds, in->height);
	struct ds_pending *m;
	struct base_hash hash;

	if (!ds->c->certified || in->epoch != ds->c->vote_epoch || !t ||
	    (int)in->voter == ds->o.self || t->voter[in->voter].count >= 2 ||
	    vote_in(t, in->voter, &in->hash))
		return;
	ds_hash_vote(&hash, ds->c, in->epoch, in->height, &in->hash);
	if (ds_verifying(ds, DS_VOTE, &hash, in->signature))
		return;
	m = ds_pend(ds, peer, DS_VOTE);
	if (!m)
		return;
	m->vote = *in;
	memcpy(m->signature, in->signature, DS_SIGNATURE_SIZE);
	m->vote.signature = m->signature;
	m->check[0].sighash = hash;
	memcpy(m->check[0].key, ds->c->key[in->voter], CHAIN_KEY_SIZE);
	memcpy(m->check[0].signature, in->signature, DS_SIGNATURE_SIZE);
	ds_verify(ds, m, 1);
}

static void watch_voter(struct ds *ds, struct ds_tally *t,
			const struct ds_vote *v)
{
	struct ds_evidence e = {.kind = DS_TWO_VOTES,
				.epoch = v->epoch,
				.number = v->height.n,
				.member = v->voter};
	bool swap;

	if (t->voter[v->voter].count < 2 || t->voter[v->voter].accused)
		return;
	t->voter[v->voter].accused = true;
	swap = memcmp(t->voter[v->voter].hash[0].b,
		      t->voter[v->voter].hash[1].b,
		      sizeof(struct base_hash)) > 0;
	for (int i = 0; i < 2; i++) {
		e.hash[i ^ swap] = t->voter[v->voter].hash[i];
		e.signature[i ^ swap] = t->voter[v->voter].signature[i];
	}
	ds_accuse(ds, &e);
}

static bool count_vote(struct ds *ds, const struct ds_vote *v)
{
	struct ds_tally *t = tally_of(ds, v->height);
	uint32_t at;

	if (!t || t->voter[v->voter].count >= 2 ||
	    vote_in(t, v->voter, &v->hash))
		return false;
	at = t->voter[v->voter].count++;
	t->voter[v->voter].hash[at] = v->hash;
	memcpy(t->voter[v->voter].signature[at], v->signature,
	       DS_SIGNATURE_SIZE);
	watch_voter(ds, t, v);
	return true;
}

static void send_vote(struct ds *ds, const struct ds_vote *v, uint32_t except)
{
	struct ds_action *a = ds_act(ds, DS_ACT_SEND);

	a->send.kind = DS_VOTE;
	a->send.vote = *v;
	a->send.vote.signature = ds_snapshot(ds, v->signature, 1);
	ds_peers_all(&a->send.to, ds, except);
}

void ds_vote_good(struct ds *ds, struct ds_pending *m)
{
	if (!count_vote(ds, &m->vote))
		return;
	/* Relayed once, from where it is kept: the message is gone then. */
	send_vote(ds, &m->vote, m->peer);
	ds_votes_step(ds);
}

static void own_vote(struct ds_vote *out, const struct ds *ds)
{
	*out = (struct ds_vote){.epoch = ds->c->vote_epoch,
				.height = ds->vote.height,
				.hash = ds->vote.hash,
				.voter = (uint8_t)ds->o.self,
				.signature = ds->vote.signature};
}

static void publish_vote(struct ds *ds)
{
	struct ds_vote v;

	own_vote(&v, ds);
	ds->vote.sent = true;
	if (!count_vote(ds, &v))
		return;
	send_vote(ds, &v, DS_NOBODY);
	ds_act(ds, DS_ACT_HAVE)->block.hash = v.hash;
}

/*~ 10. R2.e and R3: the vote. It and its block become durable together, then it
 * leaves; n - f of them make a certificate. */
void ds_vote_for(struct ds *ds, int body)
{
	struct ds_own_vote *v = &ds->vote;
	struct ds_action *a;
	struct base_hash hash;

	if (!ds_is_member(ds) || i_voted(ds))
		return;
	if (v->body != DS_NO_INDEX)
		ds_body_drop(ds, v->body);
	v->has = true;
	v->sent = false;
	v->out = true;
	v->id = ds_new_id(ds);
	v->height.n = ds->final.height.n + 1;
	v->hash = ds->body[body].hash;
	v->body = body;
	ds_body_hold(ds, body);
	ds_hash_vote(&hash, ds->c, ds->c->vote_epoch, v->height, &v->hash);
	ds->o.signer.sign(ds->o.signer.ctx, v->signature, &hash);
	a = ds_act(ds, DS_ACT_PERSIST);
	a->persist.id = v->id;
	a->persist.kind = DS_PERSIST_VOTE;
	own_vote(&a->persist.vote, ds);
	if (!DS_MUTANT(VOTE_BARE)) {
		a->persist.block = ds->body[body].data;
		a->persist.block_len = ds->body[body].len;
	}
	if (DS_MUTANT(VOTE_FIRST))
		publish_vote(ds);
}

void ds_vote_persisted(struct ds *ds, bool done)
{
	struct ds_own_vote *v = &ds->vote;

	v->out = false;
	if (!done) {
		v->has = false;
		ds_taint(ds, DS_STORAGE);
		return;
	}
	/* F may have passed it meanwhile. */
	if (v->height.n == ds->final.height.n + 1 && !v->sent)
		publish_vote(ds);
	ds_votes_step(ds);
}

/* The different hashes voted for at F + 1. */
static uint32_t collect(struct base_hash out[static HASHES_MAX],
			const struct ds *ds)
{
	const struct ds_tally *t = &ds->tally[0];
	uint32_t count = 0;

	for (uint32_t i = 0; i < ds->c->n; i++)
		for (uint32_t k = 0; k < t->voter[i].count; k++) {
			uint32_t at = 0;

			while (at < count &&
			       !base_hash_equal(&out[at], &t->voter[i].hash[k]))
				at++;
			if (at == count)
				out[count++] = t->voter[i].hash[k];
		}
	return count;
}

static void form_cert(struct ds *ds, const struct base_hash *hash,
		      ds_mask voters)
{
	struct ds_held_cert held = {.set = true};

	held.cert = (struct ds_cert){.epoch = ds->c->vote_epoch,
				     .height = {ds->final.height.n + 1},
				     .hash = *hash,
				     .mask = voters,
				     .signatures = held.signature};
	for (size_t at = 0; voters; at += DS_SIGNATURE_SIZE)
		memcpy(held.signature + at,
		       vote_in(&ds->tally[0], ds_mask_take(&voters), hash),
		       DS_SIGNATURE_SIZE);
	DS_RULE(R3_CERT);
	ds_cert_good(ds, DS_NOBODY, &held, false);
}

/* R3: others vote for it, and so do I if it is valid on F. */
static void join(struct ds *ds, const struct base_hash *hash, ds_mask voters)
{
	const bool mine = ds->decided.set &&
			  base_hash_equal(&ds->decided.after.hash, hash);
	int body;

	if (ds_mask_count(voters) < ds->c->f + 1 && !(mine && voters != 0))
		return;
	body = ds_body_find(ds, hash);
	if (body == DS_NO_INDEX) {
		ds_ask_again(ds, voters, hash);
		return;
	}
	if (ds->wish != body) {
		if (ds->wish != DS_NO_INDEX)
			ds_body_drop(ds, ds->wish);
		ds->wish = body;
		ds_body_hold(ds, body);
	}
	if (!base_hash_equal(&ds->body[body].info.header.prev,
			     &ds->final.hash) ||
	    !ds_body_judge(ds, body) || !ds->body[body].good)
		return;
	DS_RULE(R3_VOTE);
	ds_vote_for(ds, body);
}

/* R3: no block can reach a quorum any more. */
static void watch_split(struct ds *ds, const struct base_hash *hash,
			uint32_t count)
{
	uint32_t silent = 0;

	if (ds->split_said || count < 2)
		return;
	for (uint32_t i = 0; i < ds->c->n; i++)
		silent += ds->tally[0].voter[i].count == 0;
	for (uint32_t i = 0; i < count; i++)
		if (ds_mask_count(voters_of(ds, &hash[i])) + silent >=
		    ds->c->quorum)
			return;
	DS_RULE(R3_SPLIT);
	ds->split_said = true;
	ds_alert(ds, DS_SPLIT, 0);
}

void ds_votes_step(struct ds *ds)
{
	const uint32_t quorum =
		DS_MUTANT(QUORUM) ? ds->c->f + 1 : ds->c->quorum;
	struct base_hash hash[HASHES_MAX];
	uint32_t count;

	if (!ds->c->certified || ds->mode == DS_HALT || ds->next.set)
		return;
	count = collect(hash, ds);
	for (uint32_t i = 0; i < count; i++) {
		ds_mask voters = voters_of(ds, &hash[i]);

		if (ds_mask_count(voters) >= quorum) {
			form_cert(ds, &hash[i], voters);
			return;
		}
		if (!i_voted(ds) && ds_is_member(ds))
			join(ds, &hash[i], voters);
	}
	watch_split(ds, hash, count);
}

/* F has passed the first height. */
void ds_votes_shift(struct ds *ds)
{
	struct ds_own_vote *v = &ds->vote;

	ds->tally[0] = ds->tally[1];
	memset(&ds->tally[1], 0, sizeof(ds->tally[1]));
	ds->split_said = false;
	if (ds->wish != DS_NO_INDEX)
		ds_body_drop(ds, ds->wish);
	ds->wish = DS_NO_INDEX;
	if (v->out) /* the store still reads the block */
		return;
	v->has = false;
	if (v->body != DS_NO_INDEX)
		ds_body_drop(ds, v->body);
	v->body = DS_NO_INDEX;
}

/* R3: every vote held for F + 1, once for all of @to. */
void ds_votes_send_all(struct ds *ds, const struct ds_peers *to)
{
	const struct ds_tally *t = &ds->tally[0];

	for (uint32_t i = 0; i < ds->c->n; i++)
		for (uint32_t k = 0; k < t->voter[i].count; k++) {
			struct ds_action *a = ds_act(ds, DS_ACT_SEND);

			DS_RULE(R3_RESEND);
			a->send.kind = DS_VOTE;
			a->send.again = true;
			a->send.to = *to;
			a->send.vote = (struct ds_vote){
				.epoch = ds->c->vote_epoch,
				.height = {ds->final.height.n + 1},
				.hash = t->voter[i].hash[k],
				.voter = (uint8_t)i,
				.signature = ds_snapshot(
					ds, t->voter[i].signature[k], 1)};
		}
}

static bool accused_before(const struct ds *ds, const struct ds_evidence *e)
{
	for (uint32_t i = 0; i < DS_ACCUSATIONS_MAX; i++) {
		const struct ds_evidence *old = &ds->accusation[i].evidence;

		if (old->kind == e->kind && old->epoch == e->epoch &&
		    old->number == e->number && old->member == e->member)
			return true;
	}
	return false;
}

static void publish_evidence(struct ds *ds, const struct ds_evidence *e,
			     uint32_t except)
{
	struct ds_accusation *kept =
		&ds->accusation[ds->accusations++ % DS_ACCUSATIONS_MAX];
	struct ds_action *a;

	DS_RULE(R3_EVIDENCE);
	kept->evidence = *e;
	for (int i = 0; i < 2; i++) {
		memcpy(kept->signature[i], e->signature[i], DS_SIGNATURE_SIZE);
		kept->evidence.signature[i] = kept->signature[i];
	}
	a = ds_act(ds, DS_ACT_PERSIST);
	a->persist.id = ds_new_id(ds);
	a->persist.kind = DS_PERSIST_EVIDENCE;
	a->persist.evidence = kept->evidence;
	a = ds_act(ds, DS_ACT_SEND);
	a->send.kind = DS_EVID;
	a->send.evidence = kept->evidence;
	ds_peers_all(&a->send.to, ds, except);
}

void ds_accuse(struct ds *ds, const struct ds_evidence *e)
{
	if (!accused_before(ds, e))
		publish_evidence(ds, e, DS_NOBODY);
}

void ds_on_evidence(struct ds *ds, uint32_t peer, const struct ds_evidence *in)
{
	struct ds_pending *m;

	if (in->epoch != ds->c->vote_epoch || accused_before(ds, in))
		return;
	m = ds_pend(ds, peer, DS_EVID);
	if (!m)
		return;
	m->evidence = *in;
	for (int i = 0; i < 2; i++) {
		uint8_t *kept = m->signature + i * DS_SIGNATURE_SIZE;

		memcpy(kept, in->signature[i], DS_SIGNATURE_SIZE);
		m->evidence.signature[i] = kept;
		if (in->kind == DS_TWO_PROPOSALS)
			ds_hash_proposal(&m->check[i].sighash, ds->c,
					 (struct base_tick){in->number},
					 in->member, &in->hash[i]);
		else
			ds_hash_vote(&m->check[i].sighash, ds->c, in->epoch,
				     (struct base_height){(uint32_t)in->number},
				     &in->hash[i]);
		memcpy(m->check[i].key, ds->c->key[in->member], CHAIN_KEY_SIZE);
		memcpy(m->check[i].signature, kept, DS_SIGNATURE_SIZE);
	}
	ds_verify(ds, m, 2);
}

void ds_evidence_good(struct ds *ds, struct ds_pending *m)
{
	if (!accused_before(ds, &m->evidence))
		publish_evidence(ds, &m->evidence, m->peer);
}
