/* SPDX-License-Identifier: MIT */
#include "net/frame.h"

#include "base/assert.h"
#include "base/bytes.h"

void net_parser_init(struct net_parser *p, uint32_t max_block_bytes)
{
	memset(p, 0, sizeof(*p));
	p->max_block_bytes = max_block_bytes;
}

void net_frame_header(uint8_t out[static NET_FRAME_HEADER], uint32_t len,
		      uint8_t type, uint8_t flags)
{
	base_store_le32(out, len);
	out[4] = type;
	out[5] = flags;
	out[6] = 0;
	out[7] = 0;
}

uint32_t net_frame_bytes(uint32_t len)
{
	uint32_t parts = len ? (uint32_t)(((uint64_t)len + NET_PART_SIZE - 1) /
					  NET_PART_SIZE)
			     : 1;

	return len + parts * NET_FRAME_HEADER;
}

static uint32_t part_of(uint32_t left)
{
	return left < NET_PART_SIZE ? left : NET_PART_SIZE;
}

/* The frame goes on with the message of its lane. */
static enum net_parse_result begin_more(struct net_parser *p, uint8_t type,
					uint32_t len)
{
	struct net_assembly *a = &p->lane[p->current];

	if (!a->buffer || a->type != type ||
	    len != part_of(a->buffer->len - a->got))
		return NET_PARSE_BAD;
	p->part_left = len;
	return NET_PARSE_OK;
}

/* The header is complete. */
static enum net_parse_result begin(struct net_parser *p,
				   const struct net_sink *sink)
{
	uint32_t len = base_load_le32(p->header);
	uint8_t type = p->header[4];
	uint8_t flags = p->header[5];
	struct net_assembly *a;
	struct net_buffer *b = NULL;
	enum net_parse_result result;
	uint32_t min;
	uint32_t max;

	if ((flags & ~NET_FLAG_MORE) || p->header[6] || p->header[7] ||
	    !net_type_limits(&min, &max, type, p->max_block_bytes))
		return NET_PARSE_BAD;
	p->current = net_type_urgent(type) ? NET_LANE_URGENT : NET_LANE_REST;
	if (flags & NET_FLAG_MORE)
		return begin_more(p, type, len);
	if (len < min || len > max)
		return NET_PARSE_BAD;
	if (len <= NET_PART_SIZE)
		p->current = NET_LANE_SHORT;
	a = &p->lane[p->current];
	if (a->buffer)
		return NET_PARSE_BAD;
	result = sink->begin(sink->ctx, &b, type, len);
	if (result != NET_PARSE_OK)
		return result;
	BASE_ASSERT(b && b->len == len);
	a->buffer = b;
	a->type = type;
	a->got = 0;
	a->begun++;
	p->part_left = part_of(len);
	return NET_PARSE_OK;
}

static enum net_parse_result end(struct net_parser *p,
				 const struct net_sink *sink)
{
	struct net_assembly *a = &p->lane[p->current];
	struct net_buffer *b = a->buffer;

	p->have = 0;
	if (a->got < b->len)
		return NET_PARSE_OK;
	a->buffer = NULL;
	return sink->message(sink->ctx, a->type, b);
}

enum net_parse_result net_parse(struct net_parser *p, size_t *used,
				const uint8_t *data, size_t len,
				const struct net_sink *sink)
{
	enum net_parse_result result = NET_PARSE_OK;
	size_t at = 0;

	while (result == NET_PARSE_OK) {
		struct net_assembly *a;
		size_t n;

		if (p->have < NET_FRAME_HEADER) {
			if (at == len)
				break;
			n = NET_FRAME_HEADER - p->have;
			n = n < len - at ? n : len - at;
			memcpy(p->header + p->have, data + at, n);
			p->have = (uint8_t)(p->have + n);
			at += n;
			if (p->have < NET_FRAME_HEADER)
				break;
			result = begin(p, sink);
			if (result == NET_PARSE_WAIT) {
				/* The last byte comes again. */
				p->have--;
				at--;
			}
			if (result != NET_PARSE_OK)
				break;
		}
		a = &p->lane[p->current];
		n = p->part_left < len - at ? p->part_left : len - at;
		memcpy(a->buffer->data + a->got, data + at, n);
		a->got += (uint32_t)n;
		p->part_left -= (uint32_t)n;
		at += n;
		if (p->part_left > 0)
			break;
		result = end(p, sink);
	}
	*used = at;
	return result;
}
