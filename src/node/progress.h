/* SPDX-License-Identifier: MIT */
/*
 * progress.h: numbers as people read them, and how far something is.
 *
 * Floor 5, pure; any thread. ASCII alone, so that every terminal shows it.
 */
#ifndef NODE_PROGRESS_H
#define NODE_PROGRESS_H

#include "base/types.h"

#define NODE_PROGRESS_MAX 256 /* of a text and its NUL */

/* "12.34 MH/s". */
void node_rate_text(char out[static NODE_PROGRESS_MAX], double hps);
/* "45 s", "12 min", "3 h", "5 d"; "?" where it cannot be told. */
void node_time_text(char out[static NODE_PROGRESS_MAX], double seconds);

/*
 * "[#####-----] 50 % 120/s 10 s left", at most @columns wide: first the bar
 * goes, then the time left, then the rate. @per_second 0: not known yet.
 */
void node_progress_text(char out[static NODE_PROGRESS_MAX], unsigned columns,
			uint64_t done, uint64_t total, double per_second);

#endif
