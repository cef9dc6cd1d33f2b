/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "pow/pool.h"
#include "pow/pool_cursor.h"
#include "pow/target.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

/* Idle-priority threads on a busy machine may wait long for their turn. */
#define PATIENCE_S 120
#define LOOPS_MAX 100000000u

#define PUBLISHES 10000u

static struct base_error err;
static sem_t hits;

static void wake(void *ctx)
{
	(void)sem_post(ctx);
}

/* Every field follows from @id; one hash in @hashes is a hit. */
static void make_work(struct pow_work *work, uint64_t id, uint64_t hashes)
{
	struct base_prng prng = base_prng_init(id);
	struct base_u256 target = pow_target_for_hashes(hashes);

	memset(work, 0, sizeof(*work));
	work->id = id;
	base_prng_fill(&prng, work->header, sizeof(work->header));
	work->version_mask =
		base_prng_below(&prng, 2) ? POW_VERSION_MASK : 0x00006000;
	base_u256_to_hash(&work->target, &target);
	work->coinbase_len =
		60 + (uint32_t)base_prng_below(&prng, POW_COINBASE_MAX - 60);
	base_prng_fill(&prng, work->coinbase, work->coinbase_len);
	work->extranonce_at = (uint32_t)base_prng_below(
		&prng, work->coinbase_len - POW_EXTRANONCE_SIZE + 1);
	work->branch_len = (uint32_t)base_prng_below(&prng, 5);
	for (uint32_t i = 0; i < work->branch_len; i++)
		base_prng_fill(&prng, work->branch[i].b, 32);
}

/* The header that @work with @extranonce has, but version and nonce. */
static void make_header(uint8_t *header, const struct pow_work *work,
			const uint8_t *extranonce)
{
	uint8_t coinbase[POW_COINBASE_MAX];
	uint8_t pair[64];
	struct base_hash root;

	memcpy(coinbase, work->coinbase, sizeof(coinbase));
	memcpy(coinbase + work->extranonce_at, extranonce, POW_EXTRANONCE_SIZE);
	pow_sha256d(&root, coinbase, work->coinbase_len);
	for (uint32_t i = 0; i < work->branch_len; i++) {
		memcpy(pair, root.b, 32);
		memcpy(pair + 32, work->branch[i].b, 32);
		pow_sha256d(&root, pair, sizeof(pair));
	}
	memcpy(header, work->header, POW_HEADER_SIZE);
	memcpy(header + 36, root.b, 32);
}

static void check_hit(const struct pow_found *f, const struct pow_work *work)
{
	struct base_u256 target = base_u256_from_hash(&work->target);
	uint32_t version = base_load_le32(f->header);
	uint8_t want[POW_HEADER_SIZE];
	struct base_hash hash;

	assert_true(f->work_id == work->id);
	assert_int_equal(base_load_le32(f->extranonce), f->worker);
	make_header(want, work, f->extranonce);
	assert_int_equal((version ^ base_load_le32(want)) & ~work->version_mask,
			 0);
	assert_memory_equal(f->header + 4, want + 4, 72);
	pow_sha256d(&hash, f->header, sizeof(f->header));
	assert_memory_equal(hash.b, f->hash.b, 32);
	assert_true(pow_target_met(&target, &hash));
}

static struct pow_pool *start(const struct minerd_pow_backend *backend,
			      uint32_t workers, uint32_t cpus)
{
	static struct pow_plan plan;
	struct pow_pool_options options = {
		.backend = backend,
		.plan = &plan,
		.wake = wake,
		.wake_ctx = &hits,
	};
	struct pow_pool *pool;

	memset(&plan, 0, sizeof(plan));
	plan.worker_count = workers;
	for (uint32_t i = 0; i < workers; i++)
		plan.cpu[i] = i % cpus;
	assert_int_equal(sem_init(&hits, 0, 0), 0);
	assert_int_equal(pow_pool_start(&pool, &options, &err), 0);
	memset(&plan, 0xff, sizeof(plan)); /* it was copied */
	return pool;
}

static const struct minerd_pow_backend *scalar(void)
{
	const struct minerd_pow_backend *b = pow_backend_find("scalar");

	assert_non_null(b);
	return b;
}

static void wait_hit(struct pow_found *out, struct pow_pool *pool)
{
	struct timespec until;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_sec += PATIENCE_S;
	for (uint32_t i = 0; i < LOOPS_MAX; i++) {
		if (pow_pool_take(pool, out))
			return;
		assert_int_equal(sem_timedwait(&hits, &until), 0);
	}
	fail();
}

static void pause_ms(long ms)
{
	struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000};

	(void)nanosleep(&t, NULL);
}

/* Polls until a statistic, given by its place, is at least @least. */
static uint64_t wait_stat(const struct pow_pool *pool, size_t offset,
			  uint64_t least)
{
	struct pow_pool_stats stats;
	uint64_t value;

	for (uint32_t i = 0; i < PATIENCE_S * 1000; i++) {
		pow_pool_stats(&stats, pool);
		memcpy(&value, (const char *)&stats + offset, sizeof(value));
		if (value >= least)
			return value;
		pause_ms(1);
	}
	fail();
	return 0;
}

#define WAIT_STAT(pool, field, least) \
	wait_stat(pool, offsetof(struct pow_pool_stats, field), least)

static int compare_headers(const void *a, const void *b)
{
	return memcmp(a, b, POW_HEADER_SIZE);
}

static void every_hit_is_one_and_none_comes_twice(void **state)
{
	enum { ENOUGH = 2000, MOST = 100000 };
	uint8_t(*headers)[POW_HEADER_SIZE] = calloc(MOST, POW_HEADER_SIZE);
	struct pow_pool *pool = start(scalar(), 2, 2);
	struct pow_pool_stats stats;
	uint32_t by[2] = {0};
	struct pow_work work;
	uint32_t n = 0;

	(void)state;
	assert_non_null(headers);
	make_work(&work, 1, 50);
	pow_pool_publish(pool, &work);
	while (n < MOST && (n < ENOUGH || by[0] == 0 || by[1] == 0)) {
		struct pow_found found;

		wait_hit(&found, pool);
		check_hit(&found, &work);
		assert_in_range(found.worker, 0, 1);
		by[found.worker]++;
		memcpy(headers[n++], found.header, POW_HEADER_SIZE);
	}
	assert_true(by[0] > 0 && by[1] > 0);
	qsort(headers, n, POW_HEADER_SIZE, compare_headers);
	for (uint32_t i = 1; i < n; i++)
		assert_int_not_equal(
			compare_headers(headers[i - 1], headers[i]), 0);
	pow_pool_stats(&stats, pool);
	assert_int_equal(stats.workers, 2);
	assert_int_equal(stats.wrong, 0);
	assert_int_equal(stats.stale, 0);
	assert_int_equal(stats.pickups, 2);
	free(headers);
	pow_pool_publish(pool, NULL);
	(void)WAIT_STAT(pool, pickups, 4); /* counters stand still */
	pow_pool_stats(&stats, pool);
	assert_true(stats.hashes >= n);
	assert_true(pow_pool_worker_hashes(pool, 0) > 0);
	assert_true(pow_pool_worker_hashes(pool, 0) +
			    pow_pool_worker_hashes(pool, 1) ==
		    stats.hashes);
	assert_true(pow_pool_worker_cpu_ns(pool, 0) +
			    pow_pool_worker_cpu_ns(pool, 1) ==
		    stats.cpu_ns);
	assert_true(stats.batch_max_ns <= stats.cpu_ns);
	pow_pool_stop(pool);
}

/* Every hash is a hit: the ring keeps the first ones, in order and without
 * a gap, and the rest is counted. */
static void a_full_ring_keeps_the_oldest(void **state)
{
	struct pow_pool *pool = start(scalar(), 1, 1);
	struct pow_found found;
	struct pow_work work;

	(void)state;
	make_work(&work, 2, 1);
	work.version_mask = 0;
	pow_pool_publish(pool, &work);
	(void)WAIT_STAT(pool, overflow, 1);
	for (uint32_t i = 0; i < POW_POOL_FOUND_DEPTH; i++) {
		assert_true(pow_pool_take(pool, &found));
		check_hit(&found, &work);
		assert_int_equal(base_load_le32(found.header + 76), i);
		assert_int_equal(base_load_le32(found.extranonce + 4), 0);
	}
	pow_pool_stop(pool);
}

static void pause_and_resume(void **state)
{
	struct pow_pool *pool = start(scalar(), 2, 2);
	struct pow_found found;
	struct pow_work work;
	uint64_t stopped_at, stale;

	(void)state;
	assert_false(pow_pool_take(pool, &found));
	make_work(&work, 3, 20);
	pow_pool_publish(pool, &work);
	(void)WAIT_STAT(pool, pickups, 2);
	wait_hit(&found, pool);
	(void)WAIT_STAT(pool, overflow, 1);
	pow_pool_publish(pool, NULL);
	/* The ring was full but for the one hit taken. */
	assert_false(pow_pool_take(pool, &found));
	stale = WAIT_STAT(pool, stale, POW_POOL_FOUND_DEPTH - 1);
	(void)WAIT_STAT(pool, pickups, 4);
	stopped_at = WAIT_STAT(pool, hashes, 1);
	pause_ms(20);
	assert_true(WAIT_STAT(pool, hashes, 1) == stopped_at);
	assert_false(pow_pool_take(pool, &found));

	make_work(&work, 4, 20);
	pow_pool_publish(pool, &work);
	wait_hit(&found, pool);
	check_hit(&found, &work);
	(void)WAIT_STAT(pool, hashes, stopped_at + 1);
	assert_true(WAIT_STAT(pool, stale, 0) >= stale);
	pow_pool_stop(pool);
}

/* Hits of replaced work never come out, whatever is published meanwhile. */
static void a_storm_of_publishing(void **state)
{
	struct pow_pool *pool = start(scalar(), 2, 2);
	struct pow_pool_stats stats;
	struct pow_found found;
	struct pow_work work;

	(void)state;
	for (uint64_t id = 1; id <= PUBLISHES; id++) {
		make_work(&work, id, 4);
		pow_pool_publish(pool, &work);
		if (pow_pool_take(pool, &found))
			check_hit(&found, &work);
		if (id % 500 == 0) {
			wait_hit(&found, pool);
			check_hit(&found, &work);
		}
		if (id % 7 == 0)
			pow_pool_publish(pool, NULL);
	}
	pow_pool_stats(&stats, pool);
	assert_int_equal(stats.wrong, 0);
	assert_true(stats.stale > 0);
	/* None, but for clocks of CPUs that differ by nanoseconds. */
	assert_true(stats.late_batches <= stats.pickups / 10);
	pow_pool_stop(pool);
}

static void stop_at_any_time(void **state)
{
	struct pow_pool *pool;
	struct pow_found found;
	struct pow_work work;

	(void)state;
	make_work(&work, 5, 1000);
	pow_pool_stop(start(scalar(), 2, 2)); /* never had work */

	pool = start(scalar(), 2, 2);
	pow_pool_publish(pool, &work); /* may not have seen it yet */
	pow_pool_stop(pool);

	pool = start(scalar(), 2, 2);
	pow_pool_publish(pool, &work);
	wait_hit(&found, pool);
	pow_pool_stop(pool); /* at work */

	pool = start(scalar(), 2, 2);
	pow_pool_publish(pool, &work);
	(void)WAIT_STAT(pool, pickups, 2);
	pow_pool_publish(pool, NULL);
	(void)WAIT_STAT(pool, pickups, 4);
	pow_pool_stop(pool); /* paused */
}

static void more_workers_than_cpus(void **state)
{
	enum { WORKERS = 16 };
	struct pow_pool *pool = start(scalar(), WORKERS, 1);
	struct pow_found found;
	struct pow_work work;

	(void)state;
	make_work(&work, 6, 100);
	pow_pool_publish(pool, &work);
	assert_int_equal(WAIT_STAT(pool, pickups, WORKERS), WORKERS);
	for (int i = 0; i < 200; i++) {
		wait_hit(&found, pool);
		check_hit(&found, &work);
		assert_in_range(found.worker, 0, WORKERS - 1);
	}
	pow_pool_stop(pool);
}

static int yes(void)
{
	return 1;
}

/* A kernel that breaks every promise in turn, but reports the first nonce
 * as a hit in every sixth scan. */
static uint64_t lying_scan(const struct minerd_pow_job *job, uint64_t first,
			   uint64_t end, struct minerd_pow_hits *out)
{
	static uint32_t turn; /* one worker at a time */

	out->count = 1;
	out->at[0] = (struct minerd_pow_hit){(uint32_t)first, 0};
	switch (turn++ % 6) {
	case 0:
		return end;
	case 1:
		out->at[0].midstate = job->midstate_count;
		return end;
	case 2:
		out->at[0].nonce = (uint32_t)end;
		return end;
	case 3:
		out->count = MINERD_POW_HITS_MAX + 1;
		return end;
	case 4:
		return first;
	default:
		return end + 1;
	}
}

static const struct minerd_pow_backend liar = {
	.abi = MINERD_POW_ABI,
	.lanes = 4,
	.midstates = 3,
	.name = "liar",
	.summary = "lies",
	.supported = yes,
	.scan = lying_scan,
};

static void a_lying_kernel_costs_a_count(void **state)
{
	struct pow_pool *pool = start(&liar, 1, 1);
	struct pow_pool_stats stats;
	struct pow_found found;
	struct pow_work work;

	(void)state;
	/* Nothing is a hit. */
	make_work(&work, 7, UINT64_C(1) << 62);
	pow_pool_publish(pool, &work);
	(void)WAIT_STAT(pool, wrong, 600);
	assert_false(pow_pool_take(pool, &found));
	pow_pool_publish(pool, NULL);
	pow_pool_stats(&stats, pool);
	assert_int_equal(stats.stale + stats.overflow, 0);
	pow_pool_stop(pool);
}

static void a_lying_kernel_may_speak_true(void **state)
{
	struct pow_pool *pool = start(&liar, 1, 1);
	struct pow_pool_stats stats;
	struct pow_found found;
	struct pow_work work;

	(void)state;
	/* Everything is a hit, where it is allowed to be. */
	make_work(&work, 8, 1);
	pow_pool_publish(pool, &work);
	(void)WAIT_STAT(pool, wrong, 600);
	pow_pool_publish(pool, NULL);
	(void)WAIT_STAT(pool, pickups, 2);
	assert_false(pow_pool_take(pool, &found));
	pow_pool_stats(&stats, pool);
	assert_in_range(stats.wrong, 5 * (stats.stale + stats.overflow - 1),
			5 * (stats.stale + stats.overflow + 1));
	pow_pool_stop(pool);
}

/* A kernel that searches nothing and keeps a diary: with it a worker walks
 * through all nonces of many headers in no time. */
#define DIARY_MAX 2000

static struct {
	_Atomic uint32_t count;
	struct {
		struct minerd_pow_job job;
		uint64_t first;
		uint64_t end;
	} page[DIARY_MAX];
	int policy;
	char name[16];
	cpu_set_t cpus;
	sigset_t blocked;
} diary;

static uint64_t diary_scan(const struct minerd_pow_job *job, uint64_t first,
			   uint64_t end, struct minerd_pow_hits *out)
{
	uint32_t i = atomic_load(&diary.count);

	out->count = 0;
	if (i == 0) {
		diary.policy = sched_getscheduler(0);
		(void)pthread_getname_np(pthread_self(), diary.name,
					 sizeof(diary.name));
		(void)sched_getaffinity(0, sizeof(diary.cpus), &diary.cpus);
		(void)pthread_sigmask(SIG_BLOCK, NULL, &diary.blocked);
	}
	if (i < DIARY_MAX) {
		diary.page[i].job = *job;
		diary.page[i].first = first;
		diary.page[i].end = end;
		atomic_store(&diary.count, i + 1);
	}
	return end;
}

static const struct minerd_pow_backend diarist = {
	.abi = MINERD_POW_ABI,
	.lanes = 16,
	.midstates = 3,
	.name = "diary",
	.summary = "writes down what it should search",
	.supported = yes,
	.scan = diary_scan,
};

static struct pow_pool *start_diary(uint32_t cpu)
{
	static struct pow_plan plan;
	struct pow_pool_options options = {.backend = &diarist, .plan = &plan};
	struct pow_pool *pool;

	memset(&diary, 0, sizeof(diary));
	plan.worker_count = 1;
	plan.cpu[0] = cpu;
	assert_int_equal(pow_pool_start(&pool, &options, &err), 0);
	return pool;
}

static void fill_diary(struct pow_pool *pool, const struct pow_work *work)
{
	pow_pool_publish(pool, work);
	for (uint32_t i = 0; i < PATIENCE_S * 1000; i++) {
		if (atomic_load(&diary.count) == DIARY_MAX)
			break;
		pause_ms(1);
	}
	assert_int_equal(atomic_load(&diary.count), DIARY_MAX);
}

/* The jobs come in the order counter, group of versions, nonces; each is
 * what its coinbase and versions make it. */
static void the_worker_walks_its_space_in_order(void **state)
{
	static const uint32_t group[] = {3, 3, 2}; /* of eight versions */
	struct pow_pool *pool = start_diary(0);
	struct pow_work work;
	uint32_t page = 0, counter = 0;

	(void)state;
	make_work(&work, 8, UINT64_C(1) << 62);
	work.version_mask = 0x00802000 | 0x10000000;
	fill_diary(pool, &work);
	pow_pool_stop(pool);
	for (uint32_t jobs = 0, version = 0; page < DIARY_MAX; jobs++) {
		uint8_t extranonce[POW_EXTRANONCE_SIZE] = {0};
		uint8_t header[POW_HEADER_SIZE];
		struct minerd_pow_job job;
		uint32_t versions[3] = {0};
		uint32_t n = group[jobs % 3];
		uint64_t nonce = 0;

		if (jobs % 3 == 0)
			version = 0;
		counter = jobs / 3;
		for (uint32_t i = 0; i < n; i++)
			versions[i] = pow_version_spread(
				base_load_le32(work.header), work.version_mask,
				version++);
		base_store_le32(extranonce + 4, counter);
		make_header(header, &work, extranonce);
		pow_job_init(&job, versions, n, header, &work.target);
		for (; page < DIARY_MAX && nonce < MINERD_POW_NONCE_END;
		     page++) {
			const struct minerd_pow_job *got =
				&diary.page[page].job;

			assert_int_equal(got->midstate_count, n);
			assert_memory_equal(got->midstate, job.midstate,
					    n * sizeof(job.midstate[0]));
			assert_memory_equal(got->tail, job.tail,
					    sizeof(job.tail));
			assert_memory_equal(got->target, job.target,
					    sizeof(job.target));
			assert_true(diary.page[page].first == nonce);
			assert_true(diary.page[page].end > nonce);
			nonce = diary.page[page].end;
		}
	}
	assert_true(counter > 2); /* it came that far */
}

static void workers_are_pinned_named_and_humble(void **state)
{
	struct pow_pool *pool = start_diary(0);
	struct pow_pool_stats stats;
	struct pow_work work;

	(void)state;
	make_work(&work, 9, UINT64_C(1) << 62);
	fill_diary(pool, &work);
	pow_pool_stats(&stats, pool);
	pow_pool_stop(pool);
	assert_int_equal(stats.normal_priority, 0);
	assert_int_equal(diary.policy, SCHED_IDLE);
	assert_string_equal(diary.name, "miner/0");
	assert_int_equal(sigismember(&diary.blocked, SIGTERM), 1);
	if (stats.unpinned == 0) { /* CPU 0 may be out of our cpuset */
		assert_int_equal(CPU_COUNT(&diary.cpus), 1);
		assert_true(CPU_ISSET(0, &diary.cpus));
	}
}

/* Whether a thread of this process has that name. */
static bool thread_named(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	const struct dirent *task;
	bool found = false;

	assert_non_null(tasks);
	while ((task = readdir(tasks)) != NULL) {
		char path[512], line[32] = "";
		FILE *f;

		(void)snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			       task->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			found |= strcmp(line, name) == 0;
		}
		(void)fclose(f);
	}
	(void)closedir(tasks);
	return found;
}

static void each_worker_has_its_name(void **state)
{
	struct pow_pool *pool = start(scalar(), 3, 1);

	(void)state;
	pow_pool_publish(pool, NULL);
	(void)WAIT_STAT(pool, pickups, 3);
	assert_true(thread_named("miner/0"));
	assert_true(thread_named("miner/1"));
	assert_true(thread_named("miner/2"));
	assert_false(thread_named("miner/3"));
	pow_pool_stop(pool);
}

static void a_worker_that_cannot_be_pinned_works(void **state)
{
	struct pow_pool *pool = start_diary(POW_CPUS_MAX - 1);
	struct pow_pool_stats stats;
	struct pow_work work;

	(void)state;
	make_work(&work, 10, UINT64_C(1) << 62);
	fill_diary(pool, &work);
	pow_pool_stats(&stats, pool);
	pow_pool_stop(pool);
	/* Unless this machine has such a CPU. */
	if (CPU_COUNT(&diary.cpus) != 1 ||
	    !CPU_ISSET(POW_CPUS_MAX - 1, &diary.cpus))
		assert_int_equal(stats.unpinned, 1);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* With little address space left the stacks of some threads do not fit. */
static void a_start_that_fails_leaves_nothing_behind(void **state)
{
#ifdef SANITIZED
	(void)state;
	/* Not skip(): meson takes cmocka's TAP line for a failure. */
	print_message("# not run: sanitizers need the address space\n");
#else
	static struct pow_plan plan = {.worker_count = POW_WORKERS_MAX};
	struct pow_pool_options options = {.backend = &diarist, .plan = &plan};
	struct pow_pool *pool = NULL;
	struct rlimit old, little;
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	int rc;

	(void)state;
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &pages), 1);
	(void)fclose(f);
	assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
	little = old;
	little.rlim_cur = pages * 4096 + 64 * 1024 * 1024;
	assert_int_equal(setrlimit(RLIMIT_AS, &little), 0);
	rc = pow_pool_start(&pool, &options, &err);
	assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
	assert_int_equal(rc, -EAGAIN);
	assert_null(pool);
	assert_non_null(strstr(err.text, "--threads"));
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hit_is_one_and_none_comes_twice),
		cmocka_unit_test(a_full_ring_keeps_the_oldest),
		cmocka_unit_test(pause_and_resume),
		cmocka_unit_test(a_storm_of_publishing),
		cmocka_unit_test(stop_at_any_time),
		cmocka_unit_test(more_workers_than_cpus),
		cmocka_unit_test(a_lying_kernel_costs_a_count),
		cmocka_unit_test(a_lying_kernel_may_speak_true),
		cmocka_unit_test(the_worker_walks_its_space_in_order),
		cmocka_unit_test(workers_are_pinned_named_and_humble),
		cmocka_unit_test(each_worker_has_its_name),
		cmocka_unit_test(a_worker_that_cannot_be_pinned_works),
		cmocka_unit_test(a_start_that_fails_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
