/* SPDX-License-Identifier: MIT */
/*
 * progress.h: how far a long piece of work is, in one line that is redrawn.
 *
 * Floor 5. One thread per bar. It is drawn on a terminal alone, at most ten
 * times a second, as wide as the terminal is, 20 columns at least, coloured
 * unless NO_COLOR is set (https://no-color.org):
 *
 *   verify [#########.........]  45% 1234/s 0:12 left
 *
 * In a narrow window the bar goes first, then the rate, then the time left.
 */
#ifndef NODE_PROGRESS_H
#define NODE_PROGRESS_H

#include <stddef.h>

#include "base/types.h"

#define NODE_PROGRESS_MS 100 /* between two drawings */
#define NODE_PROGRESS_COLUMNS_MIN 20u
#define NODE_PROGRESS_COLUMNS_MAX 200u
/* With colours and NUL. */
#define NODE_PROGRESS_LINE_MAX (NODE_PROGRESS_COLUMNS_MAX + 32)

/* What is to be drawn. */
struct node_progress_state {
	const char *what; /* one word */
	uint64_t done;
	uint64_t total;	  /* 0: unknown */
	uint64_t rate;	  /* a second; 0: unknown */
	unsigned columns; /* of the terminal; others than allowed are bounded */
	bool colour;
};

/* The line, without its end. Returns how many columns it takes, fewer than
 * the terminal has. */
size_t node_progress_line(char out[static NODE_PROGRESS_LINE_MAX],
			  const struct node_progress_state *state);

struct node_progress {
	int fd; /* -1: nothing is drawn */
	const char *what;
	bool colour;
	uint64_t from;
	uint64_t done;
	uint64_t total;
	uint64_t began_ms;
	uint64_t due_ms;
};

/* Begins a bar for @what (static) at @from of @total on the descriptor @fd,
 * which is left alone unless it is a terminal. */
void node_progress_begin(struct node_progress *p, int fd, const char *what,
			 uint64_t from, uint64_t total);
void node_progress_show(struct node_progress *p, uint64_t done);
/* Leaves the bar, as it was shown last, as a line of its own. */
void node_progress_end(struct node_progress *p);

/* Whether NO_COLOR is unset or empty, and @fd a terminal. */
bool node_progress_colour(int fd);

#endif
