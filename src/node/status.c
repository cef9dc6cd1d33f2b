/* SPDX-License-Identifier: MIT */
#include "node/status.h"

#include <stddef.h>

#include "base/slot.h"

union words {
	struct node_status status;
	uint64_t word[NODE_STATUS_WORDS];
};

_Static_assert((NODE_STATUS_SLOTS & (NODE_STATUS_SLOTS - 1)) == 0,
	       "slots keep their order when generations wrap");

_Static_assert(offsetof(struct ds_rounds_view, instance) % 8 == 0 &&
		       sizeof(struct ds_instance_view) % 8 == 0,
	       "the rounds are published in words");

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
	base_slot_write(&s->generation, s->word, w.word, NODE_STATUS_WORDS,
			generation);
	/* Pairs with the acquire in node_status_read(): the slot is filled. */
	atomic_store_explicit(&b->generation, generation, memory_order_release);
}

void node_status_read(struct node_status *out,
		      const struct node_status_board *b)
{
	const struct node_status_slot *s;
	uint32_t generation;
	union words w;

	do {
		/* Pairs with the release in node_status_publish(). */
		generation = atomic_load_explicit(&b->generation,
						  memory_order_acquire);
		s = &b->slot[generation % NODE_STATUS_SLOTS];
	} while (!base_slot_read(w.word, &s->generation, s->word,
				 NODE_STATUS_WORDS, generation));
	*out = w.status;
}

int node_status_open_rounds(struct node_status_board *b)
{
	return net_board_open(&b->rounds, sizeof(struct ds_rounds_view));
}

void node_status_close(struct node_status_board *b)
{
	net_board_close(&b->rounds);
}

void node_status_publish_rounds(struct node_status_board *b,
				const struct ds_rounds_view *rounds)
{
	if (b->rounds.words == 0)
		return;
	net_board_publish(&b->rounds, rounds,
			  offsetof(struct ds_rounds_view, instance) +
				  rounds->instance_count *
					  sizeof(rounds->instance[0]));
}

bool node_status_read_rounds(struct ds_rounds_view *out,
			     const struct node_status_board *b)
{
	return b->rounds.words != 0 && net_board_read(out, &b->rounds) != 0;
}
