/* SPDX-License-Identifier: MIT */
/* TLS sessions by themselves: what they take and write is bounded. */
#include "test.h"

#include <errno.h>

#include "net/tls.h"

#define WIRE_BYTES (64u << 10)

/* Two sessions, and what is on its way from each to the other. */
struct end {
	struct net_tls *tls;
	void *session;
	uint8_t id[NET_ID_SIZE];
	uint8_t wire[WIRE_BYTES];
	size_t len;
};

static struct end client;
static struct end server;

static void end_open(struct end *e, uint8_t number)
{
	uint8_t secret[32];
	struct base_error err;

	memset(e, 0, sizeof(*e));
	memset(secret, number, sizeof(secret));
	assert_int_equal(net_tls_open(&e->tls, e->id, secret, &err), 0);
}

static void begin(void)
{
	end_open(&client, 1);
	end_open(&server, 2);
	client.session = net_tls_ops.open(client.tls, server.id);
	server.session = net_tls_ops.open(server.tls, NULL);
	assert_non_null(client.session);
	assert_non_null(server.session);
}

static void end_close(struct end *e)
{
	net_tls_ops.close(e->session);
	net_tls_close(e->tls);
}

static void finish(void)
{
	end_close(&client);
	end_close(&server);
}

static int shake(struct end *e, struct end *from, size_t room)
{
	struct net_wire w = {.in = from->wire,
			     .in_len = from->len,
			     .out = e->wire,
			     .out_cap = room};
	int rc = net_tls_ops.handshake(e->session, &w);

	assert_true(w.out_len <= room);
	memmove(from->wire, w.in, w.in_len);
	from->len = w.in_len;
	e->len = w.out_len;
	return rc;
}

static void meet(void)
{
	assert_int_equal(shake(&client, &server, WIRE_BYTES), 0);
	assert_int_equal(shake(&server, &client, WIRE_BYTES), 0);
	assert_int_equal(shake(&client, &server, WIRE_BYTES), 1);
	assert_int_equal(shake(&server, &client, WIRE_BYTES), 1);
	assert_memory_equal(net_tls_ops.peer(server.session), client.id,
			    NET_ID_SIZE);
	client.len = 0;
	server.len = 0;
}

/* How many bytes the server's answer to a hello has. */
static size_t flight_bytes(void)
{
	size_t len;

	begin();
	assert_int_equal(shake(&client, &server, WIRE_BYTES), 0);
	assert_int_equal(shake(&server, &client, WIRE_BYTES), 0);
	len = server.len;
	finish();
	return len;
}

static void what_is_written_stays_within_its_room(void **state)
{
	size_t full = flight_bytes();

	(void)state;
	for (size_t room = 0; room < full; room += 1 + room / 8) {
		begin();
		assert_int_equal(shake(&client, &server, WIRE_BYTES), 0);
		memset(server.wire, 0xa5, sizeof(server.wire));
		assert_int_equal(shake(&server, &client, room), -EPROTO);
		for (size_t i = room; i < sizeof(server.wire); i++)
			assert_int_equal(server.wire[i], 0xa5);
		finish();
	}
	/* As much as it needs is enough. */
	begin();
	assert_int_equal(shake(&client, &server, WIRE_BYTES), 0);
	assert_int_equal(shake(&server, &client, full), 0);
	finish();
}

/* A ClientHello of @len bytes in records of @part, as far as it is read. */
static size_t long_hello(uint32_t len, uint32_t part)
{
	uint8_t record[5 + 16384] = {22, 3, 1, (uint8_t)(part >> 8),
				     (uint8_t)part};
	size_t taken = 0;
	int rc = 0;

	begin();
	record[5] = 1;
	record[6] = (uint8_t)(len >> 16);
	record[7] = (uint8_t)(len >> 8);
	record[8] = (uint8_t)len;
	for (uint32_t i = 0; i < 20 && rc == 0; i++) {
		struct net_wire w = {.in = record,
				     .in_len = 5 + part,
				     .out = server.wire,
				     .out_cap = sizeof(server.wire)};

		rc = net_tls_ops.handshake(server.session, &w);
		taken += 5 + part - w.in_len;
		memset(record + 5, 0, 4);
	}
	assert_int_equal(rc, -EPROTO);
	finish();
	return taken;
}

static void handshakes_are_bounded(void **state)
{
	(void)state;
	/* It would go on for eight records. */
	assert_in_range(long_hello(131000, 16384), NET_TLS_QUIET_MAX - 16384,
			NET_TLS_QUIET_MAX + 16384);
	/* What OpenSSL does not read on its own account. */
	assert_in_range(long_hello(1 << 23, 16384), 5, 5 + 16384);
}

/* Only silence counts, not what a session takes in its life. */
static void plaintext_sets_the_count_back(void **state)
{
	static uint8_t data[NET_RECORD_MAX];
	static uint8_t out[NET_RECORD_MAX];

	(void)state;
	begin();
	meet();
	/* Twenty times as much as the bound, a few bytes at a time. */
	for (uint32_t i = 0; i < 40; i++) {
		struct net_wire w = {.out = client.wire,
				     .out_cap = sizeof(client.wire)};
		struct net_wire in = {.in = client.wire,
				      .out = server.wire,
				      .out_cap = sizeof(server.wire)};
		int rc = 0;

		assert_int_equal(net_tls_ops.write(client.session, &w, data,
						   sizeof(data)),
				 0);
		for (size_t at = 0; at < w.out_len; at += 1000) {
			in.in_len =
				w.out_len - at < 1000 ? w.out_len - at : 1000;
			in.in = client.wire + at;
			assert_int_equal(rc, 0);
			rc = net_tls_ops.read(server.session, &in, out,
					      sizeof(out));
			assert_int_equal(in.in_len, 0);
		}
		assert_int_equal(rc, NET_RECORD_MAX);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_stays_within_its_room),
		cmocka_unit_test(handshakes_are_bounded),
		cmocka_unit_test(plaintext_sets_the_count_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
