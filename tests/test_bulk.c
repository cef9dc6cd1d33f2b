/* SPDX-License-Identifier: MIT */
/*
 * Every way to hash in bulk against OpenSSL, message by message: each lane,
 * ragged counts, strides, and results written over their own input.
 */
#include "test.h"

#include <openssl/sha.h>

#include "base/prng.h"
#include "pow/bulk.h"

#define LANES_MAX 32
#define COUNT_MAX (2 * LANES_MAX + 5)
#define STRIDE_MAX 97
/* What a function may not write to. */
#define MARK 0xa5

static uint8_t headers[COUNT_MAX * STRIDE_MAX];
static struct base_hash nodes[2 * COUNT_MAX];
static struct base_hash work[2 * COUNT_MAX + 2];

static void double_hash(struct base_hash *out, const void *data, size_t len)
{
	struct base_hash once;

	SHA256(data, len, once.b);
	SHA256(once.b, sizeof(once.b), out->b);
}

static bool is_marked(const struct base_hash *h)
{
	for (size_t i = 0; i < sizeof(h->b); i++)
		if (h->b[i] != MARK)
			return false;
	return true;
}

static void check_pairs(void (*pairs)(struct base_hash *out,
				      const struct base_hash *in, size_t count),
			size_t count)
{
	struct base_hash want;

	memset(work, MARK, sizeof(work));
	pairs(work + 1, nodes, count);
	assert_true(is_marked(&work[0]));
	assert_true(is_marked(&work[count + 1]));
	for (size_t i = 0; i < count; i++) {
		double_hash(&want, &nodes[2 * i], 2 * sizeof(want));
		assert_memory_equal(&work[i + 1], &want, sizeof(want));
	}
	/* In place, and one place before. */
	for (size_t before = 0; before < 2; before++) {
		memcpy(work + before, nodes, 2 * count * sizeof(nodes[0]));
		pairs(work, work + before, count);
		for (size_t i = 0; i < count; i++) {
			double_hash(&want, &nodes[2 * i], 2 * sizeof(want));
			assert_memory_equal(&work[i], &want, sizeof(want));
		}
	}
}

static void check_headers(void (*hash)(struct base_hash *out, const uint8_t *at,
				       size_t stride, size_t count),
			  size_t stride, size_t count)
{
	struct base_hash want;

	memset(work, MARK, sizeof(work));
	hash(work + 1, headers, stride, count);
	assert_true(is_marked(&work[0]));
	assert_true(is_marked(&work[count + 1]));
	for (size_t i = 0; i < count; i++) {
		double_hash(&want, headers + i * stride, POW_HEADER_SIZE);
		assert_memory_equal(&work[i + 1], &want, sizeof(want));
	}
}

static void every_way_every_count(void **state)
{
	struct base_prng p = base_prng_init(11);
	size_t ways;
	const struct pow_bulk *table = pow_bulk_table(&ways);

	(void)state;
	base_prng_fill(&p, headers, sizeof(headers));
	base_prng_fill(&p, (uint8_t *)nodes, sizeof(nodes));
	assert_in_range(ways, 1, POW_BULK_MAX);
	assert_string_equal(table[0].name, "single");
	for (size_t w = 0; w < ways; w++) {
		if (!table[w].supported()) {
			print_message("# %s: this CPU lacks it\n",
				      table[w].name);
			continue;
		}
		assert_in_range(table[w].step, 1, LANES_MAX);
		for (size_t count = 0; count <= COUNT_MAX; count++) {
			check_pairs(table[w].pairs, count);
			check_headers(table[w].headers, POW_HEADER_SIZE, count);
			check_headers(table[w].headers, STRIDE_MAX, count);
		}
	}
}

static void the_chosen_way(void **state)
{
	struct base_prng p = base_prng_init(12);

	(void)state;
	for (size_t count = 0; count <= COUNT_MAX; count++) {
		base_prng_fill(&p, headers, sizeof(headers));
		base_prng_fill(&p, (uint8_t *)nodes, sizeof(nodes));
		check_pairs(pow_bulk_pairs, count);
		check_headers(pow_bulk_headers, POW_HEADER_SIZE, count);
		check_headers(pow_bulk_headers, 81, count);
	}
}

/* The last header ends where its memory does: a lane that reads on would
 * touch what is not there, which AddressSanitizer sees. */
static void reads_no_further(void **state)
{
	size_t ways;
	const struct pow_bulk *table = pow_bulk_table(&ways);

	(void)state;
	for (size_t w = 0; w < ways; w++) {
		if (!table[w].supported())
			continue;
		for (size_t count = 1; count <= COUNT_MAX; count++) {
			size_t len = (count - 1) * STRIDE_MAX + POW_HEADER_SIZE;
			uint8_t *exact = malloc(len);
			struct base_hash *pair = malloc(2 * count * 32);

			assert_non_null(exact);
			assert_non_null(pair);
			memset(exact, 1, len);
			memset(pair, 2, 2 * count * sizeof(*pair));
			table[w].headers(work, exact, STRIDE_MAX, count);
			table[w].pairs(work, pair, count);
			free(exact);
			free(pair);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_way_every_count),
		cmocka_unit_test(the_chosen_way),
		cmocka_unit_test(reads_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
