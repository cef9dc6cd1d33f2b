/* SPDX-License-Identifier: MIT */
/*
 * queue.h: what waits to be sent to a peer, in order of urgency.
 *
 * Floor 4; the net thread's. Three lines: urgent messages that fit into one
 * frame, urgent ones that are cut (proposals with their block), and the rest.
 * Whole messages of the first line go between the parts of the others; the
 * second goes before the third. A message waits as a reference to its buffer,
 * so one that goes to all peers is in memory once.
 */
#ifndef NET_QUEUE_H
#define NET_QUEUE_H

#include "net/frame.h"

#define NET_NODES_MAX 65536u /* messages that wait, of all peers */

struct net_node {
	struct net_buffer *buffer; /* NULL: no payload */
	uint32_t next;
	uint8_t type;
};

struct net_nodes {
	struct net_node *node;
	uint32_t free_first;
	uint32_t free_count;
};

enum { NET_LINE_URGENT, NET_LINE_PROPOSALS, NET_LINE_REST, NET_LINES };

struct net_line {
	uint32_t first;
	uint32_t last;
	uint32_t sent; /* payload bytes of the first that are on their way */
};

struct net_queue {
	struct net_line line[NET_LINES];
	uint32_t bytes; /* that wait, with their headers */
	uint32_t count;
};

/* 0 or -ENOMEM. */
BASE_MUST_CHECK int net_nodes_open(struct net_nodes *nodes);
void net_nodes_close(struct net_nodes *nodes);

void net_queue_init(struct net_queue *q);

/* False: no node is free. Does not count references. */
BASE_MUST_CHECK bool net_queue_push(struct net_queue *q,
				    struct net_nodes *nodes, uint8_t type,
				    struct net_buffer *b);

/* Fills @out with frames that go into the next record; returns how many
 * bytes, 0 when nothing waits. @done is called with each buffer that is not
 * needed any more. *@frames counts messages that are complete. */
uint32_t net_queue_record(struct net_queue *q, struct net_nodes *nodes,
			  uint8_t out[static NET_RECORD_MAX],
			  void (*done)(void *ctx, struct net_buffer *b),
			  void *ctx, uint64_t *frames);

/* Empties it. */
void net_queue_clear(struct net_queue *q, struct net_nodes *nodes,
		     void (*done)(void *ctx, struct net_buffer *b), void *ctx);

static inline bool net_queue_empty(const struct net_queue *q)
{
	return q->count == 0;
}

#endif
