/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/genesis.h"
#include "node/progress.h"
#include "node/run.h"

static void show_progress(uint32_t height, void *ctx)
{
	node_progress_show(ctx, height);
}

/* Before the line that programs read. */
static void tell_evidence(struct store *store)
{
	struct store_reader *r;
	struct base_error err;
	uint64_t count;

	if (store_read_begin(&r, store, &err) < 0)
		return;
	count = store_evidence_count(r);
	store_read_end(r);
	if (count > 0)
		(void)printf("evidence against members: %" PRIu64 "\n", count);
}

static int verify_chain(const struct node_config *c, struct node_chain *chain,
			struct chain_context *tip, struct base_error *err)
{
	struct node_progress bar;
	struct node_datadir d;
	char path[NODE_PATH_MAX];
	struct store *store;
	int rc = node_datadir_look(&d, c->datadir, err);

	if (rc == 0)
		rc = node_chain_path(path, c, &d, err);
	if (rc == 0)
		rc = node_chain_load(chain, path, err);
	if (rc == 0)
		rc = node_chain_open(&store, tip, chain, c, &d, true, err);
	if (rc < 0)
		return rc;
	node_progress_begin(&bar, STDERR_FILENO, "verify", 0, tip->height.n);
	rc = store_verify(tip, store, &chain->params, chain->genesis,
			  chain->genesis_len, show_progress, &bar, err);
	node_progress_end(&bar);
	if (rc == 0)
		tell_evidence(store);
	store_close(store);
	return rc;
}

int node_verify(const struct node_config *c)
{
	struct base_error err;
	struct chain_context tip;
	struct node_chain *chain = calloc(1, sizeof(*chain));
	char hash[BASE_HASH_HEX_SIZE];
	int rc;

	if (!chain)
		rc = base_fail(&err, -ENOMEM, "no memory to verify");
	else
		rc = verify_chain(c, chain, &tip, &err);
	free(chain);
	if (rc < 0)
		return node_complain(&err, NODE_EXIT_FAILURE);
	base_hash_to_hex(hash, &tip.hash);
	(void)printf("height %u hash %s\n", tip.height.n, hash);
	return NODE_EXIT_OK;
}
