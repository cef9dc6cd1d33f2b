/* SPDX-License-Identifier: MIT */
#include "net/idmap.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

int net_idmap_open(struct net_idmap *m, uint32_t count)
{
	memset(m, 0, sizeof(*m));
	m->node = calloc(count, sizeof(*m->node));
	m->bucket = calloc(count, sizeof(*m->bucket));
	if (!m->node || !m->bucket) {
		net_idmap_close(m);
		return -ENOMEM;
	}
	m->count = count;
	for (uint32_t i = 0; i < count; i++) {
		m->bucket[i] = NET_IDMAP_NONE;
		m->node[i].next = i + 1 < count ? i + 1 : NET_IDMAP_NONE;
	}
	return 0;
}

void net_idmap_close(struct net_idmap *m)
{
	free(m->node);
	free(m->bucket);
	memset(m, 0, sizeof(*m));
}

static uint32_t *bucket_of(const struct net_idmap *m, const struct net_key *key)
{
	return &m->bucket[(uint32_t)key->k[0] & (m->count - 1)];
}

uint32_t net_idmap_find(const struct net_idmap *m, const struct net_key *key)
{
	uint32_t i = *bucket_of(m, key);

	while (i != NET_IDMAP_NONE && (m->node[i].key.k[0] != key->k[0] ||
				       m->node[i].key.k[1] != key->k[1]))
		i = m->node[i].next;
	return i;
}

uint32_t net_idmap_add(struct net_idmap *m, const struct net_key *key)
{
	uint32_t *bucket = bucket_of(m, key);
	uint32_t i = m->free_first;

	if (i == NET_IDMAP_NONE)
		return i;
	m->free_first = m->node[i].next;
	m->node[i].key = *key;
	m->node[i].next = *bucket;
	*bucket = i;
	m->used++;
	return i;
}

void net_idmap_remove(struct net_idmap *m, uint32_t index)
{
	uint32_t *link = bucket_of(m, &m->node[index].key);

	while (*link != index) {
		BASE_ASSERT(*link != NET_IDMAP_NONE);
		link = &m->node[*link].next;
	}
	*link = m->node[index].next;
	m->node[index].next = m->free_first;
	m->free_first = index;
	m->used--;
}
