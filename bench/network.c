/* SPDX-License-Identifier: MIT */
#include "network.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/prng.h"
#include "chain/merkle.h"
#include "consensus/ds.h"
#include "measure.h"
#include "pow/sha256.h"
#include "pow/target.h"
#include "replay.h"

#define BITS 0x207fffffu
#define T0_MS UINT64_C(1700000000999)
#define BLOCK_MAX CHAIN_BLOCK_BYTES_MIN
#define MESSAGE_MAX (3 * DS_CERT_SIZE(DS_MEMBERS_MAX) + BLOCK_MAX)
#define WAY_MIN_MS (NETWORK_DELTA_MS / 20)
#define WAY_MAX_MS (NETWORK_DELTA_MS / 4)
#define BUCKETS 256 /* a millisecond each */
#define ALIKE 4096  /* places in the table of messages */
#define QUESTIONS_MAX 512
#define KEPT_BYTES_MAX (UINT64_C(1) << 29)
#define WATCHED 1 /* the member whose inputs are kept */
#define HAVE 0	  /* a message that is no ds_message_kind */

_Static_assert(WAY_MAX_MS < BUCKETS, "a message is in a bucket ahead");

/* On its way to some, or kept for the replay. */
struct message {
	struct message *next; /* of those kept */
	uint32_t refs;
	bool kept;
	uint8_t kind;
	uint32_t len;
	uint64_t had; /* members that received it, a bit each */
	uint8_t data[];
};

struct letter {
	struct message *message;
	uint32_t from, to;
};

struct bucket {
	struct letter *letter;
	size_t count, room;
};

struct node {
	uint32_t index;
	struct ds *ds;
	void *memory;
	struct ds_options options;
	struct chain_context template;
	bool mining;
	uint32_t finals;
	uint64_t decided_ms, final_ms;
	enum ds_mode mode;
};

struct network {
	const struct network_options *o;
	struct oracle oracle;
	struct chain_params params;
	struct ds_committee committee;
	struct chain_context genesis;
	struct base_prng prng;
	uint64_t now;
	uint64_t proposed_ms; /* t(T) of the block that is on its way */
	uint32_t extranonce;
	struct node node[DS_MEMBERS_MAX];
	struct bucket bucket[BUCKETS];
	struct message *alike[ALIKE];
	struct message *kept;
	uint64_t kept_bytes;
	struct replay replay;
	struct network_block total;
	uint8_t cause; /* kind of the message that is being heard */
	bool broke;    /* no memory */
};

static struct network network;

static void release(struct message *m)
{
	if (--m->refs == 0 && !m->kept)
		free(m);
}

/* The message of these bytes; the one there is already, if there is. */
static struct message *message_of(struct network *w, uint8_t kind,
				  const uint8_t *data, size_t len)
{
	uint64_t h = kind;
	struct message **at, *m;

	for (size_t i = 0; i + 8 <= len; i += 8)
		h = (h ^ base_load_le64(data + i)) *
		    UINT64_C(0x9e3779b97f4a7c15);
	at = &w->alike[(h >> 32) % ALIKE];
	m = *at;
	if (m && m->kind == kind && m->len == len &&
	    memcmp(m->data, data, len) == 0)
		return m;
	if (m)
		release(m);
	m = calloc(1, sizeof(*m) + len);
	*at = m;
	if (!m) {
		w->broke = true;
		return NULL;
	}
	m->refs = 1; /* the table's */
	m->kind = kind;
	m->len = (uint32_t)len;
	memcpy(m->data, data, len);
	return m;
}

static void post(struct network *w, uint32_t from, uint32_t to,
		 struct message *m)
{
	const uint64_t way =
		WAY_MIN_MS +
		base_prng_below(&w->prng, WAY_MAX_MS - WAY_MIN_MS + 1);
	struct bucket *b = &w->bucket[(w->now + way) % BUCKETS];

	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 64;
		void *more = realloc(b->letter, room * sizeof(*b->letter));

		if (!more) {
			w->broke = true;
			return;
		}
		b->letter = more;
		b->room = room;
	}
	m->refs++;
	w->total.messages[m->kind]++;
	w->total.bytes[m->kind] += m->len;
	b->letter[b->count++] =
		(struct letter){.message = m, .from = from, .to = to};
}

static void post_all(struct network *w, uint32_t from,
		     const struct ds_peers *to, uint8_t kind,
		     const uint8_t *data, size_t len)
{
	struct message *m;

	BASE_ASSERT(len > 0);
	if ((to->word[0] | to->word[1]) == 0)
		return;
	m = message_of(w, kind, data, len);
	for (uint32_t i = 0; m && i < w->o->n; i++)
		if (to->word[0] >> i & 1)
			post(w, from, i, m);
}

static void send(struct network *w, const struct node *node,
		 const struct ds_action *a)
{
	static uint8_t data[MESSAGE_MAX];
	struct ds_proposal bare = a->send.proposal;
	struct ds_peers to = a->send.to;
	struct ds_peers few = {{to.word[0] & a->send.bare.word[0], 0}};
	size_t len = 0;

	switch (a->send.kind) {
	case DS_PROPOSAL:
		if (a->send.proposal.sender == node->index)
			w->proposed_ms = ds_tick_ms(&w->committee,
						    a->send.proposal.tick);
		bare.has_body = false;
		bare.has_parent_cert = false;
		post_all(w, node->index, &few, DS_PROPOSAL, data,
			 ds_proposal_write(data, sizeof(data), &bare));
		to.word[0] &= ~few.word[0];
		len = ds_proposal_write(data, sizeof(data), &a->send.proposal);
		break;
	case DS_VOTE:
		len = ds_vote_write(data, sizeof(data), &a->send.vote);
		break;
	case DS_CERT:
		len = ds_cert_write(data, sizeof(data), &a->send.cert);
		break;
	case DS_BEAT:
		len = ds_beat_write(data, sizeof(data), &a->send.beat);
		break;
	case DS_EVID:
		BASE_ASSERT(false); /* nobody lies here */
		break;
	}
	post_all(w, node->index, &to, (uint8_t)a->send.kind, data, len);
}

/* An input; the watched member's is kept. */
static void put(struct network *w, struct node *node, struct replay_input in)
{
	in.now = w->now;
	if (node->index == WATCHED && !w->o->real)
		replay_add(&w->replay, &in);
	replay_put(node->ds, &in);
}

/* Bytes that stay until the replay. */
static const uint8_t *keep(struct network *w, struct message *m)
{
	if (!m->kept) {
		m->kept = true;
		m->next = w->kept;
		w->kept = m;
		w->kept_bytes += m->len;
		w->replay.full |= w->kept_bytes > KEPT_BYTES_MAX;
	}
	return m->data;
}

static void put_bytes(struct network *w, struct node *node,
		      enum replay_kind kind, uint32_t peer, struct message *m)
{
	const uint8_t *data = m->data;

	if (node->index == WATCHED && !w->o->real && !w->replay.full)
		data = keep(w, m);
	put(w, node,
	    (struct replay_input){.kind = (uint8_t)kind,
				  .message = m->kind,
				  .peer = (uint16_t)peer,
				  .len = m->len,
				  .data = data});
}

static void serve(struct network *w, struct node *node,
		  const struct ds_action *a)
{
	struct message *m;
	const uint8_t *block;
	size_t len;

	if (a->need.kind == DS_NEED_STATUS) { /* all are at genesis */
		put(w, node,
		    (struct replay_input){.kind = REPLAY_STATUS,
					  .peer = (uint16_t)a->need.peer});
		return;
	}
	BASE_ASSERT(a->need.kind == DS_NEED_BLOCK);
	block = ds_find_block(&len, w->node[a->need.peer].ds, &a->need.hash);
	m = block ? message_of(w, HAVE, block, len) : NULL;
	if (m)
		put_bytes(w, node, REPLAY_BLOCK, a->need.peer, m);
}

static void answer(struct network *w, struct node *node,
		   const struct ds_action *a)
{
	bool good;

	switch (a->kind) {
	case DS_ACT_VERIFY:
		w->total.checks[w->cause] += a->verify.count;
		good = oracle_verify(&w->oracle, a->verify.check,
				     a->verify.count);
		BASE_ASSERT(good);
		put(w, node,
		    (struct replay_input){.kind = REPLAY_VERIFIED,
					  .id = a->verify.id});
		break;
	case DS_ACT_PERSIST:
		put(w, node,
		    (struct replay_input){.kind = REPLAY_PERSISTED,
					  .id = a->persist.id});
		break;
	default:
		serve(w, node, a);
		break;
	}
}

static void act(struct network *w, struct node *node, const struct ds_action *a)
{
	struct ds_peers all = {{0}};

	switch (a->kind) {
	case DS_ACT_SEND:
		send(w, node, a);
		break;
	case DS_ACT_HAVE:
		for (uint32_t i = 0; i < w->o->n; i++)
			if (i != node->index)
				all.word[0] |= UINT64_C(1) << i;
		post_all(w, node->index, &all, HAVE, a->block.hash.b,
			 sizeof(a->block.hash.b));
		break;
	case DS_ACT_TEMPLATE:
		node->mining = a->template != NULL;
		if (a->template)
			node->template = *a->template;
		break;
	case DS_ACT_DECIDED:
		node->decided_ms = w->now;
		break;
	case DS_ACT_FINAL:
		node->final_ms = w->now;
		node->finals++;
		break;
	case DS_ACT_MODE:
		BASE_ASSERT(a->mode.mode > node->mode); /* no taints */
		node->mode = a->mode.mode;
		break;
	default:
		BASE_ASSERT(false); /* nothing is wrong here */
		break;
	}
}

static bool is_question(const struct ds_action *a)
{
	return a->kind == DS_ACT_VERIFY || a->kind == DS_ACT_PERSIST ||
	       a->kind == DS_ACT_NEED;
}

/* Answers are inputs: they come when all actions have been carried out. */
static void drain(struct network *w, struct node *node)
{
	static struct ds_action question[QUESTIONS_MAX];
	struct ds_action a;
	uint32_t first = 0, count = 0;

	for (;;) {
		while (ds_next(node->ds, &a)) {
			if (node->index == WATCHED && !w->replay.full)
				w->replay.actions++;
			if (is_question(&a)) {
				BASE_ASSERT(count < QUESTIONS_MAX);
				question[count++] = a;
			} else {
				act(w, node, &a);
			}
		}
		if (first == count)
			return;
		answer(w, node, &question[first++]);
	}
}

static void hear(struct network *w, const struct letter *l)
{
	struct node *node = &w->node[l->to];
	struct message *m = l->message;
	const uint64_t bit = UINT64_C(1) << l->to;
	const bool again = m->had & bit;

	m->had |= bit;
	w->cause = m->kind;
	if (m->kind == HAVE)
		put_bytes(w, node, REPLAY_HAVE, l->from, m);
	else if (!again || m->kind == DS_PROPOSAL)
		put_bytes(w, node, REPLAY_MESSAGE, l->from, m);
	drain(w, node);
	release(m);
}

/* A millisecond: the tick that begins with it, then what arrives. */
static void step(struct network *w)
{
	struct bucket *b;

	w->now++;
	if (w->now >= T0_MS && (w->now - T0_MS) % NETWORK_DELTA_MS == 0)
		for (uint32_t i = 0; i < w->o->n; i++) {
			w->cause = DS_PROPOSAL;
			put(w, &w->node[i],
			    (struct replay_input){.kind = REPLAY_ADVANCE});
			drain(w, &w->node[i]);
		}
	b = &w->bucket[w->now % BUCKETS];
	for (size_t i = 0; i < b->count; i++)
		hear(w, &b->letter[i]);
	b->count = 0;
}

static void signer(void *ctx, uint8_t *out, const struct base_hash *hash)
{
	const struct node *node = ctx;

	oracle_sign(out, &network.oracle, node->index, hash);
}

static void set_params(struct network *w)
{
	struct chain_header genesis = {
		.version = CHAIN_VERSION, .bits = BITS, .time = T0_MS / 1000};
	struct chain_params *p = &w->params;
	int rc = pow_target_from_bits(&p->pow_limit, BITS);

	BASE_ASSERT(rc == 0);
	p->genesis_time_ms = T0_MS;
	p->genesis_bits = BITS;
	p->delta_ms = NETWORK_DELTA_MS;
	p->faults = w->o->f;
	p->member_count = w->o->n;
	p->spacing_s = 1;
	p->half_life_s = CHAIN_HALF_LIFE_SPACINGS;
	p->max_block_bytes = BLOCK_MAX;
	p->max_block_inputs = 10;
	p->subsidy_initial.units = 50 * BASE_COIN;
	p->subsidy_halving_blocks = 210000;
	p->coinbase_maturity = CHAIN_MATURITY_DEFAULT;
	for (uint32_t i = 0; i < w->o->n; i++)
		oracle_key(p->member[i].signing_key, &w->oracle, i);
	chain_context_init(&w->genesis, &genesis);
	ds_committee_init(&w->committee, p, &w->genesis.hash, 0);
}

static bool boot(struct network *w, uint32_t i)
{
	struct node *node = &w->node[i];
	const struct ds_boot b = {.final = w->genesis};

	node->index = i;
	node->options = (struct ds_options){
		.committee = &w->committee,
		.params = &w->params,
		.self = (int)i,
		.signer = {signer, node},
		.ledger = {.coins = chain_coins_empty},
	};
	node->memory = aligned_alloc(64, ds_memory(&node->options));
	if (!node->memory)
		return false;
	node->ds = ds_init(node->memory, &node->options, &b, w->now);
	drain(w, node);
	return true;
}

static bool open_network(struct network *w, const struct network_options *o)
{
	w->o = o;
	w->oracle.real = o->real;
	w->prng = base_prng_init(o->n * 64u + o->f);
	w->now = T0_MS - 5000;
	set_params(w);
	for (uint32_t i = 0; i < o->n; i++)
		if (!boot(w, i))
			return false;
	for (uint32_t i = 0; i < o->n; i++)
		for (uint32_t k = 0; k < o->n; k++) {
			if (i == k)
				continue;
			put(w, &w->node[i],
			    (struct replay_input){.kind = REPLAY_PEER_UP,
						  .peer = (uint16_t)k,
						  .member = (int)k});
			drain(w, &w->node[i]);
		}
	return true;
}

static void close_network(struct network *w)
{
	for (uint32_t i = 0; i < BUCKETS; i++) {
		for (size_t k = 0; k < w->bucket[i].count; k++)
			release(w->bucket[i].letter[k].message);
		free(w->bucket[i].letter);
	}
	for (uint32_t i = 0; i < ALIKE; i++)
		if (w->alike[i])
			release(w->alike[i]);
	while (w->kept) {
		struct message *m = w->kept;

		w->kept = m->next;
		free(m);
	}
	for (uint32_t i = 0; i < DS_MEMBERS_MAX; i++)
		free(w->node[i].memory);
	replay_free(&w->replay);
	*w = (struct network){.o = NULL};
}

/* A block of a coinbase on @node's template. */
static size_t make_block(struct network *w, uint8_t out[static BLOCK_MAX],
			 const struct node *node)
{
	const struct base_hash zero = {{0}};
	struct chain_header h = {
		.version = CHAIN_VERSION,
		.prev = node->template.hash,
		.time = (uint32_t)(w->now / 1000),
		.bits = chain_context_next_bits(&node->template, &w->params)};
	struct chain_coinbase c = {.height = {node->template.height.n + 1},
				   .sender = (uint8_t)node->index};
	uint8_t header[CHAIN_HEADER_SIZE];
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
	struct base_hash hash;
	size_t at, len;

	memset(c.key, 0x51, sizeof(c.key));
	c.value = chain_subsidy(&w->params, c.height);
	base_store_le32(c.extranonce, w->extranonce++);
	chain_witness_commitment(&c.witness_commitment, &zero);
	len = chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
	pow_sha256d(&h.merkle_root, coinbase, len);
	do {
		h.nonce++;
		chain_header_hash(&hash, &h);
	} while (chain_header_check(&h, &w->params, &hash) != CHAIN_OK);
	chain_header_write(header, &h);
	return chain_block_assemble(out, BLOCK_MAX, header, coinbase, len, NULL,
				    0, 0);
}

static bool all_active(const struct network *w)
{
	for (uint32_t i = 0; i < w->o->n; i++)
		if (w->node[i].mode != DS_ACTIVE || !w->node[i].mining)
			return false;
	return true;
}

static bool all_final(const struct network *w, uint32_t height)
{
	for (uint32_t i = 0; i < w->o->n; i++)
		if (w->node[i].finals < height || !w->node[i].mining)
			return false;
	return true;
}

/* One more final block, and what it took. */
static void one_block(struct network *w, struct network_block *out,
		      uint32_t height)
{
	struct node *proposer = &w->node[(height - 1) % w->o->n];
	const uint64_t began = w->now;
	const uint64_t patience =
		(4 * w->committee.rounds + 10) * (uint64_t)NETWORK_DELTA_MS;
	const uint64_t real_ns = w->oracle.cpu_ns;
	uint8_t block[BLOCK_MAX];
	size_t len = make_block(w, block, proposer);
	struct message *m = message_of(w, HAVE, block, len);

	w->total = (struct network_block){0};
	if (!m)
		return;
	put_bytes(w, proposer, REPLAY_OWN_BLOCK, 0, m);
	drain(w, proposer);
	while (!w->broke && !all_final(w, height)) {
		BASE_ASSERT(w->now - began < patience);
		step(w);
	}
	*out = w->total;
	out->ticks = (uint32_t)((w->now - T0_MS) / NETWORK_DELTA_MS -
				(began - T0_MS) / NETWORK_DELTA_MS);
	for (uint32_t i = 0; i < w->o->n; i++) {
		const struct node *node = &w->node[i];
		double decided = (double)(node->decided_ms - w->proposed_ms) /
				 NETWORK_DELTA_MS;
		double final = (double)(node->final_ms - w->proposed_ms) /
			       NETWORK_DELTA_MS;

		if (decided > out->decided)
			out->decided = decided;
		if (final > out->final)
			out->final = final;
	}
	out->sign_us = (double)(w->oracle.cpu_ns - real_ns) / 1e3 / w->o->n;
}

static void replay(struct network *w, struct network_report *out)
{
	static double ns[NETWORK_BLOCKS_MAX + 1];
	struct node *node = &w->node[WATCHED];
	const struct ds_boot b = {.final = w->genesis};
	struct ds_action a;
	uint32_t marks;

	node->ds = ds_init(node->memory, &node->options, &b, T0_MS - 5000);
	while (ds_next(node->ds, &a))
		w->replay.actions--;
	marks = replay_run(ns, NETWORK_BLOCKS_MAX + 1, &w->replay, node->ds);
	for (uint32_t i = 1; i < marks; i++) /* the first is the start's */
		out->block[i - 1].cpu_us = ns[i] / 1e3;
}

static void run(struct network *w, struct network_report *out)
{
	const struct network_options *o = w->o;
	const struct replay_input mark = {.kind = REPLAY_MARK};
	const uint64_t patience =
		(3 * w->committee.rounds + 20) * (uint64_t)NETWORK_DELTA_MS;
	uint64_t began;

	/* Beyond genesis' own second, too: the first block is later. */
	while (!w->broke &&
	       (!all_active(w) || w->now < T0_MS + 2 * NETWORK_DELTA_MS)) {
		BASE_ASSERT(w->now < T0_MS + patience);
		step(w);
	}
	replay_add(&w->replay, &mark);
	began = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (uint32_t i = 0; i < o->blocks && !w->broke; i++) {
		one_block(w, &out->block[i], i + 1);
		replay_add(&w->replay, &mark);
		out->blocks = i + 1;
		if (i > 0 && measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began >
				     o->cpu_ms * UINT64_C(1000000))
			break;
	}
	if (!o->real && !w->broke)
		replay(w, out);
}

int network_run(struct network_report *out, const struct network_options *o)
{
	struct network *w = &network;
	int rc = 0;

	*out = (struct network_report){.certified = o->n >= 2 * o->f + 1};
	if (open_network(w, o))
		run(w, out);
	else
		w->broke = true;
	if (w->broke)
		rc = -ENOMEM;
	close_network(w);
	return rc;
}
