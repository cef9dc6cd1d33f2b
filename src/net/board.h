/* SPDX-License-Identifier: MIT */
/*
 * board.h: a record of varying length that one thread publishes and others
 * copy, lock-free (base/slot.h).
 *
 * Floor 4.
 */
#ifndef NET_BOARD_H
#define NET_BOARD_H

#include "base/slot.h"

#define NET_BOARD_SLOTS 2u

struct net_board {
	_Atomic uint32_t generation; /* the newest; 0: none */
	uint32_t words;		     /* of a slot, its length first */
	struct {
		_Atomic uint32_t generation;
		_Atomic uint64_t *word;
	} slot[NET_BOARD_SLOTS];
};

/* For records of at most @bytes, a multiple of 8. 0 or -ENOMEM. */
BASE_MUST_CHECK int net_board_open(struct net_board *b, size_t bytes);
void net_board_close(struct net_board *b);

/* @from is @bytes long and aligned to 8; the last word may be read whole. */
void net_board_publish(struct net_board *b, const void *from, size_t bytes);

/* Copies the newest into @out, which holds the most bytes, rounded up to
 * words; its length, 0: none yet. */
size_t net_board_read(void *out, const struct net_board *b);

#endif
