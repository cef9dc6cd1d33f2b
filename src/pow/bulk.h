/* SPDX-License-Identifier: MIT */
/*
 * bulk.h: SHA-256d of many messages of one size: merkle nodes and headers.
 *
 * Floor 1, pure. Any thread. Many messages go through the vector kernels side
 * by side, a few one after the other; the result does not depend on it.
 */
#ifndef POW_BULK_H
#define POW_BULK_H

#include "base/types.h"
#include "pow/sha256.h"

#define POW_BULK_MAX 5

/* @out[i] = SHA-256d of the 64 bytes @in[2 * i], @in[2 * i + 1], for i <
 * @count, any number. @out may be @in or begin before it in the same array:
 * each pair is read before its place is written. */
void pow_bulk_pairs(struct base_hash *out, const struct base_hash *in,
		    size_t count);

/* @out[i] = SHA-256d of the POW_HEADER_SIZE bytes from @headers + i * @stride
 * on, for i < @count, any number. @stride >= POW_HEADER_SIZE; 80 where
 * headers lie side by side. @out and @headers do not overlap. */
void pow_bulk_headers(struct base_hash *out, const uint8_t *headers,
		      size_t stride, size_t count);

/* One way to do it. */
struct pow_bulk {
	const char *name; /* "single", or that of the searching kernel */
	uint32_t step;	  /* messages it takes at once */
	bool (*supported)(void);
	/* As above, by this way alone, for any @count. */
	void (*pairs)(struct base_hash *out, const struct base_hash *in,
		      size_t count);
	void (*headers)(struct base_hash *out, const uint8_t *headers,
			size_t stride, size_t count);
};

/* All that this build has, slowest first; [0] is "single", one message
 * after the other, and runs anywhere.
 * At most POW_BULK_MAX; @count receives their number. */
const struct pow_bulk *pow_bulk_table(size_t *count);

#endif
