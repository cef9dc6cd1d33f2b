/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include <stdlib.h>

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/prng.h"
#include "consensus/light.h"
#include "measure.h"
#include "pow/target.h"

#define LIMIT_BITS UINT32_C(0x207fffff)
#define START_BITS UINT32_C(0x201fffff) /* a hash in eight */
#define SPACING_S 5u

struct follow {
	struct follow_options o;
	struct chain_params params;
	struct ds_committee committee;
	struct chain_context genesis;
	secp256k1_context *secp;
	secp256k1_keypair pair[DS_MEMBERS_MAX];
	uint8_t *headers;
	uint8_t *certs; /* DS_CERT_SIZE(quorum) each */
	struct ds_light light;
	struct base_hash hash[CHAIN_RUN_MAX];
};

static uint32_t cert_count(const struct follow *f)
{
	return (f->o.headers + f->o.every - 1) / f->o.every;
}

static size_t cert_size(const struct follow *f)
{
	return DS_CERT_SIZE(f->committee.quorum);
}

static void make_committee(struct follow *f)
{
	const struct chain_header genesis = {.version = CHAIN_VERSION,
					     .time = 1000000000,
					     .bits = START_BITS};
	struct chain_params *p = &f->params;
	int rc = pow_target_from_bits(&p->pow_limit, LIMIT_BITS);

	BASE_ASSERT(rc == 0);
	p->genesis_bits = START_BITS;
	p->spacing_s = SPACING_S;
	p->half_life_s = SPACING_S * CHAIN_HALF_LIFE_SPACINGS;
	p->delta_ms = 500;
	p->member_count = f->o.members;
	p->faults = f->o.faults;
	for (uint32_t i = 0; i < f->o.members; i++) {
		uint8_t secret[32] = {[31] = (uint8_t)(i + 1)};
		secp256k1_xonly_pubkey point;
		int ok = secp256k1_keypair_create(f->secp, &f->pair[i], secret);

		ok = ok && secp256k1_keypair_xonly_pub(f->secp, &point, NULL,
						       &f->pair[i]);
		ok = ok && secp256k1_xonly_pubkey_serialize(
				   f->secp, p->member[i].signing_key, &point);
		BASE_ASSERT(ok);
	}
	chain_context_init(&f->genesis, &genesis);
	ds_committee_init(&f->committee, p, &f->genesis.hash, 0);
}

static void certify(struct follow *f, uint8_t *out,
		    const struct chain_context *at)
{
	uint8_t signature[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
	const uint32_t quorum = f->committee.quorum;
	const struct ds_cert cert = {.height = at->height,
				     .hash = at->hash,
				     .mask = ds_mask_all(&f->committee) >>
					     (f->o.members - quorum),
				     .signatures = signature};
	struct base_hash hash;
	size_t len;

	ds_hash_vote(&hash, &f->committee, 0, at->height, &at->hash);
	for (uint32_t i = 0; i < quorum; i++) {
		int ok = secp256k1_schnorrsig_sign32(
			f->secp, signature + (size_t)i * DS_SIGNATURE_SIZE,
			hash.b, &f->pair[i], NULL);

		BASE_ASSERT(ok);
	}
	len = ds_cert_write(out, cert_size(f), &cert);
	BASE_ASSERT(len == cert_size(f));
}

/* Near the schedule, as the rule would keep it, but with spacings of 1..9
 * seconds: headers have targets of their own. */
static void mine(struct follow *f)
{
	struct base_prng prng = base_prng_init(1);
	struct chain_context at = f->genesis;
	uint8_t *cert = f->certs;

	for (uint32_t i = 0; i < f->o.headers; i++) {
		struct chain_header h = {
			.version = CHAIN_VERSION,
			.prev = at.hash,
			.time = f->genesis.time[0] + (i + 1) * SPACING_S +
				(uint32_t)base_prng_below(&prng, SPACING_S),
			.bits = chain_context_next_bits(&at, &f->params)};
		struct base_u256 target;
		struct base_hash hash;
		int rc = pow_target_from_bits(&target, h.bits);

		BASE_ASSERT(rc == 0);
		base_prng_fill(&prng, h.merkle_root.b, sizeof(h.merkle_root.b));
		for (;; h.nonce++) {
			chain_header_hash(&hash, &h);
			if (pow_target_met(&target, &hash))
				break;
		}
		chain_header_write(f->headers + (size_t)i * CHAIN_HEADER_SIZE,
				   &h);
		chain_context_append_hashed(&at, &f->params, &h, &hash);
		if ((i + 1) % f->o.every == 0 || i + 1 == f->o.headers) {
			certify(f, cert, &at);
			cert += cert_size(f);
		}
	}
}

struct follow *follow_create(const struct follow_options *options)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->o = *options;
	f->secp = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	BASE_ASSERT(f->secp);
	make_committee(f);
	f->headers = malloc((size_t)f->o.headers * CHAIN_HEADER_SIZE);
	f->certs = malloc(cert_count(f) * cert_size(f));
	if (!f->headers || !f->certs) {
		follow_free(f);
		return NULL;
	}
	mine(f);
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	secp256k1_context_destroy(f->secp);
	free(f->headers);
	free(f->certs);
	free(f);
}

static void take_cert(struct follow *f, uint32_t number)
{
	struct ds_cert cert;
	enum ds_light_news news;
	int rc = ds_cert_read(&cert, &f->committee,
			      f->certs + number * cert_size(f), cert_size(f));

	BASE_ASSERT(rc == 0);
	news = ds_light_cert(&f->light, &cert, NULL);
	BASE_ASSERT(news == DS_LIGHT_TARGET);
}

static void take_headers(struct follow *f)
{
	const uint32_t from = f->light.tip.height.n;
	const uint32_t left = f->light.target.cert.height.n - from;
	const uint32_t count = left < CHAIN_RUN_MAX ? left : CHAIN_RUN_MAX;
	enum chain_verdict verdict;
	enum ds_light_news news;
	size_t good;

	news = ds_light_headers(&f->light, &verdict, &good, f->hash,
				f->headers + (size_t)from * CHAIN_HEADER_SIZE,
				count);
	BASE_ASSERT(verdict == CHAIN_OK && good == count);
	BASE_ASSERT((news == DS_LIGHT_FINAL) == (count == left));
}

double follow_run(struct follow *f, double *certs_ns)
{
	uint64_t start = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t certs = 0;

	ds_light_init(&f->light, &f->committee, &f->params, &f->genesis,
		      &f->genesis, NULL);
	for (uint32_t i = 0; i < cert_count(f); i++) {
		uint64_t before = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);

		take_cert(f, i);
		certs += measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
		while (f->light.target.set)
			take_headers(f);
	}
	BASE_ASSERT(f->light.final.height.n == f->o.headers);
	*certs_ns = (double)certs;
	return (double)(measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start);
}
