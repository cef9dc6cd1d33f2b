/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "folder.h"

#include "base/bytes.h"
#include "chain/signature.h"
#include "node/bip86.h"
#include "node/keys.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* The published example of BIP86: the seed of its mnemonic, and the output
 * keys of its first two receiving addresses and its first change address. */
static void bip86_published_keys(void **state)
{
	static const char seed_hex[] =
		"5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5f"
		"c19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e"
		"38e4";
	static const struct {
		uint32_t change;
		uint32_t index;
		const char *key;
	} known[] = {
		{0, 0,
		 "a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc"
		 "684c"},
		{0, 1,
		 "a82f29944d65b86ae6b5e5cc75e294ead6c59391a1edc5e016e3498c67fc"
		 "7bbb"},
		{1, 0,
		 "882d74e5d0572d5a816cef0041a96b6c1de832f6f9676d9605c44d5e9a97"
		 "d3dc"},
	};
	struct node_xprv secret;
	struct node_xpub account;
	uint8_t seed[64];

	(void)state;
	assert_int_equal(base_from_hex(seed, sizeof(seed), seed_hex), 0);
	assert_int_equal(node_bip86_account(&secret, seed, sizeof(seed)), 0);
	assert_int_equal(node_bip86_public(&account, &secret), 0);
	for (size_t i = 0; i < BASE_COUNT(known); i++) {
		const uint8_t aux[32] = {7};
		const struct base_hash hash = {{(uint8_t)i}};
		uint8_t signature[NODE_SIGNATURE_SIZE];
		struct node_xpub branch;
		uint8_t key[32];
		char hex[65];

		assert_int_equal(
			node_bip86_branch(&branch, &account, known[i].change),
			0);
		assert_int_equal(
			node_bip86_output_key(key, &branch, known[i].index), 0);
		base_to_hex(hex, key, sizeof(key));
		assert_string_equal(hex, known[i].key);
		assert_int_equal(node_bip86_sign(signature, &hash, &secret,
						 known[i].change,
						 known[i].index, aux),
				 0);
		assert_true(chain_signature_valid(signature, hash.b,
						  sizeof(hash.b), key));
	}
	assert_int_equal(node_bip86_account(&secret, seed, 15), -EINVAL);
}

static void xonly_refuses_what_is_no_secret(void **state)
{
	uint8_t secret[32] = {0};
	uint8_t key[32];
	char hex[65];

	(void)state;
	assert_int_equal(node_xonly_public(key, secret), -EINVAL);
	secret[31] = 1; /* the generator */
	assert_int_equal(node_xonly_public(key, secret), 0);
	base_to_hex(hex, key, sizeof(key));
	assert_string_equal(hex, "79be667ef9dcbbac55a06295ce870b07"
				 "029bfcdb2dce28d959f2815b16f81798");
	memset(secret, 0xff, sizeof(secret));
	assert_int_equal(node_xonly_public(key, secret), -EINVAL);
}

static void keys_are_made_once_and_kept(void **state)
{
	char folder[] = "/tmp/minerd-keys-XXXXXX";
	char path[NODE_PATH_MAX];
	struct base_error err;
	struct node_datadir d;
	struct node_keys first;
	struct node_keys second;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_int_equal(node_datadir_open(&d, folder, &err), 0);
	assert_int_equal(node_keys_load(&first, &d, false, NULL, &err),
			 -ENOENT);
	assert_int_equal(node_keys_load(&first, &d, true, NULL, &err), 0);
	assert_int_equal(node_keys_load(&second, &d, false, NULL, &err), 0);
	assert_memory_equal(&first, &second, sizeof(first));
	(void)snprintf(path, sizeof(path), "%s/keys/signing.key", folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	node_keys_wipe(&first);
	assert_true(first.signing_secret[0] == 0 && first.node_id[31] == 0);
	node_datadir_close(&d);
	assert_int_equal(test_remove_folder(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bip86_published_keys),
		cmocka_unit_test(xonly_refuses_what_is_no_secret),
		cmocka_unit_test(keys_are_made_once_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
