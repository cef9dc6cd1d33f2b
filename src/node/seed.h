/* SPDX-License-Identifier: MIT */
/*
 * seed.h: secrets at rest, plain or encrypted: the wallet's seed, and the
 * node's keys (keys.h), which are seeds of 32 bytes to this.
 *
 * Floor 5. Main thread at start, reader thread later; whoever holds the
 * datadir's lock. A file such as keys/wallet.seed, mode 0600, is one line: 32
 * to 128 hex digits, or, with a passphrase,
 *
 *   minerd-seed-1 scrypt N R P SALT aes-256-gcm NONCE CIPHERTEXT TAG CHECK
 *
 * numbers decimal, bytes in hex. The key is scrypt (RFC 7914) of the
 * passphrase; all before CIPHERTEXT is authenticated with it; CHECK, the
 * first 4 bytes of the SHA-256 of all before it, tells a damaged line from a
 * wrong passphrase.
 */
#ifndef NODE_SEED_H
#define NODE_SEED_H

#include "base/error.h"
#include "node/bip86.h"
#include "node/datadir.h"

#define NODE_SEED_FILE "keys/wallet.seed"
#define NODE_SEED_LINE_MAX 512	 /* with NUL */
#define NODE_PASSPHRASE_MAX 1024 /* bytes, without NUL */

/* scrypt's cost for new lines: 64 MiB, a fraction of a second. Lines with
 * more than 1 GiB are taken as damaged. */
#define NODE_SCRYPT_N (UINT64_C(1) << 16)
#define NODE_SCRYPT_R 8
#define NODE_SCRYPT_P 2
#define NODE_SCRYPT_BYTES_MAX (UINT64_C(1) << 30)

struct node_seed {
	uint8_t bytes[NODE_SEED_MAX];
	size_t len; /* NODE_SEED_MIN..NODE_SEED_MAX */
};

/* A new seed of 32 bytes from OpenSSL's generator. 0 or -EIO. */
BASE_MUST_CHECK int node_seed_random(struct node_seed *out);

/* The line of @seed without newline; @passphrase NULL: plain. 0; -ENOMEM;
 * -EINVAL: the passphrase is empty or too long. */
BASE_MUST_CHECK int node_seed_encode(char out[static NODE_SEED_LINE_MAX],
				     const struct node_seed *seed,
				     const char *passphrase);

bool node_seed_is_encrypted(const char *line);

/* 0; -EBADMSG: damaged; -ENOKEY: encrypted, and @passphrase is NULL;
 * -EKEYREJECTED: not its passphrase; -ENOMEM. Plain: @passphrase is not
 * looked at. */
BASE_MUST_CHECK int node_seed_decode(struct node_seed *out, const char *line,
				     const char *passphrase);

/* The line in the file @name of the datadir. 0; -ENOENT; -EBADMSG: too long,
 * or more than a line; -EPERM: others may read it; other errno. */
BASE_MUST_CHECK int node_seed_read(char line[static NODE_SEED_LINE_MAX],
				   const struct node_datadir *d,
				   const char *name, struct base_error *err);
/* Replaces it, whole or not at all. */
BASE_MUST_CHECK int node_seed_write(const struct node_datadir *d,
				    const char *name, const char *line,
				    struct base_error *err);

#endif
