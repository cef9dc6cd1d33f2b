/* SPDX-License-Identifier: MIT */
/*
 * Frames that break the rules, over sockets and through TLS, one for each
 * connection, for the first ends it. MINERD_NET_FRAMES says how many.
 */
#include "net_raw.h"

#include "base/prng.h"

#define FRAMES_DEFAULT 1500ul
#define FRAMES_MAX 10000000ul
#define MEMBERS NET_MEMBERS_MAX
#define TRIES 20000 /* a member's id is refused for a millisecond */

static struct raw r;
static struct net_endpoint member[MEMBERS];
static struct net_tls *tls[MEMBERS];
static uint8_t page[NET_RECORD_MAX];
static struct base_prng prng;

static unsigned long frames_wanted(void)
{
	const char *text = getenv("MINERD_NET_FRAMES");
	unsigned long n = text ? strtoul(text, NULL, 10) : FRAMES_DEFAULT;

	return n < 1 || n > FRAMES_MAX ? FRAMES_DEFAULT : n;
}

/* Members are refused by their id and for a while; no address is banned. */
static void begin(struct node *n)
{
	struct net_options o;
	struct base_error err;
	uint8_t secret[32];

	for (uint32_t i = 0; i < MEMBERS; i++) {
		memset(secret, (int)i + 1, sizeof(secret));
		assert_int_equal(
			net_tls_open(&tls[i], member[i].id, secret, &err), 0);
	}
	node_key(n, 255);
	o = node_options(n);
	o.member = member;
	o.members = MEMBERS;
	o.timing.refuse = 1;
	o.timing.hello = 60000;
	node_start(n, &o);
	prng = base_prng_init(100);
}

/* False: refused for what it did before. */
static bool join(struct node *n, uint32_t who)
{
	struct net_hello h = raw_hello_of();
	uint8_t type = 0;
	uint32_t len;

	raw_open(&r, n);
	assert_true(raw_handshake_with(&r, tls[who], n->id));
	assert_true(raw_next(&r, &type, page, sizeof(page), &len));
	if (type == NET_HELLO)
		return raw_hello(&r, &h);
	assert_int_equal(type, NET_REFUSED);
	assert_int_equal(page[0], NET_BANNED);
	raw_close(&r);
	return false;
}

struct frame {
	uint32_t len;
	uint8_t type;
	uint8_t flags;
	uint16_t reserved;
};

static uint8_t any_type(void)
{
	uint32_t min;
	uint32_t max;
	uint8_t type;

	do {
		type = (uint8_t)base_prng_below(&prng, NET_TYPES);
	} while (!net_type_limits(&min, &max, type, BLOCK_BYTES));
	return type;
}

/* A header that breaks one rule. */
static struct frame bad_frame(void)
{
	struct frame f = {.type = any_type()};
	uint32_t min = 0;
	uint32_t max = 0;

	assert_true(net_type_limits(&min, &max, f.type, BLOCK_BYTES));
	f.len = min + (uint32_t)base_prng_below(&prng, max - min + 1);
	switch (base_prng_below(&prng, 6)) {
	case 0:
		f.len = max + 1 +
			(uint32_t)base_prng_below(&prng, UINT32_MAX - max);
		break;
	case 1:
		/* Empty, or a little short; where nothing is, too long. */
		f.len = min == 0 ? max + 1
				 : (uint32_t)base_prng_below(&prng, min);
		break;
	case 2:
		f.flags = (uint8_t)(2 + base_prng_below(&prng, 254));
		break;
	case 3:
		f.reserved = (uint16_t)(1 + base_prng_below(&prng, 65535));
		break;
	case 4:
		/* Goes on with what never began. */
		f.flags = NET_FLAG_MORE;
		break;
	default:
		do {
			f.type = (uint8_t)base_prng_u64(&prng);
		} while (net_type_limits(&min, &max, f.type, BLOCK_BYTES));
		break;
	}
	return f;
}

/* Behind some good ones, perhaps, in the same record. */
static void send_bad_frame(void)
{
	struct frame f = bad_frame();
	uint32_t pings = (uint32_t)base_prng_below(&prng, 4);
	uint32_t at = 0;

	memset(page, 0, 600);
	for (uint32_t i = 0; i < pings; i++) {
		net_frame_header(page + at, 8, NET_PING, 0);
		at += NET_FRAME_HEADER + 8;
	}
	net_frame_header(page + at, f.len, f.type, f.flags);
	page[at + 6] = (uint8_t)f.reserved;
	page[at + 7] = (uint8_t)(f.reserved >> 8);
	at += NET_FRAME_HEADER;
	at += f.len < 300 ? f.len : 300;
	assert_true(raw_seal(&r, page, at));
}

static void take_events(struct node *n, bool until_down)
{
	struct net_event e;

	do {
		e = next_event(n->port);
		if (e.kind == NET_EV_MESSAGE)
			net_release(n->port, e.message.buffer);
	} while (e.kind != (until_down ? NET_EV_DOWN : NET_EV_UP));
	if (until_down)
		assert_int_equal(e.down, NET_BANNED);
}

/* Each is noticed, and each leaves the node as it was. */
static void every_bad_frame_is_noticed(void **state)
{
	unsigned long count = frames_wanted();
	struct net_view v;
	struct node n;

	(void)state;
	begin(&n);
	for (unsigned long i = 0; i < count; i++) {
		int tries = 0;

		while (!join(&n, (uint32_t)(i % MEMBERS)))
			assert_true(++tries < TRIES);
		take_events(&n, false);
		send_bad_frame();
		raw_expect_closed(&r);
		raw_close(&r);
		take_events(&n, true);
	}
	await_counter(n.net, NET_C_BAD_FRAMES, count);
	net_look(&v, n.net);
	assert_int_equal(v.counter[NET_C_BAD_FRAMES], count);
	/* Nothing is left of it. */
	for (int i = 0; i < WAIT_TURNS && (v.held > 0 || v.peers > 0); i++) {
		pause_ms(1);
		net_look(&v, n.net);
	}
	assert_int_equal(v.held, 0);
	assert_int_equal(v.peers, 0);
	assert_int_equal(v.bans, 0);
	print_message("# %lu frames\n", count);
	node_end(&n);
	for (uint32_t i = 0; i < MEMBERS; i++)
		net_tls_close(tls[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_bad_frame_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
