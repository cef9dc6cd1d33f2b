/* SPDX-License-Identifier: MIT */
/*
 * The verify threads: every job is answered once and rightly, rings fill and
 * empty, a block has its room. Small enough for ThreadSanitizer.
 */
#include "test.h"

#include "base/prng.h"
#include "node/verify_pool.h"
#include "pow/sha256.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#define CHECKS 24
#define TXS 400
#define BAD_EVERY 7 /* each such transaction has a wrong signature */
#define WAIT_MS 60000

static struct chain_check good[CHECKS];
static struct chain_check bad;
static struct node_wake bell;
static struct node_verify *pool;

static int set_up(void **state)
{
	secp256k1_context *c = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	int rc = node_wake_open(&bell);

	(void)state;
	for (uint8_t i = 0; i < CHECKS; i++) {
		uint8_t secret[32] = {[31] = (uint8_t)(i + 1)};
		secp256k1_xonly_pubkey point;
		secp256k1_keypair pair;

		pow_sha256(&good[i].sighash, &i, 1);
		if (!secp256k1_keypair_create(c, &pair, secret) ||
		    !secp256k1_keypair_xonly_pub(c, &point, NULL, &pair) ||
		    !secp256k1_xonly_pubkey_serialize(c, good[i].key, &point) ||
		    !secp256k1_schnorrsig_sign32(c, good[i].signature,
						 good[i].sighash.b, &pair,
						 NULL))
			rc = -1;
	}
	secp256k1_context_destroy(c);
	bad = good[0];
	bad.signature[63] ^= 1;
	return rc;
}

static int tear_down(void **state)
{
	(void)state;
	node_wake_close(&bell);
	return 0;
}

static void start(uint32_t threads)
{
	struct base_error err;

	assert_int_equal(node_verify_start(&pool, threads, &bell, &err), 0);
}

static struct node_verify_reply wait_reply(void)
{
	struct node_verify_reply reply;
	unsigned rings = 0;

	while (!node_verify_take(pool, &reply)) {
		assert_true(rings++ < 100000);
		node_wake_wait(&bell, WAIT_MS);
	}
	return reply;
}

/* More transactions than there is room for; each is answered once. */
static void transactions(uint32_t threads)
{
	bool answered[TXS] = {false};
	unsigned sent = 0;

	start(threads);
	for (unsigned taken = 0; taken < TXS; taken++) {
		struct node_verify_reply reply;

		while (sent < TXS) {
			bool wrong = sent % BAD_EVERY == 0;
			struct node_verify_job job = {
				.tag = sent,
				.check = wrong ? &bad : &good[sent % CHECKS],
				.count = 1,
			};

			if (!node_verify_submit(pool, &job))
				break;
			sent++;
		}
		reply = wait_reply();
		assert_true(reply.tag < sent);
		assert_false(answered[reply.tag]);
		answered[reply.tag] = true;
		assert_int_equal(reply.valid, reply.tag % BAD_EVERY != 0);
	}
	assert_false(node_verify_take(pool, &(struct node_verify_reply){0}));
	node_verify_stop(pool);
}

static void transactions_are_answered(void **state)
{
	(void)state;
	transactions(1);
	transactions(2);
	transactions(5);
}

static bool block_is_valid(const struct chain_check *check, size_t count)
{
	uint32_t left = node_verify_submit_block(pool, 77, check, count);
	bool valid = true;

	for (; left > 0; left--) {
		struct node_verify_reply reply = wait_reply();

		assert_true(reply.tag == 77);
		valid = valid && reply.valid;
	}
	return valid;
}

/* Every slice is looked at, whatever the number of checks and threads. */
static void blocks_are_cut(void **state)
{
	static const uint32_t threads[] = {1, 2, 3, 7};

	(void)state;
	for (size_t t = 0; t < BASE_COUNT(threads); t++) {
		start(threads[t]);
		assert_int_equal(node_verify_submit_block(pool, 1, good, 0), 0);
		for (size_t count = 1; count <= CHECKS; count += 4) {
			struct chain_check one[CHECKS];
			size_t wrong = (count * 5 + t) % count;

			assert_true(block_is_valid(good, count));
			memcpy(one, good, sizeof(one));
			one[wrong] = bad;
			assert_false(block_is_valid(one, count));
		}
		node_verify_stop(pool);
	}
}

/* However many transactions were accepted, a block still is. */
static void a_block_has_room(void **state)
{
	struct node_verify_job job = {.tag = 5, .check = good, .count = 1};
	unsigned sent = 0;
	unsigned of_block = 0;
	uint32_t slices;

	(void)state;
	start(2);
	while (sent < 10 * NODE_VERIFY_DEPTH && node_verify_submit(pool, &job))
		sent++;
	assert_int_equal(sent,
			 2 * (NODE_VERIFY_DEPTH - NODE_VERIFY_MESSAGES_MAX -
			      NODE_VERIFY_BLOCKS_MAX));
	slices = node_verify_submit_block(pool, 6, good, CHECKS);
	assert_int_equal(slices, 2);
	assert_false(node_verify_submit(pool, &job));
	for (unsigned i = 0; i < sent + slices; i++) {
		struct node_verify_reply reply = wait_reply();

		assert_true(reply.valid);
		of_block += reply.tag == 6;
	}
	assert_int_equal(of_block, slices);
	node_verify_stop(pool);
}

/* What is queued is finished before the memory may go. */
static void stopping_finishes(void **state)
{
	(void)state;
	node_verify_stop(NULL);
	for (unsigned round = 0; round < 5; round++) {
		struct chain_check mine[CHECKS];
		struct node_verify_job job = {.check = mine, .count = 1};

		memcpy(mine, good, sizeof(mine));
		start(3);
		for (unsigned i = 0; i < round * 10; i++)
			assert_true(node_verify_submit(pool, &job));
		node_verify_stop(pool);
		memset(mine, 0, sizeof(mine));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_are_answered),
		cmocka_unit_test(blocks_are_cut),
		cmocka_unit_test(a_block_has_room),
		cmocka_unit_test(stopping_finishes),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
