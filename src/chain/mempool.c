/* SPDX-License-Identifier: MIT */
#include "chain/mempool.h"

#include <errno.h>

#include "base/assert.h"
#include "chain/header.h"
#include "chain/mempool_internal.h"
#include "chain/script.h"

#define ALIGNMENT 64u
#define INPUT_BYTES 41 /* the least that an input is */
#define TX_BYTES 60    /* the least that a transaction is */

typedef struct chain_mempool_item item_t;

static const char *const verdict_names[] = {
	[CHAIN_MEMPOOL_OK] = "",
	[CHAIN_MEMPOOL_SIZE] = "tx-size",
	[CHAIN_MEMPOOL_DUST_OUTPUT] = "dust",
	[CHAIN_MEMPOOL_KNOWN] = "txn-already-in-mempool",
	[CHAIN_MEMPOOL_SAME_TXID] = "txn-same-nonwitness-data-in-mempool",
	[CHAIN_MEMPOOL_DOUBLE_INPUT] = "bad-txns-inputs-duplicate",
	[CHAIN_MEMPOOL_CONFLICT] = "txn-mempool-conflict",
	[CHAIN_MEMPOOL_LOW_FEE] = "min relay fee not met",
	[CHAIN_MEMPOOL_LONG_CHAIN] = "too-long-mempool-chain",
	[CHAIN_MEMPOOL_FULL] = "mempool full",
};
_Static_assert(BASE_COUNT(verdict_names) == CHAIN_MEMPOOL_VERDICTS,
	       "every verdict has a name");

const char *chain_mempool_verdict_name(enum chain_mempool_verdict v)
{
	BASE_ASSERT(v < CHAIN_MEMPOOL_VERDICTS);
	return verdict_names[v];
}

size_t chain_mempool_cost(size_t len, uint32_t input_count)
{
	return CHAIN_MEMPOOL_ITEM_COST +
	       (size_t)input_count * CHAIN_MEMPOOL_INPUT_COST +
	       chain_mempool_record_size(len);
}

/* The largest power of two up to @n. */
static size_t heads_for(size_t n)
{
	size_t heads = 1;

	while (heads <= n / 2)
		heads *= 2;
	return heads;
}

/* The parts of the memory, one after the other. */
struct layout {
	size_t items_max;
	size_t inputs_max;
	size_t log_cap;
	size_t items;
	size_t inputs;
	size_t notes;
	size_t txids;
	size_t wtxids;
	size_t spends;
	size_t note_heads;
	size_t log;
	size_t end;
};

static size_t carve(size_t *end, size_t size)
{
	size_t at = *end;

	*end += (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	return at;
}

/*
 * The sum of worst cases. What counts towards usage bounds each table: all
 * entries as small as can be, all bytes in inputs, all in transaction bytes.
 * One entry more than fits is there for a moment: a newcomer, before others
 * make room for it. An eighth more log keeps moving it together rare.
 */
static struct layout layout_for(size_t bytes_max)
{
	struct layout l = {.end = 0};
	const size_t head = sizeof(struct chain_mempool_node *);

	BASE_ASSERT(bytes_max >= CHAIN_MEMPOOL_BYTES_MIN &&
		    bytes_max <= CHAIN_MEMPOOL_BYTES_MAX);
	l.items_max = bytes_max / chain_mempool_cost(TX_BYTES, 1) + 1;
	l.inputs_max = bytes_max / (CHAIN_MEMPOOL_INPUT_COST + INPUT_BYTES) +
		       CHAIN_MEMPOOL_TX_INPUTS_MAX;
	l.log_cap = bytes_max + bytes_max / 8;
	(void)carve(&l.end, sizeof(struct chain_mempool));
	l.items = carve(&l.end, l.items_max * sizeof(item_t));
	l.inputs = carve(&l.end,
			 l.inputs_max * sizeof(struct chain_mempool_spend));
	l.notes = carve(&l.end, CHAIN_MEMPOOL_NOTES_MAX *
					sizeof(struct chain_mempool_note));
	l.txids = carve(&l.end, heads_for(l.items_max) * head);
	l.wtxids = carve(&l.end, heads_for(l.items_max) * head);
	l.spends = carve(&l.end, heads_for(l.inputs_max) * head);
	l.note_heads = carve(&l.end, CHAIN_MEMPOOL_NOTES_MAX * head);
	l.log = carve(&l.end, l.log_cap);
	return l;
}

size_t chain_mempool_memory(size_t bytes_max)
{
	return layout_for(bytes_max).end;
}

struct chain_mempool *chain_mempool_init(void *memory, size_t bytes_max,
					 const struct chain_siphash_key *key)
{
	struct layout l = layout_for(bytes_max);
	struct chain_mempool *m = memory;
	uint8_t *base = memory;

	BASE_ASSERT((uintptr_t)memory % ALIGNMENT == 0);
	memset(m, 0, sizeof(*m));
	m->key = *key;
	m->bytes_max = bytes_max;
	m->next_sequence = 1;
	m->items = (void *)(base + l.items);
	m->items_max = l.items_max;
	m->inputs = (void *)(base + l.inputs);
	m->inputs_max = l.inputs_max;
	m->note = (void *)(base + l.notes);
	memset(m->note, 0, CHAIN_MEMPOOL_NOTES_MAX * sizeof(*m->note));
	chain_mempool_table_init(&m->txids, (void *)(base + l.txids),
				 heads_for(l.items_max));
	chain_mempool_table_init(&m->wtxids, (void *)(base + l.wtxids),
				 heads_for(l.items_max));
	chain_mempool_table_init(&m->spends, (void *)(base + l.spends),
				 heads_for(l.inputs_max));
	chain_mempool_table_init(&m->notes, (void *)(base + l.note_heads),
				 CHAIN_MEMPOOL_NOTES_MAX);
	m->log.base = base + l.log;
	m->log.cap = l.log_cap;
	return m;
}

item_t *chain_mempool_item_find(const struct chain_mempool *m,
				const struct base_hash *txid)
{
	uint64_t hash = chain_siphash(&m->key, txid->b, 32);
	struct chain_mempool_node *n;

	for (n = chain_mempool_table_first(&m->txids, hash); n;
	     n = chain_mempool_table_next(n)) {
		item_t *item = CHAIN_MEMPOOL_CONTAINER(n, item_t, by_txid);

		if (base_hash_equal(&item->pub.txid, txid))
			return item;
	}
	return NULL;
}

static const struct chain_mempool_entry *entry_of(const item_t *item)
{
	return item ? &item->pub : NULL;
}

const struct chain_mempool_entry *
chain_mempool_find(const struct chain_mempool *m, const struct base_hash *txid)
{
	return entry_of(chain_mempool_item_find(m, txid));
}

const struct chain_mempool_entry *
chain_mempool_find_wtxid(const struct chain_mempool *m,
			 const struct base_hash *wtxid)
{
	uint64_t hash = chain_siphash(&m->key, wtxid->b, 32);
	struct chain_mempool_node *n;

	for (n = chain_mempool_table_first(&m->wtxids, hash); n;
	     n = chain_mempool_table_next(n)) {
		item_t *item = CHAIN_MEMPOOL_CONTAINER(n, item_t, by_wtxid);

		if (base_hash_equal(&item->pub.wtxid, wtxid))
			return &item->pub;
	}
	return NULL;
}

const struct chain_mempool_entry *
chain_mempool_spender(const struct chain_mempool *m,
		      const struct base_hash *txid, uint32_t index)
{
	const struct chain_mempool_spend *s =
		chain_mempool_spend_find(m, txid, index);

	return s ? &s->spender->pub : NULL;
}

bool chain_mempool_coin(struct chain_tx_output *out,
			const struct chain_mempool *m,
			const struct base_hash *txid, uint32_t index)
{
	const item_t *item = chain_mempool_item_find(m, txid);
	struct base_reader r;

	if (!item || index >= item->pub.output_count)
		return false;
	r = base_reader_init(item->pub.data + item->outputs_at,
			     item->pub.len - item->outputs_at);
	for (uint32_t i = 0; i <= index; i++)
		chain_tx_read_output(out, &r);
	BASE_ASSERT(base_reader_ok(&r));
	return true;
}

const struct chain_mempool_entry *
chain_mempool_first(const struct chain_mempool *m,
		    enum chain_mempool_order order)
{
	BASE_ASSERT(order < CHAIN_MEMPOOL_ORDERS);
	return entry_of(chain_mempool_order_first(m, order));
}

const struct chain_mempool_entry *
chain_mempool_next(const struct chain_mempool_entry *entry,
		   enum chain_mempool_order order)
{
	BASE_ASSERT(order < CHAIN_MEMPOOL_ORDERS);
	return entry_of(
		chain_mempool_order_next(chain_mempool_item(entry), order));
}

uint32_t chain_mempool_ancestors(
	const struct chain_mempool_entry *out[static CHAIN_MEMPOOL_CHAIN_MAX],
	struct chain_mempool *m, const struct chain_mempool_entry *entry)
{
	item_t *up[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_up(up, m, chain_mempool_item(entry));

	for (uint32_t i = 0; i < count; i++)
		out[i] = &up[i]->pub;
	return count;
}

uint32_t chain_mempool_descendants(
	const struct chain_mempool_entry *out[static CHAIN_MEMPOOL_CHAIN_MAX],
	struct chain_mempool *m, const struct chain_mempool_entry *entry)
{
	item_t *down[CHAIN_MEMPOOL_CHAIN_MAX];
	uint32_t count = chain_mempool_down(down, m, chain_mempool_item(entry));

	for (uint32_t i = 0; i < count; i++)
		out[i] = &down[i]->pub;
	return count;
}

/* Room for a usual transaction, so that a pool with a few bytes left does not
 * look empty. */
#define USUAL_TX_BYTES 1000

static uint64_t min_fee_kvb(const struct chain_mempool *m)
{
	const item_t *worst;
	uint64_t rate;

	if (m->usage + chain_mempool_cost(USUAL_TX_BYTES, 1) <= m->bytes_max)
		return CHAIN_MEMPOOL_RELAY_FEE;
	worst = chain_mempool_order_last(m, CHAIN_MEMPOOL_BY_DESCENDANTS);
	if (worst->pub.descendants.fee <= 0)
		return CHAIN_MEMPOOL_RELAY_FEE;
	/* Divided before it is multiplied: 25 fees and deltas of all money
	 * are below 2^57, but not by a factor of 1000. */
	rate = (uint64_t)worst->pub.descendants.fee;
	rate = rate / worst->pub.descendants.vsize * 1000 +
	       rate % worst->pub.descendants.vsize * 1000 /
		       worst->pub.descendants.vsize +
	       1;
	return rate > CHAIN_MEMPOOL_RELAY_FEE ? rate : CHAIN_MEMPOOL_RELAY_FEE;
}

void chain_mempool_totals(struct chain_mempool_totals *out,
			  const struct chain_mempool *m)
{
	*out = (struct chain_mempool_totals){
		.count = m->count,
		.vsize = m->vsize,
		.usage = m->usage,
		.bytes_max = m->bytes_max,
		.fees = m->fees,
		.min_fee_kvb = min_fee_kvb(m),
	};
}

static bool has_dust(const struct chain_tx_view *tx)
{
	struct base_reader r = {.at = tx->outputs, .end = tx->data + tx->len};
	struct chain_tx_output out;
	bool dust = false;

	for (uint32_t i = 0; i < tx->output_count; i++) {
		chain_tx_read_output(&out, &r);
		dust = dust || (out.amount.units < CHAIN_MEMPOOL_DUST &&
				chain_script_kind(out.script, out.script_len) ==
					CHAIN_SCRIPT_P2TR);
	}
	BASE_ASSERT(base_reader_ok(&r));
	return dust;
}

static item_t *take_item(struct chain_mempool *m)
{
	item_t *item = m->free_items;

	if (item) {
		m->free_items = item->next;
		return item;
	}
	BASE_ASSERT(m->items_used < m->items_max);
	return &m->items[m->items_used++];
}

static void give_item(struct chain_mempool *m, item_t *item)
{
	item->next = m->free_items;
	m->free_items = item;
}

/* A newcomer, linked to nothing. */
static item_t *make_item(struct chain_mempool *m,
			 const struct chain_tx_view *tx,
			 const struct base_hash *txid,
			 const struct base_hash *wtxid)
{
	const struct chain_mempool_note *note =
		chain_mempool_note_find(m, txid);
	item_t *item = take_item(m);

	*item = (item_t){.outputs_at = (uint32_t)(tx->outputs - tx->data)};
	item->pub.txid = *txid;
	item->pub.wtxid = *wtxid;
	item->pub.len = (uint32_t)tx->len;
	item->pub.vsize = (uint32_t)((3 * tx->stripped_len + tx->len + 3) / 4);
	item->pub.input_count = tx->input_count;
	item->pub.output_count = tx->output_count;
	if (note) {
		item->pub.delta = note->delta;
		item->pub.pinned = note->wish == CHAIN_MEMPOOL_PINNED;
		item->pub.excluded = note->wish == CHAIN_MEMPOOL_EXCLUDED;
	}
	return item;
}

/* What can be said before anything is linked. */
static enum chain_mempool_verdict check(const struct chain_mempool *m,
					const struct chain_tx_view *tx,
					const struct base_hash *txid,
					const struct base_hash *wtxid)
{
	if (3 * tx->stripped_len + tx->len > CHAIN_MEMPOOL_WEIGHT_MAX)
		return CHAIN_MEMPOOL_SIZE;
	if (has_dust(tx))
		return CHAIN_MEMPOOL_DUST_OUTPUT;
	if (chain_mempool_find_wtxid(m, wtxid))
		return CHAIN_MEMPOOL_KNOWN;
	if (chain_mempool_find(m, txid))
		return CHAIN_MEMPOOL_SAME_TXID;
	return CHAIN_MEMPOOL_OK;
}

/* Links what can be linked; after a refusal nothing is. */
static enum chain_mempool_verdict
link_item(struct chain_mempool *m, item_t *item, const struct chain_tx_view *tx)
{
	enum chain_mempool_verdict v = chain_mempool_link_inputs(m, item, tx);

	if (v != CHAIN_MEMPOOL_OK)
		return v;
	if (chain_mempool_fee(item) * 1000 <
	    (int64_t)item->pub.vsize * CHAIN_MEMPOOL_RELAY_FEE)
		v = CHAIN_MEMPOOL_LOW_FEE;
	else
		v = chain_mempool_enter(m, item);
	if (v != CHAIN_MEMPOOL_OK)
		chain_mempool_unlink_inputs(m, item);
	return v;
}

/* Puts the newcomer in its place, without its bytes. */
static enum chain_mempool_verdict place(item_t **out, struct chain_mempool *m,
					const struct chain_tx_view *tx,
					const struct base_hash *txid,
					const struct base_hash *wtxid,
					struct base_amount fee, uint64_t now_s)
{
	enum chain_mempool_verdict v = check(m, tx, txid, wtxid);
	item_t *item;

	BASE_ASSERT(base_amount_valid(fee));
	if (v != CHAIN_MEMPOOL_OK)
		return v;
	item = make_item(m, tx, txid, wtxid);
	item->pub.fee = fee;
	item->pub.time_s = now_s;
	item->pub.sequence = m->next_sequence;
	v = link_item(m, item, tx);
	if (v != CHAIN_MEMPOOL_OK)
		give_item(m, item);
	*out = item;
	return v;
}

enum chain_mempool_verdict
chain_mempool_try(struct chain_mempool *m, const struct chain_tx_view *tx,
		  const struct base_hash *txid, const struct base_hash *wtxid,
		  struct base_amount fee, uint64_t now_s)
{
	item_t *item;
	enum chain_mempool_verdict v =
		place(&item, m, tx, txid, wtxid, fee, now_s);

	if (v != CHAIN_MEMPOOL_OK)
		return v;
	if (!chain_mempool_make_room(m, item, true))
		v = CHAIN_MEMPOOL_FULL;
	chain_mempool_leave(m, item);
	return v;
}

enum chain_mempool_verdict
chain_mempool_add(struct chain_mempool *m, const struct chain_tx_view *tx,
		  const struct base_hash *txid, const struct base_hash *wtxid,
		  struct base_amount fee, uint64_t now_s)
{
	item_t *item;
	enum chain_mempool_verdict v =
		place(&item, m, tx, txid, wtxid, fee, now_s);

	if (v != CHAIN_MEMPOOL_OK)
		return v;
	if (!chain_mempool_make_room(m, item, false)) {
		chain_mempool_leave(m, item);
		return CHAIN_MEMPOOL_FULL;
	}
	m->next_sequence++;
	chain_mempool_log_put(&m->log, item, tx->data, tx->len);
	return CHAIN_MEMPOOL_OK;
}

uint32_t chain_mempool_remove(struct chain_mempool *m,
			      const struct base_hash *txid)
{
	item_t *item = chain_mempool_item_find(m, txid);

	return item ? chain_mempool_leave_down(m, item) : 0;
}

uint32_t chain_mempool_expire(struct chain_mempool *m, uint64_t now_s)
{
	uint32_t count = 0;
	item_t *item;

	while ((item = chain_mempool_order_first(m, CHAIN_MEMPOOL_BY_TIME)) &&
	       item->pub.time_s < now_s &&
	       now_s - item->pub.time_s > CHAIN_MEMPOOL_EXPIRY_S)
		count += chain_mempool_leave_down(m, item);
	return count;
}

void chain_mempool_confirm(struct chain_mempool *m,
			   const struct chain_tx_view *tx,
			   const struct base_hash *txid)
{
	struct base_reader r = {.at = tx->inputs, .end = tx->data + tx->len};
	item_t *item = chain_mempool_item_find(m, txid);

	/* In a valid block its parents were confirmed before it. */
	if (item && item->pub.ancestors.count > 1)
		(void)chain_mempool_leave_down(m, item);
	else if (item)
		chain_mempool_leave(m, item);
	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;
		struct chain_mempool_spend *s;

		chain_tx_read_input(&in, &r);
		s = chain_mempool_spend_find(m, &in.prev_hash, in.prev_index);
		if (s)
			(void)chain_mempool_leave_down(m, s->spender);
	}
	chain_mempool_note_forget(m, txid);
}

int chain_mempool_confirm_block(struct chain_mempool *m, uint8_t *scratch,
				const uint8_t *block, size_t len)
{
	struct base_reader r = base_reader_init(block, len);
	uint64_t count;

	(void)base_read_bytes(&r, CHAIN_HEADER_SIZE);
	count = base_read_compact_size(&r);
	for (uint64_t i = 0; i < count; i++) {
		struct chain_tx_view tx;
		struct base_hash txid;
		int rc = chain_tx_parse(&tx, &r);

		if (rc != 0)
			return rc;
		chain_txid(&txid, scratch, &tx);
		chain_mempool_confirm(m, &tx, &txid);
	}
	return base_reader_done(&r) ? 0 : -EBADMSG;
}
