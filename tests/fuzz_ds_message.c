/* SPDX-License-Identifier: MIT */
/*
 * fuzz_ds_message.c: any bytes as a message of the consensus: the first says
 * of which kind, the second how many members there are. What is read is
 * within its bounds and, written, the same bytes again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "consensus/message.h"
#include "ds_fixture.h"

#define BLOCK_MAX 1000
#define BYTES_MAX (2 * DS_CERT_SIZE(DS_MEMBERS_MAX) + BLOCK_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[BYTES_MAX];

static void check_mask(const struct ds_committee *c, ds_mask mask)
{
	BASE_ASSERT(mask != 0 && (mask & ~ds_mask_all(c)) == 0);
}

static void check_cert(const struct ds_committee *c, const struct ds_cert *m)
{
	check_mask(c, m->mask);
	BASE_ASSERT(ds_mask_count(m->mask) >= c->quorum);
}

static size_t proposal(const struct ds_committee *c, const uint8_t *data,
		       size_t size)
{
	struct ds_proposal m;

	if (ds_proposal_read(&m, c, BLOCK_MAX, data, size) < 0)
		return 0;
	check_mask(c, m.mask);
	BASE_ASSERT(m.sender < c->n && ds_mask_has(m.mask, m.sender));
	BASE_ASSERT(m.block_len >= CHAIN_HEADER_SIZE);
	BASE_ASSERT(m.block_len <= BLOCK_MAX);
	BASE_ASSERT(m.block + m.block_len == data + size);
	if (m.has_parent_cert)
		check_cert(c, &m.parent_cert);
	return ds_proposal_write(again, sizeof(again), &m);
}

static size_t claim(const struct ds_committee *c, unsigned kind,
		    const uint8_t *data, size_t size)
{
	struct ds_vote vote;
	struct ds_cert cert;
	struct ds_beat beat;

	switch (kind) {
	case DS_VOTE:
		if (ds_vote_read(&vote, c, data, size) < 0)
			return 0;
		BASE_ASSERT(vote.voter < c->n);
		return ds_vote_write(again, sizeof(again), &vote);
	case DS_CERT:
		if (ds_cert_read(&cert, c, data, size) < 0)
			return 0;
		check_cert(c, &cert);
		return ds_cert_write(again, sizeof(again), &cert);
	default:
		if (ds_beat_read(&beat, c, data, size) < 0)
			return 0;
		BASE_ASSERT(beat.voter < c->n);
		return ds_beat_write(again, sizeof(again), &beat);
	}
}

static size_t evidence(const struct ds_committee *c, const uint8_t *data,
		       size_t size)
{
	struct ds_evidence m;

	if (ds_evidence_read(&m, c, data, size) < 0)
		return 0;
	BASE_ASSERT(m.member < c->n);
	BASE_ASSERT(!base_hash_equal(&m.hash[0], &m.hash[1]));
	return ds_evidence_write(again, sizeof(again), &m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ds_committee c;
	uint32_t n;
	unsigned kind;
	size_t len;

	if (size < 2 || size > sizeof(again))
		return 0;
	kind = DS_PROPOSAL + data[0] % 5;
	n = data[1] % DS_MEMBERS_MAX + 1;
	fixture_committee(&c, n, data[0] & 128 ? n - 1 : (n - 1) / 3);
	data += 2;
	size -= 2;
	if (kind == DS_PROPOSAL)
		len = proposal(&c, data, size);
	else if (kind == DS_EVID)
		len = evidence(&c, data, size);
	else
		len = claim(&c, kind, data, size);
	BASE_ASSERT(len == 0 ||
		    (len == size && memcmp(again, data, size) == 0));
	return 0;
}
