/* SPDX-License-Identifier: MIT */
/*
 * rpc.h: the methods of JSON-RPC, as the reader thread answers them.
 *
 * Floor 5. Names, parameters, results and error codes are Bitcoin Core's
 * (its `help METHOD`); what differs is said in the method's help. All of a
 * request, a batch too, sees one status and one snapshot of the store. What
 * is above the status' tip is not there yet, even if the store has it.
 */
#ifndef NODE_RPC_H
#define NODE_RPC_H

#include "api/json_rpc.h"
#include "node/status.h"
#include "node/work.h"
#include "store/store.h"

/* The methods' context. One thread. */
struct node_rpc {
	const struct chain_params *params;
	struct store *store;
	const struct node_status_board *board;
	char data_path[4096]; /* the store's file, for its size */
	uint64_t started_ms;  /* monotonic */
	void (*stop)(void *ctx);
	void *stop_ctx;
	struct node_work work;
	/* Of the request under way. */
	struct node_status status;
	struct store_reader *reader; /* NULL: the store gave none */
};

/* Takes the snapshot for one request; ends it. */
void node_rpc_begin(struct node_rpc *rpc);
void node_rpc_end(struct node_rpc *rpc);

/* Every method, with @rpc as context. */
struct api_table node_rpc_table(struct node_rpc *rpc);

/* A block of the chain, borrowed until node_rpc_end(). */
struct node_rpc_block {
	struct base_height height;
	struct base_hash hash;
	struct chain_header header;
	const uint8_t *data;
	size_t len;
};

/* API_OK; API_NOT_FOUND "Block not found"; API_DATABASE. */
BASE_MUST_CHECK enum api_code node_rpc_block_at(struct node_rpc_block *out,
						struct api_call *call,
						struct base_height height);
BASE_MUST_CHECK enum api_code
node_rpc_block_by_hash(struct node_rpc_block *out, struct api_call *call,
		       const struct base_hash *hash);

/* difficulty = (target of 1d00ffff) / target, as Bitcoin Core computes it. */
double node_rpc_difficulty(uint32_t bits);

/* "bits" and "target" as eight and 64 hex digits. */
void node_rpc_put_target(struct api_writer *w, uint32_t bits);
void node_rpc_put_work(struct api_writer *w, const char *key,
		       const struct base_u256 *work);

/* The members of a decoded transaction, into an open object. */
void node_rpc_put_tx(struct api_writer *w, const struct chain_tx_view *tx,
		     const struct chain_params *p, uint8_t *scratch);

/* rpc_block.c */
enum api_code node_rpc_getblock(struct api_call *call);
enum api_code node_rpc_getblockheader(struct api_call *call);
/* rpc_chain.c */
enum api_code node_rpc_getblockcount(struct api_call *call);
enum api_code node_rpc_getbestblockhash(struct api_call *call);
enum api_code node_rpc_getblockhash(struct api_call *call);
enum api_code node_rpc_getblockchaininfo(struct api_call *call);
enum api_code node_rpc_getchaintips(struct api_call *call);
enum api_code node_rpc_getdifficulty(struct api_call *call);
enum api_code node_rpc_getmininginfo(struct api_call *call);
enum api_code node_rpc_getnetworkhashps(struct api_call *call);

#endif
