/* SPDX-License-Identifier: MIT */
#include "consensus/preimage.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "pow/sha256.h"

/* The longest: a beat. */
#define FIELDS_MAX (32 + 4 + 8 + 8 + 32 + 8 + 1)

static struct base_writer open_fields(uint8_t *bytes, size_t cap,
				      const struct ds_committee *c,
				      uint32_t epoch)
{
	struct base_writer w = base_writer_init(bytes, cap);

	base_write_bytes(&w, c->genesis.b, sizeof(c->genesis.b));
	base_write_le32(&w, epoch);
	return w;
}

/* BIP340: SHA256(SHA256(tag) | SHA256(tag) | fields). */
static void tagged_hash(struct base_hash *out, const char *tag,
			const struct base_writer *w)
{
	struct pow_sha256_stream s;
	struct base_hash prefix;

	BASE_ASSERT(base_writer_ok(w));
	pow_sha256(&prefix, tag, strlen(tag));
	pow_sha256_init(&s);
	pow_sha256_update(&s, prefix.b, sizeof(prefix.b));
	pow_sha256_update(&s, prefix.b, sizeof(prefix.b));
	pow_sha256_update(&s, w->data, w->len);
	pow_sha256_final(out, &s);
}

void ds_hash_proposal(struct base_hash *out, const struct ds_committee *c,
		      struct base_tick tick, uint8_t sender,
		      const struct base_hash *block)
{
	uint8_t bytes[FIELDS_MAX];
	struct base_writer w =
		open_fields(bytes, sizeof(bytes), c, c->vote_epoch);

	base_write_le64(&w, tick.n);
	base_write_u8(&w, sender);
	base_write_bytes(&w, block->b, sizeof(block->b));
	tagged_hash(out, "minerd/1/DS", &w);
}

void ds_hash_vote(struct base_hash *out, const struct ds_committee *c,
		  uint32_t epoch, struct base_height height,
		  const struct base_hash *block)
{
	uint8_t bytes[FIELDS_MAX];
	struct base_writer w = open_fields(bytes, sizeof(bytes), c, epoch);

	base_write_le64(&w, height.n);
	base_write_bytes(&w, block->b, sizeof(block->b));
	tagged_hash(out, "minerd/1/VOTE", &w);
}

void ds_hash_beat(struct base_hash *out, const struct ds_committee *c,
		  const struct ds_beat_claim *claim)
{
	uint8_t bytes[FIELDS_MAX];
	struct base_writer w =
		open_fields(bytes, sizeof(bytes), c, c->vote_epoch);

	base_write_le64(&w, claim->tick.n);
	base_write_le64(&w, claim->tip_height.n);
	base_write_bytes(&w, claim->tip.b, sizeof(claim->tip.b));
	base_write_le64(&w, claim->final_height.n);
	base_write_u8(&w, claim->flags);
	tagged_hash(out, "minerd/1/BEAT", &w);
}
