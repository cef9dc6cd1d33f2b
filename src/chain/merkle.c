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

/* One level up: whether the node at @index is on the right. */
static void climb_one(struct base_hash *at, uint32_t index,
		      const struct base_hash *sibling)
{
	if (index & 1)
		pow_sha256d_pair(at, sibling, at);
	else
		pow_sha256d_pair(at, at, sibling);
}

void chain_merkle_climb_from(struct base_hash *root,
			     const struct base_hash *leaf, uint32_t index,
			     const struct base_hash *branch, size_t depth)
{
	struct base_hash at = *leaf;

	for (size_t i = 0; i < depth; i++, index >>= 1)
		climb_one(&at, index, &branch[i]);
	*root = at;
}

size_t chain_merkle_tree_size(size_t count)
{
	size_t size = count;

	for (; count > 1; size += count)
		count = (count + 1) / 2;
	return size;
}

void chain_merkle_tree(struct base_hash *tree, size_t count)
{
	BASE_ASSERT(count >= 1 && count <= (size_t)1 << CHAIN_MERKLE_DEPTH_MAX);
	while (count > 1) {
		struct base_hash *above = tree + count;

		pow_bulk_pairs(above, tree, count / 2);
		if (count % 2)
			pow_sha256d_pair(&above[count / 2], &tree[count - 1],
					 &tree[count - 1]);
		count = (count + 1) / 2;
		tree = above;
	}
}

size_t
chain_merkle_tree_branch(struct base_hash branch[static CHAIN_MERKLE_DEPTH_MAX],
			 const struct base_hash *tree, size_t count,
			 uint32_t index)
{
	size_t depth = 0;

	BASE_ASSERT(index < count);
	for (; count > 1; index >>= 1) {
		uint32_t sibling = index ^ 1;

		branch[depth++] = tree[sibling < count ? sibling : index];
		tree += count;
		count = (count + 1) / 2;
	}
	return depth;
}

bool chain_merkle_branch_proper(const struct base_hash *leaf, uint32_t index,
				const struct base_hash *branch, size_t depth)
{
	struct base_hash at = *leaf;

	if (depth > CHAIN_MERKLE_DEPTH_MAX || index >> depth != 0)
		return false;
	for (size_t i = 0; i < depth; i++, index >>= 1) {
		if ((index & 1) && base_hash_equal(&at, &branch[i]))
			return false;
		climb_one(&at, index, &branch[i]);
	}
	return true;
}
