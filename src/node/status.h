/* SPDX-License-Identifier: MIT */
/*
 * status.h: what the consensus thread lets others see, without a lock.
 *
 * Floor 5. One thread publishes, at every new tip and every second; any
 * thread reads. A reader copies from a ring of slots, never blocks the
 * publisher, and starts over only when NODE_STATUS_SLOTS - 1 newer snapshots
 * were published meanwhile (as pow/pool_board.h).
 */
#ifndef NODE_STATUS_H
#define NODE_STATUS_H

#include <stdatomic.h>

#include "chain/context.h"

#define NODE_STATUS_SLOTS 4u

struct node_status {
	struct chain_context tip; /* on disk */
	double hashes_per_second; /* of our miners, over the last 10 s */
	uint32_t threads;	  /* that mine; 0: no miner */
	uint32_t pad;
};

#define NODE_STATUS_WORDS ((sizeof(struct node_status) + 7) / 8)

struct node_status_slot {
	_Atomic uint32_t generation; /* whose words these are */
	_Atomic uint64_t word[NODE_STATUS_WORDS];
};

struct node_status_board {
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t generation; /* newest */
	struct node_status_slot slot[NODE_STATUS_SLOTS];
};

/* Makes @first the snapshot, before any thread looks. */
void node_status_init(struct node_status_board *b,
		      const struct node_status *first);

/* Replaces the snapshot. One thread. */
void node_status_publish(struct node_status_board *b,
			 const struct node_status *status);

/* Copies the newest snapshot. */
void node_status_read(struct node_status *out,
		      const struct node_status_board *b);

#endif
