/* SPDX-License-Identifier: MIT */
/*
 * topology.h: every thread and every queue between threads, in one place.
 *
 * Floor 5. No other mutable state is shared.
 *
 *   thread      does
 *   ----------  --------------------------------------------------------
 *   main        starts and stops the others; waits for signals
 *   consensus   the state machine, its ticks, templates, blocks found
 *               (consensus.h), the pool of transactions (txpool.h)
 *   verify x K  signatures (verify_pool.h)
 *   store       LMDB write transactions (store_thread.h)
 *   miner x N   search the nonce space (pow/pool.h)
 *   api         HTTP: sockets, credentials (api/http.h)
 *   reader      answers RPC from LMDB read transactions (reader.h)
 *   net         sockets, encryption, frames, gossip, bans (net/net.h)
 *   serve       answers peers from LMDB read transactions (serve.h): not the
 *               reader, so that neither waits for the other's askers
 *   log         writes events to standard output (log.h)
 *
 *   from       to         class  element              depth  when full
 *   ---------  ---------  -----  -------------------  -----  ------------
 *   consensus  store      spsc   node_write            16    never: evidence,
 *                                                            if it would be
 *   store      consensus  spsc   node_written          16    never: as deep
 *   consensus  verify     spsc   node_verify_job      512    transactions
 *                         x K                                wait; consensus
 *                                                            always fits
 *   verify     consensus  spsc   node_verify_reply    512    never: as deep
 *                         x K
 *   reader     consensus  mpsc   node_ask *            64    the asker is
 *                                                            told to retry
 *   consensus  miners     board  pow_work               1    replaced
 *   miners     consensus  mpsc   pow_found            256    oldest kept,
 *                                                            counted
 *   consensus  any        board  node_status            1    replaced
 *   api        reader     mpsc   request *             64    HTTP 503
 *   net        consensus  spsc   net_event           8192    as net/net.h says,
 *              serve      spsc   net_event            512    for these and the
 *                                                            ways back
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
#include "consensus/ds.h"
#include "pow/pool.h"

#define NODE_WRITE_DEPTH 16
#define NODE_WRITE_BYTES_MAX DS_CERT_SIZE(DS_MEMBERS_MAX)
#define NODE_LOG_DEPTH 1024

/* What the state machine wants durable (consensus/ds.h). @block and @changes
 * are borrowed until the answer: they are left alone meanwhile. */
struct node_write {
	uint64_t id;
	enum ds_persist_kind kind;
	struct base_tick tick; /* PROPOSED */
	const uint8_t *block;  /* VOTE, FINAL */
	size_t block_len;
	const struct chain_changes *changes; /* FINAL: to the coins, */
	struct chain_context after;	     /* and the tip then */
	uint32_t len;			     /* of @bytes; 0: there are none */
	uint8_t bytes[NODE_WRITE_BYTES_MAX]; /* vote, certificate, evidence */
};

struct node_written {
	uint64_t id;
	enum ds_persist_kind kind;
	const uint8_t *block; /* FINAL: as in the write */
	size_t block_len;
	struct chain_context after;
	int rc;		       /* as store_append() */
	struct base_error err; /* when rc < 0 */
};

#endif
