/* SPDX-License-Identifier: MIT */
/* The pieces of the net thread, each by itself. */
#include "test.h"

#include <errno.h>
#include <time.h>

#include "base/prng.h"
#include "net/addr.h"
#include "net/ban.h"
#include "net/board.h"
#include "net/buffer.h"
#include "net/idmap.h"
#include "net/queue.h"
#include "net/quota.h"
#include "net/resolve.h"
#include "net/seen.h"

static void quotas_fill_and_empty(void **state)
{
	struct net_quota q;

	(void)state;
	net_quota_init(&q, 50 * 1000, 500, 1000);
	for (uint32_t i = 0; i < 500; i++)
		assert_true(net_quota_take(&q, 1, 1000));
	assert_false(net_quota_take(&q, 1, 1000));
	assert_false(net_quota_take(&q, 1, 1019));
	assert_true(net_quota_take(&q, 1, 1020));
	/* What has arrived is owed. */
	net_quota_charge(&q, 100, 1020);
	assert_false(net_quota_ok(&q, 3019));
	assert_true(net_quota_ok(&q, 3020));
	/* Never more than the burst, however long nothing happens. */
	net_quota_refill(&q, UINT64_C(1) << 50);
	assert_int_equal(q.tokens, 500 * 1000);
	/* One in ten seconds. */
	net_quota_init(&q, 100, 1, 0);
	assert_true(net_quota_take(&q, 1, 0));
	/* Who asks all the time gets no less. */
	for (uint64_t now = 1; now < 10000; now++)
		assert_false(net_quota_take(&q, 1, now));
	assert_true(net_quota_take(&q, 1, 10000));
}

static struct net_key key_of(uint64_t number)
{
	struct net_keyer keyer = {{{{1, 2}}, {{3, 4}}}};
	uint8_t id[32] = {0};

	memcpy(id, &number, sizeof(number));
	return net_key_of(&keyer, id);
}

static void the_seen_cache_forgets_in_two_steps(void **state)
{
	struct net_seen s;
	struct net_key key;

	(void)state;
	assert_int_equal(net_seen_open(&s, 64, 0), 0);
	for (uint64_t i = 0; i < 32; i++) {
		key = key_of(i);
		assert_null(net_seen_find(&s, &key));
		net_set_add(&net_seen_add(&s, &key, 0)->has, (uint32_t)i);
	}
	/* Half full: a new generation; the old one is still known. */
	key = key_of(32);
	(void)net_seen_add(&s, &key, 0);
	for (uint64_t i = 0; i < 33; i++) {
		key = key_of(i);
		assert_non_null(net_seen_find(&s, &key));
	}
	key = key_of(5);
	assert_true(net_set_has(&net_seen_find(&s, &key)->has, 5));
	net_seen_forget(&s, 5);
	assert_false(net_set_has(&net_seen_find(&s, &key)->has, 5));
	/* By age, too: and then the first is gone. */
	key = key_of(33);
	(void)net_seen_add(&s, &key, NET_SEEN_MS);
	key = key_of(0);
	assert_null(net_seen_find(&s, &key));
	key = key_of(32);
	assert_non_null(net_seen_find(&s, &key));
	net_seen_close(&s);
}

static void maps_find_what_was_added(void **state)
{
	struct net_idmap m;
	uint32_t index[64];
	struct net_key key;

	(void)state;
	assert_int_equal(net_idmap_open(&m, 64), 0);
	for (uint32_t i = 0; i < 64; i++) {
		key = key_of(i);
		index[i] = net_idmap_add(&m, &key);
		assert_true(index[i] < 64);
	}
	key = key_of(64);
	assert_int_equal(net_idmap_add(&m, &key), NET_IDMAP_NONE);
	for (uint32_t i = 0; i < 64; i += 2)
		net_idmap_remove(&m, index[i]);
	assert_int_equal(m.used, 32);
	for (uint32_t i = 0; i < 64; i++) {
		key = key_of(i);
		assert_int_equal(net_idmap_find(&m, &key),
				 i % 2 ? index[i] : NET_IDMAP_NONE);
	}
	net_idmap_close(&m);
}

static void addresses_are_read_and_written(void **state)
{
	static const char *const good[] = {"1.2.3.4:5", "[::1]:65535",
					   "[2001:db8::7]:1", "0.0.0.0:0"};
	static const char *const bad[] = {"",
					  ":1",
					  "1.2.3.4",
					  "1.2.3.4:",
					  "1.2.3.4:65536",
					  "::1:80",
					  "[::1]",
					  "[::1:80",
					  "1.2.3:4",
					  "host:1",
					  "1.2.3.4:x",
					  "1.2.3.4:5x",
					  "[]:1"};
	char text[NET_ADDR_TEXT_MAX];
	char host[NET_ENDPOINT_MAX];
	struct sockaddr_storage sa;
	struct net_addr a, b;
	uint16_t port;

	(void)state;
	for (uint32_t i = 0; i < BASE_COUNT(good); i++) {
		assert_int_equal(net_addr_parse(&a, good[i]), 0);
		net_addr_text(text, &a);
		assert_string_equal(text, good[i]);
		(void)net_addr_to_socket(&sa, &a);
		net_addr_from_socket(&b, &sa);
		assert_memory_equal(a.ip, b.ip, sizeof(a.ip));
		assert_int_equal(a.port, b.port);
	}
	for (uint32_t i = 0; i < BASE_COUNT(bad); i++)
		assert_int_equal(net_addr_parse(&a, bad[i]), -EINVAL);
	assert_int_equal(net_addr_split(host, &port, "node-1.example:9444"), 0);
	assert_string_equal(host, "node-1.example");
	assert_int_equal(port, 9444);
	/* /24 and /48. */
	assert_int_equal(net_addr_parse(&a, "10.1.2.3:1"), 0);
	assert_int_equal(net_addr_parse(&b, "10.1.2.200:2"), 0);
	assert_true(net_addr_same_network(&a, &b));
	assert_false(net_addr_same_host(&a, &b));
	assert_int_equal(net_addr_parse(&b, "10.1.3.3:1"), 0);
	assert_false(net_addr_same_network(&a, &b));
	assert_int_equal(net_addr_parse(&a, "[2001:db8:1:2::1]:1"), 0);
	assert_int_equal(net_addr_parse(&b, "[2001:db8:1:3::1]:1"), 0);
	assert_true(net_addr_same_network(&a, &b));
	assert_int_equal(net_addr_parse(&b, "[2001:db8:2:2::1]:1"), 0);
	assert_false(net_addr_same_network(&a, &b));
}

static void bans_run_out_and_are_bounded(void **state)
{
	static struct net_ban_table t;
	struct net_ban ban = {.until_s = 1000};
	struct net_addr a;

	(void)state;
	assert_int_equal(net_addr_parse(&a, "10.0.0.1:1"), 0);
	memcpy(ban.address, a.ip, sizeof(ban.address));
	ban.id[0] = 1;
	net_ban_add(&t, &ban, 0);
	assert_true(net_ban_has_address(&t, &a, 999));
	assert_true(net_ban_has_id(&t, ban.id, 999));
	assert_false(net_ban_has_address(&t, &a, 1000));
	/* The same again is prolonged. */
	ban.until_s = 2000;
	net_ban_add(&t, &ban, 0);
	assert_int_equal(t.count, 1);
	assert_true(net_ban_has_id(&t, ban.id, 1999));
	/* A ban by key says nothing of an address that is not named. */
	memset(ban.address, 0, sizeof(ban.address));
	assert_true(net_ban_lift(&t, &ban));
	assert_int_equal(t.count, 0);
	assert_false(net_ban_lift(&t, &ban));
	for (uint32_t i = 0; i < NET_BANS_MAX + 10; i++) {
		memcpy(ban.id, &i, sizeof(i));
		ban.id[31] = 1;
		ban.until_s = 5000 + i;
		net_ban_add(&t, &ban, 0);
	}
	/* Those that run out first gave way. */
	assert_int_equal(t.count, NET_BANS_MAX);
	assert_true(net_ban_has_id(&t, ban.id, 1));
	memset(ban.id, 0, sizeof(ban.id));
	ban.id[31] = 1;
	assert_false(net_ban_has_id(&t, ban.id, 1));
	/* What has run out makes room. */
	ban.until_s = UINT64_MAX;
	net_ban_add(&t, &ban, 1000000);
	assert_int_equal(t.count, 1);
}

static void pools_give_the_size_that_fits(void **state)
{
	static const uint32_t count[NET_SIZES] = {2, 2, 2, 4};
	struct net_buffer *b[8];
	struct net_pool p;

	(void)state;
	assert_int_equal(net_pool_open(&p, 2, count, 1u << 20), 0);
	b[0] = net_pool_get(&p, 0, 0);
	b[1] = net_pool_get(&p, NET_SMALL_BYTES, 0);
	/* The next size, but not the one after it. */
	b[2] = net_pool_get(&p, 1, 0);
	b[3] = net_pool_get(&p, 1, 0);
	assert_non_null(b[3]);
	assert_int_equal(b[3]->size, NET_MEDIUM);
	assert_null(net_pool_get(&p, 1, 0));
	b[4] = net_pool_get(&p, NET_LARGE_BYTES, 0);
	assert_int_equal(b[4]->size, NET_LARGE);
	/* Some bodies are kept for others. */
	b[5] = net_pool_get(&p, 1u << 20, 2);
	b[6] = net_pool_get(&p, 1u << 20, 2);
	assert_non_null(b[6]);
	assert_null(net_pool_get(&p, 1u << 20, 2));
	b[7] = net_pool_get(&p, (1u << 20) + NET_FRAME_EXTRA, 0);
	assert_non_null(b[7]);
	assert_null(net_pool_get(&p, (2u << 20), 0));
	memset(b[7]->data, 1, b[7]->cap);
	assert_true(p.used > 0);
	for (uint32_t i = 0; i < BASE_COUNT(b); i++)
		net_pool_put(&p, b[i]);
	assert_int_equal(p.used, 0);
	net_pool_close(&p);
}

static void let_go(void *ctx, struct net_buffer *b)
{
	(void)b;
	++*(uint32_t *)ctx;
}

static uint8_t type_at(const uint8_t *frame)
{
	return frame[4];
}

static void queues_put_the_urgent_first(void **state)
{
	static uint8_t record[NET_RECORD_MAX];
	static uint8_t bytes[40000];
	struct net_buffer body = {.data = bytes, .len = sizeof(bytes)};
	struct net_buffer vote = {.data = bytes, .len = DS_VOTE_SIZE};
	struct net_nodes nodes;
	struct net_queue q;
	uint64_t frames = 0;
	uint32_t gone = 0;

	(void)state;
	assert_int_equal(net_nodes_open(&nodes), 0);
	net_queue_init(&q);
	assert_true(net_queue_push(&q, &nodes, NET_BLOCK, &body));
	assert_true(net_queue_push(&q, &nodes, NET_GRANT, NULL));
	/* Nothing else waits: the first part of the body. */
	assert_int_equal(
		net_queue_record(&q, &nodes, record, let_go, &gone, &frames),
		NET_RECORD_MAX);
	assert_int_equal(type_at(record), NET_BLOCK);
	assert_true(net_queue_push(&q, &nodes, NET_PROPOSAL, &body));
	assert_true(net_queue_push(&q, &nodes, NET_VOTE, &vote));
	assert_true(net_queue_push(&q, &nodes, NET_VOTE, &vote));
	/* Both votes in one record; what is next does not fit. */
	assert_int_equal(
		net_queue_record(&q, &nodes, record, let_go, &gone, &frames),
		2 * (NET_FRAME_HEADER + DS_VOTE_SIZE));
	assert_int_equal(type_at(record), NET_VOTE);
	assert_int_equal(gone, 2);
	for (uint32_t i = 0; i < 3; i++) {
		(void)net_queue_record(&q, &nodes, record, let_go, &gone,
				       &frames);
		assert_int_equal(type_at(record), NET_PROPOSAL);
	}
	assert_int_equal(gone, 3);
	/* With room after its last part for the rest: but no part is cut
	 * smaller for it. */
	(void)net_queue_record(&q, &nodes, record, let_go, &gone, &frames);
	assert_int_equal(type_at(record), NET_BLOCK);
	(void)net_queue_record(&q, &nodes, record, let_go, &gone, &frames);
	assert_true(net_queue_empty(&q));
	assert_int_equal(q.bytes, 0);
	assert_int_equal(frames, 5);
	assert_int_equal(
		net_queue_record(&q, &nodes, record, let_go, &gone, &frames),
		0);
	/* Nodes are bounded. */
	for (uint32_t i = 0; i < NET_NODES_MAX; i++)
		assert_true(net_queue_push(&q, &nodes, NET_GRANT, NULL));
	assert_false(net_queue_push(&q, &nodes, NET_GRANT, NULL));
	net_queue_clear(&q, &nodes, let_go, &gone);
	assert_int_equal(nodes.free_count, NET_NODES_MAX);
	net_nodes_close(&nodes);
}

static void types_have_names_and_limits(void **state)
{
	uint32_t min;
	uint32_t max;

	(void)state;
	for (uint32_t i = 0; i < 256; i++) {
		bool known = net_type_limits(&min, &max, (uint8_t)i, 4096);

		assert_int_equal(known,
				 strcmp(net_type_name((uint8_t)i), "?") != 0);
		if (known) {
			assert_true(min <= max);
			assert_true(max <= 4096 + NET_FRAME_EXTRA ||
				    i == NET_TX || i == NET_HEADERS);
		}
	}
	for (uint32_t i = 0; i < NET_REASONS; i++)
		assert_non_null(net_reason_name((enum net_reason)i));
	for (uint32_t i = 0; i < NET_COUNTERS; i++)
		assert_non_null(net_counter_name((enum net_counter)i));
	assert_int_equal(net_type_answer(NET_GET_BLOCK), NET_BLOCK);
	assert_int_equal(net_type_answer(NET_VOTE), 0);
	assert_true(net_type_urgent(NET_BEAT));
	assert_false(net_type_urgent(NET_BLOCK));
}

static void boards_carry_any_length(void **state)
{
	uint64_t from[16];
	uint64_t to[16] = {0};
	struct net_board b;

	(void)state;
	memset(from, 5, sizeof(from));
	assert_int_equal(net_board_open(&b, sizeof(from)), 0);
	assert_int_equal(net_board_read(to, &b), 0);
	for (size_t len = 1; len <= sizeof(from); len += 9) {
		net_board_publish(&b, from, len);
		assert_int_equal(net_board_read(to, &b), len);
		assert_memory_equal(from, to, len);
	}
	net_board_close(&b);
}

static void rung(void *ctx)
{
	atomic_store_explicit((_Atomic int *)ctx, 1, memory_order_release);
}

static void names_are_looked_up(void **state)
{
	struct timespec t = {.tv_nsec = 1000000};
	struct net_resolver *r;
	_Atomic int bell = 0;
	struct net_addr addr;
	uint32_t tag = 0;
	bool found = false;
	bool any = false;

	(void)state;
	assert_int_equal(net_resolver_open(&r, rung, (void *)&bell), 0);
	assert_false(net_resolved(r, &tag, &found, &addr));
	/* Every system knows this one, without asking anybody. */
	assert_true(net_resolve(r, 7, "localhost:1234"));
	for (int i = 0; i < 20000 && !any; i++) {
		any = net_resolved(r, &tag, &found, &addr);
		(void)nanosleep(&t, NULL);
	}
	assert_true(any);
	assert_int_equal(tag, 7);
	assert_true(found);
	assert_int_equal(addr.port, 1234);
	assert_true(net_resolve(r, 8, "[x:1"));
	any = false;
	for (int i = 0; i < 20000 && !any; i++) {
		any = net_resolved(r, &tag, &found, &addr);
		(void)nanosleep(&t, NULL);
	}
	assert_true(any);
	assert_false(found);
	net_resolver_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotas_fill_and_empty),
		cmocka_unit_test(the_seen_cache_forgets_in_two_steps),
		cmocka_unit_test(maps_find_what_was_added),
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(bans_run_out_and_are_bounded),
		cmocka_unit_test(pools_give_the_size_that_fits),
		cmocka_unit_test(queues_put_the_urgent_first),
		cmocka_unit_test(types_have_names_and_limits),
		cmocka_unit_test(boards_carry_any_length),
		cmocka_unit_test(names_are_looked_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
