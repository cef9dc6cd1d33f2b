/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "node/rpc.h"

#define FEE_RATE_DEFAULT (BASE_COIN / 10) /* units per 1000 virtual bytes */
#define TRIALS_MAX 25

void node_rpc_tx_free(struct node_rpc_tx *tx)
{
	free(tx->data);
	tx->data = NULL;
}

enum api_code node_rpc_tx_decode(struct node_rpc_tx *out, struct api_call *call,
				 const char *hex)
{
	const size_t len = strlen(hex) / 2;
	struct node_rpc_tx tx = {.data = calloc(1, len + 1)};
	struct base_reader r = base_reader_init(tx.data, len);

	if (!tx.data)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	if (base_from_hex(tx.data, len, hex) < 0 ||
	    chain_tx_parse(&tx.view, &r) < 0 || !base_reader_done(&r)) {
		node_rpc_tx_free(&tx);
		return api_fail(call, API_DESERIALIZATION,
				"TX decode failed. Make sure the tx has at "
				"least one input.");
	}
	*out = tx;
	return API_OK;
}

static uint8_t *new_scratch(const struct chain_tx_view *tx)
{
	return malloc(tx->stripped_len);
}

enum api_code node_rpc_decoderawtransaction(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_rpc_tx tx;
	uint8_t *scratch;
	enum api_code rc = node_rpc_tx_decode(
		&tx, call, json_string_value(call->param[0]));

	if (rc != API_OK)
		return rc;
	scratch = new_scratch(&tx.view);
	if (!scratch) {
		rc = api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	} else if (json_is_false(call->param[1]) && tx.view.has_witness) {
		rc = api_fail(call, API_DESERIALIZATION,
			      "TX decode failed. It has a witness.");
	} else {
		api_object_begin(call->out);
		node_rpc_put_tx(call->out, &tx.view, rpc->params, scratch);
		api_object_end(call->out);
	}
	free(scratch);
	node_rpc_tx_free(&tx);
	return rc;
}

static enum api_code find_in_block(struct node_rpc_tx *out,
				   struct api_call *call,
				   const struct base_hash *txid,
				   const struct node_rpc_block *in)
{
	struct base_reader r;
	uint64_t count = node_rpc_block_txs(&r, in);
	uint8_t *scratch = malloc(in->len);
	bool found = false;

	if (!scratch)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	for (uint64_t i = 0; i < count && !found; i++) {
		struct node_rpc_tx tx = {.block = *in};
		struct base_hash id;

		if (chain_tx_parse(&tx.view, &r) < 0)
			break;
		chain_txid(&id, scratch, &tx.view);
		found = base_hash_equal(&id, txid);
		if (found)
			*out = tx;
	}
	free(scratch);
	if (!found)
		return api_fail(call, API_NOT_FOUND,
				"No such transaction found in the provided "
				"block");
	return API_OK;
}

static enum api_code find_in_pool(struct node_rpc_tx *out,
				  struct api_call *call,
				  const struct base_hash *txid)
{
	struct node_pool_view pool = node_rpc_pool(call->ctx);
	struct node_rpc_tx tx = {.data = malloc(CHAIN_MEMPOOL_WEIGHT_MAX),
				 .has_fee = true};
	struct base_reader r;
	size_t len = 0;
	int rc;

	if (!tx.data)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	rc = node_pool_tx(tx.data, &len, &tx.fee, &pool, txid);
	r = base_reader_init(tx.data, len);
	if (rc == 0)
		rc = chain_tx_parse(&tx.view, &r);
	if (rc == 0) {
		*out = tx;
		return API_OK;
	}
	node_rpc_tx_free(&tx);
	if (rc != -ENOENT)
		return node_rpc_pool_failed(call, rc);
	return API_NOT_FOUND;
}

static enum api_code find_by_index(struct node_rpc_tx *out,
				   struct api_call *call,
				   const struct base_hash *txid)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_rpc_block block;
	struct base_height height;
	enum api_code code;
	int rc = -EIO;

	if (rpc->reader)
		rc = store_tx_height(&height, rpc->reader, txid);
	if (rc == -EOPNOTSUPP)
		return api_fail(call, API_NOT_FOUND,
				"No such mempool transaction. Use --txindex on "
				"or provide a block hash to enable blockchain "
				"transaction queries.");
	/* What is above the status' tip is not there yet. */
	if (rc == -ENOENT || (rc == 0 && height.n > rpc->status.tip.height.n))
		return api_fail(call, API_NOT_FOUND,
				"No such mempool or blockchain transaction.");
	if (rc < 0)
		return api_fail(call, API_DATABASE,
				"the index of transactions cannot be read");
	code = node_rpc_block_at(&block, call, height);
	return code == API_OK ? find_in_block(out, call, txid, &block) : code;
}

enum api_code node_rpc_tx_find(struct node_rpc_tx *out, struct api_call *call,
			       const struct base_hash *txid,
			       const struct node_rpc_block *in)
{
	enum api_code code;

	if (in)
		return find_in_block(out, call, txid, in);
	code = find_in_pool(out, call, txid);
	if (code != API_NOT_FOUND)
		return code;
	/* What a block took out of the pool just now is in a younger snapshot
	 * than the request began with. */
	node_rpc_end(call->ctx);
	node_rpc_begin(call->ctx);
	return find_by_index(out, call, txid);
}

enum api_code node_rpc_put_found(struct api_call *call,
				 const struct node_rpc_tx *tx, bool chosen,
				 bool fee)
{
	const struct node_rpc *rpc = call->ctx;
	const struct node_rpc_block *b = tx->data ? NULL : &tx->block;
	struct api_writer *w = call->out;
	uint8_t *scratch = new_scratch(&tx->view);

	if (!scratch)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	api_object_begin(w);
	if (chosen)
		api_put_bool(w, "in_active_chain", true);
	node_rpc_put_tx(w, &tx->view, rpc->params, scratch);
	free(scratch);
	if (fee && tx->has_fee)
		api_put_amount(w, "fee", tx->fee);
	api_put_hex(w, "hex", tx->view.data, tx->view.len);
	if (b) {
		api_put_hash(w, "blockhash", &b->hash);
		api_put_int(w, "confirmations",
			    (int64_t)rpc->status.tip.height.n - b->height.n +
				    1);
		api_put_int(w, "time", b->header.time);
		api_put_int(w, "blocktime", b->header.time);
	}
	api_object_end(w);
	return API_OK;
}

enum api_code node_rpc_getrawtransaction(struct api_call *call)
{
	struct node_rpc_block block;
	struct base_hash hash;
	struct node_rpc_tx tx;
	int64_t verbosity = json_is_true(call->param[1]);
	bool chosen = call->param[2] != NULL;
	enum api_code rc = API_OK;

	if (json_is_number(call->param[1]))
		rc = api_param_int(&verbosity, call, 1, INT32_MIN, INT32_MAX);
	if (rc == API_OK && chosen) {
		rc = api_param_hash(&hash, call, 2);
		if (rc == API_OK)
			rc = node_rpc_block_by_hash(&block, call, &hash);
		if (rc == API_NOT_FOUND)
			return api_fail(call, rc, "Block hash not found");
	}
	if (rc == API_OK)
		rc = api_param_hash(&hash, call, 0);
	if (rc == API_OK)
		rc = node_rpc_tx_find(&tx, call, &hash, chosen ? &block : NULL);
	if (rc != API_OK)
		return rc;
	if (verbosity <= 0)
		api_hex(call->out, tx.view.data, tx.view.len);
	else
		rc = node_rpc_put_found(call, &tx, chosen, verbosity >= 2);
	node_rpc_tx_free(&tx);
	return rc;
}

enum api_code node_rpc_getindexinfo(struct api_call *call)
{
	static const char index[] = "txindex";
	const struct node_rpc *rpc = call->ctx;
	const char *only = json_string_value(call->param[0]);
	const struct base_hash any = {{0}};
	struct api_writer *w = call->out;
	struct base_height height;
	int rc = -EIO;

	if (rpc->reader)
		rc = store_tx_height(&height, rpc->reader, &any);
	if (rc < 0 && rc != -ENOENT && rc != -EOPNOTSUPP)
		return api_fail(call, API_DATABASE,
				"the index of transactions cannot be read");
	api_object_begin(w);
	if (rc != -EOPNOTSUPP && (!only || strcmp(only, index) == 0)) {
		api_key(w, index);
		api_object_begin(w);
		api_put_bool(w, "synced", true);
		api_put_int(w, "best_block_height", rpc->status.tip.height.n);
		api_object_end(w);
	}
	api_object_end(w);
	return API_OK;
}

/* Parameter @index as units per 1000 virtual bytes; 0: no limit. */
static enum api_code take_fee_rate(int64_t *out, struct api_call *call,
				   size_t index)
{
	struct base_amount rate = {FEE_RATE_DEFAULT};
	enum api_code rc = API_OK;

	if (call->param[index])
		rc = api_param_amount(&rate, call, index);
	if (rc == API_OK && rate.units >= BASE_COIN)
		rc = api_fail(call, API_INVALID_PARAMETER,
			      "Fee rates larger than or equal to 1 coin/kvB "
			      "are not accepted");
	*out = rate.units;
	return rc;
}

enum api_code node_rpc_offer(struct api_call *call, struct node_tx_offer *o)
{
	struct node_rpc *rpc = call->ctx;
	int rc = rpc->light ? node_light_offer(rpc->light, rpc->params, o,
					       &rpc->answered)
			    : node_tx_offer(rpc->asks, o, &rpc->answered);

	if (rc < 0 || o->outcome == NODE_TX_BUSY)
		return node_rpc_pool_failed(call, -EAGAIN);
	if (o->outcome == NODE_TX_UNKNOWN)
		return node_rpc_pool_failed(call, -EIO);
	if (o->trial)
		return API_OK;
	switch (o->outcome) {
	case NODE_TX_ACCEPTED:
	case NODE_TX_IN_POOL:
		return API_OK;
	case NODE_TX_IN_CHAIN:
		return api_fail(call, API_ALREADY_IN_CHAIN,
				"Transaction already in block chain");
	case NODE_TX_MISSING:
		return api_fail(call, API_VERIFY,
				"bad-txns-inputs-missingorspent");
	case NODE_TX_FEE_LIMIT:
		return api_fail(call, API_VERIFY,
				"Fee exceeds maximum configured by user "
				"(maxfeerate)");
	default:
		return api_fail(call, API_VERIFY_REJECTED, "%s", o->reject);
	}
}

/* Decodes @hex, offers it as @o says, and frees it again. */
static enum api_code offer_hex(struct api_call *call, struct node_tx_offer *o,
			       const char *hex)
{
	struct node_rpc_tx tx;
	enum api_code rc = node_rpc_tx_decode(&tx, call, hex);

	if (rc != API_OK)
		return rc;
	o->data = tx.view.data;
	o->len = tx.view.len;
	rc = node_rpc_offer(call, o);
	node_rpc_tx_free(&tx);
	return rc;
}

enum api_code node_rpc_sendrawtransaction(struct api_call *call)
{
	struct node_tx_offer o = {.trial = false};
	enum api_code rc = take_fee_rate(&o.fee_rate_max, call, 1);

	if (rc == API_OK)
		rc = offer_hex(call, &o, json_string_value(call->param[0]));
	if (rc == API_OK)
		api_hash(call->out, &o.txid);
	return rc;
}

/* Core's own words where they differ from the reject string. */
static const char *trial_reason(const struct node_tx_offer *o)
{
	switch (o->outcome) {
	case NODE_TX_IN_POOL:
		return "txn-already-in-mempool";
	case NODE_TX_IN_CHAIN:
		return "txn-already-known";
	case NODE_TX_MISSING:
		return "missing-inputs";
	case NODE_TX_FEE_LIMIT:
		return "max-fee-exceeded";
	default:
		return o->reject;
	}
}

static void put_trial(struct api_writer *w, const struct node_tx_offer *o)
{
	bool allowed = o->outcome == NODE_TX_ACCEPTED;
	struct base_amount rate = {0};

	api_object_begin(w);
	api_put_hash(w, "txid", &o->txid);
	api_put_hash(w, "wtxid", &o->wtxid);
	api_put_bool(w, "allowed", allowed);
	if (allowed) {
		rate.units = o->fee.units / o->vsize * 1000 +
			     o->fee.units % o->vsize * 1000 / o->vsize;
		api_put_int(w, "vsize", o->vsize);
		api_key(w, "fees");
		api_object_begin(w);
		api_put_amount(w, "base", o->fee);
		api_put_amount(w, "effective-feerate", rate);
		api_key(w, "effective-includes");
		api_array_begin(w);
		api_hash(w, &o->wtxid);
		api_array_end(w);
		api_object_end(w);
	} else {
		api_put_string(w, "reject-reason", trial_reason(o));
	}
	api_object_end(w);
}

static enum api_code try_one(struct api_call *call, const json_t *hex,
			     int64_t fee_rate_max)
{
	struct node_tx_offer o = {.trial = true, .fee_rate_max = fee_rate_max};
	enum api_code rc;

	if (!json_is_string(hex))
		return api_fail(call, API_TYPE,
				"JSON value is not of expected type string");
	rc = offer_hex(call, &o, json_string_value(hex));
	if (rc == API_OK)
		put_trial(call->out, &o);
	return rc;
}

enum api_code node_rpc_testmempoolaccept(struct api_call *call)
{
	size_t count = json_array_size(call->param[0]);
	int64_t fee_rate_max = 0;
	enum api_code rc = take_fee_rate(&fee_rate_max, call, 1);

	if (rc != API_OK)
		return rc;
	if (count < 1 || count > TRIALS_MAX)
		return api_fail(call, API_INVALID_PARAMETER,
				"Array must contain between 1 and %d "
				"transactions.",
				TRIALS_MAX);
	api_array_begin(call->out);
	for (size_t i = 0; i < count && rc == API_OK; i++)
		rc = try_one(call, json_array_get(call->param[0], i),
			     fee_rate_max);
	api_array_end(call->out);
	return rc;
}
