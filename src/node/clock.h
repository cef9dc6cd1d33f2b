/* SPDX-License-Identifier: MIT */
/*
 * clock.h: the node's only clocks.
 *
 * Floor 5. Wall time is CLOCK_MONOTONIC anchored to CLOCK_REALTIME, so that
 * it never runs backwards while the node runs; a step of the system's clock
 * is noticed and reported, not followed silently (consensus.md, Clock).
 * node_now_*() may be called from any thread; an anchor has one user.
 */
#ifndef NODE_CLOCK_H
#define NODE_CLOCK_H

#include "base/types.h"

/* A difference between the two clocks that counts as a step. */
#define NODE_CLOCK_STEP_MS 1000

struct node_clock {
	int64_t offset_ms; /* realtime minus monotonic at the anchor */
	int64_t asleep_ms; /* boottime minus monotonic then */
};

/* Milliseconds of CLOCK_MONOTONIC. */
uint64_t node_monotonic_ms(void);

void node_clock_init(struct node_clock *c);

/* Unix time in milliseconds by the anchored clock. */
uint64_t node_clock_ms(const struct node_clock *c);

/* How far CLOCK_REALTIME has moved away from the anchor, in milliseconds
 * (positive: forwards), or 0 below NODE_CLOCK_STEP_MS. */
int64_t node_clock_step_ms(const struct node_clock *c);

/* How long the machine was suspended since the anchor, in milliseconds: what
 * CLOCK_BOOTTIME counts and CLOCK_MONOTONIC does not. */
int64_t node_clock_slept_ms(const struct node_clock *c);

#endif
