/* SPDX-License-Identifier: MIT */
/*
 * topology.h: every thread and every queue between threads, in one place.
 *
 * Floor 5. No other mutable state is shared.
 *
 *   thread      does
 *   ----------  --------------------------------------------------------
 *   main        starts and stops the others; waits for signals
 *   consensus   templates, blocks found, validation, the tip (solo.h),
 *               the pool of transactions (txpool.h)
 *   verify x K  signatures (verify_pool.h)
 *   store       LMDB write transactions (store_thread.h)
 *   miner x N   search the nonce space (pow/pool.h)
 *   api         HTTP: sockets, credentials (api/http.h)
 *   reader      answers RPC from LMDB read transactions (reader.h)
 *   log         writes events to standard output (log.h)
 *
 *   from       to         class  element              depth  when full
 *   ---------  ---------  -----  -------------------  -----  ------------
 *   consensus  store      spsc   node_commit_request    4    never: one
 *   store      consensus  spsc   node_commit_reply      4    outstanding
 *   consensus  verify     spsc   node_verify_job      256    transactions
 *                         x K                                wait; one block
 *                                                            always fits
 *   verify     consensus  spsc   node_verify_reply    256    never: as deep
 *                         x K
 *   reader     consensus  mpsc   node_ask *            64    the asker is
 *                                                            told to retry
 *   consensus  miners     board  pow_work               1    replaced
 *   miners     consensus  mpsc   pow_found            256    oldest kept,
 *                                                            counted
 *   consensus  any        board  node_status            1    replaced
 *   api        reader     mpsc   request *             64    HTTP 503
 *   any        log        mpsc   node_log_record     1024    dropped,
 *                                                            counted
 *
 * A consumer sleeps in poll() on an eventfd; a producer pushes first and
 * wakes it then, so nothing is missed and nobody spins.
 */
#ifndef NODE_TOPOLOGY_H
#define NODE_TOPOLOGY_H

#include "base/error.h"
#include "chain/changes.h"
#include "chain/context.h"
#include "pow/pool.h"

#define NODE_COMMIT_DEPTH 4
#define NODE_LOG_DEPTH 1024

/* A validated block on its way to the disk. @block and @changes are borrowed
 * until the reply: the consensus thread leaves them alone meanwhile. */
struct node_commit_request {
	const uint8_t *block;
	size_t len;
	const struct chain_changes *changes; /* to the coins */
	struct chain_context after;	     /* the tip once it is committed */
};

struct node_commit_reply {
	int rc;		       /* as store_append() */
	struct base_error err; /* when rc < 0 */
};

#endif
