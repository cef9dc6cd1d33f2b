/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "node/rpc.h"

static const char *const mode_name[] = {
	[DS_SYNC] = "SYNC",
	[DS_SHADOW] = "SHADOW",
	[DS_ACTIVE] = "ACTIVE",
	[DS_HALT] = "HALT",
};

static const char *name_of(uint32_t mode)
{
	return mode < BASE_COUNT(mode_name) ? mode_name[mode] : "?";
}

/* 64 bits are more than JSON's readers keep: the mask in hex, as members in
 * a list. */
static void put_mask(struct api_writer *w, const char *mask_key,
		     const char *members_key, ds_mask mask)
{
	char text[17];

	(void)snprintf(text, sizeof(text), "%016" PRIx64, mask);
	api_put_string(w, mask_key, text);
	api_key(w, members_key);
	api_array_begin(w);
	while (mask)
		api_int(w, ds_mask_take(&mask));
	api_array_end(w);
}

static void put_block(struct api_writer *w, const char *key,
		      struct base_height height, const struct base_hash *hash)
{
	api_key(w, key);
	api_object_begin(w);
	api_put_int(w, "height", height.n);
	api_put_hash(w, "hash", hash);
	api_object_end(w);
}

static void put_beats(struct api_writer *w, const struct ds_beats_view *b)
{
	api_key(w, "beats");
	api_object_begin(w);
	api_put_int(w, "tick", (int64_t)b->tick.n);
	put_mask(w, "mask", "heard", b->heard);
	put_mask(w, "agree_mask", "agree", b->agree);
	api_object_end(w);
}

static void put_reasons(struct api_writer *w, const struct node_status *s)
{
	api_key(w, "reasons");
	api_object_begin(w);
	for (int r = DS_REASON_NONE + 1; r < DS_REASONS; r++)
		api_put_int(w, ds_reason_name((enum ds_reason)r),
			    (int64_t)s->reason[r]);
	api_object_end(w);
}

static void put_instance(struct api_writer *w, const struct ds_instance_view *v,
			 uint32_t rounds)
{
	api_object_begin(w);
	api_put_int(w, "tick", (int64_t)v->tick.n);
	api_put_int(w, "settles", (int64_t)(v->tick.n + rounds));
	api_put_int(w, "sender", v->sender);
	api_put_int(w, "extracted", v->extracted);
	api_put_int(w, "count", v->values);
	api_key(w, "values");
	api_array_begin(w);
	for (uint32_t i = 0; i < v->values && i < DS_VIEW_VALUES_MAX; i++) {
		api_object_begin(w);
		api_put_hash(w, "hash", &v->value[i].hash);
		api_put_bool(w, "extracted", i < v->extracted);
		put_mask(w, "mask", "signers", v->value[i].verified);
		api_object_end(w);
	}
	api_array_end(w);
	api_object_end(w);
}

static void put_rounds(struct api_writer *w, const struct ds_rounds_view *v)
{
	api_key(w, "rounds");
	api_array_begin(w);
	for (uint32_t i = 0; i < v->instance_count; i++)
		put_instance(w, &v->instance[i], v->rounds);
	api_array_end(w);
	api_put_int(w, "votes_height", v->height.n);
	api_key(w, "votes");
	api_array_begin(w);
	for (uint32_t i = 0; i < v->vote_count; i++) {
		api_object_begin(w);
		api_put_int(w, "voter", v->vote[i].voter);
		api_put_hash(w, "hash", &v->vote[i].hash);
		api_object_end(w);
	}
	api_array_end(w);
}

enum api_code node_rpc_getconsensusinfo(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const struct node_status *s = &rpc->status;
	struct ds_rounds_view *v = calloc(1, sizeof(*v));
	struct api_writer *w = call->out;

	if (!v)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	/* None yet: what is zero is an empty grid. */
	if (!node_status_read_rounds(v, rpc->board))
		v->height.n = s->tip.height.n + 1;
	api_object_begin(w);
	api_put_string(w, "mode", name_of(s->mode));
	api_key(w, "tick");
	if (s->ticking)
		api_int(w, (int64_t)s->tick.n);
	else
		api_null(w);
	api_put_int(w, "tick_time_ms", (int64_t)s->tick_ms);
	put_block(w, "final", s->tip.height, &s->tip.hash);
	put_block(w, "decided", s->decided_height, &s->decided);
	api_put_int(w, "clean_ticks", s->clean_ticks);
	api_put_int(w, "vote_epoch", s->vote_epoch);
	api_put_int(w, "late_ms", (int64_t)s->late_ms);
	api_put_int(w, "late_minute_ms", (int64_t)s->late_minute_ms);
	api_put_int(w, "late_allowed_ms",
		    (int64_t)rpc->committee->delta_ms / 4);
	put_beats(w, &s->beats);
	put_reasons(w, s);
	put_rounds(w, v);
	api_object_end(w);
	free(v);
	return API_OK;
}

/* ---- who agrees ---- */

static ds_mask connected_members(const struct net_view *v)
{
	ds_mask mask = 0;

	for (uint32_t i = 0; i < v->peers; i++)
		if (v->peer[i].member >= 0)
			mask |= ds_mask_of((uint32_t)v->peer[i].member);
	return mask;
}

/* What it last said of itself; null: it was not heard, or is halted. */
static void put_mode(struct api_writer *w, const struct ds_beats_view *b,
		     uint32_t i)
{
	api_key(w, "mode");
	if (!ds_mask_has(b->heard, i))
		api_null(w);
	else if (ds_mask_has(b->active, i))
		api_string(w, name_of(DS_ACTIVE));
	else
		api_string(w, name_of(ds_mask_has(b->strong, i) ? DS_SHADOW
								: DS_SYNC));
}

static void put_member(struct api_writer *w, const struct node_rpc *rpc,
		       uint32_t i, ds_mask connected)
{
	const struct chain_member *m = &rpc->params->member[i];
	const struct node_status *s = &rpc->status;

	api_object_begin(w);
	api_put_int(w, "index", i);
	api_put_string(w, "name", m->name);
	api_put_hex(w, "signing_key", m->signing_key, sizeof(m->signing_key));
	api_put_hex(w, "nodeid", m->node_id, sizeof(m->node_id));
	api_put_string(w, "address", m->address);
	api_put_bool(w, "self", ds_mask_has(s->self, i));
	api_put_bool(w, "connected", ds_mask_has(connected | s->self, i));
	api_put_bool(w, "heard", ds_mask_has(s->beats.heard, i));
	put_mode(w, &s->beats, i);
	api_put_bool(w, "agrees", ds_mask_has(s->beats.agree, i));
	api_object_end(w);
}

enum api_code node_rpc_getcommittee(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const struct ds_committee *c = rpc->committee;
	struct net_view *v = node_rpc_net_view(call);
	struct api_writer *w = call->out;
	ds_mask connected;

	if (!v)
		return API_OUT_OF_MEMORY;
	connected = connected_members(v);
	free(v);
	api_object_begin(w);
	api_put_string(w, "chain", rpc->params->name);
	api_put_hash(w, "genesis", &c->genesis);
	api_put_int(w, "n", c->n);
	api_put_int(w, "f", c->f);
	api_put_int(w, "rounds", c->rounds);
	api_put_int(w, "quorum", c->quorum);
	api_put_bool(w, "certificates", c->certified);
	api_put_int(w, "delta_ms", (int64_t)c->delta_ms);
	api_put_int(w, "genesis_time_ms", (int64_t)c->t0_ms);
	api_put_int(w, "vote_epoch", c->vote_epoch);
	api_key(w, "members");
	api_array_begin(w);
	for (uint32_t i = 0; i < c->n; i++)
		put_member(w, rpc, i, connected);
	api_array_end(w);
	api_object_end(w);
	return API_OK;
}

/* ---- certificates ---- */

/* Parameter 0: the height or the hash of a block of the chain. */
static enum api_code find_block(struct node_rpc_block *out,
				struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	const uint32_t tip = rpc->status.tip.height.n;
	struct base_hash hash;
	int64_t height = 0;
	enum api_code rc;

	if (json_is_string(call->param[0])) {
		rc = api_param_hash(&hash, call, 0);
		return rc == API_OK ? node_rpc_block_by_hash(out, call, &hash)
				    : rc;
	}
	rc = api_param_int(&height, call, 0, INT32_MIN, INT32_MAX);
	if (rc != API_OK)
		return rc;
	if (height < 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"Target block height %" PRId64 " is negative",
				height);
	if (height > tip)
		return api_fail(call, API_INVALID_PARAMETER,
				"Target block height %" PRId64
				" after current tip %u",
				height, tip);
	return node_rpc_block_at(out, call,
				 (struct base_height){(uint32_t)height});
}

static void put_signers(struct api_writer *w, const struct ds_cert *cert,
			const struct chain_params *p)
{
	const uint8_t *signature = cert->signatures;
	ds_mask mask = cert->mask;

	api_key(w, "signatures");
	api_array_begin(w);
	for (; mask; signature += DS_SIGNATURE_SIZE) {
		uint32_t i = ds_mask_take(&mask);

		api_object_begin(w);
		api_put_int(w, "index", i);
		api_put_string(w, "name", p->member[i].name);
		api_put_hex(w, "signature", signature, DS_SIGNATURE_SIZE);
		api_object_end(w);
	}
	api_array_end(w);
}

static const char *why_none(const struct node_rpc *rpc,
			    struct base_height height)
{
	if (!rpc->committee->certified)
		return "this network makes none";
	if (height.n == 0)
		return "genesis needs none";
	return "that of a later block vouches for it";
}

enum api_code node_rpc_getcertificate(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct api_writer *w = call->out;
	struct node_rpc_block b;
	const uint8_t *bytes;
	struct ds_cert cert;
	size_t len;
	enum api_code code = find_block(&b, call);
	int rc;

	if (code != API_OK)
		return code;
	rc = store_cert_at(&bytes, &len, rpc->reader, b.height);
	if (rc == -ENOENT)
		return api_fail(call, API_NOT_FOUND,
				"No certificate of block %u: %s", b.height.n,
				why_none(rpc, b.height));
	if (rc == 0)
		rc = ds_cert_read(&cert, rpc->committee, bytes, len);
	if (rc < 0)
		return api_fail(call, API_DATABASE,
				"the certificate of block %u cannot be read "
				"from disk",
				b.height.n);
	api_object_begin(w);
	api_put_int(w, "height", cert.height.n);
	api_put_hash(w, "hash", &cert.hash);
	api_put_int(w, "epoch", cert.epoch);
	api_put_int(w, "quorum", rpc->committee->quorum);
	put_mask(w, "mask", "signers", cert.mask);
	put_signers(w, &cert, rpc->params);
	api_put_hex(w, "hex", bytes, len);
	api_object_end(w);
	return API_OK;
}
