/* SPDX-License-Identifier: MIT */
/*
 * mempool_fixture.h: transactions of any shape for a pool, which looks at no
 * signature, and a pool to put them into.
 */
#ifndef TESTS_MEMPOOL_FIXTURE_H
#define TESTS_MEMPOOL_FIXTURE_H

#include "test.h"

#include "chain/mempool.h"

#define FIXTURE_INPUTS_MAX 64

struct fixture_in {
	struct base_hash txid;
	uint32_t index;
};

/* What to build. */
struct fixture_shape {
	struct fixture_in in[FIXTURE_INPUTS_MAX];
	uint32_t in_count;
	uint32_t out_count; /* P2TR of @amount each */
	int64_t amount;
	uint32_t data_len; /* of an OP_RETURN before the others; 0: none */
	uint32_t pad;	   /* bytes in the first input's witness */
	uint32_t salt;	   /* makes the txid another one */
};

struct fixture_tx {
	uint8_t *bytes;
	struct chain_tx_view view;
	struct base_hash txid;
	struct base_hash wtxid;
};

/* An output of the chain: all different. */
static inline struct fixture_in fixture_coin(uint32_t n)
{
	struct fixture_in in = {.index = n % 3};

	memset(in.txid.b, 0xcc, sizeof(in.txid.b));
	base_store_le32(in.txid.b, n);
	return in;
}

static inline struct fixture_shape fixture_shape(struct fixture_in in)
{
	static uint32_t salt;
	struct fixture_shape s = {.in_count = 1,
				  .out_count = 1,
				  .amount = 1000,
				  .pad = 64,
				  .salt = ++salt};

	s.in[0] = in;
	return s;
}

static inline void fixture_outputs(struct base_writer *w,
				   const struct fixture_shape *s)
{
	uint8_t script[34] = {0x51, 0x20};

	base_store_le32(script + 2, s->salt);
	base_write_compact_size(w, s->out_count + (s->data_len > 0));
	if (s->data_len > 0) {
		base_write_le64(w, 0);
		base_write_compact_size(w, 2 + s->data_len);
		base_write_u8(w, 0x6a);
		base_write_u8(w, (uint8_t)s->data_len);
		for (uint32_t i = 0; i < s->data_len; i++)
			base_write_u8(w, 0x99);
	}
	for (uint32_t i = 0; i < s->out_count; i++) {
		base_write_le64(w, (uint64_t)s->amount);
		base_write_compact_size(w, sizeof(script));
		base_write_bytes(w, script, sizeof(script));
	}
}

static inline struct fixture_tx fixture_build(const struct fixture_shape *s)
{
	size_t cap = 200 + 50 * s->in_count + 43 * s->out_count + s->pad;
	struct fixture_tx t = {.bytes = malloc(cap)};
	struct base_writer w = base_writer_init(t.bytes, cap);
	uint8_t *scratch = malloc(cap);
	struct base_reader r;

	base_write_le32(&w, 2);
	base_write_u8(&w, 0);
	base_write_u8(&w, 1);
	base_write_compact_size(&w, s->in_count);
	for (uint32_t i = 0; i < s->in_count; i++) {
		base_write_bytes(&w, s->in[i].txid.b, 32);
		base_write_le32(&w, s->in[i].index);
		base_write_compact_size(&w, 0);
		base_write_le32(&w, 0xffffffff);
	}
	fixture_outputs(&w, s);
	for (uint32_t i = 0; i < s->in_count; i++) {
		uint32_t pad = i == 0 ? s->pad : 0;

		base_write_compact_size(&w, 1);
		base_write_compact_size(&w, pad);
		for (uint32_t k = 0; k < pad; k++)
			base_write_u8(&w, 0xab);
	}
	base_write_le32(&w, 0);
	assert_true(base_writer_ok(&w));
	r = base_reader_init(t.bytes, w.len);
	assert_int_equal(chain_tx_parse(&t.view, &r), 0);
	chain_txid(&t.txid, scratch, &t.view);
	chain_wtxid(&t.wtxid, &t.view);
	free(scratch);
	return t;
}

static inline uint32_t fixture_vsize(const struct fixture_tx *t)
{
	return (uint32_t)((3 * t->view.stripped_len + t->view.len + 3) / 4);
}

static inline struct chain_mempool *fixture_pool(size_t bytes_max)
{
	static const struct chain_siphash_key key = {.k = {1, 2}};
	size_t size = (chain_mempool_memory(bytes_max) + 63) / 64 * 64;
	void *memory = aligned_alloc(64, size);

	assert_non_null(memory);
	return chain_mempool_init(memory, bytes_max, &key);
}

/* Adds @t; a trial before it says the same and leaves the pool as it was. */
static inline enum chain_mempool_verdict fixture_add(struct chain_mempool *m,
						     const struct fixture_tx *t,
						     int64_t units,
						     uint64_t now_s)
{
	const struct base_amount fee = {.units = units};
	struct chain_mempool_totals before;
	struct chain_mempool_totals after;
	enum chain_mempool_verdict expected;
	enum chain_mempool_verdict got;

	chain_mempool_totals(&before, m);
	expected =
		chain_mempool_try(m, &t->view, &t->txid, &t->wtxid, fee, now_s);
	chain_mempool_totals(&after, m);
	assert_int_equal(before.count, after.count);
	assert_true(before.usage == after.usage && before.fees == after.fees &&
		    before.min_fee_kvb == after.min_fee_kvb);
	got = chain_mempool_add(m, &t->view, &t->txid, &t->wtxid, fee, now_s);
	assert_int_equal(got, expected);
	return got;
}

#endif
