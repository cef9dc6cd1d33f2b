/* SPDX-License-Identifier: MIT */
/*
 * The cache of verified transactions against a model: each bucket is a queue
 * of the last eight ids that were added to it.
 */
#include "test.h"

#include "base/prng.h"
#include "chain/known.h"

#define ENTRIES 64
#define BUCKETS (ENTRIES / CHAIN_KNOWN_WAYS)
#define IDS 200
#define STEPS 20000

static const uint8_t salt[CHAIN_SALT_SIZE] = {3, 1, 4};
static uint64_t memory[ENTRIES * 5];
static struct chain_known_cache cache;

/* Oldest first. */
struct queue {
	unsigned count;
	unsigned id[CHAIN_KNOWN_WAYS];
};

static struct base_hash id_of(unsigned n)
{
	struct base_prng p = base_prng_init(n);
	struct base_hash id;

	base_prng_fill(&p, id.b, sizeof(id.b));
	return id;
}

static void start(void)
{
	assert_true(chain_known_cache_size(ENTRIES) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	chain_known_cache_init(&cache, memory, ENTRIES, salt);
}

static bool queue_has(const struct queue *q, unsigned n)
{
	for (unsigned i = 0; i < q->count; i++)
		if (q->id[i] == n)
			return true;
	return false;
}

static void queue_add(struct queue *q, unsigned n)
{
	if (queue_has(q, n))
		return;
	if (q->count == CHAIN_KNOWN_WAYS) {
		memmove(q->id, q->id + 1, sizeof(q->id) - sizeof(q->id[0]));
		q->count--;
	}
	q->id[q->count++] = n;
}

static struct queue *queue_of(struct queue *model, const struct base_hash *id)
{
	const struct chain_siphash_key key = {
		{base_load_le64(salt), base_load_le64(salt + 8)}};

	return &model[chain_siphash(&key, id->b, sizeof(id->b)) % BUCKETS];
}

static void agrees_with_its_model(void **state)
{
	static struct queue model[BUCKETS];
	struct base_prng p = base_prng_init(1);

	(void)state;
	start();
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned n = (unsigned)base_prng_below(&p, IDS);
		struct base_hash id = id_of(n);
		struct queue *q = queue_of(model, &id);

		assert_int_equal(chain_known_cache_has(&cache, &id),
				 queue_has(q, n));
		if (base_prng_below(&p, 2) == 0)
			continue;
		chain_known_cache_add(&cache, &id);
		queue_add(q, n);
		assert_true(chain_known_cache_has(&cache, &id));
	}
}

/* The id of zeros is what unused memory looks like; and one bit is enough. */
static void only_what_was_added(void **state)
{
	struct chain_known known = chain_known_of(&cache);
	struct base_hash id = {{0}};

	(void)state;
	start();
	assert_false(known.has(known.ctx, &id));
	chain_known_cache_add(&cache, &id);
	assert_true(known.has(known.ctx, &id));
	for (unsigned bit = 0; bit < 256; bit++) {
		id.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(known.has(known.ctx, &id));
		id.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* All of a bucket of the smallest cache. */
static void the_oldest_makes_room(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	chain_known_cache_init(&cache, memory, CHAIN_KNOWN_WAYS, salt);
	for (unsigned n = 0; n < 5 * CHAIN_KNOWN_WAYS; n++) {
		struct base_hash id = id_of(n);

		chain_known_cache_add(&cache, &id);
		for (unsigned k = 0; k <= n; k++) {
			id = id_of(k);
			assert_int_equal(chain_known_cache_has(&cache, &id),
					 k + CHAIN_KNOWN_WAYS > n);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_its_model),
		cmocka_unit_test(only_what_was_added),
		cmocka_unit_test(the_oldest_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
