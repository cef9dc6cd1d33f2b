/* SPDX-License-Identifier: MIT */
/*
 * Each rule of docs/consensus.md by itself: four members, one may be faulty,
 * and messages made by hand. Member 0 stands for the faulty one; 3 is looked
 * at.
 */
#include "ds_world.h"

#define START 10 /* a tick at which all are ACTIVE */

struct made {
	uint8_t block[WORLD_BLOCK_MAX];
	size_t len;
	struct base_hash hash;
};

/* What a hand-made proposal says; zeros are right. */
struct forged {
	uint64_t tick;
	uint32_t sender;
	ds_mask mask;
	bool bad_signature;
	bool bare;	       /* without the block */
	uint32_t genesis_flip; /* signed for another chain */
};

static struct ds_rounds_view rounds;

static struct world *start(void)
{
	struct world *w = world_new(4, 1);

	world_run(w, START, 500);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(world_mode(w, i), DS_ACTIVE);
	return w;
}

static void hash_it(struct made *b)
{
	struct chain_header h;

	chain_header_read(&h, b->block);
	chain_header_hash(&b->hash, &h);
}

/* A good block of @sender on what @sender has. */
static struct made mine(struct world *w, uint32_t sender)
{
	struct made b;

	b.len = world_mine(b.block, &w->node[sender],
			   (uint32_t)(w->now / 1000));
	hash_it(&b);
	return b;
}

static void hear(struct world *w, uint32_t to, uint32_t from,
		 enum ds_message_kind kind, const uint8_t *data, size_t len)
{
	ds_message(w->node[to].ds, w->now, from, kind, data, len);
	world_drain(&w->node[to]);
	world_pump(w);
}

/* @from hands the proposal to @to. */
static void hand(struct world *w, uint32_t to, uint32_t from,
		 const struct made *b, const struct forged *f)
{
	uint8_t signature[4 * DS_SIGNATURE_SIZE];
	uint8_t data[WORLD_MESSAGE_MAX];
	struct ds_committee c = w->committee;
	struct ds_proposal m = {.tick = {f->tick},
				.sender = (uint8_t)f->sender,
				.mask = f->mask,
				.signatures = signature,
				.has_body = !f->bare,
				.block = b->block,
				.block_len = b->len};
	const struct ds_cert *cert;
	struct chain_header h;
	struct base_hash hash;
	uint32_t count = 0;

	chain_header_read(&h, b->block);
	cert = ds_find_cert(w->node[to].ds, &h.prev);
	if (cert) {
		m.has_parent_cert = true;
		m.parent_cert = *cert;
	}
	c.genesis.b[0] ^= (uint8_t)f->genesis_flip;
	ds_hash_proposal(&hash, &c, m.tick, m.sender, &b->hash);
	for (uint32_t i = 0; i < w->n; i++)
		if (ds_mask_has(f->mask, i))
			world_sign(signature + DS_SIGNATURE_SIZE * count++,
				   w->committee.key[i], &hash);
	if (f->bad_signature)
		signature[DS_SIGNATURE_SIZE * (count - 1)] ^= 1;
	hear(w, to, from, DS_PROPOSAL, data,
	     ds_proposal_write(data, sizeof(data), &m));
}

static uint64_t next_tick(const struct world *w)
{
	return (w->now - FIXTURE_TIME_MS) / 1000 + 1;
}

/* A good message of member 0 for the coming tick. */
static struct forged good(const struct world *w)
{
	return (struct forged){.tick = next_tick(w), .mask = 1};
}

static uint32_t taints(const struct world *w, uint32_t i)
{
	uint32_t sum = 0;

	for (int r = DS_LATE; r <= DS_STORAGE; r++)
		sum += w->node[i].alerts[r];
	return sum;
}

/* Nobody honest bans or doubts, and all go on. */
static void check_calm(const struct world *w)
{
	for (uint32_t i = 1; i < w->n; i++) {
		assert_int_equal(w->node[i].bans, 0);
		assert_int_equal(taints(w, i), 0);
		assert_int_equal(world_mode(w, i), DS_ACTIVE);
	}
}

/* R0: three ticks late, three beats. */
static void r0_every_tick_runs(void **state)
{
	struct world *w = start();
	uint32_t before = w->node[3].sent[DS_BEAT];

	(void)state;
	w->now += 3000;
	ds_advance(w->node[3].ds, w->now);
	world_drain(&w->node[3]);
	assert_int_equal(w->node[3].sent[DS_BEAT], before + 3);
	world_free(w);
}

/* R1.1: what has no shape is the peer's fault. */
static void r1_1_shape(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	struct forged f = good(w);

	(void)state;
	hear(w, 3, 0, DS_PROPOSAL, b.block, 40);
	assert_int_equal(w->node[3].bans, 1);
	f.mask = 2; /* the sender is not among the signers */
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 2);
	hear(w, 3, 0, DS_VOTE, b.block, DS_VOTE_SIZE);
	assert_int_equal(w->node[3].bans, 3);
	world_free(w);
}

/* R1.2: too early, too late for anything, before SHADOW: not even looked at,
 * so not even a bad signature is anybody's fault. */
static void r1_2_window(void **state)
{
	static const int64_t away[] = {+2, +1000, -4, -8, -1000};
	struct world *w = start();

	(void)state;
	for (size_t i = 0; i < sizeof(away) / sizeof(*away); i++) {
		struct made b = mine(w, 0);
		struct forged f = good(w);

		f.tick = (uint64_t)((int64_t)f.tick - 1 + away[i]);
		f.bad_signature = true;
		hand(w, 3, 0, &b, &f);
	}
	check_calm(w);
	world_free(w);
}

/* R1.3: another sender than the coinbase says, a time outside of the tick's
 * window, no work, a body that is not the header's. */
static void r1_3_self_contained(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 1);
	struct forged f = good(w);

	(void)state;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 1);
	b.len = world_mine(b.block, &w->node[0], (uint32_t)(w->now / 1000) + 3);
	hash_it(&b);
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 2);
	b.len = world_mine(b.block, &w->node[0],
			   (uint32_t)(w->now / 1000) - 70);
	hash_it(&b);
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 3);
	b = mine(w, 0);
	b.block[76]++; /* the nonce: one in 256 is good by chance */
	hash_it(&b);
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 4);
	b = mine(w, 0);
	b.block[b.len - 5] ^= 1;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 5);
	world_free(w);
}

/* A block on a parent that is not the tip. */
static struct made stray(struct world *w)
{
	struct made b;
	struct chain_context kept = w->node[0].template;

	memset(&w->node[0].template.hash, 0x77, sizeof(struct base_hash));
	b = mine(w, 0);
	w->node[0].template = kept;
	return b;
}

/* R1.4: it does not fit; one signature says nothing, f + 1 say that I am
 * wrong. */
static void r1_4_context(void **state)
{
	struct world *w = start();
	struct made b = stray(w);
	struct forged f = good(w);

	(void)state;
	hand(w, 3, 0, &b, &f);
	check_calm(w);
	f.mask = 3;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 0);
	assert_int_equal(w->node[3].alerts[DS_D1], 1);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	world_free(w);
}

/* R1.5: one bad signature, and one for another chain. */
static void r1_5_signatures(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	struct forged f = good(w);

	(void)state;
	f.bad_signature = true;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 1);
	f.bad_signature = false;
	f.genesis_flip = 1;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].bans, 2);
	world_run(w, next_tick(w) + 3, 500);
	assert_int_equal(w->node[3].decided, 0);
	world_free(w);
}

/* R1.6, R1.7: who hears it from its sender tells all others, signed. */
static void r1_6_relay_and_r1_7_sign(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	struct forged f = good(w);

	(void)state;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], 1);
	assert_true(w->node[3].sent_mask == (1 | 8));
	/* With f + 1 signatures nobody adds one, but all pass it on. */
	assert_true(ds_mask_count(w->node[1].sent_mask) <= 3);
	hand(w, 3, 0, &b, &f); /* again: nothing new */
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], 1);
	world_run(w, f.tick + 2, 500);
	check_calm(w);
	for (uint32_t i = 1; i < w->n; i++) {
		assert_int_equal(w->node[i].decided, 1);
		assert_int_equal(w->node[i].height, 1);
	}
	world_free(w);
}

/* R1.7: two values of one instance are as good as none, and the sender is
 * shown up; a third changes nothing. */
static void r1_7_two_values(void **state)
{
	struct world *w = start();
	struct forged f = good(w);

	(void)state;
	for (uint32_t i = 1; i < 4; i++) {
		struct made b = mine(w, 0);

		hand(w, i, 0, &b, &f);
	}
	assert_true(w->node[3].sent[DS_EVID] > 0);
	ds_look_rounds(&rounds, w->node[3].ds);
	assert_int_equal(rounds.instance_count, 1);
	assert_int_equal(rounds.instance[0].tick.n, f.tick);
	assert_int_equal(rounds.instance[0].sender, 0);
	assert_int_equal(rounds.instance[0].extracted, 2);
	assert_int_equal(rounds.instance[0].values, 2);
	assert_true(rounds.instance[0].value[1].verified & 1);
	world_run(w, f.tick + 2, 500);
	check_calm(w);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(w->node[i].decided, 0);
	world_free(w);
}

/* R1L: too late, one signature: nothing. f + 1, and I never had it: I doubt
 * myself. An archived one of long ago says nothing at all. */
static void r1l_late(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	struct forged f = good(w);

	(void)state;
	world_run(w, f.tick + 2, 1);
	hand(w, 3, 0, &b, &f);
	check_calm(w);
	f.mask = 3;
	hand(w, 3, 0, &b, &f);
	assert_int_equal(w->node[3].alerts[DS_D1], 1);
	world_run(w, f.tick + 1002, 500);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	hand(w, 3, 0, &b, &f);
	assert_int_equal(taints(w, 3), 1);
	world_free(w);
}

/* R2.a: a quarter of delta late. */
static void r2_a_late(void **state)
{
	struct world *w = start();

	(void)state;
	w->now += 500 + 251;
	ds_advance(w->node[3].ds, w->now);
	world_drain(&w->node[3]);
	assert_int_equal(w->node[3].alerts[DS_LATE], 1);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	world_free(w);
}

/* R2.b: two of four are silent. */
static void r2_b_beats(void **state)
{
	struct world *w = start();

	(void)state;
	w->node[0].silent = true;
	world_run(w, START + 3, 500);
	assert_int_equal(taints(w, 3), 0);
	w->node[1].silent = true;
	world_run(w, START + 6, 500);
	assert_int_equal(w->node[3].alerts[DS_BEATS], 1);
	world_free(w);
}

/* R2.f: who is alone speaks when somebody follows. */
static void r2_f_alone(void **state)
{
	struct world *w = world_new(1, 0);

	(void)state;
	world_run(w, START, 500);
	assert_int_equal(w->node[0].sent[DS_BEAT], 0);
	ds_peer_up(w->node[0].ds, w->now, 7, -1);
	world_drain(&w->node[0]);
	world_run(w, START + 3, 500);
	assert_int_equal(w->node[0].sent[DS_BEAT], 3);
	world_free(w);
}

/* R2.c: of two candidates the lower hash wins. */
static void r2_c_lowest_hash(void **state)
{
	struct world *w = start();
	struct made a = mine(w, 0);
	struct made b = mine(w, 1);
	struct forged f = good(w);
	struct base_u256 x = base_u256_from_hash(&a.hash);
	struct base_u256 y = base_u256_from_hash(&b.hash);
	bool first = base_u256_compare(&x, &y) < 0;

	(void)state;
	ds_own_block(w->node[1].ds, w->now, b.block, b.len);
	world_drain(&w->node[1]);
	world_pump(w);
	hand(w, 3, 0, &a, &f);
	world_run(w, f.tick + 2, 500);
	for (uint32_t i = 1; i < w->n; i++)
		assert_true(base_hash_equal(&w->node[i].decided_hash,
					    first ? &a.hash : &b.hash));
	check_calm(w);
	world_free(w);
}

/* R2.e: no vote leaves before it is on disk. R2.g: nor a proposal. R2.h: a
 * new tip is mined on. */
static void r2_e_and_g_durable_first(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 3);

	(void)state;
	w->node[3].hold = true;
	ds_own_block(w->node[3].ds, w->now, b.block, b.len);
	world_drain(&w->node[3]);
	assert_int_equal(w->node[3].held_count, 1);
	world_run(w, START + 1, 500);
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], 0);
	w->node[3].hold = false;
	/* The tick has passed: the answer is of no use, the next one is. */
	ds_persisted(w->node[3].ds, w->now, w->node[3].held[0], true);
	world_drain(&w->node[3]);
	world_run(w, START + 3, 1);
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], 1);
	w->node[3].held_count = 0;
	w->node[3].hold = true;
	world_run(w, START + 5, 500);
	assert_int_equal(w->node[3].decided, 1);
	assert_true(w->node[3].held_count > 0);
	assert_int_equal(w->node[3].sent[DS_VOTE] > 0 ? w->node[0].height : 1,
			 1);
	assert_true(base_hash_equal(&w->node[0].template.hash, &b.hash));
	world_free(w);
}

/* R2.i: decided, and nobody votes. */
static void r2_i_stall(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	struct forged f = good(w);

	(void)state;
	hand(w, 3, 0, &b, &f);
	for (uint32_t i = 0; i < w->n; i++)
		w->node[i].hold = true; /* no vote gets to any disk */
	world_run(w, f.tick + 2 + 2 * 2 + 3, 500);
	assert_int_equal(w->node[3].alerts[DS_STALL], 0);
	world_run(w, f.tick + 2 + 2 * 2 + 4, 500);
	assert_int_equal(w->node[3].alerts[DS_STALL], 1);
	world_free(w);
}

/* A vote of member @voter for some hash. */
static void vote(struct world *w, uint32_t to, uint8_t voter, uint32_t height,
		 uint8_t what)
{
	uint8_t signature[DS_SIGNATURE_SIZE];
	uint8_t data[DS_VOTE_SIZE];
	struct ds_vote v = {
		.height = {height}, .voter = voter, .signature = signature};
	struct base_hash hash;

	memset(&v.hash, what, sizeof(v.hash));
	ds_hash_vote(&hash, &w->committee, 0, v.height, &v.hash);
	world_sign(signature, w->committee.key[voter], &hash);
	hear(w, to, voter, DS_VOTE, data,
	     ds_vote_write(data, sizeof(data), &v));
}

/* R3: two votes of one member are evidence, passed on once. */
static void r3_evidence(void **state)
{
	struct world *w = start();

	(void)state;
	vote(w, 3, 0, 1, 0xaa);
	assert_int_equal(w->node[3].sent[DS_EVID], 0);
	assert_int_equal(w->node[3].sent[DS_VOTE], 1); /* relayed */
	vote(w, 3, 0, 1, 0xaa);
	assert_int_equal(w->node[3].sent[DS_VOTE], 1);
	vote(w, 3, 0, 1, 0xbb);
	assert_int_equal(w->node[3].sent[DS_EVID], 1);
	vote(w, 3, 0, 1, 0xcc); /* more than two are not kept */
	assert_int_equal(w->node[3].sent[DS_VOTE], 2);
	vote(w, 3, 0, 9, 0xaa); /* nor far ahead */
	assert_int_equal(w->node[3].sent[DS_VOTE], 2);
	ds_look_rounds(&rounds, w->node[3].ds);
	assert_int_equal(rounds.vote_count, 2);
	assert_int_equal(rounds.vote[0].hash.b[0], 0xaa);
	assert_int_equal(rounds.vote[1].hash.b[0], 0xbb);
	assert_int_equal(rounds.vote[1].voter, 0);
	check_calm(w);
	world_free(w);
}

/* R3: votes that no block can win with any more. */
static void r3_split(void **state)
{
	struct world *w = start();

	(void)state;
	vote(w, 3, 0, 1, 0xaa);
	vote(w, 3, 1, 1, 0xbb);
	assert_int_equal(w->node[3].alerts[DS_SPLIT], 0);
	vote(w, 3, 2, 1, 0xcc);
	assert_int_equal(w->node[3].alerts[DS_SPLIT], 1);
	world_free(w);
}

/* A certificate by three of four for @hash. */
static void certify(struct world *w, uint32_t to, uint32_t height,
		    const struct base_hash *block)
{
	uint8_t signature[3 * DS_SIGNATURE_SIZE];
	uint8_t data[DS_CERT_SIZE(3)];
	struct ds_cert m = {.height = {height},
			    .hash = *block,
			    .mask = 7,
			    .signatures = signature};
	struct base_hash hash;

	ds_hash_vote(&hash, &w->committee, 0, m.height, block);
	for (uint32_t i = 0; i < 3; i++)
		world_sign(signature + i * DS_SIGNATURE_SIZE,
			   w->committee.key[i], &hash);
	hear(w, to, 0, DS_CERT, data, ds_cert_write(data, sizeof(data), &m));
}

/* R4: a certificate makes a block final whatever I decided. */
static void r4_overruled(void **state)
{
	struct world *w = start();
	struct made a = mine(w, 0);
	struct made b = mine(w, 1);
	struct forged f = good(w);

	(void)state;
	for (uint32_t i = 0; i < w->n; i++)
		w->node[i].hold = true;
	hand(w, 3, 0, &a, &f);
	world_run(w, f.tick + 2, 500);
	assert_true(base_hash_equal(&w->node[3].decided_hash, &a.hash));
	w->node[3].hold = false;
	w->node[3].held_count = 0;
	certify(w, 3, 1, &b.hash);
	ds_block(w->node[3].ds, w->now, 0, b.block, b.len);
	world_drain(&w->node[3]);
	assert_int_equal(w->node[3].height, 1);
	assert_true(base_hash_equal(&w->node[3].chain[1].hash, &b.hash));
	assert_int_equal(w->node[3].alerts[DS_OVERRULED], 1);
	world_free(w);
}

/* R4: one far above: I am behind. Two at one height: all stops. */
static void r4_higher_and_halt(void **state)
{
	struct world *w = start();
	struct base_hash high, other;
	struct made b = mine(w, 0);
	uint32_t sent;

	(void)state;
	memset(&high, 0x42, sizeof(high));
	memset(&other, 0x43, sizeof(other));
	certify(w, 3, 9, &high);
	assert_int_equal(w->node[3].alerts[DS_BEHIND], 1);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	certify(w, 2, 1, &b.hash);
	ds_block(w->node[2].ds, w->now, 0, b.block, b.len);
	world_drain(&w->node[2]);
	assert_int_equal(w->node[2].height, 1);
	certify(w, 2, 1, &other);
	assert_int_equal(world_mode(w, 2), DS_HALT);
	assert_int_equal(w->node[2].alerts[DS_CONFLICT], 1);
	assert_true(ds_next_tick_ms(w->node[2].ds) == UINT64_MAX);
	/* It tells nobody any more what it held for final. */
	sent = w->node[2].sent[DS_CERT];
	ds_peer_down(w->node[2].ds, w->now, 0);
	ds_peer_up(w->node[2].ds, w->now, 0, 0);
	world_drain(&w->node[2]);
	assert_int_equal(w->node[2].sent[DS_CERT], sent);
	world_free(w);
}

static void beat_as(struct world *w, uint32_t to, uint8_t voter, uint64_t tick,
		    uint8_t tip, uint64_t off_ms, enum ds_mode mode)
{
	uint8_t signature[DS_SIGNATURE_SIZE];
	uint8_t data[DS_BEAT_SIZE];
	struct ds_beat m = {.voter = voter,
			    .claim = {.tick = {tick}, .flags = (uint8_t)mode},
			    .local_ms = w->now + off_ms,
			    .signature = signature};
	struct base_hash hash;

	memset(&m.claim.tip, tip, sizeof(m.claim.tip));
	ds_hash_beat(&hash, &w->committee, &m.claim);
	world_sign(signature, w->committee.key[voter], &hash);
	hear(w, to, voter, DS_BEAT, data,
	     ds_beat_write(data, sizeof(data), &m));
}

/* R4: two certificates of one height, wherever that is. */
static void r4_halt_elsewhere(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	struct base_hash other;
	struct base_hash high;

	(void)state;
	memset(&other, 0x43, sizeof(other));
	memset(&high, 0x44, sizeof(high));
	certify(w, 2, 1, &b.hash);
	ds_block(w->node[2].ds, w->now, 0, b.block, b.len);
	world_drain(&w->node[2]);
	assert_int_equal(w->node[2].height, 1);
	/* Above F, where nothing is final yet. */
	certify(w, 2, 3, &high);
	assert_int_equal(w->node[2].alerts[DS_CONFLICT], 0);
	certify(w, 2, 3, &other);
	assert_int_equal(world_mode(w, 2), DS_HALT);
	assert_int_equal(w->node[2].alerts[DS_CONFLICT], 1);
	world_free(w);
}

static void beat(struct world *w, uint32_t to, uint8_t voter, uint64_t tick,
		 uint8_t tip, uint64_t off_ms)
{
	beat_as(w, to, voter, tick, tip, off_ms, DS_ACTIVE);
}

/* R3: the certificate once more for who says, long after, that it lacks it. */
static void r3_help(void **state)
{
	struct world *w = start();
	struct made b = mine(w, 0);
	uint32_t sent;

	(void)state;
	/* What it sends of it is lost; nobody else knows. */
	w->node[2].silent = true;
	certify(w, 2, 1, &b.hash);
	ds_block(w->node[2].ds, w->now, 0, b.block, b.len);
	world_drain(&w->node[2]);
	w->node[2].silent = false;
	assert_int_equal(w->node[2].height, 1);
	sent = w->node[2].sent[DS_CERT];
	world_run(w, START + 2, 500);
	assert_int_equal(w->node[2].sent[DS_CERT], sent);
	world_run(w, START + 9, 500);
	assert_true(w->node[2].sent[DS_CERT] > sent);
	world_run(w, START + 12, 500);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(w->node[i].height, 1);
	world_free(w);
}

/* R7: who hears too few stays in SYNC. */
static void r7_alone_in_sync(void **state)
{
	struct world *w = start();

	(void)state;
	w->node[0].silent = true;
	w->node[1].silent = true;
	world_run(w, START + 20, 500);
	assert_int_equal(w->node[3].alerts[DS_BEATS], 1);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	world_free(w);
}

/* R5: f others elsewhere say nothing; f + 1 that I am wrong. Their clocks are
 * for people. */
static void r5_diverged_and_skew(void **state)
{
	struct world *w = start();

	(void)state;
	w->node[0].silent = true;
	w->node[1].silent = true;
	/* Before the others' own beats of that tick. Who follows only is one
	 * tick behind a decision. */
	beat_as(w, 3, 0, START + 1, 0x66, 0, DS_SHADOW);
	beat_as(w, 3, 1, START + 1, 0x66, 0, DS_SHADOW);
	world_run(w, START + 2, 100);
	assert_int_equal(w->node[3].alerts[DS_DIVERGED], 0);
	beat_as(w, 3, 0, START + 2, 0x66, 0, DS_SHADOW);
	world_run(w, START + 3, 0);
	beat(w, 3, 0, START + 3, 0x66, 0);
	beat(w, 3, 1, START + 3, 0x66, 5000);
	assert_int_equal(w->node[3].alerts[DS_SKEW], 0);
	world_run(w, START + 4, 100);
	assert_int_equal(w->node[3].alerts[DS_DIVERGED], 1);
	beat(w, 3, 0, START + 5, 0x66, 5000);
	assert_int_equal(w->node[3].alerts[DS_SKEW], 1);
	world_free(w);
}

/* R2.d, R6, R7: away, and back through SYNC and SHADOW; R2.f: with beats
 * all the while; R2.j: nothing of what was is kept. */
static void r7_modes_in_order(void **state)
{
	struct world *w = start();
	uint32_t beats = w->node[3].sent[DS_BEAT];

	(void)state;
	ds_clock_anomaly(w->node[3].ds, w->now);
	world_drain(&w->node[3]);
	world_pump(w);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	world_run(w, START + 1, 500);
	assert_int_equal(world_mode(w, 3), DS_SHADOW);
	world_run(w, START + 4, 500);
	assert_int_equal(world_mode(w, 3), DS_SHADOW);
	world_run(w, START + 5, 500);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	assert_true(w->node[3].sent[DS_BEAT] >= beats + 5);
	assert_int_equal(taints(w, 0) + taints(w, 1) + taints(w, 2), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(r0_every_tick_runs),
		cmocka_unit_test(r1_1_shape),
		cmocka_unit_test(r1_2_window),
		cmocka_unit_test(r1_3_self_contained),
		cmocka_unit_test(r1_4_context),
		cmocka_unit_test(r1_5_signatures),
		cmocka_unit_test(r1_6_relay_and_r1_7_sign),
		cmocka_unit_test(r1_7_two_values),
		cmocka_unit_test(r1l_late),
		cmocka_unit_test(r2_a_late),
		cmocka_unit_test(r2_b_beats),
		cmocka_unit_test(r2_f_alone),
		cmocka_unit_test(r2_c_lowest_hash),
		cmocka_unit_test(r2_e_and_g_durable_first),
		cmocka_unit_test(r2_i_stall),
		cmocka_unit_test(r3_evidence),
		cmocka_unit_test(r3_split),
		cmocka_unit_test(r4_overruled),
		cmocka_unit_test(r4_higher_and_halt),
		cmocka_unit_test(r4_halt_elsewhere),
		cmocka_unit_test(r3_help),
		cmocka_unit_test(r7_alone_in_sync),
		cmocka_unit_test(r5_diverged_and_skew),
		cmocka_unit_test(r7_modes_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
