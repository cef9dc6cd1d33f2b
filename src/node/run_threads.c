/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "chain/address.h"
#include "node/clock.h"
#include "node/member.h"
#include "node/run_internal.h"
#include "node/verify_rate.h"
#include "node/version.h"

#define VERIFY_THREADS_AUTO 16

static void ring_ended(void *ctx)
{
	const struct node_wake *w = ctx;

	node_wake_ring(w);
}

static bool mines(const struct node *n)
{
	return n->config->mode == NET_MINER;
}

static void say_hello(const struct node *n)
{
	const struct chain_params *p = &n->chain.params;
	char address[CHAIN_ADDRESS_SIZE];
	char hash[BASE_HASH_HEX_SIZE];

	chain_address_encode(address, p->address_prefix, n->payout_key);
	base_hash_to_hex(hash, &n->chain.genesis_hash);
	node_log(n->log, NODE_LOG_INFO, "start",
		 "minerd " NODE_VERSION_TEXT ", datadir %s", n->datadir.path);
	if (p->member_count == 1)
		node_log(n->log, NODE_LOG_INFO, "network",
			 "%s network '%s' of one member, genesis %s",
			 n->created ? "new" : "resumed", p->name, hash);
	else
		node_log(n->log, NODE_LOG_INFO, "network",
			 "network '%s' of %u members, %u may fail, a tick "
			 "every %u ms, genesis %s; this node is %s%s",
			 p->name, p->member_count, p->faults, p->delta_ms, hash,
			 n->self >= 0 ? "member " : "no member",
			 n->self >= 0 ? p->member[n->self].name : "");
	if (mines(n))
		node_log(
			n->log, NODE_LOG_INFO, "mining",
			"mining from height %u on %u thread%s with %s, a block "
			"every %u s, paid to %s",
			n->tip.height.n, n->plan.worker_count,
			n->plan.worker_count == 1 ? "" : "s", n->backend->name,
			p->spacing_s, address);
	else if (node_is_light(n))
		node_log(n->log, NODE_LOG_INFO, "following",
			 "keeping headers and certificates, addresses are paid "
			 "as %s",
			 address);
	else
		node_log(n->log, NODE_LOG_INFO, "following",
			 "keeping the chain from height %u, addresses are paid "
			 "as %s",
			 n->tip.height.n, address);
	if (node_reader_address(n->reader))
		node_log(n->log, NODE_LOG_INFO, "rpc", "JSON-RPC on %s",
			 node_reader_address(n->reader));
	if (mines(n) && n->plan.oversubscribed)
		node_log(n->log, NODE_LOG_WARN, "oversubscribed",
			 "%u threads share %u CPUs: more threads than CPUs "
			 "mine no faster",
			 n->plan.worker_count, n->plan.usable);
}

/* Methods are for the console and, over HTTP, for others; for those a light
 * node has them only when asked: they take memory. */
static int start_rpc(struct node *n, struct base_error *err)
{
	bool by_default = node_config_is_default(n->config, "rpc");
	struct node_reader_options options = {.config = n->config,
					      .serve = !node_is_light(n) ||
						       !by_default,
					      .console = n->console != NULL,
					      .datadir = &n->datadir,
					      .params = &n->chain.params,
					      .store = n->store,
					      .status = &n->status,
					      .asks = &n->asks,
					      .log = n->log,
					      .wallet = n->wallet,
					      .committee = &n->committee,
					      .is_light = node_is_light(n),
					      .stop = ring_ended,
					      .stop_ctx = &n->ended};
	int rc = node_reader_start(&n->reader, &options, err);

	/* Two nodes of one user: the second asked for no address. */
	if (rc != -EADDRINUSE || !by_default)
		return rc;
	node_log(n->log, NODE_LOG_WARN, "rpc_off",
		 "no JSON-RPC: %s is in use; choose another with --rpc "
		 "ADDR:PORT",
		 n->config->rpc);
	options.serve = false;
	return node_reader_start(&n->reader, &options, err);
}

static int start_console(struct node *n, struct base_error *err)
{
	const struct node_console_options options = {
		.config = n->config,
		.datadir = &n->datadir,
		.params = &n->chain.params,
		.status = &n->status,
		.reader = n->reader,
		.net = node_peers_net(n->peers),
		.stop = ring_ended,
		.stop_ctx = &n->ended};

	return node_console_run(n->console, &options, err);
}

/* Signatures come in bursts, one for each block or message: as many threads
 * as may run at once, but no more than such a burst keeps busy. */
static uint32_t verify_threads(const struct node *n)
{
	if (n->config->verify_threads)
		return n->config->verify_threads;
	return n->plan.usable < VERIFY_THREADS_AUTO ? n->plan.usable
						    : VERIFY_THREADS_AUTO;
}

/* The pool of transactions as the last run left it, judged anew. */
static int restore_pool(struct node *n, struct base_error *err)
{
	struct store_reader *r;
	struct chain_coins coins;
	struct node_clock clock;
	uint32_t count;
	bool damaged;
	int rc = node_asks_open(&n->asks);

	if (rc < 0)
		return base_fail(err, rc, "cannot make an eventfd: %s",
				 strerror(-rc));
	rc = node_txpool_open(&n->pool, &n->chain.params,
			      CHAIN_MEMPOOL_BYTES_MAX, err);
	if (rc == 0)
		rc = store_read_begin(&r, n->store, err);
	if (rc < 0)
		return rc;
	node_clock_init(&clock);
	coins = store_coins(r);
	node_txpool_set_tip(n->pool, &coins, n->tip.height);
	node_txpool_set_time(n->pool, node_clock_ms(&clock) / 1000);
	count = node_txpool_restore(n->pool, r, &damaged);
	node_txpool_set_tip(n->pool, &chain_coins_empty, n->tip.height);
	store_read_end(r);
	if (count > 0)
		node_log(n->log, NODE_LOG_INFO, "pool_restored",
			 "%u transactions wait for a block", count);
	if (damaged)
		node_log(n->log, NODE_LOG_WARN, "pool_damaged",
			 "the kept transactions are damaged; what could be "
			 "read is back, who sent others sends them again");
	return 0;
}

/* The threads have ended; a pool that cannot be kept loses nothing that is
 * in the chain. */
static void keep_pool(struct node *n)
{
	struct base_error err;

	if (node_txpool_dump(n->pool, n->store, &err) < 0)
		node_log(n->log, NODE_LOG_WARN, "pool_lost",
			 "waiting transactions were not kept: %s", err.text);
}

static int start_peers(struct node *n, struct base_error *err)
{
	const struct node_peers_options options = {.config = n->config,
						   .datadir = &n->datadir,
						   .chain = &n->chain,
						   .committee = &n->committee,
						   .keys = &n->keys,
						   .self = n->self,
						   .store = n->store,
						   .status = &n->status,
						   .asks = &n->asks,
						   .log = n->log};

	return node_peers_start(&n->peers, &options, err);
}

/* R7: without certificates nothing on disk or on the wire proves what is
 * final. Who is here before tick 0 needs nobody's word, and so goes on when
 * the clock is set back; others need that of people. */
static bool vouched_for(struct node *n)
{
	struct node_clock clock;
	char hash[BASE_HASH_HEX_SIZE];

	if (n->committee.certified || n->vouched)
		return true;
	node_clock_init(&clock);
	n->vouched = n->config->trusts_tip ||
		     (n->tip.height.n == 0 &&
		      node_clock_ms(&clock) < n->committee.t0_ms);
	node_log(n->log, NODE_LOG_WARN, "no_certificates",
		 "%u of %u members may fail, so this network makes no "
		 "certificates: every start of a member after the first needs "
		 "--trust-tip HASH, which all members agree on",
		 n->committee.f, n->committee.n);
	if (n->vouched)
		return true;
	base_hash_to_hex(hash, &n->tip.hash);
	node_log(n->log, NODE_LOG_ERROR, "not_vouched",
		 "this member has block %u %s, and nobody vouches for it: it "
		 "signs nothing. Compare it with the other members' last "
		 "blocks, and start with --trust-tip HASH",
		 n->tip.height.n, hash);
	return false;
}

/* Whether this member is fit for the rounds; if it is not it follows them, and
 * says why. */
static bool takes_part(struct node *n)
{
	const struct chain_params *p = &n->chain.params;
	uint32_t threads = verify_threads(n);
	double rate;

	if (n->self < 0 || p->member_count == 1)
		return n->self >= 0;
	if (threads > n->plan.usable)
		threads = n->plan.usable;
	rate = node_verify_rate();
	node_log(n->log, NODE_LOG_INFO, "verify_rate",
		 "verifying %.0f signatures a second on %u thread%s: full "
		 "blocks of all members take %.0f ms, where %u ms may be",
		 rate * threads, threads, threads == 1 ? "" : "s",
		 1000.0 * p->member_count * p->max_block_inputs /
			 (rate * threads),
		 p->delta_ms / 4);
	if (node_verify_fast_enough(p, rate, threads))
		return vouched_for(n);
	node_log(n->log, NODE_LOG_ERROR, "too_slow",
		 "this machine verifies %.0f signatures a second, and %u "
		 "members' blocks of %u inputs must be verified within %u ms: "
		 "it signs nothing. Give it more CPUs, or found the network "
		 "with a lower max_block_inputs or a higher delta_ms",
		 rate * threads, p->member_count, p->max_block_inputs,
		 p->delta_ms / 4);
	return false;
}

static int start_log(struct node *n, struct base_error *err)
{
	struct node_log_options log = {.json = n->config->log_json,
				       .level = n->config->log_level,
				       .closed = ring_ended,
				       .closed_ctx = &n->ended};
	int rc = 0;

	if (node_console_wanted(n->config))
		rc = node_console_open(&n->console, err);
	log.fd = node_console_log_fd(n->console);
	return rc == 0 ? node_log_start(&n->log, &log, err) : rc;
}

/* A light node: the net, and one thread more. */
static int start_light(struct node *n, struct base_error *err)
{
	struct node_light_options o = {.params = &n->chain.params,
				       .committee = &n->committee,
				       .genesis = &n->chain.genesis_header,
				       .store = n->store,
				       .wake = &n->asks.wake,
				       .status = &n->status,
				       .wallet = n->wallet,
				       .failed = ring_ended,
				       .failed_ctx = &n->ended};
	const struct node_status status = {.mode = DS_SYNC};
	int rc = start_log(n, err);

	if (rc < 0)
		return rc;
	node_status_init(&n->status, &status);
	rc = node_asks_open(&n->asks);
	if (rc < 0)
		return base_fail(err, rc, "cannot make an eventfd: %s",
				 strerror(-rc));
	rc = start_rpc(n, err);
	if (rc < 0)
		return rc;
	say_hello(n);
	rc = start_peers(n, err);
	if (rc < 0)
		return rc;
	node_reload_bans(n);
	o.log = n->log;
	o.net = node_peers_net(n->peers);
	rc = node_light_start(&n->light, &o, err);
	node_reader_set_light(n->reader, n->light);
	if (rc == 0)
		rc = node_reader_run(n->reader, o.net, err);
	return rc == 0 ? start_console(n, err) : rc;
}

int node_threads_start(struct node *n, struct base_error *err)
{
	struct node_consensus_options o = {
		.params = &n->chain.params,
		.committee = &n->committee,
		.tip = n->tip,
		.store = n->store,
		.backend = n->backend,
		.status = &n->status,
		.asks = &n->asks,
		.verify_threads = verify_threads(n),
		.failed = ring_ended,
		.failed_ctx = &n->ended,
	};
	bool fit;
	const struct node_status status = {
		.tip = n->tip, .threads = mines(n) ? n->plan.worker_count : 0};
	int rc;

	if (node_is_light(n))
		return start_light(n, err);
	rc = start_log(n, err);
	if (rc < 0)
		return rc;
	node_status_init(&n->status, &status);
	if (node_status_open_rounds(&n->status) < 0)
		return base_fail(err, -ENOMEM, "no memory for the status");
	/* First, so that an address in use is said before anything else. */
	rc = start_rpc(n, err);
	if (rc < 0)
		return rc;
	say_hello(n);
	rc = restore_pool(n, err);
	if (rc < 0)
		return rc;
	rc = start_peers(n, err);
	if (rc < 0)
		return rc;
	node_reload_bans(n);
	fit = takes_part(n);
	if (n->config->trusts_tip)
		o.trusted = &n->config->trust_tip;
	if (o.trusted && n->committee.certified)
		node_log(n->log, NODE_LOG_WARN, "trust_tip",
			 "this network has certificates, which prove what is "
			 "final; --trust-tip changes nothing");
	o.self = fit ? n->self : -1;
	o.signing_secret = fit ? n->keys.signing_secret : NULL;
	o.plan = fit && mines(n) ? &n->plan : NULL;
	o.pool = n->pool;
	o.log = n->log;
	o.net = node_peers_net(n->peers);
	o.final = node_peers_bell(n->peers);
	memcpy(o.payout_key, n->payout_key, sizeof(o.payout_key));
	rc = node_consensus_start(&n->consensus, &o, err);
	if (rc == 0)
		rc = node_reader_run(n->reader, o.net, err);
	return rc == 0 ? start_console(n, err) : rc;
}

int node_threads_stop(struct node *n, struct base_error *err)
{
	int rc = 0;

	node_console_quiet(n->console);
	node_reader_stop(n->reader);
	n->reader = NULL;
	if (n->consensus) {
		rc = node_consensus_stop(&n->tip, n->consensus, err);
		n->consensus = NULL;
		node_log(n->log, NODE_LOG_INFO, "stop", "stopped at height %u",
			 n->tip.height.n);
		if (rc == 0 || rc == -ERESTART || rc == -EUCLEAN)
			keep_pool(n);
	}
	if (n->light) {
		rc = node_light_stop(n->light, err);
		n->light = NULL;
		node_log(n->log, NODE_LOG_INFO, "stop", "stopped");
	}
	node_peers_stop(n->peers);
	n->peers = NULL;
	node_txpool_close(n->pool);
	n->pool = NULL;
	node_asks_close(&n->asks);
	node_status_close(&n->status);
	node_log_stop(n->log);
	n->log = NULL;
	node_console_stop(n->console);
	n->console = NULL;
	return rc;
}
