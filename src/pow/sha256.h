/* SPDX-License-Identifier: MIT */
/*
 * sha256.h: SHA-256 (FIPS 180-4) of whole messages, for ids and proofs.
 *
 * Floor 1, pure. Any thread. Lengths in bytes; message length < 2^61. Uses
 * the CPU's SHA extensions where there are any. The searching kernels are
 * checked by the portable form only.
 */
#ifndef POW_SHA256_H
#define POW_SHA256_H

#include "base/types.h"

#define POW_SHA256_BLOCK 64
#define POW_HEADER_SIZE 80

extern const uint32_t pow_sha256_iv[8];
extern const uint32_t pow_sha256_k[64];

/* Folds @count blocks of 64 bytes, any number, into @state: the fastest way
 * this CPU has, chosen before main(). */
void pow_sha256_blocks(uint32_t state[static 8], const uint8_t *data,
		       size_t count);

/* The same in plain C, the reference; and by the SHA extensions: only on
 * x86-64, and only where pow_cpu_features() has POW_CPU_SHA. */
void pow_sha256_blocks_portable(uint32_t state[static 8], const uint8_t *data,
				size_t count);
void pow_sha256_blocks_shani(uint32_t state[static 8], const uint8_t *data,
			     size_t count);

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

/* The same of two hashes, one after the other. @out may be one of them. */
void pow_sha256d_pair(struct base_hash *out, const struct base_hash *left,
		      const struct base_hash *right);

#endif
