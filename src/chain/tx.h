/* SPDX-License-Identifier: MIT */
/*
 * tx.h: transactions as bytes (BIP144): borders, ids, and outputs.
 *
 * Floor 2, pure. A view borrows the bytes it was parsed from. Rules are not
 * here: they are in chain/spend.h and chain/coinbase.h.
 */
#ifndef CHAIN_TX_H
#define CHAIN_TX_H

#include "base/bytes.h"

#define CHAIN_TX_INPUTS_MAX 25000
#define CHAIN_TX_OUTPUTS_MAX 25000

struct chain_tx_view {
	const uint8_t *data; /* the whole serialisation */
	size_t len;
	uint32_t version;
	bool has_witness;
	uint32_t input_count;
	uint32_t output_count;
	const uint8_t *inputs;	/* first input */
	const uint8_t *outputs; /* first output */
	const uint8_t *witness; /* first witness stack; NULL without */
	const uint8_t *lock_time;
	size_t stripped_len; /* bytes without marker, flag and witness */
};

struct chain_tx_input {
	struct base_hash prev_hash;
	uint32_t prev_index;
	const uint8_t *script;
	size_t script_len;
	uint32_t sequence;
};

struct chain_tx_output {
	struct base_amount amount;
	const uint8_t *script;
	size_t script_len;
};

/* Takes one transaction off the front of @r. 0; -EBADMSG: malformed, not
 * minimal, or over the limits above; the reader has failed then. */
BASE_MUST_CHECK int chain_tx_parse(struct chain_tx_view *out,
				   struct base_reader *r);

/* The next input or output of a reader that began at tx->inputs or
 * tx->outputs; the way to walk all of them. Fails as readers do. */
void chain_tx_read_input(struct chain_tx_input *out, struct base_reader *r);
void chain_tx_read_output(struct chain_tx_output *out, struct base_reader *r);

/* Input or output @index (below its count), by walking from the first. */
void chain_tx_input_at(struct chain_tx_input *out,
		       const struct chain_tx_view *tx, uint32_t index);
void chain_tx_output_at(struct chain_tx_output *out,
			const struct chain_tx_view *tx, uint32_t index);

/* Writes the serialisation without witness: stripped_len bytes. */
void chain_tx_strip(uint8_t *out, const struct chain_tx_view *tx);

/* SHA256d without and with witness. @scratch holds stripped_len bytes. */
void chain_txid(struct base_hash *out, uint8_t *scratch,
		const struct chain_tx_view *tx);
void chain_wtxid(struct base_hash *out, const struct chain_tx_view *tx);

#endif
