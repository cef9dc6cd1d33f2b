/* SPDX-License-Identifier: MIT */
/* What a peer may make us look up, and which signatures check. */
#include "net_raw.h"

static struct raw r;
static struct raw other;
static uint8_t page[NET_RECORD_MAX];

static void begin(struct node *n, const struct net_limits *limits)
{
	struct net_options o;

	node_key(n, 1);
	o = node_options(n);
	o.limits = *limits;
	o.timing.refuse = 60000;
	node_start(n, &o);
}

/* A request for @count keys. */
static void ask_for(struct raw *from, uint8_t type, uint32_t count)
{
	uint32_t len = 32 * count + (type == NET_GET_HISTORY ? 8 : 0);

	memset(page, 7, len);
	assert_true(raw_frame(from, len, type, 0, page, len));
}

static void expect_refusal(enum net_reason why, uint8_t type)
{
	assert_int_equal(raw_expect(&r, NET_REFUSED, page, sizeof(page)), 2);
	assert_int_equal(page[0], why);
	assert_int_equal(page[1], type);
}

static void let_pass(struct node *n, uint8_t type)
{
	struct net_event e = expect_message(n->reader, type);

	net_release(n->reader, e.message.buffer);
}

static void watched_keys_are_bounded(void **state)
{
	const struct net_limits limits = {.lookups_per_s = 1000000,
					  .lookups_burst = 1000000};
	struct node n;

	(void)state;
	begin(&n, &limits);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	for (uint32_t i = 1; i < NET_WATCH_MAX / NET_KEYS_MAX; i++) {
		ask_for(&r, NET_WATCH, NET_KEYS_MAX);
		let_pass(&n, NET_WATCH);
	}
	ask_for(&r, NET_WATCH, NET_KEYS_MAX - 1);
	let_pass(&n, NET_WATCH);
	/* One is left. */
	ask_for(&r, NET_WATCH, 2);
	expect_refusal(NET_QUOTA, NET_WATCH);
	ask_for(&r, NET_WATCH, 1);
	let_pass(&n, NET_WATCH);
	ask_for(&r, NET_WATCH, 1);
	expect_refusal(NET_QUOTA, NET_WATCH);
	/* Another peer has its own. */
	raw_join(&other, &n, 3);
	(void)expect_up(&n);
	ask_for(&other, NET_WATCH, 1);
	let_pass(&n, NET_WATCH);
	raw_close(&other);
	raw_close(&r);
	node_end(&n);
}

static void searches_have_a_quota(void **state)
{
	/* What is used up comes back when this test is long over. */
	const struct net_limits limits = {.lookups_per_s = 1,
					  .lookups_burst = 1000};
	struct net_event e;
	struct node n;

	(void)state;
	begin(&n, &limits);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	for (uint32_t i = 0; i < 9; i++) {
		ask_for(&r, NET_GET_HISTORY, NET_KEYS_MAX);
		e = expect_message(n.reader, NET_GET_HISTORY);
		assert_int_equal(net_reply(n.reader, &e, NET_HISTORY, NULL), 0);
		net_release(n.reader, e.message.buffer);
		(void)raw_expect(&r, NET_HISTORY, page, sizeof(page));
	}
	/* A half of what is left; one comes back in a second. */
	for (uint32_t i = 0; i < 50; i++) {
		ask_for(&r, NET_WATCH, 1);
		let_pass(&n, NET_WATCH);
	}
	for (uint32_t left = 5; left > 0; left--) {
		ask_for(&r, NET_GET_HISTORY, NET_KEYS_MAX);
		expect_refusal(NET_BUSY, NET_GET_HISTORY);
	}
	/* What is read in one place is not meant. */
	assert_true(raw_frame(&r, 0, NET_GET_STATUS, 0, NULL, 0));
	let_pass(&n, NET_GET_STATUS);
	raw_close(&r);
	node_end(&n);
}

/* The asker hears it, and who says it has done nothing wrong. */
static void a_watch_that_is_refused_is_heard(void **state)
{
	const struct net_limits limits = {0};
	const uint8_t refusal[2] = {NET_QUOTA, NET_WATCH};
	struct net_event e;
	struct net_view v;
	struct node n;

	(void)state;
	begin(&n, &limits);
	raw_join(&r, &n, 2);
	e = expect_up(&n);
	/* Not before it was asked. */
	assert_true(raw_frame(&r, 2, NET_REFUSED, 0, refusal, 2));
	await_counter(n.net, NET_C_UNSOLICITED, 1);
	send_to(n.port, e.slot, NET_WATCH, make_payload(n.port, 32, 1), NULL);
	assert_int_equal(raw_expect(&r, NET_WATCH, page, sizeof(page)), 32);
	assert_true(raw_frame(&r, 2, NET_REFUSED, 0, refusal, 2));
	e = expect_message(n.port, NET_REFUSED);
	assert_memory_equal(e.message.buffer->data, refusal, 2);
	net_release(n.port, e.message.buffer);
	net_look(&v, n.net);
	assert_int_equal(v.counter[NET_C_UNSOLICITED], 1);
	raw_close(&r);
	node_end(&n);
}

/* ---- signatures ---- */

static void announce(struct raw *from, uint8_t number)
{
	memset(page, number, 32);
	page[0] = NET_TX;
	assert_true(raw_frame(from, 32, NET_TX_INV, 0, page, 32));
}

/* Whether it is asked for what it announces; a ping tells that it is not. */
static bool is_asked(struct raw *from, uint8_t number)
{
	uint8_t type = 0;
	uint32_t len;

	announce(from, number);
	assert_true(raw_frame(from, 8, NET_PING, 0, page, 8));
	do {
		assert_true(raw_next(from, &type, page, sizeof(page), &len));
	} while (type != NET_PONG && type != NET_TX_GET);
	if (type == NET_TX_GET)
		(void)raw_expect(from, NET_PONG, page, sizeof(page));
	return type == NET_TX_GET;
}

static void settle(struct raw *from)
{
	/* Commands go before what is received after them. */
	assert_true(raw_frame(from, 8, NET_PING, 0, page, 8));
	(void)raw_expect(from, NET_PONG, page, sizeof(page));
}

static void who_owes_signatures_is_not_asked(void **state)
{
	const struct net_limits limits = {.checks_per_s = 1,
					  .checks_burst = 600};
	uint32_t slot;
	struct node n;

	(void)state;
	begin(&n, &limits);
	raw_join(&r, &n, 2);
	slot = expect_up(&n).slot;
	raw_join(&other, &n, 3);
	(void)expect_up(&n);
	assert_true(is_asked(&r, 1));
	/* Up to the quota; and then more than comes back within a test. */
	assert_int_equal(net_charge(n.port, slot, 599, false), 0);
	settle(&r);
	assert_true(is_asked(&r, 2));
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(net_charge(n.port, slot, 1000, false), 0);
	settle(&r);
	assert_false(is_asked(&r, 3));
	/* Others are, for the same one too. */
	assert_true(is_asked(&other, 3));
	/* It costs no points: the peer is there still. */
	settle(&r);
	raw_close(&other);
	raw_close(&r);
	node_end(&n);
}

static void what_is_owed_is_paid_by_waiting(void **state)
{
	const struct net_limits limits = {.checks_per_s = 1000,
					  .checks_burst = 10};
	struct node n;
	uint32_t turns = 0;
	uint32_t slot;

	(void)state;
	begin(&n, &limits);
	raw_join(&r, &n, 2);
	slot = expect_up(&n).slot;
	assert_int_equal(net_charge(n.port, slot, 500, false), 0);
	settle(&r);
	/* Half a second later. */
	for (uint8_t i = 10; !is_asked(&r, i); i++) {
		assert_true(++turns < 200);
		pause_ms(50);
	}
	raw_close(&r);
	node_end(&n);
}

static void useless_signatures_cost_points(void **state)
{
	const struct net_limits limits = {.checks_per_s = 1,
					  .checks_burst = 1000};
	uint32_t slot;
	struct node n;

	(void)state;
	begin(&n, &limits);
	raw_join(&r, &n, 2);
	slot = expect_up(&n).slot;
	/* Within its quota all is well. */
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(net_charge(n.port, slot, 20, true), 0);
	settle(&r);
	assert_int_equal(net_charge(n.port, slot, 1000, false), 0);
	settle(&r);
	/* A hundred points, ten at a time. */
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(net_charge(n.port, slot, 1, true), 0);
	assert_int_equal(expect_down(&n).down, NET_BANNED);
	await_bans(&n, 1);
	raw_close(&r);
	node_end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(watched_keys_are_bounded),
		cmocka_unit_test(searches_have_a_quota),
		cmocka_unit_test(a_watch_that_is_refused_is_heard),
		cmocka_unit_test(who_owes_signatures_is_not_asked),
		cmocka_unit_test(what_is_owed_is_paid_by_waiting),
		cmocka_unit_test(useless_signatures_cost_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
