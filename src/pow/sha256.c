/* SPDX-License-Identifier: MIT */
#include "pow/sha256.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "pow/cpu.h"

const uint32_t pow_sha256_iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

const uint32_t pow_sha256_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Function names as in FIPS 180-4, section 4.1.2. */
static inline uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static inline uint32_t big_sigma0(uint32_t x)
{
	return rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
}

static inline uint32_t big_sigma1(uint32_t x)
{
	return rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
}

static inline uint32_t small_sigma0(uint32_t x)
{
	return rotr(x, 7) ^ rotr(x, 18) ^ x >> 3;
}

static inline uint32_t small_sigma1(uint32_t x)
{
	return rotr(x, 17) ^ rotr(x, 19) ^ x >> 10;
}

/* One round; the caller rotates the names instead of the values. */
#define ROUND(a, b, c, d, e, f, g, h, i)                              \
	do {                                                          \
		uint32_t t = s[h] + big_sigma1(s[e]) +                \
			     (((s[f] ^ s[g]) & s[e]) ^ s[g]) + w[i] + \
			     pow_sha256_k[i];                         \
		s[d] += t;                                            \
		s[h] = t + big_sigma0(s[a]) +                         \
		       ((s[a] & s[b]) | ((s[a] | s[b]) & s[c]));      \
	} while (0)

static void compress(uint32_t state[static 8],
		     const uint8_t block[static POW_SHA256_BLOCK])
{
	uint32_t w[64];
	uint32_t s[8];

	for (unsigned i = 0; i < 16; i++)
		w[i] = base_load_be32(block + 4 * (size_t)i);
	for (unsigned i = 16; i < 64; i++)
		w[i] = small_sigma1(w[i - 2]) + w[i - 7] +
		       small_sigma0(w[i - 15]) + w[i - 16];
	memcpy(s, state, sizeof(s));
	for (unsigned i = 0; i < 64; i += 8) {
		ROUND(0, 1, 2, 3, 4, 5, 6, 7, i);
		ROUND(7, 0, 1, 2, 3, 4, 5, 6, i + 1);
		ROUND(6, 7, 0, 1, 2, 3, 4, 5, i + 2);
		ROUND(5, 6, 7, 0, 1, 2, 3, 4, i + 3);
		ROUND(4, 5, 6, 7, 0, 1, 2, 3, i + 4);
		ROUND(3, 4, 5, 6, 7, 0, 1, 2, i + 5);
		ROUND(2, 3, 4, 5, 6, 7, 0, 1, i + 6);
		ROUND(1, 2, 3, 4, 5, 6, 7, 0, i + 7);
	}
	for (unsigned i = 0; i < 8; i++)
		state[i] += s[i];
}

void pow_sha256_blocks_portable(uint32_t state[static 8], const uint8_t *data,
				size_t count)
{
	for (size_t i = 0; i < count; i++)
		compress(state, data + i * POW_SHA256_BLOCK);
}

static void (*blocks)(uint32_t state[static 8], const uint8_t *data,
		      size_t count) = pow_sha256_blocks_portable;

#if defined(__x86_64__)

/* Before main(): afterwards the choice is only read, by any thread. */
__attribute__((constructor)) static void choose(void)
{
	if (pow_cpu_features() & POW_CPU_SHA)
		blocks = pow_sha256_blocks_shani;
}

#endif

void pow_sha256_blocks(uint32_t state[static 8], const uint8_t *data,
		       size_t count)
{
	blocks(state, data, count);
}

static void write_state(uint8_t out[static 32], const uint32_t state[static 8])
{
	for (size_t i = 0; i < 8; i++)
		base_store_be32(out + 4 * i, state[i]);
}

/* The end of a message of @len bytes: @tail is the len % 64 last ones. */
static void finish(struct base_hash *out, uint32_t state[static 8],
		   const uint8_t *tail, uint64_t len)
{
	uint8_t last[2 * POW_SHA256_BLOCK] = {0};
	size_t left = len % POW_SHA256_BLOCK;
	/* The length takes eight bytes at the end of the last block. */
	size_t count = left < POW_SHA256_BLOCK - 8 ? 1 : 2;

	if (left > 0)
		memcpy(last, tail, left);
	last[left] = 0x80;
	base_store_be64(last + count * POW_SHA256_BLOCK - 8, len * 8);
	blocks(state, last, count);
	write_state(out->b, state);
}

void pow_sha256_init(struct pow_sha256_stream *s)
{
	memcpy(s->state, pow_sha256_iv, sizeof(s->state));
	s->len = 0;
}

void pow_sha256_update(struct pow_sha256_stream *s, const void *data,
		       size_t len)
{
	const uint8_t *at = data;
	size_t have = s->len % POW_SHA256_BLOCK;
	size_t fill = POW_SHA256_BLOCK - have;

	BASE_ASSERT(len < (UINT64_C(1) << 61) - s->len);
	s->len += len;
	if (have > 0 && len >= fill) {
		memcpy(s->part + have, at, fill);
		blocks(s->state, s->part, 1);
		at += fill;
		len -= fill;
		have = 0;
	}
	if (len >= POW_SHA256_BLOCK) {
		size_t whole = len - len % POW_SHA256_BLOCK;

		blocks(s->state, at, whole / POW_SHA256_BLOCK);
		at += whole;
		len -= whole;
	}
	if (len > 0)
		memcpy(s->part + have, at, len);
}

void pow_sha256_final(struct base_hash *out, struct pow_sha256_stream *s)
{
	finish(out, s->state, s->part, s->len);
}

void pow_sha256(struct base_hash *out, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t whole = len - len % POW_SHA256_BLOCK;
	uint32_t state[8];

	BASE_ASSERT(len < UINT64_C(1) << 61);
	memcpy(state, pow_sha256_iv, sizeof(state));
	if (whole > 0) {
		blocks(state, bytes, whole / POW_SHA256_BLOCK);
		bytes += whole;
	}
	finish(out, state, bytes, len);
}

void pow_sha256d(struct base_hash *out, const void *data, size_t len)
{
	struct base_hash once;

	pow_sha256(&once, data, len);
	pow_sha256(out, once.b, sizeof(once.b));
}

void pow_sha256d_pair(struct base_hash *out, const struct base_hash *left,
		      const struct base_hash *right)
{
	/* The pair, and the padding of 512 bits. */
	uint8_t pair[2 * POW_SHA256_BLOCK] = {[64] = 0x80, [126] = 2};
	/* Its hash, and the padding of 256 bits. */
	uint8_t once[POW_SHA256_BLOCK] = {[32] = 0x80, [62] = 1};
	uint32_t state[8];

	memcpy(pair, left->b, sizeof(left->b));
	memcpy(pair + sizeof(left->b), right->b, sizeof(right->b));
	memcpy(state, pow_sha256_iv, sizeof(state));
	blocks(state, pair, 2);
	write_state(once, state);
	memcpy(state, pow_sha256_iv, sizeof(state));
	blocks(state, once, 1);
	write_state(out->b, state);
}
