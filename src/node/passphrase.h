/* SPDX-License-Identifier: MIT */
/*
 * passphrase.h: where passphrases come from before the node runs.
 *
 * Floor 5. Main thread. What is returned is the caller's to wipe.
 */
#ifndef NODE_PASSPHRASE_H
#define NODE_PASSPHRASE_H

#include "base/error.h"
#include "node/config.h"
#include "node/seed.h"

struct node_passphrase {
	char text[NODE_PASSPHRASE_MAX + 1];
	bool given;
};

enum node_passphrase_kind {
	NODE_WALLET_PASSPHRASE, /* --wallet-passphrase-file */
	NODE_KEY_PASSPHRASE,	/* --key-passphrase-file */
};

#define NODE_PASSPHRASE_TRIES 3

/* The first line of the file of the option for @kind; not given where there is
 * no such option. 0; -EINVAL: empty, too long, or not text; errno of the file.
 */
BASE_MUST_CHECK int node_passphrase_file(struct node_passphrase *out,
					 const struct node_config *c,
					 enum node_passphrase_kind kind,
					 struct base_error *err);

/* The same, or without that option what a person types on the terminal, which
 * does not show it; @twice: asked again, for a new one. -ENXIO: there is no
 * terminal. */
BASE_MUST_CHECK int node_passphrase_ask(struct node_passphrase *out,
					const struct node_config *c,
					enum node_passphrase_kind kind,
					bool twice, struct base_error *err);

/* Says on the terminal that it was wrong, if there is one. */
void node_passphrase_wrong(void);

#endif
