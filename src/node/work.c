/* SPDX-License-Identifier: MIT */
#include "node/work.h"

#include <errno.h>
#include <stdlib.h>

#include "chain/header.h"
#include "pow/target.h"

void node_work_free(struct node_work *w)
{
	free(w->sum);
	*w = (struct node_work){0};
}

/* floor(2^256 / d) = floor((2^256 - d) / d) + 1. */
struct base_u256 node_work_of(uint32_t bits)
{
	const struct base_u256 one = {{1}};
	struct base_u256 work = {{0}};
	struct base_u256 d;

	if (pow_target_from_bits(&d, bits) < 0)
		return work;
	(void)base_u256_add(&d, &one); /* no target is 2^256 - 1 */
	(void)base_u256_sub(&work, &d);
	base_u256_div(&work, &d);
	(void)base_u256_add(&work, &one);
	return work;
}

double node_work_to_double(const struct base_u256 *v)
{
	double out = 0;

	for (size_t i = BASE_U256_LIMBS; i-- > 0;)
		out = out * 18446744073709551616.0 + (double)v->limb[i];
	return out;
}

/* Adds the work of blocks @from..@to. */
static int add_range(struct base_u256 *sum, struct store_reader *r,
		     uint32_t from, uint32_t to)
{
	for (uint64_t h = from; h <= to; h++) {
		const struct base_height height = {(uint32_t)h};
		struct chain_header header;
		struct base_u256 work;
		const uint8_t *block;
		size_t len;
		int rc = store_block_at(&block, &len, r, height);

		if (rc < 0)
			return rc;
		if (len < CHAIN_HEADER_SIZE)
			return -EBADMSG;
		chain_header_read(&header, block);
		work = node_work_of(header.bits);
		(void)base_u256_add(sum, &work);
	}
	return 0;
}

static int extend(struct node_work *w, struct store_reader *r)
{
	struct base_u256 sum = {{0}};
	uint32_t from = w->count * NODE_WORK_STEP;
	int rc;

	if (w->count == w->cap) {
		uint32_t cap = w->cap ? 2 * w->cap : 64;
		struct base_u256 *grown = realloc(w->sum, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		w->sum = grown;
		w->cap = cap;
	}
	if (w->count > 0)
		sum = w->sum[w->count - 1];
	rc = add_range(&sum, r, from, from + NODE_WORK_STEP - 1);
	if (rc == 0)
		w->sum[w->count++] = sum;
	return rc;
}

int node_work_at(struct base_u256 *out, struct node_work *w,
		 struct store_reader *r, struct base_height height)
{
	uint32_t whole = (uint32_t)(((uint64_t)height.n + 1) / NODE_WORK_STEP);
	struct base_u256 sum = {{0}};
	int rc = 0;

	while (w->count < whole && rc == 0)
		rc = extend(w, r);
	if (rc < 0)
		return rc;
	if (whole > 0)
		sum = w->sum[whole - 1];
	if (whole * NODE_WORK_STEP <= height.n)
		rc = add_range(&sum, r, whole * NODE_WORK_STEP, height.n);
	if (rc == 0)
		*out = sum;
	return rc;
}
