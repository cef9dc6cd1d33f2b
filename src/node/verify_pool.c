/* SPDX-License-Identifier: MIT */
#include "node/verify_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/ring.h"

/* Jobs that a thread can have with all of consensus beside them. */
#define CONSENSUS_JOBS_MAX (NODE_VERIFY_MESSAGES_MAX + NODE_VERIFY_BLOCKS_MAX)
#define TX_JOBS_MAX (NODE_VERIFY_DEPTH - CONSENSUS_JOBS_MAX)

/* Replies that may wait for a bell while there are more jobs: under load one
 * bell does for many, and still comes within a millisecond. */
#define QUIET_MAX 16

_Static_assert(NODE_VERIFY_DEPTH > CONSENSUS_JOBS_MAX,
	       "transactions have room, too");

struct worker {
	struct base_ring_spsc jobs;
	struct base_ring_spsc replies;
	_Alignas(8) uint8_t
		job_memory[NODE_VERIFY_DEPTH * sizeof(struct node_verify_job)];
	_Alignas(8) uint8_t reply_memory[NODE_VERIFY_DEPTH *
					 sizeof(struct node_verify_reply)];
	struct node_wake wake;
	_Atomic bool asleep; /* or about to be: wants the bell */
	struct node_verify *pool;
	pthread_t thread;
	_Atomic bool stopping;
	/* Only the submitting thread's: jobs without a reply taken. */
	_Alignas(BASE_CACHE_LINE) uint32_t pending;
};

struct node_verify {
	uint32_t threads;
	uint32_t turn; /* whose reply is looked for first */
	const struct node_wake *replies;
	_Alignas(BASE_CACHE_LINE) _Atomic bool waiting; /* for replies */
	struct worker worker[];
};

/*
 * A bell costs a system call, so only who sleeps is rung for. Both sides
 * exchange the flag: the sleeper after it found nothing, before it looks a
 * last time; the other one after its push. Whichever comes second acquires
 * what the first released: either the last look finds the push, or the bell
 * is rung.
 */
static void will_sleep(_Atomic bool *asleep)
{
	(void)atomic_exchange_explicit(asleep, true, memory_order_acq_rel);
}

static void wake(_Atomic bool *asleep, const struct node_wake *bell)
{
	if (atomic_exchange_explicit(asleep, false, memory_order_acq_rel))
		node_wake_ring(bell);
}

static void verify(struct worker *w, const struct node_verify_job *job)
{
	struct node_verify_reply reply = {
		.tag = job->tag,
		.valid = chain_checks_valid(job->check, job->count),
	};
	bool pushed = base_ring_push_spsc(&w->replies, &reply);

	BASE_ASSERT(pushed); /* as deep as the jobs */
}

/* Works until there is nothing to do. */
static void drain(struct worker *w)
{
	struct node_verify_job job;
	uint32_t quiet = 0;
	bool more = base_ring_pop_spsc(&w->jobs, &job);

	while (more) {
		verify(w, &job);
		more = base_ring_pop_spsc(&w->jobs, &job);
		if (more && ++quiet < QUIET_MAX)
			continue;
		wake(&w->pool->waiting, w->pool->replies);
		quiet = 0;
	}
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	bool stopping;

	(void)pthread_setname_np(pthread_self(), "verify");
	do {
		/* Before the drain, so that nothing queued is left behind.
		 * Pairs with the release in node_verify_stop(). */
		stopping = atomic_load_explicit(&w->stopping,
						memory_order_acquire);
		drain(w);
		will_sleep(&w->asleep);
		drain(w);
		if (!stopping)
			node_wake_wait(&w->wake, -1);
	} while (!stopping);
	return NULL;
}

static int start_worker(struct worker *w, struct node_verify *pool)
{
	int rc;

	w->pool = pool;
	base_ring_init_spsc(&w->jobs, w->job_memory, NODE_VERIFY_DEPTH,
			    sizeof(struct node_verify_job));
	base_ring_init_spsc(&w->replies, w->reply_memory, NODE_VERIFY_DEPTH,
			    sizeof(struct node_verify_reply));
	rc = node_wake_open(&w->wake);
	if (rc == 0)
		rc = -pthread_create(&w->thread, NULL, worker_main, w);
	if (rc < 0)
		node_wake_close(&w->wake);
	return rc;
}

int node_verify_start(struct node_verify **out, uint32_t threads,
		      const struct node_wake *replies, struct base_error *err)
{
	size_t size =
		sizeof(struct node_verify) + threads * sizeof(struct worker);
	struct node_verify *v;
	int rc = 0;

	BASE_ASSERT(threads >= 1 && threads <= NODE_VERIFY_THREADS_MAX);
	v = aligned_alloc(BASE_CACHE_LINE, size);
	if (!v)
		return base_fail(err, -ENOMEM, "no memory to verify with");
	memset(v, 0, size);
	v->replies = replies;
	atomic_init(&v->waiting, true);
	while (v->threads < threads && rc == 0) {
		rc = start_worker(&v->worker[v->threads], v);
		if (rc == 0)
			v->threads++;
	}
	if (rc < 0) {
		node_verify_stop(v);
		return base_fail(err, rc, "cannot start a verify thread: %s",
				 strerror(-rc));
	}
	*out = v;
	return 0;
}

static void submit_to(struct worker *w, const struct node_verify_job *job)
{
	bool pushed = base_ring_push_spsc(&w->jobs, job);

	BASE_ASSERT(pushed);
	BASE_ASSERT(w->pending < NODE_VERIFY_DEPTH);
	w->pending++;
	wake(&w->asleep, &w->wake);
}

static struct worker *least_busy(struct node_verify *v)
{
	struct worker *least = &v->worker[0];

	for (uint32_t i = 1; i < v->threads; i++)
		if (v->worker[i].pending < least->pending)
			least = &v->worker[i];
	return least;
}

bool node_verify_submit(struct node_verify *v,
			const struct node_verify_job *job)
{
	struct worker *w = least_busy(v);

	if (w->pending >= TX_JOBS_MAX)
		return false;
	submit_to(w, job);
	return true;
}

void node_verify_submit_message(struct node_verify *v,
				const struct node_verify_job *job)
{
	submit_to(least_busy(v), job);
}

uint32_t node_verify_submit_block(struct node_verify *v, uint64_t tag,
				  const struct chain_check *check, size_t count)
{
	uint32_t slices = count < v->threads ? (uint32_t)count : v->threads;
	size_t done = 0;

	BASE_ASSERT(count <= UINT32_MAX);
	for (uint32_t i = 0; i < slices; i++) {
		size_t end = count * (i + 1) / slices;
		struct node_verify_job job = {
			.tag = tag,
			.check = check + done,
			.count = (uint32_t)(end - done),
		};

		submit_to(&v->worker[i], &job);
		done = end;
	}
	return slices;
}

static bool take(struct node_verify *v, struct node_verify_reply *out)
{
	for (uint32_t i = 0; i < v->threads; i++) {
		struct worker *w = &v->worker[v->turn];

		v->turn = (v->turn + 1) % v->threads;
		if (base_ring_pop_spsc(&w->replies, out)) {
			w->pending--;
			return true;
		}
	}
	return false;
}

bool node_verify_take(struct node_verify *v, struct node_verify_reply *out)
{
	if (take(v, out))
		return true;
	will_sleep(&v->waiting);
	return take(v, out);
}

void node_verify_stop(struct node_verify *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; i < v->threads; i++) {
		/* Pairs with the acquire in worker_main(). */
		atomic_store_explicit(&v->worker[i].stopping, true,
				      memory_order_release);
		node_wake_ring(&v->worker[i].wake);
	}
	for (uint32_t i = 0; i < v->threads; i++) {
		(void)pthread_join(v->worker[i].thread, NULL);
		node_wake_close(&v->worker[i].wake);
	}
	free(v);
}
