/* SPDX-License-Identifier: MIT */
/*
 * network_new.h: a whole network on one machine, for tests.
 *
 * Floor 5. Main thread. DIR/network.json is written last: a DIR that has it
 * is complete. DIR/node0, DIR/node1 ... are the nodes' datadirs, each with a
 * copy of it; node i is member i as long as there are members, and the others
 * follow.
 */
#ifndef NODE_NETWORK_NEW_H
#define NODE_NETWORK_NEW_H

#include "base/error.h"
#include "chain/params.h"

#define NODE_NETWORK_FILE "network.json"
#define NODE_NETWORK_NODES_MAX CHAIN_MEMBERS_MAX
#define NODE_START_IN_DEFAULT_S 10u
#define NODE_START_IN_MAX_S 86400u

struct node_network_new {
	const char *dir; /* absent or empty */
	const char *name;
	uint32_t nodes;	  /* members..NODE_NETWORK_NODES_MAX */
	uint32_t members; /* 1..CHAIN_MEMBERS_MAX */
	uint32_t faults;
	uint32_t delta_ms;
	uint32_t spacing_s;
	uint32_t
		start_in_s; /* genesis comes as long after everything is made */
	uint32_t base_port; /* member i listens on 127.0.0.1, this + i */
	uint64_t hps;	    /* of all miners together */
};

/*
 * Makes it all; *@out is what DIR/network.json says. 0; -EEXIST: DIR is not
 * empty; -EINVAL: a value out of range (nothing is made then); errors of
 * files; @err says.
 */
BASE_MUST_CHECK int node_network_create(struct chain_params *out,
					const struct node_network_new *wish,
					struct base_error *err);

/* DIR/nodeN into @out. 0 or -ENAMETOOLONG. */
BASE_MUST_CHECK int node_network_dir(char *out, size_t cap, const char *dir,
				     uint32_t node, struct base_error *err);

/* Makes DIR/nodeN a datadir for a node that follows the network of @p. */
BASE_MUST_CHECK int node_network_follower(const char *dir, uint32_t node,
					  const struct chain_params *p,
					  struct base_error *err);

/* "minerd: warning: ..." on standard error where the spacing of @p is shorter
 * than is sound (consensus.md, Parameters). */
void node_network_warn(const struct chain_params *p);

#endif
