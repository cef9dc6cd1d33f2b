/* SPDX-License-Identifier: MIT */
/*
 * transfer.h: a chain that is copied, written out and read in.
 *
 * Floor 5. Main thread. Each command parses its options, prints its own errors
 * on standard error, and returns the exit status.
 */
#ifndef NODE_TRANSFER_H
#define NODE_TRANSFER_H

#include "base/error.h"
#include "node/config.h"

/* minerd backup DIR: a datadir in DIR, of the store and of the files beside
 * it, without secrets unless told. Runs beside a node. */
int node_backup(int argc, char **argv);

/* minerd export FILE: blocks and certificates (node/stream.h); "-" is standard
 * output. Runs beside a node. */
int node_export(int argc, char **argv);

/* minerd import FILE: appends what such a stream has beyond the tip, once it
 * was checked as what peers say is; "-" is standard input. */
int node_import(int argc, char **argv);

/* Ends a command: prints @err and returns the status for @rc. */
int node_transfer_end(int rc, const struct base_error *err);

#endif
