/* SPDX-License-Identifier: MIT */
/*
 * lateness.h: how late this machine runs its ticks, at the worst.
 *
 * Floor 5, pure. Milliseconds. One thread.
 */
#ifndef NODE_LATENESS_H
#define NODE_LATENESS_H

#include "base/types.h"

#define NODE_LATENESS_SECONDS 60u

struct node_lateness {
	uint64_t worst_ms; /* since the start */
	uint32_t at;	   /* the present second's place */
	uint64_t second_ms[NODE_LATENESS_SECONDS];
};

void node_lateness_note(struct node_lateness *l, uint64_t ms);

/* A second has passed. */
void node_lateness_second(struct node_lateness *l);

/* The worst of the last NODE_LATENESS_SECONDS. */
uint64_t node_lateness_minute(const struct node_lateness *l);

#endif
