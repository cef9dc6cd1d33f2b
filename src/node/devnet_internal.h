/* SPDX-License-Identifier: MIT */
/*
 * devnet_internal.h: what the parts of the devnet share.
 *
 * Floor 5. Main thread. devnet.c makes and runs it, devnet_child.c has the
 * processes, devnet_status.c asks them and says how they are.
 */
#ifndef NODE_DEVNET_INTERNAL_H
#define NODE_DEVNET_INTERNAL_H

#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#include "api/client.h"
#include "base/error.h"
#include "chain/params.h"
#include "node/config.h"
#include "node/network_new.h"

#define NODE_DEVNET_ASK_MS 1000u   /* a node that is silent as long */
#define NODE_DEVNET_STOP_MS 10000u /* from SIGTERM to SIGKILL */
/* A second signal sooner than this is the first one again: terminals and
 * wrappers send to a process and to its group. */
#define NODE_DEVNET_AGAIN_MS 1000u
#define NODE_DEVNET_LOG_MAX (8u << 20) /* a longer log is put aside */
#define NODE_DEVNET_TAIL_LINES 8
#define NODE_DEVNET_MODE_MAX 8

/* What a node answered. */
struct node_devnet_view {
	bool known;
	uint32_t height;  /* final */
	uint32_t decided; /* height */
	double hps;
	char mode[NODE_DEVNET_MODE_MAX]; /* "": not told */
};

struct node_devnet_child {
	char dir[NODE_PATH_MAX];
	pid_t pid;  /* 0: not running */
	int status; /* of waitpid(), once it ended */
	bool mines;
	bool found; /* client has its address */
	struct api_client client;
	struct node_devnet_view view;
};

struct node_devnet_run {
	const char *dir;
	uint32_t count;
	uint32_t threads; /* of each miner */
	const char *backend;
	struct chain_params params;
	struct node_devnet_child node[NODE_NETWORK_NODES_MAX];
	sigset_t old_mask; /* what children begin with */
	int signals;	   /* signalfd */
	bool announced;	   /* where the nodes answer was said */
	uint32_t top;	   /* the highest height seen, and when */
	uint64_t top_ms;
	uint64_t plain_ms; /* of the last line without a terminal */
	bool shown;	   /* a status line is on the terminal */
};

/* Starts node @i. 0 or -errno. */
BASE_MUST_CHECK int node_devnet_spawn(struct node_devnet_run *d, uint32_t i,
				      struct base_error *err);

/* Takes the status of children that ended. The index of one of them, -1 if
 * none did. */
int node_devnet_reap(struct node_devnet_run *d);

/* Says how node @i ended, with the last lines of its log. */
void node_devnet_report(const struct node_devnet_run *d, uint32_t i);

/* SIGTERM to all that run; SIGKILL after NODE_DEVNET_STOP_MS, or at once at a
 * second signal; waits for them. Whether all ended with 0 by themselves;
 * those that did not are reported. */
bool node_devnet_stop(struct node_devnet_run *d);

/* Asks node @i. */
void node_devnet_ask(struct node_devnet_run *d, uint32_t i);

/* Shows what the nodes answered: one line that stays in place on a terminal,
 * else a line every few seconds. */
void node_devnet_show(struct node_devnet_run *d);

/* Before other output: leaves the line of the terminal. */
void node_devnet_leave_line(struct node_devnet_run *d);

#endif
