/* SPDX-License-Identifier: MIT */
/* What a light node believes (R4, R6, R7), and whom it blames. */
#include "light_fixture.h"

#define HEADERS 300u

struct fixture {
	struct chain_params p;
	struct ds_committee c;
	struct chain_context genesis;
	struct chain_context tip; /* of headers */
	struct chain_context at[HEADERS + 1];
	uint8_t headers[HEADERS * CHAIN_HEADER_SIZE];
	struct ds_light l;
	struct base_hash hash[CHAIN_RUN_MAX];
};

static struct fixture *f;

static int set_up(void **state)
{
	struct chain_header g = {.version = CHAIN_VERSION,
				 .time = 1700000000,
				 .bits = LIGHT_EASY_BITS};

	(void)state;
	f = calloc(1, sizeof(*f));
	light_params(&f->p);
	chain_context_init(&f->genesis, &g);
	ds_committee_init(&f->c, &f->p, &f->genesis.hash, 0);
	f->at[0] = f->genesis;
	for (uint32_t i = 0; i < HEADERS; i++) {
		f->at[i + 1] = f->at[i];
		light_grow(f->headers + (size_t)i * CHAIN_HEADER_SIZE,
			   &f->at[i + 1], &f->p, 1, (uint8_t)i);
	}
	f->tip = f->at[HEADERS];
	ds_light_init(&f->l, &f->c, &f->p, &f->genesis, &f->genesis, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(f);
	return 0;
}

static enum ds_light_news aim(uint32_t height)
{
	struct light_cert cert;

	light_certify(&cert, &f->c, &f->at[height], 0x7);
	return ds_light_cert(&f->l, &cert.cert, NULL);
}

/* The headers of heights @from..@to. */
static enum ds_light_news feed(uint32_t from, uint32_t to,
			       enum chain_verdict *v)
{
	size_t good;

	return ds_light_headers(&f->l, v, &good, f->hash,
				f->headers +
					(size_t)(from - 1) * CHAIN_HEADER_SIZE,
				to - from + 1);
}

static void a_certificate_vouches_for_all_before(void **state)
{
	enum chain_verdict v;

	(void)state;
	assert_int_equal(aim(HEADERS), DS_LIGHT_TARGET);
	assert_int_equal(feed(1, 100, &v), DS_LIGHT_KNOWN);
	assert_int_equal(v, CHAIN_OK);
	assert_int_equal(f->l.final.height.n, 0);
	assert_int_equal(f->l.tip.height.n, 100);
	assert_int_equal(feed(101, HEADERS, &v), DS_LIGHT_FINAL);
	assert_int_equal(f->l.final.height.n, HEADERS);
	assert_true(base_hash_equal(&f->l.final.hash, &f->tip.hash));
	assert_true(f->l.cert.set);
	assert_false(f->l.target.set);
}

static void a_part_of_the_way_is_certified(void **state)
{
	struct light_cert cert;
	enum chain_verdict v;

	(void)state;
	assert_int_equal(aim(HEADERS), DS_LIGHT_TARGET);
	assert_int_equal(feed(1, 50, &v), DS_LIGHT_KNOWN);
	assert_int_equal(feed(51, 80, &v), DS_LIGHT_KNOWN);
	light_certify(&cert, &f->c, &f->at[50], 0xe);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, &f->at[50].hash),
			 DS_LIGHT_FINAL);
	assert_int_equal(f->l.final.height.n, 50);
	assert_int_equal(f->l.tip.height.n, 80);
	assert_true(f->l.target.set);
	/* Not the end of a run: its context is not known any more. */
	light_certify(&cert, &f->c, &f->at[70], 0xe);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, &f->at[70].hash),
			 DS_LIGHT_KNOWN);
}

static void too_few_or_wrong_signatures(void **state)
{
	struct light_cert cert;

	(void)state;
	light_certify(&cert, &f->c, &f->at[9], 0x3);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_FORGED);
	light_certify(&cert, &f->c, &f->at[9], 0xf);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_TARGET);
	for (uint32_t i = 0; i < LIGHT_MEMBERS; i++) {
		light_certify(&cert, &f->c, &f->at[10], 0xf);
		cert.signature[i * DS_SIGNATURE_SIZE + 40] ^= 1;
		assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
				 DS_LIGHT_FORGED);
	}
	/* A signature is for one epoch, and any epoch's will do. */
	light_certify(&cert, &f->c, &f->at[10], 0xf);
	cert.cert.epoch++;
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_FORGED);
	f->c.vote_epoch = 5;
	light_certify(&cert, &f->c, &f->at[10], 0xf);
	f->c.vote_epoch = 0;
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_TARGET);
	cert.cert.mask = 0x1f;
	cert.cert.height.n++;
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_FORGED);
}

/* Changes the header of height @at and mines it again; @as: its verdict. */
static void expect_bad(uint32_t at, void (*change)(struct chain_header *h),
		       bool mine, enum chain_verdict as)
{
	uint8_t *bytes = f->headers + (size_t)(at - 1) * CHAIN_HEADER_SIZE;
	uint8_t kept[CHAIN_HEADER_SIZE];
	struct base_u256 target;
	struct chain_header h;
	struct base_hash hash;
	enum chain_verdict v;
	size_t good;

	memcpy(kept, bytes, sizeof(kept));
	chain_header_read(&h, bytes);
	change(&h);
	chain_header_hash(&hash, &h);
	while (pow_target_from_bits(&target, h.bits) == 0 &&
	       pow_target_met(&target, &hash) != mine) {
		h.nonce++;
		chain_header_hash(&hash, &h);
	}
	chain_header_write(bytes, &h);
	ds_light_back(&f->l);
	assert_int_equal(ds_light_headers(&f->l, &v, &good, f->hash, f->headers,
					  HEADERS),
			 DS_LIGHT_KNOWN);
	assert_int_equal(v, as);
	assert_int_equal(good, at - 1);
	assert_int_equal(f->l.tip.height.n, at - 1);
	assert_true(base_hash_equal(&f->l.tip.hash, &f->at[at - 1].hash));
	memcpy(bytes, kept, sizeof(kept));
}

static void change_nothing(struct chain_header *h)
{
	(void)h;
}

static void change_prev(struct chain_header *h)
{
	h->prev.b[5] ^= 4;
}

static void change_version(struct chain_header *h)
{
	h->version = 1;
}

static void change_bits(struct chain_header *h)
{
	h->bits -= 0x10000;
}

static void change_bits_above(struct chain_header *h)
{
	h->bits = 0x217fffff;
}

static void change_time(struct chain_header *h)
{
	h->time -= 10 * 5;
}

static void headers_that_break_a_rule(void **state)
{
	(void)state;
	assert_int_equal(aim(HEADERS), DS_LIGHT_TARGET);
	expect_bad(200, change_nothing, false, CHAIN_BAD_POW);
	expect_bad(1, change_nothing, false, CHAIN_BAD_POW);
	expect_bad(HEADERS, change_nothing, false, CHAIN_BAD_POW);
	expect_bad(200, change_prev, true, CHAIN_BAD_PREV);
	expect_bad(200, change_version, true, CHAIN_BAD_VERSION);
	expect_bad(200, change_bits, true, CHAIN_BAD_DIFFICULTY);
	expect_bad(200, change_bits_above, true, CHAIN_BAD_BITS);
	expect_bad(200, change_time, true, CHAIN_BAD_TIME_OLD);
}

static void headers_to_elsewhere(void **state)
{
	uint8_t other[10 * CHAIN_HEADER_SIZE];
	struct chain_context ctx = f->genesis;
	enum chain_verdict v;
	size_t good;

	(void)state;
	assert_int_equal(aim(10), DS_LIGHT_TARGET);
	light_grow(other, &ctx, &f->p, 10, 99);
	assert_int_equal(ds_light_headers(&f->l, &v, &good, f->hash, other, 10),
			 DS_LIGHT_ASTRAY);
	assert_int_equal(good, 0);
	assert_int_equal(f->l.tip.height.n, 0);
	assert_int_equal(feed(1, 10, &v), DS_LIGHT_FINAL);
}

/* A certificate for a height that is held otherwise, above final. */
static void a_certificate_elsewhere(void **state)
{
	uint8_t other[10 * CHAIN_HEADER_SIZE];
	struct chain_context ctx = f->genesis;
	struct light_cert cert;
	enum chain_verdict v;
	size_t good;

	(void)state;
	assert_int_equal(aim(20), DS_LIGHT_TARGET);
	light_grow(other, &ctx, &f->p, 10, 99);
	assert_int_equal(ds_light_headers(&f->l, &v, &good, f->hash, other, 10),
			 DS_LIGHT_KNOWN);
	light_certify(&cert, &f->c, &f->at[10], 0x7);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, &ctx.hash),
			 DS_LIGHT_ASTRAY);
	assert_int_equal(f->l.tip.height.n, 0);
	assert_int_equal(feed(1, 20, &v), DS_LIGHT_FINAL);
}

static void two_certificates_at_one_height(void **state)
{
	struct chain_context ctx = f->genesis;
	uint8_t other[20 * CHAIN_HEADER_SIZE];
	struct light_cert cert;
	enum chain_verdict v;

	(void)state;
	light_grow(other, &ctx, &f->p, 20, 99);
	assert_int_equal(aim(20), DS_LIGHT_TARGET);
	light_certify(&cert, &f->c, &ctx, 0xb);
	cert.signature[3] ^= 1;
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_FORGED);
	cert.signature[3] ^= 1;
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_CONFLICT);
	assert_true(f->l.halted);
	assert_true(f->l.target.set && f->l.other.set);
	assert_int_equal(aim(30), DS_LIGHT_KNOWN);
	/* The same when one of them is final. */
	ds_light_init(&f->l, &f->c, &f->p, &f->genesis, &f->genesis, NULL);
	assert_int_equal(aim(40), DS_LIGHT_TARGET);
	assert_int_equal(feed(1, 40, &v), DS_LIGHT_FINAL);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, &f->at[20].hash),
			 DS_LIGHT_CONFLICT);
	assert_true(f->l.halted);
}

static void what_is_known_costs_no_signature(void **state)
{
	struct light_cert cert;
	enum chain_verdict v;

	(void)state;
	assert_int_equal(aim(20), DS_LIGHT_TARGET);
	assert_int_equal(feed(1, 20, &v), DS_LIGHT_FINAL);
	light_certify(&cert, &f->c, &f->at[20], 0x7);
	memset(cert.signature, 0, sizeof(cert.signature));
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, &f->at[20].hash),
			 DS_LIGHT_KNOWN);
	assert_int_equal(aim(30), DS_LIGHT_TARGET);
	cert.cert.height.n = 30;
	cert.cert.hash = f->at[30].hash;
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_KNOWN);
}

/* R4: a certificate vouches for all ancestors, so headers that lead to it from
 * elsewhere than final are a contradiction. */
static void a_chain_that_leaves_final_out(void **state)
{
	uint8_t other[40 * CHAIN_HEADER_SIZE];
	struct chain_context ctx = f->at[5];
	struct light_cert cert;
	enum chain_verdict v;

	(void)state;
	assert_int_equal(aim(20), DS_LIGHT_TARGET);
	assert_int_equal(feed(1, 20, &v), DS_LIGHT_FINAL);
	light_grow(other, &ctx, &f->p, 40, 77); /* heights 6..45 */
	light_certify(&cert, &f->c, &ctx, 0x7);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert, NULL),
			 DS_LIGHT_TARGET);
	/* In two parts, the second one broken: nothing is proved. */
	assert_int_equal(ds_light_away(&f->l, f->hash,
				       other + 15 * CHAIN_HEADER_SIZE, 10),
			 DS_LIGHT_KNOWN);
	assert_int_equal(ds_light_away(&f->l, f->hash,
				       other + 26 * CHAIN_HEADER_SIZE, 10),
			 DS_LIGHT_FORGED);
	/* From final, it is no contradiction. */
	assert_int_equal(ds_light_away(&f->l, f->hash,
				       f->headers + 20 * CHAIN_HEADER_SIZE, 10),
			 DS_LIGHT_FORGED);
	assert_int_equal(ds_light_away(&f->l, f->hash,
				       other + 15 * CHAIN_HEADER_SIZE, 10),
			 DS_LIGHT_KNOWN);
	assert_int_equal(ds_light_away(&f->l, f->hash,
				       other + 25 * CHAIN_HEADER_SIZE, 15),
			 DS_LIGHT_CONFLICT);
	assert_true(f->l.halted);
	assert_int_equal(f->l.final.height.n, 20);
}

static void begins_where_it_was(void **state)
{
	struct light_cert cert;
	enum chain_verdict v;

	(void)state;
	light_certify(&cert, &f->c, &f->at[20], 0x7);
	ds_light_init(&f->l, &f->c, &f->p, &f->at[20], &f->at[60], &cert.cert);
	assert_int_equal(aim(HEADERS), DS_LIGHT_TARGET);
	assert_int_equal(feed(61, HEADERS, &v), DS_LIGHT_FINAL);
}

static void many_marks(void **state)
{
	struct light_cert cert;
	enum chain_verdict v;

	(void)state;
	assert_int_equal(aim(HEADERS), DS_LIGHT_TARGET);
	for (uint32_t i = 1; i < HEADERS; i++)
		assert_int_equal(feed(i, i, &v), DS_LIGHT_KNOWN);
	light_certify(&cert, &f->c, &f->at[HEADERS - DS_LIGHT_MARKS - 1], 0x7);
	assert_int_equal(
		ds_light_cert(&f->l, &cert.cert,
			      &f->at[HEADERS - DS_LIGHT_MARKS - 1].hash),
		DS_LIGHT_KNOWN);
	light_certify(&cert, &f->c, &f->at[HEADERS - DS_LIGHT_MARKS], 0x7);
	assert_int_equal(ds_light_cert(&f->l, &cert.cert,
				       &f->at[HEADERS - DS_LIGHT_MARKS].hash),
			 DS_LIGHT_FINAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_certificate_vouches_for_all_before),
		TEST(a_part_of_the_way_is_certified),
		TEST(too_few_or_wrong_signatures),
		TEST(headers_that_break_a_rule),
		TEST(headers_to_elsewhere),
		TEST(a_certificate_elsewhere),
		TEST(two_certificates_at_one_height),
		TEST(what_is_known_costs_no_signature),
		TEST(a_chain_that_leaves_final_out),
		TEST(begins_where_it_was),
		TEST(many_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
