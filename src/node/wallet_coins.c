/* SPDX-License-Identifier: MIT */
#include "node/wallet_coins.h"

#include <errno.h>
#include <stdlib.h>

#include "chain/coinbase.h"
#include "chain/header.h"
#include "chain/script.h"
#include "chain/tx.h"

/* Room for one transaction without its witness, to hash it. */
static int make_scratch(struct node_wallet *w, size_t len)
{
	uint8_t *bigger;

	if (len <= w->scratch_size)
		return 0;
	bigger = realloc(w->scratch, len);
	if (!bigger)
		return -ENOMEM;
	w->scratch = bigger;
	w->scratch_size = len;
	return 0;
}

/* An output that pays to us: @coin is complete but for place and amount. */
static bool is_ours(struct node_wallet_coin *coin, const struct node_wallet *w,
		    const struct chain_tx_output *o)
{
	coin->amount = o->amount;
	return chain_script_kind(o->script, o->script_len) ==
		       CHAIN_SCRIPT_P2TR &&
	       node_wallet_find(&coin->address, w,
				o->script + CHAIN_P2TR_KEY_AT);
}

/* Puts the outputs of @tx that are ours into @table. @coin says what they
 * have in common; @txid is computed when first needed, unless given. */
static int add_outputs(struct node_wallet *w, struct node_table *table,
		       const struct chain_tx_view *tx,
		       const struct base_hash *txid,
		       struct node_wallet_coin *coin)
{
	struct base_reader r = base_reader_init(
		tx->outputs, (size_t)(tx->data + tx->len - tx->outputs));
	bool known = txid;

	if (known)
		coin->at.txid = *txid;
	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_tx_output o;
		int rc = 0;

		chain_tx_read_output(&o, &r);
		if (!is_ours(coin, w, &o))
			continue;
		if (!known) {
			rc = make_scratch(w, tx->stripped_len);
			if (rc < 0)
				return rc;
			chain_txid(&coin->at.txid, w->scratch, tx);
			known = true;
		}
		coin->at.index = i;
		/* A block may have taken it in since the pool was copied. */
		if (coin->ancestors && node_table_find(&w->coins, &coin->at))
			continue;
		rc = node_table_put(table, coin);
		if (rc == 0)
			rc = node_wallet_met(w, coin->address);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void remove_inputs(struct node_wallet *w, const struct chain_tx_view *tx)
{
	struct base_reader r = base_reader_init(
		tx->inputs, (size_t)(tx->outputs - tx->inputs));

	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;
		struct chain_outpoint at;

		chain_tx_read_input(&in, &r);
		at.txid = in.prev_hash;
		at.index = in.prev_index;
		node_table_remove(&w->coins, &at);
	}
}

int node_wallet_take_tx(struct node_wallet *w, const struct chain_tx_view *tx,
			struct base_height height, bool first)
{
	/* The outputs of genesis need not mature. */
	struct node_wallet_coin coin = {.height = height,
					.coinbase = first && height.n > 0,
					.trusted = true};

	if (!first)
		remove_inputs(w, tx);
	return add_outputs(w, &w->coins, tx, NULL, &coin);
}

void node_wallet_forget(struct node_wallet *w)
{
	node_table_clear(&w->coins);
	w->height = 0;
}

static int add_block(struct node_wallet *w, const uint8_t *block, size_t len,
		     uint32_t height)
{
	struct base_reader r = base_reader_init(block, len);
	uint64_t count;

	(void)base_read_bytes(&r, CHAIN_HEADER_SIZE);
	count = base_read_compact_size(&r);
	for (uint64_t i = 0; i < count; i++) {
		struct chain_tx_view tx;
		int rc;

		if (chain_tx_parse(&tx, &r) < 0)
			return -EBADMSG;
		rc = node_wallet_take_tx(w, &tx, (struct base_height){height},
					 i == 0);
		if (rc < 0)
			return rc;
	}
	return base_reader_done(&r) ? 0 : -EBADMSG;
}

static int take_coin(void *ctx, const struct chain_outpoint *at,
		     const struct chain_coin *stored)
{
	struct node_wallet *w = ctx;
	struct node_wallet_coin coin = {.at = *at,
					.amount = stored->amount,
					.height = stored->height,
					.coinbase = stored->coinbase,
					.trusted = true};
	int rc;

	if (!node_wallet_find(&coin.address, w, stored->key))
		return 0;
	rc = node_table_put(&w->coins, &coin);
	return rc < 0 ? rc : node_wallet_met(w, coin.address);
}

/* The coins of the snapshot at once. New keys were derived for those found
 * late: the coins passed by then are looked at again. */
static int add_stored(struct node_wallet *w, struct store_reader *r,
		      struct base_height known)
{
	struct base_hash hash;
	uint32_t keys;
	int rc;

	do {
		keys = w->refs.count;
		rc = store_coins_each(r, take_coin, w);
	} while (rc == 0 && w->refs.count != keys);
	w->height = known.n;
	while (rc == 0) {
		rc = store_hash_at(&hash, r, (struct base_height){w->height});
		w->height += rc == 0;
	}
	return rc == -ENOENT ? 0 : rc;
}

int node_wallet_sync(struct node_wallet *w, struct store_reader *r,
		     struct base_height known, struct base_error *err)
{
	int rc = node_wallet_derive(w);

	/* A wallet made again from its seed walks all blocks instead: what was
	 * received and spent counts, too, for the next addresses. */
	if (rc == 0 && w->height == 0 && w->scanned)
		rc = add_stored(w, r, known);
	while (rc == 0) {
		const uint8_t *block;
		size_t len;

		rc = store_block_at(&block, &len, r,
				    (struct base_height){w->height});
		if (rc == 0)
			rc = add_block(w, block, len, w->height);
		if (rc == 0)
			w->height++;
	}
	if (rc == -ENOENT && w->height > 0)
		rc = store_hash_at(&w->tip, r,
				   (struct base_height){w->height - 1});
	if (rc < 0) {
		/* Half a block may be in: next time from the start. */
		node_wallet_forget(w);
		return base_fail(err, rc,
				 "the wallet cannot follow the chain: %s",
				 strerror(-rc));
	}
	if (!w->scanned) {
		w->scanned = true;
		w->changed = true;
	}
	return node_wallet_save(w, err);
}

/* Notes what of ours @tx spends. @all: it spends nothing else, and nothing
 * that strangers may take back. */
static int spend_inputs(struct node_wallet *w, const struct chain_tx_view *tx,
			bool *all)
{
	struct base_reader r = base_reader_init(
		tx->inputs, (size_t)(tx->outputs - tx->inputs));

	*all = true;
	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;
		struct chain_outpoint at;
		const struct node_wallet_coin *coin;
		int rc = 0;

		chain_tx_read_input(&in, &r);
		at.txid = in.prev_hash;
		at.index = in.prev_index;
		coin = node_table_find(&w->coins, &at);
		if (!coin)
			coin = node_table_find(&w->pending, &at);
		*all &= coin && coin->trusted;
		if (coin)
			rc = node_table_put(&w->spent, &at);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_pooled(struct node_wallet *w,
		      const struct node_pool_record *record)
{
	struct base_reader r = base_reader_init(record->data, record->len);
	struct node_wallet_coin coin = {.ancestors = record->ancestors};
	struct chain_tx_view tx;
	int rc;

	if (chain_tx_parse(&tx, &r) < 0)
		return -EBADMSG;
	rc = spend_inputs(w, &tx, &coin.trusted);
	if (rc < 0)
		return rc;
	return add_outputs(w, &w->pending, &tx, &record->txid, &coin);
}

int node_wallet_sync_pool(struct node_wallet *w,
			  const struct node_pool_copy *pool)
{
	struct node_pool_record record;
	size_t at = 0;
	int rc = 0;

	node_table_clear(&w->pending);
	node_table_clear(&w->spent);
	w->pool_fee_rate = pool->fee_rate;
	while (rc == 0 && node_pool_copy_next(&record, pool, &at))
		rc = add_pooled(w, &record);
	return rc;
}

uint32_t node_wallet_confirmations(const struct node_wallet *w,
				   const struct node_wallet_coin *c)
{
	return c->ancestors ? 0 : w->height - c->height.n;
}

bool node_wallet_mature(const struct node_wallet *w,
			const struct node_wallet_coin *c, uint32_t maturity)
{
	return !c->coinbase || w->height - c->height.n >= maturity;
}

bool node_wallet_spendable(const struct node_wallet *w,
			   const struct node_wallet_coin *c, uint32_t maturity)
{
	return c->trusted && node_wallet_mature(w, c, maturity) &&
	       !node_table_find(&w->spent, &c->at);
}

/* Sums stay below MAX_MONEY: they are of different coins of one chain. */
void node_wallet_balance(struct node_wallet_balance *out,
			 const struct node_wallet *w, uint32_t maturity,
			 uint32_t depth)
{
	const struct node_wallet_coin *c = NULL;

	*out = (struct node_wallet_balance){0};
	while ((c = node_table_next(&w->coins, c))) {
		if (node_table_find(&w->spent, &c->at))
			continue;
		if (!node_wallet_mature(w, c, maturity))
			out->immature.units += c->amount.units;
		else if (node_wallet_confirmations(w, c) >= depth)
			out->trusted.units += c->amount.units;
	}
	while ((c = node_table_next(&w->pending, c))) {
		if (node_table_find(&w->spent, &c->at))
			continue;
		if (!c->trusted)
			out->pending.units += c->amount.units;
		else if (depth == 0)
			out->trusted.units += c->amount.units;
	}
}
