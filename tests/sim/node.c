/* SPDX-License-Identifier: MIT */
/*
 * The runtime around one ds: its clock, its start, its end, and the actions
 * it asks for, carried out in order.
 */
#include "sim.h"

#include <stdlib.h>

#include "base/assert.h"

#define MESSAGE_MAX 131072
#define BAN_MS (20 * SIM_DELTA_MS)

uint64_t sim_local(const struct sim_world *w, const struct sim_node *n)
{
	const struct sim_clock *c = &n->clock;
	int64_t run = (int64_t)(w->now - c->since);

	return (uint64_t)((int64_t)w->now + c->offset_ms +
			  run * c->drift_ppm / 1000000);
}

/* What the ds is told: never back. */
uint64_t sim_now(const struct sim_world *w, struct sim_node *n)
{
	uint64_t local = sim_local(w, n);

	if (local > n->clock.last)
		n->clock.last = local;
	return n->clock.last;
}

void sim_step_clock(struct sim_world *w, struct sim_node *n, int64_t by_ms)
{
	n->clock.offset_ms += by_ms;
	sim_say(w, n, "clock steps by %lld ms", (long long)by_ms);
	if (!n->up)
		return;
	ds_clock_anomaly(n->ds, sim_now(w, n));
	sim_drain(w, n);
}

static void plan_tick(struct sim_world *w, struct sim_node *n)
{
	uint64_t due = ds_next_tick_ms(n->ds);
	uint64_t local = sim_local(w, n);
	uint64_t wait = due > local ? due - local : 0;

	if (n->mode == DS_HALT)
		return; /* no tick will ever run again */
	if (wait > 10 * SIM_DELTA_MS)
		wait = 10 * SIM_DELTA_MS;
	sim_at(w, w->now + wait + sim_below(w, w->late_ms + 1),
	       &(struct sim_event){.kind = SIM_EV_TICK,
				   .node = (uint8_t)n->index,
				   .incarnation = n->incarnation});
}

void sim_tick(struct sim_world *w, struct sim_node *n)
{
	uint64_t before = n->tick.n;

	ds_advance(n->ds, sim_now(w, n));
	sim_drain(w, n);
	if (n->liar && (n->tick.n != before || n->tick.n == 0))
		sim_lie_tick(w, n);
	if (n->up)
		plan_tick(w, n);
}

static void node_sign(void *ctx, uint8_t signature[static DS_SIGNATURE_SIZE],
		      const struct base_hash *hash);

/* The signer has one pointer, and needs a world and a member. */
struct signer {
	const struct sim_world *world;
	uint32_t member;
};
static struct signer signers[SIM_NODES_MAX];

static void node_sign(void *ctx, uint8_t signature[static DS_SIGNATURE_SIZE],
		      const struct base_hash *hash)
{
	const struct signer *s = ctx;

	sim_sign(s->world, s->member, signature, hash);
}

struct knower {
	uint64_t salt;
	uint32_t ppm;
};
static struct knower knowers[SIM_NODES_MAX];

/* Some transactions came before their block and are known to be good: those
 * in blocks of the registry are, so any answer is right. */
static bool node_knows(void *ctx, const struct base_hash *wtxid)
{
	const struct knower *k = ctx;

	return sim_mix(k->salt, wtxid->b, 32) % 1000000 < k->ppm;
}

static void set_options(struct sim_world *w, struct sim_node *n)
{
	signers[n->index] = (struct signer){w, (uint32_t)n->member};
	knowers[n->index] = (struct knower){n->index + 1, w->known_ppm};
	n->committee = w->committee;
	n->options = (struct ds_options){
		.committee = &n->committee,
		.params = &w->params,
		.self = n->member,
		.signer = {.sign = node_sign, .ctx = &signers[n->index]},
		.ledger = {.coins = {.get = sim_coins_get,
				     .ctx = &n->disk.coins},
			   .known = {.has = node_knows,
				     .ctx = &knowers[n->index]}},
		.salt = {(uint8_t)n->index, 0x5a},
	};
}

static void get_memory(struct sim_node *n)
{
	static size_t size[SIM_NODES_MAX];
	size_t need = ds_memory(&n->options);

	BASE_ASSERT(need > 0);
	if (size[n->index] < need) {
		free(n->memory);
		size[n->index] = (need + 63) / 64 * 64;
		n->memory = aligned_alloc(64, size[n->index]);
		BASE_ASSERT(n->memory);
	}
}

/* The chain from genesis again, as a node does at its start. */
static struct chain_context replay(const struct sim_world *w,
				   const struct sim_disk *d)
{
	struct chain_context at = w->block[0].after;

	for (uint32_t i = 1; i <= d->height; i++) {
		struct chain_header h;

		chain_header_read(&h, w->block[d->block[i]].bytes);
		chain_context_append(&at, &w->params, &h);
	}
	return at;
}

void sim_boot(struct sim_world *w, struct sim_node *n, bool trusted)
{
	struct sim_disk *d = &n->disk;
	struct ds_boot boot = {
		.final = replay(w, d),
		.cert = d->cert[d->height].mask ? &d->cert[d->height] : NULL,
		.last_proposed = d->last_proposed,
		.has_proposed = d->has_proposed,
		.vote = d->has_vote ? &d->vote : NULL,
	};

	BASE_ASSERT(!n->up);
	if (d->has_vote && d->vote_block != SIM_NONE) {
		boot.vote_block = w->block[d->vote_block].bytes;
		boot.vote_block_len = w->block[d->vote_block].len;
	}
	set_options(w, n);
	get_memory(n);
	n->incarnation++;
	n->up = true;
	n->op_count = 0;
	n->has_template = false;
	n->template_number++;
	n->disk_free_at = w->now;
	n->crash_at_persist = false;
	n->paused_until = 0;
	n->clock.last = 0; /* it is another process */
	n->ds = ds_init(n->memory, &n->options, &boot, sim_now(w, n));
	sim_say(w, n, "starts at final height %u%s", d->height,
		trusted ? ", trusted" : "");
	sim_check_boot(w, n);
	sim_drain(w, n);
	plan_tick(w, n);
	for (uint32_t i = 0; i < w->count; i++)
		if (i != n->index && w->link[n->index][i].exists)
			sim_at(w, w->now + 1 + sim_below(w, 100),
			       &(struct sim_event){.kind = SIM_EV_LINK,
						   .node = (uint8_t)n->index,
						   .other = (uint8_t)i});
}

void sim_crash(struct sim_world *w, struct sim_node *n)
{
	uint32_t survive;

	if (!n->up)
		return;
	/* Of the writes on their way, in order, some are done. */
	survive = (uint32_t)sim_below(w, n->op_count + 1);
	if (survive < n->op_count)
		sim_fired(w, SIM_TORN);
	if (w->now < n->full_until)
		survive = 0;
	for (uint32_t i = 0; i < survive; i++)
		sim_disk_apply(w, n, &n->op[(n->op_first + i) % SIM_OPS_MAX]);
	sim_say(w, n, "crashes: %u of %u writes survive", survive, n->op_count);
	n->up = false;
	n->incarnation++;
	n->op_count = 0;
	n->active_since = SIM_NEVER;
	for (uint32_t i = 0; i < w->count; i++)
		sim_link_down(w, n->index, i);
}

size_t sim_send_bytes(uint8_t *out, size_t cap, const struct ds_action *a,
		      bool bare)
{
	struct ds_proposal m;

	switch (a->send.kind) {
	case DS_PROPOSAL:
		m = a->send.proposal;
		if (bare) {
			m.has_body = false;
			m.has_parent_cert = false;
			m.block_len = CHAIN_HEADER_SIZE;
		}
		return ds_proposal_write(out, cap, &m);
	case DS_VOTE:
		return ds_vote_write(out, cap, &a->send.vote);
	case DS_CERT:
		return ds_cert_write(out, cap, &a->send.cert);
	case DS_BEAT:
		return ds_beat_write(out, cap, &a->send.beat);
	case DS_EVID:
		return ds_evidence_write(out, cap, &a->send.evidence);
	}
	return 0;
}

static bool peers_have(const struct ds_peers *peers, uint32_t peer)
{
	return peers->word[peer / 64] >> (peer % 64) & 1;
}

static void send(struct sim_world *w, struct sim_node *n,
		 const struct ds_action *a)
{
	static uint8_t bytes[MESSAGE_MAX];
	struct sim_buf *buf[2] = {NULL, NULL};

	for (uint32_t i = 0; i < w->count; i++) {
		uint32_t peer = sim_peer_of(i);
		bool bare = a->send.kind == DS_PROPOSAL &&
			    peers_have(&a->send.bare, peer);

		if (!peers_have(&a->send.to, peer))
			continue;
		if (!buf[bare]) {
			size_t len =
				sim_send_bytes(bytes, sizeof(bytes), a, bare);

			BASE_ASSERT(len > 0);
			buf[bare] = sim_buf_new(bytes, len, len);
			sim_trace(w, bytes, len);
		}
		sim_send(w, n, i, (uint8_t)a->send.kind, buf[bare]);
	}
	sim_buf_put(buf[0]);
	sim_buf_put(buf[1]);
}

static void have(struct sim_world *w, struct sim_node *n,
		 const struct ds_action *a)
{
	struct sim_buf *buf = sim_buf_new(a->block.hash.b, 32, 32);

	for (uint32_t i = 0; i < w->count; i++)
		if (i != n->index)
			sim_send(w, n, i, SIM_HAVE, buf);
	sim_buf_put(buf);
}

static void verify(struct sim_world *w, struct sim_node *n,
		   const struct ds_action *a)
{
	w->totals->signatures += a->verify.count;
	sim_at(w, w->now + sim_below(w, w->verify_ms + 1),
	       &(struct sim_event){.kind = SIM_EV_VERIFIED,
				   .node = (uint8_t)n->index,
				   .incarnation = n->incarnation,
				   .id = a->verify.id,
				   .count = a->verify.count,
				   .pointer = a->verify.check});
}

static void template(struct sim_world *w, struct sim_node *n,
		     const struct ds_action *a)
{
	n->has_template = a->template != NULL;
	n->template_number++;
	if (!n->has_template)
		return;
	n->template = *a->template;
	sim_mine_next(w, n);
}

static void execute(struct sim_world *w, struct sim_node *n,
		    struct ds_action *a)
{
	sim_trace_u64(w, (uint64_t)n->index << 8 | a->kind);
	switch (a->kind) {
	case DS_ACT_SEND:
		if (n->liar && sim_lie_send(w, n, a))
			return;
		send(w, n, a);
		break;
	case DS_ACT_VERIFY:
		verify(w, n, a);
		break;
	case DS_ACT_PERSIST:
		sim_persist(w, n, a);
		break;
	case DS_ACT_TEMPLATE:
		template(w, n, a);
		break;
	case DS_ACT_BAN:
		sim_at(w, w->now,
		       &(struct sim_event){
			       .kind = SIM_EV_LINK,
			       .node = (uint8_t)n->index,
			       .other = (uint8_t)sim_index_of(a->ban.peer),
			       .id = BAN_MS});
		break;
	case DS_ACT_NEED:
		sim_need(w, n, a);
		break;
	case DS_ACT_HAVE:
		have(w, n, a);
		break;
	case DS_ACT_DECIDED:
	case DS_ACT_FINAL:
	case DS_ACT_MODE:
	case DS_ACT_ALERT:
	case DS_ACT_DROPPED:
		break;
	}
}

/* Takes every action, then looks at what has become of the node. */
void sim_drain(struct sim_world *w, struct sim_node *n)
{
	struct ds_action a;
	uint32_t count = 0;

	while (ds_next(n->ds, &a)) {
		count++;
		if (w->totals)
			sim_check_action(w, n, &a);
		execute(w, n, &a);
	}
	w->totals->check[SIM_CHECK_10]++;
	if (count > DS_ACTIONS_MAX)
		sim_violation(w, SIM_CHECK_10, n, "%u actions at once", count);
	sim_check_look(w, n);
}

void sim_mine_next(struct sim_world *w, struct sim_node *n)
{
	uint64_t mean = w->mining_ms * w->members;
	uint64_t wait = 1;

	/* Exponential enough: halves until a coin shows tails. */
	wait += sim_below(w, mean);
	while (sim_chance(w, 500000))
		wait += sim_below(w, mean);
	sim_at(w, w->now + wait / 2 + 1,
	       &(struct sim_event){.kind = SIM_EV_MINED,
				   .node = (uint8_t)n->index,
				   .incarnation = n->template_number});
}

void sim_mined(struct sim_world *w, struct sim_node *n, uint32_t number)
{
	struct sim_build b = {.on = &n->template,
			      .sender = (uint8_t)n->member,
			      .salt = base_prng_u64(&w->rng)};
	uint32_t now = (uint32_t)(sim_now(w, n) / 1000);
	uint32_t i;

	if (!n->has_template || number != n->template_number || n->member < 0)
		return;
	sim_mine_next(w, n);
	b.time = chain_context_mtp(&n->template) + 1;
	if (b.time > now || w->block_count + 2 >= SIM_BLOCKS_MAX)
		return; /* the template is held back until then */
	b.time = now;
	if (sim_chance(w, w->tx_ppm) &&
	    base_hash_equal(&n->template.hash, &n->disk.final.hash))
		b.coins = &n->disk.coins;
	if (n->liar && sim_lie_mined(w, n))
		return;
	i = sim_block_build(w, &b);
	sim_say(w, n, "mines block %u at height %u", i,
		w->block[i].after.height.n);
	ds_own_block(n->ds, sim_now(w, n), w->block[i].bytes, w->block[i].len);
	sim_drain(w, n);
}
