/* SPDX-License-Identifier: MIT */
#include "net/wire.h"

#include <errno.h>

#include "base/bytes.h"

/* The longest of a type: so many bytes, or a block and an addition. */
struct type_row {
	const char *name;
	uint32_t min;
	uint32_t max;
	bool block;
	bool urgent;
	uint8_t answer;
};

#define CERT_MIN DS_CERT_SIZE(1)
#define CERT_MAX DS_CERT_SIZE(DS_MEMBERS_MAX)
#define PROPOSAL_EXTRA (DS_PROPOSAL_SIZE(DS_MEMBERS_MAX) + CERT_MAX)

_Static_assert(PROPOSAL_EXTRA <= NET_FRAME_EXTRA,
	       "a proposal with its block fits into a frame");

static const struct type_row table[NET_TYPES] = {
	[NET_PROPOSAL] = {"proposal", DS_PROPOSAL_SIZE(1), PROPOSAL_EXTRA, true,
			  true, 0},
	[NET_VOTE] = {"vote", DS_VOTE_SIZE, DS_VOTE_SIZE, false, true, 0},
	[NET_CERT] = {"cert", CERT_MIN, CERT_MAX, false, true, 0},
	[NET_BEAT] = {"beat", DS_BEAT_SIZE, DS_BEAT_SIZE, false, true, 0},
	[NET_EVID] = {"evid", DS_EVID_SIZE, DS_EVID_SIZE, false, true, 0},
	[NET_HAVE] = {"have", 32, 32, false, false, 0},
	[NET_HELLO] = {"hello", NET_HELLO_SIZE, NET_HELLO_SIZE, false, false,
		       0},
	[NET_PING] = {"ping", 8, 8, false, false, 0},
	[NET_PONG] = {"pong", 8, 8, false, false, 0},
	[NET_ADDR] = {"addr", NET_ADDR_SIZE, NET_ADDR_SIZE *NET_ADDR_MAX, false,
		      false, 0},
	[NET_REFUSED] = {"refused", 2, 2, false, false, 0},
	[NET_NOT_FULL] = {"not-full", 1, 1, false, false, 0},
	[NET_REQUEST_ACCESS] = {"request-access", 0, 0, false, false, 0},
	[NET_GRANT] = {"grant", 0, 0, false, false, 0},
	[NET_TX_INV] = {"tx-inv", 32, 32 * NET_INV_MAX, false, false, 0},
	[NET_TX_GET] = {"tx-get", 32, 32 * NET_INV_MAX, false, false, 0},
	[NET_TX] = {"tx", 60, NET_TX_BYTES_MAX, false, false, 0},
	[NET_GET_STATUS] = {"get-status", 0, 0, false, false, NET_STATUS},
	[NET_STATUS] = {"status", 0, CERT_MAX, false, false, 0},
	[NET_GET_HEADERS] = {"get-headers", 8, 8, false, false, NET_HEADERS},
	[NET_HEADERS] = {"headers", 0, NET_HEADERS_MAX *CHAIN_HEADER_SIZE,
			 false, false, 0},
	[NET_GET_BLOCK] = {"get-block", 32, 32, false, false, NET_BLOCK},
	[NET_BLOCK] = {"block", 0, 0, true, false, 0},
	[NET_GET_CERT] = {"get-cert", 32, 32, false, false, NET_CERT_OF},
	[NET_CERT_OF] = {"cert-of", 0, CERT_MAX, false, false, 0},
	[NET_GET_PROOF] = {"get-proof", 32, 32, false, false, NET_PROOF},
	[NET_PROOF] = {"proof", 0, NET_FRAME_EXTRA, true, false, 0},
	[NET_GET_HISTORY] = {"get-history", 8 + 32, 8 + 32 * NET_KEYS_MAX,
			     false, false, NET_HISTORY},
	[NET_HISTORY] = {"history", 0, NET_FRAME_EXTRA, true, false, 0},
	[NET_WATCH] = {"watch", 32, 32 * NET_KEYS_MAX, false, false, 0},
	[NET_WATCHED] = {"watched", 0, NET_FRAME_EXTRA, true, false, 0},
};

static const char *const reason_name[NET_REASONS] = {
	[NET_REASON_NONE] = "none",
	[NET_OTHER_GENESIS] = "other-genesis",
	[NET_OTHER_VERSION] = "other-version",
	[NET_SELF] = "self",
	[NET_DUPLICATE] = "duplicate",
	[NET_FULL] = "full",
	[NET_BANNED] = "banned",
	[NET_ACCESS] = "access",
	[NET_BUSY] = "busy",
	[NET_PROTOCOL] = "protocol",
	[NET_SLOW] = "slow",
	[NET_SCORE] = "score",
	[NET_SILENT] = "silent",
	[NET_CLOSED] = "closed",
	[NET_HANDSHAKE] = "handshake",
	[NET_UNREACHABLE] = "unreachable",
	[NET_OVERFLOW] = "overflow",
	[NET_ASKED] = "asked",
	[NET_STOPPING] = "stopping",
	[NET_QUOTA] = "quota",
};

const char *net_reason_name(enum net_reason reason)
{
	return reason < NET_REASONS ? reason_name[reason] : "?";
}

static const struct type_row *row_of(uint8_t type)
{
	return type < NET_TYPES && table[type].name ? &table[type] : NULL;
}

const char *net_type_name(uint8_t type)
{
	const struct type_row *row = row_of(type);

	return row ? row->name : "?";
}

bool net_type_urgent(uint8_t type)
{
	const struct type_row *row = row_of(type);

	return row && row->urgent;
}

bool net_type_limits(uint32_t *min, uint32_t *max, uint8_t type,
		     uint32_t max_block_bytes)
{
	const struct type_row *row = row_of(type);

	if (!row)
		return false;
	*min = row->min;
	*max = row->max + (row->block ? max_block_bytes : 0);
	return true;
}

uint8_t net_type_answer(uint8_t request)
{
	const struct type_row *row = row_of(request);

	return row ? row->answer : 0;
}

void net_hello_write(uint8_t out[static NET_HELLO_SIZE],
		     const struct net_hello *h)
{
	struct base_writer w = base_writer_init(out, NET_HELLO_SIZE);

	base_write_le16(&w, h->version);
	base_write_u8(&w, h->mode);
	base_write_u8(&w, 0);
	base_write_le16(&w, h->port);
	base_write_le16(&w, 0);
	base_write_le64(&w, h->nonce);
	base_write_le64(&w, h->height);
	base_write_bytes(&w, h->genesis.b, sizeof(h->genesis.b));
}

int net_hello_read(struct net_hello *out,
		   const uint8_t data[static NET_HELLO_SIZE])
{
	struct base_reader r = base_reader_init(data, NET_HELLO_SIZE);
	struct net_hello h;

	h.version = base_read_le16(&r);
	h.mode = base_read_u8(&r);
	if (base_read_u8(&r) != 0)
		return -EBADMSG;
	h.port = base_read_le16(&r);
	if (base_read_le16(&r) != 0)
		return -EBADMSG;
	h.nonce = base_read_le64(&r);
	h.height = base_read_le64(&r);
	base_read_hash(&h.genesis, &r);
	if (!base_reader_done(&r))
		return -EBADMSG;
	*out = h;
	return 0;
}
