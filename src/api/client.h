/* SPDX-License-Identifier: MIT */
/*
 * client.h: asks the running node of a datadir.
 *
 * Floor 4; blocking, any thread. The node wrote where it listens
 * (DATADIR/rpc.addr) and who may ask (DATADIR/.cookie). One call, one
 * connection. A library of its own, so that who only asks links no server.
 */
#ifndef API_CLIENT_H
#define API_CLIENT_H

#include "base/error.h"
#include "base/types.h"

#define API_CLIENT_PATH_MAX 4096
#define API_CLIENT_FILE_MAX 512
/* The largest reply of a node, and its head. */
#define API_CLIENT_REPLY_MAX (80u << 20)

struct api_client {
	char datadir[API_CLIENT_PATH_MAX];
	uint32_t timeout_ms; /* of each step; 0: for ever */
	char address[API_CLIENT_FILE_MAX];
	char cookie[API_CLIENT_FILE_MAX];
};

struct api_reply {
	char *data; /* NUL-terminated; head and body */
	size_t len;
	int status;	  /* of HTTP */
	const char *body; /* in data */
};

/* Reads address and cookie of @c->datadir. 0; -ENOENT: no node answers RPC
 * there; other errno of the files; @err says. */
BASE_MUST_CHECK int api_client_find(struct api_client *c,
				    struct base_error *err);

/*
 * Sends the JSON-RPC request @body to a node that was found, and takes what
 * comes until it closes. 0, and the caller frees @out with api_reply_free();
 * -ECONNREFUSED...: not there; -EAGAIN: silent for the timeout; -EPROTO: closed
 * without an answer; -EINVAL: the address is damaged; -ENOMEM. @err says.
 */
BASE_MUST_CHECK int api_client_call(struct api_reply *out,
				    const struct api_client *c,
				    const char *body, struct base_error *err);

void api_reply_free(struct api_reply *r);

#endif
