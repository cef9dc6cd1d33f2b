/* SPDX-License-Identifier: MIT */
/*
 * signer.h: a member's voice: BIP340 signatures by libsecp256k1.
 *
 * Floor 5. Made by the main thread, then the consensus thread's alone. Holds
 * the secret until it is wiped.
 */
#ifndef NODE_SIGNER_H
#define NODE_SIGNER_H

#include "base/error.h"
#include "consensus/ds.h"
#include "node/keys.h"

struct node_signer;

/* @secret is a member's signing key. 0; -ENOMEM; -EINVAL: it is no secret. */
BASE_MUST_CHECK int
node_signer_open(struct node_signer **out,
		 const uint8_t secret[static NODE_SECRET_SIZE],
		 struct base_error *err);
void node_signer_close(struct node_signer *s); /* NULL is allowed */

/* As the state machine calls it. Borrows @s. */
struct ds_signer node_signer_of(struct node_signer *s);

#endif
