/* SPDX-License-Identifier: MIT */
/*
 * What liars cannot do: fill a member's memory, answer its questions with
 * rubbish, contradict what is final unnoticed. And what a bad disk does.
 */
#include "ds_forge.h"

#define START 10

static uint8_t wire[WORLD_MESSAGE_MAX];

static struct world *start(uint32_t n, uint32_t f)
{
	struct world *w = world_new(n, f);

	world_run(w, START, 500);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(world_mode(w, i), DS_ACTIVE);
	return w;
}

static uint64_t next_tick(const struct world *w)
{
	return (w->now - FIXTURE_TIME_MS) / 1000 + 1;
}

static void hear(struct world *w, uint32_t from, enum ds_message_kind kind,
		 size_t len)
{
	assert_true(len > 0);
	ds_message(w->node[3].ds, w->now, from, kind, wire, len);
	world_drain(&w->node[3]);
	world_pump(w);
}

static void give_block(struct world *w, uint32_t from,
		       const struct forge_block *b)
{
	ds_block(w->node[3].ds, w->now, from, b->bytes, b->len);
	world_drain(&w->node[3]);
	world_pump(w);
}

/* A block of member @i becomes final at all that are @able. */
static void one_more_block(struct world *w, uint32_t i, ds_mask able)
{
	struct forge_block b = {.sender = (uint8_t)i};
	const uint32_t height = w->node[i].height;

	forge_block(&b, w, &w->node[i].template);
	ds_own_block(w->node[i].ds, w->now, b.bytes, b.len);
	world_drain(&w->node[i]);
	world_pump(w);
	world_run(w, next_tick(w) + w->committee.rounds, 500);
	for (uint32_t k = 0; k < w->n; k++)
		if (ds_mask_has(able, k))
			assert_int_equal(w->node[k].height, height + 1);
}

static struct base_hash some_hash(uint8_t byte)
{
	struct base_hash hash;

	memset(&hash, byte, sizeof(hash));
	return hash;
}

/* Only so much waits for the verifier: of one peer, and of all. */
static void messages_that_wait(void **state)
{
	struct world *w = start(7, 2);
	const uint32_t before = w->node[3].verifies;
	struct base_hash hash;

	(void)state;
	w->node[3].deaf = true;
	for (uint32_t i = 0; i < 2 * DS_PENDING_PER_PEER; i++) {
		struct forge_block b = {.sender = 0};

		forge_block(&b, w, &w->node[0].template);
		hear(w, 0, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, next_tick(w), 1, false, NULL));
	}
	assert_int_equal(w->node[3].verifies, before + DS_PENDING_PER_PEER);
	/* Others are heard all the same. */
	hash = some_hash(5);
	hear(w, 1, DS_VOTE, forge_vote(wire, w, 1, 1, &hash, NULL));
	assert_int_equal(w->node[3].verifies, before + DS_PENDING_PER_PEER + 1);
	for (uint32_t i = 0; i < 1000; i++) {
		const uint8_t who = i % 2 ? 4 : 5;

		hash = some_hash((uint8_t)i);
		base_store_le32(hash.b, i);
		hear(w, i % 7 == 3 ? 0 : i % 7, DS_VOTE,
		     forge_vote(wire, w, who, 1, &hash, NULL));
	}
	assert_int_equal(w->node[3].verifies, before + DS_PENDING_MAX);
	/* Certificates, evidence and beats have no other way in. */
	hear(w, 1, DS_CERT, forge_cert(wire, w, 0x7c, 1, &hash, NULL));
	hear(w, 1, DS_EVID, forge_evidence(wire, w, DS_TWO_VOTES, 1, 1, NULL));
	assert_int_equal(w->node[3].verifies, before + DS_PENDING_MAX);
	assert_int_equal(w->node[3].bans, 0);
	/* Who goes takes nothing along, and its place is free for another. */
	for (uint32_t i = 0; i < 7; i++)
		if (i != 3)
			ds_peer_down(w->node[3].ds, w->now, i);
	world_drain(&w->node[3]);
	ds_message(w->node[3].ds, w->now, 0, DS_VOTE, wire, 1);
	ds_peer_up(w->node[3].ds, w->now, 0, 0);
	world_drain(&w->node[3]);
	assert_int_equal(w->node[3].bans, 0);
	world_free(w);
}

/* Bodies have room for so many blocks; one too many is asked for later. */
static void bodies_that_wait(void **state)
{
	struct world *w = start(4, 1);

	(void)state;
	w->node[3].deaf = true;
	for (uint32_t i = 0; i < 120; i++) {
		struct forge_block b = {.sender = (uint8_t)(i % 2)};

		forge_block(&b, w, &w->node[0].template);
		hear(w, i % 2, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, next_tick(w),
				    ds_mask_of(b.sender), false, NULL));
		give_block(w, i % 2, &b);
	}
	assert_int_equal(w->node[3].bans, 0);
	w->node[3].deaf = false;
	one_more_block(w, 2, 7);
	world_free(w);
}

/* A thousand values of one sender: two are passed on, and its shame. */
static void values_of_a_liar(void **state)
{
	struct world *w = start(4, 1);
	const uint32_t sent = w->node[3].sent[DS_PROPOSAL];
	struct base_hash prev = some_hash(9);

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		struct forge_block b = {.sender = 0};

		/* Without a known parent nothing is extracted or sent. */
		b.prev = i % 2 ? &prev : NULL;
		forge_block(&b, w, &w->node[0].template);
		hear(w, 0, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, next_tick(w), 1, false, NULL));
	}
	assert_true(w->node[3].sent[DS_PROPOSAL] - sent <= 2 * w->n);
	assert_int_equal(w->node[3].sent[DS_EVID], 1);
	assert_int_equal(w->node[3].bans, 0);
	one_more_block(w, 1, 0xe);
	world_free(w);
}

/* The same on a parent nobody knows: more than there is room to remember. */
static void values_on_nothing(void **state)
{
	struct world *w = start(4, 1);
	const uint32_t sent = w->node[3].sent[DS_PROPOSAL];
	struct base_hash prev = some_hash(9);

	(void)state;
	for (uint32_t i = 0; i < 2 * DS_MEMBERS_MAX + 40; i++) {
		struct forge_block b = {.sender = 0, .prev = &prev};

		forge_block(&b, w, &w->node[0].template);
		hear(w, 0, DS_PROPOSAL,
		     forge_proposal(wire, w, &b, next_tick(w), 1, false, NULL));
	}
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], sent);
	assert_int_equal(w->node[3].sent[DS_EVID], 1);
	assert_int_equal(w->node[3].bans, 0);
	one_more_block(w, 1, 0xe);
	world_free(w);
}

/* R1.3: asked for a body, the peer sends one of another sender's. */
static void a_body_of_another_sender(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 1};

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	b.sender = 0;
	hear(w, 0, DS_PROPOSAL,
	     forge_proposal(wire, w, &b, next_tick(w), 1, true, NULL));
	give_block(w, 0, &b);
	assert_int_equal(w->node[3].bans, 1);
	world_run(w, next_tick(w) + 3, 500);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(w->node[i].decided, 0);
	one_more_block(w, 2, 0xf);
	world_free(w);
}

/* R1.3: a bare proposal waits for its body, and then is like any other. */
static void a_body_that_comes_later(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 0};

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	hear(w, 0, DS_PROPOSAL,
	     forge_proposal(wire, w, &b, next_tick(w), 1, true, NULL));
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], 0);
	give_block(w, 1, &b); /* whoever has it */
	assert_int_equal(w->node[3].sent[DS_PROPOSAL], 1);
	world_run(w, next_tick(w) + 2, 500);
	for (uint32_t i = 1; i < w->n; i++)
		assert_int_equal(w->node[i].height, 1);
	world_free(w);
}

/* Who said HAVE is sent no body. */
static void the_bare_one_is_sent_to_holders(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 0};
	struct ds *ds = w->node[3].ds;
	struct ds_action a;
	uint32_t sends = 0;
	size_t len;

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	ds_have(ds, w->now, 1, &b.hash);
	len = forge_proposal(wire, w, &b, next_tick(w), 1, false, NULL);
	ds_message(ds, w->now, 0, DS_PROPOSAL, wire, len);
	while (ds_next(ds, &a)) {
		if (a.kind == DS_ACT_VERIFY)
			ds_verified(ds, w->now, a.verify.id, true);
		if (a.kind != DS_ACT_SEND)
			continue;
		assert_int_equal(a.send.kind, DS_PROPOSAL);
		assert_true(a.send.to.word[0] == 6);
		assert_true(a.send.bare.word[0] == 2);
		sends++;
	}
	assert_int_equal(sends, 1);
	world_free(w);
}

/* R6: answers that were not asked for, and rubbish where they were. */
static void answers(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 0};
	struct world_node *node = &w->node[3];
	struct ds *ds = node->ds;
	uint8_t bad[200] = {0};

	(void)state;
	forge_block(&b, w, &node->template);
	ds_status(ds, w->now, 0, bad, sizeof(bad));
	ds_headers(ds, w->now, 0, b.bytes, 1);
	ds_block(ds, w->now, 0, b.bytes, b.len);
	world_drain(node);
	assert_int_equal(node->bans, 0);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	ds_block(ds, w->now, 0, b.bytes, 79);
	world_drain(node);
	assert_int_equal(node->bans, 1);
	b.bytes[b.len - 1] ^= 1;
	b.bytes[60] ^= 1;
	give_block(w, 0, &b);
	assert_int_equal(node->bans, 2);
	for (uint32_t i = 0; i < 3; i++)
		w->node[i].silent = true;
	ds_clock_anomaly(ds, w->now);
	world_drain(node);
	ds_status(ds, w->now, 0, bad, sizeof(bad));
	world_drain(node);
	assert_int_equal(node->bans, 3);
	/* It has had its turn. */
	ds_status(ds, w->now, 0, bad, sizeof(bad));
	world_drain(node);
	assert_int_equal(node->bans, 3);
	for (uint32_t i = 0; i < 3; i++)
		w->node[i].silent = false;
	world_run(w, next_tick(w) + 12, 500);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	one_more_block(w, 3, 0xf);
	world_free(w);
}

/* R6: the way to a far target, from peers that know no more than to lie. */
static void headers(void **state)
{
	static uint8_t many[(2000 + 1) * CHAIN_HEADER_SIZE];
	struct world *w = start(4, 1);
	struct world_node *node = &w->node[3];
	struct base_hash far = some_hash(0x31);
	struct forge_block b = {.sender = 0};

	(void)state;
	hear(w, 0, DS_CERT, forge_cert(wire, w, 7, 9, &far, NULL));
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	forge_block(&b, w, &w->genesis);
	memcpy(many, b.bytes, CHAIN_HEADER_SIZE);
	for (uint32_t peer = 0; peer < 3; peer++) {
		ds_headers(node->ds, w->now, peer, many, 2001);
		ds_headers(node->ds, w->now, peer, many, 2000);
		ds_headers(node->ds, w->now, peer, many, 0);
		world_drain(node);
	}
	world_run(w, next_tick(w) + 10, 500);
	/* One good header: its certificate is asked for, and never comes. */
	for (uint32_t peer = 0; peer < 3; peer++)
		ds_headers(node->ds, w->now, peer, many, 1);
	world_drain(node);
	world_run(w, next_tick(w) + 10, 500);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	assert_int_equal(node->height, 0);
	assert_int_equal(node->bans, 0);
	world_free(w);
}

/* R6: peers that give few headers at once: part after part. */
static void a_way_in_parts(void **state)
{
	struct world *w = start(4, 1);

	(void)state;
	w->node[3].silent = true;
	for (uint32_t i = 0; i < 3; i++)
		w->node[i].headers_max = 2;
	for (uint32_t i = 0; i < 7; i++)
		one_more_block(w, i % 3, 7);
	w->node[3].silent = false;
	world_run(w, next_tick(w) + 12, 500);
	assert_int_equal(w->node[3].height, 7);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	one_more_block(w, 3, 0xf);
	world_free(w);
}

/* R4: a certified chain that does not contain what is final here. */
static void another_chain(void **state)
{
	struct world *w = start(4, 1);
	struct world_node *node = &w->node[3];
	uint8_t way[3 * CHAIN_HEADER_SIZE];
	struct base_hash nowhere = some_hash(0x31);
	struct forge_block b[2] = {{.sender = 0, .prev = &nowhere},
				   {.sender = 0}};

	(void)state;
	one_more_block(w, 0, 0xf);
	forge_block(&b[0], w, &node->template);
	b[1].prev = &b[0].hash;
	forge_block(&b[1], w, &node->template);
	memcpy(way, b[0].bytes, CHAIN_HEADER_SIZE);
	memcpy(way + CHAIN_HEADER_SIZE, b[1].bytes, CHAIN_HEADER_SIZE);
	hear(w, 0, DS_CERT, forge_cert(wire, w, 7, 3, &b[1].hash, NULL));
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	/* A way that does not hang together proves nothing. */
	memcpy(way + 2 * CHAIN_HEADER_SIZE, way, CHAIN_HEADER_SIZE);
	for (uint32_t peer = 0; peer < 3; peer++)
		ds_headers(node->ds, w->now, peer, way + CHAIN_HEADER_SIZE, 2);
	world_drain(node);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	for (uint32_t peer = 0; peer < 3; peer++)
		ds_headers(node->ds, w->now, peer, way, 2);
	world_drain(node);
	assert_int_equal(world_mode(w, 3), DS_HALT);
	assert_int_equal(node->alerts[DS_CONFLICT], 1);
	/* It hears nothing any more. */
	hear(w, 0, DS_CERT, 1);
	ds_own_block(node->ds, w->now, b[0].bytes, b[0].len);
	ds_block(node->ds, w->now, 0, b[0].bytes, 1);
	ds_status(node->ds, w->now, 0, wire, 1);
	ds_headers(node->ds, w->now, 0, way, 2);
	ds_verified(node->ds, w->now, 1, false);
	ds_clock_anomaly(node->ds, w->now);
	world_drain(node);
	assert_int_equal(node->bans, 0);
	assert_int_equal(world_mode(w, 3), DS_HALT);
	world_free(w);
}

/* R4: a quorum for a block that breaks the rules: all stops. */
static void a_certified_bad_block(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 0, .more = 1};

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	hear(w, 0, DS_CERT, forge_cert(wire, w, 7, 1, &b.hash, NULL));
	give_block(w, 0, &b);
	assert_int_equal(world_mode(w, 3), DS_HALT);
	assert_int_equal(w->node[3].height, 0);
	world_free(w);
}

/* Another certificate while the first one's block is on its way. */
static void two_certificates_at_once(void **state)
{
	struct world *w = start(4, 1);
	struct base_hash a = some_hash(1), b = some_hash(2);

	(void)state;
	hear(w, 0, DS_CERT, forge_cert(wire, w, 7, 1, &a, NULL));
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	hear(w, 0, DS_CERT, forge_cert(wire, w, 0xe, 1, &b, NULL));
	assert_int_equal(world_mode(w, 3), DS_HALT);
	assert_int_equal(w->node[3].alerts[DS_CONFLICT], 1);
	world_free(w);
}

/* A disk that says no: doubt, and all again when it says yes. */
static void a_full_disk(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 3};

	(void)state;
	w->node[3].fail = true;
	forge_block(&b, w, &w->node[3].template);
	ds_own_block(w->node[3].ds, w->now, b.bytes, b.len);
	world_drain(&w->node[3]);
	world_pump(w);
	assert_int_equal(w->node[3].alerts[DS_STORAGE], 1);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	w->node[3].fail = false;
	world_run(w, next_tick(w) + 12, 500);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	assert_int_equal(w->node[0].height, 1); /* its block was kept */
	w->node[3].fail = true; /* its vote, this time, and the block */
	one_more_block(w, 0, 7);
	assert_int_equal(w->node[3].alerts[DS_STORAGE], 2);
	assert_int_equal(w->node[3].height, 1);
	w->node[3].fail = false;
	world_run(w, next_tick(w) + 8, 500);
	assert_int_equal(w->node[3].height, 2);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	one_more_block(w, 3, 0xf);
	world_free(w);
}

/* Coins that cannot be read say nothing of the block. */
static void a_blind_disk(void **state)
{
	struct world *w = start(4, 1);
	struct forge_block b = {.sender = 0, .spend = true};

	(void)state;
	forge_block(&b, w, &w->node[3].template);
	w->node[3].blind = true;
	hear(w, 0, DS_PROPOSAL,
	     forge_proposal(wire, w, &b, next_tick(w), 1, false, NULL));
	assert_int_equal(w->node[3].alerts[DS_STORAGE], 1);
	for (uint32_t i = 0; i < 3; i++) {
		size_t len = forge_proposal(wire, w, &b, next_tick(w), 1, false,
					    NULL);

		ds_message(w->node[i].ds, w->now, 0, DS_PROPOSAL, wire, len);
		world_drain(&w->node[i]);
	}
	world_pump(w);
	world_run(w, next_tick(w) + 3, 500);
	for (uint32_t i = 1; i < 3; i++)
		assert_int_equal(w->node[i].height, 1);
	assert_int_equal(w->node[3].height, 0);
	assert_int_equal(w->node[3].bans, 0);
	assert_int_equal(world_mode(w, 3), DS_SYNC);
	w->node[3].blind = false;
	world_run(w, next_tick(w) + 10, 500);
	assert_int_equal(w->node[3].height, 1);
	assert_int_equal(world_mode(w, 3), DS_ACTIVE);
	world_free(w);
}

/* An own block that breaks a rule is dropped, not sent. */
static void own_bad_blocks(void **state)
{
	struct world *w = start(4, 1);
	struct base_hash prev = some_hash(3);
	struct forge_block block[] = {
		{.sender = 3, .more = 1},
		{.sender = 3, .spend = true, .bad_spend = true},
		{.sender = 3, .prev = &prev},
		{.sender = 3, .no_work = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(block) / sizeof(*block); i++) {
		forge_block(&block[i], w, &w->node[3].template);
		ds_own_block(w->node[3].ds, w->now, block[i].bytes,
			     block[i].len);
		world_drain(&w->node[3]);
		world_run(w, next_tick(w) + 1, 500);
		assert_int_equal(w->node[3].sent[DS_PROPOSAL], 0);
	}
	one_more_block(w, 3, 0xf);
	world_free(w);
}

/* Starts member 3 anew, as @self. */
static void start_anew(struct world *w, int self, struct ds_boot *boot)
{
	struct world_node *node = &w->node[3];

	for (uint32_t i = 0; i < 3; i++) {
		ds_peer_down(w->node[i].ds, w->now, 3);
		world_drain(&w->node[i]);
	}
	node->options.self = self;
	boot->final = w->genesis;
	node->ds = ds_init(node->memory, &node->options, boot, w->now);
	for (uint32_t i = 0; i < 3; i++) {
		ds_peer_up(w->node[i].ds, w->now, 3, self);
		world_drain(&w->node[i]);
		ds_peer_up(node->ds, w->now, i, (int)i);
		world_drain(node);
	}
	world_pump(w);
}

/* R3: what I voted for before I was stopped I do not vote against; a vote of
 * another epoch or height is void. */
static void votes_of_before(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		struct world *w = start(4, 1);
		struct forge_block b = {.sender = 3};
		uint8_t signature[DS_SIGNATURE_SIZE] = {0};
		struct ds_vote vote = {.epoch = i == 1,
				       .height = {i == 2 ? 2 : 1},
				       .voter = 3,
				       .signature = signature};
		struct ds_boot boot = {.vote = &vote};
		struct base_hash hash;

		forge_block(&b, w, &w->genesis);
		vote.hash = b.hash;
		ds_hash_vote(&hash, &w->committee, vote.epoch, vote.height,
			     &b.hash);
		world_sign(signature, w->committee.key[3], &hash);
		boot.vote_block = b.bytes;
		boot.vote_block_len = i == 3 ? 40 : b.len; /* torn */
		w->node[3].sent[DS_VOTE] = 0;
		start_anew(w, i == 4 ? -1 : 3, &boot);
		/* It tells at once, as everyone on a new link does. */
		assert_int_equal(w->node[3].sent[DS_VOTE] > 0,
				 i == 0 || i == 3);
		world_run(w, next_tick(w) + 8, 500);
		for (uint32_t k = 0; k < 3; k++)
			assert_int_equal(w->node[k].bans, 0);
		one_more_block(w, 1, 0xf);
		assert_int_equal(w->node[1].sent[DS_EVID], 0);
		world_free(w);
	}
}

/* Who is no member passes everything on, signs nothing, and follows. */
static void an_observer(void **state)
{
	struct world *w = start(4, 1);
	struct ds_boot boot = {.cert = NULL};
	struct forge_block b = {.sender = 3};
	uint32_t beats;

	(void)state;
	w->node[3].sent[DS_BEAT] = 0;
	start_anew(w, -1, &boot);
	beats = w->node[3].sent[DS_BEAT];
	world_run(w, next_tick(w) + 8, 500);
	assert_int_equal(world_mode(w, 3), DS_SHADOW);
	assert_true(w->node[3].sent[DS_BEAT] > beats); /* the others' */
	for (uint32_t i = 0; i < 4; i++)
		one_more_block(w, i % 3, 0xf);
	assert_int_equal(world_mode(w, 3), DS_SHADOW);
	forge_block(&b, w, &w->node[3].template);
	ds_own_block(w->node[3].ds, w->now, b.bytes, b.len);
	world_run(w, next_tick(w) + 4, 500);
	assert_int_equal(w->node[0].height, 4);
	for (uint32_t i = 0; i < w->n; i++)
		assert_int_equal(w->node[i].bans, 0);
	world_free(w);
}

/* Without certificates, and with fewer than f + 1 others, nothing on the wire
 * tells who starts anew what is final: people do. */
static void a_tip_that_people_vouch_for(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct world *w = world_new(4, 3);
		struct base_hash vouched = some_hash(7); /* nobody's block */
		struct ds_boot boot = {.cert = NULL};

		world_run(w, 0, 10);
		one_more_block(w, 0, 0xf);
		one_more_block(w, 1, 0xf);
		if (i < 2)
			vouched = w->node[0].chain[2].hash;
		if (i > 0)
			boot.trusted = &vouched;
		w->node[3].height = 0;
		start_anew(w, 3, &boot);
		world_run(w, next_tick(w) + 20, 500);
		assert_int_equal(w->node[3].height, i == 1 ? 2 : 0);
		assert_int_equal(world_mode(w, 3) == DS_ACTIVE, i == 1);
		if (i == 1)
			one_more_block(w, 3, 0xf);
		for (uint32_t k = 0; k < w->n; k++)
			assert_int_equal(w->node[k].bans, 0);
		world_free(w);
	}
}

/* A network whose bodies would not fit is refused. */
static void memory_is_bounded(void **state)
{
	struct chain_params p;
	struct ds_committee c;
	struct ds_options o = {.committee = &c, .params = &p, .self = 0};

	(void)state;
	fixture_params(&p);
	fixture_committee(&c, 64, 63);
	p.max_block_bytes = 30840;
	assert_true(ds_memory(&o) > 0);
	assert_true(ds_memory(&o) < (uint64_t)3 * DS_BODIES_MAX_BYTES);
	p.max_block_bytes = 30841;
	assert_int_equal(ds_memory(&o), 0);
	p.max_block_bytes = UINT32_MAX;
	assert_int_equal(ds_memory(&o), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_that_wait),
		cmocka_unit_test(bodies_that_wait),
		cmocka_unit_test(values_of_a_liar),
		cmocka_unit_test(values_on_nothing),
		cmocka_unit_test(a_body_of_another_sender),
		cmocka_unit_test(a_body_that_comes_later),
		cmocka_unit_test(the_bare_one_is_sent_to_holders),
		cmocka_unit_test(answers),
		cmocka_unit_test(headers),
		cmocka_unit_test(a_way_in_parts),
		cmocka_unit_test(another_chain),
		cmocka_unit_test(a_certified_bad_block),
		cmocka_unit_test(two_certificates_at_once),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(a_blind_disk),
		cmocka_unit_test(own_bad_blocks),
		cmocka_unit_test(votes_of_before),
		cmocka_unit_test(an_observer),
		cmocka_unit_test(a_tip_that_people_vouch_for),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
