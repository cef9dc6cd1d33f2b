/* SPDX-License-Identifier: MIT */
/* The table of addresses, and those who would like to own it. */
#include "net_raw.h"

#include "base/prng.h"
#include "net/known.h"

#define BUCKETS NET_KNOWN_BUCKETS
#define REACH (NET_KNOWN_PER_SOURCE * NET_KNOWN_PLACES)
#define TOLD (NET_KNOWN_TOLD * NET_KNOWN_PLACES)
#define NOW 1000000u

static struct net_known_table t;
static struct raw r;
static uint8_t page[NET_RECORD_MAX];

static void empty(void)
{
	const struct chain_siphash_key key = {{0x1234, 0x5678}};

	net_known_init(&t, &key);
}

static const uint8_t *id_of_number(uint32_t number)
{
	static uint8_t id[NET_ID_SIZE];

	memcpy(id, &number, sizeof(number));
	return id;
}

/* An IPv4 address: a /16 and one of its hosts. */
static struct net_addr ipv4(uint32_t group, uint32_t host)
{
	struct net_addr a = {.ip = {[10] = 0xff, [11] = 0xff}, .port = 9444};

	a.ip[12] = (uint8_t)(group >> 8);
	a.ip[13] = (uint8_t)group;
	a.ip[14] = (uint8_t)(host >> 8);
	a.ip[15] = (uint8_t)host;
	return a;
}

static void told(uint32_t number, const struct net_addr *a, uint32_t seen_s,
		 uint32_t source)
{
	struct net_addr from = ipv4(source, 1);
	struct net_group g = net_addr_group(&from);

	net_known_add(&t, a, id_of_number(number), seen_s, &g);
}

static void proved(uint32_t number, const struct net_addr *a, uint32_t seen_s)
{
	net_known_add(&t, a, id_of_number(number), seen_s, NULL);
}

/* Whatever was done, this holds. */
static void check_bounds(void)
{
	uint32_t count = 0;

	for (uint32_t b = 0; b < BUCKETS; b++) {
		const struct net_known *k = &t.entry[b * NET_KNOWN_PLACES];

		for (uint32_t i = 0; i < NET_KNOWN_PLACES; i++) {
			struct net_group g = net_addr_group(&k[i].addr);
			uint32_t kin = 0;

			if (k[i].addr.port == 0)
				continue;
			count++;
			assert_int_equal(k[i].proved, b >= NET_KNOWN_TOLD);
			assert_ptr_equal(net_known_find(&t, k[i].id), &k[i]);
			for (uint32_t o = 0; o < NET_KNOWN_PLACES; o++) {
				struct net_group h = net_addr_group(&k[o].addr);

				kin += k[o].addr.port &&
				       memcmp(&g, &h, sizeof(g)) == 0;
			}
			assert_in_range(kin, 1, NET_KNOWN_PER_GROUP);
		}
	}
	assert_int_equal(t.count, count);
}

static void groups_are_of_16_and_32_bits(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} pairs[] = {
		{"10.1.2.3:1", "10.1.200.4:2", true},
		{"10.1.2.3:1", "10.2.2.3:1", false},
		{"10.1.2.3:1", "11.1.2.3:1", false},
		{"[2001:db8:1::1]:1", "[2001:db8:2::1]:1", true},
		{"[2001:db8:1::1]:1", "[2001:db9:1::1]:1", false},
		{"0.0.0.1:1", "[::1]:1", false},
	};

	(void)state;
	for (uint32_t i = 0; i < BASE_COUNT(pairs); i++) {
		struct net_addr a, b;
		struct net_group g, h;

		assert_int_equal(net_addr_parse(&a, pairs[i].a), 0);
		assert_int_equal(net_addr_parse(&b, pairs[i].b), 0);
		g = net_addr_group(&a);
		h = net_addr_group(&b);
		assert_int_equal(memcmp(&g, &h, sizeof(g)) == 0, pairs[i].same);
	}
}

static void one_source_reaches_little(void **state)
{
	uint32_t left = 0;
	struct net_addr a;

	(void)state;
	empty();
	for (uint32_t i = 0; i < 500; i++) {
		a = ipv4(1000 + i, i);
		told(i, &a, NOW, 5000 + i % 100);
	}
	assert_in_range(t.count, 450, 500);
	/* Every group there is, seen a moment ago. */
	for (uint32_t i = 0; i < 60000; i++) {
		a = ipv4(i, i);
		told(1000 + i, &a, NOW + 1, 7);
	}
	check_bounds();
	for (uint32_t i = 0; i < 500; i++)
		left += net_known_find(&t, id_of_number(i)) != NULL;
	assert_in_range(left, 500 - REACH, 500);
	assert_true(t.count - left <= REACH);
	assert_true(t.count - left > REACH / 2);
}

static void one_group_reaches_little(void **state)
{
	struct net_addr a;

	(void)state;
	empty();
	for (uint32_t i = 0; i < 65536; i++) {
		a = ipv4(77, i);
		told(i, &a, NOW, i);
	}
	check_bounds();
	assert_int_equal(t.count, NET_KNOWN_TOLD * NET_KNOWN_PER_GROUP);
	/* One source alone: one bucket of its four. */
	empty();
	for (uint32_t i = 0; i < 65536; i++) {
		a = ipv4(77, i);
		told(i, &a, NOW, 3);
	}
	assert_int_equal(t.count, NET_KNOWN_PER_GROUP);
	/* Connections prove no more than one bucket, either. */
	for (uint32_t i = 0; i < 1000; i++) {
		a = ipv4(77, i);
		proved(70000 + i, &a, NOW);
	}
	assert_int_equal(t.count, 2 * NET_KNOWN_PER_GROUP);
	check_bounds();
}

static void what_is_proved_stays(void **state)
{
	struct base_prng prng = base_prng_init(1);
	uint32_t picked = 0;
	struct net_addr a = ipv4(1, 1);

	(void)state;
	empty();
	assert_null(net_known_pick(&t, &prng));
	proved(1, &a, 5);
	assert_non_null(net_known_pick(&t, &prng));
	/* All sources together. */
	for (uint32_t i = 0; i < 100000; i++) {
		a = ipv4(i * 7, i);
		told(10 + i, &a, NOW, i);
	}
	check_bounds();
	assert_int_equal(t.count, TOLD + 1);
	assert_true(net_known_find(&t, id_of_number(1))->proved);
	for (uint32_t i = 0; i < 1000; i++)
		picked += net_known_pick(&t, &prng)->proved;
	assert_in_range(picked, 400, 600);
	/* Nor does a stranger's word move it. */
	a = ipv4(9, 9);
	told(1, &a, NOW + 5, 9);
	assert_int_equal(net_known_find(&t, id_of_number(1))->addr.ip[12], 0);
	assert_int_equal(net_known_find(&t, id_of_number(1))->addr.ip[13], 1);
	/* Unless it is not there any more. */
	net_known_find(&t, id_of_number(1))->failures = 1;
	told(1, &a, NOW + 5, 9);
	assert_int_equal(net_known_find(&t, id_of_number(1))->addr.ip[13], 9);
	assert_false(net_known_find(&t, id_of_number(1))->proved);
	/* And a connection does. */
	a = ipv4(11, 9);
	proved(1, &a, NOW);
	assert_int_equal(net_known_find(&t, id_of_number(1))->addr.ip[13], 11);
	check_bounds();
}

static void who_said_it_may_change_it(void **state)
{
	struct net_addr a = ipv4(1, 1);
	struct net_known *k;

	(void)state;
	empty();
	told(1, &a, NOW, 3);
	/* Older news, and others' of another address: nothing. */
	a.port = 2;
	told(1, &a, NOW - 1, 3);
	told(1, &a, NOW + 1, 4);
	k = net_known_find(&t, id_of_number(1));
	assert_int_equal(k->addr.port, 9444);
	assert_int_equal(k->seen_s, NOW);
	/* Others' of the same: it was seen. */
	a.port = 9444;
	told(1, &a, NOW + 1, 4);
	assert_int_equal(k->seen_s, NOW + 1);
	a = ipv4(2, 1);
	told(1, &a, NOW + 2, 3);
	k = net_known_find(&t, id_of_number(1));
	assert_int_equal(k->addr.ip[13], 2);
	assert_int_equal(t.count, 1);
	/* A port of 0 is no address. */
	a.port = 0;
	told(2, &a, NOW, 3);
	assert_int_equal(t.count, 1);
	net_known_remove(&t, k);
	assert_null(net_known_find(&t, id_of_number(1)));
	check_bounds();
}

static void the_oldest_gives_way(void **state)
{
	struct net_addr a;

	(void)state;
	empty();
	for (uint32_t i = 0; i < NET_KNOWN_PER_GROUP; i++) {
		a = ipv4(1, i);
		told(i, &a, NOW + i, 3);
	}
	/* Older than all that is there. */
	a = ipv4(1, 100);
	told(100, &a, NOW - 1, 3);
	assert_null(net_known_find(&t, id_of_number(100)));
	told(101, &a, NOW + 50, 3);
	assert_non_null(net_known_find(&t, id_of_number(101)));
	assert_null(net_known_find(&t, id_of_number(0)));
	/* Before it, one that could not be reached, and for an older one. */
	net_known_find(&t, id_of_number(5))->failures = 1;
	told(102, &a, NOW - 1, 3);
	assert_non_null(net_known_find(&t, id_of_number(102)));
	assert_null(net_known_find(&t, id_of_number(5)));
	check_bounds();
}

static void anything_keeps_the_bounds(void **state)
{
	struct base_prng prng = base_prng_init(9);

	(void)state;
	empty();
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t number = (uint32_t)base_prng_below(&prng, 3000);
		struct net_known *k = net_known_find(&t, id_of_number(number));
		struct net_addr a = ipv4((uint32_t)base_prng_below(&prng, 20),
					 (uint32_t)base_prng_below(&prng, 300));
		uint32_t seen_s = (uint32_t)base_prng_below(&prng, 1000);

		switch (base_prng_below(&prng, 8)) {
		case 0:
			if (k)
				net_known_remove(&t, k);
			break;
		case 1:
			if (k)
				k->failures++;
			break;
		case 2:
			proved(number, &a, seen_s);
			break;
		default:
			told(number, &a, seen_s,
			     (uint32_t)base_prng_below(&prng, 30));
			break;
		}
		if (i % 500 == 0)
			check_bounds();
	}
	check_bounds();
}

static uint32_t put_address(uint8_t *out, uint32_t number)
{
	struct base_writer w = base_writer_init(out, NET_ADDR_SIZE);
	struct net_addr a = ipv4(number, 1);

	base_write_bytes(&w, a.ip, sizeof(a.ip));
	base_write_le16(&w, a.port);
	base_write_le16(&w, 0);
	base_write_le32(&w, NOW + number);
	base_write_bytes(&w, id_of_number(number), NET_ID_SIZE);
	return NET_ADDR_SIZE;
}

/* In the same places, so that as many are there again. */
static void the_table_outlives_the_process(void **state)
{
	static uint8_t saved[2][NET_SAVED_MAX];
	uint32_t len = 0;
	struct net_options o;
	struct net_view v = {0};
	struct node n;
	size_t bytes;

	(void)state;
	node_key(&n, 1);
	o = node_options(&n);
	node_start(&n, &o);
	raw_join(&r, &n, 2);
	(void)expect_up(&n);
	for (uint32_t i = 0; i < NET_ADDR_MAX; i++)
		len += put_address(page + len, 1 + i);
	assert_true(raw_frame(&r, len, NET_ADDR, 0, page, len));
	for (int i = 0; i < WAIT_TURNS && v.addresses == 0; i++) {
		pause_ms(1);
		net_look(&v, n.net);
	}
	assert_in_range(v.addresses, NET_ADDR_MAX / 2, NET_ADDR_MAX);
	/* Bans are what makes it be saved at once. */
	assert_int_equal(net_ban(n.port, 0), 0);
	await_bans(&n, 1);
	raw_close(&r);
	bytes = net_save(saved[0], n.net);
	for (int i = 0; i < WAIT_TURNS && bytes < len; i++) {
		pause_ms(1);
		bytes = net_save(saved[0], n.net);
	}
	node_end(&n);
	o.saved = saved[0];
	o.saved_len = bytes;
	node_start(&n, &o);
	assert_int_equal(net_save(saved[1], n.net), bytes);
	assert_memory_equal(saved[0], saved[1], bytes);
	node_end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_are_of_16_and_32_bits),
		cmocka_unit_test(one_source_reaches_little),
		cmocka_unit_test(one_group_reaches_little),
		cmocka_unit_test(what_is_proved_stays),
		cmocka_unit_test(who_said_it_may_change_it),
		cmocka_unit_test(the_oldest_gives_way),
		cmocka_unit_test(anything_keeps_the_bounds),
		cmocka_unit_test(the_table_outlives_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
