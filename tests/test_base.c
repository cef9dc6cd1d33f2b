/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/prng.h"
#include "base/u256.h"

#include <errno.h>

static void reader_stops_at_the_end(void **state)
{
	const uint8_t data[] = {1, 2, 3, 4, 5};
	struct base_reader r = base_reader_init(data, sizeof(data));

	(void)state;
	assert_int_equal(base_read_le32(&r), 0x04030201);
	assert_int_equal(base_reader_left(&r), 1);
	assert_int_equal(base_read_le16(&r), 0);
	assert_false(base_reader_ok(&r));
	assert_int_equal(base_read_u8(&r), 0); /* failure is sticky */
	assert_null(base_read_bytes(&r, 0));
}

static void writer_refuses_overflow(void **state)
{
	uint8_t data[4];
	struct base_writer w = base_writer_init(data, sizeof(data));

	(void)state;
	base_write_le16(&w, 0x1234);
	base_write_le32(&w, 1);
	assert_false(base_writer_ok(&w));
	assert_int_equal(w.len, 2);
	base_write_u8(&w, 1);
	assert_int_equal(w.len, 2);
}

static void compact_size_round_trip(void **state)
{
	static const uint64_t values[] = {0,
					  0xfc,
					  0xfd,
					  0xffff,
					  0x10000,
					  0xffffffff,
					  UINT64_C(0x100000000),
					  UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(values); i++) {
		uint8_t data[9];
		struct base_writer w = base_writer_init(data, sizeof(data));
		struct base_reader r;

		base_write_compact_size(&w, values[i]);
		assert_int_equal(w.len, base_compact_size_len(values[i]));
		r = base_reader_init(data, w.len);
		assert_true(base_read_compact_size(&r) == values[i]);
		assert_true(base_reader_done(&r));
	}
}

static void compact_size_demands_the_shortest_form(void **state)
{
	static const uint8_t longer[][9] = {
		{0xfd, 0xfc, 0},
		{0xfe, 0xff, 0xff, 0, 0},
		{0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(longer); i++) {
		struct base_reader r = base_reader_init(longer[i], 9);

		assert_true(base_read_compact_size(&r) == 0);
		assert_false(base_reader_ok(&r));
	}
}

static void hex_round_trip_and_refusals(void **state)
{
	uint8_t bytes[3] = {9, 9, 9};
	char text[7];
	struct base_hash hash;
	char hash_hex[BASE_HASH_HEX_SIZE];
	const char *known = "000000000019d6689c085ae165831e93"
			    "4ff763ae46a2a6c172b3f1b60a8ce26f";

	(void)state;
	assert_int_equal(base_from_hex(bytes, 3, "00fFa"), -EINVAL);
	assert_int_equal(base_from_hex(bytes, 3, "00ffa0b"), -EINVAL);
	assert_int_equal(base_from_hex(bytes, 3, "00ffg0"), -EINVAL);
	assert_int_equal(bytes[0], 9);
	assert_int_equal(base_from_hex(bytes, 3, "00fFa0"), 0);
	base_to_hex(text, bytes, 3);
	assert_string_equal(text, "00ffa0");
	assert_int_equal(base_hash_from_hex(&hash, known), 0);
	assert_int_equal(hash.b[0], 0x6f);
	base_hash_to_hex(hash_hex, &hash);
	assert_string_equal(hash_hex, known);
}

static void prng_is_the_published_sequence(void **state)
{
	/* xoshiro256** from the state 1, 2, 3, 4 (authors' reference). */
	struct base_prng p = {.s = {1, 2, 3, 4}};

	(void)state;
	assert_true(base_prng_u64(&p) == UINT64_C(11520));
	assert_true(base_prng_u64(&p) == UINT64_C(0));
	assert_true(base_prng_u64(&p) == UINT64_C(1509978240));
	assert_true(base_prng_u64(&p) == UINT64_C(1215971899390074240));
	for (int i = 0; i < 1000; i++)
		assert_true(base_prng_below(&p, 7) < 7);
}

static void u256_shifts_and_products(void **state)
{
	struct base_u256 v = {.limb = {UINT64_C(0xfedcba9876543210), 1, 0, 0}};
	struct base_u256 w = v;

	(void)state;
	assert_int_equal(base_u256_bits(&v), 65);
	assert_false(base_u256_shl(&w, 191));
	assert_int_equal(base_u256_bits(&w), 256);
	base_u256_shr(&w, 191);
	assert_int_equal(base_u256_compare(&v, &w), 0);
	assert_true(base_u256_shl(&w, 192));
	w = v;
	assert_false(base_u256_mul_u64(&w, UINT64_C(1000000007)));
	assert_int_equal(base_u256_compare(&w, &v), 1);
	base_u256_div_u64(&w, UINT64_C(1000000007));
	assert_int_equal(base_u256_compare(&v, &w), 0);
	w = (struct base_u256){.limb = {0, 0, 0, 2}};
	assert_true(base_u256_mul_u64(&w, UINT64_C(1) << 63));
}

static void errors_are_cut_not_overrun(void **state)
{
	struct base_error err;
	char text[2 * BASE_ERROR_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(base_fail(&err, -EIO, "%s", text), -EIO);
	assert_int_equal(strlen(err.text), BASE_ERROR_MAX - 1);
}

static void u256_sums_and_quotients(void **state)
{
	const struct base_u256 b = {{1, 0, 0, 7}};
	const struct base_u256 most = {
		{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	const struct base_u256 three = {{3}};
	struct base_u256 a = {{UINT64_MAX, UINT64_MAX, 0, 0}};
	struct base_u256 v = most;

	(void)state;
	assert_false(base_u256_add(&a, &b));
	assert_int_equal(a.limb[0], 0);
	assert_int_equal(a.limb[1], 0);
	assert_int_equal(a.limb[2], 1);
	assert_int_equal(a.limb[3], 7);
	assert_true(base_u256_add(&v, &b));
	assert_int_equal(
		base_u256_compare(&v, &(struct base_u256){{0, 0, 0, 7}}), 0);
	assert_false(base_u256_sub(&a, &b));
	assert_int_equal(a.limb[0], UINT64_MAX);
	assert_int_equal(a.limb[3], 0);
	assert_true(base_u256_sub(&a, &b));
	/* (2^256 - 1) / 3 is 0x5555... */
	v = most;
	base_u256_div(&v, &three);
	for (int i = 0; i < BASE_U256_LIMBS; i++)
		assert_int_equal(v.limb[i], UINT64_C(0x5555555555555555));
	v = most;
	base_u256_div(&v, &most);
	assert_int_equal(v.limb[0], 1);
	v = three;
	base_u256_div(&v, &b);
	assert_true(base_u256_is_zero(&v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_stops_at_the_end),
		cmocka_unit_test(writer_refuses_overflow),
		cmocka_unit_test(compact_size_round_trip),
		cmocka_unit_test(compact_size_demands_the_shortest_form),
		cmocka_unit_test(hex_round_trip_and_refusals),
		cmocka_unit_test(prng_is_the_published_sequence),
		cmocka_unit_test(u256_shifts_and_products),
		cmocka_unit_test(u256_sums_and_quotients),
		cmocka_unit_test(errors_are_cut_not_overrun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
