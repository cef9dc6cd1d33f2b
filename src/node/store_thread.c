/* SPDX-License-Identifier: MIT */
#include "node/store_thread.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/ring.h"

struct node_store_thread {
	struct base_ring_spsc requests;
	struct base_ring_spsc replies;
	_Alignas(8) uint8_t request_memory[NODE_COMMIT_DEPTH *
					   sizeof(struct node_commit_request)];
	_Alignas(8) uint8_t reply_memory[NODE_COMMIT_DEPTH *
					 sizeof(struct node_commit_reply)];
	struct store *store;
	struct node_wake wake;
	const struct node_wake *answer;
	pthread_t thread;
	_Atomic bool stopping;
};

static void commit(struct node_store_thread *t,
		   const struct node_commit_request *request)
{
	struct node_commit_reply reply = {.rc = 0};
	bool pushed;

	reply.rc = store_append(t->store, request->block, request->len,
				&request->after, request->changes, &reply.err);
	pushed = base_ring_push_spsc(&t->replies, &reply);
	BASE_ASSERT(pushed); /* as deep as the requests */
	node_wake_ring(t->answer);
}

static void *store_main(void *arg)
{
	struct node_store_thread *t = arg;
	struct node_commit_request request;
	bool stopping;

	(void)pthread_setname_np(pthread_self(), "store");
	do {
		node_wake_wait(&t->wake, -1);
		/* Before the drain, so that nothing queued is left behind.
		 * Pairs with the release in node_store_stop(). */
		stopping = atomic_load_explicit(&t->stopping,
						memory_order_acquire);
		while (base_ring_pop_spsc(&t->requests, &request))
			commit(t, &request);
	} while (!stopping);
	return NULL;
}

int node_store_start(struct node_store_thread **out, struct store *store,
		     const struct node_wake *replies, struct base_error *err)
{
	struct node_store_thread *t =
		aligned_alloc(BASE_CACHE_LINE, sizeof(*t));
	int rc;

	if (!t)
		return base_fail(err, -ENOMEM, "no memory for the store");
	memset(t, 0, sizeof(*t));
	t->store = store;
	t->answer = replies;
	base_ring_init_spsc(&t->requests, t->request_memory, NODE_COMMIT_DEPTH,
			    sizeof(struct node_commit_request));
	base_ring_init_spsc(&t->replies, t->reply_memory, NODE_COMMIT_DEPTH,
			    sizeof(struct node_commit_reply));
	rc = node_wake_open(&t->wake);
	if (rc == 0)
		rc = -pthread_create(&t->thread, NULL, store_main, t);
	if (rc < 0) {
		node_wake_close(&t->wake);
		free(t);
		return base_fail(err, rc, "cannot start the store thread: %s",
				 strerror(-rc));
	}
	*out = t;
	return 0;
}

void node_store_submit(struct node_store_thread *t,
		       const struct node_commit_request *request)
{
	bool pushed = base_ring_push_spsc(&t->requests, request);

	BASE_ASSERT(pushed);
	node_wake_ring(&t->wake);
}

bool node_store_take(struct node_store_thread *t, struct node_commit_reply *out)
{
	return base_ring_pop_spsc(&t->replies, out);
}

void node_store_stop(struct node_store_thread *t)
{
	if (!t)
		return;
	/* Pairs with the acquire in store_main(). */
	atomic_store_explicit(&t->stopping, true, memory_order_release);
	node_wake_ring(&t->wake);
	(void)pthread_join(t->thread, NULL);
	node_wake_close(&t->wake);
	free(t);
}
