/* SPDX-License-Identifier: MIT */
/*
 * network.h: a whole committee of consensus state machines in one thread.
 *
 * A virtual clock, a complete graph, messages that take 5 to 25 % of delta
 * (drawn for each link and message from a seed), disks and verifiers that take
 * no time. Blocks hold a coinbase only. One honest proposer a block, in turn;
 * the next block is handed in when all have the one before as final. What was
 * received before, byte for byte, is dropped before the state machine where it
 * is a VOTE, BEAT or CERT, as a node's cache of seen messages does.
 *
 * Deterministic: the same options give the same messages. One network at a
 * time.
 */
#ifndef BENCH_NETWORK_H
#define BENCH_NETWORK_H

#include "oracle.h"

#define NETWORK_BLOCKS_MAX 1000
#define NETWORK_DELTA_MS 1000

struct network_options {
	uint32_t n;	 /* 2..DS_MEMBERS_MAX */
	uint32_t f;	 /* below n */
	uint32_t blocks; /* at most; 1..NETWORK_BLOCKS_MAX */
	uint32_t cpu_ms; /* no new block after so much, two at least */
	bool real;	 /* BIP340 signatures */
};

/* From one final block to the next, summed over all members. */
struct network_block {
	uint32_t ticks;
	uint64_t messages[DS_EVID + 1]; /* by kind, each to one peer */
	uint64_t bytes[DS_EVID + 1];
	uint64_t checks[DS_EVID + 1]; /* signatures verified, by the kind
				       * of message that brought them */
	double decided; /* deltas after the proposal's tick, the last member */
	double final;	/* the same */
	double cpu_us;	/* of one member's state machine, replayed; 0: not */
	double sign_us; /* per member, for real signatures */
};

struct network_report {
	uint32_t blocks;
	bool certified;
	struct network_block block[NETWORK_BLOCKS_MAX];
};

/* 0, or -ENOMEM. A network that does not agree is an assertion. */
BASE_MUST_CHECK int network_run(struct network_report *out,
				const struct network_options *o);

#endif
