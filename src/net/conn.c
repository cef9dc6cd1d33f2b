/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/internal.h"

#define NONE UINT32_MAX
#define MIB (1u << 20)
#define MEMBER_BYTES_PER_S (8u * MIB)
#define MEMBER_BYTES_BURST (16u * MIB)
#define MEMBER_TXS_PER_S 200u
#define MEMBER_TXS_BURST 2000u
#define MEMBER_LOOKUPS_PER_S 1000u
#define MEMBER_LOOKUPS_BURST 10000u
#define MEMBER_CHECKS_PER_S 512u
#define MEMBER_CHECKS_BURST 2048u
#define ADDR_PER_S_MILLI 100u
#define PENDING_SAFE_MS 500u /* before it can lose its place */

static void set_options(int fd)
{
	const int one = 1;
	const int notsent = NET_NOTSENT_BYTES;

	/* Both only make things quicker. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent,
			 sizeof(notsent));
}

struct net_conn *net_conn_new(struct net *n, int fd, bool outbound,
			      const struct net_addr *addr)
{
	struct net_conn *c = NULL;
	uint32_t i;

	for (i = 0; i < NET_CONNS_MAX && !c; i++)
		if (n->conn[i].state == NET_CONN_FREE)
			c = &n->conn[i];
	if (!c)
		return NULL;
	i = net_conn_index(n, c);
	memset(c, 0, sizeof(*c));
	c->gen = ++n->next_gen;
	c->fd = fd;
	c->outbound = outbound;
	c->member = -1;
	c->slot = -1;
	c->target = -1;
	c->addr = *addr;
	c->since_ms = n->now_ms;
	c->progress_ms = n->now_ms;
	c->rx_first = NONE;
	c->rx_last = NONE;
	c->plain = n->plain_memory + (size_t)i * NET_RECORD_MAX;
	c->chunk = n->chunk_memory + (size_t)i * NET_CHUNK_BYTES;
	net_parser_init(&c->parser, n->o.max_block_bytes);
	net_queue_init(&c->queue);
	net_quota_init(&c->bytes, n->l.bytes_per_s * UINT64_C(1000),
		       n->l.bytes_burst, n->now_ms);
	net_quota_init(&c->txs, n->l.txs_per_s * UINT64_C(1000), n->l.txs_burst,
		       n->now_ms);
	net_quota_init(&c->lookups, n->l.lookups_per_s * UINT64_C(1000),
		       n->l.lookups_burst, n->now_ms);
	net_quota_init(&c->checks, n->l.checks_per_s * UINT64_C(1000),
		       n->l.checks_burst, n->now_ms);
	net_quota_init(&c->addrs, ADDR_PER_S_MILLI, NET_ADDR_MAX, n->now_ms);
	net_quota_init(&c->score, 1000, NET_SCORE_MAX, n->now_ms);
	set_options(fd);
	net_uring_attach(n->uring, fd);
	return c;
}

/* Unless the options set it. */
static void raise_quota(const struct net *n, struct net_quota *q,
			uint32_t set_per_s, uint32_t set_burst, uint64_t per_s,
			uint64_t burst)
{
	if (!set_per_s && !set_burst)
		net_quota_init(q, per_s * 1000, burst, n->now_ms);
}

/* Its quotas are those of a member from now on. */
static void promote(struct net *n, struct net_conn *c)
{
	const struct net_limits *l = &n->o.limits;

	c->group = NET_GROUP_MEMBERS;
	raise_quota(n, &c->bytes, l->bytes_per_s, l->bytes_burst,
		    MEMBER_BYTES_PER_S, MEMBER_BYTES_BURST);
	raise_quota(n, &c->txs, l->txs_per_s, l->txs_burst, MEMBER_TXS_PER_S,
		    MEMBER_TXS_BURST);
	raise_quota(n, &c->lookups, l->lookups_per_s, l->lookups_burst,
		    MEMBER_LOOKUPS_PER_S, MEMBER_LOOKUPS_BURST);
	raise_quota(n, &c->checks, l->checks_per_s, l->checks_burst,
		    MEMBER_CHECKS_PER_S, MEMBER_CHECKS_BURST);
}

static void recycle_first(struct net *n, struct net_conn *c)
{
	uint32_t i = c->rx_first;

	c->rx_first = n->rx[i].next;
	if (c->rx_first == NONE)
		c->rx_last = NONE;
	c->rx_at = 0;
	net_uring_recycle(n->uring, i / NET_URING_BUFFERS_MAX,
			  i % NET_URING_BUFFERS_MAX);
}

static bool reads(const struct net_conn *c)
{
	return c->state == NET_CONN_HANDSHAKE || c->state == NET_CONN_HELLO ||
	       c->state == NET_CONN_UP || c->state == NET_CONN_LINGER;
}

static void arm(struct net *n, struct net_conn *c)
{
	if (c->receiving || c->paused || c->eof || !reads(c))
		return;
	c->receiving = true;
	c->armed = c->group;
	c->ops++;
	/* Strangers get one buffer at a time, so that one who is not read from
	 * holds one; members are few and get as many as come. */
	net_uring_receive(n->uring, c->fd, c->group,
			  c->group == NET_GROUP_MEMBERS,
			  net_op(NET_OP_RECEIVE, net_conn_index(n, c)));
}

/* An outbound handshake begins with us. */
static bool speak_first(struct net *n, struct net_conn *c)
{
	struct net_wire w = {.out = c->side, .out_cap = sizeof(c->side)};

	if (n->ops->handshake(c->session, &w) < 0) {
		net_conn_close(n, c, NET_HANDSHAKE, false);
		return false;
	}
	c->side_len = (uint32_t)w.out_len;
	net_output_mark(n, c);
	return true;
}

static void start_session(struct net *n, struct net_conn *c)
{
	c->session = n->ops->open(n->shared, c->outbound ? c->id : NULL);
	if (!c->session) {
		net_conn_close(n, c, NET_OVERFLOW, false);
		return;
	}
	c->state = NET_CONN_HANDSHAKE;
	c->since_ms = n->now_ms;
	if (!c->outbound || speak_first(n, c))
		net_conn_resume(n, c);
}

/* The oldest handshake gives way, unless it has just begun. */
static bool make_room(struct net *n)
{
	struct net_conn *oldest = NULL;

	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *c = &n->conn[i];

		if (c->pending && (!oldest || c->since_ms < oldest->since_ms))
			oldest = c;
	}
	if (!oldest || n->now_ms - oldest->since_ms < PENDING_SAFE_MS)
		return false;
	net_count(n, NET_C_REFUSED);
	net_conn_close(n, oldest, NET_FULL, false);
	return true;
}

/* Banned, and no member is behind it: one that is must be heard, and who else
 * is there is refused by its key. */
static bool is_banned(const struct net *n, const struct net_addr *a)
{
	if (!net_ban_has_address(&n->bans, a, net_unix_ms() / 1000))
		return false;
	for (uint32_t i = 0; i < n->o.members; i++)
		if (memcmp(n->member_ip[i], a->ip, sizeof(a->ip)) == 0)
			return false;
	for (uint32_t i = 0; i < NET_TARGETS_MAX; i++) {
		const struct net_target *t = &n->target[i];

		if (t->used && t->member >= 0 && t->resolved &&
		    memcmp(t->addr.ip, a->ip, sizeof(a->ip)) == 0)
			return false;
	}
	return true;
}

void net_conn_accepted(struct net *n, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct net_addr addr;
	struct net_conn *c = NULL;

	net_count(n, NET_C_ACCEPTED);
	if (getpeername(fd, (struct sockaddr *)&sa, &len) == 0) {
		net_addr_from_socket(&addr, &sa);
		if (!is_banned(n, &addr) &&
		    (n->pending_count < n->l.pending || make_room(n)))
			c = net_conn_new(n, fd, false, &addr);
	}
	if (!c) {
		net_count(n, NET_C_REFUSED);
		(void)close(fd);
		return;
	}
	c->pending = true;
	n->pending_count++;
	start_session(n, c);
}

void net_conn_connected(struct net *n, struct net_conn *c, int res)
{
	c->ops--;
	if (c->state != NET_CONN_CONNECTING)
		return;
	if (res < 0)
		net_conn_close(n, c, NET_UNREACHABLE, false);
	else
		start_session(n, c);
}

/* ---- reading ---- */

static void set_paused(struct net *n, struct net_conn *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	if (!paused) {
		n->paused_count--;
		return;
	}
	n->paused_count++;
	net_count(n, NET_C_PAUSES);
	if (c->receiving && c->armed == NET_GROUP_MEMBERS) {
		c->ops++;
		net_uring_cancel_one(
			n->uring, net_op(NET_OP_RECEIVE, net_conn_index(n, c)),
			net_op(NET_OP_STOP, net_conn_index(n, c)));
	}
}

/* Plaintext to messages. False: stop for now. */
static bool parse(struct net *n, struct net_conn *c)
{
	struct net_sink sink = net_deliver_ops;
	enum net_parse_result result;
	void *ctx[2] = {n, c};
	size_t used;

	sink.ctx = ctx;
	result = net_parse(&c->parser, &used, c->plain + c->plain_at,
			   c->plain_len - c->plain_at, &sink);
	c->plain_at += (uint32_t)used;
	for (uint32_t i = 0; i < NET_LANES; i++)
		if (c->lane_begun[i] != c->parser.lane[i].begun) {
			c->lane_begun[i] = c->parser.lane[i].begun;
			c->lane_ms[i] = n->now_ms;
		}
	if (result == NET_PARSE_BAD && c->state != NET_CONN_LINGER &&
	    c->state != NET_CONN_CLOSING) {
		net_count(n, NET_C_BAD_FRAMES);
		if (c->state == NET_CONN_UP)
			net_peer_ban(n, c);
		else
			net_conn_close(n, c, NET_PROTOCOL, false);
	}
	if (result == NET_PARSE_WAIT)
		set_paused(n, c, true);
	return result == NET_PARSE_OK;
}

/* From the wire to plaintext. False: stop for now. */
static bool decrypt(struct net *n, struct net_conn *c)
{
	const struct net_rx *rx = &n->rx[c->rx_first];
	const uint8_t *bytes =
		net_uring_buffer(n->uring, c->rx_first / NET_URING_BUFFERS_MAX,
				 c->rx_first % NET_URING_BUFFERS_MAX);
	struct net_wire w = {.in = bytes + c->rx_at,
			     .in_len = rx->len - c->rx_at,
			     .out = c->side,
			     .out_len = c->side_len,
			     .out_cap = sizeof(c->side)};
	size_t before = w.in_len;
	int rc;

	if (c->state == NET_CONN_HANDSHAKE)
		rc = n->ops->handshake(c->session, &w);
	else
		rc = n->ops->read(c->session, &w, c->plain, NET_RECORD_MAX);
	c->rx_at += (uint32_t)(before - w.in_len);
	net_quota_charge(&c->bytes, before - w.in_len, n->now_ms);
	if (c->rx_at == rx->len)
		recycle_first(n, c);
	if (w.out_len > c->side_len) {
		c->side_len = (uint32_t)w.out_len;
		net_output_mark(n, c);
	}
	if (rc < 0) {
		net_conn_close(n, c, rc == -EPIPE ? NET_CLOSED : NET_HANDSHAKE,
			       false);
		return false;
	}
	if (c->state == NET_CONN_HANDSHAKE) {
		if (rc == 1) {
			net_peer_proved(n, c);
			if (net_conn_is_member(c))
				promote(n, c);
		}
		return true;
	}
	c->plain_at = 0;
	c->plain_len = (uint32_t)rc;
	return true;
}

void net_conn_resume(struct net *n, struct net_conn *c)
{
	bool on = true;

	if (c->owes && !net_quota_ok(&c->bytes, n->now_ms))
		return;
	c->owes = false;
	set_paused(n, c, false);
	while (on && (c->state == NET_CONN_HANDSHAKE ||
		      c->state == NET_CONN_HELLO || c->state == NET_CONN_UP)) {
		if (c->plain_at < c->plain_len) {
			on = parse(n, c);
		} else if (c->rx_first == NONE) {
			break;
		} else if (!net_quota_ok(&c->bytes, n->now_ms)) {
			set_paused(n, c, true);
			c->owes = true;
			on = false;
		} else {
			on = decrypt(n, c);
		}
	}
	while (c->state == NET_CONN_LINGER && c->rx_first != NONE)
		recycle_first(n, c);
	if (c->eof && !c->paused && c->rx_first == NONE)
		net_conn_close(n, c, NET_CLOSED, false);
	arm(n, c);
}

static void append(struct net *n, struct net_conn *c,
		   const struct net_completion *done)
{
	uint32_t i = (uint32_t)c->armed * NET_URING_BUFFERS_MAX +
		     (uint32_t)done->buffer;

	n->rx[i].next = NONE;
	n->rx[i].len = (uint32_t)done->res;
	if (c->rx_first == NONE)
		c->rx_first = i;
	else
		n->rx[c->rx_last].next = i;
	c->rx_last = i;
}

void net_conn_received(struct net *n, struct net_conn *c,
		       const struct net_completion *done)
{
	if (!done->more) {
		c->receiving = false;
		c->ops--;
	}
	if (done->buffer >= 0 && done->res > 0) {
		append(n, c, done);
		c->bytes_in += (uint32_t)done->res;
		c->last_in_ms = n->now_ms;
		n->counter[NET_C_BYTES_IN] += (uint32_t)done->res;
	} else if (done->buffer >= 0) {
		net_uring_recycle(n->uring, c->armed, (uint32_t)done->buffer);
	}
	if (done->res == 0 ||
	    (done->res < 0 && done->res != -ENOBUFS && done->res != -ECANCELED))
		c->eof = true;
	if (!c->paused && reads(c))
		net_conn_resume(n, c);
}

/* ---- the end ---- */

void net_conn_settle(struct net *n, struct net_conn *c)
{
	n->pending_count -= c->pending;
	c->pending = false;
}

static void linger(struct net *n, struct net_conn *c, enum net_reason why)
{
	uint8_t payload[2] = {(uint8_t)why, 0};

	net_output_clear(n, c);
	c->state = NET_CONN_LINGER;
	c->since_ms = n->now_ms;
	(void)net_output_bytes(n, c, NET_REFUSED, payload, sizeof(payload));
}

void net_conn_close(struct net *n, struct net_conn *c, enum net_reason why,
		    bool tell)
{
	bool was_up = c->state == NET_CONN_UP;
	bool sealed = was_up || c->state == NET_CONN_HELLO;

	if (c->state == NET_CONN_FREE || c->state == NET_CONN_CLOSING)
		return;
	net_conn_settle(n, c);
	if (c->state != NET_CONN_LINGER)
		c->why = why;
	if (!was_up && c->state != NET_CONN_LINGER)
		net_log(n, "connection %s ended: %s",
			c->outbound ? "outbound" : "inbound",
			net_reason_name(why));
	net_txs_gone(n, c);
	if (was_up)
		net_peer_down(n, c, why);
	set_paused(n, c, false);
	if (c->target >= 0)
		net_dial_ended(n, c, was_up);
	if (tell && sealed) {
		linger(n, c, why);
		return;
	}
	c->state = NET_CONN_CLOSING;
	n->closing_count++;
	net_output_clear(n, c);
	if (c->ops > 0) {
		c->ops++;
		net_uring_cancel(n->uring, c->fd,
				 net_op(NET_OP_CANCEL, net_conn_index(n, c)));
	}
}

static void finish(struct net *n, struct net_conn *c)
{
	while (c->rx_first != NONE)
		recycle_first(n, c);
	for (uint32_t i = 0; i < NET_LANES; i++)
		if (c->parser.lane[i].buffer)
			net_port_drop(n, c->parser.lane[i].buffer);
	if (c->session)
		n->ops->close(c->session);
	net_uring_detach(n->uring, c->fd);
	(void)close(c->fd);
	c->session = NULL;
	c->gen = 0;
	c->state = NET_CONN_FREE;
	n->closing_count--;
}

void net_conns_reap(struct net *n)
{
	for (uint32_t i = 0; i < NET_CONNS_MAX && n->closing_count > 0; i++)
		if (n->conn[i].state == NET_CONN_CLOSING &&
		    n->conn[i].ops == 0 && !n->conn[i].dirty)
			finish(n, &n->conn[i]);
}
