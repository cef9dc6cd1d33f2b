/* SPDX-License-Identifier: MIT */
#include "chain/sighash.h"

#include <errno.h>

#include "base/assert.h"
#include "chain/script.h"

static void add_le32(struct pow_sha256_stream *s, uint32_t v)
{
	uint8_t bytes[4];

	base_store_le32(bytes, v);
	pow_sha256_update(s, bytes, sizeof(bytes));
}

static void add_le64(struct pow_sha256_stream *s, uint64_t v)
{
	uint8_t bytes[8];

	base_store_le64(bytes, v);
	pow_sha256_update(s, bytes, sizeof(bytes));
}

static void add_final(struct pow_sha256_stream *s,
		      struct pow_sha256_stream *part)
{
	struct base_hash hash;

	pow_sha256_final(&hash, part);
	pow_sha256_update(s, hash.b, sizeof(hash.b));
}

void chain_sighash_begin(struct chain_sighash *s)
{
	pow_sha256_init(&s->prevouts);
	pow_sha256_init(&s->amounts);
	pow_sha256_init(&s->scripts);
	pow_sha256_init(&s->sequences);
	s->inputs = 0;
}

void chain_sighash_add(struct chain_sighash *s, const struct chain_tx_input *in,
		       struct base_amount amount, const uint8_t *script,
		       size_t script_len)
{
	uint8_t size[9];
	struct base_writer w = base_writer_init(size, sizeof(size));

	pow_sha256_update(&s->prevouts, in->prev_hash.b,
			  sizeof(in->prev_hash.b));
	add_le32(&s->prevouts, in->prev_index);
	add_le64(&s->amounts, (uint64_t)amount.units);
	base_write_compact_size(&w, script_len);
	pow_sha256_update(&s->scripts, size, w.len);
	pow_sha256_update(&s->scripts, script, script_len);
	add_le32(&s->sequences, in->sequence);
	s->inputs++;
}

void chain_sighash_add_key(struct chain_sighash *s,
			   const struct chain_tx_input *in,
			   struct base_amount amount,
			   const uint8_t key[static CHAIN_KEY_SIZE])
{
	uint8_t script[CHAIN_P2TR_SIZE];

	chain_script_p2tr(script, key);
	chain_sighash_add(s, in, amount, script, sizeof(script));
}

/* What a tagged hash (BIP340) opens with, the tag's hash twice, is one block;
 * this is the stream after that of "TapSighash". */
static const struct pow_sha256_stream tagged = {
	.state = {0xf504a425, 0xd7f8783b, 0x1363868a, 0xe3e55658, 0x6eee945d,
		  0xbc7888dd, 0x02a6e2c3, 0x1873fe9f},
	.len = POW_SHA256_BLOCK,
};

void chain_sighash_end(struct chain_sighash *s, const struct chain_tx_view *tx)
{
	static const uint8_t opening[2] = {0, CHAIN_SIGHASH_DEFAULT};
	static const uint8_t spend_type; /* key path, no annex */
	const uint8_t *outputs_end =
		tx->has_witness ? tx->witness : tx->lock_time;
	struct pow_sha256_stream outputs;

	BASE_ASSERT(s->inputs == tx->input_count);
	pow_sha256_init(&outputs);
	pow_sha256_update(&outputs, tx->outputs,
			  (size_t)(outputs_end - tx->outputs));
	s->shared = tagged;
	pow_sha256_update(&s->shared, opening, sizeof(opening));
	add_le32(&s->shared, tx->version);
	pow_sha256_update(&s->shared, tx->lock_time, 4);
	add_final(&s->shared, &s->prevouts);
	add_final(&s->shared, &s->amounts);
	add_final(&s->shared, &s->scripts);
	add_final(&s->shared, &s->sequences);
	add_final(&s->shared, &outputs);
	pow_sha256_update(&s->shared, &spend_type, 1);
}

int chain_sighash_of(struct base_hash *out, const struct chain_sighash *s,
		     uint32_t index, uint8_t hash_type)
{
	struct pow_sha256_stream message = s->shared;

	BASE_ASSERT(index < s->inputs);
	if (hash_type != CHAIN_SIGHASH_DEFAULT)
		return -EINVAL;
	add_le32(&message, index);
	pow_sha256_final(out, &message);
	return 0;
}

const char *chain_sighash_name(uint8_t hash_type)
{
	switch (hash_type) {
	case CHAIN_SIGHASH_DEFAULT:
		return "SIGHASH_DEFAULT";
	case 0x01:
		return "SIGHASH_ALL";
	case 0x02:
		return "SIGHASH_NONE";
	case 0x03:
		return "SIGHASH_SINGLE";
	case 0x81:
		return "SIGHASH_ALL|ANYONECANPAY";
	case 0x82:
		return "SIGHASH_NONE|ANYONECANPAY";
	case 0x83:
		return "SIGHASH_SINGLE|ANYONECANPAY";
	default:
		return "unknown";
	}
}
