/* SPDX-License-Identifier: MIT */
#include "store/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "chain/utxo.h"

_Static_assert(STORE_FILTER_BLOCKS == 64, "a bit of a word each");
_Static_assert((STORE_FILTER_WORDS & (STORE_FILTER_WORDS - 1)) == 0,
	       "places are taken by masking");

int store_filter_init(struct store_filter *f)
{
	if (getrandom(&f->key, sizeof(f->key), 0) != sizeof(f->key))
		return -EIO;
	f->word = calloc(STORE_FILTER_WORDS, sizeof(*f->word));
	if (!f->word)
		return -ENOMEM;
	store_filter_reset(f, 0);
	return 0;
}

void store_filter_free(struct store_filter *f)
{
	free(f->word);
	f->word = NULL;
}

void store_filter_reset(struct store_filter *f, uint32_t first)
{
	atomic_store_explicit(&f->oldest, first, memory_order_relaxed);
	atomic_store_explicit(&f->end, first, memory_order_relaxed);
}

static uint64_t bit_of(uint32_t height)
{
	return UINT64_C(1) << height % STORE_FILTER_BLOCKS;
}

void store_filter_begin(struct store_filter *f, uint32_t height)
{
	uint64_t keep = ~bit_of(height);
	uint64_t oldest =
		atomic_load_explicit(&f->oldest, memory_order_relaxed);

	/* Said before the bits go: who sees one gone sees this, as the stores
	 * below are releases, and store_filter_ask()'s loads acquire. */
	if (height >= oldest + STORE_FILTER_BLOCKS)
		atomic_store_explicit(
			&f->oldest, (uint64_t)height + 1 - STORE_FILTER_BLOCKS,
			memory_order_relaxed);
	for (size_t i = 0; i < STORE_FILTER_WORDS; i++) {
		uint64_t w =
			atomic_load_explicit(&f->word[i], memory_order_relaxed);

		if (w & ~keep)
			atomic_store_explicit(&f->word[i], w & keep,
					      memory_order_release);
	}
}

/* Places by double hashing (Kirsch and Mitzenmacher, "Less hashing, same
 * performance", 2006). */
static uint64_t hash_of(const struct store_filter *f, const uint8_t *at)
{
	return chain_siphash(&f->key, at, CHAIN_OUTPOINT_SIZE);
}

static _Atomic uint64_t *place(struct store_filter *f, uint64_t hash,
			       unsigned i)
{
	uint64_t step = hash >> 32 | 1;

	return &f->word[(hash + i * step) & (STORE_FILTER_WORDS - 1)];
}

void store_filter_add(struct store_filter *f, uint32_t height,
		      const uint8_t *at)
{
	uint64_t hash = hash_of(f, at);

	for (unsigned i = 0; i < STORE_FILTER_HASHES; i++) {
		_Atomic uint64_t *w = place(f, hash, i);

		/* The only writer: nothing comes between. */
		atomic_store_explicit(
			w,
			atomic_load_explicit(w, memory_order_relaxed) |
				bit_of(height),
			memory_order_release);
	}
}

void store_filter_end(struct store_filter *f, uint32_t height)
{
	/* Pairs with store_filter_ask(): who reads it finds all bits. */
	atomic_store_explicit(&f->end, (uint64_t)height + 1,
			      memory_order_release);
}

uint64_t store_filter_ask(struct store_filter *f, uint32_t first, uint32_t last,
			  const uint8_t *at)
{
	uint64_t hash, found = UINT64_MAX;
	unsigned up = STORE_FILTER_BLOCKS - 1 - last % STORE_FILTER_BLOCKS;

	/* Pairs with store_filter_end(). */
	if (atomic_load_explicit(&f->end, memory_order_acquire) <= last)
		return UINT64_MAX;
	hash = hash_of(f, at);
	/* Pairs with store_filter_begin(). */
	for (unsigned i = 0; i < STORE_FILTER_HASHES; i++)
		found &= atomic_load_explicit(place(f, hash, i),
					      memory_order_acquire);
	if (atomic_load_explicit(&f->oldest, memory_order_relaxed) > first)
		return UINT64_MAX;
	return up == 0 ? found : found << up | found >> (64 - up);
}
