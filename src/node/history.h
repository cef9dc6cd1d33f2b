/* SPDX-License-Identifier: MIT */
/*
 * history.h: proofs of transactions for light nodes, out of the store.
 *
 * Floor 5; the thread that answers peers, with a snapshot of its own. Formats
 * are net/wire.h's. No table says which transactions are whose: blocks are
 * looked through, so many for each request, and the answer says how far it
 * came.
 */
#ifndef NODE_HISTORY_H
#define NODE_HISTORY_H

#include "net/net.h"
#include "node/match.h"
#include "store/store.h"

/* What one request may cost: some 20 ms. At least one block is looked at. */
#define NODE_HISTORY_SCAN_BYTES (8u << 20)
#define NODE_HISTORY_SCAN_BLOCKS 8192u
/* Outputs looked up for GET_PROOF where the store has no index. */
#define NODE_HISTORY_LOOKUPS 1000u
/* Keys that a peer may have watched. */
#define NODE_WATCH_KEYS_MAX ((uint32_t)NET_WATCH_MAX)
/* Blocks looked through for a watcher; who was left behind further (this node
 * was itself) asks for the history. */
#define NODE_WATCH_BLOCKS_MAX 16u

_Static_assert(NODE_WATCH_KEYS_MAX < NODE_MATCH_KEYS_MAX,
	       "a watcher's keys fit into the table");
_Static_assert(NET_KEYS_MAX < NODE_MATCH_KEYS_MAX,
	       "an asker's keys fit into the table");

struct node_history;

/* For blocks of @max_block_bytes. 0; -ENOMEM; -EIO. */
BASE_MUST_CHECK int node_history_open(struct node_history **out,
				      uint32_t max_block_bytes,
				      struct base_error *err);
void node_history_close(struct node_history *s); /* NULL is allowed */

/* Bytes that an answer may have: room for each @out below. */
size_t node_history_cap(const struct node_history *s);

/*
 * Each fills @out with the payload of the answer and *@len, 0 where there is
 * nothing to say. 0; -EBADMSG: the request's form is wrong, its sender's
 * fault; -EIO: the store is damaged.
 */
BASE_MUST_CHECK int node_history_proof(uint8_t *out, size_t *len,
				       struct node_history *s,
				       struct store_reader *r,
				       const uint8_t *request,
				       size_t request_len);
BASE_MUST_CHECK int node_history_of(uint8_t *out, size_t *len,
				    struct node_history *s,
				    struct store_reader *r,
				    const uint8_t *request, size_t request_len);

/* WATCH of the peer in @slot of generation @gen, from the block after @tip on;
 * another generation's keys go. 0; -EBADMSG; -ENOSPC: it watches as many as it
 * may, and what fits is watched. */
BASE_MUST_CHECK int node_history_watch(struct node_history *s, uint32_t slot,
				       uint32_t gen, struct base_height tip,
				       const uint8_t *request,
				       size_t request_len);

/* After blocks became final: what they have for a watcher, as WATCHED for
 * *@slot and *@gen. False: nobody is left to be told. */
BASE_MUST_CHECK bool node_history_watched(uint8_t *out, size_t *len,
					  uint32_t *slot, uint32_t *gen,
					  struct node_history *s,
					  struct store_reader *r,
					  struct base_height tip);

#endif
