/* SPDX-License-Identifier: MIT */
/* R7: SYNC, SHADOW, ACTIVE, HALT. */
#include "consensus/internal.h"

void ds_set_mode(struct ds *ds, enum ds_mode mode, enum ds_reason reason)
{
	struct ds_action *a;

	if (ds->mode == mode)
		return;
	ds->mode = mode;
	a = ds_act(ds, DS_ACT_MODE);
	a->mode.mode = mode;
	a->mode.reason = reason;
}

/* Doubt about oneself: back to SYNC, where nothing taints any more. */
void ds_taint(struct ds *ds, enum ds_reason reason)
{
	if (ds->mode == DS_SYNC || ds->mode == DS_HALT)
		return;
	DS_RULE(R7_TAINT);
	ds_alert(ds, reason, 0);
	ds_set_mode(ds, DS_SYNC, reason);
	ds_catchup_begin(ds);
}

static void enter_shadow(struct ds *ds, struct base_tick k)
{
	DS_RULE(R7_SHADOW);
	ds->shadow = k;
	ds->has_shadow = true;
	ds->clean = 0;
	ds_set_mode(ds, DS_SHADOW, DS_REASON_NONE);
}

/* At least f others had my tip after tick k. */
static bool clean_tick(const struct ds *ds, struct base_tick k)
{
	const struct ds_hist *h = ds_hist_at(ds, k);

	return (h ? ds_beats_naming(ds, k, &h->at.hash) : 0) >= ds->c->f;
}

/* Without certificates nothing vouches for a later start: who is there from
 * the first tick on needs no vouching. */
static bool from_the_start(const struct ds *ds, struct base_tick k)
{
	return !ds->c->certified && k.n == 0 && ds->final.height.n == 0;
}

/* Without certificates: decided, and nobody else has said so yet. */
static bool unconfirmed(const struct ds *ds)
{
	return !ds->c->certified && ds->decided.set && !ds->next.set;
}

void ds_mode_tick(struct ds *ds, struct base_tick k)
{
	if (ds->mode == DS_SYNC && from_the_start(ds, k)) {
		enter_shadow(ds, k);
		if (ds_is_member(ds))
			ds_set_mode(ds, DS_ACTIVE, DS_REASON_NONE);
		return;
	}
	if (ds->mode == DS_SYNC && ds->catchup.phase == DS_CATCH_DONE &&
	    !ds->next.set) {
		if (ds_beats_suffice(ds, k))
			enter_shadow(ds, k);
		else if (k.n % (ds->c->rounds + 2) == 0 && ds_is_newest(ds, k))
			ds_catchup_begin(ds); /* who is there may know more */
		return;
	}
	if (ds->mode != DS_SHADOW || k.n <= ds->shadow.n)
		return;
	if (clean_tick(ds, (struct base_tick){k.n - 1}))
		ds->clean++;
	else
		ds->clean = 0;
	if (ds->clean < ds->c->rounds + 2 || !ds_is_member(ds) ||
	    unconfirmed(ds))
		return;
	DS_RULE(R7_ACTIVE);
	ds_set_mode(ds, DS_ACTIVE, DS_REASON_NONE);
}
