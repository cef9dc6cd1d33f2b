/* SPDX-License-Identifier: MIT */
/*
 * keys.h: the secrets of a node.
 *
 * Floor 5. Main thread, at start. Two files in DATADIR/keys, mode 0600,
 * each one line of lower-case hex: `signing.key` (BIP340, 32 bytes: this
 * member's voice) and `node.key` (Ed25519, 32 bytes: its identity in
 * connections). The wallet's are its own (node/wallet.h).
 */
#ifndef NODE_KEYS_H
#define NODE_KEYS_H

#include "base/error.h"
#include "node/bip86.h"
#include "node/datadir.h"

struct node_keys {
	uint8_t signing_secret[NODE_SECRET_SIZE];
	uint8_t signing_public[32]; /* x-only */
	uint8_t node_secret[NODE_SECRET_SIZE];
	uint8_t node_id[32]; /* Ed25519 public key */
};

/*
 * Reads the keys. With @create, those that are missing are made from
 * OpenSSL's generator and written; without it a missing key is an error:
 * a chain exists whose member it was, and it must be restored, not replaced.
 * 0; -ENOENT: missing; -EBADMSG: not a key; -EACCES...; @err names the file.
 */
BASE_MUST_CHECK int node_keys_load(struct node_keys *out,
				   const struct node_datadir *d, bool create,
				   struct base_error *err);

void node_keys_wipe(struct node_keys *k);

#endif
