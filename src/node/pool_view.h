/* SPDX-License-Identifier: MIT */
/*
 * pool_view.h: the pool of transactions, as other threads may see it.
 *
 * Floor 5. Each call is one ask or several (node/ask.h): copies go into the
 * caller's memory, a bounded piece at a time. What takes several asks is no
 * snapshot: an entry that comes or goes meanwhile may be seen or not, one
 * that stays is seen exactly once.
 *
 * Every call: 0; -EAGAIN: too many wait for the consensus thread; -ENOENT:
 * the pool has no such entry; outputs are untouched then.
 */
#ifndef NODE_POOL_VIEW_H
#define NODE_POOL_VIEW_H

#include "chain/mempool.h"
#include "chain/utxo.h"
#include "node/ask.h"

/* Of one ask: entries copied as ids or whole, entries stepped over, and
 * inputs and outputs looked at. */
#define NODE_POOL_IDS_MAX 1024
#define NODE_POOL_ENTRIES_MAX 32
#define NODE_POOL_STEPS_MAX 4096
#define NODE_POOL_LOOKS_MAX 8192
/* Asks of one walk over all entries. */
#define NODE_POOL_ASKS_MAX 65536
/* Entries that node_pool_next_rate() looks at. */
#define NODE_POOL_RATE_STEPS_MAX 16384

/* Who asks. One thread. */
struct node_pool_view {
	struct node_asks *asks;
	const struct node_wake *asker;
};

struct node_pool_relatives {
	uint32_t count;
	struct base_hash txid[CHAIN_MEMPOOL_CHAIN_MAX];
};

struct node_pool_entry {
	struct chain_mempool_entry entry; /* data is NULL */
	struct node_pool_relatives parents;
	struct node_pool_relatives children;
};

BASE_MUST_CHECK int node_pool_totals(struct chain_mempool_totals *out,
				     const struct node_pool_view *v);

BASE_MUST_CHECK int node_pool_entry(struct node_pool_entry *out,
				    const struct node_pool_view *v,
				    const struct base_hash *txid);

/* All ancestors or descendants of @txid, without itself. */
BASE_MUST_CHECK int
node_pool_family(struct node_pool_entry out[static CHAIN_MEMPOOL_CHAIN_MAX],
		 uint32_t *count, const struct node_pool_view *v,
		 const struct base_hash *txid, bool descendants);

/* Copies the serialisation to @data, which holds CHAIN_MEMPOOL_WEIGHT_MAX
 * bytes (no entry has more). */
BASE_MUST_CHECK int node_pool_tx(uint8_t *data, size_t *len,
				 struct base_amount *fee,
				 const struct node_pool_view *v,
				 const struct base_hash *txid);

/* What the pool says about an output: that an entry spends it; that an entry
 * makes it. */
struct node_pool_coin {
	bool spent;
	bool made;
	struct base_amount amount;   /* where it is made, and */
	uint8_t key[CHAIN_KEY_SIZE]; /* can be spent: it is P2TR */
};
BASE_MUST_CHECK int node_pool_coin(struct node_pool_coin *out,
				   const struct node_pool_view *v,
				   const struct chain_outpoint *at);

/* Calls @each for all entries, oldest first, on the caller's thread; without
 * @whole only the ids and sequence of the entry are there. Also -ENOMEM. */
BASE_MUST_CHECK int
node_pool_each(const struct node_pool_view *v, bool whole,
	       void (*each)(void *ctx, const struct node_pool_entry *e),
	       void *ctx);

/* Units per 1000 virtual bytes that a transaction must pay now to be among
 * the first @bytes bytes of the pool. */
BASE_MUST_CHECK int node_pool_next_rate(uint64_t *out,
					const struct node_pool_view *v,
					uint64_t bytes);

enum node_pool_note {
	NODE_POOL_PIN,
	NODE_POOL_EXCLUDE,
	NODE_POOL_UNMARK,
	NODE_POOL_DELTA
};

/* The operator's word on a txid, see chain_mempool_prioritise(); @delta with
 * NODE_POOL_DELTA only. Also -ENOSPC, -ERANGE as there. */
BASE_MUST_CHECK int node_pool_note(const struct node_pool_view *v,
				   const struct base_hash *txid,
				   enum node_pool_note note, int64_t delta);

#endif
