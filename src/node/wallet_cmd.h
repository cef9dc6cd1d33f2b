/* SPDX-License-Identifier: MIT */
/*
 * wallet_cmd.h: the subcommands of `minerd wallet`.
 *
 * Floor 5. Main thread. As run.h: each prints its own errors and returns the
 * exit status. None runs beside a node on the same datadir.
 */
#ifndef NODE_WALLET_CMD_H
#define NODE_WALLET_CMD_H

#include "node/config.h"

/* Prints the seed in hex on standard output. */
int node_wallet_export(const struct node_config *c);

/* Makes a wallet of the seed in hex on standard input, encrypted if there is
 * a --wallet-passphrase-file, in a datadir that has none. */
int node_wallet_restore(const struct node_config *c);

/* Encrypts a plain seed. */
int node_wallet_encrypt_file(const struct node_config *c);

#endif
