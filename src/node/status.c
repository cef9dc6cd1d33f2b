/* SPDX-License-Identifier: MIT */
#include "node/status.h"

union words {
	struct node_status status;
	uint64_t word[NODE_STATUS_WORDS];
};

_Static_assert((NODE_STATUS_SLOTS & (NODE_STATUS_SLOTS - 1)) == 0,
	       "slots keep their order when generations wrap");

void node_status_init(struct node_status_board *b,
		      const struct node_status *first)
{
	memset(b, 0, sizeof(*b));
	node_status_publish(b, first);
}

void node_status_publish(struct node_status_board *b,
			 const struct node_status *status)
{
	/* Only this thread writes it. */
	uint32_t generation =
		1 + atomic_load_explicit(&b->generation, memory_order_relaxed);
	struct node_status_slot *s = &b->slot[generation % NODE_STATUS_SLOTS];
	union words w;

	memset(&w, 0, sizeof(w));
	w.status = *status;
	/* Disowns the slot; the words below, each released, carry it along. */
	atomic_store_explicit(&s->generation, generation - 1,
			      memory_order_relaxed);
	/* Pairs with the acquire of each word in copy_slot(): who sees a new
	 * word also sees that the slot was disowned. */
	for (size_t i = 0; i < NODE_STATUS_WORDS; i++)
		atomic_store_explicit(&s->word[i], w.word[i],
				      memory_order_release);
	/* Pairs with the first acquire in copy_slot(): the words are whole. */
	atomic_store_explicit(&s->generation, generation, memory_order_release);
	/* Pairs with the acquire in node_status_read(): the slot is filled. */
	atomic_store_explicit(&b->generation, generation, memory_order_release);
}

/* False when the slot was overwritten meanwhile. */
static bool copy_slot(union words *out, const struct node_status_slot *s,
		      uint32_t generation)
{
	/* Pairs with the release store of the slot's generation. */
	if (atomic_load_explicit(&s->generation, memory_order_acquire) !=
	    generation)
		return false;
	/* Pair with the releases of the words; being acquires, they also stay
	 * before the last look at the generation. */
	for (size_t i = 0; i < NODE_STATUS_WORDS; i++)
		out->word[i] =
			atomic_load_explicit(&s->word[i], memory_order_acquire);
	return atomic_load_explicit(&s->generation, memory_order_relaxed) ==
	       generation;
}

void node_status_read(struct node_status *out,
		      const struct node_status_board *b)
{
	uint32_t generation;
	union words w;

	do {
		/* Pairs with the release in node_status_publish(). */
		generation = atomic_load_explicit(&b->generation,
						  memory_order_acquire);
	} while (!copy_slot(&w, &b->slot[generation % NODE_STATUS_SLOTS],
			    generation));
	*out = w.status;
}
