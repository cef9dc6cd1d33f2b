/* SPDX-License-Identifier: MIT */
#include "node/solo.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "pow/pool_rate.h"
#include "pow/target.h"

#define SECOND_MS 1000

_Static_assert(CHAIN_COINBASE_BUILD_MAX <= POW_COINBASE_MAX,
	       "a coinbase fits into the work");
_Static_assert(CHAIN_EXTRANONCE_MIN == POW_EXTRANONCE_SIZE,
	       "the pool's extranonce is the coinbase's push");
_Static_assert(CHAIN_VERSION_ROLL == POW_VERSION_MASK,
	       "what the chain leaves free is what miners roll");

struct node_solo {
	struct node_solo_options options;
	struct chain_context tip;   /* committed */
	struct chain_context after; /* of the block being committed */
	bool committing;
	bool mining;	      /* work is published */
	bool waiting_told;    /* the clock is behind: said once */
	struct pow_work work; /* published last */
	struct chain_scratch scratch;
	void *memory;	/* of the scratch */
	uint8_t *block; /* the one found, until it is committed */
	size_t block_len;
	struct node_clock clock;
	uint64_t next_second_ms; /* monotonic */
	uint64_t next_rate_ms;
	struct pow_rate total;
	struct pow_rate *worker; /* plan->worker_count of them */
	struct node_wake wake;
	struct node_store_thread *store;
	struct pow_pool *pool;
	pthread_t thread;
	_Atomic bool stopping;
	int rc; /* why the thread ended; read after the join */
	struct base_error err;
};

/*~ 3. A template: the coinbase of the next height, with a place for each
 * worker's extranonce, under a header that lacks only what miners find. */
static void build_work(struct node_solo *s)
{
	const struct chain_params *p = s->options.params;
	const struct base_hash no_transactions = {{0}};
	struct chain_header header = {.version = CHAIN_VERSION,
				      .prev = s->tip.hash};
	struct chain_coinbase coinbase = {
		.height = {s->tip.height.n + 1},
		.sender = s->options.sender,
	};
	struct base_u256 target;
	size_t at;
	int rc;

	header.bits = chain_context_next_bits(&s->tip, p);
	memcpy(coinbase.key, s->options.payout_key, sizeof(coinbase.key));
	coinbase.value = chain_subsidy(p, coinbase.height);
	/* The coinbase alone: its own witness id counts as zeros. */
	chain_witness_commitment(&coinbase.witness_commitment,
				 &no_transactions);
	memset(&s->work, 0, sizeof(s->work));
	s->work.id = coinbase.height.n;
	s->work.coinbase_len = (uint32_t)chain_coinbase_build(
		s->work.coinbase, sizeof(s->work.coinbase), &at, &coinbase);
	s->work.extranonce_at = (uint32_t)at;
	s->work.version_mask = POW_VERSION_MASK;
	rc = pow_target_from_bits(&target, header.bits);
	BASE_ASSERT(rc == 0);
	base_u256_to_hash(&s->work.target, &target);
	chain_header_write(s->work.header, &header);
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
			pow_pool_publish(s->pool, NULL);
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
	chain_header_read(&header, s->work.header);
	header.time = (uint32_t)now;
	chain_header_write(s->work.header, &header);
	pow_pool_publish(s->pool, &s->work);
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

static void fail(struct node_solo *s, int rc, const struct base_error *err)
{
	pow_pool_publish(s->pool, NULL);
	s->mining = false;
	s->rc = rc;
	s->err = *err;
	s->options.failed(s->options.failed_ctx);
}

/*~ 5. A block found: its coinbase with the finder's extranonce, wrapped and
 * judged by the same rules as anybody's block, then sent to the disk. The
 * miners rest until it is there, for their next block builds on it. */
static void take_found(struct node_solo *s, const struct pow_found *found)
{
	const struct chain_params *p = s->options.params;
	struct chain_block_info info;
	struct node_commit_request request;
	enum chain_verdict verdict;
	uint8_t coinbase[POW_COINBASE_MAX];

	memcpy(coinbase, s->work.coinbase, s->work.coinbase_len);
	memcpy(coinbase + s->work.extranonce_at, found->extranonce,
	       sizeof(found->extranonce));
	s->block_len = chain_block_assemble(s->block, p->max_block_bytes,
					    found->header, coinbase,
					    s->work.coinbase_len, NULL, 0, 0);
	verdict = chain_block_validate(&info, p, &s->tip, &chain_coins_empty,
				       &s->scratch, s->block, s->block_len);
	if (verdict != CHAIN_OK) {
		node_log(s->options.log, NODE_LOG_ERROR, "own_block_refused",
			 "a block of our own at height %u was refused: %s; "
			 "please report this",
			 s->tip.height.n + 1, chain_verdict_name(verdict));
		return;
	}
	pow_pool_publish(s->pool, NULL);
	s->mining = false;
	s->after = s->tip;
	chain_context_append(&s->after, p, &info.header);
	request = (struct node_commit_request){
		.block = s->block, .len = s->block_len, .after = s->after};
	s->committing = true;
	node_store_submit(s->store, &request);
}

/*~ 6. On disk, hence final: the tip moves, the world is told, and mining
 * goes on above it. */
static void take_reply(struct node_solo *s,
		       const struct node_commit_reply *reply)
{
	s->committing = false;
	if (reply->rc < 0) {
		fail(s, reply->rc, &reply->err);
		return;
	}
	s->tip = s->after;
	show_status(s);
	node_log_block(s->options.log, s->tip.height, &s->tip.hash);
	build_work(s);
	publish(s);
}

static void sample_rates(struct node_solo *s, uint64_t now)
{
	struct pow_pool_stats stats;
	bool tell = now >= s->next_rate_ms;

	pow_pool_stats(&stats, s->pool);
	pow_rate_sample(&s->total, now, stats.hashes);
	for (uint32_t i = 0; i < stats.workers; i++) {
		pow_rate_sample(&s->worker[i], now,
				pow_pool_worker_hashes(s->pool, i));
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
	if (!s->committing && s->rc == 0)
		publish(s);
}

static void *solo_main(void *arg)
{
	struct node_solo *s = arg;

	(void)pthread_setname_np(pthread_self(), "consensus");
	build_work(s);
	publish(s);
	/* Ends on a stop once no commit is outstanding; the store answers
	 * every request. Pairs with the release in node_solo_stop(). */
	while (s->committing ||
	       !atomic_load_explicit(&s->stopping, memory_order_acquire)) {
		uint64_t now = node_monotonic_ms();
		struct node_commit_reply reply;
		struct pow_found found;

		if (now < s->next_second_ms) {
			node_wake_wait(&s->wake,
				       (int)(s->next_second_ms - now));
			now = node_monotonic_ms();
		}
		if (node_store_take(s->store, &reply))
			take_reply(s, &reply);
		while (!s->committing && s->mining &&
		       pow_pool_take(s->pool, &found))
			take_found(s, &found);
		if (now >= s->next_second_ms)
			every_second(s, now);
	}
	return NULL;
}

static void wake_solo(void *ctx)
{
	const struct node_solo *s = ctx;

	node_wake_ring(&s->wake);
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
	if (!s->memory || !s->block || !s->worker)
		return base_fail(err, -ENOMEM, "no memory for the node");
	chain_scratch_init(&s->scratch, s->memory, block_bytes, salt);
	pow_rate_init(&s->total);
	for (uint32_t i = 0; i < s->options.plan->worker_count; i++)
		pow_rate_init(&s->worker[i]);
	return 0;
}

static void free_solo(struct node_solo *s)
{
	if (s->pool)
		pow_pool_stop(s->pool);
	node_store_stop(s->store);
	node_wake_close(&s->wake);
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
	int rc = node_wake_open(&s->wake);

	if (rc < 0)
		return base_fail(err, rc, "cannot make an eventfd: %s",
				 strerror(-rc));
	rc = allocate(s, err);
	if (rc == 0)
		rc = node_store_start(&s->store, s->options.store, &s->wake,
				      err);
	if (rc == 0)
		rc = pow_pool_start(&s->pool, &pool, err);
	if (rc < 0)
		return rc;
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
	s->wake.fd = -1;
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
	node_wake_ring(&s->wake);
	(void)pthread_join(s->thread, NULL);
	*tip = s->tip;
	rc = s->rc;
	if (rc < 0)
		*err = s->err;
	free_solo(s);
	return rc;
}
