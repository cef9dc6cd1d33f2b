/* SPDX-License-Identifier: MIT */
#include "chain/merkle.h"

#include "base/assert.h"
#include "pow/sha256.h"

void chain_merkle_root(struct base_hash *root, bool *mutated,
		       struct base_hash *leaf, size_t count)
{
	BASE_ASSERT(count >= 1);
	*mutated = false;
	while (count > 1) {
		for (size_t i = 0; i < count; i += 2) {
			/* The odd last one is paired with itself: that pair is
			 * honest, only a real equal neighbour is not. */
			size_t right = i + 1 < count ? i + 1 : i;

			if (right != i &&
			    base_hash_equal(&leaf[i], &leaf[right]))
				*mutated = true;
			pow_sha256d_pair(&leaf[i / 2], &leaf[i], &leaf[right]);
		}
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
		for (size_t i = 2; i < count; i += 2)
			pow_sha256d_pair(&leaf[i / 2], &leaf[i],
					 &leaf[i + 1 < count ? i + 1 : i]);
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
