/* SPDX-License-Identifier: MIT */
/*
 * chain_spec.h: blocks of the fixture chain, good but for what a spec says.
 */
#ifndef TESTS_CHAIN_SPEC_H
#define TESTS_CHAIN_SPEC_H

#include "chain/block.h"
#include "chain/merkle.h"
#include "chain/script.h"
#include "chain_fixture.h"
#include "pow/sha256.h"

#define BLOCK_MAX 8192
#define TXS_MAX 8
#define OUTPUTS_MAX 6
#define MINE_MAX 1000000

/* x of G, and scripts of the coinbase of block 1 of member 2 */
#define KEY "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
#define P2TR "5120" KEY
#define EXTRANONCE "1122334455667788"
#define SCRIPT \
	"51"   \
	"0102" \
	"08" EXTRANONCE
#define COMMITMENT "C" /* stands for the right one */
#define ZERO32 \
	"0000000000000000000000000000000000000000000000000000000000000000"
#define WITNESS "0120" ZERO32

/* Transactions of 94 bytes and of other sizes. */
#define TX_HEAD(n)                                                        \
	"0200000001" n "111111111111111111111111111111111111111111111111" \
	"11111111111111"                                                  \
	"00000000"                                                        \
	"00"                                                              \
	"ffffffff"                                                        \
	"01"
#define TX(n)              \
	TX_HEAD(n)         \
	"e803000000000000" \
	"22" P2TR "00000000"
#define TX_60(n)           \
	TX_HEAD(n)         \
	"e803000000000000" \
	"00"               \
	"00000000"
#define TX_64(n)           \
	TX_HEAD(n)         \
	"e803000000000000" \
	"0451515151"       \
	"00000000"
#define TX_65(n)           \
	TX_HEAD(n)         \
	"e803000000000000" \
	"055151515151"     \
	"00000000"
#define TX_COINBASE                    \
	"0200000001" ZERO32 "ffffffff" \
	"00"                           \
	"ffffffff"                     \
	"01"                           \
	"e803000000000000"             \
	"22" P2TR "00000000"
#define TX_WITNESS(w)                                                      \
	"02000000"                                                         \
	"0001"                                                             \
	"01"                                                               \
	"2211111111111111111111111111111111111111111111111111111111111111" \
	"00000000"                                                         \
	"00"                                                               \
	"ffffffff"                                                         \
	"01"                                                               \
	"e803000000000000"                                                 \
	"22" P2TR w "00000000"

/* A block as it differs from a good one: zero and NULL are "as it is". */
struct spec {
	const char *label;
	enum chain_verdict want;
	bool late; /* only chain_block_validate() can see it */
	uint32_t version_xor, bits, cb_version_xor, cb_index_xor;
	uint32_t cb_sequence_xor, cb_lock_xor;
	int32_t time_add;
	uint8_t prev_xor, root_xor, commitment_xor, cb_prev_xor;
	bool unmined;
	bool repeat_last; /* after the root was taken */
	const char *script;
	const char *output[OUTPUTS_MAX];
	int64_t amount_add[OUTPUTS_MAX];
	const char *witness;
	const char *tx[TXS_MAX];
	const char *count; /* instead of the number of transactions */
	const char *tail;
};

static struct chain_params p;
static struct chain_context ctx;
static struct chain_scratch scratch;
static uint8_t block[BLOCK_MAX];
static size_t block_len;

static void write_hex(struct base_writer *w, const char *hex)
{
	uint8_t bytes[4000];
	size_t len = strlen(hex) / 2;

	assert_true(len <= sizeof(bytes));
	assert_int_equal(base_from_hex(bytes, len, hex), 0);
	base_write_bytes(w, bytes, len);
}

static void write_output(struct base_writer *w, const char *script,
			 int64_t amount, const struct base_hash *commitment)
{
	if (strcmp(script, COMMITMENT) == 0) {
		size_t at = w->len;

		chain_script_write_commitment(w, commitment);
		base_store_le64(w->data + at, (uint64_t)amount);
		return;
	}
	base_write_le64(w, (uint64_t)amount);
	base_write_compact_size(w, strlen(script) / 2);
	write_hex(w, script);
}

/* The coinbase's serialisation without witness. */
static size_t write_coinbase(uint8_t *out, const struct spec *s,
			     const struct base_hash *commitment)
{
	static const char *const usual[OUTPUTS_MAX] = {P2TR, COMMITMENT};
	const char *const *output = s->output[0] ? s->output : usual;
	const char *script = s->script ? s->script : SCRIPT;
	struct base_writer w = base_writer_init(out, BLOCK_MAX);
	size_t outputs = 0;

	base_write_le32(&w, 2 ^ s->cb_version_xor);
	base_write_u8(&w, 1);
	base_write_u8(&w, s->cb_prev_xor);
	for (int i = 0; i < 31; i++)
		base_write_u8(&w, 0);
	base_write_le32(&w, UINT32_MAX ^ s->cb_index_xor);
	base_write_compact_size(&w, strlen(script) / 2);
	write_hex(&w, script);
	base_write_le32(&w, UINT32_MAX ^ s->cb_sequence_xor);
	while (outputs < OUTPUTS_MAX && output[outputs])
		outputs++;
	base_write_u8(&w, (uint8_t)outputs);
	for (size_t i = 0; i < outputs; i++) {
		int64_t amount = i == 0 ? p.subsidy_initial.units : 0;

		write_output(&w, output[i], amount + s->amount_add[i],
			     commitment);
	}
	base_write_le32(&w, 0 ^ s->cb_lock_xor);
	assert_true(base_writer_ok(&w));
	return w.len;
}

static size_t count_txs(const struct spec *s)
{
	size_t n = 0;

	while (n < TXS_MAX && s->tx[n])
		n++;
	return n;
}

/* Ids (or witness ids) of the further transactions, from leaf[1] on. */
static void tx_leaves(struct base_hash *leaf, const struct spec *s,
		      bool witness)
{
	for (size_t i = 0; i < count_txs(s); i++) {
		uint8_t bytes[2000];
		uint8_t stripped[2000];
		struct base_writer w = base_writer_init(bytes, sizeof(bytes));
		struct chain_tx_view tx;
		struct base_reader r;

		write_hex(&w, s->tx[i]);
		r = base_reader_init(bytes, w.len);
		if (chain_tx_parse(&tx, &r) < 0)
			pow_sha256d(&leaf[i + 1], bytes, w.len);
		else if (witness)
			chain_wtxid(&leaf[i + 1], &tx);
		else
			chain_txid(&leaf[i + 1], stripped, &tx);
	}
}

static void mine(struct chain_header *h)
{
	struct base_u256 target;
	struct base_hash hash;

	if (pow_target_from_bits(&target, h->bits) < 0)
		return;
	for (h->nonce = 0; h->nonce < MINE_MAX; h->nonce++) {
		chain_header_hash(&hash, h);
		if (pow_target_met(&target, &hash))
			return;
	}
	fail();
}

static void write_body(struct base_writer *w, const struct spec *s,
		       const uint8_t *coinbase, size_t len)
{
	size_t txs = count_txs(s);

	if (s->count)
		write_hex(w, s->count);
	else
		base_write_compact_size(w, 1 + txs + s->repeat_last);
	base_write_bytes(w, coinbase, 4);
	if (!s->witness || strlen(s->witness) > 0)
		write_hex(w, "0001");
	base_write_bytes(w, coinbase + 4, len - 8);
	write_hex(w, s->witness ? s->witness : WITNESS);
	base_write_bytes(w, coinbase + len - 4, 4);
	for (size_t i = 0; i < txs; i++)
		write_hex(w, s->tx[i]);
	if (s->repeat_last)
		write_hex(w, s->tx[txs - 1]);
	if (s->tail)
		write_hex(w, s->tail);
}

/* Builds @s into block. */
static void build(const struct spec *s)
{
	struct base_hash leaf[TXS_MAX + 1] = {{.b = {0}}};
	struct base_hash commitment;
	struct base_hash root;
	struct base_writer w = base_writer_init(block, sizeof(block));
	struct chain_header h = {
		.version = CHAIN_VERSION ^ s->version_xor,
		.prev = ctx.hash,
		.time = (uint32_t)((int32_t)ctx.time[0] + 5 + s->time_add),
		.bits = s->bits ? s->bits : chain_context_next_bits(&ctx, &p),
	};
	uint8_t coinbase[BLOCK_MAX];
	uint8_t bytes[CHAIN_HEADER_SIZE];
	size_t len;
	bool mutated;

	tx_leaves(leaf, s, true);
	chain_merkle_root(&root, &mutated, leaf, 1 + count_txs(s));
	chain_witness_commitment(&commitment, &root);
	commitment.b[0] ^= s->commitment_xor;
	len = write_coinbase(coinbase, s, &commitment);
	tx_leaves(leaf, s, false);
	pow_sha256d(&leaf[0], coinbase, len);
	chain_merkle_root(&h.merkle_root, &mutated, leaf, 1 + count_txs(s));
	h.merkle_root.b[31] ^= s->root_xor;
	h.prev.b[31] ^= s->prev_xor;
	mine(&h);
	h.nonce ^= s->unmined ? 0x40000000 : 0;
	chain_header_write(bytes, &h);
	base_write_bytes(&w, bytes, sizeof(bytes));
	write_body(&w, s, coinbase, len);
	assert_true(base_writer_ok(&w));
	block_len = w.len;
}

static void start(void)
{
	static uint64_t memory[1u << 15];
	static const uint8_t salt[CHAIN_SALT_SIZE] = {1};
	struct chain_header g = {.version = CHAIN_VERSION,
				 .time = 1700000000,
				 .bits = FIXTURE_BITS};

	fixture_params(&p);
	chain_context_init(&ctx, &g);
	assert_true(chain_scratch_size(p.max_block_bytes) <= sizeof(memory));
	chain_scratch_init(&scratch, memory, p.max_block_bytes, salt);
}

#endif
