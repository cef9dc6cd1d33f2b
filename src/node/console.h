/* SPDX-License-Identifier: MIT */
/*
 * console.h: the terminal of a running node.
 *
 * Floor 5. One thread owns the terminal: it edits lines (libedit), runs what
 * they say as JSON-RPC methods on the reader thread, and shows the results to
 * people. Log lines reach it through a pipe, so that they stand above the
 * line that is being edited and never tear it.
 *
 * The end of input leaves the console: from then on log lines are printed as
 * they are without one, and the node goes on until a signal stops it.
 * NO_COLOR (no-color.org) and TERM=dumb are respected.
 *
 * Life, by the main thread: open, run (once methods can be called), quiet
 * (before they cannot), stop (after the log has ended).
 */
#ifndef NODE_CONSOLE_H
#define NODE_CONSOLE_H

#include "node/reader.h"

#define NODE_CONSOLE_HISTORY_FILE "console.history"

struct node_console;

/* Everything is borrowed until the stop. */
struct node_console_options {
	const struct node_config *config;
	const struct node_datadir *datadir;
	const struct chain_params *params;
	const struct node_status_board *status;
	struct node_reader *reader; /* answers between run and quiet */
	struct net *net;	    /* NULL: this node has no network */
	void (*stop)(void *ctx);    /* the terminal is gone; any thread */
	void *stop_ctx;
};

/* Whether there is a terminal to use, and nobody forbade it. */
bool node_console_wanted(const struct node_config *c);

/* Asks on the terminal which node to run, and notes it in @c. 0; -ECANCELED:
 * the input ended, nothing is to be run. */
BASE_MUST_CHECK int node_console_choose(struct node_config *c);

/* 0 or -errno. */
BASE_MUST_CHECK int node_console_open(struct node_console **out,
				      struct base_error *err);

/* All of these allow NULL. */
/* Where the log writes: to the console, or to standard output. */
int node_console_log_fd(const struct node_console *console);
/* 0 or -errno. */
BASE_MUST_CHECK int node_console_run(struct node_console *console,
				     const struct node_console_options *options,
				     struct base_error *err);
/* Returns when no method runs or will be called. */
void node_console_quiet(struct node_console *console);
/* Prints what the log has left, and frees it. */
void node_console_stop(struct node_console *console);

#endif
