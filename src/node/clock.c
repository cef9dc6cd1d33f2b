/* SPDX-License-Identifier: MIT */
#include "node/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t node_monotonic_ms(void)
{
	return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

void node_clock_init(struct node_clock *c)
{
	int64_t monotonic = read_ms(CLOCK_MONOTONIC);

	c->offset_ms = read_ms(CLOCK_REALTIME) - monotonic;
	c->asleep_ms = read_ms(CLOCK_BOOTTIME) - monotonic;
}

uint64_t node_clock_ms(const struct node_clock *c)
{
	return (uint64_t)(read_ms(CLOCK_MONOTONIC) + c->offset_ms);
}

int64_t node_clock_step_ms(const struct node_clock *c)
{
	int64_t step = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC) -
		       c->offset_ms;

	if (step > -NODE_CLOCK_STEP_MS && step < NODE_CLOCK_STEP_MS)
		return 0;
	return step;
}

int64_t node_clock_slept_ms(const struct node_clock *c)
{
	return read_ms(CLOCK_BOOTTIME) - read_ms(CLOCK_MONOTONIC) -
	       c->asleep_ms;
}
