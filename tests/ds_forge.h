/* SPDX-License-Identifier: MIT */
/*
 * ds_forge.h: what a liar could send in a ds_world: blocks and messages that
 * are good but for what a test changes.
 */
#ifndef TESTS_DS_FORGE_H
#define TESTS_DS_FORGE_H

#include "ds_world.h"

#include "chain/script.h"
#include "chain/sighash.h"

#define FORGE_TX_MAX 300
#define FORGE_FEE 100

/* A block; zeros are right. */
struct forge_block {
	uint8_t sender;
	uint32_t time;	 /* now */
	uint32_t bits;	 /* what the rule asks for */
	uint32_t height; /* the next */
	int64_t more;	 /* than subsidy and fees */
	bool spend;	 /* moves a coin, */
	bool bad_spend;	 /* badly signed, */
	bool no_coin;	 /* that there is not */
	bool no_work;
	const struct base_hash *prev; /* the tip of @on */
	/* the result */
	uint8_t bytes[WORLD_BLOCK_MAX];
	size_t len;
	struct base_hash hash;
};

static inline size_t forge_write_tx(uint8_t *out, const struct forge_block *b,
				    const uint8_t *signature)
{
	struct base_writer w = base_writer_init(out, FORGE_TX_MAX);
	struct base_amount rest = {10 * BASE_COIN - FORGE_FEE};
	uint8_t bytes[CHAIN_KEY_SIZE];

	memset(bytes, b->no_coin ? 0xc2 : 0xc0, sizeof(bytes));
	base_write_le32(&w, 2);
	if (signature)
		base_write_le16(&w, 0x0100);
	base_write_compact_size(&w, 1);
	base_write_bytes(&w, bytes, sizeof(bytes));
	base_write_le32(&w, 0);
	base_write_compact_size(&w, 0);
	base_write_le32(&w, UINT32_MAX);
	base_write_compact_size(&w, 1);
	memset(bytes, 0xc1, sizeof(bytes));
	chain_script_write_p2tr(&w, rest, bytes);
	if (signature) {
		base_write_le16(&w, 0x4001);
		base_write_bytes(&w, signature, CHAIN_SIGNATURE_SIZE);
	}
	base_write_le32(&w, 0);
	return w.len;
}

static inline void forge_parse_tx(struct chain_tx_view *out, const uint8_t *tx,
				  size_t len)
{
	struct base_reader r = base_reader_init(tx, len);

	if (chain_tx_parse(out, &r) != 0)
		abort();
}

static inline size_t forge_tx(uint8_t out[static FORGE_TX_MAX],
			      const struct forge_block *b)
{
	struct base_amount amount = {10 * BASE_COIN};
	uint8_t signature[CHAIN_SIGNATURE_SIZE];
	uint8_t key[CHAIN_KEY_SIZE];
	struct chain_sighash s;
	struct chain_tx_input in;
	struct chain_tx_view tx;
	struct base_hash hash;

	forge_parse_tx(&tx, out, forge_write_tx(out, b, NULL));
	memset(key, 0xc1, sizeof(key));
	chain_sighash_begin(&s);
	chain_tx_input_at(&in, &tx, 0);
	chain_sighash_add_key(&s, &in, amount, key);
	chain_sighash_end(&s, &tx);
	if (chain_sighash_of(&hash, &s, 0, CHAIN_SIGHASH_DEFAULT) != 0)
		abort();
	world_sign(signature, key, &hash);
	signature[0] ^= b->bad_spend;
	return forge_write_tx(out, b, signature);
}

static inline void forge_mine(const struct chain_params *p,
			      struct chain_header *h, bool work)
{
	struct base_hash hash;
	bool good;

	do {
		h->nonce++;
		chain_header_hash(&hash, h);
		good = chain_header_check(h, p, &hash) == CHAIN_OK;
	} while (work && !good);
	while (!work && good) {
		h->nonce++;
		chain_header_hash(&hash, h);
		good = chain_header_check(h, p, &hash) == CHAIN_OK;
	}
}

/* On the tip @on. A block whose bits break the rule for headers is not
 * mined. */
static inline void forge_block(struct forge_block *b, struct world *w,
			       const struct chain_context *on)
{
	const uint32_t right = chain_context_next_bits(on, &w->params);
	struct chain_header h = {.version = CHAIN_VERSION,
				 .prev = b->prev ? *b->prev : on->hash,
				 .time = b->time ? b->time
						 : (uint32_t)(w->now / 1000),
				 .bits = b->bits ? b->bits : right,
				 .nonce = w->extranonce};
	struct chain_coinbase c = {
		.height = {b->height ? b->height : on->height.n + 1},
		.sender = b->sender};
	uint8_t header[CHAIN_HEADER_SIZE];
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
	uint8_t tx[FORGE_TX_MAX], stripped[FORGE_TX_MAX];
	struct base_hash leaf[2], wleaf[2] = {{.b = {0}}};
	struct chain_tx_view view;
	size_t at, len, tx_len = b->spend ? forge_tx(tx, b) : 0;
	bool mutated;

	if (tx_len) {
		forge_parse_tx(&view, tx, tx_len);
		chain_wtxid(&wleaf[1], &view);
		chain_txid(&leaf[1], stripped, &view);
	}
	chain_merkle_root(&c.witness_commitment, &mutated, wleaf,
			  tx_len ? 2 : 1);
	chain_witness_commitment(&c.witness_commitment, &c.witness_commitment);
	memcpy(c.key, w->params.output[0].key, sizeof(c.key));
	c.value.units = chain_subsidy(&w->params, c.height).units + b->more +
			(tx_len ? FORGE_FEE : 0);
	base_store_le32(c.extranonce, w->extranonce++);
	len = chain_coinbase_build(coinbase, sizeof(coinbase), &at, &c);
	pow_sha256d(&leaf[0], coinbase, len);
	chain_merkle_root(&h.merkle_root, &mutated, leaf, tx_len ? 2 : 1);
	if (h.bits == right)
		forge_mine(&w->params, &h, !b->no_work);
	chain_header_write(header, &h);
	chain_header_hash(&b->hash, &h);
	b->len =
		chain_block_assemble(b->bytes, sizeof(b->bytes), header,
				     coinbase, len, tx, tx_len, tx_len ? 1 : 0);
	if (b->len == 0)
		abort();
}

/* How a message is signed; zeros are right. */
struct forge_signed {
	uint8_t genesis;  /* for another chain: flips its first byte */
	int64_t number;	  /* added to tick or height */
	uint32_t epoch;	  /* added */
	uint32_t sender;  /* added: of a proposal */
	uint32_t key;	  /* added: another member's */
	bool other_kind;  /* a vote's hash in a proposal and so on */
	bool swapped;	  /* the first two change places */
	bool twice;	  /* the second is the first again */
	uint32_t garbage; /* 1: zeros, 2: ones, 3: one bit is wrong */
};

static inline void forge_sign(uint8_t *out, const struct world *w, ds_mask mask,
			      const struct base_hash *hash,
			      const struct forge_signed *s)
{
	const size_t size = DS_SIGNATURE_SIZE;
	uint8_t kept[DS_SIGNATURE_SIZE];
	uint32_t count = 0;

	while (mask) {
		uint32_t who = (ds_mask_take(&mask) + s->key) % w->n;

		world_sign(out + size * count++, w->committee.key[who], hash);
	}
	if (s->swapped) {
		memcpy(kept, out, size);
		memcpy(out, out + size, size);
		memcpy(out + size, kept, size);
	}
	if (s->twice)
		memcpy(out + size, out, size);
	out += size * (count - 1);
	if (s->garbage == 1 || s->garbage == 2)
		memset(out, s->garbage == 1 ? 0 : 0xff, size);
	if (s->garbage == 3)
		out[size / 4] ^= 0x10;
}

static inline struct ds_committee forge_committee(const struct world *w,
						  const struct forge_signed *s)
{
	struct ds_committee c = w->committee;

	c.genesis.b[0] ^= s->genesis;
	c.vote_epoch += s->epoch;
	return c;
}

/* A proposal of @b at @tick by its sender and the others of @mask. */
static inline size_t forge_proposal(uint8_t out[static WORLD_MESSAGE_MAX],
				    const struct world *w,
				    const struct forge_block *b, uint64_t tick,
				    ds_mask mask, bool bare,
				    const struct forge_signed *s)
{
	static const struct forge_signed right;
	const struct ds_committee c = forge_committee(w, s ? s : &right);
	uint8_t signature[WORLD_NODES_MAX * DS_SIGNATURE_SIZE];
	struct ds_proposal m = {.epoch = w->committee.vote_epoch,
				.tick = {tick},
				.sender = b->sender,
				.mask = mask,
				.signatures = signature,
				.has_body = !bare,
				.block = b->bytes,
				.block_len = b->len};
	struct base_hash hash;

	s = s ? s : &right;
	ds_hash_proposal(&hash, &c,
			 (struct base_tick){tick + (uint64_t)s->number},
			 (uint8_t)(b->sender + s->sender), &b->hash);
	if (s->other_kind)
		ds_hash_vote(&hash, &c, c.vote_epoch,
			     (struct base_height){(uint32_t)tick}, &b->hash);
	forge_sign(signature, w, mask, &hash, s);
	return ds_proposal_write(out, WORLD_MESSAGE_MAX, &m);
}

static inline size_t forge_vote(uint8_t out[static WORLD_MESSAGE_MAX],
				const struct world *w, uint8_t voter,
				uint32_t height, const struct base_hash *hash,
				const struct forge_signed *s)
{
	static const struct forge_signed right;
	const struct ds_committee c = forge_committee(w, s ? s : &right);
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct ds_vote m = {.epoch = w->committee.vote_epoch,
			    .height = {height},
			    .hash = *hash,
			    .voter = voter,
			    .signature = signature};
	struct base_hash what;

	s = s ? s : &right;
	ds_hash_vote(&what, &c, c.vote_epoch,
		     (struct base_height){height + (uint32_t)s->number}, hash);
	if (s->other_kind)
		ds_hash_proposal(&what, &c, (struct base_tick){height}, voter,
				 hash);
	forge_sign(signature, w, ds_mask_of(voter), &what, s);
	return ds_vote_write(out, WORLD_MESSAGE_MAX, &m);
}

static inline size_t forge_cert(uint8_t out[static WORLD_MESSAGE_MAX],
				const struct world *w, ds_mask mask,
				uint32_t height, const struct base_hash *hash,
				const struct forge_signed *s)
{
	static const struct forge_signed right;
	const struct ds_committee c = forge_committee(w, s ? s : &right);
	uint8_t signature[WORLD_NODES_MAX * DS_SIGNATURE_SIZE];
	struct ds_cert m = {.epoch = w->committee.vote_epoch,
			    .height = {height},
			    .hash = *hash,
			    .mask = mask,
			    .signatures = signature};
	struct base_hash what;

	s = s ? s : &right;
	ds_hash_vote(&what, &c, c.vote_epoch,
		     (struct base_height){height + (uint32_t)s->number}, hash);
	if (s->other_kind)
		ds_hash_proposal(&what, &c, (struct base_tick){height}, 0,
				 hash);
	forge_sign(signature, w, mask, &what, s);
	return ds_cert_write(out, WORLD_MESSAGE_MAX, &m);
}

static inline size_t forge_beat(uint8_t out[static WORLD_MESSAGE_MAX],
				const struct world *w, uint8_t voter,
				const struct ds_beat_claim *claim,
				uint64_t local_ms, const struct forge_signed *s)
{
	static const struct forge_signed right;
	const struct ds_committee c = forge_committee(w, s ? s : &right);
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct ds_beat m = {.epoch = w->committee.vote_epoch,
			    .voter = voter,
			    .claim = *claim,
			    .local_ms = local_ms,
			    .signature = signature};
	struct ds_beat_claim said = *claim;
	struct base_hash what;

	s = s ? s : &right;
	said.tick.n += (uint64_t)s->number;
	ds_hash_beat(&what, &c, &said);
	if (s->other_kind)
		ds_hash_vote(&what, &c, c.vote_epoch, claim->tip_height,
			     &claim->tip);
	forge_sign(signature, w, ds_mask_of(voter), &what, s);
	return ds_beat_write(out, WORLD_MESSAGE_MAX, &m);
}

/* Of two hashes of one byte each. */
static inline size_t forge_evidence(uint8_t out[static WORLD_MESSAGE_MAX],
				    const struct world *w, uint8_t kind,
				    uint64_t number, uint8_t member,
				    const struct forge_signed *s)
{
	static const struct forge_signed right;
	const struct ds_committee c = forge_committee(w, s ? s : &right);
	uint8_t signature[2][DS_SIGNATURE_SIZE];
	struct ds_evidence m = {.kind = kind,
				.epoch = w->committee.vote_epoch,
				.number = number,
				.member = member,
				.signature = {signature[0], signature[1]}};

	s = s ? s : &right;
	for (int i = 0; i < 2; i++) {
		struct base_hash what;

		memset(&m.hash[i], 0x10 + i, sizeof(m.hash[i]));
		if (kind == DS_TWO_PROPOSALS)
			ds_hash_proposal(&what, &c,
					 (struct base_tick){
						 number + (uint64_t)s->number},
					 member, &m.hash[i]);
		else
			ds_hash_vote(&what, &c, c.vote_epoch,
				     (struct base_height){
					     (uint32_t)(number +
							(uint64_t)s->number)},
				     &m.hash[i]);
		forge_sign(signature[i], w, ds_mask_of(member), &what, s);
	}
	return ds_evidence_write(out, WORLD_MESSAGE_MAX, &m);
}

#endif
