/* SPDX-License-Identifier: MIT */
#include "node/table.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#define TAKEN UINT32_C(0x80000000)
#define CAPACITY_MIN 64u

int node_table_init(struct node_table *t, size_t key_size, size_t item_size)
{
	*t = (struct node_table){.key_size = key_size, .item_size = item_size};
	if (RAND_bytes((uint8_t *)&t->hash, sizeof(t->hash)) != 1)
		return -EIO;
	return 0;
}

void node_table_free(struct node_table *t)
{
	free(t->items);
	free(t->tags);
	t->items = NULL;
	t->tags = NULL;
	t->capacity = 0;
	t->count = 0;
}

void node_table_clear(struct node_table *t)
{
	if (t->count > 0)
		memset(t->tags, 0, t->capacity * sizeof(*t->tags));
	t->count = 0;
}

static uint8_t *item_at(const struct node_table *t, uint32_t i)
{
	return t->items + (size_t)i * t->item_size;
}

static uint32_t tag_of(const struct node_table *t, const void *key)
{
	return (uint32_t)chain_siphash(&t->hash, key, t->key_size) | TAKEN;
}

/* The place of @key: where it is, or the free one where it would go. The
 * table is never full. */
static uint32_t place_of(const struct node_table *t, const void *key,
			 uint32_t tag)
{
	uint32_t i = tag & (t->capacity - 1);

	while (t->tags[i] && (t->tags[i] != tag ||
			      memcmp(item_at(t, i), key, t->key_size) != 0))
		i = (i + 1) & (t->capacity - 1);
	return i;
}

void *node_table_find(const struct node_table *t, const void *key)
{
	uint32_t i;

	if (t->count == 0)
		return NULL;
	i = place_of(t, key, tag_of(t, key));
	return t->tags[i] ? item_at(t, i) : NULL;
}

static int grow(struct node_table *t)
{
	struct node_table bigger = *t;

	bigger.capacity = t->capacity ? 2 * t->capacity : CAPACITY_MIN;
	if (bigger.capacity > NODE_TABLE_ITEMS_MAX)
		return -ENOMEM;
	bigger.items = malloc(bigger.capacity * t->item_size);
	bigger.tags = calloc(bigger.capacity, sizeof(*bigger.tags));
	if (!bigger.items || !bigger.tags) {
		free(bigger.items);
		free(bigger.tags);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < t->capacity; i++) {
		uint32_t to;

		if (!t->tags[i])
			continue;
		to = place_of(&bigger, item_at(t, i), t->tags[i]);
		bigger.tags[to] = t->tags[i];
		memcpy(item_at(&bigger, to), item_at(t, i), t->item_size);
	}
	free(t->items);
	free(t->tags);
	*t = bigger;
	return 0;
}

int node_table_put(struct node_table *t, const void *item)
{
	uint32_t tag = tag_of(t, item);
	uint32_t i;

	/* At most three quarters: short walks, and always a free place. */
	if (t->count >= t->capacity / 4 * 3) {
		int rc = grow(t);

		if (rc < 0)
			return rc;
	}
	i = place_of(t, item, tag);
	t->count += !t->tags[i];
	t->tags[i] = tag;
	memcpy(item_at(t, i), item, t->item_size);
	return 0;
}

/* Closes the gap, so that every walk from a tag's home meets its item. */
void node_table_remove(struct node_table *t, const void *key)
{
	const uint32_t mask = t->capacity - 1;
	uint32_t gap;

	if (t->count == 0)
		return;
	gap = place_of(t, key, tag_of(t, key));
	if (!t->tags[gap])
		return;
	for (uint32_t i = (gap + 1) & mask; t->tags[i]; i = (i + 1) & mask) {
		/* It may move back unless its home lies behind the gap. */
		if (((i - t->tags[i]) & mask) < ((i - gap) & mask))
			continue;
		t->tags[gap] = t->tags[i];
		memcpy(item_at(t, gap), item_at(t, i), t->item_size);
		gap = i;
	}
	t->tags[gap] = 0;
	t->count--;
}

void *node_table_next(const struct node_table *t, const void *item)
{
	uint32_t i = 0;

	if (item)
		i = 1 + (uint32_t)(((const uint8_t *)item - t->items) /
				   (ptrdiff_t)t->item_size);
	while (i < t->capacity && !t->tags[i])
		i++;
	return i < t->capacity ? item_at(t, i) : NULL;
}
