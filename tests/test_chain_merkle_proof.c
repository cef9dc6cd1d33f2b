/* SPDX-License-Identifier: MIT */
/* merkle_proof.h: every subset of small trees comes back; whatever is changed
 * in a proof is noticed. */
#include "test.h"

#include <errno.h>

#include "chain/block.h"
#include "chain/merkle.h"
#include "chain/merkle_proof.h"
#include "pow/sha256.h"

#define TOTAL_MAX 40u
#define PROOF_MAX 4096

static struct base_hash tx[TOTAL_MAX];

static struct base_hash root_of(uint32_t total)
{
	struct base_hash leaf[TOTAL_MAX];
	struct base_hash root;
	bool mutated;

	memcpy(leaf, tx, sizeof(leaf));
	chain_merkle_root(&root, &mutated, leaf, total);
	assert_false(mutated);
	return root;
}

static int make_txs(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < TOTAL_MAX; i++)
		pow_sha256d(&tx[i], &i, sizeof(i));
	return 0;
}

static size_t make(uint8_t out[static PROOF_MAX], uint32_t total, uint64_t mask)
{
	struct base_writer w = base_writer_init(out, PROOF_MAX);
	bool proved[TOTAL_MAX];

	for (uint32_t i = 0; i < total; i++)
		proved[i] = mask >> i & 1;
	chain_merkle_proof_write(&w, tx, proved, total);
	assert_true(base_writer_ok(&w));
	assert_true(w.len <= chain_merkle_proof_size(total));
	return w.len;
}

/* -EBADMSG, or 0 with the root and what is proved as a mask. */
static int take(struct base_hash *root, uint64_t *mask, const uint8_t *data,
		size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct chain_merkle_proof p;
	struct base_hash leaf[PROOF_MAX / 32];
	uint32_t index[PROOF_MAX / 32];
	uint32_t count = 0;
	int rc = chain_merkle_proof_read(&p, &r);

	if (rc == 0 && !base_reader_done(&r))
		rc = -EBADMSG;
	if (rc == 0)
		rc = chain_merkle_proof_extract(root, leaf, index, &count, &p);
	if (rc < 0) {
		assert_int_equal(rc, -EBADMSG);
		return rc;
	}
	*mask = 0;
	for (uint32_t i = 0; i < count; i++) {
		assert_true(index[i] < p.total);
		*mask |= UINT64_C(1) << index[i] % 64;
		if (index[i] < TOTAL_MAX &&
		    !base_hash_equal(&leaf[i], &tx[index[i]]))
			*mask = UINT64_MAX;
	}
	return 0;
}

static void every_subset_comes_back(void **state)
{
	uint8_t proof[PROOF_MAX];

	(void)state;
	for (uint32_t total = 1; total <= 9; total++) {
		struct base_hash want = root_of(total);

		for (uint64_t mask = 0; mask < UINT64_C(1) << total; mask++) {
			size_t len = make(proof, total, mask);
			struct base_hash root;
			uint64_t got;

			assert_int_equal(take(&root, &got, proof, len), 0);
			assert_int_equal(got, mask);
			assert_true(base_hash_equal(&root, &want));
		}
	}
}

/* BIP37's form, worked out by hand for the middle one of three. */
static void the_form_is_bip37s(void **state)
{
	uint8_t proof[PROOF_MAX];
	size_t len = make(proof, 3, 2);
	struct base_hash right = tx[2];

	(void)state;
	chain_merkle_climb(&right, &tx[2], &tx[2], 1);
	assert_int_equal(len, 4 + 1 + 3 * 32 + 1 + 1);
	assert_int_equal(base_load_le32(proof), 3);
	assert_int_equal(proof[4], 3);
	assert_memory_equal(proof + 5, tx[0].b, 32);
	assert_memory_equal(proof + 37, tx[1].b, 32);
	assert_memory_equal(proof + 69, right.b, 32);
	assert_int_equal(proof[101], 1);
	/* root yes, left pair yes, 0 no, 1 yes, right pair no */
	assert_int_equal(proof[102], 0x0b);
}

/* One changed bit either is refused, or gives another root or set, or was
 * padding. */
static void changes_are_noticed(void **state)
{
	static const uint32_t totals[] = {1, 2, 3, 7, 12, 33, 40};
	uint8_t proof[PROOF_MAX];

	(void)state;
	for (size_t t = 0; t < BASE_COUNT(totals); t++) {
		uint32_t total = totals[t];
		struct base_hash want = root_of(total);
		uint64_t mask =
			UINT64_C(0x8421084211) & ((UINT64_C(1) << total) - 1);
		size_t len = make(proof, total, mask);
		unsigned unnoticed = 0;

		for (size_t i = 32; i < 8 * len; i++) {
			struct base_hash root;
			uint64_t got;

			proof[i / 8] ^= (uint8_t)(1 << i % 8);
			if (take(&root, &got, proof, len) == 0 && got == mask &&
			    base_hash_equal(&root, &want))
				unnoticed++;
			proof[i / 8] ^= (uint8_t)(1 << i % 8);
		}
		assert_true(unnoticed < 8);
	}
}

static void cut_short_or_longer(void **state)
{
	uint8_t proof[PROOF_MAX];
	size_t len = make(proof, 12, 0x21);
	struct base_hash root;
	uint64_t got;

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(take(&root, &got, proof, n), -EBADMSG);
	proof[len] = 0;
	assert_int_equal(take(&root, &got, proof, len + 1), -EBADMSG);
}

static void impossible_counts(void **state)
{
	static const uint32_t totals[] = {0, CHAIN_BLOCK_TXS_MAX + 1,
					  UINT32_MAX};
	uint8_t proof[PROOF_MAX];
	struct base_hash root;
	uint64_t got;
	size_t len;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(totals); i++) {
		len = make(proof, 5, 4);
		base_store_le32(proof, totals[i]);
		assert_int_equal(take(&root, &got, proof, len), -EBADMSG);
	}
	/* More hashes than transactions; no hashes; no bits. */
	len = make(proof, 5, 4);
	base_store_le32(proof, 2);
	assert_int_equal(take(&root, &got, proof, len), -EBADMSG);
	memcpy(proof, "\1\0\0\0\0\1\0", 7);
	assert_int_equal(take(&root, &got, proof, 7), -EBADMSG);
	len = make(proof, 1, 1);
	proof[len - 2] = 0;
	assert_int_equal(take(&root, &got, proof, len - 1), -EBADMSG);
	/* A tree of the largest block, all of it pruned: one hash, one bit. */
	len = make(proof, 1, 0);
	base_store_le32(proof, CHAIN_BLOCK_TXS_MAX);
	assert_int_equal(take(&root, &got, proof, len), 0);
	assert_int_equal(got, 0);
}

/* CVE-2012-2459: 1 2 3 and 1 2 3 3 have one root; the longer is refused. */
static void equal_children(void **state)
{
	struct base_hash kept = tx[3];
	uint8_t proof[PROOF_MAX];
	struct base_hash root;
	uint64_t got;
	size_t len;

	(void)state;
	tx[3] = tx[2];
	len = make(proof, 4, 0xc);
	tx[3] = kept;
	assert_int_equal(take(&root, &got, proof, len), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subset_comes_back),
		cmocka_unit_test(the_form_is_bip37s),
		cmocka_unit_test(changes_are_noticed),
		cmocka_unit_test(cut_short_or_longer),
		cmocka_unit_test(impossible_counts),
		cmocka_unit_test(equal_children),
	};

	return cmocka_run_group_tests(tests, make_txs, NULL);
}
