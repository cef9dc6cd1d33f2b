/* SPDX-License-Identifier: MIT */
/* What a member must not forget, and the certificates of its blocks. */
#include "test.h"

#include <errno.h>

#include "consensus/message.h"
#include "store_fixture.h"

#define BLOCKS 3

/* The only member's certificate for @b, signed by @secret. */
static size_t certify(uint8_t out[static DS_CERT_SIZE(1)],
		      const struct fixture *f, const struct test_block *b,
		      uint8_t secret)
{
	secp256k1_context *ctx =
		secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	uint8_t signature[DS_SIGNATURE_SIZE], key[CHAIN_KEY_SIZE];
	struct ds_cert cert = {.height = b->ctx.height,
			       .hash = b->ctx.hash,
			       .mask = 1,
			       .signatures = signature};
	struct ds_committee c;
	secp256k1_keypair pair;
	struct base_hash hash;

	ds_committee_init(&c, &f->p, &f->genesis.ctx.hash, 0);
	ds_hash_vote(&hash, &c, 0, cert.height, &cert.hash);
	spend_key(key, &pair, secret);
	assert_true(secp256k1_schnorrsig_sign32(ctx, signature, hash.b, &pair,
						NULL));
	secp256k1_context_destroy(ctx);
	return ds_cert_write(out, DS_CERT_SIZE(1), &cert);
}

static void append(struct store *s, struct fixture *f, struct test_block *b,
		   const struct chain_context *on, uint8_t secret)
{
	uint8_t cert[DS_CERT_SIZE(1)];
	struct chain_changes changes = {.change = b->change};
	struct base_error err;

	test_next(b, &f->p, on, 0);
	changes.count = b->change_count;
	assert_int_equal(
		store_append(s,
			     &(struct store_block){
				     .data = b->data,
				     .len = b->len,
				     .after = b->ctx,
				     .changes = &changes,
				     .cert = cert,
				     .cert_len = certify(cert, f, b, secret)},
			     &err),
		0);
}

static int verify_store(struct store *s, const struct fixture *f,
			struct base_error *err)
{
	struct chain_context tip;

	return store_verify(&tip, s, &f->p, f->genesis.data, f->genesis.len,
			    NULL, NULL, err);
}

static struct store *open_network(struct fixture *f)
{
	secp256k1_keypair pair;
	struct store *s;

	spend_key(f->p.member[0].signing_key, &pair, TEST_SECRET);
	test_genesis(&f->genesis, &f->p);
	s = open_with(f, MAP, false);
	init(s, f);
	return s;
}

static void certificates_are_kept_and_verified(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_network(f);
	struct chain_context tip = f->genesis.ctx;
	struct test_block b;
	struct store_reader *r;
	struct base_error err;
	struct ds_committee c;
	struct ds_cert cert;
	const uint8_t *bytes;
	size_t len;

	for (int i = 0; i < BLOCKS; i++) {
		append(s, f, &b, &tip, TEST_SECRET);
		tip = b.ctx;
	}
	assert_int_equal(verify_store(s, f, &err), 0);
	ds_committee_init(&c, &f->p, &f->genesis.ctx.hash, 0);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_cert_at(&bytes, &len, r, tip.height), 0);
	assert_int_equal(ds_cert_read(&cert, &c, bytes, len), 0);
	assert_true(base_hash_equal(&cert.hash, &tip.hash));
	assert_int_equal(store_cert_at(&bytes, &len, r, f->genesis.ctx.height),
			 -ENOENT);
	store_read_end(r);
	append(s, f, &b, &tip, TEST_SECRET + 1);
	assert_int_equal(verify_store(s, f, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "height 4: the certificate has a "
					 "wrong signature"));
	store_close(s);
}

static void a_member_remembers(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct store_member m;
	struct store_reader *r;
	struct base_error err;

	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_member(&m, r), 0);
	assert_false(m.has_proposed);
	assert_null(m.vote);
	store_read_end(r);
	for (uint8_t i = 1; i <= 3; i++) {
		const uint8_t vote[] = {i, 7}, block[] = {i, 8, 9};

		assert_int_equal(
			store_put_proposed(s, (struct base_tick){i}, &err), 0);
		assert_int_equal(store_put_vote(s, vote, sizeof(vote), block,
						sizeof(block), &err),
				 0);
	}
	store_close(s);
	s = open_with(f, MAP, false);
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_member(&m, r), 0);
	assert_true(m.has_proposed);
	assert_int_equal(m.proposed.n, 3);
	assert_int_equal(m.vote_len, 2);
	assert_int_equal(m.vote[0], 3);
	assert_int_equal(m.vote_block_len, 3);
	assert_int_equal(m.vote_block[0], 3);
	store_read_end(r);
	store_close(s);
}

static void evidence_is_bounded(void **state)
{
	const struct fixture *f = *state;
	struct store *s = open_with(f, MAP, false);
	struct store_reader *r;
	struct base_error err;

	for (int i = 0; i < STORE_EVIDENCE_MAX + 3; i++) {
		const uint8_t evidence[] = {(uint8_t)i, (uint8_t)(i >> 8)};

		assert_int_equal(
			store_add_evidence(s, evidence, sizeof(evidence), &err),
			0);
	}
	assert_int_equal(store_read_begin(&r, s, &err), 0);
	assert_int_equal(store_evidence_count(r), STORE_EVIDENCE_MAX);
	store_read_end(r);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(certificates_are_kept_and_verified),
		TEST(a_member_remembers),
		TEST(evidence_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
