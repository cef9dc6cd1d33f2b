/* SPDX-License-Identifier: MIT */
/*
 * wake.h: an eventfd, the bell of a sleeping consumer.
 *
 * Floor 5. Any number of ringers, one sleeper. Rings before the sleep are
 * not lost.
 */
#ifndef NODE_WAKE_H
#define NODE_WAKE_H

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/platform.h"

struct node_wake {
	int fd;
};

/* 0 or -errno. Free with node_wake_close(). */
BASE_MUST_CHECK static inline int node_wake_open(struct node_wake *w)
{
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return w->fd < 0 ? -errno : 0;
}

static inline void node_wake_close(struct node_wake *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
}

static inline void node_wake_ring(const struct node_wake *w)
{
	const uint64_t one = 1;

	/* Fails only when the counter is full: then the bell is ringing. */
	(void)!write(w->fd, &one, sizeof(one));
}

/* Sleeps until rung or for @timeout_ms (-1: for ever); clears the bell. */
static inline void node_wake_wait(const struct node_wake *w, int timeout_ms)
{
	struct pollfd p = {.fd = w->fd, .events = POLLIN};
	uint64_t count;

	if (poll(&p, 1, timeout_ms) > 0)
		(void)!read(w->fd, &count, sizeof(count));
}

#endif
