/* SPDX-License-Identifier: MIT */
#include "chain/merkle.h"

#include "base/assert.h"
#include "pow/bulk.h"
#include "pow/sha256.h"

void chain_merkle_root(struct base_hash *root, bool *mutated,
		       struct base_hash *leaf, size_t count)
{
	BASE_ASSERT(count >= 1);
	*mutated = false;
	while (count > 1) {
		size_t pairs = count / 2;

		for (size_t i = 0; i < pairs; i++)
			if (base_hash_equal(&leaf[2 * i], &leaf[2 * i + 1]))
				*mutated = true;
		pow_bulk_pairs(leaf, leaf, pairs);
		/* The odd last one is paired with itself: that pair is
		 * honest, only a real equal neighbour is not. */
		if (count % 2)
			pow_sha256d_pair(&leaf[pairs], &leaf[count - 1],
					 &leaf[count - 1]);
		count = (count + 1) / 2;
	}
	*root = leaf[0];
}

size_t
chain_merkle_branch(struct base_hash branch[static CHAIN_MERKLE_DEPTH_MAX],
		    struct base_hash *leaf, size_t count)
{
	size_t depth = 0;

	BASE_ASSERT(count >= 1 && count <= (size_t)1 << CHAIN_MERKLE_DEPTH_MAX);
	while (count > 1) {
		branch[depth++] = leaf[1];
		pow_bulk_pairs(&leaf[1], &leaf[2], count / 2 - 1);
		if (count % 2)
			pow_sha256d_pair(&leaf[count / 2], &leaf[count - 1],
					 &leaf[count - 1]);
		count = (count + 1) / 2;
	}
	return depth;
}

void chain_merkle_climb(struct base_hash *root, const struct base_hash *leaf,
			const struct base_hash *branch, size_t depth)
{
	struct base_hash at = *leaf;

	for (size_t i = 0; i < depth; i++)
		pow_sha256d_pair(&at, &at, &branch[i]);
	*root = at;
}
