/* SPDX-License-Identifier: MIT */
#include "api/client.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A small file without the newline at its end. */
static int read_small(char out[static API_CLIENT_FILE_MAX],
		      const struct api_client *n, const char *name,
		      struct base_error *err)
{
	char path[API_CLIENT_PATH_MAX + 16];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", n->datadir, name);
	f = fopen(path, "re");
	if (!f && errno == ENOENT)
		return base_fail(err, -ENOENT,
				 "no node answers RPC in %.300s (there is no "
				 "%s); start one with 'minerd --datadir "
				 "%.300s', or choose another --datadir",
				 n->datadir, name, n->datadir);
	if (!f)
		return base_fail(err, -errno, "cannot read %.400s: %s", path,
				 strerror(errno));
	len = fread(out, 1, API_CLIENT_FILE_MAX - 1, f);
	(void)fclose(f);
	out[len] = '\0';
	out[strcspn(out, "\r\n")] = '\0';
	return 0;
}

int api_client_find(struct api_client *c, struct base_error *err)
{
	int rc = read_small(c->address, c, "rpc.addr", err);

	return rc == 0 ? read_small(c->cookie, c, ".cookie", err) : rc;
}

/* Connected to the first of @to, or a negative errno. */
static int open_socket(const struct addrinfo *to, uint32_t timeout_ms)
{
	const struct timeval limit = {.tv_sec = timeout_ms / 1000,
				      .tv_usec = timeout_ms % 1000 * 1000};
	int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = fd < 0 ? -errno : 0;

	if (rc < 0)
		return rc;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, to->ai_addr, to->ai_addrlen) < 0) {
		rc = -errno;
		(void)close(fd);
		return rc;
	}
	return fd;
}

/* A connected socket or a negative errno. */
static int dial(const struct api_client *n, struct base_error *err)
{
	const struct addrinfo hints = {.ai_flags =
					       AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(n->address, ':');
	char host[API_CLIENT_FILE_MAX];
	struct addrinfo *found;
	int fd;

	(void)snprintf(host, sizeof(host), "%s",
		       n->address + (*n->address == '['));
	if (colon)
		host[strcspn(host, *n->address == '[' ? "]" : ":")] = '\0';
	if (!colon || getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return base_fail(err, -EINVAL, "rpc.addr in %.300s is damaged",
				 n->datadir);
	fd = open_socket(found, n->timeout_ms);
	freeaddrinfo(found);
	if (fd < 0)
		return base_fail(err, fd,
				 "could not connect to the node at %.100s: %s; "
				 "is minerd running in %.200s?",
				 n->address, strerror(-fd), n->datadir);
	return fd;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_request(int fd, const struct api_client *n, const char *body)
{
	/* base64 of the cookie: four for three bytes, and NUL. */
	uint8_t secret[API_CLIENT_FILE_MAX / 3 * 4 + 8];
	char head[sizeof(secret) + API_CLIENT_FILE_MAX + 256];
	int rc;

	(void)EVP_EncodeBlock(secret, (const uint8_t *)n->cookie,
			      (int)strlen(n->cookie));
	(void)snprintf(head, sizeof(head),
		       "POST / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
		       "Content-Type: application/json\r\n"
		       "Authorization: Basic %s\r\nContent-Length: %zu\r\n\r\n",
		       n->address, secret, strlen(body));
	rc = send_all(fd, head, strlen(head));
	return rc == 0 ? send_all(fd, body, strlen(body)) : rc;
}

/* Everything until the node closes. */
static int receive(struct api_reply *r, int fd)
{
	size_t cap = 0;
	ssize_t n = 1;

	while (n != 0) {
		if (cap - r->len < 2) {
			char *grown;

			cap = cap ? 2 * cap : 16384;
			grown = cap > 2 * (size_t)API_CLIENT_REPLY_MAX
					? NULL
					: realloc(r->data, cap);
			if (!grown)
				return -ENOMEM;
			r->data = grown;
		}
		n = recv(fd, r->data + r->len, cap - r->len - 1, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		r->len += n > 0 ? (size_t)n : 0;
	}
	r->data[r->len] = '\0';
	return 0;
}

/* Status and body of what was received. */
static int split(struct api_reply *r, const struct api_client *n,
		 struct base_error *err)
{
	const char *end = strstr(r->data, "\r\n\r\n");

	if (!end || sscanf(r->data, "HTTP/1.%*c %3d", &r->status) != 1)
		return base_fail(err, -EPROTO,
				 "the node at %.100s closed the connection "
				 "without an answer; it may be stopping, or "
				 "have too many clients",
				 n->address);
	r->body = end + 4;
	return 0;
}

int api_client_call(struct api_reply *out, const struct api_client *c,
		    const char *body, struct base_error *err)
{
	struct api_reply r = {.data = NULL};
	int fd = dial(c, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = send_request(fd, c, body);
	/* Who refuses may answer before it has read everything. */
	if (rc == 0 || rc == -EPIPE || rc == -ECONNRESET)
		rc = receive(&r, fd);
	(void)close(fd);
	if (rc == 0)
		rc = split(&r, c, err);
	else
		rc = base_fail(err, rc, "talking to the node at %.100s: %s",
			       c->address,
			       rc == -EAGAIN ? "it does not answer"
					     : strerror(-rc));
	if (rc < 0)
		api_reply_free(&r);
	else
		*out = r;
	return rc;
}

void api_reply_free(struct api_reply *r)
{
	free(r->data);
	*r = (struct api_reply){.data = NULL};
}
