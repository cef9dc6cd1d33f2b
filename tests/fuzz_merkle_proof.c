/* SPDX-License-Identifier: MIT */
/*
 * fuzz_merkle_proof.c: any bytes as a proof, and proofs of any set.
 */
#include "base/assert.h"
#include "chain/merkle_proof.h"

#define TOTAL_MAX 64u
#define HASHES_MAX 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct base_hash leaf[HASHES_MAX];
static uint32_t place[HASHES_MAX];

/* What comes out stands in the order of the block, inside of it. */
static void read_any(const uint8_t *data, size_t size)
{
	struct base_reader r = base_reader_init(data, size);
	struct chain_merkle_proof proof;
	struct base_hash root;
	uint32_t count;

	if (chain_merkle_proof_read(&proof, &r) < 0 ||
	    proof.hash_count > HASHES_MAX ||
	    chain_merkle_proof_extract(&root, leaf, place, &count, &proof) < 0)
		return;
	BASE_ASSERT(count <= proof.hash_count);
	for (uint32_t i = 0; i < count; i++) {
		BASE_ASSERT(place[i] < proof.total);
		BASE_ASSERT(i == 0 || place[i - 1] < place[i]);
	}
}

/* The first byte is a count of transactions, the bits behind it say which
 * are proved. */
static void write_any(const uint8_t *data, size_t size)
{
	uint8_t bytes[4 + 9 + TOTAL_MAX * 32 + 9 + TOTAL_MAX];
	struct base_writer w = base_writer_init(bytes, sizeof(bytes));
	const uint32_t total = 1 + data[0] % TOTAL_MAX;
	struct chain_merkle_proof proof;
	struct base_hash tx[TOTAL_MAX];
	bool proved[TOTAL_MAX];
	struct base_reader r;
	struct base_hash root;
	uint32_t count = 0;
	uint32_t next = 0;

	memset(tx, 0, sizeof(tx));
	for (uint32_t i = 0; i < total; i++) {
		proved[i] = 1 + i / 8 < size && data[1 + i / 8] >> i % 8 & 1;
		tx[i].b[0] = (uint8_t)(1 + i);
	}
	chain_merkle_proof_write(&w, tx, proved, total);
	BASE_ASSERT(base_writer_ok(&w));
	BASE_ASSERT(w.len <= chain_merkle_proof_size(total));
	r = base_reader_init(bytes, w.len);
	BASE_ASSERT(chain_merkle_proof_read(&proof, &r) == 0);
	BASE_ASSERT(base_reader_done(&r) && proof.total == total);
	BASE_ASSERT(chain_merkle_proof_extract(&root, leaf, place, &count,
					       &proof) == 0);
	for (uint32_t i = 0; i < total; i++) {
		if (!proved[i])
			continue;
		BASE_ASSERT(next < count && place[next] == i);
		BASE_ASSERT(base_hash_equal(&leaf[next], &tx[i]));
		next++;
	}
	BASE_ASSERT(next == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_any(data, size);
	if (size > 0)
		write_any(data, size);
	return 0;
}
