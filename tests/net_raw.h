/* SPDX-License-Identifier: MIT */
/*
 * net_raw.h: a peer of the net thread's that can break every rule.
 *
 * A blocking socket with the project's TLS on top, or with nothing.
 */
#ifndef TESTS_NET_RAW_H
#define TESTS_NET_RAW_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "net/addr.h"
#include "net/frame.h"
#include "net/tls.h"
#include "net_fixture.h"

#define RAW_WIRE (64u << 10)

struct raw {
	int fd;
	struct net_tls *tls;
	void *session;
	uint8_t id[NET_ID_SIZE];
	uint8_t in[RAW_WIRE];
	size_t in_at;
	size_t in_len;
	uint8_t plain[NET_RECORD_MAX];
	uint32_t plain_at;
	uint32_t plain_len;
	bool closed;
};

/* Connects, and says nothing; with room for @window bytes to receive, or as
 * much as the system likes (0); from an address of this machine, "ADDR:0", or
 * any (NULL). */
static inline void raw_open_from(struct raw *r, const struct node *to,
				 int window, const char *from)
{
	struct sockaddr_storage sa;
	struct net_addr a;
	socklen_t len;

	memset(r, 0, sizeof(*r));
	assert_int_equal(net_addr_parse(&a, from ? from : to->self.address), 0);
	len = net_addr_to_socket(&sa, &a);
	r->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(r->fd >= 0);
	if (from)
		assert_int_equal(bind(r->fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(net_addr_parse(&a, to->self.address), 0);
	len = net_addr_to_socket(&sa, &a);
	if (window)
		assert_int_equal(setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF,
					    &window, sizeof(window)),
				 0);
	assert_int_equal(setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1},
				    sizeof(int)),
			 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&sa, len), 0);
}

static inline void raw_open(struct raw *r, const struct node *to)
{
	raw_open_from(r, to, 0, NULL);
}

static inline void raw_close(struct raw *r)
{
	if (r->session)
		net_tls_ops.close(r->session);
	net_tls_close(r->tls);
	if (r->fd >= 0)
		(void)close(r->fd);
	r->fd = -1;
}

/* Bytes as they are. False: the connection is gone. */
static inline bool raw_bytes(struct raw *r, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		ssize_t n = send(r->fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* More from the wire. False: closed, or nothing within @ms. */
static inline bool raw_more(struct raw *r, int ms)
{
	struct pollfd p = {.fd = r->fd, .events = POLLIN};
	ssize_t n;

	if (r->in_at == r->in_len)
		r->in_at = r->in_len = 0;
	if (poll(&p, 1, ms) <= 0)
		return false;
	n = recv(r->fd, r->in + r->in_len, sizeof(r->in) - r->in_len, 0);
	if (n <= 0) {
		r->closed = true;
		return false;
	}
	r->in_len += (size_t)n;
	return true;
}

/* The peer closes within a time no test waits for in vain. */
static inline void raw_expect_closed(struct raw *r)
{
	for (int i = 0; i < WAIT_TURNS && !r->closed; i++) {
		r->in_at = r->in_len = 0;
		(void)raw_more(r, 1);
	}
	assert_true(r->closed);
}

/* TLS with a key and certificate that are made already. False: it failed. */
static inline bool raw_handshake_with(struct raw *r, struct net_tls *tls,
				      const uint8_t *expect)
{
	uint8_t out[RAW_WIRE];
	int rc = 0;

	r->session = net_tls_ops.open(tls, expect);
	assert_non_null(r->session);
	for (int i = 0; i < 100 && rc == 0; i++) {
		struct net_wire w = {.in = r->in + r->in_at,
				     .in_len = r->in_len - r->in_at,
				     .out = out,
				     .out_cap = sizeof(out)};

		rc = net_tls_ops.handshake(r->session, &w);
		r->in_at = r->in_len - w.in_len;
		if (!raw_bytes(r, out, w.out_len))
			return false;
		if (rc == 0 && !raw_more(r, 5000))
			return false;
	}
	return rc == 1;
}

/* TLS with the key that is 32 times @number. False: it failed. */
static inline bool raw_handshake(struct raw *r, uint8_t number,
				 const uint8_t *expect)
{
	uint8_t secret[32];
	struct base_error err;

	memset(secret, number, sizeof(secret));
	assert_int_equal(net_tls_open(&r->tls, r->id, secret, &err), 0);
	return raw_handshake_with(r, r->tls, expect);
}

/* Sealed bytes, whatever they say. */
static inline bool raw_seal(struct raw *r, const void *data, uint32_t len)
{
	uint8_t out[NET_RECORD_MAX + NET_SEAL_EXTRA];
	struct net_wire w = {.out = out, .out_cap = sizeof(out)};

	assert_int_equal(net_tls_ops.write(r->session, &w, data, len), 0);
	return raw_bytes(r, out, w.out_len);
}

static inline bool raw_frame(struct raw *r, uint32_t len, uint8_t type,
			     uint8_t flags, const void *payload,
			     uint32_t payload_len)
{
	uint8_t data[NET_RECORD_MAX];

	net_frame_header(data, len, type, flags);
	if (payload_len)
		memcpy(data + NET_FRAME_HEADER, payload, payload_len);
	return raw_seal(r, data, NET_FRAME_HEADER + payload_len);
}

/* The next @len bytes of plaintext. False: closed, or silence. */
static inline bool raw_read(struct raw *r, void *out, size_t len)
{
	uint8_t *to = out;
	uint8_t side[4096];

	while (len > 0) {
		struct net_wire w = {.in = r->in + r->in_at,
				     .in_len = r->in_len - r->in_at,
				     .out = side,
				     .out_cap = sizeof(side)};
		size_t n = r->plain_len - r->plain_at;
		int rc;

		if (n > 0) {
			n = n < len ? n : len;
			memcpy(to, r->plain + r->plain_at, n);
			r->plain_at += (uint32_t)n;
			to += n;
			len -= n;
			continue;
		}
		rc = net_tls_ops.read(r->session, &w, r->plain,
				      sizeof(r->plain));
		r->in_at = r->in_len - w.in_len;
		if (rc < 0)
			return false;
		r->plain_at = 0;
		r->plain_len = (uint32_t)rc;
		if (rc == 0 && !raw_more(r, 10000))
			return false;
	}
	return true;
}

/* The next frame with a payload of up to @cap. */
static inline bool raw_next(struct raw *r, uint8_t *type, uint8_t *payload,
			    uint32_t cap, uint32_t *len)
{
	uint8_t header[NET_FRAME_HEADER];

	if (!raw_read(r, header, sizeof(header)))
		return false;
	*len = base_load_le32(header);
	*type = header[4];
	assert_true(*len <= cap);
	return raw_read(r, payload, *len);
}

/* The next frame of @type; others are passed by. */
static inline uint32_t raw_expect(struct raw *r, uint8_t type, uint8_t *payload,
				  uint32_t cap)
{
	uint8_t got = 0;
	uint32_t len = 0;

	do {
		if (!raw_next(r, &got, payload, cap, &len))
			fail_msg("closed before a %s", net_type_name(type));
	} while (got != type);
	return len;
}

static inline struct net_hello raw_hello_of(void)
{
	return (struct net_hello){.version = NET_VERSION,
				  .mode = NET_FULL_NODE,
				  .nonce = 1,
				  .genesis = test_genesis};
}

static inline bool raw_hello(struct raw *r, const struct net_hello *h)
{
	uint8_t payload[NET_HELLO_SIZE];

	net_hello_write(payload, h);
	return raw_frame(r, sizeof(payload), NET_HELLO, 0, payload,
			 sizeof(payload));
}

/* A peer that has said HELLO; @window and @from as above. */
static inline void raw_join_from(struct raw *r, const struct node *to,
				 uint8_t number, int window, const char *from)
{
	struct net_hello h = raw_hello_of();
	uint8_t payload[NET_HELLO_SIZE];

	raw_open_from(r, to, window, from);
	assert_true(raw_handshake(r, number, to->id));
	assert_true(raw_hello(r, &h));
	assert_int_equal(raw_expect(r, NET_HELLO, payload, sizeof(payload)),
			 NET_HELLO_SIZE);
}

static inline void raw_join_small(struct raw *r, const struct node *to,
				  uint8_t number, int window)
{
	raw_join_from(r, to, number, window, NULL);
}

static inline void raw_join(struct raw *r, const struct node *to,
			    uint8_t number)
{
	raw_join_from(r, to, number, 0, NULL);
}

/* The peer says why, and closes. */
static inline void raw_expect_refused(struct raw *r, enum net_reason why)
{
	uint8_t payload[NET_RECORD_MAX];

	(void)raw_expect(r, NET_REFUSED, payload, sizeof(payload));
	assert_int_equal(payload[0], why);
	raw_expect_closed(r);
}

#endif
