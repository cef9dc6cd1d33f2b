/* SPDX-License-Identifier: MIT */
#include "consensus/internal.h"

int ds_body_find(const struct ds *ds, const struct base_hash *hash)
{
	for (uint32_t i = 0; i < ds->bodies; i++)
		if (ds->body[i].refs > 0 &&
		    base_hash_equal(&ds->body[i].hash, hash))
			return (int)i;
	return DS_NO_INDEX;
}

int ds_body_add(struct ds *ds, const uint8_t *block, size_t len)
{
	struct ds_body *free_one = NULL;
	struct chain_block_info info;
	struct chain_header header;
	struct base_hash hash;
	int known;
	uint32_t i;

	if (len < CHAIN_HEADER_SIZE)
		return DS_BAD_BODY;
	chain_header_read(&header, block);
	chain_header_hash(&hash, &header);
	known = ds_body_find(ds, &hash);
	if (known != DS_NO_INDEX) {
		ds_body_hold(ds, known);
		return known;
	}
	for (i = 0; i < ds->bodies && !free_one; i++)
		if (ds->body[i].refs == 0 && !ds->body[i].lingers)
			free_one = &ds->body[i];
	if (!free_one)
		return DS_NO_INDEX;
	if (chain_block_check(&info, ds->p, &ds->checking, block, len) !=
	    CHAIN_OK)
		return DS_BAD_BODY;
	memcpy(free_one->data, block, len);
	free_one->refs = 1;
	free_one->hash = hash;
	free_one->info = info;
	free_one->len = len;
	free_one->executed = false;
	free_one->good = false;
	return (int)(free_one - ds->body);
}

void ds_body_hold(struct ds *ds, int body)
{
	BASE_ASSERT(ds->body[body].refs > 0);
	ds->body[body].refs++;
}

void ds_body_drop(struct ds *ds, int body)
{
	struct ds_body *b = &ds->body[body];

	BASE_ASSERT(b->refs > 0);
	b->refs--;
	b->lingers = b->refs == 0;
	ds->lingering = ds->lingering || b->lingers;
}

void ds_bodies_let_go(struct ds *ds)
{
	/* Before every input: not a walk over hundreds of bodies each time. */
	for (uint32_t i = 0; ds->lingering && i < ds->bodies; i++)
		ds->body[i].lingers = false;
	ds->lingering = false;
}

static struct ds_judge *judge_of(struct ds *ds, int body)
{
	for (uint32_t i = 0; i < DS_SCRATCHES; i++)
		if (ds->judge[i].busy && ds->judge[i].body == body)
			return &ds->judge[i];
	return NULL;
}

struct ds_judge *ds_judge_free(struct ds *ds)
{
	for (uint32_t i = 0; i < DS_SCRATCHES; i++)
		if (!ds->judge[i].busy)
			return &ds->judge[i];
	return NULL;
}

static void judged(struct ds_body *b, bool good)
{
	b->executed = true;
	b->good = good;
}

int ds_body_judge(struct ds *ds, int body)
{
	struct ds_body *b = &ds->body[body];
	struct chain_block_info info;
	struct ds_judge *j;
	struct ds_action *a;
	enum chain_verdict v;

	if (b->executed)
		return 1;
	if (judge_of(ds, body))
		return 0;
	j = ds_judge_free(ds);
	/* While a block is on its way to the disk, the ledger is between two
	 * states. */
	if (!j || ds->next.out)
		return 0;
	v = chain_block_execute(&info, ds->p, &ds->final, &ds->o.ledger.coins,
				ds->o.ledger.known.has ? &ds->o.ledger.known
						       : NULL,
				&j->scratch, b->data, b->len);
	if (v == CHAIN_COINS_FAILED) {
		ds_taint(ds, DS_STORAGE);
		return 0;
	}
	if (v != CHAIN_OK || j->scratch.check_count == 0) {
		judged(b, v == CHAIN_OK);
		return 1;
	}
	j->busy = true;
	j->body = body;
	j->id = ds_new_id(ds);
	ds_body_hold(ds, body);
	a = ds_act(ds, DS_ACT_VERIFY);
	a->verify.id = j->id;
	a->verify.check = j->scratch.check;
	a->verify.count = (uint32_t)j->scratch.check_count;
	return 0;
}

bool ds_body_judged(struct ds *ds, uint64_t id, bool good)
{
	for (uint32_t i = 0; i < DS_SCRATCHES; i++) {
		struct ds_judge *j = &ds->judge[i];

		if (!j->busy || j->id != id)
			continue;
		j->busy = false;
		/* Unless F moved meanwhile, and the answer is void. */
		if (j->body != DS_NO_INDEX) {
			judged(&ds->body[j->body], good);
			ds_body_drop(ds, j->body);
		}
		return true;
	}
	return false;
}

void ds_bodies_forget_judges(struct ds *ds)
{
	for (uint32_t i = 0; i < DS_SCRATCHES; i++) {
		struct ds_judge *j = &ds->judge[i];

		if (!j->busy || j->body == DS_NO_INDEX)
			continue;
		/* The verifier still reads its checks. */
		ds_body_drop(ds, j->body);
		j->body = DS_NO_INDEX;
	}
}
