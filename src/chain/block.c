/* SPDX-License-Identifier: MIT */
#include "chain/block.h"

#include "base/assert.h"
#include "chain/merkle.h"
#include "chain/script.h"
#include "chain/spend.h"
#include "pow/sha256.h"

/* A transaction of 64 bytes may be an inner node of the merkle tree in
 * disguise (chain.md, Transactions). */
#define NODE_SIZE 64

#define BLOCK_MIN (CHAIN_HEADER_SIZE + 1 + CHAIN_TX_SIZE_MIN)

struct body {
	const uint8_t *txs; /* the first transaction */
	size_t len;	    /* of all of them */
	uint32_t tx_count;
	uint64_t inputs; /* of all but the coinbase */
	bool second_coinbase;
	struct chain_tx_view coinbase;
};

/* Takes the transactions apart; their ids, both kinds, are in @scratch then. */
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
		chain_txid(&scratch->txid[i], scratch->bytes, &tx);
		if (i == 0) {
			/* No commitment can cover the coinbase: zero. */
			memset(&scratch->wtxid[0], 0,
			       sizeof(scratch->wtxid[0]));
			out->coinbase = tx;
			continue;
		}
		chain_wtxid(&scratch->wtxid[i], &tx);
		if (chain_coinbase_is(&tx))
			out->second_coinbase = true;
		out->inputs += tx.input_count;
	}
	return base_reader_done(&r);
}

static void merkle_root(struct base_hash *root, bool *mutated,
			struct chain_scratch *scratch,
			const struct base_hash *leaf, uint32_t count)
{
	memcpy(scratch->node, leaf, count * sizeof(*leaf));
	chain_merkle_root(root, mutated, scratch->node, count);
}

static enum chain_verdict check_merkle(struct chain_scratch *scratch,
				       const struct body *b,
				       const struct base_hash *wanted)
{
	struct base_hash root;
	bool mutated;

	merkle_root(&root, &mutated, scratch, scratch->txid, b->tx_count);
	if (!base_hash_equal(&root, wanted))
		return CHAIN_BAD_MERKLE;
	return mutated ? CHAIN_BAD_DUPLICATE : CHAIN_OK;
}

/* The next transaction of a body that was read before. */
static void next_tx(struct chain_tx_view *out, struct base_reader *r)
{
	int rc = chain_tx_parse(out, r);

	BASE_ASSERT(rc == 0);
}

static enum chain_verdict check_witness(struct chain_scratch *scratch,
					const struct body *b,
					const struct base_hash *wanted)
{
	struct base_hash root;
	struct base_hash commitment;
	bool mutated; /* the tree of ids has shown that it is not */

	if (!chain_coinbase_witness_ok(&b->coinbase))
		return CHAIN_BAD_WITNESS_NONCE;
	merkle_root(&root, &mutated, scratch, scratch->wtxid, b->tx_count);
	chain_witness_commitment(&commitment, &root);
	return base_hash_equal(&commitment, wanted) ? CHAIN_OK
						    : CHAIN_BAD_WITNESS;
}

static enum chain_verdict check_spends(const struct chain_params *p,
				       const struct body *b)
{
	struct base_reader r = base_reader_init(b->txs, b->len);
	enum chain_verdict v = CHAIN_OK;
	struct chain_tx_view tx;

	next_tx(&tx, &r); /* the coinbase */
	for (uint32_t i = 1; i < b->tx_count && v == CHAIN_OK; i++) {
		next_tx(&tx, &r);
		v = chain_tx_check(&tx, p);
	}
	return v;
}

/* The body, once its merkle root binds it to the header. A witness condemns
 * the block only once its commitment binds it as well. */
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
	if (b->inputs > p->max_block_inputs)
		return CHAIN_BAD_TX;
	info->tx_count = b->tx_count;
	info->sender = facts.sender;
	info->height = facts.height;
	info->coinbase_out = facts.value;
	v = check_witness(scratch, b, &facts.witness_commitment);
	return v == CHAIN_OK ? check_spends(p, b) : v;
}

enum chain_verdict chain_block_check(struct chain_block_info *out,
				     const struct chain_params *p,
				     struct chain_scratch *scratch,
				     const uint8_t *block, size_t len)
{
	struct chain_block_info info;
	struct body body;
	enum chain_verdict v;

	BASE_ASSERT(scratch->max_block_bytes >= p->max_block_bytes);
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

/* One spend: its inputs, then what it makes. */
static enum chain_verdict execute_tx(int64_t *fees,
				     struct chain_scratch *scratch,
				     const struct chain_spending *s,
				     const struct chain_known *known,
				     const struct chain_tx_view *tx, uint32_t i)
{
	bool skip = known && known->has(known->ctx, &scratch->wtxid[i]);
	struct chain_check *check = &scratch->check[scratch->check_count];
	struct base_amount fee;
	enum chain_verdict v = chain_tx_spend(&fee, skip ? NULL : check, s, tx);

	if (v != CHAIN_OK)
		return v;
	if (fee.units > BASE_MAX_MONEY - *fees)
		return CHAIN_BAD_SPEND_FEES;
	*fees += fee.units;
	if (!skip)
		scratch->check_count += tx->input_count;
	chain_tx_create(s->changes, tx, &scratch->txid[i], s->height, false);
	return CHAIN_OK;
}

static enum chain_verdict execute_txs(int64_t *fees,
				      struct chain_scratch *scratch,
				      const struct chain_spending *s,
				      const struct chain_known *known,
				      const uint8_t *block, size_t len)
{
	struct base_reader r = base_reader_init(block + CHAIN_HEADER_SIZE,
						len - CHAIN_HEADER_SIZE);
	uint32_t count = (uint32_t)base_read_compact_size(&r);
	struct chain_tx_view tx;
	enum chain_verdict v = CHAIN_OK;

	*fees = 0;
	scratch->check_count = 0;
	chain_changes_clear(s->changes, len / CHAIN_COIN_OUTPUT_SIZE);
	/* The coinbase is there first, too young for this block to spend. */
	next_tx(&tx, &r);
	chain_tx_create(s->changes, &tx, &scratch->txid[0], s->height, true);
	for (uint32_t i = 1; i < count && v == CHAIN_OK; i++) {
		next_tx(&tx, &r);
		v = execute_tx(fees, scratch, s, known, &tx, i);
	}
	return v;
}

enum chain_verdict chain_block_execute(struct chain_block_info *out,
				       const struct chain_params *p,
				       const struct chain_context *ctx,
				       const struct chain_coins *coins,
				       const struct chain_known *known,
				       struct chain_scratch *scratch,
				       const uint8_t *block, size_t len)
{
	struct chain_spending s = {
		.params = p, .coins = coins, .changes = &scratch->changes};
	struct chain_block_info info;
	int64_t fees;
	enum chain_verdict v = chain_block_check(&info, p, scratch, block, len);

	if (v == CHAIN_OK)
		v = chain_context_check(ctx, p, &info.header);
	if (v != CHAIN_OK)
		return v;
	if (info.height.n != ctx->height.n + 1)
		return CHAIN_BAD_CB_HEIGHT;
	s.height = info.height;
	v = execute_txs(&fees, scratch, &s, known, block, len);
	if (v != CHAIN_OK)
		return v;
	if (info.coinbase_out.units >
	    chain_subsidy(p, info.height).units + fees)
		return CHAIN_BAD_CB_AMOUNT;
	*out = info;
	return CHAIN_OK;
}

enum chain_verdict chain_block_validate(struct chain_block_info *out,
					const struct chain_params *p,
					const struct chain_context *ctx,
					const struct chain_coins *coins,
					struct chain_scratch *scratch,
					const uint8_t *block, size_t len)
{
	struct chain_block_info info;
	enum chain_verdict v = chain_block_execute(&info, p, ctx, coins, NULL,
						   scratch, block, len);

	if (v != CHAIN_OK)
		return v;
	if (!chain_checks_valid(scratch->check, scratch->check_count))
		return CHAIN_BAD_SIGNATURE;
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

void chain_genesis_execute(struct chain_scratch *scratch,
			   const uint8_t *genesis, size_t len)
{
	struct base_reader r = base_reader_init(genesis + CHAIN_HEADER_SIZE,
						len - CHAIN_HEADER_SIZE);
	struct base_height height = {0};
	struct chain_header header;
	struct chain_tx_view tx;

	BASE_ASSERT(len >= BLOCK_MIN && len <= CHAIN_GENESIS_MAX);
	chain_header_read(&header, genesis);
	BASE_ASSERT(base_read_compact_size(&r) == 1);
	next_tx(&tx, &r);
	scratch->check_count = 0;
	chain_changes_clear(&scratch->changes, len / CHAIN_COIN_OUTPUT_SIZE);
	/* The root of one transaction is its id. */
	chain_tx_create(&scratch->changes, &tx, &header.merkle_root, height,
			false);
}
