/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/light_internal.h"

#define PLACE_SIZE 8

/* ---- whom to ask ---- */

static bool may_ask(const struct node_light *l, uint32_t slot)
{
	const struct light_peer *p = &l->peer[slot];

	return p->up && p->full && l->now >= p->history_rest_until;
}

static uint32_t count_up(const struct node_light *l)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++)
		count += l->peer[i].up && l->peer[i].full;
	return count;
}

static bool is_witness(const struct light_job *j, uint32_t slot)
{
	for (uint32_t i = 0; i < j->witnesses; i++)
		if (j->witness[i].state != LIGHT_IDLE &&
		    j->witness[i].slot == slot)
			return true;
	return false;
}

static struct light_witness *witness_of(struct node_light *l, uint32_t slot,
					uint32_t gen)
{
	struct light_job *j = &l->job;

	for (uint32_t i = 0; i < j->witnesses && j->on; i++)
		if (j->witness[i].state == LIGHT_WAITS &&
		    j->witness[i].slot == slot && j->witness[i].gen == gen)
			return &j->witness[i];
	return NULL;
}

static void ask_one(struct node_light *l, struct light_witness *w)
{
	struct light_job *j = &l->job;
	uint8_t request[PLACE_SIZE + sizeof(j->key)];

	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		if (!may_ask(l, i) || is_witness(j, i))
			continue;
		base_store_le32(request, j->height);
		base_store_le32(request + 4, j->index);
		memcpy(request + PLACE_SIZE, j->key,
		       j->count * sizeof(j->key[0]));
		if (!node_light_ask(l, i, NET_GET_HISTORY, request,
				    PLACE_SIZE + j->count * sizeof(j->key[0])))
			return;
		*w = (struct light_witness){
			.state = LIGHT_WAITS, .slot = i, .gen = l->peer[i].gen};
		return;
	}
}

/* ---- what to ask ---- */

/* The height at which the keys that are furthest behind are. */
static uint32_t lowest(const struct node_light *l)
{
	const struct light_key *key = NULL;
	uint32_t height = UINT32_MAX;

	while ((key = node_table_next(&l->keys, key)))
		if (key->seen.n < height)
			height = key->seen.n;
	return height;
}

/* A search for some of those. */
static void begin(struct node_light *l, uint32_t height)
{
	struct light_job *j = &l->job;
	const struct light_key *key = NULL;

	*j = (struct light_job){.on = true, .height = height};
	/* With one peer its word is taken for now; what is durable waits. */
	j->witnesses = l->witnesses < NODE_LIGHT_WITNESSES
			       ? l->witnesses
			       : NODE_LIGHT_WITNESSES;
	while (j->count < NET_KEYS_MAX &&
	       (key = node_table_next(&l->keys, key)))
		if (key->seen.n == height)
			memcpy(j->key[j->count++], key->key, sizeof(key->key));
	BASE_ASSERT(j->count > 0 && j->witnesses > 0);
}

/* All have said how far they came: as far as each of them. */
static void conclude(struct node_light *l)
{
	struct light_job *j = &l->job;
	uint32_t height = j->witness[0].height;
	uint32_t index = j->witness[0].index;

	for (uint32_t i = 0; i < j->witnesses; i++) {
		const struct light_witness *w = &j->witness[i];

		if (w->state != LIGHT_SAID)
			return;
		if (w->height < height ||
		    (w->height == height && w->index < index)) {
			height = w->height;
			index = w->index;
		}
	}
	node_light_searched(l, j, (struct base_height){height},
			    j->witnesses == NODE_LIGHT_WITNESSES);
	j->height = height;
	j->index = index;
	for (uint32_t i = 0; i < j->witnesses; i++)
		j->witness[i].state = LIGHT_IDLE;
	j->on = height <= l->ds.final.height.n;
}

/* ---- answers ---- */

void node_light_no_history(struct node_light *l, uint32_t slot, uint32_t gen)
{
	struct light_witness *w = witness_of(l, slot, gen);

	if (w)
		w->state = LIGHT_IDLE;
	if (node_light_is(l, slot, gen))
		l->peer[slot].history_rest_until =
			l->now + LIGHT_HISTORY_REST_MS;
}

/* It may know of blocks that are not final here; those come again. */
static void clamp(struct light_witness *w, const struct node_light *l)
{
	if (w->height <= l->ds.final.height.n)
		return;
	w->height = l->ds.final.height.n + 1;
	w->index = 0;
}

void node_light_history(struct node_light *l, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;
	struct light_witness *w = witness_of(l, e->slot, e->gen);
	struct base_reader r = base_reader_init(b->data, b->len);
	struct light_job *j = &l->job;
	bool further;

	if (!w)
		return;
	w->height = base_read_le32(&r);
	w->index = base_read_le32(&r);
	clamp(w, l);
	further = base_reader_ok(&r) &&
		  (w->height > j->height ||
		   (w->height == j->height && w->index > j->index));
	if (!further) {
		/* Nothing, or no step on, as of one that is behind: another
		 * one is asked. */
		w->state = LIGHT_IDLE;
		l->peer[e->slot].history_rest_until = l->now + LIGHT_STATUS_MS;
		return;
	}
	w->state = LIGHT_SAID;
	if (node_light_take(l, &r, j) == LIGHT_FORGED) {
		w->state = LIGHT_IDLE;
		node_light_ban(l, e->slot, "its proof is forged");
		return;
	}
	conclude(l);
}

void node_light_watched(struct node_light *l, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;
	struct base_reader r = base_reader_init(b->data, b->len);

	uint32_t height = base_read_le32(&r);

	(void)base_read_le32(&r);
	if (!base_reader_ok(&r) ||
	    node_light_take(l, &r, NULL) == LIGHT_FORGED) {
		node_light_ban(l, e->slot, "its news are forged");
		return;
	}
	/* Others are asked, too; of blocks whose certificate is on its way when
	 * it came. */
	if (height > 0 && height - 1 > l->news_height)
		l->news_height = height - 1;
}

/* ---- watching ---- */

/* Tells a peer those of our addresses that it does not watch yet. */
static void watch(struct node_light *l, uint32_t slot)
{
	uint8_t keys[NET_KEYS_MAX][STORE_LIGHT_KEY_SIZE];
	struct light_peer *p = &l->peer[slot];
	uint32_t told[NODE_BRANCHES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < NODE_BRANCHES; i++) {
		uint32_t all = p->watched[0] + p->watched[1] + count;

		told[i] = p->watched[i];
		for (; told[i] < l->derived[i] && count < NET_KEYS_MAX &&
		       all < NET_WATCH_MAX;
		     told[i]++, all++)
			if (node_bip86_output_key(keys[count], &l->branch[i],
						  told[i]) == 0)
				count++;
	}
	if (count == 0 ||
	    !node_light_ask(l, slot, NET_WATCH, keys, count * sizeof(keys[0])))
		return;
	memcpy(p->watched, told, sizeof(told));
}

/* Two who were there first, and others when they go. */
static void keep_watched(struct node_light *l)
{
	uint32_t watching = 0;

	for (uint32_t i = 0;
	     i < NET_SLOTS_MAX && watching < NODE_LIGHT_WITNESSES; i++) {
		if (!l->peer[i].up || !l->peer[i].full)
			continue;
		watch(l, i);
		watching++;
	}
}

/* ---- the loop's step ---- */

static void second_thoughts(struct node_light *l)
{
	struct light_key *key = NULL;
	const uint32_t before = l->witnesses;

	l->witnesses = count_up(l);
	if (before >= NODE_LIGHT_WITNESSES ||
	    l->witnesses < NODE_LIGHT_WITNESSES)
		return;
	/* What one alone said is asked again. */
	l->job.on = false;
	while ((key = node_table_next(&l->keys, key)))
		key->seen = key->next;
}

void node_light_search(struct node_light *l)
{
	struct light_job *j = &l->job;
	uint32_t height;

	if (!l->has_wallet || l->ds.halted || l->rc < 0)
		return;
	second_thoughts(l);
	if (l->witnesses == 0 || l->ds.target.set)
		return;
	keep_watched(l);
	if (!j->on) {
		height = lowest(l);
		if (height > l->ds.final.height.n ||
		    (l->news_height < height && l->pending_count == 0 &&
		     l->ds.final.height.n - height + 1 <
			     NODE_LIGHT_POLL_BLOCKS))
			return;
		begin(l, height);
	}
	/* One that went is not waited for while there is no other. */
	if (j->witnesses > l->witnesses) {
		j->on = false;
		return;
	}
	for (uint32_t i = 0; i < j->witnesses; i++)
		if (j->witness[i].state == LIGHT_IDLE)
			ask_one(l, &j->witness[i]);
}
