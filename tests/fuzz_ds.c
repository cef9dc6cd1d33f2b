/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ds.c: any sequence of inputs to one state machine. The first byte says
 * how large the committee is, each further one what happens next: time, good
 * and forged messages of its members, raw bytes, answers of verifier and disk
 * or none, links up and down, own blocks, restarts.
 *
 * Asserted: nothing it holds grows without bound, what it says can be read, it
 * bans only whom the wire proves guilty, votes and proposes once and durably
 * first, signs two values of an instance at most, moves F block by block; and
 * where the first bit asks for it, that the same inputs give the same actions
 * whatever the memory held before.
 */
#include "fuzz_ds.h"

#define BYTES_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	uint8_t n, f;
	int8_t self;
} sizes[] = {
	{4, 1, 0}, {3, 1, 2},  {2, 1, 0},  {5, 4, 0},
	{7, 2, 6}, {4, 1, -1}, {5, 4, -1}, {1, 0, 0},
};

#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct fuzz fuzz;
static void *memory[SIZES];

static uint8_t next(struct fuzz *f)
{
	return f->at < f->end ? *f->at++ : 0;
}

static void sign(void *ctx, uint8_t *out, const struct base_hash *hash)
{
	struct fuzz *f = ctx;

	BASE_ASSERT(f->self >= 0);
	world_sign(out, f->w.committee.key[f->self], hash);
}

static int coin(void *ctx, struct chain_coin *out,
		const struct chain_outpoint *at)
{
	static struct world_node node;

	(void)ctx;
	return world_coin(&node, out, at);
}

/* The verifier's answer to one question, which has stayed as it was. */
static void answer_verify(struct fuzz *f, uint32_t i)
{
	struct waiting w = f->waiting[i];

	f->waiting[i] = f->waiting[--f->waits];
	BASE_ASSERT(world_verify(w.check, w.count) == w.good);
	ds_verified(f->ds, f->w.now, w.id, w.good);
	drain(f);
}

static void answer_persist(struct fuzz *f, uint32_t i, bool done)
{
	static struct writing w;

	w = f->writing[i];
	f->writing[i] = f->writing[--f->writes];
	if (done && w.kind == DS_PERSIST_PROPOSED)
		f->proposed = w.tick.n;
	if (done && w.kind == DS_PERSIST_VOTE)
		f->voted = w;
	if (done && w.kind == DS_PERSIST_FINAL) {
		f->final = w.after;
		f->finals = w;
	}
	ds_persisted(f->ds, f->w.now, w.id, done);
	drain(f);
}

static void answer_all(struct fuzz *f)
{
	/* Each answer may ask again, not for ever. */
	for (uint32_t i = 0; i < 1000 && f->waits + f->writes > 0; i++)
		if (f->waits)
			answer_verify(f, 0);
		else
			answer_persist(f, 0, true);
}

static void settle(struct fuzz *f)
{
	drain(f);
	if (f->obedient)
		answer_all(f);
}

static void boot(struct fuzz *f)
{
	struct ds_boot b = {.final = f->final,
			    .last_proposed = {f->proposed},
			    .has_proposed = f->proposed > 0};
	struct ds_vote vote = {.height = f->voted.height,
			       .hash = f->voted.hash,
			       .voter = (uint8_t)f->self,
			       .signature = f->voted.signature};
	struct ds_cert cert;

	memset(f->up, 0, sizeof(f->up));
	memset(f->guilty, 0, sizeof(f->guilty));
	f->waits = 0;
	f->writes = 0;
	f->has_need = false;
	f->mining = false;
	if (f->voted.len) {
		b.vote = &vote;
		b.vote_block = f->voted.block;
		b.vote_block_len = f->voted.len;
	}
	if (f->finals.cert_len) {
		int rc = ds_cert_read(&cert, &f->w.committee, f->finals.cert,
				      f->finals.cert_len);

		BASE_ASSERT(rc == 0);
		b.cert = &cert;
	}
	f->ds = ds_init(memory[f->options.salt[0]], &f->options, &b, f->w.now);
	settle(f);
}

static void begin(struct fuzz *f, uint32_t which)
{
	struct chain_header genesis = {.version = CHAIN_VERSION,
				       .bits = 0x207fffff,
				       .time = FIXTURE_TIME_MS / 1000};
	struct world *w = &f->w;

	fixture_params(&w->params);
	if (pow_target_from_bits(&w->params.pow_limit, genesis.bits) != 0)
		abort();
	w->params.genesis_bits = genesis.bits;
	w->params.member_count = w->n = sizes[which].n;
	w->params.faults = sizes[which].f;
	f->self = sizes[which].self;
	chain_context_init(&w->genesis, &genesis);
	ds_committee_init(&w->committee, &w->params, &w->genesis.hash, 0);
	for (uint32_t i = 0; i < w->n; i++)
		memset(w->committee.key[i], (int)i + 1, CHAIN_KEY_SIZE);
	w->now = FIXTURE_TIME_MS - 1500;
	f->final = w->genesis;
	f->options = (struct ds_options){.committee = &w->committee,
					 .params = &w->params,
					 .self = f->self,
					 .signer = {sign, f},
					 .ledger = {.coins = {.get = coin}},
					 .salt = {(uint8_t)which}};
}

/* A block, from the table or made for it: on F, on another block. */
static const struct forge_block *a_block(struct fuzz *f)
{
	const uint8_t b = next(f);
	const uint32_t i = f->blocks % BLOCKS_MAX;
	struct forge_block *out = &f->block[i];
	struct chain_context on = f->final;
	struct chain_header h;

	if (b < 128 && f->blocks)
		return &f->block[b % (f->blocks < BLOCKS_MAX ? f->blocks
							     : BLOCKS_MAX)];
	*out = (struct forge_block){.sender = (uint8_t)(b % f->w.n)};
	if (b & 64) { /* out of the ordinary */
		const uint8_t how = next(f);

		out->spend = how & 1;
		out->bad_spend = how & 2;
		out->no_coin = how & 4;
		out->more = how >> 3 & 1;
		out->time = how & 16 ? (uint32_t)(f->w.now / 1000) - how : 0;
		if (how & 32 && f->blocks)
			on = f->after[(f->blocks - 1) % BLOCKS_MAX];
		if (how & 64)
			on = f->w.genesis;
	}
	forge_block(out, &f->w, &on);
	chain_header_read(&h, out->bytes);
	out->time = h.time;
	chain_context_append(&on, &f->w.params, &h);
	f->after[i] = on;
	f->blocks++;
	return out;
}

/* How it is signed; wrongly at the peer's own risk. */
static const struct forge_signed *a_way(struct fuzz *f, uint32_t peer)
{
	static const struct forge_signed way[] = {
		{.genesis = 1}, {.epoch = 1},	   {.number = 1},
		{.key = 1},	{.other_kind = 1}, {.garbage = 1},
		{.garbage = 2}, {.garbage = 3},
	};
	const uint8_t b = next(f);

	if (b < 192)
		return NULL;
	f->guilty[peer] = true;
	return &way[b % 8];
}

static uint64_t a_tick(struct fuzz *f)
{
	const uint8_t b = next(f);
	struct ds_status_view v;

	ds_look(&v, f->ds);
	if (b >= 250)
		return UINT64_MAX - b % 4;
	return b < 240 ? v.tick.n + 1 - b % 4 : v.tick.n + 9 - b % 16;
}

/* Nobody can sign for this node. */
static ds_mask a_mask(struct fuzz *f)
{
	ds_mask mask = next(f) & ds_mask_all(&f->w.committee);

	return f->self < 0 ? mask : mask & ~ds_mask_of((uint32_t)f->self);
}

static void hear(struct fuzz *f, uint32_t peer, enum ds_message_kind kind,
		 size_t len)
{
	ds_message(f->ds, f->w.now, peer, kind, wire, len);
	settle(f);
}

static void hear_proposal(struct fuzz *f, uint32_t peer)
{
	static const struct forge_signed nobody = {.garbage = 3};
	const struct forge_block *b = a_block(f);
	const uint64_t tick = a_tick(f);
	const ds_mask mask = a_mask(f) | ds_mask_of(b->sender);
	const uint64_t ms =
		ds_tick_ms(&f->w.committee, (struct base_tick){tick});
	const struct forge_signed *how = a_way(f, peer);
	struct forge_block said = *b;
	uint8_t odd = next(f);

	if (said.sender == f->self || !chain_time_in_window(b->time, ms))
		f->guilty[peer] = true;
	if (odd >= 240) {
		f->guilty[peer] = true;
		said.sender = odd % WORLD_NODES_MAX;
	}
	if (said.sender == f->self)
		how = &nobody;
	hear(f, peer, DS_PROPOSAL,
	     forge_proposal(wire, &f->w, &said, tick, mask, odd & 1, how));
}

static struct base_hash a_hash(struct fuzz *f)
{
	struct ds_status_view v;
	struct base_hash hash;
	const uint8_t b = next(f);

	if (b < 64 && f->blocks)
		return f->block[b % (f->blocks < BLOCKS_MAX ? f->blocks
							    : BLOCKS_MAX)]
			.hash;
	if (b < 128) {
		ds_look(&v, f->ds);
		return v.decided;
	}
	if (b < 160)
		return f->final.hash;
	memset(&hash, b, sizeof(hash));
	return hash;
}

static uint32_t a_height(struct fuzz *f)
{
	const uint8_t b = next(f);

	return b >= 250 ? UINT32_MAX - b % 4
			: f->final.height.n + 1 + b / 64 * (b % 8) - b / 128;
}

static uint8_t other_member(struct fuzz *f, uint8_t b)
{
	uint32_t who = b % f->w.n;

	if ((int)who == f->self)
		who = (who + 1) % f->w.n;
	return (uint8_t)who;
}

static void hear_claim(struct fuzz *f, uint32_t peer, enum ds_message_kind kind)
{
	const uint8_t who = other_member(f, next(f));
	const struct forge_signed *how;
	struct ds_beat_claim claim = {.flags = DS_ACTIVE};
	struct base_hash hash = a_hash(f);
	uint32_t height = a_height(f);
	size_t len;

	if ((int)who == f->self) /* alone */
		return;
	how = a_way(f, peer);
	switch (kind) {
	case DS_VOTE:
		len = forge_vote(wire, &f->w, who, height, &hash, how);
		break;
	case DS_BEAT:
		claim.tick.n = a_tick(f);
		claim.tip = hash;
		claim.tip_height.n = height;
		claim.flags = next(f) % 8 ? DS_ACTIVE : next(f);
		len = forge_beat(wire, &f->w, who, &claim,
				 f->w.now + next(f) * 64, how);
		break;
	default:
		len = forge_evidence(wire, &f->w,
				     height & 1 ? DS_TWO_VOTES
						: DS_TWO_PROPOSALS,
				     height, who, how);
		break;
	}
	hear(f, peer, kind, len);
}

static size_t a_cert(struct fuzz *f, uint32_t peer)
{
	struct base_hash hash = a_hash(f);
	const uint32_t height = a_height(f);
	const ds_mask mask = a_mask(f);
	const struct forge_signed *how = a_way(f, peer);

	if (mask == 0)
		return 0;
	if (ds_mask_count(mask) < f->w.committee.quorum)
		f->guilty[peer] = true;
	return forge_cert(wire, &f->w, mask, height, &hash, how);
}

static void hear_raw(struct fuzz *f, uint32_t peer)
{
	const enum ds_message_kind kind = (enum ds_message_kind)(next(f) % 7);
	size_t len = next(f);

	if (len > (size_t)(f->end - f->at))
		len = (size_t)(f->end - f->at);
	memcpy(wire, f->at, len);
	f->at += len;
	f->guilty[peer] = true;
	hear(f, peer, kind, len);
}

/* What it asked for last, if there is such a thing. */
static void answer_need(struct fuzz *f)
{
	static uint8_t way[BLOCKS_MAX * CHAIN_HEADER_SIZE];
	const struct ds_action a = f->need;
	const struct forge_block *b = a_block(f);
	size_t len = 0;
	uint32_t count;

	f->has_need = false;
	if (!f->up[a.need.peer])
		return;
	switch (a.need.kind) {
	case DS_NEED_STATUS:
		if (next(f) & 1)
			len = a_cert(f, a.need.peer);
		ds_status(f->ds, f->w.now, a.need.peer, wire, len);
		break;
	case DS_NEED_HEADERS:
		count = next(f) % (BLOCKS_MAX + 1);
		for (uint32_t i = 0; i < count; i++)
			memcpy(way + i * CHAIN_HEADER_SIZE,
			       f->block[(f->blocks + i) % BLOCKS_MAX].bytes,
			       CHAIN_HEADER_SIZE);
		if (count && next(f) & 1)
			memcpy(way, b->bytes, CHAIN_HEADER_SIZE);
		ds_headers(f->ds, f->w.now, a.need.peer, way, count);
		break;
	case DS_NEED_BLOCK:
		for (uint32_t i = 0; i < BLOCKS_MAX && i < f->blocks; i++)
			if (base_hash_equal(&f->block[i].hash, &a.need.hash))
				b = &f->block[i];
		ds_block(f->ds, f->w.now, a.need.peer, b->bytes, b->len);
		break;
	case DS_NEED_CERT:
		len = forge_cert(wire, &f->w, ds_mask_all(&f->w.committee),
				 f->final.height.n + 1, &a.need.hash, NULL);
		ds_message(f->ds, f->w.now, a.need.peer, DS_CERT, wire, len);
		break;
	}
	settle(f);
}

static void link_up(struct fuzz *f, uint32_t peer)
{
	if (f->up[peer] || (int)peer == f->self)
		return;
	f->up[peer] = true;
	f->guilty[peer] = false;
	ds_peer_up(f->ds, f->w.now, peer, (int)peer);
	settle(f);
}

static void to_next_tick(struct fuzz *f, uint64_t late)
{
	uint64_t due = ds_next_tick_ms(f->ds);

	if (due != UINT64_MAX && due + late > f->w.now)
		f->w.now = due + late;
	ds_advance(f->ds, f->w.now);
	settle(f);
}

/* A tick as it should be: all are there and have the tip that this one has. */
static void good_tick(struct fuzz *f)
{
	struct ds_status_view v;
	struct ds_beat_claim claim = {.flags = DS_ACTIVE};

	to_next_tick(f, 0);
	ds_look(&v, f->ds);
	claim.tick = v.tick;
	claim.tip = v.decided;
	claim.tip_height = v.decided_height;
	claim.final_height = v.final.height;
	for (uint8_t i = 0; i < f->w.n; i++) {
		if ((int)i == f->self)
			continue;
		link_up(f, i);
		ds_status(f->ds, f->w.now, i, NULL, 0);
		settle(f);
		hear(f, i, DS_BEAT,
		     forge_beat(wire, &f->w, i, &claim, f->w.now, NULL));
	}
}

/* All others vote for what this one has decided. */
static void good_votes(struct fuzz *f)
{
	struct ds_status_view v;

	ds_look(&v, f->ds);
	for (uint8_t i = 0; i < f->w.n; i++)
		if ((int)i != f->self)
			hear(f, i, DS_VOTE,
			     forge_vote(wire, &f->w, i, f->final.height.n + 1,
					&v.decided, NULL));
}

static void own_block(struct fuzz *f)
{
	const uint32_t i = f->blocks % BLOCKS_MAX;
	struct forge_block *b = &f->block[i];
	struct chain_header h;

	if (!f->mining || f->self < 0)
		return;
	*b = (struct forge_block){.sender = (uint8_t)f->self,
				  .spend = next(f) & 1};
	forge_block(b, &f->w, &f->template);
	chain_header_read(&h, b->bytes);
	b->time = h.time;
	f->after[i] = f->template;
	chain_context_append(&f->after[i], &f->w.params, &h);
	f->blocks++;
	ds_own_block(f->ds, f->w.now, b->bytes, b->len);
	settle(f);
}

static void other(struct fuzz *f, uint8_t op, uint32_t peer)
{
	const struct forge_block *b;
	struct base_hash hash;

	switch (op) {
	case 0:
		f->w.now += next(f) * 8u;
		ds_advance(f->ds, f->w.now);
		break;
	case 1:
		to_next_tick(f, 0);
		break;
	case 2:
		f->w.now += next(f) * UINT64_C(1000);
		to_next_tick(f, 1000);
		break;
	case 3:
		link_up(f, peer);
		break;
	case 4:
		if (f->up[peer])
			ds_peer_down(f->ds, f->w.now, peer);
		f->up[peer] = false;
		break;
	case 5:
		hash = a_hash(f);
		if (f->up[peer])
			ds_have(f->ds, f->w.now, peer, &hash);
		break;
	case 6:
		b = a_block(f);
		ds_block(f->ds, f->w.now, peer, b->bytes, b->len);
		break;
	case 7:
		ds_clock_anomaly(f->ds, f->w.now);
		break;
	case 8:
		if (next(f) % 4 == 0)
			boot(f);
		break;
	case 9:
		f->obedient = !f->obedient;
		break;
	case 10:
		if (f->waits)
			answer_verify(f, next(f) % f->waits);
		break;
	case 11:
		if (f->writes)
			answer_persist(f, next(f) % f->writes, next(f) % 4);
		break;
	case 12:
		own_block(f);
		break;
	default:
		good_votes(f);
		break;
	}
	settle(f);
}

static void one_op(struct fuzz *f)
{
	const uint8_t op = next(f) % 32;
	const uint32_t peer = next(f) % f->w.n;
	size_t len;

	switch (op) {
	case 0:
	case 1:
	case 2:
	case 3:
		hear_proposal(f, peer);
		break;
	case 4:
	case 5:
		hear_claim(f, peer, DS_VOTE);
		break;
	case 6:
	case 7:
		hear_claim(f, peer, DS_BEAT);
		break;
	case 8:
		hear_claim(f, peer, DS_EVID);
		break;
	case 9:
	case 10:
		len = a_cert(f, peer);
		if (len)
			hear(f, peer, DS_CERT, len);
		break;
	case 11:
		hear_raw(f, peer);
		break;
	case 12:
	case 13:
		if (f->has_need)
			answer_need(f);
		break;
	case 14:
	case 15:
	case 16:
		for (uint32_t i = 0; i <= peer; i++)
			good_tick(f);
		break;
	case 17:
		answer_all(f);
		break;
	default:
		other(f, (uint8_t)(op - 18), peer);
		break;
	}
}

static uint64_t run(const uint8_t *data, size_t size, int fill)
{
	struct fuzz *f = &fuzz;
	uint32_t which;

	memset(f, 0, offsetof(struct fuzz, w));
	f->w.extranonce = 0;
	f->blocks = 0;
	memset(&f->voted, 0, sizeof(f->voted));
	memset(&f->finals, 0, sizeof(f->finals));
	memset(f->votes, 0, sizeof(f->votes));
	memset(f->proposals, 0, sizeof(f->proposals));
	memset(f->values, 0, sizeof(f->values));
	f->proposed = 0;
	f->trace = UINT64_C(0xcbf29ce484222325);
	f->at = data;
	f->end = data + size;
	which = next(f);
	f->obedient = which & 64;
	which %= SIZES;
	begin(f, which);
	if (!memory[which])
		memory[which] = aligned_alloc(64, ds_memory(&f->options));
	BASE_ASSERT(memory[which]);
	if (fill >= 0)
		memset(memory[which], fill, ds_memory(&f->options));
	boot(f);
	while (f->at < f->end)
		one_op(f);
	answer_all(f);
	return f->trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const bool twice = size > 0 && data[0] & 128;
	uint64_t first;

	if (size > BYTES_MAX)
		return 0;
	first = run(data, size, twice ? 0 : -1);
	if (twice)
		BASE_ASSERT(run(data, size, 0xa5) == first);
	return 0;
}
