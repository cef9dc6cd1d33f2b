/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>
#include <openssl/sha.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "pow/cpu.h"
#include "pow/sha256.h"
#include "pow/target.h"

/* FIPS 180-4 examples: the empty message is from NIST's CAVP. */
static void published_answers(void **state)
{
	static const struct {
		const char *message;
		const char *hash;
	} known[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb924"
		     "27ae41e4649b934ca495991b7852b855"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223"
			"b00361a396177a9cb410ff61f20015ad"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039"
		 "a33ce45964ff2167f6ecedd419db06c1"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(known); i++) {
		struct base_hash hash;
		char hex[2 * sizeof(hash.b) + 1];

		pow_sha256(&hash, known[i].message, strlen(known[i].message));
		base_to_hex(hex, hash.b, sizeof(hash.b));
		assert_string_equal(hex, known[i].hash);
	}
}

static void every_length_agrees_with_openssl(void **state)
{
	struct base_prng p = base_prng_init(1);
	uint8_t data[300];

	(void)state;
	base_prng_fill(&p, data, sizeof(data));
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct base_hash ours;
		struct base_hash theirs;

		pow_sha256(&ours, data, len);
		SHA256(data, len, theirs.b);
		assert_memory_equal(ours.b, theirs.b, sizeof(ours.b));
		pow_sha256d(&ours, data, len);
		SHA256(theirs.b, sizeof(theirs.b), theirs.b);
		assert_memory_equal(ours.b, theirs.b, sizeof(ours.b));
	}
}

/* What the padding of @len bytes at @data makes of them: @out has room. */
static size_t pad(uint8_t *out, const uint8_t *data, size_t len)
{
	size_t count = (len + 8) / POW_SHA256_BLOCK + 1;

	memset(out, 0, count * POW_SHA256_BLOCK);
	memcpy(out, data, len);
	out[len] = 0x80;
	base_store_be64(out + count * POW_SHA256_BLOCK - 8, len * 8);
	return count;
}

static void pairs_are_messages(void **state)
{
	struct base_prng p = base_prng_init(5);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct base_hash pair[2];
		struct base_hash want;
		struct base_hash have;

		base_prng_fill(&p, pair[0].b, 32);
		base_prng_fill(&p, pair[1].b, 32);
		pow_sha256d(&want, pair, sizeof(pair));
		pow_sha256d_pair(&have, &pair[0], &pair[1]);
		assert_memory_equal(&have, &want, sizeof(want));
		pow_sha256d_pair(&pair[i % 2], &pair[0], &pair[1]);
		assert_memory_equal(&pair[i % 2], &want, sizeof(want));
	}
}

typedef void blocks_function(uint32_t state[static 8], const uint8_t *data,
			     size_t count);

static void check_blocks(blocks_function *blocks, uint64_t seed)
{
	static uint8_t data[4096];
	static uint8_t padded[sizeof(data) + 2 * POW_SHA256_BLOCK];
	struct base_prng p = base_prng_init(seed);

	for (unsigned i = 0; i < 2000; i++) {
		size_t len = (size_t)base_prng_below(
			&p, i < 1000 ? 200 : sizeof(data));
		size_t at = len == 0 ? 0 : (size_t)base_prng_below(&p, len);
		struct base_hash ours;
		struct base_hash theirs;
		uint32_t state[8];
		size_t count;
		size_t first;

		base_prng_fill(&p, data, len);
		SHA256(data + at, len - at, theirs.b);
		count = pad(padded, data + at, len - at);
		first = (size_t)base_prng_below(&p, count + 1);
		memcpy(state, pow_sha256_iv, sizeof(state));
		blocks(state, padded, first);
		blocks(state, padded + first * POW_SHA256_BLOCK, count - first);
		for (size_t k = 0; k < 8; k++)
			base_store_be32(ours.b + 4 * k, state[k]);
		assert_memory_equal(ours.b, theirs.b, sizeof(ours.b));
		pow_sha256(&ours, data + at, len - at);
		assert_memory_equal(ours.b, theirs.b, sizeof(ours.b));
	}
}

/* The portable form, that of this CPU and what was chosen, at any alignment
 * and however the blocks are split between calls. */
static void every_form_agrees_with_openssl(void **state)
{
	(void)state;
	check_blocks(pow_sha256_blocks_portable, 2);
	check_blocks(pow_sha256_blocks, 3);
#if defined(__x86_64__)
	if (pow_cpu_features() & POW_CPU_SHA)
		check_blocks(pow_sha256_blocks_shani, 4);
	else
		print_message("# no SHA extensions here\n");
#endif
}

static void assert_bits(uint32_t bits, const char *hex, uint32_t back)
{
	struct base_u256 v;
	struct base_u256 want;
	struct base_hash hash;

	assert_int_equal(base_hash_from_hex(&hash, hex), 0);
	want = base_u256_from_hash(&hash);
	assert_int_equal(pow_target_from_bits(&v, bits), 0);
	assert_int_equal(base_u256_compare(&v, &want), 0);
	assert_int_equal(pow_target_to_bits(&v), back);
}

/* The rule is Bitcoin Core's SetCompact and GetCompact. */
static void compact_targets(void **state)
{
	static const uint32_t refused[] = {
		0x00000000, 0x00123456, 0x01003456, 0x02000056, 0x03000000,
		0x04000000, 0x00923456, 0x01803456, 0x02800056, 0x04800000,
		0x01fedcba, 0x04923456, 0x04800001, 0x21010000, 0x22000100,
		0x23000001, 0xff123456, 0x22001234, 0x80123456,
	};
	struct base_u256 v = {.limb = {7, 7, 7, 7}};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(refused); i++)
		assert_int_equal(pow_target_from_bits(&v, refused[i]), -EINVAL);
	assert_true(v.limb[0] == 7);
	assert_bits(0x01123456,
		    "0000000000000000000000000000000000000000000000000000"
		    "000000000012",
		    0x01120000);
	assert_bits(0x02008000,
		    "0000000000000000000000000000000000000000000000000000"
		    "000000000080",
		    0x02008000);
	assert_bits(0x05009234,
		    "0000000000000000000000000000000000000000000000000000"
		    "000092340000",
		    0x05009234);
	assert_bits(0x20123456,
		    "1234560000000000000000000000000000000000000000000000"
		    "000000000000",
		    0x20123456);
	assert_bits(0x1d00ffff,
		    "00000000ffff0000000000000000000000000000000000000000"
		    "000000000000",
		    0x1d00ffff);
	assert_bits(0x2100ffff,
		    "ffff000000000000000000000000000000000000000000000000"
		    "000000000000",
		    0x2100ffff);
	assert_bits(0x220000ff,
		    "ff00000000000000000000000000000000000000000000000000"
		    "000000000000",
		    0x2100ff00);
}

/* Every split of a message in three gives the hash of the whole. */
static void parts_are_one_message(void **state)
{
	uint8_t data[200];
	struct base_hash whole;
	struct base_hash parts;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + 1);
	pow_sha256(&whole, data, sizeof(data));
	for (size_t a = 0; a <= sizeof(data); a++) {
		for (size_t b = a; b <= sizeof(data); b++) {
			struct pow_sha256_stream s;
			struct pow_sha256_stream copy;

			pow_sha256_init(&s);
			pow_sha256_update(&s, data, a);
			pow_sha256_update(&s, data + a, b - a);
			copy = s;
			pow_sha256_final(&parts, &s);
			pow_sha256_update(&copy, data + b, sizeof(data) - b);
			pow_sha256_final(&parts, &copy);
			assert_memory_equal(&parts, &whole, sizeof(whole));
		}
	}
	pow_sha256(&whole, NULL, 0);
	assert_int_equal(whole.b[0], 0xe3);
}

static void targets_meet_and_divide(void **state)
{
	struct base_u256 target = pow_target_for_hashes(1);
	struct base_hash hash;

	(void)state;
	memset(hash.b, 0xff, sizeof(hash.b));
	assert_true(pow_target_met(&target, &hash));
	target.limb[0]--;
	assert_false(pow_target_met(&target, &hash));
	hash.b[0]--;
	assert_true(pow_target_met(&target, &hash));
	target = pow_target_for_hashes(UINT64_C(1) << 32);
	assert_int_equal(base_u256_bits(&target), 224);
	target = pow_target_for_hashes(3);
	assert_true(target.limb[3] == UINT64_C(0x5555555555555555));
	assert_true(target.limb[0] == UINT64_C(0x5555555555555555));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_answers),
		cmocka_unit_test(every_length_agrees_with_openssl),
		cmocka_unit_test(every_form_agrees_with_openssl),
		cmocka_unit_test(pairs_are_messages),
		cmocka_unit_test(parts_are_one_message),
		cmocka_unit_test(compact_targets),
		cmocka_unit_test(targets_meet_and_divide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
