/* SPDX-License-Identifier: MIT */
/*
 * fuzz_net_frame.c: any bytes as a stream of frames. The first byte says in
 * pieces of which size they come, and where the sink has no room for a while.
 * Whatever the pieces are, the same messages come out; what comes out goes
 * through the sender's queue and the parser again and is the same.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "net/frame.h"
#include "net/queue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK_BYTES 65536u
#define OUT_MAX (1u << 20)

struct log {
	uint64_t hash; /* of types and contents, in order */
	uint32_t messages;
	uint32_t began;
	uint32_t refuse; /* every so many the sink has no room; 0: never */
	uint32_t calls;
	struct net_queue *again; /* takes what came out; NULL: freed */
};

static struct net_nodes nodes;

static struct net_buffer *make(uint32_t len)
{
	struct net_buffer *b = calloc(1, sizeof(*b));

	BASE_ASSERT(b);
	b->data = malloc(len ? len : 1);
	BASE_ASSERT(b->data);
	b->len = len;
	return b;
}

static void unmake(void *ctx, struct net_buffer *b)
{
	(void)ctx;
	free(b->data);
	free(b);
}

static enum net_parse_result begin(void *ctx, struct net_buffer **out,
				   uint8_t type, uint32_t len)
{
	struct log *l = ctx;
	uint32_t min;
	uint32_t max;

	BASE_ASSERT(net_type_limits(&min, &max, type, BLOCK_BYTES));
	BASE_ASSERT(len >= min && len <= max);
	if (l->refuse && ++l->calls % l->refuse == 0)
		return NET_PARSE_WAIT;
	l->began++;
	*out = make(len);
	return NET_PARSE_OK;
}

static enum net_parse_result message(void *ctx, uint8_t type,
				     struct net_buffer *b)
{
	struct log *l = ctx;

	l->messages++;
	l->hash = (l->hash ^ type) * 1099511628211u;
	for (uint32_t i = 0; i < b->len; i++)
		l->hash = (l->hash ^ b->data[i]) * 1099511628211u;
	if (l->again)
		BASE_ASSERT(net_queue_push(l->again, &nodes, type, b));
	else
		unmake(NULL, b);
	return NET_PARSE_OK;
}

static enum net_parse_result feed(struct log *l, const uint8_t *data,
				  size_t size, size_t piece)
{
	struct net_sink sink = {begin, message, l};
	enum net_parse_result result = NET_PARSE_OK;
	struct net_parser p;
	size_t at = 0;

	net_parser_init(&p, BLOCK_BYTES);
	while (at < size && result != NET_PARSE_BAD) {
		size_t n = size - at < piece ? size - at : piece;
		size_t used;

		result = net_parse(&p, &used, data + at, n, &sink);
		BASE_ASSERT(used <= n);
		BASE_ASSERT(result != NET_PARSE_OK || used == n);
		at += used;
	}
	for (uint32_t i = 0; i < NET_LANES; i++)
		if (p.lane[i].buffer) {
			unmake(NULL, p.lane[i].buffer);
			l->began--;
		}
	BASE_ASSERT(l->began == l->messages);
	return result;
}

/* What came out, as the sender would send it: the same messages, by lines. */
static void round_trip(struct net_queue *q, uint32_t messages)
{
	static uint8_t wire[OUT_MAX + NET_RECORD_MAX];
	struct log l = {0};
	uint64_t frames = 0;
	size_t len = 0;
	uint32_t n;

	do {
		n = net_queue_record(q, &nodes, wire + len, unmake, NULL,
				     &frames);
		len += n;
	} while (n > 0 && len < OUT_MAX);
	if (n > 0) {
		net_queue_clear(q, &nodes, unmake, NULL);
		return;
	}
	BASE_ASSERT(frames == messages && q->bytes == 0);
	BASE_ASSERT(feed(&l, wire, len, len ? len : 1) == NET_PARSE_OK);
	BASE_ASSERT(l.messages == messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log whole = {0};
	struct log pieces = {0};
	struct net_queue q;
	enum net_parse_result a;
	enum net_parse_result b;

	if (size < 2)
		return 0;
	if (!nodes.node)
		BASE_ASSERT(net_nodes_open(&nodes) == 0);
	net_queue_init(&q);
	whole.again = &q;
	pieces.refuse = data[1] % 5 == 1 ? 0 : data[1] % 5;
	a = feed(&whole, data + 2, size - 2, size);
	b = feed(&pieces, data + 2, size - 2, data[0] % 64 + 1u);
	BASE_ASSERT((a == NET_PARSE_BAD) == (b == NET_PARSE_BAD));
	BASE_ASSERT(whole.hash == pieces.hash &&
		    whole.messages == pieces.messages);
	round_trip(&q, whole.messages);
	return 0;
}
