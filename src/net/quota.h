/* SPDX-License-Identifier: MIT */
/*
 * quota.h: token buckets: a steady rate, and a burst above it.
 *
 * Floor 4; pure, the time comes in as milliseconds of any clock that does not
 * go back. Tokens are counted in thousandths, so that rates below one a
 * second are exact.
 */
#ifndef NET_QUOTA_H
#define NET_QUOTA_H

#include "base/types.h"

struct net_quota {
	int64_t tokens; /* thousandths; below 0: owed */
	int64_t burst;	/* thousandths */
	uint64_t per_s; /* thousandths a second = tokens a second * 1000 */
	uint64_t at_ms;
};

/* Full. @per_s_milli: thousandths of a token a second. */
static inline void net_quota_init(struct net_quota *q, uint64_t per_s_milli,
				  uint64_t burst, uint64_t now_ms)
{
	q->burst = (int64_t)burst * 1000;
	q->tokens = q->burst;
	q->per_s = per_s_milli;
	q->at_ms = now_ms;
}

static inline void net_quota_refill(struct net_quota *q, uint64_t now_ms)
{
	uint64_t passed = now_ms - q->at_ms;

	/* An hour fills every bucket. */
	if (passed > 3600000)
		passed = 3600000;
	/* Less than a thousandth of a token yet: it is not lost. */
	if (passed * q->per_s < 1000)
		return;
	q->tokens += (int64_t)(passed * q->per_s / 1000);
	if (q->tokens > q->burst)
		q->tokens = q->burst;
	q->at_ms = now_ms;
}

/* Takes @n when they are there. */
static inline bool net_quota_take(struct net_quota *q, uint64_t n,
				  uint64_t now_ms)
{
	net_quota_refill(q, now_ms);
	if (q->tokens < (int64_t)n * 1000)
		return false;
	q->tokens -= (int64_t)n * 1000;
	return true;
}

/* Takes @n, on credit where need be: for what has arrived already. */
static inline void net_quota_charge(struct net_quota *q, uint64_t n,
				    uint64_t now_ms)
{
	net_quota_refill(q, now_ms);
	q->tokens -= (int64_t)n * 1000;
}

/* Nothing is owed. */
static inline bool net_quota_ok(struct net_quota *q, uint64_t now_ms)
{
	net_quota_refill(q, now_ms);
	return q->tokens >= 0;
}

#endif
