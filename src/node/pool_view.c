/* SPDX-License-Identifier: MIT */
#include "node/pool_view.h"

#include <errno.h>
#include <stdlib.h>

#include "chain/script.h"
#include "node/txpool.h"

typedef const struct chain_mempool_entry entry_t;

static int send(const struct node_pool_view *v, struct node_ask *ask)
{
	return node_ask(v->asks, ask, v->asker);
}

struct totals_ask {
	struct node_ask ask;
	struct chain_mempool_totals totals;
};

static bool run_totals(struct node_ask *ask, struct node_txpool *pool)
{
	struct totals_ask *a = (struct totals_ask *)ask;

	chain_mempool_totals(&a->totals, node_txpool_mempool(pool));
	return true;
}

int node_pool_totals(struct chain_mempool_totals *out,
		     const struct node_pool_view *v)
{
	struct totals_ask a = {.ask.run = run_totals};
	int rc = send(v, &a.ask);

	if (rc == 0)
		*out = a.totals;
	return rc;
}

static void add_relative(struct node_pool_relatives *r, entry_t *e)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (base_hash_equal(&r->txid[i], &e->txid))
			return;
	if (r->count < BASE_COUNT(r->txid))
		r->txid[r->count++] = e->txid;
}

/* Those whose outputs @e spends, and those that spend its own. Returns the
 * inputs and outputs looked at: none where @e stands alone. */
static uint32_t copy_entry(struct node_pool_entry *out,
			   const struct chain_mempool *m, entry_t *e)
{
	struct base_reader r = base_reader_init(e->data, e->len);
	struct chain_tx_view tx;
	uint32_t looks = 0;

	out->entry = *e;
	out->entry.data = NULL;
	out->parents.count = 0;
	out->children.count = 0;
	if (e->ancestors.count > 1 && chain_tx_parse(&tx, &r) == 0) {
		r = base_reader_init(tx.inputs,
				     (size_t)(tx.outputs - tx.inputs));
		for (; looks < e->input_count; looks++) {
			struct chain_tx_input in;
			entry_t *parent;

			chain_tx_read_input(&in, &r);
			parent = chain_mempool_find(m, &in.prev_hash);
			if (parent)
				add_relative(&out->parents, parent);
		}
	}
	if (e->descendants.count > 1) {
		looks += e->output_count;
		for (uint32_t i = 0; i < e->output_count; i++) {
			entry_t *child = chain_mempool_spender(m, &e->txid, i);

			if (child)
				add_relative(&out->children, child);
		}
	}
	return looks;
}

struct entry_ask {
	struct node_ask ask;
	const struct base_hash *txid;
	struct node_pool_entry *out;
	bool found;
};

static bool run_entry(struct node_ask *ask, struct node_txpool *pool)
{
	struct entry_ask *a = (struct entry_ask *)ask;
	const struct chain_mempool *m = node_txpool_mempool(pool);
	entry_t *e = chain_mempool_find(m, a->txid);

	a->found = e != NULL;
	if (e)
		(void)copy_entry(a->out, m, e);
	return true;
}

int node_pool_entry(struct node_pool_entry *out, const struct node_pool_view *v,
		    const struct base_hash *txid)
{
	struct entry_ask a = {.ask.run = run_entry, .txid = txid, .out = out};
	int rc = send(v, &a.ask);

	return rc == 0 && !a.found ? -ENOENT : rc;
}

struct family_ask {
	struct node_ask ask;
	const struct base_hash *txid;
	bool descendants;
	struct node_pool_entry *out;
	uint32_t count;
	bool found;
};

/* The limits on chains bound the virtual bytes, and so the looks, of all of
 * a family together. */
static bool run_family(struct node_ask *ask, struct node_txpool *pool)
{
	struct family_ask *a = (struct family_ask *)ask;
	entry_t *member[CHAIN_MEMPOOL_CHAIN_MAX];
	struct chain_mempool *m = node_txpool_mempool(pool);
	entry_t *e = chain_mempool_find(m, a->txid);

	a->found = e != NULL;
	if (e)
		a->count = a->descendants
				   ? chain_mempool_descendants(member, m, e)
				   : chain_mempool_ancestors(member, m, e);
	for (uint32_t i = 0; i < a->count; i++)
		(void)copy_entry(&a->out[i], m, member[i]);
	return true;
}

int node_pool_family(struct node_pool_entry out[static CHAIN_MEMPOOL_CHAIN_MAX],
		     uint32_t *count, const struct node_pool_view *v,
		     const struct base_hash *txid, bool descendants)
{
	struct family_ask a = {.ask.run = run_family,
			       .txid = txid,
			       .descendants = descendants,
			       .out = out};
	int rc = send(v, &a.ask);

	if (rc == 0 && !a.found)
		rc = -ENOENT;
	if (rc == 0)
		*count = a.count;
	return rc;
}

struct tx_ask {
	struct node_ask ask;
	const struct base_hash *txid;
	uint8_t *data;
	size_t len; /* 0: not there */
	struct base_amount fee;
};

static bool run_tx(struct node_ask *ask, struct node_txpool *pool)
{
	struct tx_ask *a = (struct tx_ask *)ask;
	entry_t *e = chain_mempool_find(node_txpool_mempool(pool), a->txid);

	if (e) {
		memcpy(a->data, e->data, e->len);
		a->len = e->len;
		a->fee = e->fee;
	}
	return true;
}

int node_pool_tx(uint8_t *data, size_t *len, struct base_amount *fee,
		 const struct node_pool_view *v, const struct base_hash *txid)
{
	struct tx_ask a = {.ask.run = run_tx, .txid = txid, .data = data};
	int rc = send(v, &a.ask);

	if (rc == 0 && a.len == 0)
		rc = -ENOENT;
	if (rc == 0) {
		*len = a.len;
		*fee = a.fee;
	}
	return rc;
}

struct coin_ask {
	struct node_ask ask;
	const struct chain_outpoint *at;
	struct node_pool_coin coin;
};

static bool run_coin(struct node_ask *ask, struct node_txpool *pool)
{
	struct coin_ask *a = (struct coin_ask *)ask;
	const struct chain_mempool *m = node_txpool_mempool(pool);
	struct node_pool_coin *c = &a->coin;
	struct chain_tx_output o;

	c->spent = chain_mempool_spender(m, &a->at->txid, a->at->index);
	if (chain_mempool_coin(&o, m, &a->at->txid, a->at->index) &&
	    chain_script_kind(o.script, o.script_len) == CHAIN_SCRIPT_P2TR) {
		c->made = true;
		c->amount = o.amount;
		memcpy(c->key, o.script + CHAIN_P2TR_KEY_AT, CHAIN_KEY_SIZE);
	}
	return true;
}

int node_pool_coin(struct node_pool_coin *out, const struct node_pool_view *v,
		   const struct chain_outpoint *at)
{
	struct coin_ask a = {.ask.run = run_coin, .at = at};
	int rc = send(v, &a.ask);

	if (rc == 0)
		*out = a.coin;
	return rc;
}

struct page_id {
	struct base_hash txid;
	uint64_t sequence;
};

/* A place in the order by time. */
struct place {
	uint64_t time_s;
	uint64_t sequence; /* from 1 up */
};

static bool is_behind(entry_t *e, const struct place *p)
{
	if (e->time_s != p->time_s)
		return e->time_s > p->time_s;
	return e->sequence > p->sequence;
}

/* A piece of the walk by time. It goes on behind the entry where the piece
 * before ended, or, where that has left, finds its way from the start. */
struct page_ask {
	struct node_ask ask;
	struct page_id *id;	       /* either, NODE_POOL_IDS_MAX */
	struct node_pool_entry *entry; /* or, NODE_POOL_ENTRIES_MAX */
	uint32_t count;
	bool end;
	struct place seen; /* the last one copied */
	struct base_hash at;
	uint64_t at_sequence; /* 0: at the start */
};

static void copy_to_page(struct page_ask *a, const struct chain_mempool *m,
			 entry_t *e, uint32_t *looks)
{
	if (!is_behind(e, &a->seen))
		return;
	a->seen = (struct place){e->time_s, e->sequence};
	if (a->id)
		a->id[a->count] = (struct page_id){e->txid, e->sequence};
	else
		*looks += copy_entry(&a->entry[a->count], m, e);
	a->count++;
}

static bool run_page(struct node_ask *ask, struct node_txpool *pool)
{
	struct page_ask *a = (struct page_ask *)ask;
	const uint32_t most = a->id ? NODE_POOL_IDS_MAX : NODE_POOL_ENTRIES_MAX;
	const struct chain_mempool *m = node_txpool_mempool(pool);
	entry_t *e = a->at_sequence ? chain_mempool_find(m, &a->at) : NULL;
	uint32_t looks = 0;

	/* The same transaction may have come back at another place. */
	if (e && e->sequence == a->at_sequence)
		e = chain_mempool_next(e, CHAIN_MEMPOOL_BY_TIME);
	else
		e = chain_mempool_first(m, CHAIN_MEMPOOL_BY_TIME);
	a->count = 0;
	for (uint32_t i = 0; e && i < NODE_POOL_STEPS_MAX && a->count < most &&
			     looks < NODE_POOL_LOOKS_MAX;
	     i++) {
		copy_to_page(a, m, e, &looks);
		a->at = e->txid;
		a->at_sequence = e->sequence;
		e = chain_mempool_next(e, CHAIN_MEMPOOL_BY_TIME);
	}
	a->end = !e;
	return true;
}

static void hand_out(const struct page_ask *a,
		     void (*each)(void *ctx, const struct node_pool_entry *e),
		     void *ctx)
{
	for (uint32_t i = 0; i < a->count; i++) {
		struct node_pool_entry e;

		if (!a->id) {
			each(ctx, &a->entry[i]);
			continue;
		}
		e.entry = (struct chain_mempool_entry){
			.txid = a->id[i].txid, .sequence = a->id[i].sequence};
		e.parents.count = 0;
		e.children.count = 0;
		each(ctx, &e);
	}
}

int node_pool_each(const struct node_pool_view *v, bool whole,
		   void (*each)(void *ctx, const struct node_pool_entry *e),
		   void *ctx)
{
	struct page_ask a = {.ask.run = run_page};
	int rc = 0;

	if (whole)
		a.entry = calloc(NODE_POOL_ENTRIES_MAX, sizeof(*a.entry));
	else
		a.id = calloc(NODE_POOL_IDS_MAX, sizeof(*a.id));
	if (!a.entry && !a.id)
		return -ENOMEM;
	/* The bound is for a pool that loses its entries faster than the walk
	 * finds its way again. */
	for (uint32_t i = 0; i < NODE_POOL_ASKS_MAX && rc == 0 && !a.end; i++) {
		rc = send(v, &a.ask);
		if (rc == 0)
			hand_out(&a, each, ctx);
	}
	free(a.entry);
	free(a.id);
	return rc == 0 && !a.end ? -EAGAIN : rc;
}

struct rate_ask {
	struct node_ask ask;
	uint64_t bytes;
	uint64_t rate_kvb;
};

/* The fee rate of the first package that does not fit, or is too far down to
 * be looked at, and one unit a virtual byte more; where all fit, what the
 * pool demands of everyone. */
static bool run_rate(struct node_ask *ask, struct node_txpool *pool)
{
	struct rate_ask *a = (struct rate_ask *)ask;
	const struct chain_mempool *m = node_txpool_mempool(pool);
	entry_t *e = chain_mempool_first(m, CHAIN_MEMPOOL_BY_ANCESTORS);
	struct chain_mempool_totals totals;
	uint64_t bytes = 0;

	chain_mempool_totals(&totals, m);
	a->rate_kvb = totals.min_fee_kvb;
	for (uint32_t i = 0; e && i < NODE_POOL_RATE_STEPS_MAX; i++) {
		bytes += e->len;
		if (bytes > a->bytes)
			break;
		e = chain_mempool_next(e, CHAIN_MEMPOOL_BY_ANCESTORS);
	}
	if (e && e->ancestors.fee > 0) {
		/* Divided first: deltas may be large. */
		const uint64_t fee = (uint64_t)e->ancestors.fee;
		const uint64_t vsize = e->ancestors.vsize;
		const uint64_t rate =
			fee / vsize * 1000 + fee % vsize * 1000 / vsize + 1000;

		if (rate > a->rate_kvb)
			a->rate_kvb = rate;
	}
	return true;
}

int node_pool_next_rate(uint64_t *out, const struct node_pool_view *v,
			uint64_t bytes)
{
	struct rate_ask a = {.ask.run = run_rate, .bytes = bytes};
	int rc = send(v, &a.ask);

	if (rc == 0)
		*out = a.rate_kvb;
	return rc;
}

struct note_ask {
	struct node_ask ask;
	const struct base_hash *txid;
	enum node_pool_note note;
	int64_t delta;
	int rc;
};

static bool run_note(struct node_ask *ask, struct node_txpool *pool)
{
	struct note_ask *a = (struct note_ask *)ask;
	struct chain_mempool *m = node_txpool_mempool(pool);

	switch (a->note) {
	case NODE_POOL_PIN:
		a->rc = chain_mempool_pin(m, a->txid);
		break;
	case NODE_POOL_EXCLUDE:
		a->rc = chain_mempool_exclude(m, a->txid);
		break;
	case NODE_POOL_UNMARK:
		chain_mempool_unmark(m, a->txid);
		break;
	case NODE_POOL_DELTA:
		a->rc = chain_mempool_prioritise(m, a->txid, a->delta);
		break;
	}
	if (a->rc == 0)
		node_txpool_touch(pool);
	return true;
}

int node_pool_note(const struct node_pool_view *v, const struct base_hash *txid,
		   enum node_pool_note note, int64_t delta)
{
	struct note_ask a = {.ask.run = run_note,
			     .txid = txid,
			     .note = note,
			     .delta = delta};
	int rc = send(v, &a.ask);

	return rc == 0 ? a.rc : rc;
}
