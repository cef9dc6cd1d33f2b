/* SPDX-License-Identifier: MIT */
#include "node/txpool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "chain/known.h"
#include "chain/mempool_dump.h"
#include "chain/script.h"
#include "chain/spend.h"

/* Inputs of the heaviest transaction that the pool takes. */
#define CHECKS_MAX \
	(CHAIN_MEMPOOL_WEIGHT_MAX / (4 * 41 + 2 + CHAIN_SIGNATURE_SIZE) + 1)

/* A transaction whose signatures are being verified. */
struct flight {
	struct node_tx_offer *offer; /* NULL: free */
	struct chain_check *check;   /* CHECKS_MAX of them */
};

struct node_txpool {
	const struct chain_params *params;
	struct chain_mempool *mempool;
	struct chain_coins coins; /* of the tip */
	struct base_height tip;
	uint64_t now_s;
	uint64_t generation;
	struct node_verify *verify;
	void (*accepted)(void *ctx, const struct node_tx_offer *o);
	void *accepted_ctx;
	struct chain_known_cache known;
	struct chain_changes changes; /* of the transaction being judged */
	bool conflict;		      /* it spends what an entry spends */
	struct flight flight[NODE_TXPOOL_FLIGHTS];
	void *mempool_memory;
	void *known_memory;
	void *changes_memory;
	struct chain_check *checks_memory;
	uint8_t *bytes; /* CHAIN_MEMPOOL_PIECE_MIN: to strip, to dump */
};

_Static_assert(CHAIN_MEMPOOL_PIECE_MIN >= CHAIN_MEMPOOL_WEIGHT_MAX,
	       "a transaction fits into the bytes");

/* The coins of the tip under those that entries of the pool make. */
static int get_coin(void *ctx, struct chain_coin *out,
		    const struct chain_outpoint *at)
{
	struct node_txpool *pool = ctx;
	struct chain_tx_output made;

	if (chain_mempool_spender(pool->mempool, &at->txid, at->index)) {
		pool->conflict = true;
		return -ENOENT;
	}
	if (!chain_mempool_coin(&made, pool->mempool, &at->txid, at->index))
		return pool->coins.get(pool->coins.ctx, out, at);
	if (chain_script_kind(made.script, made.script_len) !=
	    CHAIN_SCRIPT_P2TR)
		return -ENOENT;
	*out = (struct chain_coin){.amount = made.amount,
				   .height = {pool->tip.n + 1}};
	memcpy(out->key, made.script + CHAIN_P2TR_KEY_AT, sizeof(out->key));
	return 0;
}

/* One of its outputs is a coin of the chain. */
static bool is_confirmed(const struct node_txpool *pool,
			 const struct chain_tx_view *tx,
			 const struct base_hash *txid)
{
	struct chain_outpoint at = {.txid = *txid};
	struct chain_coin coin;

	for (; at.index < tx->output_count; at.index++)
		if (pool->coins.get(pool->coins.ctx, &coin, &at) == 0)
			return true;
	return false;
}

static enum node_tx_outcome refuse(struct node_tx_offer *o, const char *reject)
{
	o->reject = reject;
	return NODE_TX_REFUSED;
}

static enum node_tx_outcome outcome_of(const struct node_txpool *pool,
				       struct node_tx_offer *o,
				       const struct chain_tx_view *tx,
				       enum chain_verdict v)
{
	if (v == CHAIN_COINS_FAILED)
		return NODE_TX_UNKNOWN;
	if (v != CHAIN_BAD_SPEND)
		return refuse(o, chain_verdict_name(v));
	if (pool->conflict)
		return refuse(
			o, chain_mempool_verdict_name(CHAIN_MEMPOOL_CONFLICT));
	if (is_confirmed(pool, tx, &o->txid)) {
		o->reject = "txn-already-known";
		return NODE_TX_IN_CHAIN;
	}
	o->reject = chain_verdict_name(v);
	return NODE_TX_MISSING;
}

/* What needs no coins. */
static enum node_tx_outcome judge_alone(const struct node_txpool *pool,
					struct node_tx_offer *o,
					const struct chain_tx_view *tx)
{
	enum chain_verdict v = chain_tx_check(tx, pool->params);

	if (v != CHAIN_OK)
		return refuse(o, chain_verdict_name(v));
	/* Room for the header and a coinbase beside it. */
	if (tx->len > pool->params->max_block_bytes - CHAIN_BLOCK_OVERHEAD -
			      CHAIN_COINBASE_BUILD_MAX)
		return refuse(o, chain_verdict_name(CHAIN_BAD_TX_OVERSIZE));
	if (3 * tx->stripped_len + tx->len > CHAIN_MEMPOOL_WEIGHT_MAX)
		return refuse(o,
			      chain_mempool_verdict_name(CHAIN_MEMPOOL_SIZE));
	if (chain_mempool_find_wtxid(pool->mempool, &o->wtxid)) {
		o->reject = chain_mempool_verdict_name(CHAIN_MEMPOOL_KNOWN);
		return NODE_TX_IN_POOL;
	}
	/* Before its inputs are found spent, by its twin. */
	if (chain_mempool_find(pool->mempool, &o->txid))
		return refuse(
			o, chain_mempool_verdict_name(CHAIN_MEMPOOL_SAME_TXID));
	return NODE_TX_ACCEPTED;
}

/* Everything but the signatures, for which @check is filled unless NULL. */
static enum node_tx_outcome judge(struct node_txpool *pool,
				  struct node_tx_offer *o,
				  const struct chain_tx_view *tx,
				  struct chain_check *check)
{
	const struct chain_coins overlay = {.get = get_coin, .ctx = pool};
	const struct chain_spending spending = {.params = pool->params,
						.coins = &overlay,
						.changes = &pool->changes,
						.height = {pool->tip.n + 1}};
	enum node_tx_outcome outcome = judge_alone(pool, o, tx);
	enum chain_mempool_verdict policy;
	enum chain_verdict v;

	if (outcome != NODE_TX_ACCEPTED)
		return outcome;
	pool->conflict = false;
	chain_changes_clear(&pool->changes, tx->input_count);
	v = chain_tx_spend(&o->fee, check, &spending, tx);
	if (v != CHAIN_OK)
		return outcome_of(pool, o, tx, v);
	if (o->fee_rate_max > 0 &&
	    (double)o->fee.units * 1000 >
		    (double)o->fee_rate_max * (double)o->vsize) {
		o->reject = "max-fee-exceeded";
		return NODE_TX_FEE_LIMIT;
	}
	policy = chain_mempool_try(pool->mempool, tx, &o->txid, &o->wtxid,
				   o->fee, pool->now_s);
	if (policy != CHAIN_MEMPOOL_OK)
		return refuse(o, chain_mempool_verdict_name(policy));
	return NODE_TX_ACCEPTED;
}

/* Its signatures are good: what the judge said holds. */
static void take_in(struct node_txpool *pool, const struct node_tx_offer *o,
		    const struct chain_tx_view *tx)
{
	enum chain_mempool_verdict v;

	chain_known_cache_add(&pool->known, &o->wtxid);
	if (o->trial)
		return;
	v = chain_mempool_add(pool->mempool, tx, &o->txid, &o->wtxid, o->fee,
			      pool->now_s);
	BASE_ASSERT(v == CHAIN_MEMPOOL_OK);
	pool->generation++;
	if (pool->accepted)
		pool->accepted(pool->accepted_ctx, o);
}

static bool decode(struct chain_tx_view *tx, const struct node_tx_offer *o)
{
	struct base_reader r = base_reader_init(o->data, o->len);

	return chain_tx_parse(tx, &r) == 0 && base_reader_done(&r);
}

static bool decode_new(struct node_txpool *pool, struct chain_tx_view *tx,
		       struct node_tx_offer *o)
{
	o->reject = "";
	o->checks = 0;
	o->outcome = NODE_TX_UNDECODED;
	if (!decode(tx, o))
		return false;
	o->outcome = NODE_TX_REFUSED;
	o->reject = chain_mempool_verdict_name(CHAIN_MEMPOOL_SIZE);
	o->vsize = (uint32_t)((3 * tx->stripped_len + tx->len + 3) / 4);
	chain_wtxid(&o->wtxid, tx);
	if (tx->stripped_len > CHAIN_MEMPOOL_PIECE_MIN)
		return false; /* the id of a giant is nobody's business */
	chain_txid(&o->txid, pool->bytes, tx);
	o->reject = "";
	return true;
}

static struct flight *free_flight(struct node_txpool *pool)
{
	for (size_t i = 0; i < NODE_TXPOOL_FLIGHTS; i++)
		if (!pool->flight[i].offer)
			return &pool->flight[i];
	return NULL;
}

/* Judges @o; false: its signatures are in flight. */
static bool consider(struct node_txpool *pool, struct node_tx_offer *o)
{
	struct flight *f = free_flight(pool);
	struct node_verify_job job;
	struct chain_tx_view tx;
	bool known;

	if (!decode_new(pool, &tx, o))
		return true;
	if (!f) {
		o->outcome = NODE_TX_BUSY;
		return true;
	}
	known = chain_known_cache_has(&pool->known, &o->wtxid);
	o->outcome = judge(pool, o, &tx, known ? NULL : f->check);
	if (o->outcome != NODE_TX_ACCEPTED)
		return true;
	o->checks = known ? 0 : tx.input_count;
	if (!known && pool->verify) {
		job = (struct node_verify_job){
			.tag = (uint64_t)(f - pool->flight),
			.check = f->check,
			.count = tx.input_count};
		if (node_verify_submit(pool->verify, &job)) {
			f->offer = o;
			return false;
		}
		o->outcome = NODE_TX_BUSY;
		return true;
	}
	if (!known && !chain_checks_valid(f->check, tx.input_count))
		o->outcome = refuse(o, chain_verdict_name(CHAIN_BAD_SIGNATURE));
	else
		take_in(pool, o, &tx);
	return true;
}

void node_txpool_verified(struct node_txpool *pool,
			  const struct node_verify_reply *reply)
{
	struct flight *f = &pool->flight[reply->tag];
	struct node_tx_offer *o = f->offer;
	struct chain_tx_view tx;
	bool decoded;

	BASE_ASSERT(reply->tag < NODE_TXPOOL_FLIGHTS && o);
	f->offer = NULL;
	if (!reply->valid) {
		o->outcome = refuse(o, chain_verdict_name(CHAIN_BAD_SIGNATURE));
	} else {
		decoded = decode(&tx, o);
		BASE_ASSERT(decoded);
		/* Once more: the tip or the pool may have moved. */
		o->outcome = judge(pool, o, &tx, NULL);
		if (o->outcome == NODE_TX_ACCEPTED)
			take_in(pool, o, &tx);
	}
	node_ask_answer(&o->ask);
}

void node_txpool_offer(struct node_txpool *pool, struct node_tx_offer *o)
{
	if (consider(pool, o))
		node_ask_answer(&o->ask);
}

static bool run_offer(struct node_ask *ask, struct node_txpool *pool)
{
	/* The ask is its first member. */
	return consider(pool, (struct node_tx_offer *)(void *)ask);
}

int node_tx_offer(struct node_asks *asks, struct node_tx_offer *offer,
		  const struct node_wake *asker)
{
	offer->ask.run = run_offer;
	return node_ask(asks, &offer->ask, asker);
}

struct chain_mempool *node_txpool_mempool(struct node_txpool *pool)
{
	return pool->mempool;
}

void node_txpool_touch(struct node_txpool *pool)
{
	pool->generation++;
}

uint64_t node_txpool_generation(const struct node_txpool *pool)
{
	return pool->generation;
}

void node_txpool_set_tip(struct node_txpool *pool,
			 const struct chain_coins *coins,
			 struct base_height tip)
{
	pool->coins = *coins;
	pool->tip = tip;
}

void node_txpool_set_time(struct node_txpool *pool, uint64_t now_s)
{
	pool->now_s = now_s;
	if (chain_mempool_expire(pool->mempool, now_s) > 0)
		pool->generation++;
}

void node_txpool_set_verify(struct node_txpool *pool,
			    struct node_verify *verify)
{
	pool->verify = verify;
}

void node_txpool_set_accepted(struct node_txpool *pool,
			      void (*accepted)(void *ctx,
					       const struct node_tx_offer *o),
			      void *ctx)
{
	pool->accepted = accepted;
	pool->accepted_ctx = ctx;
}

void node_txpool_final(struct node_txpool *pool, uint8_t *scratch,
		       const uint8_t *block, size_t len)
{
	int rc =
		chain_mempool_confirm_block(pool->mempool, scratch, block, len);

	BASE_ASSERT(rc == 0);
	pool->generation++;
}

static bool is_known(void *ctx, const struct base_hash *wtxid)
{
	const struct node_txpool *pool = ctx;

	/* An entry's signatures are good even if the cache forgot it. */
	return chain_known_cache_has(&pool->known, wtxid) ||
	       chain_mempool_find_wtxid(pool->mempool, wtxid);
}

struct chain_known node_txpool_known(struct node_txpool *pool)
{
	return (struct chain_known){.has = is_known, .ctx = pool};
}

struct restoring {
	struct node_txpool *pool;
	uint64_t now_s;
};

static void restore_one(void *ctx, const struct chain_tx_view *tx,
			uint64_t time_s)
{
	const struct restoring *r = ctx;
	struct node_tx_offer offer = {.data = tx->data, .len = tx->len};

	/* It keeps the age it had; what is too old stays away. */
	if (time_s > r->now_s)
		time_s = r->now_s;
	if (r->now_s - time_s > CHAIN_MEMPOOL_EXPIRY_S)
		return;
	r->pool->now_s = time_s;
	(void)consider(r->pool, &offer);
}

uint32_t node_txpool_restore(struct node_txpool *pool, struct store_reader *r,
			     bool *damaged)
{
	struct restoring restoring = {.pool = pool, .now_s = pool->now_s};
	struct chain_mempool_restore at = {0};
	struct chain_mempool_totals totals;
	const uint8_t *piece;
	size_t len;
	int rc = 0;

	BASE_ASSERT(!pool->verify);
	for (uint32_t i = 0; rc == 0; i++) {
		rc = store_pool_piece(&piece, &len, r, i);
		if (rc == 0)
			rc = chain_mempool_restore(&at, pool->mempool, piece,
						   len, restore_one,
						   &restoring);
	}
	*damaged = rc != -ENOENT;
	pool->now_s = restoring.now_s;
	chain_mempool_totals(&totals, pool->mempool);
	return totals.count;
}

struct dumping {
	struct chain_mempool_dump at;
	const struct chain_mempool *mempool;
};

static size_t next_piece(void *ctx, uint8_t *out, size_t cap)
{
	struct dumping *d = ctx;

	return chain_mempool_dump(&d->at, out, cap, d->mempool);
}

int node_txpool_dump(struct node_txpool *pool, struct store *store,
		     struct base_error *err)
{
	struct dumping d = {.mempool = pool->mempool};

	return store_pool_write(store, next_piece, &d, pool->bytes,
				CHAIN_MEMPOOL_PIECE_MIN, err);
}

static int allocate(struct node_txpool *pool, size_t bytes_max)
{
	const size_t line = BASE_CACHE_LINE;
	size_t size = chain_mempool_memory(bytes_max);

	/* Untouched memory costs addresses only. */
	pool->mempool_memory =
		aligned_alloc(line, (size + line - 1) / line * line);
	pool->known_memory =
		calloc(1, chain_known_cache_size(CHAIN_KNOWN_ENTRIES));
	pool->changes_memory = malloc(chain_changes_size(CHECKS_MAX));
	pool->checks_memory = calloc((size_t)NODE_TXPOOL_FLIGHTS * CHECKS_MAX,
				     sizeof(struct chain_check));
	pool->bytes = malloc(CHAIN_MEMPOOL_PIECE_MIN);
	if (!pool->mempool_memory || !pool->known_memory ||
	    !pool->changes_memory || !pool->checks_memory || !pool->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < NODE_TXPOOL_FLIGHTS; i++)
		pool->flight[i].check = pool->checks_memory + i * CHECKS_MAX;
	return 0;
}

int node_txpool_open(struct node_txpool **out,
		     const struct chain_params *params, size_t bytes_max,
		     struct base_error *err)
{
	struct node_txpool *pool = calloc(1, sizeof(*pool));
	struct chain_siphash_key key;
	uint8_t salt[CHAIN_SALT_SIZE];
	int rc = pool ? allocate(pool, bytes_max) : -ENOMEM;

	if (rc < 0) {
		node_txpool_close(pool);
		return base_fail(err, rc, "no memory for the transactions");
	}
	if (getrandom(&key, sizeof(key), 0) != sizeof(key) ||
	    getrandom(salt, sizeof(salt), 0) != sizeof(salt)) {
		node_txpool_close(pool);
		return base_fail(err, -EIO, "no random numbers: %s",
				 strerror(errno));
	}
	pool->params = params;
	pool->coins = chain_coins_empty;
	pool->mempool =
		chain_mempool_init(pool->mempool_memory, bytes_max, &key);
	chain_known_cache_init(&pool->known, pool->known_memory,
			       CHAIN_KNOWN_ENTRIES, salt);
	chain_changes_init(&pool->changes, pool->changes_memory, CHECKS_MAX,
			   salt);
	*out = pool;
	return 0;
}

void node_txpool_close(struct node_txpool *pool)
{
	if (!pool)
		return;
	free(pool->mempool_memory);
	free(pool->known_memory);
	free(pool->changes_memory);
	free(pool->checks_memory);
	free(pool->bytes);
	free(pool);
}
