/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/bytes.h"
#include "net/internal.h"

/* What is saved: magic u32 | addresses u32 | bans u32 | 0 u32 | key of the
 * table 16, and
 *   an address  ip 16 | port u16 | failures u16 | seen u32 | id 32 |
 *               source 6 | proved u8 | 0 u8
 *   a ban       id 32 | address 16 | until u64 | manual u8 | 0 x 7 */
#define SAVE_MAGIC 0x324e444du
#define SAVE_HEADER 32u
#define SAVED_ADDRESS 64u
#define SAVED_BAN 64u

_Static_assert(SAVE_HEADER + NET_ADDRESSES_MAX * SAVED_ADDRESS +
			       NET_BANS_MAX * SAVED_BAN <=
		       NET_SAVED_MAX,
	       "everything can be saved");
_Static_assert(sizeof(struct net_view) % 8 == 0, "published in words");

static const char *const counter_name[NET_COUNTERS] = {
	[NET_C_BYTES_IN] = "bytes_in",
	[NET_C_BYTES_OUT] = "bytes_out",
	[NET_C_FRAMES_IN] = "frames_in",
	[NET_C_FRAMES_OUT] = "frames_out",
	[NET_C_ENTERS] = "enters",
	[NET_C_ACCEPTED] = "accepted",
	[NET_C_REFUSED] = "refused",
	[NET_C_HANDSHAKES] = "handshakes",
	[NET_C_BAD_FRAMES] = "bad_frames",
	[NET_C_COPIES] = "copies",
	[NET_C_FILTERED] = "filtered",
	[NET_C_TX_DROPPED] = "tx_dropped",
	[NET_C_UNSOLICITED] = "unsolicited",
	[NET_C_UNANSWERED] = "unanswered",
	[NET_C_BUSY] = "busy",
	[NET_C_SLOW] = "slow",
	[NET_C_OVERFLOW] = "overflow",
	[NET_C_BANS] = "bans",
	[NET_C_PAUSES] = "pauses",
	[NET_C_AGAIN] = "again",
};

const char *net_counter_name(enum net_counter c)
{
	return c < NET_COUNTERS ? counter_name[c] : "?";
}

static void describe(struct net_peer_info *p, struct net *n, struct net_conn *c,
		     uint64_t back_ms)
{
	*p = (struct net_peer_info){
		.port = c->addr.port,
		.slot = (uint8_t)c->slot,
		.member = (int8_t)c->member,
		.mode = c->hello.mode,
		.outbound = c->outbound,
		.granted = c->granted,
		.wish = c->wish,
		.wish_reason = c->wish_reason,
		.version = c->hello.version,
		.height = c->hello.height,
		.up_ms = c->up_unix_ms,
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.last_in_ms = c->last_in_ms ? c->last_in_ms + back_ms : 0,
		.last_out_ms = c->last_out_ms ? c->last_out_ms + back_ms : 0,
		.ping_us = c->ping_us,
		.queue_out = c->queue.bytes,
		.queue_in = (uint32_t)c->held,
	};
	memcpy(p->id, c->id, NET_ID_SIZE);
	memcpy(p->address, c->addr.ip, sizeof(p->address));
	net_quota_refill(&c->score, n->now_ms);
	p->score = (uint8_t)(c->score.tokens > 0 ? c->score.tokens / 1000 : 0);
}

void net_view_publish(struct net *n)
{
	struct net_view *v = &n->view;
	/* From the monotonic clock to Unix time. */
	uint64_t back_ms = net_unix_ms() - n->now_ms;

	n->counter[NET_C_ENTERS] = net_uring_enters(n->uring);
	n->counter[NET_C_AGAIN] = 0;
	for (uint32_t i = 0; i < NET_PORTS; i++)
		/* Only a number: nothing else depends on it. */
		n->counter[NET_C_AGAIN] += atomic_load_explicit(
			&n->port[i].again, memory_order_relaxed);
	memcpy(v->counter, n->counter, sizeof(v->counter));
	v->held = n->pool.used;
	v->inbound = 0;
	v->outbound = 0;
	v->members = 0;
	v->addresses = n->known.count;
	v->bans = n->bans.count;
	v->peers = 0;
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		struct net_conn *c = net_peer_at(n, i);

		if (!c)
			continue;
		describe(&v->peer[v->peers++], n, c, back_ms);
		if (net_conn_is_member(c))
			v->members++;
		else if (c->outbound)
			v->outbound++;
		else
			v->inbound++;
	}
	net_board_publish(&n->view_board, v,
			  offsetof(struct net_view, peer) +
				  v->peers * sizeof(v->peer[0]));
}

void net_look(struct net_view *out, const struct net *n)
{
	memset(out, 0, sizeof(*out));
	(void)net_board_read(out, &n->view_board);
}

/* ---- what outlives the process ---- */

void net_save_publish(struct net *n)
{
	struct base_writer w = base_writer_init(n->save_memory, NET_SAVED_MAX);

	base_write_le32(&w, SAVE_MAGIC);
	base_write_le32(&w, n->known.count);
	base_write_le32(&w, n->bans.count);
	base_write_le32(&w, 0);
	base_write_le64(&w, n->known.key.k[0]);
	base_write_le64(&w, n->known.key.k[1]);
	for (uint32_t i = 0; i < NET_ADDRESSES_MAX; i++) {
		const struct net_known *k = &n->known.entry[i];

		if (k->addr.port == 0)
			continue;
		base_write_bytes(&w, k->addr.ip, sizeof(k->addr.ip));
		base_write_le16(&w, k->addr.port);
		base_write_le16(&w, (uint16_t)k->failures);
		base_write_le32(&w, k->seen_s);
		base_write_bytes(&w, k->id, NET_ID_SIZE);
		base_write_bytes(&w, k->source.b, sizeof(k->source.b));
		base_write_u8(&w, k->proved);
		base_write_u8(&w, 0);
	}
	for (uint32_t i = 0; i < n->bans.count; i++) {
		const struct net_ban *b = &n->bans.entry[i];

		base_write_bytes(&w, b->id, NET_ID_SIZE);
		base_write_bytes(&w, b->address, sizeof(b->address));
		base_write_le64(&w, b->until_s);
		base_write_le64(&w, b->manual);
	}
	net_board_publish(&n->save_board, n->save_memory, w.len);
}

size_t net_save(uint8_t *out, const struct net *n)
{
	return net_board_read(out, &n->save_board);
}

static void read_ban(struct net_ban *out, struct base_reader *r)
{
	const uint8_t *id = base_read_bytes(r, NET_ID_SIZE);
	const uint8_t *address = base_read_bytes(r, sizeof(out->address));

	memset(out, 0, sizeof(*out));
	if (id && address) {
		memcpy(out->id, id, NET_ID_SIZE);
		memcpy(out->address, address, sizeof(out->address));
	}
	out->until_s = base_read_le64(r);
	out->manual = base_read_le64(r) == 1;
}

static void read_address(struct net *n, struct base_reader *r)
{
	const uint8_t *ip = base_read_bytes(r, 16);
	struct net_addr a = {.port = base_read_le16(r)};
	uint16_t failures = base_read_le16(r);
	uint32_t seen_s = base_read_le32(r);
	const uint8_t *id = base_read_bytes(r, NET_ID_SIZE);
	const uint8_t *from = base_read_bytes(r, sizeof(struct net_group));
	bool proved = base_read_u8(r) == 1;
	struct net_group source;
	struct net_known *k;

	(void)base_read_u8(r);
	if (!base_reader_ok(r))
		return;
	memcpy(a.ip, ip, sizeof(a.ip));
	memcpy(source.b, from, sizeof(source.b));
	net_known_add(&n->known, &a, id, seen_s, proved ? NULL : &source);
	k = net_known_find(&n->known, id);
	if (k)
		k->failures = failures;
}

/* The header: false: these bytes are nothing that was saved. */
static bool read_header(struct base_reader *r, uint32_t *addresses,
			uint32_t *bans, struct chain_siphash_key *key)
{
	uint32_t magic = base_read_le32(r);

	*addresses = base_read_le32(r);
	*bans = base_read_le32(r);
	(void)base_read_le32(r);
	key->k[0] = base_read_le64(r);
	key->k[1] = base_read_le64(r);
	return base_reader_ok(r) && magic == SAVE_MAGIC &&
	       *addresses <= NET_ADDRESSES_MAX && *bans <= NET_BANS_MAX;
}

void net_save_load(struct net *n, const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	uint64_t now_s = net_unix_ms() / 1000;
	struct chain_siphash_key key;
	struct net_ban ban;
	uint32_t addresses;
	uint32_t bans;

	if (!read_header(&r, &addresses, &bans, &key))
		return;
	/* The same places again. */
	net_known_init(&n->known, &key);
	for (uint32_t i = 0; i < addresses && base_reader_ok(&r); i++)
		read_address(n, &r);
	for (uint32_t i = 0; i < bans && base_reader_ok(&r); i++) {
		read_ban(&ban, &r);
		if (base_reader_ok(&r) && ban.until_s > now_s)
			net_ban_add(&n->bans, &ban, now_s);
	}
}

uint32_t net_bans(struct net_ban *out, uint32_t cap, const struct net *n)
{
	uint8_t *copy = malloc(NET_SAVED_MAX);
	uint64_t now_s = net_unix_ms() / 1000;
	struct chain_siphash_key key;
	struct base_reader r;
	uint32_t addresses;
	uint32_t count = 0;
	uint32_t bans;

	if (!copy)
		return 0;
	r = base_reader_init(copy, net_board_read(copy, &n->save_board));
	if (!read_header(&r, &addresses, &bans, &key) ||
	    (addresses > 0 &&
	     !base_read_bytes(&r, (size_t)addresses * SAVED_ADDRESS)))
		bans = 0;
	for (uint32_t i = 0; i < bans && count < cap; i++) {
		struct net_ban ban;

		read_ban(&ban, &r);
		if (base_reader_ok(&r) && ban.until_s > now_s)
			out[count++] = ban;
	}
	free(copy);
	return count;
}
