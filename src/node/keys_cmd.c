/* SPDX-License-Identifier: MIT */
#include "node/keys_cmd.h"

#include <errno.h>

#include "base/bytes.h"
#include "node/keys.h"
#include "node/passphrase.h"
#include "node/run.h"

#define KEY_FILES 2

static int encrypt(const struct node_datadir *d, const struct node_config *c,
		   struct base_error *err)
{
	struct node_passphrase p = {.given = false};
	struct node_keys keys;
	int count = node_keys_encrypted(d, err);
	int rc = count;

	if (count == KEY_FILES)
		return base_fail(err, -EEXIST,
				 "the keys are encrypted already; 'minerd keys "
				 "decrypt' comes before another passphrase");
	/* With one that is encrypted there is no new passphrase to choose. */
	if (rc >= 0)
		rc = node_passphrase_ask(&p, c, NODE_KEY_PASSPHRASE, count == 0,
					 err);
	if (rc == 0)
		rc = node_keys_load(&keys, d, false, p.text, err);
	if (rc == 0) {
		rc = node_keys_save(&keys, d, p.text, err);
		node_keys_wipe(&keys);
	}
	base_wipe(&p, sizeof(p));
	return rc;
}

static int decrypt(const struct node_datadir *d, const struct node_config *c,
		   struct base_error *err)
{
	struct node_keys keys;
	int rc = node_keys_encrypted(d, err);

	if (rc == 0)
		return base_fail(err, -EEXIST, "the keys are not encrypted");
	if (rc > 0)
		rc = node_keys_open(&keys, d, false, c, err);
	if (rc == 0) {
		rc = node_keys_save(&keys, d, NULL, err);
		node_keys_wipe(&keys);
	}
	return rc;
}

int node_keys_cmd(const struct node_config *c)
{
	const bool wanted = c->command == NODE_KEYS_ENCRYPT;
	struct node_datadir d = {.lock_fd = -1};
	struct base_error err;
	int rc = node_datadir_look(&d, c->datadir, &err);

	if (rc == 0)
		rc = node_datadir_open(&d, c->datadir, &err);
	if (rc == 0)
		rc = wanted ? encrypt(&d, c, &err) : decrypt(&d, c, &err);
	node_datadir_close(&d);
	if (rc == -EBUSY)
		return node_complain(&err, NODE_EXIT_LOCKED);
	if (rc < 0)
		return node_complain(&err, NODE_EXIT_FAILURE);
	(void)printf("signing.key and node.key are %s\n",
		     wanted ? "encrypted" : "plain again");
	return NODE_EXIT_OK;
}
