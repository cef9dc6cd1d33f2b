/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "chain/address.h"
#include "chain/script.h"
#include "node/rpc.h"

/* The snapshot may be some blocks ahead of the status that was read before
 * it was taken, and the coins are those of its own tip. */
static struct base_height tip_of_coins(const struct node_rpc *rpc)
{
	struct base_height tip = rpc->status.tip.height;
	struct base_hash hash;

	while (store_hash_at(&hash, rpc->reader,
			     (struct base_height){tip.n + 1}) == 0)
		tip.n++;
	return tip;
}

int node_rpc_coin_find(struct node_rpc_coin *out, struct node_rpc *rpc,
		       const struct chain_outpoint *at, bool mempool)
{
	struct node_rpc_coin c = {.unconfirmed = false};
	struct node_pool_coin pool = {.made = false};
	int rc = 0;

	if (mempool) {
		struct node_pool_view view = node_rpc_pool(rpc);

		/* The pool first, then the disk: what a block took out of the
		 * pool is in the younger snapshot. */
		rc = node_pool_coin(&pool, &view, at);
		node_rpc_end(rpc);
		node_rpc_begin(rpc);
	}
	if (rc == 0 && !rpc->reader)
		rc = -EIO;
	if (rc == 0 && pool.spent)
		rc = -ENOENT;
	if (rc < 0)
		return rc;
	c.tip = tip_of_coins(rpc);
	rc = store_coin_at(&c.coin, rpc->reader, at);
	if (rc == -ENOENT && pool.made) {
		c.unconfirmed = true;
		c.coin.amount = pool.amount;
		memcpy(c.coin.key, pool.key, sizeof(c.coin.key));
		rc = 0;
	}
	if (rc == 0)
		*out = c;
	return rc;
}

enum api_code node_rpc_gettxout(struct api_call *call)
{
	struct node_rpc *rpc = call->ctx;
	struct api_writer *w = call->out;
	uint8_t script[CHAIN_P2TR_SIZE];
	struct chain_outpoint at;
	struct node_rpc_coin c;
	struct base_hash best;
	int64_t index = 0;
	enum api_code code = api_param_hash(&at.txid, call, 0);
	int rc;

	if (code == API_OK)
		code = api_param_int(&index, call, 1, 0, UINT32_MAX);
	if (code != API_OK)
		return code;
	at.index = (uint32_t)index;
	rc = node_rpc_coin_find(&c, rpc, &at, !json_is_false(call->param[2]));
	if (rc == -ENOENT) {
		api_null(w);
		return API_OK;
	}
	if (rc == 0)
		rc = store_hash_at(&best, rpc->reader, c.tip);
	if (rc < 0)
		return node_rpc_pool_failed(call, rc);
	chain_script_p2tr(script, c.coin.key);
	api_object_begin(w);
	api_put_hash(w, "bestblock", &best);
	api_put_int(w, "confirmations",
		    c.unconfirmed ? 0 : (int64_t)c.tip.n - c.coin.height.n + 1);
	api_put_amount(w, "value", c.coin.amount);
	node_rpc_put_script(w, script, sizeof(script), rpc->params);
	api_put_bool(w, "coinbase", c.coin.coinbase);
	api_object_end(w);
	return API_OK;
}

enum api_code node_rpc_validateaddress(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const char *text = json_string_value(call->param[0]);
	struct api_writer *w = call->out;
	uint8_t script[CHAIN_P2TR_SIZE];
	uint8_t key[CHAIN_KEY_SIZE];
	int rc = chain_address_decode(key, rpc->params->address_prefix, text);

	api_object_begin(w);
	api_put_bool(w, "isvalid", rc == 0);
	if (rc == 0) {
		chain_script_p2tr(script, key);
		api_put_string(w, "address", text);
		api_put_hex(w, "scriptPubKey", script, sizeof(script));
		api_put_bool(w, "isscript", true);
		api_put_bool(w, "iswitness", true);
		api_put_int(w, "witness_version", 1);
		api_put_hex(w, "witness_program", key, sizeof(key));
	} else {
		api_key(w, "error_locations");
		api_array_begin(w);
		api_array_end(w);
		api_put_string(w, "error",
			       rc == -EXDEV ? "The address is of another "
					      "network"
					    : "Not a bech32m address of a "
					      "Taproot key");
	}
	api_object_end(w);
	return API_OK;
}
