/* SPDX-License-Identifier: MIT */
/*
 * Disks. Writes are done one after the other, each whole or not at all; what
 * was acknowledged survives a crash, of the rest the seed decides.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#define POOL_BYTES (64u << 20)

static uint8_t *pool;
static size_t pool_used;

/* Memory that lives until the seed ends: signatures of certificates. */
void *sim_pool(size_t size)
{
	void *out;

	if (!pool)
		pool = malloc(POOL_BYTES);
	BASE_ASSERT(pool && pool_used + size <= POOL_BYTES);
	out = pool + pool_used;
	pool_used += (size + 15) / 16 * 16;
	return out;
}

void sim_pool_reset(void)
{
	pool_used = 0;
}

static uint32_t coin_slot(const struct chain_outpoint *at)
{
	return (base_load_le32(at->txid.b) + at->index * 7919) % SIM_COINS_MAX;
}

/* Where @at is, or the free place where it would be. */
static uint32_t coin_find(const struct sim_coins *c,
			  const struct chain_outpoint *at)
{
	uint32_t i = coin_slot(at);

	while (c->slot[i].used && !chain_outpoint_equal(&c->slot[i].at, at))
		i = (i + 1) % SIM_COINS_MAX;
	return i;
}

int sim_coins_get(void *coins, struct chain_coin *out,
		  const struct chain_outpoint *at)
{
	const struct sim_coins *c = coins;
	uint32_t i = coin_find(c, at);

	if (!c->slot[i].used)
		return -ENOENT;
	*out = c->slot[i].coin;
	return 0;
}

static void coin_add(struct sim_coins *c, const struct chain_change *change)
{
	uint32_t i = coin_find(c, &change->at);

	BASE_ASSERT(!c->slot[i].used && c->count < SIM_COINS_MAX / 2);
	c->slot[i] = (struct sim_coin){
		.used = true, .at = change->at, .coin = change->coin};
	c->count++;
}

/* Those behind it that probed past it move up. */
static void coin_remove(struct sim_coins *c, const struct chain_outpoint *at)
{
	uint32_t hole = coin_find(c, at);
	uint32_t i = hole;

	BASE_ASSERT(c->slot[hole].used);
	for (;;) {
		uint32_t home;

		i = (i + 1) % SIM_COINS_MAX;
		if (!c->slot[i].used)
			break;
		home = coin_slot(&c->slot[i].at);
		if ((i - home) % SIM_COINS_MAX >= (i - hole) % SIM_COINS_MAX) {
			c->slot[hole] = c->slot[i];
			hole = i;
		}
	}
	c->slot[hole].used = false;
	c->count--;
}

void sim_coins_apply(struct sim_coins *coins,
		     const struct chain_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct chain_change *c = &changes->change[i];

		if (c->spent && !c->created)
			coin_remove(coins, &c->at);
		else if (c->created && !c->spent)
			coin_add(coins, c);
	}
}

static struct chain_scratch *scratch_of(const struct sim_world *w)
{
	static const uint8_t salt[CHAIN_SALT_SIZE] = {7};
	static struct chain_scratch scratch;
	static void *memory;

	if (!memory) {
		memory = malloc(chain_scratch_size(SIM_BLOCK_MAX));
		BASE_ASSERT(memory);
		chain_scratch_init(&scratch, memory, SIM_BLOCK_MAX, salt);
	}
	BASE_ASSERT(w->params.max_block_bytes == SIM_BLOCK_MAX);
	return &scratch;
}

static void coins_at_genesis(struct sim_world *w, struct sim_coins *out)
{
	struct chain_scratch *s = scratch_of(w);

	memset(out, 0, sizeof(*out));
	chain_genesis_execute(s, w->block[0].bytes, w->block[0].len);
	sim_coins_apply(out, &s->changes);
}

void sim_disk_format(struct sim_world *w, struct sim_disk *d)
{
	d->height = 0;
	d->block[0] = 0;
	memset(&d->cert[0], 0, sizeof(d->cert[0]));
	d->final = w->block[0].after;
	d->has_proposed = false;
	d->has_vote = false;
	d->vote_block = SIM_NONE;
	coins_at_genesis(w, &d->coins);
}

static void apply_final(struct sim_world *w, struct sim_node *n,
			const struct sim_op *op)
{
	struct sim_disk *d = &n->disk;

	if (op->block == SIM_NONE ||
	    !base_hash_equal(&w->block[op->block].prev, &d->final.hash)) {
		sim_violation(w, SIM_CHECK_6, n,
			      "a final block does not extend height %u",
			      d->height);
		return;
	}
	BASE_ASSERT(d->height + 1 < SIM_CHAIN_MAX);
	d->height++;
	d->block[d->height] = op->block;
	d->cert[d->height] = op->cert;
	d->final = op->after;
	w->totals->check[SIM_CHECK_15]++;
	if (memcmp(&op->after, &w->block[op->block].after, sizeof(op->after)) !=
	    0)
		sim_violation(w, SIM_CHECK_15, n, "wrong context at height %u",
			      d->height);
	sim_coins_apply(&d->coins, op->changes);
}

void sim_disk_apply(struct sim_world *w, struct sim_node *n,
		    const struct sim_op *op)
{
	struct sim_disk *d = &n->disk;

	switch (op->kind) {
	case DS_PERSIST_PROPOSED:
		d->has_proposed = true;
		d->last_proposed = op->tick;
		break;
	case DS_PERSIST_VOTE:
		d->has_vote = true;
		d->vote = op->vote;
		memcpy(d->vote_signature, op->vote.signature,
		       DS_SIGNATURE_SIZE);
		d->vote.signature = d->vote_signature;
		d->vote_block = op->block;
		d->vote_at = w->now;
		break;
	case DS_PERSIST_FINAL:
		apply_final(w, n, op);
		break;
	case DS_PERSIST_EVIDENCE:
		break;
	}
}

/* Signatures that an action lends, kept. */
static void keep_cert(struct ds_cert *cert)
{
	size_t len = DS_SIGNATURE_SIZE * ds_mask_count(cert->mask);
	uint8_t *kept;

	if (cert->mask == 0)
		return;
	kept = sim_pool(len);
	memcpy(kept, cert->signatures, len);
	cert->signatures = kept;
}

static void keep_op(struct sim_world *w, struct sim_node *n, struct sim_op *op,
		    const struct ds_action *a)
{
	*op = (struct sim_op){
		.id = a->persist.id,
		.kind = a->persist.kind,
		.block = SIM_NONE,
	};
	if (op->kind == DS_PERSIST_PROPOSED)
		op->tick = a->persist.tick;
	if (op->kind == DS_PERSIST_VOTE) {
		uint8_t *kept = sim_pool(DS_SIGNATURE_SIZE);

		op->vote = a->persist.vote;
		memcpy(kept, op->vote.signature, DS_SIGNATURE_SIZE);
		op->vote.signature = kept;
	}
	if (op->kind == DS_PERSIST_FINAL) {
		op->cert = a->persist.cert;
		keep_cert(&op->cert);
		op->changes = a->persist.changes;
		op->after = a->persist.after;
	}
	if (op->kind == DS_PERSIST_FINAL ||
	    (op->kind == DS_PERSIST_VOTE && a->persist.block)) {
		struct chain_header h;
		struct base_hash hash;

		chain_header_read(&h, a->persist.block);
		chain_header_hash(&hash, &h);
		op->block = sim_block_find(w, &hash);
		if (op->block == SIM_NONE ||
		    a->persist.block_len != w->block[op->block].len ||
		    memcmp(a->persist.block, w->block[op->block].bytes,
			   a->persist.block_len) != 0)
			sim_violation(w, SIM_CHECK_15, n,
				      "a block is stored that nobody built");
	}
}

void sim_persist(struct sim_world *w, struct sim_node *n,
		 const struct ds_action *a)
{
	struct sim_op *op;
	uint64_t delay = 1 + sim_below(w, 10);

	w->totals->check[SIM_CHECK_10]++;
	if (n->op_count == SIM_OPS_MAX) {
		sim_violation(w, SIM_CHECK_10, n, "%u writes wait",
			      n->op_count);
		return;
	}
	op = &n->op[(n->op_first + n->op_count++) % SIM_OPS_MAX];
	keep_op(w, n, op, a);
	sim_say(w, n, "persists %d id %llu", (int)op->kind,
		(unsigned long long)op->id);
	if (w->now < n->slow_until) {
		delay = 50 + sim_below(w, 2000);
		sim_fired(w, SIM_DISK_SLOW);
	}
	if (n->disk_free_at < w->now)
		n->disk_free_at = w->now;
	n->disk_free_at += delay;
	sim_at(w, n->disk_free_at,
	       &(struct sim_event){.kind = SIM_EV_PERSISTED,
				   .node = (uint8_t)n->index,
				   .incarnation = n->incarnation});
	if (n->crash_at_persist ||
	    (n->crash_at_vote && op->kind == DS_PERSIST_VOTE)) {
		n->crash_at_persist = false;
		n->crash_at_vote = false;
		sim_fired(w, SIM_CRASH_PERSIST);
		sim_at(w, w->now + sim_below(w, delay + 1),
		       &(struct sim_event){.kind = SIM_EV_FAULT,
					   .node = (uint8_t)n->index,
					   .other = SIM_CRASH,
					   .wire = 2});
	}
}

void sim_persisted(struct sim_world *w, struct sim_node *n)
{
	struct sim_op *op = &n->op[n->op_first];
	bool done = w->now >= n->full_until;

	BASE_ASSERT(n->op_count > 0);
	n->op_first = (n->op_first + 1) % SIM_OPS_MAX;
	n->op_count--;
	if (done)
		sim_disk_apply(w, n, op);
	else
		sim_fired(w, SIM_DISK_FULL);
	sim_say(w, n, "persisted id %llu: %s", (unsigned long long)op->id,
		done ? "done" : "disk full");
	ds_persisted(n->ds, sim_now(w, n), op->id, done);
	sim_drain(w, n);
}

static bool coins_equal(const struct sim_coins *a, const struct sim_coins *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < SIM_COINS_MAX; i++) {
		const struct sim_coin *c = &a->slot[i];
		const struct sim_coin *d;
		uint8_t x[CHAIN_COIN_SIZE];
		uint8_t y[CHAIN_COIN_SIZE];

		if (!c->used)
			continue;
		d = &b->slot[coin_find(b, &c->at)];
		if (!d->used)
			return false;
		chain_coin_write(x, &c->coin);
		chain_coin_write(y, &d->coin);
		if (memcmp(x, y, sizeof(x)) != 0)
			return false;
	}
	return true;
}

/* Every final block again from genesis, by the rules of the chain. */
void sim_ledger_check(struct sim_world *w, const struct sim_node *n)
{
	static struct sim_coins coins;
	struct chain_coins view = {.get = sim_coins_get, .ctx = &coins};
	struct chain_context at = w->block[0].after;
	struct chain_scratch *s = scratch_of(w);

	coins_at_genesis(w, &coins);
	w->totals->check[SIM_CHECK_15]++;
	for (uint32_t h = 1; h <= n->disk.height; h++) {
		const struct sim_block *b = &w->block[n->disk.block[h]];
		struct chain_block_info info;
		enum chain_verdict v =
			chain_block_execute(&info, &w->params, &at, &view, NULL,
					    s, b->bytes, b->len);
		bool good = v == CHAIN_OK;

		for (size_t i = 0; good && i < s->check_count; i++)
			good = sim_verify(w, &s->check[i]);
		if (!good) {
			sim_violation(w, SIM_CHECK_15, n,
				      "final block %u is invalid: %s", h,
				      chain_verdict_name(v));
			return;
		}
		sim_coins_apply(&coins, &s->changes);
		chain_context_append(&at, &w->params, &info.header);
	}
	if (!coins_equal(&coins, &n->disk.coins))
		sim_violation(w, SIM_CHECK_15, n,
			      "coins are not what the blocks make them");
}
