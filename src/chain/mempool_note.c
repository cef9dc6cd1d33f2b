/* SPDX-License-Identifier: MIT */
#include "chain/mempool_internal.h"

#include <errno.h>

typedef struct chain_mempool_note note_t;

static note_t *find(const struct chain_mempool *m, const struct base_hash *txid)
{
	uint64_t hash = chain_siphash(&m->key, txid->b, 32);
	struct chain_mempool_node *n;

	for (n = chain_mempool_table_first(&m->notes, hash); n;
	     n = chain_mempool_table_next(n)) {
		note_t *note = CHAIN_MEMPOOL_CONTAINER(n, note_t, node);

		if (base_hash_equal(&note->txid, txid))
			return note;
	}
	return NULL;
}

const note_t *chain_mempool_note_find(const struct chain_mempool *m,
				      const struct base_hash *txid)
{
	return find(m, txid);
}

static void drop(struct chain_mempool *m, note_t *note)
{
	chain_mempool_table_drop(&m->notes, &note->node);
	note->used = false;
	m->note_count--;
}

static note_t *find_or_make(struct chain_mempool *m,
			    const struct base_hash *txid)
{
	note_t *note = find(m, txid);

	if (note || m->note_count == CHAIN_MEMPOOL_NOTES_MAX)
		return note;
	note = m->note;
	while (note->used)
		note++;
	*note = (note_t){.txid = *txid, .used = true};
	chain_mempool_table_put(&m->notes, &note->node,
				chain_siphash(&m->key, txid->b, 32));
	m->note_count++;
	return note;
}

/* Makes the entry, if there is one, agree with its note. */
static void apply(struct chain_mempool *m, const note_t *note)
{
	struct chain_mempool_item *item =
		chain_mempool_item_find(m, &note->txid);

	if (!item)
		return;
	item->pub.pinned = note->wish == CHAIN_MEMPOOL_PINNED;
	item->pub.excluded = note->wish == CHAIN_MEMPOOL_EXCLUDED;
	chain_mempool_set_delta(m, item, note->delta);
}

static void apply_or_drop(struct chain_mempool *m, note_t *note)
{
	apply(m, note);
	if (note->delta == 0 && note->wish == CHAIN_MEMPOOL_NO_WISH)
		drop(m, note);
}

int chain_mempool_prioritise(struct chain_mempool *m,
			     const struct base_hash *txid, int64_t delta)
{
	const note_t *old = find(m, txid);
	int64_t sum;
	note_t *note;

	if (__builtin_add_overflow(delta, old ? old->delta : 0, &sum) ||
	    sum > BASE_MAX_MONEY || sum < -BASE_MAX_MONEY)
		return -ERANGE;
	note = find_or_make(m, txid);
	if (!note)
		return -ENOSPC;
	note->delta = sum;
	apply_or_drop(m, note);
	return 0;
}

static int set_wish(struct chain_mempool *m, const struct base_hash *txid,
		    enum chain_mempool_wish wish)
{
	note_t *note = find_or_make(m, txid);

	if (!note)
		return -ENOSPC;
	if (wish == CHAIN_MEMPOOL_PINNED && note->wish != wish)
		note->pin_order = ++m->next_pin;
	note->wish = wish;
	apply_or_drop(m, note);
	return 0;
}

int chain_mempool_pin(struct chain_mempool *m, const struct base_hash *txid)
{
	return set_wish(m, txid, CHAIN_MEMPOOL_PINNED);
}

int chain_mempool_exclude(struct chain_mempool *m, const struct base_hash *txid)
{
	return set_wish(m, txid, CHAIN_MEMPOOL_EXCLUDED);
}

void chain_mempool_unmark(struct chain_mempool *m, const struct base_hash *txid)
{
	note_t *note = find(m, txid);

	if (!note)
		return;
	note->wish = CHAIN_MEMPOOL_NO_WISH;
	apply_or_drop(m, note);
}

void chain_mempool_note_forget(struct chain_mempool *m,
			       const struct base_hash *txid)
{
	note_t *note = find(m, txid);

	if (note)
		drop(m, note);
}

int chain_mempool_note_restore(struct chain_mempool *m, const note_t *from)
{
	note_t *note = find_or_make(m, &from->txid);

	if (!note)
		return -ENOSPC;
	note->delta = from->delta;
	note->wish = from->wish;
	note->pin_order = from->pin_order;
	if (from->pin_order > m->next_pin)
		m->next_pin = from->pin_order;
	apply_or_drop(m, note);
	return 0;
}

const note_t *chain_mempool_note_next_pin(const struct chain_mempool *m,
					  uint64_t pin_order)
{
	const note_t *best = NULL;

	for (uint32_t i = 0; i < CHAIN_MEMPOOL_NOTES_MAX; i++) {
		const note_t *note = &m->note[i];

		if (!note->used || note->wish != CHAIN_MEMPOOL_PINNED ||
		    note->pin_order <= pin_order)
			continue;
		if (!best || note->pin_order < best->pin_order)
			best = note;
	}
	return best;
}
