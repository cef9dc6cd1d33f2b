/* SPDX-License-Identifier: MIT */
#include "node/devnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/devnet_internal.h"
#include "node/flags.h"
#include "node/network_file.h"
#include "node/network_make.h"
#include "node/parse.h"
#include "node/probe.h"
#include "node/run.h"

#define NODES_DEFAULT 4u
#define REFRESH_MS 1000u
/* Below the ports that outgoing connections take (32768 on), or a node that
 * dials could be given the port of one that does not listen yet. */
#define PORT_FIRST 20000u
#define PORT_RANGE 12000u
#define PORT_TRIES 256u
/* The first difficulty is for this part of the measured rate: who shares the
 * machine takes from it, and a target that is too easy mends itself in fewer
 * seconds than one that is too hard. */
#define RATE_PART 4u

struct devnet_options {
	const char *dir;
	const char *backend;
	struct node_number nodes;
	struct node_number members;
	struct node_number miners;
	struct node_number faults;
	struct node_number delta;
	struct node_number spacing;
	struct node_number start_in;
	struct node_number base_port;
	struct node_number threads;
};

#define AT(field) offsetof(struct devnet_options, field)

static const struct node_flag devnet_flags[] = {
	{"dir", "DIR", NODE_FLAG_TEXT, AT(dir), 1, NODE_PATH_MAX - 64,
	 "new, empty, or of an earlier devnet, which is resumed"},
	{"nodes", "N", NODE_FLAG_NUMBER, AT(nodes), 1, NODE_NETWORK_NODES_MAX,
	 "nodes to run [4, or those that are there]"},
	{"members", "M", NODE_FLAG_NUMBER, AT(members), 1, CHAIN_MEMBERS_MAX,
	 "the first M of them are members, the others follow [all]"},
	{"faults", "F", NODE_FLAG_NUMBER, AT(faults), 0, CHAIN_MEMBERS_MAX - 1,
	 "members that may be faulty at once [(members - 1) / 3]"},
	{"miners", "N", NODE_FLAG_NUMBER, AT(miners), 1, CHAIN_MEMBERS_MAX,
	 "the first N members mine [all, but where all of four or\n"
	 "more nodes are members the last only keeps the chain]"},
	{"threads", "N", NODE_FLAG_NUMBER, AT(threads), 1, POW_WORKERS_MAX,
	 "miner threads of each miner [1]"},
	{"delta", "MS", NODE_FLAG_NUMBER, AT(delta), 1, CHAIN_DELTA_MAX_MS,
	 "one round of agreement [by how late this machine is]"},
	{"spacing", "SECONDS", NODE_FLAG_NUMBER, AT(spacing), 1,
	 CHAIN_SPACING_MAX_S, "between blocks [5 * (faults + 1) * delta]"},
	{"start-in", "SECONDS", NODE_FLAG_NUMBER, AT(start_in), 0,
	 NODE_START_IN_MAX_S, "a new network begins as long from now [10]"},
	{"base-port", "PORT", NODE_FLAG_NUMBER, AT(base_port), 1, 65535,
	 "member i listens on 127.0.0.1, this port + i [free ones]"},
	{"pow-backend", "NAME", NODE_FLAG_TEXT, AT(backend), 1,
	 NODE_PATH_MAX - 1, "kernel of the miners [auto]"},
};

#undef AT

static const struct node_flags devnet_table = {
	.command = "minerd devnet",
	.about = "Runs a network of several nodes on this machine, each a "
		 "process with its datadir\nDIR/nodeN and its output in "
		 "DIR/nodeN/log.txt, until Ctrl-C. The next start goes\non "
		 "where it was. Options of nodes that are not listed here "
		 "come from the\nenvironment (MINERD_LOG_LEVEL=debug) or "
		 "from DIR/nodeN/minerd.conf.",
	.flag = devnet_flags,
	.count = BASE_COUNT(devnet_flags),
};

static bool port_is_free(uint32_t port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_free = fd >= 0 &&
		       bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return is_free;
}

/* @count ports in a row; processes that choose at once begin elsewhere. */
static int choose_ports(uint32_t *out, uint32_t count, struct base_error *err)
{
	uint32_t at = (uint32_t)getpid() * NODE_NETWORK_NODES_MAX % PORT_RANGE;

	for (uint32_t tries = 0; tries < PORT_TRIES; tries++) {
		uint32_t n = 0;

		while (n < count && port_is_free(PORT_FIRST + at + n))
			n++;
		if (n == count) {
			*out = PORT_FIRST + at;
			return 0;
		}
		at = (at + n + 1) % PORT_RANGE;
	}
	return base_fail(err, -EADDRINUSE,
			 "found no %u free ports in a row; choose some with "
			 "--base-port",
			 count);
}

static uint32_t miners_of(const struct devnet_options *o, uint32_t nodes,
			  uint32_t members)
{
	if (o->miners.given)
		return (uint32_t)o->miners.n;
	return nodes == members && members >= NODES_DEFAULT ? members - 1
							    : members;
}

static int check_miners(const struct devnet_options *o, uint32_t members,
			struct base_error *err)
{
	if (!o->miners.given || o->miners.n <= members)
		return 0;
	return base_fail(err, -EINVAL,
			 "--miners %ju: only members mine, and there are %u",
			 (uintmax_t)o->miners.n, members);
}

static uint32_t choose_delta(const struct devnet_options *o)
{
	uint32_t late;
	uint32_t delta;

	if (o->delta.given)
		return (uint32_t)o->delta.n;
	(void)printf("measuring for %u s how late this machine runs ...\n",
		     NODE_PROBE_MS / 1000);
	(void)fflush(stdout);
	late = node_probe_lateness(NODE_PROBE_MS);
	delta = node_probe_delta(late);
	(void)printf("at most %u ms: delta is %u ms\n", late, delta);
	return delta;
}

static int create(struct node_devnet_run *d, const struct devnet_options *o,
		  struct base_error *err)
{
	uint32_t nodes = o->nodes.given	    ? (uint32_t)o->nodes.n
			 : o->members.given ? (uint32_t)o->members.n
					    : NODES_DEFAULT;
	struct node_network_new w = {
		.dir = d->dir,
		.name = "devnet",
		.nodes = nodes,
		.members = o->members.given ? (uint32_t)o->members.n : nodes,
		.start_in_s = o->start_in.given ? (uint32_t)o->start_in.n
						: NODE_START_IN_DEFAULT_S,
		.base_port = (uint32_t)o->base_port.n,
	};
	int rc;

	if (w.members > nodes)
		return base_fail(err, -EINVAL,
				 "%u members of %u nodes: raise --nodes",
				 w.members, nodes);
	w.faults =
		o->faults.given ? (uint32_t)o->faults.n : (w.members - 1) / 3;
	rc = node_network_check_faults(w.members, w.faults, err);
	if (rc == 0)
		rc = check_miners(o, w.members, err);
	if (rc < 0)
		return rc;
	w.delta_ms = choose_delta(o);
	w.spacing_s = o->spacing.given ? (uint32_t)o->spacing.n
				       : node_spacing(NODE_SPACING_LEAST,
						      w.faults, w.delta_ms);
	if (!o->base_port.given)
		rc = choose_ports(&w.base_port, w.members, err);
	if (rc == 0)
		rc = node_machine_hps(
			&w.hps, d->backend ? d->backend : "auto",
			d->threads * miners_of(o, nodes, w.members), err);
	w.hps = w.hps / RATE_PART + 1;
	if (rc == 0)
		rc = node_network_create(&d->params, &w, err);
	d->count = nodes;
	return rc;
}

static int refuse_change(const struct node_number *wish, uint64_t is,
			 const char *flag, const char *dir,
			 struct base_error *err)
{
	if (!wish->given || wish->n == is)
		return 0;
	return base_fail(err, -EINVAL,
			 "--%s %ju: the network in %.200s has %ju, for ever; "
			 "leave the option out, or choose another --dir",
			 flag, (uintmax_t)wish->n, dir, (uintmax_t)is);
}

static uint64_t first_port(const struct chain_params *p)
{
	const char *colon = strrchr(p->member[0].address, ':');
	uint64_t port = 0;

	/* An address that was checked has one; 0 agrees with no wish. */
	if (!colon || node_parse_u64(&port, colon + 1, 1, 65535) < 0)
		return 0;
	return port;
}

/* The nodes whose datadirs are there. */
static uint32_t count_nodes(const char *dir)
{
	char path[NODE_PATH_MAX];
	struct base_error err;
	uint32_t n = 0;

	while (n < NODE_NETWORK_NODES_MAX &&
	       node_network_dir(path, sizeof(path), dir, n, &err) == 0 &&
	       access(path, F_OK) == 0)
		n++;
	return n;
}

static int resume(struct node_devnet_run *d, const struct devnet_options *o,
		  const char *path, struct base_error *err)
{
	const struct chain_params *p = &d->params;
	struct base_hash hash;
	uint32_t there = count_nodes(d->dir);
	int rc = node_network_load(&d->params, &hash, path, err);

	if (rc < 0)
		return rc;
	rc = check_miners(o, p->member_count, err);
	if (rc < 0)
		return rc;
	rc = refuse_change(&o->members, p->member_count, "members", d->dir,
			   err);
	if (rc == 0)
		rc = refuse_change(&o->faults, p->faults, "faults", d->dir,
				   err);
	if (rc == 0)
		rc = refuse_change(&o->delta, p->delta_ms, "delta", d->dir,
				   err);
	if (rc == 0)
		rc = refuse_change(&o->spacing, p->spacing_s, "spacing", d->dir,
				   err);
	if (rc == 0)
		rc = refuse_change(&o->base_port, first_port(p), "base-port",
				   d->dir, err);
	if (rc < 0)
		return rc;
	if (rc == 0 && there > 0 && p->member_count <= 2 * p->faults &&
	    p->faults > 0)
		return base_fail(err, -ENOTSUP,
				 "the network in %.300s makes no certificates "
				 "(f=%u of %u), and without --trust-tip its "
				 "members sign nothing again; choose another "
				 "--dir",
				 d->dir, p->faults, p->member_count);
	if (there < p->member_count)
		return base_fail(err, -ENOENT,
				 "%.300s/node%u is missing, a member's "
				 "datadir; restore it, or choose another --dir",
				 d->dir, there);
	d->count = o->nodes.given ? (uint32_t)o->nodes.n : there;
	for (uint32_t i = there; i < d->count && rc == 0; i++)
		rc = node_network_follower(d->dir, i, p, err);
	return rc;
}

/* The folder is this process's alone, until it ends. */
static int take_dir(const char *dir, struct base_error *err)
{
	int fd;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return base_fail(err, -errno, "cannot create %.300s: %s", dir,
				 strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return base_fail(err, -errno, "cannot open %.300s: %s", dir,
				 strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return base_fail(err, -EBUSY,
				 "another devnet runs in %.300s; stop it, or "
				 "choose another --dir",
				 dir);
	}
	return fd;
}

static int prepare(struct node_devnet_run *d, const struct devnet_options *o,
		   struct base_error *err)
{
	char path[NODE_PATH_MAX];
	uint32_t miners;
	bool there;
	int rc = 0;

	(void)snprintf(path, sizeof(path), "%s/" NODE_NETWORK_FILE, d->dir);
	there = access(path, F_OK) == 0;
	rc = there ? resume(d, o, path, err) : create(d, o, err);
	if (rc < 0)
		return rc;
	miners = miners_of(o, d->count, d->params.member_count);
	for (uint32_t i = 0; i < d->count && rc == 0; i++) {
		struct node_devnet_child *n = &d->node[i];

		n->mines = i < miners;
		rc = node_network_dir(n->dir, sizeof(n->dir), d->dir, i, err);
	}
	if (miners > d->count)
		miners = d->count;
	(void)printf("%s network of %u member%s in %s: f=%u, delta %u ms, a "
		     "block every %u s\n%u node%s, of which %u mine%s\n",
		     there ? "resumed a" : "made a", d->params.member_count,
		     d->params.member_count == 1 ? "" : "s", d->dir,
		     d->params.faults, d->params.delta_ms, d->params.spacing_s,
		     d->count, d->count == 1 ? "" : "s", miners,
		     miners == 1 ? "s" : "");
	(void)fflush(stdout);
	node_network_warn(&d->params);
	return rc;
}

static int catch_signals(struct node_devnet_run *d, struct base_error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, &d->old_mask);
	d->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (d->signals < 0)
		return base_fail(err, -errno, "cannot make a signalfd: %s",
				 strerror(errno));
	return 0;
}

enum wish {
	GO_ON,
	STOP,	/* a signal */
	FAILED, /* a node ended */
};

/* Waits for up to @ms for what ends the devnet. */
static enum wish look(struct node_devnet_run *d, int ms)
{
	struct pollfd p = {.fd = d->signals, .events = POLLIN};
	struct signalfd_siginfo info;
	enum wish wish = GO_ON;
	int ended;

	(void)poll(&p, 1, ms);
	while (read(d->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			wish = STOP;
	ended = node_devnet_reap(d);
	if (ended < 0 || wish == STOP)
		return wish;
	node_devnet_leave_line(d);
	node_devnet_report(d, (uint32_t)ended);
	return FAILED;
}

/* Each node is asked in turn, so that one that hangs delays no signal for
 * longer than its own silence. */
static enum wish watch(struct node_devnet_run *d)
{
	enum wish wish = GO_ON;

	while (wish == GO_ON) {
		uint64_t begin = node_monotonic_ms();
		uint64_t took;

		for (uint32_t i = 0; i < d->count && wish == GO_ON; i++) {
			node_devnet_ask(d, i);
			wish = look(d, 0);
		}
		if (wish != GO_ON)
			break;
		node_devnet_show(d);
		took = node_monotonic_ms() - begin;
		wish = look(d,
			    took < REFRESH_MS ? (int)(REFRESH_MS - took) : 0);
	}
	node_devnet_leave_line(d);
	return wish;
}

static int run(struct node_devnet_run *d, struct base_error *err)
{
	enum wish wish = GO_ON;
	bool clean;
	int rc = catch_signals(d, err);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < d->count && rc == 0; i++)
		rc = node_devnet_spawn(d, i, err);
	if (rc == 0)
		wish = watch(d);
	(void)printf("stopping %u node%s ...\n", d->count,
		     d->count == 1 ? "" : "s");
	(void)fflush(stdout);
	clean = node_devnet_stop(d);
	(void)close(d->signals);
	if (rc < 0)
		return rc;
	if (wish == FAILED)
		return base_fail(err, -ECHILD,
				 "a node ended by itself; the others were "
				 "stopped");
	if (!clean)
		return base_fail(err, -ECHILD, "a node did not stop cleanly");
	return 0;
}

int node_devnet(int argc, char **argv)
{
	struct devnet_options o = {.dir = NULL};
	struct node_devnet_run *d = calloc(1, sizeof(*d));
	struct base_error err;
	bool help = false;
	int words;
	int lock = -1;
	int rc = d ? 0 : base_fail(&err, -ENOMEM, "no memory for the devnet");

	if (rc == 0)
		rc = node_flags_parse(&o, &help, &words, &devnet_table, argc,
				      argv, &err);
	if (rc == 0 && help) {
		node_flags_help(stdout, &devnet_table);
		free(d);
		return NODE_EXIT_OK;
	}
	if (rc == 0 && !o.dir)
		rc = base_fail(&err, -EINVAL,
			       "--dir DIR is needed: a new or empty "
			       "directory, or one of an earlier devnet");
	if (rc == 0) {
		d->dir = o.dir;
		d->backend = o.backend;
		d->threads = o.threads.given ? (uint32_t)o.threads.n : 1;
		lock = take_dir(o.dir, &err);
		rc = lock < 0 ? lock : 0;
	}
	if (rc == 0)
		rc = prepare(d, &o, &err);
	if (rc == 0)
		rc = run(d, &err);
	if (lock >= 0)
		(void)close(lock);
	free(d);
	if (rc == 0)
		return NODE_EXIT_OK;
	return node_complain(&err, rc == -EINVAL  ? NODE_EXIT_USAGE
				   : rc == -EBUSY ? NODE_EXIT_LOCKED
						  : NODE_EXIT_FAILURE);
}
