/* SPDX-License-Identifier: MIT */
#include "node/run_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>

#include "base/bytes.h"
#include "node/member.h"
#include "node/passphrase.h"
#include "node/run.h"
#include "pow/pool_load.h"

int node_complain(const struct base_error *err, int status)
{
	(void)fprintf(stderr, "minerd: %s\n", err->text);
	return status;
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
	int rc = node_passphrase_file(&p, n->config, NODE_WALLET_PASSPHRASE,
				      err);

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
		rc = node_datadir_path(data, &n->datadir,
				       node_is_light(n) ? "light/data.mdb"
							: "chain/data.mdb",
				       err);
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
	rc = node_keys_open(&n->keys, &n->datadir, fresh, n->config, err);
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
	(void)sigaddset(&set, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &set, &n->old_mask);
	n->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (n->signals < 0)
		return base_fail(err, -errno, "cannot make a signalfd: %s",
				 strerror(errno));
	return 0;
}

/* SIGHUP of a terminal that was closed, and not of an operator. */
static bool terminal_is_gone(const struct node *n)
{
	return n->console && !isatty(STDIN_FILENO);
}

/* Until a signal (true), or until a thread cannot go on. A second signal ends
 * the process at once: whatever is committed is safe. */
static bool wait_for_end(struct node *n)
{
	struct signalfd_siginfo info;
	struct pollfd p[2] = {{.fd = n->signals, .events = POLLIN},
			      {.fd = n->ended.fd, .events = POLLIN}};

	for (;;) {
		int rc = poll(p, BASE_COUNT(p), NODE_PEERS_SAVE_MS);

		if (rc == 0)
			node_peers_save(n->peers);
		if (rc == 0 || (rc < 0 && errno == EINTR))
			continue;
		if (rc < 0 || p[1].revents ||
		    read(n->signals, &info, sizeof(info)) != sizeof(info) ||
		    info.ssi_signo != SIGHUP || terminal_is_gone(n))
			break;
		node_reload(n);
	}
	node_wake_wait(&n->ended, 0);
	if (p[0].revents) {
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
	int rc = node_is_light(n) ? 0 : make_plan(n, err);

	if (rc == 0)
		rc = node_datadir_open(&n->datadir, n->config->datadir, err);
	n->locked = rc == -EBUSY;
	if (rc == 0 && !node_is_light(n))
		rc = pow_load_backend(&n->backend, &n->hps,
				      n->config->pow_backend, err);
	if (rc == 0)
		rc = load_chain(n, err);
	if (rc == 0 && node_is_light(n))
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

/* The threads, and all of them once more whenever the clock was set back. */
static int run_threads(struct node *n, struct base_error *err)
{
	bool signalled = false;
	int stopped;
	int rc;

	do {
		struct base_error late;

		rc = node_threads_start(n, err);
		if (rc == 0)
			signalled = wait_for_end(n);
		stopped = node_threads_stop(n, &late);
		if (rc == 0 && stopped < 0 && stopped != -ERESTART) {
			rc = stopped;
			*err = late;
		}
		n->created = false;
		node_reload_settle(n);
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
	n->latest = c;
	n->first = c;
	n->datadir.lock_fd = -1;
	n->ended.fd = -1;
	n->asks.wake.fd = -1;
	n->signals = -1;
	rc = open_node(n, &err);
	if (rc == 0)
		rc = run_threads(n, &err);
	close_node(n);
	node_reload_close(n);
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
