/* SPDX-License-Identifier: MIT */
#include "node/lateness.h"

void node_lateness_note(struct node_lateness *l, uint64_t ms)
{
	if (ms > l->worst_ms)
		l->worst_ms = ms;
	if (ms > l->second_ms[l->at])
		l->second_ms[l->at] = ms;
}

void node_lateness_second(struct node_lateness *l)
{
	l->at = (l->at + 1) % NODE_LATENESS_SECONDS;
	l->second_ms[l->at] = 0;
}

uint64_t node_lateness_minute(const struct node_lateness *l)
{
	uint64_t worst = 0;

	for (uint32_t i = 0; i < NODE_LATENESS_SECONDS; i++)
		if (l->second_ms[i] > worst)
			worst = l->second_ms[i];
	return worst;
}
