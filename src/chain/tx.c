/* SPDX-License-Identifier: MIT */
#include "chain/tx.h"

#include <errno.h>

#include "base/assert.h"
#include "pow/sha256.h"

#define INPUT_SIZE_MIN 41 /* outpoint, empty script, sequence */
#define OUTPUT_SIZE_MIN 9 /* amount, empty script */

static const uint8_t *read_script(size_t *len, struct base_reader *r)
{
	uint64_t n = base_read_compact_size(r);

	*len = (size_t)n;
	return base_read_bytes(r, (size_t)n);
}

void chain_tx_read_input(struct chain_tx_input *out, struct base_reader *r)
{
	base_read_hash(&out->prev_hash, r);
	out->prev_index = base_read_le32(r);
	out->script = read_script(&out->script_len, r);
	out->sequence = base_read_le32(r);
}

void chain_tx_read_output(struct chain_tx_output *out, struct base_reader *r)
{
	out->amount.units = (int64_t)base_read_le64(r);
	out->script = read_script(&out->script_len, r);
}

/* A count of 1..max elements, each of @least bytes or more; 0 fails. A count
 * that cannot fit is refused before anything is walked. */
static uint32_t read_count(struct base_reader *r, uint64_t max, size_t least)
{
	uint64_t n = base_read_compact_size(r);

	if (n == 0 || n > max || n > base_reader_left(r) / least)
		r->failed = true;
	return r->failed ? 0 : (uint32_t)n;
}

static void read_inputs(struct chain_tx_view *tx, struct base_reader *r)
{
	struct chain_tx_input in;

	tx->input_count = read_count(r, CHAIN_TX_INPUTS_MAX, INPUT_SIZE_MIN);
	tx->inputs = r->at;
	for (uint32_t i = 0; i < tx->input_count && base_reader_ok(r); i++)
		chain_tx_read_input(&in, r);
}

static void read_outputs(struct chain_tx_view *tx, struct base_reader *r)
{
	struct chain_tx_output out;

	tx->output_count = read_count(r, CHAIN_TX_OUTPUTS_MAX, OUTPUT_SIZE_MIN);
	tx->outputs = r->at;
	for (uint32_t i = 0; i < tx->output_count && base_reader_ok(r); i++)
		chain_tx_read_output(&out, r);
}

/* One stack for each input. BIP144 is for transactions that need it: one
 * whose stacks are all empty has a shorter form and is refused. */
static void read_witness(struct chain_tx_view *tx, struct base_reader *r)
{
	bool any = false;

	tx->witness = r->at;
	for (uint32_t i = 0; i < tx->input_count && base_reader_ok(r); i++) {
		uint64_t items = base_read_compact_size(r);

		if (items > base_reader_left(r))
			r->failed = true;
		any = any || items > 0;
		for (uint64_t k = 0; k < items && base_reader_ok(r); k++) {
			size_t len;

			(void)read_script(&len, r);
		}
	}
	if (!any)
		r->failed = true;
}

/* The marker is where a count of inputs would be, and no count is 0. */
static bool read_marker(struct base_reader *r)
{
	if (base_reader_left(r) < 2 || r->at[0] != 0)
		return false;
	if (r->at[1] != 1)
		r->failed = true;
	(void)base_read_bytes(r, 2);
	return true;
}

int chain_tx_parse(struct chain_tx_view *out, struct base_reader *r)
{
	struct chain_tx_view tx = {.data = r->at};
	const uint8_t *witness_end;

	tx.version = base_read_le32(r);
	tx.has_witness = read_marker(r);
	read_inputs(&tx, r);
	read_outputs(&tx, r);
	if (tx.has_witness)
		read_witness(&tx, r);
	witness_end = r->at;
	tx.lock_time = base_read_bytes(r, 4);
	if (!base_reader_ok(r))
		return -EBADMSG;
	tx.len = (size_t)(r->at - tx.data);
	tx.stripped_len = tx.len;
	if (tx.has_witness)
		tx.stripped_len -= 2 + (size_t)(witness_end - tx.witness);
	*out = tx;
	return 0;
}

void chain_tx_input_at(struct chain_tx_input *out,
		       const struct chain_tx_view *tx, uint32_t index)
{
	struct base_reader r = {.at = tx->inputs, .end = tx->data + tx->len};

	BASE_ASSERT(index < tx->input_count);
	for (uint32_t i = 0; i <= index; i++)
		chain_tx_read_input(out, &r);
	BASE_ASSERT(base_reader_ok(&r));
}

void chain_tx_output_at(struct chain_tx_output *out,
			const struct chain_tx_view *tx, uint32_t index)
{
	struct base_reader r = {.at = tx->outputs, .end = tx->data + tx->len};

	BASE_ASSERT(index < tx->output_count);
	for (uint32_t i = 0; i <= index; i++)
		chain_tx_read_output(out, &r);
	BASE_ASSERT(base_reader_ok(&r));
}

void chain_tx_strip(uint8_t *out, const struct chain_tx_view *tx)
{
	struct base_writer w = base_writer_init(out, tx->stripped_len);

	if (!tx->has_witness) {
		base_write_bytes(&w, tx->data, tx->len);
		return;
	}
	base_write_bytes(&w, tx->data, 4);
	base_write_bytes(&w, tx->data + 6,
			 (size_t)(tx->witness - tx->data) - 6);
	base_write_bytes(&w, tx->lock_time, 4);
	BASE_ASSERT(base_writer_ok(&w) && w.len == tx->stripped_len);
}

void chain_txid(struct base_hash *out, uint8_t *scratch,
		const struct chain_tx_view *tx)
{
	if (!tx->has_witness) {
		pow_sha256d(out, tx->data, tx->len);
		return;
	}
	chain_tx_strip(scratch, tx);
	pow_sha256d(out, scratch, tx->stripped_len);
}

void chain_wtxid(struct base_hash *out, const struct chain_tx_view *tx)
{
	pow_sha256d(out, tx->data, tx->len);
}
