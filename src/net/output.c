/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "net/internal.h"

#define MEMBER_SEND_QUEUE (8u << 20)

void net_output_mark(struct net *n, struct net_conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	n->dirty[n->dirty_count++] = (uint16_t)net_conn_index(n, c);
}

static void done_with(void *ctx, struct net_buffer *b)
{
	net_unref(ctx, b);
}

void net_output_clear(struct net *n, struct net_conn *c)
{
	net_queue_clear(&c->queue, &n->nodes, done_with, n);
}

/* Two of the longest messages always fit. */
static uint32_t limit_of(const struct net *n, const struct net_conn *c)
{
	uint32_t limit = n->l.send_queue;
	uint32_t two = 2 * (n->o.max_block_bytes + NET_FRAME_EXTRA);

	if (net_conn_is_member(c) && !n->o.limits.send_queue)
		limit = MEMBER_SEND_QUEUE;
	return limit < two ? two : limit;
}

bool net_output_shed(struct net *n, const struct net_conn *spare)
{
	struct net_conn *longest = NULL;

	for (uint32_t i = 0; i < NET_CONNS_MAX; i++) {
		struct net_conn *c = &n->conn[i];

		if (c != spare && c->queue.count > NET_QUEUE_SPARED &&
		    (!longest || c->queue.count > longest->queue.count))
			longest = c;
	}
	if (!longest)
		return false;
	net_count(n, NET_C_SLOW);
	net_conn_close(n, longest, NET_SLOW, false);
	return true;
}

static bool push(struct net *n, struct net_conn *c, uint8_t type,
		 struct net_buffer *b)
{
	uint32_t most =
		net_conn_is_member(c) ? NET_QUEUE_MEMBER : NET_QUEUE_OTHER;

	if (c->queue.count >= most ||
	    c->queue.bytes + net_frame_bytes(b ? b->len : 0) > limit_of(n, c))
		return false;
	if (n->nodes.free_count == 0 && !net_output_shed(n, c))
		return false;
	return net_queue_push(&c->queue, &n->nodes, type, b);
}

bool net_output_queue(struct net *n, struct net_conn *c, uint8_t type,
		      struct net_buffer *b)
{
	if (!push(n, c, type, b)) {
		net_count(n, NET_C_SLOW);
		net_conn_close(n, c, NET_SLOW, false);
		return false;
	}
	if (b)
		b->refs++;
	net_output_mark(n, c);
	return true;
}

bool net_output_bytes(struct net *n, struct net_conn *c, uint8_t type,
		      const void *data, uint32_t len)
{
	struct net_buffer *b = net_pool_get(&n->pool, len, 0);
	bool ok;

	if (!b) {
		net_count(n, NET_C_OVERFLOW);
		net_conn_close(n, c, NET_OVERFLOW, false);
		return false;
	}
	if (len > 0)
		memcpy(b->data, data, len);
	ok = net_output_queue(n, c, type, b);
	net_unref(n, b);
	return ok;
}

static void send_chunk(struct net *n, struct net_conn *c)
{
	c->sending = true;
	c->ops++;
	net_uring_send(n->uring, c->fd, c->chunk + c->chunk_at,
		       c->chunk_len - c->chunk_at,
		       net_op(NET_OP_SEND, net_conn_index(n, c)));
}

static bool speaks(const struct net_conn *c)
{
	return c->state == NET_CONN_HELLO || c->state == NET_CONN_UP ||
	       c->state == NET_CONN_LINGER;
}

/* Seals what waits, the most urgent first, into the chunk. */
static void fill(struct net *n, struct net_conn *c)
{
	struct net_wire w = {.out = c->chunk, .out_cap = NET_CHUNK_BYTES};

	/* Sealed earlier, so it goes first. */
	memcpy(c->chunk, c->side, c->side_len);
	w.out_len = c->side_len;
	c->side_len = 0;
	while (speaks(c) &&
	       w.out_cap - w.out_len >= NET_RECORD_MAX + NET_SEAL_EXTRA) {
		uint32_t len = net_queue_record(&c->queue, &n->nodes, n->record,
						done_with, n,
						&n->counter[NET_C_FRAMES_OUT]);

		if (len == 0)
			break;
		if (n->ops->write(c->session, &w, n->record, len) < 0) {
			net_conn_close(n, c, NET_HANDSHAKE, false);
			return;
		}
	}
	c->chunk_len = (uint32_t)w.out_len;
	c->chunk_at = 0;
}

static void flush(struct net *n, struct net_conn *c)
{
	if (c->sending || !c->session || c->state == NET_CONN_CLOSING)
		return;
	fill(n, c);
	if (c->state == NET_CONN_CLOSING || c->chunk_len == 0)
		return;
	c->progress_ms = n->now_ms;
	send_chunk(n, c);
}

void net_output_flush(struct net *n)
{
	/* Closing a connection on the way marks nothing. */
	for (uint32_t i = 0; i < n->dirty_count; i++) {
		struct net_conn *c = &n->conn[n->dirty[i]];

		c->dirty = false;
		flush(n, c);
	}
	n->dirty_count = 0;
}

void net_output_sent(struct net *n, struct net_conn *c, int res)
{
	c->ops--;
	c->sending = false;
	if (c->state == NET_CONN_CLOSING)
		return;
	if (res <= 0) {
		net_conn_close(n, c, NET_CLOSED, false);
		return;
	}
	c->bytes_out += (uint32_t)res;
	c->last_out_ms = n->now_ms;
	n->counter[NET_C_BYTES_OUT] += (uint32_t)res;
	c->chunk_at += (uint32_t)res;
	if (c->chunk_at < c->chunk_len) {
		send_chunk(n, c);
		return;
	}
	c->chunk_len = 0;
	if (c->side_len > 0 || !net_queue_empty(&c->queue))
		net_output_mark(n, c);
	else if (c->state == NET_CONN_LINGER)
		(void)shutdown(c->fd, SHUT_WR);
}
