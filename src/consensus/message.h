/* SPDX-License-Identifier: MIT */
/*
 * message.h: what members say to each other, as bytes and as structs.
 *
 * Floor 3, pure. A message that was read borrows the bytes it came from.
 * Integers little-endian, hashes in header byte order. Reading checks shape
 * alone (R1.1): exact sizes, members below n, masks within n members and not
 * empty, signatures one for each bit in ascending order. What fails is the
 * relaying peer's fault.
 *
 * Every message names the vote epoch that its signatures are for: a
 * certificate outlives its epoch, and a message of another epoch must be
 * told from a forged one.
 *
 *   PROPOSAL  epoch u32 | tick u64 | sender u8 | flags u8 | mask u64 |
 *             signatures | [certificate of the parent] | header or block
 *   VOTE      epoch u32 | height u64 | hash | voter u8 | signature
 *   CERT      epoch u32 | height u64 | hash | mask u64 | signatures
 *   BEAT      epoch u32 | tick u64 | voter u8 | flags u8 | tip height u64 |
 *             tip | final height u64 | local_ms u64 | signature
 *   EVID      kind u8 | epoch u32 | number u64 | member u8 |
 *             hash, signature | hash, signature
 */
#ifndef DS_MESSAGE_H
#define DS_MESSAGE_H

#include "chain/header.h"
#include "chain/signature.h"
#include "consensus/committee.h"
#include "consensus/preimage.h"

#define DS_SIGNATURE_SIZE CHAIN_SIGNATURE_SIZE

enum ds_message_kind {
	DS_PROPOSAL = 1,
	DS_VOTE = 2,
	DS_CERT = 3,
	DS_BEAT = 4,
	DS_EVID = 5,
};

/* At least popcount(mask) >= quorum members sign one block. */
struct ds_cert {
	uint32_t epoch;
	struct base_height height;
	struct base_hash hash;
	ds_mask mask;
	const uint8_t *signatures; /* DS_SIGNATURE_SIZE each, ascending */
};

/* A block on its way through the rounds. */
struct ds_proposal {
	uint32_t epoch;
	struct base_tick tick;
	uint8_t sender;
	ds_mask mask;
	const uint8_t *signatures; /* as in a certificate */
	bool has_body;
	bool has_parent_cert;
	struct ds_cert parent_cert; /* where has_parent_cert */
	const uint8_t *block;	    /* header; the whole block with has_body */
	size_t block_len;
};

struct ds_vote {
	uint32_t epoch;
	struct base_height height;
	struct base_hash hash;
	uint8_t voter;
	const uint8_t *signature;
};

struct ds_beat {
	uint32_t epoch;
	uint8_t voter;
	struct ds_beat_claim claim;
	uint64_t local_ms; /* unsigned, for diagnosis only */
	const uint8_t *signature;
};

/* Two hashes that one member signed where it may sign one. */
enum ds_evidence_kind {
	DS_TWO_PROPOSALS = 1, /* of one tick */
	DS_TWO_VOTES = 2,     /* at one height */
};

struct ds_evidence {
	uint8_t kind;
	uint32_t epoch;
	uint64_t number; /* tick or height */
	uint8_t member;
	struct base_hash hash[2]; /* in ascending byte order */
	const uint8_t *signature[2];
};

/* Sizes for @n signatures. */
#define DS_CERT_SIZE(n) (4 + 8 + 32 + 8 + DS_SIGNATURE_SIZE * (size_t)(n))
#define DS_PROPOSAL_SIZE(n)                                    \
	(4 + 8 + 1 + 1 + 8 + DS_SIGNATURE_SIZE * (size_t)(n) + \
	 CHAIN_HEADER_SIZE)
#define DS_VOTE_SIZE (4 + 8 + 32 + 1 + DS_SIGNATURE_SIZE)
#define DS_BEAT_SIZE (4 + 8 + 1 + 1 + 8 + 32 + 8 + 8 + DS_SIGNATURE_SIZE)
#define DS_EVID_SIZE (1 + 4 + 8 + 1 + 2 * (32 + DS_SIGNATURE_SIZE))

/* Each: 0, or -EBADMSG and the sender of the bytes is to be banned. @c bounds
 * members and masks; a block is @max_block_bytes at most. */
BASE_MUST_CHECK int ds_proposal_read(struct ds_proposal *out,
				     const struct ds_committee *c,
				     uint32_t max_block_bytes,
				     const uint8_t *data, size_t len);
BASE_MUST_CHECK int ds_vote_read(struct ds_vote *out,
				 const struct ds_committee *c,
				 const uint8_t *data, size_t len);
BASE_MUST_CHECK int ds_cert_read(struct ds_cert *out,
				 const struct ds_committee *c,
				 const uint8_t *data, size_t len);
BASE_MUST_CHECK int ds_beat_read(struct ds_beat *out,
				 const struct ds_committee *c,
				 const uint8_t *data, size_t len);
BASE_MUST_CHECK int ds_evidence_read(struct ds_evidence *out,
				     const struct ds_committee *c,
				     const uint8_t *data, size_t len);

/* Each writes the bytes and returns their number, or 0 when @cap is too
 * small. */
size_t ds_proposal_write(uint8_t *out, size_t cap, const struct ds_proposal *m);
size_t ds_vote_write(uint8_t *out, size_t cap, const struct ds_vote *m);
size_t ds_cert_write(uint8_t *out, size_t cap, const struct ds_cert *m);
size_t ds_beat_write(uint8_t *out, size_t cap, const struct ds_beat *m);
size_t ds_evidence_write(uint8_t *out, size_t cap, const struct ds_evidence *m);

/* The signature of @member in an array that holds one for each bit of
 * @mask; @member is in it. */
const uint8_t *ds_signature_of(const uint8_t *signatures, ds_mask mask,
			       uint32_t member);

#endif
