/* SPDX-License-Identifier: MIT */
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/assert.h"
#include "chain/known.h"
#include "measure.h"
#include "node/verify_pool.h"
#include "store/store.h"

#define LIBRARY_CHECKS 2048
#define PATH_MAX_BYTES 4096
/* A transaction that makes coins, and one that sweeps them up again. */
#define FAN_OUTPUTS 16
#define SWEEP_INPUTS 100

struct path {
	struct path_options options;
	char dir[PATH_MAX_BYTES];
	struct ledger *ledger;
	struct chain_check *library; /* LIBRARY_CHECKS */
	struct store *store;
	struct node_wake bell;
	struct node_verify *one;
	struct node_verify *many;
	struct chain_scratch scratch;
	void *scratch_memory;
	struct chain_known_cache known;
	void *known_memory;
	long rss_anon_kb;
};

static int complain(const char *what, int rc)
{
	(void)fprintf(stderr, "validate: %s: %s\n", what, strerror(-rc));
	return rc;
}

static int complain_of(const struct base_error *err, int rc)
{
	(void)fprintf(stderr, "validate: %s\n", err->text);
	return rc;
}

static int open_store(struct path *p)
{
	struct store_options options = {.dir = p->dir};
	struct base_error err;
	int rc = store_open(&p->store, &options, &err);

	return rc ? complain_of(&err, rc) : 0;
}

/* The ledger's last block, executed, into the store. */
static int append(struct path *p, const struct ledger_block *b)
{
	const struct store_block block = {.data = b->data,
					  .len = b->len,
					  .after = *ledger_after(p->ledger),
					  .changes = &p->scratch.changes};
	struct base_error err;
	int rc = store_append(p->store, &block, &err);

	return rc ? complain_of(&err, rc) : 0;
}

static int execute(struct path *p, const struct ledger_block *b,
		   const struct chain_known *known)
{
	struct store_reader *reader;
	struct chain_block_info info;
	struct chain_coins coins;
	struct base_error err;
	enum chain_verdict v;
	int rc = store_read_begin(&reader, p->store, &err);

	if (rc)
		return complain_of(&err, rc);
	coins = store_coins(reader);
	v = chain_block_execute(&info, ledger_params(p->ledger),
				ledger_before(p->ledger), &coins, known,
				&p->scratch, b->data, b->len);
	store_read_end(reader);
	if (v != CHAIN_OK)
		(void)fprintf(stderr, "validate: block refused: %s\n",
			      chain_verdict_name(v));
	return v == CHAIN_OK ? 0 : -EBADMSG;
}

/* A block that nobody verifies. */
static int pass(struct path *p, const struct ledger_shape *shape)
{
	struct ledger_block b;
	int rc;

	ledger_next(&b, p->ledger, shape);
	rc = execute(p, &b, NULL);
	return rc ? rc : append(p, &b);
}

static int make_genesis(struct path *p)
{
	struct ledger_block b;
	struct base_error err;
	int rc;

	ledger_genesis(&b, p->ledger);
	chain_genesis_execute(&p->scratch, b.data, b.len);
	rc = store_init_chain(p->store, b.data, b.len, ledger_after(p->ledger),
			      &p->scratch.changes, &err);
	return rc ? complain_of(&err, rc) : 0;
}

static int make_coins(struct path *p)
{
	struct ledger_shape fan = {.inputs = 1, .outputs = FAN_OUTPUTS};
	int rc = make_genesis(p);

	while (!rc && ledger_coins(p->ledger) < p->options.coins) {
		uint32_t missing = p->options.coins - ledger_coins(p->ledger);

		fan.txs = (missing + FAN_OUTPUTS - 2) / (FAN_OUTPUTS - 1);
		rc = pass(p, &fan);
	}
	return rc;
}

static int make_scratch(struct path *p)
{
	static const uint8_t salt[CHAIN_SALT_SIZE] = {1};

	p->scratch_memory = malloc(chain_scratch_size(LEDGER_BLOCK_BYTES));
	p->known_memory =
		calloc(1, chain_known_cache_size(CHAIN_KNOWN_ENTRIES));
	if (!p->scratch_memory || !p->known_memory)
		return complain("memory", -ENOMEM);
	chain_scratch_init(&p->scratch, p->scratch_memory, LEDGER_BLOCK_BYTES,
			   salt);
	chain_known_cache_init(&p->known, p->known_memory, CHAIN_KNOWN_ENTRIES,
			       salt);
	return 0;
}

/* In a process of its own; what it leaves is the store and the ledger. */
static int prepare(struct path *p)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return complain("fork", -errno);
	if (child == 0) {
		int rc = make_scratch(p);

		if (!rc)
			rc = open_store(p);
		if (!rc)
			rc = make_coins(p);
		store_close(p->store);
		_exit(rc ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	if (waitpid(child, &status, 0) < 0)
		return complain("wait", -errno);
	return status == 0 ? 0 : -EIO;
}

static int start_threads(struct path *p)
{
	struct base_error err;
	int rc = node_wake_open(&p->bell);

	if (rc)
		return complain("eventfd", rc);
	rc = node_verify_start(&p->one, 1, &p->bell, &err);
	if (!rc)
		rc = node_verify_start(&p->many, p->options.threads, &p->bell,
				       &err);
	return rc ? complain_of(&err, rc) : 0;
}

static int make_ledger(struct path *p)
{
	size_t size = LIBRARY_CHECKS * sizeof(*p->library);

	p->ledger = ledger_create(p->options.coins);
	p->library = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p->library == MAP_FAILED)
		p->library = NULL;
	if (!p->ledger || !p->library)
		return complain("memory", -ENOMEM);
	ledger_checks(p->library, p->ledger, LIBRARY_CHECKS);
	return 0;
}

int path_open(struct path **out, const struct path_options *options)
{
	struct path *p = calloc(1, sizeof(*p));
	int rc = 0;

	if (!p)
		return complain("memory", -ENOMEM);
	p->options = *options;
	p->bell.fd = -1;
	(void)snprintf(p->dir, sizeof(p->dir), "%s/validate-XXXXXX",
		       options->dir);
	if (!mkdtemp(p->dir)) {
		rc = complain(p->dir, -errno);
		p->dir[0] = '\0';
	}
	if (!rc)
		rc = make_ledger(p);
	if (!rc)
		rc = prepare(p);
	if (!rc)
		rc = make_scratch(p);
	if (!rc)
		rc = open_store(p);
	if (!rc)
		rc = start_threads(p);
	if (rc) {
		path_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

static void remove_dir(const char *dir)
{
	static const char *const name[] = {"data.mdb", "lock.mdb"};
	char path[PATH_MAX_BYTES + 16];

	for (size_t i = 0; i < BASE_COUNT(name); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, name[i]);
		(void)unlink(path);
	}
	if (rmdir(dir) < 0)
		(void)complain(dir, -errno);
}

void path_close(struct path *p)
{
	node_verify_stop(p->one);
	node_verify_stop(p->many);
	node_wake_close(&p->bell);
	store_close(p->store);
	if (p->dir[0])
		remove_dir(p->dir);
	if (p->library)
		(void)munmap(p->library, LIBRARY_CHECKS * sizeof(*p->library));
	ledger_free(p->ledger);
	free(p->scratch_memory);
	free(p->known_memory);
	free(p);
}

double path_library_rate(struct path *p)
{
	uint64_t start = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t end;

	for (size_t i = 0; i < LIBRARY_CHECKS; i++) {
		const struct chain_check *c = &p->library[i];
		secp256k1_xonly_pubkey key;
		int ok = secp256k1_xonly_pubkey_parse(secp256k1_context_static,
						      &key, c->key) &&
			 secp256k1_schnorrsig_verify(
				 secp256k1_context_static, c->signature,
				 c->sighash.b, sizeof(c->sighash.b), &key);

		BASE_ASSERT(ok);
	}
	end = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return LIBRARY_CHECKS * 1e9 / (double)(end - start);
}

static int verify(struct path *p, struct node_verify *pool)
{
	uint32_t left = node_verify_submit_block(pool, 1, p->scratch.check,
						 p->scratch.check_count);
	bool valid = true;

	while (left > 0) {
		struct node_verify_reply reply;

		node_wake_wait(&p->bell, -1);
		while (node_verify_take(pool, &reply)) {
			valid = valid && reply.valid;
			left--;
		}
	}
	if (!valid)
		(void)fprintf(stderr, "validate: a signature is wrong\n");
	return valid ? 0 : -EBADMSG;
}

static void look_at_memory(struct path *p)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld kB", &kb) == 1 &&
		    kb > p->rss_anon_kb)
			p->rss_anon_kb = kb;
	if (f)
		(void)fclose(f);
}

/* Back to the number of coins there should be, but for less than the change
 * of one such transaction. */
static int sweep(struct path *p)
{
	struct ledger_shape sweep = {.inputs = SWEEP_INPUTS, .outputs = 1};
	struct ledger_shape fan = {.inputs = 1, .outputs = FAN_OUTPUTS};
	uint32_t have = ledger_coins(p->ledger);
	uint32_t want = p->options.coins;
	int rc = 0;

	sweep.txs = have > want ? (have - want) / (SWEEP_INPUTS - 1) : 0;
	fan.txs = have < want ? (want - have) / (FAN_OUTPUTS - 1) : 0;
	if (sweep.txs > 0)
		rc = pass(p, &sweep);
	if (fan.txs > 0 && !rc)
		rc = pass(p, &fan);
	return rc;
}

static void look_at_clocks(uint64_t *mine, uint64_t *wall, unsigned at)
{
	mine[at] = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	wall[at] = measure_clock_ns(CLOCK_MONOTONIC);
}

static int measured(struct path_sample *out, struct path *p,
		    struct node_verify *pool, const struct ledger_block *b)
{
	struct chain_known known = chain_known_of(&p->known);
	uint64_t cpu = measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t mine[4];
	uint64_t wall[4];
	int rc;

	look_at_clocks(mine, wall, 0);
	rc = execute(p, b, &known);
	look_at_clocks(mine, wall, 1);
	if (!rc)
		rc = verify(p, pool);
	look_at_clocks(mine, wall, 2);
	if (!rc)
		rc = append(p, b);
	look_at_clocks(mine, wall, 3);
	cpu = measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	*out = (struct path_sample){
		.cpu_ns = (double)cpu,
		.execute_ns = (double)(mine[1] - mine[0]),
		.append_ns = (double)(mine[3] - mine[2]),
		.wall_ns = (double)(wall[3] - wall[0]),
		.execute_wall_ns = (double)(wall[1] - wall[0]),
		.verify_wall_ns = (double)(wall[2] - wall[1]),
		.append_wall_ns = (double)(wall[3] - wall[2]),
		.bytes = b->len,
		.txs = b->txs,
		.inputs = b->inputs,
	};
	return rc;
}

int path_block(struct path_sample *out, struct path *p, uint32_t threads,
	       bool known)
{
	struct ledger_block b;
	int rc;

	ledger_next(&b, p->ledger, &p->options.shape);
	for (uint32_t i = 1; known && i <= b.txs; i++)
		chain_known_cache_add(&p->known, &b.wtxid[i]);
	rc = measured(out, p, threads == 1 ? p->one : p->many, &b);
	look_at_memory(p);
	return rc ? rc : sweep(p);
}

long path_rss_anon_kb(const struct path *p)
{
	return p->rss_anon_kb;
}
