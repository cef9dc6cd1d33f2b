/* SPDX-License-Identifier: MIT */
#include "net/seen.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/assert.h"

_Static_assert((NET_SEEN_SLOTS & (NET_SEEN_SLOTS - 1)) == 0, "a mask");

struct net_key net_key_of(const struct net_keyer *k,
			  const uint8_t id[static 32])
{
	struct net_key out;

	out.k[0] = chain_siphash(&k->key[0], id, 32);
	/* All zero is a free slot. */
	out.k[1] = chain_siphash(&k->key[1], id, 32) | 1;
	return out;
}

static size_t bytes_of(const struct net_seen *s)
{
	return (size_t)s->slots * sizeof(struct net_seen_entry);
}

int net_seen_open(struct net_seen *s, uint32_t slots, uint64_t now_ms)
{
	memset(s, 0, sizeof(*s));
	s->slots = slots;
	s->since_ms = now_ms;
	for (uint32_t i = 0; i < 2; i++) {
		void *p = mmap(NULL, bytes_of(s), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			       0);

		if (p == MAP_FAILED) {
			net_seen_close(s);
			return -ENOMEM;
		}
		s->generation[i] = p;
	}
	return 0;
}

void net_seen_close(struct net_seen *s)
{
	for (uint32_t i = 0; i < 2; i++)
		if (s->generation[i])
			(void)munmap(s->generation[i], bytes_of(s));
	memset(s, 0, sizeof(*s));
}

/* The slot of @key, or the free one where it belongs. A generation is never
 * more than half full, so there is one. */
static struct net_seen_entry *
probe(const struct net_seen *s, uint32_t generation, const struct net_key *key)
{
	struct net_seen_entry *table = s->generation[generation];
	uint32_t at = (uint32_t)key->k[0] & (s->slots - 1);

	for (uint32_t i = 0; i < s->slots; i++) {
		struct net_seen_entry *e = &table[(at + i) & (s->slots - 1)];

		if (e->key.k[1] == 0 ||
		    (e->key.k[0] == key->k[0] && e->key.k[1] == key->k[1]))
			return e;
	}
	BASE_ASSERT(false);
	return NULL;
}

struct net_seen_entry *net_seen_find(struct net_seen *s,
				     const struct net_key *key)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct net_seen_entry *e = probe(s, s->current ^ i, key);

		if (e->key.k[1] != 0)
			return e;
	}
	return NULL;
}

static void swap(struct net_seen *s, uint64_t now_ms)
{
	s->current ^= 1;
	/* Gives the pages back: zeros again when they are touched. */
	if (madvise(s->generation[s->current], bytes_of(s), MADV_DONTNEED) != 0)
		memset(s->generation[s->current], 0, bytes_of(s));
	s->used = 0;
	s->since_ms = now_ms;
}

struct net_seen_entry *net_seen_add(struct net_seen *s,
				    const struct net_key *key, uint64_t now_ms)
{
	struct net_seen_entry *e = net_seen_find(s, key);

	if (e)
		return e;
	if (s->used >= s->slots / 2 || now_ms - s->since_ms >= NET_SEEN_MS)
		swap(s, now_ms);
	e = probe(s, s->current, key);
	e->key = *key;
	s->used++;
	return e;
}

void net_seen_forget(struct net_seen *s, uint32_t slot)
{
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t k = 0; k < s->slots; k++) {
			struct ds_peers *has = &s->generation[i][k].has;

			/* Pages nobody wrote to stay untouched. */
			if (net_set_has(has, slot))
				net_set_remove(has, slot);
		}
}
