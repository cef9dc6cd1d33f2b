/* SPDX-License-Identifier: MIT */
#include "base/ring.h"

#include "base/assert.h"

/* Sequence numbers stand before each mpsc element. */
#define SEQ_SIZE 8u

static void check_shape(uint32_t depth, uint32_t elem_size)
{
	BASE_ASSERT(depth >= 2 && depth <= BASE_RING_DEPTH_MAX);
	BASE_ASSERT((depth & (depth - 1)) == 0);
	BASE_ASSERT(elem_size >= 1 && elem_size <= BASE_RING_ELEM_MAX);
}

size_t base_ring_bytes_spsc(uint32_t depth, uint32_t elem_size)
{
	check_shape(depth, elem_size);
	return (size_t)depth * elem_size;
}

void base_ring_init_spsc(struct base_ring_spsc *r, void *memory, uint32_t depth,
			 uint32_t elem_size)
{
	check_shape(depth, elem_size);
	memset(r, 0, sizeof(*r));
	r->slots = memory;
	r->mask = depth - 1;
	r->elem_size = elem_size;
}

static uint8_t *slot_spsc(const struct base_ring_spsc *r, uint32_t at)
{
	return r->slots + (size_t)(at & r->mask) * r->elem_size;
}

bool base_ring_push_spsc(struct base_ring_spsc *r, const void *elem)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head - r->tail_seen > r->mask) {
		/* Pairs with the release in pop: the slot is read out. */
		r->tail_seen =
			atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head - r->tail_seen > r->mask)
			return false;
	}
	memcpy(slot_spsc(r, head), elem, r->elem_size);
	/* Pairs with the acquire in pop: the slot is filled. */
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

bool base_ring_pop_spsc(struct base_ring_spsc *r, void *out)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == r->head_seen) {
		/* Pairs with the release in push: the slot is filled. */
		r->head_seen =
			atomic_load_explicit(&r->head, memory_order_acquire);
		if (tail == r->head_seen)
			return false;
	}
	memcpy(out, slot_spsc(r, tail), r->elem_size);
	/* Pairs with the acquire in push: the slot is read out. */
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

static uint32_t stride_mpsc(uint32_t elem_size)
{
	return SEQ_SIZE + ((elem_size + 7u) & ~7u);
}

size_t base_ring_bytes_mpsc(uint32_t depth, uint32_t elem_size)
{
	check_shape(depth, elem_size);
	return (size_t)depth * stride_mpsc(elem_size);
}

static uint8_t *slot_mpsc(const struct base_ring_mpsc *r, uint32_t at)
{
	return r->slots + (size_t)(at & r->mask) * r->stride;
}

static _Atomic uint32_t *seq_of(uint8_t *slot)
{
	return (_Atomic uint32_t *)(void *)slot;
}

void base_ring_init_mpsc(struct base_ring_mpsc *r, void *memory, uint32_t depth,
			 uint32_t elem_size)
{
	check_shape(depth, elem_size);
	BASE_ASSERT((uintptr_t)memory % SEQ_SIZE == 0);
	memset(r, 0, sizeof(*r));
	r->slots = memory;
	r->mask = depth - 1;
	r->elem_size = elem_size;
	r->stride = stride_mpsc(elem_size);
	for (uint32_t i = 0; i < depth; i++)
		atomic_init(seq_of(slot_mpsc(r, i)), i);
}

bool base_ring_push_mpsc(struct base_ring_mpsc *r, const void *elem)
{
	uint32_t at = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint8_t *slot;

	/* Bounded: each failed exchange means that another push went ahead. */
	for (;;) {
		uint32_t seq;

		slot = slot_mpsc(r, at);
		/* Pairs with the release in pop: the slot is free again. */
		seq = atomic_load_explicit(seq_of(slot), memory_order_acquire);
		if ((int32_t)(seq - at) < 0)
			return false;
		if (seq != at) {
			at = atomic_load_explicit(&r->head,
						  memory_order_relaxed);
			continue;
		}
		if (atomic_compare_exchange_weak_explicit(&r->head, &at, at + 1,
							  memory_order_relaxed,
							  memory_order_relaxed))
			break;
	}
	memcpy(slot + SEQ_SIZE, elem, r->elem_size);
	/* Pairs with the acquire in pop: the slot is filled. */
	atomic_store_explicit(seq_of(slot), at + 1, memory_order_release);
	return true;
}

bool base_ring_pop_mpsc(struct base_ring_mpsc *r, void *out)
{
	uint8_t *slot = slot_mpsc(r, r->tail);

	/* Pairs with the release in push: the slot is filled. */
	if (atomic_load_explicit(seq_of(slot), memory_order_acquire) !=
	    r->tail + 1)
		return false;
	memcpy(out, slot + SEQ_SIZE, r->elem_size);
	/* Pairs with the acquire in push: the slot is free again. */
	atomic_store_explicit(seq_of(slot), r->tail + r->mask + 1,
			      memory_order_release);
	r->tail++;
	return true;
}
