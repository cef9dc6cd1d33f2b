/* SPDX-License-Identifier: MIT */
/*
 * light.h: the thread of a light node, in place of the consensus thread.
 *
 * Floor 5. It follows the chain by headers and certificates (consensus/light.h)
 * that any peer may give, keeps them and its own transactions with their proofs
 * (store/light.h), and sends transactions of its own. It has the net's
 * NET_CONSENSUS port. It believes no peer: headers are checked, finality needs
 * a certificate, a transaction a proof under a final header. What peers can do
 * is leave out, so two are asked for the history of each key, and what either
 * knows is taken.
 *
 * Who lies is banned (network.md). Headers that only together lead nowhere may
 * come from several peers: then one alone is asked, from the last final header
 * on, and what it says is its own fault.
 */
#ifndef NODE_LIGHT_H
#define NODE_LIGHT_H

#include "base/error.h"
#include "net/net.h"
#include "node/bip86.h"
#include "node/log.h"
#include "node/pool_copy.h"
#include "node/status.h"
#include "node/txpool.h"
#include "node/wake.h"
#include "node/wallet.h"
#include "store/light.h"

/* Addresses of each branch looked for behind those in use. */
#define NODE_LIGHT_GAP 40u
/* Addresses, and transactions whose outputs are ours. */
#define NODE_LIGHT_KEYS_MAX 8192u
/* Transactions on their way. */
#define NODE_LIGHT_PENDING_MAX 64u
/* Who watches is asked all the same, so often: news can be left out. */
#define NODE_LIGHT_POLL_BLOCKS 10u
/* Peers that are asked about each key. */
#define NODE_LIGHT_WITNESSES 2u

struct node_light;

/* Everything is borrowed until the stop. */
struct node_light_options {
	const struct chain_params *params;
	const struct ds_committee *committee;
	const struct chain_header *genesis;
	struct store *store; /* opened with `light` */
	struct net *net;
	const struct node_wake *wake;	  /* rung for its NET_CONSENSUS port */
	struct node_status_board *status; /* initialised; NULL: none */
	struct node_log *log;
	/* The wallet's public part, read at the start only; NULL: none. */
	const struct node_wallet *wallet;
	/* Called once by the thread when it cannot go on. */
	void (*failed)(void *ctx);
	void *failed_ctx;
};

/*
 * Goes on where the store ends. 0; -ENOTSUP: the network makes no
 * certificates; -EXDEV: the store is another network's; -EBADMSG: it is
 * damaged; errors of the store; -ENOMEM; -errno.
 */
BASE_MUST_CHECK int node_light_start(struct node_light **out,
				     const struct node_light_options *options,
				     struct base_error *err);

/* 0, or the negative error that @failed was called for. NULL: 0. */
BASE_MUST_CHECK int node_light_stop(struct node_light *light,
				    struct base_error *err);

/* ---- any thread ---- */

/* Sends a transaction, and again until a block has it; waits on @asker, which
 * nothing else rings, until it is durable. Not while the node is being stopped.
 * 0; -EINVAL: it is none; -ENOSPC: PENDING_MAX are on their way; -EAGAIN: too
 * many threads send; errors of the store. */
BASE_MUST_CHECK int node_light_send(struct node_light *light, const uint8_t *tx,
				    size_t len, const struct node_wake *asker);

/* Addresses of @branch below @next are in use. */
void node_light_use(struct node_light *light, enum node_branch branch,
		    uint32_t next);

/* What a display may say. */
struct node_light_view {
	uint32_t final;	   /* height */
	uint32_t tip;	   /* of headers that passed the rules */
	uint32_t target;   /* that a certificate names; 0: none above final */
	uint32_t searched; /* our transactions are known up to there, by as
			    * many peers as should be asked */
	uint32_t asked;	   /* the same, by one at least */
	uint32_t txs;	   /* that are ours and proved, since the start */
	uint32_t alone;	   /* 1: one peer alone is believed to know the way */
	uint32_t halted;   /* 1: certificates contradict each other */
};
void node_light_look(struct node_light_view *out,
		     const struct node_light *light);

/* ---- the wallet ---- */

/* Takes in all transactions of the light store's snapshot, as
 * node_wallet_sync() does with blocks. Errors as there. */
BASE_MUST_CHECK int node_light_wallet(struct node_wallet *w,
				      struct store_reader *r,
				      struct base_error *err);

/* Those on their way, as a pool that has nothing else (node/pool_copy.h).
 * 0; -ENOMEM; -EBADMSG. */
BASE_MUST_CHECK int node_light_pool(struct node_pool_copy *out,
				    struct store_reader *r);

/* Takes an offer as the pool of a full node does; what its coins are worth
 * nobody here knows. 0, or -EAGAIN. */
BASE_MUST_CHECK int node_light_offer(struct node_light *light,
				     const struct chain_params *p,
				     struct node_tx_offer *offer,
				     const struct node_wake *asker);

#endif
