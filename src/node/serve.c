/* SPDX-License-Identifier: MIT */
#include "node/serve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "chain/header.h"
#include "node/history.h"

struct node_serve {
	struct node_serve_options options;
	struct net_port *port;
	struct node_history *history;
	uint8_t *answer; /* of it */
	bool watched;
	struct base_height told;     /* the tip when watchers were last told */
	struct store_reader *reader; /* of the batch; NULL: none yet */
	struct node_status status;   /* of the batch */
	pthread_t thread;
	_Atomic bool stopping;
};

/* An answer of @len bytes at @data. */
static void reply(struct node_serve *s, const struct net_event *e, uint8_t type,
		  const void *data, size_t len)
{
	struct net_buffer *b = len ? net_buffer_get(s->port, len) : NULL;
	const uint8_t busy[2] = {NET_BUSY, e->message.type};

	if (len && !b) {
		b = net_buffer_get(s->port, sizeof(busy));
		if (!b)
			return;
		type = NET_REFUSED;
		data = busy;
		len = sizeof(busy);
	}
	if (b)
		memcpy(b->data, data, len);
	(void)!net_reply(s->port, e, type, b);
	net_release(s->port, b);
}

static void refuse(struct node_serve *s, const struct net_event *e)
{
	const uint8_t busy[2] = {NET_BUSY, e->message.type};

	reply(s, e, NET_REFUSED, busy, sizeof(busy));
}

/* The newest certificate at or below the final tip: blocks that came as
 * ancestors have none of their own. */
static void give_status(struct node_serve *s, const struct net_event *e)
{
	struct base_height h = s->status.tip.height;
	const uint8_t *cert;
	size_t len;

	for (int i = 0; i < NODE_SERVE_CERT_WALK && h.n > 0; i++, h.n--) {
		if (store_cert_at(&cert, &len, s->reader, h) == 0) {
			reply(s, e, NET_STATUS, cert, len);
			return;
		}
	}
	reply(s, e, NET_STATUS, NULL, 0);
}

static void give_headers(struct node_serve *s, const struct net_event *e)
{
	const uint8_t *range = e->message.buffer->data;
	struct base_height h = {base_load_le32(range)};
	uint32_t count = base_load_le32(range + 4);
	uint32_t tip = s->status.tip.height.n;
	struct net_buffer *b;
	const uint8_t *block;
	size_t len;

	if (count > NET_HEADERS_MAX)
		count = NET_HEADERS_MAX;
	if (h.n > tip)
		count = 0;
	else if (count > tip - h.n + 1)
		count = tip - h.n + 1;
	b = net_buffer_get(s->port, (size_t)count * CHAIN_HEADER_SIZE);
	if (!b) {
		refuse(s, e);
		return;
	}
	b->len = 0;
	for (uint32_t i = 0; i < count; i++, h.n++) {
		if (store_block_at(&block, &len, s->reader, h) < 0)
			break;
		memcpy(b->data + b->len, block, CHAIN_HEADER_SIZE);
		b->len += CHAIN_HEADER_SIZE;
	}
	(void)!net_reply(s->port, e, NET_HEADERS, b);
	net_release(s->port, b);
}

/* True: the request was handed on, with its buffer. */
static bool pass(struct node_serve *s, const struct net_event *e)
{
	if (net_pass(s->port, e) == 0)
		return true;
	refuse(s, e);
	return false;
}

static bool find(struct base_height *out, struct node_serve *s,
		 const struct net_event *e)
{
	struct base_hash hash;

	memcpy(hash.b, e->message.buffer->data, sizeof(hash.b));
	return store_height_of(out, s->reader, &hash) == 0;
}

static bool give_block(struct node_serve *s, const struct net_event *e)
{
	struct base_height height;
	const uint8_t *block;
	size_t len;

	if (!find(&height, s, e) ||
	    store_block_at(&block, &len, s->reader, height) < 0)
		return pass(s, e);
	reply(s, e, NET_BLOCK, block, len);
	return false;
}

static bool give_cert(struct node_serve *s, const struct net_event *e)
{
	struct base_height height;
	const uint8_t *cert;
	size_t len;

	if (!find(&height, s, e) ||
	    store_cert_at(&cert, &len, s->reader, height) < 0)
		return pass(s, e);
	reply(s, e, NET_CERT_OF, cert, len);
	return false;
}

static void give_own(struct node_serve *s, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;
	const bool one = e->message.type == NET_GET_PROOF;
	size_t len;
	int rc = (one ? node_history_proof : node_history_of)(
		s->answer, &len, s->history, s->reader, b->data, b->len);

	if (rc == -EBADMSG)
		(void)!net_ban(s->port, e->slot);
	else if (rc < 0)
		refuse(s, e);
	else
		reply(s, e, one ? NET_PROOF : NET_HISTORY, s->answer, len);
}

static void watch(struct node_serve *s, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;

	if (node_history_watch(s->history, e->slot, e->gen,
			       s->status.tip.height, b->data,
			       b->len) == -EBADMSG)
		(void)!net_ban(s->port, e->slot);
	else
		s->watched = true;
}

/* True: the buffer was handed on. */
static bool answer(struct node_serve *s, const struct net_event *e)
{
	/* R4: what this node holds for final is in doubt. */
	if (s->status.mode == DS_HALT && e->message.type != NET_GET_STATUS) {
		refuse(s, e);
		return false;
	}
	switch (e->message.type) {
	case NET_GET_STATUS:
		give_status(s, e);
		return false;
	case NET_GET_HEADERS:
		give_headers(s, e);
		return false;
	case NET_GET_BLOCK:
		return give_block(s, e);
	case NET_GET_CERT:
		return give_cert(s, e);
	case NET_GET_PROOF:
	case NET_GET_HISTORY:
		give_own(s, e);
		return false;
	case NET_WATCH:
		watch(s, e);
		return false;
	default:
		return false;
	}
}

/* One snapshot for as long as requests come, within bounds. */
static bool begin(struct node_serve *s)
{
	struct base_error err;

	node_status_read(&s->status, s->options.status);
	if (store_read_begin(&s->reader, s->options.store, &err) == 0)
		return true;
	node_log(s->options.log, NODE_LOG_WARN, "serve",
		 "peers are told to ask again later: %s", err.text);
	return false;
}

static void answer_batch(struct node_serve *s, struct net_event *e)
{
	bool can = begin(s);

	for (int i = 0; i < NODE_SERVE_BATCH; i++) {
		bool passed = false;

		if (e->kind == NET_EV_MESSAGE) {
			if (can)
				passed = answer(s, e);
			else
				refuse(s, e);
			if (!passed)
				net_release(s->port, e->message.buffer);
		}
		if (i + 1 == NODE_SERVE_BATCH || !net_next(s->port, e))
			break;
	}
	if (can)
		store_read_end(s->reader);
	s->reader = NULL;
}

/* To those who watch keys, what came since the last time. */
static void tell_news(struct node_serve *s)
{
	struct net_event e = {.kind = NET_EV_MESSAGE};
	struct node_status now;
	size_t len;

	node_status_read(&now, s->options.status);
	if (now.tip.height.n == s->told.n || now.mode == DS_HALT || !begin(s))
		return;
	s->told = s->status.tip.height;
	while (node_history_watched(s->answer, &len, &e.slot, &e.gen,
				    s->history, s->reader,
				    s->status.tip.height))
		reply(s, &e, NET_WATCHED, s->answer, len);
	store_read_end(s->reader);
	s->reader = NULL;
}

static void *serve_main(void *arg)
{
	struct node_serve *s = arg;
	struct net_event e;

	(void)pthread_setname_np(pthread_self(), "serve");
	/* Pairs with the release in node_serve_stop(). */
	while (!atomic_load_explicit(&s->stopping, memory_order_acquire)) {
		if (net_next(s->port, &e))
			answer_batch(s, &e);
		else
			node_wake_wait(s->options.wake, -1);
		if (s->watched)
			tell_news(s);
	}
	return NULL;
}

int node_serve_start(struct node_serve **out,
		     const struct node_serve_options *options,
		     struct base_error *err)
{
	struct node_serve *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return base_fail(err, -ENOMEM, "no memory to serve peers");
	s->options = *options;
	s->port = net_port(options->net, NET_READER);
	rc = node_history_open(&s->history, options->max_block_bytes, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->answer = malloc(node_history_cap(s->history));
	rc = s->answer ? 0 : -ENOMEM;
	if (rc == 0)
		rc = -pthread_create(&s->thread, NULL, serve_main, s);
	if (rc < 0) {
		free(s->answer);
		node_history_close(s->history);
		free(s);
		return base_fail(err, rc, "cannot start the serving thread: %s",
				 strerror(-rc));
	}
	*out = s;
	return 0;
}

void node_serve_stop(struct node_serve *s)
{
	if (!s)
		return;
	/* Pairs with the acquire in serve_main(). */
	atomic_store_explicit(&s->stopping, true, memory_order_release);
	node_wake_ring(s->options.wake);
	(void)pthread_join(s->thread, NULL);
	free(s->answer);
	node_history_close(s->history);
	free(s);
}
