/* SPDX-License-Identifier: MIT */
/*
 * genesis.h: the chain of a datadir: its network file and its store agree.
 *
 * Floor 5. Main thread, at start.
 */
#ifndef NODE_GENESIS_H
#define NODE_GENESIS_H

#include "base/error.h"
#include "chain/block.h"
#include "node/config.h"
#include "node/datadir.h"
#include "node/keys.h"
#include "store/store.h"

struct node_chain {
	struct chain_params params;
	uint8_t genesis[CHAIN_GENESIS_MAX];
	size_t genesis_len;
	struct chain_header genesis_header;
	struct base_hash genesis_hash;
};

/* The path of the network file: what --network says, or the datadir's. */
BASE_MUST_CHECK int node_chain_path(char out[static NODE_PATH_MAX],
				    const struct node_config *c,
				    const struct node_datadir *d,
				    struct base_error *err);

/* Reads the network file at @path and builds its genesis block. Errors as
 * node_network_load(). */
BASE_MUST_CHECK int node_chain_load(struct node_chain *out, const char *path,
				    struct base_error *err);

/* The same of a network file's text; @name stands for the file in messages. */
BASE_MUST_CHECK int node_chain_parse(struct node_chain *out, const char *text,
				     size_t len, const char *name,
				     struct base_error *err);

/*
 * Writes a new network file: one member with @keys, no faults, difficulty
 * set so that @hps hashes per second find a block every @spacing_s.
 */
BASE_MUST_CHECK int node_chain_create(const char *path,
				      const struct node_keys *keys, double hps,
				      uint32_t spacing_s,
				      struct base_error *err);

/*
 * Opens DATADIR/chain for @chain. Unless @read_only, an empty store receives
 * the genesis block. 0 with the tip in *@tip; -EXDEV: the store belongs to
 * another network; else as store_open() and store_tip().
 */
BASE_MUST_CHECK int node_chain_open(struct store **out,
				    struct chain_context *tip,
				    const struct node_chain *chain,
				    const struct node_config *c,
				    const struct node_datadir *d,
				    bool read_only, struct base_error *err);

#endif
