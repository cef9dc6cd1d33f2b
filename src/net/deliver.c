/* SPDX-License-Identifier: MIT */
#include "base/assert.h"
#include "base/bytes.h"
#include "net/internal.h"

#define MEMBER_RECEIVE_QUEUE (2u << 20)
#define KEY_BYTES 32u

const struct net_sink net_deliver_ops = {
	.begin = net_deliver_begin,
	.message = net_deliver_message,
};

static struct net *net_of(void *ctx)
{
	return ((void **)ctx)[0];
}

static struct net_conn *conn_of(void *ctx)
{
	return ((void **)ctx)[1];
}

/* ---- room ---- */

static uint64_t receive_limit(const struct net *n, const struct net_conn *c)
{
	if (net_conn_is_member(c) && !n->o.limits.receive_queue)
		return MEMBER_RECEIVE_QUEUE;
	return n->l.receive_queue;
}

enum net_parse_result net_deliver_begin(void *ctx, struct net_buffer **out,
					uint8_t type, uint32_t len)
{
	struct net *n = net_of(ctx);
	struct net_conn *c = conn_of(ctx);
	uint32_t reserve = 0;
	struct net_buffer *b;

	if (c->state == NET_CONN_HELLO && type != NET_HELLO &&
	    type != NET_REFUSED)
		return NET_PARSE_BAD;
	/* A message may begin while less than the limit is held. */
	if (c->held >= receive_limit(n, c))
		return NET_PARSE_WAIT;
	/* Half of the bodies are for members alone. */
	if (!net_conn_is_member(c))
		reserve = n->pool.count[NET_BODY] / 2;
	b = net_pool_get(&n->pool, len, reserve);
	if (!b)
		return NET_PARSE_WAIT;
	b->conn = (int16_t)net_conn_index(n, c);
	b->gen = c->gen;
	c->held += len;
	*out = b;
	return NET_PARSE_OK;
}

/* ---- requests ---- */

bool net_request_open(struct net *n, struct net_conn *c, uint8_t type,
		      enum net_port_kind port)
{
	/* What the peer grants us. */
	uint32_t max = n->o.self >= 0 ? NET_OPEN_MEMBER : NET_OPEN_OTHER;

	if (c->open_count >= max)
		return false;
	c->open[c->open_count++] =
		(struct net_open){.deadline_ms = n->now_ms + n->t.answer,
				  .type = type,
				  .port = (uint8_t)port};
	return true;
}

static void close_request(struct net_conn *c, uint32_t i)
{
	c->open_count--;
	memmove(&c->open[i], &c->open[i + 1],
		(c->open_count - i) * sizeof(c->open[0]));
}

/* The oldest open request of a type that @answer answers. Its port; -1. */
static int answered(struct net_conn *c, uint8_t answer, uint8_t request)
{
	for (uint32_t i = 0; i < c->open_count; i++)
		if ((answer && net_type_answer(c->open[i].type) == answer) ||
		    (request && c->open[i].type == request)) {
			int port = c->open[i].port;

			close_request(c, i);
			return port;
		}
	return -1;
}

void net_requests_expire(struct net *n, struct net_conn *c)
{
	for (uint32_t i = 0; i < c->open_count && c->state == NET_CONN_UP;) {
		struct net_open open = c->open[i];
		struct net_event e = {.kind = NET_EV_UNANSWERED,
				      .slot = (uint32_t)c->slot,
				      .gen = c->gen,
				      .unanswered = open.type};

		if (open.deadline_ms > n->now_ms) {
			i++;
			continue;
		}
		/* A full ring: later. */
		if (!net_port_push(n, open.port, &e, false))
			return;
		close_request(c, i);
		net_count(n, NET_C_UNANSWERED);
		net_peer_fault(n, c, NET_SCORE_UNANSWERED);
	}
}

void net_requests_end(struct net *n, struct net_conn *c)
{
	for (uint32_t i = 0; i < c->open_count; i++) {
		struct net_event e = {.kind = NET_EV_UNANSWERED,
				      .slot = (uint32_t)c->slot,
				      .gen = c->gen,
				      .unanswered = c->open[i].type};

		/* Consensus hears of the DOWN instead. */
		if (c->open[i].port == NET_READER &&
		    net_port_push(n, NET_READER, &e, false))
			net_count(n, NET_C_UNANSWERED);
	}
	c->open_count = 0;
}

void net_refuse(struct net *n, struct net_conn *c, enum net_reason reason,
		uint8_t type)
{
	uint8_t payload[2] = {(uint8_t)reason, type};

	(void)net_output_bytes(n, c, NET_REFUSED, payload, sizeof(payload));
}

/* ---- to the ports ---- */

/* Gives @b to a port. False: its ring is full, and @b is released. */
static bool hand_over(struct net *n, struct net_conn *c,
		      enum net_port_kind port, uint8_t type,
		      struct net_buffer *b, const uint8_t *id)
{
	struct net_event e = {.kind = NET_EV_MESSAGE,
			      .slot = (uint32_t)c->slot,
			      .gen = c->gen};

	e.message.type = type;
	e.message.buffer = b;
	e.message.has_id = id;
	if (id)
		memcpy(e.message.id, id, sizeof(e.message.id));
	if (net_port_push(n, port, &e, net_type_urgent(type)))
		return true;
	net_port_drop(n, b);
	return false;
}

/* The same; a full ring closes the connection. */
static enum net_parse_result must_hand_over(struct net *n, struct net_conn *c,
					    enum net_port_kind port,
					    uint8_t type, struct net_buffer *b,
					    const uint8_t *id)
{
	if (hand_over(n, c, port, type, b, id))
		return NET_PARSE_OK;
	net_count(n, NET_C_OVERFLOW);
	net_conn_close(n, c, NET_OVERFLOW, true);
	return NET_PARSE_BAD;
}

static enum net_parse_result drop(struct net *n, struct net_conn *c,
				  struct net_buffer *b)
{
	net_port_drop(n, b);
	return c->state == NET_CONN_UP ? NET_PARSE_OK : NET_PARSE_BAD;
}

/* How many searches a request costs the reader; 0: it reads in one place. */
static uint32_t lookups(uint8_t type, uint32_t len)
{
	switch (type) {
	case NET_GET_PROOF:
		return 1;
	case NET_GET_HISTORY:
	case NET_WATCH:
		return len / KEY_BYTES;
	default:
		return 0;
	}
}

/* Why a request of a peer that may ask is not served. */
static enum net_reason refusal(struct net *n, struct net_conn *c, uint8_t type,
			       const struct net_buffer *b)
{
	uint32_t max = net_conn_is_member(c) ? NET_OPEN_MEMBER : NET_OPEN_OTHER;
	uint32_t keys = lookups(type, b->len);

	if (c->asked >= max)
		return NET_BUSY;
	if (type == NET_WATCH && keys > NET_WATCH_MAX - c->watched)
		return NET_QUOTA;
	if (!net_quota_take(&c->lookups, keys, n->now_ms))
		return NET_BUSY;
	if (type == NET_WATCH)
		c->watched += keys;
	return NET_REASON_NONE;
}

static enum net_parse_result request(struct net *n, struct net_conn *c,
				     uint8_t type, struct net_buffer *b)
{
	enum net_reason why;

	if (n->o.mode == NET_LIGHT) {
		(void)net_output_bytes(n, c, NET_NOT_FULL, &type, 1);
		return drop(n, c, b);
	}
	if (!c->granted) {
		/* It is told once, and can do nothing more. */
		if (!c->was_told)
			net_refuse(n, c, NET_ACCESS, type);
		c->was_told = true;
		return drop(n, c, b);
	}
	why = refusal(n, c, type, b);
	if (why != NET_REASON_NONE) {
		net_count(n, NET_C_BUSY);
		net_refuse(n, c, why, type);
		/* Little, for some may have given up while their answers are
		 * made. */
		net_peer_fault(n, c, NET_SCORE_UNSOLICITED);
		return drop(n, c, b);
	}
	if (!hand_over(n, c, NET_READER, type, b, NULL)) {
		net_count(n, NET_C_BUSY);
		net_refuse(n, c, NET_BUSY, type);
	} else if (net_type_answer(type)) {
		c->asked++;
	}
	return c->state == NET_CONN_UP ? NET_PARSE_OK : NET_PARSE_BAD;
}

static enum net_parse_result answer(struct net *n, struct net_conn *c,
				    uint8_t type, struct net_buffer *b)
{
	uint8_t request = 0;
	int port;

	if (type == NET_REFUSED)
		request = b->data[1];
	else if (type == NET_NOT_FULL)
		request = b->data[0];
	/* Nothing was opened for it, for it has no answer but this one. */
	if (request == NET_WATCH && c->watches)
		return must_hand_over(n, c, NET_CONSENSUS, type, b, NULL);
	port = answered(c, request ? 0 : type, request);
	if (port < 0) {
		net_count(n, NET_C_UNSOLICITED);
		net_peer_fault(n, c, NET_SCORE_UNSOLICITED);
		return drop(n, c, b);
	}
	return must_hand_over(n, c, (enum net_port_kind)port, type, b, NULL);
}

/* ---- gossip ---- */

static enum net_parse_result gossip(struct net *n, struct net_conn *c,
				    uint8_t type, struct net_buffer *b)
{
	uint8_t id[32];
	bool known = n->o.identify && n->o.identify(n->o.identify_ctx, id, type,
						    b->data, b->len);

	/* Who has which block is news each time. */
	if (known && net_gossip_heard(n, c, id, type != NET_HAVE))
		return drop(n, c, b);
	return must_hand_over(n, c, NET_CONSENSUS, type, b, known ? id : NULL);
}

static enum net_parse_result tx(struct net *n, struct net_conn *c,
				struct net_buffer *b)
{
	bool copy = false;
	uint8_t id[32];

	if (!n->o.identify ||
	    !n->o.identify(n->o.identify_ctx, id, NET_TX, b->data, b->len) ||
	    !net_txs_came(n, c, id, &copy)) {
		net_count(n, NET_C_UNSOLICITED);
		net_peer_fault(n, c, NET_SCORE_UNSOLICITED);
		return drop(n, c, b);
	}
	if (copy)
		return drop(n, c, b);
	if (!hand_over(n, c, NET_CONSENSUS, NET_TX, b, id)) {
		net_count(n, NET_C_TX_DROPPED);
		net_txs_done(n, id);
	}
	return NET_PARSE_OK;
}

/* ---- what the thread answers itself ---- */

static void pong(struct net_conn *c, const struct net_buffer *b)
{
	if (c->ping_number == 0 || base_load_le64(b->data) != c->ping_number)
		return;
	c->ping_number = 0;
	c->pings_missed = 0;
	c->ping_us = net_mono_us() - c->ping_sent_us;
}

static enum net_parse_result own(struct net *n, struct net_conn *c,
				 uint8_t type, struct net_buffer *b)
{
	switch (type) {
	case NET_PING:
		(void)net_output_bytes(n, c, NET_PONG, b->data, b->len);
		break;
	case NET_PONG:
		pong(c, b);
		break;
	case NET_ADDR:
		net_addr_came(n, c, b);
		break;
	case NET_REQUEST_ACCESS:
		c->granted = net_may_ask(n, c);
		if (n->o.mode == NET_LIGHT)
			(void)net_output_bytes(n, c, NET_NOT_FULL, &type, 1);
		else if (c->granted)
			(void)net_output_bytes(n, c, NET_GRANT, NULL, 0);
		else
			net_refuse(n, c, NET_ACCESS, type);
		break;
	case NET_TX_INV:
		(void)net_txs_inv(n, c, b);
		break;
	case NET_TX_GET:
		if (net_txs_get(n, c, b))
			return must_hand_over(n, c, NET_CONSENSUS, type, b,
					      NULL);
		break;
	default:
		net_port_drop(n, b);
		return NET_PARSE_BAD;
	}
	return drop(n, c, b);
}

/* Whether it is about access as such, and not an answer to a request. */
static bool hear_of_access(struct net_conn *c, uint8_t type,
			   const struct net_buffer *b)
{
	uint8_t request = 0;

	if (type == NET_REFUSED)
		request = b->data[1];
	else if (type == NET_NOT_FULL)
		request = b->data[0];
	if (type == NET_GRANT) {
		c->wish = NET_WISH_GRANTED;
	} else if (type == NET_NOT_FULL) {
		c->wish = NET_WISH_NOT_FULL;
	} else if (request == NET_REQUEST_ACCESS ||
		   (request && b->data[0] == NET_ACCESS)) {
		c->wish = NET_WISH_REFUSED;
		c->wish_reason = b->data[0];
	}
	return type == NET_GRANT || request == NET_REQUEST_ACCESS;
}

static enum net_parse_result last_words(struct net *n, struct net_conn *c,
					struct net_buffer *b)
{
	enum net_reason why = b->data[0] < NET_REASONS
				      ? (enum net_reason)b->data[0]
				      : NET_CLOSED;

	net_port_drop(n, b);
	net_conn_close(n, c, why, false);
	return NET_PARSE_BAD;
}

static enum net_parse_result up(struct net *n, struct net_conn *c, uint8_t type,
				struct net_buffer *b)
{
	switch (type) {
	case NET_PROPOSAL:
	case NET_EVID:
		return must_hand_over(n, c, NET_CONSENSUS, type, b, NULL);
	case NET_VOTE:
	case NET_CERT:
	case NET_BEAT:
	case NET_HAVE:
		return gossip(n, c, type, b);
	case NET_TX:
		return tx(n, c, b);
	case NET_WATCHED:
		if (!c->watches)
			return answer(n, c, type, b);
		return must_hand_over(n, c, NET_CONSENSUS, type, b, NULL);
	case NET_GRANT:
	case NET_REFUSED:
	case NET_NOT_FULL:
		/* Without a request: why it closes. */
		if (type == NET_REFUSED && b->data[1] == 0)
			return last_words(n, c, b);
		if (hear_of_access(c, type, b))
			return must_hand_over(n, c, NET_CONSENSUS, type, b,
					      NULL);
		return answer(n, c, type, b);
	case NET_GET_STATUS:
	case NET_GET_HEADERS:
	case NET_GET_BLOCK:
	case NET_GET_CERT:
	case NET_GET_PROOF:
	case NET_GET_HISTORY:
	case NET_WATCH:
		return request(n, c, type, b);
	case NET_STATUS:
	case NET_HEADERS:
	case NET_BLOCK:
	case NET_CERT_OF:
	case NET_PROOF:
	case NET_HISTORY:
		return answer(n, c, type, b);
	default:
		return own(n, c, type, b);
	}
}

enum net_parse_result net_deliver_message(void *ctx, uint8_t type,
					  struct net_buffer *b)
{
	struct net *n = net_of(ctx);
	struct net_conn *c = conn_of(ctx);
	enum net_parse_result result;

	net_count(n, NET_C_FRAMES_IN);
	if (c->state == NET_CONN_UP) {
		if (type != NET_HELLO)
			return up(n, c, type, b);
	} else if (c->state == NET_CONN_HELLO) {
		if (type == NET_REFUSED)
			return last_words(n, c, b);
		result = net_peer_hello(n, c, b);
		net_port_drop(n, b);
		return result;
	}
	net_port_drop(n, b);
	return NET_PARSE_BAD;
}
