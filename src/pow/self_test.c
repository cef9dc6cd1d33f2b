/* SPDX-License-Identifier: MIT */
/*
 * The self-test: a kernel is compared with the scalar one on jobs whose hits
 * are dense enough that a wrong lane, mask or carry cannot hide, and with
 * two headers of Bitcoin's chain, so that the scalar one is not its own
 * witness.
 */
#include "pow/backend.h"

#include <errno.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "pow/kernel.h"
#include "pow/target.h"

#define SEED 0x6d696e657264
#define RANDOM_JOBS 24
/* Nonces of a random job: more than two steps of the widest kernel. */
#define SPAN_MAX 80
#define LANES_MAX 256

/* Blocks 0 and 1: their headers are public knowledge, and so are nonces. */
static const char *const known_headers[] = {
	"01000000000000000000000000000000000000000000000000000000000000000000"
	"00003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a"
	"29ab5f49ffff001d1dac2b7c",
	"010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d619000000"
	"0000982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e"
	"61bc6649ffff001d01e36299",
};

static bool description_ok(const struct minerd_pow_backend *b)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "0123456789_-";
	size_t len = strnlen(b->name, MINERD_POW_NAME_MAX + 1);

	return len >= 1 && len <= MINERD_POW_NAME_MAX &&
	       strspn(b->name, allowed) == len && b->summary && b->supported &&
	       b->scan && b->lanes >= 1 && b->lanes <= LANES_MAX &&
	       b->midstates >= 1 && b->midstates <= MINERD_POW_MIDSTATES_MAX &&
	       b->reserved == 0;
}

/* Whether @b does exactly what the reference does with these arguments. */
static bool agrees(const struct minerd_pow_backend *b,
		   const struct minerd_pow_job *job, uint64_t first,
		   uint64_t end)
{
	struct minerd_pow_hits want;
	struct minerd_pow_hits got;
	uint64_t want_next = pow_scan_scalar(job, first, end, &want);

	memset(&got, 0xa5, sizeof(got));
	return b->scan(job, first, end, &got) == want_next &&
	       got.count == want.count &&
	       memcmp(got.at, want.at, want.count * sizeof(got.at[0])) == 0;
}

static void random_job(struct minerd_pow_job *job, struct base_prng *p)
{
	memset(job, 0, sizeof(*job));
	base_prng_fill(p, (uint8_t *)job->midstate, sizeof(job->midstate));
	base_prng_fill(p, (uint8_t *)job->tail, sizeof(job->tail));
	base_prng_fill(p, (uint8_t *)job->target, sizeof(job->target));
	job->midstate_count =
		1 + (uint32_t)base_prng_below(p, MINERD_POW_MIDSTATES_MAX);
	/* About one hit in 2 to 2^8 hashes. */
	job->target[7] >>= 1 + base_prng_below(p, 8);
}

static bool known_headers_found(const struct minerd_pow_backend *b)
{
	for (size_t i = 0; i < BASE_COUNT(known_headers); i++) {
		uint8_t header[POW_HEADER_SIZE];
		struct minerd_pow_job job;
		struct minerd_pow_hits hits;
		struct base_u256 target;
		struct base_hash bytes;
		uint32_t version;
		uint32_t nonce;
		uint64_t first;

		if (base_from_hex(header, sizeof(header), known_headers[i]) ||
		    pow_target_from_bits(&target, base_load_le32(header + 72)))
			return false;
		version = base_load_le32(header);
		nonce = base_load_le32(header + 76);
		first = nonce - 301;
		base_u256_to_hash(&bytes, &target);
		pow_job_init(&job, &version, 1, header, &bytes);
		if (b->scan(&job, first, first + 600, &hits) != first + 600 ||
		    hits.count != 1 || hits.at[0].nonce != nonce ||
		    hits.at[0].midstate != 0)
			return false;
	}
	return true;
}

static bool ragged_ranges_agree(const struct minerd_pow_backend *b)
{
	static const uint64_t starts[] = {0, 1, 0x7fffffff,
					  MINERD_POW_NONCE_END - 33};
	struct base_prng p = base_prng_init(SEED);
	struct minerd_pow_job job;

	random_job(&job, &p);
	job.midstate_count = 1;
	job.target[7] = 0x7fffffff;
	for (size_t i = 0; i < BASE_COUNT(starts); i++)
		for (uint64_t len = 0; len <= 33; len++)
			if (!agrees(b, &job, starts[i], starts[i] + len))
				return false;
	for (uint64_t len = 0; len <= 33; len++)
		if (!agrees(b, &job, MINERD_POW_NONCE_END - len,
			    MINERD_POW_NONCE_END))
			return false;
	return true;
}

/* A target equal to a hash is met, one below it is not: in each lane. */
static bool boundaries_agree(const struct minerd_pow_backend *b)
{
	struct base_prng p = base_prng_init(SEED + 1);
	struct minerd_pow_job job;

	random_job(&job, &p);
	job.midstate_count = 1; /* the random jobs have more */
	for (uint32_t nonce = 0; nonce < 2 * POW_KERNEL_LANES_MAX; nonce++) {
		struct base_hash hash;
		struct base_u256 below;

		pow_kernel_hash(&hash, &job, 0, nonce);
		memcpy(job.target, hash.b, sizeof(job.target));
		if (!agrees(b, &job, 0, 2 * POW_KERNEL_LANES_MAX))
			return false;
		below = base_u256_from_hash(&hash);
		below.limb[0]--; /* no hash here ends in 64 zero bits */
		base_u256_to_hash(&hash, &below);
		memcpy(job.target, hash.b, sizeof(job.target));
		if (!agrees(b, &job, 0, 2 * POW_KERNEL_LANES_MAX))
			return false;
	}
	return true;
}

/* With all hashes at or below the target, the result is always full. */
static bool overflow_agrees(const struct minerd_pow_backend *b)
{
	struct base_prng p = base_prng_init(SEED + 2);
	struct minerd_pow_job job;

	random_job(&job, &p);
	memset(job.target, 0xff, sizeof(job.target));
	for (uint32_t k = 1; k <= MINERD_POW_MIDSTATES_MAX; k++) {
		job.midstate_count = k;
		if (!agrees(b, &job, 3 * k, 3 * k + 200) ||
		    !agrees(b, &job, 7, 7 + MINERD_POW_HITS_MAX / k))
			return false;
	}
	memset(job.target, 0, sizeof(job.target));
	return agrees(b, &job, 0, SPAN_MAX);
}

static bool random_jobs_agree(const struct minerd_pow_backend *b)
{
	struct base_prng p = base_prng_init(SEED + 3);

	for (unsigned i = 0; i < RANDOM_JOBS; i++) {
		struct minerd_pow_job job;
		uint64_t first;

		random_job(&job, &p);
		first = base_prng_below(&p, MINERD_POW_NONCE_END - SPAN_MAX);
		if (!agrees(b, &job, first,
			    first + base_prng_below(&p, SPAN_MAX + 1)))
			return false;
	}
	return true;
}

int pow_backend_self_test(const struct minerd_pow_backend *b,
			  struct base_error *err)
{
	static const struct {
		bool (*passes)(const struct minerd_pow_backend *b);
		const char *what;
	} checks[] = {
		{known_headers_found, "known headers"},
		{ragged_ranges_agree, "ragged ranges"},
		{boundaries_agree, "targets at the boundary"},
		{overflow_agrees, "more hits than a result holds"},
		{random_jobs_agree, "random jobs"},
	};

	/* With another ABI even the name's place is unknown. */
	if (b->abi != MINERD_POW_ABI)
		return base_fail(err, -EPROTO,
				 "backend has ABI %u, this minerd needs %u: "
				 "rebuild it against this minerd's "
				 "minerd/pow_backend.h",
				 b->abi, MINERD_POW_ABI);
	if (!b->name || !description_ok(b))
		return base_fail(err, -EPROTO,
				 "backend %.*s: its description breaks the "
				 "rules of minerd/pow_backend.h",
				 (int)MINERD_POW_NAME_MAX,
				 b->name ? b->name : "(without a name)");
	if (!b->supported())
		return base_fail(err, -ENOTSUP,
				 "backend %s: this CPU or operating system "
				 "cannot run it; choose another",
				 b->name);
	for (size_t i = 0; i < BASE_COUNT(checks); i++)
		if (!checks[i].passes(b))
			return base_fail(err, -EBADMSG,
					 "backend %s: self-test failed at %s: "
					 "it does not compute SHA-256d as the "
					 "reference does, so it is not used",
					 b->name, checks[i].what);
	return 0;
}
