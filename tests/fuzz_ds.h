/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ds.h: what fuzz_ds.c asserts of every action of the state machine.
 */
#ifndef TESTS_FUZZ_DS_H
#define TESTS_FUZZ_DS_H

#include "ds_forge.h"

#include "base/assert.h"

#define BLOCKS_MAX 32
#define WAITING_MAX (DS_PENDING_MAX + DS_SCRATCHES)
#define WRITING_MAX 64
#define SEEN 256 /* places in tables of what was said */

struct waiting {
	uint64_t id;
	const struct chain_check *check;
	uint32_t count;
	bool good;
};

struct writing {
	uint64_t id;
	enum ds_persist_kind kind;
	struct base_tick tick;
	struct base_height height;
	struct base_hash hash;
	uint8_t signature[DS_SIGNATURE_SIZE];
	size_t len;
	uint8_t block[WORLD_BLOCK_MAX];
	struct chain_context after;
	size_t cert_len;
	uint8_t cert[DS_CERT_SIZE(WORLD_NODES_MAX)];
};

/* What one name (a height, a tick, an instance) was said with. */
struct said {
	uint64_t name;
	uint32_t count;
	struct base_hash hash[2];
};

struct fuzz {
	const uint8_t *at, *end;
	struct world w; /* parameters, committee, time: no nodes */
	int self;
	struct ds *ds;
	struct ds_options options;
	struct forge_block block[BLOCKS_MAX];
	struct chain_context after[BLOCKS_MAX];
	uint32_t blocks;
	bool up[WORLD_NODES_MAX];
	bool guilty[WORLD_NODES_MAX];
	struct waiting waiting[WAITING_MAX];
	uint32_t waits;
	struct writing writing[WRITING_MAX];
	uint32_t writes;
	struct ds_action need;
	bool has_need;
	bool obedient; /* verifier and disk answer at once */
	struct chain_context final, template;
	bool mining;
	struct writing voted, finals; /* as the disk has them */
	uint64_t proposed;
	struct said votes[SEEN], proposals[SEEN], values[SEEN];
	uint64_t trace;
};

static uint8_t wire[WORLD_MESSAGE_MAX];

static void trace(struct fuzz *f, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		f->trace = (f->trace ^ b[i]) * UINT64_C(0x100000001b3);
}

/* At most @most hashes by one name. */
static void say_once(struct said *table, uint64_t name,
		     const struct base_hash *hash, uint32_t most)
{
	struct said *s = &table[name % SEEN];

	if (s->count == 0 || s->name != name)
		*s = (struct said){.name = name};
	for (uint32_t i = 0; i < s->count; i++)
		if (base_hash_equal(&s->hash[i], hash))
			return;
	BASE_ASSERT(s->count < most);
	s->hash[s->count++] = *hash;
}

static void check_proposal(struct fuzz *f, size_t len)
{
	struct ds_proposal m;
	struct chain_header h;
	struct base_hash hash;
	int rc = ds_proposal_read(&m, &f->w.committee,
				  f->w.params.max_block_bytes, wire, len);

	BASE_ASSERT(rc == 0);
	chain_header_read(&h, m.block);
	chain_header_hash(&hash, &h);
	if (f->self < 0 || !ds_mask_has(m.mask, (uint32_t)f->self))
		return;
	say_once(f->values, m.tick.n * WORLD_NODES_MAX + m.sender, &hash, 2);
	if (m.sender != f->self)
		return;
	say_once(f->proposals, m.tick.n, &hash, 1);
	BASE_ASSERT(m.tick.n <= f->proposed);
}

static void check_vote(struct fuzz *f, size_t len)
{
	struct ds_vote m;
	int rc = ds_vote_read(&m, &f->w.committee, wire, len);

	BASE_ASSERT(rc == 0);
	if (m.voter != f->self)
		return;
	say_once(f->votes, m.height.n, &m.hash, 1);
	BASE_ASSERT(f->voted.height.n == m.height.n &&
		    base_hash_equal(&f->voted.hash, &m.hash));
}

static void check_send(struct fuzz *f, const struct ds_action *a)
{
	struct ds_evidence evidence;
	struct ds_cert cert;
	struct ds_beat beat;
	size_t len = 0;
	int rc = 0;

	for (uint32_t i = 0; i < DS_PEERS_MAX; i++)
		if (a->send.to.word[i / 64] >> i % 64 & 1)
			BASE_ASSERT(i < f->w.n && f->up[i]);
	switch (a->send.kind) {
	case DS_PROPOSAL:
		len = ds_proposal_write(wire, sizeof(wire), &a->send.proposal);
		check_proposal(f, len);
		break;
	case DS_VOTE:
		len = ds_vote_write(wire, sizeof(wire), &a->send.vote);
		check_vote(f, len);
		break;
	case DS_CERT:
		len = ds_cert_write(wire, sizeof(wire), &a->send.cert);
		rc = ds_cert_read(&cert, &f->w.committee, wire, len);
		break;
	case DS_BEAT:
		len = ds_beat_write(wire, sizeof(wire), &a->send.beat);
		rc = ds_beat_read(&beat, &f->w.committee, wire, len);
		break;
	case DS_EVID:
		len = ds_evidence_write(wire, sizeof(wire), &a->send.evidence);
		rc = ds_evidence_read(&evidence, &f->w.committee, wire, len);
		break;
	}
	BASE_ASSERT(len > 0 && rc == 0);
	trace(f, wire, len);
}

static void take_persist(struct fuzz *f, const struct ds_action *a)
{
	struct writing *w = &f->writing[f->writes++];

	BASE_ASSERT(f->writes < WRITING_MAX);
	*w = (struct writing){.id = a->persist.id, .kind = a->persist.kind};
	w->tick = a->persist.tick;
	w->len = a->persist.block_len;
	if (w->len)
		memcpy(w->block, a->persist.block, w->len);
	if (w->kind == DS_PERSIST_VOTE) {
		w->height = a->persist.vote.height;
		w->hash = a->persist.vote.hash;
		memcpy(w->signature, a->persist.vote.signature,
		       DS_SIGNATURE_SIZE);
		BASE_ASSERT(w->len > 0);
	}
	if (w->kind == DS_PERSIST_FINAL) {
		w->after = a->persist.after;
		BASE_ASSERT(w->len > 0 &&
			    w->after.height.n == f->final.height.n + 1 &&
			    memcmp(w->block + 4, f->final.hash.b, 32) == 0);
		if (a->persist.cert.mask)
			w->cert_len = ds_cert_write(w->cert, sizeof(w->cert),
						    &a->persist.cert);
	}
}

static void act(struct fuzz *f, const struct ds_action *a)
{
	trace(f, &a->kind, sizeof(a->kind));
	switch (a->kind) {
	case DS_ACT_SEND:
		check_send(f, a);
		break;
	case DS_ACT_VERIFY:
		BASE_ASSERT(f->waits < WAITING_MAX && a->verify.count > 0);
		f->waiting[f->waits++] = (struct waiting){
			.id = a->verify.id,
			.check = a->verify.check,
			.count = a->verify.count,
			.good = world_verify(a->verify.check, a->verify.count)};
		break;
	case DS_ACT_PERSIST:
		take_persist(f, a);
		break;
	case DS_ACT_TEMPLATE:
		f->mining = a->template != NULL;
		if (a->template)
			f->template = *a->template;
		break;
	case DS_ACT_BAN:
		BASE_ASSERT(a->ban.peer < f->w.n && f->guilty[a->ban.peer]);
		break;
	case DS_ACT_NEED:
		BASE_ASSERT(a->need.peer < f->w.n && f->up[a->need.peer]);
		f->need = *a;
		f->has_need = true;
		break;
	case DS_ACT_DECIDED:
	case DS_ACT_FINAL:
	case DS_ACT_MODE:
	case DS_ACT_ALERT:
	case DS_ACT_HAVE:
	case DS_ACT_DROPPED:
		break;
	}
}

static void drain(struct fuzz *f)
{
	struct ds_action a;
	struct ds_status_view v;

	while (ds_next(f->ds, &a))
		act(f, &a);
	ds_look(&v, f->ds);
	BASE_ASSERT(v.final.height.n == f->final.height.n);
	BASE_ASSERT(base_hash_equal(&v.final.hash, &f->final.hash));
	BASE_ASSERT(v.decided_height.n <= v.final.height.n + 1);
}

#endif
