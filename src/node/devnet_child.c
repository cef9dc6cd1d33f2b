/* SPDX-License-Identifier: MIT */
#include "node/devnet_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/clock.h"

#define ARGS_MAX 16
#define TAIL_BYTES 4096
#define POLL_MS 100
#define EXIT_NOT_RUN 127

static void log_path(char out[static NODE_PATH_MAX + 16],
		     const struct node_devnet_child *n)
{
	(void)snprintf(out, NODE_PATH_MAX + 16, "%s/log.txt", n->dir);
}

/* The log goes on where the last run ended, unless it has become long. */
static int open_log(const struct node_devnet_child *n, struct base_error *err)
{
	char path[NODE_PATH_MAX + 16];
	char aside[NODE_PATH_MAX + 24];
	struct stat st;
	int fd;

	log_path(path, n);
	(void)snprintf(aside, sizeof(aside), "%s.old", path);
	if (stat(path, &st) == 0 && st.st_size > NODE_DEVNET_LOG_MAX)
		(void)rename(path, aside);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return base_fail(err, -errno, "cannot write %.300s: %s", path,
				 strerror(errno));
	return fd;
}

/* In the child: becomes minerd, or ends. */
static _Noreturn void become_node(const struct node_devnet_run *d, int log,
				  pid_t parent, const char **argv)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* Ctrl-C on the terminal is for the parent alone. */
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(EXIT_NOT_RUN);
	(void)sigprocmask(SIG_SETMASK, &d->old_mask, NULL);
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(log, STDOUT_FILENO);
	(void)dup2(log, STDERR_FILENO);
	/* execv() changes none of them; it only predates const. */
	(void)execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(EXIT_NOT_RUN);
}

/* What says where a node of an earlier run answered. */
static void forget_address(const struct node_devnet_child *n)
{
	static const char *const names[] = {"rpc.addr", ".cookie"};
	char path[NODE_PATH_MAX + 16];

	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", n->dir, names[i]);
		(void)unlink(path);
	}
}

int node_devnet_spawn(struct node_devnet_run *d, uint32_t i,
		      struct base_error *err)
{
	struct node_devnet_child *n = &d->node[i];
	char network[NODE_PATH_MAX + 16];
	char threads[16];
	const char *argv[ARGS_MAX] = {"minerd",	    "--datadir", n->dir,
				      "--network",  network,	 "--rpc",
				      "127.0.0.1:0"};
	int argc = 7;
	int log = open_log(n, err);
	pid_t parent = getpid();

	if (log < 0)
		return log;
	(void)snprintf(network, sizeof(network), "%s/" NODE_NETWORK_FILE,
		       n->dir);
	(void)snprintf(threads, sizeof(threads), "%u", d->threads);
	argv[argc++] = "--mode";
	argv[argc++] = n->mines ? "miner" : "full";
	if (n->mines) {
		argv[argc++] = "--threads";
		argv[argc++] = threads;
	}
	/* A network of one listens only when it is told to. */
	if (i < d->params.member_count) {
		argv[argc++] = "--listen";
		argv[argc++] = d->params.member[i].address;
	}
	if (d->backend) {
		argv[argc++] = "--pow-backend";
		argv[argc++] = d->backend;
	}
	argv[argc] = NULL;
	forget_address(n);
	(void)fflush(NULL);
	n->pid = fork();
	if (n->pid == 0)
		become_node(d, log, parent, argv);
	(void)close(log);
	if (n->pid < 0) {
		n->pid = 0;
		return base_fail(err, -errno, "cannot start a process: %s",
				 strerror(errno));
	}
	return 0;
}

int node_devnet_reap(struct node_devnet_run *d)
{
	int ended = -1;

	for (uint32_t i = 0; i < d->count; i++) {
		struct node_devnet_child *n = &d->node[i];

		if (n->pid == 0 || waitpid(n->pid, &n->status, WNOHANG) <= 0)
			continue;
		n->pid = 0;
		n->view.known = false;
		ended = (int)i;
	}
	return ended;
}

static void print_tail(const char *path)
{
	char text[TAIL_BYTES + 1];
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = -1;
	int lines = 0;
	char *from;

	if (fd >= 0 && fstat(fd, &st) == 0)
		len = pread(fd, text, TAIL_BYTES,
			    st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES
						    : 0);
	if (fd >= 0)
		(void)close(fd);
	if (len <= 0)
		return;
	text[len] = '\0';
	if (text[len - 1] == '\n')
		text[len - 1] = '\0';
	for (from = text + strlen(text); from > text; from--)
		if (from[-1] == '\n' && ++lines == NODE_DEVNET_TAIL_LINES)
			break;
	for (char *line = strtok(from, "\n"); line; line = strtok(NULL, "\n"))
		(void)fprintf(stderr, "  %s\n", line);
}

void node_devnet_report(const struct node_devnet_run *d, uint32_t i)
{
	const struct node_devnet_child *n = &d->node[i];
	char path[NODE_PATH_MAX + 16];

	log_path(path, n);
	if (WIFSIGNALED(n->status))
		(void)fprintf(stderr, "minerd: node%u ended by signal %d (%s)",
			      i, WTERMSIG(n->status),
			      strsignal(WTERMSIG(n->status)));
	else
		(void)fprintf(stderr, "minerd: node%u ended with status %d", i,
			      WEXITSTATUS(n->status));
	(void)fprintf(stderr, "; the end of %s:\n", path);
	print_tail(path);
}

static uint32_t signal_all(const struct node_devnet_run *d, int number)
{
	uint32_t running = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		if (d->node[i].pid == 0)
			continue;
		(void)kill(d->node[i].pid, number);
		running++;
	}
	return running;
}

static bool any_runs(const struct node_devnet_run *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (d->node[i].pid != 0)
			return true;
	return false;
}

/* Whether somebody is impatient. */
static bool asked_again(const struct node_devnet_run *d)
{
	struct pollfd p = {.fd = d->signals, .events = POLLIN};
	struct signalfd_siginfo info;
	bool asked = false;

	(void)poll(&p, 1, POLL_MS);
	while (read(d->signals, &info, sizeof(info)) == sizeof(info))
		asked |= info.ssi_signo != SIGCHLD;
	return asked;
}

bool node_devnet_stop(struct node_devnet_run *d)
{
	const uint64_t begin = node_monotonic_ms();
	bool ran[NODE_NETWORK_NODES_MAX];
	bool killed = false;
	bool clean = true;

	for (uint32_t i = 0; i < d->count; i++)
		ran[i] = d->node[i].pid != 0;
	(void)signal_all(d, SIGTERM);
	while (any_runs(d)) {
		bool again = asked_again(d);
		uint64_t waited = node_monotonic_ms() - begin;

		(void)node_devnet_reap(d);
		if (!killed && (waited > NODE_DEVNET_STOP_MS ||
				(again && waited > NODE_DEVNET_AGAIN_MS))) {
			(void)signal_all(d, SIGKILL);
			killed = true;
		}
	}
	for (uint32_t i = 0; i < d->count; i++) {
		if (!ran[i] || d->node[i].status == 0)
			continue;
		node_devnet_report(d, i);
		clean = false;
	}
	return clean;
}
