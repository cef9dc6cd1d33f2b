/* SPDX-License-Identifier: MIT */
#include "node/genesis.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/network_file.h"
#include "node/network_make.h"

int node_chain_path(char out[static NODE_PATH_MAX], const struct node_config *c,
		    const struct node_datadir *d, struct base_error *err)
{
	if (!*c->network)
		return node_datadir_path(out, d, "network.json", err);
	(void)strcpy(out, c->network);
	return 0;
}

static void build_genesis(struct node_chain *c, const struct base_hash *params)
{
	c->genesis_len = chain_genesis_build(c->genesis, sizeof(c->genesis),
					     &c->params, params);
	chain_header_read(&c->genesis_header, c->genesis);
	chain_header_hash(&c->genesis_hash, &c->genesis_header);
}

int node_chain_load(struct node_chain *out, const char *path,
		    struct base_error *err)
{
	struct base_hash params_hash;
	int rc = node_network_load(&out->params, &params_hash, path, err);

	if (rc == 0)
		build_genesis(out, &params_hash);
	return rc;
}

int node_chain_parse(struct node_chain *out, const char *text, size_t len,
		     const char *name, struct base_error *err)
{
	struct base_hash params_hash;
	int rc = node_network_parse(&out->params, &params_hash, text, len, name,
				    err);

	if (rc == 0)
		build_genesis(out, &params_hash);
	return rc;
}

static void fill_member(struct chain_member *m, const struct node_keys *keys)
{
	(void)strcpy(m->name, "solo");
	(void)strcpy(m->address, "127.0.0.1:9444");
	memcpy(m->signing_key, keys->signing_public, sizeof(m->signing_key));
	memcpy(m->node_id, keys->node_id, sizeof(m->node_id));
}

int node_chain_create(const char *path, const struct node_keys *keys,
		      double hps, uint32_t spacing_s, struct base_error *err)
{
	struct node_clock clock;
	struct node_network_wish wish = {
		.name = "solo",
		.delta_ms = spacing_s * 1000 / NODE_SPACING_ADVISED,
		.spacing_s = spacing_s,
		.hps = hps < 1 ? 1 : (uint64_t)hps,
	};
	struct chain_params *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return base_fail(err, -ENOMEM, "no memory for %.300s", path);
	node_clock_init(&clock);
	wish.genesis_time_ms = node_clock_ms(&clock);
	p->member_count = 1;
	fill_member(&p->member[0], keys);
	rc = node_network_make(p, &wish, err);
	if (rc == 0)
		rc = node_network_save(path, p, err);
	free(p);
	return rc;
}

static int check_genesis(struct store *s, const struct node_chain *chain,
			 const char *dir, struct base_error *err)
{
	struct store_reader *r;
	struct base_hash hash;
	int rc = store_read_begin(&r, s, err);

	if (rc < 0)
		return rc;
	rc = store_hash_at(&hash, r, (struct base_height){0});
	store_read_end(r);
	if (rc < 0)
		return base_fail(err, -EBADMSG,
				 "the chain in %.300s has no genesis block; "
				 "restore it from a backup, or move it away to "
				 "begin anew",
				 dir);
	if (!base_hash_equal(&hash, &chain->genesis_hash))
		return base_fail(err, -EXDEV,
				 "the chain in %.300s belongs to another "
				 "network than the network file; restore that "
				 "file, or choose another --datadir",
				 dir);
	return 0;
}

static int write_genesis(struct store *s, const struct chain_context *tip,
			 const struct node_chain *chain, struct base_error *err)
{
	/* No secret: its outpoints are nobody's choice. */
	static const uint8_t salt[CHAIN_SALT_SIZE];
	const uint32_t block_bytes = chain->params.max_block_bytes;
	struct chain_scratch scratch;
	void *memory = malloc(chain_scratch_size(block_bytes));
	int rc;

	if (!memory)
		return base_fail(err, -ENOMEM, "no memory for the chain");
	chain_scratch_init(&scratch, memory, block_bytes, salt);
	chain_genesis_execute(&scratch, chain->genesis, chain->genesis_len);
	rc = store_init_chain(s, chain->genesis, chain->genesis_len, tip,
			      &scratch.changes, err);
	free(memory);
	return rc;
}

static int open_store(struct store **out, struct chain_context *tip,
		      const struct node_chain *chain,
		      const struct store_options *options,
		      struct base_error *err)
{
	struct store *s;
	int rc = store_open(&s, options, err);

	if (rc < 0)
		return rc;
	rc = store_tip(tip, s, err);
	if (rc == -ENODATA && !options->read_only) {
		chain_context_init(tip, &chain->genesis_header);
		rc = write_genesis(s, tip, chain, err);
	}
	if (rc == 0)
		rc = check_genesis(s, chain, options->dir, err);
	if (rc < 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

/* A light node's datadir has another store instead. */
static int refuse_light(const struct node_datadir *d, struct base_error *err)
{
	char chain[NODE_PATH_MAX];
	char light[NODE_PATH_MAX];
	int rc = node_datadir_path(chain, d, "chain/data.mdb", err);

	if (rc == 0)
		rc = node_datadir_path(light, d, "light/data.mdb", err);
	if (rc == 0 && access(chain, F_OK) < 0 && access(light, F_OK) == 0)
		rc = base_fail(err, -ENOENT,
			       "%.300s is a light node's: it keeps headers and "
			       "its own transactions, and no blocks; name a "
			       "miner's or a full node's --datadir",
			       d->path);
	return rc;
}

int node_chain_open(struct store **out, struct chain_context *tip,
		    const struct node_chain *chain, const struct node_config *c,
		    const struct node_datadir *d, bool read_only,
		    struct base_error *err)
{
	char dir[NODE_PATH_MAX];
	const struct store_options options = {.dir = dir,
					      .map_bytes = c->db_map,
					      .read_only = read_only,
					      .txindex = c->txindex};
	int rc = read_only ? refuse_light(d, err) : 0;

	if (rc == 0)
		rc = read_only ? node_datadir_path(dir, d, "chain", err)
			       : node_datadir_subdir(dir, d, "chain", err);
	if (rc < 0)
		return rc;
	return open_store(out, tip, chain, &options, err);
}
