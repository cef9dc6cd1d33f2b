/* SPDX-License-Identifier: MIT */
/*
 * json_rpc.h: JSON-RPC as Bitcoin Core speaks it, from body to reply.
 *
 * Floor 4. No socket, no thread: text in, text and HTTP status out. Core's
 * dialect (doc/JSON-RPC-interface.md): a request without "jsonrpc" or with
 * "1.0" or "1.1" is answered with both "result" and "error", and a failure
 * also by the HTTP status; one with "2.0" by one of the two, status 200, and
 * not at all (204) when it has no id. Parameters by position or by name.
 * Batches are arrays, answered in order with status 200.
 */
#ifndef API_JSON_RPC_H
#define API_JSON_RPC_H

#include <jansson.h>

#include "api/writer.h"

#define API_BODY_MAX (4u << 20)	  /* bytes of a request */
#define API_REPLY_MAX (64u << 20) /* bytes of a reply */
#define API_BATCH_MAX 1000	  /* requests in one body */
#define API_NESTING_MAX 64	  /* braces and brackets within each other */
#define API_PARAMS_MAX 12
#define API_MESSAGE_MAX 1024
#define API_HELP_MAX 16384

/* Bitcoin Core's rpc/protocol.h. */
enum api_code {
	API_OK = 0,
	API_MISC = -1,
	API_TYPE = -3,
	API_WALLET = -4,    /* what has no code of its own below */
	API_NOT_FOUND = -5, /* no such address, key, block, transaction */
	API_INSUFFICIENT_FUNDS = -6,
	API_OUT_OF_MEMORY = -7,
	API_INVALID_PARAMETER = -8,
	API_KEYPOOL_RAN_OUT = -12,
	API_UNLOCK_NEEDED = -13,
	API_PASSPHRASE_INCORRECT = -14,
	API_WRONG_ENCRYPTION_STATE = -15,
	API_DATABASE = -20,
	API_DESERIALIZATION = -22,
	API_NODE_ALREADY_ADDED = -23,
	API_NODE_NOT_ADDED = -24,
	API_VERIFY = -25,
	API_VERIFY_REJECTED = -26,
	API_ALREADY_IN_CHAIN = -27,
	API_IN_WARMUP = -28,
	API_NODE_NOT_CONNECTED = -29,
	API_INVALID_SUBNET = -30,
	API_NO_NETWORK = -31,
	API_NODE_CAPACITY = -34,
	API_INVALID_REQUEST = -32600,
	API_METHOD_NOT_FOUND = -32601,
	API_INVALID_PARAMS = -32602,
	API_INTERNAL = -32603,
	API_PARSE = -32700,
};

/* What a parameter may be; several are or-ed. */
enum api_type {
	API_STRING = 1,
	API_NUMBER = 2,
	API_BOOLEAN = 4,
	API_ARRAY = 8,
	API_OBJECT = 16,
};

struct api_table;

/* One call, for as long as the method runs. */
struct api_call {
	void *ctx; /* of the table */
	const struct api_table *table;
	const struct api_method *method;
	/* By position, of the declared type; NULL: absent or null. */
	json_t *param[API_PARAMS_MAX];
	struct api_writer *out; /* takes exactly one value */
	char message[API_MESSAGE_MAX];
};

struct api_param {
	const char *name; /* NULL ends the list */
	unsigned types;	  /* enum api_type */
	bool required;	  /* before all that are not */
};

struct api_method {
	const char *name;
	const char *category; /* for help: "blockchain", "control" ... */
	const char *help;     /* sentences; the usage line is made */
	struct api_param param[API_PARAMS_MAX];
	/* API_OK with one value written to call->out, or what api_fail()
	 * returned; what was written is undone then. */
	enum api_code (*run)(struct api_call *call);
};

struct api_table {
	const struct api_method *method;
	size_t count;
	void *ctx;
};

/* For methods: return api_fail(call, API_NOT_FOUND, "Block not found"). */
enum api_code api_fail(struct api_call *call, enum api_code code,
		       const char *fmt, ...) BASE_PRINTF(3, 4);

/* Parameter @index as an integer in least..most. API_OK; API_MISC: not a
 * whole number or out of range. */
BASE_MUST_CHECK enum api_code api_param_int(int64_t *out, struct api_call *call,
					    size_t index, int64_t least,
					    int64_t most);

/* Parameter @index, a string, as a hash. API_OK; API_INVALID_PARAMETER: not
 * 64 hex digits. */
BASE_MUST_CHECK enum api_code
api_param_hash(struct base_hash *out, struct api_call *call, size_t index);

/* Parameter @index, a number or a string of one, in units of 10^-@decimals,
 * exactly (api/decimal.h). API_OK; API_TYPE. */
BASE_MUST_CHECK enum api_code api_param_fixed(int64_t *out,
					      struct api_call *call,
					      size_t index, unsigned decimals);

/* The same as an amount of coins: API_OK with 0..BASE_MAX_MONEY. */
BASE_MUST_CHECK enum api_code
api_param_amount(struct base_amount *out, struct api_call *call, size_t index);

/* For methods whose parameters make no sense together: the usage and the help
 * as message, API_MISC. */
enum api_code api_fail_usage(struct api_call *call);

/* The method "help": all methods, or the one named by parameter 0. */
enum api_code api_help(struct api_call *call);

/*
 * Answers @body (@len bytes). Returns the HTTP status: 200, 204 (nothing to
 * say), 400, 404 or 500; the reply is in @out, which was empty.
 */
unsigned api_json_rpc(struct api_writer *out, const struct api_table *table,
		      const char *body, size_t len);

/* A reply that is only an error, for callers that never got as far. */
void api_error_reply(struct api_writer *out, enum api_code code,
		     const char *message);

#endif
