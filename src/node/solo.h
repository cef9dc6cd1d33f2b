/* SPDX-License-Identifier: MIT */
/*
 * solo.h: the consensus thread of a one-member network.
 *
 * Floor 5. With one member and no faults every block that its miners find
 * and its rules accept is final once it is on disk. The thread publishes a
 * template on the tip, checks what the miners find, has the verify threads
 * look at signatures it does not know and the store commit it, and moves on;
 * it never waits for the disk, for a signature or for a miner. It owns the
 * pool of transactions and answers asks about it (ask.h).
 *
 * The Dolev-Strong state machine takes this thread's place when networks
 * have more members; the rings around it stay.
 */
#ifndef NODE_SOLO_H
#define NODE_SOLO_H

#include "base/error.h"
#include "chain/block.h"
#include "node/clock.h"
#include "node/log.h"
#include "node/status.h"
#include "node/store_thread.h"
#include "node/txpool.h"
#include "pow/pool.h"

/* The hash-rate line. */
#define NODE_RATE_EVERY_MS 10000

struct node_solo;

struct node_solo_options {
	const struct chain_params *params; /* borrowed */
	struct chain_context tip;
	uint8_t sender; /* our committee index */
	uint8_t payout_key[32];
	struct store *store; /* borrowed */
	struct node_log *log;
	const struct pow_plan *plan;
	const struct minerd_pow_backend *backend;
	struct node_status_board *status; /* initialised; NULL: nobody looks */
	struct node_txpool *pool; /* borrowed; the thread's until it ended */
	struct node_asks *asks;	  /* borrowed; opened */
	uint32_t verify_threads;  /* 1..NODE_VERIFY_THREADS_MAX */
	/* Called once by the thread when it cannot go on. */
	void (*failed)(void *ctx);
	void *failed_ctx;
};

/* Starts the store thread, the verify threads, the miners and the consensus
 * thread. */
BASE_MUST_CHECK int node_solo_start(struct node_solo **out,
				    const struct node_solo_options *options,
				    struct base_error *err);

/*
 * Ends all of them; a commit under way is finished first. Fills @tip with
 * the last committed tip. 0, or the negative error that @failed was called
 * for, with its sentence in @err.
 */
BASE_MUST_CHECK int node_solo_stop(struct chain_context *tip,
				   struct node_solo *solo,
				   struct base_error *err);

#endif
