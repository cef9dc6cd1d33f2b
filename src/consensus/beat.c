/* SPDX-License-Identifier: MIT */
/* R5: what members say of themselves at every tick. */
#include "consensus/internal.h"

const struct ds_beats *ds_beats_at(const struct ds *ds, struct base_tick k)
{
	const struct ds_beats *b = &ds->beats[k.n % DS_BEATS_MAX];

	return b->used && b->tick.n == k.n ? b : NULL;
}

static struct ds_beats *open_beats(struct ds *ds, struct base_tick k)
{
	struct ds_beats *b = &ds->beats[k.n % DS_BEATS_MAX];

	if (b->used && b->tick.n == k.n)
		return b;
	*b = (struct ds_beats){.used = true, .tick = k};
	return b;
}

/* Of this tick or, from a clock ahead of ours, the next. */
static bool in_time(const struct ds *ds, struct base_tick k)
{
	const struct base_tick next = {k.n + 1};

	return ds->ticking && k.n <= ds->tick.n + 1 &&
	       ds->now < ds_tick_ms(ds->c, next);
}

void ds_on_beat(struct ds *ds, uint32_t peer, const struct ds_beat *in)
{
	const struct ds_beats *b = ds_beats_at(ds, in->claim.tick);
	struct ds_pending *m;
	struct base_hash hash;

	if (in->epoch != ds->c->vote_epoch || (int)in->voter == ds->o.self ||
	    !in_time(ds, in->claim.tick) ||
	    (b && ds_mask_has(b->heard, in->voter)))
		return;
	ds_hash_beat(&hash, ds->c, &in->claim);
	if (ds_verifying(ds, DS_BEAT, &hash, in->signature))
		return;
	m = ds_pend(ds, peer, DS_BEAT);
	if (!m)
		return;
	m->beat = *in;
	memcpy(m->signature, in->signature, DS_SIGNATURE_SIZE);
	m->beat.signature = m->signature;
	m->check[0].sighash = hash;
	memcpy(m->check[0].key, ds->c->key[in->voter], CHAIN_KEY_SIZE);
	memcpy(m->check[0].signature, in->signature, DS_SIGNATURE_SIZE);
	ds_verify(ds, m, 1);
}

/* The clock in a beat is nobody's word: it is for people, once enough of
 * them differ. */
static void watch_clock(struct ds *ds, const struct ds_beat *m)
{
	const uint64_t off = m->local_ms > ds->now ? m->local_ms - ds->now
						   : ds->now - m->local_ms;
	const ds_mask bit = ds_mask_of(m->voter);
	bool many;

	if (off > ds->c->delta_ms)
		ds->skewed |= bit;
	else
		ds->skewed &= ~bit;
	many = ds_mask_count(ds->skewed) > ds->c->f;
	if (many && !ds->skew_said) {
		DS_RULE(R5_SKEW);
		ds_alert(ds, DS_SKEW, m->voter);
	}
	ds->skew_said = many;
}

void ds_beat_good(struct ds *ds, struct ds_pending *m)
{
	const struct ds_beat *in = &m->beat;
	struct ds_beats *b;
	struct ds_action *a;

	if (!in_time(ds, in->claim.tick))
		return;
	b = open_beats(ds, in->claim.tick);
	if (ds_mask_has(b->heard, in->voter))
		return;
	b->heard |= ds_mask_of(in->voter);
	if (in->claim.flags != DS_SYNC)
		b->strong |= ds_mask_of(in->voter);
	if (in->claim.flags == DS_ACTIVE)
		b->active |= ds_mask_of(in->voter);
	b->tip[in->voter] = in->claim.tip;
	b->final[in->voter] = in->claim.final_height.n;
	watch_clock(ds, in);
	a = ds_act(ds, DS_ACT_SEND);
	a->send.kind = DS_BEAT;
	a->send.beat = *in;
	a->send.beat.signature = ds_snapshot(ds, in->signature, 1);
	ds_peers_all(&a->send.to, ds, m->peer);
}

/* R2.b: at tick k, n - f members were heard in the tick before, or there was
 * none before. */
bool ds_beats_suffice(const struct ds *ds, struct base_tick k)
{
	const struct ds_beats *b;
	ds_mask heard = 0;

	if (k.n == 0)
		return true;
	b = ds_beats_at(ds, (struct base_tick){k.n - 1});
	if (b)
		heard = b->heard;
	if (ds_is_member(ds))
		heard |= ds_mask_of((uint32_t)ds->o.self);
	return ds_mask_count(heard) >= ds->c->n - ds->c->f;
}

/* R2.f */
void ds_send_beat(struct ds *ds, struct base_tick k)
{
	struct ds_action *a;
	struct ds_peers to;
	struct ds_beat beat = {.epoch = ds->c->vote_epoch,
			       .voter = (uint8_t)ds->o.self,
			       .local_ms = ds->now};
	uint8_t signature[DS_SIGNATURE_SIZE];
	struct base_hash hash;

	/* Alone, a member speaks when somebody follows it. */
	ds_peers_all(&to, ds, DS_NOBODY);
	if (ds->mode == DS_HALT || (ds->c->n == 1 && ds_peers_empty(&to)))
		return;
	beat.claim = (struct ds_beat_claim){.tick = k,
					    .tip_height = ds_tip(ds)->height,
					    .tip = ds_tip(ds)->hash,
					    .final_height = ds->final.height,
					    .flags = (uint8_t)ds->mode};
	ds_hash_beat(&hash, ds->c, &beat.claim);
	ds->o.signer.sign(ds->o.signer.ctx, signature, &hash);
	beat.signature = ds_snapshot(ds, signature, 1);
	a = ds_act(ds, DS_ACT_SEND);
	a->send.kind = DS_BEAT;
	a->send.beat = beat;
	a->send.to = to;
}

static uint32_t naming(const struct ds_beats *b, ds_mask members,
		       const struct base_hash *tip)
{
	uint32_t count = 0;

	while (members)
		count += base_hash_equal(&b->tip[ds_mask_take(&members)], tip);
	return count;
}

uint32_t ds_beats_naming(const struct ds *ds, struct base_tick k,
			 const struct base_hash *tip)
{
	const struct ds_beats *b = ds_beats_at(ds, k);

	return b ? naming(b, b->strong, tip) : 0;
}

const struct base_hash *ds_common_tip(const struct ds *ds,
				      const struct ds_beats *b, ds_mask members)
{
	for (ds_mask left = members; left;) {
		const struct base_hash *tip = &b->tip[ds_mask_take(&left)];

		if (naming(b, members, tip) >= ds->c->f + 1)
			return tip;
	}
	return NULL;
}

const struct base_hash *ds_beats_tip(const struct ds *ds, struct base_tick k)
{
	const struct ds_beats *b = ds_beats_at(ds, k);

	return b ? ds_common_tip(ds, b, b->strong) : NULL;
}

/* Without certificates a fork is silent: any member elsewhere for long. */
static void watch_forks(struct ds *ds, const struct ds_beats *b,
			const struct base_hash *tip)
{
	for (uint32_t i = 0; i < ds->c->n; i++) {
		if (!ds_mask_has(b->strong, i))
			continue;
		if (base_hash_equal(&b->tip[i], tip)) {
			ds->fork_ticks[i] = 0;
			continue;
		}
		ds->fork_ticks[i]++;
		if (ds->fork_ticks[i] != ds->c->rounds + 1)
			continue;
		DS_RULE(R5_FORK);
		ds_alert(ds, DS_FORK, (uint8_t)i);
	}
}

/* At t(k+1): is the tip that others had after tick k mine? */
void ds_judge_beats(struct ds *ds, struct base_tick k)
{
	const struct ds_beats *b = ds_beats_at(ds, k);
	const struct ds_hist *h = ds_hist_at(ds, k);
	/* Who follows only is one tick behind a decision. */
	const struct base_hash *tip =
		b ? ds_common_tip(ds, b, b->active) : NULL;

	if (!b || !h || ds->mode == DS_SYNC)
		return;
	if (!ds->c->certified)
		watch_forks(ds, b, &h->at.hash);
	if (ds->mode != DS_ACTIVE || !tip || base_hash_equal(tip, &h->at.hash))
		return;
	DS_RULE(R5_DIVERGED);
	ds_taint(ds, DS_DIVERGED);
}
