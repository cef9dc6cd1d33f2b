/* SPDX-License-Identifier: MIT */
#include "consensus/message.h"

#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"

#define FLAG_BODY 1u
#define FLAG_PARENT_CERT 2u

/* Heights are 64 bits on the wire and 32 in a chain. */
static bool read_height(struct base_height *out, struct base_reader *r)
{
	uint64_t v = base_read_le64(r);

	out->n = (uint32_t)v;
	return v <= UINT32_MAX;
}

static bool read_member(uint8_t *out, const struct ds_committee *c,
			struct base_reader *r)
{
	*out = base_read_u8(r);
	return *out < c->n;
}

/* A mask and its signatures, at least one. */
static bool read_signatures(ds_mask *mask, const uint8_t **signatures,
			    const struct ds_committee *c, struct base_reader *r)
{
	*mask = base_read_le64(r);
	if (*mask == 0 || (*mask & ~ds_mask_all(c)) != 0)
		return false;
	*signatures = base_read_bytes(r, (size_t)ds_mask_count(*mask) *
						 DS_SIGNATURE_SIZE);
	return *signatures != NULL;
}

static bool read_cert(struct ds_cert *out, const struct ds_committee *c,
		      struct base_reader *r)
{
	out->epoch = base_read_le32(r);
	if (!read_height(&out->height, r))
		return false;
	base_read_hash(&out->hash, r);
	return read_signatures(&out->mask, &out->signatures, c, r) &&
	       ds_mask_count(out->mask) >= c->quorum;
}

int ds_cert_read(struct ds_cert *out, const struct ds_committee *c,
		 const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct ds_cert m;

	if (!read_cert(&m, c, &r) || !base_reader_done(&r))
		return -EBADMSG;
	*out = m;
	return 0;
}

static bool read_block(struct ds_proposal *m, uint32_t max_block_bytes,
		       struct base_reader *r)
{
	m->block_len = base_reader_left(r);
	if (m->has_body ? m->block_len <= CHAIN_HEADER_SIZE ||
				  m->block_len > max_block_bytes
			: m->block_len != CHAIN_HEADER_SIZE)
		return false;
	m->block = base_read_bytes(r, m->block_len);
	return m->block != NULL;
}

int ds_proposal_read(struct ds_proposal *out, const struct ds_committee *c,
		     uint32_t max_block_bytes, const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct ds_proposal m = {.epoch = base_read_le32(&r)};
	uint8_t flags;

	m.tick.n = base_read_le64(&r);
	if (!read_member(&m.sender, c, &r))
		return -EBADMSG;
	flags = base_read_u8(&r);
	m.has_body = flags & FLAG_BODY;
	m.has_parent_cert = flags & FLAG_PARENT_CERT;
	if (flags & ~(FLAG_BODY | FLAG_PARENT_CERT) ||
	    !read_signatures(&m.mask, &m.signatures, c, &r) ||
	    !ds_mask_has(m.mask, m.sender))
		return -EBADMSG;
	if (m.has_parent_cert && !read_cert(&m.parent_cert, c, &r))
		return -EBADMSG;
	if (!read_block(&m, max_block_bytes, &r))
		return -EBADMSG;
	*out = m;
	return 0;
}

int ds_vote_read(struct ds_vote *out, const struct ds_committee *c,
		 const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct ds_vote m = {.epoch = base_read_le32(&r)};

	if (!read_height(&m.height, &r))
		return -EBADMSG;
	base_read_hash(&m.hash, &r);
	if (!read_member(&m.voter, c, &r))
		return -EBADMSG;
	m.signature = base_read_bytes(&r, DS_SIGNATURE_SIZE);
	if (!base_reader_done(&r))
		return -EBADMSG;
	*out = m;
	return 0;
}

int ds_beat_read(struct ds_beat *out, const struct ds_committee *c,
		 const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct ds_beat m = {.epoch = base_read_le32(&r)};

	m.claim.tick.n = base_read_le64(&r);
	if (!read_member(&m.voter, c, &r))
		return -EBADMSG;
	m.claim.flags = base_read_u8(&r);
	if (!read_height(&m.claim.tip_height, &r))
		return -EBADMSG;
	base_read_hash(&m.claim.tip, &r);
	if (!read_height(&m.claim.final_height, &r))
		return -EBADMSG;
	m.local_ms = base_read_le64(&r);
	m.signature = base_read_bytes(&r, DS_SIGNATURE_SIZE);
	if (!base_reader_done(&r))
		return -EBADMSG;
	*out = m;
	return 0;
}

/* Ascending, hence different: a pair has one spelling. */
static bool ascending(const struct ds_evidence *m)
{
	return memcmp(m->hash[0].b, m->hash[1].b, sizeof(m->hash[0].b)) < 0;
}

int ds_evidence_read(struct ds_evidence *out, const struct ds_committee *c,
		     const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct ds_evidence m = {.kind = base_read_u8(&r)};

	if (m.kind != DS_TWO_PROPOSALS && m.kind != DS_TWO_VOTES)
		return -EBADMSG;
	m.epoch = base_read_le32(&r);
	m.number = base_read_le64(&r);
	if (!read_member(&m.member, c, &r))
		return -EBADMSG;
	for (int i = 0; i < 2; i++) {
		base_read_hash(&m.hash[i], &r);
		m.signature[i] = base_read_bytes(&r, DS_SIGNATURE_SIZE);
	}
	if (!base_reader_done(&r) || !ascending(&m) ||
	    (m.kind == DS_TWO_VOTES && m.number > UINT32_MAX))
		return -EBADMSG;
	*out = m;
	return 0;
}

static size_t written(const struct base_writer *w)
{
	return base_writer_ok(w) ? w->len : 0;
}

static void write_signatures(struct base_writer *w, ds_mask mask,
			     const uint8_t *signatures)
{
	base_write_le64(w, mask);
	base_write_bytes(w, signatures,
			 (size_t)ds_mask_count(mask) * DS_SIGNATURE_SIZE);
}

static void write_cert(struct base_writer *w, const struct ds_cert *m)
{
	base_write_le32(w, m->epoch);
	base_write_le64(w, m->height.n);
	base_write_bytes(w, m->hash.b, sizeof(m->hash.b));
	write_signatures(w, m->mask, m->signatures);
}

size_t ds_cert_write(uint8_t *out, size_t cap, const struct ds_cert *m)
{
	struct base_writer w = base_writer_init(out, cap);

	write_cert(&w, m);
	return written(&w);
}

size_t ds_proposal_write(uint8_t *out, size_t cap, const struct ds_proposal *m)
{
	struct base_writer w = base_writer_init(out, cap);

	base_write_le32(&w, m->epoch);
	base_write_le64(&w, m->tick.n);
	base_write_u8(&w, m->sender);
	base_write_u8(&w,
		      (uint8_t)((m->has_body ? FLAG_BODY : 0) |
				(m->has_parent_cert ? FLAG_PARENT_CERT : 0)));
	write_signatures(&w, m->mask, m->signatures);
	if (m->has_parent_cert)
		write_cert(&w, &m->parent_cert);
	base_write_bytes(&w, m->block,
			 m->has_body ? m->block_len : CHAIN_HEADER_SIZE);
	return written(&w);
}

size_t ds_vote_write(uint8_t *out, size_t cap, const struct ds_vote *m)
{
	struct base_writer w = base_writer_init(out, cap);

	base_write_le32(&w, m->epoch);
	base_write_le64(&w, m->height.n);
	base_write_bytes(&w, m->hash.b, sizeof(m->hash.b));
	base_write_u8(&w, m->voter);
	base_write_bytes(&w, m->signature, DS_SIGNATURE_SIZE);
	return written(&w);
}

size_t ds_beat_write(uint8_t *out, size_t cap, const struct ds_beat *m)
{
	struct base_writer w = base_writer_init(out, cap);

	base_write_le32(&w, m->epoch);
	base_write_le64(&w, m->claim.tick.n);
	base_write_u8(&w, m->voter);
	base_write_u8(&w, m->claim.flags);
	base_write_le64(&w, m->claim.tip_height.n);
	base_write_bytes(&w, m->claim.tip.b, sizeof(m->claim.tip.b));
	base_write_le64(&w, m->claim.final_height.n);
	base_write_le64(&w, m->local_ms);
	base_write_bytes(&w, m->signature, DS_SIGNATURE_SIZE);
	return written(&w);
}

size_t ds_evidence_write(uint8_t *out, size_t cap, const struct ds_evidence *m)
{
	struct base_writer w = base_writer_init(out, cap);

	BASE_ASSERT(ascending(m));
	base_write_u8(&w, m->kind);
	base_write_le32(&w, m->epoch);
	base_write_le64(&w, m->number);
	base_write_u8(&w, m->member);
	for (int i = 0; i < 2; i++) {
		base_write_bytes(&w, m->hash[i].b, sizeof(m->hash[i].b));
		base_write_bytes(&w, m->signature[i], DS_SIGNATURE_SIZE);
	}
	return written(&w);
}

const uint8_t *ds_signature_of(const uint8_t *signatures, ds_mask mask,
			       uint32_t member)
{
	ds_mask below = mask & (ds_mask_of(member) - 1);

	BASE_ASSERT(ds_mask_has(mask, member));
	return signatures + (size_t)ds_mask_count(below) * DS_SIGNATURE_SIZE;
}
