/* SPDX-License-Identifier: MIT */
/*
 * verify_rate.h: how fast this machine verifies signatures.
 *
 * Floor 5. Blocks of all members may come in one tick, and their signatures
 * must be verified well within it: a node that could not is no use in the
 * rounds (consensus.md, Parameters).
 */
#ifndef NODE_VERIFY_RATE_H
#define NODE_VERIFY_RATE_H

#include "consensus/committee.h"

/* Signatures a second of one thread, measured in CPU time, the best of some
 * short runs. Takes some 20 ms. */
double node_verify_rate(void);

/* Whether @threads of @rate each verify n * max_block_inputs signatures within
 * delta / 4. */
bool node_verify_fast_enough(const struct chain_params *p, double rate,
			     uint32_t threads);

#endif
