/* SPDX-License-Identifier: MIT */
/*
 * http.h: the HTTP server: sockets on one side, a ring of requests on the
 * other.
 *
 * Floor 4. One thread of libmicrohttpd's serves every connection. It checks
 * the credentials before it reads a body, suspends the connection once the
 * request is whole and pushes it to a ring; the thread that answers takes it
 * from there and resumes the connection with api_complete(). So no request
 * waits for another's answer, and no other thread waits for a socket.
 *
 *   POST /        JSON-RPC, with credentials
 *   GET  /rest/.. without credentials, as Bitcoin Core's; off unless asked
 *
 * Everything is bounded: connections (more are closed at once), the time a
 * connection may be silent, the bytes of one body (413) and of all (503),
 * the requests that wait (503, "Work queue depth exceeded").
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <sys/socket.h>

#include "api/auth.h"
#include "api/json_rpc.h"
#include "base/error.h"

#define API_CONNECTIONS_MAX 256
#define API_QUEUE_DEPTH 64
#define API_SILENCE_MAX_S 30
#define API_BODIES_MAX (64u << 20) /* bytes of all bodies together */
#define API_STOP_WAIT_MS 2000	   /* for last replies to be sent */
#define API_ADDRESS_MAX 64	   /* "[...]:65535" and NUL */

struct api_server;

/* A whole request. Borrowed from take to complete. */
struct api_request {
	bool rest;	  /* GET of @path; else POST of @body */
	const char *path; /* of a REST request, after "/rest/", decoded */
	const char *body; /* @len bytes, not NUL-terminated */
	size_t len;
};

struct api_server_options {
	const char *address; /* "127.0.0.1:9445", "[::1]:0" (any port) */
	struct api_auth auth;
	bool rest;
	uint32_t connections; /* most at once; 0: API_CONNECTIONS_MAX */
	uint32_t queue_depth; /* power of two, 2..; 0: API_QUEUE_DEPTH */
	/* Called by the server's thread after it queued a request; must not
	 * block. */
	void (*wake)(void *ctx);
	void *wake_ctx;
};

/* Parses a numeric "ADDR:PORT" or "[ADDR]:PORT". 0 or -EINVAL. */
BASE_MUST_CHECK int api_address_parse(struct sockaddr_storage *out,
				      socklen_t *len, const char *text);

/* Listens and serves. 0; -EINVAL: the address; -EADDRINUSE, -EACCES,
 * -EADDRNOTAVAIL...: it cannot be listened on; -ENOMEM; @err says. */
BASE_MUST_CHECK int api_server_start(struct api_server **out,
				     const struct api_server_options *options,
				     struct base_error *err);

/* Where it listens, with the port that was chosen. */
const char *api_server_address(const struct api_server *s);

/* The oldest request; NULL when there is none. One thread. */
struct api_request *api_server_take(struct api_server *s);

/* The value of ?@key= of a request that was taken, decoded; "" for one without
 * a value; NULL: there is none. Borrowed until it is completed. */
const char *api_request_query(const struct api_request *request,
			      const char *key);

/*
 * Answers @request with @status and the bytes of @body, whose memory is
 * taken over (@body is empty afterwards); @type is a static string. Any
 * thread, once a request.
 */
void api_complete(struct api_request *request, unsigned status,
		  struct api_writer *body, const char *type);

/*
 * Refuses new requests, answers those in the ring with 503, waits up to
 * API_STOP_WAIT_MS until replies are sent, closes everything and frees it.
 * Nobody takes any more, and what was taken is completed. NULL is allowed.
 */
void api_server_stop(struct api_server *s);

#endif
