/* SPDX-License-Identifier: MIT */
/*
 * merkle.h: Bitcoin's merkle tree, with its mutation found.
 *
 * Floor 2, pure; works in place on the caller's hashes.
 */
#ifndef CHAIN_MERKLE_H
#define CHAIN_MERKLE_H

#include "base/types.h"

#define CHAIN_MERKLE_DEPTH_MAX 24

/*
 * The root of @count >= 1 leaves; @leaf is overwritten. *@mutated is set when
 * two equal hashes stand side by side as a pair at any level: such a tree
 * has the root of a shorter one (CVE-2012-2459) and is malformed.
 */
void chain_merkle_root(struct base_hash *root, bool *mutated,
		       struct base_hash *leaf, size_t count);

/*
 * The siblings from leaf 0 (the coinbase) up to the root, bottom first;
 * @leaf is overwritten, and leaf[0] may hold anything. Returns their number,
 * at most CHAIN_MERKLE_DEPTH_MAX (count <= 2^24).
 */
size_t
chain_merkle_branch(struct base_hash branch[static CHAIN_MERKLE_DEPTH_MAX],
		    struct base_hash *leaf, size_t count);

/* The root from leaf 0 and its siblings. */
void chain_merkle_climb(struct base_hash *root, const struct base_hash *leaf,
			const struct base_hash *branch, size_t depth);

/* The same from leaf @index, with the siblings on their sides. */
void chain_merkle_climb_from(struct base_hash *root,
			     const struct base_hash *leaf, uint32_t index,
			     const struct base_hash *branch, size_t depth);

/* Hashes of all levels of a tree of @count leaves, the leaves included. */
size_t chain_merkle_tree_size(size_t count);

/* Completes @tree, whose first @count hashes are the leaves, level by level:
 * 1 <= count <= 2^24. Branches of many leaves cost little then. */
void chain_merkle_tree(struct base_hash *tree, size_t count);

/* The siblings from leaf @index of a completed tree up to the root. Returns
 * their number. */
size_t
chain_merkle_tree_branch(struct base_hash branch[static CHAIN_MERKLE_DEPTH_MAX],
			 const struct base_hash *tree, size_t count,
			 uint32_t index);

/* What a proof by a branch says is in one form only: @index is below
 * 2^@depth, and no node stands beside an equal one on its left, as the copy of
 * an odd last node does (CVE-2012-2459). */
bool chain_merkle_branch_proper(const struct base_hash *leaf, uint32_t index,
				const struct base_hash *branch, size_t depth);

#endif
