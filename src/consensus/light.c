/* SPDX-License-Identifier: MIT */
#include "consensus/light.h"

#include "base/assert.h"
#include "consensus/hooks.h"

bool ds_cert_valid(const struct ds_committee *c, const struct ds_cert *cert)
{
	struct chain_check check[DS_MEMBERS_MAX];
	struct base_hash signed_hash;
	ds_mask left = cert->mask;
	uint32_t count = 0;

	if (ds_mask_count(cert->mask) < c->quorum ||
	    (cert->mask & ~ds_mask_all(c)) != 0)
		return false;
	ds_hash_vote(&signed_hash, c, cert->epoch, cert->height, &cert->hash);
	for (; left; count++) {
		uint32_t who = ds_mask_take(&left);

		check[count].sighash = signed_hash;
		memcpy(check[count].key, c->key[who], CHAIN_KEY_SIZE);
		memcpy(check[count].signature,
		       ds_signature_of(cert->signatures, cert->mask, who),
		       DS_SIGNATURE_SIZE);
	}
	return chain_checks_valid(check, count);
}

static void keep(struct ds_kept_cert *out, const struct ds_cert *in)
{
	out->set = true;
	memmove(out->signature, in->signatures,
		(size_t)ds_mask_count(in->mask) * DS_SIGNATURE_SIZE);
	out->cert = *in;
	out->cert.signatures = out->signature;
}

void ds_light_init(struct ds_light *out, const struct ds_committee *c,
		   const struct chain_params *p,
		   const struct chain_context *final,
		   const struct chain_context *tip, const struct ds_cert *cert)
{
	BASE_ASSERT(c->certified);
	BASE_ASSERT(tip->height.n >= final->height.n);
	memset(out, 0, sizeof(*out));
	out->c = c;
	out->p = p;
	out->final = *final;
	out->tip = *tip;
	if (cert)
		keep(&out->cert, cert);
}

void ds_light_back(struct ds_light *l)
{
	l->tip = l->final;
	l->mark_count = 0;
	l->is_away = false;
}

static enum ds_light_news halt(struct ds_light *l, const struct ds_cert *in)
{
	DS_RULE(R4_HALT);
	keep(&l->other, in);
	l->halted = true;
	return DS_LIGHT_CONFLICT;
}

/* Final moves to @at, which is tip or behind it. */
static enum ds_light_news certified(struct ds_light *l,
				    const struct chain_context *at,
				    const struct ds_cert *cert)
{
	l->final = *at;
	keep(&l->cert, cert);
	if (l->target.set && l->target.cert.height.n <= at->height.n)
		l->target.set = false;
	l->is_away = false;
	return DS_LIGHT_FINAL;
}

static const struct chain_context *mark_of(const struct ds_light *l,
					   const struct ds_cert *in)
{
	uint32_t kept =
		l->mark_count < DS_LIGHT_MARKS ? l->mark_count : DS_LIGHT_MARKS;

	if (base_hash_equal(&l->tip.hash, &in->hash) &&
	    l->tip.height.n == in->height.n)
		return &l->tip;
	for (uint32_t i = 0; i < kept; i++)
		if (l->mark[i].height.n == in->height.n &&
		    base_hash_equal(&l->mark[i].hash, &in->hash))
			return &l->mark[i];
	return NULL;
}

/* At or below final: it agrees, or contradicts the certificate of final. */
static enum ds_light_news judge_past(struct ds_light *l,
				     const struct ds_cert *in,
				     const struct base_hash *held)
{
	if (!held || base_hash_equal(held, &in->hash))
		return DS_LIGHT_KNOWN;
	/* Genesis needs no certificate, and none is about it. */
	if (in->height.n == 0 || !ds_cert_valid(l->c, in))
		return DS_LIGHT_FORGED;
	return halt(l, in);
}

static enum ds_light_news judge_way(struct ds_light *l,
				    const struct ds_cert *in,
				    const struct base_hash *held)
{
	const bool same = held && base_hash_equal(held, &in->hash);
	const struct chain_context *at = mark_of(l, in);
	struct chain_context mark;

	if (!held || (same && !at))
		return DS_LIGHT_KNOWN;
	if (!ds_cert_valid(l->c, in))
		return DS_LIGHT_FORGED;
	if (same) {
		mark = *at;
		return certified(l, &mark, in);
	}
	ds_light_back(l);
	if (!l->target.set)
		keep(&l->target, in);
	return DS_LIGHT_ASTRAY;
}

enum ds_light_news ds_light_cert(struct ds_light *l, const struct ds_cert *in,
				 const struct base_hash *held)
{
	const struct ds_cert *target = &l->target.cert;

	if (l->halted)
		return DS_LIGHT_KNOWN;
	if (in->height.n <= l->final.height.n)
		return judge_past(l, in, held);
	if (in->height.n <= l->tip.height.n)
		return judge_way(l, in, held);
	if (l->target.set && (in->height.n < target->height.n ||
			      (in->height.n == target->height.n &&
			       base_hash_equal(&in->hash, &target->hash))))
		return DS_LIGHT_KNOWN;
	if (!ds_cert_valid(l->c, in))
		return DS_LIGHT_FORGED;
	if (l->target.set && in->height.n == target->height.n)
		return halt(l, in);
	DS_RULE(R4_HIGHER);
	keep(&l->target, in);
	return DS_LIGHT_TARGET;
}

enum ds_light_news ds_light_headers(struct ds_light *l,
				    enum chain_verdict *verdict, size_t *good,
				    struct base_hash *hash,
				    const uint8_t *headers, size_t count)
{
	const struct ds_cert *target = &l->target.cert;
	struct ds_kept_cert cert;

	BASE_ASSERT(count >= 1 && l->target.set && !l->halted);
	BASE_ASSERT(count <= target->height.n - l->tip.height.n);
	*verdict = chain_run_append(&l->tip, hash, good, l->p, headers, count);
	if (*good == 0)
		return DS_LIGHT_KNOWN;
	l->mark[l->mark_count++ % DS_LIGHT_MARKS] = l->tip;
	if (l->tip.height.n < target->height.n)
		return DS_LIGHT_KNOWN;
	if (!base_hash_equal(&l->tip.hash, &target->hash)) {
		*good = 0;
		ds_light_back(l);
		return DS_LIGHT_ASTRAY;
	}
	cert = l->target;
	cert.cert.signatures = cert.signature;
	return certified(l, &l->tip, &cert.cert);
}

enum ds_light_news ds_light_away(struct ds_light *l, struct base_hash *hash,
				 const uint8_t *headers, size_t count)
{
	const struct ds_cert *target = &l->target.cert;
	struct chain_header first;

	BASE_ASSERT(count >= 1 && l->target.set && !l->halted);
	if (!l->is_away) {
		ds_light_back(l);
		chain_header_read(&first, headers);
		l->away = first.prev;
		l->away_height = l->final.height;
		l->is_away = true;
		if (base_hash_equal(&l->away, &l->final.hash)) {
			l->is_away = false;
			return DS_LIGHT_FORGED;
		}
	}
	BASE_ASSERT(count <= target->height.n - l->away_height.n);
	if (!chain_run_linked(&l->away, hash, headers, count)) {
		l->is_away = false;
		return DS_LIGHT_FORGED;
	}
	l->away = hash[count - 1];
	l->away_height.n += (uint32_t)count;
	if (l->away_height.n < target->height.n)
		return DS_LIGHT_KNOWN;
	l->is_away = false;
	/* Certificates name the genesis: no quorum leads away from it. */
	if (!base_hash_equal(&l->away, &target->hash) || l->final.height.n == 0)
		return DS_LIGHT_FORGED;
	return halt(l, target);
}
