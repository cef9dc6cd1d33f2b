/* SPDX-License-Identifier: MIT */
#include "net/queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#define NONE UINT32_MAX

int net_nodes_open(struct net_nodes *nodes)
{
	nodes->node = calloc(NET_NODES_MAX, sizeof(*nodes->node));
	if (!nodes->node)
		return -ENOMEM;
	for (uint32_t i = 0; i < NET_NODES_MAX; i++)
		nodes->node[i].next = i + 1 < NET_NODES_MAX ? i + 1 : NONE;
	nodes->free_first = 0;
	nodes->free_count = NET_NODES_MAX;
	return 0;
}

void net_nodes_close(struct net_nodes *nodes)
{
	free(nodes->node);
	memset(nodes, 0, sizeof(*nodes));
}

void net_queue_init(struct net_queue *q)
{
	memset(q, 0, sizeof(*q));
	for (uint32_t i = 0; i < NET_LINES; i++) {
		q->line[i].first = NONE;
		q->line[i].last = NONE;
	}
}

static uint32_t len_of(const struct net_node *node)
{
	return node->buffer ? node->buffer->len : 0;
}

static uint32_t line_of(uint8_t type, uint32_t len)
{
	if (!net_type_urgent(type))
		return NET_LINE_REST;
	return len > NET_PART_SIZE ? NET_LINE_PROPOSALS : NET_LINE_URGENT;
}

bool net_queue_push(struct net_queue *q, struct net_nodes *nodes, uint8_t type,
		    struct net_buffer *b)
{
	uint32_t len = b ? b->len : 0;
	struct net_line *line = &q->line[line_of(type, len)];
	uint32_t index = nodes->free_first;
	struct net_node *node;

	if (index == NONE)
		return false;
	node = &nodes->node[index];
	nodes->free_first = node->next;
	nodes->free_count--;
	node->buffer = b;
	node->type = type;
	node->next = NONE;
	if (line->first == NONE)
		line->first = index;
	else
		nodes->node[line->last].next = index;
	line->last = index;
	q->bytes += net_frame_bytes(len);
	q->count++;
	return true;
}

static void pop(struct net_queue *q, struct net_line *line,
		struct net_nodes *nodes,
		void (*done)(void *ctx, struct net_buffer *b), void *ctx)
{
	uint32_t index = line->first;
	struct net_node *node = &nodes->node[index];

	if (node->buffer)
		done(ctx, node->buffer);
	line->first = node->next;
	if (line->first == NONE)
		line->last = NONE;
	line->sent = 0;
	node->next = nodes->free_first;
	nodes->free_first = index;
	nodes->free_count++;
	q->count--;
}

/* One frame of the first message of @line, when @room bytes hold it. */
static uint32_t frame(struct net_queue *q, struct net_line *line,
		      struct net_nodes *nodes, uint8_t *out, uint32_t room,
		      bool *complete)
{
	const struct net_node *node = &nodes->node[line->first];
	uint32_t len = len_of(node);
	uint32_t left = len - line->sent;
	uint32_t part = left < NET_PART_SIZE ? left : NET_PART_SIZE;
	bool more = line->sent > 0;

	if (NET_FRAME_HEADER + part > room)
		return 0;
	net_frame_header(out, more ? part : len, node->type,
			 more ? NET_FLAG_MORE : 0);
	if (part > 0)
		memcpy(out + NET_FRAME_HEADER, node->buffer->data + line->sent,
		       part);
	line->sent += part;
	*complete = line->sent == len;
	q->bytes -= NET_FRAME_HEADER + part;
	return NET_FRAME_HEADER + part;
}

uint32_t net_queue_record(struct net_queue *q, struct net_nodes *nodes,
			  uint8_t out[static NET_RECORD_MAX],
			  void (*done)(void *ctx, struct net_buffer *b),
			  void *ctx, uint64_t *frames)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < NET_LINES; i++) {
		struct net_line *line = &q->line[i];

		while (line->first != NONE) {
			bool complete;
			uint32_t n = frame(q, line, nodes, out + used,
					   NET_RECORD_MAX - used, &complete);

			/* What is more urgent is never passed by. */
			if (n == 0)
				return used;
			used += n;
			if (!complete)
				return used;
			pop(q, line, nodes, done, ctx);
			(*frames)++;
		}
	}
	return used;
}

void net_queue_clear(struct net_queue *q, struct net_nodes *nodes,
		     void (*done)(void *ctx, struct net_buffer *b), void *ctx)
{
	for (uint32_t i = 0; i < NET_LINES; i++)
		while (q->line[i].first != NONE)
			pop(q, &q->line[i], nodes, done, ctx);
	net_queue_init(q);
}
