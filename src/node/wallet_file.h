/* SPDX-License-Identifier: MIT */
/*
 * wallet_file.h: wallet.json, read and written.
 *
 * Floor 5. As wallet.h says; for wallet.c alone. Only the addresses' part of
 * a struct node_wallet is looked at.
 */
#ifndef NODE_WALLET_FILE_H
#define NODE_WALLET_FILE_H

#include "node/wallet.h"

/* Fills account, next and scanned. 0; -ENOENT; -EPROTO: a newer format;
 * -EBADMSG: damaged; other errno. */
BASE_MUST_CHECK int node_wallet_file_read(struct node_wallet *w,
					  struct base_error *err);
/* Replaces the file, whole or not at all. */
BASE_MUST_CHECK int node_wallet_file_write(const struct node_wallet *w,
					   struct base_error *err);

#endif
