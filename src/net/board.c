/* SPDX-License-Identifier: MIT */
#include "net/board.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

_Static_assert((NET_BOARD_SLOTS & (NET_BOARD_SLOTS - 1)) == 0,
	       "slots keep their order when generations wrap");

int net_board_open(struct net_board *b, size_t bytes)
{
	memset(b, 0, sizeof(*b));
	b->words = (uint32_t)((bytes + 7) / 8);
	for (uint32_t i = 0; i < NET_BOARD_SLOTS; i++) {
		b->slot[i].word =
			calloc(b->words + 1u, sizeof(*b->slot[i].word));
		if (!b->slot[i].word) {
			net_board_close(b);
			return -ENOMEM;
		}
	}
	return 0;
}

void net_board_close(struct net_board *b)
{
	for (uint32_t i = 0; i < NET_BOARD_SLOTS; i++)
		free((void *)(uintptr_t)b->slot[i].word);
	memset(b, 0, sizeof(*b));
}

void net_board_publish(struct net_board *b, const void *from, size_t bytes)
{
	/* Only this thread writes it. */
	uint32_t generation =
		1 + atomic_load_explicit(&b->generation, memory_order_relaxed);
	size_t words = (bytes + 7) / 8;
	uint64_t len = bytes;
	_Atomic uint64_t *word;
	_Atomic uint32_t *mark;

	BASE_ASSERT(words <= b->words);
	if (generation == 0)
		generation = NET_BOARD_SLOTS;
	mark = &b->slot[generation % NET_BOARD_SLOTS].generation;
	word = b->slot[generation % NET_BOARD_SLOTS].word;
	/* As base_slot_write(), the length before the rest. */
	atomic_store_explicit(mark, generation - 1, memory_order_relaxed);
	/* Pairs with the acquires in base_slot_read(). */
	atomic_store_explicit(&word[0], len, memory_order_release);
	base_slot_write(mark, word + 1, from, words, generation);
	/* Pairs with the acquire in net_board_read(): the slot is filled. */
	atomic_store_explicit(&b->generation, generation, memory_order_release);
}

size_t net_board_read(void *out, const struct net_board *b)
{
	const _Atomic uint64_t *word;
	const _Atomic uint32_t *mark;
	uint32_t generation;
	uint64_t len;

	/* Ends when the writer pauses for as long as a copy takes. */
	do {
		/* Pairs with the release in net_board_publish(). */
		generation = atomic_load_explicit(&b->generation,
						  memory_order_acquire);
		if (generation == 0)
			return 0;
		mark = &b->slot[generation % NET_BOARD_SLOTS].generation;
		word = b->slot[generation % NET_BOARD_SLOTS].word;
	} while (!base_slot_read(&len, mark, word, 1, generation) ||
		 !base_slot_read(out, mark, word + 1, (len + 7) / 8,
				 generation));
	return len;
}
