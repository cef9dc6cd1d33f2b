/* SPDX-License-Identifier: MIT */
/*
 * idmap.h: from keys of canonical ids to indexes of a table.
 *
 * Floor 4; pure but for the memory it is opened with.
 */
#ifndef NET_IDMAP_H
#define NET_IDMAP_H

#include "net/seen.h"

#define NET_IDMAP_NONE UINT32_MAX

struct net_idmap_node {
	struct net_key key;
	uint32_t next;
};

struct net_idmap {
	struct net_idmap_node *node;
	uint32_t *bucket;
	uint32_t count; /* nodes; a power of two */
	uint32_t free_first;
	uint32_t used;
};

/* 0 or -ENOMEM. */
BASE_MUST_CHECK int net_idmap_open(struct net_idmap *m, uint32_t count);
void net_idmap_close(struct net_idmap *m);

/* NET_IDMAP_NONE: not there. */
uint32_t net_idmap_find(const struct net_idmap *m, const struct net_key *key);
/* @key is not there. The index of its node, or NONE: full. */
uint32_t net_idmap_add(struct net_idmap *m, const struct net_key *key);
void net_idmap_remove(struct net_idmap *m, uint32_t index);

#endif
