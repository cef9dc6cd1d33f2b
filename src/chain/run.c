/* SPDX-License-Identifier: MIT */
#include "chain/run.h"

#include "base/assert.h"
#include "pow/bulk.h"

enum chain_verdict chain_run_append(struct chain_context *ctx,
				    struct base_hash *hash, size_t *good,
				    const struct chain_params *p,
				    const uint8_t *headers, size_t count)
{
	enum chain_verdict v = CHAIN_OK;
	size_t i;

	BASE_ASSERT(count <= CHAIN_RUN_MAX);
	pow_bulk_headers(hash, headers, CHAIN_HEADER_SIZE, count);
	for (i = 0; i < count; i++) {
		struct chain_header h;

		chain_header_read(&h, headers + i * CHAIN_HEADER_SIZE);
		v = chain_context_check_hashed(ctx, p, &h, &hash[i]);
		if (v != CHAIN_OK)
			break;
		chain_context_append_hashed(ctx, p, &h, &hash[i]);
	}
	*good = i;
	return v;
}

bool chain_run_linked(const struct base_hash *from, struct base_hash *hash,
		      const uint8_t *headers, size_t count)
{
	BASE_ASSERT(count <= CHAIN_RUN_MAX);
	pow_bulk_headers(hash, headers, CHAIN_HEADER_SIZE, count);
	for (size_t i = 0; i < count; i++) {
		struct chain_header h;

		chain_header_read(&h, headers + i * CHAIN_HEADER_SIZE);
		if (!base_hash_equal(&h.prev, i > 0 ? &hash[i - 1] : from))
			return false;
	}
	return true;
}
