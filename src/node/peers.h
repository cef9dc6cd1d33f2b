/* SPDX-License-Identifier: MIT */
/*
 * peers.h: a node's part of the network: the net thread, and the thread that
 * serves peers.
 *
 * Floor 5; main thread. What is known of addresses, scores and bans is kept
 * in DATADIR/peers.dat; it is written now and then, and at the stop.
 */
#ifndef NODE_PEERS_H
#define NODE_PEERS_H

#include "node/ask.h"
#include "node/genesis.h"
#include "node/log.h"
#include "node/status.h"

#define NODE_PEERS_FILE "peers.dat"
#define NODE_PEERS_SAVE_MS 60000

struct node_peers;

/* Everything is borrowed until the stop. */
struct node_peers_options {
	const struct node_config *config;
	const struct node_datadir *datadir;
	const struct node_chain *chain;
	const struct ds_committee *committee;
	const struct node_keys *keys;
	int self; /* our committee index, or -1 */
	struct store *store;
	const struct node_status_board *status;
	struct node_asks *asks; /* whose bell rings for NET_CONSENSUS */
	struct node_log *log;
};

/* Listens, connects and serves. A network of one member that nobody is to
 * connect to has no peers: *@out is NULL. 0; errors as net_start(). */
BASE_MUST_CHECK int node_peers_start(struct node_peers **out,
				     const struct node_peers_options *options,
				     struct base_error *err);

/* All of these allow NULL, and do or give nothing then. */
struct net *node_peers_net(const struct node_peers *p);
/* The bell to ring when a block is final. */
const struct node_wake *node_peers_bell(const struct node_peers *p);
/* Writes peers.dat; what goes wrong is logged. */
void node_peers_save(const struct node_peers *p);
/* Once no other thread uses the net. */
void node_peers_stop(struct node_peers *p);

#endif
