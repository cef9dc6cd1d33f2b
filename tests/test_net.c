/* SPDX-License-Identifier: MIT */
#include "net_raw.h"

#include <sys/resource.h>

#include "net/uring.h"

static void two_nodes_meet_and_talk(void **state)
{
	struct node a, b;
	struct net_event e;
	uint32_t to_b, to_a;

	(void)state;
	node_begin(&a, 1);
	node_begin(&b, 2);
	node_join(&a, &b, &to_b, &to_a);
	send_to(a.port, to_b, NET_VOTE, make_payload(a.port, DS_VOTE_SIZE, 7),
		NULL);
	e = expect_message(b.port, NET_VOTE);
	check_payload(e.message.buffer, DS_VOTE_SIZE, 7);
	assert_int_equal(e.slot, to_a);
	net_release(b.port, e.message.buffer);
	node_end(&a);
	e = expect_down(&b);
	assert_int_equal(e.down, NET_STOPPING);
	node_end(&b);
}

static const uint32_t sizes[] = {0,	1,	8,	100,	512,   513,
				 8192,	16375,	16376,	16377,	32752, 32753,
				 65536, 196608, 196609, 1048576};

static void every_size_arrives_intact(void **state)
{
	struct node a, b;
	struct net_event e;
	uint32_t to_b;

	(void)state;
	node_begin(&a, 1);
	node_begin(&b, 2);
	node_join(&a, &b, &to_b, NULL);
	for (uint32_t i = 0; i < BASE_COUNT(sizes); i++) {
		struct net_send s = {.type = NET_GET_HISTORY};
		struct net_buffer *ask = make_payload(a.port, 40, 0);

		/* A question of each, for only answers may be of any size. */
		s.buffer = ask;
		s.to.word[to_b / 64] = UINT64_C(1) << (to_b % 64);
		assert_int_equal(net_send(a.port, &s), 0);
		net_release(a.port, ask);
		e = expect_message(b.reader, NET_GET_HISTORY);
		net_release(b.reader, e.message.buffer);
		ask = make_payload(b.reader, sizes[i], i);
		assert_int_equal(net_reply(b.reader, &e, NET_HISTORY, ask), 0);
		net_release(b.reader, ask);
		e = expect_message(a.port, NET_HISTORY);
		check_payload(e.message.buffer, sizes[i], i);
		net_release(a.port, e.message.buffer);
	}
	node_end(&a);
	node_end(&b);
}

#define MANY 3000u

static void many_messages_keep_their_order(void **state)
{
	struct node a, b;
	uint32_t to_b;
	uint32_t sent = 0;

	(void)state;
	node_begin(&a, 1);
	node_begin(&b, 2);
	node_join(&a, &b, &to_b, NULL);
	for (uint32_t got = 0; got < MANY;) {
		struct net_event e;

		for (; sent < MANY && sent < got + 500; sent++)
			send_to(a.port, to_b, NET_PROPOSAL,
				make_payload(a.port,
					     DS_PROPOSAL_SIZE(1) +
						     sent % 97 * 20,
					     sent),
				NULL);
		e = expect_message(b.port, NET_PROPOSAL);
		check_payload(e.message.buffer,
			      DS_PROPOSAL_SIZE(1) + got % 97 * 20, got);
		net_release(b.port, e.message.buffer);
		got++;
	}
	node_end(&a);
	node_end(&b);
}

/* What the consumer says of a peer never means the one that came after it. */
static void a_slot_is_free_when_its_end_was_seen(void **state)
{
	static struct raw r[2];
	struct net_event e;
	struct net_view v;
	struct node n;
	uint32_t slot;

	(void)state;
	node_begin(&n, 1);
	raw_join(&r[0], &n, 2);
	slot = expect_up(&n).slot;
	raw_close(&r[0]);
	do {
		pause_ms(1);
		net_look(&v, n.net);
	} while (v.peers > 0);
	/* Another comes before we look. */
	raw_join(&r[1], &n, 3);
	assert_int_equal(net_ban(n.port, slot), 0);
	e = next_event(n.port);
	assert_int_equal(e.kind, NET_EV_DOWN);
	assert_int_equal(e.slot, slot);
	e = next_event(n.port);
	assert_int_equal(e.kind, NET_EV_UP);
	assert_int_not_equal(e.slot, slot);
	raw_close(&r[1]);
	assert_int_equal(expect_down(&n).down, NET_CLOSED);
	/* Now both are. */
	assert_false(net_next(n.port, &e));
	raw_join(&r[0], &n, 4);
	assert_int_equal(expect_up(&n).slot, slot);
	raw_close(&r[0]);
	net_look(&v, n.net);
	assert_int_equal(v.counter[NET_C_BANS], 0);
	node_end(&n);
}

/* A try is one: the peer that closes the connection is not called again,
 * where one to be connected to would be at once. */
static void a_try_is_made_once(void **state)
{
	struct net_endpoint bad = {.id = {1}, .address = "nowhere"};
	struct net_options o;
	struct node a, b, c;

	(void)state;
	node_key(&a, 1);
	o = node_options(&a);
	o.timing.retry = 1;
	o.timing.retry_max = 1;
	node_start(&a, &o);
	node_begin(&b, 2);
	node_begin(&c, 3);
	assert_int_equal(net_try(a.net, &bad), -EINVAL);
	/* This one fails, and that is the end of it. */
	(void)strcpy(bad.address, "127.0.0.1:1");
	assert_int_equal(net_try(a.net, &bad), 0);
	assert_int_equal(net_try(a.net, &b.self), 0);
	assert_memory_equal(expect_up(&a).up.id, b.id, sizeof(b.id));
	(void)expect_up(&b);
	assert_int_equal(net_disconnect(b.net, a.id), 0);
	(void)expect_down(&a);
	(void)expect_down(&b);
	pause_ms(200);
	node_join(&a, &c, NULL, NULL);
	/* It may be tried again; and a peer that is there stays. */
	assert_int_equal(net_try(a.net, &b.self), 0);
	assert_memory_equal(expect_up(&a).up.id, b.id, sizeof(b.id));
	(void)expect_up(&b);
	assert_int_equal(net_try(a.net, &b.self), 0);
	node_end(&b);
	assert_int_equal(expect_down(&a).down, NET_STOPPING);
	node_end(&c);
	node_end(&a);
}

/* The ring has places for so many of them, and does without for the rest. */
static void high_descriptors_work(void **state)
{
	static int fd[NET_URING_FILES_MAX];
	struct rlimit limit;
	struct net_event e;
	struct node a, b;
	uint32_t to_b;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < NET_URING_FILES_MAX + 100) {
		limit.rlim_cur = NET_URING_FILES_MAX + 100;
		if (limit.rlim_cur > limit.rlim_max ||
		    setrlimit(RLIMIT_NOFILE, &limit) != 0) {
			print_message("# too few open files are allowed\n");
			skip();
		}
	}
	for (uint32_t i = 0; i < NET_URING_FILES_MAX; i++) {
		fd[i] = dup(STDERR_FILENO);
		assert_true(fd[i] >= 0);
	}
	node_begin(&a, 1);
	node_begin(&b, 2);
	node_join(&a, &b, &to_b, NULL);
	send_to(a.port, to_b, NET_PROPOSAL,
		make_payload(a.port, BLOCK_BYTES, 9), NULL);
	e = expect_message(b.port, NET_PROPOSAL);
	check_payload(e.message.buffer, BLOCK_BYTES, 9);
	net_release(b.port, e.message.buffer);
	node_end(&a);
	node_end(&b);
	for (uint32_t i = 0; i < NET_URING_FILES_MAX; i++)
		(void)close(fd[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_nodes_meet_and_talk),
		cmocka_unit_test(every_size_arrives_intact),
		cmocka_unit_test(many_messages_keep_their_order),
		cmocka_unit_test(a_slot_is_free_when_its_end_was_seen),
		cmocka_unit_test(a_try_is_made_once),
		cmocka_unit_test(high_descriptors_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
