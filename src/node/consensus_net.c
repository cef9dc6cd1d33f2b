/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/consensus_internal.h"
#include "node/identify.h"

/* Events between two looks at the clock. */
#define EVENTS_MAX 256

/* Members of the message kinds have one number on the wire and here. */
_Static_assert((int)NET_PROPOSAL == (int)DS_PROPOSAL &&
		       (int)NET_EVID == (int)DS_EVID,
	       "types of frames are kinds of messages");
_Static_assert(NET_SLOTS_MAX <= DS_PEERS_MAX, "a slot is a peer");

static bool is_empty(const struct ds_peers *p)
{
	uint64_t any = 0;

	for (size_t i = 0; i < BASE_COUNT(p->word); i++)
		any |= p->word[i];
	return any == 0;
}

struct ds_peers node_net_only(uint32_t slot)
{
	struct ds_peers p = {{0}};

	p.word[slot / 64] = UINT64_C(1) << slot % 64;
	return p;
}

void node_net_send_buffer(struct node_consensus *c, uint8_t type,
			  struct net_buffer *b, const struct ds_peers *to,
			  const uint8_t *id)
{
	const struct net_send s = {
		.type = type, .buffer = b, .to = *to, .id = id};

	(void)!net_send(c->port, &s);
	net_release(c->port, b);
}

void node_net_send_copy(struct node_consensus *c, uint8_t type,
			const void *data, size_t len, const struct ds_peers *to,
			const uint8_t *id)
{
	struct net_buffer *b = net_buffer_get(c->port, len);

	if (!b)
		return;
	memcpy(b->data, data, len);
	node_net_send_buffer(c, type, b, to, id);
}

/* ---- what the state machine wants told ---- */

static void send_proposal(struct node_consensus *c, const struct ds_proposal *m,
			  const struct ds_peers *to)
{
	uint32_t certified =
		m->has_parent_cert ? ds_mask_count(m->parent_cert.mask) : 0;
	struct net_buffer *b;

	if (is_empty(to))
		return;
	b = net_buffer_get(c->port, DS_PROPOSAL_SIZE(ds_mask_count(m->mask)) +
					    DS_CERT_SIZE(certified) +
					    m->block_len);
	if (!b)
		return;
	b->len = (uint32_t)ds_proposal_write(b->data, b->cap, m);
	BASE_ASSERT(b->len > 0);
	node_net_send_buffer(c, NET_PROPOSAL, b, to, NULL);
}

/* Who holds the block gets the signatures alone. */
static void send_proposals(struct node_consensus *c, const struct ds_action *a)
{
	struct ds_proposal m = a->send.proposal;
	struct ds_peers whole = a->send.to;
	struct ds_peers bare = a->send.to;

	for (size_t i = 0; i < BASE_COUNT(whole.word); i++) {
		whole.word[i] &= ~a->send.bare.word[i];
		bare.word[i] &= a->send.bare.word[i];
	}
	send_proposal(c, &m, &whole);
	m.has_body = false;
	m.has_parent_cert = false;
	m.block_len = CHAIN_HEADER_SIZE;
	send_proposal(c, &m, &bare);
}

/*~ 7. Out: what the state machine sends becomes bytes in a buffer of the net
 * thread's, which frames and encrypts them for each peer. A proposal has no id,
 * for every new signature on it is news; copies of the rest are recognised. */
/* Light nodes take no part, but hear what is certified. */
static void add_light_peers(struct ds_peers *to, const struct node_consensus *c)
{
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++)
		if (c->peer[i].up && c->peer[i].mode == NET_LIGHT)
			to->word[i / 64] |= UINT64_C(1) << i % 64;
}

void node_net_send(struct node_consensus *c, const struct ds_action *a)
{
	uint8_t bytes[NODE_WRITE_BYTES_MAX];
	uint8_t id[32];
	const uint8_t *with = a->send.again ? NULL : id;
	struct ds_peers to = a->send.to;
	size_t len = 0;

	if (a->send.kind == DS_CERT && !a->send.again)
		add_light_peers(&to, c);
	if (!c->port || is_empty(&to))
		return;
	switch (a->send.kind) {
	case DS_PROPOSAL:
		send_proposals(c, a);
		return;
	case DS_VOTE:
		node_id_of_vote(id, &a->send.vote);
		len = ds_vote_write(bytes, sizeof(bytes), &a->send.vote);
		break;
	case DS_CERT:
		node_id_of_cert(id, &a->send.cert);
		len = ds_cert_write(bytes, sizeof(bytes), &a->send.cert);
		break;
	case DS_BEAT:
		node_id_of_beat(id, &a->send.beat);
		len = ds_beat_write(bytes, sizeof(bytes), &a->send.beat);
		break;
	case DS_EVID:
		with = NULL;
		len = ds_evidence_write(bytes, sizeof(bytes),
					&a->send.evidence);
		break;
	}
	BASE_ASSERT(len > 0);
	node_net_send_copy(c, (uint8_t)a->send.kind, bytes, len, &to, with);
}

void node_net_have(struct node_consensus *c, const struct base_hash *hash)
{
	const struct ds_peers all = net_everyone();
	uint8_t id[32];

	if (!c->port)
		return;
	node_id_of_have(id, hash);
	node_net_send_copy(c, NET_HAVE, hash->b, sizeof(hash->b), &all, id);
}

void node_net_ask_block(struct node_consensus *c, const struct base_hash *hash,
			uint32_t peer)
{
	const struct ds_peers to = node_net_only(peer);

	node_net_send_copy(c, NET_GET_BLOCK, hash->b, sizeof(hash->b), &to,
			   NULL);
}

void node_net_need(struct node_consensus *c, const struct ds_action *a)
{
	const struct ds_peers to = node_net_only(a->need.peer);
	const uint8_t *hash = a->need.hash.b;
	uint8_t range[8];

	if (!c->port)
		return;
	switch (a->need.kind) {
	case DS_NEED_STATUS:
		node_net_send_copy(c, NET_GET_STATUS, hash, 0, &to, NULL);
		break;
	case DS_NEED_HEADERS:
		base_store_le32(range, a->need.from.n);
		base_store_le32(range + 4, a->need.count);
		node_net_send_copy(c, NET_GET_HEADERS, range, sizeof(range),
				   &to, NULL);
		break;
	case DS_NEED_BLOCK:
		node_fetch_want(c, &a->need.hash, a->need.peer);
		break;
	case DS_NEED_CERT:
		node_net_send_copy(c, NET_GET_CERT, hash, sizeof(a->need.hash),
				   &to, NULL);
		break;
	}
}

void node_net_ban(struct node_consensus *c, uint32_t peer)
{
	if (c->port)
		(void)!net_ban(c->port, peer);
}

/* ---- events ---- */

/* What the reader did not find on disk may be here. */
static void give_block(struct node_consensus *c, const struct net_event *e)
{
	struct net_buffer *out = NULL;
	struct base_hash hash;
	const uint8_t *block;
	size_t len;

	memcpy(hash.b, e->message.buffer->data, sizeof(hash.b));
	block = ds_find_block(&len, c->ds, &hash);
	if (block)
		out = net_buffer_get(c->port, len);
	if (out)
		memcpy(out->data, block, len);
	(void)!net_reply(c->port, e, NET_BLOCK, out);
	net_release(c->port, out);
}

static void give_cert(struct node_consensus *c, const struct net_event *e)
{
	struct net_buffer *out = NULL;
	const struct ds_cert *cert;
	struct base_hash hash;

	memcpy(hash.b, e->message.buffer->data, sizeof(hash.b));
	cert = ds_find_cert(c->ds, &hash);
	if (cert)
		out = net_buffer_get(c->port,
				     DS_CERT_SIZE(ds_mask_count(cert->mask)));
	if (out)
		out->len = (uint32_t)ds_cert_write(out->data, out->cap, cert);
	(void)!net_reply(c->port, e, NET_CERT_OF, out);
	net_release(c->port, out);
}

/* "Nothing" in place of a block or certificate means that it is not there;
 * the state machine asks another peer in its own time. */
static void answered(struct node_consensus *c, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;
	const size_t len = b ? b->len : 0;
	const uint8_t *data = b ? b->data : NULL;

	switch (e->message.type) {
	case NET_STATUS:
		ds_status(c->ds, c->now, e->slot, data, len);
		break;
	case NET_HEADERS:
		if (len % CHAIN_HEADER_SIZE != 0) {
			node_net_ban(c, e->slot);
			break;
		}
		node_fetch_way(c, data, len / CHAIN_HEADER_SIZE);
		ds_headers(c->ds, c->now, e->slot, data,
			   len / CHAIN_HEADER_SIZE);
		break;
	case NET_BLOCK:
		if (len > 0)
			ds_block(c->ds, c->now, e->slot, data, len);
		else
			node_fetch_missing(c, e->slot);
		break;
	case NET_CERT_OF:
		if (len > 0)
			ds_message(c->ds, c->now, e->slot, DS_CERT, data, len);
		break;
	default: /* refusals; what a light node asks for */
		break;
	}
}

/*~ 8. In: at every other node the bytes become an input of its state machine.
 * What that finds valid, and new, it sends on, so that a block reaches those
 * without a link to its finder. True: the buffer was taken over. */
static bool message(struct node_consensus *c, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;
	struct base_hash hash;

	switch (e->message.type) {
	case NET_PROPOSAL:
	case NET_VOTE:
	case NET_CERT:
	case NET_BEAT:
	case NET_EVID:
		ds_message(c->ds, c->now, e->slot,
			   (enum ds_message_kind)e->message.type, b->data,
			   b->len);
		break;
	case NET_HAVE:
		memcpy(hash.b, b->data, sizeof(hash.b));
		ds_have(c->ds, c->now, e->slot, &hash);
		break;
	case NET_TX:
		node_tx_take(c, &(struct node_tx_waiting){.event = *e});
		return true;
	case NET_TX_GET:
		node_tx_give(c, e);
		break;
	case NET_GET_BLOCK:
		give_block(c, e);
		break;
	case NET_GET_CERT:
		give_cert(c, e);
		break;
	case NET_BLOCK:
		if (node_fetch_hold(c, e))
			return true;
		answered(c, e);
		break;
	default:
		answered(c, e);
		break;
	}
	return false;
}

static void tell_peer(struct node_consensus *c, const struct net_event *e)
{
	char id[2 * NET_ID_SIZE + 1];

	base_to_hex(id, e->up.id, sizeof(e->up.id));
	if (e->up.member >= 0)
		node_log(c->options.log, NODE_LOG_INFO, "peer",
			 "member '%s' is connected, at height %" PRIu64,
			 c->options.params->member[e->up.member].name,
			 e->up.height);
	else
		node_log(c->options.log, NODE_LOG_DEBUG, "peer",
			 "node %.16s... is connected, at height %" PRIu64, id,
			 e->up.height);
}

static void take_event(struct node_consensus *c, const struct net_event *e)
{
	switch (e->kind) {
	case NET_EV_UP:
		tell_peer(c, e);
		c->peer[e->slot] = (struct node_peer){.up = true,
						      .gen = e->gen,
						      .member = e->up.member,
						      .mode = e->up.mode};
		/* It has nothing that the state machine asks peers for. */
		if (e->up.mode == NET_LIGHT)
			break;
		ds_peer_up(c->ds, c->now, e->slot, e->up.member);
		node_consensus_act(c);
		node_tx_announce(c, e->slot);
		break;
	case NET_EV_DOWN:
		/* Strangers come and go as they please, and fill no log. */
		node_log(c->options.log,
			 c->peer[e->slot].member >= 0 ? NODE_LOG_INFO
						      : NODE_LOG_DEBUG,
			 "peer_gone", "%s is gone: %s",
			 c->peer[e->slot].member >= 0
				 ? c->options.params
					   ->member[c->peer[e->slot].member]
					   .name
				 : "a node",
			 net_reason_name(e->down));
		c->peer[e->slot].up = false;
		node_fetch_gone(c, e->slot);
		if (c->peer[e->slot].mode != NET_LIGHT)
			ds_peer_down(c->ds, c->now, e->slot);
		break;
	case NET_EV_MESSAGE:
		if (!message(c, e))
			net_release(c->port, e->message.buffer);
		break;
	case NET_EV_UNANSWERED:
		if (e->unanswered == NET_GET_BLOCK)
			node_fetch_missing(c, e->slot);
		break;
	}
	node_consensus_act(c);
}

void node_net_take(struct node_consensus *c)
{
	struct net_event e;
	uint32_t taken = 0;

	if (!c->port)
		return;
	while (c->rc == 0 && taken < EVENTS_MAX && net_next(c->port, &e)) {
		node_consensus_look_at_clock(c);
		take_event(c, &e);
		taken++;
	}
	c->net_waits = taken == EVENTS_MAX;
	node_fetch_feed(c);
	node_tx_judge(c);
}

void node_net_open(struct node_consensus *c)
{
	if (!c->options.net)
		return;
	node_fetch_clear(c);
	c->port = net_port(c->options.net, NET_CONSENSUS);
	node_txpool_set_accepted(c->options.pool, node_tx_relay, c);
}
