/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/script.h"
#include "node/identify.h"
#include "node/light_internal.h"

#define PROOFS_MAX 1024u /* written at once */

/* ---- keys ---- */

static struct light_key *key_of(struct node_light *l, const uint8_t *key)
{
	return node_table_find(&l->keys, key);
}

/* False: there is no room, which is said once. */
static bool add_key(struct node_light *l, const struct light_key *key)
{
	struct base_error err;
	int rc;

	if (l->keys.count >= NODE_LIGHT_KEYS_MAX) {
		if (!l->full_told)
			node_log(l->o.log, NODE_LOG_WARN, "light_keys",
				 "more than %u addresses and payments: the "
				 "newest are not followed; run a full node",
				 NODE_LIGHT_KEYS_MAX);
		l->full_told = true;
		return false;
	}
	rc = node_table_put(&l->keys, key);
	if (rc < 0) {
		(void)base_fail(&err, rc, "no memory for keys");
		node_light_fail(l, rc, &err);
	}
	return rc == 0;
}

static void derive_branch(struct node_light *l, uint32_t branch)
{
	/* Pairs with the release in node_light_use(). */
	uint32_t use =
		atomic_load_explicit(&l->use[branch], memory_order_acquire);

	if (use > NODE_WALLET_KEYS_MAX)
		use = NODE_WALLET_KEYS_MAX;
	for (; l->derived[branch] < use + NODE_LIGHT_GAP;
	     l->derived[branch]++) {
		struct light_key key = {.address = true,
					.branch = (uint8_t)branch,
					.index = l->derived[branch]};
		struct light_key *known;

		/* In 2^127 cases one has no key. */
		if (node_bip86_output_key(key.key, &l->branch[branch],
					  key.index) < 0)
			continue;
		known = key_of(l, key.key);
		if (known) {
			key.next = known->next;
			key.seen = known->seen;
		}
		if (!add_key(l, &key))
			return;
	}
}

void node_light_own_derive(struct node_light *l)
{
	for (uint32_t i = 0; i < NODE_BRANCHES && l->has_wallet; i++)
		derive_branch(l, i);
}

static void met(struct node_light *l, uint32_t branch, uint32_t index)
{
	node_light_use(l, (enum node_branch)branch, index + 1);
}

static int load_key(void *ctx, const struct store_light_key *in)
{
	struct node_light *l = ctx;
	struct light_key key = {.next = in->next, .seen = in->next};

	memcpy(key.key, in->key, sizeof(key.key));
	return add_key(l, &key) || l->rc == 0 ? 0 : l->rc;
}

/* ---- proofs ---- */

static bool knows_txid(const struct node_light *l, const uint8_t *txid)
{
	const struct light_key *key = node_table_find(&l->keys, txid);

	return key && !key->address;
}

static bool is_spent(const struct node_light *l, const struct chain_tx_view *tx)
{
	struct base_reader r = base_reader_init(
		tx->inputs, (size_t)(tx->outputs - tx->inputs));

	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;

		chain_tx_read_input(&in, &r);
		if (knows_txid(l, in.prev_hash.b))
			return true;
	}
	return false;
}

/* Its outputs to us; their addresses are in use. */
static bool is_paid(struct node_light *l, const struct chain_tx_view *tx)
{
	struct base_reader r = base_reader_init(
		tx->outputs, (size_t)(tx->data + tx->len - tx->outputs));
	bool paid = false;

	for (uint32_t i = 0; i < tx->output_count; i++) {
		const struct light_key *key;
		struct chain_tx_output o;

		chain_tx_read_output(&o, &r);
		if (chain_script_kind(o.script, o.script_len) !=
		    CHAIN_SCRIPT_P2TR)
			continue;
		key = key_of(l, o.script + CHAIN_P2TR_KEY_AT);
		if (!key || !key->address)
			continue;
		paid = true;
		met(l, key->branch, key->index);
	}
	return paid;
}

/* Who spends its outputs is looked for from its block on, or with @job. */
static void follow(struct node_light *l, const struct base_hash *txid,
		   struct base_height height, struct light_job *job)
{
	struct light_key key = {.next = height, .seen = height};

	memcpy(key.key, txid->b, sizeof(key.key));
	if (key_of(l, key.key) || !add_key(l, &key))
		return;
	if (job && job->on && job->count < NET_KEYS_MAX)
		memcpy(job->key[job->count++], key.key, sizeof(key.key));
}

static void no_longer_pending(struct node_light *l,
			      const struct base_hash *txid)
{
	struct base_error err;
	uint32_t i = 0;
	int rc;

	while (i < l->pending_count && !base_hash_equal(&l->pending[i], txid))
		i++;
	if (i == l->pending_count)
		return;
	l->pending_count--;
	l->pending[i] = l->pending[l->pending_count];
	l->pending_id[i] = l->pending_id[l->pending_count];
	rc = store_light_pend(l->o.store, txid, NULL, 0, &err);
	if (rc < 0)
		node_light_fail(l, rc, &err);
}

/* The header that a proof is for. */
static bool header_of(struct chain_header *out, struct store_reader *r,
		      struct base_height height)
{
	uint8_t bytes[CHAIN_HEADER_SIZE];

	if (store_light_header(bytes, r, height) < 0)
		return false;
	chain_header_read(out, bytes);
	return true;
}

static bool is_kept(struct store_reader *r, const struct chain_tx_proof *p)
{
	struct store_light_tx tx;

	return store_light_tx(&tx, r, p->height, p->index) == 0 &&
	       tx.height.n == p->height.n && tx.index == p->index;
}

static bool write_found(struct node_light *l, const struct store_light_tx *tx,
			size_t count)
{
	struct base_error err;
	int rc = 0;

	if (count > 0)
		rc = store_light_found(l->o.store, tx, count, NULL, 0, &err);
	if (rc < 0)
		node_light_fail(l, rc, &err);
	return rc == 0;
}

/* One proof, which ends where @r stands then. @fresh: it is ours, not known
 * yet, and in @found. */
static enum light_proofs judge(struct node_light *l,
			       struct store_light_tx *found, bool *fresh,
			       struct store_reader *snapshot,
			       struct base_reader *r, struct light_job *job)
{
	const uint8_t *begin = r->at;
	struct chain_header header;
	struct chain_tx_proof p;
	struct base_hash txid;

	*fresh = false;
	if (chain_tx_proof_read(&p, r) < 0 ||
	    p.tx.stripped_len > l->o.params->max_block_bytes)
		return LIGHT_FORGED;
	if (p.height.n > l->ds.final.height.n)
		return LIGHT_UNKNOWN;
	if (!header_of(&header, snapshot, p.height) ||
	    !chain_tx_proof_holds(&txid, l->scratch, &p, &header.merkle_root))
		return LIGHT_FORGED;
	if (is_paid(l, &p.tx))
		follow(l, &txid, p.height, job);
	else if (!is_spent(l, &p.tx))
		return LIGHT_PROVED;
	no_longer_pending(l, &txid);
	*fresh = !is_kept(snapshot, &p);
	*found = (struct store_light_tx){.height = p.height,
					 .index = p.index,
					 .proof = begin,
					 .len = (size_t)(r->at - begin)};
	return LIGHT_PROVED;
}

static enum light_proofs take_some(struct node_light *l, struct base_reader *r,
				   struct light_job *job)
{
	struct store_light_tx found[PROOFS_MAX];
	enum light_proofs answer = LIGHT_PROVED;
	struct store_reader *snapshot;
	struct base_error err;
	size_t count = 0;
	int rc = store_read_begin(&snapshot, l->o.store, &err);

	if (rc < 0) {
		node_light_fail(l, rc, &err);
		return LIGHT_UNKNOWN;
	}
	while (answer == LIGHT_PROVED && base_reader_left(r) > 0 &&
	       count < PROOFS_MAX) {
		bool fresh;

		answer = judge(l, &found[count], &fresh, snapshot, r, job);
		count += fresh;
	}
	store_read_end(snapshot);
	/* What holds is kept, whatever else the peer says. */
	l->txs += (uint32_t)count;
	if (count > 0)
		node_log(l->o.log, NODE_LOG_INFO, "ours",
			 "%zu more transactions of this wallet are final, the "
			 "last at height %u",
			 count, found[count - 1].height.n);
	return write_found(l, found, count) ? answer : LIGHT_UNKNOWN;
}

enum light_proofs node_light_take(struct node_light *l, struct base_reader *r,
				  struct light_job *job)
{
	enum light_proofs answer = LIGHT_PROVED;

	while (answer == LIGHT_PROVED && base_reader_left(r) > 0)
		answer = take_some(l, r, job);
	node_light_own_derive(l);
	return answer;
}

void node_light_searched(struct node_light *l, const struct light_job *job,
			 struct base_height next, bool by_all)
{
	struct store_light_key durable[NET_KEYS_MAX];
	struct base_error err;
	size_t count = 0;
	int rc = 0;

	for (uint32_t i = 0; i < job->count; i++) {
		struct light_key *key = key_of(l, job->key[i]);

		if (!key)
			continue;
		if (next.n > key->seen.n)
			key->seen = next;
		if (!by_all || next.n <= key->next.n)
			continue;
		key->next = next;
		durable[count].next = next;
		memcpy(durable[count++].key, key->key, sizeof(key->key));
	}
	if (count > 0)
		rc = store_light_found(l->o.store, NULL, 0, durable, count,
				       &err);
	if (rc < 0)
		node_light_fail(l, rc, &err);
}

/* ---- on their way ---- */

static bool read_tx(struct base_hash *txid, struct base_hash *wtxid,
		    struct node_light *l, const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct chain_tx_view tx;

	if (chain_tx_parse(&tx, &r) < 0 || !base_reader_done(&r) ||
	    len > l->o.params->max_block_bytes)
		return false;
	chain_txid(txid, l->scratch, &tx);
	chain_wtxid(wtxid, &tx);
	return true;
}

static int load_pending(void *ctx, const struct base_hash *txid,
			const uint8_t *tx, size_t len)
{
	struct node_light *l = ctx;
	struct base_hash read;
	struct base_hash wtxid;

	if (l->pending_count == NODE_LIGHT_PENDING_MAX ||
	    !read_tx(&read, &wtxid, l, tx, len) ||
	    !base_hash_equal(&read, txid))
		return -EBADMSG;
	l->pending[l->pending_count] = *txid;
	l->pending_id[l->pending_count++] = wtxid;
	return 0;
}

int node_light_pend(struct node_light *l, const uint8_t *tx, size_t len)
{
	struct base_hash txid, wtxid;
	struct net_buffer *b;
	struct base_error err;
	int rc;

	if (!read_tx(&txid, &wtxid, l, tx, len))
		return -EINVAL;
	for (uint32_t i = 0; i < l->pending_count; i++)
		if (base_hash_equal(&l->pending[i], &txid))
			return 0;
	if (l->pending_count == NODE_LIGHT_PENDING_MAX)
		return -ENOSPC;
	rc = store_light_pend(l->o.store, &txid, tx, len, &err);
	if (rc < 0) {
		node_light_fail(l, rc, &err);
		return rc;
	}
	l->pending[l->pending_count] = txid;
	l->pending_id[l->pending_count++] = wtxid;
	b = net_buffer_get(l->port, len);
	/* Without one it is told to who comes next. */
	if (!b)
		return 0;
	memcpy(b->data, tx, len);
	(void)!net_send(l->port, &(struct net_send){.type = NET_TX,
						    .buffer = b,
						    .to = net_everyone(),
						    .id = wtxid.b});
	net_release(l->port, b);
	return 0;
}

void node_light_tell_pending(struct node_light *l, uint32_t slot)
{
	_Static_assert(NODE_LIGHT_PENDING_MAX <= NET_INV_MAX,
		       "all are told in one message");
	if (l->pending_count > 0)
		(void)!node_light_ask(l, slot, NET_TX_INV, l->pending_id,
				      l->pending_count *
					      sizeof(l->pending_id[0]));
}

/* Whom a transaction is sent to, and which. */
struct giving {
	struct node_light *l;
	uint32_t slot;
	const uint8_t *ids;
	uint32_t count;
};

static int give_one(void *ctx, const struct base_hash *txid, const uint8_t *tx,
		    size_t len)
{
	struct giving *g = ctx;
	struct base_hash read, wtxid;

	(void)txid;
	if (!read_tx(&read, &wtxid, g->l, tx, len))
		return 0;
	for (uint32_t i = 0; i < g->count; i++)
		if (memcmp(g->ids + (size_t)32 * i, wtxid.b, 32) == 0)
			(void)!node_light_ask(g->l, g->slot, NET_TX, tx, len);
	return 0;
}

void node_light_give_pending(struct node_light *l, const struct net_event *e)
{
	struct giving g = {.l = l,
			   .slot = e->slot,
			   .ids = e->message.buffer->data,
			   .count = e->message.buffer->len / 32};
	struct store_reader *r;
	struct base_error err;

	if (store_read_begin(&r, l->o.store, &err) < 0)
		return;
	(void)!store_light_pending(r, give_one, &g);
	store_read_end(r);
}

/* ---- life ---- */

static int load(struct node_light *l, struct base_error *err)
{
	struct store_reader *r;
	int rc = store_read_begin(&r, l->o.store, err);

	if (rc < 0)
		return rc;
	rc = store_light_keys(r, load_key, l);
	if (rc == 0)
		rc = store_light_pending(r, load_pending, l);
	store_read_end(r);
	return rc == 0 ? 0
		       : base_fail(err, rc,
				   "what the light node keeps of its own is "
				   "damaged; move its folder away, it is made "
				   "again");
}

int node_light_own_open(struct node_light *l, struct base_error *err)
{
	const struct node_wallet *w = l->o.wallet;
	int rc = node_table_init(&l->keys, STORE_LIGHT_KEY_SIZE,
				 sizeof(struct light_key));

	if (rc < 0)
		return base_fail(err, rc, "no random numbers");
	l->scratch = malloc(l->o.params->max_block_bytes);
	if (!l->scratch)
		return base_fail(err, -ENOMEM, "no memory for a light node");
	l->has_wallet = w;
	for (uint32_t i = 0; i < NODE_BRANCHES && w; i++) {
		l->branch[i] = w->branch[i];
		atomic_init(&l->use[i], w->next[i]);
	}
	rc = load(l, err);
	if (rc == 0)
		node_light_own_derive(l);
	if (rc == 0 && l->rc < 0) {
		rc = l->rc;
		*err = l->err;
	}
	return rc;
}

void node_light_own_close(struct node_light *l)
{
	node_table_free(&l->keys);
	free(l->scratch);
}
