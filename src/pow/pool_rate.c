/* SPDX-License-Identifier: MIT */
#include "pow/pool_rate.h"

#include "base/assert.h"

#define SAMPLE_MS 1000

const uint32_t pow_rate_window_s[POW_RATE_WINDOWS] = {10, 60, 900};

_Static_assert(POW_RATE_SLOTS > 900, "the longest window and its edge");

void pow_rate_init(struct pow_rate *r)
{
	memset(r, 0, sizeof(*r));
}

/* Slot of the sample @back steps before the last. */
static uint32_t slot(const struct pow_rate *r, uint32_t back)
{
	return (r->next + POW_RATE_SLOTS - 1 - back) % POW_RATE_SLOTS;
}

void pow_rate_sample(struct pow_rate *r, uint64_t now_ms, uint64_t hashes)
{
	if (r->count > 0) {
		uint32_t last = slot(r, 0);

		BASE_ASSERT(now_ms >= r->at_ms[last]);
		if (hashes < r->hashes[last])
			pow_rate_init(r);
		else if (now_ms - r->at_ms[last] < SAMPLE_MS)
			return;
	}
	r->at_ms[r->next] = now_ms;
	r->hashes[r->next] = hashes;
	r->next = (r->next + 1) % POW_RATE_SLOTS;
	if (r->count < POW_RATE_SLOTS)
		r->count++;
}

double pow_rate_get(const struct pow_rate *r, unsigned w)
{
	uint32_t last = slot(r, 0);
	uint64_t window_ms, ms = 0, hashes = 0;

	BASE_ASSERT(w < POW_RATE_WINDOWS);
	window_ms = (uint64_t)pow_rate_window_s[w] * 1000;
	/* Back to the first sample that covers the window, or to the oldest;
	 * at most POW_RATE_SLOTS steps. */
	for (uint32_t back = 1; back < r->count && ms < window_ms; back++) {
		ms = r->at_ms[last] - r->at_ms[slot(r, back)];
		hashes = r->hashes[last] - r->hashes[slot(r, back)];
	}
	return ms > 0 ? (double)hashes * 1000.0 / (double)ms : 0.0;
}
