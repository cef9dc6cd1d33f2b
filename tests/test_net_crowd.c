/* SPDX-License-Identifier: MIT */
/* As many peers at once as there may be; and IPv6. */
#include "net_raw.h"

#define OTHERS NET_INBOUND_MAX
#define MEMBERS NET_MEMBERS_MAX
#define CROWD (MEMBERS + OTHERS)
_Static_assert(CROWD <= NET_SLOTS_MAX, "all of them at once");

static struct raw raw[CROWD];
static struct net_endpoint member[MEMBERS];
static uint8_t page[NET_RECORD_MAX];

static void begin(struct node *n)
{
	struct net_options o;
	struct node m;

	for (uint32_t i = 0; i < MEMBERS; i++) {
		node_key(&m, (uint8_t)(i + 1));
		memcpy(member[i].id, m.id, sizeof(m.id));
	}
	node_key(n, 255);
	o = node_options(n);
	o.member = member;
	o.members = MEMBERS;
	node_start(n, &o);
}

/* Others come from as many networks as it takes. */
static void other_address(char out[static 32], uint32_t number)
{
	(void)snprintf(out, 32, "127.0.%u.1:0",
		       number / NET_PER_NETWORK_MAX + 1);
}

static void come_all(struct node *n)
{
	char from[32];

	/* Strangers first: they take no member's place. */
	for (uint32_t i = 0; i < OTHERS; i++) {
		other_address(from, i);
		raw_join_from(&raw[MEMBERS + i], n, (uint8_t)(MEMBERS + 1 + i),
			      0, from);
		assert_int_equal(expect_up(n).up.member, -1);
	}
	for (uint32_t i = 0; i < MEMBERS; i++) {
		raw_join(&raw[i], n, (uint8_t)(i + 1));
		assert_int_equal(expect_up(n).up.member, (int)i);
	}
}

static void look_at_the_crowd(const struct node *n)
{
	struct net_view v = {0};

	for (int i = 0; i < WAIT_TURNS && v.peers < CROWD; i++) {
		pause_ms(1);
		net_look(&v, n->net);
	}
	assert_int_equal(v.peers, CROWD);
	assert_int_equal(v.members, MEMBERS);
	assert_int_equal(v.inbound, OTHERS);
	assert_in_range(v.memory, 1, NET_MEMORY_MAX);
}

/* One message to all, and one of each. */
static void everybody_speaks(struct node *n)
{
	struct net_send s = {.type = NET_VOTE, .to = net_everyone()};
	bool heard[CROWD] = {false};
	uint8_t id[32];

	s.buffer = make_payload(n->port, DS_VOTE_SIZE, 1);
	id_of(id, NET_VOTE, s.buffer);
	s.id = id;
	assert_int_equal(net_send(n->port, &s), 0);
	net_release(n->port, s.buffer);
	for (uint32_t i = 0; i < CROWD; i++) {
		assert_int_equal(
			raw_expect(&raw[i], NET_VOTE, page, sizeof(page)),
			DS_VOTE_SIZE);
		memset(page, 0, DS_BEAT_SIZE);
		page[0] = (uint8_t)i;
		assert_true(raw_frame(&raw[i], DS_BEAT_SIZE, NET_BEAT, 0, page,
				      DS_BEAT_SIZE));
	}
	for (uint32_t i = 0; i < CROWD; i++) {
		struct net_event e = expect_message(n->port, NET_BEAT);

		assert_in_range(e.message.buffer->data[0], 0, CROWD - 1);
		assert_false(heard[e.message.buffer->data[0]]);
		heard[e.message.buffer->data[0]] = true;
		net_release(n->port, e.message.buffer);
	}
}

static void everybody_at_once(void **state)
{
	static struct raw late;
	struct net_hello h = raw_hello_of();
	struct net_event e;
	struct node n;

	(void)state;
	begin(&n);
	come_all(&n);
	look_at_the_crowd(&n);
	everybody_speaks(&n);
	/* One more has no place, wherever it is from. */
	raw_open_from(&late, &n, 0, "127.1.0.1:0");
	assert_true(raw_handshake(&late, 200, n.id));
	assert_true(raw_hello(&late, &h));
	raw_expect_refused(&late, NET_FULL);
	raw_close(&late);
	/* When one goes, it has. */
	raw_close(&raw[CROWD - 1]);
	e = expect_down(&n);
	assert_false(net_next(n.port, &e));
	raw_join_from(&raw[CROWD - 1], &n, 201, 0, "127.1.0.1:0");
	(void)expect_up(&n);
	for (uint32_t i = 0; i < CROWD; i++)
		raw_close(&raw[i]);
	node_end(&n);
}

/* ---- IPv6 ---- */

static bool has_ipv6(void)
{
	struct sockaddr_storage sa;
	struct net_addr a;
	socklen_t len;
	bool ok;
	int fd;

	assert_int_equal(net_addr_parse(&a, "[::1]:0"), 0);
	len = net_addr_to_socket(&sa, &a);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = fd >= 0 && bind(fd, (struct sockaddr *)&sa, len) == 0;
	if (fd >= 0)
		(void)close(fd);
	if (!ok)
		print_message("# this system has no IPv6\n");
	return ok;
}

static void listen_at(struct node *n, uint8_t number, const char *address)
{
	struct net_options o;

	node_key(n, number);
	o = node_options(n);
	o.listen = address;
	node_start(n, &o);
}

static void nodes_meet_over_ipv6(void **state)
{
	uint32_t from_a, from_b;
	struct net_event e;
	struct node a, b;
	struct net_view v;

	(void)state;
	if (!has_ipv6())
		skip();
	listen_at(&a, 1, "[::1]:0");
	listen_at(&b, 2, "[::1]:0");
	assert_int_equal(strncmp(b.self.address, "[::1]:", 6), 0);
	node_join(&a, &b, &from_a, &from_b);
	send_to(a.port, from_a, NET_EVID, make_payload(a.port, DS_EVID_SIZE, 3),
		NULL);
	e = expect_message(b.port, NET_EVID);
	check_payload(e.message.buffer, DS_EVID_SIZE, 3);
	net_release(b.port, e.message.buffer);
	send_to(b.port, from_b, NET_PROPOSAL,
		make_payload(b.port, BLOCK_BYTES, 4), NULL);
	e = expect_message(a.port, NET_PROPOSAL);
	check_payload(e.message.buffer, BLOCK_BYTES, 4);
	net_release(a.port, e.message.buffer);
	do {
		pause_ms(1);
		net_look(&v, b.net);
	} while (v.peers == 0);
	for (uint32_t i = 0; i < 15; i++)
		assert_int_equal(v.peer[0].address[i], 0);
	assert_int_equal(v.peer[0].address[15], 1);
	node_end(&a);
	node_end(&b);
}

/* A socket of IPv6 for every address takes IPv4, too, as the same peers. */
static void one_socket_serves_both(void **state)
{
	static const char *const how[] = {"127.0.0.1", "[::1]"};
	static const uint8_t mapped[16] = {0, 0, 0,    0,    0,	  0, 0, 0,
					   0, 0, 0xff, 0xff, 127, 0, 0, 1};
	struct net_view v;
	struct node n;
	const char *port;

	(void)state;
	if (!has_ipv6())
		skip();
	listen_at(&n, 1, "[::]:0");
	assert_int_equal(strncmp(n.self.address, "[::]:", 5), 0);
	port = strrchr(net_address(n.net), ':');
	for (uint8_t i = 0; i < BASE_COUNT(how); i++) {
		(void)snprintf(n.self.address, sizeof(n.self.address), "%s%s",
			       how[i], port);
		raw_join(&raw[i], &n, (uint8_t)(i + 2));
		(void)expect_up(&n);
	}
	do {
		pause_ms(1);
		net_look(&v, n.net);
	} while (v.peers < 2);
	assert_true(memcmp(v.peer[0].address, mapped, 16) == 0 ||
		    memcmp(v.peer[1].address, mapped, 16) == 0);
	for (uint32_t i = 0; i < BASE_COUNT(how); i++)
		raw_close(&raw[i]);
	node_end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_at_once),
		cmocka_unit_test(nodes_meet_over_ipv6),
		cmocka_unit_test(one_socket_serves_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
