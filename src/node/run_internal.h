/* SPDX-License-Identifier: MIT */
/*
 * run_internal.h: what a running node holds; run.c and run_threads.c alone
 * include it.
 *
 * Floor 5. Main thread. run.c opens and closes what outlives the threads,
 * run_threads.c starts and stops them.
 */
#ifndef NODE_RUN_INTERNAL_H
#define NODE_RUN_INTERNAL_H

#include <signal.h>

#include "node/consensus.h"
#include "node/console.h"
#include "node/genesis.h"
#include "node/light.h"
#include "node/peers.h"
#include "node/reader.h"
#include "node/wake.h"
#include "node/wallet.h"
#include "pow/pool_topo.h"

/* Everything a running node holds, in the order in which it is taken; freed
 * backwards. */
struct node {
	const struct node_config *config;
	/* As SIGHUP left it; config's own where it did not. Threads have
	 * config, which changes when they have ended. */
	const struct node_config *latest;
	const struct node_config *first; /* of the start; not ours */
	struct pow_topo topo;
	struct pow_plan plan;
	struct node_datadir datadir;
	const struct minerd_pow_backend *backend;
	double hps;  /* of one thread */
	bool locked; /* another node holds the datadir */
	struct node_keys keys;
	struct node_wallet *wallet;
	uint8_t payout_key[CHAIN_KEY_SIZE];
	struct node_chain chain;
	struct ds_committee committee;
	int self;     /* our place in it, or -1 */
	bool created; /* the network was made by this start */
	bool vouched; /* certificates off: for what is final here */
	struct store *store;
	struct chain_context tip;
	struct node_wake ended; /* rung when the node must stop by itself */
	int signals;
	sigset_t old_mask;
	struct node_log *log;
	struct node_status_board status;
	struct node_asks asks;
	struct node_txpool *pool;
	struct node_peers *peers; /* NULL: it has none */
	struct node_consensus *consensus;
	struct node_light *light; /* in its place */
	struct node_reader *reader;
	struct node_console *console; /* NULL: lines alone */
};

static inline bool node_is_light(const struct node *n)
{
	return n->config->mode == NET_LIGHT;
}

/* On what run.c opened. After an error node_threads_stop() all the same. 0 or
 * the error of a thread. */
BASE_MUST_CHECK int node_threads_start(struct node *n, struct base_error *err);

/* 0; what the consensus or the light thread could not go on for; -ERESTART and
 * -EUCLEAN as node_consensus_stop(). */
BASE_MUST_CHECK int node_threads_stop(struct node *n, struct base_error *err);

/* reload.c: SIGHUP: reads the configuration again, and does what can be done
 * while the threads run. What went wrong is logged. */
void node_reload(struct node *n);
/* The bans of the configuration, once there is a net. */
void node_reload_bans(const struct node *n);
/* Makes latest the config, once no thread runs. */
void node_reload_settle(struct node *n);
/* Frees what is ours. */
void node_reload_close(struct node *n);

#endif
