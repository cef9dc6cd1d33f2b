/* SPDX-License-Identifier: MIT */
#include "node/light_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"

/* Events between two looks at what is due. */
#define EVENTS_MAX 256
#define IDLE_MS 1000
#define BUSY_MS 100

void node_light_fail(struct node_light *l, int rc, const struct base_error *err)
{
	if (l->rc < 0)
		return;
	l->rc = rc;
	l->err = *err;
}

bool node_light_is(const struct node_light *l, uint32_t slot, uint32_t gen)
{
	return slot < NET_SLOTS_MAX && l->peer[slot].up &&
	       l->peer[slot].gen == gen;
}

bool node_light_ask(struct node_light *l, uint32_t slot, uint8_t type,
		    const void *data, size_t len)
{
	struct net_buffer *b = NULL;
	struct net_send s = {.type = type};
	int rc;

	if (len > 0) {
		b = net_buffer_get(l->port, len);
		if (!b)
			return false;
		memcpy(b->data, data, len);
	}
	s.buffer = b;
	s.to.word[slot / 64] = UINT64_C(1) << slot % 64;
	rc = net_send(l->port, &s);
	net_release(l->port, b);
	return rc == 0;
}

void node_light_ban(struct node_light *l, uint32_t slot, const char *why)
{
	if (slot >= NET_SLOTS_MAX || !l->peer[slot].up)
		return;
	node_log(l->o.log, NODE_LOG_WARN, "ban", "a peer is banned: %s", why);
	l->peer[slot].full = false;
	(void)!net_ban(l->port, slot);
}

/* ---- events ---- */

static void peer_up(struct node_light *l, const struct net_event *e)
{
	l->peer[e->slot] = (struct light_peer){
		.up = true, .full = e->up.mode != NET_LIGHT, .gen = e->gen};
	node_log(l->o.log, NODE_LOG_INFO, "peer", "%s%s is connected",
		 e->up.member >= 0 ? "member " : "a node",
		 e->up.member >= 0 ? l->o.params->member[e->up.member].name
				   : "");
	if (e->up.mode == NET_LIGHT)
		return;
	node_light_sync_up(l, e->slot);
	node_light_tell_pending(l, e->slot);
}

static void peer_down(struct node_light *l, const struct net_event *e)
{
	node_log(l->o.log, NODE_LOG_INFO, "peer_gone", "a peer is gone: %s",
		 net_reason_name(e->down));
	l->peer[e->slot].up = false;
	node_light_no_history(l, e->slot, e->gen);
	node_light_sync_down(l, e->slot);
}

static void no_answer(struct node_light *l, const struct net_event *e,
		      uint8_t type)
{
	if (type == NET_GET_HEADERS)
		node_light_no_headers(l, e->slot, e->gen);
	if (type == NET_GET_HISTORY)
		node_light_no_history(l, e->slot, e->gen);
}

static void refused(struct node_light *l, const struct net_event *e)
{
	const uint8_t *data = e->message.buffer->data;
	const bool not_full = e->message.type == NET_NOT_FULL;
	const uint8_t type = not_full ? data[0] : data[1];

	/* One that never answers is not asked again, until it says that it
	 * will: its people may let us. */
	if (not_full || data[0] == NET_ACCESS)
		l->peer[e->slot].full = false;
	if (!not_full && data[0] == NET_ACCESS && type != NET_REQUEST_ACCESS) {
		node_log(l->o.log, NODE_LOG_WARN, "access",
			 "a peer gives this node no access to the chain; it is "
			 "asked for it");
		(void)!node_light_ask(l, e->slot, NET_REQUEST_ACCESS, NULL, 0);
	}
	no_answer(l, e, type);
}

/* True: the buffer was taken. */
static bool message(struct node_light *l, const struct net_event *e)
{
	const struct net_buffer *b = e->message.buffer;

	switch (e->message.type) {
	case NET_HEADERS:
		node_light_headers(l, e);
		return true;
	case NET_CERT:
	case NET_STATUS:
	case NET_CERT_OF:
		if (b && b->len > 0)
			node_light_cert(l, e->slot, b->data, b->len);
		break;
	case NET_HISTORY:
		node_light_history(l, e);
		break;
	case NET_WATCHED:
		node_light_watched(l, e);
		break;
	case NET_REFUSED:
	case NET_NOT_FULL:
		refused(l, e);
		break;
	case NET_GRANT:
		l->peer[e->slot].full = true;
		node_light_sync_up(l, e->slot);
		break;
	case NET_TX_GET:
		node_light_give_pending(l, e);
		break;
	default: /* the members' agreement: not ours */
		break;
	}
	return false;
}

static void take_event(struct node_light *l, const struct net_event *e)
{
	switch (e->kind) {
	case NET_EV_UP:
		peer_up(l, e);
		break;
	case NET_EV_DOWN:
		peer_down(l, e);
		break;
	case NET_EV_UNANSWERED:
		if (node_light_is(l, e->slot, e->gen))
			no_answer(l, e, e->unanswered);
		break;
	case NET_EV_MESSAGE:
		if (!message(l, e))
			net_release(l->port, e->message.buffer);
		break;
	}
}

static void take_sends(struct node_light *l)
{
	struct light_send *send;

	while (base_ring_pop_mpsc(&l->sends, &send)) {
		const struct node_wake *asker = send->asker;

		send->rc = l->rc < 0
				   ? l->rc
				   : node_light_pend(l, send->data, send->len);
		/* Pairs with the acquire in node_light_send(). */
		atomic_store_explicit(&send->answered, true,
				      memory_order_release);
		node_wake_ring(asker);
	}
}

/* ---- what others see ---- */

static void lowest_keys(uint32_t *durable, uint32_t *seen,
			const struct node_light *l)
{
	const struct light_key *key = NULL;

	*durable = l->ds.final.height.n + 1;
	*seen = *durable;
	while ((key = node_table_next(&l->keys, key))) {
		if (key->next.n < *durable)
			*durable = key->next.n;
		if (key->seen.n < *seen)
			*seen = key->seen.n;
	}
}

static void show(struct node_light *l)
{
	struct node_light_view view = {
		.final = l->ds.final.height.n,
		.tip = l->ds.tip.height.n,
		.target = l->ds.target.set ? l->ds.target.cert.height.n : 0,
		.txs = l->txs,
		.alone = l->alone,
		.halted = l->ds.halted,
	};
	struct node_status status;
	uint32_t word[BASE_COUNT(l->view)];
	uint32_t durable, seen;

	lowest_keys(&durable, &seen, l);
	view.searched = durable > 0 ? durable - 1 : 0;
	view.asked = seen > 0 ? seen - 1 : 0;
	memcpy(word, &view, sizeof(view));
	for (size_t i = 0; i < BASE_COUNT(word); i++)
		atomic_store_explicit(&l->view[i], word[i],
				      memory_order_relaxed);
	if (!l->o.status)
		return;
	node_status_read(&status, l->o.status);
	status.tip = l->ds.final;
	status.mode = l->ds.halted	 ? DS_HALT
		      : l->ds.target.set ? DS_SYNC
					 : DS_SHADOW;
	node_status_publish(l->o.status, &status);
}

/* Each number by itself is true; together they may be of two moments. */
void node_light_look(struct node_light_view *out,
		     const struct node_light *light)
{
	uint32_t word[BASE_COUNT(light->view)];

	_Static_assert(sizeof(word) == sizeof(*out), "a word each");
	for (size_t i = 0; i < BASE_COUNT(word); i++)
		word[i] = atomic_load_explicit(&light->view[i],
					       memory_order_relaxed);
	memcpy(out, word, sizeof(*out));
}

/* ---- life ---- */

static void *light_main(void *arg)
{
	struct node_light *l = arg;
	struct net_event e;

	(void)pthread_setname_np(pthread_self(), "light");
	/* Pairs with the release in node_light_stop(). */
	while (l->rc == 0 &&
	       !atomic_load_explicit(&l->stopping, memory_order_acquire)) {
		uint32_t taken = 0;

		l->now = node_monotonic_ms();
		while (l->rc == 0 && taken < EVENTS_MAX &&
		       net_next(l->port, &e)) {
			take_event(l, &e);
			taken++;
		}
		take_sends(l);
		node_light_own_derive(l);
		node_light_sync(l);
		node_light_search(l);
		show(l);
		if (taken < EVENTS_MAX && l->rc == 0)
			node_wake_wait(l->o.wake, l->ds.target.set || l->job.on
							  ? BUSY_MS
							  : IDLE_MS);
	}
	if (l->rc < 0 && l->o.failed)
		l->o.failed(l->o.failed_ctx);
	/* Who waits for an answer gets one until the stop. */
	while (!atomic_load_explicit(&l->stopping, memory_order_acquire)) {
		node_wake_wait(l->o.wake, IDLE_MS);
		take_sends(l);
	}
	return NULL;
}

static int write_genesis(struct node_light *l, struct base_error *err)
{
	uint8_t header[CHAIN_HEADER_SIZE];
	struct chain_context genesis;
	struct store_light_step step = {.headers = header, .count = 1};

	chain_context_init(&genesis, l->o.genesis);
	chain_header_write(header, l->o.genesis);
	step.tip = genesis;
	step.final = &genesis;
	ds_light_init(&l->ds, l->o.committee, l->o.params, &genesis, &genesis,
		      NULL);
	return store_light_step(l->o.store, &step, err);
}

static int check_genesis(struct node_light *l, struct store_reader *r,
			 struct base_error *err)
{
	uint8_t mine[CHAIN_HEADER_SIZE];
	uint8_t kept[CHAIN_HEADER_SIZE];

	chain_header_write(mine, l->o.genesis);
	if (store_light_header(kept, r, (struct base_height){0}) < 0)
		return base_fail(err, -EBADMSG,
				 "the light node's store has no genesis; move "
				 "it away, it is made again");
	if (memcmp(mine, kept, sizeof(mine)) != 0)
		return base_fail(err, -EXDEV,
				 "the light node's store belongs to another "
				 "network than the network file; restore that "
				 "file, or choose another --datadir");
	return 0;
}

static int begin_there(struct node_light *l, const struct store_light *state,
		       struct base_error *err)
{
	struct ds_cert cert;

	if (state->cert && ds_cert_read(&cert, l->o.committee, state->cert,
					state->cert_len) < 0)
		return base_fail(err, -EBADMSG,
				 "the light node's certificate is damaged; "
				 "move its store away, it is made again");
	ds_light_init(&l->ds, l->o.committee, l->o.params, &state->final,
		      &state->tip, state->cert ? &cert : NULL);
	if (state->conflict[0]) {
		l->ds.halted = true;
		node_log(l->o.log, NODE_LOG_ERROR, "halt",
			 "two quorums contradict each other, as an earlier run "
			 "saw: nothing is believed. When its people have "
			 "agreed, move the light node's store away");
	}
	return 0;
}

static int load(struct node_light *l, struct base_error *err)
{
	struct store_light state;
	struct store_reader *r;
	int rc = store_read_begin(&r, l->o.store, err);

	if (rc < 0)
		return rc;
	rc = store_light_state(&state, r);
	if (rc == 0)
		rc = check_genesis(l, r, err);
	else if (rc == -EBADMSG)
		(void)base_fail(err, rc,
				"the light node's store is damaged; move it "
				"away, it is made again");
	if (rc == 0)
		rc = begin_there(l, &state, err);
	store_read_end(r);
	return rc == -ENODATA ? write_genesis(l, err) : rc;
}

static int start(struct node_light *l, struct base_error *err)
{
	int rc = load(l, err);

	if (rc == 0)
		rc = node_light_own_open(l, err);
	if (rc < 0)
		return rc;
	l->target_slot = LIGHT_NOBODY;
	l->alone_slot = LIGHT_NOBODY;
	base_ring_init_mpsc(&l->sends, l->sends_memory, LIGHT_SENDS,
			    sizeof(struct light_send *));
	(void)!net_set_height(l->o.net, l->ds.final.height.n);
	l->now = node_monotonic_ms();
	show(l);
	rc = -pthread_create(&l->thread, NULL, light_main, l);
	return rc < 0 ? base_fail(err, rc, "cannot start the light thread: %s",
				  strerror(-rc))
		      : 0;
}

int node_light_start(struct node_light **out,
		     const struct node_light_options *options,
		     struct base_error *err)
{
	struct node_light *l;
	int rc;

	if (!options->committee->certified)
		return base_fail(err, -ENOTSUP,
				 "the network makes no certificates, for too "
				 "many of its members may fail: a light node "
				 "cannot tell what is final; run a full one "
				 "(--full)");
	l = aligned_alloc(BASE_CACHE_LINE, (sizeof(*l) + BASE_CACHE_LINE - 1) /
						   BASE_CACHE_LINE *
						   BASE_CACHE_LINE);
	if (!l)
		return base_fail(err, -ENOMEM, "no memory for a light node");
	memset(l, 0, sizeof(*l));
	l->o = *options;
	l->port = net_port(options->net, NET_CONSENSUS);
	rc = start(l, err);
	if (rc < 0) {
		node_light_own_close(l);
		free(l);
		return rc;
	}
	*out = l;
	return 0;
}

int node_light_stop(struct node_light *light, struct base_error *err)
{
	int rc;

	if (!light)
		return 0;
	/* Pairs with the acquire in light_main(). */
	atomic_store_explicit(&light->stopping, true, memory_order_release);
	node_wake_ring(light->o.wake);
	(void)pthread_join(light->thread, NULL);
	rc = light->rc;
	if (rc < 0)
		*err = light->err;
	node_light_sync_close(light);
	node_light_own_close(light);
	free(light);
	return rc;
}

/* ---- any thread ---- */

int node_light_send(struct node_light *light, const uint8_t *tx, size_t len,
		    const struct node_wake *asker)
{
	struct light_send send = {.data = tx, .len = len, .asker = asker};
	struct light_send *at = &send;

	if (len > NET_TX_BYTES_MAX)
		return -EINVAL;
	if (!base_ring_push_mpsc(&light->sends, &at))
		return -EAGAIN;
	node_wake_ring(light->o.wake);
	/* Pairs with the release in take_sends(). */
	while (!atomic_load_explicit(&send.answered, memory_order_acquire))
		node_wake_wait(asker, -1);
	return send.rc;
}

void node_light_use(struct node_light *light, enum node_branch branch,
		    uint32_t next)
{
	uint32_t use =
		atomic_load_explicit(&light->use[branch], memory_order_relaxed);

	/* Pairs with the acquire in derive_branch(). */
	while (use < next &&
	       !atomic_compare_exchange_weak_explicit(
		       &light->use[branch], &use, next, memory_order_release,
		       memory_order_relaxed))
		;
}
