/* SPDX-License-Identifier: MIT */
#include "pow/pool_board.h"

#include "base/assert.h"
#include "base/slot.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

union words {
	struct pow_board_record record;
	uint64_t word[POW_BOARD_WORDS];
};

_Static_assert((POW_BOARD_SLOTS & (POW_BOARD_SLOTS - 1)) == 0,
	       "slots keep their order when generations wrap");
_Static_assert(sizeof(_Atomic uint32_t) == 4, "a futex is 32 bits");

static struct pow_board_slot *slot_of(struct pow_board *b, uint32_t generation)
{
	return &b->slot[generation % POW_BOARD_SLOTS];
}

static uint64_t now_ns(void)
{
	struct timespec t;

	BASE_ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Errors need no handling: a wait returns when the word has changed, was
 * woken, or for no reason, and its caller looks again. */
static void futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	(void)syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL,
		      NULL, 0);
}

void pow_board_init(struct pow_board *b)
{
	memset(b, 0, sizeof(*b));
}

void pow_board_publish(struct pow_board *b, enum pow_board_order order,
		       const struct pow_work *work)
{
	/* Only this thread writes it. */
	uint32_t generation =
		1 + atomic_load_explicit(&b->generation, memory_order_relaxed);
	struct pow_board_slot *s = slot_of(b, generation);
	union words w;

	memset(&w, 0, sizeof(w));
	w.record.order = order;
	if (work)
		w.record.work = *work;

	/* Unknown until it has come that far; a reader of the slot's older
	 * generation may see this early, and learns nothing. */
	atomic_store_explicit(&s->published_ns, 0, memory_order_release);
	base_slot_write(&s->generation, s->word, w.word, POW_BOARD_WORDS,
			generation);
	/* Pairs with the acquire in pow_board_wait(): the slot is filled. */
	atomic_store_explicit(&b->generation, generation, memory_order_release);
	/* Read like a word, but only as far as it has come. */
	atomic_store_explicit(&s->published_ns, now_ns(), memory_order_release);
	futex(&b->generation, FUTEX_WAKE, INT_MAX);
}

/* Copies the slot of @generation; false when it was overwritten meanwhile. */
static bool copy_slot(union words *out, uint64_t *published_ns,
		      struct pow_board_slot *s, uint32_t generation)
{
	if (!base_slot_read(out->word, &s->generation, s->word, POW_BOARD_WORDS,
			    generation))
		return false;
	/* Acquired, so that it stays before the last look. */
	*published_ns =
		atomic_load_explicit(&s->published_ns, memory_order_acquire);
	return atomic_load_explicit(&s->generation, memory_order_relaxed) ==
	       generation;
}

uint32_t pow_board_wait(struct pow_board_record *out, uint64_t *published_ns,
			struct pow_board *b, uint32_t seen)
{
	uint32_t generation;
	union words w;

	do {
		/* Pairs with the release in pow_board_publish(). The kernel
		 * compares the word again before it sleeps, so that a publish
		 * between this look and the sleep is not missed. */
		while ((generation = atomic_load_explicit(
				&b->generation, memory_order_acquire)) == seen)
			futex(&b->generation, FUTEX_WAIT, seen);
	} while (!copy_slot(&w, published_ns, slot_of(b, generation),
			    generation));
	*out = w.record;
	return generation;
}
