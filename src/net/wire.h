/* SPDX-License-Identifier: MIT */
/*
 * wire.h: what nodes say to each other: frames, their types and limits.
 *
 * Floor 4. Inside the encrypted stream everything is frames, integers
 * little-endian:
 *
 *   len u32 | type u8 | flags u8 | reserved u16 = 0 | payload
 *
 * `len` is the length of the message. One of more than NET_PART_SIZE bytes is
 * cut: its first frame says the whole length and carries NET_PART_SIZE bytes,
 * and frames of the same type with NET_FLAG_MORE follow, each as long as it
 * says: NET_PART_SIZE, the last one what is left. A frame and its header fill
 * one TLS record, so between the parts of a body others find their way. Two
 * messages may be under way at once in one direction: one of the urgent
 * types and one of the others.
 *
 * The limits of a type are checked when its header is read, before a byte of
 * the payload is. What breaks any of this ends the connection.
 *
 * Payloads:
 *   PROPOSAL VOTE CERT BEAT EVID   as consensus/message.h
 *   HAVE            hash: I hold the block and its parent's certificate
 *   HELLO           version u16 | mode u8 | 0 u8 | listen port u16 | 0 u16 |
 *                   nonce u64 | tip height u64 | genesis hash
 *   PING PONG       number u64
 *   ADDR            1..NET_ADDR_MAX times: IPv6 or mapped IPv4 16 | port u16 |
 *                   0 u16 | seen u32 (Unix time) | node id 32
 *   REFUSED         reason u8 | type u8 (of the request, else 0)
 *   NOT_FULL        type u8: I keep no blocks
 *   REQUEST_ACCESS  nothing; GRANT: nothing
 *   TX_INV TX_GET   1..NET_INV_MAX times a wtxid
 *   TX              a transaction, BIP144
 *   GET_STATUS      nothing
 *   STATUS          certificate of the final tip; nothing: at genesis
 *   GET_HEADERS     from height u32 | count u32 (1..NET_HEADERS_MAX)
 *   HEADERS         0..NET_HEADERS_MAX times 80 bytes
 *   GET_BLOCK       hash;  BLOCK: a block; nothing: not here
 *   GET_CERT        hash of a block;  CERT_OF: its certificate; or nothing
 *   GET_PROOF       txid;  PROOF: a proof; or nothing: not found
 *   GET_HISTORY     from height u32 | from index u32 | 1..NET_KEYS_MAX times a
 *                   key;  HISTORY: height u32 | index u32 | proofs
 *   WATCH           1..NET_KEYS_MAX times a key;  WATCHED: as HISTORY
 *
 * A key is 32 bytes: a transaction is meant when one of its P2TR outputs pays
 * to it, or when it spends an output of the transaction with that txid. A proof
 * is chain/tx_proof.h's. HISTORY has those of blocks from the height on (and
 * there from the transaction with that index on), in the order of the chain, up
 * to the place that it begins with, from which the asker goes on: the height
 * after the answerer's tip, or less where the answer got long or took long to
 * find. Those that spend what HISTORY itself found are in it, too. WATCH adds
 * keys; WATCHED comes by itself with blocks that become final.
 *
 * Answers come in the order of the requests of one type.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "base/types.h"
#include "chain/params.h"
#include "consensus/message.h"

#define NET_VERSION 1
#define NET_ID_SIZE 32

#define NET_FRAME_HEADER 8u
#define NET_RECORD_MAX 16384u /* RFC 8446, 5.1 */
#define NET_PART_SIZE (NET_RECORD_MAX - NET_FRAME_HEADER)
#define NET_FRAME_EXTRA (64u << 10) /* a frame beyond its block */
#define NET_FLAG_MORE 1u	    /* goes on with a message that was cut */

#define NET_HELLO_SIZE 56u
#define NET_ADDR_SIZE 56u
#define NET_ADDR_MAX 64u
#define NET_INV_MAX 1000u
#define NET_HEADERS_MAX 2000u
#define NET_KEYS_MAX 100u
#define NET_TX_BYTES_MAX 404000u /* weight of what a mempool takes */

enum net_type {
	NET_PROPOSAL = DS_PROPOSAL,
	NET_VOTE = DS_VOTE,
	NET_CERT = DS_CERT,
	NET_BEAT = DS_BEAT,
	NET_EVID = DS_EVID,
	NET_HAVE = 6,

	NET_HELLO = 16,
	NET_PING,
	NET_PONG,
	NET_ADDR,
	NET_REFUSED,
	NET_NOT_FULL,
	NET_REQUEST_ACCESS,
	NET_GRANT,

	NET_TX_INV = 32,
	NET_TX_GET,
	NET_TX,

	NET_GET_STATUS = 48,
	NET_STATUS,
	NET_GET_HEADERS,
	NET_HEADERS,
	NET_GET_BLOCK,
	NET_BLOCK,
	NET_GET_CERT,
	NET_CERT_OF,
	NET_GET_PROOF,
	NET_PROOF,
	NET_GET_HISTORY,
	NET_HISTORY,
	NET_WATCH,
	NET_WATCHED,
	NET_TYPES
};

/* Why a peer was refused or closed. */
enum net_reason {
	NET_REASON_NONE,
	NET_OTHER_GENESIS,
	NET_OTHER_VERSION,
	NET_SELF,      /* connected to ourselves */
	NET_DUPLICATE, /* another connection to it is kept */
	NET_FULL,      /* no room for more peers */
	NET_BANNED,
	NET_ACCESS,    /* its policy lets us ask for nothing */
	NET_BUSY,      /* ask again later */
	NET_PROTOCOL,  /* broke the rules of frames */
	NET_SLOW,      /* did not read, or answer, in time */
	NET_SCORE,     /* too many small offences */
	NET_SILENT,    /* no HELLO in time */
	NET_CLOSED,    /* it closed the connection, or the network did */
	NET_HANDSHAKE, /* TLS failed, or another key than expected */
	NET_UNREACHABLE,
	NET_OVERFLOW, /* we could not keep up with it */
	NET_ASKED,    /* an operator, or the consensus, wished it */
	NET_STOPPING,
	NET_QUOTA, /* more than it grants */
	NET_REASONS
};

/* Stable names: "other-genesis", "slow" ... */
const char *net_reason_name(enum net_reason reason);
/* "vote", "get-block" ...; "?" for what is no type. */
const char *net_type_name(uint8_t type);

/* One of the types that others wait behind. */
bool net_type_urgent(uint8_t type);

/* Length limits of a type in a network with blocks of @max_block_bytes.
 * False: there is no such type. */
BASE_MUST_CHECK bool net_type_limits(uint32_t *min, uint32_t *max, uint8_t type,
				     uint32_t max_block_bytes);

/* The answer to a request, or 0. */
uint8_t net_type_answer(uint8_t request);

struct net_hello {
	uint16_t version;
	uint8_t mode; /* enum net_mode */
	uint16_t port;
	uint64_t nonce;
	uint64_t height;
	struct base_hash genesis;
};

void net_hello_write(uint8_t out[static NET_HELLO_SIZE],
		     const struct net_hello *h);
/* 0 or -EBADMSG. */
BASE_MUST_CHECK int net_hello_read(struct net_hello *out,
				   const uint8_t data[static NET_HELLO_SIZE]);

#endif
