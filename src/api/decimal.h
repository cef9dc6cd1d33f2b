/* SPDX-License-Identifier: MIT */
/*
 * decimal.h: decimal fractions, read exactly.
 *
 * Floor 4; pure.
 */
#ifndef API_DECIMAL_H
#define API_DECIMAL_H

#include "base/types.h"

/* A number as JSON writes it, such as "0.1", "-3" or "1e-8", in units of
 * 10^-@decimals. 0; -EINVAL: not such a number, or one with more decimals or
 * with more than 18 digits. */
BASE_MUST_CHECK int api_decimal_parse(int64_t *out, const char *text,
				      unsigned decimals);

#endif
