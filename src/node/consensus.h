/* SPDX-License-Identifier: MIT */
/*
 * consensus.h: the consensus thread.
 *
 * Floor 5. Runs the Dolev-Strong state machine (consensus/ds.h) against the
 * world: ticks from one clock that never runs back, signatures by the verify
 * threads, what must be durable by the store thread, templates to the miners
 * and their blocks to the state machine. It owns the pool of transactions and
 * answers asks about it (ask.h). It waits for nothing but its own bell: not
 * for the disk, a signature, a miner or a peer. A network of one member runs
 * the same way as any other, with a quorum of one.
 */
#ifndef NODE_CONSENSUS_H
#define NODE_CONSENSUS_H

#include "base/error.h"
#include "net/net.h"
#include "node/log.h"
#include "node/signer.h"
#include "node/status.h"
#include "node/store_thread.h"
#include "node/txpool.h"
#include "pow/pool.h"

/* The hash-rate line. */
#define NODE_RATE_EVERY_MS 10000
/* The line of progress in catching up. */
#define NODE_SYNC_EVERY_MS 5000

struct node_consensus;

struct node_consensus_options {
	const struct chain_params *params;    /* borrowed */
	const struct ds_committee *committee; /* borrowed */
	struct chain_context tip;	      /* final, as the store has it */
	/* Certificates off: a block that people vouch for, borrowed until the
	 * start returns; NULL: F. */
	const struct base_hash *trusted;
	int self; /* our committee index, or -1: no member */
	const uint8_t *signing_secret; /* NODE_SECRET_SIZE bytes, only until
					* the start returns; NULL: no member */
	uint8_t payout_key[32];
	struct store *store; /* borrowed */
	struct node_log *log;
	const struct pow_plan *plan; /* NULL: this node does not mine */
	const struct minerd_pow_backend *backend;
	struct node_status_board *status; /* initialised; NULL: nobody looks */
	struct node_txpool *pool; /* borrowed; the thread's until it ended */
	struct node_asks *asks;	  /* borrowed; opened */
	struct net *net; /* borrowed; its NET_CONSENSUS port is the thread's,
			  * and rings the asks' bell. NULL: no peers */
	const struct node_wake *final; /* rung for every final block that is on
					* disk and shown; NULL: for nobody */
	uint32_t verify_threads;       /* 1..NODE_VERIFY_THREADS_MAX */
	/* Called once by the thread when it cannot go on. */
	void (*failed)(void *ctx);
	void *failed_ctx;
};

/* Starts the store thread, the verify threads, the miners and the consensus
 * thread. 0; -ENOTSUP: the network's blocks in flight would take more memory
 * than a node may use; errors of what it starts and reads. */
BASE_MUST_CHECK int
node_consensus_start(struct node_consensus **out,
		     const struct node_consensus_options *options,
		     struct base_error *err);

/*
 * Ends all of them; what is on its way to the disk gets there first. Fills
 * @tip with the final tip. 0, or the negative error that @failed was called
 * for, with its sentence in @err; -ERESTART: the clock was set back, and a new
 * start is all that is needed; -EUCLEAN: the agreement had come to a HALT.
 */
BASE_MUST_CHECK int node_consensus_stop(struct chain_context *tip,
					struct node_consensus *consensus,
					struct base_error *err);

#endif
