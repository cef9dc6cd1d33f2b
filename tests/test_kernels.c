/* SPDX-License-Identifier: MIT */
/*
 * Every kernel against the scalar one and against real headers. An argument
 * restricts the run to one backend, so that an emulator can execute what
 * this CPU cannot (tests/emulated_shani.sh).
 */
#include "test.h"

#include "base/bytes.h"
#include "base/prng.h"
#include "base/u256.h"
#include "pow/backend.h"
#include "pow/cpu.h"
#include "pow/kernel.h"
#include "pow/target.h"

#define WINDOW 65536
#define RANDOM_JOBS 10000
#define LINE_MAX_BYTES (1 << 20)
#define LANES POW_KERNEL_LANES_MAX

static const char *only; /* argv[1] */

/* The backend under test; NULL, with the reason, when it cannot run here. */
static const struct minerd_pow_backend *backend_of(void **state)
{
	const struct minerd_pow_backend *b = *state;

	if (only && strcmp(only, b->name) != 0) {
		print_message("# %s: not asked for\n", b->name);
		return NULL;
	}
	if (!b->supported()) {
		print_message("# %s: this CPU lacks it\n", b->name);
		return NULL;
	}
	return b;
}

static void finds(const struct minerd_pow_backend *b, const uint8_t *header,
		  struct base_prng *p)
{
	uint32_t version = base_load_le32(header);
	uint32_t nonce = base_load_le32(header + 76);
	uint64_t below = base_prng_below(p, WINDOW);
	struct minerd_pow_job job;
	struct minerd_pow_hits hits;
	struct base_u256 target;
	struct base_hash bytes;
	uint64_t first;
	uint64_t end;

	assert_int_equal(
		pow_target_from_bits(&target, base_load_le32(header + 72)), 0);
	base_u256_to_hash(&bytes, &target);
	pow_job_init(&job, &version, 1, header, &bytes);
	first = nonce > below ? nonce - below : 0;
	end = first + WINDOW < MINERD_POW_NONCE_END ? first + WINDOW
						    : MINERD_POW_NONCE_END;
	assert_true(b->scan(&job, first, end, &hits) == end);
	assert_int_equal(hits.count, 1);
	assert_int_equal(hits.at[0].nonce, nonce);
	assert_int_equal(hits.at[0].midstate, 0);
}

static void known_nonces(void **state)
{
	static const char genesis[] =
		"0100000000000000000000000000000000000000000000000000000000000"
		"000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a"
		"9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c";
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_prng p = base_prng_init(2);
	uint8_t header[POW_HEADER_SIZE];
	char hex[2 * POW_HEADER_SIZE + 1];
	unsigned blocks = 0;
	int ch;
	FILE *f;

	if (!b)
		skip();
	assert_int_equal(base_from_hex(header, sizeof(header), genesis), 0);
	assert_int_equal(base_load_le32(header + 76), 2083236893u);
	finds(b, header, &p);
	f = test_open_vectors("mainnet-blocks-1-400.hex");
	if (!f)
		skip();
	while (fgets(hex, sizeof(hex), f)) {
		assert_int_equal(base_from_hex(header, sizeof(header), hex), 0);
		finds(b, header, &p);
		blocks++;
		do
			ch = fgetc(f);
		while (ch != '\n' && ch != EOF);
	}
	(void)fclose(f);
	assert_int_equal(blocks, 400);
}

static void random_job(struct minerd_pow_job *job, struct base_prng *p,
		       uint32_t midstates_max)
{
	memset(job, 0, sizeof(*job));
	base_prng_fill(p, (uint8_t *)job->midstate, sizeof(job->midstate));
	base_prng_fill(p, (uint8_t *)job->tail, sizeof(job->tail));
	job->midstate_count = 1 + (uint32_t)base_prng_below(p, midstates_max);
}

static uint32_t agree(const struct minerd_pow_backend *b,
		      const struct minerd_pow_job *job, uint64_t first,
		      uint64_t end)
{
	struct minerd_pow_hits want;
	struct minerd_pow_hits got;
	uint64_t next = pow_scan_scalar(job, first, end, &want);

	memset(&got, 0xa5, sizeof(got));
	assert_true(b->scan(job, first, end, &got) == next);
	assert_int_equal(got.count, want.count);
	assert_memory_equal(got.at, want.at, want.count * sizeof(got.at[0]));
	return want.count;
}

/* Each job's target is the hash of one of its headers, so that one header is
 * on the boundary, in every lane in turn; then one less, so that it is not. */
static void random_jobs_at_the_boundary(void **state)
{
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_prng p = base_prng_init(3);

	if (!b)
		skip();
	for (uint32_t i = 0; i < RANDOM_JOBS; i++) {
		uint64_t first = base_prng_u64(&p) >> 32;
		struct minerd_pow_job job;
		struct base_u256 target;
		struct base_hash hash;
		uint32_t m;
		uint32_t with;

		random_job(&job, &p, 3);
		if (first + LANES > MINERD_POW_NONCE_END)
			first = MINERD_POW_NONCE_END - LANES;
		m = i % job.midstate_count;
		pow_kernel_hash(&hash, &job, m, (uint32_t)(first + i % LANES));
		memcpy(job.target, hash.b, sizeof(job.target));
		with = agree(b, &job, first, first + LANES);
		target = base_u256_from_hash(&hash);
		target.limb[0]--;
		base_u256_to_hash(&hash, &target);
		memcpy(job.target, hash.b, sizeof(job.target));
		/* The result may be full before it gets there. */
		assert_in_range(agree(b, &job, first, first + LANES),
				with > 0 ? with - 1 : 0, MINERD_POW_HITS_MAX);
	}
}

static void every_count_of_midstates(void **state)
{
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_prng p = base_prng_init(4);

	if (!b)
		skip();
	for (uint32_t k = 1; k <= MINERD_POW_MIDSTATES_MAX; k++) {
		struct minerd_pow_job job;

		random_job(&job, &p, 1);
		job.midstate_count = k;
		job.target[7] = 0x0fffffff;
		(void)agree(b, &job, 5, 5 + 3 * LANES);
		/* The most significant words all zero: the rare path. */
		job.target[7] = 0;
		job.target[6] = UINT32_MAX;
		assert_int_equal(agree(b, &job, 5, 5 + 3 * LANES), 0);
	}
}

static void ragged_ranges(void **state)
{
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_prng p = base_prng_init(5);
	struct minerd_pow_job job;

	if (!b)
		skip();
	random_job(&job, &p, 1);
	job.target[7] = 0x3fffffff;
	for (uint64_t len = 0; len <= 2 * LANES + 1; len++) {
		for (uint64_t first = 0; first < LANES; first += 7)
			(void)agree(b, &job, first, first + len);
		(void)agree(b, &job, MINERD_POW_NONCE_END - len,
			    MINERD_POW_NONCE_END);
	}
	(void)agree(b, &job, MINERD_POW_NONCE_END, MINERD_POW_NONCE_END);
}

/* Next to nothing to search, at both ends of the nonces, for every number of
 * midstates; no hash, some and all of them at or below the target. */
static void short_ranges_of_every_count(void **state)
{
	static const uint64_t lengths[] = {0, 1, 15, 16, 17};
	static const uint32_t tops[] = {0, 0x1fffffff, 0xffffffff};
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_prng p = base_prng_init(7);

	if (!b)
		skip();
	for (uint32_t k = 1; k <= MINERD_POW_MIDSTATES_MAX; k++) {
		struct minerd_pow_job job;

		random_job(&job, &p, 1);
		job.midstate_count = k;
		for (size_t t = 0; t < BASE_COUNT(tops); t++) {
			memset(job.target, tops[t] ? 0xff : 0,
			       sizeof(job.target));
			job.target[7] = tops[t];
			for (size_t i = 0; i < BASE_COUNT(lengths); i++) {
				uint64_t len = lengths[i];

				(void)agree(b, &job, 0, len);
				(void)agree(b, &job, MINERD_POW_NONCE_END - len,
					    MINERD_POW_NONCE_END);
			}
		}
	}
}

/* Calling again from where a full result stopped finds all, each once. */
static void overflow_loses_and_repeats_nothing(void **state)
{
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_prng p = base_prng_init(6);

	if (!b)
		skip();
	for (uint32_t k = 1; k <= MINERD_POW_MIDSTATES_MAX; k++) {
		struct minerd_pow_job job;
		struct minerd_pow_hits hits;
		uint64_t next = 11;
		uint64_t end = 11 + 500;
		uint64_t seen = 0;

		random_job(&job, &p, 1);
		job.midstate_count = k;
		memset(job.target, 0xff, sizeof(job.target));
		while (next < end) {
			(void)agree(b, &job, next, end);
			next = b->scan(&job, next, end, &hits);
			for (uint32_t i = 0; i < hits.count; i++, seen++) {
				assert_int_equal(hits.at[i].nonce,
						 11 + seen / k);
				assert_int_equal(hits.at[i].midstate, seen % k);
			}
		}
		assert_int_equal(seen, 500 * k);
		memset(job.target, 0, sizeof(job.target));
		assert_int_equal(agree(b, &job, 0, 100), 0);
	}
}

static void passes_its_self_test(void **state)
{
	const struct minerd_pow_backend *b = backend_of(state);
	struct base_error err;

	if (!b)
		skip();
	assert_int_equal(pow_backend_self_test(b, &err), 0);
}

static void names_and_support(void **state)
{
	unsigned features = pow_cpu_features();

	(void)state;
	assert_null(pow_backend_find("no-such"));
	assert_string_equal(pow_backend_find("scalar")->name, "scalar");
#if defined(__x86_64__)
	/* The compiler's own idea of the CPU is the oracle. */
	__builtin_cpu_init();
	assert_int_equal((features & POW_CPU_SSE41) != 0,
			 __builtin_cpu_supports("sse4.1") != 0);
	assert_int_equal((features & POW_CPU_AVX2) != 0,
			 __builtin_cpu_supports("avx2") != 0);
	assert_int_equal((features & POW_CPU_AVX512) != 0,
			 __builtin_cpu_supports("avx512f") &&
				 __builtin_cpu_supports("avx512bw") &&
				 __builtin_cpu_supports("avx512vl"));
	assert_int_equal(pow_backend_find("mixed")->supported(),
			 (features & POW_CPU_AVX512) != 0 &&
				 (features & POW_CPU_SHA) != 0);
#else
	(void)features;
#endif
}

static void rolled_versions_are_distinct(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1u << 16; i++) {
		uint32_t v = pow_version_roll(UINT32_MAX, i);

		assert_int_equal(v & ~POW_VERSION_MASK, ~POW_VERSION_MASK);
		assert_int_equal((v & POW_VERSION_MASK) >> 13, i);
	}
}

#define TEST(f)                         \
	{                               \
#f, f, NULL, NULL, NULL \
	}

int main(int argc, char **argv)
{
	static const struct CMUnitTest per_backend[] = {
		TEST(passes_its_self_test),
		TEST(known_nonces),
		TEST(random_jobs_at_the_boundary),
		TEST(every_count_of_midstates),
		TEST(ragged_ranges),
		TEST(short_ranges_of_every_count),
		TEST(overflow_loses_and_repeats_nothing),
	};
	static struct CMUnitTest
		tests[2 + POW_BACKENDS_MAX * BASE_COUNT(per_backend)];
	static char names[BASE_COUNT(tests)][64];
	size_t count = 0;
	size_t backends;
	const struct minerd_pow_backend *const *table =
		pow_backend_table(&backends);

	only = argc > 1 ? argv[1] : NULL;
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(names_and_support);
	tests[count++] = (struct CMUnitTest)cmocka_unit_test(
		rolled_versions_are_distinct);
	for (size_t i = 0; i < backends; i++) {
		for (size_t j = 0; j < BASE_COUNT(per_backend); j++) {
			(void)snprintf(names[count], sizeof(names[0]), "%s %s",
				       table[i]->name, per_backend[j].name);
			tests[count] = per_backend[j];
			tests[count].name = names[count];
			tests[count].initial_state =
				(void *)(uintptr_t)table[i];
			count++;
		}
	}
	return _cmocka_run_group_tests("kernels", tests, count, NULL, NULL);
}
