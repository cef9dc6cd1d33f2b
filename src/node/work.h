/* SPDX-License-Identifier: MIT */
/*
 * work.h: how much hashing a chain stands for.
 *
 * Floor 5. Work of a block: floor(2^256 / (target + 1)), the hashes expected
 * for it; of a chain: the sum. Sums are kept for every NODE_WORK_STEP-th
 * height, so that one block's needs a short walk; they are made when first
 * asked for. One thread.
 */
#ifndef NODE_WORK_H
#define NODE_WORK_H

#include "base/u256.h"
#include "store/store.h"

#define NODE_WORK_STEP 1024u

struct node_work {
	struct base_u256 *sum; /* of blocks 0..(i + 1) * NODE_WORK_STEP - 1 */
	uint32_t count;
	uint32_t cap;
};

void node_work_free(struct node_work *w);

/* The work of a block with @bits; 0 when they are no target. */
struct base_u256 node_work_of(uint32_t bits);

/* A double near @v. */
double node_work_to_double(const struct base_u256 *v);

/* The work of blocks 0..@height, all in @r. 0; -ENOMEM; as
 * store_block_at(). */
BASE_MUST_CHECK int node_work_at(struct base_u256 *out, struct node_work *w,
				 struct store_reader *r,
				 struct base_height height);

#endif
