/* SPDX-License-Identifier: MIT */
/*
 * table.h: a hash table of structs that begin with their key.
 *
 * Floor 5. One thread. Open addressing with a keyed hash, so that who chooses
 * the keys cannot make it slow. A pointer to an item holds until the next
 * add or remove.
 */
#ifndef NODE_TABLE_H
#define NODE_TABLE_H

#include "chain/siphash.h"

#define NODE_TABLE_ITEMS_MAX (UINT32_C(1) << 30)

struct node_table {
	size_t key_size;
	size_t item_size;
	struct chain_siphash_key hash;
	uint8_t *items;	   /* capacity times item_size */
	uint32_t *tags;	   /* 0: free; else the hash with its top bit set */
	uint32_t capacity; /* 0 or a power of two */
	uint32_t count;
};

/* Empty, without memory. The first @key_size bytes of an item are its key.
 * 0; -EIO: no randomness. */
BASE_MUST_CHECK int node_table_init(struct node_table *t, size_t key_size,
				    size_t item_size);
void node_table_free(struct node_table *t);

/* Empties it and keeps the memory. */
void node_table_clear(struct node_table *t);

/* The item; NULL: there is none. */
void *node_table_find(const struct node_table *t, const void *key);

/* The item with the key of @item, whole from @item; one that was there is
 * replaced. 0; -ENOMEM: nothing changed. */
BASE_MUST_CHECK int node_table_put(struct node_table *t, const void *item);

/* What is not there is no harm. */
void node_table_remove(struct node_table *t, const void *key);

/* Walks all in no particular order: from NULL to NULL. */
void *node_table_next(const struct node_table *t, const void *item);

#endif
