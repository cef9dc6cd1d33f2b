/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "chain/spend.h"
#include "node/rpc.h"
#include "node/wallet_coins.h"
#include "node/wallet_spend.h"

#define FEE_RATE_DECIMALS 3 /* units per vB; so units per 1000 vB */
#define FEE_RATE_MAX INT64_C(1000000000000)

enum send_param {
	SEND_ADDRESS,
	SEND_AMOUNT,
	SEND_SUBTRACT = 4,
	SEND_REPLACEABLE,
	SEND_FEE_RATE = 9,
	SEND_VERBOSE,
	SEND_MEMO,
};

static enum api_code take_amount(struct node_spend *s, struct api_call *call)
{
	enum api_code code = api_param_amount(&s->amount, call, SEND_AMOUNT);

	if (code == API_OK && s->amount.units == 0)
		code = api_fail(call, API_TYPE, "Invalid amount for send");
	return code;
}

static enum api_code take_memo(struct node_spend *s, struct api_call *call)
{
	const char *memo = json_string_value(call->param[SEND_MEMO]);

	if (!memo)
		return API_OK;
	s->memo_len = strlen(memo);
	if (s->memo_len > CHAIN_DATA_MAX)
		return api_fail(call, API_INVALID_PARAMETER,
				"memo holds %zu bytes; at most %d are allowed",
				s->memo_len, CHAIN_DATA_MAX);
	memcpy(s->memo, memo, s->memo_len);
	return API_OK;
}

/* After the pool was asked what it asks for. */
static enum api_code take_fee_rate(struct node_spend *s, struct api_call *call,
				   const struct node_wallet *w)
{
	enum api_code code = API_OK;

	s->fee_rate = w->pool_fee_rate;
	if (call->param[SEND_FEE_RATE])
		code = api_param_fixed(&s->fee_rate, call, SEND_FEE_RATE,
				       FEE_RATE_DECIMALS);
	if (code != API_OK)
		return code;
	if (s->fee_rate < 0 || s->fee_rate > FEE_RATE_MAX)
		return api_fail(call, API_TYPE, "Amount out of range");
	if (s->fee_rate < w->pool_fee_rate)
		return api_fail(call, API_INSUFFICIENT_FUNDS,
				"Fee rate (%.3f sat/vB) is lower than the "
				"minimum fee rate setting (%.3f sat/vB)",
				(double)s->fee_rate / 1000,
				(double)w->pool_fee_rate / 1000);
	return API_OK;
}

/* What fits in a block of this network, at most half of one. */
static uint32_t inputs_max(const struct chain_params *p)
{
	uint32_t most = NODE_SPEND_INPUTS_MAX;
	uint32_t fit = p->max_block_bytes / 2 / CHAIN_SPEND_SIZE_MIN;

	if (most > fit)
		most = fit;
	return most > p->max_block_inputs ? p->max_block_inputs : most;
}

/* The coins that may be spent: confirmed ones, and change that waits with at
 * most @ancestors transactions, itself among them. */
static size_t gather(const struct node_wallet_coin **out,
		     const struct node_wallet *w, uint32_t maturity,
		     uint32_t ancestors)
{
	const struct node_wallet_coin *c = NULL;
	size_t count = 0;

	while ((c = node_table_next(&w->coins, c)))
		if (node_wallet_spendable(w, c, maturity))
			out[count++] = c;
	while (ancestors > 0 && (c = node_table_next(&w->pending, c)))
		if (node_wallet_spendable(w, c, maturity) &&
		    c->ancestors <= ancestors)
			out[count++] = c;
	return count;
}

static enum api_code chain_too_long(struct api_call *call)
{
	return api_fail(call, API_INSUFFICIENT_FUNDS,
			"Insufficient funds: what is left waits in the pool, "
			"with as many transactions as it takes of one chain; "
			"try again after the next block");
}

static enum api_code select_failed(struct api_call *call, int rc,
				   const struct node_spend *s)
{
	switch (rc) {
	case -ENOSPC:
		return api_fail(call, API_INSUFFICIENT_FUNDS,
				"Insufficient funds");
	case -EBUSY:
		return chain_too_long(call);
	case -E2BIG:
		return api_fail(call, API_INSUFFICIENT_FUNDS,
				"Transaction too large: it would take more "
				"than %u coins; at most %lld.%08lld can be "
				"sent at once",
				s->inputs_max,
				(long long)(s->paid.units / BASE_COIN),
				(long long)(s->paid.units % BASE_COIN));
	case -EDOM:
		return api_fail(call, API_INSUFFICIENT_FUNDS,
				s->fee_from_amount
					? "The transaction amount is too small "
					  "to send after the fee has been "
					  "deducted"
					: "Transaction amount too small");
	default:
		return api_fail(call, API_INSUFFICIENT_FUNDS,
				"Fee exceeds maximum configured by user (at "
				"most 0.1 coins)");
	}
}

/* Confirmed coins if they suffice, otherwise with change that waits. */
static enum api_code choose(struct node_spend *s, struct api_call *call,
			    const struct node_wallet *w)
{
	const struct node_rpc *rpc = call->ctx;
	uint32_t maturity = rpc->params->coinbase_maturity;
	size_t room = (size_t)w->coins.count + w->pending.count;
	const struct node_wallet_coin **coin =
		malloc((room + 1) * sizeof(*coin));
	/* The last is what the pool would refuse, for the words alone. */
	const uint32_t ancestors[] = {0, CHAIN_MEMPOOL_CHAIN_MAX - 1,
				      UINT32_MAX};
	int rc = -ENOSPC;

	if (!coin)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	for (size_t i = 0; i < BASE_COUNT(ancestors) && rc == -ENOSPC; i++) {
		size_t count = gather(coin, w, maturity, ancestors[i]);

		rc = node_spend_select(s, coin, count);
		if (rc == 0 && ancestors[i] == UINT32_MAX)
			rc = -EBUSY;
	}
	free(coin);
	return rc < 0 ? select_failed(call, rc, s) : API_OK;
}

static enum api_code locked(struct api_call *call)
{
	return api_fail(call, API_UNLOCK_NEEDED,
			"Error: Please enter the wallet passphrase with "
			"walletpassphrase first.");
}

/* The change goes to the first address not handed out; it counts as handed
 * out when the transaction is accepted. */
static enum api_code send_coins(struct api_call *call, struct node_spend *s,
				struct node_wallet *w)
{
	const char *too_long =
		chain_mempool_verdict_name(CHAIN_MEMPOOL_LONG_CHAIN);
	const struct node_xprv *secret = node_wallet_secret(w);
	node_address_ref change = w->next[NODE_CHANGE] << 1 | NODE_CHANGE;
	uint8_t tx[NODE_SPEND_SIZE_MAX];
	struct node_tx_offer offer = {.data = tx, .reject = ""};
	struct base_error err;
	uint8_t coin_flip;
	enum api_code code;

	if (RAND_bytes(&coin_flip, 1) != 1)
		return api_fail(call, API_WALLET, "no randomness");
	s->change_first = coin_flip & 1;
	memcpy(s->change_key, node_wallet_key(w, change), CHAIN_KEY_SIZE);
	if (!secret)
		return locked(call);
	if (node_spend_build(tx, &offer.len, s, w, secret) < 0)
		return api_fail(call, API_WALLET, "Signing transaction failed");
	code = node_rpc_offer(call, &offer);
	if (code != API_OK && strcmp(offer.reject, too_long) == 0)
		return chain_too_long(call);
	if (code != API_OK)
		return code;
	/* It is out. If the file cannot be written, the address is found as
	 * used in the chain. */
	if (s->change.units > 0 && node_wallet_met(w, change) == 0)
		(void)!node_wallet_save(w, &err);
	if (!json_is_true(call->param[SEND_VERBOSE])) {
		api_hash(call->out, &offer.txid);
		return API_OK;
	}
	api_object_begin(call->out);
	api_put_hash(call->out, "txid", &offer.txid);
	api_put_string(call->out, "fee_reason",
		       call->param[SEND_FEE_RATE] ? "PayTxFee set"
						  : "Minimum Required Fee");
	api_object_end(call->out);
	return API_OK;
}

enum api_code node_rpc_sendtoaddress(struct api_call *call)
{
	const struct node_rpc *rpc = call->ctx;
	struct node_spend s = {.fee_from_amount =
				       json_is_true(call->param[SEND_SUBTRACT]),
			       .inputs_max = inputs_max(rpc->params)};
	struct node_wallet *w;
	enum api_code code = node_rpc_address(
		s.key, call, json_string_value(call->param[SEND_ADDRESS]));

	if (code == API_OK)
		code = take_amount(&s, call);
	if (code == API_OK)
		code = take_memo(&s, call);
	if (code == API_OK && json_is_true(call->param[SEND_REPLACEABLE]))
		code = api_fail(call, API_INVALID_PARAMETER,
				"transactions cannot be replaced here");
	if (code == API_OK && !node_wallet_secret(rpc->wallet))
		code = locked(call);
	if (code == API_OK)
		code = node_rpc_wallet(&w, call);
	if (code == API_OK)
		code = take_fee_rate(&s, call, w);
	if (code == API_OK)
		code = choose(&s, call, w);
	if (code == API_OK)
		code = send_coins(call, &s, w);
	return code;
}
