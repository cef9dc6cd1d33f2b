/* SPDX-License-Identifier: MIT */
/*
 * light_peers.h: full nodes for a light one, of real parts, of whom some lie.
 *
 * A chain of headers in memory that is long, or a short one in a store with
 * transactions. Each peer is a net whose ports the test's thread serves.
 */
#ifndef TESTS_LIGHT_PEERS_H
#define TESTS_LIGHT_PEERS_H

#include "light_fixture.h"
#include "net_fixture.h"

#include "folder.h"

#include "chain/coinbase.h"
#include "chain/merkle.h"
#include "node/history.h"
#include "node/identify.h"
#include "node/light.h"
#include "pow/sha256.h"

#define PEERS_MAX 3u
#define CHAIN_MAX 20100u

enum lie {
	HONEST,
	BAD_POW,      /* one header's nonce */
	BAD_LINK,     /* one header's prev */
	BAD_BITS,     /* one header's bits, and work for them */
	TOO_MANY,     /* more headers than asked for */
	NO_FORM,      /* half a header */
	FEW_SIGNED,   /* a certificate below the quorum */
	FORGED_CERT,  /* with a wrong signature */
	OTHER_CHAIN,  /* headers of the fork, the chain's certificate */
	OTHER_CERT,   /* the fork's, with its certificate */
	SILENT,	      /* answers nothing about headers */
	SHORT,	      /* never more than 700 headers */
	REFUSES,      /* as one that lets nobody ask */
	BUSY,	      /* every other time */
	OMITS,	      /* no transactions */
	FORGED_PROOF, /* of a transaction */
	LIES
};

struct chain {
	uint32_t count;	  /* height of the tip */
	uint8_t *headers; /* from genesis on */
	struct chain_context *at;
};

struct peer {
	struct node n;
	enum lie lie;
	uint32_t tip;	 /* what it knows of the chain */
	uint32_t served; /* headers */
	uint32_t asked;	 /* for headers */
	bool up;
	uint32_t slot; /* of the light node */
	uint32_t gen;
	/* With a store: */
	struct store *store;
	struct node_history *history;
	uint32_t histories; /* answered */
	uint32_t txs;	    /* that it was sent */
	struct base_hash last_tx;
};

struct world {
	struct chain_params p;
	struct ds_committee c;
	struct chain_header genesis;
	struct chain main;
	struct chain fork; /* from fork_at on */
	uint32_t fork_at;
	struct peer peer[PEERS_MAX];
	uint32_t peers;
	/* The light node. */
	char folder[64];
	struct node_datadir datadir;
	struct node_wallet *wallet;
	struct store *store;
	struct node n;
	struct node_wake wake;
	struct node_log *log;
	struct node_light *light;
	uint8_t out[CHAIN_BLOCK_BYTES_MIN + NET_FRAME_EXTRA];
	char dir[64];		/* of the peers' store */
	enum net_access access; /* that peers give */
	struct store *full;
	struct base_error err;
};

static struct world *w;

/* ---- chains ---- */

static inline void chain_open(struct chain *c)
{
	c->headers = malloc((size_t)CHAIN_MAX * CHAIN_HEADER_SIZE);
	c->at = malloc(CHAIN_MAX * sizeof(*c->at));
	assert_true(c->headers && c->at);
	c->count = 0;
	chain_header_write(c->headers, &w->genesis);
	chain_context_init(&c->at[0], &w->genesis);
}

static inline void chain_grow(struct chain *c, uint32_t to, uint8_t salt)
{
	assert_true(to < CHAIN_MAX);
	for (; c->count < to; c->count++) {
		c->at[c->count + 1] = c->at[c->count];
		light_grow(c->headers +
				   (size_t)(c->count + 1) * CHAIN_HEADER_SIZE,
			   &c->at[c->count + 1], &w->p, 1,
			   (uint8_t)(salt + c->count));
	}
}

static inline void chain_close(struct chain *c)
{
	free(c->headers);
	free(c->at);
}

static inline void make_fork(uint32_t at, uint32_t to)
{
	struct chain *f = &w->fork;

	w->fork_at = at;
	memcpy(f->headers, w->main.headers,
	       (size_t)(at + 1) * CHAIN_HEADER_SIZE);
	memcpy(f->at, w->main.at, (at + 1) * sizeof(*f->at));
	f->count = at;
	chain_grow(f, to, 100);
}

/* ---- peers ---- */

static inline void answer(struct peer *s, const struct net_event *e,
			  uint8_t type, const void *data, size_t len)
{
	struct net_buffer *b = len ? net_buffer_get(s->n.reader, len) : NULL;

	if (len)
		memcpy(b->data, data, len);
	assert_int_equal(net_reply(s->n.reader, e, type, b), 0);
	net_release(s->n.reader, b);
}

static inline size_t cert_bytes(uint8_t *out, size_t cap, const struct chain *c,
				uint32_t height, enum lie lie)
{
	struct light_cert cert;

	light_certify(&cert, &w->c, &c->at[height],
		      lie == FEW_SIGNED ? 0x3 : 0x7);
	if (lie == FORGED_CERT)
		cert.signature[7] ^= 1;
	return ds_cert_write(out, cap, &cert.cert);
}

static inline void give_status(struct peer *s, const struct net_event *e)
{
	const struct chain *c = s->lie == OTHER_CERT ? &w->fork : &w->main;
	uint8_t out[DS_CERT_SIZE(LIGHT_MEMBERS)];
	uint32_t tip = s->lie == OTHER_CERT ? c->count : s->tip;

	if (tip == 0)
		answer(s, e, NET_STATUS, NULL, 0);
	else
		answer(s, e, NET_STATUS, out,
		       cert_bytes(out, sizeof(out), c, tip, s->lie));
}

/* Header @h changed so that it has work for its bits, or none. */
static inline void spoil(uint8_t *bytes, enum lie lie)
{
	struct chain_header h;
	struct base_u256 target;
	struct base_hash hash;
	bool want = lie != BAD_POW;

	chain_header_read(&h, bytes);
	if (lie == BAD_LINK)
		h.prev.b[0] ^= 1;
	if (lie == BAD_BITS)
		h.bits -= 0x100;
	assert_int_equal(pow_target_from_bits(&target, h.bits), 0);
	do {
		h.nonce++;
		chain_header_hash(&hash, &h);
	} while (pow_target_met(&target, &hash) != want);
	chain_header_write(bytes, &h);
}

static inline void give_headers(struct peer *s, const struct net_event *e)
{
	static uint8_t out[(NET_HEADERS_MAX + 1) * CHAIN_HEADER_SIZE];
	const bool forked = s->lie == OTHER_CHAIN || s->lie == OTHER_CERT;
	const struct chain *c = forked ? &w->fork : &w->main;
	const uint32_t tip = forked ? c->count : s->tip;
	const uint32_t from = base_load_le32(e->message.buffer->data);
	uint32_t count = base_load_le32(e->message.buffer->data + 4);
	size_t len;

	s->asked++;
	if (s->lie == SILENT)
		return;
	if (s->lie == REFUSES || (s->lie == BUSY && s->asked % 2)) {
		const uint8_t why[2] = {s->lie == BUSY ? NET_BUSY : NET_ACCESS,
					NET_GET_HEADERS};

		answer(s, e, NET_REFUSED, why, 2);
		return;
	}
	if (from > tip)
		count = 0;
	else if (count > tip - from + 1)
		count = tip - from + 1;
	if (s->lie == SHORT && count > 700)
		count = 700;
	len = (size_t)count * CHAIN_HEADER_SIZE;
	if (count > 0)
		memcpy(out, c->headers + (size_t)from * CHAIN_HEADER_SIZE, len);
	if (s->lie <= BAD_BITS && s->lie != HONEST && count > 50)
		spoil(out + (size_t)40 * CHAIN_HEADER_SIZE, s->lie);
	if (s->lie == TOO_MANY)
		len += CHAIN_HEADER_SIZE;
	if (s->lie == NO_FORM && len > 0)
		len -= 40;
	s->served += count;
	answer(s, e, NET_HEADERS, out, len);
}

static inline void give_cert(struct peer *s, const struct net_event *e)
{
	uint8_t out[DS_CERT_SIZE(LIGHT_MEMBERS)];
	struct base_hash hash;

	memcpy(hash.b, e->message.buffer->data, sizeof(hash.b));
	for (uint32_t i = 1; i <= s->tip; i++)
		if (base_hash_equal(&w->main.at[i].hash, &hash)) {
			answer(s, e, NET_CERT_OF, out,
			       cert_bytes(out, sizeof(out), &w->main, i,
					  HONEST));
			return;
		}
	answer(s, e, NET_CERT_OF, NULL, 0);
}

static inline void give_history(struct peer *s, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;
	struct store_reader *r;
	size_t len;

	s->histories++;
	if (!s->store) {
		answer(s, e, NET_HISTORY, NULL, 0);
		return;
	}
	assert_int_equal(store_read_begin(&r, s->store, &w->err), 0);
	assert_int_equal(
		node_history_of(w->out, &len, s->history, r, b->data, b->len),
		0);
	store_read_end(r);
	if (s->lie == OMITS)
		len = 8;
	if (s->lie == FORGED_PROOF && len > 60)
		w->out[len - 2] ^= 1; /* of a lock time */
	answer(s, e, NET_HISTORY, w->out, len);
}

static inline void serve_one(struct peer *s, const struct net_event *e)
{
	switch (e->message.type) {
	case NET_GET_STATUS:
		give_status(s, e);
		break;
	case NET_GET_HEADERS:
		give_headers(s, e);
		break;
	case NET_GET_CERT:
		give_cert(s, e);
		break;
	case NET_GET_HISTORY:
		give_history(s, e);
		break;
	case NET_WATCH:
		if (s->history)
			assert_int_equal(
				node_history_watch(s->history, e->slot, e->gen,
						   (struct base_height){s->tip},
						   e->message.buffer->data,
						   e->message.buffer->len),
				0);
		break;
	default:
		fail_msg("a light node asks for %s",
			 net_type_name(e->message.type));
	}
}

static inline void pump_peer(struct peer *s)
{
	struct net_event e;

	while (net_next(s->n.reader, &e)) {
		if (e.kind != NET_EV_MESSAGE)
			continue;
		serve_one(s, &e);
		net_release(s->n.reader, e.message.buffer);
	}
	while (net_next(s->n.port, &e)) {
		if (e.kind == NET_EV_UP) {
			s->up = true;
			s->slot = e.slot;
			s->gen = e.gen;
		}
		if (e.kind == NET_EV_DOWN)
			s->up = false;
		if (e.kind != NET_EV_MESSAGE)
			continue;
		if (e.message.type == NET_TX) {
			assert_true(e.message.has_id);
			memcpy(s->last_tx.b, e.message.id, 32);
			s->txs++;
		}
		net_release(s->n.port, e.message.buffer);
	}
}

static inline void pump(void)
{
	for (uint32_t i = 0; i < w->peers; i++)
		pump_peer(&w->peer[i]);
}

static inline struct node_light_view look(void)
{
	struct node_light_view v;

	node_light_look(&v, w->light);
	return v;
}

/* Serves until @done, or the test fails. */
static inline void serve_until(bool (*done)(const struct node_light_view *v))
{
	struct node_light_view v = look();

	for (int i = 0; i < WAIT_TURNS; i++) {
		pump();
		v = look();
		if (done(&v))
			return;
		pause_ms(1);
	}
	fail_msg("final %u, tip %u, target %u, searched %u, txs %u", v.final,
		 v.tip, v.target, v.searched, v.txs);
}

static inline struct net_options peer_options(const struct node *n)
{
	struct net_options o = node_options(n);

	o.identify = node_identify;
	o.identify_ctx = &w->c;
	o.max_block_bytes = w->p.max_block_bytes;
	return o;
}

static inline struct peer *add_peer(enum lie lie, uint32_t tip)
{
	struct peer *s = &w->peer[w->peers];
	struct net_options o;

	assert_true(w->peers < PEERS_MAX);
	memset(s, 0, sizeof(*s));
	node_key(&s->n, (uint8_t)(10 + w->peers));
	o = peer_options(&s->n);
	o.access = w->access;
	node_start(&s->n, &o);
	s->lie = lie;
	s->tip = tip;
	if (w->full) {
		s->store = w->full;
		assert_int_equal(node_history_open(&s->history,
						   w->p.max_block_bytes,
						   &w->err),
				 0);
	}
	w->peers++;
	return s;
}

static inline void connect_peer(const struct peer *s)
{
	assert_int_equal(net_connect(w->n.net, &s->n.self, false), 0);
}

/* Gossip: @at of the chain is certified. */
static inline void certify(struct peer *s, const struct chain *c,
			   uint32_t height)
{
	uint8_t out[DS_CERT_SIZE(LIGHT_MEMBERS)];
	size_t len = cert_bytes(out, sizeof(out), c, height, s->lie);
	struct net_buffer *b = net_buffer_get(s->n.port, len);

	memcpy(b->data, out, len);
	send_to(s->n.port, s->slot, NET_CERT, b, NULL);
}

/* ---- the light node ---- */

static inline void ring_wake(void *ctx)
{
	node_wake_ring(ctx);
}

static inline void begin_light(void)
{
	const struct store_options so = {.dir = w->folder,
					 .map_bytes = UINT64_C(64) << 20,
					 .light = true};
	struct node_light_options o = {.params = &w->p,
				       .committee = &w->c,
				       .genesis = &w->genesis,
				       .wake = &w->wake,
				       .log = w->log,
				       .wallet = w->wallet};
	struct net_options no;

	node_key(&w->n, 1);
	no = peer_options(&w->n);
	no.mode = NET_LIGHT;
	no.listen = NULL;
	no.timing.answer = 1500;
	no.timing.retry = 50;
	no.wake[NET_CONSENSUS] = ring_wake;
	no.wake_ctx[NET_CONSENSUS] = &w->wake;
	node_start(&w->n, &no);
	assert_int_equal(store_open(&w->store, &so, &w->err), 0);
	o.store = w->store;
	o.net = w->n.net;
	if (node_light_start(&w->light, &o, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static inline void end_light(void)
{
	if (!w->light)
		return;
	assert_int_equal(node_light_stop(w->light, &w->err), 0);
	w->light = NULL;
	node_end(&w->n);
	store_close(w->store);
}

static inline uint32_t bans(void)
{
	struct net_view v;

	net_look(&v, w->n.net);
	return v.bans;
}

static inline int world_begin(void)
{
	const struct node_log_options log = {
		.fd = STDERR_FILENO,
		.level = getenv("NET_LOG") ? NODE_LOG_DEBUG : NODE_LOG_ERROR};

	w = calloc(1, sizeof(*w));
	light_params(&w->p);
	w->genesis = (struct chain_header){.version = CHAIN_VERSION,
					   .time = 1700000000,
					   .bits = LIGHT_EASY_BITS};
	return node_log_start(&w->log, &log, &w->err);
}

static inline void world_folder(void)
{
	(void)strcpy(w->folder, "/tmp/minerd-light-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	assert_int_equal(node_wake_open(&w->wake), 0);
}

static inline void world_clear(void)
{
	end_light();
	for (uint32_t i = 0; i < w->peers; i++) {
		node_end(&w->peer[i].n);
		node_history_close(w->peer[i].history);
	}
	w->peers = 0;
	node_wake_close(&w->wake);
	assert_int_equal(test_remove_folder(w->folder), 0);
}

#endif
