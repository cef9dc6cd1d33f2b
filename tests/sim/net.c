/* SPDX-License-Identifier: MIT */
/*
 * Wires between nodes: directed, each with its delay, its losses and its
 * cuts. A connection that lost something is a broken one, as with TCP: both
 * ends see it go and come back.
 */
#include "sim.h"

#include <stdlib.h>

#include "base/assert.h"

#define CLASSES 5
#define RECONNECT_MS 1000

static const uint32_t class_size[CLASSES] = {128, 512, 2048, 16384, 131072};
static struct sim_buf *free_bufs[CLASSES];

/* @len bytes of @data; room for @cap. One reference, the caller's. */
struct sim_buf *sim_buf_new(const void *data, size_t len, size_t cap)
{
	size_t need = cap > len ? cap : len;
	struct sim_buf *buf;
	uint32_t c = 0;

	while (c < CLASSES && class_size[c] < need)
		c++;
	BASE_ASSERT(c < CLASSES);
	buf = free_bufs[c];
	if (buf)
		free_bufs[c] = buf->next;
	else
		buf = malloc(sizeof(*buf) + class_size[c]);
	BASE_ASSERT(buf);
	buf->refs = 1;
	buf->len = (uint32_t)len;
	buf->size_class = c;
	if (len > 0)
		memcpy(buf->bytes, data, len);
	return buf;
}

void sim_buf_put(struct sim_buf *buf)
{
	if (!buf || --buf->refs > 0)
		return;
	buf->next = free_bufs[buf->size_class];
	free_bufs[buf->size_class] = buf;
}

/* The connection breaks; soon both ends notice and try again. */
static void break_link(struct sim_world *w, uint32_t a, uint32_t b)
{
	if (w->link[a][b].broken)
		return;
	w->link[a][b].broken = true;
	w->link[b][a].broken = true;
	sim_at(w, w->now + RECONNECT_MS + sim_below(w, 3 * RECONNECT_MS),
	       &(struct sim_event){.kind = SIM_EV_LINK,
				   .node = (uint8_t)a,
				   .other = (uint8_t)b,
				   .id = 1});
}

static void fly(struct sim_world *w, uint32_t from, uint32_t to, uint8_t wire,
		struct sim_buf *buf, uint64_t delay)
{
	struct sim_link *l = &w->link[from][to];
	uint64_t at = w->now + delay;

	if (at < l->last_arrival) {
		if (w->keep_order)
			at = l->last_arrival;
		else
			sim_fired(w, SIM_REORDER);
	}
	if (at > l->last_arrival)
		l->last_arrival = at;
	l->flying++;
	buf->refs++;
	sim_at(w, at,
	       &(struct sim_event){.kind = SIM_EV_PACKET,
				   .node = (uint8_t)to,
				   .other = (uint8_t)from,
				   .wire = wire,
				   .incarnation = l->generation,
				   .buf = buf});
}

/* By a liar, or a scene: as fast as it likes. */
void sim_send_after(struct sim_world *w, struct sim_node *from, uint32_t to,
		    uint8_t wire, struct sim_buf *buf, uint64_t delay)
{
	const struct sim_link *l = &w->link[from->index][to];

	if (l->exists && l->up && !l->cut)
		fly(w, from->index, to, wire, buf, delay);
}

void sim_send(struct sim_world *w, struct sim_node *from, uint32_t to,
	      uint8_t wire, struct sim_buf *buf)
{
	struct sim_link *l = &w->link[from->index][to];
	uint64_t delay = 1 + sim_below(w, w->hop_ms);

	if (!l->exists || !l->up)
		return;
	w->totals->sends++;
	if (w->scene_filter &&
	    w->scene_filter(w, from, &w->node[to], wire, buf))
		return;
	if (l->cut) {
		break_link(w, from->index, to);
		return;
	}
	if (w->loss_ppm && sim_chance(w, w->loss_ppm)) {
		sim_fired(w, SIM_LOSS);
		break_link(w, from->index, to);
		return;
	}
	if (l->flying >= w->queue_max) {
		sim_fired(w, SIM_OVERFLOW);
		break_link(w, from->index, to);
		return;
	}
	if (w->delay_ppm && sim_chance(w, w->delay_ppm)) {
		sim_fired(w, SIM_DELAY);
		delay += 300 + sim_below(w, 4 * SIM_DELTA_MS);
	}
	fly(w, from->index, to, wire, buf, delay);
	if (w->duplicate_ppm && sim_chance(w, w->duplicate_ppm)) {
		sim_fired(w, SIM_DUPLICATE);
		fly(w, from->index, to, wire, buf,
		    delay / 2 + sim_below(w, w->hop_ms / 2 + 1));
	}
}

static const char *wire_name(uint8_t wire)
{
	static const char *const name[] = {
		[DS_PROPOSAL] = "PROPOSAL",
		[DS_VOTE] = "VOTE",
		[DS_CERT] = "CERT",
		[DS_BEAT] = "BEAT",
		[DS_EVID] = "EVID",
		[SIM_HAVE] = "HAVE",
		[SIM_ASK_STATUS] = "ask STATUS",
		[SIM_ASK_HEADERS] = "ask HEADERS",
		[SIM_ASK_BLOCK] = "ask BLOCK",
		[SIM_ASK_CERT] = "ask CERT",
		[SIM_STATUS] = "STATUS",
		[SIM_HEADERS] = "HEADERS",
		[SIM_BLOCK] = "BLOCK",
	};

	return name[wire];
}

static void deliver(struct sim_world *w, struct sim_node *n, uint32_t from,
		    uint8_t wire, const uint8_t *data, size_t len)
{
	uint32_t peer = sim_peer_of(from);
	uint64_t now = sim_now(w, n);
	struct base_hash hash;

	if (wire != DS_BEAT)
		sim_say(w, n, "hears %s from %u", wire_name(wire), from);
	switch (wire) {
	case DS_PROPOSAL:
	case DS_VOTE:
	case DS_CERT:
	case DS_BEAT:
	case DS_EVID:
		ds_message(n->ds, now, peer, (enum ds_message_kind)wire, data,
			   len);
		break;
	case SIM_HAVE:
		memcpy(hash.b, data, sizeof(hash.b));
		ds_have(n->ds, now, peer, &hash);
		break;
	case SIM_STATUS:
		ds_status(n->ds, now, peer, data, len);
		break;
	case SIM_HEADERS:
		ds_headers(n->ds, now, peer, data, len / CHAIN_HEADER_SIZE);
		break;
	case SIM_BLOCK:
		ds_block(n->ds, now, peer, data, len);
		break;
	default:
		sim_serve(w, n, from, wire, data, len);
		return;
	}
	sim_drain(w, n);
}

void sim_packet(struct sim_world *w, const struct sim_event *e)
{
	/* Overwritten by the next: what a ds keeps it must have copied. */
	static uint8_t bytes[131072];
	struct sim_link *l = &w->link[e->other][e->node];
	struct sim_node *n = &w->node[e->node];

	if (e->incarnation == l->generation) {
		l->flying--;
		if (n->up) {
			memcpy(bytes, e->buf->bytes, e->buf->len);
			sim_trace_u64(w, (uint64_t)e->wire << 32 | e->other);
			if (n->liar)
				sim_lie_archive(w, e->wire, e->buf);
			deliver(w, n, e->other, e->wire, bytes, e->buf->len);
		}
	}
	sim_buf_put(e->buf);
}

static void tell(struct sim_world *w, struct sim_node *n, uint32_t other,
		 bool up)
{
	if (!n->up)
		return;
	n->vote_to = (struct ds_peers){{0}};
	if (up)
		ds_peer_up(n->ds, sim_now(w, n), sim_peer_of(other),
			   w->node[other].member);
	else
		ds_peer_down(n->ds, sim_now(w, n), sim_peer_of(other));
	sim_drain(w, n);
	if (up)
		sim_check_peer_up(w, n, sim_peer_of(other));
}

void sim_link_up(struct sim_world *w, uint32_t a, uint32_t b)
{
	struct sim_link *x = &w->link[a][b];
	struct sim_link *y = &w->link[b][a];

	if (!x->exists || x->up || x->cut || y->cut || !w->node[a].up ||
	    !w->node[b].up)
		return;
	x->up = true;
	y->up = true;
	x->broken = false;
	y->broken = false;
	sim_trace_u64(w, (uint64_t)a << 32 | b);
	tell(w, &w->node[a], b, true);
	tell(w, &w->node[b], a, true);
}

void sim_link_down(struct sim_world *w, uint32_t a, uint32_t b)
{
	struct sim_link *x = &w->link[a][b];
	struct sim_link *y = &w->link[b][a];

	if (!x->up)
		return;
	x->up = false;
	y->up = false;
	x->generation++;
	y->generation++;
	x->flying = 0;
	y->flying = 0;
	x->last_arrival = 0;
	y->last_arrival = 0;
	tell(w, &w->node[a], b, false);
	tell(w, &w->node[b], a, false);
}

/* All cuts end; what was broken connects anew. */
void sim_links_mend(struct sim_world *w)
{
	for (uint32_t a = 0; a < w->count; a++) {
		for (uint32_t b = 0; b < a; b++) {
			struct sim_link *x = &w->link[a][b];
			struct sim_link *y = &w->link[b][a];

			if (!x->exists)
				continue;
			x->cut = false;
			y->cut = false;
			if (x->broken)
				sim_link_down(w, a, b);
			sim_link_up(w, a, b);
		}
	}
}
