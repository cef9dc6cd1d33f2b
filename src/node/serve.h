/* SPDX-License-Identifier: MIT */
/*
 * serve.h: the thread that gives other nodes access to the chain.
 *
 * Floor 5. It answers what peers ask for (network.md, Access to the
 * blockchain) out of LMDB read transactions, so that no body crosses the
 * consensus thread and no caller of RPC waits for a peer. What is not on disk
 * yet it hands on to the consensus thread. Who may ask was decided by the net
 * thread before. After a HALT it tells its status, and nothing else.
 */
#ifndef NODE_SERVE_H
#define NODE_SERVE_H

#include "net/net.h"
#include "node/log.h"
#include "node/status.h"
#include "node/wake.h"
#include "store/store.h"

/* Heights that are looked through, downwards, for one with a certificate. */
#define NODE_SERVE_CERT_WALK 4096
/* Requests that see one snapshot of the store. */
#define NODE_SERVE_BATCH 64

struct node_serve;

/* Everything is borrowed until the stop. */
struct node_serve_options {
	struct net *net; /* its NET_READER port is this thread's */
	struct store *store;
	const struct node_status_board *status;
	struct node_log *log;
	uint32_t max_block_bytes;
	/* Rung by @net for its NET_READER port, and when a block is final. */
	const struct node_wake *wake;
};

/* 0 or -errno. */
BASE_MUST_CHECK int node_serve_start(struct node_serve **out,
				     const struct node_serve_options *options,
				     struct base_error *err);

/* Ends the thread; requests that wait get no answer. NULL is allowed. */
void node_serve_stop(struct node_serve *s);

#endif
