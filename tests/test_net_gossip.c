/* SPDX-License-Identifier: MIT */
/* Relays: every node has a message once, every link carries it once. */
#include "net_raw.h"

#define NODES 4u
#define MESSAGES 200u
#define QUIET_MS 200u

static struct node n[NODES];
static struct raw r;
static uint8_t page[NET_RECORD_MAX];

static uint32_t got[NODES][MESSAGES];

static uint32_t number_of(const struct net_buffer *b)
{
	uint32_t number;

	memcpy(&number, b->data, sizeof(number));
	return number;
}

static void relay(struct node *node, uint8_t type, struct net_buffer *b)
{
	struct net_send s = {.type = type, .buffer = b, .to = net_everyone()};
	uint8_t id[32];

	id_of(id, type, b);
	s.id = id;
	assert_int_equal(net_send(node->port, &s), 0);
}

/* What a consumer does that finds everything valid. True: something came. */
static bool serve(uint32_t i)
{
	struct net_event e;

	if (!net_next(n[i].port, &e))
		return false;
	if (e.kind != NET_EV_MESSAGE)
		return true;
	/* The first copy is news; its relay marks it as seen. Copies that were
	 * on their way already are what consensus itself recognises. */
	if (e.message.type == NET_BEAT || e.message.type == NET_TX) {
		assert_true(e.message.has_id);
		assert_true(number_of(e.message.buffer) < MESSAGES);
		if (got[i][number_of(e.message.buffer)]++ == 0)
			relay(&n[i], e.message.type, e.message.buffer);
	}
	net_release(n[i].port, e.message.buffer);
	return true;
}

static bool everybody_has_all(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t k = 0; k < MESSAGES; k++)
			if (got[i][k] == 0)
				return false;
	return true;
}

/* And a little longer, for what should not come. */
static void serve_until_quiet(void)
{
	uint32_t quiet = 0;

	for (int k = 0; k < WAIT_TURNS && quiet < QUIET_MS; k++) {
		bool any = false;

		for (uint32_t i = 0; i < NODES; i++)
			while (serve(i))
				any = true;
		quiet = any || !everybody_has_all() ? 0 : quiet + 1;
		pause_ms(1);
	}
	assert_int_equal(quiet, QUIET_MS);
}

static void begin(void)
{
	memset(got, 0, sizeof(got));
	for (uint32_t i = 0; i < NODES; i++)
		node_begin(&n[i], (uint8_t)(i + 1));
}

static void end(void)
{
	for (uint32_t i = 0; i < NODES; i++)
		node_end(&n[i]);
}

static void link_up(uint32_t a, uint32_t b)
{
	uint32_t up = 0;

	assert_int_equal(net_connect(n[a].net, &n[b].self, false), 0);
	while (up < 2) {
		struct net_event e;

		if (net_next(n[a].port, &e) || net_next(n[b].port, &e)) {
			up += e.kind == NET_EV_UP;
			continue;
		}
		pause_ms(1);
	}
}

static uint64_t counter_of(uint32_t i, enum net_counter c)
{
	struct net_view v;

	/* Published every 20 ms. */
	pause_ms(50);
	net_look(&v, n[i].net);
	return v.counter[c];
}

static void a_chain_relays_once(void **state)
{
	(void)state;
	begin();
	for (uint32_t i = 0; i + 1 < NODES; i++)
		link_up(i, i + 1);
	for (uint32_t k = 0; k < MESSAGES; k++) {
		struct net_buffer *b = make_payload(n[0].port, DS_BEAT_SIZE, k);

		got[0][k]++;
		relay(&n[0], NET_BEAT, b);
		net_release(n[0].port, b);
	}
	serve_until_quiet();
	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t k = 0; k < MESSAGES; k++)
			assert_int_equal(got[i][k], 1);
	/* Nothing came back: who sent it was known to have it. */
	for (uint32_t i = 0; i < NODES; i++)
		assert_int_equal(counter_of(i, NET_C_COPIES), 0);
	end();
}

static void a_mesh_carries_it_once_a_link_and_direction(void **state)
{
	(void)state;
	begin();
	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t k = 0; k < i; k++)
			link_up(i, k);
	for (uint32_t k = 0; k < MESSAGES; k++) {
		struct net_buffer *b =
			make_payload(n[k % NODES].port, DS_BEAT_SIZE, k);

		got[k % NODES][k]++;
		relay(&n[k % NODES], NET_BEAT, b);
		net_release(n[k % NODES].port, b);
	}
	serve_until_quiet();
	for (uint32_t i = 0; i < NODES; i++) {
		uint64_t arrived = counter_of(i, NET_C_COPIES);

		for (uint32_t k = 0; k < MESSAGES; k++) {
			assert_true(got[i][k] >= 1);
			arrived += got[i][k] - (k % NODES == i);
		}
		/* Three links, each at most once in this direction. */
		assert_true(arrived <= (NODES - 1) * MESSAGES);
	}
	end();
}

static void transactions_are_announced_and_fetched(void **state)
{
	(void)state;
	begin();
	for (uint32_t i = 0; i + 1 < NODES; i++)
		link_up(i, i + 1);
	link_up(NODES - 1, 0);
	for (uint32_t k = 0; k < MESSAGES; k++) {
		struct net_buffer *b = make_payload(n[0].port, 60 + k * 10, k);

		got[0][k]++;
		relay(&n[0], NET_TX, b);
		net_release(n[0].port, b);
	}
	serve_until_quiet();
	/* Exactly once: only what is unknown is asked for, of one peer. */
	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t k = 0; k < MESSAGES; k++)
			assert_int_equal(got[i][k], 1);
	for (uint32_t i = 0; i < NODES; i++) {
		assert_int_equal(counter_of(i, NET_C_UNSOLICITED), 0);
		assert_int_equal(counter_of(i, NET_C_TX_DROPPED), 0);
	}
	end();
}

/* Peers that announce and do not deliver do not keep it from us. */
static void another_is_asked(void **state)
{
	struct net_buffer *b;
	struct net_event e;
	uint8_t id[32];

	(void)state;
	memset(got, 0, sizeof(got));
	node_begin(&n[0], 1);
	node_begin(&n[1], 2);
	raw_join(&r, &n[0], 9);
	(void)expect_up(&n[0]);
	b = make_payload(n[1].port, 100, 5);
	id_of(id, NET_TX, b);
	assert_true(raw_frame(&r, 32, NET_TX_INV, 0, id, 32));
	assert_int_equal(raw_expect(&r, NET_TX_GET, page, sizeof(page)), 32);
	assert_memory_equal(page, id, 32);
	node_join(&n[1], &n[0], NULL, NULL);
	relay(&n[1], NET_TX, b);
	net_release(n[1].port, b);
	e = expect_message(n[0].port, NET_TX);
	check_payload(e.message.buffer, 100, 5);
	net_release(n[0].port, e.message.buffer);
	/* What nobody asked for is dropped. */
	memset(page, 7, 100);
	assert_true(raw_frame(&r, 100, NET_TX, 0, page, 100));
	await_counter(n[0].net, NET_C_UNSOLICITED, 1);
	raw_close(&r);
	node_end(&n[0]);
	node_end(&n[1]);
}

/* A copy that is not valid keeps no valid one out, and what was sent without
 * an id passes the cache. */
static void only_valid_messages_are_seen(void **state)
{
	struct net_event e;
	uint8_t id[32];
	uint32_t slot;

	(void)state;
	node_begin(&n[0], 1);
	raw_join(&r, &n[0], 9);
	slot = expect_up(&n[0]).slot;
	memset(page, 3, DS_BEAT_SIZE);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(raw_frame(&r, DS_BEAT_SIZE, NET_BEAT, 0, page,
				      DS_BEAT_SIZE));
		e = expect_message(n[0].port, NET_BEAT);
		id_of(id, NET_BEAT, e.message.buffer);
		assert_memory_equal(e.message.id, id, 32);
		net_release(n[0].port, e.message.buffer);
	}
	assert_int_equal(net_seen(n[0].port, id), 0);
	/* Commands are carried out in order. */
	send_to(n[0].port, slot, NET_EVID,
		make_payload(n[0].port, DS_EVID_SIZE, 1), NULL);
	(void)raw_expect(&r, NET_EVID, page, sizeof(page));
	memset(page, 3, DS_BEAT_SIZE);
	assert_true(
		raw_frame(&r, DS_BEAT_SIZE, NET_BEAT, 0, page, DS_BEAT_SIZE));
	await_counter(n[0].net, NET_C_COPIES, 1);
	assert_false(net_next(n[0].port, &e));
	raw_close(&r);
	node_end(&n[0]);
}

/* Addresses travel, and lead to connections. */
static void nodes_are_discovered(void **state)
{
	struct net_options o;
	struct net_event e;

	(void)state;
	node_begin(&n[0], 1);
	node_begin(&n[1], 2);
	/* The one in the middle knows of 1 before 2 asks. */
	node_join(&n[1], &n[0], NULL, NULL);
	node_key(&n[2], 3);
	o = node_options(&n[2]);
	o.discover = true;
	node_start(&n[2], &o);
	node_join(&n[2], &n[0], NULL, NULL);
	e = expect_up(&n[2]);
	assert_memory_equal(e.up.id, n[1].id, sizeof(n[1].id));
	for (uint32_t i = 0; i < 3; i++)
		node_end(&n[i]);
}

/* A connection that is lost is made again. */
static void connections_come_back(void **state)
{
	struct net_options o;

	(void)state;
	node_begin(&n[0], 1);
	node_begin(&n[1], 2);
	node_join(&n[0], &n[1], NULL, NULL);
	o = node_options(&n[1]);
	o.listen = n[1].self.address;
	node_end(&n[1]);
	(void)expect_down(&n[0]);
	node_start(&n[1], &o);
	(void)expect_up(&n[0]);
	(void)expect_up(&n[1]);
	node_end(&n[0]);
	node_end(&n[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chain_relays_once),
		cmocka_unit_test(a_mesh_carries_it_once_a_link_and_direction),
		cmocka_unit_test(transactions_are_announced_and_fetched),
		cmocka_unit_test(another_is_asked),
		cmocka_unit_test(only_valid_messages_are_seen),
		cmocka_unit_test(nodes_are_discovered),
		cmocka_unit_test(connections_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
