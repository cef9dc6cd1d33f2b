/* SPDX-License-Identifier: MIT */
#include "chain/coinbase.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/script.h"
#include "pow/sha256.h"

#define NULL_INDEX UINT32_MAX
#define FINAL_SEQUENCE UINT32_MAX
#define TX_VERSION 2u
#define WITNESS_SIZE (1 + 1 + 32) /* one item of 32 bytes */

void chain_coinbase_open(struct base_writer *w, const uint8_t *script,
			 size_t len)
{
	static const uint8_t zeros[32];

	base_write_le32(w, TX_VERSION);
	base_write_compact_size(w, 1);
	base_write_bytes(w, zeros, sizeof(zeros));
	base_write_le32(w, NULL_INDEX);
	base_write_compact_size(w, len);
	base_write_bytes(w, script, len);
	base_write_le32(w, FINAL_SEQUENCE);
}

size_t chain_coinbase_build(uint8_t *out, size_t cap, size_t *extranonce_at,
			    const struct chain_coinbase *c)
{
	uint8_t script[CHAIN_SCRIPT_HEIGHT_MAX + 2 + 1 + CHAIN_EXTRANONCE_MIN];
	struct base_writer s = base_writer_init(script, sizeof(script));
	struct base_writer w = base_writer_init(out, cap);

	BASE_ASSERT(cap >= CHAIN_COINBASE_BUILD_MAX);
	BASE_ASSERT(c->height.n >= 1 && c->sender < CHAIN_MEMBERS_MAX);
	BASE_ASSERT(base_amount_valid(c->value));
	chain_script_write_height(&s, c->height);
	base_write_u8(&s, 1);
	base_write_u8(&s, c->sender);
	base_write_u8(&s, CHAIN_EXTRANONCE_MIN);
	base_write_bytes(&s, c->extranonce, CHAIN_EXTRANONCE_MIN);
	BASE_ASSERT(base_writer_ok(&s));

	chain_coinbase_open(&w, script, s.len);
	*extranonce_at = w.len - sizeof(uint32_t) - CHAIN_EXTRANONCE_MIN;
	base_write_compact_size(&w, 2);
	chain_script_write_p2tr(&w, c->value, c->key);
	chain_script_write_commitment(&w, &c->witness_commitment);
	base_write_le32(&w, 0);
	BASE_ASSERT(base_writer_ok(&w));
	return w.len;
}

bool chain_coinbase_is(const struct chain_tx_view *tx)
{
	static const struct base_hash zero;
	struct chain_tx_input in;

	if (tx->input_count != 1)
		return false;
	chain_tx_input_at(&in, tx, 0);
	return in.prev_index == NULL_INDEX &&
	       base_hash_equal(&in.prev_hash, &zero);
}

static enum chain_verdict check_script(struct chain_coinbase_facts *out,
				       const struct chain_params *p,
				       const struct chain_tx_input *in)
{
	struct base_reader r = base_reader_init(in->script, in->script_len);
	uint8_t len;

	if (!chain_script_read_height(&out->height, &r))
		return CHAIN_BAD_CB_HEIGHT;
	if (base_read_u8(&r) != 1)
		return CHAIN_BAD_CB_SCRIPT;
	out->sender = base_read_u8(&r);
	len = base_read_u8(&r);
	(void)base_read_bytes(&r, len);
	if (!base_reader_done(&r) || len < CHAIN_EXTRANONCE_MIN ||
	    len > CHAIN_EXTRANONCE_MAX || out->sender >= p->member_count)
		return CHAIN_BAD_CB_SCRIPT;
	return CHAIN_OK;
}

static enum chain_verdict check_outputs(struct chain_coinbase_facts *out,
					const struct chain_tx_view *tx)
{
	struct base_reader r = {.at = tx->outputs, .end = tx->data + tx->len};
	uint32_t count[CHAIN_SCRIPT_KINDS] = {0};

	out->value.units = 0;
	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_tx_output o;
		enum chain_script_kind kind;

		chain_tx_read_output(&o, &r);
		kind = chain_script_kind(o.script, o.script_len);
		if (!base_amount_valid(o.amount) ||
		    o.amount.units > BASE_MAX_MONEY - out->value.units)
			return CHAIN_BAD_CB_AMOUNT;
		if (kind != CHAIN_SCRIPT_P2TR && o.amount.units != 0)
			return CHAIN_BAD_CB_OUTPUT;
		if (kind == CHAIN_SCRIPT_COMMITMENT)
			memcpy(out->witness_commitment.b,
			       o.script + CHAIN_COMMITMENT_AT,
			       sizeof(out->witness_commitment.b));
		out->value.units += o.amount.units;
		count[kind]++;
	}
	if (count[CHAIN_SCRIPT_OTHER] > 0 || count[CHAIN_SCRIPT_P2TR] == 0 ||
	    count[CHAIN_SCRIPT_COMMITMENT] != 1 || count[CHAIN_SCRIPT_DATA] > 1)
		return CHAIN_BAD_CB_OUTPUT;
	return CHAIN_OK;
}

enum chain_verdict chain_coinbase_check(struct chain_coinbase_facts *out,
					const struct chain_params *p,
					const struct chain_tx_view *tx)
{
	struct chain_tx_input in;
	enum chain_verdict v;

	if (!chain_coinbase_is(tx))
		return CHAIN_BAD_CB_MISSING;
	chain_tx_input_at(&in, tx, 0);
	if (tx->version != TX_VERSION || base_load_le32(tx->lock_time) != 0 ||
	    in.sequence != FINAL_SEQUENCE)
		return CHAIN_BAD_CB_FORM;
	v = check_script(out, p, &in);
	return v == CHAIN_OK ? check_outputs(out, tx) : v;
}

bool chain_coinbase_witness_ok(const struct chain_tx_view *tx)
{
	static const uint8_t wanted[WITNESS_SIZE] = {1, 32};

	return tx->has_witness &&
	       tx->lock_time - tx->witness == sizeof(wanted) &&
	       memcmp(tx->witness, wanted, sizeof(wanted)) == 0;
}

void chain_witness_commitment(struct base_hash *out,
			      const struct base_hash *witness_root)
{
	struct base_hash pair[2] = {*witness_root, {.b = {0}}};

	pow_sha256d(out, pair, sizeof(pair));
}
