/* SPDX-License-Identifier: MIT */
#include "node/ask.h"

#include "base/assert.h"

int node_asks_open(struct node_asks *a)
{
	BASE_ASSERT(base_ring_bytes_mpsc(NODE_ASK_DEPTH, sizeof(void *)) <=
		    sizeof(a->memory));
	base_ring_init_mpsc(&a->ring, a->memory, NODE_ASK_DEPTH,
			    sizeof(struct node_ask *));
	a->consensus = NULL;
	return node_wake_open(&a->wake);
}

void node_asks_close(struct node_asks *a)
{
	node_wake_close(&a->wake);
}

int node_ask(struct node_asks *a, struct node_ask *ask,
	     const struct node_wake *asker)
{
	ask->asker = asker;
	ask->done = NULL;
	atomic_init(&ask->answered, false);
	if (!base_ring_push_mpsc(&a->ring, &ask))
		return -EAGAIN;
	node_wake_ring(&a->wake);
	/* The bell first: once it was heard, nobody rings it any more and the
	 * asker may close it. Pairs with the release in node_ask_answer(). */
	do {
		node_wake_wait(asker, -1);
	} while (!atomic_load_explicit(&ask->answered, memory_order_acquire));
	return 0;
}

void node_asks_run(struct node_asks *a, struct node_txpool *pool)
{
	struct node_ask *ask;

	for (int i = 0; i < NODE_ASK_DEPTH; i++) {
		if (!base_ring_pop_mpsc(&a->ring, &ask))
			return;
		if (ask->run(ask, pool))
			node_ask_answer(ask);
	}
	/* More may wait, and their bell is cleared. */
	node_wake_ring(&a->wake);
}

void node_ask_answer(struct node_ask *ask)
{
	/* The asker may be gone as soon as it sees the answer. */
	const struct node_wake *asker = ask->asker;

	if (ask->done) {
		ask->done(ask);
		return;
	}
	/* Pairs with the acquire in node_ask(). */
	atomic_store_explicit(&ask->answered, true, memory_order_release);
	node_wake_ring(asker);
}
