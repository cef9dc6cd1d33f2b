/* SPDX-License-Identifier: MIT */
#include "node/identify.h"

#include "base/bytes.h"
#include "chain/tx.h"
#include "pow/sha256.h"

#define NAMES_MAX (1 + 4 + 8 + 32 + 1)

/* SHA-256 of the type and what names the message. */
static void hash_names(uint8_t id[static 32], uint8_t type, uint32_t epoch,
		       uint64_t number, const struct base_hash *hash,
		       uint8_t member)
{
	uint8_t names[NAMES_MAX] = {type};
	struct base_hash out;

	base_store_le32(names + 1, epoch);
	base_store_le64(names + 5, number);
	if (hash)
		memcpy(names + 13, hash->b, sizeof(hash->b));
	names[45] = member;
	pow_sha256(&out, names, sizeof(names));
	memcpy(id, out.b, sizeof(out.b));
}

void node_id_of_vote(uint8_t id[static 32], const struct ds_vote *m)
{
	hash_names(id, NET_VOTE, m->epoch, m->height.n, &m->hash, m->voter);
}

void node_id_of_beat(uint8_t id[static 32], const struct ds_beat *m)
{
	hash_names(id, NET_BEAT, m->epoch, m->claim.tick.n, NULL, m->voter);
}

void node_id_of_cert(uint8_t id[static 32], const struct ds_cert *m)
{
	hash_names(id, NET_CERT, 0, m->height.n, &m->hash, 0);
}

void node_id_of_have(uint8_t id[static 32], const struct base_hash *hash)
{
	hash_names(id, NET_HAVE, 0, 0, hash, 0);
}

static bool id_of_tx(uint8_t id[static 32], const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct chain_tx_view tx;
	struct base_hash wtxid;

	if (chain_tx_parse(&tx, &r) < 0 || !base_reader_done(&r))
		return false;
	chain_wtxid(&wtxid, &tx);
	memcpy(id, wtxid.b, sizeof(wtxid.b));
	return true;
}

bool node_identify(void *ctx, uint8_t id[static 32], uint8_t type,
		   const uint8_t *data, size_t len)
{
	const struct ds_committee *committee = ctx;
	struct base_hash hash;
	struct ds_vote vote;
	struct ds_beat beat;
	struct ds_cert cert;

	switch (type) {
	case NET_VOTE:
		if (ds_vote_read(&vote, committee, data, len) < 0)
			return false;
		node_id_of_vote(id, &vote);
		return true;
	case NET_BEAT:
		if (ds_beat_read(&beat, committee, data, len) < 0)
			return false;
		node_id_of_beat(id, &beat);
		return true;
	case NET_CERT:
		if (ds_cert_read(&cert, committee, data, len) < 0)
			return false;
		node_id_of_cert(id, &cert);
		return true;
	case NET_HAVE:
		memcpy(hash.b, data, sizeof(hash.b)); /* its exact length */
		node_id_of_have(id, &hash);
		return true;
	case NET_TX:
		return id_of_tx(id, data, len);
	default:
		return false;
	}
}
