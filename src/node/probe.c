/* SPDX-License-Identifier: MIT */
#include "node/probe.h"

#include <time.h>

#include "chain/params.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define NAP_MS 5

static int64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

uint32_t node_probe_lateness(uint32_t ms)
{
	const int64_t end = now_ns() + ms * NS_PER_MS;
	int64_t worst = 0;

	for (int64_t now = now_ns(); now < end; now = now_ns()) {
		const int64_t due = now + NAP_MS * NS_PER_MS;
		const struct timespec t = {.tv_sec = due / NS_PER_S,
					   .tv_nsec = due % NS_PER_S};
		int64_t late;

		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		late = now_ns() - due;
		if (late > worst)
			worst = late;
	}
	return (uint32_t)((worst + NS_PER_MS - 1) / NS_PER_MS);
}

uint32_t node_probe_delta(uint32_t late_ms)
{
	const uint64_t wanted = (uint64_t)NODE_PROBE_TIMES * late_ms;
	uint64_t steps = (wanted + NODE_PROBE_STEP_MS - 1) / NODE_PROBE_STEP_MS;
	uint64_t delta = (steps > 0 ? steps : 1) * NODE_PROBE_STEP_MS;

	return delta > CHAIN_DELTA_MAX_MS ? CHAIN_DELTA_MAX_MS
					  : (uint32_t)delta;
}
