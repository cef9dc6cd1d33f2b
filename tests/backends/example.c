/* SPDX-License-Identifier: MIT */
/*
 * A backend out of tree, as small as one can be: it needs nothing of minerd
 * but the installed header. Build it and try it:
 *
 *	cc -O2 -shared -fPIC -o example.so example.c
 *	minerd --pow-backend ./example.so
 *
 * With -DEXAMPLE_WRONG it forgets one bit, with -DEXAMPLE_ABI=n it claims
 * another ABI: the tests show that minerd refuses both.
 */
#include <minerd/pow_backend.h>

#include <stddef.h>

#ifndef EXAMPLE_ABI
#define EXAMPLE_ABI MINERD_POW_ABI
#endif

#ifdef EXAMPLE_WRONG
#define NAME "wrong"
#define SHIFT 9 /* instead of 10 */
#else
#define NAME "example"
#define SHIFT 10
#endif

static const uint32_t k[64] = {
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

static const uint32_t iv[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static uint32_t swap(uint32_t x)
{
	return x >> 24 | (x >> 8 & 0xff00) | (x << 8 & 0xff0000) | x << 24;
}

/* out = the compression of w (16 words, 64 are used) from the state in. */
static void compress(uint32_t *out, const uint32_t *in, uint32_t *w)
{
	uint32_t s[8];
	unsigned i;

	for (i = 16; i < 64; i++) {
		uint32_t x = w[i - 15];
		uint32_t y = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] +
		       (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) +
		       (rotr(y, 17) ^ rotr(y, 19) ^ y >> SHIFT);
	}
	for (i = 0; i < 8; i++)
		s[i] = in[i];
	for (i = 0; i < 64; i++) {
		uint32_t e = s[4];
		uint32_t a = s[0];
		uint32_t t1 = s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
			      ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
		uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
			      ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
		unsigned j;

		for (j = 7; j > 0; j--)
			s[j] = s[j - 1];
		s[4] += t1;
		s[0] = t1 + t2;
	}
	for (i = 0; i < 8; i++)
		out[i] = in[i] + s[i];
}

static int is_hit(const struct minerd_pow_job *job, uint32_t midstate,
		  uint32_t nonce)
{
	uint32_t w[64] = {0};
	uint32_t v[64] = {0};
	uint32_t hash[8];
	int i;

	for (i = 0; i < 3; i++)
		w[i] = job->tail[i];
	w[3] = swap(nonce);
	w[4] = 0x80000000;
	w[15] = 640;
	compress(v, job->midstate[midstate], w);
	v[8] = 0x80000000;
	v[15] = 256;
	compress(hash, iv, v);
	for (i = 7; i >= 0; i--)
		if (swap(hash[i]) != job->target[i])
			return swap(hash[i]) < job->target[i];
	return 1;
}

static uint64_t scan(const struct minerd_pow_job *job, uint64_t first,
		     uint64_t end, struct minerd_pow_hits *hits)
{
	uint64_t n;

	hits->count = 0;
	for (n = first; n < end; n++) {
		uint32_t m;

		if (hits->count + job->midstate_count > MINERD_POW_HITS_MAX)
			return n;
		for (m = 0; m < job->midstate_count; m++) {
			if (!is_hit(job, m, (uint32_t)n))
				continue;
			hits->at[hits->count].nonce = (uint32_t)n;
			hits->at[hits->count].midstate = m;
			hits->count++;
		}
	}
	return end;
}

static int supported(void)
{
	return 1;
}

static const struct minerd_pow_backend backend = {
	EXAMPLE_ABI, 1, 1, 0, NAME, "an example out of tree", supported, scan};

const struct minerd_pow_backend *minerd_pow_backend(void)
{
	return &backend;
}
