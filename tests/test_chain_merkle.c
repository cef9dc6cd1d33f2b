/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "chain/header.h"
#include "chain/merkle.h"
#include "chain/tx.h"
#include "pow/sha256.h"
#include "pow/target.h"

#include <errno.h>

#define LEAVES_MAX 70
#define LINE_MAX_CHARS 100000
#define BLOCK_TXS_MAX 100

static char line[LINE_MAX_CHARS];
static uint8_t block[LINE_MAX_CHARS / 2];

/* Independent of the module: the definition, by recursion. */
static struct base_hash naive_root(const struct base_hash *leaf, size_t count,
				   unsigned depth)
{
	size_t half = depth ? (size_t)1 << (depth - 1) : 0;
	struct base_hash pair[2];
	struct base_hash out;

	if (depth == 0)
		return leaf[0];
	pair[0] = naive_root(leaf, count < half ? count : half, depth - 1);
	pair[1] = count > half
			  ? naive_root(leaf + half, count - half, depth - 1)
			  : pair[0];
	pow_sha256d(&out, pair, sizeof(pair));
	return out;
}

static unsigned depth_of(size_t count)
{
	unsigned depth = 0;

	while ((size_t)1 << depth < count)
		depth++;
	return depth;
}

static void fill(struct base_hash *leaf, size_t count, uint64_t seed)
{
	struct base_prng rng = base_prng_init(seed);

	base_prng_fill(&rng, leaf[0].b, count * sizeof(*leaf));
}

static void root_branch_and_climb_agree(void **state)
{
	struct base_hash leaf[LEAVES_MAX];
	struct base_hash work[LEAVES_MAX];
	struct base_hash branch[CHAIN_MERKLE_DEPTH_MAX];

	(void)state;
	for (size_t count = 1; count <= LEAVES_MAX; count++) {
		struct base_hash root;
		struct base_hash want;
		size_t depth;
		bool mutated = true;

		fill(leaf, count, count);
		want = naive_root(leaf, count, depth_of(count));
		memcpy(work, leaf, sizeof(leaf));
		chain_merkle_root(&root, &mutated, work, count);
		assert_false(mutated);
		assert_memory_equal(&root, &want, sizeof(root));

		memcpy(work, leaf, sizeof(leaf));
		memset(&work[0], 0x5a, sizeof(work[0]));
		depth = chain_merkle_branch(branch, work, count);
		assert_int_equal(depth, depth_of(count));
		chain_merkle_climb(&root, &leaf[0], branch, depth);
		assert_memory_equal(&root, &want, sizeof(root));
	}
}

/* CVE-2012-2459: the end of a tree whose level is odd, repeated, has the same
 * root. For each count: repeat the leaves that such a level pairs with
 * themselves. */
static void repeated_ends_are_found(void **state)
{
	struct base_hash leaf[2 * LEAVES_MAX];
	unsigned found = 0;

	(void)state;
	for (size_t count = 2; count <= LEAVES_MAX; count++) {
		struct base_hash root;
		struct base_hash longer;
		bool mutated;
		unsigned level = 0;
		size_t repeat;
		size_t more = count;

		/* The lowest odd level: 2^level leaves stand at its end. */
		while ((count >> level) % 2 == 0)
			level++;
		if (count >> level == 1)
			continue; /* a full tree has no odd level */
		repeat = (size_t)1 << level;
		fill(leaf, count, count);
		for (size_t i = 0; i < repeat; i++)
			leaf[more++] = leaf[count - repeat + i];
		chain_merkle_root(&longer, &mutated, leaf, more);
		assert_true(mutated);
		fill(leaf, count, count);
		chain_merkle_root(&root, &mutated, leaf, count);
		assert_false(mutated);
		assert_memory_equal(&root, &longer, sizeof(root));
		found++;
	}
	assert_true(found > 50);
}

/* Equal pairs anywhere count, equal neighbours of different pairs do not. */
static void only_pairs_count(void **state)
{
	struct base_hash leaf[8];
	struct base_hash root;
	bool mutated;

	(void)state;
	for (size_t i = 0; i + 1 < 8; i++) {
		fill(leaf, 8, 1);
		leaf[i + 1] = leaf[i];
		chain_merkle_root(&root, &mutated, leaf, 8);
		assert_int_equal(mutated, i % 2 == 0);
	}
	fill(leaf, 8, 1);
	memcpy(&leaf[6], &leaf[4], 2 * sizeof(leaf[0]));
	chain_merkle_root(&root, &mutated, leaf, 8);
	assert_true(mutated); /* one level up */
}

static size_t next_block(FILE *f)
{
	size_t len;

	if (!fgets(line, sizeof(line), f))
		return 0;
	line[strcspn(line, "\r\n")] = '\0';
	len = strlen(line) / 2;
	assert_int_equal(base_from_hex(block, len, line), 0);
	return len;
}

/* The ids of a legacy block's transactions; their number. */
static size_t read_ids(struct base_hash ids[static BLOCK_TXS_MAX], size_t len)
{
	struct base_reader r = base_reader_init(block + CHAIN_HEADER_SIZE,
						len - CHAIN_HEADER_SIZE);
	size_t count = base_read_compact_size(&r);

	assert_in_range(count, 1, BLOCK_TXS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct chain_tx_view tx;

		assert_int_equal(chain_tx_parse(&tx, &r), 0);
		assert_false(tx.has_witness);
		assert_int_equal(tx.stripped_len, tx.len);
		chain_txid(&ids[i], NULL, &tx);
	}
	assert_true(base_reader_done(&r));
	return count;
}

static void main_chain_blocks(void **state)
{
	FILE *f = test_open_vectors("mainnet-blocks-1-400.hex");
	struct base_hash prev;
	unsigned blocks = 0;
	unsigned with_more = 0;
	size_t len;

	(void)state;
	if (!f)
		skip();
	assert_int_equal(base_hash_from_hex(&prev,
					    "000000000019d6689c085ae165831e93"
					    "4ff763ae46a2a6c172b3f1b60a8ce26f"),
			 0);
	while ((len = next_block(f)) > 0) {
		struct base_hash ids[BLOCK_TXS_MAX];
		struct base_hash root;
		struct base_u256 target;
		struct chain_header h;
		uint8_t again[CHAIN_HEADER_SIZE];
		bool mutated;
		size_t count;

		chain_header_read(&h, block);
		chain_header_write(again, &h);
		assert_memory_equal(again, block, sizeof(again));
		assert_memory_equal(&h.prev, &prev, sizeof(prev));
		chain_header_hash(&prev, &h);
		assert_int_equal(pow_target_from_bits(&target, h.bits), 0);
		assert_true(pow_target_met(&target, &prev));

		count = read_ids(ids, len);
		chain_merkle_root(&root, &mutated, ids, count);
		assert_false(mutated);
		assert_memory_equal(&root, &h.merkle_root, sizeof(root));
		with_more += count > 1;
		blocks++;
	}
	(void)fclose(f);
	assert_int_equal(blocks, 400);
	assert_true(with_more >= 1); /* block 170 and its followers */
}

static void header_fields_and_verdicts(void **state)
{
	struct chain_params *p = calloc(1, sizeof(*p));
	struct base_u256 small = {.limb = {1}};
	struct base_hash hash;
	struct base_hash low = {.b = {1}};
	struct chain_header h = {.version = CHAIN_VERSION, .bits = 0x1d00ffff};

	(void)state;
	assert_non_null(p);
	assert_int_equal(pow_target_from_bits(&p->pow_limit, 0x1d00ffff), 0);
	chain_header_hash(&hash, &h);
	assert_int_equal(chain_header_check(&h, p, &hash), CHAIN_BAD_POW);
	assert_int_equal(chain_header_check(&h, p, &low), CHAIN_OK);
	for (unsigned bit = 0; bit < 32; bit++) {
		bool rolled = CHAIN_VERSION_ROLL >> bit & 1;

		h.version = CHAIN_VERSION ^ UINT32_C(1) << bit;
		assert_int_equal(chain_header_check(&h, p, &low),
				 rolled ? CHAIN_OK : CHAIN_BAD_VERSION);
	}
	h.version = CHAIN_VERSION;
	h.bits = 0x1d010000; /* one more than the limit */
	assert_int_equal(chain_header_check(&h, p, &low), CHAIN_BAD_BITS);
	h.bits = 0x1d80ffff; /* negative */
	assert_int_equal(chain_header_check(&h, p, &low), CHAIN_BAD_BITS);
	h.bits = 0;
	assert_int_equal(chain_header_check(&h, p, &low), CHAIN_BAD_BITS);
	h.bits = 0xff123456; /* over 256 bits */
	assert_int_equal(chain_header_check(&h, p, &low), CHAIN_BAD_BITS);
	/* equal to the target is enough, one more is not */
	h.bits = 0x01010000;
	base_u256_to_hash(&hash, &small);
	assert_int_equal(chain_header_check(&h, p, &hash), CHAIN_OK);
	hash.b[0]++;
	assert_int_equal(chain_header_check(&h, p, &hash), CHAIN_BAD_POW);
	free(p);
}

/* From every leaf of trees of all small sizes, by a completed tree. */
static void branches_of_any_leaf(void **state)
{
	enum { LEAVES = 40 };
	struct base_hash leaf[LEAVES], work[LEAVES], tree[3 * LEAVES];
	struct base_hash branch[CHAIN_MERKLE_DEPTH_MAX], root, climbed;
	bool mutated;

	(void)state;
	for (unsigned i = 0; i < LEAVES; i++)
		memset(&leaf[i], (int)i + 1, sizeof(leaf[i]));
	for (size_t n = 1; n <= LEAVES; n++) {
		memcpy(work, leaf, sizeof(work));
		chain_merkle_root(&root, &mutated, work, n);
		assert_true(chain_merkle_tree_size(n) <= BASE_COUNT(tree));
		memcpy(tree, leaf, sizeof(leaf));
		chain_merkle_tree(tree, n);
		assert_memory_equal(&tree[chain_merkle_tree_size(n) - 1], &root,
				    sizeof(root));
		for (uint32_t i = 0; i < n; i++) {
			size_t depth =
				chain_merkle_tree_branch(branch, tree, n, i);

			chain_merkle_climb_from(&climbed, &leaf[i], i, branch,
						depth);
			assert_memory_equal(&climbed, &root, sizeof(root));
			assert_true(chain_merkle_branch_proper(&leaf[i], i,
							       branch, depth));
			if (depth == 0)
				continue;
			chain_merkle_climb_from(&climbed, &leaf[i], i ^ 1,
						branch, depth);
			/* The copy of an odd last leaf has a place, too. */
			assert_int_equal(base_hash_equal(&climbed, &root),
					 i == n - 1 && n % 2 == 1);
			assert_false(chain_merkle_branch_proper(
				&leaf[n - 1], 1u << depth, branch, depth));
		}
	}
}

static void copies_are_not_proper(void **state)
{
	struct base_hash leaf[3] = {{{1}}, {{2}}, {{3}}}, tree[8];
	struct base_hash branch[CHAIN_MERKLE_DEPTH_MAX];
	size_t depth;

	(void)state;
	memcpy(tree, leaf, sizeof(leaf));
	chain_merkle_tree(tree, 3);
	depth = chain_merkle_tree_branch(branch, tree, 3, 2);
	assert_true(chain_merkle_branch_proper(&leaf[2], 2, branch, depth));
	assert_false(chain_merkle_branch_proper(&leaf[2], 3, branch, depth));
	assert_false(chain_merkle_branch_proper(&leaf[2], 2, branch,
						CHAIN_MERKLE_DEPTH_MAX + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_branch_and_climb_agree),
		cmocka_unit_test(branches_of_any_leaf),
		cmocka_unit_test(copies_are_not_proper),
		cmocka_unit_test(repeated_ends_are_found),
		cmocka_unit_test(only_pairs_count),
		cmocka_unit_test(main_chain_blocks),
		cmocka_unit_test(header_fields_and_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
