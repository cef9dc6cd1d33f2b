/* SPDX-License-Identifier: MIT */
/*
 * test_store_faults CHILD PRELOAD: a program that appends blocks (CHILD) is
 * run with the fault at the first call that touches data.mdb, the second, and
 * so on until it gets through without one; each time the store must come up
 * whole.
 */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store_blocks.h"

#define BLOCKS "4"
#define CALLS_MAX 200 /* more than the child makes */

static const char *child, *preload;

struct outcome {
	int status;	 /* as from waitpid() */
	int64_t printed; /* last height; -1: none */
	uint32_t failed; /* lines that say so */
	int first_error; /* of the first of them */
};

static pid_t start(const char *dir, const char *mode, uint32_t n, int out)
{
	char fault[64];
	pid_t pid;

	(void)snprintf(fault, sizeof(fault), "%s:%u", mode, n);
	pid = fork();
	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	(void)dup2(out, STDOUT_FILENO);
	(void)setenv("LD_PRELOAD", preload, 1);
	(void)setenv("MINERD_FAULT", fault, 1);
	/* The preloaded object comes before the sanitizer on purpose. */
	(void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
	(void)execl(child, child, dir, BLOCKS, (char *)NULL);
	_exit(126);
}

static void run_child(struct outcome *out, const char *dir, const char *mode,
		      uint32_t n)
{
	char line[64];
	int fd[2];
	pid_t pid;
	FILE *f;

	*out = (struct outcome){.printed = -1};
	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	pid = start(dir, mode, n, fd[1]);
	(void)close(fd[1]);
	f = fdopen(fd[0], "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		int error;

		if (sscanf(line, "failed %d", &error) == 1) {
			if (out->failed++ == 0)
				out->first_error = error;
		} else {
			out->printed = strtol(line, NULL, 10);
		}
	}
	(void)fclose(f);
	assert_int_equal(waitpid(pid, &out->status, 0), pid);
}

static void verified(struct store *s, const struct chain_params *p,
		     const struct chain_context *tip)
{
	struct chain_context found;
	struct test_block genesis;
	struct base_error err = {""};
	int rc;

	test_genesis(&genesis, p);
	rc = store_verify(&found, s, p, genesis.data, genesis.len, NULL, NULL,
			  &err);
	if (rc)
		print_message("# %s\n", err.text);
	assert_int_equal(rc, 0);
	assert_true(test_context_equal(&found, tip));
}

/* The store in @dir opens, has lost nothing that was printed, passes every
 * check and takes another block. */
static void check_whole(const char *dir, const struct outcome *o)
{
	struct store_options options = {.dir = dir, .map_bytes = 1u << 20};
	struct chain_params p = test_params();
	struct chain_context tip;
	struct test_block next;
	struct base_error err = {""};
	struct store *s;
	int rc = store_open(&s, &options, &err);

	if (rc)
		print_message("# %s\n", err.text);
	assert_int_equal(rc, 0);
	rc = store_tip(&tip, s, &err);
	if (rc == -ENODATA) {
		assert_int_equal(o->printed, -1);
		test_genesis(&next, &p);
		rc = test_init_chain(s, &next, &err);
	} else {
		assert_int_equal(rc, 0);
		/* One more than was printed may have been committed. */
		assert_true(tip.height.n >= o->printed);
		assert_true(tip.height.n <= o->printed + 1);
		verified(s, &p, &tip);
		test_next(&next, &p, &tip, 0);
		rc = test_append(s, &next, &err);
	}
	assert_int_equal(rc, 0);
	verified(s, &p, &next.ctx);
	store_close(s);
}

/* Runs @mode at every call; returns how many runs met it. */
static uint32_t at_every_call(const char *mode,
			      void (*check)(const struct outcome *o))
{
	char *dir = test_dir_make();
	uint32_t n;

	for (n = 1; n <= CALLS_MAX; n++) {
		struct outcome o;

		test_dir_clear(dir);
		run_child(&o, dir, mode, n);
		if (WIFEXITED(o.status) && WEXITSTATUS(o.status) == 0 &&
		    o.failed == 0)
			break;
		check(&o);
		check_whole(dir, &o);
	}
	assert_true(n <= CALLS_MAX);
	test_dir_remove(dir);
	/* Three calls a commit at the least, or the fault is not where LMDB
	 * writes. */
	assert_true(n > 3 * 5);
	print_message("# %s: %u calls\n", mode, n - 1);
	return n - 1;
}

static void was_killed(const struct outcome *o)
{
	assert_true(WIFSIGNALED(o->status));
	assert_int_equal(WTERMSIG(o->status), SIGKILL);
	assert_int_equal(o->failed, 0);
}

static void a_kill_at_any_write_loses_nothing(void **state)
{
	(void)state;
	(void)at_every_call("kill-before", was_killed);
	(void)at_every_call("kill-torn", was_killed);
	(void)at_every_call("kill-after", was_killed);
}

/* Once: the child carries on, unless the store was only being made. */
static void full_once(const struct outcome *o)
{
	assert_true(WIFEXITED(o->status));
	assert_int_equal(o->failed, 1);
	assert_int_equal(o->first_error, ENOSPC);
	assert_int_equal(WEXITSTATUS(o->status), o->printed < 0 ? 3 : 0);
}

static void broken_once(const struct outcome *o)
{
	assert_true(WIFEXITED(o->status));
	assert_int_equal(o->failed, 1);
	assert_int_equal(o->first_error, EIO);
	assert_int_equal(WEXITSTATUS(o->status), o->printed < 0 ? 3 : 0);
}

static void full(const struct outcome *o)
{
	assert_true(WIFEXITED(o->status));
	assert_int_equal(WEXITSTATUS(o->status), 3);
	assert_int_equal(o->first_error, ENOSPC);
}

static void broken(const struct outcome *o)
{
	assert_true(WIFEXITED(o->status));
	assert_int_equal(WEXITSTATUS(o->status), 3);
	assert_int_equal(o->first_error, EIO);
}

/* LMDB calls a short write EIO; a call that writes no bytes gets ENOSPC. */
static void cut_short(const struct outcome *o)
{
	assert_true(WIFEXITED(o->status));
	assert_true(o->failed > 0);
	assert_true(o->first_error == EIO || o->first_error == ENOSPC);
}

static void a_failed_write_is_an_error_and_no_more(void **state)
{
	(void)state;
	(void)at_every_call("fail-ENOSPC-once", full_once);
	(void)at_every_call("fail-EIO-once", broken_once);
	(void)at_every_call("fail-ENOSPC", full);
	(void)at_every_call("fail-EIO", broken);
	(void)at_every_call("short", cut_short);
	(void)at_every_call("short-once", cut_short);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kill_at_any_write_loses_nothing),
		cmocka_unit_test(a_failed_write_is_an_error_and_no_more),
	};

	if (argc != 3)
		return 2;
	child = argv[1];
	preload = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
