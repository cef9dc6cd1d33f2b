/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "chain/address.h"
#include "chain/coinbase.h"
#include "chain/script.h"
#include "node/rpc.h"

#define OP_RETURN 0x6a
#define OP_PUSHDATA1 0x4c

/* Bitcoin Core's words for the few scripts that are made here; others are
 * shown as hex only. */
static void put_asm(struct api_writer *w, const uint8_t *script, size_t len,
		    enum chain_script_kind kind)
{
	char text[4 * CHAIN_DATA_MAX];
	size_t at = 2;

	switch (kind) {
	case CHAIN_SCRIPT_P2TR:
		(void)strcpy(text, "1 ");
		break;
	case CHAIN_SCRIPT_COMMITMENT:
	case CHAIN_SCRIPT_DATA:
		(void)strcpy(text, "OP_RETURN ");
		at += len > 2 && script[1] == OP_PUSHDATA1;
		break;
	default:
		api_put_string(w, "asm", "");
		return;
	}
	if (len > at)
		base_to_hex(text + strlen(text), script + at, len - at);
	api_put_string(w, "asm", text);
}

static const char *type_of(enum chain_script_kind kind)
{
	switch (kind) {
	case CHAIN_SCRIPT_P2TR:
		return "witness_v1_taproot";
	case CHAIN_SCRIPT_COMMITMENT:
	case CHAIN_SCRIPT_DATA:
		return "nulldata";
	default:
		return "nonstandard";
	}
}

void node_rpc_put_script(struct api_writer *w, const uint8_t *script,
			 size_t len, const struct chain_params *p)
{
	enum chain_script_kind kind = chain_script_kind(script, len);
	char address[CHAIN_ADDRESS_SIZE];

	api_key(w, "scriptPubKey");
	api_object_begin(w);
	put_asm(w, script, len, kind);
	api_put_hex(w, "hex", script, len);
	if (kind == CHAIN_SCRIPT_P2TR) {
		chain_address_encode(address, p->address_prefix,
				     script + CHAIN_P2TR_KEY_AT);
		api_put_string(w, "address", address);
	}
	api_put_string(w, "type", type_of(kind));
	api_object_end(w);
}

static void put_output(struct api_writer *w, uint32_t index,
		       const struct chain_tx_output *o,
		       const struct chain_params *p)
{
	api_object_begin(w);
	api_put_amount(w, "value", o->amount);
	api_put_int(w, "n", index);
	node_rpc_put_script(w, o->script, o->script_len, p);
	api_object_end(w);
}

/* One input's witness stack off the front of @r. */
static void put_witness(struct api_writer *w, struct base_reader *r)
{
	uint64_t count = base_read_compact_size(r);

	api_key(w, "txinwitness");
	api_array_begin(w);
	for (uint64_t i = 0; i < count && base_reader_ok(r); i++) {
		size_t len = base_read_compact_size(r);
		const uint8_t *item = base_read_bytes(r, len);

		if (item)
			api_hex(w, item, len);
	}
	api_array_end(w);
}

static void put_input(struct api_writer *w, const struct chain_tx_input *in,
		      bool coinbase, struct base_reader *witness)
{
	api_object_begin(w);
	if (coinbase) {
		api_put_hex(w, "coinbase", in->script, in->script_len);
	} else {
		api_put_hash(w, "txid", &in->prev_hash);
		api_put_int(w, "vout", in->prev_index);
		api_key(w, "scriptSig");
		api_object_begin(w);
		api_put_string(w, "asm", "");
		api_put_hex(w, "hex", in->script, in->script_len);
		api_object_end(w);
	}
	if (witness)
		put_witness(w, witness);
	api_put_int(w, "sequence", in->sequence);
	api_object_end(w);
}

static void put_inputs(struct api_writer *w, const struct chain_tx_view *tx)
{
	struct base_reader inputs = base_reader_init(
		tx->inputs, (size_t)(tx->outputs - tx->inputs));
	struct base_reader witness = {0};
	bool coinbase = chain_coinbase_is(tx);

	if (tx->has_witness)
		witness = base_reader_init(
			tx->witness, (size_t)(tx->lock_time - tx->witness));
	api_key(w, "vin");
	api_array_begin(w);
	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;

		chain_tx_read_input(&in, &inputs);
		put_input(w, &in, coinbase, tx->has_witness ? &witness : NULL);
	}
	api_array_end(w);
}

static void put_outputs(struct api_writer *w, const struct chain_tx_view *tx,
			const struct chain_params *p)
{
	struct base_reader outputs = base_reader_init(
		tx->outputs, (size_t)(tx->data + tx->len - tx->outputs));

	api_key(w, "vout");
	api_array_begin(w);
	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_tx_output o;

		chain_tx_read_output(&o, &outputs);
		put_output(w, i, &o, p);
	}
	api_array_end(w);
}

void node_rpc_put_tx(struct api_writer *w, const struct chain_tx_view *tx,
		     const struct chain_params *p, uint8_t *scratch)
{
	size_t weight = 3 * tx->stripped_len + tx->len;
	struct base_hash hash;

	chain_txid(&hash, scratch, tx);
	api_put_hash(w, "txid", &hash);
	chain_wtxid(&hash, tx);
	api_put_hash(w, "hash", &hash);
	api_put_int(w, "version", (int32_t)tx->version);
	api_put_int(w, "size", (int64_t)tx->len);
	api_put_int(w, "vsize", (int64_t)((weight + 3) / 4));
	api_put_int(w, "weight", (int64_t)weight);
	api_put_int(w, "locktime", base_load_le32(tx->lock_time));
	put_inputs(w, tx);
	put_outputs(w, tx, p);
}
