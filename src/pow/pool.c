/* SPDX-License-Identifier: MIT */
#include "pow/pool.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ring.h"
#include "pow/pool_board.h"
#include "pow/pool_cursor.h"
#include "pow/target.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#define PAGE 4096
#define STACK_BYTES (512 * 1024) /* kernels keep vectors on the stack */
#define ROOT_AT 36		 /* of the merkle root in a header */
#define NONCE_AT 76

_Static_assert(POW_CPUS_MAX <= CPU_SETSIZE, "every CPU can be pinned to");
_Static_assert(sizeof(struct pow_found) <= BASE_RING_ELEM_MAX, "ring");
_Static_assert(POW_WORKERS_MAX <= POW_EXTRANONCE_OUTSIDE, "extranonces");

/* Each is written by its worker alone, so a load and a store do for adding;
 * relaxed, since a counter orders nothing. */
struct counters {
	_Atomic uint64_t hashes;
	_Atomic uint64_t cpu_ns;
	_Atomic uint64_t overflow;
	_Atomic uint64_t wrong;
	_Atomic uint64_t pickups;
	_Atomic uint64_t batch_max_ns;
	_Atomic uint64_t late_batches;
	_Atomic uint64_t unpinned;	  /* 0 or 1 */
	_Atomic uint64_t normal_priority; /* 0 or 1 */
};

/* Pages that only this worker writes and that it touches first, so that they
 * lie in the memory of its node. */
struct worker {
	_Alignas(PAGE) struct counters counters;
	struct pow_pool *pool;
	uint32_t index;
	uint32_t generation;
	uint64_t batch_at_ns;  /* CLOCK_MONOTONIC before the last batch */
	uint64_t batch_hashes; /* to aim at in the next one */
	struct pow_cursor cursor;
	struct pow_batch prepared; /* the job is for its count and versions */
	uint8_t header[POW_HEADER_SIZE];
	struct base_u256 target;
	struct pow_board_record record;
	struct minerd_pow_job job;
	struct minerd_pow_hits hits;
};

struct seat {
	struct pow_pool *pool;
	pthread_t thread;
	uint32_t cpu;
};

struct pow_pool {
	/* Set before the threads start. */
	const struct minerd_pow_backend *backend;
	void (*wake)(void *ctx);
	void *wake_ctx;
	uint32_t count;
	struct worker *workers;
	struct seat seats[POW_WORKERS_MAX];
	/* The owner's. */
	uint64_t work_id; /* published last; when working */
	bool working;
	_Atomic uint64_t stale;
	struct pow_board board;
	struct base_ring_mpsc found;
	_Alignas(8) uint8_t found_memory[]; /* base_ring_bytes_mpsc() */
};

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void set_counter(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_store_explicit(counter, value, memory_order_relaxed);
}

static void count(_Atomic uint64_t *counter, uint64_t n)
{
	set_counter(counter, read_counter(counter) + n);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	BASE_ASSERT(clock_gettime(clock, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- what one worker does --- */

/* The header of extranonce counter @counter: the merkle root climbs from
 * the coinbase that carries it. */
static void write_header(struct worker *w, uint32_t counter)
{
	struct pow_work *work = &w->record.work;
	uint8_t *extranonce = work->coinbase + work->extranonce_at;
	struct base_hash pair[2];

	base_store_le32(extranonce, w->index);
	base_store_le32(extranonce + 4, counter);
	pow_sha256d(&pair[0], work->coinbase, work->coinbase_len);
	for (uint32_t i = 0; i < work->branch_len; i++) {
		pair[1] = work->branch[i];
		pow_sha256d(&pair[0], pair, sizeof(pair));
	}
	memcpy(w->header, work->header, sizeof(w->header));
	memcpy(w->header + ROOT_AT, pair[0].b, sizeof(pair[0].b));
}

static uint32_t version_at(const struct worker *w, uint32_t i)
{
	return pow_version_spread(base_load_le32(w->record.work.header),
				  w->record.work.version_mask, i);
}

/* Makes the job be that of @b. */
static void prepare(struct worker *w, const struct pow_batch *b)
{
	uint32_t versions[MINERD_POW_MIDSTATES_MAX];
	const struct pow_batch *p = &w->prepared;

	if (p->count != 0 && p->counter == b->counter &&
	    p->version == b->version)
		return;
	if (p->count == 0 || p->counter != b->counter)
		write_header(w, b->counter);
	for (uint32_t i = 0; i < b->count; i++)
		versions[i] = version_at(w, b->version + i);
	pow_job_init(&w->job, versions, b->count, w->header,
		     &w->record.work.target);
	w->prepared = *b;
}

/* Hashes a hit again with the reference: a kernel that lies, or a CPU that
 * erred, costs a count and nothing else. */
static bool verify(struct pow_found *out, const struct worker *w,
		   const struct pow_batch *b, const struct minerd_pow_hit *hit)
{
	if (hit->midstate >= b->count || hit->nonce < b->first ||
	    hit->nonce >= b->end)
		return false;
	memcpy(out->header, w->header, sizeof(out->header));
	base_store_le32(out->header, version_at(w, b->version + hit->midstate));
	base_store_le32(out->header + NONCE_AT, hit->nonce);
	pow_sha256d(&out->hash, out->header, sizeof(out->header));
	if (!pow_target_met(&w->target, &out->hash))
		return false;
	out->work_id = w->record.work.id;
	out->worker = w->index;
	base_store_le32(out->extranonce, w->index);
	base_store_le32(out->extranonce + 4, b->counter);
	return true;
}

static void report(struct worker *w, const struct pow_batch *b)
{
	struct pow_found found = {0};

	for (uint32_t i = 0; i < w->hits.count; i++) {
		if (!verify(&found, w, b, &w->hits.at[i])) {
			count(&w->counters.wrong, 1);
		} else if (!base_ring_push_mpsc(&w->pool->found, &found)) {
			count(&w->counters.overflow, 1);
		} else if (w->pool->wake) {
			w->pool->wake(w->pool->wake_ctx);
		}
	}
}

static void search_batch(struct worker *w, struct pow_batch *b)
{
	const struct minerd_pow_backend *backend = w->pool->backend;
	struct counters *c = &w->counters;
	uint64_t reached, hashes, cpu_ns, cost_ns;

	w->hits.count = 0;
	reached = backend->scan(&w->job, b->first, b->end, &w->hits);
	if (reached <= b->first || reached > b->end ||
	    w->hits.count > MINERD_POW_HITS_MAX) {
		count(&c->wrong, 1);
		w->hits.count = 0;
		reached = b->end; /* or it would stay here for ever */
	}
	b->end = reached; /* hits lie below it */
	report(w, b);
	pow_cursor_advance(&w->cursor, reached);

	/* From one look at the board to the next, whatever is in between. */
	cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	cost_ns = cpu_ns - read_counter(&c->cpu_ns);
	hashes = (reached - b->first) * b->count;
	w->batch_hashes = pow_batch_size(hashes, cost_ns);
	set_counter(&c->cpu_ns, cpu_ns);
	count(&c->hashes, hashes);
	if (cost_ns > read_counter(&c->batch_max_ns))
		set_counter(&c->batch_max_ns, cost_ns);
}

/*~ 4. A worker searches its own slice of the nonces, batch by batch, until
 * there is other work; what meets the target goes into a ring. */
static void search(struct worker *w)
{
	const struct minerd_pow_backend *backend = w->pool->backend;
	const struct pow_work *work = &w->record.work;
	struct pow_batch batch;
	uint64_t now_ns;

	w->cursor = pow_cursor_init(work->version_mask, backend->midstates);
	w->target = base_u256_from_hash(&work->target);
	w->prepared.count = 0;
	set_counter(&w->counters.cpu_ns, clock_ns(CLOCK_THREAD_CPUTIME_ID));
	while (pow_cursor_peek(&batch, &w->cursor, w->batch_hashes,
			       backend->lanes)) {
		prepare(w, &batch);
		/* Before the look, so that late_batches can tell. */
		now_ns = clock_ns(CLOCK_MONOTONIC);
		if (pow_board_changed(&w->pool->board, w->generation))
			return;
		w->batch_at_ns = now_ns;
		search_batch(w, &batch);
	}
}

/* Names, pins and lowers the calling thread. What fails is counted: mining
 * elsewhere or less politely is better than not at all. */
static void settle(struct worker *w, uint32_t index, uint32_t cpu)
{
	const struct sched_param param = {0};
	char name[16];
	cpu_set_t set;
	int nice_failed;

	(void)snprintf(name, sizeof(name), "miner/%u", index);
	(void)pthread_setname_np(pthread_self(), name);
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		count(&w->counters.unpinned, 1);
	/* Linux: both mean the calling thread. The nice value is for kernels
	 * and containers that refuse the class. */
	nice_failed = setpriority(PRIO_PROCESS, 0, 19);
	if (sched_setscheduler(0, SCHED_IDLE, &param) || nice_failed)
		count(&w->counters.normal_priority, 1);
}

static void *run(void *arg)
{
	const struct seat *seat = arg;
	uint32_t index = (uint32_t)(seat - seat->pool->seats);
	struct worker *w = &seat->pool->workers[index];

	settle(w, index, seat->cpu);
	w->pool = seat->pool;
	w->index = index;
	w->batch_hashes = 1;
	for (;;) {
		uint64_t published_ns;

		w->generation = pow_board_wait(&w->record, &published_ns,
					       &w->pool->board, w->generation);
		count(&w->counters.pickups, 1);
		if (published_ns != 0 && w->batch_at_ns > published_ns)
			count(&w->counters.late_batches, 1);
		if (w->record.order == POW_BOARD_STOP)
			return NULL;
		if (w->record.order == POW_BOARD_WORK)
			search(w);
	}
}

/* --- what the owner does --- */

static void free_pool(struct pow_pool *pool)
{
	(void)munmap(pool->workers, pool->count * sizeof(struct worker));
	free(pool);
}

static struct pow_pool *new_pool(const struct pow_pool_options *options)
{
	size_t ring = base_ring_bytes_mpsc(POW_POOL_FOUND_DEPTH,
					   sizeof(struct pow_found));
	size_t align = _Alignof(struct pow_pool);
	size_t size = (sizeof(struct pow_pool) + ring + align - 1) & -align;
	struct pow_pool *pool = aligned_alloc(align, size);
	size_t pages;

	if (!pool)
		return NULL;
	memset(pool, 0, size);
	pool->backend = options->backend;
	pool->wake = options->wake;
	pool->wake_ctx = options->wake_ctx;
	pool->count = options->plan->worker_count;
	pow_board_init(&pool->board);
	base_ring_init_mpsc(&pool->found, pool->found_memory,
			    POW_POOL_FOUND_DEPTH, sizeof(struct pow_found));
	pages = pool->count * sizeof(struct worker);
	pool->workers = mmap(NULL, pages, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pool->workers == MAP_FAILED) {
		free(pool);
		return NULL;
	}
	/* One huge page would put many workers on the first one's node; where
	 * there are none, the call fails and nothing is lost. */
	(void)madvise(pool->workers, pages, MADV_NOHUGEPAGE);
	return pool;
}

/* Ends and joins the first @count workers. */
static void join(struct pow_pool *pool, uint32_t count)
{
	pow_board_publish(&pool->board, POW_BOARD_STOP, NULL);
	for (uint32_t i = 0; i < count; i++)
		BASE_ASSERT(pthread_join(pool->seats[i].thread, NULL) == 0);
}

/* Starts workers with every signal blocked: signals are the node's. Returns
 * 0 or an errno; @started is how many did start. */
static int start_workers(uint32_t *started, struct pow_pool *pool,
			 const struct pow_plan *plan)
{
	sigset_t every, old;
	pthread_attr_t attr;
	int rc = pthread_attr_init(&attr);

	*started = 0;
	if (rc)
		return rc;
	rc = pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)sigfillset(&every);
	(void)pthread_sigmask(SIG_SETMASK, &every, &old);
	while (rc == 0 && *started < pool->count) {
		struct seat *seat = &pool->seats[*started];

		seat->pool = pool;
		seat->cpu = plan->cpu[*started];
		rc = pthread_create(&seat->thread, &attr, run, seat);
		*started += rc == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return rc;
}

int pow_pool_start(struct pow_pool **out,
		   const struct pow_pool_options *options,
		   struct base_error *err)
{
	const struct pow_plan *plan = options->plan;
	struct pow_pool *pool;
	uint32_t started;
	int rc;

	BASE_ASSERT(plan->worker_count >= 1);
	BASE_ASSERT(plan->worker_count <= POW_WORKERS_MAX);
	for (uint32_t i = 0; i < plan->worker_count; i++)
		BASE_ASSERT(plan->cpu[i] < POW_CPUS_MAX);
	pool = new_pool(options);
	if (!pool)
		return base_fail(err, -ENOMEM,
				 "no memory for a pool of %u miner threads",
				 plan->worker_count);
	rc = start_workers(&started, pool, plan);
	if (rc) {
		join(pool, started);
		free_pool(pool);
		return base_fail(err, -EAGAIN,
				 "cannot start miner thread %u of %u: %s; "
				 "try a smaller --threads",
				 started + 1, plan->worker_count, strerror(rc));
	}
	*out = pool;
	return 0;
}

static void check_work(const struct pow_work *work)
{
	BASE_ASSERT((work->version_mask & ~POW_VERSION_MASK) == 0);
	BASE_ASSERT(work->coinbase_len <= POW_COINBASE_MAX);
	BASE_ASSERT(work->coinbase_len >= POW_EXTRANONCE_SIZE);
	BASE_ASSERT(work->extranonce_at <=
		    work->coinbase_len - POW_EXTRANONCE_SIZE);
	BASE_ASSERT(work->branch_len <= POW_BRANCH_MAX);
}

void pow_pool_publish(struct pow_pool *pool, const struct pow_work *work)
{
	pool->working = work != NULL;
	if (work) {
		check_work(work);
		pool->work_id = work->id;
	}
	pow_board_publish(&pool->board, work ? POW_BOARD_WORK : POW_BOARD_PAUSE,
			  work);
}

bool pow_pool_take(struct pow_pool *pool, struct pow_found *out)
{
	struct pow_found found;

	/* Ends: after a publish each worker adds at most one batch of stale
	 * hits to what the ring holds. */
	while (base_ring_pop_mpsc(&pool->found, &found)) {
		if (pool->working && found.work_id == pool->work_id) {
			*out = found;
			return true;
		}
		count(&pool->stale, 1);
	}
	return false;
}

void pow_pool_stop(struct pow_pool *pool)
{
	join(pool, pool->count);
	free_pool(pool);
}

/* --- what anyone may ask --- */

void pow_pool_stats(struct pow_pool_stats *out, const struct pow_pool *pool)
{
	struct pow_pool_stats s = {
		.workers = pool->count,
		.stale = read_counter(&pool->stale),
	};

	for (uint32_t i = 0; i < pool->count; i++) {
		const struct counters *c = &pool->workers[i].counters;
		uint64_t batch_max_ns = read_counter(&c->batch_max_ns);

		s.unpinned += (uint32_t)read_counter(&c->unpinned);
		s.normal_priority +=
			(uint32_t)read_counter(&c->normal_priority);
		s.hashes += read_counter(&c->hashes);
		s.cpu_ns += read_counter(&c->cpu_ns);
		s.overflow += read_counter(&c->overflow);
		s.wrong += read_counter(&c->wrong);
		s.pickups += read_counter(&c->pickups);
		s.late_batches += read_counter(&c->late_batches);
		if (batch_max_ns > s.batch_max_ns)
			s.batch_max_ns = batch_max_ns;
	}
	*out = s;
}

uint64_t pow_pool_worker_hashes(const struct pow_pool *pool, uint32_t worker)
{
	BASE_ASSERT(worker < pool->count);
	return read_counter(&pool->workers[worker].counters.hashes);
}

uint64_t pow_pool_worker_cpu_ns(const struct pow_pool *pool, uint32_t worker)
{
	BASE_ASSERT(worker < pool->count);
	return read_counter(&pool->workers[worker].counters.cpu_ns);
}
