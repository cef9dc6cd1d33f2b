/* SPDX-License-Identifier: MIT */
#include "node/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "base/bytes.h"
#include "chain/address.h"
#include "node/clock.h"
#include "node/consensus.h"
#include "node/console.h"
#include "node/genesis.h"
#include "node/light.h"
#include "node/member.h"
#include "node/passphrase.h"
#include "node/peers.h"
#include "node/reader.h"
#include "node/verify_rate.h"
#include "node/version.h"
#include "node/wake.h"
#include "node/wallet.h"
#include "pow/pool_load.h"
#include "pow/pool_topo.h"

#define VERIFY_THREADS_AUTO 16

/* Everything a running node holds, in the order in which it is taken; freed
 * backwards. */
struct node {
	const struct node_config *config;
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

int node_complain(const struct base_error *err, int status)
{
	(void)fprintf(stderr, "minerd: %s\n", err->text);
	return status;
}

static bool is_light(const struct node *n)
{
	return n->config->mode == NET_LIGHT;
}

static int make_plan(struct node *n, struct base_error *err)
{
	struct pow_plan_request request = {
		.threads = n->config->threads,
		.affinity_set = n->config->affinity_set,
	};
	int rc;

	memcpy(request.affinity, n->config->affinity, sizeof(request.affinity));
	rc = pow_topo_read(&n->topo, NULL, err);
	if (rc < 0)
		return rc;
	rc = pow_plan_make(&n->plan, &n->topo, &request);
	if (rc < 0)
		return base_fail(err, rc,
				 "--cpu-affinity leaves no CPU that this "
				 "process may use; 'minerd --print-topology' "
				 "shows them");
	return 0;
}

/* What this machine is expected to search, in hashes per second. */
static double expected_hps(const struct node *n)
{
	uint32_t working = n->plan.worker_count;

	if (working > n->plan.usable)
		working = n->plan.usable;
	return n->hps * working;
}

/* Our place in the committee. */
static int find_member(struct node *n, struct base_error *err)
{
	const struct chain_params *p = &n->chain.params;

	n->self = -1;
	for (uint32_t i = 0; i < p->member_count; i++)
		if (memcmp(p->member[i].signing_key, n->keys.signing_public,
			   32) == 0)
			n->self = (int)i;
	if (n->self >= 0 && memcmp(p->member[n->self].node_id, n->keys.node_id,
				   sizeof(n->keys.node_id)) != 0)
		return base_fail(
			err, -EXDEV,
			"keys/node.key in %.200s is not the one that "
			"the network file names for member '%s'; "
			"restore that key, or choose another --datadir",
			n->datadir.path, p->member[n->self].name);
	if (n->self >= 0 || n->config->mode != NET_MINER)
		return 0;
	if (p->member_count == 1)
		return base_fail(err, -EXDEV,
				 "keys/signing.key in %.200s is not the key of "
				 "the network's member '%s'; restore that key, "
				 "or choose another --datadir",
				 n->datadir.path, p->member[0].name);
	return base_fail(err, -EXDEV,
			 "keys/signing.key in %.200s is no member's of the "
			 "network '%s', and only members mine; restore that "
			 "key, or follow the network with --full or --light",
			 n->datadir.path, p->name);
}

/* With the network its wallet is made; later a missing one is an error. */
static int open_wallet(struct node *n, bool create, struct base_error *err)
{
	struct node_passphrase p;
	int rc = node_passphrase_file(&p, n->config, err);

	if (rc == 0)
		rc = node_wallet_open(&n->wallet, &n->datadir, create,
				      p.given ? p.text : NULL, err);
	base_wipe(&p, sizeof(p));
	if (rc == 0 && node_wallet_payout_key(n->payout_key, n->wallet) < 0)
		rc = base_fail(err, -ENOMEM, "the wallet has no address");
	return rc;
}

/* The network file, made now where there is none; never over a chain that
 * lost its file. */
static int load_chain(struct node *n, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char data[NODE_PATH_MAX];
	bool missing;
	bool described;
	bool fresh;
	int rc = node_chain_path(path, n->config, &n->datadir, err);

	if (rc == 0)
		rc = node_datadir_path(
			data, &n->datadir,
			is_light(n) ? "light/data.mdb" : "chain/data.mdb", err);
	if (rc < 0)
		return rc;
	missing = access(path, F_OK) < 0 && errno == ENOENT;
	/* Before there is a chain, or others were told, nothing can have been
	 * lost. */
	described = node_member_described(&n->datadir);
	fresh = access(data, F_OK) < 0 && !described;
	if (missing && *n->config->network)
		return base_fail(err, -ENOENT,
				 "there is no network file %.300s; check "
				 "--network, or leave it out for a network of "
				 "your own",
				 path);
	if (missing && described)
		return base_fail(err, -ENOENT,
				 "this is the datadir of a member, but %.300s "
				 "is missing; put the network file there, or "
				 "name it with --network",
				 path);
	if (missing && !fresh)
		return base_fail(err, -ENOENT,
				 "%.300s is missing, but the datadir has a "
				 "chain; restore the file from your backup, or "
				 "choose another --datadir",
				 path);
	if (missing && n->config->mode != NET_MINER)
		return base_fail(err, -ENOENT,
				 "a full or light node follows a network: name "
				 "its file with --network FILE");
	rc = node_keys_load(&n->keys, &n->datadir, fresh, err);
	if (rc == 0)
		rc = open_wallet(n, fresh, err);
	if (rc == 0 && missing) {
		rc = node_chain_create(path, &n->keys, expected_hps(n),
				       n->config->spacing_s, err);
		n->created = rc == 0;
	}
	if (rc == 0)
		rc = node_chain_load(&n->chain, path, err);
	if (rc == 0)
		rc = find_member(n, err);
	if (rc == 0)
		ds_committee_init(&n->committee, &n->chain.params,
				  &n->chain.genesis_hash,
				  n->config->vote_epoch);
	return rc;
}

static void ring_ended(void *ctx)
{
	const struct node_wake *w = ctx;

	node_wake_ring(w);
}

/* Signals arrive on a descriptor, in the main thread only; threads started
 * from here on inherit the mask. A closed pipe is an error of write(). */
static int catch_signals(struct node *n, struct base_error *err)
{
	sigset_t set;
	int rc = node_wake_open(&n->ended);

	if (rc < 0)
		return base_fail(err, rc, "cannot make an eventfd: %s",
				 strerror(-rc));
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &set, &n->old_mask);
	n->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (n->signals < 0)
		return base_fail(err, -errno, "cannot make a signalfd: %s",
				 strerror(errno));
	return 0;
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
	else if (is_light(n))
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
					      .serve = !is_light(n) ||
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
					      .is_light = is_light(n),
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
	o.log = n->log;
	o.net = node_peers_net(n->peers);
	rc = node_light_start(&n->light, &o, err);
	node_reader_set_light(n->reader, n->light);
	if (rc == 0)
		rc = node_reader_run(n->reader, o.net, err);
	return rc == 0 ? start_console(n, err) : rc;
}

static int start_threads(struct node *n, struct base_error *err)
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

	if (is_light(n))
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
	fit = takes_part(n);
	if (n->config->trusts_tip)
		o.trusted = &n->config->trust_tip;
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

/* Until a signal (true), or until a thread cannot go on. A second signal ends
 * the process at once: whatever is committed is safe. */
static bool wait_for_end(const struct node *n)
{
	struct pollfd p[2] = {{.fd = n->signals, .events = POLLIN},
			      {.fd = n->ended.fd, .events = POLLIN}};

	for (;;) {
		int rc = poll(p, BASE_COUNT(p), NODE_PEERS_SAVE_MS);

		if (rc > 0 || (rc < 0 && errno != EINTR))
			break;
		if (rc == 0)
			node_peers_save(n->peers);
	}
	node_wake_wait(&n->ended, 0);
	if (p[0].revents) {
		struct signalfd_siginfo info;

		(void)!read(n->signals, &info, sizeof(info));
		(void)pthread_sigmask(SIG_SETMASK, &n->old_mask, NULL);
	}
	return p[0].revents;
}

static int open_light_store(struct node *n, struct base_error *err)
{
	char dir[NODE_PATH_MAX];
	const struct store_options options = {
		.dir = dir, .map_bytes = n->config->db_map, .light = true};
	int rc = node_datadir_subdir(dir, &n->datadir, "light", err);

	return rc == 0 ? store_open(&n->store, &options, err) : rc;
}

/* What runs can be started anew on what is opened here. */
static int open_node(struct node *n, struct base_error *err)
{
	int rc = is_light(n) ? 0 : make_plan(n, err);

	if (rc == 0)
		rc = node_datadir_open(&n->datadir, n->config->datadir, err);
	n->locked = rc == -EBUSY;
	if (rc == 0 && !is_light(n))
		rc = pow_load_backend(&n->backend, &n->hps,
				      n->config->pow_backend, err);
	if (rc == 0)
		rc = load_chain(n, err);
	if (rc == 0 && is_light(n))
		rc = open_light_store(n, err);
	else if (rc == 0)
		rc = node_chain_open(&n->store, &n->tip, &n->chain, n->config,
				     &n->datadir, false, err);
	if (rc == 0)
		rc = catch_signals(n, err);
	return rc;
}

static void close_node(struct node *n)
{
	if (n->signals >= 0) {
		(void)close(n->signals);
		(void)pthread_sigmask(SIG_SETMASK, &n->old_mask, NULL);
	}
	node_wake_close(&n->ended);
	if (n->store)
		store_close(n->store);
	node_wallet_close(n->wallet);
	node_keys_wipe(&n->keys);
	node_datadir_close(&n->datadir);
}

static int stop_threads(struct node *n, struct base_error *err)
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

/* The threads, and all of them once more whenever the clock was set back. */
static int run_threads(struct node *n, struct base_error *err)
{
	bool signalled = false;
	int stopped;
	int rc;

	do {
		struct base_error late;

		rc = start_threads(n, err);
		if (rc == 0)
			signalled = wait_for_end(n);
		stopped = stop_threads(n, &late);
		if (rc == 0 && stopped < 0 && stopped != -ERESTART) {
			rc = stopped;
			*err = late;
		}
		n->created = false;
	} while (rc == 0 && stopped == -ERESTART && !signalled);
	return rc;
}

/*~ 2. A node starts: a plan for its threads, a kernel, the datadir and its
 * keys, the network file and the chain; then the threads. It stops the other
 * way round. */
int node_run(const struct node_config *c)
{
	struct base_error err;
	struct node *n = aligned_alloc(BASE_CACHE_LINE, sizeof(*n));
	int status;
	int rc;

	if (!n) {
		(void)base_fail(&err, -ENOMEM, "no memory for the node");
		return node_complain(&err, NODE_EXIT_FAILURE);
	}
	memset(n, 0, sizeof(*n));
	n->config = c;
	n->datadir.lock_fd = -1;
	n->ended.fd = -1;
	n->asks.wake.fd = -1;
	n->signals = -1;
	rc = open_node(n, &err);
	if (rc == 0)
		rc = run_threads(n, &err);
	close_node(n);
	status = n->locked ? NODE_EXIT_LOCKED : NODE_EXIT_FAILURE;
	if (rc == -EUCLEAN)
		status = NODE_EXIT_HALT;
	free(n);
	if (rc < 0)
		return node_complain(&err, status);
	return NODE_EXIT_OK;
}

static void print_service(const struct node *n)
{
	(void)printf("service threads ->");
	for (uint32_t i = 0; i < n->topo.cpu_count; i++) {
		uint32_t cpu = n->topo.cpu[i].os_index;

		if (n->plan.service[cpu / 64] >> cpu % 64 & 1)
			(void)printf(" CPU %u", cpu);
	}
	(void)printf("%s\n", n->plan.service_shared
				     ? " (shared with the miners)"
				     : " (their own)");
}

static const struct pow_cpu *find_cpu(const struct pow_topo *t, uint32_t index)
{
	uint32_t i = 0;

	while (i + 1 < t->cpu_count && t->cpu[i].os_index != index)
		i++;
	return &t->cpu[i];
}

int node_print_topology(const struct node_config *c)
{
	struct base_error err;
	struct node *n = aligned_alloc(BASE_CACHE_LINE, sizeof(*n));
	int rc;

	if (!n) {
		(void)base_fail(&err, -ENOMEM, "no memory for the topology");
		return node_complain(&err, NODE_EXIT_FAILURE);
	}
	memset(n, 0, sizeof(*n));
	n->config = c;
	rc = make_plan(n, &err);
	if (rc < 0) {
		free(n);
		return node_complain(&err, NODE_EXIT_FAILURE);
	}
	(void)printf("%u CPUs, %u of them usable", n->topo.cpu_count,
		     n->plan.usable);
	if (n->topo.quota)
		(void)printf(" (CPU quota %u)", n->topo.quota);
	(void)printf("\n");
	for (uint32_t i = 0; i < n->plan.worker_count; i++) {
		const struct pow_cpu *cpu = find_cpu(&n->topo, n->plan.cpu[i]);

		(void)printf("worker %u -> CPU %u (core %u, package %u, NUMA "
			     "node %u)\n",
			     i, cpu->os_index, cpu->core, cpu->package,
			     cpu->numa);
	}
	print_service(n);
	free(n);
	return NODE_EXIT_OK;
}
