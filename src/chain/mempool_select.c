/* SPDX-License-Identifier: MIT */
/* Both choices peel: a block takes ancestor packages from the best end, and
 * room is made by taking descendant packages from the worst. */
#include "base/assert.h"
#include "chain/mempool_internal.h"

typedef struct chain_mempool_item item_t;

/* Removes from @item what was taken. Returns how many are left. */
static uint32_t keep_untaken(item_t **item, uint32_t count,
			     const struct chain_mempool_peel *p)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++)
		if (!chain_mempool_peel_taken(p, item[i]))
			item[kept++] = item[i];
	return kept;
}

struct choice {
	struct chain_mempool_peel peel;
	struct chain_mempool_selection sel;
	struct chain_mempool_room left;
	const struct chain_mempool_entry **out;
	uint32_t misses;
};

enum fit { FITS, TOO_BIG, EXCLUDED };

static enum fit check_fit(const struct choice *c, item_t *const *item,
			  uint32_t count)
{
	uint64_t bytes = 0;
	uint64_t inputs = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (item[i]->pub.excluded)
			return EXCLUDED;
		bytes += item[i]->pub.len;
		inputs += item[i]->pub.input_count;
	}
	return bytes <= c->left.bytes && inputs <= c->left.inputs &&
			       count <= c->left.txs
		       ? FITS
		       : TOO_BIG;
}

static void take_one(struct choice *c, item_t *item)
{
	item_t *down[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_down(down, c->peel.m, item);

	chain_mempool_peel_take(&c->peel, item);
	for (uint32_t i = 0; i < count; i++)
		chain_mempool_peel_shrink(&c->peel, down[i], item);
	c->out[c->sel.count++] = &item->pub;
	c->sel.bytes += item->pub.len;
	c->sel.inputs += item->pub.input_count;
	c->sel.fees.units += item->pub.fee.units;
	c->left.bytes -= item->pub.len;
	c->left.inputs -= item->pub.input_count;
	c->left.txs--;
}

static void take_package(struct choice *c, item_t *item)
{
	item_t *up[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_up(up, c->peel.m, item);
	enum fit fit;

	up[count++] = item;
	count = keep_untaken(up, count, &c->peel);
	fit = check_fit(c, up, count);
	if (fit != FITS) {
		chain_mempool_peel_pass(&c->peel, item);
		c->misses += fit == TOO_BIG;
		return;
	}
	c->misses = 0;
	chain_mempool_sort(up, count);
	for (uint32_t i = 0; i < count; i++)
		take_one(c, up[i]);
}

static bool is_full(const struct choice *c)
{
	if (c->left.inputs == 0 || c->left.txs == 0)
		return true;
	return c->misses >= CHAIN_MEMPOOL_MISSES_MAX &&
	       (c->left.bytes <= CHAIN_MEMPOOL_NEARLY_BYTES ||
		c->left.inputs <= CHAIN_MEMPOOL_NEARLY_INPUTS);
}

void chain_mempool_select(struct chain_mempool_selection *sel,
			  const struct chain_mempool_entry **out,
			  struct chain_mempool *m,
			  const struct chain_mempool_room *room)
{
	struct choice c = {.left = *room, .out = out};
	const struct chain_mempool_note *pin;
	item_t *item;

	chain_mempool_peel_begin(&c.peel, m, CHAIN_MEMPOOL_BY_ANCESTORS, false);
	for (pin = chain_mempool_note_next_pin(m, 0); pin;
	     pin = chain_mempool_note_next_pin(m, pin->pin_order)) {
		item = chain_mempool_item_find(m, &pin->txid);
		if (item && !chain_mempool_peel_taken(&c.peel, item))
			take_package(&c, item);
	}
	c.misses = 0;
	while (!is_full(&c) && (item = chain_mempool_peel_next(&c.peel)))
		take_package(&c, item);
	*sel = c.sel;
}

/* Takes what is left of the package of @item, children first, to the end of
 * the list of victims. False: @newcomer is in it. */
static bool take_victims(struct chain_mempool_peel *p, item_t ***end,
			 size_t *freed, item_t *item, const item_t *newcomer)
{
	item_t *down[CHAIN_MEMPOOL_CHAIN_MAX];
	item_t *up[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_down(down, p->m, item);

	down[count++] = item;
	count = keep_untaken(down, count, p);
	chain_mempool_sort(down, count);
	for (uint32_t i = count; i > 0; i--) {
		item_t *victim = down[i - 1];
		uint32_t ups = chain_mempool_up(up, p->m, victim);

		if (victim == newcomer)
			return false;
		chain_mempool_peel_take(p, victim);
		for (uint32_t k = 0; k < ups; k++)
			chain_mempool_peel_shrink(p, up[k], victim);
		*freed += chain_mempool_cost(victim->pub.len,
					     victim->pub.input_count);
		victim->next = NULL;
		**end = victim;
		*end = &victim->next;
	}
	return true;
}

bool chain_mempool_make_room(struct chain_mempool *m, const item_t *newcomer,
			     bool trial)
{
	struct chain_mempool_peel p;
	item_t *victims = NULL;
	item_t **end = &victims;
	size_t freed = 0;

	if (m->usage <= m->bytes_max)
		return true;
	chain_mempool_peel_begin(&p, m, CHAIN_MEMPOOL_BY_DESCENDANTS, true);
	while (m->usage - freed > m->bytes_max) {
		item_t *item = chain_mempool_peel_next(&p);

		BASE_ASSERT(item != NULL);
		if (!take_victims(&p, &end, &freed, item, newcomer))
			return false;
	}
	while (victims && !trial) {
		item_t *victim = victims;

		/* leave() reuses the link. */
		victims = victim->next;
		chain_mempool_leave(m, victim);
	}
	return true;
}
