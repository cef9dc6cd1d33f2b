/* SPDX-License-Identifier: MIT */
/*
 * pool_rate.h: hash rates over 10 s, 60 s and 15 min from one counter.
 *
 * Pure: the clock comes in. One thread. One meter per worker and one for
 * the total.
 */
#ifndef POW_POOL_RATE_H
#define POW_POOL_RATE_H

#include "base/types.h"

#define POW_RATE_WINDOWS 3
#define POW_RATE_SLOTS 901 /* one a second, 15 min and the oldest edge */

extern const uint32_t pow_rate_window_s[POW_RATE_WINDOWS]; /* 10 60 900 */

struct pow_rate {
	uint32_t count; /* samples held */
	uint32_t next;	/* slot of the next sample */
	uint64_t at_ms[POW_RATE_SLOTS];
	uint64_t hashes[POW_RATE_SLOTS];
};

void pow_rate_init(struct pow_rate *r);

/* Adds the counter's value at @now_ms (monotone); samples less than a second
 * after the last are ignored. A counter that fell began anew (the pool was
 * restarted): so does the meter. */
void pow_rate_sample(struct pow_rate *r, uint64_t now_ms, uint64_t hashes);

/* Mean rate in hashes per second over window @w (index below
 * POW_RATE_WINDOWS) before the last sample, reaching back to the first one
 * at or beyond its edge, or over what there is; 0 with under two samples. */
double pow_rate_get(const struct pow_rate *r, unsigned w);

#endif
