/* SPDX-License-Identifier: MIT */
/*
 * verify_pool.h: the threads that verify signatures, so that the consensus
 * thread does not.
 *
 * Floor 5. One thread, consensus, submits and takes; the one that starts the
 * pool stops it. Each verify thread has a ring of jobs and one of replies, as
 * deep: a job that was accepted always finds room for its reply.
 */
#ifndef NODE_VERIFY_POOL_H
#define NODE_VERIFY_POOL_H

#include "base/error.h"
#include "chain/signature.h"
#include "node/wake.h"

#define NODE_VERIFY_THREADS_MAX 64
#define NODE_VERIFY_DEPTH 512 /* jobs in each thread's ring */
/* Of these, what consensus may need: its messages and blocks always fit. */
#define NODE_VERIFY_MESSAGES_MAX 192
#define NODE_VERIFY_BLOCKS_MAX 8

/* The signatures of one transaction or message, or some of a block. */
struct node_verify_job {
	uint64_t tag;			 /* the caller's, in the reply */
	const struct chain_check *check; /* borrowed until the reply */
	uint32_t count;
};

struct node_verify_reply {
	uint64_t tag;
	bool valid; /* every signature of the job */
};

struct node_verify;

/* Starts @threads, 1..NODE_VERIFY_THREADS_MAX, of them. @replies, borrowed
 * until stop, is rung when there are replies, if node_verify_take() has
 * returned false since it was last rung. 0 or -errno. */
BASE_MUST_CHECK int node_verify_start(struct node_verify **out,
				      uint32_t threads,
				      const struct node_wake *replies,
				      struct base_error *err);

/* Queues the job of a transaction at the thread with the least to do. False:
 * all have as many as consensus leaves room for; take replies first. */
BASE_MUST_CHECK bool node_verify_submit(struct node_verify *v,
					const struct node_verify_job *job);

/* The same for a message of consensus. There is always room, for
 * NODE_VERIFY_MESSAGES_MAX of them without a reply. */
void node_verify_submit_message(struct node_verify *v,
				const struct node_verify_job *job);

/*
 * Cuts the @count (< 2^32) checks of a block into even slices, one a thread.
 * Returns how many replies with @tag will come: 0 for no checks, at most the
 * number of threads; the block is good if all of them are. There is always
 * room, for NODE_VERIFY_BLOCKS_MAX blocks without their last reply.
 */
BASE_MUST_CHECK uint32_t
node_verify_submit_block(struct node_verify *v, uint64_t tag,
			 const struct chain_check *check, size_t count);

/* A reply; false when there is none yet: only then the bell will be rung.
 * Those of one thread come in order. */
BASE_MUST_CHECK bool node_verify_take(struct node_verify *v,
				      struct node_verify_reply *out);

/* Finishes what is queued, ends the threads, frees all; replies not taken
 * are lost. NULL is allowed. */
void node_verify_stop(struct node_verify *v);

#endif
