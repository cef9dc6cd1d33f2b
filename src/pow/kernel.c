/* SPDX-License-Identifier: MIT */
#include "pow/kernel.h"

#include "base/bytes.h"
#include "pow/sha256.h"

#define PADDING UINT32_C(0x80000000)
#define HEADER_BITS 640u
#define DIGEST_BITS 256u

static inline uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t small_sigma0(uint32_t x)
{
	return rotr(x, 7) ^ rotr(x, 18) ^ x >> 3;
}

static uint32_t small_sigma1(uint32_t x)
{
	return rotr(x, 17) ^ rotr(x, 19) ^ x >> 10;
}

/* T1 of a round without its schedule word. */
static uint32_t first_term(const uint32_t s[static 8], unsigned round)
{
	uint32_t e = s[4];

	return s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
	       ((e & s[5]) ^ (~e & s[6])) + pow_sha256_k[round];
}

static uint32_t second_term(const uint32_t s[static 8])
{
	uint32_t a = s[0];

	return (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
	       ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
}

static void one_round(uint32_t s[static 8], unsigned round, uint32_t word)
{
	uint32_t t1 = first_term(s, round) + word;
	uint32_t t2 = second_term(s);

	for (unsigned i = 7; i > 0; i--)
		s[i] = s[i - 1];
	s[4] += t1;
	s[0] = t1 + t2;
}

static void prepare_midstate(struct pow_kernel_midstate *out,
			     const struct pow_kernel_setup *setup,
			     const uint32_t midstate[static 8],
			     const uint32_t tail[static 3])
{
	uint32_t t1;

	memcpy(out->h, midstate, sizeof(out->h));
	memcpy(out->s, midstate, sizeof(out->s));
	for (unsigned i = 0; i < 3; i++)
		one_round(out->s, i, tail[i]);
	t1 = first_term(out->s, 3);
	out->e3 = out->s[3] + t1;
	out->a3 = t1 + second_term(out->s);
	/* h of round 4 is g of round 3, and so on down to e of round 3. */
	for (unsigned i = 4; i < 7; i++)
		out->hk[i] = out->s[10 - i] + setup->kw[i];
}

void pow_kernel_prepare(struct pow_kernel_setup *out,
			const struct minerd_pow_job *job)
{
	const uint32_t *w = job->tail;
	const uint32_t *iv = pow_sha256_iv;

	memset(out, 0, sizeof(*out));
	out->count = job->midstate_count;
	out->top = job->target[7];
	out->w16 = w[0] + small_sigma0(w[1]);
	out->w17 = w[1] + small_sigma0(w[2]) + small_sigma1(HEADER_BITS);
	out->c18 = w[2] + small_sigma1(out->w16);
	out->c19 = small_sigma0(PADDING) + small_sigma1(out->w17);
	out->c31 = HEADER_BITS + small_sigma0(out->w16);
	out->c32 = out->w16 + small_sigma0(out->w17);
	out->second_e0 = iv[3] + first_term(iv, 0);
	out->second_a0 = first_term(iv, 0) + second_term(iv);
	for (unsigned i = 4; i < 18; i++)
		out->kw[i] = pow_sha256_k[i];
	out->kw[4] += PADDING;
	out->kw[15] += HEADER_BITS;
	out->kw[16] += out->w16;
	out->kw[17] += out->w17;
	for (unsigned i = 0; i < job->midstate_count; i++)
		prepare_midstate(&out->mid[i], out, job->midstate[i],
				 job->tail);
}

static void hash_words(uint32_t out[static 8], const struct minerd_pow_job *job,
		       uint32_t midstate, uint32_t nonce)
{
	uint8_t block[POW_SHA256_BLOCK] = {0};
	uint32_t inner[8];

	for (size_t i = 0; i < 3; i++)
		base_store_be32(block + 4 * i, job->tail[i]);
	base_store_le32(block + 12, nonce);
	base_store_be32(block + 16, PADDING);
	base_store_be32(block + 60, HEADER_BITS);
	memcpy(inner, job->midstate[midstate], sizeof(inner));
	pow_sha256_blocks_portable(inner, block, 1);

	for (size_t i = 0; i < 8; i++)
		base_store_be32(block + 4 * i, inner[i]);
	memset(block + 32, 0, 32);
	base_store_be32(block + 32, PADDING);
	base_store_be32(block + 60, DIGEST_BITS);
	memcpy(out, pow_sha256_iv, sizeof(pow_sha256_iv));
	pow_sha256_blocks_portable(out, block, 1);
}

void pow_kernel_hash(struct base_hash *out, const struct minerd_pow_job *job,
		     uint32_t midstate, uint32_t nonce)
{
	uint32_t words[8];

	hash_words(words, job, midstate, nonce);
	for (size_t i = 0; i < 8; i++)
		base_store_be32(out->b + 4 * i, words[i]);
}

bool pow_kernel_confirm(const struct minerd_pow_job *job, uint32_t midstate,
			uint32_t nonce)
{
	uint32_t words[8];

	hash_words(words, job, midstate, nonce);
	for (int i = 7; i >= 0; i--) {
		uint32_t word = __builtin_bswap32(words[i]);

		if (word != job->target[i])
			return word < job->target[i];
	}
	return true;
}

void pow_kernel_padding(uint32_t kw[static 64], uint32_t bits)
{
	uint32_t w[64] = {[0] = PADDING, [15] = bits};

	for (unsigned t = 16; t < 64; t++)
		w[t] = small_sigma1(w[t - 2]) + w[t - 7] +
		       small_sigma0(w[t - 15]) + w[t - 16];
	for (unsigned t = 0; t < 64; t++)
		kw[t] = w[t] + pow_sha256_k[t];
}

uint64_t pow_kernel_collect(const struct minerd_pow_job *job,
			    const uint32_t *masks, uint64_t first,
			    uint32_t lanes, struct minerd_pow_hits *hits)
{
	for (uint32_t lane = 0; lane < lanes; lane++) {
		uint32_t nonce = (uint32_t)(first + lane);

		for (uint32_t m = 0; m < job->midstate_count; m++) {
			if ((masks[m] >> lane & 1) == 0 ||
			    !pow_kernel_confirm(job, m, nonce))
				continue;
			hits->at[hits->count++] = (struct minerd_pow_hit){
				.nonce = nonce, .midstate = m};
		}
		if (hits->count + job->midstate_count > MINERD_POW_HITS_MAX)
			return first + lane + 1;
	}
	return first + lanes;
}
