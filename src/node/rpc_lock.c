/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/bytes.h"
#include "node/clock.h"
#include "node/rpc.h"
#include "node/seed.h"

#define TIMEOUT_MAX_S 100000000 /* Core's: about three years */

/* Parameter @index was a passphrase; nothing reads it after this. */
static void forget(struct api_call *call, size_t index)
{
	const char *text = json_string_value(call->param[index]);

	base_wipe((void *)(uintptr_t)text, strlen(text));
}

static enum api_code lock_failed(struct api_call *call, int rc,
				 const struct base_error *err)
{
	if (rc == -EKEYREJECTED)
		return api_fail(call, API_PASSPHRASE_INCORRECT,
				"Error: The wallet passphrase entered was "
				"incorrect.");
	return api_fail(call, API_WALLET, "Error: %s", err->text);
}

static enum api_code must_be_encrypted(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;

	if (!rpc->wallet->encrypted)
		return api_fail(call, API_WRONG_ENCRYPTION_STATE,
				"Error: running with an unencrypted wallet, "
				"but %s was called.",
				call->method->name);
	return API_OK;
}

/* Parameter @index as a new passphrase. */
static enum api_code check_new(struct api_call *call, size_t index)
{
	size_t len = strlen(json_string_value(call->param[index]));

	if (len == 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"passphrase cannot be empty");
	if (len > NODE_PASSPHRASE_MAX)
		return api_fail(call, API_INVALID_PARAMETER,
				"passphrase cannot be longer than %d bytes",
				NODE_PASSPHRASE_MAX);
	return API_OK;
}

enum api_code node_rpc_encryptwallet(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_error err;
	enum api_code code;
	int rc;

	if (rpc->wallet->encrypted)
		return api_fail(call, API_WRONG_ENCRYPTION_STATE,
				"Error: running with an encrypted wallet, but "
				"encryptwallet was called.");
	code = check_new(call, 0);
	if (code != API_OK)
		return code;
	rc = node_wallet_encrypt(rpc->wallet, NULL,
				 json_string_value(call->param[0]), &err);
	forget(call, 0);
	if (rc < 0)
		return lock_failed(call, rc, &err);
	api_string(call->out,
		   "wallet encrypted and locked; the seed is the same, so "
		   "that copies of it made before are not encrypted");
	return API_OK;
}

enum api_code node_rpc_walletpassphrase(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_error err;
	int64_t seconds = 0;
	enum api_code code = must_be_encrypted(call);
	int rc;

	if (code == API_OK)
		code = api_param_int(&seconds, call, 1, INT64_MIN, INT64_MAX);
	if (code != API_OK)
		return code;
	if (seconds < 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Timeout cannot be negative.");
	if (seconds > TIMEOUT_MAX_S)
		seconds = TIMEOUT_MAX_S;
	rc = node_wallet_unlock(rpc->wallet, json_string_value(call->param[0]),
				node_monotonic_ms() + (uint64_t)seconds * 1000,
				&err);
	forget(call, 0);
	if (rc < 0)
		return lock_failed(call, rc, &err);
	api_null(call->out);
	return API_OK;
}

enum api_code node_rpc_walletlock(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	enum api_code code = must_be_encrypted(call);

	if (code != API_OK)
		return code;
	node_wallet_lock(rpc->wallet);
	api_null(call->out);
	return API_OK;
}

enum api_code node_rpc_walletpassphrasechange(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct base_error err;
	enum api_code code = must_be_encrypted(call);
	int rc;

	if (code == API_OK)
		code = check_new(call, 1);
	if (code != API_OK)
		return code;
	rc = node_wallet_encrypt(rpc->wallet, json_string_value(call->param[0]),
				 json_string_value(call->param[1]), &err);
	forget(call, 0);
	forget(call, 1);
	if (rc < 0)
		return lock_failed(call, rc, &err);
	api_null(call->out);
	return API_OK;
}
