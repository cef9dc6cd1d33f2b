/* SPDX-License-Identifier: MIT */
/*
 * reader.h: the thread that answers RPC, and the server that feeds it.
 *
 * Floor 5. Answers come from LMDB read transactions and from the published
 * status, so that no caller ever holds up consensus, miners or the disk's
 * writer. While it runs, DATADIR/.cookie (mode 0600) holds the credentials
 * of this run and DATADIR/rpc.addr the address; a clean stop removes both.
 */
#ifndef NODE_READER_H
#define NODE_READER_H

#include "node/config.h"
#include "node/datadir.h"
#include "node/rpc.h"

#define NODE_COOKIE_FILE ".cookie"
#define NODE_RPC_ADDRESS_FILE "rpc.addr"

struct node_reader;

struct node_light;

/* Everything is borrowed until the stop. */
struct node_reader_options {
	const struct node_config *config;
	bool serve;   /* HTTP on config->rpc, unless that is "" */
	bool console; /* node_reader_ask() is going to be called */
	const struct node_datadir *datadir;
	const struct chain_params *params;
	struct store *store;
	const struct node_status_board *status;
	struct node_asks *asks;
	struct node_log *log; /* whose level "logging" sets */
	struct node_wallet *wallet;
	const struct ds_committee *committee;
	bool is_light;		 /* node_reader_set_light() follows */
	void (*stop)(void *ctx); /* the method "stop"; any thread */
	void *stop_ctx;
};

/* Starts the server; where nobody is to be answered *@out is NULL. Requests
 * wait for the thread. 0; -EADDRINUSE and others as api_server_start();
 * errors of files. */
BASE_MUST_CHECK int node_reader_start(struct node_reader **out,
				      const struct node_reader_options *options,
				      struct base_error *err);

/* Starts the thread, once asks are answered. @net is borrowed; NULL: this node
 * has no network. @r NULL is allowed. 0 or -errno. */
BASE_MUST_CHECK int node_reader_run(struct node_reader *r, struct net *net,
				    struct base_error *err);

/* Before that, of a light node; borrowed. @r NULL is allowed. */
void node_reader_set_light(struct node_reader *r, struct node_light *light);

/* Answers the JSON-RPC request @body as the server would, into @out, which was
 * empty. One thread, which sleeps on @asker meanwhile, and only between
 * node_reader_run() and node_reader_stop(). Returns the HTTP status. */
unsigned node_reader_ask(struct node_reader *r, struct api_writer *out,
			 const char *body, size_t len,
			 const struct node_wake *asker);

/* Where it listens; NULL when it does not (@r may be NULL). */
const char *node_reader_address(const struct node_reader *r);

/* Finishes the request under way, answers the others with 503, ends the
 * thread and the server. NULL is allowed. */
void node_reader_stop(struct node_reader *r);

#endif
