/* SPDX-License-Identifier: MIT */
#include "node/mining.h"

#include "node/consensus_internal.h"

struct mining_ask {
	struct node_ask ask;
	struct node_consensus *consensus;
	enum node_mining_act act;
	int rc;
};

static int act_on(struct node_consensus *c, enum node_mining_act act)
{
	if (!c->miners)
		return -ENOTSUP;
	if (c->rc < 0)
		return -EAGAIN;
	switch (act) {
	case NODE_MINING_PAUSE:
	case NODE_MINING_RESUME:
		node_mine_pause(c, act == NODE_MINING_PAUSE);
		return 0;
	case NODE_MINING_HOLD:
		c->holding = true;
		return 0;
	case NODE_MINING_LET_GO:
		c->holding = false;
		if (c->held_len > 0)
			node_mine_broadcast(c);
		return 0;
	case NODE_MINING_BROADCAST:
		if (c->held_len == 0)
			return -ENOENT;
		node_mine_broadcast(c);
		return 0;
	}
	return 0;
}

static bool run(struct node_ask *ask, struct node_txpool *pool)
{
	/* The ask is its first member. */
	struct mining_ask *m = (struct mining_ask *)(void *)ask;

	(void)pool;
	m->rc = act_on(m->consensus, m->act);
	node_consensus_show(m->consensus);
	return true;
}

int node_mining(struct node_asks *asks, const struct node_wake *asker,
		enum node_mining_act act)
{
	struct mining_ask m = {
		.ask.run = run, .consensus = asks->consensus, .act = act};
	int rc;

	if (!m.consensus)
		return -ENOTSUP;
	rc = node_ask(asks, &m.ask, asker);
	return rc < 0 ? rc : m.rc;
}
