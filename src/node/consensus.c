/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/consensus_internal.h"

static int get_nothing(void *ctx, struct chain_coin *out,
		       const struct chain_outpoint *at)
{
	(void)ctx;
	(void)out;
	(void)at;
	return -EIO;
}

static void drop_snapshot(struct node_consensus *c)
{
	const struct chain_coins unreadable = {.get = get_nothing};

	if (c->reader)
		store_read_end(c->reader);
	c->reader = NULL;
	node_txpool_set_tip(c->options.pool, &unreadable, c->final.height);
}

int node_consensus_snapshot(struct node_consensus *c, struct base_error *err)
{
	struct chain_coins coins;
	int rc;

	drop_snapshot(c);
	rc = store_read_begin(&c->reader, c->options.store, err);
	if (rc < 0)
		return rc;
	coins = store_coins(c->reader);
	node_txpool_set_tip(c->options.pool, &coins, c->final.height);
	return 0;
}

/* The state machine keeps one way to the coins while snapshots move on. */
static int get_coin(void *ctx, struct chain_coin *out,
		    const struct chain_outpoint *at)
{
	const struct node_consensus *c = ctx;
	struct chain_coins coins;

	if (!c->reader)
		return -EIO;
	coins = store_coins(c->reader);
	return coins.get(coins.ctx, out, at);
}

void node_consensus_fail(struct node_consensus *c, int rc,
			 const struct base_error *err)
{
	if (c->rc < 0) /* said already */
		return;
	c->rc = rc;
	c->err = *err;
	node_mine_on(c, NULL);
	c->options.failed(c->options.failed_ctx);
}

/* Time for the state machine: it never runs back. */
void node_consensus_look_at_clock(struct node_consensus *c)
{
	uint64_t now = node_clock_ms(&c->clock);
	uint64_t due = c->ds ? ds_next_tick_ms(c->ds) : UINT64_MAX;

	if (now > c->now)
		c->now = now;
	if (c->now >= due)
		node_lateness_note(&c->late, c->now - due);
}

/* R0. */
static void run_ticks(struct node_consensus *c)
{
	node_consensus_look_at_clock(c);
	if (c->now < ds_next_tick_ms(c->ds))
		return;
	ds_advance(c->ds, c->now);
	node_consensus_act(c);
	node_consensus_show(c);
}

/* Time went on without us: what was agreed meanwhile is learnt anew. */
static void follow_clock(struct node_consensus *c, int64_t step)
{
	if (node_clock_slept_ms(&c->clock) >= NODE_CLOCK_STEP_MS)
		node_log(c->options.log, NODE_LOG_WARN, "clock_step",
			 "the machine slept for %.1f s; catching up",
			 (double)step / SECOND_MS);
	else
		node_log(c->options.log, NODE_LOG_WARN, "clock_step",
			 "the system clock moved by %.1f s; following it",
			 (double)step / SECOND_MS);
	ds_clock_anomaly(c->ds, c->now);
	node_consensus_act(c);
	node_clock_init(&c->clock);
	/* Not by looking at the clock: no tick of these was late. */
	c->now = node_clock_ms(&c->clock);
	ds_advance(c->ds, c->now);
	node_consensus_act(c);
}

/* The state machine's time never runs back: it begins anew. */
static void clock_ran_back(struct node_consensus *c, int64_t step)
{
	struct base_error err;
	int rc = base_fail(&err, -ERESTART,
			   "the system clock was set back by %.1f s",
			   (double)-step / SECOND_MS);

	node_log(c->options.log, NODE_LOG_WARN, "clock_step",
		 "%s; beginning anew from what is on disk", err.text);
	ds_clock_anomaly(c->ds, c->now);
	node_consensus_act(c);
	node_consensus_fail(c, rc, &err);
}

static void every_second(struct node_consensus *c, uint64_t monotonic)
{
	int64_t step = node_clock_step_ms(&c->clock);

	c->next_second_ms = monotonic + SECOND_MS;
	if (step > 0)
		follow_clock(c, step);
	else if (step < 0 && c->rc == 0)
		clock_ran_back(c, step);
	node_lateness_second(&c->late);
	node_txpool_set_time(c->options.pool, c->now / SECOND_MS);
	if (c->rc == 0)
		node_mine_every_second(c, monotonic);
	node_consensus_tell_sync(c, monotonic);
	node_consensus_show(c);
}

/* What came in by the rings. */
static void drain(struct node_consensus *c)
{
	struct node_verify_reply verified;
	struct node_written written;

	while (node_store_take(c->store, &written))
		node_consensus_written(c, &written);
	while (node_verify_take(c->verify, &verified))
		node_consensus_verified(c, &verified);
	node_net_take(c);
	if (c->rc == 0)
		node_mine_take(c);
	node_asks_run(c->options.asks, c->options.pool);
}

static int time_to_wait(const struct node_consensus *c)
{
	uint64_t due = ds_next_tick_ms(c->ds);
	uint64_t monotonic = node_monotonic_ms();
	uint64_t now = node_clock_ms(&c->clock);
	uint64_t wait = 0;

	if (c->net_waits)
		return 0;
	if (monotonic < c->next_second_ms)
		wait = c->next_second_ms - monotonic;
	if (c->rc < 0) /* no tick runs any more */
		return (int)wait;
	if (due <= now)
		return 0;
	return (int)(due - now < wait ? due - now : wait);
}

static void *consensus_main(void *arg)
{
	struct node_consensus *c = arg;

	(void)pthread_setname_np(pthread_self(), "consensus");
	node_consensus_act(c);
	/* Ends on a stop once nothing is on its way to the disk; the store
	 * answers every write. Pairs with the release in
	 * node_consensus_stop(). */
	while (c->writes > 0 ||
	       !atomic_load_explicit(&c->stopping, memory_order_acquire)) {
		int wait = time_to_wait(c);

		if (wait > 0)
			node_wake_wait(&c->options.asks->wake, wait);
		if (c->rc == 0)
			run_ticks(c);
		drain(c);
		if (node_monotonic_ms() >= c->next_second_ms)
			every_second(c, node_monotonic_ms());
	}
	return NULL;
}

/* What the store knows of the member that this node is. */
static int read_boot(struct ds_boot *boot, struct ds_cert *cert,
		     struct ds_vote *vote, struct node_consensus *c,
		     struct base_error *err)
{
	struct base_height known;
	struct store_member m;
	const uint8_t *bytes;
	size_t len;
	int rc = store_cert_at(&bytes, &len, c->reader, c->final.height);

	*boot = (struct ds_boot){.final = c->final};
	if (rc == 0 &&
	    ds_cert_read(cert, c->options.committee, bytes, len) == 0)
		boot->cert = cert;
	else if (rc != -ENOENT)
		return base_fail(err, -EBADMSG,
				 "the certificate of height %u is damaged; "
				 "restore the chain from a backup",
				 c->final.height.n);
	rc = store_member(&m, c->reader);
	if (rc == 0 && m.vote) {
		rc = ds_vote_read(vote, c->options.committee, m.vote,
				  m.vote_len);
		boot->vote = vote;
		boot->vote_block = m.vote_block;
		boot->vote_block_len = m.vote_block_len;
	}
	if (rc < 0)
		return base_fail(err, -EBADMSG,
				 "what this member signed last is damaged in "
				 "the chain's store; restore it from a backup");
	/* Of a block below F, F is what follows from it. */
	if (c->options.trusted &&
	    store_height_of(&known, c->reader, c->options.trusted) < 0)
		boot->trusted = c->options.trusted;
	boot->has_proposed = m.has_proposed;
	boot->last_proposed = m.proposed;
	return 0;
}

static int make_ds(struct node_consensus *c, struct base_error *err)
{
	struct ds_options o = {
		.committee = c->options.committee,
		.params = c->options.params,
		.self = c->options.self,
		.ledger = {.coins = {.get = get_coin, .ctx = c},
			   .known = node_txpool_known(c->options.pool)},
	};
	struct ds_boot boot;
	struct ds_cert cert;
	struct ds_vote vote;
	size_t size = ds_memory(&o);
	int rc = read_boot(&boot, &cert, &vote, c, err);

	if (rc < 0)
		return rc;
	if (size == 0)
		return base_fail(err, -ENOTSUP,
				 "the blocks in flight of this network would "
				 "take more than %" PRIu64 " MiB; lower "
				 "max_block_bytes in its network file",
				 DS_BODIES_MAX_BYTES >> 20);
	if (getrandom(o.salt, sizeof(o.salt), 0) != sizeof(o.salt))
		return base_fail(err, -EIO, "no random numbers: %s",
				 strerror(errno));
	if (c->signer)
		o.signer = node_signer_of(c->signer);
	c->memory = aligned_alloc(64, (size + 63) / 64 * 64);
	if (!c->memory)
		return base_fail(err, -ENOMEM, "no memory for consensus");
	node_consensus_look_at_clock(c);
	c->ds = ds_init(c->memory, &o, &boot, c->now);
	return 0;
}

static void free_all(struct node_consensus *c)
{
	c->options.asks->consensus = NULL;
	node_mine_close(c);
	node_txpool_set_verify(c->options.pool, NULL);
	node_txpool_set_accepted(c->options.pool, NULL, NULL);
	node_verify_stop(c->verify);
	node_store_stop(c->store);
	drop_snapshot(c);
	node_signer_close(c->signer);
	free(c->memory);
	free(c->bytes);
	free(c);
}

static int start_parts(struct node_consensus *c, struct base_error *err)
{
	const struct node_wake *wake = &c->options.asks->wake;
	int rc = 0;

	c->bytes = malloc(c->options.params->max_block_bytes);
	if (!c->bytes)
		return base_fail(err, -ENOMEM, "no memory for a block");
	if (c->options.signing_secret)
		rc = node_signer_open(&c->signer, c->options.signing_secret,
				      err);
	if (rc == 0)
		rc = node_consensus_snapshot(c, err);
	if (rc == 0)
		rc = make_ds(c, err);
	if (rc == 0)
		rc = node_store_start(&c->store, c->options.store, wake, err);
	if (rc == 0)
		rc = node_verify_start(&c->verify, c->options.verify_threads,
				       wake, err);
	if (rc == 0)
		rc = node_mine_open(c, err);
	if (rc < 0)
		return rc;
	node_txpool_set_verify(c->options.pool, c->verify);
	node_net_open(c);
	/* Whoever asks is started later. */
	c->options.asks->consensus = c;
	c->next_second_ms = node_monotonic_ms() + SECOND_MS;
	rc = -pthread_create(&c->thread, NULL, consensus_main, c);
	if (rc < 0)
		return base_fail(err, rc,
				 "cannot start the consensus thread: %s",
				 strerror(-rc));
	return 0;
}

int node_consensus_start(struct node_consensus **out,
			 const struct node_consensus_options *options,
			 struct base_error *err)
{
	struct node_consensus *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return base_fail(err, -ENOMEM, "no memory for the node");
	c->options = *options;
	c->final = options->tip;
	node_clock_init(&c->clock);
	rc = start_parts(c, err);
	if (rc < 0) {
		free_all(c);
		return rc;
	}
	*out = c;
	return 0;
}

int node_consensus_stop(struct chain_context *tip, struct node_consensus *c,
			struct base_error *err)
{
	int rc;

	/* Pairs with the acquire in consensus_main(). */
	atomic_store_explicit(&c->stopping, true, memory_order_release);
	node_wake_ring(&c->options.asks->wake);
	(void)pthread_join(c->thread, NULL);
	*tip = c->final;
	rc = c->rc;
	if (rc < 0)
		*err = c->err;
	else if (c->mode == DS_HALT)
		rc = base_fail(err, -EUCLEAN,
			       "stopped in a HALT: certificates contradict "
			       "each other or this chain; compare the chains "
			       "of all members before any starts again");
	free_all(c);
	return rc;
}
