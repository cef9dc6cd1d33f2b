/* SPDX-License-Identifier: MIT */
/*
 * pool_copy.h: the transactions of the pool, copied out of it.
 *
 * Floor 5. Any thread that may ask (node/ask.h). The copy is made page by
 * page, so that the consensus thread is held up for a bounded time each;
 * what comes or goes between pages may be in it or not, but parents stand
 * before their children.
 */
#ifndef NODE_POOL_COPY_H
#define NODE_POOL_COPY_H

#include "node/txpool.h"

/* One page: bytes and entries looked at. */
#define NODE_POOL_PAGE_BYTES ((size_t)1 << 20)
#define NODE_POOL_PAGE_STEPS 4096

struct node_pool_copy {
	uint8_t *data; /* records, one after the other */
	size_t len;
	size_t cap;
	int64_t fee_rate; /* units per 1000 vB that the pool asks for */
};

struct node_pool_record {
	struct base_hash txid;
	uint32_t ancestors; /* in the pool, with itself */
	uint32_t len;
	const uint8_t *data; /* borrowed from the copy */
};

/* 0; -EAGAIN: the node is busy; -ENOMEM. @asks NULL: an empty pool. */
BASE_MUST_CHECK int node_pool_copy(struct node_pool_copy *out,
				   struct node_asks *asks,
				   const struct node_wake *asker);
void node_pool_copy_free(struct node_pool_copy *c);

/* The record at *@at, which moves on from 0; false at the end. */
bool node_pool_copy_next(struct node_pool_record *out,
			 const struct node_pool_copy *c, size_t *at);

#endif
