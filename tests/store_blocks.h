/* SPDX-License-Identifier: MIT */
/*
 * store_blocks.h: a small valid chain, the same on every run, for the tests
 * of the store.
 */
#ifndef TESTS_STORE_BLOCKS_H
#define TESTS_STORE_BLOCKS_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "chain/block.h"
#include "chain/merkle.h"
#include "pow/sha256.h"
#include "pow/target.h"
#include "store/store.h"

#define TEST_EASY_BITS UINT32_C(0x207fffff) /* every other hash will do */

struct test_block {
	uint8_t data[CHAIN_GENESIS_MAX];
	size_t len;
	struct chain_context ctx; /* after it */
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

	BASE_ASSERT(!rc);
	return p;
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
	struct base_hash zero = {{0}};
	struct chain_header h = {
		.version = CHAIN_VERSION,
		.prev = ctx->hash,
		.time = ctx->time[0] + 5,
		.bits = chain_context_next_bits(ctx, p),
	};
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX], header[CHAIN_HEADER_SIZE];
	size_t at, len;

	chain_witness_commitment(&c.witness_commitment, &zero);
	len = chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
	pow_sha256d(&h.merkle_root, coinbase, len);
	while (chain_context_check(ctx, p, &h) != CHAIN_OK)
		h.nonce++;
	chain_header_write(header, &h);
	out->len = chain_block_assemble(out->data, sizeof(out->data), header,
					coinbase, len, NULL, 0, 0);
	BASE_ASSERT(out->len > 0);
	out->ctx = *ctx;
	chain_context_append(&out->ctx, p, &h);
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
