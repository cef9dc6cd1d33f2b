/* SPDX-License-Identifier: MIT */
#include "base/assert.h"
#include "chain/mempool_internal.h"

void chain_mempool_table_init(struct chain_mempool_table *t,
			      struct chain_mempool_node **memory, size_t heads)
{
	BASE_ASSERT(heads > 0 && (heads & (heads - 1)) == 0);
	memset(memory, 0, heads * sizeof(*memory));
	t->head = memory;
	t->mask = heads - 1;
}

void chain_mempool_table_put(struct chain_mempool_table *t,
			     struct chain_mempool_node *node, uint64_t hash)
{
	struct chain_mempool_node **head = &t->head[hash & t->mask];

	node->hash = hash;
	node->next = *head;
	*head = node;
}

void chain_mempool_table_drop(struct chain_mempool_table *t,
			      struct chain_mempool_node *node)
{
	struct chain_mempool_node **at = &t->head[node->hash & t->mask];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
}

static struct chain_mempool_node *skip_to(struct chain_mempool_node *node,
					  uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct chain_mempool_node *
chain_mempool_table_first(const struct chain_mempool_table *t, uint64_t hash)
{
	return skip_to(t->head[hash & t->mask], hash);
}

struct chain_mempool_node *
chain_mempool_table_next(struct chain_mempool_node *node)
{
	return skip_to(node->next, node->hash);
}

size_t chain_mempool_record_size(size_t len)
{
	return sizeof(struct chain_mempool_record) + ((len + 7) & ~(size_t)7);
}

static struct chain_mempool_record *record_at(const struct chain_mempool_log *l,
					      size_t at)
{
	return (struct chain_mempool_record *)(void *)(l->base + at);
}

static const uint8_t *body_of(const struct chain_mempool_record *record)
{
	return (const uint8_t *)(record + 1);
}

static void compact(struct chain_mempool_log *log)
{
	size_t to = 0;

	for (size_t at = 0; at < log->head;) {
		struct chain_mempool_record *from = record_at(log, at);
		size_t size = from->size;

		if (from->owner) {
			memmove(log->base + to, from, size);
			from = record_at(log, to);
			from->owner->pub.data = body_of(from);
			to += size;
		}
		at += size;
	}
	log->head = to;
	BASE_ASSERT(log->head == log->live);
}

void chain_mempool_log_put(struct chain_mempool_log *log,
			   struct chain_mempool_item *item, const uint8_t *data,
			   size_t len)
{
	size_t size = chain_mempool_record_size(len);
	struct chain_mempool_record *record;

	if (size > log->cap - log->head)
		compact(log);
	BASE_ASSERT(size <= log->cap - log->head);
	record = record_at(log, log->head);
	record->owner = item;
	record->size = size;
	memcpy(record + 1, data, len);
	item->pub.data = body_of(record);
	log->head += size;
	log->live += size;
}

void chain_mempool_log_drop(struct chain_mempool_log *log,
			    struct chain_mempool_item *item)
{
	size_t at = (size_t)(item->pub.data - log->base);
	struct chain_mempool_record *record =
		record_at(log, at - sizeof(struct chain_mempool_record));

	BASE_ASSERT(record->owner == item);
	record->owner = NULL;
	log->live -= record->size;
	item->pub.data = NULL;
}
