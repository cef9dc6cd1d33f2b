/* SPDX-License-Identifier: MIT */
/*
 * Liars: members that run a real ds, so that they know what is going on,
 * and say something else. They know each other's keys, send as fast as they
 * like, and keep what they heard.
 */
#include "sim.h"

#include "base/assert.h"
#include "pow/target.h"

#define W(w) ((w)->committee.rounds)
#define MESSAGE_MAX 131072
#define FLOOD_BLOCKS 6

/* Nothing protects a committee that is restarted as a whole from a split:
 * people do that with those members only whom they trust (with certificates:
 * when they have to do it again). */
static bool lies(const struct sim_world *w, enum sim_fault kind)
{
	if (w->recoveries > w->committee.certified && w->now < w->judged_at)
		return false;
	return w->lies & SIM_BIT(kind);
}

/* One of the seed's lies, told with probability @ppm. */
static bool tells(struct sim_world *w, enum sim_fault kind, uint32_t ppm)
{
	if (!lies(w, kind) || !sim_chance(w, ppm))
		return false;
	sim_fired(w, kind);
	return true;
}

static ds_mask all_liars(const struct sim_world *w)
{
	ds_mask mask = 0;

	for (uint32_t i = 0; i < w->members; i++)
		if (w->node[i].liar)
			mask |= ds_mask_of(i);
	return mask;
}

static uint32_t an_honest(struct sim_world *w)
{
	for (;;) {
		uint32_t i = (uint32_t)sim_below(w, w->count);

		if (!w->node[i].liar)
			return i;
	}
}

/* ---- proposals made by hand ---- */

/* @block at @tick, signed by the liars in @mask, with the certificate of its
 * parent if that is final here. */
static struct sim_buf *propose(struct sim_world *w, struct sim_node *n,
			       uint32_t block, uint64_t tick, ds_mask mask)
{
	static uint8_t bytes[MESSAGE_MAX];
	uint8_t signatures[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
	const struct sim_block *b = &w->block[block];
	struct ds_proposal m = {
		.epoch = w->committee.vote_epoch,
		.tick = {tick},
		.sender = b->sender,
		.mask = mask,
		.signatures = signatures,
		.has_body = true,
		.block = b->bytes,
		.block_len = b->len,
	};
	uint32_t parent = b->after.height.n - 1;
	struct base_hash hash;
	ds_mask left = mask;
	size_t len;

	ds_hash_proposal(&hash, &w->committee, m.tick, m.sender, &b->hash);
	for (uint32_t i = 0; left; i++)
		sim_sign(w, ds_mask_take(&left),
			 signatures + (size_t)i * DS_SIGNATURE_SIZE, &hash);
	if (parent <= n->disk.height && n->disk.cert[parent].mask &&
	    base_hash_equal(&w->block[n->disk.block[parent]].hash, &b->prev)) {
		m.has_parent_cert = true;
		m.parent_cert = n->disk.cert[parent];
	}
	len = ds_proposal_write(bytes, sizeof(bytes), &m);
	BASE_ASSERT(len > 0);
	sim_check_proposed(w, &(struct sim_proposed){.tick = tick,
						     .sender = m.sender,
						     .hash = b->hash,
						     .prev = b->prev});
	return sim_buf_new(bytes, len, len);
}

static void send_at(struct sim_world *w, struct sim_node *n, uint64_t at,
		    uint32_t to, struct sim_buf *buf)
{
	buf->refs++;
	sim_at(w, at < w->now ? w->now : at,
	       &(struct sim_event){.kind = SIM_EV_LIE,
				   .node = (uint8_t)n->index,
				   .other = (uint8_t)to,
				   .wire = DS_PROPOSAL,
				   .buf = buf});
}

void sim_lie(struct sim_world *w, const struct sim_event *e)
{
	struct sim_node *n = &w->node[e->node];

	if (n->up)
		sim_send_after(w, n, e->other, e->wire, e->buf, 1);
	sim_buf_put(e->buf);
}

static uint32_t build(struct sim_world *w, struct sim_node *n,
		      const struct chain_context *on, uint32_t bits)
{
	uint32_t now = (uint32_t)(sim_now(w, n) / 1000);

	return sim_block_build(
		w, &(struct sim_build){.on = on,
				       .sender = (uint8_t)n->member,
				       .time = now,
				       .salt = base_prng_u64(&w->rng),
				       .bits = bits});
}

struct sim_buf *sim_lie_proposal(struct sim_world *w, struct sim_node *n,
				 uint64_t tick)
{
	BASE_ASSERT(n->has_template);
	return propose(w, n, build(w, n, &n->template, 0), tick,
		       ds_mask_of((uint32_t)n->member));
}

static ds_mask own_or_all(struct sim_world *w, const struct sim_node *n)
{
	if (sim_chance(w, 500000))
		return all_liars(w);
	return ds_mask_of((uint32_t)n->member);
}

static void equivocate(struct sim_world *w, struct sim_node *n)
{
	uint64_t tick = n->tick.n + 1;
	uint32_t values = 2 + (uint32_t)sim_below(w, 2);

	for (uint32_t v = 0; v < values; v++) {
		uint32_t block = build(w, n, &n->template, 0);
		struct sim_buf *buf =
			propose(w, n, block, tick, own_or_all(w, n));

		for (uint32_t i = 0; i < w->count; i++)
			if (i != n->index &&
			    (i % values == v || sim_chance(w, 200000)))
				send_at(w, n,
					sim_tick_time(w, tick) +
						sim_below(w, w->hop_ms + 40),
					i, buf);
		sim_buf_put(buf);
	}
}

/* Shown to one honest member, just in time for it alone; or too late, which
 * it must notice. */
static void last_round(struct sim_world *w, struct sim_node *n)
{
	uint64_t tick = n->tick.n + 1;
	uint32_t values = 1 + (uint32_t)sim_below(w, 2);
	ds_mask mask = all_liars(w);
	uint64_t rounds = ds_mask_count(mask);

	if (sim_chance(w, 300000))
		rounds += sim_below(w, W(w) + 1 - rounds);
	for (uint32_t v = 0; v < values; v++) {
		uint32_t block = build(w, n, &n->template, 0);
		struct sim_buf *buf = propose(w, n, block, tick, mask);
		uint64_t at =
			sim_tick_time(w, tick + rounds) - 1 - sim_below(w, 120);

		/* And to who passes on without signing, at the same time. */
		if (w->bridge)
			send_at(w, n, at, w->count - 1, buf);
		send_at(w, n, at, an_honest(w), buf);
		sim_buf_put(buf);
	}
}

static void back_date(struct sim_world *w, struct sim_node *n)
{
	uint64_t back = sim_below(w, W(w) + 3);
	uint64_t tick = n->tick.n > back ? n->tick.n - back : 0;
	uint32_t block = build(w, n, &n->template, 0);
	struct sim_buf *buf = propose(w, n, block, tick, all_liars(w));
	uint32_t copies = 1 + (uint32_t)sim_below(w, 3);

	for (uint32_t i = 0; i < copies; i++)
		send_at(w, n, w->now + sim_below(w, 500), an_honest(w), buf);
	sim_buf_put(buf);
}

static void stale(struct sim_world *w, struct sim_node *n)
{
	uint32_t h = n->disk.height;
	uint32_t back = h > 0 ? 1 + (uint32_t)sim_below(w, h > 3 ? 3 : h) : 0;
	const struct sim_block *on = &w->block[n->disk.block[h - back]];
	uint32_t block = build(w, n, &on->after, 0);
	struct sim_buf *buf =
		propose(w, n, block, n->tick.n + 1, own_or_all(w, n));

	for (uint32_t i = 0; i < w->count; i++)
		if (i != n->index)
			send_at(w, n, sim_tick_time(w, n->tick.n + 1), i, buf);
	sim_buf_put(buf);
}

/* A block was found: true when the liar does not propose it as it should. */
bool sim_lie_mined(struct sim_world *w, struct sim_node *n)
{
	if (w->block_count + 64 > SIM_BLOCKS_MAX)
		return true;
	if (tells(w, SIM_EQUIVOCATE, 500000))
		equivocate(w, n);
	else if (tells(w, SIM_LAST_ROUND, 700000))
		last_round(w, n);
	else if (tells(w, SIM_BACK_DATE, 400000))
		back_date(w, n);
	else if (tells(w, SIM_STALE, 400000))
		stale(w, n);
	else
		return false;
	return true;
}

/* ---- what the liar's ds sends, changed ---- */

static uint8_t changed_signatures[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
static uint8_t changed_block[SIM_BLOCK_MAX + 64];

/* Leaves out signatures of others, the certificate, or the body. */
static void strip(struct sim_world *w, struct sim_node *n,
		  struct ds_proposal *m)
{
	ds_mask left = m->mask;
	ds_mask kept = 0;
	uint32_t count = 0;

	for (uint32_t i = 0; left; i++) {
		uint32_t member = ds_mask_take(&left);

		if (member != m->sender && member != (uint32_t)n->member &&
		    sim_chance(w, 500000))
			continue;
		kept |= ds_mask_of(member);
		memcpy(changed_signatures + (size_t)count++ * DS_SIGNATURE_SIZE,
		       m->signatures + (size_t)i * DS_SIGNATURE_SIZE,
		       DS_SIGNATURE_SIZE);
	}
	m->mask = kept;
	m->signatures = changed_signatures;
	if (sim_chance(w, 400000))
		m->has_parent_cert = false;
	if (sim_chance(w, 400000)) {
		m->has_body = false;
		m->block_len = CHAIN_HEADER_SIZE;
	}
}

static void mutate(struct sim_world *w, struct ds_proposal *m)
{
	size_t at;

	if (!m->has_body || m->block_len > SIM_BLOCK_MAX)
		return;
	memcpy(changed_block, m->block, m->block_len);
	at = sim_below(w, m->block_len);
	if (sim_chance(w, 300000))
		m->block_len = at > CHAIN_HEADER_SIZE ? at : m->block_len - 1;
	else
		changed_block[at] ^= (uint8_t)(1u << sim_below(w, 8));
	m->block = changed_block;
}

static void spoil(struct sim_world *w, const uint8_t **signatures,
		  uint32_t count)
{
	size_t len = (size_t)count * DS_SIGNATURE_SIZE;

	memcpy(changed_signatures, *signatures, len);
	changed_signatures[sim_below(w, len)] ^= 1;
	*signatures = changed_signatures;
}

static void lie_proposal(struct sim_world *w, struct sim_node *n,
			 struct ds_action *a)
{
	struct ds_proposal *m = &a->send.proposal;

	if (tells(w, SIM_STRIP, 300000))
		strip(w, n, m);
	if (tells(w, SIM_MUTATED, 150000))
		mutate(w, m);
	if (tells(w, SIM_BAD_SIG, 60000))
		spoil(w, &m->signatures, ds_mask_count(m->mask));
}

/* Another story to each. */
static void lie_beat(struct sim_world *w, struct sim_node *n,
		     const struct ds_beat *b)
{
	for (uint32_t i = 0; i < w->count; i++) {
		uint8_t bytes[DS_BEAT_SIZE];
		uint8_t signature[DS_SIGNATURE_SIZE];
		struct ds_beat m = *b;
		struct sim_buf *buf;
		struct base_hash hash;
		size_t len;

		if (sim_chance(w, 500000)) {
			uint32_t any = (uint32_t)sim_below(w, w->block_count);

			m.claim.tip = w->block[any].hash;
			m.claim.tip_height = w->block[any].after.height;
		} else if (sim_chance(w, 300000)) {
			m.claim.tip_height.n = UINT32_MAX;
		}
		if (sim_chance(w, 300000))
			m.claim.flags = (uint8_t)sim_below(w, 3);
		if (sim_chance(w, 100000))
			m.claim.final_height.n = UINT32_MAX;
		m.local_ms += sim_below(w, 2) * 5000;
		ds_hash_beat(&hash, &n->committee, &m.claim);
		sim_sign(w, (uint32_t)n->member, signature, &hash);
		m.signature = signature;
		len = ds_beat_write(bytes, sizeof(bytes), &m);
		buf = sim_buf_new(bytes, len, len);
		if (i != n->index)
			sim_send(w, n, i, DS_BEAT, buf);
		sim_buf_put(buf);
	}
}

/* True: nothing of it is to be sent. */
bool sim_lie_send(struct sim_world *w, struct sim_node *n, struct ds_action *a)
{
	bool own_beat = a->send.kind == DS_BEAT &&
			a->send.beat.voter == (uint32_t)n->member;

	/* Two halves that must not hear of each other. */
	if (w->two_faced && !own_beat &&
	    (a->send.kind != DS_PROPOSAL ||
	     a->send.proposal.sender != (uint32_t)n->member))
		return true;
	if (tells(w, SIM_WITHHOLD, 200000)) {
		if (sim_chance(w, 500000))
			return true;
		a->send.to.word[0] &= base_prng_u64(&w->rng);
		a->send.to.word[1] &= base_prng_u64(&w->rng);
	}
	if (a->send.kind == DS_PROPOSAL)
		lie_proposal(w, n, a);
	if (a->send.kind == DS_VOTE && tells(w, SIM_BAD_SIG, 50000))
		spoil(w, &a->send.vote.signature, 1);
	if (own_beat && tells(w, SIM_LYING_BEAT, 500000)) {
		lie_beat(w, n, &a->send.beat);
		return true;
	}
	return false;
}

/* ---- what the liar sends of its own, at every tick ---- */

static void vote_for(struct sim_world *w, struct sim_node *n, uint32_t to,
		     uint32_t height, const struct base_hash *hash)
{
	uint8_t bytes[DS_VOTE_SIZE];
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct ds_vote v = {.epoch = n->committee.vote_epoch,
			    .height = {height},
			    .hash = *hash,
			    .voter = (uint8_t)n->member,
			    .signature = signature};
	struct base_hash digest;
	struct sim_buf *buf;
	size_t len;

	ds_hash_vote(&digest, &n->committee, v.epoch, v.height, &v.hash);
	sim_sign(w, (uint32_t)n->member, signature, &digest);
	len = ds_vote_write(bytes, sizeof(bytes), &v);
	buf = sim_buf_new(bytes, len, len);
	sim_send(w, n, to, DS_VOTE, buf);
	sim_buf_put(buf);
}

/* For whatever was built last, to whoever listens. */
static void vote_both(struct sim_world *w, struct sim_node *n)
{
	uint32_t look = w->block_count < 6 ? w->block_count : 6;

	for (uint32_t i = 0; i < look; i++) {
		const struct sim_block *b = &w->block[w->block_count - 1 - i];

		if (b->after.height.n <= n->disk.height)
			continue;
		for (uint32_t to = 0; to < w->count; to++)
			if (to != n->index && sim_chance(w, 300000))
				vote_for(w, n, to, b->after.height.n, &b->hash);
	}
}

/* Valid proof of work, but not the work that is demanded; votes for blocks
 * that nobody knows; and bytes that are no message at all. */
static void flood(struct sim_world *w, struct sim_node *n)
{
	struct base_hash unknown;
	uint8_t bytes[64];
	struct sim_buf *buf;

	if (w->block_count + 2 * FLOOD_BLOCKS > SIM_BLOCKS_MAX ||
	    !n->has_template)
		return;
	for (uint32_t i = 0; i < FLOOD_BLOCKS; i++) {
		uint32_t bits = pow_target_to_bits(&w->params.pow_limit);
		uint32_t block = build(w, n, &n->template, bits);
		uint64_t tick = n->tick.n + sim_below(w, 2);

		buf = propose(w, n, block, tick, own_or_all(w, n));
		for (uint32_t to = 0; to < w->count; to++)
			if (to != n->index && sim_chance(w, 500000))
				send_at(w, n, w->now + sim_below(w, 900), to,
					buf);
		sim_buf_put(buf);
	}
	base_prng_fill(&w->rng, unknown.b, sizeof(unknown.b));
	vote_for(w, n, an_honest(w), n->disk.height + (uint32_t)sim_below(w, 4),
		 &unknown);
	if (sim_chance(w, 900000))
		return;
	base_prng_fill(&w->rng, bytes, sizeof(bytes));
	buf = sim_buf_new(bytes, sim_below(w, sizeof(bytes)), sizeof(bytes));
	sim_send(w, n, an_honest(w), (uint8_t)(1 + sim_below(w, DS_EVID)), buf);
	sim_buf_put(buf);
}

void sim_lie_archive(struct sim_world *w, uint8_t wire, struct sim_buf *buf)
{
	uint32_t at;

	if (!lies(w, SIM_REPLAY) || wire > DS_EVID ||
	    !sim_chance(w, wire == DS_PROPOSAL ? 200000 : 5000))
		return;
	/* The oldest stay: those are the ones worth replaying. */
	at = w->archive_count < SIM_ARCHIVE
		     ? w->archive_count++
		     : SIM_ARCHIVE / 2 +
			       (uint32_t)sim_below(w, SIM_ARCHIVE / 2);
	sim_buf_put(w->archive[at]);
	w->archive[at] = buf;
	w->archive_kind[at] = wire;
	buf->refs++;
}

/* The same signatures, said to be of this tick. */
static void date_anew(struct sim_world *w, struct sim_node *n,
		      const struct sim_buf *old)
{
	struct sim_buf *buf = sim_buf_new(old->bytes, old->len, old->len);

	base_store_le64(buf->bytes + 4, n->tick.n);
	sim_send(w, n, an_honest(w), DS_PROPOSAL, buf);
	sim_buf_put(buf);
}

static void replay(struct sim_world *w, struct sim_node *n)
{
	for (uint32_t i = 0; i < 3 && w->archive_count > 0; i++) {
		uint32_t at = (uint32_t)sim_below(w, w->archive_count);

		if (w->archive_kind[at] == DS_PROPOSAL && sim_chance(w, 200000))
			date_anew(w, n, w->archive[at]);
		sim_send(w, n, an_honest(w), w->archive_kind[at],
			 w->archive[at]);
	}
}

void sim_lie_tick(struct sim_world *w, struct sim_node *n)
{
	if (tells(w, SIM_VOTE_BOTH, w->two_faced ? 1000000 : 300000))
		vote_both(w, n);
	if (tells(w, SIM_FLOOD, 150000))
		flood(w, n);
	if (tells(w, SIM_REPLAY, 300000))
		replay(w, n);
}
