/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "net/internal.h"

#define PINGS_MISSED_MAX 3u
#define ADDR_EVERY_MS 600000u

static void ping(struct net *n, struct net_conn *c)
{
	uint8_t payload[8];

	if (n->now_ms - c->ping_ms < n->t.ping)
		return;
	c->ping_ms = n->now_ms;
	if (c->ping_number && ++c->pings_missed >= PINGS_MISSED_MAX) {
		net_count(n, NET_C_SLOW);
		net_conn_close(n, c, NET_SLOW, false);
		return;
	}
	c->ping_number = base_prng_u64(&n->prng) | 1;
	c->ping_sent_us = net_mono_us();
	base_store_le64(payload, c->ping_number);
	(void)net_output_bytes(n, c, NET_PING, payload, sizeof(payload));
}

static void look_at_peer(struct net *n, struct net_conn *c)
{
	if (c->sending && n->now_ms - c->progress_ms > n->t.slow) {
		net_count(n, NET_C_SLOW);
		net_conn_close(n, c, NET_SLOW, false);
		return;
	}
	for (uint32_t i = 0; i < NET_LANES; i++) {
		/* Unless it is us who do not read. */
		if (c->paused)
			c->lane_ms[i] = n->now_ms;
		if (c->parser.lane[i].buffer &&
		    n->now_ms - c->lane_ms[i] > n->t.frame) {
			net_conn_close(n, c, NET_SLOW, true);
			return;
		}
	}
	net_requests_expire(n, c);
	if (c->state != NET_CONN_UP)
		return;
	if (n->now_ms - c->addr_ms >= ADDR_EVERY_MS) {
		c->addr_ms = n->now_ms;
		net_addr_send(n, c);
	}
	if (c->state == NET_CONN_UP)
		ping(n, c);
}

static void look_at(struct net *n, struct net_conn *c)
{
	uint64_t age = n->now_ms - c->since_ms;

	switch (c->state) {
	case NET_CONN_HANDSHAKE:
	case NET_CONN_HELLO:
		if (age > n->t.hello)
			net_conn_close(n, c, NET_SILENT, true);
		break;
	case NET_CONN_LINGER:
		if (age > NET_LINGER_MS)
			net_conn_close(n, c, c->why, false);
		break;
	case NET_CONN_UP:
		look_at_peer(n, c);
		break;
	default:
		break;
	}
}

void net_step(struct net *n)
{
	if (n->paused_count > 0)
		for (uint32_t i = 0; i < NET_CONNS_MAX; i++)
			if (n->conn[i].paused)
				net_conn_resume(n, &n->conn[i]);
	if (n->now_ms - n->announce_ms >= n->t.announce) {
		n->announce_ms = n->now_ms;
		net_txs_announce(n);
	}
	if (n->now_ms - n->step_ms < NET_STEP_MS)
		return;
	n->step_ms = n->now_ms;
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++)
		look_at(n, &n->conn[i]);
	net_peer_downs_due(n);
	for (uint32_t i = 0; i < NET_PORTS; i++)
		/* Pairs with nothing: a wish, not a message. */
		if (atomic_exchange_explicit(&n->port[i].starved, false,
					     memory_order_relaxed))
			(void)net_output_shed(n, NULL);
	net_txs_expire(n);
	net_dial_step(n);
	if (n->now_ms - n->publish_ms >= n->t.publish) {
		n->publish_ms = n->now_ms;
		net_view_publish(n);
	}
	if (n->save_due && n->now_ms - n->save_ms >= n->t.publish) {
		n->save_ms = n->now_ms;
		n->save_due = false;
		net_save_publish(n);
	}
}
