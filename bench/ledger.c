/* SPDX-License-Identifier: MIT */
#include "ledger.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/assert.h"
#include "base/prng.h"
#include "chain/merkle.h"
#include "chain/script.h"
#include "chain/sighash.h"
#include "chain/spend.h"
#include "pow/sha256.h"
#include "pow/target.h"

#define KEYS 16
#define EASY_BITS UINT32_C(0x207fffff) /* every other hash will do */
#define MINE_MAX 1000000
#define TXS_MAX (LEDGER_BLOCK_BYTES / CHAIN_TX_SIZE_MIN)
/* The coins of a block that are new, above those that there should be. */
#define COINS_MORE (2 * LEDGER_BLOCK_BYTES / CHAIN_COIN_OUTPUT_SIZE)

struct coin {
	struct chain_outpoint at;
	uint32_t key; /* whose */
	int64_t amount;
};

struct ledger {
	struct chain_params params;
	struct chain_context before;
	struct chain_context after;
	struct base_prng prng;
	secp256k1_context *secp;
	secp256k1_keypair pair[KEYS];
	uint8_t key[KEYS][CHAIN_KEY_SIZE];
	uint8_t genesis[CHAIN_GENESIS_MAX];
	uint8_t block[LEDGER_BLOCK_BYTES];
	uint8_t txs[LEDGER_BLOCK_BYTES];
	struct base_hash txid[TXS_MAX];
	struct base_hash wtxid[TXS_MAX];
	struct base_hash node[TXS_MAX];
	size_t size;  /* of all this */
	uint32_t cap; /* coins that fit */
	uint32_t count;
	uint32_t old; /* of these, made by earlier blocks: the first ones */
	struct coin coin[];
};

/* A transaction in the making. */
struct payment {
	const struct ledger_shape *shape;
	struct coin spent[LEDGER_TX_INPUTS_MAX];
	uint8_t signature[LEDGER_TX_INPUTS_MAX][CHAIN_SIGNATURE_SIZE];
	uint32_t first_key; /* of its outputs; the next ones follow */
	int64_t each;	    /* output's amount */
};

static void init_params(struct chain_params *p)
{
	int rc = pow_target_from_bits(&p->pow_limit, EASY_BITS);

	BASE_ASSERT(rc == 0);
	(void)strcpy(p->name, "ledger");
	(void)strcpy(p->address_prefix, "led");
	p->genesis_time_ms = UINT64_C(1700000000000);
	p->delta_ms = 1000;
	p->member_count = 1;
	p->genesis_bits = EASY_BITS;
	p->spacing_s = 5;
	p->half_life_s = 5 * CHAIN_HALF_LIFE_SPACINGS;
	p->max_block_bytes = LEDGER_BLOCK_BYTES;
	p->max_block_inputs = LEDGER_BLOCK_BYTES;
	p->subsidy_initial.units = BASE_COIN;
	p->subsidy_halving_blocks = 210000;
	p->coinbase_maturity = 1;
	p->output_count = CHAIN_OUTPUTS_MAX;
}

static void make_pair(const struct ledger *l, secp256k1_keypair *pair,
		      uint8_t key[static CHAIN_KEY_SIZE], uint32_t number)
{
	uint8_t secret[32] = {1};
	secp256k1_xonly_pubkey point;
	int ok;

	base_store_be32(secret + 28, number);
	ok = secp256k1_keypair_create(l->secp, pair, secret);
	BASE_ASSERT(ok);
	ok = secp256k1_keypair_xonly_pub(l->secp, &point, NULL, pair) &&
	     secp256k1_xonly_pubkey_serialize(l->secp, key, &point);
	BASE_ASSERT(ok);
}

struct ledger *ledger_create(uint32_t coins)
{
	uint32_t cap = coins + COINS_MORE + CHAIN_OUTPUTS_MAX;
	size_t size = sizeof(struct ledger) + cap * sizeof(struct coin);
	struct ledger *l;

	BASE_ASSERT(coins <= LEDGER_COINS_MAX);
	l = mmap(NULL, size, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l == MAP_FAILED)
		return NULL;
	l->size = size;
	l->cap = cap;
	l->prng = base_prng_init(1);
	l->secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	BASE_ASSERT(l->secp);
	init_params(&l->params);
	for (uint32_t i = 0; i < KEYS; i++)
		make_pair(l, &l->pair[i], l->key[i], i);
	for (uint32_t i = 0; i < CHAIN_OUTPUTS_MAX; i++) {
		l->params.output[i].amount.units = 1000 * BASE_COIN;
		memcpy(l->params.output[i].key, l->key[i % KEYS],
		       CHAIN_KEY_SIZE);
	}
	return l;
}

void ledger_free(struct ledger *l)
{
	if (!l)
		return;
	secp256k1_context_destroy(l->secp);
	(void)munmap(l, l->size);
}

const struct chain_params *ledger_params(const struct ledger *l)
{
	return &l->params;
}

const struct chain_context *ledger_before(const struct ledger *l)
{
	return &l->before;
}

const struct chain_context *ledger_after(const struct ledger *l)
{
	return &l->after;
}

uint32_t ledger_coins(const struct ledger *l)
{
	return l->count;
}

static void add_coin(struct ledger *l, const struct base_hash *txid,
		     uint32_t index, uint32_t key, int64_t amount)
{
	BASE_ASSERT(l->count < l->cap);
	l->coin[l->count++] = (struct coin){
		.at = {.txid = *txid, .index = index},
		.key = key % KEYS,
		.amount = amount,
	};
}

/* Any of the old ones. */
static struct coin take_coin(struct ledger *l)
{
	uint32_t i = (uint32_t)base_prng_below(&l->prng, l->old);
	struct coin coin = l->coin[i];

	l->coin[i] = l->coin[--l->old];
	l->coin[l->old] = l->coin[--l->count];
	return coin;
}

void ledger_genesis(struct ledger_block *out, struct ledger *l)
{
	static const struct base_hash params_hash;
	struct chain_header header;

	*out = (struct ledger_block){.data = l->genesis, .wtxid = l->wtxid};
	out->len = chain_genesis_build(l->genesis, sizeof(l->genesis),
				       &l->params, &params_hash);
	chain_header_read(&header, l->genesis);
	chain_context_init(&l->after, &header);
	for (uint32_t i = 0; i < CHAIN_OUTPUTS_MAX; i++)
		add_coin(l, &header.merkle_root, i, i,
			 l->params.output[i].amount.units);
	l->old = l->count;
}

static void write_tx(struct base_writer *w, const struct ledger *l,
		     const struct payment *p, bool with_witness)
{
	base_write_le32(w, 2);
	if (with_witness)
		base_write_le16(w, 0x0100); /* marker and flag */
	base_write_compact_size(w, p->shape->inputs);
	for (uint32_t i = 0; i < p->shape->inputs; i++) {
		base_write_bytes(w, p->spent[i].at.txid.b, 32);
		base_write_le32(w, p->spent[i].at.index);
		base_write_u8(w, 0);
		base_write_le32(w, UINT32_MAX);
	}
	base_write_compact_size(w, p->shape->outputs);
	for (uint32_t i = 0; i < p->shape->outputs; i++)
		chain_script_write_p2tr(w, (struct base_amount){p->each},
					l->key[(p->first_key + i) % KEYS]);
	for (uint32_t i = 0; with_witness && i < p->shape->inputs; i++) {
		base_write_le16(w, 0x4001); /* one item of 64 bytes */
		base_write_bytes(w, p->signature[i], CHAIN_SIGNATURE_SIZE);
	}
	base_write_le32(w, 0);
}

/* The bytes of such a transaction, which are at @data. */
static struct chain_tx_view parse(const uint8_t *data, size_t len)
{
	struct base_reader r = base_reader_init(data, len);
	struct chain_tx_view tx;
	int rc = chain_tx_parse(&tx, &r);

	BASE_ASSERT(rc == 0 && base_reader_done(&r));
	return tx;
}

static void sign(const struct ledger *l, struct payment *p,
		 const struct chain_tx_view *tx)
{
	struct base_reader r = {.at = tx->inputs, .end = tx->data + tx->len};
	struct chain_sighash shared;

	chain_sighash_begin(&shared);
	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct base_amount amount = {p->spent[i].amount};
		struct chain_tx_input in;

		chain_tx_read_input(&in, &r);
		chain_sighash_add_key(&shared, &in, amount,
				      l->key[p->spent[i].key]);
	}
	chain_sighash_end(&shared, tx);
	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct base_hash hash;
		int rc = chain_sighash_of(&hash, &shared, i,
					  CHAIN_SIGHASH_DEFAULT);

		BASE_ASSERT(rc == 0);
		rc = secp256k1_schnorrsig_sign32(
			l->secp, p->signature[i], hash.b,
			&l->pair[p->spent[i].key], NULL);
		BASE_ASSERT(rc == 1);
	}
}

/* Appends transaction @number of the block to @w. */
static void add_tx(struct ledger *l, struct base_writer *w, struct payment *p,
		   uint32_t number)
{
	size_t start = w->len;
	struct chain_tx_view tx;
	int64_t sum = 0;

	for (uint32_t i = 0; i < p->shape->inputs; i++) {
		p->spent[i] = take_coin(l);
		sum += p->spent[i].amount;
	}
	p->each = sum / p->shape->outputs;
	p->first_key = (uint32_t)base_prng_below(&l->prng, KEYS);
	write_tx(w, l, p, false);
	BASE_ASSERT(base_writer_ok(w));
	tx = parse(w->data + start, w->len - start);
	chain_wtxid(&l->txid[number], &tx); /* of the form without witness */
	if (p->shape->sign)
		sign(l, p, &tx);
	w->len = start;
	write_tx(w, l, p, true);
	BASE_ASSERT(base_writer_ok(w));
	tx = parse(w->data + start, w->len - start);
	chain_wtxid(&l->wtxid[number], &tx);
	for (uint32_t i = 0; i < p->shape->outputs; i++)
		add_coin(l, &l->txid[number], i, p->first_key + i, p->each);
}

static size_t tx_size(const struct ledger_shape *s)
{
	return 4 + 2 + base_compact_size_len(s->inputs) +
	       s->inputs * (size_t)CHAIN_SPEND_SIZE_MIN +
	       base_compact_size_len(s->outputs) +
	       s->outputs * (size_t)CHAIN_COIN_OUTPUT_SIZE + 4;
}

static struct base_hash root_of(struct ledger *l, const struct base_hash *leaf,
				uint32_t count)
{
	struct base_hash root;
	bool mutated;

	memcpy(l->node, leaf, count * sizeof(*leaf));
	chain_merkle_root(&root, &mutated, l->node, count);
	return root;
}

/* Wraps the @count transactions in l->txs and mines. */
static size_t close_block(struct ledger *l, size_t txs_len, uint32_t count)
{
	struct chain_coinbase c = {
		.height = {l->before.height.n + 1},
		.value = chain_subsidy(&l->params, l->before.height),
	};
	struct chain_header h = {
		.version = CHAIN_VERSION,
		.prev = l->before.hash,
		.time = l->before.time[0] + l->params.spacing_s,
		.bits = chain_context_next_bits(&l->before, &l->params),
	};
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
	uint8_t header[CHAIN_HEADER_SIZE];
	struct base_hash root;
	size_t at, coinbase_len, len;

	memcpy(c.key, l->key[0], sizeof(c.key));
	memset(&l->wtxid[0], 0, sizeof(l->wtxid[0]));
	root = root_of(l, l->wtxid, count + 1);
	chain_witness_commitment(&c.witness_commitment, &root);
	coinbase_len =
		chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
	pow_sha256d(&l->txid[0], coinbase, coinbase_len);
	h.merkle_root = root_of(l, l->txid, count + 1);
	while (chain_context_check(&l->before, &l->params, &h) != CHAIN_OK)
		BASE_ASSERT(h.nonce++ < MINE_MAX);
	chain_header_write(header, &h);
	len = chain_block_assemble(l->block, sizeof(l->block), header, coinbase,
				   coinbase_len, l->txs, txs_len, count);
	BASE_ASSERT(len > 0);
	chain_context_append(&l->after, &l->params, &h);
	return len;
}

void ledger_next(struct ledger_block *out, struct ledger *l,
		 const struct ledger_shape *shape)
{
	size_t room = sizeof(l->txs) - CHAIN_BLOCK_OVERHEAD -
		      CHAIN_COINBASE_BUILD_MAX;
	struct base_writer w = base_writer_init(l->txs, room);
	struct payment p = {.shape = shape};
	uint32_t count = 0;

	BASE_ASSERT(shape->inputs >= 1 &&
		    shape->inputs <= LEDGER_TX_INPUTS_MAX);
	BASE_ASSERT(shape->outputs >= 1 &&
		    shape->outputs <= LEDGER_TX_OUTPUTS_MAX);
	l->before = l->after;
	while (count < shape->txs && l->old >= shape->inputs &&
	       tx_size(shape) <= room - w.len)
		add_tx(l, &w, &p, ++count);
	*out = (struct ledger_block){
		.data = l->block,
		.len = close_block(l, w.len, count),
		.txs = count,
		.inputs = count * shape->inputs,
		.wtxid = l->wtxid,
	};
	l->old = l->count;
}

void ledger_checks(struct chain_check *out, struct ledger *l, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		secp256k1_keypair pair;
		int ok;

		make_pair(l, &pair, out[i].key, KEYS + (uint32_t)i);
		base_prng_fill(&l->prng, out[i].sighash.b,
			       sizeof(out[i].sighash.b));
		ok = secp256k1_schnorrsig_sign32(l->secp, out[i].signature,
						 out[i].sighash.b, &pair, NULL);
		BASE_ASSERT(ok);
	}
}
