/* SPDX-License-Identifier: MIT */
/* The reference: both compressions of every header, in plain C. */
#include "pow/kernel.h"
#include "pow/sha256.h"

uint64_t pow_scan_scalar(const struct minerd_pow_job *job, uint64_t first,
			 uint64_t end, struct minerd_pow_hits *hits)
{
	uint32_t masks[MINERD_POW_MIDSTATES_MAX];
	uint64_t next = first;

	memset(masks, 0xff, sizeof(masks));
	hits->count = 0;
	while (next < end &&
	       hits->count + job->midstate_count <= MINERD_POW_HITS_MAX)
		next = pow_kernel_collect(job, masks, next, 1, hits);
	return next;
}

void pow_bulk_pairs_single(struct base_hash *out, const struct base_hash *in,
			   size_t count)
{
	for (size_t i = 0; i < count; i++)
		pow_sha256d_pair(&out[i], &in[2 * i], &in[2 * i + 1]);
}

void pow_bulk_headers_single(struct base_hash *out, const uint8_t *headers,
			     size_t stride, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pow_sha256d(&out[i], headers + i * stride, POW_HEADER_SIZE);
}
