/* SPDX-License-Identifier: MIT */
/*
 * sha256.h: portable SHA-256 (FIPS 180-4), the reference for every kernel.
 *
 * Floor 1, pure. Any thread. Lengths in bytes; message length < 2^61.
 */
#ifndef POW_SHA256_H
#define POW_SHA256_H

#include "base/types.h"

#define POW_SHA256_BLOCK 64
#define POW_HEADER_SIZE 80

extern const uint32_t pow_sha256_iv[8];
extern const uint32_t pow_sha256_k[64];

/* Folds one 64-byte block into @state. */
void pow_sha256_compress(uint32_t state[static 8],
			 const uint8_t block[static POW_SHA256_BLOCK]);

void pow_sha256(struct base_hash *out, const void *data, size_t len);

/* A message that comes in parts: init, update any number of times, final
 * once. A copy taken in between goes on by itself. */
struct pow_sha256_stream {
	uint32_t state[8];
	uint64_t len;			/* bytes so far */
	uint8_t part[POW_SHA256_BLOCK]; /* the len % 64 not yet folded in */
};

void pow_sha256_init(struct pow_sha256_stream *s);
void pow_sha256_update(struct pow_sha256_stream *s, const void *data,
		       size_t len);
void pow_sha256_final(struct base_hash *out, struct pow_sha256_stream *s);

/* SHA-256 of the SHA-256: ids, merkle nodes, proof of work. */
void pow_sha256d(struct base_hash *out, const void *data, size_t len);

#endif
