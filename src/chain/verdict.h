/* SPDX-License-Identifier: MIT */
/*
 * verdict.h: why a header, block or transaction was refused.
 *
 * Floor 2, pure. Names are Bitcoin Core's reject strings where one fits.
 */
#ifndef CHAIN_VERDICT_H
#define CHAIN_VERDICT_H

#include "base/types.h"

enum chain_verdict {
	CHAIN_OK = 0,
	/* Malformed: the bytes are wrong in themselves; whoever relayed them
	 * is at fault, and nothing is said about the hash. */
	CHAIN_BAD_LENGTH,	 /* "bad-blk-length" */
	CHAIN_BAD_PARSE,	 /* "bad-blk-parse": not a block */
	CHAIN_BAD_MERKLE,	 /* "bad-txnmrklroot" */
	CHAIN_BAD_DUPLICATE,	 /* "bad-txns-duplicate": CVE-2012-2459 */
	CHAIN_BAD_WITNESS,	 /* "bad-witness-merkle-match" */
	CHAIN_BAD_WITNESS_NONCE, /* "bad-witness-nonce-size" */
	/* Invalid whatever the context. */
	CHAIN_BAD_VERSION,     /* "bad-version" */
	CHAIN_BAD_POW,	       /* "high-hash" */
	CHAIN_BAD_BITS,	       /* "bad-diffbits": not a valid target */
	CHAIN_BAD_CB_MISSING,  /* "bad-cb-missing" */
	CHAIN_BAD_CB_MULTIPLE, /* "bad-cb-multiple" */
	CHAIN_BAD_CB_FORM,     /* "bad-cb-form": version, lock time, input */
	CHAIN_BAD_CB_SCRIPT,   /* "bad-cb-script": sender or extranonce */
	CHAIN_BAD_CB_OUTPUT,   /* "bad-cb-output": script or count */
	CHAIN_BAD_TX, /* "bad-txns": more inputs than a block may have */
	/* A transaction is invalid whatever the context. Script errors are
	 * "mandatory-script-verify-flag-failed (...)" with what is quoted. */
	CHAIN_BAD_TX_OVERSIZE,	  /* "bad-txns-oversize": no block holds it */
	CHAIN_BAD_TX_SMALL,	  /* "tx-size-small": below 65 bytes */
	CHAIN_BAD_TX_COINBASE,	  /* "coinbase": one by itself */
	CHAIN_BAD_TX_VERSION,	  /* "version" */
	CHAIN_BAD_TX_LOCK_TIME,	  /* "non-final" */
	CHAIN_BAD_TX_NULL,	  /* "bad-txns-prevout-null" */
	CHAIN_BAD_TX_SEQUENCE,	  /* "non-BIP68-final": bit 31 is not set */
	CHAIN_BAD_TX_SCRIPTSIG,	  /* "Witness requires empty scriptSig" */
	CHAIN_BAD_TX_NEGATIVE,	  /* "bad-txns-vout-negative" */
	CHAIN_BAD_TX_TOO_MUCH,	  /* "bad-txns-vout-toolarge" */
	CHAIN_BAD_TX_TOTAL,	  /* "bad-txns-txouttotal-toolarge" */
	CHAIN_BAD_TX_SCRIPT,	  /* "scriptpubkey" */
	CHAIN_BAD_TX_DATA_COUNT,  /* "multi-op-return" */
	CHAIN_BAD_TX_DATA_AMOUNT, /* "op-return-amount": it is not 0 */
	CHAIN_BAD_TX_NO_WITNESS,  /* "Witness program was passed an empty
				   * witness" */
	CHAIN_BAD_TX_WITNESS,	  /* "bad-witness-nonstandard": items */
	CHAIN_BAD_TX_SIG_SIZE,	  /* "Invalid Schnorr signature size" */
	CHAIN_BAD_TX_HASH_TYPE,	  /* "Invalid Schnorr signature hash type":
				   * there is one, only the default is left */
	CHAIN_BAD_TX_DUPLICATE,	  /* "bad-txns-inputs-duplicate" */
	/* Invalid on this parent. */
	CHAIN_BAD_PREV,	       /* "bad-prevblk": does not extend the tip */
	CHAIN_BAD_DIFFICULTY,  /* "bad-diffbits": not what the rule demands */
	CHAIN_BAD_TIME_OLD,    /* "time-too-old": <= median time past */
	CHAIN_BAD_TIME_WINDOW, /* "time-outside-tick": DS messages only */
	CHAIN_BAD_CB_HEIGHT,   /* "bad-cb-height" */
	CHAIN_BAD_CB_AMOUNT,   /* "bad-cb-amount" */
	/* A transaction is invalid on these coins. */
	CHAIN_BAD_SPEND,	  /* "bad-txns-inputs-missingorspent" */
	CHAIN_BAD_SPEND_IMMATURE, /* "bad-txns-premature-spend-of-coinbase" */
	CHAIN_BAD_SPEND_RANGE,	  /* "bad-txns-inputvalues-outofrange" */
	CHAIN_BAD_SPEND_BELOW,	  /* "bad-txns-in-belowout" */
	CHAIN_BAD_SPEND_FEES,	  /* "bad-txns-accumulated-fee-outofrange" */
	CHAIN_BAD_SIGNATURE,	  /* "Invalid Schnorr signature" */
	/* Not a verdict: the coins could not be read (their view knows why)
	 * and nothing is said about the block or transaction. */
	CHAIN_COINS_FAILED, /* "coins-unavailable" */
	CHAIN_VERDICTS
};

/* The reject string; "" for CHAIN_OK. Static. */
const char *chain_verdict_name(enum chain_verdict v);

/* The bytes are wrong in themselves (the first group above). */
bool chain_verdict_malformed(enum chain_verdict v);

#endif
