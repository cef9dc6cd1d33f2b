/* SPDX-License-Identifier: MIT */
/*
 * Bad input, one kind of message after the other: each field out of range,
 * each way to sign wrongly, replays, and the verdict that the rules of
 * docs/consensus.md give. Four members, one may be faulty: 0 is, and 3 is
 * looked at.
 */
#include "ds_forge.h"

#define START 10 /* a tick at which all are ACTIVE */
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

enum verdict {
	IGNORED, /* before a signature is looked at */
	BANNED,	 /* the peer */
	TAKEN,	 /* signatures verified, and no harm */
	TAINTED, /* it is I who must be wrong */
};

static uint8_t wire[WORLD_MESSAGE_MAX];

static struct world *start(void)
{
	struct world *w = world_new(4, 1);

	world_run(w, START, 500);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(world_mode(w, i), DS_ACTIVE);
	return w;
}

static uint64_t next_tick(const struct world *w)
{
	return (w->now - FIXTURE_TIME_MS) / 1000 + 1;
}

static uint32_t taints(const struct world *w, uint32_t i)
{
	uint32_t sum = 0;

	for (int r = DS_LATE; r <= DS_STORAGE; r++)
		sum += w->node[i].alerts[r];
	return sum;
}

/* What member 3 does with @len bytes of wire that member 0 hands to it. */
static enum verdict hear(struct world *w, enum ds_message_kind kind, size_t len)
{
	struct world_node *node = &w->node[3];
	const uint32_t bans = node->bans;
	const uint32_t doubts = taints(w, 3);
	const uint32_t verifies = node->verifies;

	assert_true(len > 0);
	ds_message(node->ds, w->now, 0, kind, wire, len);
	world_drain(node);
	world_pump(w);
	for (uint32_t i = 1; i < w->n; i++)
		if (i != 3)
			assert_int_equal(w->node[i].bans, 0);
	if (node->bans != bans) {
		assert_int_equal(node->bans, bans + 1);
		assert_int_equal(taints(w, 3), doubts);
		return BANNED;
	}
	if (taints(w, 3) != doubts)
		return TAINTED;
	return node->verifies != verifies ? TAKEN : IGNORED;
}

/* All is as ever: a block of member 3 becomes final everywhere. */
static void check_alive(struct world *w)
{
	struct forge_block b = {.sender = 3};
	const uint32_t height = w->node[3].height;

	for (uint32_t i = 1; i < w->n; i++) {
		assert_int_equal(taints(w, i), 0);
		assert_int_equal(world_mode(w, i), DS_ACTIVE);
	}
	forge_block(&b, w, &w->node[3].template);
	ds_own_block(w->node[3].ds, w->now, b.bytes, b.len);
	world_drain(&w->node[3]);
	world_pump(w);
	world_run(w, next_tick(w) + w->committee.rounds, 500);
	for (uint32_t i = 1; i < w->n; i++) {
		assert_int_equal(w->node[i].height, height + 1);
		assert_int_equal(world_mode(w, i), DS_ACTIVE);
	}
	world_free(w);
}

/* A patch of one field of a good message, and what it leads to. */
struct patch {
	size_t at;
	size_t size;
	uint64_t value;
	enum verdict verdict;
};

static void try_patches(struct world *w, enum ds_message_kind kind, size_t len,
			const struct patch *patch, size_t count)
{
	uint8_t saved[8], bytes[8];

	for (size_t i = 0; i < count; i++) {
		const struct patch *p = &patch[i];

		base_store_le64(bytes, p->value);
		memcpy(saved, wire + p->at, p->size);
		memcpy(wire + p->at, bytes, p->size);
		if (hear(w, kind, len) != p->verdict)
			fail_msg("patch %zu of kind %d", i, kind);
		memcpy(wire + p->at, saved, p->size);
	}
}

/* Ways to sign that are nobody's but a liar's: R1.5. */
static const struct forge_signed wrong[] = {
	{.genesis = 1},	   /* for another network */
	{.epoch = 1},	   /* another epoch */
	{.number = 1},	   /* another tick or height: a replay */
	{.number = -1},	   /**/
	{.key = 1},	   /* another member */
	{.other_kind = 1}, /* another meaning */
	{.garbage = 1},	   {.garbage = 2}, {.garbage = 3},
};

/* R1.1, R1.2: every field of a proposal. */
static void proposal_fields(void **state)
{
	struct world *w = start();
	struct forge_block b = {.sender = 0};
	const uint64_t tick = next_tick(w);
	const struct patch patch[] = {
		{0, 4, 1, IGNORED}, /* another epoch is no lie */
		{0, 4, UINT32_MAX, IGNORED},
		{4, 8, 0, IGNORED},
		{4, 8, 1, IGNORED},
		{4, 8, tick + 1, IGNORED},
		{4, 8, tick - 4, BANNED}, /* R1.3: made after it */
		{4, 8, tick - 5, IGNORED},
		{4, 8, INT64_MAX, IGNORED},
		{4, 8, UINT64_MAX - 2, IGNORED},
		{4, 8, UINT64_MAX, IGNORED},
		{12, 1, 1, BANNED}, /* not among the signers */
		{12, 1, 4, BANNED},
		{12, 1, 63, BANNED},
		{12, 1, 64, BANNED},
		{12, 1, 255, BANNED},
		{13, 1, 0, BANNED}, /* a block where a header should be */
		{13, 1, 2, BANNED}, /* a certificate that is none */
		{13, 1, 5, BANNED},
		{13, 1, 255, BANNED},
		{14, 8, 0, BANNED},
		{14, 8, 2, BANNED}, /* without the sender */
		{14, 8, 3, BANNED}, /* one signature is missing */
		{14, 8, 0x11, BANNED},
		{14, 8, UINT64_C(1) << 63 | 1, BANNED},
		{14, 8, UINT64_MAX, BANNED},
	};
	size_t len;

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	len = forge_proposal(wire, w, &b, tick, 1, false, NULL);
	try_patches(w, DS_PROPOSAL, len, patch, COUNT(patch));
	assert_int_equal(hear(w, DS_PROPOSAL, len), TAKEN);
	for (size_t i = 0; i < 22 + 64 + 80; i += 7)
		assert_int_equal(hear(w, DS_PROPOSAL, i + 1), BANNED);
	check_alive(w);
}

/* R1.5: signatures that are missing, unsorted, twice the same, replayed or
 * made for something else. */
static void proposal_signatures(void **state)
{
	struct world *w = start();
	struct forge_block b = {.sender = 0};
	const struct forge_signed order[] = {
		{.swapped = true}, {.twice = true}, {.garbage = 3}};
	const struct forge_signed sender = {.sender = 1};
	const uint64_t tick = next_tick(w);

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		size_t len =
			forge_proposal(wire, w, &b, tick, 1, i & 1, &wrong[i]);
		assert_int_equal(hear(w, DS_PROPOSAL, len), BANNED);
	}
	for (size_t i = 0; i < COUNT(order); i++) {
		size_t len =
			forge_proposal(wire, w, &b, tick, 3, false, &order[i]);
		assert_int_equal(hear(w, DS_PROPOSAL, len), BANNED);
	}
	assert_int_equal(
		hear(w, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, tick, 1, false, &sender)),
		BANNED);
	/* None of them left a trace: the sender's one is still new. */
	assert_int_equal(
		hear(w, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, tick, 1, false, NULL)),
		TAKEN);
	/* Of a value that is known only what is new is verified: the sender's
	 * good one does not vouch for a bad one beside it. */
	assert_int_equal(
		hear(w, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, tick, 3, false, &order[2])),
		BANNED);
	/* The same again, or less: nothing to look at. */
	assert_int_equal(
		hear(w, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, tick, 1, false, &order[2])),
		IGNORED);
	check_alive(w);
}

/* R1.3: what a header and a body say by themselves. */
static void proposal_blocks(void **state)
{
	struct world *w = start();
	const uint32_t t = (uint32_t)(w->now / 1000);
	const struct base_hash nobody = {{0}};
	/* t(11) is in the second of now: the window ends with it */
	const struct {
		struct forge_block b;
		enum verdict verdict;
	} block[] = {
		{{.time = 1}, BANNED},
		{{.time = UINT32_MAX}, BANNED},
		{{.time = t + 1}, BANNED},
		{{.time = t - 61}, BANNED},
		{{.time = t - 60}, TAKEN},	/* R1.4: before the parent */
		{{.bits = 0x207fffff}, BANNED}, /* above the limit */
		{{.bits = 0xffffffff}, BANNED},
		{{.bits = 0x1d00ffff}, BANNED}, /* without the work */
		{{.bits = 0x20800001}, BANNED}, /* negative */
		{{.no_work = true}, BANNED},
		{{.sender = 4}, BANNED},
		{{.height = 7}, TAKEN}, /* R1.4: one signature says nothing */
		{{.prev = &nobody}, TAKEN},
		{{.more = 1}, TAKEN},
		{{.spend = true, .bad_spend = true}, TAKEN},
		{{.spend = true, .no_coin = true}, TAKEN},
		{{.spend = true}, TAKEN},
	};
	const uint64_t tick = next_tick(w);

	(void)state;
	for (size_t i = 0; i < COUNT(block); i++) {
		struct forge_block b = block[i].b;
		size_t len;

		forge_block(&b, w, &w->node[3].template);
		b.sender = b.sender == 4 ? 0 : b.sender;
		len = forge_proposal(wire, w, &b, tick, 1, false, NULL);
		if (hear(w, DS_PROPOSAL, len) != block[i].verdict)
			fail_msg("block %zu", i);
	}
	check_alive(w);
}

/* R1.3: a body that is not the header's, by a bit anywhere. */
static void proposal_bodies(void **state)
{
	struct world *w = start();
	struct forge_block b = {.spend = true};
	const uint64_t tick = next_tick(w);
	size_t len;

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	len = forge_proposal(wire, w, &b, tick, 1, false, NULL);
	for (size_t at = len - b.len + 4; at < len; at += 5) {
		wire[at] ^= 0x20;
		if (hear(w, DS_PROPOSAL, len) != BANNED)
			/* but for a header that happens to have work */
			assert_true(at < len - b.len + 80);
		wire[at] ^= 0x20;
	}
	for (size_t cut = 1; cut < b.len - 80; cut += 11)
		assert_int_equal(hear(w, DS_PROPOSAL, len - cut), BANNED);
	assert_int_equal(hear(w, DS_PROPOSAL, len), TAKEN);
	check_alive(w);
}

/* R1.4: f + 1 signatures on what I find wrong: I am. */
static void proposal_by_many(void **state)
{
	const struct forge_block block[] = {
		{.height = 7},
		{.more = 1},
		{.spend = true, .bad_spend = true},
		{.spend = true, .no_coin = true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(block); i++) {
		struct world *w = start();
		struct forge_block b = block[i];
		size_t len;

		forge_block(&b, w, &w->node[3].template);
		len = forge_proposal(wire, w, &b, next_tick(w), 3, false, NULL);
		assert_int_equal(hear(w, DS_PROPOSAL, len), TAINTED);
		assert_int_equal(w->node[3].alerts[DS_D1], 1);
		assert_int_equal(world_mode(w, 3), DS_SYNC);
		assert_int_equal(w->node[3].decided, 0);
		world_free(w);
	}
}

/* R1.2: what was said long ago says nothing, on whatever tick it lands. */
static void proposal_replays(void **state)
{
	struct world *w = start();
	struct forge_block b = {.sender = 0};
	uint64_t tick = next_tick(w);
	size_t len;

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	len = forge_proposal(wire, w, &b, tick, 1, false, NULL);
	assert_int_equal(hear(w, DS_PROPOSAL, len), TAKEN);
	world_run(w, tick + 2, 500);
	assert_int_equal(w->node[3].height, 1);
	/* Decided: once more, and with more signatures, which are late. */
	assert_int_equal(hear(w, DS_PROPOSAL, len), IGNORED);
	len = forge_proposal(wire, w, &b, tick, 0xf, false, NULL);
	assert_int_equal(hear(w, DS_PROPOSAL, len), IGNORED);
	/* Signed anew for the next tick: it does not extend the tip. */
	len = forge_proposal(wire, w, &b, next_tick(w), 1, false, NULL);
	assert_int_equal(hear(w, DS_PROPOSAL, len), TAKEN);
	for (int i = 0; i < 6; i++) {
		world_run(w, next_tick(w), 500);
		len = forge_proposal(wire, w, &b, tick, 0xf, false, NULL);
		assert_int_equal(hear(w, DS_PROPOSAL, len), IGNORED);
	}
	assert_int_equal(w->node[3].height, 1);
	check_alive(w);
}

/* A good proposal of tick @tick on @prev, with the certificate of @of. */
static size_t with_cert(struct world *w, uint64_t tick,
			const struct base_hash *prev,
			const struct base_hash *of,
			const struct forge_signed *s)
{
	static uint8_t cert[WORLD_MESSAGE_MAX], bare[WORLD_MESSAGE_MAX];
	struct forge_block b = {.prev = prev};
	struct ds_proposal m;
	size_t len;

	forge_block(&b, w, &w->node[3].template);
	len = forge_proposal(bare, w, &b, tick, 1, false, NULL);
	assert_int_equal(ds_proposal_read(&m, &w->committee,
					  w->params.max_block_bytes, bare, len),
			 0);
	len = forge_cert(cert, w, 7, 9, of, s);
	assert_int_equal(ds_cert_read(&m.parent_cert, &w->committee, cert, len),
			 0);
	m.has_parent_cert = true;
	return ds_proposal_write(wire, sizeof(wire), &m);
}

/* R1.3: the certificate beside a proposal is looked at only where it is the
 * parent's; and then it is a certificate like any other. */
static void parent_certificates(void **state)
{
	const struct forge_signed bad = {.garbage = 3};
	struct world *w = start();
	const uint64_t tick = next_tick(w);
	struct base_hash prev, other;

	(void)state;
	memset(&prev, 0x66, sizeof(prev));
	memset(&other, 0x67, sizeof(other));
	assert_int_equal(
		hear(w, DS_PROPOSAL, with_cert(w, tick, &prev, &other, &bad)),
		TAKEN);
	assert_int_equal(
		hear(w, DS_PROPOSAL, with_cert(w, tick, &prev, &prev, &bad)),
		BANNED);
	assert_int_equal(
		hear(w, DS_PROPOSAL,
		     with_cert(w, tick, &w->genesis.hash, &prev, &bad)),
		TAKEN);
	assert_int_equal(
		hear(w, DS_PROPOSAL, with_cert(w, tick, &prev, &prev, NULL)),
		TAINTED);
	assert_int_equal(w->node[3].alerts[DS_BEHIND], 1);
	world_free(w);
}

/* R3: every field of a vote. */
static void votes(void **state)
{
	struct world *w = start();
	struct base_hash hash;
	const struct patch patch[] = {
		{0, 4, 1, IGNORED}, /* epoch */
		{0, 4, UINT32_MAX, IGNORED},
		{4, 8, 0, IGNORED}, /* height: F's own */
		{4, 8, 2, BANNED},  /* F + 2 is kept: signed for another */
		{4, 8, 3, IGNORED},
		{4, 8, UINT32_MAX, IGNORED},
		{4, 8, UINT32_MAX + UINT64_C(1), BANNED}, /* no height */
		{4, 8, UINT64_MAX, BANNED},
		{12, 1, 0x12, BANNED}, /* another block */
		{44, 1, 1, BANNED},    /* another voter */
		{44, 1, 3, IGNORED},   /* myself */
		{44, 1, 4, BANNED},
		{44, 1, 255, BANNED},
	};
	size_t len;

	(void)state;
	memset(&hash, 0x11, sizeof(hash));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		len = forge_vote(wire, w, 0, 1, &hash, &wrong[i]);
		assert_int_equal(hear(w, DS_VOTE, len), BANNED);
	}
	len = forge_vote(wire, w, 0, 1, &hash, NULL);
	try_patches(w, DS_VOTE, len, patch, COUNT(patch));
	assert_int_equal(hear(w, DS_VOTE, len - 1), BANNED);
	assert_int_equal(hear(w, DS_VOTE, len), TAKEN);
	assert_int_equal(hear(w, DS_VOTE, len), IGNORED);
	/* The next height's is kept for later. */
	len = forge_vote(wire, w, 0, 2, &hash, NULL);
	assert_int_equal(hear(w, DS_VOTE, len), TAKEN);
	assert_int_equal(hear(w, DS_VOTE, len), IGNORED);
	check_alive(w);
}

/* R4: every field of a certificate. */
static void certificates(void **state)
{
	struct world *w = start();
	struct base_hash hash;
	const struct forge_signed order[] = {{.swapped = true},
					     {.twice = true}};
	const struct patch patch[] = {
		{0, 4, 1, IGNORED}, /* an epoch that is to come */
		{0, 4, UINT32_MAX, IGNORED},
		{4, 8, 2, BANNED},
		{4, 8, UINT32_MAX + UINT64_C(1), BANNED},
		{4, 8, UINT64_MAX, BANNED},
		{44, 8, 0, BANNED},
		{44, 8, 3, BANNED},   /* two of four are no quorum */
		{44, 8, 0xf, BANNED}, /* one signature is missing */
		{44, 8, 0x17, BANNED},
		{44, 8, 0x13, BANNED},
		{44, 8, UINT64_C(7) << 61, BANNED},
		{44, 8, UINT64_MAX, BANNED},
		{44, 8, 0xd, BANNED}, /* others than signed */
	};
	size_t len;

	(void)state;
	memset(&hash, 0x11, sizeof(hash));
	for (size_t i = 0; i < COUNT(wrong); i++) {
		len = forge_cert(wire, w, 7, 1, &hash, &wrong[i]);
		assert_int_equal(hear(w, DS_CERT, len), BANNED);
	}
	for (size_t i = 0; i < COUNT(order); i++) {
		len = forge_cert(wire, w, 7, 1, &hash, &order[i]);
		assert_int_equal(hear(w, DS_CERT, len), BANNED);
	}
	len = forge_cert(wire, w, 7, 1, &hash, NULL);
	try_patches(w, DS_CERT, len, patch, COUNT(patch));
	/* Genesis is final without: nothing to be learnt. */
	len = forge_cert(wire, w, 7, 0, &hash, NULL);
	assert_true(hear(w, DS_CERT, len) <= TAKEN);
	assert_int_equal(w->node[3].bans,
			 COUNT(wrong) + COUNT(order) + COUNT(patch) - 2);
	check_alive(w);
}

/* Heights at their limit: a quorum vouches for it, so I am behind. */
static void a_certificate_of_the_last_height(void **state)
{
	struct world *w = start();
	struct base_hash hash;

	(void)state;
	memset(&hash, 0x11, sizeof(hash));
	assert_int_equal(hear(w, DS_CERT,
			      forge_cert(wire, w, 7, UINT32_MAX, &hash, NULL)),
			 TAINTED);
	assert_int_equal(w->node[3].alerts[DS_BEHIND], 1);
	/* Nobody can tell the way; it stays where it is, and asks. */
	world_run(w, START + 20, 500);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	assert_int_equal(w->node[3].height, 0);
	world_free(w);
}

/* R5: every field of a beat. */
static void beats(void **state)
{
	struct world *w = start();
	const uint64_t tick = next_tick(w);
	struct ds_beat_claim claim = {
		.tick = {tick}, .tip = w->genesis.hash, .flags = DS_ACTIVE};
	const struct patch patch[] = {
		{0, 4, 1, IGNORED},
		{0, 4, UINT32_MAX, IGNORED},
		{4, 8, 0, IGNORED},
		{4, 8, tick - 2, IGNORED},
		{4, 8, tick + 1, IGNORED},
		{4, 8, INT64_MAX, IGNORED},
		{4, 8, UINT64_MAX, IGNORED},
		{12, 1, 1, BANNED}, /* not its signature */
		{12, 1, 3, IGNORED},
		{12, 1, 4, BANNED},
		{12, 1, 255, BANNED},
		{13, 1, DS_SYNC, BANNED}, /* signed for another mode */
		{13, 1, 255, BANNED},
		{14, 8, 5, BANNED},
		{14, 8, UINT32_MAX + UINT64_C(1), BANNED},
		{22, 1, 0x99, BANNED},
		{54, 8, 5, BANNED},
		{54, 8, UINT32_MAX + UINT64_C(1), BANNED},
	};
	size_t len;

	(void)state;
	w->node[0].silent = true;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		len = forge_beat(wire, w, 0, &claim, w->now, &wrong[i]);
		assert_int_equal(hear(w, DS_BEAT, len), BANNED);
	}
	len = forge_beat(wire, w, 0, &claim, UINT64_MAX, NULL);
	try_patches(w, DS_BEAT, len, patch, COUNT(patch));
	assert_int_equal(hear(w, DS_BEAT, len), TAKEN);
	assert_int_equal(hear(w, DS_BEAT, len), IGNORED);
	assert_int_equal(w->node[3].alerts[DS_SKEW], 0); /* one of f */
	w->node[0].silent = false;
	check_alive(w);
}

/* R5: modes that there are not, a tip nobody has, a clock at its limits:
 * one liar's word. */
static void beats_of_a_liar(void **state)
{
	static const uint8_t flags[] = {DS_SYNC, DS_HALT, 4, 127, 255};
	struct world *w = start();

	(void)state;
	w->node[0].silent = true;
	world_run(w, next_tick(w), 500);
	for (size_t i = 0; i < 10; i++) {
		struct ds_beat_claim claim = {.tick = {next_tick(w) - 1},
					      .tip_height = {UINT32_MAX},
					      .final_height = {UINT32_MAX},
					      .flags = flags[i % 5]};

		memset(&claim.tip, 0x77, sizeof(claim.tip));
		assert_int_equal(hear(w, DS_BEAT,
				      forge_beat(wire, w, 0, &claim,
						 i & 1 ? 0 : UINT64_MAX, NULL)),
				 TAKEN);
		world_run(w, next_tick(w), 500);
	}
	assert_int_equal(w->node[3].alerts[DS_SKEW], 0);
	w->node[0].silent = false;
	check_alive(w);
}

/* R3: evidence is checked like anything else. */
static void evidence(void **state)
{
	struct world *w = start();
	const struct patch patch[] = {
		{0, 1, 0, BANNED},
		{0, 1, DS_TWO_VOTES, BANNED}, /* of another kind */
		{0, 1, 3, BANNED},
		{0, 1, 255, BANNED},
		{1, 4, 1, IGNORED},
		{5, 8, 8, BANNED},
		{5, 8, UINT64_MAX, BANNED},
		{13, 1, 1, BANNED},
		{13, 1, 4, BANNED},
		{13, 1, 255, BANNED},
		{14, 1, 0x99, BANNED}, /* descending */
		{14, 1, 0x09, BANNED}, /* not what was signed */
	};
	size_t len;

	(void)state;
	for (int kind = DS_TWO_PROPOSALS; kind <= DS_TWO_VOTES; kind++)
		for (size_t i = 0; i < COUNT(wrong); i++) {
			if (wrong[i].other_kind)
				continue;
			len = forge_evidence(wire, w, (uint8_t)kind, 7, 0,
					     &wrong[i]);
			assert_int_equal(hear(w, DS_EVID, len), BANNED);
		}
	len = forge_evidence(wire, w, DS_TWO_PROPOSALS, 7, 0, NULL);
	try_patches(w, DS_EVID, len, patch, COUNT(patch));
	memcpy(wire + 14, wire + 110, 32); /* twice the same */
	assert_int_equal(hear(w, DS_EVID, len), BANNED);
	len = forge_evidence(wire, w, DS_TWO_VOTES, UINT32_MAX + UINT64_C(1), 0,
			     NULL);
	assert_int_equal(hear(w, DS_EVID, len), BANNED);
	assert_int_equal(w->node[3].sent[DS_EVID], 0);
	for (int kind = DS_TWO_PROPOSALS; kind <= DS_TWO_VOTES; kind++) {
		len = forge_evidence(wire, w, (uint8_t)kind, UINT32_MAX, 0,
				     NULL);
		assert_int_equal(hear(w, DS_EVID, len), TAKEN);
		assert_int_equal(hear(w, DS_EVID, len), IGNORED);
	}
	assert_int_equal(w->node[3].sent[DS_EVID], 2);
	check_alive(w);
}

/* R1.1: a kind that there is not. */
static void kinds(void **state)
{
	struct world *w = start();

	(void)state;
	memset(wire, 0, sizeof(wire));
	for (unsigned kind = 0; kind < 300; kind++) {
		if (kind >= DS_PROPOSAL && kind <= DS_EVID)
			continue;
		assert_int_equal(hear(w, (enum ds_message_kind)kind, 200),
				 BANNED);
	}
	check_alive(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proposal_fields),
		cmocka_unit_test(proposal_signatures),
		cmocka_unit_test(proposal_blocks),
		cmocka_unit_test(proposal_bodies),
		cmocka_unit_test(proposal_by_many),
		cmocka_unit_test(proposal_replays),
		cmocka_unit_test(parent_certificates),
		cmocka_unit_test(votes),
		cmocka_unit_test(certificates),
		cmocka_unit_test(a_certificate_of_the_last_height),
		cmocka_unit_test(beats),
		cmocka_unit_test(beats_of_a_liar),
		cmocka_unit_test(evidence),
		cmocka_unit_test(kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
