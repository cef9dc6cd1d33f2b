/* SPDX-License-Identifier: MIT */
#include "chain/verdict.h"

#include "base/assert.h"

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
		[CHAIN_BAD_PREV] = "bad-prevblk",
		[CHAIN_BAD_DIFFICULTY] = "bad-diffbits",
		[CHAIN_BAD_TIME_OLD] = "time-too-old",
		[CHAIN_BAD_TIME_WINDOW] = "time-outside-tick",
		[CHAIN_BAD_CB_HEIGHT] = "bad-cb-height",
		[CHAIN_BAD_CB_AMOUNT] = "bad-cb-amount",
		[CHAIN_BAD_SPEND] = "bad-txns-inputs-missingorspent",
	};

	BASE_ASSERT((unsigned)v < CHAIN_VERDICTS);
	return names[v];
}

bool chain_verdict_malformed(enum chain_verdict v)
{
	return v >= CHAIN_BAD_LENGTH && v <= CHAIN_BAD_WITNESS_NONCE;
}
