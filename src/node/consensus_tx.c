/* SPDX-License-Identifier: MIT */
/* Transactions that peers send, ask for and are told of. */
#include "node/consensus_internal.h"

/* To everyone but those that it came from, which the net thread knows. */
void node_tx_relay(void *ctx, const struct node_tx_offer *o)
{
	const struct ds_peers all = net_everyone();

	node_net_send_copy(ctx, NET_TX, o->data, o->len, &all, o->wtxid.b);
}

/* The peer that sent it, not another in its slot. */
static bool is_there(const struct node_consensus *c, const struct net_event *e)
{
	return c->peer[e->slot].up && c->peer[e->slot].gen == e->gen;
}

static uint32_t tx_flights(const struct node_consensus *c)
{
	uint32_t count = 0;

	for (size_t i = 0; i < NODE_TX_FLIGHTS; i++)
		count += c->flight[i].consensus != NULL;
	return count;
}

/* Takes over the buffer. */
void node_tx_take(struct node_consensus *c, const struct node_tx_waiting *tx)
{
	if (c->tx_next - c->tx_first == NODE_TX_WAITING_MAX) {
		net_release(c->port, tx->event.message.buffer);
		return;
	}
	c->tx_waiting[c->tx_next++ % NODE_TX_WAITING_MAX] = *tx;
}

/* Its parent may be with the verify threads: a transaction that is lost here
 * is offered by nobody again. False: it is not worth it. */
static bool hold_tx(struct node_consensus *c, const struct node_tx_flight *f)
{
	if ((f->offer.outcome != NODE_TX_MISSING &&
	     f->offer.outcome != NODE_TX_BUSY) ||
	    f->tx.tries == NODE_TX_TRIES_MAX ||
	    c->tx_holds == NODE_TX_HELD_MAX || tx_flights(c) == 0)
		return false;
	c->tx_held[c->tx_holds++] = f->tx;
	return true;
}

/* Something was judged: those that are held may be, too, in their order. */
static void let_go_txs(struct node_consensus *c)
{
	for (uint32_t i = 0; i < c->tx_holds; i++)
		node_tx_take(c, &c->tx_held[i]);
	c->tx_holds = 0;
}

/* A signature that is bad is bad on every tip: the coins it spends are named
 * by their ids. */
static void tx_judged(struct node_ask *ask)
{
	/* The offer is the flight's first member, the ask the offer's. */
	struct node_tx_flight *f = (struct node_tx_flight *)(void *)ask;
	struct node_consensus *c = f->consensus;
	const struct net_event *e = &f->tx.event;

	if (f->offer.checks > 0 && is_there(c, e))
		(void)!net_charge(c->port, e->slot, f->offer.checks,
				  f->offer.outcome != NODE_TX_ACCEPTED);
	if (f->offer.outcome == NODE_TX_REFUSED &&
	    strcmp(f->offer.reject, chain_verdict_name(CHAIN_BAD_SIGNATURE)) ==
		    0 &&
	    is_there(c, e))
		node_net_ban(c, e->slot);
	f->consensus = NULL;
	if (hold_tx(c, f))
		return;
	net_release(c->port, e->message.buffer);
	if (f->offer.outcome == NODE_TX_ACCEPTED || tx_flights(c) == 0)
		let_go_txs(c);
}

static struct node_tx_flight *free_flight(struct node_consensus *c)
{
	for (size_t i = 0; i < NODE_TX_FLIGHTS; i++)
		if (!c->flight[i].consensus)
			return &c->flight[i];
	return NULL;
}

/* Those that waited, in their order; more than can be judged wait on, and
 * their peers are not read from meanwhile (net.h). */
void node_tx_judge(struct node_consensus *c)
{
	while (c->tx_first != c->tx_next) {
		struct node_tx_flight *f = free_flight(c);
		const struct net_buffer *b;

		if (!f)
			return;
		f->tx = c->tx_waiting[c->tx_first++ % NODE_TX_WAITING_MAX];
		f->tx.tries++;
		f->consensus = c;
		b = f->tx.event.message.buffer;
		f->offer = (struct node_tx_offer){
			.ask.done = tx_judged, .data = b->data, .len = b->len};
		node_txpool_offer(c->options.pool, &f->offer);
	}
}

/* Asked for by id, and no more in the net thread's hands. */
void node_tx_give(struct node_consensus *c, const struct net_event *e)
{
	const struct chain_mempool *m = node_txpool_mempool(c->options.pool);
	const struct net_buffer *b = e->message.buffer;
	const struct ds_peers to = node_net_only(e->slot);

	for (size_t at = 0; at + 32 <= b->len; at += 32) {
		const struct chain_mempool_entry *entry;
		struct base_hash wtxid;

		memcpy(wtxid.b, b->data + at, sizeof(wtxid.b));
		entry = chain_mempool_find_wtxid(m, &wtxid);
		if (entry)
			node_net_send_copy(c, NET_TX, entry->data, entry->len,
					   &to, NULL);
	}
}

/* A peer that comes hears what has waited here longest. */
void node_tx_announce(struct node_consensus *c, uint32_t slot)
{
	const struct chain_mempool_entry *e = chain_mempool_first(
		node_txpool_mempool(c->options.pool), CHAIN_MEMPOOL_BY_TIME);
	struct net_buffer *b = net_buffer_get(c->port, NET_INV_MAX * 32);
	const struct ds_peers to = node_net_only(slot);

	if (!b)
		return;
	b->len = 0;
	for (uint32_t i = 0; e && i < NET_INV_MAX; i++) {
		memcpy(b->data + b->len, e->wtxid.b, sizeof(e->wtxid.b));
		b->len += sizeof(e->wtxid.b);
		e = chain_mempool_next(e, CHAIN_MEMPOOL_BY_TIME);
	}
	if (b->len > 0)
		node_net_send_buffer(c, NET_TX_INV, b, &to, NULL);
	else
		net_release(c->port, b);
}
