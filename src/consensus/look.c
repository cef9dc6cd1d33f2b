/* SPDX-License-Identifier: MIT */
/* What people see of the state machine. */
#include "consensus/internal.h"

_Static_assert(DS_VIEW_INSTANCES_MAX == DS_HISTORY_MAX * DS_MEMBERS_MAX,
	       "every instance can be shown");
_Static_assert(DS_SLOTS + DS_LIGHT_MAX <= UINT8_MAX, "values fit their count");
_Static_assert(DS_VIEW_VALUES_MAX >= DS_SLOTS, "extracted ones are shown");

/* The tips that are named in beats, against mine of the same tick. */
static ds_mask agreeing(const struct ds *ds, const struct ds_beats *b)
{
	const struct ds_hist *h = ds_hist_at(ds, b->tick);
	ds_mask left = h ? b->strong : 0;
	ds_mask agree = 0;

	while (left) {
		uint32_t i = ds_mask_take(&left);

		if (base_hash_equal(&b->tip[i], &h->at.hash))
			agree |= ds_mask_of(i);
	}
	return agree;
}

static void look_beats(struct ds_beats_view *out, const struct ds *ds)
{
	const struct ds_beats *b;
	ds_mask self;

	*out = (struct ds_beats_view){0};
	if (!ds->ticking || ds->tick.n == 0)
		return;
	out->tick.n = ds->tick.n - 1;
	b = ds_beats_at(ds, out->tick);
	if (b) {
		out->heard = b->heard;
		out->strong = b->strong;
		out->active = b->active;
		out->agree = agreeing(ds, b);
	}
	if (!ds_is_member(ds) || ds->mode == DS_HALT)
		return;
	self = ds_mask_of((uint32_t)ds->o.self);
	out->heard |= self;
	if (ds->mode == DS_SYNC)
		return;
	out->strong |= self;
	out->agree |= self;
	if (ds->mode == DS_ACTIVE)
		out->active |= self;
}

void ds_look(struct ds_status_view *out, const struct ds *ds)
{
	*out = (struct ds_status_view){
		.mode = ds->mode,
		.tick = ds->tick,
		.ticking = ds->ticking,
		.final = ds->final,
		.decided = ds_tip(ds)->hash,
		.decided_height = ds_tip(ds)->height,
		.clean_ticks = ds->clean,
	};
	if (ds->mode == DS_SYNC && ds->catchup.target.set)
		out->target = ds->catchup.target.cert.height;
	look_beats(&out->beats, ds);
	memcpy(out->counter, ds->counter, sizeof(out->counter));
}

static void add_value(struct ds_instance_view *v, const struct base_hash *hash,
		      ds_mask verified)
{
	if (v->values < DS_VIEW_VALUES_MAX) {
		v->value[v->values].hash = *hash;
		v->value[v->values].verified = verified;
	}
	v->values++;
}

static void look_instance(struct ds_instance_view *out,
			  const struct ds_instance *in)
{
	*out = (struct ds_instance_view){.tick = in->tick,
					 .extracted = (uint8_t)in->extracted};
	for (uint32_t i = 0; i < in->extracted; i++)
		add_value(out, &in->slot[i].hash, in->slot[i].verified);
	for (uint32_t i = 0; i < in->lights; i++) {
		const struct ds_light *light = &in->light[i];
		bool known = false; /* it was heard before it was extracted */

		for (uint32_t k = 0; k < in->extracted; k++)
			known |= base_hash_equal(&in->slot[k].hash,
						 &light->hash);
		if (!known)
			add_value(out, &light->hash, light->verified);
	}
}

static void look_votes(struct ds_rounds_view *out, const struct ds *ds)
{
	const struct ds_tally *t = &ds->tally[0];

	out->vote_count = 0;
	for (uint32_t i = 0; i < ds->c->n; i++)
		for (uint32_t k = 0; k < t->voter[i].count; k++)
			out->vote[out->vote_count++] = (struct ds_vote_view){
				.hash = t->voter[i].hash[k],
				.voter = (uint8_t)i};
}

void ds_look_rounds(struct ds_rounds_view *out, const struct ds *ds)
{
	const uint64_t behind = ds->c->rounds + 2;
	const uint64_t last = ds->tick.n + 1;
	uint64_t k = ds->tick.n > behind ? ds->tick.n - behind : 0;

	out->tick = ds->tick;
	out->height.n = ds->final.height.n + 1;
	out->rounds = ds->c->rounds;
	out->instance_count = 0;
	look_votes(out, ds);
	for (; k <= last; k++)
		for (uint32_t s = 0; s < ds->c->n; s++) {
			const struct ds_instance *in =
				&ds->instance[k % ds->history * ds->c->n + s];
			struct ds_instance_view *v =
				&out->instance[out->instance_count];

			if (!in->used || in->tick.n != k ||
			    in->extracted + in->lights == 0)
				continue;
			look_instance(v, in);
			v->sender = (uint8_t)s;
			out->instance_count++;
		}
}
