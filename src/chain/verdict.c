/* SPDX-License-Identifier: MIT */
#include "chain/verdict.h"

#include "base/assert.h"

#define SCRIPT_ERROR(what) "mandatory-script-verify-flag-failed (" what ")"

const char *chain_verdict_name(enum chain_verdict v)
{
	static const char *const names[CHAIN_VERDICTS] = {
		[CHAIN_OK] = "",
		[CHAIN_BAD_LENGTH] = "bad-blk-length",
		[CHAIN_BAD_PARSE] = "bad-blk-parse",
		[CHAIN_BAD_MERKLE] = "bad-txnmrklroot",
		[CHAIN_BAD_DUPLICATE] = "bad-txns-duplicate",
		[CHAIN_BAD_WITNESS] = "bad-witness-merkle-match",
		[CHAIN_BAD_WITNESS_NONCE] = "bad-witness-nonce-size",
		[CHAIN_BAD_VERSION] = "bad-version",
		[CHAIN_BAD_POW] = "high-hash",
		[CHAIN_BAD_BITS] = "bad-diffbits",
		[CHAIN_BAD_CB_MISSING] = "bad-cb-missing",
		[CHAIN_BAD_CB_MULTIPLE] = "bad-cb-multiple",
		[CHAIN_BAD_CB_FORM] = "bad-cb-form",
		[CHAIN_BAD_CB_SCRIPT] = "bad-cb-script",
		[CHAIN_BAD_CB_OUTPUT] = "bad-cb-output",
		[CHAIN_BAD_TX] = "bad-txns",
		[CHAIN_BAD_TX_OVERSIZE] = "bad-txns-oversize",
		[CHAIN_BAD_TX_SMALL] = "tx-size-small",
		[CHAIN_BAD_TX_COINBASE] = "coinbase",
		[CHAIN_BAD_TX_VERSION] = "version",
		[CHAIN_BAD_TX_LOCK_TIME] = "non-final",
		[CHAIN_BAD_TX_NULL] = "bad-txns-prevout-null",
		[CHAIN_BAD_TX_SEQUENCE] = "non-BIP68-final",
		[CHAIN_BAD_TX_SCRIPTSIG] =
			SCRIPT_ERROR("Witness requires empty scriptSig"),
		[CHAIN_BAD_TX_NEGATIVE] = "bad-txns-vout-negative",
		[CHAIN_BAD_TX_TOO_MUCH] = "bad-txns-vout-toolarge",
		[CHAIN_BAD_TX_TOTAL] = "bad-txns-txouttotal-toolarge",
		[CHAIN_BAD_TX_SCRIPT] = "scriptpubkey",
		[CHAIN_BAD_TX_DATA_COUNT] = "multi-op-return",
		[CHAIN_BAD_TX_DATA_AMOUNT] = "op-return-amount",
		[CHAIN_BAD_TX_NO_WITNESS] = SCRIPT_ERROR(
			"Witness program was passed an empty witness"),
		[CHAIN_BAD_TX_WITNESS] = "bad-witness-nonstandard",
		[CHAIN_BAD_TX_SIG_SIZE] =
			SCRIPT_ERROR("Invalid Schnorr signature size"),
		[CHAIN_BAD_TX_HASH_TYPE] =
			SCRIPT_ERROR("Invalid Schnorr signature hash type"),
		[CHAIN_BAD_TX_DUPLICATE] = "bad-txns-inputs-duplicate",
		[CHAIN_BAD_PREV] = "bad-prevblk",
		[CHAIN_BAD_DIFFICULTY] = "bad-diffbits",
		[CHAIN_BAD_TIME_OLD] = "time-too-old",
		[CHAIN_BAD_TIME_WINDOW] = "time-outside-tick",
		[CHAIN_BAD_CB_HEIGHT] = "bad-cb-height",
		[CHAIN_BAD_CB_AMOUNT] = "bad-cb-amount",
		[CHAIN_BAD_SPEND] = "bad-txns-inputs-missingorspent",
		[CHAIN_BAD_SPEND_IMMATURE] =
			"bad-txns-premature-spend-of-coinbase",
		[CHAIN_BAD_SPEND_RANGE] = "bad-txns-inputvalues-outofrange",
		[CHAIN_BAD_SPEND_BELOW] = "bad-txns-in-belowout",
		[CHAIN_BAD_SPEND_FEES] = "bad-txns-accumulated-fee-outofrange",
		[CHAIN_BAD_SIGNATURE] =
			SCRIPT_ERROR("Invalid Schnorr signature"),
		[CHAIN_COINS_FAILED] = "coins-unavailable",
	};

	BASE_ASSERT((unsigned)v < CHAIN_VERDICTS);
	return names[v];
}

bool chain_verdict_malformed(enum chain_verdict v)
{
	return v >= CHAIN_BAD_LENGTH && v <= CHAIN_BAD_WITNESS_NONCE;
}
