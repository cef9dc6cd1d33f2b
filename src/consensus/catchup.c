/* SPDX-License-Identifier: MIT */
/*
 * R6: how a node learns what is final.
 *
 * It asks every peer for the certificate of its final tip, takes the highest
 * once n - f members or all peers have answered, asks one peer for the headers
 * up to it and then for the blocks. One certificate vouches for all ancestors;
 * a long way is cut into parts, each with a certificate of its own. Without
 * certificates the tip that f + 1 members name in their beats stands for one,
 * and before that the block that people vouch for.
 */
#include "consensus/internal.h"

#define PATIENCE_TICKS 4

static uint32_t answers_needed(const struct ds *ds)
{
	uint32_t others = ds->c->n - ds->c->f;

	return ds_is_member(ds) ? others - 1 : others;
}

static void enter(struct ds *ds, enum ds_catchup_phase phase)
{
	ds->catchup.phase = phase;
	ds->catchup.since = ds->tick;
	ds->catchup.again = false;
}

uint32_t ds_another_peer(const struct ds *ds, uint32_t after)
{
	for (uint32_t i = 1; i <= DS_PEERS_MAX; i++) {
		uint32_t peer = (after + i) % DS_PEERS_MAX;

		if (ds->peer[peer].up)
			return peer;
	}
	return DS_NOBODY;
}

static void ask_headers(struct ds *ds)
{
	struct ds_catchup *c = &ds->catchup;
	const uint32_t gap = c->target.cert.height.n - ds->final.height.n;
	struct ds_action *a;

	enter(ds, DS_CATCH_HEADERS);
	if (c->asked_peer >= DS_PEERS_MAX || !ds->peer[c->asked_peer].up)
		c->asked_peer = ds_another_peer(ds, 0);
	if (c->asked_peer == DS_NOBODY) {
		c->again = ds->trusting;
		return;
	}
	a = ds_act(ds, DS_ACT_NEED);
	a->need.kind = DS_NEED_HEADERS;
	a->need.peer = c->asked_peer;
	a->need.hash = c->target.cert.hash;
	a->need.from.n = ds->final.height.n + 1;
	a->need.count =
		ds->c->certified && gap < DS_HEADERS_MAX ? gap : DS_HEADERS_MAX;
}

static bool behind_target(const struct ds *ds)
{
	const struct ds_catchup *c = &ds->catchup;

	if (!c->target.set ||
	    base_hash_equal(&c->target.cert.hash, &ds->final.hash))
		return false;
	return !ds->c->certified ||
	       c->target.cert.height.n > ds->final.height.n;
}

/* Everyone who is to be heard was. */
static void conclude(struct ds *ds)
{
	if (behind_target(ds))
		ask_headers(ds);
	else
		enter(ds, DS_CATCH_DONE);
}

void ds_catchup_begin(struct ds *ds)
{
	struct ds_catchup *c = &ds->catchup;

	DS_RULE(R6);
	c->answers = 0;
	c->members = 0;
	c->target.set = false;
	c->asked_peer = DS_NOBODY;
	enter(ds, DS_CATCH_STATUS);
	for (uint32_t i = 0; i < DS_PEERS_MAX; i++) {
		struct ds_peer *p = &ds->peer[i];
		struct ds_action *a;

		p->has_status = false;
		if (!p->up)
			continue;
		a = ds_act(ds, DS_ACT_NEED);
		a->need.kind = DS_NEED_STATUS;
		a->need.peer = i;
	}
	if (ds->trusting) {
		c->target.set = true;
		c->target.cert.hash = ds->trusted;
	}
	if (ds->trusting || answers_needed(ds) == 0)
		conclude(ds);
}

/* Nobody is left to answer: in a sparse graph that is soon. */
static bool all_answered(const struct ds *ds)
{
	for (uint32_t i = 0; i < DS_PEERS_MAX; i++) {
		const struct ds_peer *p = &ds->peer[i];

		if (p->up && !p->has_status)
			return false;
	}
	return ds->ticking;
}

/* Anyone may know the way, but only members count towards a quorum. */
static void count_answer(struct ds *ds, uint32_t peer)
{
	struct ds_catchup *c = &ds->catchup;

	if (c->phase != DS_CATCH_STATUS)
		return;
	c->answers++;
	c->members += peer != DS_NOBODY && ds->peer[peer].member >= 0;
	if (c->members >= answers_needed(ds) || all_answered(ds))
		conclude(ds);
}

void ds_status(struct ds *ds, uint64_t now, uint32_t peer, const uint8_t *cert,
	       size_t len)
{
	struct ds_cert in;

	ds_advance(ds, now);
	if (ds->catchup.phase != DS_CATCH_STATUS || !ds->peer[peer].up ||
	    ds->peer[peer].has_status || ds->mode == DS_HALT)
		return;
	ds->peer[peer].has_status = true;
	if (len == 0) {
		count_answer(ds, peer);
		return;
	}
	if (ds_cert_read(&in, ds->c, cert, len) < 0) {
		DS_RULE(R1_1);
		ds_ban(ds, peer);
		return;
	}
	ds_on_cert(ds, peer, &in, true);
}

static void aim_at(struct ds *ds, uint32_t peer,
		   const struct ds_held_cert *cert)
{
	struct ds_catchup *c = &ds->catchup;

	if (cert->cert.height.n <= ds->final.height.n ||
	    (c->target.set && c->target.cert.height.n >= cert->cert.height.n))
		return;
	ds_hold_cert(&c->target, &cert->cert);
	/* An answer on its way is awaited first. */
	if (c->phase == DS_CATCH_STATUS || c->phase == DS_CATCH_DONE)
		c->asked_peer = peer;
}

static void ask_block(struct ds *ds);

/* A certificate that we asked for, and that is good. */
void ds_catchup_answer(struct ds *ds, uint32_t peer,
		       const struct ds_held_cert *cert)
{
	struct ds_catchup *c = &ds->catchup;

	if (c->phase == DS_CATCH_CERT && c->way_count > 0 &&
	    base_hash_equal(&cert->cert.hash, &c->way[c->way_count - 1])) {
		ds_hold_cert(&c->part, &cert->cert);
		ask_block(ds);
		return;
	}
	aim_at(ds, peer, cert);
	count_answer(ds, peer);
}

/* R4: a certificate above my next height. */
void ds_catchup_target(struct ds *ds, const struct ds_held_cert *cert)
{
	struct ds_catchup *c = &ds->catchup;

	ds_taint(ds, DS_BEHIND);
	aim_at(ds, DS_NOBODY, cert);
	if (c->phase == DS_CATCH_STATUS || c->phase == DS_CATCH_DONE)
		conclude(ds);
}

static void ask_block(struct ds *ds)
{
	struct ds_catchup *c = &ds->catchup;
	const struct base_hash *hash = &c->way[c->way_next];
	const bool last = c->way_next + 1 == c->way_count;

	enter(ds, DS_CATCH_BLOCKS);
	ds_finalise(ds, hash, last && c->part.set ? &c->part : NULL);
	/* Unless it was here already: then it is on its way to the disk. */
	if (!ds->next.out)
		ds_ask(ds, DS_NEED_BLOCK, c->asked_peer, hash);
}

void ds_catchup_advanced(struct ds *ds)
{
	struct ds_catchup *c = &ds->catchup;

	if (ds->trusting && base_hash_equal(&ds->trusted, &ds->final.hash))
		ds->trusting = false;
	if (c->phase != DS_CATCH_BLOCKS) {
		if (c->phase == DS_CATCH_HEADERS && !behind_target(ds))
			enter(ds, DS_CATCH_DONE);
		return;
	}
	if (c->way_next < c->way_count &&
	    base_hash_equal(&c->way[c->way_next], &ds->final.hash))
		c->way_next++;
	if (c->way_next < c->way_count)
		ask_block(ds);
	else
		conclude(ds);
}

/* The way leads from F, block by block, under the rules for headers. */
static bool read_way(struct ds *ds, const uint8_t *headers, size_t count)
{
	struct ds_catchup *c = &ds->catchup;
	struct chain_context at = ds->final;

	for (size_t i = 0; i < count; i++) {
		struct chain_header h;

		chain_header_read(&h, headers + i * CHAIN_HEADER_SIZE);
		if (chain_context_check(&at, ds->p, &h) != CHAIN_OK)
			return false;
		chain_context_append(&at, ds->p, &h);
		c->way[i] = at.hash;
		c->way_count = (uint32_t)i + 1;
		/* Who was asked may have more than is known to be final. */
		if (base_hash_equal(&at.hash, &c->target.cert.hash))
			break;
	}
	c->way_next = 0;
	return true;
}

/* R4: a certificate vouches for all ancestors; here is the way from the
 * target down to my height, and it does not end in my F. */
static bool contradicts_final(const struct ds *ds, const uint8_t *headers,
			      size_t count)
{
	const struct ds_held_cert *target = &ds->catchup.target;
	struct chain_header h;
	struct base_hash hash;

	if (!ds->c->certified || ds->final.height.n == 0 || count == 0 ||
	    count != target->cert.height.n - ds->final.height.n)
		return false;
	chain_header_read(&h, headers);
	if (base_hash_equal(&h.prev, &ds->final.hash))
		return false;
	chain_header_hash(&hash, &h);
	for (size_t i = 1; i < count; i++) {
		chain_header_read(&h, headers + i * CHAIN_HEADER_SIZE);
		if (!base_hash_equal(&h.prev, &hash))
			return false;
		chain_header_hash(&hash, &h);
	}
	return base_hash_equal(&hash, &target->cert.hash);
}

void ds_headers(struct ds *ds, uint64_t now, uint32_t peer,
		const uint8_t *headers, size_t count)
{
	struct ds_catchup *c = &ds->catchup;
	const struct ds_held_cert *held;
	const struct base_hash *last;

	ds_advance(ds, now);
	if (c->phase != DS_CATCH_HEADERS || peer != c->asked_peer ||
	    ds->mode == DS_HALT || ds->next.set)
		return;
	if (count <= DS_HEADERS_MAX && contradicts_final(ds, headers, count)) {
		ds_halt(ds);
		return;
	}
	if (count == 0 || count > DS_HEADERS_MAX ||
	    !read_way(ds, headers, count)) {
		c->again = true;
		return;
	}
	c->part.set = false;
	last = &c->way[c->way_count - 1];
	if (base_hash_equal(last, &c->target.cert.hash)) {
		if (ds->c->certified)
			ds_hold_cert(&c->part, &c->target.cert);
		ask_block(ds);
		return;
	}
	/* Gossip may have brought it before: then nobody would answer. */
	held = ds_cert_of(ds, last);
	if (held) {
		ds_hold_cert(&c->part, &held->cert);
		ask_block(ds);
		return;
	}
	enter(ds, DS_CATCH_CERT);
	ds_ask(ds, DS_NEED_CERT, peer, last);
}

/* Without certificates: the tip that f + 1 members name. */
static void aim_at_beats(struct ds *ds)
{
	struct ds_catchup *c = &ds->catchup;
	const struct base_hash *tip;

	if (!ds->ticking || ds->tick.n == 0)
		return;
	tip = ds_beats_tip(ds, (struct base_tick){ds->tick.n - 1});
	if (!tip)
		return;
	c->target.set = true;
	c->target.cert.hash = *tip;
	if (c->phase == DS_CATCH_STATUS)
		conclude(ds);
}

void ds_catchup_tick(struct ds *ds)
{
	struct ds_catchup *c = &ds->catchup;
	const uint64_t waited = ds->tick.n - c->since.n;

	if (ds->mode != DS_SYNC || c->phase == DS_CATCH_DONE ||
	    !ds_is_newest(ds, ds->tick))
		return;
	if (!ds->c->certified && !ds->trusting)
		aim_at_beats(ds);
	if (waited < PATIENCE_TICKS && !c->again)
		return;
	switch (c->phase) {
	case DS_CATCH_STATUS:
		/* Those who could answer have; nobody at all is no answer. */
		if (c->answers > 0)
			conclude(ds);
		else
			ds_catchup_begin(ds);
		break;
	case DS_CATCH_BLOCKS:
		c->asked_peer = ds_another_peer(ds, c->asked_peer);
		enter(ds, DS_CATCH_BLOCKS);
		if (c->way_next < c->way_count)
			ds_ask(ds, DS_NEED_BLOCK, c->asked_peer,
			       &c->way[c->way_next]);
		break;
	case DS_CATCH_HEADERS:
	case DS_CATCH_CERT:
		c->asked_peer = ds_another_peer(ds, c->asked_peer);
		ask_headers(ds);
		break;
	case DS_CATCH_DONE:
		break;
	}
}
