/* SPDX-License-Identifier: MIT */
/*
 * net_fixture.h: nodes in this process that talk over the loopback.
 *
 * A node here is a struct net whose two ports the test's own thread serves.
 * Waiting is polling with a bound that no healthy machine reaches.
 */
#ifndef TESTS_NET_FIXTURE_H
#define TESTS_NET_FIXTURE_H

#include "test.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "net/net.h"

#define NODES_MAX 5
#define WAIT_TURNS 20000 /* of a millisecond */
#define BLOCK_BYTES (1u << 20)

struct node {
	struct net *net;
	struct net_port *port;
	struct net_port *reader;
	uint8_t secret[32];
	uint8_t id[NET_ID_SIZE];
	struct net_endpoint self;
};

static const struct base_hash test_genesis = {{1, 2, 3}};

static inline void pause_ms(unsigned ms)
{
	struct timespec t = {.tv_sec = ms / 1000,
			     .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)nanosleep(&t, NULL);
}

/* Type and payload up to 64 bytes: enough to tell our messages apart. */
static inline bool identify(void *ctx, uint8_t id[static 32], uint8_t type,
			    const uint8_t *data, size_t len)
{
	(void)ctx;
	memset(id, 0, 32);
	id[0] = type;
	memcpy(id + 1, data, len < 31 ? len : 31);
	return true;
}

/* For TX the id that is announced begins with the same byte everywhere. */
static inline void id_of(uint8_t id[static 32], uint8_t type,
			 const struct net_buffer *b)
{
	(void)identify(NULL, id, type, b->data, b->len);
}

static inline void node_key(struct node *n, uint8_t number)
{
	memset(n, 0, sizeof(*n));
	memset(n->secret, number, sizeof(n->secret));
	assert_int_equal(net_id_of(n->id, n->secret), 0);
}

static inline void say(void *ctx, const char *line)
{
	(void)ctx;
	(void)fprintf(stderr, "# %s\n", line);
}

static inline struct net_options node_options(const struct node *n)
{
	struct net_options o = {.genesis = test_genesis,
				.max_block_bytes = BLOCK_BYTES,
				.mode = NET_FULL_NODE,
				.listen = "127.0.0.1:0",
				.self = -1,
				.identify = identify,
				.timing = {.announce = 1, .publish = 20}};

	memcpy(o.secret, n->secret, sizeof(o.secret));
	if (getenv("NET_LOG"))
		o.log = say;
	return o;
}

static inline void node_start(struct node *n, const struct net_options *o)
{
	struct base_error err;
	int rc = net_start(&n->net, o, &err);

	if (rc < 0)
		print_message("# %s\n", err.text);
	assert_int_equal(rc, 0);
	n->port = net_port(n->net, NET_CONSENSUS);
	n->reader = net_port(n->net, NET_READER);
	assert_memory_equal(net_id(n->net), n->id, sizeof(n->id));
	memcpy(n->self.id, n->id, sizeof(n->id));
	(void)snprintf(n->self.address, sizeof(n->self.address), "%s",
		       net_address(n->net));
}

/* With the options of everybody, and a key by @number. */
static inline void node_begin(struct node *n, uint8_t number)
{
	struct net_options o;

	node_key(n, number);
	o = node_options(n);
	node_start(n, &o);
}

static inline void node_end(struct node *n)
{
	net_stop(n->net);
	n->net = NULL;
}

/* The next event of a port, or the test fails. */
static inline struct net_event next_event(struct net_port *p)
{
	struct net_event e;

	for (int i = 0; i < WAIT_TURNS; i++) {
		if (net_next(p, &e))
			return e;
		pause_ms(1);
	}
	fail_msg("nothing happened");
	return e;
}

static inline struct net_event expect_up(struct node *n)
{
	struct net_event e = next_event(n->port);

	assert_int_equal(e.kind, NET_EV_UP);
	return e;
}

static inline struct net_event expect_down(struct node *n)
{
	struct net_event e;

	/* Messages may be on their way. */
	for (;;) {
		e = next_event(n->port);
		if (e.kind == NET_EV_DOWN)
			return e;
		assert_int_equal(e.kind, NET_EV_MESSAGE);
		net_release(n->port, e.message.buffer);
	}
}

static inline struct net_event expect_message(struct net_port *p, uint8_t type)
{
	struct net_event e = next_event(p);

	assert_int_equal(e.kind, NET_EV_MESSAGE);
	assert_int_equal(e.message.type, type);
	return e;
}

/* @a connects to @b; both say that it is up. Their slots. */
static inline void node_join(struct node *a, struct node *b, uint32_t *slot_a,
			     uint32_t *slot_b)
{
	struct net_event e;

	assert_int_equal(net_connect(a->net, &b->self, false), 0);
	e = expect_up(a);
	assert_memory_equal(e.up.id, b->id, sizeof(b->id));
	assert_true(e.up.outbound);
	if (slot_a)
		*slot_a = e.slot;
	e = expect_up(b);
	assert_memory_equal(e.up.id, a->id, sizeof(a->id));
	assert_false(e.up.outbound);
	if (slot_b)
		*slot_b = e.slot;
}

/* Bytes that tell their place and @number. */
static inline struct net_buffer *make_payload(struct net_port *p, size_t len,
					      uint32_t number)
{
	struct net_buffer *b = NULL;

	for (int i = 0; i < WAIT_TURNS && !b; i++) {
		b = net_buffer_get(p, len);
		if (!b)
			pause_ms(1);
	}
	assert_non_null(b);
	for (size_t i = 0; i < len; i++)
		b->data[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8));
	if (len >= 4)
		memcpy(b->data, &number, 4);
	return b;
}

static inline void check_payload(const struct net_buffer *b, size_t len,
				 uint32_t number)
{
	uint32_t said = 0;

	assert_int_equal(b->len, len);
	if (len >= 4) {
		memcpy(&said, b->data, 4);
		assert_int_equal(said, number);
	}
	for (size_t i = 4; i < len; i++)
		if (b->data[i] != (uint8_t)(number * 31 + i * 7 + (i >> 8)))
			fail_msg("byte %zu of %zu is wrong", i, len);
}

static inline void send_to(struct net_port *p, uint32_t slot, uint8_t type,
			   struct net_buffer *b, const uint8_t *id)
{
	struct net_send s = {.type = type, .buffer = b, .id = id};

	s.to.word[slot / 64] = UINT64_C(1) << (slot % 64);
	for (int i = 0; i < WAIT_TURNS; i++) {
		if (net_send(p, &s) == 0)
			break;
		pause_ms(1);
	}
	net_release(p, b);
}

/* Until @counter of the published view is at least @value. */
static inline void await_counter(const struct net *n, enum net_counter counter,
				 uint64_t value)
{
	struct net_view v;

	for (int i = 0; i < WAIT_TURNS; i++) {
		net_look(&v, n);
		if (v.counter[counter] >= value)
			return;
		pause_ms(1);
	}
	fail_msg("%s stays at %llu", net_counter_name(counter),
		 (unsigned long long)v.counter[counter]);
}

static inline void await_bans(const struct node *n, uint32_t count)
{
	struct net_view v = {.bans = ~count};

	for (int i = 0; i < WAIT_TURNS && v.bans != count; i++) {
		net_look(&v, n->net);
		pause_ms(1);
	}
	assert_int_equal(v.bans, count);
}

/* There is one; then there is none. */
static inline void forgive(const struct node *n)
{
	await_bans(n, 1);
	assert_int_equal(net_clear_bans(n->net), 0);
	await_bans(n, 0);
}

#endif
