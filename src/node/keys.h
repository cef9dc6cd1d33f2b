/* SPDX-License-Identifier: MIT */
/*
 * keys.h: the secrets of a node.
 *
 * Floor 5. Main thread, at start. Two files in DATADIR/keys, mode 0600,
 * each one line as seed.h says, plain or encrypted: `signing.key` (BIP340, 32
 * bytes: this member's voice) and `node.key` (Ed25519, 32 bytes: its identity
 * in connections). The wallet's are its own (node/wallet.h). Files that others
 * may read are refused.
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
 * Reads the keys; encrypted ones with @passphrase. With @create, those that
 * are missing are made from OpenSSL's generator and written, encrypted unless
 * @passphrase is NULL; without it a missing key is an error: a chain exists
 * whose member it was, and it must be restored, not replaced.
 * 0; -ENOENT: missing; -EBADMSG: not a key; -ENOKEY: encrypted, and @passphrase
 * is NULL; -EKEYREJECTED: another passphrase's; -EPERM: others may read it;
 * -EACCES...; @err names the file.
 */
BASE_MUST_CHECK int node_keys_load(struct node_keys *out,
				   const struct node_datadir *d, bool create,
				   const char *passphrase,
				   struct base_error *err);

/*
 * The same with the passphrase of --key-passphrase-file; where that is not
 * given and keys are encrypted the terminal is asked, NODE_PASSPHRASE_TRIES
 * times. -ENXIO: there is none. @config NULL: plain keys alone.
 */
BASE_MUST_CHECK int node_keys_open(struct node_keys *out,
				   const struct node_datadir *d, bool create,
				   const struct node_config *config,
				   struct base_error *err);

/* Writes both files again, encrypted unless @passphrase is NULL. Each is
 * replaced whole or not at all. */
BASE_MUST_CHECK int node_keys_save(const struct node_keys *k,
				   const struct node_datadir *d,
				   const char *passphrase,
				   struct base_error *err);

/* How many of the two files are encrypted; errors as node_keys_load(). */
BASE_MUST_CHECK int node_keys_encrypted(const struct node_datadir *d,
					struct base_error *err);

void node_keys_wipe(struct node_keys *k);

#endif
