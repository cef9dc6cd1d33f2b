/* SPDX-License-Identifier: MIT */
/*
 * ring.h: bounded lock-free queues between threads.
 *
 * Floor 0, pure: no allocation, no system call. A ring copies elements of
 * one fixed size in and out of memory that its owner provides and keeps
 * alive. The class is in the name, and so is the rule for threads:
 *   spsc  one pushing thread, one popping thread;
 *   mpsc  any number of pushing threads, one popping thread.
 * A full ring refuses the push: what was queued first is kept, the caller
 * decides whether to drop, count, or wait. Waking a sleeping consumer is the
 * caller's business (eventfd, futex).
 *
 * The mpsc ring is Dmitry Vyukov's bounded queue (1024cores.net), one
 * sequence number a slot. Every atomic below names the one it pairs with.
 */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>

#include "base/types.h"

#define BASE_RING_DEPTH_MAX (1u << 20)
#define BASE_RING_ELEM_MAX 8192u

struct base_ring_spsc {
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t head; /* next to push */
	uint32_t tail_seen; /* the pusher's last look at tail */
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t tail; /* next to pop */
	uint32_t head_seen; /* the popper's last look at head */
	_Alignas(BASE_CACHE_LINE) uint8_t *slots;
	uint32_t mask;
	uint32_t elem_size;
};

struct base_ring_mpsc {
	_Alignas(BASE_CACHE_LINE) _Atomic uint32_t head; /* next to claim */
	_Alignas(BASE_CACHE_LINE) uint32_t tail;	 /* popper only */
	_Alignas(BASE_CACHE_LINE) uint8_t *slots;
	uint32_t mask;
	uint32_t elem_size;
	uint32_t stride;
};

/* Bytes of memory, aligned to 8, that a ring of @depth elements of
 * @elem_size bytes needs. @depth is a power of two in 2..DEPTH_MAX,
 * @elem_size in 1..ELEM_MAX. */
size_t base_ring_bytes_spsc(uint32_t depth, uint32_t elem_size);
size_t base_ring_bytes_mpsc(uint32_t depth, uint32_t elem_size);

/* Prepares @r over @memory of base_ring_bytes_*() bytes; before any thread
 * uses it. */
void base_ring_init_spsc(struct base_ring_spsc *r, void *memory, uint32_t depth,
			 uint32_t elem_size);
void base_ring_init_mpsc(struct base_ring_mpsc *r, void *memory, uint32_t depth,
			 uint32_t elem_size);

/* Copies @elem in. False when full. */
BASE_MUST_CHECK bool base_ring_push_spsc(struct base_ring_spsc *r,
					 const void *elem);
BASE_MUST_CHECK bool base_ring_push_mpsc(struct base_ring_mpsc *r,
					 const void *elem);

/* Copies the oldest element out. False when empty; for mpsc also while the
 * oldest claimed slot is still being filled: its pusher wakes the popper
 * after the push, so nothing is missed. */
BASE_MUST_CHECK bool base_ring_pop_spsc(struct base_ring_spsc *r, void *out);
BASE_MUST_CHECK bool base_ring_pop_mpsc(struct base_ring_mpsc *r, void *out);

#endif
