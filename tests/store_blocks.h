/* SPDX-License-Identifier: MIT */
/*
 * store_blocks.h: a small valid chain, the same on every run, for the tests
 * of the store. Its first blocks spend one genesis output each: to one coin
 * that stays, and one that the next transaction of the block spends.
 */
#ifndef TESTS_STORE_BLOCKS_H
#define TESTS_STORE_BLOCKS_H

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "chain/block.h"
#include "chain/merkle.h"
#include "pow/sha256.h"
#include "pow/target.h"
#include "spend_fixture.h"
#include "store/store.h"

#define TEST_EASY_BITS UINT32_C(0x207fffff) /* every other hash will do */

#define TEST_SPENDS 4 /* heights 1..4; as many genesis outputs */
#define TEST_OUTPUT (1000 * BASE_COIN)
#define TEST_SECRET 1
#define TEST_CHANGES_MAX 8

struct test_block {
	uint8_t data[CHAIN_GENESIS_MAX];
	size_t len;
	struct chain_context ctx; /* after it */
	struct chain_change change[TEST_CHANGES_MAX];
	size_t change_count;
};

static inline struct chain_params test_params(void)
{
	struct chain_params p = {
		.name = "store-test",
		.address_prefix = "st",
		.genesis_time_ms = UINT64_C(1700000000000),
		.delta_ms = 1000,
		.member_count = 1,
		.genesis_bits = TEST_EASY_BITS,
		.spacing_s = 5,
		.half_life_s = 240,
		.max_block_bytes = CHAIN_BLOCK_BYTES_MIN,
		.max_block_inputs = 100,
		.subsidy_initial = {50 * BASE_COIN},
		.subsidy_halving_blocks = 210000,
		.coinbase_maturity = 1,
	};
	int rc = pow_target_from_bits(&p.pow_limit, TEST_EASY_BITS);
	secp256k1_keypair pair;

	BASE_ASSERT(!rc);
	p.output_count = TEST_SPENDS;
	for (uint32_t i = 0; i < TEST_SPENDS; i++) {
		spend_key(p.output[i].key, &pair, TEST_SECRET);
		p.output[i].amount.units = TEST_OUTPUT;
	}
	return p;
}

/* The genesis output at @at, spent or not. */
static inline int test_genesis_coin(void *params, struct chain_coin *out,
				    const struct chain_outpoint *at)
{
	const struct chain_params *p = params;

	*out = (struct chain_coin){.amount.units = TEST_OUTPUT};
	memcpy(out->key, p->output[0].key, sizeof(out->key));
	return at->index < TEST_SPENDS ? 0 : -ENOENT;
}

/* Fills in what the block in @out, @under its predecessor (NULL: it is
 * genesis), does to the coins. */
static inline void test_execute(struct test_block *out, struct chain_params p,
				const struct chain_context *under)
{
	const struct chain_coins coins = {.get = test_genesis_coin, .ctx = &p};
	static const uint8_t salt[CHAIN_SALT_SIZE];
	void *memory = malloc(chain_scratch_size(p.max_block_bytes));
	struct chain_block_info info;
	struct chain_scratch scratch;

	BASE_ASSERT(memory);
	chain_scratch_init(&scratch, memory, p.max_block_bytes, salt);
	if (under)
		BASE_ASSERT(chain_block_validate(&info, &p, under, &coins,
						 &scratch, out->data,
						 out->len) == CHAIN_OK);
	else
		chain_genesis_execute(&scratch, out->data, out->len);
	BASE_ASSERT(scratch.changes.count <= TEST_CHANGES_MAX);
	memcpy(out->change, scratch.changes.change,
	       scratch.changes.count * sizeof(out->change[0]));
	out->change_count = scratch.changes.count;
	free(memory);
}

static inline void test_genesis(struct test_block *out,
				const struct chain_params *p)
{
	static const struct base_hash params_hash = {{7}};
	struct chain_header header;

	out->len = chain_genesis_build(out->data, sizeof(out->data), p,
				       &params_hash);
	chain_header_read(&header, out->data);
	chain_context_init(&out->ctx, &header);
	test_execute(out, *p, NULL);
}

/* Spends output @index of @txid, of @amount, for one coin or two. */
static inline void test_spend(struct spend_tx *t, const struct base_hash *txid,
			      uint32_t index, int64_t amount, unsigned outputs)
{
	memset(t, 0, sizeof(*t));
	t->version = 2;
	t->inputs = 1;
	t->outputs = outputs;
	t->in[0] = (struct spend_in){.at = {.txid = *txid, .index = index},
				     .amount.units = amount,
				     .secret = TEST_SECRET,
				     .sequence = UINT32_MAX};
	for (unsigned i = 0; i < outputs; i++)
		t->out[i] = (struct spend_out){.amount = amount / outputs,
					       .secret = TEST_SECRET};
	spend_build(t);
}

struct test_txs {
	uint32_t count;
	uint8_t bytes[2 * SPEND_TX_MAX];
	size_t len;
	struct base_hash txid[3]; /* of the coinbase and of them */
	struct base_hash witness_root;
};

/* The transactions of @height, besides the coinbase. */
static inline void test_txs(struct test_txs *out, const struct chain_params *p,
			    uint32_t height)
{
	struct base_hash leaf[3] = {{{0}}};
	struct test_block genesis;
	struct chain_header header;
	struct spend_tx t[2];
	bool mutated;

	memset(out, 0, sizeof(*out));
	if (height > TEST_SPENDS)
		return; /* the coinbase's own witness id counts as zeros */
	test_genesis(&genesis, p);
	chain_header_read(&header, genesis.data);
	test_spend(&t[0], &header.merkle_root, height - 1, TEST_OUTPUT, 2);
	test_spend(&t[1], &t[0].txid, 1, TEST_OUTPUT / 2, 1);
	for (size_t i = 0; i < 2; i++) {
		memcpy(out->bytes + out->len, t[i].bytes, t[i].len);
		out->len += t[i].len;
		out->txid[1 + i] = t[i].txid;
		chain_wtxid(&leaf[1 + i], &t[i].view);
	}
	out->count = 2;
	chain_merkle_root(&out->witness_root, &mutated, leaf, 3);
}

/* The block after @ctx; chains with another @salt fork off. */
static inline void test_next(struct test_block *out,
			     const struct chain_params *p,
			     const struct chain_context *ctx, uint8_t salt)
{
	struct chain_coinbase c = {
		.height = {ctx->height.n + 1},
		.value = chain_subsidy(p, (struct base_height){1}),
		.key = {1},
		.extranonce = {salt},
	};
	struct chain_header h = {
		.version = CHAIN_VERSION,
		.prev = ctx->hash,
		.time = ctx->time[0] + 5,
		.bits = chain_context_next_bits(ctx, p),
	};
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX], header[CHAIN_HEADER_SIZE];
	struct test_txs txs;
	size_t at, len;
	bool mutated;

	test_txs(&txs, p, c.height.n);
	chain_witness_commitment(&c.witness_commitment, &txs.witness_root);
	len = chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
	pow_sha256d(&txs.txid[0], coinbase, len);
	chain_merkle_root(&h.merkle_root, &mutated, txs.txid, 1 + txs.count);
	while (chain_context_check(ctx, p, &h) != CHAIN_OK)
		h.nonce++;
	chain_header_write(header, &h);
	out->len = chain_block_assemble(out->data, sizeof(out->data), header,
					coinbase, len, txs.bytes, txs.len,
					txs.count);
	BASE_ASSERT(out->len > 0);
	test_execute(out, *p, ctx);
	out->ctx = *ctx;
	chain_context_append(&out->ctx, p, &h);
}

/* Appends @data, a form of @b, as if it led to @ctx. */
static inline int test_append_as(struct store *s, const struct test_block *b,
				 const uint8_t *data, size_t len,
				 const struct chain_context *ctx,
				 struct base_error *err)
{
	struct chain_change change[TEST_CHANGES_MAX];
	const struct chain_changes changes = {.change = change,
					      .count = b->change_count};

	memcpy(change, b->change, sizeof(change));
	return store_append(s,
			    &(struct store_block){.data = data,
						  .len = len,
						  .after = *ctx,
						  .changes = &changes},
			    err);
}

static inline int test_append(struct store *s, const struct test_block *b,
			      struct base_error *err)
{
	return test_append_as(s, b, b->data, b->len, &b->ctx, err);
}

static inline int test_init_chain(struct store *s, const struct test_block *b,
				  struct base_error *err)
{
	struct chain_change change[TEST_CHANGES_MAX];
	const struct chain_changes changes = {.change = change,
					      .count = b->change_count};

	memcpy(change, b->change, sizeof(change));
	return store_init_chain(s, b->data, b->len, &b->ctx, &changes, err);
}

static inline bool test_context_equal(const struct chain_context *a,
				      const struct chain_context *b)
{
	uint8_t x[CHAIN_CONTEXT_SIZE], y[CHAIN_CONTEXT_SIZE];

	chain_context_write(x, a);
	chain_context_write(y, b);
	return memcmp(x, y, sizeof(x)) == 0;
}

/* A directory of the test's own; "data.mdb" and the rest in it go with
 * test_dir_remove(). */
static inline char *test_dir_make(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;
	int n = asprintf(&dir, "%s/minerd-store-XXXXXX", tmp ? tmp : "/tmp");

	BASE_ASSERT(n > 0);
	BASE_ASSERT(mkdtemp(dir));
	return dir;
}

static inline void test_dir_clear(const char *dir)
{
	static const char *const name[] = {"/creating/data.mdb",
					   "/creating/lock.mdb", "/data.mdb",
					   "/lock.mdb"};
	char path[4096];

	for (size_t i = 0; i < BASE_COUNT(name); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", dir, name[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/creating", dir);
	(void)rmdir(path);
}

static inline void test_dir_remove(char *dir)
{
	test_dir_clear(dir);
	(void)rmdir(dir);
	free(dir);
}

#endif
