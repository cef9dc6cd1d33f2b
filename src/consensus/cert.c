/* SPDX-License-Identifier: MIT */
/* R4: certificates, and the way of a certified block to the disk. */
#include "consensus/internal.h"

const struct ds_held_cert *ds_cert_of(const struct ds *ds,
				      const struct base_hash *hash)
{
	for (uint32_t i = 0; i < DS_CERTS_KEPT; i++)
		if (ds->kept[i].set &&
		    base_hash_equal(&ds->kept[i].cert.hash, hash))
			return &ds->kept[i];
	return NULL;
}

void ds_hold_cert(struct ds_held_cert *out, const struct ds_cert *in)
{
	out->set = true;
	memmove(out->signature, in->signatures,
		(size_t)ds_mask_count(in->mask) * DS_SIGNATURE_SIZE);
	out->cert = *in;
	out->cert.signatures = out->signature;
}

static bool being_verified(const struct ds *ds, const struct base_hash *hash)
{
	for (uint32_t i = 0; i < DS_PENDING_MAX; i++)
		if (ds->pending[i].used && ds->pending[i].kind == DS_CERT &&
		    base_hash_equal(&ds->pending[i].cert.cert.hash, hash))
			return true;
	return false;
}

/* The same signature was verified as a vote. */
static bool seen_as_vote(const struct ds *ds, const struct ds_cert *in,
			 uint32_t voter, const uint8_t *signature)
{
	const struct ds_tally *t = &ds->tally[0];

	if (in->height.n != ds->final.height.n + 1 ||
	    in->epoch != ds->c->vote_epoch)
		return false;
	for (uint32_t k = 0; k < t->voter[voter].count; k++)
		if (base_hash_equal(&t->voter[voter].hash[k], &in->hash) &&
		    memcmp(t->voter[voter].signature[k], signature,
			   DS_SIGNATURE_SIZE) == 0)
			return true;
	return false;
}

/* R4: a good certificate that is kept names another block at its height. */
static bool contradicts_kept(const struct ds *ds, const struct ds_cert *in)
{
	for (uint32_t i = 0; i < DS_CERTS_KEPT; i++)
		if (ds->kept[i].set &&
		    ds->kept[i].cert.height.n == in->height.n &&
		    !base_hash_equal(&ds->kept[i].cert.hash, &in->hash))
			return true;
	return false;
}

static bool worthwhile(const struct ds *ds, const struct ds_cert *in,
		       bool asked)
{
	if (in->epoch > ds->c->vote_epoch || !ds->c->certified)
		return false;
	if (contradicts_kept(ds, in))
		return asked || !being_verified(ds, &in->hash);
	if (in->height.n < ds->final.height.n ||
	    (in->height.n == ds->final.height.n &&
	     base_hash_equal(&in->hash, &ds->final.hash)))
		return asked;
	return asked ||
	       (!ds_cert_of(ds, &in->hash) && !being_verified(ds, &in->hash));
}

void ds_on_cert(struct ds *ds, uint32_t peer, const struct ds_cert *in,
		bool asked)
{
	struct ds_pending *m;
	struct base_hash hash;
	uint32_t count = 0;
	ds_mask left = in->mask;

	if (!worthwhile(ds, in, asked))
		return;
	m = ds_pend(ds, peer, DS_CERT);
	if (!m)
		return;
	m->asked = asked;
	ds_hold_cert(&m->cert, in);
	ds_hash_vote(&hash, ds->c, in->epoch, in->height, &in->hash);
	while (left) {
		uint32_t who = ds_mask_take(&left);
		const uint8_t *signature =
			ds_signature_of(m->cert.signature, in->mask, who);

		if (seen_as_vote(ds, in, who, signature))
			continue;
		m->check[count].sighash = hash;
		memcpy(m->check[count].key, ds->c->key[who], CHAIN_KEY_SIZE);
		memcpy(m->check[count].signature, signature, DS_SIGNATURE_SIZE);
		count++;
	}
	if (count > 0) {
		ds_verify(ds, m, count);
		return;
	}
	ds_cert_good(ds, peer, &m->cert, asked);
	ds_unpend(ds, m);
}

static const struct ds_held_cert *keep(struct ds *ds,
				       const struct ds_held_cert *m)
{
	struct ds_held_cert *to = &ds->kept[ds->kept_next++ % DS_CERTS_KEPT];

	ds_hold_cert(to, &m->cert);
	return to;
}

static void relay(struct ds *ds, const struct ds_held_cert *m, uint32_t except)
{
	struct ds_action *a = ds_act(ds, DS_ACT_SEND);

	a->send.kind = DS_CERT;
	a->send.cert = m->cert;
	a->send.cert.signatures =
		ds_snapshot(ds, m->signature, ds_mask_count(m->cert.mask));
	ds_peers_all(&a->send.to, ds, except);
}

void ds_cert_send_again(struct ds *ds, const struct ds_held_cert *held,
			uint32_t peer)
{
	struct ds_action *a = ds_act(ds, DS_ACT_SEND);

	a->send.kind = DS_CERT;
	a->send.again = true;
	ds_peers_add(&a->send.to, peer);
	a->send.cert = held->cert;
	a->send.cert.signatures = ds_snapshot(ds, held->signature,
					      ds_mask_count(held->cert.mask));
}

void ds_halt(struct ds *ds)
{
	DS_RULE(R4_HALT);
	ds_alert(ds, DS_CONFLICT, 0);
	ds_set_mode(ds, DS_HALT, DS_CONFLICT);
}

/* Against what is known: F, the certificates of late, and the block that is on
 * its way to the disk. */
static bool conflicts(const struct ds *ds, const struct ds_cert *m)
{
	if (contradicts_kept(ds, m))
		return true;
	if (m->height.n == ds->final.height.n && ds->final.height.n > 0)
		return !base_hash_equal(&m->hash, &ds->final.hash);
	return ds->next.set && ds->next.cert.set &&
	       m->height.n == ds->next.cert.cert.height.n &&
	       !base_hash_equal(&m->hash, &ds->next.hash);
}

void ds_cert_good(struct ds *ds, uint32_t peer, const struct ds_held_cert *m,
		  bool asked)
{
	const struct ds_held_cert *held;

	if (conflicts(ds, &m->cert)) {
		ds_halt(ds);
		return;
	}
	/* A part's certificate is asked for, but comes as any other. */
	if (asked || ds->catchup.phase == DS_CATCH_CERT)
		ds_catchup_answer(ds, peer, m);
	if (m->cert.height.n <= ds->final.height.n ||
	    ds_cert_of(ds, &m->cert.hash))
		return;
	held = keep(ds, m);
	relay(ds, held, peer);
	if (m->cert.height.n == ds->final.height.n + 1) {
		DS_RULE(R4_NEXT);
		ds_finalise(ds, &held->cert.hash, held);
	} else if (ds->next.set && m->cert.height.n == ds->final.height.n + 2) {
		ds_hold_cert(&ds->queued, &m->cert);
	} else {
		DS_RULE(R4_HIGHER);
		ds_catchup_target(ds, held);
	}
}

/*~ 11. R4: certified, and on its way to the disk as the next final block. */
void ds_finalise(struct ds *ds, const struct base_hash *hash,
		 const struct ds_held_cert *cert)
{
	struct ds_finalising *n = &ds->next;

	if (n->set)
		return;
	n->set = true;
	n->out = false;
	n->hash = *hash;
	n->body = DS_NO_INDEX;
	n->cert.set = false;
	if (cert)
		ds_hold_cert(&n->cert, &cert->cert);
	ds_finalise_step(ds);
}

static bool known_to_quorum(void *ctx, const struct base_hash *wtxid)
{
	(void)ctx;
	(void)wtxid;
	return true;
}

/* The changes to the coins; the signatures of its transactions are vouched
 * for by a quorum or f + 1 beats, or were judged before it was decided. */
static bool execute_next(struct ds *ds, struct ds_judge *j)
{
	const struct chain_known known = {.has = known_to_quorum};
	struct ds_finalising *n = &ds->next;
	struct ds_body *b = &ds->body[n->body];
	struct chain_block_info info;
	enum chain_verdict v = chain_block_execute(
		&info, ds->p, &ds->final, &ds->o.ledger.coins, &known,
		&j->scratch, b->data, b->len);

	if (v == CHAIN_COINS_FAILED) {
		ds_taint(ds, DS_STORAGE);
		return false;
	}
	if (v != CHAIN_OK) {
		/* A quorum is wrong, or this ledger is. */
		ds_halt(ds);
		return false;
	}
	n->after = ds->final;
	chain_context_append(&n->after, ds->p, &info.header);
	return true;
}

void ds_finalise_step(struct ds *ds)
{
	struct ds_finalising *n = &ds->next;
	struct ds_judge *j = ds_judge_free(ds);
	struct ds_action *a;

	if (!n->set || n->out || !j || ds->mode == DS_HALT)
		return;
	if (n->body == DS_NO_INDEX) {
		n->body = ds_body_find(ds, &n->hash);
		if (n->body == DS_NO_INDEX) {
			ds_ask_again(ds, n->cert.set ? n->cert.cert.mask : 0,
				     &n->hash);
			return;
		}
		ds_body_hold(ds, n->body);
	}
	if (!execute_next(ds, j))
		return;
	j->busy = true;
	j->body = DS_NO_INDEX;
	j->id = 0;
	n->judge = (int)(j - ds->judge);
	n->out = true;
	n->id = ds_new_id(ds);
	a = ds_act(ds, DS_ACT_PERSIST);
	a->persist.id = n->id;
	a->persist.kind = DS_PERSIST_FINAL;
	if (n->cert.set)
		a->persist.cert = n->cert.cert;
	a->persist.block = ds->body[n->body].data;
	a->persist.block_len = ds->body[n->body].len;
	a->persist.changes = &j->scratch.changes;
	a->persist.after = n->after;
}

void ds_drop_decided(struct ds *ds)
{
	struct ds_decided *d = &ds->decided;

	if (!d->set)
		return;
	ds_body_drop(ds, d->body);
	d->body = DS_NO_INDEX;
	d->set = false;
}

/* The new F is on disk: D follows, and what waited for it goes on. */
static void move_final(struct ds *ds)
{
	struct ds_finalising *n = &ds->next;
	const bool mine = ds->decided.set &&
			  base_hash_equal(&ds->decided.after.hash, &n->hash);
	const bool other = ds->decided.set && !mine;
	struct ds_action *a = ds_act(ds, DS_ACT_FINAL);

	a->block.height = n->after.height;
	a->block.hash = n->after.hash;
	a->block.sender = ds->body[n->body].info.sender;
	a->block.tick = ds->tick;
	ds->final = n->after;
	ds->final_at = ds->tick;
	ds_drop_decided(ds);
	ds_body_drop(ds, n->body);
	n->body = DS_NO_INDEX;
	n->set = false;
	ds->template_said = false;
	if (!mine)
		ds->own.has_last = false;
	ds_bodies_forget_judges(ds);
	ds_votes_shift(ds);
	if (other) {
		DS_RULE(R4_OVERRULED);
		ds_taint(ds, DS_OVERRULED);
	}
}

void ds_final_persisted(struct ds *ds, bool done)
{
	struct ds_finalising *n = &ds->next;
	struct ds_held_cert queued;

	n->out = false;
	ds->judge[n->judge].busy = false;
	if (!done) { /* tried again at the next tick */
		ds_taint(ds, DS_STORAGE);
		return;
	}
	move_final(ds);
	ds_publish_template(ds);
	ds_catchup_advanced(ds);
	if (ds->queued.set) {
		ds_hold_cert(&queued, &ds->queued.cert);
		ds->queued.set = false;
		if (queued.cert.height.n == ds->final.height.n + 1)
			ds_finalise(ds, &queued.cert.hash, &queued);
	}
	ds_votes_step(ds);
	ds_proposals_step(ds);
}
