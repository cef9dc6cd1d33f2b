/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/assert.h"
#include "node/consensus_internal.h"

_Static_assert(VERIFYING_MAX >= DS_PENDING_MAX + DS_SCRATCHES,
	       "every verification that the state machine may wait for");
_Static_assert(NODE_VERIFY_MESSAGES_MAX >= DS_PENDING_MAX &&
		       NODE_VERIFY_BLOCKS_MAX >= DS_SCRATCHES,
	       "the verify threads have room for them");
_Static_assert(NODE_WRITE_BYTES_MAX >= DS_CERT_SIZE(DS_MEMBERS_MAX) &&
		       NODE_WRITE_BYTES_MAX >= DS_EVID_SIZE &&
		       NODE_WRITE_BYTES_MAX >= DS_VOTE_SIZE,
	       "every message that is stored fits into a write");

/* Writes of the state machine at once, besides evidence (architecture.md): a
 * tick reserved, a vote, a final block; and one that a later one overtook. */
#define WRITES_MAX 4

/* Tags of verify jobs below this are the pool's. */
#define TAG_BASE NODE_TXPOOL_FLIGHTS

/* More signatures than a message has are a block's, worth cutting up. */
static void verify(struct node_consensus *c, const struct ds_action *a)
{
	struct verifying *v = c->verifying;
	struct node_verify_job job = {.check = a->verify.check,
				      .count = a->verify.count};

	while (v < c->verifying + VERIFYING_MAX && v->left > 0)
		v++;
	BASE_ASSERT(v < c->verifying + VERIFYING_MAX);
	*v = (struct verifying){.left = 1, .good = true, .id = a->verify.id};
	job.tag = TAG_BASE + (uint64_t)(v - c->verifying);
	if (job.count > DS_MEMBERS_MAX)
		v->left = node_verify_submit_block(c->verify, job.tag,
						   job.check, job.count);
	else
		node_verify_submit_message(c->verify, &job);
}

void node_consensus_verified(struct node_consensus *c,
			     const struct node_verify_reply *reply)
{
	struct verifying *v;

	if (reply->tag < TAG_BASE) {
		node_txpool_verified(c->options.pool, reply);
		return;
	}
	v = &c->verifying[reply->tag - TAG_BASE];
	BASE_ASSERT(v->left > 0);
	v->good = v->good && reply->valid;
	if (--v->left > 0)
		return;
	ds_verified(c->ds, c->now, v->id, v->good);
	node_consensus_act(c);
}

/* What is said is proven by two signatures of that member's. */
static void tell_evidence(struct node_consensus *c, const struct ds_evidence *e)
{
	node_log(c->options.log, NODE_LOG_WARN, "evidence",
		 "member '%s' signed two %s %" PRIu64
		 "; the proof is kept and sent on",
		 c->options.params->member[e->member].name,
		 e->kind == DS_TWO_PROPOSALS ? "proposals in tick"
					     : "votes at height",
		 e->number);
}

/* Blocks and changes are lent until the answer, the rest until the next
 * action: copied as they go over the wire. */
static void persist(struct node_consensus *c, const struct ds_action *a)
{
	struct node_write w = {.id = a->persist.id,
			       .kind = a->persist.kind,
			       .tick = a->persist.tick};

	switch (w.kind) {
	case DS_PERSIST_PROPOSED:
		break;
	case DS_PERSIST_VOTE:
		w.len = (uint32_t)ds_vote_write(w.bytes, sizeof(w.bytes),
						&a->persist.vote);
		break;
	case DS_PERSIST_FINAL:
		w.changes = a->persist.changes;
		w.after = a->persist.after;
		if (a->persist.cert.mask)
			w.len = (uint32_t)ds_cert_write(
				w.bytes, sizeof(w.bytes), &a->persist.cert);
		break;
	case DS_PERSIST_EVIDENCE:
		w.len = (uint32_t)ds_evidence_write(w.bytes, sizeof(w.bytes),
						    &a->persist.evidence);
		tell_evidence(c, &a->persist.evidence);
		break;
	}
	w.block = a->persist.block;
	w.block_len = a->persist.block_len;
	/* Liars make evidence as they please; some of it will do. */
	if (w.kind == DS_PERSIST_EVIDENCE &&
	    c->writes >= NODE_WRITE_DEPTH - WRITES_MAX)
		return;
	c->writes++;
	node_store_submit(c->store, &w);
}

/*~ 12. On disk, hence final: the snapshot of the coins moves, transactions
 * leave the pool, and the state machine goes on above it. */
static void final_written(struct node_consensus *c,
			  const struct node_written *w)
{
	struct base_error err;
	int rc;

	c->final = w->after;
	rc = node_consensus_snapshot(c, &err);
	if (rc < 0) {
		node_consensus_fail(c, rc, &err);
		return;
	}
	node_txpool_final(c->options.pool, c->bytes, w->block, w->block_len);
	/* Who reads the line finds the block. */
	node_consensus_show(c);
	if (c->options.final)
		node_wake_ring(c->options.final);
	if (c->options.net)
		(void)!net_set_height(c->options.net, c->final.height.n);
	node_log_block(c->options.log, c->final.height, &c->final.hash);
}

void node_consensus_written(struct node_consensus *c,
			    const struct node_written *w)
{
	c->writes--;
	if (w->rc < 0) {
		node_consensus_fail(c, w->rc, &w->err);
		return;
	}
	if (w->kind == DS_PERSIST_FINAL)
		final_written(c, w);
	if (c->rc < 0 || w->kind == DS_PERSIST_EVIDENCE)
		return;
	ds_persisted(c->ds, c->now, w->id, true);
	node_consensus_act(c);
}

static const char *const mode_name[] = {
	[DS_SYNC] = "SYNC",
	[DS_SHADOW] = "SHADOW",
	[DS_ACTIVE] = "ACTIVE",
	[DS_HALT] = "HALT",
};

static void change_mode(struct node_consensus *c, const struct ds_action *a)
{
	enum node_log_level level = NODE_LOG_DEBUG;

	c->mode = a->mode.mode;
	if (a->mode.reason != DS_REASON_NONE)
		level = NODE_LOG_WARN;
	else if (c->options.committee->n > 1)
		level = NODE_LOG_INFO;
	if (a->mode.reason == DS_LATE)
		node_log(c->options.log, level, "mode",
			 "%s, because this machine ran a tick late: %" PRIu64
			 " ms at the worst, where %" PRIu64 " ms may be",
			 mode_name[c->mode], c->late.worst_ms,
			 c->options.committee->delta_ms / 4);
	else if (a->mode.reason != DS_REASON_NONE)
		node_log(c->options.log, level, "mode",
			 "%s, because of %s; in the last minute this machine "
			 "was late by %" PRIu64 " ms at the worst, where "
			 "%" PRIu64 " ms may be",
			 mode_name[c->mode], ds_reason_name(a->mode.reason),
			 node_lateness_minute(&c->late),
			 c->options.committee->delta_ms / 4);
	else
		node_log(c->options.log, level, "mode", "%s",
			 mode_name[c->mode]);
	/* What was held for catching up is of no use any more. */
	if (c->mode != DS_SYNC)
		node_fetch_clear(c);
	node_mine_again(c);
	node_consensus_show(c);
}

/* What people must do; docs/operations.md has the steps. */
static const char *advice(enum ds_reason reason)
{
	switch (reason) {
	case DS_STALL:
		return "a block lacks votes; look for members that are away";
	case DS_SPLIT:
		return "votes for one height went to different blocks, and "
		       "none can win; agree on the last final block, then "
		       "start all with the next --vote-epoch";
	case DS_SKEW:
		return "too many clocks are off; look at the time of all";
	case DS_FORK:
		return "without certificates there are two chains; agree on "
		       "one, then start all with --trust-tip";
	case DS_CONFLICT:
		return "two certificates contradict each other, so this node "
		       "stops deciding; compare the chains of all";
	default:
		return NULL;
	}
}

static void alert(struct node_consensus *c, const struct ds_action *a)
{
	const enum ds_reason reason = a->alert.reason;
	const char *text = advice(reason);
	const char *member = c->options.params->member[a->alert.member].name;

	/* A taint's own line is that of the mode. */
	if (!text)
		node_log(c->options.log, NODE_LOG_DEBUG, "alert", "%s",
			 ds_reason_name(reason));
	else if (reason == DS_FORK || reason == DS_SKEW)
		node_log(c->options.log, NODE_LOG_ERROR, "alert",
			 "%s, seen of member '%s': %s", ds_reason_name(reason),
			 member, text);
	else
		node_log(c->options.log, NODE_LOG_ERROR, "alert", "%s: %s",
			 ds_reason_name(reason), text);
}

static void tell_dropped(struct node_consensus *c, const struct ds_action *a)
{
	char hash[BASE_HASH_HEX_SIZE];

	base_hash_to_hex(hash, &a->block.hash);
	node_log(c->options.log, NODE_LOG_INFO, "dropped",
		 "a block found here was not chosen: block %u %s",
		 a->block.height.n, hash);
}

/* Bans close the connection, so that nobody fills the log with them. */
static void tell_ban(struct node_consensus *c, uint32_t slot)
{
	const int member = c->peer[slot].member;

	node_log(c->options.log, NODE_LOG_WARN, "ban",
		 "%s sent what no honest node sends; it is refused for a while",
		 c->peer[slot].up && member >= 0
			 ? c->options.params->member[member].name
			 : "a peer");
}

static void tell_decided(struct node_consensus *c, const struct ds_action *a)
{
	char hash[BASE_HASH_HEX_SIZE];

	base_hash_to_hex(hash, &a->block.hash);
	node_log(c->options.log, NODE_LOG_DEBUG, "decided",
		 "block %u %s at tick %" PRIu64 ", of member '%s'",
		 a->block.height.n, hash, a->block.tick.n,
		 c->options.params->member[a->block.sender].name);
}

static void act(struct node_consensus *c, const struct ds_action *a)
{
	switch (a->kind) {
	case DS_ACT_VERIFY:
		verify(c, a);
		break;
	case DS_ACT_PERSIST:
		persist(c, a);
		break;
	case DS_ACT_DECIDED:
		tell_decided(c, a);
		break;
	case DS_ACT_FINAL:
		break; /* told when it was written */
	case DS_ACT_TEMPLATE:
		node_mine_on(c, a->template);
		break;
	case DS_ACT_MODE:
		change_mode(c, a);
		break;
	case DS_ACT_ALERT:
		alert(c, a);
		break;
	case DS_ACT_DROPPED:
		tell_dropped(c, a);
		node_mine_on(c, c->has_template ? &c->tip : NULL);
		break;
	case DS_ACT_SEND:
		node_net_send(c, a);
		break;
	case DS_ACT_BAN:
		tell_ban(c, a->ban.peer);
		node_net_ban(c, a->ban.peer);
		break;
	case DS_ACT_NEED:
		node_net_need(c, a);
		break;
	case DS_ACT_HAVE:
		node_net_have(c, &a->block.hash);
		break;
	}
}

void node_consensus_act(struct node_consensus *c)
{
	struct ds_action a;

	while (c->rc == 0 && ds_next(c->ds, &a))
		act(c, &a);
}
