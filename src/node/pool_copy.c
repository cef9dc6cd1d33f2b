/* SPDX-License-Identifier: MIT */
#include "node/pool_copy.h"

#include <errno.h>
#include <stdlib.h>

#define HEAD_SIZE (32 + 4 + 4)

_Static_assert(NODE_POOL_PAGE_BYTES >= HEAD_SIZE + CHAIN_MEMPOOL_WEIGHT_MAX,
	       "every transaction fits in a page");

struct page {
	struct node_ask ask;
	struct base_hash at; /* looked at last, and its sequence */
	uint64_t at_sequence;
	uint64_t time_s; /* copied last: all behind it are new */
	uint64_t sequence;
	struct base_writer out;
	uint64_t fee_rate;
	bool done;
};

static bool is_new(const struct page *p, const struct chain_mempool_entry *e)
{
	return e->time_s != p->time_s ? e->time_s > p->time_s
				      : e->sequence > p->sequence;
}

static void copy_entry(struct page *p, const struct chain_mempool_entry *e)
{
	base_write_bytes(&p->out, e->txid.b, sizeof(e->txid.b));
	base_write_le32(&p->out, e->ancestors.count);
	base_write_le32(&p->out, e->len);
	base_write_bytes(&p->out, e->data, e->len);
	p->time_s = e->time_s;
	p->sequence = e->sequence;
}

/* Goes on behind the entry looked at last or, where that has left, from the
 * start, past what was copied already. */
static bool fill_page(struct node_ask *ask, struct node_txpool *pool)
{
	struct page *p = (struct page *)ask;
	const struct chain_mempool *m = node_txpool_mempool(pool);
	const struct chain_mempool_entry *e = chain_mempool_find(m, &p->at);
	struct chain_mempool_totals totals;

	chain_mempool_totals(&totals, m);
	p->fee_rate = totals.min_fee_kvb;
	if (e && e->sequence == p->at_sequence)
		e = chain_mempool_next(e, CHAIN_MEMPOOL_BY_TIME);
	else
		e = chain_mempool_first(m, CHAIN_MEMPOOL_BY_TIME);
	for (int i = 0; e && i < NODE_POOL_PAGE_STEPS; i++) {
		if (p->out.cap - p->out.len < HEAD_SIZE + e->len)
			break;
		if (is_new(p, e))
			copy_entry(p, e);
		p->at = e->txid;
		p->at_sequence = e->sequence;
		e = chain_mempool_next(e, CHAIN_MEMPOOL_BY_TIME);
	}
	p->done = !e;
	return true;
}

static int make_room(struct node_pool_copy *c)
{
	uint8_t *data;

	if (c->cap - c->len >= NODE_POOL_PAGE_BYTES)
		return 0;
	data = realloc(c->data, c->cap + c->cap / 2 + NODE_POOL_PAGE_BYTES);
	if (!data)
		return -ENOMEM;
	c->data = data;
	c->cap += c->cap / 2 + NODE_POOL_PAGE_BYTES;
	return 0;
}

int node_pool_copy(struct node_pool_copy *out, struct node_asks *asks,
		   const struct node_wake *asker)
{
	struct node_pool_copy c = {.fee_rate = CHAIN_MEMPOOL_RELAY_FEE};
	struct page p = {.ask.run = fill_page, .done = !asks};
	int rc = 0;

	while (rc == 0 && !p.done) {
		rc = make_room(&c);
		if (rc < 0)
			break;
		p.out = base_writer_init(c.data + c.len, NODE_POOL_PAGE_BYTES);
		rc = node_ask(asks, &p.ask, asker);
		if (rc < 0)
			break;
		c.len += p.out.len;
		c.fee_rate = (int64_t)p.fee_rate;
	}
	if (rc < 0)
		node_pool_copy_free(&c);
	else
		*out = c;
	return rc;
}

void node_pool_copy_free(struct node_pool_copy *c)
{
	free(c->data);
	*c = (struct node_pool_copy){0};
}

bool node_pool_copy_next(struct node_pool_record *out,
			 const struct node_pool_copy *c, size_t *at)
{
	struct base_reader r = base_reader_init(c->data + *at, c->len - *at);

	if (*at == c->len)
		return false;
	base_read_hash(&out->txid, &r);
	out->ancestors = base_read_le32(&r);
	out->len = base_read_le32(&r);
	out->data = base_read_bytes(&r, out->len);
	*at = c->len - base_reader_left(&r);
	return base_reader_ok(&r);
}
