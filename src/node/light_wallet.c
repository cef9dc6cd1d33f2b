/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "chain/spend.h"
#include "chain/tx_proof.h"
#include "node/light.h"
#include "node/wallet_coins.h"

#define RECORD_EXTRA (32 + 4 + 4)

int node_light_wallet(struct node_wallet *w, struct store_reader *r,
		      struct base_error *err)
{
	struct store_light_tx tx;
	struct store_light state;
	struct base_height height = {0};
	uint32_t index = 0;
	int rc = store_light_state(&state, r);

	if (rc == 0)
		rc = node_wallet_derive(w);
	if (rc < 0)
		return base_fail(err, rc, "the wallet cannot follow: %s",
				 strerror(-rc));
	node_wallet_forget(w);
	while ((rc = store_light_tx(&tx, r, height, index)) == 0) {
		struct base_reader in = base_reader_init(tx.proof, tx.len);
		struct chain_tx_proof p;

		rc = chain_tx_proof_read(&p, &in);
		if (rc == 0)
			rc = node_wallet_take_tx(w, &p.tx, p.height,
						 p.index == 0);
		if (rc < 0)
			break;
		height = tx.height;
		index = tx.index + 1;
	}
	w->height = state.final.height.n + 1;
	w->tip = state.final.hash;
	if (rc != -ENOENT) {
		node_wallet_forget(w);
		return base_fail(err, rc, "the wallet cannot follow: %s",
				 strerror(-rc));
	}
	return node_wallet_save(w, err);
}

static int add_record(void *ctx, const struct base_hash *txid,
		      const uint8_t *tx, size_t len)
{
	struct node_pool_copy *c = ctx;
	uint8_t *data = realloc(c->data, c->len + RECORD_EXTRA + len);
	struct base_writer w;

	if (!data)
		return -ENOMEM;
	c->data = data;
	c->cap = c->len + RECORD_EXTRA + len;
	w = base_writer_init(data + c->len, RECORD_EXTRA + len);
	base_write_bytes(&w, txid->b, sizeof(txid->b));
	base_write_le32(&w, 1);
	base_write_le32(&w, (uint32_t)len);
	base_write_bytes(&w, tx, len);
	c->len += w.len;
	return 0;
}

int node_light_pool(struct node_pool_copy *out, struct store_reader *r)
{
	struct node_pool_copy c = {.fee_rate = CHAIN_MEMPOOL_RELAY_FEE};
	int rc = store_light_pending(r, add_record, &c);

	if (rc < 0)
		node_pool_copy_free(&c);
	else
		*out = c;
	return rc;
}

int node_light_offer(struct node_light *light, const struct chain_params *p,
		     struct node_tx_offer *offer, const struct node_wake *asker)
{
	struct base_reader r = base_reader_init(offer->data, offer->len);
	uint8_t *scratch = malloc(offer->len);
	enum chain_verdict v = CHAIN_BAD_PARSE;
	struct chain_tx_view tx;
	int rc = 0;

	if (!scratch)
		return -EAGAIN;
	offer->reject = "";
	if (chain_tx_parse(&tx, &r) == 0 && base_reader_done(&r)) {
		chain_txid(&offer->txid, scratch, &tx);
		chain_wtxid(&offer->wtxid, &tx);
		v = chain_tx_check(&tx, p);
	}
	free(scratch);
	if (v != CHAIN_OK) {
		offer->outcome = NODE_TX_REFUSED;
		offer->reject = chain_verdict_name(v);
		return 0;
	}
	rc = node_light_send(light, offer->data, offer->len, asker);
	offer->outcome = rc == 0 ? NODE_TX_ACCEPTED : NODE_TX_BUSY;
	return 0;
}
