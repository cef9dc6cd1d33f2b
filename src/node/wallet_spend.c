/* SPDX-License-Identifier: MIT */
#include "node/wallet_spend.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "base/assert.h"
#include "chain/sighash.h"
#include "chain/signature.h"

#define OP_RETURN 0x6a
#define OP_PUSHDATA1 0x4c
#define OP_1 0x51
#define PUSH_DIRECT_MAX 75
#define INPUT_SIZE 41
#define WITNESS_SIZE (2 + CHAIN_SIGNATURE_SIZE)
#define P2TR_OUTPUT_SIZE (8 + 1 + CHAIN_P2TR_SIZE)
#define TX_VERSION 2
#define SEQUENCE UINT32_MAX

/* `6a` and the shortest push; returns its length. A single byte of UTF-8 may
 * be one of the numbers that have opcodes of their own. */
static size_t memo_script(uint8_t out[static 3 + CHAIN_DATA_MAX],
			  const char *memo, size_t len)
{
	size_t at = 0;

	out[at++] = OP_RETURN;
	if (len == 1 && memo[0] >= 1 && memo[0] <= 16) {
		out[at++] = (uint8_t)(OP_1 - 1 + memo[0]);
		return at;
	}
	if (len > PUSH_DIRECT_MAX)
		out[at++] = OP_PUSHDATA1;
	out[at++] = (uint8_t)len;
	memcpy(out + at, memo, len);
	return at + len;
}

/* The longest form of a memo's output: its size must not depend on it. */
static size_t memo_size(size_t len)
{
	if (len == 0)
		return 0;
	return 8 + 1 + 1 + (len > PUSH_DIRECT_MAX ? 2u : 1u) + len;
}

uint32_t node_spend_weight(uint32_t inputs, bool change, size_t memo_len)
{
	size_t outputs = 1 + (size_t)change + (memo_len > 0);
	size_t stripped = 4 + base_compact_size_len(inputs) +
			  (size_t)inputs * INPUT_SIZE +
			  base_compact_size_len(outputs) +
			  (1 + (size_t)change) * P2TR_OUTPUT_SIZE +
			  memo_size(memo_len) + 4;

	return (uint32_t)(4 * stripped + 2 + (size_t)inputs * WITNESS_SIZE);
}

static int64_t fee_of(const struct node_spend *s, uint32_t inputs, bool change)
{
	int64_t vsize =
		(node_spend_weight(inputs, change, s->memo_len) + 3) / 4;

	return (vsize * s->fee_rate + 999) / 1000;
}

/* Whether @inputs coins worth @total suffice; then how they are spent. */
static bool settle(struct node_spend *s, int64_t total, uint32_t inputs)
{
	int64_t amount = s->amount.units;
	int64_t fee = fee_of(s, inputs, false);
	int64_t fee_change = fee_of(s, inputs, true);
	int64_t rest = total - amount;

	if (rest < (s->fee_from_amount ? 0 : fee))
		return false;
	if (!s->fee_from_amount)
		rest -= fee_change;
	if (rest >= CHAIN_MEMPOOL_DUST) {
		s->change.units = rest;
		s->fee.units = fee_change;
	} else {
		/* What is no change is fee; with fee_from_amount the payee
		 * pays only what that leaves to pay. */
		s->change.units = 0;
		s->fee.units = total - amount;
		if (s->fee_from_amount && s->fee.units < fee)
			s->fee.units = fee;
	}
	s->paid.units = total - s->change.units - s->fee.units;
	s->inputs = inputs;
	return true;
}

static int by_amount_down(const void *a, const void *b)
{
	const struct node_wallet_coin *x =
		*(const struct node_wallet_coin *const *)a;
	const struct node_wallet_coin *y =
		*(const struct node_wallet_coin *const *)b;

	if (x->amount.units != y->amount.units)
		return x->amount.units < y->amount.units ? 1 : -1;
	return memcmp(&x->at, &y->at, sizeof(x->at));
}

static bool select_one(struct node_spend *s,
		       const struct node_wallet_coin **coin, size_t count)
{
	const struct node_wallet_coin *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (settle(s, coin[i]->amount.units, 1) &&
		    (!best || by_amount_down(&coin[i], &best) > 0))
			best = coin[i];
	if (!best)
		return false;
	s->coin[0] = best;
	return settle(s, best->amount.units, 1);
}

static int select_many(struct node_spend *s,
		       const struct node_wallet_coin **coin, size_t count)
{
	int64_t total = 0;
	uint32_t n = 0;

	qsort(coin, count, sizeof(const struct node_wallet_coin *),
	      by_amount_down);
	while (n < count && n < s->inputs_max) {
		s->coin[n] = coin[n];
		total += coin[n]->amount.units;
		n++;
		if (settle(s, total, n))
			return 0;
	}
	total -= fee_of(s, n, false);
	s->paid.units = total > 0 ? total : 0;
	return n < count ? -E2BIG : -ENOSPC;
}

int node_spend_select(struct node_spend *s,
		      const struct node_wallet_coin **coin, size_t count)
{
	int rc = 0;

	if (!select_one(s, coin, count))
		rc = select_many(s, coin, count);
	if (rc < 0)
		return rc;
	if (s->paid.units < CHAIN_MEMPOOL_DUST)
		return -EDOM;
	return s->fee.units > NODE_SPEND_FEE_MAX ? -ERANGE : 0;
}

static void write_input(struct base_writer *w, const struct chain_outpoint *at)
{
	uint8_t outpoint[CHAIN_OUTPOINT_SIZE];

	chain_outpoint_write(outpoint, at);
	base_write_bytes(w, outpoint, sizeof(outpoint));
	base_write_u8(w, 0); /* no script */
	base_write_le32(w, SEQUENCE);
}

static void write_outputs(struct base_writer *w, const struct node_spend *s)
{
	bool change = s->change.units > 0;
	uint8_t script[3 + CHAIN_DATA_MAX];
	size_t len;

	base_write_compact_size(w, 1 + (size_t)change + (s->memo_len > 0));
	if (change && s->change_first)
		chain_script_write_p2tr(w, s->change, s->change_key);
	chain_script_write_p2tr(w, s->paid, s->key);
	if (change && !s->change_first)
		chain_script_write_p2tr(w, s->change, s->change_key);
	if (s->memo_len == 0)
		return;
	len = memo_script(script, s->memo, s->memo_len);
	base_write_le64(w, 0);
	base_write_compact_size(w, len);
	base_write_bytes(w, script, len);
}

/* @signature: of each input, or NULL for none, and no witness. */
static size_t serialise(uint8_t out[static NODE_SPEND_SIZE_MAX],
			const struct node_spend *s,
			uint8_t (*signature)[CHAIN_SIGNATURE_SIZE])
{
	struct base_writer w = base_writer_init(out, NODE_SPEND_SIZE_MAX);

	base_write_le32(&w, TX_VERSION);
	if (signature)
		base_write_le16(&w, 0x0100); /* marker and flag */
	base_write_compact_size(&w, s->inputs);
	for (uint32_t i = 0; i < s->inputs; i++)
		write_input(&w, &s->coin[i]->at);
	write_outputs(&w, s);
	for (uint32_t i = 0; signature && i < s->inputs; i++) {
		base_write_u8(&w, 1); /* one item */
		base_write_u8(&w, CHAIN_SIGNATURE_SIZE);
		base_write_bytes(&w, signature[i], CHAIN_SIGNATURE_SIZE);
	}
	base_write_le32(&w, 0); /* lock time */
	BASE_ASSERT(base_writer_ok(&w));
	return w.len;
}

static int sign_input(uint8_t signature[static CHAIN_SIGNATURE_SIZE],
		      const struct chain_sighash *shared, uint32_t index,
		      const struct node_wallet_coin *coin,
		      const struct node_wallet *w,
		      const struct node_xprv *secret)
{
	struct base_hash hash;
	uint8_t aux[32];
	int rc = chain_sighash_of(&hash, shared, index, CHAIN_SIGHASH_DEFAULT);

	if (rc == 0 && RAND_priv_bytes(aux, sizeof(aux)) != 1)
		rc = -EIO;
	if (rc == 0)
		rc = node_bip86_sign(signature, &hash, secret,
				     coin->address & 1, coin->address >> 1,
				     aux);
	/* A fault in the computation must not leave this machine. */
	if (rc == 0 &&
	    !chain_signature_valid(signature, hash.b, sizeof(hash.b),
				   node_wallet_key(w, coin->address)))
		rc = -EINVAL;
	base_wipe(aux, sizeof(aux));
	return rc;
}

int node_spend_build(uint8_t out[static NODE_SPEND_SIZE_MAX], size_t *len,
		     const struct node_spend *s, const struct node_wallet *w,
		     const struct node_xprv *secret)
{
	uint8_t signature[NODE_SPEND_INPUTS_MAX][CHAIN_SIGNATURE_SIZE];
	struct base_reader r = base_reader_init(out, serialise(out, s, NULL));
	struct chain_sighash shared;
	struct chain_tx_view tx;
	int rc = chain_tx_parse(&tx, &r);

	BASE_ASSERT(rc == 0);
	chain_sighash_begin(&shared);
	r = base_reader_init(tx.inputs, (size_t)(tx.outputs - tx.inputs));
	for (uint32_t i = 0; i < s->inputs; i++) {
		const struct node_wallet_coin *c = s->coin[i];
		struct chain_tx_input in;

		chain_tx_read_input(&in, &r);
		chain_sighash_add_key(&shared, &in, c->amount,
				      node_wallet_key(w, c->address));
	}
	chain_sighash_end(&shared, &tx);
	for (uint32_t i = 0; i < s->inputs && rc == 0; i++)
		rc = sign_input(signature[i], &shared, i, s->coin[i], w,
				secret);
	if (rc == 0)
		*len = serialise(out, s, signature);
	return rc;
}
