/* SPDX-License-Identifier: MIT */
/*
 * mempool_internal.h: what the parts of the mempool share.
 *
 * Floor 2, pure. Nothing outside src/chain/mempool*.c includes it.
 *   mempool_table.c   hash tables, the log of transaction bytes
 *   mempool_order.c   sorted trees, and peeling one package by package
 *   mempool_graph.c   parents, children, sums over packages, entry and exit
 *   mempool_note.c    what the operator said about a txid
 *   mempool_select.c  the next block, and who makes room for a newcomer
 *   mempool_dump.c    restarts
 *   mempool.c         the memory, policy, and lookups
 */
#ifndef CHAIN_MEMPOOL_INTERNAL_H
#define CHAIN_MEMPOOL_INTERNAL_H

#include "chain/mempool.h"

#define CHAIN_MEMPOOL_CONTAINER(ptr, type, member) \
	((type *)(void *)((uint8_t *)(ptr)-offsetof(type, member)))

/* Hash tables: the nodes are members of what is found. */
struct chain_mempool_node {
	struct chain_mempool_node *next;
	uint64_t hash;
};

struct chain_mempool_table {
	struct chain_mempool_node **head;
	uint64_t mask;
};

/* @heads: a power of two, all set to NULL here. */
void chain_mempool_table_init(struct chain_mempool_table *t,
			      struct chain_mempool_node **memory, size_t heads);
void chain_mempool_table_put(struct chain_mempool_table *t,
			     struct chain_mempool_node *node, uint64_t hash);
void chain_mempool_table_drop(struct chain_mempool_table *t,
			      struct chain_mempool_node *node);
/* The first node of @hash; then the next one after @node. NULL at the end. */
struct chain_mempool_node *
chain_mempool_table_first(const struct chain_mempool_table *t, uint64_t hash);
struct chain_mempool_node *
chain_mempool_table_next(struct chain_mempool_node *node);

struct chain_mempool_item;

/* The log of transaction bytes: records are appended; when the end is
 * reached, the live ones are moved together. */
struct chain_mempool_record {
	struct chain_mempool_item *owner; /* NULL: dead */
	uint64_t size;			  /* with this head, multiple of 8 */
};

struct chain_mempool_log {
	uint8_t *base;
	size_t cap;
	size_t head;
	size_t live; /* bytes of records with an owner */
};

size_t chain_mempool_record_size(size_t len);
/* Copies @len bytes and makes item->pub.data point at them, now and when
 * they move. Live records and this one fit by the limit on usage. */
void chain_mempool_log_put(struct chain_mempool_log *log,
			   struct chain_mempool_item *item, const uint8_t *data,
			   size_t len);
void chain_mempool_log_drop(struct chain_mempool_log *log,
			    struct chain_mempool_item *item);

/* One input of an entry: the output that it spends, and whose that is. */
struct chain_mempool_spend {
	struct chain_mempool_node node; /* by prev_hash, prev_index */
	struct base_hash prev_hash;
	uint32_t prev_index;
	struct chain_mempool_item *spender;
	struct chain_mempool_item *parent;	    /* NULL: confirmed */
	struct chain_mempool_spend *next_input;	    /* of spender; free list */
	struct chain_mempool_spend *next_of_parent; /* others of parent */
	struct chain_mempool_spend *prev_of_parent;
};

struct chain_mempool_links {
	struct chain_mempool_item *up;
	struct chain_mempool_item *left;
	struct chain_mempool_item *right;
};

/* A fifth order: packages changed while peeling, best first. */
#define CHAIN_MEMPOOL_BY_PEEL CHAIN_MEMPOOL_ORDERS
#define CHAIN_MEMPOOL_TREES (CHAIN_MEMPOOL_ORDERS + 1)

enum chain_mempool_peel_state {
	CHAIN_MEMPOOL_FRESH,   /* as the pool has it */
	CHAIN_MEMPOOL_CHANGED, /* a part of its package was taken */
	CHAIN_MEMPOOL_TAKEN,
	CHAIN_MEMPOOL_PASSED, /* looked at, not taken */
};

struct chain_mempool_item {
	struct chain_mempool_entry pub;
	struct chain_mempool_node by_txid;
	struct chain_mempool_node by_wtxid;
	struct chain_mempool_links tree[CHAIN_MEMPOOL_TREES];
	struct chain_mempool_spend *inputs;
	struct chain_mempool_spend *spent; /* of its outputs, by entries */
	struct chain_mempool_item *next;   /* free list; list of victims */
	uint64_t priority;		   /* in every tree */
	uint64_t seen;			   /* mark of a walk */
	uint64_t peeled;		   /* the peeling that state is of */
	enum chain_mempool_peel_state state;
	struct chain_mempool_package rest; /* CHANGED: what is left */
	uint32_t outputs_at;		   /* offset of the first output */
};

enum chain_mempool_wish {
	CHAIN_MEMPOOL_NO_WISH,
	CHAIN_MEMPOOL_PINNED,
	CHAIN_MEMPOOL_EXCLUDED,
	CHAIN_MEMPOOL_WISHES
};

struct chain_mempool_note {
	struct chain_mempool_node node; /* by txid */
	struct base_hash txid;
	int64_t delta;
	enum chain_mempool_wish wish;
	uint64_t pin_order; /* pinned: unique, from 1 up */
	bool used;
};

struct chain_mempool {
	struct chain_siphash_key key;
	size_t bytes_max;
	size_t usage;
	uint32_t count;
	uint64_t vsize;
	int64_t fees;
	uint64_t next_sequence;
	uint64_t next_pin;
	uint64_t walk; /* number of the last walk */
	uint64_t peel; /* number of the last peeling */
	struct chain_mempool_item *root[CHAIN_MEMPOOL_TREES];
	struct chain_mempool_table txids;
	struct chain_mempool_table wtxids;
	struct chain_mempool_table spends;
	struct chain_mempool_table notes;
	struct chain_mempool_log log;
	struct chain_mempool_item *items; /* items_max of them */
	size_t items_used;		  /* never used beyond */
	size_t items_max;
	struct chain_mempool_item *free_items;
	struct chain_mempool_spend *inputs; /* inputs_max of them */
	size_t inputs_used;
	size_t inputs_max;
	struct chain_mempool_spend *free_inputs;
	struct chain_mempool_note *note; /* CHAIN_MEMPOOL_NOTES_MAX */
	uint32_t note_count;
};

/* Inputs that one transaction of allowed weight can have. */
#define CHAIN_MEMPOOL_TX_INPUTS_MAX (CHAIN_MEMPOOL_WEIGHT_MAX / 4 / 41)

/* What an entry counts for in usage. */
#define CHAIN_MEMPOOL_ITEM_COST \
	(sizeof(struct chain_mempool_item) + 2 * sizeof(void *))
#define CHAIN_MEMPOOL_INPUT_COST \
	(sizeof(struct chain_mempool_spend) + sizeof(void *))
size_t chain_mempool_cost(size_t len, uint32_t input_count);

/* The item that @entry is the public part of. */
static inline struct chain_mempool_item *
chain_mempool_item(const struct chain_mempool_entry *entry)
{
	return CHAIN_MEMPOOL_CONTAINER(entry, struct chain_mempool_item, pub);
}

struct chain_mempool_item *
chain_mempool_item_find(const struct chain_mempool *m,
			const struct base_hash *txid);
struct chain_mempool_spend *
chain_mempool_spend_find(const struct chain_mempool *m,
			 const struct base_hash *txid, uint32_t index);

/* Trees. What an order compares does not change while an item is in it. */
void chain_mempool_order_put(struct chain_mempool *m, unsigned by,
			     struct chain_mempool_item *item);
void chain_mempool_order_drop(struct chain_mempool *m, unsigned by,
			      struct chain_mempool_item *item);
struct chain_mempool_item *
chain_mempool_order_first(const struct chain_mempool *m, unsigned by);
struct chain_mempool_item *
chain_mempool_order_last(const struct chain_mempool *m, unsigned by);
struct chain_mempool_item *
chain_mempool_order_next(const struct chain_mempool_item *item, unsigned by);
struct chain_mempool_item *
chain_mempool_order_prev(const struct chain_mempool_item *item, unsigned by);

/*
 * Peeling: takes packages off an order from one end, while packages that
 * overlap with what was taken count only what is left of them. The pool does
 * not change meanwhile.
 */
struct chain_mempool_peel {
	struct chain_mempool *m;
	enum chain_mempool_order by;
	bool worst; /* from the end of the lowest rates */
	struct chain_mempool_item *at;
};

void chain_mempool_peel_begin(struct chain_mempool_peel *p,
			      struct chain_mempool *m,
			      enum chain_mempool_order by, bool worst);
/* The item to look at next, neither taken nor passed; NULL at the end. The
 * caller takes or passes it. */
struct chain_mempool_item *
chain_mempool_peel_next(struct chain_mempool_peel *p);
bool chain_mempool_peel_taken(const struct chain_mempool_peel *p,
			      const struct chain_mempool_item *item);
void chain_mempool_peel_take(struct chain_mempool_peel *p,
			     struct chain_mempool_item *item);
void chain_mempool_peel_pass(struct chain_mempool_peel *p,
			     struct chain_mempool_item *item);
/* @part was taken, and it is in the package of @item. */
void chain_mempool_peel_shrink(struct chain_mempool_peel *p,
			       struct chain_mempool_item *item,
			       const struct chain_mempool_item *part);

/* Ancestors or descendants without @item. Returns how many, or
 * CHAIN_MEMPOOL_CHAIN_MAX where there would be as many or more (a newcomer
 * only). */
uint32_t
chain_mempool_up(struct chain_mempool_item *out[static CHAIN_MEMPOOL_CHAIN_MAX],
		 struct chain_mempool *m,
		 const struct chain_mempool_item *item);
uint32_t chain_mempool_down(
	struct chain_mempool_item *out[static CHAIN_MEMPOOL_CHAIN_MAX],
	struct chain_mempool *m, const struct chain_mempool_item *item);

/* Ancestors first; equal ones by txid. */
void chain_mempool_sort(struct chain_mempool_item **item, uint32_t count);

/* The item's own fee, with delta. */
static inline int64_t chain_mempool_fee(const struct chain_mempool_item *item)
{
	return item->pub.fee.units + item->pub.delta;
}

/* Links the inputs of a newcomer whose other fields are set; on refusal
 * nothing is linked. */
enum chain_mempool_verdict
chain_mempool_link_inputs(struct chain_mempool *m,
			  struct chain_mempool_item *item,
			  const struct chain_tx_view *tx);
void chain_mempool_unlink_inputs(struct chain_mempool *m,
				 struct chain_mempool_item *item);
/* Checks the limits on chains and joins tables, trees and sums. */
enum chain_mempool_verdict chain_mempool_enter(struct chain_mempool *m,
					       struct chain_mempool_item *item);
/* Undoes both of the above and returns the item to the free ones. It has no
 * parents or no children in the pool. */
void chain_mempool_leave(struct chain_mempool *m,
			 struct chain_mempool_item *item);
/* Removes @item and its descendants. Returns how many went. */
uint32_t chain_mempool_leave_down(struct chain_mempool *m,
				  struct chain_mempool_item *item);

/* Gives @item another delta. */
void chain_mempool_set_delta(struct chain_mempool *m,
			     struct chain_mempool_item *item, int64_t delta);

/* Removes the worst packages until usage is within the limit; in a @trial
 * they stay. False, and nothing removed: @newcomer would have to go. */
bool chain_mempool_make_room(struct chain_mempool *m,
			     const struct chain_mempool_item *newcomer,
			     bool trial);

/* The note on @txid; NULL when there is none. */
const struct chain_mempool_note *
chain_mempool_note_find(const struct chain_mempool *m,
			const struct base_hash *txid);
void chain_mempool_note_forget(struct chain_mempool *m,
			       const struct base_hash *txid);
/* Puts a note as it was dumped. 0 or -ENOSPC. */
BASE_MUST_CHECK int
chain_mempool_note_restore(struct chain_mempool *m,
			   const struct chain_mempool_note *note);
/* The pinned note that comes after @pin_order; NULL after the last. */
const struct chain_mempool_note *
chain_mempool_note_next_pin(const struct chain_mempool *m, uint64_t pin_order);

#endif
