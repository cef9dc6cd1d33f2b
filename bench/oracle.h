/* SPDX-License-Identifier: MIT */
/*
 * oracle.h: signatures of a committee on a bench: cheap ones, or BIP340.
 *
 * A cheap one is a keyed hash that takes nanoseconds, so that what is measured
 * is everything else. One thread.
 */
#ifndef BENCH_ORACLE_H
#define BENCH_ORACLE_H

#include "consensus/committee.h"
#include "consensus/message.h"

struct oracle {
	bool real;	 /* BIP340 */
	uint64_t cpu_ns; /* spent on real ones */
};

void oracle_key(uint8_t out[static CHAIN_KEY_SIZE], const struct oracle *o,
		uint32_t member);
void oracle_sign(uint8_t out[static DS_SIGNATURE_SIZE], struct oracle *o,
		 uint32_t member, const struct base_hash *hash);
bool oracle_verify(struct oracle *o, const struct chain_check *check,
		   uint32_t count);

#endif
