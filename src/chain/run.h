/* SPDX-License-Identifier: MIT */
/*
 * run.h: many headers in a row, checked as a follower checks them.
 *
 * Floor 2, pure. The rules are chain_context_check()'s; the hashes are made
 * side by side by the vector kernels (pow/bulk.h) instead of one by one.
 */
#ifndef CHAIN_RUN_H
#define CHAIN_RUN_H

#include "chain/context.h"

#define CHAIN_RUN_MAX 2000u /* headers at once */

/*
 * Appends the headers that lie side by side at @headers to @ctx, up to the
 * first that breaks a rule. CHAIN_OK: all of them; else that header's verdict:
 * version, bits, proof of work, prev, difficulty or time. *@good is how many
 * were appended, and hash[0..@count) the hashes of all. @count is at most
 * CHAIN_RUN_MAX.
 */
enum chain_verdict chain_run_append(struct chain_context *ctx,
				    struct base_hash *hash, size_t *good,
				    const struct chain_params *p,
				    const uint8_t *headers, size_t count);

/* They lead from @from (the first one's prev) to the last one's hash, link by
 * link; nothing else is looked at. */
bool chain_run_linked(const struct base_hash *from, struct base_hash *hash,
		      const uint8_t *headers, size_t count);

#endif
