/* SPDX-License-Identifier: MIT */
/*
 * header.h: the 80 bytes that proof of work is done on.
 *
 * Floor 2, pure. version i32 | prev 32 | merkle_root 32 | time u32 |
 * bits u32 | nonce u32, little-endian, as Bitcoin's.
 */
#ifndef CHAIN_HEADER_H
#define CHAIN_HEADER_H

#include "chain/params.h"
#include "chain/verdict.h"

#define CHAIN_HEADER_SIZE 80
#define CHAIN_VERSION UINT32_C(0x20000000)
#define CHAIN_VERSION_ROLL UINT32_C(0x1fffe000) /* BIP320: free bits */

struct chain_header {
	uint32_t version; /* the i32 field, as bits */
	struct base_hash prev;
	struct base_hash merkle_root;
	uint32_t time; /* Unix seconds */
	uint32_t bits; /* compact target, pow/target.h */
	uint32_t nonce;
};

void chain_header_read(struct chain_header *out,
		       const uint8_t in[static CHAIN_HEADER_SIZE]);
void chain_header_write(uint8_t out[static CHAIN_HEADER_SIZE],
			const struct chain_header *h);
void chain_header_hash(struct base_hash *out, const struct chain_header *h);

/* What a header says by itself, @hash being its hash: CHAIN_BAD_VERSION,
 * CHAIN_BAD_BITS (no valid target, or above pow_limit), CHAIN_BAD_POW, or
 * CHAIN_OK. */
enum chain_verdict chain_header_check(const struct chain_header *h,
				      const struct chain_params *p,
				      const struct base_hash *hash);

#endif
