/* SPDX-License-Identifier: MIT */
#include "node/store_thread.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/ring.h"

struct node_store_thread {
	struct base_ring_spsc writes;
	struct base_ring_spsc answers;
	_Alignas(8) uint8_t
		write_memory[NODE_WRITE_DEPTH * sizeof(struct node_write)];
	_Alignas(8) uint8_t
		answer_memory[NODE_WRITE_DEPTH * sizeof(struct node_written)];
	struct store *store;
	struct node_wake wake;
	const struct node_wake *answer;
	int failed; /* the first error: the thread's own */
	struct base_error err;
	pthread_t thread;
	_Atomic bool stopping;
};

static int append(struct store *s, const struct node_write *w,
		  struct base_error *err)
{
	const struct store_block block = {
		.data = w->block,
		.len = w->block_len,
		.after = w->after,
		.changes = w->changes,
		.cert = w->len ? w->bytes : NULL,
		.cert_len = w->len,
	};

	return store_append(s, &block, err);
}

static int write_one(struct store *s, const struct node_write *w,
		     struct base_error *err)
{
	switch (w->kind) {
	case DS_PERSIST_PROPOSED:
		return store_put_proposed(s, w->tick, err);
	case DS_PERSIST_VOTE:
		return store_put_vote(s, w->bytes, w->len, w->block,
				      w->block_len, err);
	case DS_PERSIST_FINAL:
		return append(s, w, err);
	case DS_PERSIST_EVIDENCE:
		return store_add_evidence(s, w->bytes, w->len, err);
	}
	BASE_ASSERT(false);
}

static void answer(struct node_store_thread *t, const struct node_write *w)
{
	struct node_written reply = {.id = w->id,
				     .kind = w->kind,
				     .block = w->block,
				     .block_len = w->block_len,
				     .after = w->after};
	bool pushed;

	if (t->failed == 0)
		t->failed = write_one(t->store, w, &t->err);
	reply.rc = t->failed;
	if (reply.rc < 0)
		reply.err = t->err;
	pushed = base_ring_push_spsc(&t->answers, &reply);
	BASE_ASSERT(pushed); /* as deep as the writes */
	node_wake_ring(t->answer);
}

static void *store_main(void *arg)
{
	struct node_store_thread *t = arg;
	struct node_write write;
	bool stopping;

	(void)pthread_setname_np(pthread_self(), "store");
	do {
		node_wake_wait(&t->wake, -1);
		/* Before the drain, so that nothing queued is left behind.
		 * Pairs with the release in node_store_stop(). */
		stopping = atomic_load_explicit(&t->stopping,
						memory_order_acquire);
		while (base_ring_pop_spsc(&t->writes, &write))
			answer(t, &write);
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
	base_ring_init_spsc(&t->writes, t->write_memory, NODE_WRITE_DEPTH,
			    sizeof(struct node_write));
	base_ring_init_spsc(&t->answers, t->answer_memory, NODE_WRITE_DEPTH,
			    sizeof(struct node_written));
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
		       const struct node_write *write)
{
	bool pushed = base_ring_push_spsc(&t->writes, write);

	BASE_ASSERT(pushed);
	node_wake_ring(&t->wake);
}

bool node_store_take(struct node_store_thread *t, struct node_written *out)
{
	return base_ring_pop_spsc(&t->answers, out);
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
