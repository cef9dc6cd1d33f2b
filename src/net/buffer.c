/* SPDX-License-Identifier: MIT */
#include "net/buffer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"

#define NONE UINT32_MAX
#define PAGE 4096u

static void sizes(uint32_t cap[static NET_SIZES], uint32_t max_block_bytes)
{
	uint32_t body = max_block_bytes + NET_FRAME_EXTRA;

	cap[NET_SMALL] = NET_SMALL_BYTES;
	cap[NET_MEDIUM] = NET_MEDIUM_BYTES;
	cap[NET_LARGE] = NET_LARGE_BYTES;
	if (body < NET_TX_BYTES_MAX)
		body = NET_TX_BYTES_MAX;
	cap[NET_BODY] = (body + PAGE - 1) / PAGE * PAGE;
}

size_t net_pool_bytes(const uint32_t count[static NET_SIZES],
		      uint32_t max_block_bytes)
{
	uint32_t cap[NET_SIZES];
	size_t sum = 0;

	sizes(cap, max_block_bytes);
	for (uint32_t i = 0; i < NET_SIZES; i++)
		sum += (size_t)cap[i] * count[i];
	return sum;
}

int net_pool_open(struct net_pool *p, uint8_t home,
		  const uint32_t count[static NET_SIZES],
		  uint32_t max_block_bytes)
{
	uint8_t *at;
	uint32_t index = 0;

	memset(p, 0, sizeof(*p));
	sizes(p->cap, max_block_bytes);
	for (uint32_t i = 0; i < NET_SIZES; i++) {
		p->count[i] = count[i];
		p->total += count[i];
		p->free_first[i] = NONE;
	}
	p->bytes = net_pool_bytes(count, max_block_bytes);
	p->item = calloc(p->total, sizeof(*p->item));
	p->memory = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!p->item || p->memory == MAP_FAILED) {
		free(p->item);
		if (p->memory != MAP_FAILED)
			(void)munmap(p->memory, p->bytes);
		memset(p, 0, sizeof(*p));
		return -ENOMEM;
	}
	at = p->memory;
	for (uint32_t i = 0; i < NET_SIZES; i++)
		for (uint32_t k = 0; k < count[i]; k++) {
			struct net_buffer *b = &p->item[index];

			b->data = at;
			b->cap = p->cap[i];
			b->index = index++;
			b->home = home;
			b->size = (uint8_t)i;
			at += p->cap[i];
		}
	/* The lowest is given first: what is never used stays untouched. */
	while (index > 0)
		net_pool_put(p, &p->item[--index]);
	p->used = 0;
	return 0;
}

void net_pool_close(struct net_pool *p)
{
	if (p->memory)
		(void)munmap(p->memory, p->bytes);
	free(p->item);
	memset(p, 0, sizeof(*p));
}

struct net_buffer *net_pool_get(struct net_pool *p, size_t len,
				uint32_t reserve)
{
	uint32_t first = 0;

	while (first < NET_SIZES && p->cap[first] < len)
		first++;
	for (uint32_t i = first; i < NET_SIZES && i <= first + 1; i++) {
		struct net_buffer *b;

		if (p->free_count[i] <= (i == NET_BODY ? reserve : 0))
			continue;
		b = &p->item[p->free_first[i]];
		p->free_first[i] = b->next;
		p->free_count[i]--;
		p->used += b->cap;
		b->len = (uint32_t)len;
		b->refs = 1;
		b->conn = -1;
		return b;
	}
	return NULL;
}

void net_pool_put(struct net_pool *p, struct net_buffer *b)
{
	BASE_ASSERT(b->index < p->total && &p->item[b->index] == b);
	b->refs = 0;
	b->next = p->free_first[b->size];
	p->free_first[b->size] = b->index;
	p->free_count[b->size]++;
	p->used -= b->cap;
}
