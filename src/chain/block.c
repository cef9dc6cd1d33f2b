/* SPDX-License-Identifier: MIT */
#include "chain/block.h"

#include "base/assert.h"
#include "chain/merkle.h"
#include "chain/script.h"
#include "pow/sha256.h"

/* A transaction of 64 bytes may be an inner node of the merkle tree in
 * disguise, and smaller ones serve no one (chain.md, Transactions). */
#define NODE_SIZE 64
#define STRIPPED_MIN 65

#define BLOCK_MIN (CHAIN_HEADER_SIZE + 1 + CHAIN_TX_SIZE_MIN)

struct body {
	const uint8_t *txs; /* the first transaction */
	size_t len;	    /* of all of them */
	uint32_t tx_count;
	uint64_t inputs; /* of all but the coinbase */
	bool second_coinbase;
	bool too_small; /* one is below STRIPPED_MIN */
	struct chain_tx_view coinbase;
};

size_t chain_scratch_hashes(uint32_t max_block_bytes)
{
	return max_block_bytes / CHAIN_TX_SIZE_MIN;
}

static void note_tx(struct body *b, const struct chain_tx_view *tx)
{
	if (tx->stripped_len < STRIPPED_MIN)
		b->too_small = true;
	if (chain_coinbase_is(tx))
		b->second_coinbase = true;
	b->inputs += tx->input_count;
}

/* Takes the transactions apart; their ids are in scratch->hash then. */
static bool read_body(struct body *out, struct chain_scratch *scratch,
		      const uint8_t *block, size_t len)
{
	struct base_reader r = base_reader_init(block + CHAIN_HEADER_SIZE,
						len - CHAIN_HEADER_SIZE);
	uint64_t count = base_read_compact_size(&r);

	if (count == 0 || count > base_reader_left(&r) / CHAIN_TX_SIZE_MIN)
		return false;
	*out = (struct body){.txs = r.at,
			     .len = base_reader_left(&r),
			     .tx_count = (uint32_t)count};
	for (uint32_t i = 0; i < out->tx_count; i++) {
		struct chain_tx_view tx;

		/* A body of inner nodes has the root of the real one, so it
		 * is malformed: nothing is said about the hash. */
		if (chain_tx_parse(&tx, &r) < 0 || tx.stripped_len == NODE_SIZE)
			return false;
		if (i == 0)
			out->coinbase = tx;
		else
			note_tx(out, &tx);
		chain_txid(&scratch->hash[i], scratch->bytes, &tx);
	}
	return base_reader_done(&r);
}

static enum chain_verdict check_merkle(struct chain_scratch *scratch,
				       const struct body *b,
				       const struct base_hash *wanted)
{
	struct base_hash root;
	bool mutated;

	chain_merkle_root(&root, &mutated, scratch->hash, b->tx_count);
	if (!base_hash_equal(&root, wanted))
		return CHAIN_BAD_MERKLE;
	return mutated ? CHAIN_BAD_DUPLICATE : CHAIN_OK;
}

static enum chain_verdict check_witness(struct chain_scratch *scratch,
					const struct body *b,
					const struct base_hash *wanted)
{
	struct base_reader r = base_reader_init(b->txs, b->len);
	struct base_hash root;
	struct base_hash commitment;
	bool mutated; /* the tree of ids has shown that it is not */

	if (!chain_coinbase_witness_ok(&b->coinbase))
		return CHAIN_BAD_WITNESS_NONCE;
	for (uint32_t i = 0; i < b->tx_count; i++) {
		struct chain_tx_view tx;
		int rc = chain_tx_parse(&tx, &r);

		BASE_ASSERT(rc == 0);
		chain_wtxid(&scratch->hash[i], &tx);
	}
	/* The coinbase cannot commit to itself: zero stands for it. */
	memset(&scratch->hash[0], 0, sizeof(scratch->hash[0]));
	chain_merkle_root(&root, &mutated, scratch->hash, b->tx_count);
	chain_witness_commitment(&commitment, &root);
	return base_hash_equal(&commitment, wanted) ? CHAIN_OK
						    : CHAIN_BAD_WITNESS;
}

/* The body, once its merkle root binds it to the header. */
static enum chain_verdict check_txs(struct chain_block_info *info,
				    const struct chain_params *p,
				    struct chain_scratch *scratch,
				    const struct body *b)
{
	struct chain_coinbase_facts facts;
	enum chain_verdict v = chain_coinbase_check(&facts, p, &b->coinbase);

	if (v != CHAIN_OK)
		return v;
	if (b->second_coinbase)
		return CHAIN_BAD_CB_MULTIPLE;
	if (b->too_small || b->inputs > p->max_block_inputs)
		return CHAIN_BAD_TX;
	info->tx_count = b->tx_count;
	info->sender = facts.sender;
	info->height = facts.height;
	info->coinbase_out = facts.value;
	return check_witness(scratch, b, &facts.witness_commitment);
}

enum chain_verdict chain_block_check(struct chain_block_info *out,
				     const struct chain_params *p,
				     struct chain_scratch *scratch,
				     const uint8_t *block, size_t len)
{
	struct chain_block_info info;
	struct body body;
	enum chain_verdict v;

	BASE_ASSERT(scratch->hash_cap >=
		    chain_scratch_hashes(p->max_block_bytes));
	BASE_ASSERT(scratch->byte_cap >= p->max_block_bytes);
	if (len < BLOCK_MIN || len > p->max_block_bytes)
		return CHAIN_BAD_LENGTH;
	/* Proof of work first: everything after it costs its sender more
	 * than it costs us. */
	chain_header_read(&info.header, block);
	chain_header_hash(&info.hash, &info.header);
	v = chain_header_check(&info.header, p, &info.hash);
	if (v != CHAIN_OK)
		return v;
	if (!read_body(&body, scratch, block, len))
		return CHAIN_BAD_PARSE;
	v = check_merkle(scratch, &body, &info.header.merkle_root);
	if (v == CHAIN_OK)
		v = check_txs(&info, p, scratch, &body);
	if (v == CHAIN_OK)
		*out = info;
	return v;
}

enum chain_verdict chain_block_validate(struct chain_block_info *out,
					const struct chain_params *p,
					const struct chain_context *ctx,
					struct chain_scratch *scratch,
					const uint8_t *block, size_t len)
{
	struct chain_block_info info;
	struct base_amount subsidy;
	int64_t fees = 0;
	enum chain_verdict v = chain_block_check(&info, p, scratch, block, len);

	if (v == CHAIN_OK)
		v = chain_context_check(ctx, p, &info.header);
	if (v != CHAIN_OK)
		return v;
	if (info.height.n != ctx->height.n + 1)
		return CHAIN_BAD_CB_HEIGHT;
	/* Spending stands here: chain/spend.h will check every transaction
	 * after the coinbase against the unspent outputs and yield the fees.
	 * Until then there is nothing that could be spent. */
	if (info.tx_count > 1)
		return CHAIN_BAD_SPEND;
	subsidy = chain_subsidy(p, info.height);
	if (info.coinbase_out.units > subsidy.units + fees)
		return CHAIN_BAD_CB_AMOUNT;
	*out = info;
	return CHAIN_OK;
}

size_t chain_block_assemble(uint8_t *out, size_t cap,
			    const uint8_t header[static CHAIN_HEADER_SIZE],
			    const uint8_t *coinbase, size_t coinbase_len,
			    const uint8_t *txs, size_t txs_len,
			    uint32_t tx_count)
{
	static const uint8_t witness[2 + 32] = {1, 32};
	struct base_writer w = base_writer_init(out, cap);

	BASE_ASSERT(coinbase_len >= CHAIN_TX_SIZE_MIN);
	base_write_bytes(&w, header, CHAIN_HEADER_SIZE);
	base_write_compact_size(&w, (uint64_t)tx_count + 1);
	base_write_bytes(&w, coinbase, 4);
	base_write_u8(&w, 0); /* marker and flag of BIP144 */
	base_write_u8(&w, 1);
	base_write_bytes(&w, coinbase + 4, coinbase_len - 8);
	base_write_bytes(&w, witness, sizeof(witness));
	base_write_bytes(&w, coinbase + coinbase_len - 4, 4);
	base_write_bytes(&w, txs, txs_len);
	return base_writer_ok(&w) ? w.len : 0;
}

/* The genesis coinbase without witness. */
static size_t write_genesis_tx(uint8_t *out, size_t cap,
			       const struct chain_params *p,
			       const struct base_hash *params_hash)
{
	static const struct base_hash no_root;
	uint8_t script[2 + sizeof(params_hash->b)] = {0,
						      sizeof(params_hash->b)};
	struct base_writer w = base_writer_init(out, cap);
	struct base_hash commitment;

	memcpy(script + 2, params_hash->b, sizeof(params_hash->b));
	chain_witness_commitment(&commitment, &no_root);
	chain_coinbase_open(&w, script, sizeof(script));
	base_write_compact_size(&w, (uint64_t)p->output_count + 1);
	for (uint32_t i = 0; i < p->output_count; i++)
		chain_script_write_p2tr(&w, p->output[i].amount,
					p->output[i].key);
	chain_script_write_commitment(&w, &commitment);
	base_write_le32(&w, 0);
	BASE_ASSERT(base_writer_ok(&w));
	return w.len;
}

size_t chain_genesis_build(uint8_t *out, size_t cap,
			   const struct chain_params *p,
			   const struct base_hash *params_hash)
{
	uint8_t tx[CHAIN_GENESIS_MAX];
	uint8_t bytes[CHAIN_HEADER_SIZE];
	size_t tx_len = write_genesis_tx(tx, sizeof(tx), p, params_hash);
	struct chain_header header = {
		.version = CHAIN_VERSION,
		.time = (uint32_t)(p->genesis_time_ms / 1000),
		.bits = p->genesis_bits,
	};
	size_t len;

	BASE_ASSERT(cap >= CHAIN_GENESIS_MAX);
	pow_sha256d(&header.merkle_root, tx, tx_len);
	chain_header_write(bytes, &header);
	len = chain_block_assemble(out, cap, bytes, tx, tx_len, NULL, 0, 0);
	BASE_ASSERT(len > 0);
	return len;
}
