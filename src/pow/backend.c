/* SPDX-License-Identifier: MIT */
#include "pow/backend.h"

#include "base/assert.h"
#include "base/bytes.h"
#include "pow/cpu.h"
#include "pow/kernel.h"

_Static_assert(MINERD_POW_HITS_MAX >= MINERD_POW_MIDSTATES_MAX,
	       "a scan that returns early still makes progress");

static int scalar_supported(void)
{
	return 1;
}

static const struct minerd_pow_backend scalar = {
	.abi = MINERD_POW_ABI,
	.lanes = 1,
	.midstates = 1,
	.name = "scalar",
	.summary = "plain C, the reference",
	.supported = scalar_supported,
	.scan = pow_scan_scalar,
};

#if defined(__x86_64__)

static int sse41_supported(void)
{
	return (pow_cpu_features() & POW_CPU_SSE41) != 0;
}

static int avx2_supported(void)
{
	return (pow_cpu_features() & POW_CPU_AVX2) != 0;
}

static int avx512_supported(void)
{
	return (pow_cpu_features() & POW_CPU_AVX512) != 0;
}

static int shani_supported(void)
{
	return (pow_cpu_features() & POW_CPU_SHA) != 0;
}

static int mixed_supported(void)
{
	return avx512_supported() && shani_supported();
}

static const struct minerd_pow_backend sse41 = {
	.abi = MINERD_POW_ABI,
	.lanes = 4,
	.midstates = 16,
	.name = "sse41",
	.summary = "SSE4.1, 4 lanes",
	.supported = sse41_supported,
	.scan = pow_scan_sse41,
};

static const struct minerd_pow_backend avx2 = {
	.abi = MINERD_POW_ABI,
	.lanes = 8,
	.midstates = 16,
	.name = "avx2",
	.summary = "AVX2, 8 lanes",
	.supported = avx2_supported,
	.scan = pow_scan_avx2,
};

static const struct minerd_pow_backend avx512 = {
	.abi = MINERD_POW_ABI,
	.lanes = 16,
	.midstates = 16,
	.name = "avx512",
	.summary = "AVX-512, 16 lanes",
	.supported = avx512_supported,
	.scan = pow_scan_avx512,
};

static const struct minerd_pow_backend shani = {
	.abi = MINERD_POW_ABI,
	.lanes = 24,
	.midstates = 16,
	.name = "shani",
	.summary = "SHA extensions, 6 nonces in flight",
	.supported = shani_supported,
	.scan = pow_scan_shani,
};

static const struct minerd_pow_backend mixed = {
	.abi = MINERD_POW_ABI,
	.lanes = 32,
	.midstates = 16,
	.name = "mixed",
	.summary = "SHA extensions beside AVX-512, 24 nonces and 8 lanes",
	.supported = mixed_supported,
	.scan = pow_scan_mixed,
};

static const struct minerd_pow_backend *const table[] = {
	&scalar, &sse41, &shani, &avx2, &avx512, &mixed,
};

#else

static const struct minerd_pow_backend *const table[] = {&scalar};

#endif

_Static_assert(BASE_COUNT(table) <= POW_BACKENDS_MAX, "callers size by this");

const struct minerd_pow_backend *const *pow_backend_table(size_t *count)
{
	*count = BASE_COUNT(table);
	return table;
}

const struct minerd_pow_backend *pow_backend_find(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT(table); i++)
		if (strcmp(table[i]->name, name) == 0)
			return table[i];
	return NULL;
}

void pow_job_init(struct minerd_pow_job *job, const uint32_t *versions,
		  uint32_t count, const uint8_t header[static POW_HEADER_SIZE],
		  const struct base_hash *target)
{
	uint8_t block[POW_SHA256_BLOCK];

	BASE_ASSERT(count >= 1 && count <= MINERD_POW_MIDSTATES_MAX);
	memset(job, 0, sizeof(*job));
	memcpy(block, header, sizeof(block));
	job->midstate_count = count;
	for (uint32_t i = 0; i < count; i++) {
		base_store_le32(block, versions[i]);
		memcpy(job->midstate[i], pow_sha256_iv,
		       sizeof(job->midstate[i]));
		pow_sha256_blocks_portable(job->midstate[i], block, 1);
	}
	for (size_t i = 0; i < 3; i++)
		job->tail[i] =
			base_load_be32(header + POW_SHA256_BLOCK + 4 * i);
	for (size_t i = 0; i < 8; i++)
		job->target[i] = base_load_le32(target->b + 4 * i);
}

uint32_t pow_version_roll(uint32_t version, uint32_t i)
{
	BASE_ASSERT(i < 1u << 16);
	/* The 16 rollable bits are adjacent: 13 to 28. */
	return (version & ~POW_VERSION_MASK) | i << 13;
}
