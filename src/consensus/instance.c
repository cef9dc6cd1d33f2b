/* SPDX-License-Identifier: MIT */
#include "consensus/internal.h"

/* Not zeroed as a whole: most of it is never looked at. */
static void open_instance(struct ds_instance *in, struct base_tick tick)
{
	in->used = true;
	in->tick = tick;
	in->extracted = 0;
	in->lights = 0;
	in->has_first = false;
	in->accused = false;
	memset(in->counted, 0, sizeof(in->counted));
}

struct ds_instance *ds_instance_at(struct ds *ds, struct base_tick tick,
				   uint8_t sender)
{
	uint64_t row = tick.n % ds->history;
	struct ds_instance *in = &ds->instance[row * ds->c->n + sender];

	if (in->used && in->tick.n == tick.n)
		return in;
	if (in->used)
		ds_instance_free(ds, in);
	open_instance(in, tick);
	return in;
}

struct ds_slot *ds_slot_find(struct ds_instance *in,
			     const struct base_hash *hash)
{
	for (uint32_t i = 0; i < in->extracted; i++)
		if (base_hash_equal(&in->slot[i].hash, hash))
			return &in->slot[i];
	return NULL;
}

struct ds_light *ds_light_find(struct ds_instance *in,
			       const struct base_hash *hash)
{
	for (uint32_t i = 0; i < in->lights; i++)
		if (base_hash_equal(&in->light[i].hash, hash))
			return &in->light[i];
	return NULL;
}

void ds_instance_free(struct ds *ds, struct ds_instance *in)
{
	for (uint32_t i = 0; i < in->extracted; i++)
		ds_body_drop(ds, in->slot[i].body);
	in->used = false;
}
