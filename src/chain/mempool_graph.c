/* SPDX-License-Identifier: MIT */
#include "base/assert.h"
#include "chain/mempool_internal.h"

typedef struct chain_mempool_item item_t;
typedef struct chain_mempool_spend spend_t;

/* Adds @item to the walk unless it was seen. False: no place is left. */
static bool visit(item_t **out, uint32_t *count, const struct chain_mempool *m,
		  item_t *item)
{
	if (!item || item->seen == m->walk)
		return true;
	if (*count == CHAIN_MEMPOOL_CHAIN_MAX - 1)
		return false;
	item->seen = m->walk;
	out[(*count)++] = item;
	return true;
}

uint32_t chain_mempool_up(item_t *out[static CHAIN_MEMPOOL_CHAIN_MAX],
			  struct chain_mempool *m, const item_t *item)
{
	uint32_t count = 0;
	uint32_t done = 0;

	m->walk++;
	for (;;) {
		for (spend_t *s = item->inputs; s; s = s->next_input)
			if (!visit(out, &count, m, s->parent))
				return CHAIN_MEMPOOL_CHAIN_MAX;
		if (done == count)
			return count;
		item = out[done++];
	}
}

uint32_t chain_mempool_down(item_t *out[static CHAIN_MEMPOOL_CHAIN_MAX],
			    struct chain_mempool *m, const item_t *item)
{
	uint32_t count = 0;
	uint32_t done = 0;

	m->walk++;
	for (;;) {
		for (spend_t *s = item->spent; s; s = s->next_of_parent)
			if (!visit(out, &count, m, s->spender))
				return CHAIN_MEMPOOL_CHAIN_MAX;
		if (done == count)
			return count;
		item = out[done++];
	}
}

static bool sorts_before(const item_t *a, const item_t *b)
{
	if (a->pub.ancestors.count != b->pub.ancestors.count)
		return a->pub.ancestors.count < b->pub.ancestors.count;
	return memcmp(a->pub.txid.b, b->pub.txid.b, sizeof(a->pub.txid.b)) < 0;
}

void chain_mempool_sort(item_t **item, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		item_t *x = item[i];
		uint32_t k = i;

		for (; k > 0 && sorts_before(x, item[k - 1]); k--)
			item[k] = item[k - 1];
		item[k] = x;
	}
}

static uint64_t hash_outpoint(const struct chain_mempool *m,
			      const struct base_hash *txid, uint32_t index)
{
	uint8_t bytes[36];

	memcpy(bytes, txid->b, 32);
	base_store_le32(bytes + 32, index);
	return chain_siphash(&m->key, bytes, sizeof(bytes));
}

spend_t *chain_mempool_spend_find(const struct chain_mempool *m,
				  const struct base_hash *txid, uint32_t index)
{
	uint64_t hash = hash_outpoint(m, txid, index);
	struct chain_mempool_node *n;

	for (n = chain_mempool_table_first(&m->spends, hash); n;
	     n = chain_mempool_table_next(n)) {
		spend_t *s = CHAIN_MEMPOOL_CONTAINER(n, spend_t, node);

		if (s->prev_index == index &&
		    base_hash_equal(&s->prev_hash, txid))
			return s;
	}
	return NULL;
}

static spend_t *take_spend(struct chain_mempool *m)
{
	spend_t *s = m->free_inputs;

	if (s) {
		m->free_inputs = s->next_input;
		return s;
	}
	BASE_ASSERT(m->inputs_used < m->inputs_max);
	return &m->inputs[m->inputs_used++];
}

static void link_input(struct chain_mempool *m, item_t *item,
		       const struct chain_tx_input *in)
{
	spend_t *s = take_spend(m);
	item_t *parent = chain_mempool_item_find(m, &in->prev_hash);

	s->prev_hash = in->prev_hash;
	s->prev_index = in->prev_index;
	s->spender = item;
	s->parent = parent;
	s->next_input = item->inputs;
	item->inputs = s;
	s->prev_of_parent = NULL;
	s->next_of_parent = parent ? parent->spent : NULL;
	if (s->next_of_parent)
		s->next_of_parent->prev_of_parent = s;
	if (parent)
		parent->spent = s;
	chain_mempool_table_put(&m->spends, &s->node,
				hash_outpoint(m, &s->prev_hash, s->prev_index));
}

static void unlink_from_parent(spend_t *s)
{
	if (!s->parent)
		return;
	if (s->prev_of_parent)
		s->prev_of_parent->next_of_parent = s->next_of_parent;
	else
		s->parent->spent = s->next_of_parent;
	if (s->next_of_parent)
		s->next_of_parent->prev_of_parent = s->prev_of_parent;
	s->parent = NULL;
}

enum chain_mempool_verdict
chain_mempool_link_inputs(struct chain_mempool *m, item_t *item,
			  const struct chain_tx_view *tx)
{
	struct base_reader r = {.at = tx->inputs, .end = tx->data + tx->len};

	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;
		const spend_t *s;

		chain_tx_read_input(&in, &r);
		s = chain_mempool_spend_find(m, &in.prev_hash, in.prev_index);
		if (s) {
			chain_mempool_unlink_inputs(m, item);
			return s->spender == item ? CHAIN_MEMPOOL_DOUBLE_INPUT
						  : CHAIN_MEMPOOL_CONFLICT;
		}
		link_input(m, item, &in);
	}
	BASE_ASSERT(base_reader_ok(&r));
	return CHAIN_MEMPOOL_OK;
}

void chain_mempool_unlink_inputs(struct chain_mempool *m, item_t *item)
{
	while (item->inputs) {
		spend_t *s = item->inputs;

		item->inputs = s->next_input;
		unlink_from_parent(s);
		chain_mempool_table_drop(&m->spends, &s->node);
		s->next_input = m->free_inputs;
		m->free_inputs = s;
	}
}

static struct chain_mempool_package *package(item_t *item, unsigned by)
{
	return by == CHAIN_MEMPOOL_BY_ANCESTORS ? &item->pub.ancestors
						: &item->pub.descendants;
}

/* Adds @part to (@sign 1) or takes it from (-1) the package of @item. */
static void change(struct chain_mempool *m, unsigned by, item_t *item,
		   const item_t *part, int sign)
{
	struct chain_mempool_package *p = package(item, by);

	chain_mempool_order_drop(m, by, item);
	if (sign > 0) {
		p->count++;
		p->vsize += part->pub.vsize;
		p->fee += chain_mempool_fee(part);
	} else {
		p->count--;
		p->vsize -= part->pub.vsize;
		p->fee -= chain_mempool_fee(part);
	}
	chain_mempool_order_put(m, by, item);
}

static bool within_limits(const item_t *item, item_t *const *up, uint32_t count)
{
	uint64_t vsize = item->pub.vsize;

	if (count >= CHAIN_MEMPOOL_CHAIN_MAX)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct chain_mempool_package *d = &up[i]->pub.descendants;

		if (d->count >= CHAIN_MEMPOOL_CHAIN_MAX ||
		    (uint64_t)d->vsize + item->pub.vsize >
			    CHAIN_MEMPOOL_CHAIN_VSIZE_MAX)
			return false;
		vsize += up[i]->pub.vsize;
	}
	return vsize <= CHAIN_MEMPOOL_CHAIN_VSIZE_MAX;
}

static void sum_up(item_t *item, item_t *const *up, uint32_t count)
{
	struct chain_mempool_package self = {
		.count = 1,
		.vsize = item->pub.vsize,
		.fee = chain_mempool_fee(item),
	};

	item->pub.descendants = self;
	for (uint32_t i = 0; i < count; i++) {
		self.count++;
		self.vsize += up[i]->pub.vsize;
		self.fee += chain_mempool_fee(up[i]);
		if (item->pub.time_s < up[i]->pub.time_s)
			item->pub.time_s = up[i]->pub.time_s;
	}
	item->pub.ancestors = self;
}

enum chain_mempool_verdict chain_mempool_enter(struct chain_mempool *m,
					       item_t *item)
{
	item_t *up[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_up(up, m, item);

	if (!within_limits(item, up, count))
		return CHAIN_MEMPOOL_LONG_CHAIN;
	sum_up(item, up, count);
	for (uint32_t i = 0; i < count; i++)
		change(m, CHAIN_MEMPOOL_BY_DESCENDANTS, up[i], item, 1);
	item->priority = chain_siphash(&m->key, item->pub.txid.b, 32);
	for (unsigned by = 0; by < CHAIN_MEMPOOL_ORDERS; by++)
		chain_mempool_order_put(m, by, item);
	chain_mempool_table_put(&m->txids, &item->by_txid, item->priority);
	chain_mempool_table_put(&m->wtxids, &item->by_wtxid,
				chain_siphash(&m->key, item->pub.wtxid.b, 32));
	m->count++;
	m->vsize += item->pub.vsize;
	m->fees += item->pub.fee.units;
	m->usage += chain_mempool_cost(item->pub.len, item->pub.input_count);
	return CHAIN_MEMPOOL_OK;
}

void chain_mempool_leave(struct chain_mempool *m, item_t *item)
{
	item_t *near[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t up = chain_mempool_up(near, m, item);

	BASE_ASSERT(up == 0 || !item->spent);
	for (uint32_t i = 0; i < up; i++)
		change(m, CHAIN_MEMPOOL_BY_DESCENDANTS, near[i], item, -1);
	if (item->spent) {
		uint32_t down = chain_mempool_down(near, m, item);

		for (uint32_t i = 0; i < down; i++)
			change(m, CHAIN_MEMPOOL_BY_ANCESTORS, near[i], item,
			       -1);
	}
	while (item->spent)
		unlink_from_parent(item->spent);
	chain_mempool_unlink_inputs(m, item);
	for (unsigned by = 0; by < CHAIN_MEMPOOL_ORDERS; by++)
		chain_mempool_order_drop(m, by, item);
	chain_mempool_table_drop(&m->txids, &item->by_txid);
	chain_mempool_table_drop(&m->wtxids, &item->by_wtxid);
	if (item->pub.data)
		chain_mempool_log_drop(&m->log, item);
	m->count--;
	m->vsize -= item->pub.vsize;
	m->fees -= item->pub.fee.units;
	m->usage -= chain_mempool_cost(item->pub.len, item->pub.input_count);
	item->next = m->free_items;
	m->free_items = item;
}

uint32_t chain_mempool_leave_down(struct chain_mempool *m, item_t *item)
{
	item_t *down[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_down(down, m, item);

	chain_mempool_sort(down, count);
	for (uint32_t i = count; i > 0; i--)
		chain_mempool_leave(m, down[i - 1]);
	chain_mempool_leave(m, item);
	return count + 1;
}

static void add_fee(struct chain_mempool *m, unsigned by, item_t *item,
		    int64_t fee)
{
	chain_mempool_order_drop(m, by, item);
	package(item, by)->fee += fee;
	chain_mempool_order_put(m, by, item);
}

void chain_mempool_set_delta(struct chain_mempool *m, item_t *item,
			     int64_t delta)
{
	item_t *near[CHAIN_MEMPOOL_CHAIN_MAX];
	int64_t more = delta - item->pub.delta;
	uint32_t count;

	chain_mempool_order_drop(m, CHAIN_MEMPOOL_BY_RATE, item);
	item->pub.delta = delta;
	chain_mempool_order_put(m, CHAIN_MEMPOOL_BY_RATE, item);
	add_fee(m, CHAIN_MEMPOOL_BY_DESCENDANTS, item, more);
	count = chain_mempool_up(near, m, item);
	for (uint32_t i = 0; i < count; i++)
		add_fee(m, CHAIN_MEMPOOL_BY_DESCENDANTS, near[i], more);
	add_fee(m, CHAIN_MEMPOOL_BY_ANCESTORS, item, more);
	count = chain_mempool_down(near, m, item);
	for (uint32_t i = 0; i < count; i++)
		add_fee(m, CHAIN_MEMPOOL_BY_ANCESTORS, near[i], more);
}
