/* SPDX-License-Identifier: MIT */
/*
 * coinbase.h: the transaction that opens a block.
 *
 * Floor 2, pure (chain.md, Block). scriptSig: the height as Bitcoin Core's
 * `CScript() << height`, then `01 xx` = the sender's committee index, then
 * one push of 8..32 bytes of extranonce. Outputs: one or more P2TR, exactly
 * one BIP141 commitment, at most one other OP_RETURN.
 */
#ifndef CHAIN_COINBASE_H
#define CHAIN_COINBASE_H

#include "chain/params.h"
#include "chain/tx.h"
#include "chain/verdict.h"

#define CHAIN_EXTRANONCE_MIN 8
#define CHAIN_EXTRANONCE_MAX 32
/* Largest coinbase that chain_coinbase_build() makes, without witness. */
#define CHAIN_COINBASE_BUILD_MAX 256

struct chain_coinbase {
	struct base_height height;   /* >= 1 */
	uint8_t sender;		     /* committee index, < 64 */
	uint8_t key[CHAIN_KEY_SIZE]; /* pays to this P2TR output key */
	struct base_amount value;
	struct base_hash witness_commitment;
	uint8_t extranonce[CHAIN_EXTRANONCE_MIN];
};

/*
 * Serialises @c without witness into @out and returns its length;
 * *@extranonce_at is the offset of the extranonce's bytes. Fits: @cap is at
 * least CHAIN_COINBASE_BUILD_MAX.
 */
size_t chain_coinbase_build(uint8_t *out, size_t cap, size_t *extranonce_at,
			    const struct chain_coinbase *c);

/* Opens a coinbase without witness: version and the one null input, whose
 * script is @script. Outputs and lock time follow. */
void chain_coinbase_open(struct base_writer *w, const uint8_t *script,
			 size_t len);

/* What a coinbase says to the rules. */
struct chain_coinbase_facts {
	struct base_height height;
	uint8_t sender;
	struct base_amount value; /* sum of its outputs */
	struct base_hash witness_commitment;
};

/* @tx is a coinbase: one input, which spends nothing (null prevout). */
bool chain_coinbase_is(const struct chain_tx_view *tx);

/* Every rule for a coinbase but those of its witness and its amount against
 * the subsidy; @p bounds the sender. @out is complete for CHAIN_OK only:
 * CHAIN_BAD_CB_MISSING, _FORM, _HEIGHT (no minimal height), _SCRIPT, _OUTPUT
 * or _AMOUNT (outside 0..MAX_MONEY). */
enum chain_verdict chain_coinbase_check(struct chain_coinbase_facts *out,
					const struct chain_params *p,
					const struct chain_tx_view *tx);

/* The witness is exactly one item of 32 zero bytes. */
bool chain_coinbase_witness_ok(const struct chain_tx_view *tx);

/* The commitment of BIP141: SHA256d(witness merkle root | 32 zero bytes). */
void chain_witness_commitment(struct base_hash *out,
			      const struct base_hash *witness_root);

#endif
