/* SPDX-License-Identifier: MIT */
/*
 * pool.h: pinned worker threads that search the nonce space.
 *
 * Floor 4. One thread (the owner) starts, publishes to, drains and stops a
 * pool; statistics may be read from any thread.
 *
 * Work is a header template with its coinbase: each worker writes its own
 * extranonce into the coinbase, so that worker, extranonce counter, version
 * bits and nonce together name every header once; no counter is shared in
 * the hot loop (pow.md, Pool). The job board holds one published generation;
 * workers copy it without a lock. A new generation is picked up after at
 * most one batch, and a batch is at most POW_POOL_BATCH_US of CPU time.
 */
#ifndef POW_POOL_H
#define POW_POOL_H

#include "base/error.h"
#include "base/u256.h"
#include "pow/backend.h"
#include "pow/pool_plan.h"

#define POW_POOL_BATCH_US 1000
#define POW_COINBASE_MAX 1024 /* bytes, without witness */
#define POW_BRANCH_MAX 24     /* hashes; 2^24 transactions */
#define POW_EXTRANONCE_SIZE 8 /* worker u32 | counter u32, little-endian */
#define POW_POOL_FOUND_DEPTH 256

/* A worker's extranonce starts with its index; sources outside the pool
 * (Stratum, getblocktemplate) set this bit in that first word. */
#define POW_EXTRANONCE_OUTSIDE UINT32_C(0x80000000)

/* What to search. Copied on publish; owned by nobody. */
struct pow_work {
	uint64_t id; /* chosen by the owner, comes back in hits; works that
		      * share one, as after a new time, share their hits */
	/* Version, prev, time and bits are used; the merkle root and the
	 * nonce are computed and searched. */
	uint8_t header[POW_HEADER_SIZE];
	uint32_t version_mask;	 /* rollable bits, within POW_VERSION_MASK */
	struct base_hash target; /* little-endian number */
	uint32_t coinbase_len;	 /* 1..POW_COINBASE_MAX */
	uint32_t extranonce_at;	 /* offset of POW_EXTRANONCE_SIZE bytes */
	uint8_t coinbase[POW_COINBASE_MAX]; /* serialised without witness */
	uint32_t branch_len;		    /* 0..POW_BRANCH_MAX */
	struct base_hash branch[POW_BRANCH_MAX]; /* bottom up, from the
						  * coinbase's sibling */
};

/* A header at or below the target. */
struct pow_found {
	uint64_t work_id;
	uint32_t worker;
	uint8_t extranonce[POW_EXTRANONCE_SIZE];
	uint8_t header[POW_HEADER_SIZE];
	struct base_hash hash;
};

struct pow_pool_options {
	const struct minerd_pow_backend *backend; /* self-tested */
	const struct pow_plan *plan; /* one worker per entry; copied */
	/* Called by a worker after it queued a hit; must not block. */
	void (*wake)(void *ctx);
	void *wake_ctx;
};

struct pow_pool;

/* Starts plan->worker_count threads, idle until work is published: pinned
 * as planned, SCHED_IDLE. 0; -ENOMEM; -EAGAIN (threads); @err says which.
 * A worker that cannot be pinned runs unpinned and is counted. */
BASE_MUST_CHECK int pow_pool_start(struct pow_pool **out,
				   const struct pow_pool_options *options,
				   struct base_error *err);

/* Replaces the work; NULL pauses: workers sleep until the next publish, and
 * every hit until then is stale. */
void pow_pool_publish(struct pow_pool *pool, const struct pow_work *work);

/* The oldest hit of the work published last; hits of older work are stale:
 * counted and dropped. False when there is none. */
BASE_MUST_CHECK bool pow_pool_take(struct pow_pool *pool,
				   struct pow_found *out);

/* Ends and joins all workers (within one batch), frees the pool. */
void pow_pool_stop(struct pow_pool *pool);

struct pow_pool_stats {
	uint32_t workers;
	uint32_t unpinned;	  /* workers that could not be pinned */
	uint32_t normal_priority; /* workers that could not be lowered */
	uint64_t hashes;	  /* since start, all workers */
	uint64_t cpu_ns;	  /* CPU time of all workers */
	uint64_t stale;		  /* hits dropped: older work */
	uint64_t overflow;	  /* hits dropped: ring full */
	/* Hits dropped and scans refused: the backend contradicts the
	 * reference or its contract. */
	uint64_t wrong;
	uint64_t pickups;      /* generations picked up, all workers */
	uint64_t batch_max_ns; /* longest batch, CPU time */
	/* Pickups whose worker had begun a batch on replaced work, by the
	 * clock: CLOCK_MONOTONIC before the batch and after publishing. */
	uint64_t late_batches;
};

void pow_pool_stats(struct pow_pool_stats *out, const struct pow_pool *pool);

/* Hashes and CPU time of one worker since start; @worker < workers. */
uint64_t pow_pool_worker_hashes(const struct pow_pool *pool, uint32_t worker);
uint64_t pow_pool_worker_cpu_ns(const struct pow_pool *pool, uint32_t worker);

#endif
