/* SPDX-License-Identifier: MIT */
/* http.h and auth.h over loopback: who is let in, what is refused, and that
 * a full ring, a vanished client and a stop leave nothing behind. */
#include "test.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/http.h"

#define WAIT_S 30
#define COOKIE "Basic X19jb29raWVfXzphYmM=" /* __cookie__:abc */

static sem_t bell;

static void ring(void *ctx)
{
	(void)ctx;
	(void)sem_post(&bell);
}

static struct api_server *open_server(uint32_t connections, uint32_t depth)
{
	struct api_server_options o = {.address = "127.0.0.1:0",
				       .auth = {.cookie = "__cookie__:abc"},
				       .rest = true,
				       .connections = connections,
				       .queue_depth = depth,
				       .wake = ring};
	struct api_server *s = NULL;
	struct base_error err;

	assert_int_equal(sem_init(&bell, 0, 0), 0);
	assert_int_equal(api_server_start(&s, &o, &err), 0);
	return s;
}

static int dial(const struct api_server *s)
{
	const struct timeval limit = {.tv_sec = WAIT_S};
	struct sockaddr_storage at;
	socklen_t len;
	int fd;

	assert_int_equal(api_address_parse(&at, &len, api_server_address(s)),
			 0);
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, len), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

/* All that comes until the server closes; the status, 0 for none. */
static int hear(int fd, char *out, size_t cap)
{
	size_t n = 0;
	ssize_t got;

	while (n + 1 < cap && (got = recv(fd, out + n, cap - n - 1, 0)) > 0)
		n += (size_t)got;
	out[n] = '\0';
	(void)close(fd);
	return n > 12 ? atoi(out + 9) : 0;
}

/* Byte by byte, to the end of @word. */
static void hear_until(int fd, const char *word)
{
	size_t matched = 0;
	char c;

	while (word[matched]) {
		assert_int_equal(recv(fd, &c, 1, 0), 1);
		matched = c == word[matched] ? matched + 1 : c == word[0];
	}
}

static int dial_and_say(const struct api_server *s, const char *text)
{
	int fd = dial(s);

	say(fd, text);
	return fd;
}

static int status(const struct api_server *s, const char *text)
{
	char out[4096];

	return hear(dial_and_say(s, text), out, sizeof(out));
}

#define HEAD "Host: x\r\nConnection: close\r\n"
#define POST "POST / HTTP/1.1\r\n" HEAD "Authorization: " COOKIE "\r\n"
#define HELLO POST "Content-Length: 5\r\n\r\nhello"

static struct api_request *take(struct api_server *s)
{
	struct timespec until;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_sec += WAIT_S;
	assert_int_equal(sem_timedwait(&bell, &until), 0);
	return api_server_take(s);
}

static void complete(struct api_request *r, const char *text)
{
	struct api_writer w;

	api_writer_init(&w, 1000);
	api_raw(&w, text, strlen(text));
	api_complete(r, 200, &w, "application/json");
	assert_null(w.data);
}

static void answers(void **state)
{
	struct api_server *s = open_server(0, 0);
	struct api_request *r;
	char out[4096];
	int fd = dial_and_say(s, HELLO);

	(void)state;
	r = take(s);
	assert_non_null(r);
	assert_false(r->rest);
	assert_int_equal(r->len, 5);
	assert_memory_equal(r->body, "hello", 5);
	complete(r, "\"world\"");
	assert_int_equal(hear(fd, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(out, "\r\n\r\n\"world\""));

	fd = dial_and_say(s, "GET /rest/block/a%62?n=%31&empty=&bare "
			     "HTTP/1.1\r\n" HEAD "\r\n");
	r = take(s);
	assert_non_null(r);
	assert_true(r->rest);
	assert_string_equal(r->path, "block/ab");
	assert_string_equal(api_request_query(r, "n"), "1");
	assert_string_equal(api_request_query(r, "empty"), "");
	assert_string_equal(api_request_query(r, "bare"), "");
	assert_null(api_request_query(r, "m"));
	complete(r, "");
	assert_int_equal(hear(fd, out, sizeof(out)), 200);
	api_server_stop(s);
}

/* One connection, two requests. */
static void keeps_alive(void **state)
{
	struct api_server *s = open_server(0, 0);
	char out[4096];
	int fd = dial_and_say(s, "POST / HTTP/1.1\r\nHost: x\r\n"
				 "Authorization: " COOKIE "\r\n"
				 "Content-Length: 1\r\n\r\n1");

	(void)state;
	complete(take(s), "first");
	hear_until(fd, "first");
	say(fd, POST "Content-Length: 1\r\n\r\n2");
	complete(take(s), "second");
	assert_int_equal(hear(fd, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "second"));
	api_server_stop(s);
}

static void refuses_strangers(void **state)
{
	struct api_server *s = open_server(0, 0);
	char out[4096];

	(void)state;
	assert_int_equal(hear(dial_and_say(s, "POST / HTTP/1.1\r\n" HEAD
					      "Content-Length: 2\r\n\r\n{}"),
			      out, sizeof(out)),
			 401);
	assert_non_null(
		strstr(out, "WWW-Authenticate: Basic realm=\"jsonrpc\"\r\n"));
	assert_int_equal(status(s, "POST / HTTP/1.1\r\n" HEAD
				   "Authorization: Basic AAAA\r\n"
				   "Content-Length: 2\r\n\r\n{}"),
			 401);
	/* Decided before the body: this one announces far too much. */
	assert_int_equal(status(s, "POST / HTTP/1.1\r\n" HEAD
				   "Content-Length: 999999999999\r\n\r\n"),
			 401);
	assert_int_equal(status(s, "GET / HTTP/1.1\r\n" HEAD "\r\n"), 405);
	assert_int_equal(status(s, "POST /x HTTP/1.1\r\n" HEAD
				   "Content-Length: 2\r\n\r\n{}"),
			 404);
	assert_int_equal(status(s, "POST /rest/x HTTP/1.1\r\n" HEAD
				   "Content-Length: 2\r\n\r\n{}"),
			 405);
	(void)close(dial_and_say(s, "nonsense\r\n\r\n"));
	assert_null(api_server_take(s));
	api_server_stop(s);
}

static void refuses_large_bodies(void **state)
{
	struct api_server *s = open_server(0, 0);
	static char chunk[1 << 20];
	char out[4096];
	char head[16];
	int fd;

	(void)state;
	assert_int_equal(status(s, POST "Content-Length: 4194305\r\n\r\n"),
			 413);
	fd = dial_and_say(s, POST "Transfer-Encoding: chunked\r\n\r\n");
	memset(chunk, 'x', sizeof(chunk));
	(void)snprintf(head, sizeof(head), "%zx\r\n", sizeof(chunk));
	for (int i = 0; i < 5; i++) {
		say(fd, head);
		for (size_t n = 0; n < sizeof(chunk);)
			n += (size_t)send(fd, chunk + n, sizeof(chunk) - n,
					  MSG_NOSIGNAL);
		say(fd, "\r\n");
	}
	say(fd, "0\r\n\r\n");
	assert_int_equal(hear(fd, out, sizeof(out)), 413);
	assert_null(api_server_take(s));
	api_server_stop(s);
}

static void full_ring(void **state)
{
	struct api_server *s = open_server(0, 2);
	struct api_request *r[2];
	char out[4096];
	int fd[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		fd[i] = dial_and_say(s, HELLO);
	for (int i = 0; i < 2; i++)
		assert_int_equal(sem_wait(&bell), 0);
	assert_int_equal(hear(dial_and_say(s, HELLO), out, sizeof(out)), 503);
	assert_non_null(strstr(out, "Work queue depth exceeded"));
	for (int i = 0; i < 2; i++) {
		r[i] = api_server_take(s);
		assert_non_null(r[i]);
		complete(r[i], "ok");
		assert_int_equal(hear(fd[i], out, sizeof(out)), 200);
	}
	api_server_stop(s);
}

static void limits_connections(void **state)
{
	struct api_server *s = open_server(4, 0);
	int fd[5];
	char out[16];
	int refused = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		fd[i] = dial(s);
	/* Over the limit the server closes; the others stay open. */
	for (int i = 0; i < 5; i++) {
		struct pollfd p = {.fd = fd[i], .events = POLLIN};

		if (poll(&p, 1, i == 4 ? WAIT_S * 1000 : 0) == 1) {
			assert_true(recv(fd[i], out, sizeof(out), 0) <= 0);
			refused++;
		}
	}
	assert_int_equal(refused, 1);
	for (int i = 0; i < 5; i++)
		(void)close(fd[i]);
	api_server_stop(s);
}

static void clients_vanish(void **state)
{
	struct api_server *s = open_server(0, 0);
	struct api_request *r;

	(void)state;
	/* In the head, in the body, and after the whole request. */
	(void)close(dial_and_say(s, "POST / HT"));
	(void)close(dial_and_say(s, POST "Content-Length: 100\r\n\r\nhalf"));
	(void)close(dial_and_say(s, HELLO));
	r = take(s);
	assert_non_null(r);
	complete(r, "nobody hears this");
	api_server_stop(s);
}

static void stop_answers_all(void **state)
{
	struct api_server *s = open_server(0, 0);
	char out[4096];
	int fd[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		fd[i] = dial_and_say(s, HELLO);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sem_wait(&bell), 0);
	api_server_stop(s);
	for (int i = 0; i < 3; i++)
		assert_int_equal(hear(fd[i], out, sizeof(out)), 503);
}

static void addresses(void **state)
{
	static const char *const good[] = {"127.0.0.1:0", "[::1]:65535",
					   "0.0.0.0:9445"};
	static const char *const bad[] = {"",
					  ":1",
					  "127.0.0.1",
					  "127.0.0.1:",
					  "127.0.0.1:x",
					  "::1:9445",
					  "localhost:1",
					  "127.0.0.1:65536",
					  "127.0.0.1: 1",
					  "[]:1",
					  "[::1:1",
					  "127.0.0.1:-1"};
	struct api_server_options o = {.wake = ring};
	struct api_server *s = open_server(0, 0);
	struct api_server *second;
	struct sockaddr_storage at;
	struct base_error err;
	socklen_t len;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++)
		assert_int_equal(api_address_parse(&at, &len, good[i]), 0);
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_int_equal(api_address_parse(&at, &len, bad[i]), -EINVAL);
	o.address = api_server_address(s);
	assert_int_equal(api_server_start(&second, &o, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, api_server_address(s)));
	api_server_stop(s);
}

static void credentials(void **state)
{
	struct api_auth a = {.cookie = "__cookie__:abc"};

	(void)state;
	assert_true(api_auth_check(&a, COOKIE));
	assert_true(api_auth_check(&a, "basic  X19jb29raWVfXzphYmM="));
	assert_false(api_auth_check(&a, NULL));
	assert_false(api_auth_check(&a, ""));
	assert_false(api_auth_check(&a, "Basic "));
	assert_false(api_auth_check(&a, "Basic X19jb29raWVfXzphYmQ="));
	assert_false(api_auth_check(&a, "Basic X19jb29raWVfXzphYmM"));
	assert_false(api_auth_check(&a, "Basic ####"));
	assert_false(api_auth_check(&a, "Digest X19jb29raWVfXzphYmM="));
	/* rpcauth: salt "5a17", password "secret". */
	assert_int_equal(
		api_auth_add(&a, "alice:5a17$186d27da765fc107362bda677e1d4073"
				 "e77a39eda39dad03a3d18d04364bd015"),
		0);
	assert_int_equal(a.user_count, 1);
	assert_true(api_auth_check(&a, "Basic YWxpY2U6c2VjcmV0"));
	assert_false(api_auth_check(&a, "Basic YWxpY2U6c2VjcmV1"));
	assert_false(api_auth_check(&a, "Basic Ym9iMTpzZWNyZXQ="));
	for (const char *const *bad =
		     (const char *const[]){"alice", "alice:salt", "a:b$00",
					   ":s$00", "a$b:c", "a:b$00,", NULL};
	     *bad; bad++)
		assert_int_equal(api_auth_add(&a, *bad), -EINVAL);
	assert_int_equal(a.user_count, 1);
	memset(a.cookie, 0, sizeof(a.cookie));
	assert_false(api_auth_check(&a, COOKIE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials),
		cmocka_unit_test(addresses),
		cmocka_unit_test(answers),
		cmocka_unit_test(keeps_alive),
		cmocka_unit_test(refuses_strangers),
		cmocka_unit_test(refuses_large_bodies),
		cmocka_unit_test(full_ring),
		cmocka_unit_test(limits_connections),
		cmocka_unit_test(clients_vanish),
		cmocka_unit_test(stop_answers_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
