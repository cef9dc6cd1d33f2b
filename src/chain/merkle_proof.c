/* SPDX-License-Identifier: MIT */
#include "chain/merkle_proof.h"

#include <errno.h>

#include "base/assert.h"
#include "chain/block.h"
#include "chain/merkle.h"

/* Recursion below goes as deep as the tree is high. */
_Static_assert(CHAIN_BLOCK_TXS_MAX <= 1u << CHAIN_MERKLE_DEPTH_MAX,
	       "the height of a tree is bounded");

/* Nodes of the tree over @total leaves at @height; leaves are at 0. */
static uint32_t width(uint32_t total, unsigned height)
{
	return (uint32_t)(((uint64_t)total + (UINT64_C(1) << height) - 1) >>
			  height);
}

static unsigned height_of(uint32_t total)
{
	unsigned height = 0;

	while (width(total, height) > 1)
		height++;
	return height;
}

size_t chain_merkle_proof_size(uint32_t total)
{
	/* Fewer than two nodes a leaf, and a chain of odd ones. */
	size_t bits = 2 * (size_t)total + CHAIN_MERKLE_DEPTH_MAX;

	return 4 + 9 + (size_t)total * sizeof(struct base_hash) + 9 +
	       (bits + 7) / 8;
}

/* A walk over the nodes that a proof names, in its order. It is made three
 * times: to count, for the hashes, and for the bits. */
struct walk {
	const struct base_hash *leaf;
	const bool *proved;
	uint32_t total;
	struct base_writer *hashes; /* NULL: not now */
	struct base_writer *bits;   /* NULL: not now */
	uint32_t hash_count;
	size_t bit_count;
	uint8_t byte; /* of bits, not yet whole */
};

static void node_hash(struct base_hash *out, const struct walk *k,
		      unsigned height, uint32_t pos)
{
	struct base_hash pair[2];

	if (height == 0) {
		*out = k->leaf[pos];
		return;
	}
	node_hash(&pair[0], k, height - 1, 2 * pos);
	pair[1] = pair[0];
	if (2 * pos + 1 < width(k->total, height - 1))
		node_hash(&pair[1], k, height - 1, 2 * pos + 1);
	chain_merkle_climb(out, &pair[0], &pair[1], 1);
}

static bool any_proved(const struct walk *k, unsigned height, uint32_t pos)
{
	uint64_t end = ((uint64_t)pos + 1) << height;

	if (end > k->total)
		end = k->total;
	for (uint64_t i = (uint64_t)pos << height; i < end; i++)
		if (k->proved[i])
			return true;
	return false;
}

static void put_bit(struct walk *k, bool bit)
{
	k->byte |= (uint8_t)(bit << k->bit_count % 8);
	k->bit_count++;
	if (k->bit_count % 8 != 0)
		return;
	if (k->bits)
		base_write_u8(k->bits, k->byte);
	k->byte = 0;
}

static void put_node(struct walk *k, unsigned height, uint32_t pos)
{
	bool any = any_proved(k, height, pos);
	struct base_hash hash;

	put_bit(k, any);
	if (height > 0 && any) {
		put_node(k, height - 1, 2 * pos);
		if (2 * pos + 1 < width(k->total, height - 1))
			put_node(k, height - 1, 2 * pos + 1);
		return;
	}
	k->hash_count++;
	if (!k->hashes)
		return;
	node_hash(&hash, k, height, pos);
	base_write_bytes(k->hashes, hash.b, sizeof(hash.b));
}

void chain_merkle_proof_write(struct base_writer *w,
			      const struct base_hash *leaf, const bool *proved,
			      uint32_t total)
{
	const struct walk fresh = {
		.leaf = leaf, .proved = proved, .total = total};
	const unsigned height = height_of(total);
	struct walk k = fresh;

	BASE_ASSERT(total >= 1 && total <= CHAIN_BLOCK_TXS_MAX);
	put_node(&k, height, 0);
	base_write_le32(w, total);
	base_write_compact_size(w, k.hash_count);
	k = fresh;
	k.hashes = w;
	put_node(&k, height, 0);
	base_write_compact_size(w, (k.bit_count + 7) / 8);
	k = fresh;
	k.bits = w;
	put_node(&k, height, 0);
	if (k.bit_count % 8 != 0)
		base_write_u8(w, k.byte);
}

int chain_merkle_proof_read(struct chain_merkle_proof *out,
			    struct base_reader *r)
{
	struct chain_merkle_proof p;
	uint64_t hashes;
	uint64_t bytes;

	_Static_assert(sizeof(struct base_hash) == 32 &&
			       _Alignof(struct base_hash) == 1,
		       "hashes are read where they stand");
	p.total = base_read_le32(r);
	hashes = base_read_compact_size(r);
	if (p.total == 0 || p.total > CHAIN_BLOCK_TXS_MAX || hashes > p.total)
		return -EBADMSG;
	p.hash_count = (uint32_t)hashes;
	p.hash = (const struct base_hash *)base_read_bytes(
		r, hashes * sizeof(struct base_hash));
	bytes = base_read_compact_size(r);
	p.bit_bytes = bytes;
	p.bits = base_read_bytes(r, bytes);
	if (!base_reader_ok(r))
		return -EBADMSG;
	*out = p;
	return 0;
}

struct reading {
	const struct chain_merkle_proof *proof;
	struct base_hash *leaf;
	uint32_t *index;
	uint32_t found;
	uint32_t hashes; /* used so far */
	size_t bits;
	bool bad;
};

static void read_node(struct base_hash *out, struct reading *k, unsigned height,
		      uint32_t pos)
{
	const struct chain_merkle_proof *p = k->proof;
	struct base_hash pair[2];
	bool any;

	memset(out, 0, sizeof(*out));
	if (k->bad || k->bits / 8 >= p->bit_bytes) {
		k->bad = true;
		return;
	}
	any = p->bits[k->bits / 8] >> k->bits % 8 & 1;
	k->bits++;
	if (height > 0 && any) {
		read_node(&pair[0], k, height - 1, 2 * pos);
		pair[1] = pair[0];
		if (2 * pos + 1 < width(p->total, height - 1)) {
			read_node(&pair[1], k, height - 1, 2 * pos + 1);
			k->bad |= base_hash_equal(&pair[0], &pair[1]);
		}
		chain_merkle_climb(out, &pair[0], &pair[1], 1);
		return;
	}
	if (k->hashes == p->hash_count) {
		k->bad = true;
		return;
	}
	*out = p->hash[k->hashes++];
	if (any) {
		k->leaf[k->found] = *out;
		k->index[k->found++] = pos;
	}
}

int chain_merkle_proof_extract(struct base_hash *root, struct base_hash *leaf,
			       uint32_t *index, uint32_t *count,
			       const struct chain_merkle_proof *proof)
{
	struct reading k = {.proof = proof, .leaf = leaf, .index = index};
	struct base_hash top;

	read_node(&top, &k, height_of(proof->total), 0);
	/* The last byte is padded with bits of any value, as Bitcoin Core has
	 * it; nothing else may be left over. */
	if (k.bad || k.hashes != proof->hash_count ||
	    (k.bits + 7) / 8 != proof->bit_bytes)
		return -EBADMSG;
	*root = top;
	*count = k.found;
	return 0;
}
