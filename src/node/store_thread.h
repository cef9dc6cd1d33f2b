/* SPDX-License-Identifier: MIT */
/*
 * store_thread.h: the thread that waits for the disk, so that no other does.
 *
 * Floor 5. The consensus thread is the only caller of submit and take; main
 * starts and stops.
 */
#ifndef NODE_STORE_THREAD_H
#define NODE_STORE_THREAD_H

#include "node/topology.h"
#include "node/wake.h"
#include "store/store.h"

struct node_store_thread;

/* Starts the thread over @store (borrowed until stop). @replies is rung
 * after each reply. 0 or -errno. */
BASE_MUST_CHECK int node_store_start(struct node_store_thread **out,
				     struct store *store,
				     const struct node_wake *replies,
				     struct base_error *err);

/* Queues a write. At most NODE_WRITE_DEPTH may be outstanding. They are done
 * in order, and after one that failed none is done. */
void node_store_submit(struct node_store_thread *t,
		       const struct node_write *write);

/* The oldest answer; false when there is none yet. */
BASE_MUST_CHECK bool node_store_take(struct node_store_thread *t,
				     struct node_written *out);

/* Finishes what is queued, ends the thread, frees it. NULL is allowed. */
void node_store_stop(struct node_store_thread *t);

#endif
