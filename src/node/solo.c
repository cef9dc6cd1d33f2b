/* SPDX-License-Identifier: MIT */
#include "node/solo.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/template.h"
#include "pow/pool_rate.h"

#define SECOND_MS 1000

/* Tags of verify jobs below this are the pool's. */
#define BLOCK_TAG NODE_TXPOOL_FLIGHTS

/* What the consensus thread does with a block. */
enum phase {
	IDLE,	    /* none there: mining, or waiting for the clock */
	VERIFYING,  /* its unknown signatures are with the verify threads */
	COMMITTING, /* it is with the store */
};

struct node_solo {
	struct node_solo_options options;
	struct chain_context tip;   /* committed */
	struct chain_context after; /* of the block under way */
	enum phase phase;
	uint32_t verifying; /* replies to come */
	bool signatures_good;
	bool mining;	   /* work is published */
	bool waiting_told; /* the clock is behind: said once */
	struct node_template template;
	uint64_t work_id;
	uint64_t built_on;	     /* the pool's generation in the template */
	struct store_reader *reader; /* snapshot of the tip's coins */
	struct chain_scratch scratch;
	void *memory;	/* of the scratch */
	uint8_t *block; /* the one found, until it is committed */
	size_t block_len;
	struct node_clock clock;
	uint64_t next_second_ms; /* monotonic */
	uint64_t next_rate_ms;
	struct pow_rate total;
	struct pow_rate *worker; /* plan->worker_count of them */
	struct node_store_thread *store;
	struct node_verify *verify;
	struct pow_pool *miners;
	pthread_t thread;
	_Atomic bool stopping;
	int rc; /* why the thread ended; read after the join */
	struct base_error err;
};

/*~ 3. A template: transactions out of the pool and the coinbase of the next
 * height, with a place for each worker's extranonce, under a header that
 * lacks only what miners find. */
static void build_work(struct node_solo *s)
{
	const struct node_template_options options = {
		.params = s->options.params,
		.tip = &s->tip,
		.sender = s->options.sender,
		.payout_key = s->options.payout_key,
		.work_id = ++s->work_id};

	s->built_on = node_txpool_generation(s->options.pool);
	node_template_build(&s->template, &options,
			    node_txpool_mempool(s->options.pool));
}

/* Publishes the work with the present time: at every new tip and every
 * second. Held back while the clock is not past the median of the last
 * blocks: such a time would be refused. */
static void publish(struct node_solo *s)
{
	uint64_t now = node_clock_ms(&s->clock) / SECOND_MS;
	uint32_t least = chain_context_mtp(&s->tip) + 1;
	struct chain_header header;

	if (now < least) {
		if (s->mining)
			pow_pool_publish(s->miners, NULL);
		s->mining = false;
		if (least - now > 2 && !s->waiting_told) {
			s->waiting_told = true;
			node_log(s->options.log, NODE_LOG_WARN, "clock_behind",
				 "the clock is %llu s behind the chain; mining "
				 "waits until it has caught up",
				 (unsigned long long)(least - now));
		}
		return;
	}
	s->waiting_told = false;
	chain_header_read(&header, s->template.work.header);
	header.time = (uint32_t)now;
	chain_header_write(s->template.work.header, &header);
	pow_pool_publish(s->miners, &s->template.work);
	s->mining = true;
}

static void show_status(struct node_solo *s)
{
	struct node_status status = {
		.tip = s->tip,
		.hashes_per_second = pow_rate_get(&s->total, 0),
		.threads = s->options.plan->worker_count,
	};

	if (s->options.status)
		node_status_publish(s->options.status, &status);
}

/* The miners rest while a block is under way: their next one builds on it. */
static void rest(struct node_solo *s)
{
	pow_pool_publish(s->miners, NULL);
	s->mining = false;
}

static void fail(struct node_solo *s, int rc, const struct base_error *err)
{
	rest(s);
	s->rc = rc;
	s->err = *err;
	s->options.failed(s->options.failed_ctx);
}

static void refuse_own(struct node_solo *s, enum chain_verdict verdict)
{
	node_log(s->options.log, NODE_LOG_ERROR, "own_block_refused",
		 "a block of our own at height %u was refused: %s; please "
		 "report this",
		 s->tip.height.n + 1, chain_verdict_name(verdict));
	s->phase = IDLE;
}

static void commit(struct node_solo *s)
{
	const struct node_commit_request request = {.block = s->block,
						    .len = s->block_len,
						    .changes =
							    &s->scratch.changes,
						    .after = s->after};

	s->phase = COMMITTING;
	node_store_submit(s->store, &request);
}

/*~ 5. A block found: its coinbase with the finder's extranonce, wrapped and
 * judged by the same rules as anybody's block. Signatures that the pool has
 * seen are not looked at again; others go to the verify threads. */
static void take_found(struct node_solo *s, const struct pow_found *found)
{
	const struct chain_params *p = s->options.params;
	const struct chain_known known = node_txpool_known(s->options.pool);
	const struct chain_coins coins = store_coins(s->reader);
	struct chain_block_info info;
	enum chain_verdict verdict;

	s->block_len = node_template_block(s->block, p->max_block_bytes,
					   &s->template, found);
	verdict = chain_block_execute(&info, p, &s->tip, &coins, &known,
				      &s->scratch, s->block, s->block_len);
	if (verdict != CHAIN_OK) {
		refuse_own(s, verdict);
		return;
	}
	rest(s);
	s->after = s->tip;
	chain_context_append(&s->after, p, &info.header);
	if (s->scratch.check_count == 0) {
		commit(s);
		return;
	}
	s->phase = VERIFYING;
	s->signatures_good = true;
	s->verifying = node_verify_submit_block(
		s->verify, BLOCK_TAG, s->scratch.check, s->scratch.check_count);
}

static void take_verified(struct node_solo *s,
			  const struct node_verify_reply *reply)
{
	if (reply->tag < NODE_TXPOOL_FLIGHTS) {
		node_txpool_verified(s->options.pool, reply);
		return;
	}
	s->signatures_good = s->signatures_good && reply->valid;
	if (--s->verifying > 0)
		return;
	if (s->signatures_good)
		commit(s);
	else
		refuse_own(s, CHAIN_BAD_SIGNATURE);
}

static int get_nothing(void *ctx, struct chain_coin *out,
		       const struct chain_outpoint *at)
{
	(void)ctx;
	(void)out;
	(void)at;
	return -EIO;
}

static void drop_snapshot(struct node_solo *s)
{
	const struct chain_coins unreadable = {.get = get_nothing};

	if (s->reader)
		store_read_end(s->reader);
	s->reader = NULL;
	node_txpool_set_tip(s->options.pool, &unreadable, s->tip.height);
}

/* Looks at the coins of the tip from here on. */
static int take_snapshot(struct node_solo *s, struct base_error *err)
{
	struct chain_coins coins;
	int rc;

	drop_snapshot(s);
	rc = store_read_begin(&s->reader, s->options.store, err);
	if (rc < 0)
		return rc;
	coins = store_coins(s->reader);
	node_txpool_set_tip(s->options.pool, &coins, s->tip.height);
	return 0;
}

/*~ 6. On disk, hence final: the tip moves, its transactions leave the pool,
 * the world is told, and mining goes on above it. */
static void take_reply(struct node_solo *s,
		       const struct node_commit_reply *reply)
{
	struct base_error err;
	int rc = reply->rc;

	s->phase = IDLE;
	if (rc < 0) {
		fail(s, rc, &reply->err);
		return;
	}
	s->tip = s->after;
	rc = take_snapshot(s, &err);
	if (rc < 0) {
		fail(s, rc, &err);
		return;
	}
	node_txpool_final(s->options.pool, s->scratch.bytes, s->block,
			  s->block_len);
	show_status(s);
	node_log_block(s->options.log, s->tip.height, &s->tip.hash);
	build_work(s);
	publish(s);
}

static void sample_rates(struct node_solo *s, uint64_t now)
{
	struct pow_pool_stats stats;
	bool tell = now >= s->next_rate_ms;

	pow_pool_stats(&stats, s->miners);
	pow_rate_sample(&s->total, now, stats.hashes);
	for (uint32_t i = 0; i < stats.workers; i++) {
		pow_rate_sample(&s->worker[i], now,
				pow_pool_worker_hashes(s->miners, i));
		if (tell)
			node_log_rate(s->options.log, (int)i, 1, &s->worker[i]);
	}
	if (!tell)
		return;
	s->next_rate_ms = now + NODE_RATE_EVERY_MS;
	node_log_rate(s->options.log, -1, stats.workers, &s->total);
}

static void every_second(struct node_solo *s, uint64_t now)
{
	int64_t step = node_clock_step_ms(&s->clock);

	s->next_second_ms = now + SECOND_MS;
	if (step != 0) {
		node_log(s->options.log, NODE_LOG_WARN, "clock_step",
			 "the system clock moved by %.1f s; following it",
			 (double)step / SECOND_MS);
		node_clock_init(&s->clock);
	}
	sample_rates(s, now);
	show_status(s);
	node_txpool_set_time(s->options.pool,
			     node_clock_ms(&s->clock) / SECOND_MS);
	if (s->phase != IDLE || s->rc < 0)
		return;
	if (s->built_on != node_txpool_generation(s->options.pool))
		build_work(s);
	publish(s);
}

/* What came in by the rings. */
static void drain(struct node_solo *s)
{
	struct node_verify_reply verified;
	struct node_commit_reply committed;
	struct pow_found found;

	if (node_store_take(s->store, &committed))
		take_reply(s, &committed);
	while (node_verify_take(s->verify, &verified))
		take_verified(s, &verified);
	while (s->phase == IDLE && s->mining &&
	       pow_pool_take(s->miners, &found))
		take_found(s, &found);
	node_asks_run(s->options.asks, s->options.pool);
}

static void *solo_main(void *arg)
{
	struct node_solo *s = arg;

	(void)pthread_setname_np(pthread_self(), "consensus");
	build_work(s);
	publish(s);
	/* Ends on a stop once no block is under way; the store and the verify
	 * threads answer every request. Pairs with the release in
	 * node_solo_stop(). */
	while (s->phase != IDLE ||
	       !atomic_load_explicit(&s->stopping, memory_order_acquire)) {
		uint64_t now = node_monotonic_ms();

		if (now < s->next_second_ms) {
			node_wake_wait(&s->options.asks->wake,
				       (int)(s->next_second_ms - now));
			now = node_monotonic_ms();
		}
		drain(s);
		if (now >= s->next_second_ms)
			every_second(s, now);
	}
	return NULL;
}

static void wake_solo(void *ctx)
{
	const struct node_solo *s = ctx;

	node_wake_ring(&s->options.asks->wake);
}

static int allocate(struct node_solo *s, struct base_error *err)
{
	const uint32_t block_bytes = s->options.params->max_block_bytes;
	uint8_t salt[CHAIN_SALT_SIZE];

	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return base_fail(err, -EIO, "no random numbers: %s",
				 strerror(errno));
	s->memory = malloc(chain_scratch_size(block_bytes));
	s->block = malloc(block_bytes);
	s->worker = calloc(s->options.plan->worker_count, sizeof(*s->worker));
	if (!s->memory || !s->block || !s->worker ||
	    node_template_init(&s->template, block_bytes) < 0)
		return base_fail(err, -ENOMEM, "no memory for the node");
	chain_scratch_init(&s->scratch, s->memory, block_bytes, salt);
	pow_rate_init(&s->total);
	for (uint32_t i = 0; i < s->options.plan->worker_count; i++)
		pow_rate_init(&s->worker[i]);
	return 0;
}

static void free_solo(struct node_solo *s)
{
	if (s->miners)
		pow_pool_stop(s->miners);
	node_txpool_set_verify(s->options.pool, NULL);
	node_verify_stop(s->verify);
	node_store_stop(s->store);
	drop_snapshot(s);
	node_template_free(&s->template);
	free(s->memory);
	free(s->block);
	free(s->worker);
	free(s);
}

static int start_parts(struct node_solo *s, struct base_error *err)
{
	const struct pow_pool_options pool = {.backend = s->options.backend,
					      .plan = s->options.plan,
					      .wake = wake_solo,
					      .wake_ctx = s};
	const struct node_wake *wake = &s->options.asks->wake;
	int rc = allocate(s, err);

	if (rc == 0)
		rc = take_snapshot(s, err);
	if (rc == 0)
		rc = node_store_start(&s->store, s->options.store, wake, err);
	if (rc == 0)
		rc = node_verify_start(&s->verify, s->options.verify_threads,
				       wake, err);
	if (rc == 0)
		rc = pow_pool_start(&s->miners, &pool, err);
	if (rc < 0)
		return rc;
	node_txpool_set_verify(s->options.pool, s->verify);
	s->next_second_ms = node_monotonic_ms() + SECOND_MS;
	s->next_rate_ms = node_monotonic_ms() + NODE_RATE_EVERY_MS;
	rc = -pthread_create(&s->thread, NULL, solo_main, s);
	if (rc < 0)
		return base_fail(err, rc,
				 "cannot start the consensus thread: %s",
				 strerror(-rc));
	return 0;
}

int node_solo_start(struct node_solo **out,
		    const struct node_solo_options *options,
		    struct base_error *err)
{
	struct node_solo *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return base_fail(err, -ENOMEM, "no memory for the node");
	s->options = *options;
	s->tip = options->tip;
	node_clock_init(&s->clock);
	rc = start_parts(s, err);
	if (rc < 0) {
		free_solo(s);
		return rc;
	}
	*out = s;
	return 0;
}

int node_solo_stop(struct chain_context *tip, struct node_solo *s,
		   struct base_error *err)
{
	int rc;

	/* Pairs with the acquire in solo_main(). */
	atomic_store_explicit(&s->stopping, true, memory_order_release);
	node_wake_ring(&s->options.asks->wake);
	(void)pthread_join(s->thread, NULL);
	*tip = s->tip;
	rc = s->rc;
	if (rc < 0)
		*err = s->err;
	free_solo(s);
	return rc;
}
