/* SPDX-License-Identifier: MIT */
/*
 * pool_board.h: the job board, one published generation without a lock.
 *
 * Floor 4. One thread publishes, at any rate; any number of threads read.
 * A reader never blocks the publisher and never sees a torn record: it
 * copies from a ring of slots and starts over only when the publisher has
 * published POW_BOARD_SLOTS - 1 newer records meanwhile, so every retry means
 * progress. A reader with nothing newer to read sleeps on a futex.
 */
#ifndef POW_POOL_BOARD_H
#define POW_POOL_BOARD_H

#include <stdatomic.h>

#include "pow/pool.h"

#define POW_BOARD_SLOTS 4u

enum pow_board_order {
	POW_BOARD_PAUSE,
	POW_BOARD_WORK,
	POW_BOARD_STOP,
};

struct pow_board_record {
	uint32_t order; /* enum pow_board_order */
	uint32_t pad;
	struct pow_work work; /* all zero unless POW_BOARD_WORK */
};

#define POW_BOARD_WORDS ((sizeof(struct pow_board_record) + 7) / 8)

struct pow_board_slot {
	/* Whose words these are; while they change, another's. */
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t generation;
	/* CLOCK_MONOTONIC after publishing; 0 until it was taken. */
	_Atomic uint64_t published_ns;
	_Atomic uint64_t word[POW_BOARD_WORDS];
};

struct pow_board {
	/* The newest; 0 is none. Written on publish only: readers look at it
	 * between batches, from their own caches. */
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t generation;
	struct pow_board_slot slot[POW_BOARD_SLOTS];
};

void pow_board_init(struct pow_board *b);

/* Publishes; @work when @order is POW_BOARD_WORK, else NULL. One thread. */
void pow_board_publish(struct pow_board *b, enum pow_board_order order,
		       const struct pow_work *work);

/* Whether something newer than @seen was published. */
static inline bool pow_board_changed(const struct pow_board *b, uint32_t seen)
{
	/* Only a hint to go and read: pow_board_wait() acquires. */
	return atomic_load_explicit(&b->generation, memory_order_relaxed) !=
	       seen;
}

/* Sleeps until something newer than @seen was published, copies the newest
 * record and returns its generation. @published_ns receives the time after
 * which it was visible, 0 when not yet known. */
uint32_t pow_board_wait(struct pow_board_record *out, uint64_t *published_ns,
			struct pow_board *b, uint32_t seen);

#endif
