/* SPDX-License-Identifier: MIT */
/*
 * rest.h: GET /rest/..., as Bitcoin Core's doc/REST-interface.md has it.
 *
 * Floor 5. Paths, query parameters, formats (.bin, .hex, .json), statuses and
 * words are Core's; JSON is that of the RPC methods. Not there: blockfilter,
 * blockfilterheaders, deploymentinfo, and getutxos with a body. block/ gives
 * transactions without what their inputs spent: it is not kept.
 */
#ifndef NODE_REST_H
#define NODE_REST_H

#include "api/http.h"
#include "node/rpc.h"

#define NODE_REST_HEADERS_MAX 2000
#define NODE_REST_OUTPOINTS_MAX 15

/* Answers @request, which is a REST request; begins and ends the snapshot.
 * Returns the HTTP status, with the body in @out, which was empty, and its
 * content type, static, in *@type. */
unsigned node_rest(struct api_writer *out, const char **type,
		   struct node_rpc *rpc, const struct api_request *request);

#endif
