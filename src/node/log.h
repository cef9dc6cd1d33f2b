/* SPDX-License-Identifier: MIT */
/*
 * log.h: one event a line on standard output.
 *
 * Floor 5. Any thread logs; none waits for the terminal: lines go through a
 * ring to the log thread, and what does not fit is dropped and counted.
 * Text lines are for people, JSON lines (one object each, key "event" first,
 * "time_ms" in Unix milliseconds last) for programs.
 */
#ifndef NODE_LOG_H
#define NODE_LOG_H

#include "base/error.h"
#include "base/types.h"
#include "node/config.h"
#include "pow/pool_rate.h"

#define NODE_LOG_LINE_MAX 1024

struct node_log;

struct node_log_options {
	int fd; /* where lines go; not closed */
	bool json;
	enum node_log_level level; /* less important events are left out */
	/* Called once by the log thread when the reader of @fd is gone. */
	void (*closed)(void *ctx);
	void *closed_ctx;
};

/* Starts the log thread. 0 or -errno. */
BASE_MUST_CHECK int node_log_start(struct node_log **out,
				   const struct node_log_options *options,
				   struct base_error *err);

/* Writes what is queued (giving up on a reader that is stuck for two
 * seconds), ends the thread and frees the log. NULL is allowed. */
void node_log_stop(struct node_log *log);

/* "error", "warn", "info", "debug": as --log-level has them. */
const char *node_log_level_name(enum node_log_level level);

/* Which events are left out from now on. Any thread. */
enum node_log_level node_log_level(const struct node_log *log);
void node_log_set_level(struct node_log *log, enum node_log_level level);

/* An event in words. @event is [a-z_]; the words end without a newline. */
void node_log(struct node_log *log, enum node_log_level level,
	      const char *event, const char *fmt, ...) BASE_PRINTF(4, 5);

/* A block that is committed. */
void node_log_block(struct node_log *log, struct base_height height,
		    const struct base_hash *hash);

/* Mean hash rates of @threads workers (@worker < 0), or of one worker. */
void node_log_rate(struct node_log *log, int worker, uint32_t threads,
		   const struct pow_rate *rate);

#endif
