/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "node/console_internal.h"

/* A terminal that takes nothing is waited for this long at the stop, and then
 * what it holds is thrown away. */
#define STUCK_MS 2000
#define UNSTICK_MS 100

bool node_console_wanted(const struct node_config *c)
{
	return c->console && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	       tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Where nobody edits, lines go through. False: the end. */
static bool copy(struct node_console *c)
{
	ssize_t n = read(c->log_in, c->log + c->log_len,
			 sizeof(c->log) - c->log_len);
	size_t at = 0;

	if (n < 0 && errno == EINTR)
		return true;
	c->log_len += n > 0 ? (size_t)n : 0;
	while (at < c->log_len) {
		ssize_t done =
			write(STDOUT_FILENO, c->log + at, c->log_len - at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			if (c->o.stop)
				c->o.stop(c->o.stop_ctx);
			break;
		}
		at += (size_t)done;
	}
	c->log_len = 0;
	return n > 0;
}

static void greet(const struct node_console *c)
{
	node_console_say(c, NODE_BOLD,
			 "minerd's console: a number, or what stands beside "
			 "it; 'help' explains");
	node_console_menu(c);
	(void)fflush(stdout);
}

static void *console_main(void *arg)
{
	struct node_console *c = arg;

	(void)pthread_setname_np(pthread_self(), "console");
	if (node_console_term_open(c) == 0) {
		const char *line;

		greet(c);
		while ((line = node_console_ask(c, NULL)))
			node_console_obey(c, line);
		node_console_term_close(c);
		if (c->ended && !node_console_over(c))
			node_console_say(c, NODE_PLAIN,
					 "the console is closed, the node goes "
					 "on; Ctrl-C stops it");
		(void)fflush(stdout);
	}
	/* Pair with the acquire in wait_for(). */
	atomic_store_explicit(&c->gone, true, memory_order_release);
	node_wake_ring(&c->silent);
	while (copy(c))
		;
	atomic_store_explicit(&c->done, true, memory_order_release);
	node_wake_ring(&c->silent);
	return NULL;
}

int node_console_open(struct node_console **out, struct base_error *err)
{
	struct node_console *c = aligned_alloc(
		BASE_CACHE_LINE, (sizeof(*c) + BASE_CACHE_LINE - 1) /
					 BASE_CACHE_LINE * BASE_CACHE_LINE);
	int fd[2] = {-1, -1};
	int rc = 0;

	if (!c)
		return base_fail(err, -ENOMEM, "no memory for the console");
	memset(c, 0, sizeof(*c));
	c->wake.fd = -1;
	c->asker.fd = -1;
	c->silent.fd = -1;
	if (pipe2(fd, O_CLOEXEC) < 0)
		rc = -errno;
	c->log_in = fd[0];
	c->log_out = fd[1];
	if (rc == 0)
		rc = node_wake_open(&c->wake);
	if (rc == 0)
		rc = node_wake_open(&c->asker);
	if (rc == 0)
		rc = node_wake_open(&c->silent);
	if (rc < 0) {
		node_console_stop(c);
		return base_fail(err, rc, "cannot open the console: %s",
				 strerror(-rc));
	}
	*out = c;
	return 0;
}

int node_console_log_fd(const struct node_console *c)
{
	return c ? c->log_out : STDOUT_FILENO;
}

int node_console_run(struct node_console *c,
		     const struct node_console_options *options,
		     struct base_error *err)
{
	int rc;

	if (!c)
		return 0;
	c->o = *options;
	/* For what is typed; numbers and sorting stay as they are. */
	(void)setlocale(LC_CTYPE, "");
	rc = node_datadir_path(c->history_path, options->datadir,
			       NODE_CONSOLE_HISTORY_FILE, err);
	if (rc < 0)
		return rc;
	rc = -pthread_create(&c->thread, NULL, console_main, c);
	if (rc < 0)
		return base_fail(err, rc, "cannot start the console: %s",
				 strerror(-rc));
	c->running = true;
	return 0;
}

/* A terminal that was told to stop (Ctrl-S) is let run again. */
static void wait_for(const struct node_console *c, const _Atomic bool *flag)
{
	int patience = STUCK_MS;

	/* Pairs with the releases in console_main(). */
	while (!atomic_load_explicit(flag, memory_order_acquire)) {
		node_wake_wait(&c->silent, patience);
		if (atomic_load_explicit(flag, memory_order_relaxed))
			continue;
		patience = UNSTICK_MS;
		/* On alone undoes only an off, and no Ctrl-S. */
		(void)tcflow(STDOUT_FILENO, TCOOFF);
		(void)tcflow(STDOUT_FILENO, TCOON);
		(void)tcflush(STDOUT_FILENO, TCOFLUSH);
	}
}

void node_console_quiet(struct node_console *c)
{
	if (!c || !c->running)
		return;
	/* Pairs with the acquire in node_console_over(). */
	atomic_store_explicit(&c->quiet, true, memory_order_release);
	node_wake_ring(&c->wake);
	wait_for(c, &c->gone);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void node_console_stop(struct node_console *c)
{
	if (!c)
		return;
	close_fd(c->log_out);
	if (c->running) {
		wait_for(c, &c->done);
		(void)pthread_join(c->thread, NULL);
	} else {
		while (c->log_in >= 0 && copy(c))
			;
	}
	close_fd(c->log_in);
	node_wake_close(&c->wake);
	node_wake_close(&c->asker);
	node_wake_close(&c->silent);
	free(c);
}
