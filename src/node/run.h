/* SPDX-License-Identifier: MIT */
/*
 * run.h: the commands of minerd, each from start to exit status.
 *
 * Floor 5. Main thread. Each prints its own errors, on standard error, and
 * returns the exit status.
 */
#ifndef NODE_RUN_H
#define NODE_RUN_H

#include "base/error.h"
#include "node/config.h"

enum node_exit {
	NODE_EXIT_OK = 0,
	NODE_EXIT_FAILURE = 1,
	NODE_EXIT_USAGE = 2,
	NODE_EXIT_LOCKED = 3, /* another node holds the datadir */
	NODE_EXIT_HALT = 4,   /* two certificates contradict each other */
};

/* "minerd: what went wrong", then @status. */
int node_complain(const struct base_error *err, int status);

/* Mines until SIGINT or SIGTERM. */
int node_run(const struct node_config *c);

/* Re-checks the chain of the datadir; the last line is
 * "height H hash X". Runs beside a node. */
int node_verify(const struct node_config *c);

/* Shows the CPUs and where the threads would go. */
int node_print_topology(const struct node_config *c);

#endif
