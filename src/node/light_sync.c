/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/identify.h"
#include "node/light_internal.h"

static struct light_batch *batch_at(struct node_light *l, uint32_t i)
{
	return &l->batch[(l->batch_first + i) % LIGHT_WINDOW];
}

static void drop_data(struct node_light *l, struct light_batch *b)
{
	if (b->data)
		net_release(l->port, b->data);
	b->data = NULL;
	b->state = LIGHT_EMPTY;
}

/* Questions that were asked for it are not waited for. */
static void drop_window(struct node_light *l)
{
	for (uint32_t i = 0; i < l->batch_count; i++)
		drop_data(l, batch_at(l, i));
	l->batch_count = 0;
	l->round++;
}

void node_light_sync_close(struct node_light *l)
{
	drop_window(l);
}

static bool may_ask(const struct node_light *l, uint32_t slot)
{
	return slot < NET_SLOTS_MAX && l->peer[slot].up && l->peer[slot].full;
}

/* ---- to the disk ---- */

/* @count headers more, or none; what is final by now with them. */
static bool keep(struct node_light *l, const uint8_t *headers, size_t count,
		 bool final)
{
	uint8_t cert[DS_CERT_SIZE(DS_MEMBERS_MAX)];
	struct store_light_step step = {
		.headers = headers, .count = (uint32_t)count, .tip = l->ds.tip};
	struct base_error err;
	int rc;

	if (final) {
		step.final = &l->ds.final;
		step.cert = cert;
		step.cert_len =
			ds_cert_write(cert, sizeof(cert), &l->ds.cert.cert);
		BASE_ASSERT(step.cert_len > 0);
	}
	rc = store_light_step(l->o.store, &step, &err);
	if (rc < 0)
		node_light_fail(l, rc, &err);
	return rc == 0;
}

static bool held_at(struct base_hash *out, struct node_light *l,
		    struct base_height height)
{
	uint8_t bytes[CHAIN_HEADER_SIZE];
	struct chain_header header;
	struct store_reader *r;
	struct base_error err;
	int rc;

	if (height.n > l->ds.tip.height.n)
		return false;
	rc = store_read_begin(&r, l->o.store, &err);
	if (rc == 0) {
		rc = store_light_header(bytes, r, height);
		store_read_end(r);
		if (rc < 0)
			(void)base_fail(&err, rc,
					"the header of height %u is missing",
					height.n);
	}
	if (rc < 0) {
		node_light_fail(l, rc, &err);
		return false;
	}
	chain_header_read(&header, bytes);
	chain_header_hash(out, &header);
	return true;
}

/* ---- what happened ---- */

static void halt(struct node_light *l)
{
	const struct ds_cert *target = &l->ds.target.cert;
	const struct ds_cert *other = &l->ds.other.cert;
	/* Against the target, or against final: headers may show that. */
	const struct ds_kept_cert *mine =
		l->ds.target.set && target->height.n == other->height.n &&
				!base_hash_equal(&target->hash, &other->hash)
			? &l->ds.target
			: &l->ds.cert;
	uint8_t a[DS_CERT_SIZE(DS_MEMBERS_MAX)];
	uint8_t b[DS_CERT_SIZE(DS_MEMBERS_MAX)];
	struct base_error err;
	int rc = store_light_conflict(
		l->o.store, a, ds_cert_write(a, sizeof(a), &mine->cert), b,
		ds_cert_write(b, sizeof(b), other), &err);

	drop_window(l);
	node_log(l->o.log, NODE_LOG_ERROR, "halt",
		 "two quorums contradict each other (heights %u and %u): more "
		 "members lie than the network was made for. Nothing is "
		 "believed any more; ask its people",
		 mine->cert.height.n, other->height.n);
	if (rc < 0)
		node_light_fail(l, rc, &err);
}

static void final_moved(struct node_light *l)
{
	char hash[BASE_HASH_HEX_SIZE];

	(void)!net_set_height(l->o.net, l->ds.final.height.n);
	base_hash_to_hex(hash, &l->ds.final.hash);
	node_log(l->o.log, NODE_LOG_INFO, "final", "height %u is final: %s",
		 l->ds.final.height.n, hash);
}

/* From the last final header on, and only by one peer's word. */
static void go_alone(struct node_light *l, uint32_t slot)
{
	ds_light_back(&l->ds);
	drop_window(l);
	if (!keep(l, NULL, 0, false))
		return;
	l->alone = true;
	l->alone_slot = slot;
	node_log(l->o.log, NODE_LOG_WARN, "astray",
		 "headers from several peers do not lead to what is certified: "
		 "one is asked alone, from height %u on",
		 l->ds.final.height.n + 1);
}

/* What is held above final leads nowhere. */
static void astray(struct node_light *l)
{
	if (l->alone && may_ask(l, l->alone_slot))
		node_light_ban(l, l->alone_slot, "its headers lead nowhere");
	go_alone(l, may_ask(l, l->target_slot) ? l->target_slot : LIGHT_NOBODY);
}

/* The certificate is what others may want, too; each passes it on once. */
static void pass_on(struct node_light *l, const struct ds_cert *cert,
		    const uint8_t *data, size_t len)
{
	struct net_buffer *b = net_buffer_get(l->port, len);
	uint8_t id[32];
	const struct net_send s = {
		.type = NET_CERT, .buffer = b, .to = net_everyone(), .id = id};

	if (!b)
		return;
	memcpy(b->data, data, len);
	node_id_of_cert(id, cert);
	(void)!net_send(l->port, &s);
	net_release(l->port, b);
}

void node_light_cert(struct node_light *l, uint32_t slot, const uint8_t *data,
		     size_t len)
{
	struct base_hash held;
	struct ds_cert cert;
	bool has;

	if (ds_cert_read(&cert, l->o.committee, data, len) < 0) {
		node_light_ban(l, slot, "its certificate has no form");
		return;
	}
	has = held_at(&held, l, cert.height);
	if (l->rc < 0)
		return;
	switch (ds_light_cert(&l->ds, &cert, has ? &held : NULL)) {
	case DS_LIGHT_KNOWN:
		break;
	case DS_LIGHT_FORGED:
		node_light_ban(l, slot, "its certificate is forged");
		break;
	case DS_LIGHT_TARGET:
		l->target_slot = slot;
		pass_on(l, &cert, data, len);
		break;
	case DS_LIGHT_FINAL:
		if (keep(l, NULL, 0, true))
			final_moved(l);
		break;
	case DS_LIGHT_ASTRAY:
		l->target_slot = slot;
		astray(l);
		break;
	case DS_LIGHT_CONFLICT:
		halt(l);
		break;
	}
}

/* ---- peers ---- */

static void ask_status(struct node_light *l, uint32_t slot)
{
	(void)!node_light_ask(l, slot, NET_GET_STATUS, NULL, 0);
}

void node_light_sync_up(struct node_light *l, uint32_t slot)
{
	ask_status(l, slot);
}

void node_light_sync_down(struct node_light *l, uint32_t slot)
{
	for (uint32_t i = 0; i < LIGHT_FLIGHTS; i++)
		if (l->flight[i].used && l->flight[i].slot == slot)
			l->flight[i].used = false;
	for (uint32_t i = 0; i < l->batch_count; i++) {
		struct light_batch *b = batch_at(l, i);

		if (b->state == LIGHT_ASKED && b->slot == slot)
			b->state = LIGHT_EMPTY;
	}
	l->peer[slot].flights = 0;
	if (l->target_slot == slot)
		l->target_slot = LIGHT_NOBODY;
	/* Another's headers are not to be mixed with its. */
	if (l->alone && l->alone_slot == slot && !l->ds.halted)
		go_alone(l, LIGHT_NOBODY);
}

/* The oldest request that this peer has not answered. */
static struct light_flight *oldest(struct node_light *l, uint32_t slot,
				   uint32_t gen)
{
	struct light_flight *out = NULL;

	for (uint32_t i = 0; i < LIGHT_FLIGHTS; i++) {
		struct light_flight *f = &l->flight[i];

		if (f->used && f->slot == slot && f->gen == gen &&
		    (!out || f->number < out->number))
			out = f;
	}
	return out;
}

/* Ends the peer's oldest request: what it was for; NULL: nothing any more. */
static struct light_batch *land(struct node_light *l, uint32_t slot,
				uint32_t gen)
{
	struct light_flight *f = oldest(l, slot, gen);

	if (!f)
		return NULL;
	f->used = false;
	l->peer[slot].flights--;
	for (uint32_t i = 0; i < l->batch_count && f->round == l->round; i++) {
		struct light_batch *b = batch_at(l, i);

		if (b->state == LIGHT_ASKED && b->from == f->from &&
		    b->slot == slot && b->gen == gen)
			return b;
	}
	return NULL;
}

void node_light_no_headers(struct node_light *l, uint32_t slot, uint32_t gen)
{
	struct light_batch *b;

	if (!node_light_is(l, slot, gen))
		return;
	b = land(l, slot, gen);
	if (b)
		b->state = LIGHT_EMPTY;
	l->peer[slot].rest_until = l->now + LIGHT_REST_MS;
	if (l->alone && l->alone_slot == slot)
		go_alone(l, LIGHT_NOBODY);
}

void node_light_headers(struct node_light *l, const struct net_event *e)
{
	struct net_buffer *data = e->message.buffer;
	struct light_batch *b = land(l, e->slot, e->gen);
	const uint32_t count = data->len / CHAIN_HEADER_SIZE;

	if (!b) {
		net_release(l->port, data);
		return;
	}
	b->state = LIGHT_EMPTY;
	if (data->len % CHAIN_HEADER_SIZE != 0 || count > b->count) {
		net_release(l->port, data);
		node_light_ban(l, e->slot, "its headers have no form");
		return;
	}
	if (count < b->count)
		l->peer[e->slot].rest_until = l->now + LIGHT_REST_MS;
	if (count == 0) {
		net_release(l->port, data);
		return;
	}
	b->state = LIGHT_HERE;
	b->data = data;
}

/* ---- headers in order ---- */

/* The height that the window begins after. */
static uint32_t reached(const struct node_light *l)
{
	return l->ds.is_away ? l->ds.away_height.n : l->ds.tip.height.n;
}

/* The first batch is done as far as @done headers. */
static void advance(struct node_light *l, uint32_t done)
{
	struct light_batch *b = batch_at(l, 0);

	drop_data(l, b);
	b->from += done;
	b->count -= done;
	if (b->count > 0)
		return;
	l->batch_first = (l->batch_first + 1) % LIGHT_WINDOW;
	l->batch_count--;
}

static void mark(struct node_light *l, uint32_t slot)
{
	if (++l->since_mark < LIGHT_MARK_EVERY || !may_ask(l, slot))
		return;
	l->since_mark = 0;
	(void)!node_light_ask(l, slot, NET_GET_CERT, l->ds.tip.hash.b,
			      sizeof(l->ds.tip.hash.b));
}

/* Who sent it, if it is still there. */
static uint32_t sender_of(const struct node_light *l,
			  const struct light_batch *b)
{
	return node_light_is(l, b->slot, b->gen) ? b->slot : LIGHT_NOBODY;
}

/* R4: headers above final that do not descend from it. */
static void take_away(struct node_light *l, const struct light_batch *b)
{
	const uint32_t count = b->data->len / CHAIN_HEADER_SIZE;
	const uint32_t slot = sender_of(l, b);

	switch (ds_light_away(&l->ds, l->hash, b->data->data, count)) {
	case DS_LIGHT_KNOWN:
		advance(l, count);
		break;
	case DS_LIGHT_CONFLICT:
		halt(l);
		break;
	default:
		node_light_ban(l, slot, "its headers leave out what is final");
		if (!l->alone || l->alone_slot == slot)
			go_alone(l, LIGHT_NOBODY);
		break;
	}
}

/* The first one does not follow what is held. */
static void not_linked(struct node_light *l, const struct light_batch *b)
{
	const uint32_t slot = sender_of(l, b);

	if (l->ds.tip.height.n > l->ds.final.height.n) {
		if (l->alone)
			astray(l);
		else
			go_alone(l, may_ask(l, l->target_slot) ? l->target_slot
							       : slot);
		return;
	}
	/* It is asked alone: either it lies, or a quorum did. */
	if (!l->alone || l->alone_slot != slot)
		go_alone(l, slot);
	else
		take_away(l, b);
}

static void take_batch(struct node_light *l)
{
	const struct light_batch *b = batch_at(l, 0);
	const uint32_t count = b->data->len / CHAIN_HEADER_SIZE;
	const uint32_t slot = sender_of(l, b);
	enum chain_verdict verdict;
	enum ds_light_news news;
	size_t good;

	if (l->ds.is_away) {
		take_away(l, b);
		return;
	}
	news = ds_light_headers(&l->ds, &verdict, &good, l->hash, b->data->data,
				count);
	if (news == DS_LIGHT_ASTRAY) {
		astray(l);
		return;
	}
	if (good == 0 && verdict == CHAIN_BAD_PREV) {
		not_linked(l, b);
		return;
	}
	if (good > 0 && !keep(l, b->data->data, good, news == DS_LIGHT_FINAL))
		return;
	advance(l, (uint32_t)good);
	if (news == DS_LIGHT_FINAL) {
		l->alone = false;
		final_moved(l);
	}
	if (verdict != CHAIN_OK)
		node_light_ban(l, slot, chain_verdict_name(verdict));
	else if (news != DS_LIGHT_FINAL)
		mark(l, slot);
}

/* The window reaches as far as it may. */
static void extend(struct node_light *l)
{
	const uint32_t target = l->ds.target.cert.height.n;
	uint32_t next = reached(l) + 1;

	if (l->batch_count > 0) {
		const struct light_batch *last =
			batch_at(l, l->batch_count - 1);

		next = last->from + last->count;
	}
	while (l->batch_count < LIGHT_WINDOW && next <= target) {
		struct light_batch *b = batch_at(l, l->batch_count++);
		uint32_t left = target - next + 1;

		*b = (struct light_batch){.from = next};
		b->count = left < NET_HEADERS_MAX ? left : NET_HEADERS_MAX;
		next += b->count;
	}
}

/* The peer with the least to do. */
static uint32_t choose(const struct node_light *l)
{
	uint32_t best = LIGHT_NOBODY;

	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		const struct light_peer *p = &l->peer[i];

		if (!may_ask(l, i) || l->now < p->rest_until ||
		    p->flights >= LIGHT_PER_PEER ||
		    (l->alone && i != l->alone_slot))
			continue;
		if (best == LIGHT_NOBODY || p->flights < l->peer[best].flights)
			best = i;
	}
	return best;
}

static struct light_flight *free_flight(struct node_light *l)
{
	for (uint32_t i = 0; i < LIGHT_FLIGHTS; i++)
		if (!l->flight[i].used)
			return &l->flight[i];
	return NULL;
}

/* False: nobody is free. */
static bool ask_for(struct node_light *l, struct light_batch *b)
{
	struct light_flight *f = free_flight(l);
	uint32_t slot = choose(l);
	uint8_t range[8];

	if (!f || slot == LIGHT_NOBODY)
		return false;
	base_store_le32(range, b->from);
	base_store_le32(range + 4, b->count);
	if (!node_light_ask(l, slot, NET_GET_HEADERS, range, sizeof(range)))
		return false;
	*f = (struct light_flight){.used = true,
				   .slot = slot,
				   .gen = l->peer[slot].gen,
				   .number = l->flights++,
				   .round = l->round,
				   .from = b->from};
	l->peer[slot].flights++;
	b->state = LIGHT_ASKED;
	b->slot = slot;
	b->gen = l->peer[slot].gen;
	return true;
}

static void choose_alone(struct node_light *l)
{
	if (!l->alone || may_ask(l, l->alone_slot))
		return;
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++)
		if (may_ask(l, i) && l->now >= l->peer[i].rest_until) {
			l->alone_slot = i;
			return;
		}
}

/* Certificates come by themselves; one that got lost is found so. */
static void look_for_status(struct node_light *l)
{
	if (l->now < l->status_due)
		return;
	l->status_due = l->now + LIGHT_STATUS_MS;
	for (uint32_t i = 1; i <= NET_SLOTS_MAX; i++) {
		uint32_t slot = (l->status_slot + i) % NET_SLOTS_MAX;

		if (!may_ask(l, slot))
			continue;
		l->status_slot = slot;
		ask_status(l, slot);
		return;
	}
}

static void progress(struct node_light *l)
{
	const uint32_t tip = l->ds.tip.height.n;
	uint32_t left, rate;

	if (l->now < l->progress_due)
		return;
	if (l->progress_due > 0 && tip > l->progress_tip) {
		left = l->ds.target.cert.height.n - tip;
		rate = (uint32_t)((uint64_t)(tip - l->progress_tip) * 1000 /
				  LIGHT_PROGRESS_MS);
		node_log(l->o.log, NODE_LOG_INFO, "headers",
			 "%u of %u headers, %u a second, %u s left", tip,
			 l->ds.target.cert.height.n, rate,
			 left / (rate ? rate : 1));
	}
	l->progress_due = l->now + LIGHT_PROGRESS_MS;
	l->progress_tip = tip;
}

void node_light_sync(struct node_light *l)
{
	if (l->ds.halted)
		return;
	look_for_status(l);
	while (l->ds.target.set && l->rc == 0 && l->batch_count > 0 &&
	       batch_at(l, 0)->state == LIGHT_HERE && !l->ds.halted)
		take_batch(l);
	if (l->ds.halted || l->rc < 0)
		return;
	if (!l->ds.target.set) {
		if (l->batch_count > 0)
			drop_window(l);
		l->progress_due = 0;
		return;
	}
	choose_alone(l);
	extend(l);
	for (uint32_t i = 0; i < l->batch_count; i++)
		if (batch_at(l, i)->state == LIGHT_EMPTY &&
		    !ask_for(l, batch_at(l, i)))
			break;
	progress(l);
}
