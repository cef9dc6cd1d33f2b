/* SPDX-License-Identifier: MIT */
/* TLS sessions by themselves: what they take and write is bounded. */
#include "test.h"

#include <errno.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

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

/* ---- a server of plain OpenSSL's, which gives tickets without end ---- */

static int agree(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		 const unsigned char *in, unsigned int in_len, void *arg)
{
	(void)ssl;
	(void)in_len;
	(void)arg;
	*out_len = in[0];
	*out = in + 1;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_server(uint8_t id[static NET_ID_SIZE])
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	size_t len = NET_ID_SIZE;
	X509 *x = X509_new();

	assert_non_null(key);
	assert_non_null(ctx);
	assert_non_null(x);
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, id, &len), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_true(X509_set_pubkey(x, key));
	assert_true(X509_sign(x, key, NULL));
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	SSL_CTX_set_alpn_select_cb(ctx, agree, NULL);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

/* What the server wrote goes to our client; its answer back. */
static int exchange(SSL *ssl, bool *done, size_t *taken)
{
	static uint8_t page[WIRE_BYTES];
	struct net_wire w = {
		.in = page, .out = client.wire, .out_cap = WIRE_BYTES};
	int len = BIO_read(SSL_get_wbio(ssl), page, sizeof(page));
	int rc;

	w.in_len = len > 0 ? (size_t)len : 0;
	*taken += w.in_len;
	if (*done) {
		rc = net_tls_ops.read(client.session, &w, server.wire,
				      NET_RECORD_MAX);
	} else {
		rc = net_tls_ops.handshake(client.session, &w);
		*done = rc == 1;
		rc = rc == 1 ? 0 : rc;
	}
	if (w.out_len > 0)
		assert_int_equal(BIO_write(SSL_get_rbio(ssl), client.wire,
					   (int)w.out_len),
				 (int)w.out_len);
	return rc;
}

static void tickets_without_end_are_not_taken(void **state)
{
	uint8_t id[NET_ID_SIZE];
	SSL_CTX *ctx = make_server(id);
	SSL *ssl = SSL_new(ctx);
	bool done = false;
	size_t taken = 0;
	int rc = 0;

	(void)state;
	assert_non_null(ssl);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(ssl);
	end_open(&client, 1);
	client.session = net_tls_ops.open(client.tls, id);
	assert_non_null(client.session);
	for (uint32_t i = 0; i < 10 && !SSL_is_init_finished(ssl); i++) {
		assert_int_equal(exchange(ssl, &done, &taken), 0);
		(void)SSL_do_handshake(ssl);
	}
	assert_true(done);
	for (uint32_t i = 0; i < 10000 && rc == 0; i++) {
		assert_int_equal(SSL_new_session_ticket(ssl), 1);
		assert_int_equal(SSL_do_handshake(ssl), 1);
		rc = exchange(ssl, &done, &taken);
	}
	assert_int_equal(rc, -EPROTO);
	assert_in_range(taken, NET_TLS_QUIET_MAX / 2, 2 * NET_TLS_QUIET_MAX);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	end_close(&client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_stays_within_its_room),
		cmocka_unit_test(handshakes_are_bounded),
		cmocka_unit_test(plaintext_sets_the_count_back),
		cmocka_unit_test(tickets_without_end_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
