/* SPDX-License-Identifier: MIT */
#include "pow/bulk.h"

#include "base/assert.h"
#include "pow/cpu.h"
#include "pow/kernel.h"

/* A vector step costs the same for one message as for all its lanes; below
 * this many, one after the other is faster. */
#define FEW 4

static bool single_supported(void)
{
	return true;
}

#if defined(__x86_64__)

static bool sse41_supported(void)
{
	return (pow_cpu_features() & POW_CPU_SSE41) != 0;
}

static bool avx2_supported(void)
{
	return (pow_cpu_features() & POW_CPU_AVX2) != 0;
}

static bool shani_supported(void)
{
	return (pow_cpu_features() & POW_CPU_SHA) != 0;
}

static bool avx512_supported(void)
{
	return (pow_cpu_features() & POW_CPU_AVX512) != 0;
}

#endif

#define WAY(name_, step_)                            \
	{                                            \
		.name = #name_, .step = (step_),     \
		.supported = name_##_supported,      \
		.pairs = pow_bulk_pairs_##name_,     \
		.headers = pow_bulk_headers_##name_, \
	}

static const struct pow_bulk table[] = {
	WAY(single, 1),
#if defined(__x86_64__)
	WAY(sse41, 8),	WAY(avx2, 16), WAY(shani, 2), WAY(avx512, 32),
#endif
};

_Static_assert(BASE_COUNT(table) <= POW_BULK_MAX, "callers size by this");

static const struct pow_bulk *best = &table[0];

#if defined(__x86_64__)

/* Before main(): afterwards the choice is only read, by any thread. */
__attribute__((constructor)) static void choose(void)
{
	for (size_t i = 0; i < BASE_COUNT(table); i++)
		if (table[i].supported())
			best = &table[i];
}

#endif

const struct pow_bulk *pow_bulk_table(size_t *count)
{
	*count = BASE_COUNT(table);
	return table;
}

void pow_bulk_pairs(struct base_hash *out, const struct base_hash *in,
		    size_t count)
{
	size_t few = count % best->step;

	few = few < FEW ? few : 0;
	best->pairs(out, in, count - few);
	for (size_t i = count - few; i < count; i++)
		pow_sha256d_pair(&out[i], &in[2 * i], &in[2 * i + 1]);
}

void pow_bulk_headers(struct base_hash *out, const uint8_t *headers,
		      size_t stride, size_t count)
{
	size_t few = count % best->step;

	BASE_ASSERT(stride >= POW_HEADER_SIZE);
	few = few < FEW ? few : 0;
	best->headers(out, headers, stride, count - few);
	for (size_t i = count - few; i < count; i++)
		pow_sha256d(&out[i], headers + i * stride, POW_HEADER_SIZE);
}
