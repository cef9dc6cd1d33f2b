/* SPDX-License-Identifier: MIT */
/*
 * wiretap.c: tells what two nodes say to each other, message by message.
 *
 *   wiretap NETWORK DIALER_KEY ANSWERER_KEY LISTEN TO
 *
 * It stands between a node that dials LISTEN and one that listens on TO, and
 * is each of them to the other: it knows both node keys (files of hex). Each
 * message that passes is a line:
 *
 *   > vote ID 109            > from the dialer, < to it; ID names it
 *   > proposal TICK/SENDER/HASH MASK body|bare 1234
 *
 * Connections come one after the other; it runs until it is ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "chain/header.h"
#include "net/addr.h"
#include "net/frame.h"
#include "net/tls.h"
#include "node/genesis.h"
#include "node/identify.h"

#define WIRE (64u << 10)
#define PATIENCE_MS 5000 /* with a handshake */

struct side {
	char sign;		 /* of what comes from it */
	struct net_tls *tls;	 /* as the other node */
	uint8_t id[NET_ID_SIZE]; /* that of the other node: ours to it */
	int fd;
	void *session;
	uint8_t in[WIRE];
	size_t in_len;
	struct net_parser parser;
};

static struct node_chain chain;
static struct ds_committee committee;
static struct side dialer = {.sign = '>', .fd = -1};
static struct side answerer = {.sign = '<', .fd = -1};

static void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "wiretap: %s: %s\n", what, why);
	exit(1);
}

/* ---- what is said ---- */

static void tell_proposal(const struct side *s, const struct net_buffer *b)
{
	char hex[BASE_HASH_HEX_SIZE];
	struct ds_proposal m;
	struct chain_header h;
	struct base_hash hash;

	if (ds_proposal_read(&m, &committee, chain.params.max_block_bytes,
			     b->data, b->len) < 0)
		die("a proposal", "cannot be read");
	chain_header_read(&h, m.block);
	chain_header_hash(&hash, &h);
	base_hash_to_hex(hex, &hash);
	(void)printf("%c proposal %llu/%u/%s %llx %s %u\n", s->sign,
		     (unsigned long long)m.tick.n, m.sender, hex,
		     (unsigned long long)m.mask, m.has_body ? "body" : "bare",
		     b->len);
}

static enum net_parse_result tell(void *ctx, uint8_t type, struct net_buffer *b)
{
	const struct side *s = ctx;
	uint8_t id[32] = {0};
	char hex[2 * sizeof(id) + 1] = "-";
	char hash_hex[BASE_HASH_HEX_SIZE];
	struct chain_header h;
	struct base_hash hash;

	if (type == NET_PROPOSAL) {
		tell_proposal(s, b);
	} else if (type == NET_BLOCK && b->len >= CHAIN_HEADER_SIZE) {
		chain_header_read(&h, b->data);
		chain_header_hash(&hash, &h);
		base_hash_to_hex(hash_hex, &hash);
		(void)printf("%c block %s %u\n", s->sign, hash_hex, b->len);
	} else {
		if (node_identify(&committee, id, type, b->data, b->len))
			base_to_hex(hex, id, sizeof(id));
		(void)printf("%c %s %s %u\n", s->sign, net_type_name(type), hex,
			     b->len);
	}
	(void)fflush(stdout);
	free(b->data);
	free(b);
	return NET_PARSE_OK;
}

static enum net_parse_result begin(void *ctx, struct net_buffer **out,
				   uint8_t type, uint32_t len)
{
	struct net_buffer *b = calloc(1, sizeof(*b));

	(void)ctx;
	(void)type;
	if (b)
		b->data = malloc(len + 1);
	if (!b || !b->data)
		die("a message", "no memory");
	b->len = b->cap = len;
	*out = b;
	return NET_PARSE_OK;
}

/* ---- sockets and sessions ---- */

static bool send_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool more(struct side *s)
{
	ssize_t n = s->in_len < sizeof(s->in)
			    ? recv(s->fd, s->in + s->in_len,
				   sizeof(s->in) - s->in_len, 0)
			    : 0;

	if (n <= 0)
		return false;
	s->in_len += (size_t)n;
	return true;
}

static void use_up(struct side *s, const struct net_wire *w)
{
	memmove(s->in, w->in, w->in_len);
	s->in_len = w->in_len;
}

static bool shake(struct side *s, const uint8_t *expect)
{
	uint8_t out[WIRE];
	int rc = 0;

	s->in_len = 0;
	net_parser_init(&s->parser, chain.params.max_block_bytes);
	s->session = net_tls_ops.open(s->tls, expect);
	if (!s->session)
		return false;
	while (rc == 0) {
		struct pollfd p = {.fd = s->fd, .events = POLLIN};
		struct net_wire w = {.in = s->in,
				     .in_len = s->in_len,
				     .out = out,
				     .out_cap = sizeof(out)};

		rc = net_tls_ops.handshake(s->session, &w);
		use_up(s, &w);
		if (!send_all(s->fd, out, w.out_len))
			return false;
		if (rc == 0 && (poll(&p, 1, PATIENCE_MS) != 1 || !more(s)))
			return false;
	}
	return rc == 1;
}

/* Everything that came from @from is told and goes on to @to. */
static bool pass(struct side *from, struct side *to)
{
	const struct net_sink sink = {
		.begin = begin, .message = tell, .ctx = from};
	uint8_t plain[NET_RECORD_MAX];
	uint8_t out[NET_RECORD_MAX + NET_SEAL_EXTRA];
	size_t used;

	for (;;) {
		struct net_wire w = {.in = from->in,
				     .in_len = from->in_len,
				     .out = out,
				     .out_cap = sizeof(out)};
		int n = net_tls_ops.read(from->session, &w, plain,
					 sizeof(plain));

		use_up(from, &w);
		if (n <= 0)
			return n == 0;
		if (net_parse(&from->parser, &used, plain, (size_t)n, &sink) !=
		    NET_PARSE_OK)
			die("a frame", "cannot be read");
		w = (struct net_wire){.out = out, .out_cap = sizeof(out)};
		if (net_tls_ops.write(to->session, &w, plain, (uint32_t)n) <
			    0 ||
		    !send_all(to->fd, out, w.out_len))
			return false;
	}
}

static void carry(void)
{
	struct pollfd p[2] = {{.fd = dialer.fd, .events = POLLIN},
			      {.fd = answerer.fd, .events = POLLIN}};

	/* What came with the end of a handshake. */
	if (!pass(&dialer, &answerer) || !pass(&answerer, &dialer))
		return;
	while (poll(p, 2, -1) > 0) {
		if (p[0].revents &&
		    (!more(&dialer) || !pass(&dialer, &answerer)))
			return;
		if (p[1].revents &&
		    (!more(&answerer) || !pass(&answerer, &dialer)))
			return;
	}
}

static void hang_up(struct side *s)
{
	if (s->session)
		net_tls_ops.close(s->session);
	s->session = NULL;
	if (s->fd >= 0)
		(void)close(s->fd);
	s->fd = -1;
}

static int open_socket(struct sockaddr_storage *sa, socklen_t *len,
		       const char *address)
{
	struct net_addr a;
	int fd;

	if (net_addr_parse(&a, address) < 0)
		die(address, "no address");
	*len = net_addr_to_socket(sa, &a);
	fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die(address, strerror(errno));
	return fd;
}

static void connection(int fd, const char *to)
{
	struct sockaddr_storage sa;
	socklen_t len;

	dialer.fd = fd;
	answerer.fd = open_socket(&sa, &len, to);
	/* To the dialer it is the answerer, and the other way round. */
	if (connect(answerer.fd, (struct sockaddr *)&sa, len) == 0 &&
	    shake(&answerer, dialer.id) && shake(&dialer, NULL))
		carry();
	hang_up(&dialer);
	hang_up(&answerer);
}

static void load_key(struct side *s, const char *path)
{
	struct base_error err;
	uint8_t secret[32];
	char text[2 * sizeof(secret) + 1] = "";
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%64s", text) != 1 ||
	    base_from_hex(secret, sizeof(secret), text) < 0)
		die(path, "no key");
	(void)fclose(f);
	if (net_tls_open(&s->tls, s->id, secret, &err) < 0)
		die(path, err.text);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage sa;
	struct base_error err;
	const int on = 1;
	socklen_t len;
	int fd;

	if (argc != 6)
		die("usage", "NETWORK DIALER_KEY ANSWERER_KEY LISTEN TO");
	if (node_chain_load(&chain, argv[1], &err) < 0)
		die(argv[1], err.text);
	ds_committee_init(&committee, &chain.params, &chain.genesis_hash, 0);
	load_key(&dialer, argv[3]);
	load_key(&answerer, argv[2]);
	fd = open_socket(&sa, &len, argv[4]);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 16) < 0)
		die(argv[4], strerror(errno));
	for (;;) {
		int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (c < 0)
			die(argv[4], strerror(errno));
		connection(c, argv[5]);
	}
}
