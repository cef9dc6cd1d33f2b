/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "ds_fixture.h"

#include "consensus/preimage.h"

#include <openssl/evp.h>

static void numbers_follow_from_n_and_f(void **state)
{
	static const struct {
		uint32_t n, f, rounds, quorum;
		bool certified;
		uint64_t all;
	} t[] = {
		{1, 0, 1, 1, true, 1},
		{2, 1, 2, 1, false, 3},
		{3, 1, 2, 2, true, 7},
		{4, 1, 2, 3, true, 15},
		{5, 2, 3, 3, true, 31},
		{5, 4, 5, 1, false, 31},
		{63, 31, 32, 32, true, UINT64_MAX >> 1},
		{64, 31, 32, 33, true, UINT64_MAX},
		{64, 32, 33, 32, false, UINT64_MAX},
		{64, 63, 64, 1, false, UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct ds_committee c;

		fixture_committee(&c, t[i].n, t[i].f);
		assert_int_equal(c.rounds, t[i].rounds);
		assert_int_equal(c.quorum, t[i].quorum);
		assert_int_equal(c.certified, t[i].certified);
		assert_true(ds_mask_all(&c) == t[i].all);
	}
}

static void masks_are_sets(void **state)
{
	ds_mask m = ds_mask_of(0) | ds_mask_of(5) | ds_mask_of(63);

	(void)state;
	assert_int_equal(ds_mask_count(m), 3);
	assert_true(ds_mask_has(m, 63) && !ds_mask_has(m, 62));
	assert_int_equal(ds_mask_take(&m), 0);
	assert_int_equal(ds_mask_take(&m), 5);
	assert_int_equal(ds_mask_take(&m), 63);
	assert_true(m == 0);
}

static void ticks_are_evenly_spaced(void **state)
{
	struct ds_committee c;
	struct base_tick k;

	(void)state;
	fixture_committee(&c, 4, 1);
	assert_true(ds_tick_ms(&c, (struct base_tick){0}) == FIXTURE_TIME_MS);
	assert_false(ds_tick_at(&k, &c, FIXTURE_TIME_MS - 1));
	assert_true(ds_tick_at(&k, &c, FIXTURE_TIME_MS));
	assert_true(k.n == 0);
	assert_true(ds_tick_at(&k, &c, FIXTURE_TIME_MS + 6999));
	assert_true(k.n == 6);
	assert_true(ds_tick_ms(&c, k) == FIXTURE_TIME_MS + 6000);
	assert_true(ds_tick_ms(&c, (struct base_tick){UINT64_MAX}) ==
		    UINT64_MAX);
	assert_true(ds_tick_ms(&c, (struct base_tick){UINT64_MAX / 1000}) ==
		    UINT64_MAX);
}

/* As BIP340 defines it, by another implementation of SHA-256. */
static void tagged(struct base_hash *out, const char *tag, const void *data,
		   size_t len)
{
	uint8_t bytes[512];
	unsigned size = 32;

	assert_true(64 + len <= sizeof(bytes));
	assert_true(
		EVP_Digest(tag, strlen(tag), bytes, &size, EVP_sha256(), NULL));
	memcpy(bytes + 32, bytes, 32);
	memcpy(bytes + 64, data, len);
	assert_true(
		EVP_Digest(bytes, 64 + len, out->b, &size, EVP_sha256(), NULL));
}

static void preimages_are_what_the_page_says(void **state)
{
	struct ds_committee c;
	struct base_hash block, tip, got, want;
	struct ds_beat_claim claim = {.tick = {0x0102030405060708},
				      .tip_height = {0x11121314},
				      .final_height = {0x21222324},
				      .flags = 2};
	uint8_t bytes[256];
	struct base_writer w;

	(void)state;
	fixture_committee(&c, 4, 1);
	c.vote_epoch = 7;
	memset(&block, 0xb1, sizeof(block));
	memset(&tip, 0x71, sizeof(tip));
	claim.tip = tip;

	w = base_writer_init(bytes, sizeof(bytes));
	base_write_bytes(&w, c.genesis.b, 32);
	base_write_le32(&w, 7);
	base_write_le64(&w, 42);
	base_write_u8(&w, 3);
	base_write_bytes(&w, block.b, 32);
	tagged(&want, "minerd/1/DS", bytes, w.len);
	ds_hash_proposal(&got, &c, (struct base_tick){42}, 3, &block);
	assert_memory_equal(&got, &want, sizeof(got));

	w = base_writer_init(bytes, sizeof(bytes));
	base_write_bytes(&w, c.genesis.b, 32);
	base_write_le32(&w, 6);
	base_write_le64(&w, 42);
	base_write_bytes(&w, block.b, 32);
	tagged(&want, "minerd/1/VOTE", bytes, w.len);
	ds_hash_vote(&got, &c, 6, (struct base_height){42}, &block);
	assert_memory_equal(&got, &want, sizeof(got));

	w = base_writer_init(bytes, sizeof(bytes));
	base_write_bytes(&w, c.genesis.b, 32);
	base_write_le32(&w, 7);
	base_write_le64(&w, claim.tick.n);
	base_write_le64(&w, claim.tip_height.n);
	base_write_bytes(&w, tip.b, 32);
	base_write_le64(&w, claim.final_height.n);
	base_write_u8(&w, 2);
	tagged(&want, "minerd/1/BEAT", bytes, w.len);
	ds_hash_beat(&got, &c, &claim);
	assert_memory_equal(&got, &want, sizeof(got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_follow_from_n_and_f),
		cmocka_unit_test(masks_are_sets),
		cmocka_unit_test(ticks_are_evenly_spaced),
		cmocka_unit_test(preimages_are_what_the_page_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
