/* SPDX-License-Identifier: MIT */
#include "chain/spend.h"

#include <errno.h>

#include "base/assert.h"
#include "chain/coinbase.h"
#include "chain/script.h"
#include "chain/sighash.h"

/* A transaction of 64 bytes may be an inner node of the merkle tree in
 * disguise, and smaller ones serve no one. */
#define STRIPPED_MIN 65
#define TX_VERSION 2u
#define SEQUENCE_NO_LOCK (UINT32_C(1) << 31) /* BIP68 */
#define NULL_INDEX UINT32_MAX
/* One item, its length, the signature. */
#define STACK_SIZE (2 + CHAIN_SIGNATURE_SIZE)

static struct base_reader inputs_of(const struct chain_tx_view *tx)
{
	return (struct base_reader){.at = tx->inputs,
				    .end = tx->data + tx->len};
}

static struct base_reader outputs_of(const struct chain_tx_view *tx)
{
	return (struct base_reader){.at = tx->outputs,
				    .end = tx->data + tx->len};
}

static enum chain_verdict check_inputs(const struct chain_tx_view *tx)
{
	static const struct base_hash zero;
	struct base_reader r = inputs_of(tx);

	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;

		chain_tx_read_input(&in, &r);
		if (in.prev_index == NULL_INDEX &&
		    base_hash_equal(&in.prev_hash, &zero))
			return CHAIN_BAD_TX_NULL;
		if (!(in.sequence & SEQUENCE_NO_LOCK))
			return CHAIN_BAD_TX_SEQUENCE;
		if (in.script_len > 0)
			return CHAIN_BAD_TX_SCRIPTSIG;
	}
	return CHAIN_OK;
}

static enum chain_verdict check_script(uint32_t *data_outputs,
				       const struct chain_tx_output *o)
{
	enum chain_script_kind kind =
		chain_script_kind(o->script, o->script_len);

	if (kind == CHAIN_SCRIPT_OTHER)
		return CHAIN_BAD_TX_SCRIPT;
	if (kind == CHAIN_SCRIPT_P2TR)
		return CHAIN_OK;
	if (++*data_outputs > 1)
		return CHAIN_BAD_TX_DATA_COUNT;
	return o->amount.units == 0 ? CHAIN_OK : CHAIN_BAD_TX_DATA_AMOUNT;
}

static enum chain_verdict check_outputs(const struct chain_tx_view *tx)
{
	struct base_reader r = outputs_of(tx);
	uint32_t data_outputs = 0;
	int64_t sum = 0;

	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_tx_output o;
		enum chain_verdict v;

		chain_tx_read_output(&o, &r);
		if (o.amount.units < 0)
			return CHAIN_BAD_TX_NEGATIVE;
		if (o.amount.units > BASE_MAX_MONEY)
			return CHAIN_BAD_TX_TOO_MUCH;
		if (o.amount.units > BASE_MAX_MONEY - sum)
			return CHAIN_BAD_TX_TOTAL;
		sum += o.amount.units;
		v = check_script(&data_outputs, &o);
		if (v != CHAIN_OK)
			return v;
	}
	return CHAIN_OK;
}

static enum chain_verdict check_stack(struct base_reader *r)
{
	uint64_t items = base_read_compact_size(r);
	uint64_t len;

	if (items == 0)
		return CHAIN_BAD_TX_NO_WITNESS;
	if (items > 1) /* a script path or an annex */
		return CHAIN_BAD_TX_WITNESS;
	len = base_read_compact_size(r);
	(void)base_read_bytes(r, (size_t)len);
	if (len == CHAIN_SIGNATURE_SIZE)
		return CHAIN_OK;
	return len == CHAIN_SIGNATURE_SIZE + 1 ? CHAIN_BAD_TX_HASH_TYPE
					       : CHAIN_BAD_TX_SIG_SIZE;
}

static enum chain_verdict check_witness(const struct chain_tx_view *tx)
{
	struct base_reader r = {.at = tx->witness, .end = tx->lock_time};

	if (!tx->has_witness)
		return CHAIN_BAD_TX_NO_WITNESS;
	for (uint32_t i = 0; i < tx->input_count; i++) {
		enum chain_verdict v = check_stack(&r);

		if (v != CHAIN_OK)
			return v;
	}
	return CHAIN_OK;
}

enum chain_verdict chain_tx_check(const struct chain_tx_view *tx,
				  const struct chain_params *p)
{
	enum chain_verdict v;

	if (tx->len > p->max_block_bytes ||
	    tx->input_count > p->max_block_inputs)
		return CHAIN_BAD_TX_OVERSIZE;
	if (tx->stripped_len < STRIPPED_MIN)
		return CHAIN_BAD_TX_SMALL;
	if (chain_coinbase_is(tx))
		return CHAIN_BAD_TX_COINBASE;
	if (tx->version != TX_VERSION)
		return CHAIN_BAD_TX_VERSION;
	if (base_load_le32(tx->lock_time) != 0)
		return CHAIN_BAD_TX_LOCK_TIME;
	v = check_inputs(tx);
	if (v == CHAIN_OK)
		v = check_outputs(tx);
	return v == CHAIN_OK ? check_witness(tx) : v;
}

static enum chain_verdict spend_one(struct chain_coin *coin,
				    const struct chain_spending *s,
				    const struct chain_tx_input *in)
{
	struct chain_outpoint at = {.txid = in->prev_hash,
				    .index = in->prev_index};
	int rc = chain_changes_spend(coin, s->changes, s->coins, &at);

	if (rc == -ENOENT)
		return CHAIN_BAD_SPEND;
	if (rc == -EEXIST)
		return CHAIN_BAD_TX_DUPLICATE;
	if (rc < 0)
		return CHAIN_COINS_FAILED;
	BASE_ASSERT(base_amount_valid(coin->amount));
	if (coin->coinbase &&
	    (uint64_t)coin->height.n + s->params->coinbase_maturity >
		    s->height.n)
		return CHAIN_BAD_SPEND_IMMATURE;
	return CHAIN_OK;
}

static int64_t sum_outputs(const struct chain_tx_view *tx)
{
	struct base_reader r = outputs_of(tx);
	int64_t sum = 0;

	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_tx_output o;

		chain_tx_read_output(&o, &r);
		sum += o.amount.units;
	}
	return sum;
}

/* The keys are there already. */
static void fill_checks(struct chain_check *check, struct chain_sighash *shared,
			const struct chain_tx_view *tx)
{
	BASE_ASSERT((size_t)(tx->lock_time - tx->witness) ==
		    (size_t)tx->input_count * STACK_SIZE);
	chain_sighash_end(shared, tx);
	for (uint32_t i = 0; i < tx->input_count; i++) {
		int rc = chain_sighash_of(&check[i].sighash, shared, i,
					  CHAIN_SIGHASH_DEFAULT);

		BASE_ASSERT(rc == 0);
		memcpy(check[i].signature,
		       tx->witness + (size_t)i * STACK_SIZE + 2,
		       CHAIN_SIGNATURE_SIZE);
	}
}

enum chain_verdict chain_tx_spend(struct base_amount *fee,
				  struct chain_check *check,
				  const struct chain_spending *s,
				  const struct chain_tx_view *tx)
{
	struct base_reader r = inputs_of(tx);
	struct chain_sighash shared;
	int64_t out = sum_outputs(tx);
	int64_t sum = 0;

	if (check)
		chain_sighash_begin(&shared);
	chain_changes_next_tx(s->changes);
	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;
		struct chain_coin coin;
		enum chain_verdict v;

		chain_tx_read_input(&in, &r);
		v = spend_one(&coin, s, &in);
		if (v != CHAIN_OK)
			return v;
		if (coin.amount.units > BASE_MAX_MONEY - sum)
			return CHAIN_BAD_SPEND_RANGE;
		sum += coin.amount.units;
		if (!check)
			continue;
		memcpy(check[i].key, coin.key, sizeof(coin.key));
		chain_sighash_add_key(&shared, &in, coin.amount, coin.key);
	}
	if (sum < out)
		return CHAIN_BAD_SPEND_BELOW;
	if (check)
		fill_checks(check, &shared, tx);
	fee->units = sum - out;
	return CHAIN_OK;
}

void chain_tx_create(struct chain_changes *changes,
		     const struct chain_tx_view *tx,
		     const struct base_hash *txid, struct base_height height,
		     bool coinbase)
{
	struct base_reader r = outputs_of(tx);

	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_outpoint at = {.txid = *txid, .index = i};
		struct chain_coin coin = {.height = height,
					  .coinbase = coinbase};
		struct chain_tx_output o;

		chain_tx_read_output(&o, &r);
		if (chain_script_kind(o.script, o.script_len) !=
		    CHAIN_SCRIPT_P2TR)
			continue;
		coin.amount = o.amount;
		memcpy(coin.key, o.script + CHAIN_P2TR_KEY_AT,
		       sizeof(coin.key));
		chain_changes_create(changes, &at, &coin);
	}
}
