/* SPDX-License-Identifier: MIT */
/*
 * frame.h: from a stream of bytes to messages, and the headers back.
 *
 * Floor 4; no I/O of its own. The parser takes bytes in pieces of any size;
 * where a message goes and what becomes of it is its sink's business.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include "net/net.h"

enum net_parse_result {
	NET_PARSE_OK,	/* all bytes are used up */
	NET_PARSE_WAIT, /* the sink has no room: come again with the rest */
	NET_PARSE_BAD,	/* against the rules: close */
};

struct net_sink {
	/* Room for a message of @len bytes: NET_PARSE_OK and a buffer whose
	 * len is @len, or why not. */
	enum net_parse_result (*begin)(void *ctx, struct net_buffer **out,
				       uint8_t type, uint32_t len);
	/* A whole message; the buffer is the sink's. */
	enum net_parse_result (*message)(void *ctx, uint8_t type,
					 struct net_buffer *b);
	void *ctx;
};

/* A message under way. */
struct net_assembly {
	struct net_buffer *buffer; /* NULL: none */
	uint32_t got;
	uint32_t begun; /* messages in this lane so far */
	uint8_t type;
};

/* What may be under way at once: a frame that is a whole message, and between
 * the frames of others a long message of each kind. */
enum { NET_LANE_SHORT, NET_LANE_REST, NET_LANE_URGENT, NET_LANES };

struct net_parser {
	struct net_assembly lane[NET_LANES];
	uint8_t header[NET_FRAME_HEADER];
	uint8_t have;	    /* bytes of the header */
	uint8_t current;    /* lane of the frame that is being read */
	uint32_t part_left; /* bytes of that frame to come */
	uint32_t max_block_bytes;
};

void net_parser_init(struct net_parser *p, uint32_t max_block_bytes);

/* Takes @len bytes; *@used says how many it has dealt with. After WAIT, come
 * again with the bytes that follow those. */
enum net_parse_result net_parse(struct net_parser *p, size_t *used,
				const uint8_t *data, size_t len,
				const struct net_sink *sink);

void net_frame_header(uint8_t out[static NET_FRAME_HEADER], uint32_t len,
		      uint8_t type, uint8_t flags);

/* Bytes on the wire, before encryption, of a message of @len bytes. */
uint32_t net_frame_bytes(uint32_t len);

#endif
