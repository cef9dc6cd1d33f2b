/* SPDX-License-Identifier: MIT */
/*
 * rpc.h: the methods of JSON-RPC, as the reader thread answers them.
 *
 * Floor 5. Names, parameters, results and error codes are Bitcoin Core's
 * (its `help METHOD`); what differs is said in the method's help. All of a
 * request, a batch too, sees one status and one snapshot of the store, until
 * a method asks the pool: what it reads after that, and what the methods
 * behind it see, is at least as new. What is above the status' tip is not
 * there yet, even if the store has it.
 */
#ifndef NODE_RPC_H
#define NODE_RPC_H

#include "api/json_rpc.h"
#include "net/net.h"
#include "node/light.h"
#include "node/log.h"
#include "node/pool_view.h"
#include "node/status.h"
#include "node/txpool.h"
#include "node/wallet.h"
#include "node/work.h"
#include "store/store.h"

#define NODE_RPC_ADDED_MAX NET_CONNECT_MAX /* nodes added by addnode */

#define NODE_RPC_LIGHT_MAX 48 /* methods of a light node */

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
	struct node_asks *asks; /* to the consensus thread */
	struct node_wake answered;
	struct node_log *log;
	struct node_wallet *wallet;
	struct net *net; /* NULL: this node has no network */
	const struct ds_committee *committee;
	bool is_light;		  /* there are no blocks, and no pool */
	struct node_light *light; /* then; NULL until it runs */
	uint32_t light_methods;
	struct api_method light_method[NODE_RPC_LIGHT_MAX];
	uint32_t added_count;
	uint8_t added[NODE_RPC_ADDED_MAX][NET_ID_SIZE]; /* by addnode */
	/* Of the request under way. */
	struct node_status status;
	struct store_reader *reader; /* NULL: the store gave none */
};

/* Takes the snapshot for one request; ends it. */
void node_rpc_begin(struct node_rpc *rpc);
void node_rpc_end(struct node_rpc *rpc);

/* Asks of this thread; and what a method says when one fails with @rc:
 * API_NOT_FOUND "Transaction not in mempool", or that the node is busy. */
struct node_pool_view node_rpc_pool(const struct node_rpc *rpc);
enum api_code node_rpc_pool_failed(struct api_call *call, int rc);

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

/* The count of its transactions; @out stands at the first. */
uint64_t node_rpc_block_txs(struct base_reader *out,
			    const struct node_rpc_block *b);

/* difficulty = (target of 1d00ffff) / target, as Bitcoin Core computes it. */
double node_rpc_difficulty(uint32_t bits);

/* "bits" and "target" as eight and 64 hex digits. */
void node_rpc_put_target(struct api_writer *w, uint32_t bits);
void node_rpc_put_work(struct api_writer *w, const char *key,
		       const struct base_u256 *work);

/* "scriptPubKey" of an output, into an open object. */
void node_rpc_put_script(struct api_writer *w, const uint8_t *script,
			 size_t len, const struct chain_params *p);

/* The members of a decoded transaction, into an open object. */
void node_rpc_put_tx(struct api_writer *w, const struct chain_tx_view *tx,
		     const struct chain_params *p, uint8_t *scratch);

/* A transaction, and where it is. */
struct node_rpc_tx {
	struct chain_tx_view view; /* its bytes are @data's, or the block's */
	uint8_t *data;		   /* owned; NULL: it is in @block */
	bool has_fee;		   /* it is in the pool */
	struct base_amount fee;
	struct node_rpc_block block;
};

/* Decodes @hex. API_OK: free with node_rpc_tx_free(); API_DESERIALIZATION,
 * API_OUT_OF_MEMORY. */
BASE_MUST_CHECK enum api_code node_rpc_tx_decode(struct node_rpc_tx *out,
						 struct api_call *call,
						 const char *hex);

/* Finds @txid in @in or, where that is NULL, in the pool. API_OK: free with
 * node_rpc_tx_free(); API_NOT_FOUND and others. */
BASE_MUST_CHECK enum api_code node_rpc_tx_find(struct node_rpc_tx *out,
					       struct api_call *call,
					       const struct base_hash *txid,
					       const struct node_rpc_block *in);
void node_rpc_tx_free(struct node_rpc_tx *tx);

/* Everything that getrawtransaction says, as an object. @chosen: the caller
 * named the block; @fee: it wants the fee. */
enum api_code node_rpc_put_found(struct api_call *call,
				 const struct node_rpc_tx *tx, bool chosen,
				 bool fee);

/* Offers a transaction to the pool. API_OK with the answer in @o: it is in
 * the pool, or, of a trial, whatever was said; otherwise the code that
 * sendrawtransaction gives. */
BASE_MUST_CHECK enum api_code node_rpc_offer(struct api_call *call,
					     struct node_tx_offer *o);

/* An unspent output of the chain. */
struct node_rpc_coin {
	struct base_height tip; /* of the coins, the status' or above */
	struct chain_coin coin;
	bool unconfirmed; /* made by an entry of the pool */
};

/* 0; -ENOENT: there is none, or it is spent, with @mempool also in the pool;
 * or asks' and the store's errors. */
BASE_MUST_CHECK int node_rpc_coin_find(struct node_rpc_coin *out,
				       struct node_rpc *rpc,
				       const struct chain_outpoint *at,
				       bool mempool);

/* A block as getblock and getblockheader say it. */
enum api_code node_rpc_put_block(struct api_call *call,
				 const struct node_rpc_block *b, bool details);
enum api_code node_rpc_put_header(struct api_call *call,
				  const struct node_rpc_block *b);

/* The pool as getrawmempool says it. */
enum api_code node_rpc_put_mempool(struct api_call *call, bool verbose,
				   bool sequence);
/* The wallet as of now: it has seen the pool, then the chain. API_OK;
 * API_DATABASE, API_WALLET, API_OUT_OF_MEMORY. */
BASE_MUST_CHECK enum api_code node_rpc_wallet(struct node_wallet **out,
					      struct api_call *call);

/* What the network last said of itself; free it. NULL, having failed with
 * API_OUT_OF_MEMORY. Without a network it is all zero. */
struct net_view *node_rpc_net_view(struct api_call *call);
/* API_NO_NETWORK where there is none. */
BASE_MUST_CHECK enum api_code node_rpc_need_net(struct api_call *call);
/* What a command to the network gave: 0, or -EAGAIN. API_OK with null written;
 * API_MISC. */
enum api_code node_rpc_net_done(struct api_call *call, int rc);

/* @text as an address of this network. API_OK;
 * API_NOT_FOUND. */
BASE_MUST_CHECK enum api_code
node_rpc_address(uint8_t key[static CHAIN_KEY_SIZE], struct api_call *call,
		 const char *text);

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
/* rpc_consensus.c */
enum api_code node_rpc_getcertificate(struct api_call *call);
enum api_code node_rpc_getcommittee(struct api_call *call);
enum api_code node_rpc_getconsensusinfo(struct api_call *call);
/* rpc_control.c */
enum api_code node_rpc_logging(struct api_call *call);
enum api_code node_rpc_stop(struct api_call *call);
enum api_code node_rpc_uptime(struct api_call *call);
/* rpc_mempool.c */
enum api_code node_rpc_getmempoolancestors(struct api_call *call);
enum api_code node_rpc_getmempooldescendants(struct api_call *call);
enum api_code node_rpc_getmempoolentry(struct api_call *call);
enum api_code node_rpc_getmempoolinfo(struct api_call *call);
enum api_code node_rpc_getrawmempool(struct api_call *call);
/* rpc_net.c */
enum api_code node_rpc_addnode(struct api_call *call);
enum api_code node_rpc_disconnectnode(struct api_call *call);
enum api_code node_rpc_getconnectioncount(struct api_call *call);
enum api_code node_rpc_getnetworkinfo(struct api_call *call);
enum api_code node_rpc_getpeerinfo(struct api_call *call);
enum api_code node_rpc_grantaccess(struct api_call *call);
enum api_code node_rpc_ping(struct api_call *call);
enum api_code node_rpc_requestaccess(struct api_call *call);
/* rpc_ban.c */
enum api_code node_rpc_clearbanned(struct api_call *call);
enum api_code node_rpc_listbanned(struct api_call *call);
enum api_code node_rpc_setban(struct api_call *call);
/* rpc_mining.c */
enum api_code node_rpc_broadcastblock(struct api_call *call);
enum api_code node_rpc_holdblocks(struct api_call *call);
enum api_code node_rpc_pausemining(struct api_call *call);
enum api_code node_rpc_resumemining(struct api_call *call);
/* rpc_next_block.c */
enum api_code node_rpc_estimatesmartfee(struct api_call *call);
enum api_code node_rpc_excludetransaction(struct api_call *call);
enum api_code node_rpc_pintransaction(struct api_call *call);
enum api_code node_rpc_prioritisetransaction(struct api_call *call);
enum api_code node_rpc_unpintransaction(struct api_call *call);
/* rpc_proof.c */
enum api_code node_rpc_gettxoutproof(struct api_call *call);
enum api_code node_rpc_verifytxoutproof(struct api_call *call);
/* rpc_rawtx.c */
enum api_code node_rpc_decoderawtransaction(struct api_call *call);
enum api_code node_rpc_getindexinfo(struct api_call *call);
enum api_code node_rpc_getrawtransaction(struct api_call *call);
enum api_code node_rpc_sendrawtransaction(struct api_call *call);
enum api_code node_rpc_testmempoolaccept(struct api_call *call);
/* rpc_utxo.c */
enum api_code node_rpc_gettxout(struct api_call *call);
enum api_code node_rpc_validateaddress(struct api_call *call);
/* rpc_send.c */
enum api_code node_rpc_sendtoaddress(struct api_call *call);
/* rpc_wallet.c */
enum api_code node_rpc_getaddressinfo(struct api_call *call);
enum api_code node_rpc_getbalance(struct api_call *call);
enum api_code node_rpc_getbalances(struct api_call *call);
enum api_code node_rpc_getnewaddress(struct api_call *call);
enum api_code node_rpc_getrawchangeaddress(struct api_call *call);
enum api_code node_rpc_getwalletinfo(struct api_call *call);
enum api_code node_rpc_listunspent(struct api_call *call);
/* rpc_lock.c */
enum api_code node_rpc_encryptwallet(struct api_call *call);
enum api_code node_rpc_walletlock(struct api_call *call);
enum api_code node_rpc_walletpassphrase(struct api_call *call);
enum api_code node_rpc_walletpassphrasechange(struct api_call *call);

#endif
