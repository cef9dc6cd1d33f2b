/* SPDX-License-Identifier: MIT */
/*
 * The threads of a one-member network over a real store: blocks are found,
 * validated and committed, and the chain verifies afterwards. Small enough
 * for ThreadSanitizer.
 */
#include "test.h"

#include "folder.h"

#include "node/consensus.h"
#include "node/genesis.h"
#include "node/network_file.h"
#include "pow/pool_topo.h"

#include <errno.h>
#include <unistd.h>

#define BLOCKS 3
#define WAIT_MS 60000
#define MAP_BYTES (UINT64_C(64) << 20) /* TSan leaves no room for a TiB */

struct fixture {
	char folder[64];
	struct node_config config;
	struct node_datadir datadir;
	struct node_keys keys;
	struct node_chain chain;
	struct ds_committee committee;
	struct store *store;
	struct chain_context tip;
	struct pow_topo topo;
	struct pow_plan plan;
	struct node_log *log;
	struct node_asks asks;
	struct node_txpool *pool;
	int pipes[2];
	struct base_error err;
};

static int set_up(void **state)
{
	static struct fixture f;
	struct node_log_options log = {.json = true, .level = NODE_LOG_INFO};
	struct pow_plan_request request = {.threads = 2};
	char path[NODE_PATH_MAX];

	*state = &f;
	f.config.db_map = MAP_BYTES;
	(void)strcpy(f.folder, "/tmp/minerd-consensus-XXXXXX");
	if (!mkdtemp(f.folder) || pipe(f.pipes) < 0)
		return -1;
	log.fd = f.pipes[1];
	if (node_datadir_open(&f.datadir, f.folder, &f.err) < 0 ||
	    node_keys_load(&f.keys, &f.datadir, true, NULL, &f.err) < 0 ||
	    node_chain_path(path, &f.config, &f.datadir, &f.err) < 0 ||
	    node_chain_create(path, &f.keys, 1000, 1, &f.err) < 0 ||
	    node_chain_load(&f.chain, path, &f.err) < 0 ||
	    node_chain_open(&f.store, &f.tip, &f.chain, &f.config, &f.datadir,
			    false, &f.err) < 0 ||
	    pow_topo_read(&f.topo, NULL, &f.err) < 0 ||
	    pow_plan_make(&f.plan, &f.topo, &request) < 0 ||
	    node_asks_open(&f.asks) < 0 ||
	    node_txpool_open(&f.pool, &f.chain.params, CHAIN_MEMPOOL_BYTES_MIN,
			     &f.err) < 0 ||
	    node_log_start(&f.log, &log, &f.err) < 0) {
		print_message("# %s\n", f.err.text);
		return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	node_log_stop(f->log);
	(void)close(f->pipes[0]);
	(void)close(f->pipes[1]);
	node_txpool_close(f->pool);
	node_asks_close(&f->asks);
	store_close(f->store);
	node_datadir_close(&f->datadir);
	return test_remove_folder(f->folder);
}

static void no_failure(void *ctx)
{
	(void)ctx;
	fail_msg("the node failed");
}

static struct node_consensus_options options_of(struct fixture *f)
{
	struct node_consensus_options options;

	ds_committee_init(&f->committee, &f->chain.params,
			  &f->chain.genesis_hash, 0);
	options = (struct node_consensus_options){
		.params = &f->chain.params,
		.committee = &f->committee,
		.signing_secret = f->keys.signing_secret,
		.tip = f->tip,
		.store = f->store,
		.pool = f->pool,
		.asks = &f->asks,
		.verify_threads = 1,
		.log = f->log,
		.plan = &f->plan,
		.backend = pow_backend_find("scalar"),
		.failed = no_failure,
	};

	memcpy(options.payout_key, f->keys.signing_public,
	       sizeof(options.payout_key));
	return options;
}

/* Reads log lines until @blocks of them are blocks. */
static void wait_blocks(struct fixture *f, int blocks)
{
	struct pollfd p = {.fd = f->pipes[0], .events = POLLIN};
	char text[8192];

	while (blocks > 0) {
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = read(p.fd, text, sizeof(text) - 1);
		assert_true(n > 0);
		text[n] = '\0';
		for (char *at = text; (at = strstr(at, "\"block\"")); at++)
			blocks--;
	}
}

static void blocks_are_mined_and_verify(void **state)
{
	struct fixture *f = *state;
	struct node_consensus_options options = options_of(f);
	static struct node_status_board board;
	static struct ds_rounds_view rounds;
	struct node_status s = {.tip = f->tip};
	struct chain_context verified;
	struct node_consensus *node;

	node_status_init(&board, &s);
	assert_int_equal(node_status_open_rounds(&board), 0);
	options.status = &board;
	assert_int_equal(node_consensus_start(&node, &options, &f->err), 0);
	wait_blocks(f, BLOCKS);
	assert_int_equal(node_consensus_stop(&f->tip, node, &f->err), 0);
	assert_true(f->tip.height.n >= BLOCKS);
	assert_int_equal(store_verify(&verified, f->store, &f->chain.params,
				      f->chain.genesis, f->chain.genesis_len,
				      NULL, NULL, &f->err),
			 0);
	assert_int_equal(verified.height.n, f->tip.height.n);
	assert_true(base_hash_equal(&verified.hash, &f->tip.hash));
	node_status_read(&s, &board);
	assert_int_equal(s.mode, DS_ACTIVE);
	assert_true(s.ticking && s.tick.n > BLOCKS && s.self == 1);
	assert_true(s.beats.heard == 1 && s.beats.agree == 1);
	assert_true(s.late_minute_ms <= s.late_ms);
	assert_int_equal(s.tick_ms,
			 f->chain.params.genesis_time_ms +
				 s.tick.n * f->chain.params.delta_ms);
	assert_true(node_status_read_rounds(&rounds, &board));
	assert_true(rounds.tick.n >= s.tick.n);
	assert_int_equal(rounds.rounds, 1);
	node_status_close(&board);
}

static void stopping_at_once_is_clean(void **state)
{
	struct fixture *f = *state;
	struct node_consensus_options options = options_of(f);

	for (int i = 0; i < 5; i++) {
		struct node_consensus *node;

		options.tip = f->tip;
		assert_int_equal(node_consensus_start(&node, &options, &f->err),
				 0);
		assert_int_equal(node_consensus_stop(&f->tip, node, &f->err),
				 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_are_mined_and_verify),
		cmocka_unit_test(stopping_at_once_is_clean),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
