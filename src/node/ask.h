/* SPDX-License-Identifier: MIT */
/*
 * ask.h: questions to the consensus thread.
 *
 * Floor 5. The consensus thread alone touches the pool of transactions. Who
 * wants something of it fills an ask, sends it, and sleeps until it is
 * answered; meanwhile the ask and all that it points to are the consensus
 * thread's. Any number of threads ask, each with a bell of its own and one
 * ask at a time. An ask that was taken is always answered: the consensus
 * thread ends only after those who ask have ended.
 */
#ifndef NODE_ASK_H
#define NODE_ASK_H

#include "base/ring.h"
#include "node/wake.h"

#define NODE_ASK_DEPTH 64

struct node_consensus;
struct node_txpool;

/* The first member of a struct that holds what is asked and the answer. */
struct node_ask {
	/* Called by the consensus thread; takes bounded time and allocates
	 * nothing. True: answered. False: node_ask_answer() follows. */
	bool (*run)(struct node_ask *ask, struct node_txpool *pool);
	/* Called, when it is set, in place of telling an asker: for asks of
	 * the consensus thread itself, which are not sent. */
	void (*done)(struct node_ask *ask);
	/* node_ask()'s own. */
	const struct node_wake *asker;
	_Atomic bool answered;
};

struct node_asks {
	struct base_ring_mpsc ring; /* of struct node_ask * */
	_Alignas(8) uint8_t memory[NODE_ASK_DEPTH * 4 * sizeof(void *)];
	struct node_wake wake; /* of the consensus thread */
	/* Who answers, while it runs; for its own files. */
	struct node_consensus *consensus;
};

/* Before any thread asks. 0 or -errno of eventfd(2). */
BASE_MUST_CHECK int node_asks_open(struct node_asks *a);
void node_asks_close(struct node_asks *a);

/* Sends @ask and waits on @asker, which nothing else rings, until it is
 * answered; nothing refers to either any more then. 0; -EAGAIN: too many are
 * waiting, nothing was asked. */
BASE_MUST_CHECK int node_ask(struct node_asks *a, struct node_ask *ask,
			     const struct node_wake *asker);

/* The consensus thread's: runs what was asked so far, at most NODE_ASK_DEPTH
 * of them. */
void node_asks_run(struct node_asks *a, struct node_txpool *pool);

/* Tells the asker; @ask is gone then. */
void node_ask_answer(struct node_ask *ask);

#endif
