/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "chain/address.h"
#include "chain/script.h"
#include "node/clock.h"
#include "node/rpc.h"
#include "node/wallet_coins.h"

#define MAXCONF_DEFAULT 9999999

static enum api_code wallet_failed(struct api_call *call, int rc,
				   const struct base_error *err)
{
	if (rc == -ENOMEM)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	return api_fail(call, rc == -ENOSPC ? API_KEYPOOL_RAN_OUT : API_WALLET,
			"%s", err->text);
}

/* Of a light node: what was proved, and what is on its way. */
static enum api_code light_wallet(struct node_wallet **out,
				  struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_pool_copy pool = {.len = 0};
	struct store_reader *reader;
	struct base_error err;
	int rc;

	if (store_read_begin(&reader, rpc->store, &err) < 0)
		return api_fail(call, API_DATABASE, "%s", err.text);
	rc = node_light_wallet(rpc->wallet, reader, &err);
	if (rc == 0) {
		rc = node_light_pool(&pool, reader);
		if (rc == 0)
			rc = node_wallet_sync_pool(rpc->wallet, &pool);
		if (rc < 0)
			(void)base_fail(&err, rc, "what is on its way: %s",
					strerror(-rc));
	}
	store_read_end(reader);
	node_pool_copy_free(&pool);
	if (rc < 0)
		return wallet_failed(call, rc, &err);
	*out = rpc->wallet;
	return API_OK;
}

enum api_code node_rpc_wallet(struct node_wallet **out, struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_pool_copy pool;
	struct store_reader *reader;
	struct base_error err;
	int rc;

	if (rpc->is_light)
		return light_wallet(out, call);
	rc = node_pool_copy(&pool, rpc->asks, &rpc->answered);
	if (rc < 0)
		return node_rpc_pool_failed(call, rc);
	/* A snapshot of its own: the request's is older than the pool. */
	if (store_read_begin(&reader, rpc->store, &err) < 0) {
		node_pool_copy_free(&pool);
		return api_fail(call, API_DATABASE, "%s", err.text);
	}
	rc = node_wallet_sync(rpc->wallet, reader, rpc->status.tip.height,
			      &err);
	store_read_end(reader);
	if (rc == 0) {
		rc = node_wallet_sync_pool(rpc->wallet, &pool);
		if (rc < 0)
			(void)base_fail(&err, rc, "the pool: %s",
					strerror(-rc));
	}
	node_pool_copy_free(&pool);
	if (rc < 0)
		return wallet_failed(call, rc, &err);
	*out = rpc->wallet;
	return API_OK;
}

enum api_code node_rpc_address(uint8_t key[static CHAIN_KEY_SIZE],
			       struct api_call *call, const char *text)
{
	const struct node_rpc *rpc = call->ctx;

	if (chain_address_decode(key, rpc->params->address_prefix, text) < 0)
		return api_fail(call, API_NOT_FOUND, "Invalid address: %.200s",
				text);
	return API_OK;
}

static void put_address(struct api_writer *w, const char *name,
			const struct node_rpc *rpc,
			const uint8_t key[static CHAIN_KEY_SIZE])
{
	char text[CHAIN_ADDRESS_SIZE];

	chain_address_encode(text, rpc->params->address_prefix, key);
	if (name)
		api_put_string(w, name, text);
	else
		api_string(w, text);
}

static enum api_code new_address(struct api_call *call, enum node_branch branch,
				 const json_t *type)
{
	const char *text = json_string_value(type);
	struct node_wallet *w;
	struct base_error err;
	node_address_ref address;
	enum api_code code;
	int rc;

	if (text && strcmp(text, "bech32m") != 0)
		return api_fail(call, API_NOT_FOUND,
				"Unknown address type '%.100s'", text);
	code = node_rpc_wallet(&w, call);
	if (code != API_OK)
		return code;
	rc = node_wallet_take(&address, w, branch, &err);
	if (rc < 0)
		return wallet_failed(call, rc, &err);
	put_address(call->out, NULL, call->ctx, node_wallet_key(w, address));
	return API_OK;
}

enum api_code node_rpc_getnewaddress(struct api_call *call)
{
	return new_address(call, NODE_RECEIVE, call->param[1]);
}

enum api_code node_rpc_getrawchangeaddress(struct api_call *call)
{
	return new_address(call, NODE_CHANGE, call->param[0]);
}

enum api_code node_rpc_getaddressinfo(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct api_writer *out = call->out;
	uint8_t key[CHAIN_KEY_SIZE];
	uint8_t script[CHAIN_P2TR_SIZE];
	struct node_wallet *w;
	node_address_ref address = 0;
	char path[64];
	bool mine;
	enum api_code code =
		node_rpc_address(key, call, json_string_value(call->param[0]));

	if (code == API_OK)
		code = node_rpc_wallet(&w, call);
	if (code != API_OK)
		return code;
	mine = node_wallet_find(&address, w, key);
	chain_script_p2tr(script, key);
	api_object_begin(out);
	put_address(out, "address", rpc, key);
	api_put_hex(out, "scriptPubKey", script, sizeof(script));
	api_put_bool(out, "ismine", mine);
	api_put_bool(out, "solvable", mine);
	api_put_bool(out, "iswatchonly", false);
	api_put_bool(out, "isscript", true);
	api_put_bool(out, "iswitness", true);
	api_put_int(out, "witness_version", 1);
	api_put_hex(out, "witness_program", key, sizeof(key));
	api_put_bool(out, "ischange", mine && address & 1);
	if (mine) {
		(void)snprintf(path, sizeof(path), "m/86h/0h/0h/%u/%u",
			       address & 1, address >> 1);
		api_put_string(out, "hdkeypath", path);
	}
	api_key(out, "labels");
	api_array_begin(out);
	api_array_end(out);
	api_object_end(out);
	return API_OK;
}

/* Parameter @index as a number of blocks; @fallback where there is none. */
static enum api_code param_depth(uint32_t *out, struct api_call *call,
				 size_t index, uint32_t fallback)
{
	int64_t n = fallback;
	enum api_code code = API_OK;

	if (call->param[index])
		code = api_param_int(&n, call, index, 0, INT32_MAX);
	if (code == API_OK)
		*out = (uint32_t)n;
	return code;
}

/* The wallet as of now, and what is in it. */
static enum api_code take_balance(struct node_wallet **w,
				  struct node_wallet_balance *b,
				  struct api_call *call, uint32_t depth)
{
	const struct node_rpc *rpc = call->ctx;
	enum api_code code = node_rpc_wallet(w, call);

	if (code == API_OK)
		node_wallet_balance(b, *w, rpc->params->coinbase_maturity,
				    depth);
	return code;
}

enum api_code node_rpc_getbalance(struct api_call *call)
{
	const char *dummy = json_string_value(call->param[0]);
	struct node_wallet_balance b;
	struct node_wallet *w;
	uint32_t depth;
	enum api_code code = param_depth(&depth, call, 1, 0);

	if (dummy && *dummy && strcmp(dummy, "*") != 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"dummy first argument must be excluded or set "
				"to \"*\".");
	if (code == API_OK)
		code = take_balance(&w, &b, call, depth);
	if (code == API_OK)
		api_amount(call->out, b.trusted);
	return code;
}

static void put_last_block(struct api_writer *out, const struct node_wallet *w)
{
	api_key(out, "lastprocessedblock");
	api_object_begin(out);
	api_put_hash(out, "hash", &w->tip);
	api_put_int(out, "height", w->height - 1);
	api_object_end(out);
}

enum api_code node_rpc_getbalances(struct api_call *call)
{
	struct api_writer *out = call->out;
	struct node_wallet_balance b;
	struct node_wallet *w;
	enum api_code code = take_balance(&w, &b, call, 0);

	if (code != API_OK)
		return code;
	api_object_begin(out);
	api_key(out, "mine");
	api_object_begin(out);
	api_put_amount(out, "trusted", b.trusted);
	api_put_amount(out, "untrusted_pending", b.pending);
	api_put_amount(out, "immature", b.immature);
	api_object_end(out);
	put_last_block(out, w);
	api_object_end(out);
	return API_OK;
}

/* Seconds of Unix time, as Core says until when. */
static int64_t unlocked_until(const struct node_wallet *w)
{
	struct node_clock clock;

	if (!w->unlocked)
		return 0;
	if (w->relock_ms == NODE_WALLET_FOR_EVER)
		return UINT32_MAX;
	node_clock_init(&clock);
	return ((int64_t)w->relock_ms + clock.offset_ms) / 1000;
}

enum api_code node_rpc_getwalletinfo(struct api_call *call)
{
	struct api_writer *out = call->out;
	struct node_wallet_balance b;
	struct node_wallet *w;
	enum api_code code = take_balance(&w, &b, call, 0);

	if (code != API_OK)
		return code;
	(void)node_wallet_tick(w);
	api_object_begin(out);
	api_put_string(out, "walletname", "");
	api_put_int(out, "walletversion", NODE_WALLET_FORMAT);
	api_put_string(out, "format", "minerd");
	api_put_amount(out, "balance", b.trusted);
	api_put_amount(out, "unconfirmed_balance", b.pending);
	api_put_amount(out, "immature_balance", b.immature);
	api_put_int(out, "keypoolsize",
		    w->derived[NODE_RECEIVE] - w->next[NODE_RECEIVE]);
	api_put_int(out, "keypoolsize_hd_internal",
		    w->derived[NODE_CHANGE] - w->next[NODE_CHANGE]);
	if (w->encrypted)
		api_put_int(out, "unlocked_until", unlocked_until(w));
	api_put_bool(out, "private_keys_enabled", true);
	api_put_bool(out, "avoid_reuse", false);
	api_put_bool(out, "scanning", false);
	api_put_bool(out, "descriptors", true);
	api_put_bool(out, "external_signer", false);
	api_put_bool(out, "blank", false);
	put_last_block(out, w);
	api_object_end(out);
	return API_OK;
}

/* What listunspent was asked for. */
struct wanted {
	uint32_t least;
	uint32_t most;
	bool unsafe;
	bool only; /* those of @keys */
	struct node_table keys;
};

static enum api_code take_addresses(struct wanted *wanted,
				    struct api_call *call)
{
	uint8_t key[CHAIN_KEY_SIZE];
	const json_t *item;
	size_t i;

	wanted->only = json_array_size(call->param[2]) > 0;
	json_array_foreach(call->param[2], i, item)
	{
		const char *text = json_string_value(item);
		enum api_code code;

		if (!text)
			return api_fail(call, API_TYPE,
					"JSON value is not a string as "
					"expected");
		code = node_rpc_address(key, call, text);
		if (code != API_OK)
			return code;
		if (node_table_find(&wanted->keys, key))
			return api_fail(call, API_INVALID_PARAMETER,
					"Invalid parameter, duplicated "
					"address: %.200s",
					text);
		if (node_table_put(&wanted->keys, key) < 0)
			return api_fail(call, API_OUT_OF_MEMORY,
					"Out of memory");
	}
	return API_OK;
}

static void put_unspent(struct api_writer *out, const struct node_rpc *rpc,
			const struct node_wallet *w,
			const struct node_wallet_coin *c)
{
	const uint8_t *key = node_wallet_key(w, c->address);
	uint8_t script[CHAIN_P2TR_SIZE];

	chain_script_p2tr(script, key);
	api_object_begin(out);
	api_put_hash(out, "txid", &c->at.txid);
	api_put_int(out, "vout", c->at.index);
	put_address(out, "address", rpc, key);
	api_put_hex(out, "scriptPubKey", script, sizeof(script));
	api_put_amount(out, "amount", c->amount);
	api_put_int(out, "confirmations", node_wallet_confirmations(w, c));
	if (c->ancestors)
		api_put_int(out, "ancestorcount", c->ancestors);
	api_put_bool(out, "spendable", true);
	api_put_bool(out, "solvable", true);
	api_put_bool(out, "safe", c->trusted);
	api_object_end(out);
}

static void put_wanted(struct api_call *call, const struct wanted *wanted,
		       const struct node_wallet *w,
		       const struct node_table *coins)
{
	const struct node_rpc *rpc = call->ctx;
	const struct node_wallet_coin *c = NULL;

	while ((c = node_table_next(coins, c))) {
		uint32_t depth = node_wallet_confirmations(w, c);

		if (depth >= wanted->least && depth <= wanted->most &&
		    (wanted->unsafe || c->trusted) &&
		    node_wallet_mature(w, c, rpc->params->coinbase_maturity) &&
		    !node_table_find(&w->spent, &c->at) &&
		    (!wanted->only ||
		     node_table_find(&wanted->keys,
				     node_wallet_key(w, c->address))))
			put_unspent(call->out, rpc, w, c);
	}
}

enum api_code node_rpc_listunspent(struct api_call *call)
{
	struct wanted wanted = {.unsafe = !call->param[3] ||
					  json_is_true(call->param[3])};
	struct node_wallet *w;
	enum api_code code = param_depth(&wanted.least, call, 0, 1);

	if (code == API_OK)
		code = param_depth(&wanted.most, call, 1, MAXCONF_DEFAULT);
	if (code != API_OK)
		return code;
	if (node_table_init(&wanted.keys, CHAIN_KEY_SIZE, CHAIN_KEY_SIZE) < 0)
		return api_fail(call, API_WALLET, "no randomness");
	code = take_addresses(&wanted, call);
	if (code == API_OK)
		code = node_rpc_wallet(&w, call);
	if (code == API_OK) {
		api_array_begin(call->out);
		put_wanted(call, &wanted, w, &w->coins);
		put_wanted(call, &wanted, w, &w->pending);
		api_array_end(call->out);
	}
	node_table_free(&wanted.keys);
	return code;
}
