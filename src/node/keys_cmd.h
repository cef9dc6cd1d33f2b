/* SPDX-License-Identifier: MIT */
/*
 * keys_cmd.h: minerd keys encrypt, and keys decrypt.
 *
 * Floor 5. Main thread. Prints its own errors, on standard error, and returns
 * the exit status. Not beside a node.
 */
#ifndef NODE_KEYS_CMD_H
#define NODE_KEYS_CMD_H

#include "node/config.h"

/* Encrypts signing.key and node.key, or with NODE_KEYS_DECRYPT writes them
 * plain again; also where an earlier run did so with one of the two alone. */
int node_keys_cmd(const struct node_config *c);

#endif
