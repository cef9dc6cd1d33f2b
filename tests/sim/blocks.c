/* SPDX-License-Identifier: MIT */
/* Blocks: built on demand, mined in a handful of hashes, found by hash. */
#include "sim.h"

#include "base/assert.h"
#include "chain/merkle.h"
#include "chain/script.h"
#include "chain/sighash.h"
#include "chain/spend.h"
#include "pow/sha256.h"
#include "pow/target.h"

#define SLOTS (2u * SIM_BLOCKS_MAX)
#define TX_MAX 300
#define FEE 100

void sim_blocks_clear(struct sim_world *w)
{
	w->block_count = 0;
	memset(w->block_slot, 0, sizeof(w->block_slot));
}

static uint32_t slot_of(const struct base_hash *hash)
{
	return base_load_le32(hash->b) % SLOTS;
}

uint32_t sim_block_find(const struct sim_world *w, const struct base_hash *hash)
{
	uint32_t at = slot_of(hash);

	for (; w->block_slot[at] != 0; at = (at + 1) % SLOTS) {
		uint32_t i = w->block_slot[at] - 1;

		if (base_hash_equal(&w->block[i].hash, hash))
			return i;
	}
	return SIM_NONE;
}

static void enter(struct sim_world *w, uint32_t i)
{
	uint32_t at = slot_of(&w->block[i].hash);

	while (w->block_slot[at] != 0)
		at = (at + 1) % SLOTS;
	w->block_slot[at] = i + 1;
}

static void mine(struct chain_header *h)
{
	struct base_u256 target;
	struct base_hash hash;
	int rc = pow_target_from_bits(&target, h->bits);

	BASE_ASSERT(rc == 0);
	for (h->nonce = 0; h->nonce < 10000000; h->nonce++) {
		chain_header_hash(&hash, h);
		if (pow_target_met(&target, &hash))
			return;
	}
	BASE_ASSERT(false); /* never that hard */
}

/* Serialises a transaction of one input and one output. */
static size_t write_tx(uint8_t *out, const struct chain_outpoint *at,
		       struct base_amount amount, const uint8_t *key,
		       const uint8_t *signature)
{
	struct base_writer w = base_writer_init(out, TX_MAX);

	base_write_le32(&w, 2);
	if (signature)
		base_write_le16(&w, 0x0100);
	base_write_compact_size(&w, 1);
	base_write_bytes(&w, at->txid.b, sizeof(at->txid.b));
	base_write_le32(&w, at->index);
	base_write_compact_size(&w, 0);
	base_write_le32(&w, UINT32_MAX);
	base_write_compact_size(&w, 1);
	chain_script_write_p2tr(&w, amount, key);
	if (signature) {
		base_write_le16(&w, 0x4001);
		base_write_bytes(&w, signature, CHAIN_SIGNATURE_SIZE);
	}
	base_write_le32(&w, 0);
	BASE_ASSERT(base_writer_ok(&w));
	return w.len;
}

static void parse_tx(struct chain_tx_view *out, const uint8_t *tx, size_t len)
{
	struct base_reader r = base_reader_init(tx, len);
	int rc = chain_tx_parse(out, &r);

	BASE_ASSERT(rc == 0 && base_reader_done(&r));
}

/* Which member's key this is. */
static uint32_t owner(const struct sim_world *w, const uint8_t *key)
{
	for (uint32_t i = 0; i < w->members; i++)
		if (memcmp(w->params.member[i].signing_key, key,
			   CHAIN_KEY_SIZE) == 0)
			return i;
	return SIM_NONE;
}

static const struct sim_coin *a_coin(struct sim_world *w,
				     const struct sim_coins *coins)
{
	uint32_t start = (uint32_t)sim_below(w, SIM_COINS_MAX);

	for (uint32_t i = 0; i < SIM_COINS_MAX; i++) {
		const struct sim_coin *c =
			&coins->slot[(start + i) % SIM_COINS_MAX];

		if (c->used && c->coin.amount.units > 10 * FEE)
			return c;
	}
	return NULL;
}

/* Moves one coin to the next member; 0: there is none to move. */
static size_t build_tx(struct sim_world *w, uint8_t *out,
		       const struct sim_coins *coins, uint32_t height)
{
	const struct sim_coin *c;
	uint8_t signature[CHAIN_SIGNATURE_SIZE];
	uint8_t key[CHAIN_KEY_SIZE];
	struct chain_sighash shared;
	struct chain_tx_input in;
	struct chain_tx_view tx;
	struct base_amount rest;
	struct base_hash hash;
	size_t len;
	uint32_t from;
	int rc;

	c = a_coin(w, coins);
	if (!c || (c->coin.coinbase &&
		   height < c->coin.height.n + w->params.coinbase_maturity))
		return 0;
	from = owner(w, c->coin.key);
	if (from == SIM_NONE)
		return 0;
	sim_member_key(w, (from + 1) % w->members, key);
	rest.units = c->coin.amount.units - FEE;
	len = write_tx(out, &c->at, rest, key, NULL);
	parse_tx(&tx, out, len);
	chain_sighash_begin(&shared);
	chain_tx_input_at(&in, &tx, 0);
	chain_sighash_add_key(&shared, &in, c->coin.amount, c->coin.key);
	chain_sighash_end(&shared, &tx);
	rc = chain_sighash_of(&hash, &shared, 0, 0);
	BASE_ASSERT(rc == 0);
	sim_sign(w, from, signature, &hash);
	return write_tx(out, &c->at, rest, key, signature);
}

static size_t write_coinbase(const struct sim_world *w, uint8_t *out,
			     const struct sim_build *b,
			     const struct base_hash *wtxid, int64_t fees)
{
	struct base_hash leaf[2] = {{.b = {0}}};
	struct chain_coinbase c = {.height = {b->on->height.n + 1},
				   .sender = b->sender};
	struct base_hash root;
	size_t at;
	bool mutated;

	if (wtxid)
		leaf[1] = *wtxid;
	chain_merkle_root(&root, &mutated, leaf, wtxid ? 2 : 1);
	chain_witness_commitment(&c.witness_commitment, &root);
	c.value.units = chain_subsidy(&w->params, c.height).units + fees;
	sim_member_key(w, b->sender % w->members, c.key);
	base_store_le64(c.extranonce, b->salt);
	return chain_coinbase_build(out, CHAIN_COINBASE_BUILD_MAX, &at, &c);
}

uint32_t sim_block_build(struct sim_world *w, const struct sim_build *b)
{
	uint32_t i = w->block_count;
	struct sim_block *out = &w->block[i];
	struct chain_header h = {
		.version = CHAIN_VERSION,
		.prev = b->on->hash,
		.time = b->time,
		.bits = b->bits ? b->bits
				: chain_context_next_bits(b->on, &w->params),
	};
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
	uint8_t header[CHAIN_HEADER_SIZE];
	uint8_t tx[TX_MAX];
	uint8_t stripped[TX_MAX];
	struct base_hash leaf[2];
	struct base_hash wtxid;
	struct chain_tx_view view;
	size_t tx_len = 0;
	size_t len;
	bool mutated;

	BASE_ASSERT(i < SIM_BLOCKS_MAX);
	if (b->coins)
		tx_len = build_tx(w, tx, b->coins, b->on->height.n + 1);
	if (tx_len > 0) {
		parse_tx(&view, tx, tx_len);
		chain_wtxid(&wtxid, &view);
		chain_txid(&leaf[1], stripped, &view);
	}
	len = write_coinbase(w, coinbase, b, tx_len ? &wtxid : NULL,
			     tx_len ? FEE : 0);
	pow_sha256d(&leaf[0], coinbase, len);
	chain_merkle_root(&h.merkle_root, &mutated, leaf, tx_len ? 2 : 1);
	mine(&h);
	chain_header_write(header, &h);
	out->len = (uint32_t)chain_block_assemble(
		out->bytes, sizeof(out->bytes), header, coinbase, len, tx,
		tx_len, tx_len ? 1 : 0);
	BASE_ASSERT(out->len > 0);
	chain_header_hash(&out->hash, &h);
	out->prev = h.prev;
	out->sender = b->sender;
	out->after = *b->on;
	chain_context_append(&out->after, &w->params, &h);
	w->block_count++;
	enter(w, i);
	return i;
}

uint32_t sim_block_genesis(struct sim_world *w)
{
	static const struct base_hash params_hash;
	uint8_t bytes[CHAIN_GENESIS_MAX];
	struct sim_block *out = &w->block[0];
	struct chain_header h;

	BASE_ASSERT(w->block_count == 0);
	out->len = (uint32_t)chain_genesis_build(bytes, sizeof(bytes),
						 &w->params, &params_hash);
	BASE_ASSERT(out->len <= sizeof(out->bytes));
	memcpy(out->bytes, bytes, out->len);
	chain_header_read(&h, bytes);
	chain_header_hash(&out->hash, &h);
	memset(&out->prev, 0, sizeof(out->prev));
	out->sender = 0;
	chain_context_init(&out->after, &h);
	w->block_count = 1;
	enter(w, 0);
	return 0;
}
