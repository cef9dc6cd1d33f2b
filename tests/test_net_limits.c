/* SPDX-License-Identifier: MIT */
/* Queues, quotas, numbers of connections, bans, access. */
#include "net_raw.h"

#include <stdatomic.h>

static struct raw r;
static struct raw many[8];
static uint8_t page[NET_RECORD_MAX];

static void begin(struct node *n, struct net_options *o, uint8_t number)
{
	node_key(n, number);
	*o = node_options(n);
	o->timing.hello = 5000;
	o->timing.slow = 300;
	o->timing.refuse = 2000;
	o->timing.answer = 1500;
}

/* One frame of a message, perhaps cut; how many bytes of it. */
static uint32_t next_part(uint8_t *type)
{
	uint8_t header[NET_FRAME_HEADER];
	uint32_t len;

	assert_true(raw_read(&r, header, sizeof(header)));
	*type = header[4];
	len = base_load_le32(header);
	if (len > NET_PART_SIZE)
		len = NET_PART_SIZE;
	assert_true(raw_read(&r, page, len));
	return len;
}

static void a_vote_does_not_wait_behind_a_body(void **state)
{
	uint32_t proposal = 0;
	uint32_t watched = 0;
	bool voted = false;
	struct net_options o;
	struct net_view v;
	struct node n;
	uint32_t slot;

	(void)state;
	begin(&n, &o, 1);
	o.timing.slow = 60000;
	node_start(&n, &o);
	raw_join_small(&r, &n, 2, 4096);
	slot = expect_up(&n).slot;
	send_to(n.port, slot, NET_WATCHED, make_payload(n.port, BLOCK_BYTES, 1),
		NULL);
	/* It has begun, and waits for the reader. */
	do {
		net_look(&v, n.net);
		pause_ms(1);
	} while (v.peers == 0 || v.peer[0].bytes_out < 1000);
	send_to(n.port, slot, NET_PROPOSAL,
		make_payload(n.port, BLOCK_BYTES, 2), NULL);
	send_to(n.port, slot, NET_VOTE, make_payload(n.port, DS_VOTE_SIZE, 3),
		NULL);
	while (watched < BLOCK_BYTES || proposal < BLOCK_BYTES || !voted) {
		uint8_t type;
		uint32_t len = next_part(&type);

		if (type == NET_PROPOSAL) {
			/* The vote is short, and overtakes it. */
			assert_true(voted);
			proposal += len;
		} else if (type == NET_WATCHED) {
			/* A proposal is not interrupted by it. */
			assert_true(proposal == 0 || proposal == BLOCK_BYTES);
			watched += len;
		} else if (type == NET_VOTE) {
			assert_true(watched < BLOCK_BYTES);
			voted = true;
		}
	}
	raw_close(&r);
	node_end(&n);
}

static void slow_readers_are_dropped(void **state)
{
	struct net_options o;
	struct net_event e;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	node_start(&n, &o);
	/* It reads nothing: too slow. */
	raw_join_small(&r, &n, 2, 4096);
	e = expect_up(&n);
	send_to(n.port, e.slot, NET_WATCHED,
		make_payload(n.port, BLOCK_BYTES, 1), NULL);
	assert_int_equal(expect_down(&n).down, NET_SLOW);
	raw_close(&r);
	node_end(&n);
	/* More than its queue holds: at once. */
	o.timing.slow = 600000;
	node_start(&n, &o);
	raw_join_small(&r, &n, 3, 4096);
	e = expect_up(&n);
	for (uint32_t i = 0; i < 4; i++)
		send_to(n.port, e.slot, NET_WATCHED,
			make_payload(n.port, BLOCK_BYTES, 1), NULL);
	assert_int_equal(expect_down(&n).down, NET_SLOW);
	raw_close(&r);
	await_counter(n.net, NET_C_SLOW, 1);
	node_end(&n);
}

static void a_flood_is_slowed_and_others_are_served(void **state)
{
	struct net_options o;
	struct node n, good;
	struct net_event e;
	uint32_t to_n;

	(void)state;
	begin(&n, &o, 1);
	o.limits.bytes_per_s = 40000;
	o.limits.bytes_burst = 20000;
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	memset(page, 0, sizeof(page));
	for (uint32_t i = 0; i < 5; i++)
		assert_true(raw_frame(&r, 10000, NET_PROPOSAL, 0, page, 10000));
	await_counter(n.net, NET_C_PAUSES, 1);
	node_begin(&good, 3);
	assert_int_equal(net_connect(good.net, &n.self, false), 0);
	to_n = expect_up(&good).slot;
	send_to(good.port, to_n, NET_BEAT,
		make_payload(good.port, DS_BEAT_SIZE, 1), NULL);
	for (uint32_t left = 7; left > 0; left--) {
		e = next_event(n.port);
		if (e.kind != NET_EV_MESSAGE)
			continue;
		assert_true(e.message.type == NET_PROPOSAL ||
			    e.message.type == NET_BEAT);
		net_release(n.port, e.message.buffer);
	}
	node_end(&good);
	raw_close(&r);
	node_end(&n);
}

/* A consumer that is behind stops the peer, not the node. */
static void what_is_held_is_bounded(void **state)
{
	struct net_buffer *held[30];
	struct net_options o;
	struct net_event e;
	struct net_view v;
	uint32_t count = 0;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	o.limits.receive_queue = 10000;
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	memset(page, 0, sizeof(page));
	for (uint32_t i = 0; i < BASE_COUNT(held); i++)
		assert_true(raw_frame(&r, 1000, NET_PROPOSAL, 0, page, 1000));
	await_counter(n.net, NET_C_PAUSES, 1);
	while (net_next(n.port, &e))
		held[count++] = e.message.buffer;
	/* The last one may begin while a byte less is held. */
	assert_int_equal(count, 10);
	net_look(&v, n.net);
	assert_int_equal(v.peer[0].queue_in, 10000);
	while (count > 0)
		net_release(n.port, held[--count]);
	for (count = 0; count < 20; count++) {
		e = expect_message(n.port, NET_PROPOSAL);
		net_release(n.port, e.message.buffer);
	}
	raw_close(&r);
	node_end(&n);
}

/* So many of a peer's requests at once; the rest is told to come again. */
static void requests_of_a_peer_are_bounded(void **state)
{
	struct net_event e[NET_SLOTS_MAX];
	struct net_options o;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	for (uint32_t i = 0; i < 9; i++)
		assert_true(raw_frame(&r, 0, NET_GET_STATUS, 0, NULL, 0));
	assert_int_equal(raw_expect(&r, NET_REFUSED, page, sizeof(page)), 2);
	assert_int_equal(page[0], NET_BUSY);
	assert_int_equal(page[1], NET_GET_STATUS);
	for (uint32_t i = 0; i < 8; i++)
		e[i] = expect_message(n.reader, NET_GET_STATUS);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(net_reply(n.reader, &e[i], NET_STATUS, NULL),
				 0);
		net_release(n.reader, e[i].message.buffer);
		(void)raw_expect(&r, NET_STATUS, page, sizeof(page));
	}
	assert_true(raw_frame(&r, 0, NET_GET_STATUS, 0, NULL, 0));
	e[0] = expect_message(n.reader, NET_GET_STATUS);
	net_release(n.reader, e[0].message.buffer);
	raw_close(&r);
	node_end(&n);
}

static void a_flood_of_announcements_is_banned(void **state)
{
	struct net_options o;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	for (uint32_t i = 0; i < 100 && !r.closed; i++) {
		memset(page, (int)i, sizeof(page));
		for (uint32_t k = 0; k < 400; k++)
			memcpy(page + 32 * k, &k, sizeof(k));
		if (!raw_frame(&r, 12800, NET_TX_INV, 0, page, 12800))
			break;
	}
	assert_int_equal(expect_down(&n).down, NET_BANNED);
	await_bans(&n, 1);
	raw_close(&r);
	node_end(&n);
}

static void two_hundred_connections_from_one_address(void **state)
{
	static int fd[200];
	struct net_endpoint member = {.address = ""};
	struct net_options o;
	struct node n, m;
	struct net_view v;

	(void)state;
	node_key(&m, 7);
	memcpy(member.id, m.id, sizeof(m.id));
	begin(&n, &o, 1);
	o.member = &member;
	o.members = 1;
	node_start(&n, &o);
	for (uint32_t i = 0; i < BASE_COUNT(fd); i++) {
		raw_open(&r, &n);
		fd[i] = r.fd;
	}
	/* At most so many wait for their HELLO. */
	await_counter(n.net, NET_C_ACCEPTED, BASE_COUNT(fd));
	net_look(&v, n.net);
	assert_true(v.counter[NET_C_ACCEPTED] - v.counter[NET_C_REFUSED] <=
		    NET_PENDING_MAX);
	for (uint32_t i = 0; i < BASE_COUNT(fd); i++)
		(void)close(fd[i]);
	/* Those who do all that is asked: four of one network. */
	for (uint32_t i = 0; i < NET_PER_NETWORK_MAX; i++) {
		raw_join(&many[i], &n, (uint8_t)(20 + i));
		(void)expect_up(&n);
	}
	for (uint8_t i = 0; i < 10; i++) {
		struct net_hello h = raw_hello_of();

		raw_open(&r, &n);
		assert_true(raw_handshake(&r, (uint8_t)(40 + i), n.id));
		assert_true(raw_hello(&r, &h));
		raw_expect_refused(&r, NET_FULL);
		raw_close(&r);
	}
	/* Members are exempt. */
	raw_join(&r, &n, 7);
	assert_int_equal(expect_up(&n).up.member, 0);
	raw_close(&r);
	for (uint32_t i = 0; i < NET_PER_NETWORK_MAX; i++)
		raw_close(&many[i]);
	node_end(&n);
}

static void bans_by_people(void **state)
{
	static uint8_t saved[NET_SAVED_MAX];
	struct net_ban ban = {.until_s = UINT64_C(1) << 40, .manual = true};
	struct net_ban got;
	struct net_options o;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	memcpy(ban.id, r.id, sizeof(ban.id));
	assert_int_equal(net_set_ban(n.net, &ban), 0);
	raw_expect_refused(&r, NET_BANNED);
	(void)expect_down(&n);
	raw_close(&r);
	/* By its key: TLS works, and then it hears why. */
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 2, n.id));
	raw_expect_refused(&r, NET_BANNED);
	raw_close(&r);
	for (int i = 0; i < WAIT_TURNS; i++) {
		if (net_bans(&got, 1, n.net) == 1)
			break;
		pause_ms(1);
	}
	assert_memory_equal(&got, &ban, sizeof(ban));
	o.saved = saved;
	o.saved_len = net_save(saved, n.net);
	node_end(&n);
	/* It outlives the process. */
	node_start(&n, &o);
	assert_int_equal(net_bans(&got, 1, n.net), 1);
	ban.until_s = 0;
	assert_int_equal(net_set_ban(n.net, &ban), 0);
	await_bans(&n, 0);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	raw_close(&r);
	node_end(&n);
	/* What is damaged does no harm. */
	for (size_t cut = 0; cut < 100; cut++) {
		o.saved_len = cut;
		node_start(&n, &o);
		node_end(&n);
	}
}

/* Whether the node greets the key that is 32 times @number; if so, so do we. */
static bool says_hello(const struct node *n, uint8_t number)
{
	struct net_hello h = raw_hello_of();
	uint32_t len = 0;
	uint8_t type = 0;

	raw_open(&r, n);
	assert_true(raw_handshake(&r, number, n->id));
	assert_true(raw_next(&r, &type, page, sizeof(page), &len));
	if (type == NET_HELLO)
		return raw_hello(&r, &h);
	raw_close(&r);
	return false;
}

static void a_member_is_refused_for_a_while_only(void **state)
{
	struct net_endpoint member = {.address = ""};
	struct net_options o;
	struct node n, m;
	struct net_event e;
	struct net_view v;

	(void)state;
	node_key(&m, 7);
	memcpy(member.id, m.id, sizeof(m.id));
	begin(&n, &o, 1);
	o.member = &member;
	o.members = 1;
	node_start(&n, &o);
	raw_join(&r, &n, 7);
	e = expect_up(&n);
	assert_int_equal(e.up.member, 0);
	assert_int_equal(net_ban(n.port, e.slot), 0);
	assert_int_equal(expect_down(&n).down, NET_BANNED);
	raw_close(&r);
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 7, n.id));
	raw_expect_refused(&r, NET_BANNED);
	raw_close(&r);
	/* Its address is not banned. */
	raw_join(&r, &n, 8);
	(void)expect_up(&n);
	raw_close(&r);
	(void)expect_down(&n);
	/* Sooner or later it may come again. */
	while (!says_hello(&n, 7))
		pause_ms(50);
	assert_int_equal(expect_up(&n).up.member, 0);
	raw_close(&r);
	net_look(&v, n.net);
	assert_int_equal(v.bans, 0);
	node_end(&n);
}

static void requests_are_bounded_and_end(void **state)
{
	struct net_send s = {.type = NET_GET_STATUS};
	struct net_options o;
	struct net_event e;
	uint32_t asked = 0;
	uint8_t type = 0;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	e = expect_up(&n);
	s.to.word[0] = UINT64_C(1) << e.slot;
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(net_send(n.port, &s), 0);
	send_to(n.port, e.slot, NET_WATCHED, NULL, NULL);
	for (uint32_t len; type != NET_WATCHED; asked += type == s.type)
		assert_true(raw_next(&r, &type, page, sizeof(page), &len));
	assert_int_equal(asked, 8);
	for (uint32_t i = 0; i < 9; i++) {
		e = next_event(n.port);
		assert_int_equal(e.kind, NET_EV_UNANSWERED);
		assert_int_equal(e.unanswered, NET_GET_STATUS);
	}
	/* Nobody asked any more. */
	assert_true(raw_frame(&r, 0, NET_STATUS, 0, NULL, 0));
	await_counter(n.net, NET_C_UNSOLICITED, 1);
	/* One more, and its answer. */
	assert_int_equal(net_send(n.port, &s), 0);
	(void)raw_expect(&r, NET_GET_STATUS, page, sizeof(page));
	assert_true(raw_frame(&r, 0, NET_STATUS, 0, NULL, 0));
	do {
		e = next_event(n.port);
	} while (e.kind != NET_EV_MESSAGE);
	assert_int_equal(e.message.type, NET_STATUS);
	assert_int_equal(e.message.buffer->len, 0);
	net_release(n.port, e.message.buffer);
	raw_close(&r);
	node_end(&n);
}

static void access_is_a_policy(void **state)
{
	struct net_options o;
	struct net_event e;
	struct node n;

	(void)state;
	begin(&n, &o, 1);
	o.access = NET_ACCESS_LIST;
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	assert_true(raw_frame(&r, 0, NET_GET_STATUS, 0, NULL, 0));
	assert_int_equal(raw_expect(&r, NET_REFUSED, page, sizeof(page)), 2);
	assert_int_equal(page[0], NET_ACCESS);
	assert_int_equal(page[1], NET_GET_STATUS);
	assert_true(raw_frame(&r, 0, NET_REQUEST_ACCESS, 0, NULL, 0));
	(void)raw_expect(&r, NET_REFUSED, page, sizeof(page));
	assert_int_equal(page[1], NET_REQUEST_ACCESS);
	assert_int_equal(net_grant(n.net, r.id, true), 0);
	assert_int_equal(raw_expect(&r, NET_GRANT, page, sizeof(page)), 0);
	assert_true(raw_frame(&r, 0, NET_GET_STATUS, 0, NULL, 0));
	/* The reader does not know, and asks the consensus. */
	e = expect_message(n.reader, NET_GET_STATUS);
	assert_int_equal(net_pass(n.reader, &e), 0);
	e = expect_message(n.port, NET_GET_STATUS);
	assert_int_equal(net_reply(n.port, &e, NET_STATUS, NULL), 0);
	net_release(n.port, e.message.buffer);
	assert_int_equal(raw_expect(&r, NET_STATUS, page, sizeof(page)), 0);
	raw_close(&r);
	node_end(&n);
	/* A light node keeps no blocks. */
	o.mode = NET_LIGHT;
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	assert_true(raw_frame(&r, 0, NET_GET_STATUS, 0, NULL, 0));
	assert_int_equal(raw_expect(&r, NET_NOT_FULL, page, sizeof(page)), 1);
	assert_int_equal(page[0], NET_GET_STATUS);
	raw_close(&r);
	node_end(&n);
}

/* One node's wish for the other makes two connections; one stays. */
static void of_two_connections_one_stays(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		struct node n[2];
		struct net_view v;
		uint32_t stable = 0;
		uint32_t up[2] = {0};

		node_begin(&n[0], 1);
		node_begin(&n[1], 2);
		assert_int_equal(net_connect(n[0].net, &n[1].self, false), 0);
		assert_int_equal(net_connect(n[1].net, &n[0].self, false), 0);
		for (int i = 0; i < WAIT_TURNS && stable < 100; i++) {
			for (uint32_t k = 0; k < 2; k++) {
				struct net_event e;

				while (net_next(n[k].port, &e)) {
					stable = 0;
					up[k] += e.kind == NET_EV_UP;
					up[k] -= e.kind == NET_EV_DOWN;
					if (e.kind == NET_EV_MESSAGE)
						net_release(n[k].port,
							    e.message.buffer);
				}
			}
			stable += up[0] == 1 && up[1] == 1;
			pause_ms(1);
		}
		assert_int_equal(up[0], 1);
		assert_int_equal(up[1], 1);
		/* Published a little later. */
		do {
			pause_ms(1);
			net_look(&v, n[0].net);
		} while (v.peers != 1);
		node_end(&n[0]);
		node_end(&n[1]);
	}
}

static _Atomic uint32_t unreachable;

static void count_unreachable(void *ctx, const char *line)
{
	(void)ctx;
	/* Only how many. */
	if (strstr(line, "outbound ended: unreachable"))
		(void)atomic_fetch_add_explicit(&unreachable, 1,
						memory_order_relaxed);
}

/* Listens, and has more connections than its backlog takes: further ones get
 * no answer at all. Descriptors to close; the first one listens. */
static void listen_and_be_full(int fd[static 8], struct net_endpoint *out)
{
	struct sockaddr_storage sa;
	struct net_addr a;
	socklen_t len;

	assert_int_equal(net_addr_parse(&a, "127.0.0.1:0"), 0);
	len = net_addr_to_socket(&sa, &a);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd[0] >= 0);
	assert_int_equal(bind(fd[0], (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(fd[0], 0), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd[0], (struct sockaddr *)&sa, &len), 0);
	net_addr_from_socket(&a, &sa);
	net_addr_text(out->address, &a);
	for (uint32_t i = 1; i < 8; i++) {
		fd[i] = socket(AF_INET,
			       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(fd[i] >= 0);
		(void)connect(fd[i], (struct sockaddr *)&sa, len);
	}
}

static void a_connection_that_hangs_is_given_up(void **state)
{
	struct net_endpoint to = {.id = {1}};
	struct net_options o;
	struct node n;
	int fd[8];

	(void)state;
	begin(&n, &o, 1);
	o.timing.hello = 200;
	o.timing.retry = 10;
	o.log = count_unreachable;
	node_start(&n, &o);
	listen_and_be_full(fd, &to);
	assert_int_equal(net_connect(n.net, &to, false), 0);
	/* And tried again. */
	for (int i = 0; i < WAIT_TURNS; i++) {
		if (atomic_load_explicit(&unreachable, memory_order_relaxed) >=
		    2)
			break;
		pause_ms(1);
	}
	assert_true(atomic_load_explicit(&unreachable, memory_order_relaxed) >=
		    2);
	for (uint32_t i = 0; i < 8; i++)
		(void)close(fd[i]);
	node_end(&n);
	/* With one under way it ends as well. */
	listen_and_be_full(fd, &to);
	o.timing.hello = 600000;
	node_start(&n, &o);
	assert_int_equal(net_connect(n.net, &to, false), 0);
	pause_ms(20);
	node_end(&n);
	for (uint32_t i = 0; i < 8; i++)
		(void)close(fd[i]);
}

static void starting_and_stopping(void **state)
{
	struct net_options o;
	struct node n, other;

	(void)state;
	for (uint32_t i = 0; i < 30; i++) {
		node_begin(&n, 1);
		node_begin(&other, 2);
		if (i % 3)
			assert_int_equal(net_connect(n.net, &other.self, false),
					 0);
		if (i % 3 == 2)
			(void)expect_up(&n);
		node_end(&n);
		node_end(&other);
	}
	/* Whatever blocks the network has, memory keeps its bound. */
	for (uint32_t i = 0; i < 2; i++) {
		struct net_view v;

		node_key(&n, 1);
		o = node_options(&n);
		o.max_block_bytes =
			i ? CHAIN_BLOCK_BYTES_MAX : CHAIN_BLOCK_BYTES_MIN;
		node_start(&n, &o);
		net_look(&v, n.net);
		assert_in_range(v.memory, 1, NET_MEMORY_MAX);
		node_end(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vote_does_not_wait_behind_a_body),
		cmocka_unit_test(slow_readers_are_dropped),
		cmocka_unit_test(a_flood_is_slowed_and_others_are_served),
		cmocka_unit_test(what_is_held_is_bounded),
		cmocka_unit_test(requests_of_a_peer_are_bounded),
		cmocka_unit_test(a_flood_of_announcements_is_banned),
		cmocka_unit_test(two_hundred_connections_from_one_address),
		cmocka_unit_test(bans_by_people),
		cmocka_unit_test(a_member_is_refused_for_a_while_only),
		cmocka_unit_test(requests_are_bounded_and_end),
		cmocka_unit_test(access_is_a_policy),
		cmocka_unit_test(of_two_connections_one_stays),
		cmocka_unit_test(a_connection_that_hangs_is_given_up),
		cmocka_unit_test(starting_and_stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
