/* SPDX-License-Identifier: MIT */
#include "api/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/ring.h"

#define FIRST_BODY 4096
#define LISTEN_BACKLOG 1024
#define REST_PREFIX "/rest/"
#define TYPE_TEXT "text/plain"

struct request {
	struct api_request public; /* first: what api_complete() is given */
	struct api_server *server;
	struct MHD_Connection *connection;
	char *path;
	char *body;
	size_t cap;
	unsigned refused; /* status decided while the body still comes */
	bool queued;	  /* counted in server->queued */
	bool answered;
	unsigned status;
	const char *type;
	struct api_writer reply;
};

struct api_server {
	struct base_ring_mpsc ring;
	void *ring_memory;
	struct api_server_options options;
	char address[API_ADDRESS_MAX];
	struct MHD_Daemon *daemon;
	/* Used by the server's thread only. */
	uint32_t connections;
	size_t body_bytes;
	/* Guarded by @gate: whether requests are still queued, and how many
	 * are queued or not yet sent. */
	pthread_mutex_t gate;
	pthread_cond_t sent;
	bool stopping;
	uint32_t queued;
};

static enum MHD_Result send_reply(struct MHD_Connection *c, unsigned status,
				  const char *type, void *data, size_t len,
				  enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r;
	enum MHD_Result rc;

	r = MHD_create_response_from_buffer(len, data, mode);
	if (!r) {
		if (mode == MHD_RESPMEM_MUST_FREE)
			free(data);
		return MHD_NO;
	}
	if (status == MHD_HTTP_UNAUTHORIZED)
		(void)MHD_add_response_header(r,
					      MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					      "Basic realm=\"jsonrpc\"");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, type);
	else if (len > 0)
		(void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
					      type);
	rc = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status,
				 const char *type, const char *text)
{
	/* Persistent memory is not written to. */
	return send_reply(c, status, type, (void *)(uintptr_t)text,
			  strlen(text), MHD_RESPMEM_PERSISTENT);
}

static const char *refusal(unsigned status)
{
	switch (status) {
	case MHD_HTTP_CONTENT_TOO_LARGE:
		return "Request body too large\n";
	case MHD_HTTP_SERVICE_UNAVAILABLE:
		return "Work queue depth exceeded";
	default:
		return "";
	}
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status)
{
	return send_text(c, status, TYPE_TEXT, refusal(status));
}

/* The length that the header announces; bodies in chunks announce none. */
static bool announces_too_much(struct MHD_Connection *c)
{
	const char *text = MHD_lookup_connection_value(
		c, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text && strtoull(text, NULL, 10) > API_BODY_MAX;
}

static struct request *new_request(struct api_server *s,
				   struct MHD_Connection *c, const char *path)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->server = s;
	r->connection = c;
	api_writer_init(&r->reply, API_REPLY_MAX);
	if (path) {
		r->path = strdup(path);
		r->public.rest = true;
		r->public.path = r->path;
		if (!r->path) {
			free(r);
			return NULL;
		}
	}
	return r;
}

/* The headers are here: most refusals are decided now, before any of the
 * body is read. */
static enum MHD_Result begin(struct api_server *s, struct MHD_Connection *c,
			     const char *url, const char *method,
			     struct request **out)
{
	bool rest = s->options.rest &&
		    strncmp(url, REST_PREFIX, sizeof(REST_PREFIX) - 1) == 0;

	if (!rest && strcmp(url, "/") != 0)
		return refuse(c, MHD_HTTP_NOT_FOUND);
	if (rest && strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET",
				 "REST is read with GET\n");
	if (!rest && strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return send_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "POST",
				 "JSONRPC server handles only POST requests");
	if (!rest && !api_auth_check(&s->options.auth,
				     MHD_lookup_connection_value(
					     c, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_AUTHORIZATION)))
		return refuse(c, MHD_HTTP_UNAUTHORIZED);
	if (announces_too_much(c))
		return refuse(c, MHD_HTTP_CONTENT_TOO_LARGE);
	*out = new_request(s, c, rest ? url + sizeof(REST_PREFIX) - 1 : NULL);
	return *out ? MHD_YES : MHD_NO;
}

/* Takes a piece of the body. What is refused is read to its end, so that the
 * client hears why. */
static void append(struct request *r, const char *data, size_t len)
{
	struct api_server *s = r->server;
	size_t cap = r->cap ? r->cap : FIRST_BODY;
	char *body;

	if (r->refused)
		return;
	if (len > API_BODY_MAX - r->public.len) {
		r->refused = MHD_HTTP_CONTENT_TOO_LARGE;
		return;
	}
	while (cap < r->public.len + len)
		cap *= 2;
	if (cap != r->cap) {
		body = cap - r->cap > API_BODIES_MAX - s->body_bytes
			       ? NULL
			       : realloc(r->body, cap);
		if (!body) {
			r->refused = MHD_HTTP_SERVICE_UNAVAILABLE;
			return;
		}
		s->body_bytes += cap - r->cap;
		r->cap = cap;
		r->body = body;
		r->public.body = body;
	}
	memcpy(r->body + r->public.len, data, len);
	r->public.len += len;
}

/* The request is whole. Suspended before it is pushed: the answer may come
 * before this function ends. */
static enum MHD_Result submit(struct request *r)
{
	struct api_server *s = r->server;
	bool pushed = false;
	bool stopping;

	(void)pthread_mutex_lock(&s->gate);
	stopping = s->stopping;
	if (!stopping) {
		MHD_suspend_connection(r->connection);
		r->queued = true;
		s->queued++;
		pushed = base_ring_push_mpsc(&s->ring, &r);
	}
	(void)pthread_mutex_unlock(&s->gate);
	if (stopping)
		return refuse(r->connection, MHD_HTTP_SERVICE_UNAVAILABLE);
	if (pushed) {
		s->options.wake(s->options.wake_ctx);
	} else {
		r->refused = MHD_HTTP_SERVICE_UNAVAILABLE;
		MHD_resume_connection(r->connection);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c,
				  const char *url, const char *method,
				  const char *version, const char *data,
				  size_t *size, void **con_cls)
{
	struct request *r = *con_cls;
	void *reply;

	(void)version;
	if (!r) {
		enum MHD_Result rc = begin(cls, c, url, method, &r);

		*con_cls = r;
		return rc;
	}
	if (*size > 0) {
		append(r, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (r->refused)
		return refuse(c, r->refused);
	if (!r->answered)
		return submit(r);
	reply = r->reply.data;
	r->reply.data = NULL;
	return send_reply(c, r->status, r->type, reply, r->reply.len,
			  reply ? MHD_RESPMEM_MUST_FREE
				: MHD_RESPMEM_PERSISTENT);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct api_server *s = cls;
	struct request *r = *con_cls;

	(void)c;
	(void)why;
	if (!r)
		return;
	*con_cls = NULL;
	if (r->queued) {
		(void)pthread_mutex_lock(&s->gate);
		s->queued--;
		(void)pthread_cond_signal(&s->sent);
		(void)pthread_mutex_unlock(&s->gate);
	}
	s->body_bytes -= r->cap;
	api_writer_free(&r->reply);
	free(r->path);
	/* It may hold a passphrase. */
	if (r->body)
		base_wipe(r->body, r->cap);
	free(r->body);
	free(r);
}

static enum MHD_Result on_accept(void *cls, const struct sockaddr *from,
				 socklen_t len)
{
	const struct api_server *s = cls;

	(void)from;
	(void)len;
	return s->connections < s->options.connections ? MHD_YES : MHD_NO;
}

static void on_connection(void *cls, struct MHD_Connection *c,
			  void **socket_context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct api_server *s = cls;

	(void)c;
	(void)socket_context;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		s->connections++;
	else
		s->connections--;
}

int api_address_parse(struct sockaddr_storage *out, socklen_t *len,
		      const char *text)
{
	const struct addrinfo hints = {.ai_flags =
					       AI_NUMERICHOST | AI_NUMERICSERV,
				       .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(text, ':');
	char host[API_ADDRESS_MAX];
	struct addrinfo *found;
	size_t host_len;
	char *end;

	if (!colon || colon[1] < '0' || colon[1] > '9' ||
	    strtoul(colon + 1, &end, 10) > 65535 || *end)
		return -EINVAL;
	host_len = (size_t)(colon - text);
	if (*text == '[' && host_len >= 2 && colon[-1] == ']') {
		text++;
		host_len -= 2;
	} else if (memchr(text, ':', host_len)) {
		return -EINVAL; /* IPv6 without brackets */
	}
	if (host_len == 0 || host_len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	memcpy(out, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int write_address(struct api_server *s, int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	char host[API_ADDRESS_MAX - 10];
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		return -errno;
	if (getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port,
			sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -EINVAL;
	(void)snprintf(s->address, sizeof(s->address),
		       at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		       port);
	return 0;
}

/* A socket that listens, or a negative errno. */
static int open_socket(struct api_server *s)
{
	struct sockaddr_storage at;
	socklen_t len;
	const int on = 1;
	int rc = api_address_parse(&at, &len, s->options.address);
	int fd;

	if (rc < 0)
		return rc;
	fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (at.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, len) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0)
		rc = -errno;
	if (rc == 0)
		rc = write_address(s, fd);
	if (rc < 0) {
		(void)close(fd);
		return rc;
	}
	return fd;
}

static int start(struct api_server *s, struct base_error *err)
{
	int fd = open_socket(s);

	if (fd < 0)
		return base_fail(err, fd, "cannot listen for RPC on %.100s: %s",
				 s->options.address, strerror(-fd));
	/* The policy refuses at our limit; the library's own would leave
	 * clients waiting instead. */
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
		on_accept, s, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_CONNECTION_LIMIT, s->options.connections + 1,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)API_SILENCE_MAX_S,
		MHD_OPTION_END);
	if (!s->daemon) {
		(void)close(fd);
		return base_fail(err, -ENOMEM,
				 "cannot start the HTTP server's thread");
	}
	return 0;
}

static void free_server(struct api_server *s)
{
	(void)pthread_cond_destroy(&s->sent);
	(void)pthread_mutex_destroy(&s->gate);
	base_wipe(&s->options.auth, sizeof(s->options.auth));
	free(s->ring_memory);
	free(s);
}

int api_server_start(struct api_server **out,
		     const struct api_server_options *options,
		     struct base_error *err)
{
	struct api_server *s = aligned_alloc(BASE_CACHE_LINE, sizeof(*s));
	pthread_condattr_t attr;
	int rc;

	if (!s)
		return base_fail(err, -ENOMEM, "no memory for the HTTP server");
	memset(s, 0, sizeof(*s));
	s->options = *options;
	if (s->options.connections == 0)
		s->options.connections = API_CONNECTIONS_MAX;
	if (s->options.queue_depth == 0)
		s->options.queue_depth = API_QUEUE_DEPTH;
	s->ring_memory = malloc(base_ring_bytes_mpsc(s->options.queue_depth,
						     sizeof(struct request *)));
	if (!s->ring_memory) {
		free(s);
		return base_fail(err, -ENOMEM, "no memory for the HTTP server");
	}
	base_ring_init_mpsc(&s->ring, s->ring_memory, s->options.queue_depth,
			    sizeof(struct request *));
	(void)pthread_mutex_init(&s->gate, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->sent, &attr);
	(void)pthread_condattr_destroy(&attr);
	rc = start(s, err);
	if (rc < 0) {
		free_server(s);
		return rc;
	}
	*out = s;
	return 0;
}

const char *api_server_address(const struct api_server *s)
{
	return s->address;
}

struct api_request *api_server_take(struct api_server *s)
{
	struct request *r;

	return base_ring_pop_mpsc(&s->ring, &r) ? &r->public : NULL;
}

/* The library's thread leaves a suspended connection alone. */
const char *api_request_query(const struct api_request *request,
			      const char *key)
{
	const struct request *r = (const struct request *)request;
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(r->connection, MHD_GET_ARGUMENT_KIND,
					  key, strlen(key), &value,
					  NULL) != MHD_YES)
		return NULL;
	return value ? value : "";
}

void api_complete(struct api_request *request, unsigned status,
		  struct api_writer *body, const char *type)
{
	struct request *r = (struct request *)request;

	r->status = status;
	r->type = type;
	r->reply = *body;
	r->answered = true;
	*body = (struct api_writer){.max = body->max};
	/* From here on the server's thread may free @r. Its mutex orders what
	 * was written above before what it reads. */
	MHD_resume_connection(r->connection);
}

static void wait_until_sent(struct api_server *s)
{
	struct timespec until;
	int rc = 0;

	BASE_ASSERT(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
	until.tv_sec += API_STOP_WAIT_MS / 1000;
	(void)pthread_mutex_lock(&s->gate);
	while (s->queued > 0 && rc == 0)
		rc = pthread_cond_timedwait(&s->sent, &s->gate, &until);
	(void)pthread_mutex_unlock(&s->gate);
}

void api_server_stop(struct api_server *s)
{
	struct api_request *request;

	if (!s)
		return;
	(void)pthread_mutex_lock(&s->gate);
	s->stopping = true;
	(void)pthread_mutex_unlock(&s->gate);
	while ((request = api_server_take(s))) {
		struct api_writer none;

		api_writer_init(&none, 0);
		api_complete(request, MHD_HTTP_SERVICE_UNAVAILABLE, &none,
			     TYPE_TEXT);
	}
	wait_until_sent(s);
	MHD_stop_daemon(s->daemon);
	free_server(s);
}
