/* SPDX-License-Identifier: MIT */
/*
 * spend_fixture.h: coins in memory, and transactions signed with small
 * secrets, good but for what a test changes.
 */
#ifndef TESTS_SPEND_FIXTURE_H
#define TESTS_SPEND_FIXTURE_H

#include "chain/script.h"
#include "chain/sighash.h"
#include "chain/spend.h"

#include <errno.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#define SPEND_COINS_MAX 64
#define SPEND_INPUTS_MAX 8
#define SPEND_OUTPUTS_MAX 8
#define SPEND_TX_MAX 2000

/* Unspent outputs, as a store would have them. */
struct spend_coins {
	struct chain_outpoint at[SPEND_COINS_MAX];
	struct chain_coin coin[SPEND_COINS_MAX];
	unsigned count;
	int fail; /* this errno instead of an answer */
};

static inline int spend_coins_get(void *set_, struct chain_coin *out,
				  const struct chain_outpoint *at)
{
	const struct spend_coins *c = set_;

	if (c->fail)
		return c->fail;
	for (unsigned i = 0; i < c->count; i++) {
		if (!chain_outpoint_equal(&c->at[i], at))
			continue;
		*out = c->coin[i];
		return 0;
	}
	return -ENOENT;
}

static inline void spend_key(uint8_t key[static CHAIN_KEY_SIZE],
			     secp256k1_keypair *pair, uint8_t secret)
{
	secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	uint8_t bytes[32] = {[31] = secret};
	secp256k1_xonly_pubkey point;

	assert_true(secp256k1_keypair_create(c, pair, bytes));
	assert_true(secp256k1_keypair_xonly_pub(c, &point, NULL, pair));
	assert_true(secp256k1_xonly_pubkey_serialize(c, key, &point));
	secp256k1_context_destroy(c);
}

struct spend_in {
	struct chain_outpoint at;
	struct base_amount amount; /* that the signature is for */
	uint8_t secret;		   /* 1..255 */
	uint32_t sequence;
	const char *script;  /* hex; NULL: empty */
	const char *witness; /* hex of the stack; NULL: the signature */
};

struct spend_out {
	int64_t amount;
	uint8_t secret;	    /* pays to its key, unless there is a script */
	const char *script; /* hex */
};

struct spend_tx {
	uint32_t version;
	uint32_t lock_time;
	unsigned inputs;
	unsigned outputs;
	struct spend_in in[SPEND_INPUTS_MAX];
	struct spend_out out[SPEND_OUTPUTS_MAX];
	bool stripped; /* without marker and witness */
	/* the result */
	uint8_t bytes[SPEND_TX_MAX];
	size_t len;
	struct chain_tx_view view;
	struct base_hash txid;
};

static inline void spend_write_hex(struct base_writer *w, const char *hex)
{
	uint8_t bytes[SPEND_TX_MAX];
	size_t len = strlen(hex) / 2;

	assert_true(len <= sizeof(bytes));
	assert_int_equal(base_from_hex(bytes, len, hex), 0);
	base_write_bytes(w, bytes, len);
}

static inline void spend_write_output(struct base_writer *w,
				      const struct spend_out *o)
{
	struct base_amount amount = {o->amount};
	uint8_t key[CHAIN_KEY_SIZE];
	secp256k1_keypair pair;

	if (!o->script) {
		spend_key(key, &pair, o->secret);
		chain_script_write_p2tr(w, amount, key);
		return;
	}
	base_write_le64(w, (uint64_t)o->amount);
	base_write_compact_size(w, strlen(o->script) / 2);
	spend_write_hex(w, o->script);
}

/* @signature: one for each input, or NULL for no witness. */
static inline void spend_serialise(struct spend_tx *t,
				   uint8_t (*signature)[CHAIN_SIGNATURE_SIZE])
{
	struct base_writer w = base_writer_init(t->bytes, sizeof(t->bytes));
	struct base_reader r;

	base_write_le32(&w, t->version);
	if (signature)
		base_write_le16(&w, 0x0100);
	base_write_compact_size(&w, t->inputs);
	for (unsigned i = 0; i < t->inputs; i++) {
		const char *script = t->in[i].script ? t->in[i].script : "";

		base_write_bytes(&w, t->in[i].at.txid.b, 32);
		base_write_le32(&w, t->in[i].at.index);
		base_write_compact_size(&w, strlen(script) / 2);
		spend_write_hex(&w, script);
		base_write_le32(&w, t->in[i].sequence);
	}
	base_write_compact_size(&w, t->outputs);
	for (unsigned i = 0; i < t->outputs; i++)
		spend_write_output(&w, &t->out[i]);
	for (unsigned i = 0; signature && i < t->inputs; i++) {
		if (t->in[i].witness) {
			spend_write_hex(&w, t->in[i].witness);
			continue;
		}
		base_write_le16(&w, 0x4001); /* one item of 64 bytes */
		base_write_bytes(&w, signature[i], CHAIN_SIGNATURE_SIZE);
	}
	base_write_le32(&w, t->lock_time);
	assert_true(base_writer_ok(&w));
	t->len = w.len;
	r = base_reader_init(t->bytes, t->len);
	assert_int_equal(chain_tx_parse(&t->view, &r), 0);
	assert_true(base_reader_done(&r));
}

/* Serialises and signs; bytes, len, view and txid are complete then. */
static inline void spend_build(struct spend_tx *t)
{
	uint8_t signature[SPEND_INPUTS_MAX][CHAIN_SIGNATURE_SIZE];
	secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secp256k1_keypair pair[SPEND_INPUTS_MAX];
	struct chain_sighash shared;

	spend_serialise(t, NULL);
	chain_wtxid(&t->txid, &t->view);
	chain_sighash_begin(&shared);
	for (unsigned i = 0; i < t->inputs; i++) {
		uint8_t key[CHAIN_KEY_SIZE];
		struct chain_tx_input in;

		spend_key(key, &pair[i], t->in[i].secret);
		chain_tx_input_at(&in, &t->view, i);
		chain_sighash_add_key(&shared, &in, t->in[i].amount, key);
	}
	chain_sighash_end(&shared, &t->view);
	for (unsigned i = 0; i < t->inputs; i++) {
		struct base_hash hash;

		assert_int_equal(chain_sighash_of(&hash, &shared, i, 0), 0);
		assert_true(secp256k1_schnorrsig_sign32(c, signature[i], hash.b,
							&pair[i], NULL));
	}
	if (!t->stripped)
		spend_serialise(t, signature);
	secp256k1_context_destroy(c);
}

/* Adds a coin that @secret can spend; its outpoint is made of its number. */
static inline void spend_coins_add(struct spend_coins *c, int64_t amount,
				   uint8_t secret, uint32_t height,
				   bool coinbase)
{
	struct chain_coin *coin = &c->coin[c->count];
	secp256k1_keypair pair;

	assert_true(c->count < SPEND_COINS_MAX);
	memset(&c->at[c->count], 0, sizeof(c->at[0]));
	memset(c->at[c->count].txid.b, 0x40 + (int)c->count, 32);
	c->at[c->count].index = c->count;
	*coin = (struct chain_coin){.amount.units = amount,
				    .height.n = height,
				    .coinbase = coinbase};
	spend_key(coin->key, &pair, secret);
	c->count++;
}

/* Makes input @i spend coin @n, whose key is @secret's. */
static inline void spend_from(struct spend_tx *t, unsigned i,
			      const struct spend_coins *c, unsigned n,
			      uint8_t secret)
{
	t->in[i] = (struct spend_in){.at = c->at[n],
				     .amount = c->coin[n].amount,
				     .secret = secret,
				     .sequence = UINT32_MAX};
}

#endif
