/* SPDX-License-Identifier: MIT */
/*
 * script.h: the few scripts that exist here, and nothing that runs one.
 *
 * Floor 2, pure (chain.md, Block and Transactions).
 */
#ifndef CHAIN_SCRIPT_H
#define CHAIN_SCRIPT_H

#include "base/bytes.h"
#include "chain/params.h"

#define CHAIN_SCRIPT_HEIGHT_MAX 6 /* a push of at most 5 bytes */
#define CHAIN_COMMITMENT_AT 6	  /* the hash in a commitment's script */
#define CHAIN_P2TR_KEY_AT 2	  /* the key in a P2TR script */
#define CHAIN_DATA_MAX 80	  /* bytes in an OP_RETURN */

enum chain_script_kind {
	CHAIN_SCRIPT_OTHER,	 /* not a form that may be created */
	CHAIN_SCRIPT_P2TR,	 /* 51 20 | key; the key is not looked at */
	CHAIN_SCRIPT_COMMITMENT, /* 6a 24 aa21a9ed | hash, BIP141 */
	CHAIN_SCRIPT_DATA,	 /* 6a and one minimal push of 0..80 bytes */
	CHAIN_SCRIPT_KINDS
};

enum chain_script_kind chain_script_kind(const uint8_t *script, size_t len);

/* The height as Bitcoin Core's `CScript() << height`: OP_0, OP_1..OP_16, or
 * the shortest push of a script number. */
void chain_script_write_height(struct base_writer *w,
			       struct base_height height);

/* Takes such a height off the front of @r. False: it is no height of 1 or
 * more, or not in the one form; @r may have moved. */
bool chain_script_read_height(struct base_height *out, struct base_reader *r);

/* The script that pays to @key. */
#define CHAIN_P2TR_SIZE (2 + CHAIN_KEY_SIZE)
void chain_script_p2tr(uint8_t out[static CHAIN_P2TR_SIZE],
		       const uint8_t key[static CHAIN_KEY_SIZE]);

/* Whole outputs: amount, length, script. */
void chain_script_write_p2tr(struct base_writer *w, struct base_amount amount,
			     const uint8_t key[static CHAIN_KEY_SIZE]);
void chain_script_write_commitment(struct base_writer *w,
				   const struct base_hash *commitment);

#endif
