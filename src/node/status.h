/* SPDX-License-Identifier: MIT */
/*
 * status.h: what the consensus thread lets others see, without a lock.
 *
 * Floor 5. One thread publishes, at every new tip, every tick and every
 * second; any thread reads. A reader copies from a ring of slots, never blocks
 * the publisher, and starts over only when NODE_STATUS_SLOTS - 1 newer
 * snapshots were published meanwhile (as pow/pool_board.h). The rounds, which
 * are large, have a board of their own, as long as what they hold.
 */
#ifndef NODE_STATUS_H
#define NODE_STATUS_H

#include <stdatomic.h>

#include "consensus/ds.h"
#include "net/board.h"

#define NODE_STATUS_SLOTS 4u

struct node_status {
	struct chain_context tip; /* on disk */
	double hashes_per_second; /* of our miners, over the last 10 s */
	uint32_t threads;	  /* that mine; 0: no miner */
	bool paused;		  /* mining, by the operator */
	bool holding;		  /* what is found waits for the operator */
	bool held;		  /* a block does */
	/* The agreement. */
	uint32_t mode;	      /* enum ds_mode */
	uint32_t ticking;     /* 1: tick 0 has come */
	uint32_t clean_ticks; /* towards ACTIVE, in SHADOW */
	struct base_height
		target;		  /* what it catches up with in SYNC; 0: none */
	struct base_tick tick;	  /* the last that ran */
	uint64_t tick_ms;	  /* its time by the rules, Unix milliseconds */
	struct base_hash decided; /* D */
	struct base_height decided_height;
	uint32_t vote_epoch;
	ds_mask self;		 /* our bit; 0: no member */
	uint64_t late_ms;	 /* the worst tick since the start */
	uint64_t late_minute_ms; /* and of the last minute */
	struct ds_beats_view beats;
	uint64_t reason[DS_REASONS]; /* taints and alerts since the start */
};

#define NODE_STATUS_WORDS ((sizeof(struct node_status) + 7) / 8)

struct node_status_slot {
	_Atomic uint32_t generation; /* whose words these are */
	_Atomic uint64_t word[NODE_STATUS_WORDS];
};

struct node_status_board {
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t generation; /* newest */
	struct node_status_slot slot[NODE_STATUS_SLOTS];
	struct net_board rounds; /* of a struct ds_rounds_view */
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

/* Makes room for the rounds, after the init; without it none are published. 0
 * or -ENOMEM. */
BASE_MUST_CHECK int node_status_open_rounds(struct node_status_board *b);
/* When no thread looks any more. */
void node_status_close(struct node_status_board *b);

/* As node_status_publish(). */
void node_status_publish_rounds(struct node_status_board *b,
				const struct ds_rounds_view *rounds);

/* Copies the newest; false, and @out is untouched: none were published. What
 * is beyond the counts in @out is not written. */
BASE_MUST_CHECK bool node_status_read_rounds(struct ds_rounds_view *out,
					     const struct node_status_board *b);

#endif
