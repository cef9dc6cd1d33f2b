/* SPDX-License-Identifier: MIT */
/*
 * Messages survive the wire, and nothing but what was written is read: every
 * length, every member, every mask that is not right is refused.
 */
#include "test.h"

#include "ds_fixture.h"

#include "consensus/message.h"

#define MESSAGE_MAX 16384
#define BLOCK_MAX 4096

static uint8_t wire[MESSAGE_MAX + 1];
static uint8_t signatures[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
static uint8_t block[BLOCK_MAX];
static struct ds_committee c;

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(signatures); i++)
		signatures[i] = (uint8_t)(i * 7 + i / 64);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 3);
	fixture_committee(&c, 4, 1);
	return 0;
}

/* Reads a message; 0 or what the reader said. */
static int read_kind(enum ds_message_kind kind, const uint8_t *data, size_t len)
{
	union {
		struct ds_proposal proposal;
		struct ds_vote vote;
		struct ds_cert cert;
		struct ds_beat beat;
		struct ds_evidence evidence;
	} m;

	switch (kind) {
	case DS_PROPOSAL:
		return ds_proposal_read(&m.proposal, &c, BLOCK_MAX, data, len);
	case DS_VOTE:
		return ds_vote_read(&m.vote, &c, data, len);
	case DS_CERT:
		return ds_cert_read(&m.cert, &c, data, len);
	case DS_BEAT:
		return ds_beat_read(&m.beat, &c, data, len);
	case DS_EVID:
		return ds_evidence_read(&m.evidence, &c, data, len);
	}
	return -1;
}

/* Only the whole message is one: no prefix, nothing after it. */
static void check_lengths(enum ds_message_kind kind, size_t len)
{
	assert_true(len > 0);
	for (size_t i = 0; i < len; i++) {
		uint8_t *copy = malloc(i + 1); /* ASan sees a byte too many */

		assert_non_null(copy);
		memcpy(copy, wire, i);
		assert_int_not_equal(read_kind(kind, copy, i), 0);
		free(copy);
	}
	assert_int_equal(read_kind(kind, wire, len), 0);
	wire[len] = 0;
	assert_int_not_equal(read_kind(kind, wire, len + 1), 0);
}

static struct ds_cert some_cert(void)
{
	struct ds_cert m = {.epoch = 3,
			    .height = {0xfffffff0},
			    .mask = 0xd,
			    .signatures = signatures};

	memset(&m.hash, 0xc1, sizeof(m.hash));
	return m;
}

static struct ds_proposal some_proposal(bool body, bool cert)
{
	struct ds_proposal m = {.epoch = 2,
				.tick = {UINT64_MAX},
				.sender = 2,
				.mask = 0x6,
				.signatures = signatures + 64,
				.has_body = body,
				.has_parent_cert = cert,
				.block = block,
				.block_len = body ? 300 : CHAIN_HEADER_SIZE};

	if (cert)
		m.parent_cert = some_cert();
	return m;
}

static void check_cert(const struct ds_cert *got, const struct ds_cert *want)
{
	assert_int_equal(got->epoch, want->epoch);
	assert_int_equal(got->height.n, want->height.n);
	assert_true(base_hash_equal(&got->hash, &want->hash));
	assert_true(got->mask == want->mask);
	assert_memory_equal(got->signatures, want->signatures,
			    ds_mask_count(want->mask) * DS_SIGNATURE_SIZE);
}

static void proposals_survive(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct ds_proposal m = some_proposal(i & 1, i & 2);
		struct ds_proposal got;
		size_t len = ds_proposal_write(wire, MESSAGE_MAX, &m);

		assert_int_equal(
			len, DS_PROPOSAL_SIZE(2) + (m.has_body ? 220 : 0) +
				     (m.has_parent_cert ? DS_CERT_SIZE(3) : 0));
		assert_int_equal(
			ds_proposal_read(&got, &c, BLOCK_MAX, wire, len), 0);
		assert_int_equal(got.epoch, m.epoch);
		assert_true(got.tick.n == m.tick.n);
		assert_int_equal(got.sender, m.sender);
		assert_true(got.mask == m.mask);
		assert_memory_equal(got.signatures, m.signatures, 128);
		assert_int_equal(got.has_body, m.has_body);
		assert_int_equal(got.block_len, m.block_len);
		assert_memory_equal(got.block, m.block, m.block_len);
		assert_int_equal(got.has_parent_cert, m.has_parent_cert);
		if (m.has_parent_cert)
			check_cert(&got.parent_cert, &m.parent_cert);
		assert_int_equal(ds_proposal_write(wire, len - 1, &m), 0);
	}
}

/* A body has no length of its own: every length beyond the header reads, up
 * to the largest block. */
static void proposals_have_one_shape(void **state)
{
	struct ds_proposal m = some_proposal(false, true);
	struct ds_proposal got;
	size_t len = ds_proposal_write(wire, MESSAGE_MAX, &m);

	(void)state;
	check_lengths(DS_PROPOSAL, len);
	m = some_proposal(true, false);
	m.block_len = BLOCK_MAX;
	len = ds_proposal_write(wire, MESSAGE_MAX, &m);
	assert_int_equal(ds_proposal_read(&got, &c, BLOCK_MAX, wire, len), 0);
	assert_int_not_equal(
		ds_proposal_read(&got, &c, BLOCK_MAX - 1, wire, len), 0);
	m.block_len = CHAIN_HEADER_SIZE; /* a body of nothing */
	len = ds_proposal_write(wire, MESSAGE_MAX, &m);
	assert_int_not_equal(ds_proposal_read(&got, &c, BLOCK_MAX, wire, len),
			     0);
}

/* Overwrites @size bytes at @at and expects the message to be refused. */
static void refuse_with(enum ds_message_kind kind, size_t len, size_t at,
			const void *bytes, size_t size)
{
	uint8_t saved[8];

	memcpy(saved, wire + at, size);
	memcpy(wire + at, bytes, size);
	assert_int_not_equal(read_kind(kind, wire, len), 0);
	memcpy(wire + at, saved, size);
	assert_int_equal(read_kind(kind, wire, len), 0);
}

static void proposals_name_members_only(void **state)
{
	struct ds_proposal m = some_proposal(false, false);
	size_t len = ds_proposal_write(wire, MESSAGE_MAX, &m);
	static const uint64_t mask[] = {
		0,		   /* nobody */
		0x3,		   /* without the sender */
		0x14,		   /* a member that there is not */
		UINT64_C(1) << 63, /* far beyond */
		0x7,		   /* more than there are signatures */
		0x4,		   /* fewer */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(mask) / sizeof(*mask); i++)
		refuse_with(DS_PROPOSAL, len, 14, &mask[i], 8);
	refuse_with(DS_PROPOSAL, len, 12, &(uint8_t){4}, 1);
	refuse_with(DS_PROPOSAL, len, 12, &(uint8_t){255}, 1);
	refuse_with(DS_PROPOSAL, len, 12, &(uint8_t){0}, 1);
	for (unsigned flags = 1; flags < 256; flags++)
		refuse_with(DS_PROPOSAL, len, 13, &(uint8_t){(uint8_t)flags},
			    1);
}

static void certificates_survive(void **state)
{
	struct ds_cert m = some_cert();
	struct ds_cert got;
	size_t len = ds_cert_write(wire, MESSAGE_MAX, &m);

	(void)state;
	assert_int_equal(len, DS_CERT_SIZE(3));
	assert_int_equal(ds_cert_read(&got, &c, wire, len), 0);
	check_cert(&got, &m);
	check_lengths(DS_CERT, len);
	refuse_with(DS_CERT, len, 8, &(uint32_t){1}, 4); /* height 2^32 */
	refuse_with(DS_CERT, len, 44, &(uint64_t){0x1d}, 8);
	m.mask = 0x3; /* two of four are no quorum */
	len = ds_cert_write(wire, MESSAGE_MAX, &m);
	assert_int_not_equal(ds_cert_read(&got, &c, wire, len), 0);
}

static void votes_survive(void **state)
{
	struct ds_vote m = {.epoch = 9,
			    .height = {UINT32_MAX},
			    .voter = 3,
			    .signature = signatures};
	struct ds_vote got;
	size_t len;

	(void)state;
	memset(&m.hash, 0x3c, sizeof(m.hash));
	len = ds_vote_write(wire, MESSAGE_MAX, &m);
	assert_int_equal(len, DS_VOTE_SIZE);
	assert_int_equal(ds_vote_read(&got, &c, wire, len), 0);
	assert_int_equal(got.epoch, 9);
	assert_int_equal(got.height.n, UINT32_MAX);
	assert_true(base_hash_equal(&got.hash, &m.hash));
	assert_int_equal(got.voter, 3);
	assert_memory_equal(got.signature, signatures, DS_SIGNATURE_SIZE);
	check_lengths(DS_VOTE, len);
	refuse_with(DS_VOTE, len, 44, &(uint8_t){4}, 1);
	refuse_with(DS_VOTE, len, 8, &(uint8_t){1}, 1);
}

static void beats_survive(void **state)
{
	struct ds_beat m = {.epoch = 9,
			    .voter = 1,
			    .claim = {.tick = {77},
				      .tip_height = {12},
				      .final_height = {11},
				      .flags = 2},
			    .local_ms = UINT64_MAX,
			    .signature = signatures};
	struct ds_beat got;
	size_t len;

	(void)state;
	memset(&m.claim.tip, 0x3c, sizeof(m.claim.tip));
	len = ds_beat_write(wire, MESSAGE_MAX, &m);
	assert_int_equal(len, DS_BEAT_SIZE);
	assert_int_equal(ds_beat_read(&got, &c, wire, len), 0);
	assert_int_equal(got.epoch, 9);
	assert_int_equal(got.voter, 1);
	assert_true(got.claim.tick.n == 77);
	assert_int_equal(got.claim.tip_height.n, 12);
	assert_int_equal(got.claim.final_height.n, 11);
	assert_int_equal(got.claim.flags, 2);
	assert_true(base_hash_equal(&got.claim.tip, &m.claim.tip));
	assert_true(got.local_ms == UINT64_MAX);
	check_lengths(DS_BEAT, len);
	refuse_with(DS_BEAT, len, 12, &(uint8_t){4}, 1);
}

static void evidence_survives(void **state)
{
	struct ds_evidence m = {.kind = DS_TWO_PROPOSALS,
				.epoch = 1,
				.number = UINT64_MAX,
				.member = 2,
				.signature = {signatures, signatures + 64}};
	struct ds_evidence got;
	size_t len;

	(void)state;
	memset(&m.hash[0], 1, sizeof(m.hash[0]));
	memset(&m.hash[1], 2, sizeof(m.hash[1]));
	len = ds_evidence_write(wire, MESSAGE_MAX, &m);
	assert_int_equal(len, DS_EVID_SIZE);
	assert_int_equal(ds_evidence_read(&got, &c, wire, len), 0);
	assert_true(got.number == UINT64_MAX);
	assert_true(base_hash_equal(&got.hash[1], &m.hash[1]));
	assert_memory_equal(got.signature[1], signatures + 64, 64);
	check_lengths(DS_EVID, len);
	refuse_with(DS_EVID, len, 0, &(uint8_t){0}, 1);
	refuse_with(DS_EVID, len, 0, &(uint8_t){3}, 1);
	refuse_with(DS_EVID, len, 0, &(uint8_t){DS_TWO_VOTES}, 1); /* height */
	refuse_with(DS_EVID, len, 13, &(uint8_t){4}, 1);
	memset(wire + 14, 2, 32); /* twice the same hash is no evidence */
	assert_int_not_equal(ds_evidence_read(&got, &c, wire, len), 0);
	memset(wire + 14, 3, 32); /* descending */
	assert_int_not_equal(ds_evidence_read(&got, &c, wire, len), 0);
}

static void signatures_are_found_by_member(void **state)
{
	(void)state;
	assert_ptr_equal(ds_signature_of(signatures, 0xd, 0), signatures);
	assert_ptr_equal(ds_signature_of(signatures, 0xd, 2), signatures + 64);
	assert_ptr_equal(ds_signature_of(signatures, 0xd, 3), signatures + 128);
	assert_ptr_equal(ds_signature_of(signatures, UINT64_MAX, 63),
			 signatures + 63 * 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proposals_survive),
		cmocka_unit_test(proposals_have_one_shape),
		cmocka_unit_test(proposals_name_members_only),
		cmocka_unit_test(certificates_survive),
		cmocka_unit_test(votes_survive),
		cmocka_unit_test(beats_survive),
		cmocka_unit_test(evidence_survives),
		cmocka_unit_test(signatures_are_found_by_member),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
