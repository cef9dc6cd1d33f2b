/* SPDX-License-Identifier: MIT */
/* What peers may do wrong, and that nobody else suffers. */
#include "net_raw.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "base/prng.h"

static struct raw r; /* large */
static uint8_t page[NET_RECORD_MAX];

static struct net_options quick(const struct node *n)
{
	struct net_options o = node_options(n);

	o.timing.slow = 300;
	o.timing.frame = 300;
	o.timing.refuse = 300;
	return o;
}

static void begin(struct node *n)
{
	struct net_options o;

	node_key(n, 1);
	o = quick(n);
	node_start(n, &o);
}

/* With little patience for who says no HELLO; a machine that is busy may be
 * too slow for it. */
static void begin_impatient(struct node *n)
{
	struct net_options o;

	node_key(n, 1);
	o = quick(n);
	o.timing.hello = 1000;
	node_start(n, &o);
}

/* A well-behaved peer is served still. */
static void still_serves(struct node *n, uint8_t number)
{
	struct node good;
	uint32_t to_n;
	struct net_event e;

	node_key(&good, number);
	node_begin(&good, number);
	assert_int_equal(net_connect(good.net, &n->self, false), 0);
	to_n = expect_up(&good).slot;
	for (;;) {
		e = next_event(n->port);
		if (e.kind == NET_EV_UP &&
		    memcmp(e.up.id, good.id, sizeof(good.id)) == 0)
			break;
		if (e.kind == NET_EV_MESSAGE)
			net_release(n->port, e.message.buffer);
	}
	send_to(good.port, to_n, NET_EVID,
		make_payload(good.port, DS_EVID_SIZE, 5), NULL);
	e = expect_message(n->port, NET_EVID);
	check_payload(e.message.buffer, DS_EVID_SIZE, 5);
	net_release(n->port, e.message.buffer);
	node_end(&good);
	assert_int_equal(expect_down(n).kind, NET_EV_DOWN);
}

static void garbage_before_tls(void **state)
{
	struct base_prng prng = base_prng_init(1);
	struct node n;

	(void)state;
	begin(&n);
	for (int i = 0; i < 20; i++) {
		base_prng_fill(&prng, page, sizeof(page));
		raw_open(&r, &n);
		(void)raw_bytes(&r, page, base_prng_below(&prng, 4000) + 1);
		raw_expect_closed(&r);
		raw_close(&r);
	}
	still_serves(&n, 2);
	node_end(&n);
}

static void half_open_connections_end(void **state)
{
	struct node n;

	(void)state;
	begin_impatient(&n);
	/* Says nothing at all; not even TLS. */
	raw_open(&r, &n);
	raw_expect_closed(&r);
	raw_close(&r);
	/* The beginning of a record, and no more. */
	raw_open(&r, &n);
	assert_true(raw_bytes(&r, "\x16\x03\x01\x01", 4));
	raw_expect_closed(&r);
	raw_close(&r);
	/* No HELLO. */
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 2, n.id));
	raw_expect_refused(&r, NET_SILENT);
	raw_close(&r);
	node_end(&n);
}

/* As many as may be before their HELLO, and they have all the time. */
static void silence_keeps_nobody_out(void **state)
{
	int fd[NET_PENDING_MAX];
	struct net_options o;
	struct node n;

	(void)state;
	node_key(&n, 1);
	o = quick(&n);
	o.timing.hello = 600000;
	node_start(&n, &o);
	for (uint32_t i = 0; i < NET_PENDING_MAX; i++) {
		raw_open(&r, &n);
		fd[i] = r.fd;
	}
	await_counter(n.net, NET_C_ACCEPTED, NET_PENDING_MAX);
	still_serves(&n, 2);
	for (uint32_t i = 0; i < NET_PENDING_MAX; i++)
		(void)close(fd[i]);
	node_end(&n);
}

static void the_wrong_key_is_noticed(void **state)
{
	struct node n;
	struct node other;

	(void)state;
	begin(&n);
	node_key(&other, 9);
	raw_open(&r, &n);
	assert_false(raw_handshake(&r, 2, other.id));
	raw_close(&r);
	still_serves(&n, 2);
	node_end(&n);
}

/* A self-signed certificate of a key of this kind. */
static void show_certificate(SSL_CTX *ctx, const char *kind)
{
	EVP_PKEY *key = strcmp(kind, "EC") == 0
				? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
				: EVP_PKEY_Q_keygen(NULL, NULL, kind);
	X509 *x = X509_new();

	assert_non_null(key);
	assert_non_null(x);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_true(X509_set_pubkey(x, key));
	assert_true(X509_sign(x, key,
			      strcmp(kind, "EC") == 0 ? EVP_sha256() : NULL));
	assert_true(SSL_CTX_use_certificate(ctx, x));
	assert_true(SSL_CTX_use_PrivateKey(ctx, key));
	X509_free(x);
	EVP_PKEY_free(key);
}

/* A client of plain OpenSSL's: whether it hears a byte. */
static bool openssl_connects(const struct node *to, int version,
			     const char *alpn, const char *kind)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char byte;
	bool ok;

	assert_non_null(ctx);
	SSL_CTX_set_max_proto_version(ctx, version);
	if (kind)
		show_certificate(ctx, kind);
	ssl = SSL_new(ctx);
	assert_non_null(ssl);
	if (alpn)
		assert_int_equal(SSL_set_alpn_protos(ssl, (const uint8_t *)alpn,
						     (unsigned)strlen(alpn)),
				 0);
	raw_open(&r, to);
	SSL_set_fd(ssl, r.fd);
	/* In TLS 1.3 the client is done before its certificate is judged. */
	ok = SSL_connect(ssl) == 1 && SSL_read(ssl, &byte, 1) == 1;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	raw_close(&r);
	return ok;
}

static void only_our_tls_connects(void **state)
{
	static const char ours[] = "\x08minerd/1";
	struct node n;

	(void)state;
	begin(&n);
	/* So it can: what follows differs in one thing. */
	assert_true(openssl_connects(&n, TLS1_3_VERSION, ours, "ED25519"));
	assert_false(openssl_connects(&n, TLS1_3_VERSION, ours, NULL));
	assert_false(openssl_connects(&n, TLS1_2_VERSION, ours, "ED25519"));
	assert_false(openssl_connects(&n, TLS1_3_VERSION, "\x02h2", "ED25519"));
	assert_false(openssl_connects(&n, TLS1_3_VERSION, NULL, "ED25519"));
	assert_false(openssl_connects(&n, TLS1_3_VERSION, ours, "ED448"));
	assert_false(openssl_connects(&n, TLS1_3_VERSION, ours, "EC"));
	still_serves(&n, 2);
	node_end(&n);
}

static void other_chains_are_told_so(void **state)
{
	struct net_hello h = raw_hello_of();
	struct node n;

	(void)state;
	begin(&n);
	h.genesis.b[0] ^= 1;
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 2, n.id));
	assert_true(raw_hello(&r, &h));
	raw_expect_refused(&r, NET_OTHER_GENESIS);
	raw_close(&r);
	h = raw_hello_of();
	h.version++;
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 2, n.id));
	assert_true(raw_hello(&r, &h));
	raw_expect_refused(&r, NET_OTHER_VERSION);
	raw_close(&r);
	node_end(&n);
}

static void a_node_does_not_talk_to_itself(void **state)
{
	struct node n;

	(void)state;
	begin(&n);
	/* The same key, as in a copied folder. */
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 1, n.id));
	raw_expect_refused(&r, NET_SELF);
	raw_close(&r);
	/* Its own address: not even dialled. */
	assert_int_equal(net_connect(n.net, &n.self, false), 0);
	still_serves(&n, 2);
	node_end(&n);
}

struct bad_frame {
	uint32_t len;
	uint8_t type;
	uint8_t flags;
	uint8_t reserved;
};

static const struct bad_frame bad_frames[] = {
	{0, 0, 0, 0},			    /* no such type */
	{8, 15, 0, 0},			    /* nor this */
	{8, 255, 0, 0},			    /* nor this */
	{0, NET_VOTE, 0, 0},		    /* empty */
	{DS_VOTE_SIZE - 1, NET_VOTE, 0, 0}, /* too short */
	{DS_VOTE_SIZE + 1, NET_VOTE, 0, 0}, /* too long */
	{UINT32_MAX, NET_BLOCK, 0, 0},	    /* far too long */
	{BLOCK_BYTES + 1, NET_BLOCK, 0, 0}, /* just too long */
	{8, NET_PING, 2, 0},		    /* unknown flag */
	{8, NET_PING, 0, 1},		    /* reserved */
	{8, NET_PING, NET_FLAG_MORE, 0},    /* goes on with nothing */
	{0, NET_REQUEST_ACCESS, 255, 0},    /* unknown flags */
	{NET_HELLO_SIZE, NET_HELLO, 0, 0},  /* again */
};

static void bad_frames_end_the_connection(void **state)
{
	struct node n;

	(void)state;
	begin(&n);
	for (uint32_t i = 0; i < BASE_COUNT(bad_frames); i++) {
		const struct bad_frame *b = &bad_frames[i];
		uint32_t len = b->len < 300 ? b->len : 300;
		uint8_t data[NET_FRAME_HEADER + 300] = {0};

		raw_join(&r, &n, (uint8_t)(10 + i));
		assert_int_equal(expect_up(&n).kind, NET_EV_UP);
		net_frame_header(data, b->len, b->type, b->flags);
		data[7] = b->reserved;
		assert_true(raw_seal(&r, data, NET_FRAME_HEADER + len));
		raw_expect_closed(&r);
		assert_int_equal(expect_down(&n).down, NET_BANNED);
		raw_close(&r);
		/* It is banned now, by its address too. */
		raw_open(&r, &n);
		raw_expect_closed(&r);
		raw_close(&r);
		forgive(&n);
	}
	still_serves(&n, 2);
	node_end(&n);
}

/* A stranger's offence does not shut out a member behind the same address. */
static void members_share_addresses_with_strangers(void **state)
{
	uint8_t data[NET_FRAME_HEADER] = {0};
	struct net_endpoint member[2] = {{.address = "127.0.0.1:1"},
					 {.address = "127.0.0.1:1"}};
	struct net_options o;
	struct net_event e;
	struct node m;
	struct node n;

	(void)state;
	node_key(&n, 1);
	node_key(&m, 2);
	memcpy(member[0].id, n.id, NET_ID_SIZE);
	memcpy(member[1].id, m.id, NET_ID_SIZE);
	o = quick(&n);
	o.member = member;
	o.members = 2;
	o.self = 0;
	node_start(&n, &o);
	raw_join(&r, &n, 10);
	assert_int_equal(expect_up(&n).kind, NET_EV_UP);
	net_frame_header(data, 8, 255, 0);
	assert_true(raw_seal(&r, data, sizeof(data)));
	raw_expect_closed(&r);
	assert_int_equal(expect_down(&n).down, NET_BANNED);
	raw_close(&r);
	/* Another key at that address is known for a stranger's now. */
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 11, n.id));
	raw_expect_closed(&r);
	raw_close(&r);
	raw_join(&r, &n, 2);
	e = expect_up(&n);
	assert_int_equal(e.up.member, 1);
	raw_close(&r);
	assert_int_equal(expect_down(&n).kind, NET_EV_DOWN);
	node_end(&n);
}

static void nothing_comes_before_hello(void **state)
{
	struct node n;

	(void)state;
	begin(&n);
	memset(page, 0, sizeof(page));
	raw_open(&r, &n);
	assert_true(raw_handshake(&r, 2, n.id));
	assert_true(raw_frame(&r, 8, NET_PING, 0, page, 8));
	raw_expect_closed(&r);
	raw_close(&r);
	node_end(&n);
}

static void parts_in_the_wrong_order(void **state)
{
	struct node n;

	(void)state;
	begin(&n);
	memset(page, 0, sizeof(page));
	/* A message that is cut goes on with another length. */
	raw_join(&r, &n, 3);
	(void)expect_up(&n);
	assert_true(raw_frame(&r, 20000, NET_PROPOSAL, 0, page, NET_PART_SIZE));
	assert_true(raw_frame(&r, 100, NET_PROPOSAL, NET_FLAG_MORE, page, 100));
	raw_expect_closed(&r);
	raw_close(&r);
	(void)expect_down(&n);
	forgive(&n);
	/* A second one begins before the first has ended. */
	raw_join(&r, &n, 4);
	(void)expect_up(&n);
	assert_true(raw_frame(&r, 20000, NET_PROPOSAL, 0, page, NET_PART_SIZE));
	assert_true(raw_frame(&r, 20000, NET_PROPOSAL, 0, page, NET_PART_SIZE));
	raw_expect_closed(&r);
	raw_close(&r);
	(void)expect_down(&n);
	node_end(&n);
}

static void a_message_without_end_is_not_waited_for(void **state)
{
	struct node n;

	(void)state;
	begin(&n);
	memset(page, 0, sizeof(page));
	raw_join(&r, &n, 3);
	(void)expect_up(&n);
	assert_true(
		raw_frame(&r, 900000, NET_PROPOSAL, 0, page, NET_PART_SIZE));
	assert_int_equal(expect_down(&n).down, NET_SLOW);
	raw_close(&r);
	node_end(&n);
}

static void random_bytes_inside_tls(void **state)
{
	struct base_prng prng = base_prng_init(3);
	struct node n;

	(void)state;
	begin(&n);
	for (uint8_t i = 0; i < 20; i++) {
		base_prng_fill(&prng, page, sizeof(page));
		raw_join(&r, &n, (uint8_t)(40 + i));
		(void)expect_up(&n);
		for (int k = 0; k < 8 && !r.closed; k++)
			if (!raw_seal(&r, page,
				      (uint32_t)base_prng_below(&prng, 5000) +
					      1))
				break;
		raw_expect_closed(&r);
		raw_close(&r);
		(void)expect_down(&n);
		forgive(&n);
	}
	still_serves(&n, 2);
	node_end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_before_tls),
		cmocka_unit_test(half_open_connections_end),
		cmocka_unit_test(silence_keeps_nobody_out),
		cmocka_unit_test(the_wrong_key_is_noticed),
		cmocka_unit_test(only_our_tls_connects),
		cmocka_unit_test(other_chains_are_told_so),
		cmocka_unit_test(a_node_does_not_talk_to_itself),
		cmocka_unit_test(bad_frames_end_the_connection),
		cmocka_unit_test(members_share_addresses_with_strangers),
		cmocka_unit_test(nothing_comes_before_hello),
		cmocka_unit_test(parts_in_the_wrong_order),
		cmocka_unit_test(a_message_without_end_is_not_waited_for),
		cmocka_unit_test(random_bytes_inside_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
