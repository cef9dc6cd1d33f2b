/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "net/internal.h"

#define LINE_MAX_BYTES 256
#define ACCEPT_AGAIN_MS 100u
#define PAUSED_WAIT_MS 5u /* while somebody waits for a quota */

static uint64_t clock_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

uint64_t net_unix_ms(void)
{
	return clock_us(CLOCK_REALTIME) / 1000;
}

uint64_t net_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

void net_log(struct net *n, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	if (!n->o.log)
		return;
	va_start(args, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	n->o.log(n->o.log_ctx, line);
}

static void listen_for_bell(struct net *n)
{
	net_uring_read(n->uring, n->bell, &n->bell_count, sizeof(n->bell_count),
		       net_op(NET_OP_BELL, 0));
}

static void accept_more(struct net *n)
{
	if (n->listen_fd < 0 || n->accepting || n->accept_ms > n->now_ms)
		return;
	n->accepting = true;
	net_uring_accept(n->uring, n->listen_fd, net_op(NET_OP_ACCEPT, 0));
}

static void accepted(struct net *n, const struct net_completion *done)
{
	if (!done->more)
		n->accepting = false;
	if (done->res >= 0)
		net_conn_accepted(n, done->res);
	else
		/* Out of descriptors, most likely. */
		n->accept_ms = n->now_ms + ACCEPT_AGAIN_MS;
}

static void completed(void *ctx, const struct net_completion *done)
{
	struct net *n = ctx;
	uint32_t index = (uint32_t)done->data;
	struct net_conn *c = &n->conn[index % NET_CONNS_MAX];

	switch ((enum net_op)(done->data >> 32)) {
	case NET_OP_NONE:
		break;
	case NET_OP_ACCEPT:
		accepted(n, done);
		break;
	case NET_OP_BELL:
		listen_for_bell(n);
		break;
	case NET_OP_CONNECT:
		net_conn_connected(n, c, done->res);
		break;
	case NET_OP_RECEIVE:
		net_conn_received(n, c, done);
		break;
	case NET_OP_SEND:
		net_output_sent(n, c, done->res);
		break;
	case NET_OP_CANCEL:
	case NET_OP_STOP:
		c->ops--;
		break;
	}
}

/* Whether the rings hold something after the flag was set; port.c says why
 * this order misses nothing. */
static bool may_sleep(struct net *n)
{
	struct base_ring_spsc *ring[] = {
		&n->port[NET_CONSENSUS].commands,
		&n->port[NET_CONSENSUS].returns,
		&n->port[NET_READER].commands,
		&n->port[NET_READER].returns,
	};

	(void)atomic_exchange_explicit(&n->asleep, 1, memory_order_acq_rel);
	for (uint32_t i = 0; i < BASE_COUNT(ring); i++)
		/* This thread alone writes the tail. */
		if (atomic_load_explicit(&ring[i]->head,
					 memory_order_acquire) !=
		    atomic_load_explicit(&ring[i]->tail, memory_order_relaxed))
			return false;
	/* Claimed is as good as pushed: the bell follows. */
	if (atomic_load_explicit(&n->control.head, memory_order_acquire) !=
	    n->control.tail)
		return false;
	/* Pairs with the release in net_stop(). */
	if (atomic_load_explicit(&n->stop, memory_order_acquire))
		return false;
	return n->dirty_count == 0;
}

static uint32_t how_long(struct net *n)
{
	if (n->paused_count > 0)
		return PAUSED_WAIT_MS;
	return NET_STEP_MS;
}

static void turn(struct net *n)
{
	uint32_t wait = 0;

	n->now_ms = net_mono_us() / 1000;
	net_ports_drain(n);
	net_step(n);
	accept_more(n);
	net_output_flush(n);
	net_conns_reap(n);
	net_ports_wake(n);
	if (may_sleep(n))
		wait = how_long(n);
	net_uring_run(n->uring, wait, completed, n);
	(void)atomic_exchange_explicit(&n->asleep, 0, memory_order_acq_rel);
}

/* Everything is closed; waits until the kernel holds no memory of ours. */
static void wind_up(struct net *n)
{
	if (n->accepting)
		net_uring_cancel(n->uring, n->listen_fd,
				 net_op(NET_OP_NONE, 0));
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++)
		net_conn_close(n, &n->conn[i], NET_STOPPING, true);
	net_output_flush(n);
	net_uring_run(n->uring, 0, completed, n);
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++)
		net_conn_close(n, &n->conn[i], NET_STOPPING, false);
	n->dirty_count = 0;
	for (uint32_t i = 0; i < NET_CONNS_MAX; i++)
		n->conn[i].dirty = false;
	net_conns_reap(n);
	for (uint32_t i = 0; i < 100 && n->closing_count > 0; i++) {
		net_uring_run(n->uring, 10, completed, n);
		net_conns_reap(n);
	}
}

static void tell_start(struct net *n, int rc)
{
	(void)pthread_mutex_lock(&n->start_lock);
	n->start_rc = rc;
	(void)pthread_cond_signal(&n->started);
	(void)pthread_mutex_unlock(&n->start_lock);
}

void *net_thread(void *arg)
{
	struct net *n = arg;
	int rc;

	(void)pthread_setname_np(pthread_self(), "net");
	n->now_ms = net_mono_us() / 1000;
	/* By its only user: the kernel remembers who made it. */
	rc = net_uring_open(&n->uring,
			    n->o.mode == NET_LIGHT ? 32 : NET_URING_BUFFERS_MAX,
			    &n->start_err);
	if (rc < 0) {
		tell_start(n, rc);
		return NULL;
	}
	listen_for_bell(n);
	net_dial_init(n);
	net_view_publish(n);
	net_save_publish(n);
	tell_start(n, 0);
	/* Pairs with the release in net_stop(). */
	while (!atomic_load_explicit(&n->stop, memory_order_acquire))
		turn(n);
	wind_up(n);
	net_view_publish(n);
	net_save_publish(n);
	net_uring_close(n->uring);
	return NULL;
}
