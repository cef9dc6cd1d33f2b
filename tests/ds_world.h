/* SPDX-License-Identifier: MIT */
/*
 * ds_world.h: a few state machines that hear each other at once, with
 * signatures that are hashes, and disks that fail when told to. For scenes that
 * a reader can follow; the simulator is for everything else.
 */
#ifndef TESTS_DS_WORLD_H
#define TESTS_DS_WORLD_H

#include "test.h"

#include <errno.h>

#include "ds_fixture.h"

#include "chain/merkle.h"
#include "consensus/ds.h"
#include "pow/sha256.h"

#define WORLD_NODES_MAX 7
#define WORLD_HEIGHTS_MAX 64
#define WORLD_LETTERS_MAX 1024
#define WORLD_QUESTIONS_MAX 256
#define WORLD_BLOCK_MAX CHAIN_BLOCK_BYTES_MIN
#define WORLD_MESSAGE_MAX 8192

struct world_block {
	uint8_t bytes[WORLD_BLOCK_MAX];
	size_t len;
	struct base_hash hash;
	bool has_cert;
	uint8_t cert[DS_CERT_SIZE(DS_MEMBERS_MAX)];
	size_t cert_len;
};

struct world_node {
	struct world *world;
	uint32_t index;
	void *memory;
	struct ds *ds;
	struct ds_options options;
	struct world_block chain[WORLD_HEIGHTS_MAX]; /* [0] is genesis */
	uint32_t height;
	struct chain_context template;
	bool mining;
	bool silent;	      /* says nothing, hears nothing */
	bool hold;	      /* its disk does not answer */
	bool fail;	      /* its disk says no, */
	bool blind;	      /* and cannot read a coin */
	bool deaf;	      /* its verifier does not answer */
	uint32_t headers_max; /* that it gives at once; 0: all */
	uint32_t verifies;
	uint64_t held[16];
	uint32_t held_count;
	uint32_t sent[DS_EVID + 1]; /* messages by kind */
	ds_mask sent_mask;	    /* of the last proposal */
	struct base_hash decided_hash;
	uint32_t decided, finals, bans, alerts[DS_REASONS];
};

/* A message on its way. */
struct world_letter {
	uint32_t from, to;
	enum ds_message_kind kind;
	size_t len;
	uint8_t data[WORLD_MESSAGE_MAX];
};

struct world {
	struct chain_params params;
	struct ds_committee committee;
	struct chain_context genesis;
	uint64_t now;
	uint32_t n;
	uint32_t extranonce;
	struct world_node node[WORLD_NODES_MAX];
	uint64_t posted, delivered;
	struct world_letter letter[WORLD_LETTERS_MAX];
};

/* A signature anyone can check and, in a test, anyone can make. */
static inline void world_sign(uint8_t out[static DS_SIGNATURE_SIZE],
			      const uint8_t *key, const struct base_hash *hash)
{
	uint8_t bytes[64];
	struct base_hash half;

	memcpy(bytes, key, 32);
	memcpy(bytes + 32, hash->b, 32);
	pow_sha256(&half, bytes, sizeof(bytes));
	memcpy(out, half.b, 32);
	memset(out + 32, 0x5a, 32);
}

static inline void world_signer(void *ctx, uint8_t *out,
				const struct base_hash *hash)
{
	const struct world_node *node = ctx;

	world_sign(out, node->world->committee.key[node->index], hash);
}

static inline bool world_verify(const struct chain_check *check, uint32_t count)
{
	uint8_t want[DS_SIGNATURE_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		world_sign(want, check[i].key, &check[i].sighash);
		if (memcmp(want, check[i].signature, sizeof(want)) != 0)
			return false;
	}
	return true;
}

static inline void world_post(struct world *w, uint32_t from, uint32_t to,
			      enum ds_message_kind kind, const uint8_t *data,
			      size_t len)
{
	struct world_letter *l = &w->letter[w->posted++ % WORLD_LETTERS_MAX];

	assert_true(w->posted - w->delivered <= WORLD_LETTERS_MAX);
	l->from = from;
	l->to = to;
	l->kind = kind;
	l->len = len;
	memcpy(l->data, data, len);
}

static inline void world_send(struct world_node *node,
			      const struct ds_action *a)
{
	static uint8_t at[WORLD_MESSAGE_MAX];
	size_t len = 0;

	switch (a->send.kind) {
	case DS_PROPOSAL:
		len = ds_proposal_write(at, WORLD_MESSAGE_MAX,
					&a->send.proposal);
		break;
	case DS_VOTE:
		len = ds_vote_write(at, WORLD_MESSAGE_MAX, &a->send.vote);
		break;
	case DS_CERT:
		len = ds_cert_write(at, WORLD_MESSAGE_MAX, &a->send.cert);
		break;
	case DS_BEAT:
		len = ds_beat_write(at, WORLD_MESSAGE_MAX, &a->send.beat);
		break;
	case DS_EVID:
		len = ds_evidence_write(at, WORLD_MESSAGE_MAX,
					&a->send.evidence);
		break;
	}
	assert_true(len > 0);
	node->sent[a->send.kind]++;
	if (a->send.kind == DS_PROPOSAL)
		node->sent_mask = a->send.proposal.mask;
	for (uint32_t i = 0; i < node->world->n; i++)
		if (a->send.to.word[i / 64] >> i % 64 & 1)
			world_post(node->world, node->index, i, a->send.kind,
				   at, len);
}

static inline void world_store(struct world_node *node,
			       const struct ds_action *a)
{
	struct world_block *b = &node->chain[++node->height];

	assert_true(node->height < WORLD_HEIGHTS_MAX);
	assert_int_equal(a->persist.after.height.n, node->height);
	memcpy(b->bytes, a->persist.block, a->persist.block_len);
	b->len = a->persist.block_len;
	b->hash = a->persist.after.hash;
	b->has_cert = a->persist.cert.mask != 0;
	if (b->has_cert)
		b->cert_len = ds_cert_write(b->cert, sizeof(b->cert),
					    &a->persist.cert);
}

static inline const struct world_block *
world_find(const struct world_node *node, const struct base_hash *hash)
{
	for (uint32_t h = 0; h <= node->height; h++)
		if (base_hash_equal(&node->chain[h].hash, hash))
			return &node->chain[h];
	return NULL;
}

static inline void world_serve(struct world_node *node,
			       const struct ds_action *a)
{
	struct world *w = node->world;
	const struct world_node *peer = &w->node[a->need.peer];
	const struct world_block *b = world_find(peer, &a->need.hash);
	const struct world_block *tip = &peer->chain[peer->height];
	uint8_t headers[WORLD_HEIGHTS_MAX * CHAIN_HEADER_SIZE];
	const size_t most =
		peer->headers_max && peer->headers_max < a->need.count
			? peer->headers_max
			: a->need.count;
	const uint8_t *bytes;
	size_t count = 0;
	size_t len = 0;

	if (peer->silent || node->silent)
		return;
	switch (a->need.kind) {
	case DS_NEED_STATUS:
		ds_status(node->ds, w->now, a->need.peer, tip->cert,
			  tip->has_cert ? tip->cert_len : 0);
		break;
	case DS_NEED_HEADERS:
		for (uint32_t h = a->need.from.n;
		     h <= peer->height && count < most; h++)
			memcpy(headers + CHAIN_HEADER_SIZE * count++,
			       peer->chain[h].bytes, CHAIN_HEADER_SIZE);
		ds_headers(node->ds, w->now, a->need.peer, headers, count);
		break;
	case DS_NEED_BLOCK:
		bytes = b ? b->bytes
			  : ds_find_block(&len, peer->ds, &a->need.hash);
		if (bytes)
			ds_block(node->ds, w->now, a->need.peer, bytes,
				 b ? b->len : len);
		break;
	case DS_NEED_CERT:
		if (b && b->has_cert)
			ds_message(node->ds, w->now, a->need.peer, DS_CERT,
				   b->cert, b->cert_len);
		break;
	}
}

static inline void world_act(struct world_node *node, const struct ds_action *a)
{
	const uint64_t now = node->world->now;

	switch (a->kind) {
	case DS_ACT_SEND:
		world_send(node, a);
		break;
	case DS_ACT_VERIFY:
		node->verifies++;
		if (node->deaf)
			break;
		ds_verified(node->ds, now, a->verify.id,
			    world_verify(a->verify.check, a->verify.count));
		break;
	case DS_ACT_PERSIST:
		if (node->hold && a->persist.kind != DS_PERSIST_EVIDENCE) {
			assert_true(node->held_count < 16);
			node->held[node->held_count++] = a->persist.id;
			break;
		}
		if (node->fail) {
			ds_persisted(node->ds, now, a->persist.id, false);
			break;
		}
		if (a->persist.kind == DS_PERSIST_FINAL)
			world_store(node, a);
		ds_persisted(node->ds, now, a->persist.id, true);
		break;
	case DS_ACT_TEMPLATE:
		node->mining = a->template != NULL;
		if (a->template)
			node->template = *a->template;
		break;
	case DS_ACT_DECIDED:
		node->decided++;
		node->decided_hash = a->block.hash;
		break;
	case DS_ACT_FINAL:
		node->finals++;
		break;
	case DS_ACT_BAN:
		node->bans++;
		break;
	case DS_ACT_ALERT:
		node->alerts[a->alert.reason]++;
		break;
	case DS_ACT_NEED:
		world_serve(node, a);
		break;
	case DS_ACT_MODE:
	case DS_ACT_HAVE:
	case DS_ACT_DROPPED:
		break;
	}
}

static inline bool world_is_question(const struct ds_action *a)
{
	return a->kind == DS_ACT_VERIFY || a->kind == DS_ACT_PERSIST ||
	       a->kind == DS_ACT_NEED;
}

/* What other actions point to holds until the next input: so they come
 * first, and the answers, which are inputs, last. */
static inline void world_drain(struct world_node *node)
{
	struct ds_action question[WORLD_QUESTIONS_MAX];
	struct ds_action a;
	uint32_t count;

	do {
		count = 0;
		while (ds_next(node->ds, &a)) {
			if (!world_is_question(&a)) {
				world_act(node, &a);
				continue;
			}
			assert_true(count < WORLD_QUESTIONS_MAX);
			question[count++] = a;
		}
		for (uint32_t i = 0; i < count; i++) {
			world_act(node, &question[i]);
			/* Nothing that this answer made may be lost. */
			while (i + 1 < count && ds_next(node->ds, &a)) {
				if (!world_is_question(&a)) {
					world_act(node, &a);
					continue;
				}
				assert_true(count < WORLD_QUESTIONS_MAX);
				question[count++] = a;
			}
		}
	} while (count > 0);
}

/* Everything that was said is heard, in order. */
static inline void world_pump(struct world *w)
{
	while (w->delivered < w->posted) {
		const struct world_letter *l =
			&w->letter[w->delivered++ % WORLD_LETTERS_MAX];
		struct world_node *to = &w->node[l->to];

		if (to->silent || w->node[l->from].silent)
			continue;
		ds_message(to->ds, w->now, l->from, l->kind, l->data, l->len);
		world_drain(to);
	}
}

/* A block of @node's on its template, mined. */
static inline size_t world_mine(uint8_t out[static WORLD_BLOCK_MAX],
				struct world_node *node, uint32_t time)
{
	struct world *w = node->world;
	const struct base_hash zero = {{0}};
	struct chain_header h = {
		.version = CHAIN_VERSION,
		.prev = node->template.hash,
		.time = time,
		.bits = chain_context_next_bits(&node->template, &w->params)};
	struct chain_coinbase c = {.height = {node->template.height.n + 1},
				   .sender = (uint8_t)node->index};
	uint8_t header[CHAIN_HEADER_SIZE];
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
	struct base_u256 target;
	struct base_hash hash;
	size_t at, len;

	memcpy(c.key, w->params.output[0].key, sizeof(c.key));
	c.value = chain_subsidy(&w->params, c.height);
	base_store_le32(c.extranonce, w->extranonce++);
	chain_witness_commitment(&c.witness_commitment, &zero);
	len = chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
	pow_sha256d(&h.merkle_root, coinbase, len);
	assert_int_equal(pow_target_from_bits(&target, h.bits), 0);
	for (;; h.nonce++) {
		struct base_u256 value;

		chain_header_hash(&hash, &h);
		value = base_u256_from_hash(&hash);
		if (base_u256_compare(&value, &target) <= 0)
			break;
	}
	chain_header_write(header, &h);
	return chain_block_assemble(out, WORLD_BLOCK_MAX, header, coinbase, len,
				    NULL, 0, 0);
}

/* Time goes to @ms after tick @tick, one tick after the other. */
static inline void world_run(struct world *w, uint64_t tick, uint64_t ms)
{
	uint64_t until =
		ds_tick_ms(&w->committee, (struct base_tick){tick}) + ms;

	while (w->now < until) {
		struct base_tick k;
		uint64_t next = w->committee.t0_ms;

		if (ds_tick_at(&k, &w->committee, w->now)) {
			k.n++;
			next = ds_tick_ms(&w->committee, k);
		}
		w->now = next < until ? next : until;
		for (uint32_t i = 0; i < w->n; i++) {
			if (w->node[i].silent)
				continue;
			ds_advance(w->node[i].ds, w->now);
			world_drain(&w->node[i]);
		}
		world_pump(w);
	}
}

static inline enum ds_mode world_mode(const struct world *w, uint32_t i)
{
	struct ds_status_view v;

	ds_look(&v, w->node[i].ds);
	return v.mode;
}

/* Every outpoint of bytes 0xc0 is a coin of ten, for anybody. */
static inline int world_coin(void *ctx, struct chain_coin *out,
			     const struct chain_outpoint *at)
{
	const struct world_node *node = ctx;

	if (node->blind)
		return -EIO;
	if (at->txid.b[0] != 0xc0)
		return -ENOENT;
	*out = (struct chain_coin){.amount.units = 10 * BASE_COIN};
	memset(out->key, 0xc1, sizeof(out->key));
	return 0;
}

static inline void world_boot(struct world *w, uint32_t i)
{
	struct world_node *node = &w->node[i];
	struct ds_boot boot = {.final = w->genesis};

	node->world = w;
	node->index = i;
	node->options = (struct ds_options){
		.committee = &w->committee,
		.params = &w->params,
		.self = (int)i,
		.signer = {world_signer, node},
		.ledger = {.coins = {.get = world_coin, .ctx = node}},
	};
	node->memory = aligned_alloc(64, ds_memory(&node->options));
	assert_non_null(node->memory);
	node->chain[0].hash = w->genesis.hash;
	node->ds = ds_init(node->memory, &node->options, &boot, w->now);
}

static inline struct world *world_new(uint32_t n, uint32_t f)
{
	struct world *w = calloc(1, sizeof(*w));
	struct chain_header genesis = {.version = CHAIN_VERSION,
				       .bits = FIXTURE_BITS,
				       .time = FIXTURE_TIME_MS / 1000};

	assert_non_null(w);
	fixture_params(&w->params);
	w->params.member_count = n;
	w->params.faults = f;
	chain_context_init(&w->genesis, &genesis);
	ds_committee_init(&w->committee, &w->params, &w->genesis.hash, 0);
	for (uint32_t i = 0; i < n; i++)
		memset(w->committee.key[i], (int)i + 1, CHAIN_KEY_SIZE);
	w->n = n;
	w->now = FIXTURE_TIME_MS - 5000;
	for (uint32_t i = 0; i < n; i++)
		world_boot(w, i);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < n; k++) {
			if (i == k)
				continue;
			ds_peer_up(w->node[i].ds, w->now, k, (int)k);
			world_drain(&w->node[i]);
		}
	for (uint32_t i = 0; i < n; i++)
		world_drain(&w->node[i]);
	world_pump(w);
	return w;
}

static inline void world_free(struct world *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		free(w->node[i].memory);
	free(w);
}

#endif
