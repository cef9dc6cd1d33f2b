/* SPDX-License-Identifier: MIT */
/*
 * verdict.h: why a header or block was refused.
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
	CHAIN_BAD_TX,	       /* "bad-txns": a transaction is malformed */
	/* Invalid on this parent. */
	CHAIN_BAD_PREV,	       /* "bad-prevblk": does not extend the tip */
	CHAIN_BAD_DIFFICULTY,  /* "bad-diffbits": not what the rule demands */
	CHAIN_BAD_TIME_OLD,    /* "time-too-old": <= median time past */
	CHAIN_BAD_TIME_WINDOW, /* "time-outside-tick": DS messages only */
	CHAIN_BAD_CB_HEIGHT,   /* "bad-cb-height" */
	CHAIN_BAD_CB_AMOUNT,   /* "bad-cb-amount" */
	CHAIN_BAD_SPEND,       /* "bad-txns-inputs-missingorspent" */
	CHAIN_VERDICTS
};

/* The reject string; "" for CHAIN_OK. Static. */
const char *chain_verdict_name(enum chain_verdict v);

/* The bytes are wrong in themselves (the first group above). */
bool chain_verdict_malformed(enum chain_verdict v);

#endif
