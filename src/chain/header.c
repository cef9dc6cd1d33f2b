/* SPDX-License-Identifier: MIT */
#include "chain/header.h"

#include "base/bytes.h"
#include "pow/sha256.h"
#include "pow/target.h"

_Static_assert(CHAIN_HEADER_SIZE == POW_HEADER_SIZE, "one header format");

void chain_header_read(struct chain_header *out,
		       const uint8_t in[static CHAIN_HEADER_SIZE])
{
	struct base_reader r = base_reader_init(in, CHAIN_HEADER_SIZE);

	out->version = base_read_le32(&r);
	base_read_hash(&out->prev, &r);
	base_read_hash(&out->merkle_root, &r);
	out->time = base_read_le32(&r);
	out->bits = base_read_le32(&r);
	out->nonce = base_read_le32(&r);
}

void chain_header_write(uint8_t out[static CHAIN_HEADER_SIZE],
			const struct chain_header *h)
{
	struct base_writer w = base_writer_init(out, CHAIN_HEADER_SIZE);

	base_write_le32(&w, h->version);
	base_write_bytes(&w, h->prev.b, sizeof(h->prev.b));
	base_write_bytes(&w, h->merkle_root.b, sizeof(h->merkle_root.b));
	base_write_le32(&w, h->time);
	base_write_le32(&w, h->bits);
	base_write_le32(&w, h->nonce);
}

void chain_header_hash(struct base_hash *out, const struct chain_header *h)
{
	uint8_t bytes[CHAIN_HEADER_SIZE];

	chain_header_write(bytes, h);
	pow_sha256d(out, bytes, sizeof(bytes));
}

enum chain_verdict chain_header_check(const struct chain_header *h,
				      const struct chain_params *p,
				      const struct base_hash *hash)
{
	struct base_u256 target;

	if ((h->version & ~CHAIN_VERSION_ROLL) != CHAIN_VERSION)
		return CHAIN_BAD_VERSION;
	if (pow_target_from_bits(&target, h->bits) < 0 ||
	    base_u256_compare(&target, &p->pow_limit) > 0)
		return CHAIN_BAD_BITS;
	return pow_target_met(&target, hash) ? CHAIN_OK : CHAIN_BAD_POW;
}
