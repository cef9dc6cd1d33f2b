/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "node/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define THREADS 3
#define EACH 200 /* all fit into the ring: nothing may be dropped */

static size_t read_all(int fd, char *out, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, out + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	return len;
}

/* Takes the times out of @text: digits, replaced by one '#'. */
static void without_times(char *text)
{
	static const char key[] = "\"time_ms\":";
	char *at = text;

	while ((at = strstr(at, key))) {
		size_t digits;

		at += sizeof(key) - 1;
		digits = strspn(at, "0123456789");
		assert_int_equal(digits, 13);
		*at++ = '#';
		memmove(at, at + digits - 1, strlen(at + digits - 1) + 1);
	}
}

static void json_is_escaped_and_exact(void **state)
{
	const struct base_hash hash = {{1}};
	struct base_error err;
	struct node_log *log;
	char out[4096];
	int pipes[2];
	struct node_log_options options = {.json = true,
					   .level = NODE_LOG_INFO};

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	options.fd = pipes[1];
	assert_int_equal(node_log_start(&log, &options, &err), 0);
	node_log(log, NODE_LOG_WARN, "test", "a \"quote\", \\ and \n");
	node_log(log, NODE_LOG_DEBUG, "test", "left out");
	node_log_block(log, (struct base_height){7}, &hash);
	node_log_stop(log);
	(void)close(pipes[1]);
	(void)read_all(pipes[0], out, sizeof(out));
	(void)close(pipes[0]);
	without_times(out);
	assert_string_equal(
		out, "{\"event\":\"test\",\"level\":\"warn\",\"message\":"
		     "\"a \\\"quote\\\", \\\\ and \\u000a\",\"time_ms\":#}\n"
		     "{\"event\":\"block\",\"height\":7,\"hash\":"
		     "\"000000000000000000000000000000000"
		     "0000000000000000000000000000001\",\"time_ms\":#}\n");
}

static void *log_some(void *arg)
{
	for (int i = 0; i < EACH; i++)
		node_log(arg, NODE_LOG_INFO, "n", "%d", i);
	return NULL;
}

static void threads_lose_nothing_that_fits(void **state)
{
	static char out[1 << 17];
	struct base_error err;
	struct node_log *log;
	pthread_t thread[THREADS];
	FILE *f = tmpfile();
	size_t lines = 0;
	struct node_log_options options = {.json = true,
					   .level = NODE_LOG_INFO};

	(void)state;
	assert_non_null(f);
	options.fd = fileno(f);
	assert_int_equal(node_log_start(&log, &options, &err), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, log_some, log), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	node_log_stop(log);
	rewind(f);
	while (fgets(out, sizeof(out), f)) {
		assert_non_null(strstr(out, "\"event\":\"n\""));
		lines++;
	}
	assert_int_equal(lines, THREADS * EACH);
	(void)fclose(f);
}

static void count_close(void *ctx)
{
	_Atomic int *count = ctx;

	atomic_fetch_add(count, 1);
}

static void a_closed_reader_is_told_once(void **state)
{
	_Atomic int closed = 0;
	struct base_error err;
	struct node_log *log;
	int pipes[2];
	struct node_log_options options = {.level = NODE_LOG_INFO,
					   .closed = count_close,
					   .closed_ctx = &closed};

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(pipes), 0);
	(void)close(pipes[0]);
	options.fd = pipes[1];
	assert_int_equal(node_log_start(&log, &options, &err), 0);
	for (int i = 0; i < 10; i++)
		node_log(log, NODE_LOG_INFO, "n", "%d", i);
	node_log_stop(log);
	(void)close(pipes[1]);
	assert_int_equal(closed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_escaped_and_exact),
		cmocka_unit_test(threads_lose_nothing_that_fits),
		cmocka_unit_test(a_closed_reader_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
