/* SPDX-License-Identifier: MIT */
/*
 * buffer.h: pools of buffers in four sizes, reserved at the start.
 *
 * Floor 4. One thread takes from a pool and puts back. Memory that is never
 * used is never touched.
 */
#ifndef NET_BUFFER_H
#define NET_BUFFER_H

#include "net/net.h"

/* Small: votes, beats, most transactions; medium: certificates, announcements
 * of transactions; large: headers; body: a block, whatever the network's
 * limit is. */
enum net_size { NET_SMALL, NET_MEDIUM, NET_LARGE, NET_BODY, NET_SIZES };

#define NET_SMALL_BYTES 512u
#define NET_MEDIUM_BYTES 8192u
#define NET_LARGE_BYTES (192u << 10)

struct net_pool {
	struct net_buffer *item;
	uint8_t *memory;
	size_t bytes; /* of @memory */
	uint32_t total;
	uint32_t cap[NET_SIZES];
	uint32_t count[NET_SIZES];
	uint32_t free_count[NET_SIZES];
	uint32_t free_first[NET_SIZES];
	uint64_t used; /* bytes of those that are not free */
};

/* What @count buffers of each size take. */
size_t net_pool_bytes(const uint32_t count[static NET_SIZES],
		      uint32_t max_block_bytes);

/* 0 or -ENOMEM. @home marks the buffers. */
BASE_MUST_CHECK int net_pool_open(struct net_pool *p, uint8_t home,
				  const uint32_t count[static NET_SIZES],
				  uint32_t max_block_bytes);
void net_pool_close(struct net_pool *p);

/* A buffer for @len bytes, of the smallest size that fits or the next; NULL.
 * A body is given only while more than @reserve of them are free. */
struct net_buffer *net_pool_get(struct net_pool *p, size_t len,
				uint32_t reserve);
void net_pool_put(struct net_pool *p, struct net_buffer *b);

#endif
