/* SPDX-License-Identifier: MIT */
/*
 * mining.h: the operator's hand on this node's miners.
 *
 * Floor 5. Any thread that may ask (node/ask.h). What miners find is proposed
 * at the next tick by itself, unless it is held: then the miners rest, and the
 * block waits for NODE_MINING_BROADCAST, until the chain has gone on without
 * it, or for a minute: then its time is too old, and another is searched for.
 * None of this outlives the process.
 */
#ifndef NODE_MINING_H
#define NODE_MINING_H

#include "node/ask.h"

enum node_mining_act {
	NODE_MINING_PAUSE,
	NODE_MINING_RESUME,
	NODE_MINING_HOLD,      /* what is found from now on */
	NODE_MINING_LET_GO,    /* and no more; one that waits is proposed */
	NODE_MINING_BROADCAST, /* the block that waits */
};

/* 0; -ENOTSUP: this node does not mine; -ENOENT: no block waits; -EAGAIN: as
 * node_ask(), or the node is stopping. */
BASE_MUST_CHECK int node_mining(struct node_asks *asks,
				const struct node_wake *asker,
				enum node_mining_act act);

#endif
