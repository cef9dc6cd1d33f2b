/* SPDX-License-Identifier: MIT */
/*
 * sighash.h: what a key-path signature signs (BIP341, SIGHASH_DEFAULT).
 *
 * Floor 2, pure. What all inputs share is hashed once: begin, add each input
 * in order with the output it spends, end; then each input costs one more
 * compression. No annex and no script path exist here (chain.md).
 */
#ifndef CHAIN_SIGHASH_H
#define CHAIN_SIGHASH_H

#include "chain/params.h"
#include "chain/tx.h"
#include "pow/sha256.h"

#define CHAIN_SIGHASH_DEFAULT 0x00

struct chain_sighash {
	struct pow_sha256_stream prevouts;
	struct pow_sha256_stream amounts;
	struct pow_sha256_stream scripts; /* of the outputs spent */
	struct pow_sha256_stream sequences;
	struct pow_sha256_stream shared; /* all but the input's index */
	uint32_t inputs;		 /* added so far */
};

void chain_sighash_begin(struct chain_sighash *s);

/* The next input, and the amount and script of the output it spends. */
void chain_sighash_add(struct chain_sighash *s, const struct chain_tx_input *in,
		       struct base_amount amount, const uint8_t *script,
		       size_t script_len);

/* The same for an output that pays to @key (P2TR). */
void chain_sighash_add_key(struct chain_sighash *s,
			   const struct chain_tx_input *in,
			   struct base_amount amount,
			   const uint8_t key[static CHAIN_KEY_SIZE]);

/* After all inputs of @tx. */
void chain_sighash_end(struct chain_sighash *s, const struct chain_tx_view *tx);

/* What the signature of input @index (below the count) signs under
 * @hash_type. 0; -EINVAL: it is not CHAIN_SIGHASH_DEFAULT, the only one. */
BASE_MUST_CHECK int chain_sighash_of(struct base_hash *out,
				     const struct chain_sighash *s,
				     uint32_t index, uint8_t hash_type);

/* "SIGHASH_DEFAULT", "SIGHASH_ALL|ANYONECANPAY" and so on, for messages;
 * "unknown" for what BIP341 does not define. Static. */
const char *chain_sighash_name(uint8_t hash_type);

#endif
