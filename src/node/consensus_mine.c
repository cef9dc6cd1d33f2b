/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "node/consensus_internal.h"

static void wake_consensus(void *ctx)
{
	const struct node_consensus *c = ctx;

	node_wake_ring(&c->options.asks->wake);
}

int node_mine_open(struct node_consensus *c, struct base_error *err)
{
	const struct pow_plan *plan = c->options.plan;
	const struct pow_pool_options pool = {.backend = c->options.backend,
					      .plan = plan,
					      .wake = wake_consensus,
					      .wake_ctx = c};

	pow_rate_init(&c->total);
	if (!plan)
		return 0;
	c->worker = calloc(plan->worker_count, sizeof(*c->worker));
	c->held = malloc(c->options.params->max_block_bytes);
	if (!c->worker || !c->held ||
	    node_template_init(&c->template,
			       c->options.params->max_block_bytes))
		return base_fail(err, -ENOMEM, "no memory to mine");
	for (uint32_t i = 0; i < plan->worker_count; i++)
		pow_rate_init(&c->worker[i]);
	c->next_rate_ms = node_monotonic_ms() + NODE_RATE_EVERY_MS;
	return pow_pool_start(&c->miners, &pool, err);
}

void node_mine_close(struct node_consensus *c)
{
	if (c->miners)
		pow_pool_stop(c->miners);
	node_template_free(&c->template);
	free(c->worker);
	free(c->held);
}

/*~ 3. A template: transactions out of the pool and the coinbase of the next
 * height, with a place for each worker's extranonce, under a header that
 * lacks only what miners find. */
static void build_work(struct node_consensus *c)
{
	const struct node_template_options options = {
		.params = c->options.params,
		.tip = &c->tip,
		.sender = (uint8_t)c->options.self,
		.payout_key = c->options.payout_key,
		.work_id = ++c->work_id};

	c->built_on = node_txpool_generation(c->options.pool);
	node_template_build(&c->template, &options,
			    node_txpool_mempool(c->options.pool));
}

static void rest(struct node_consensus *c)
{
	if (c->mining)
		pow_pool_publish(c->miners, NULL);
	c->mining = false;
}

/* The time that the next header would bear is one that the rules refuse. */
static bool clock_is_behind(struct node_consensus *c, uint64_t now_s)
{
	uint32_t least = chain_context_mtp(&c->tip) + 1;

	if (now_s >= least) {
		c->waiting_told = false;
		return false;
	}
	if (least - now_s > 2 && !c->waiting_told) {
		c->waiting_told = true;
		node_log(c->options.log, NODE_LOG_WARN, "clock_behind",
			 "the clock is %llu s behind the chain; mining waits "
			 "until it has caught up",
			 (unsigned long long)(least - now_s));
	}
	return true;
}

/* Publishes the work with the present time: at every new tip and every
 * second. Only who is ACTIVE may propose what is found. */
static void publish(struct node_consensus *c)
{
	uint64_t now_s = c->now / SECOND_MS;
	struct chain_header header;

	if (!c->miners)
		return;
	if (!c->has_template || c->mode != DS_ACTIVE || c->rc < 0 ||
	    c->now < c->resting_until || c->paused || c->held_len > 0 ||
	    clock_is_behind(c, now_s)) {
		rest(c);
		return;
	}
	chain_header_read(&header, c->template.work.header);
	header.time = (uint32_t)now_s;
	chain_header_write(c->template.work.header, &header);
	pow_pool_publish(c->miners, &c->template.work);
	c->mining = true;
}

void node_mine_on(struct node_consensus *c, const struct chain_context *tip)
{
	if (!c->miners)
		return;
	c->has_template = tip != NULL;
	c->resting_until = 0;
	if (tip) {
		if (c->held_len > 0 &&
		    !base_hash_equal(&tip->hash, &c->tip.hash)) {
			c->held_len = 0;
			node_log(c->options.log, NODE_LOG_INFO, "held_lost",
				 "the chain went on; the block that was held "
				 "back is of no use any more");
		}
		c->tip = *tip;
		build_work(c);
	}
	publish(c);
}

void node_mine_again(struct node_consensus *c)
{
	c->resting_until = 0;
	publish(c);
}

/* Nothing is searched for until its rounds are over. */
static void propose(struct node_consensus *c, const uint8_t *block, size_t len)
{
	struct base_tick last = {0};

	(void)ds_tick_at(&last, c->options.committee, c->now);
	last.n += 1 + c->options.committee->rounds + 1;
	c->resting_until = ds_tick_ms(c->options.committee, last);
	rest(c);
	ds_own_block(c->ds, c->now, block, len);
	node_consensus_act(c);
}

/*~ 5. A block found: its coinbase with the finder's extranonce, wrapped and
 * handed to the state machine, which judges it by the same rules as anybody's
 * and proposes it at the next tick. The miners rest meanwhile; if the rounds
 * come to nothing they go on. */
static void take_found(struct node_consensus *c, const struct pow_found *found)
{
	const size_t max = c->options.params->max_block_bytes;

	if (!c->holding) {
		propose(c, c->bytes,
			node_template_block(c->bytes, max, &c->template,
					    found));
		return;
	}
	c->held_len = node_template_block(c->held, max, &c->template, found);
	rest(c);
	node_log(c->options.log, NODE_LOG_INFO, "held",
		 "found block %u and held it back; 'broadcast block' proposes "
		 "it",
		 c->tip.height.n + 1);
}

void node_mine_broadcast(struct node_consensus *c)
{
	const size_t len = c->held_len;

	c->held_len = 0;
	propose(c, c->held, len);
}

void node_mine_pause(struct node_consensus *c, bool paused)
{
	c->paused = paused;
	publish(c);
}

void node_mine_take(struct node_consensus *c)
{
	struct pow_found found;

	while (c->mining && pow_pool_take(c->miners, &found))
		take_found(c, &found);
}

static void sample_rates(struct node_consensus *c, uint64_t now)
{
	struct pow_pool_stats stats;
	bool tell = now >= c->next_rate_ms;

	pow_pool_stats(&stats, c->miners);
	pow_rate_sample(&c->total, now, stats.hashes);
	for (uint32_t i = 0; i < stats.workers; i++) {
		pow_rate_sample(&c->worker[i], now,
				pow_pool_worker_hashes(c->miners, i));
		if (tell)
			node_log_rate(c->options.log, (int)i, 1, &c->worker[i]);
	}
	if (!tell)
		return;
	c->next_rate_ms = now + NODE_RATE_EVERY_MS;
	node_log_rate(c->options.log, -1, stats.workers, &c->total);
}

/* A block may be proposed for a minute; then another is searched for. */
static void forget_old(struct node_consensus *c)
{
	uint64_t next_ms = c->now + c->options.params->delta_ms;
	struct chain_header header;

	if (c->held_len == 0)
		return;
	chain_header_read(&header, c->held);
	if (!chain_time_in_window(header.time, next_ms))
		c->held_len = 0;
}

void node_mine_every_second(struct node_consensus *c, uint64_t now)
{
	if (!c->miners)
		return;
	forget_old(c);
	sample_rates(c, now);
	if (c->has_template &&
	    c->built_on != node_txpool_generation(c->options.pool))
		build_work(c);
	publish(c);
}
