/* SPDX-License-Identifier: MIT */
/*
 * types.h: the quantities of a ledger, each a type of its own.
 *
 * Floor 0, pure. A height is not a tick and neither is an amount; wrapping
 * each in a struct lets the compiler refuse a mix-up. Values travel by copy.
 */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <string.h>

#include "base/platform.h"

/* A 32-byte hash in *header byte order*: as SHA-256 produced it and as block
 * headers store it. People read the reverse (see base_hash_to_hex()). */
struct base_hash {
	uint8_t b[32];
};

/* Blocks above genesis; genesis is 0. */
struct base_height {
	uint32_t n;
};

/* Dolev-Strong ticks since genesis_time_ms; see consensus.md, Parameters. */
struct base_tick {
	uint64_t n;
};

/* The smallest unit; BASE_COIN units are one coin. Valid amounts lie in
 * 0..BASE_MAX_MONEY, sums are checked before they are formed. */
struct base_amount {
	int64_t units;
};

#define BASE_COIN INT64_C(100000000)
#define BASE_MAX_MONEY (INT64_C(21000000) * BASE_COIN)

static inline bool base_hash_equal(const struct base_hash *a,
				   const struct base_hash *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

static inline bool base_amount_valid(struct base_amount a)
{
	return a.units >= 0 && a.units <= BASE_MAX_MONEY;
}

#endif
