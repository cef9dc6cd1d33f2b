/* SPDX-License-Identifier: MIT */
/*
 * kernel.h: what the kernels share: work done once per scan, and exactness.
 *
 * Floor 1, pure, private to the kernels and their tests. Everything declared
 * here except the scan functions is compiled for the baseline CPU.
 *
 * Of the header's second block only word 3, the nonce, varies inside a scan.
 * So the first three rounds of each midstate, and every schedule word and
 * round constant that word 3 does not reach, are computed once. Rounds and
 * words are numbered from 0 as in FIPS 180-4.
 */
#ifndef POW_KERNEL_H
#define POW_KERNEL_H

#include "base/types.h"
#include "minerd/pow_backend.h"

/* Lanes that one step of any kernel tests at most. */
#define POW_KERNEL_LANES_MAX 32

/* The last round that decides the last word of the hash: e of round 60 moves
 * to f, g and h in rounds 61 to 63. */
#define POW_KERNEL_LAST_ROUND 60

struct pow_kernel_midstate {
	uint32_t h[8]; /* the midstate itself */
	uint32_t s[8]; /* after round 2 */
	/* After round 3: a = a3 + word 3, e = e3 + word 3. */
	uint32_t a3;
	uint32_t e3;
	/* Rounds 4 to 6: h of that round + constant + word. */
	uint32_t hk[7];
};

struct pow_kernel_setup {
	uint32_t count;
	uint32_t top; /* most significant word of the target */
	/* Words 16 and 17, and the constant parts of 18, 19, 31, 32. */
	uint32_t w16;
	uint32_t w17;
	uint32_t c18;
	uint32_t c19;
	uint32_t c31;
	uint32_t c32;
	/* After round 0 of the second hash: a = second_a0 + word 0,
	 * e = second_e0 + word 0. */
	uint32_t second_a0;
	uint32_t second_e0;
	/* Constant plus word where the word is constant: 4..17. */
	uint32_t kw[18];
	struct pow_kernel_midstate mid[MINERD_POW_MIDSTATES_MAX];
};

void pow_kernel_prepare(struct pow_kernel_setup *out,
			const struct minerd_pow_job *job);

/* The hash of that header: both blocks in full. */
void pow_kernel_hash(struct base_hash *out, const struct minerd_pow_job *job,
		     uint32_t midstate, uint32_t nonce);

/* Whether that header's hash is at most the target. */
bool pow_kernel_confirm(const struct minerd_pow_job *job, uint32_t midstate,
			uint32_t nonce);

/*
 * Confirms candidates and appends them to @hits in the order of the
 * contract. Bit i of masks[m] says that nonce @first + i with midstate m may
 * be a hit; @lanes <= POW_KERNEL_LANES_MAX bits are looked at. Returns
 * @first + @lanes, or the nonce at which the hits might not fit any more.
 */
uint64_t pow_kernel_collect(const struct minerd_pow_job *job,
			    const uint32_t *masks, uint64_t first,
			    uint32_t lanes, struct minerd_pow_hits *hits);

/* Words plus constants of a block that is padding alone: the second one of a
 * message of @bits, 512 times a number. */
void pow_kernel_padding(uint32_t kw[static 64], uint32_t bits);

/* The kernels, each in a file with its own instruction set; the contract is
 * scan() of struct minerd_pow_backend. */
uint64_t pow_scan_scalar(const struct minerd_pow_job *job, uint64_t first,
			 uint64_t end, struct minerd_pow_hits *hits);
uint64_t pow_scan_sse41(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits);
uint64_t pow_scan_avx2(const struct minerd_pow_job *job, uint64_t first,
		       uint64_t end, struct minerd_pow_hits *hits);
uint64_t pow_scan_avx512(const struct minerd_pow_job *job, uint64_t first,
			 uint64_t end, struct minerd_pow_hits *hits);
uint64_t pow_scan_mixed(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits);
uint64_t pow_scan_shani(const struct minerd_pow_job *job, uint64_t first,
			uint64_t end, struct minerd_pow_hits *hits);

/* Each kernel's part of pow/bulk.h. */
#define POW_KERNEL_BULK(name)                                                 \
	void pow_bulk_pairs_##name(struct base_hash *out,                     \
				   const struct base_hash *in, size_t count); \
	void pow_bulk_headers_##name(struct base_hash *out,                   \
				     const uint8_t *headers, size_t stride,   \
				     size_t count)

POW_KERNEL_BULK(single);
POW_KERNEL_BULK(sse41);
POW_KERNEL_BULK(avx2);
POW_KERNEL_BULK(avx512);
POW_KERNEL_BULK(shani);

#endif
