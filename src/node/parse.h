/* SPDX-License-Identifier: MIT */
/*
 * parse.h: numbers, sizes and sets as people write them.
 *
 * Floor 5; pure. Strict: no spaces, signs or trailing characters. All
 * return 0, or -EINVAL with the output untouched.
 */
#ifndef NODE_PARSE_H
#define NODE_PARSE_H

#include "net/net.h"

/* Decimal digits, least <= value <= most. */
BASE_MUST_CHECK int node_parse_u64(uint64_t *out, const char *text,
				   uint64_t least, uint64_t most);

/* Decimal digits and an optional K, M, G or T (powers of 1024). */
BASE_MUST_CHECK int node_parse_size(uint64_t *out, const char *text,
				    uint64_t least, uint64_t most);

/* "0-3,8": numbers below @count, into bits[n / 64]. At least one. */
BASE_MUST_CHECK int node_parse_list(uint64_t *bits, uint32_t count,
				    const char *text);

/* Hex digits, the last one lowest, at most @count bits. At least one set. */
BASE_MUST_CHECK int node_parse_mask(uint64_t *bits, uint32_t count,
				    const char *text);

/* "ID@HOST:PORT", ID being 64 hex digits. */
BASE_MUST_CHECK int node_parse_endpoint(struct net_endpoint *out,
					const char *text);

/* Whom a ban names: an id of 64 hex digits, or one address, as "1.2.3.4" or
 * "::1", also with all its bits as a prefix ("1.2.3.4/32"). until_s and manual
 * become 0. No address is all zero. */
BASE_MUST_CHECK int node_parse_ban(struct net_ban *out, const char *text);

#define NODE_EDIT_MAX 64

/* Levenshtein distance; texts beyond NODE_EDIT_MAX count as that far. */
size_t node_edit_distance(const char *a, const char *b);

/* Whether @candidate is what @name may have been meant to be, and nearer to
 * it than *@distance (at first NODE_EDIT_MAX), which then becomes its own. */
bool node_is_nearer(size_t *distance, const char *name, const char *candidate);

#endif
