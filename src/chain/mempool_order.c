/* SPDX-License-Identifier: MIT */
/* Treaps: Seidel and Aragon, "Randomized search trees", 1996. The priorities
 * come from the secret key, so nobody outside can unbalance one, and no order
 * depends on them. */
#include "base/assert.h"
#include "chain/mempool_internal.h"

typedef struct chain_mempool_item item_t;
__extension__ typedef __int128 i128;

static int compare_rates(int64_t fee_a, uint32_t vsize_a, int64_t fee_b,
			 uint32_t vsize_b)
{
	i128 a = (i128)fee_a * vsize_b;
	i128 b = (i128)fee_b * vsize_a;

	return a > b ? -1 : a < b;
}

static int compare_packages(const struct chain_mempool_package *a,
			    const item_t *item_a,
			    const struct chain_mempool_package *b,
			    const item_t *item_b)
{
	int c = compare_rates(a->fee, a->vsize, b->fee, b->vsize);

	return c != 0 ? c
		      : memcmp(item_a->pub.txid.b, item_b->pub.txid.b,
			       sizeof(item_a->pub.txid.b));
}

static struct chain_mempool_package package_of(const item_t *item, unsigned by)
{
	switch (by) {
	case CHAIN_MEMPOOL_BY_ANCESTORS:
		return item->pub.ancestors;
	case CHAIN_MEMPOOL_BY_DESCENDANTS:
		return item->pub.descendants;
	case CHAIN_MEMPOOL_BY_PEEL:
		return item->rest;
	default:
		BASE_ASSERT(by == CHAIN_MEMPOOL_BY_RATE);
		return (struct chain_mempool_package){
			.count = 1,
			.vsize = item->pub.vsize,
			.fee = chain_mempool_fee(item),
		};
	}
}

static bool before(const item_t *a, const item_t *b, unsigned by)
{
	struct chain_mempool_package pa, pb;

	if (by == CHAIN_MEMPOOL_BY_TIME) {
		if (a->pub.time_s != b->pub.time_s)
			return a->pub.time_s < b->pub.time_s;
		return a->pub.sequence < b->pub.sequence;
	}
	pa = package_of(a, by);
	pb = package_of(b, by);
	return compare_packages(&pa, a, &pb, b) < 0;
}

/* The pointer that points at @item: its parent's, or the root. */
static item_t **place_of(struct chain_mempool *m, unsigned by, item_t *item)
{
	item_t *up = item->tree[by].up;

	if (!up)
		return &m->root[by];
	return up->tree[by].left == item ? &up->tree[by].left
					 : &up->tree[by].right;
}

static void rotate_up(struct chain_mempool *m, unsigned by, item_t *item)
{
	item_t *down = item->tree[by].up;
	item_t **place = place_of(m, by, down);
	item_t *inner;

	if (down->tree[by].left == item) {
		inner = item->tree[by].right;
		down->tree[by].left = inner;
		item->tree[by].right = down;
	} else {
		inner = item->tree[by].left;
		down->tree[by].right = inner;
		item->tree[by].left = down;
	}
	if (inner)
		inner->tree[by].up = down;
	item->tree[by].up = down->tree[by].up;
	down->tree[by].up = item;
	*place = item;
}

void chain_mempool_order_put(struct chain_mempool *m, unsigned by, item_t *item)
{
	item_t **at = &m->root[by];
	item_t *up = NULL;

	while (*at) {
		up = *at;
		at = before(item, up, by) ? &up->tree[by].left
					  : &up->tree[by].right;
	}
	*at = item;
	item->tree[by] = (struct chain_mempool_links){.up = up};
	while (item->tree[by].up &&
	       item->tree[by].up->priority < item->priority)
		rotate_up(m, by, item);
}

void chain_mempool_order_drop(struct chain_mempool *m, unsigned by,
			      item_t *item)
{
	struct chain_mempool_links *links = &item->tree[by];

	while (links->left || links->right) {
		bool left = !links->right ||
			    (links->left &&
			     links->left->priority > links->right->priority);

		rotate_up(m, by, left ? links->left : links->right);
	}
	*place_of(m, by, item) = NULL;
}

static item_t *leftmost(item_t *item, unsigned by)
{
	while (item && item->tree[by].left)
		item = item->tree[by].left;
	return item;
}

static item_t *rightmost(item_t *item, unsigned by)
{
	while (item && item->tree[by].right)
		item = item->tree[by].right;
	return item;
}

item_t *chain_mempool_order_first(const struct chain_mempool *m, unsigned by)
{
	return leftmost(m->root[by], by);
}

item_t *chain_mempool_order_last(const struct chain_mempool *m, unsigned by)
{
	return rightmost(m->root[by], by);
}

item_t *chain_mempool_order_next(const item_t *item, unsigned by)
{
	item_t *up = item->tree[by].up;

	if (item->tree[by].right)
		return leftmost(item->tree[by].right, by);
	while (up && up->tree[by].right == item) {
		item = up;
		up = item->tree[by].up;
	}
	return up;
}

item_t *chain_mempool_order_prev(const item_t *item, unsigned by)
{
	item_t *up = item->tree[by].up;

	if (item->tree[by].left)
		return rightmost(item->tree[by].left, by);
	while (up && up->tree[by].left == item) {
		item = up;
		up = item->tree[by].up;
	}
	return up;
}

static item_t *end_of(const struct chain_mempool_peel *p, unsigned by)
{
	return p->worst ? chain_mempool_order_last(p->m, by)
			: chain_mempool_order_first(p->m, by);
}

void chain_mempool_peel_begin(struct chain_mempool_peel *p,
			      struct chain_mempool *m,
			      enum chain_mempool_order by, bool worst)
{
	m->peel++;
	m->root[CHAIN_MEMPOOL_BY_PEEL] = NULL;
	p->m = m;
	p->by = by;
	p->worst = worst;
	p->at = end_of(p, by);
}

static enum chain_mempool_peel_state
state_of(const struct chain_mempool_peel *p, const item_t *item)
{
	return item->peeled == p->m->peel ? item->state : CHAIN_MEMPOOL_FRESH;
}

static void set_state(struct chain_mempool_peel *p, item_t *item,
		      enum chain_mempool_peel_state state)
{
	if (state_of(p, item) == CHAIN_MEMPOOL_CHANGED)
		chain_mempool_order_drop(p->m, CHAIN_MEMPOOL_BY_PEEL, item);
	item->peeled = p->m->peel;
	item->state = state;
}

item_t *chain_mempool_peel_next(struct chain_mempool_peel *p)
{
	item_t *changed = end_of(p, CHAIN_MEMPOOL_BY_PEEL);
	struct chain_mempool_package fresh;
	bool first;

	while (p->at && state_of(p, p->at) != CHAIN_MEMPOOL_FRESH)
		p->at = p->worst ? chain_mempool_order_prev(p->at, p->by)
				 : chain_mempool_order_next(p->at, p->by);
	if (!p->at || !changed)
		return p->at ? p->at : changed;
	fresh = package_of(p->at, p->by);
	first = compare_packages(&changed->rest, changed, &fresh, p->at) < 0;
	return first != p->worst ? changed : p->at;
}

bool chain_mempool_peel_taken(const struct chain_mempool_peel *p,
			      const item_t *item)
{
	return state_of(p, item) == CHAIN_MEMPOOL_TAKEN;
}

void chain_mempool_peel_take(struct chain_mempool_peel *p, item_t *item)
{
	set_state(p, item, CHAIN_MEMPOOL_TAKEN);
}

void chain_mempool_peel_pass(struct chain_mempool_peel *p, item_t *item)
{
	set_state(p, item, CHAIN_MEMPOOL_PASSED);
}

void chain_mempool_peel_shrink(struct chain_mempool_peel *p, item_t *item,
			       const item_t *part)
{
	enum chain_mempool_peel_state state = state_of(p, item);
	struct chain_mempool_package rest;

	/* What was passed did not fit; its rest does not fit either, for the
	 * room shrinks by as much. */
	if (state == CHAIN_MEMPOOL_TAKEN || state == CHAIN_MEMPOOL_PASSED)
		return;
	rest = state == CHAIN_MEMPOOL_FRESH ? package_of(item, p->by)
					    : item->rest;
	rest.count--;
	rest.vsize -= part->pub.vsize;
	rest.fee -= chain_mempool_fee(part);
	set_state(p, item, CHAIN_MEMPOOL_CHANGED);
	item->rest = rest;
	chain_mempool_order_put(p->m, CHAIN_MEMPOOL_BY_PEEL, item);
}
