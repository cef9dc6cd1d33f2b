/* SPDX-License-Identifier: MIT */
#include "base/slot.h"

void base_slot_write(_Atomic uint32_t *generation, _Atomic uint64_t *word,
		     const uint64_t *from, size_t count, uint32_t next)
{
	/* Disowns the slot: no reader wants this generation here. The words
	 * below, each released, carry it along. */
	atomic_store_explicit(generation, next - 1, memory_order_relaxed);
	/* Pairs with the acquire of each word in base_slot_read(): who sees a
	 * new word also sees that the slot was disowned. */
	for (size_t i = 0; i < count; i++)
		atomic_store_explicit(&word[i], from[i], memory_order_release);
	/* Pairs with the first acquire in base_slot_read(): all words are
	 * there. */
	atomic_store_explicit(generation, next, memory_order_release);
}

bool base_slot_read(uint64_t *out, const _Atomic uint32_t *generation,
		    const _Atomic uint64_t *word, size_t count, uint32_t wanted)
{
	/* Pairs with the last release in base_slot_write(). */
	if (atomic_load_explicit(generation, memory_order_acquire) != wanted)
		return false;
	/* Pair with the releases of the words; being acquires, they also stay
	 * before the last look at the generation. */
	for (size_t i = 0; i < count; i++)
		out[i] = atomic_load_explicit(&word[i], memory_order_acquire);
	return atomic_load_explicit(generation, memory_order_relaxed) == wanted;
}
