/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "chain/signature.h"
#include "node/rpc.h"

/* What a witness adds to an input: count, length, signature; and to the
 * transaction: marker and flag. No other witness comes into the pool. */
#define WITNESS_PER_INPUT (1u + 1u + CHAIN_SIGNATURE_SIZE)
#define WITNESS_PER_TX 2u

static int64_t weight_of(const struct chain_mempool_entry *e)
{
	const int64_t witness =
		WITNESS_PER_TX + (int64_t)WITNESS_PER_INPUT * e->input_count;

	return 4 * (int64_t)e->len - 3 * witness;
}

static void put_relatives(struct api_writer *w, const char *key,
			  const struct node_pool_relatives *r)
{
	api_key(w, key);
	api_array_begin(w);
	for (uint32_t i = 0; i < r->count; i++)
		api_hash(w, &r->txid[i]);
	api_array_end(w);
}

static void put_fees(struct api_writer *w, const struct chain_mempool_entry *e)
{
	const struct base_amount modified = {e->fee.units + e->delta};

	api_key(w, "fees");
	api_object_begin(w);
	api_put_amount(w, "base", e->fee);
	api_put_amount(w, "modified", modified);
	api_put_amount(w, "ancestor", (struct base_amount){e->ancestors.fee});
	api_put_amount(w, "descendant",
		       (struct base_amount){e->descendants.fee});
	api_object_end(w);
}

static void put_entry(struct api_writer *w, const struct node_pool_entry *in)
{
	const struct chain_mempool_entry *e = &in->entry;

	api_object_begin(w);
	api_put_int(w, "vsize", e->vsize);
	api_put_int(w, "weight", weight_of(e));
	api_put_int(w, "time", (int64_t)e->time_s);
	api_put_int(w, "descendantcount", e->descendants.count);
	api_put_int(w, "descendantsize", e->descendants.vsize);
	api_put_int(w, "ancestorcount", e->ancestors.count);
	api_put_int(w, "ancestorsize", e->ancestors.vsize);
	api_put_hash(w, "wtxid", &e->wtxid);
	put_fees(w, e);
	put_relatives(w, "depends", &in->parents);
	put_relatives(w, "spentby", &in->children);
	api_put_bool(w, "bip125-replaceable", false);
	api_put_bool(w, "unbroadcast", false);
	api_put_bool(w, "pinned", e->pinned);
	api_put_bool(w, "excluded", e->excluded);
	api_object_end(w);
}

static void put_named_entry(struct api_writer *w,
			    const struct node_pool_entry *e)
{
	char txid[BASE_HASH_HEX_SIZE];

	base_hash_to_hex(txid, &e->entry.txid);
	api_key(w, txid);
	put_entry(w, e);
}

enum api_code node_rpc_getmempoolinfo(struct api_call *call)
{
	struct node_pool_view pool = node_rpc_pool(call->ctx);
	const struct base_amount relay = {CHAIN_MEMPOOL_RELAY_FEE};
	struct chain_mempool_totals t;
	struct api_writer *w = call->out;
	int rc = node_pool_totals(&t, &pool);

	if (rc < 0)
		return node_rpc_pool_failed(call, rc);
	api_object_begin(w);
	api_put_bool(w, "loaded", true);
	api_put_int(w, "size", t.count);
	api_put_int(w, "bytes", (int64_t)t.vsize);
	api_put_int(w, "usage", (int64_t)t.usage);
	api_put_amount(w, "total_fee", (struct base_amount){t.fees});
	api_put_int(w, "maxmempool", (int64_t)t.bytes_max);
	api_put_amount(w, "mempoolminfee",
		       (struct base_amount){(int64_t)t.min_fee_kvb});
	api_put_amount(w, "minrelaytxfee", relay);
	api_put_amount(w, "incrementalrelayfee", relay);
	api_put_int(w, "unbroadcastcount", 0);
	api_put_bool(w, "fullrbf", false);
	api_object_end(w);
	return API_OK;
}

struct listing {
	struct api_writer *w;
	bool verbose;
	uint64_t sequence; /* the youngest entry's */
};

static void list_entry(void *ctx, const struct node_pool_entry *e)
{
	struct listing *l = ctx;

	if (l->verbose)
		put_named_entry(l->w, e);
	else
		api_hash(l->w, &e->entry.txid);
	if (e->entry.sequence > l->sequence)
		l->sequence = e->entry.sequence;
}

enum api_code node_rpc_put_mempool(struct api_call *call, bool verbose,
				   bool sequence)
{
	struct node_pool_view pool = node_rpc_pool(call->ctx);
	struct listing l = {.w = call->out, .verbose = verbose};
	int rc;

	if (verbose) {
		api_object_begin(l.w);
		rc = node_pool_each(&pool, true, list_entry, &l);
		api_object_end(l.w);
		return rc < 0 ? node_rpc_pool_failed(call, rc) : API_OK;
	}
	if (sequence) {
		api_object_begin(l.w);
		api_key(l.w, "txids");
	}
	api_array_begin(l.w);
	rc = node_pool_each(&pool, false, list_entry, &l);
	api_array_end(l.w);
	if (sequence) {
		api_put_int(l.w, "mempool_sequence", (int64_t)l.sequence + 1);
		api_object_end(l.w);
	}
	return rc < 0 ? node_rpc_pool_failed(call, rc) : API_OK;
}

enum api_code node_rpc_getrawmempool(struct api_call *call)
{
	bool verbose = json_is_true(call->param[0]);
	bool sequence = json_is_true(call->param[1]);

	if (verbose && sequence)
		return api_fail(call, API_INVALID_PARAMETER,
				"Verbose results cannot contain mempool "
				"sequence values.");
	return node_rpc_put_mempool(call, verbose, sequence);
}

enum api_code node_rpc_getmempoolentry(struct api_call *call)
{
	struct node_pool_view pool = node_rpc_pool(call->ctx);
	struct node_pool_entry e;
	struct base_hash txid;
	enum api_code code = api_param_hash(&txid, call, 0);
	int rc;

	if (code != API_OK)
		return code;
	rc = node_pool_entry(&e, &pool, &txid);
	if (rc < 0)
		return node_rpc_pool_failed(call, rc);
	put_entry(call->out, &e);
	return API_OK;
}

static void put_family(struct api_writer *w, const struct node_pool_entry *e,
		       uint32_t count, bool verbose)
{
	if (verbose) {
		api_object_begin(w);
		for (uint32_t i = 0; i < count; i++)
			put_named_entry(w, &e[i]);
		api_object_end(w);
		return;
	}
	api_array_begin(w);
	for (uint32_t i = 0; i < count; i++)
		api_hash(w, &e[i].entry.txid);
	api_array_end(w);
}

static enum api_code family(struct api_call *call, bool descendants)
{
	struct node_pool_view pool = node_rpc_pool(call->ctx);
	struct node_pool_entry *e;
	struct base_hash txid;
	uint32_t count = 0;
	enum api_code code = api_param_hash(&txid, call, 0);
	int rc;

	if (code != API_OK)
		return code;
	e = calloc(CHAIN_MEMPOOL_CHAIN_MAX, sizeof(*e));
	rc = e ? node_pool_family(e, &count, &pool, &txid, descendants)
	       : -ENOMEM;
	if (rc == 0)
		put_family(call->out, e, count, json_is_true(call->param[1]));
	free(e);
	return rc < 0 ? node_rpc_pool_failed(call, rc) : API_OK;
}

enum api_code node_rpc_getmempoolancestors(struct api_call *call)
{
	return family(call, false);
}

enum api_code node_rpc_getmempooldescendants(struct api_call *call)
{
	return family(call, true);
}
