/* SPDX-License-Identifier: MIT */
#include "node/progress.h"

#include <stdio.h>
#include <string.h>

#define BAR_MIN 5 /* below that it says nothing */
#define BAR_MAX 40

void node_rate_text(char out[static NODE_PROGRESS_MAX], double hps)
{
	static const char *const units[] = {"H/s",  "kH/s", "MH/s",
					    "GH/s", "TH/s", "PH/s"};
	size_t u = 0;

	for (; hps >= 1000 && u + 1 < BASE_COUNT(units); u++)
		hps /= 1000;
	(void)snprintf(out, NODE_PROGRESS_MAX, "%.2f %s", hps, units[u]);
}

void node_time_text(char out[static NODE_PROGRESS_MAX], double seconds)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}};

	/* Written so that what is no number is caught, too. */
	if (!(seconds >= 0 && seconds < 1e9)) {
		(void)strcpy(out, "?");
		return;
	}
	for (size_t i = 0; i < BASE_COUNT(units); i++) {
		if (seconds >= 2 * units[i].seconds) {
			(void)snprintf(out, NODE_PROGRESS_MAX, "%.0f %s",
				       seconds / units[i].seconds,
				       units[i].name);
			return;
		}
	}
	(void)snprintf(out, NODE_PROGRESS_MAX, "%.0f s", seconds);
}

static void put_bar(char *out, size_t width, double part)
{
	size_t filled = (size_t)(part * (double)width);

	*out++ = '[';
	for (size_t i = 0; i < width; i++)
		*out++ = i < filled ? '#' : '-';
	(void)strcpy(out, "] ");
}

void node_progress_text(char out[static NODE_PROGRESS_MAX], unsigned columns,
			uint64_t done, uint64_t total, double per_second)
{
	char left[NODE_PROGRESS_MAX];
	char text[3][64];
	double part = 0;
	size_t room;
	size_t used;

	if (done > total)
		done = total;
	if (total > 0)
		part = (double)done / (double)total;
	node_time_text(left, (double)(total - done) / per_second);
	(void)snprintf(text[0], sizeof(text[0]), "%u %%",
		       (unsigned)(100 * part));
	(void)snprintf(text[1], sizeof(text[1]), " %.0f/s", per_second);
	(void)snprintf(text[2], sizeof(text[2]), " %.40s left", left);
	*out = '\0';
	used = strlen(text[0]);
	for (size_t i = 1; i < BASE_COUNT(text) && per_second > 0; i++) {
		used += strlen(text[i]);
		if (used > columns)
			text[i][0] = '\0';
	}
	if (per_second <= 0) {
		text[1][0] = '\0';
		text[2][0] = '\0';
	}
	used = strlen(text[0]) + strlen(text[1]) + strlen(text[2]);
	room = columns > used + 3 ? columns - used - 3 : 0;
	if (room >= BAR_MIN)
		put_bar(out, room < BAR_MAX ? room : BAR_MAX, part);
	for (size_t i = 0; i < BASE_COUNT(text); i++)
		(void)strcat(out, text[i]);
}
