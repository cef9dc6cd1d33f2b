/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/assert.h"
#include "net/internal.h"
#include "net/tls.h"

#define MIB (1u << 20)
#define BACKLOG 128
#define PORT_BODY_BYTES (17u * MIB)
#define PORT_BODIES_MIN 2u
#define PORT_BODIES_MAX 16u
#define RECEIVED_BODIES_MIN 2u

static const uint32_t buffers[NET_HOMES][NET_SIZES] = {
	[NET_HOME_CONSENSUS] = {16384, 1024, 32, 0},
	[NET_HOME_READER] = {512, 128, 32, 0},
	[NET_HOME_RECEIVED] = {16384, 2048, 64, 0},
};

_Static_assert(16384 + 1024 + 32 + PORT_BODIES_MAX <= NET_DEPTH_HOME,
	       "the buffers of a port fit into the ring that brings them home");
_Static_assert(16384 + 2048 + 64 + 256 + 16384 + 1024 + 32 + PORT_BODIES_MAX +
			       NET_SLOTS_MAX <=
		       NET_DEPTH_RETURNS,
	       "whatever a port may hold can be given back");

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static void set_defaults(struct net *n)
{
	const struct net_timing *t = &n->o.timing;
	const struct net_limits *l = &n->o.limits;

	n->t = (struct net_timing){
		.hello = or_else(t->hello, 5000),
		.slow = or_else(t->slow, 10000),
		.frame = or_else(t->frame, 30000),
		.answer = or_else(t->answer, 10000),
		.ping = or_else(t->ping, 20000),
		.retry = or_else(t->retry, 250),
		.retry_max = or_else(t->retry_max, 60000),
		.retry_member = or_else(t->retry_member, 4000),
		.refuse = or_else(t->refuse, 60000),
		.announce = or_else(t->announce, 100),
		.publish = or_else(t->publish, 500),
	};
	n->l = (struct net_limits){
		.inbound = or_else(l->inbound, NET_INBOUND_MAX),
		.outbound = or_else(l->outbound, NET_OUTBOUND_MAX),
		.pending = or_else(l->pending, NET_PENDING_MAX),
		.per_network = or_else(l->per_network, NET_PER_NETWORK_MAX),
		.bytes_per_s = or_else(l->bytes_per_s, MIB),
		.bytes_burst = or_else(l->bytes_burst, 4 * MIB),
		.txs_per_s = or_else(l->txs_per_s, 50),
		.txs_burst = or_else(l->txs_burst, 500),
		.send_queue = or_else(l->send_queue, 2 * MIB),
		.receive_queue = or_else(l->receive_queue, MIB),
		.lookups_per_s = or_else(l->lookups_per_s, 100),
		.lookups_burst = or_else(l->lookups_burst, 1000),
		.checks_per_s = or_else(l->checks_per_s, 64),
		.checks_burst = or_else(l->checks_burst, 256),
	};
}

/* Copies of what the options point to. */
static void copy_options(struct net *n, const struct net_options *o)
{
	n->o = *o;
	BASE_ASSERT(o->members <= NET_MEMBERS_MAX);
	BASE_ASSERT(o->connects <= NET_CONNECT_MAX);
	BASE_ASSERT(o->access_count <= NET_ACCESS_MAX);
	BASE_ASSERT(o->self < (int)o->members);
	BASE_ASSERT(o->max_block_bytes >= CHAIN_BLOCK_BYTES_MIN &&
		    o->max_block_bytes <= CHAIN_BLOCK_BYTES_MAX);
	if (o->members)
		memcpy(n->member, o->member, o->members * sizeof(*o->member));
	if (o->access_count)
		memcpy(n->access_list, o->access_list,
		       o->access_count * sizeof(*o->access_list));
	n->access_count = o->access_count;
	n->height = o->height;
	n->o.member = n->member;
	n->o.access_list = NULL;
	n->o.listen = NULL;
	n->o.saved = NULL;
	set_defaults(n);
}

/* ---- memory: the sum of all worst cases is below NET_MEMORY_MAX ---- */

static uint64_t fixed_bytes(void)
{
	uint64_t rings =
		(uint64_t)sizeof(struct net_event) *
			(NET_DEPTH_URGENT + NET_DEPTH_REST + NET_DEPTH_READER) +
		(uint64_t)sizeof(struct net_command) *
			(NET_DEPTH_COMMANDS + NET_DEPTH_READER_COMMANDS) +
		(uint64_t)NET_PORTS *
			(NET_DEPTH_RETURNS * sizeof(struct net_return) +
			 NET_DEPTH_HOME * sizeof(void *)) +
		(uint64_t)NET_DEPTH_CONTROL * (sizeof(struct net_control) + 16);
	uint64_t tables = sizeof(struct net) +
			  (uint64_t)NET_NODES_MAX * sizeof(struct net_node) +
			  4u * NET_SEEN_SLOTS * sizeof(struct net_seen_entry) +
			  (NET_TXS_MAX + NET_WANTED_MAX) *
				  (sizeof(struct net_idmap_node) + 4) +
			  3u * NET_SAVED_MAX + 2u * sizeof(struct net_view);

	return rings + tables +
	       (uint64_t)NET_CONNS_MAX *
		       (NET_RECORD_MAX + NET_CHUNK_BYTES + NET_TLS_BYTES) +
	       (uint64_t)NET_GROUPS * NET_URING_BUFFERS_MAX *
		       NET_URING_BUFFER_BYTES;
}

static void share_memory(struct net *n)
{
	uint32_t block = n->o.max_block_bytes;
	uint32_t one[NET_SIZES] = {[NET_BODY] = 1};
	uint64_t body = net_pool_bytes(one, block);
	uint64_t bodies = PORT_BODY_BYTES / body;
	uint64_t sum = fixed_bytes();

	if (bodies < PORT_BODIES_MIN)
		bodies = PORT_BODIES_MIN;
	if (bodies > PORT_BODIES_MAX)
		bodies = PORT_BODIES_MAX;
	memcpy(n->buffers, buffers, sizeof(buffers));
	for (uint32_t i = 0; i < NET_PORTS; i++)
		n->buffers[i][NET_BODY] = (uint32_t)bodies;
	for (uint32_t i = 0; i < NET_HOMES; i++)
		sum += net_pool_bytes(n->buffers[i], block);
	bodies = sum < NET_MEMORY_MAX ? (NET_MEMORY_MAX - sum) / body : 0;
	/* Two long messages of each peer at most. */
	if (bodies > UINT64_C(2) * NET_SLOTS_MAX)
		bodies = UINT64_C(2) * NET_SLOTS_MAX;
	BASE_ASSERT(bodies >= RECEIVED_BODIES_MIN);
	n->buffers[NET_HOME_RECEIVED][NET_BODY] = (uint32_t)bodies;
	n->view.memory = sum + bodies * body;
}

static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void release(void *p, size_t bytes)
{
	if (p)
		(void)munmap(p, bytes);
}

static int open_memory(struct net *n)
{
	share_memory(n);
	n->plain_memory = reserve((size_t)NET_CONNS_MAX * NET_RECORD_MAX);
	n->chunk_memory = reserve((size_t)NET_CONNS_MAX * NET_CHUNK_BYTES);
	n->save_memory = reserve(NET_SAVED_MAX);
	n->control_memory = malloc(base_ring_bytes_mpsc(
		NET_DEPTH_CONTROL, sizeof(struct net_control)));
	if (!n->plain_memory || !n->chunk_memory || !n->save_memory ||
	    !n->control_memory || net_nodes_open(&n->nodes) < 0 ||
	    net_board_open(&n->view_board, sizeof(struct net_view)) < 0 ||
	    net_board_open(&n->save_board, NET_SAVED_MAX) < 0 ||
	    net_pool_open(&n->pool, NET_HOME_RECEIVED,
			  n->buffers[NET_HOME_RECEIVED],
			  n->o.max_block_bytes) < 0)
		return -ENOMEM;
	base_ring_init_mpsc(&n->control, n->control_memory, NET_DEPTH_CONTROL,
			    sizeof(struct net_control));
	for (uint32_t i = 0; i < NET_PORTS; i++)
		if (net_port_open(n, (enum net_port_kind)i) < 0)
			return -ENOMEM;
	return 0;
}

/* ---- listening ---- */

static int cannot_listen(const char *text, int rc, struct base_error *err)
{
	if (rc == -EADDRINUSE)
		return base_fail(err, rc,
				 "%s is in use: another node listens there, or "
				 "choose another port with --listen",
				 text);
	if (rc == -EADDRNOTAVAIL)
		return base_fail(err, rc,
				 "%s is no address of this machine: choose one "
				 "of its own with --listen, or 0.0.0.0:PORT "
				 "for all of them",
				 text);
	if (rc == -EACCES)
		return base_fail(err, rc,
				 "this user may not listen on %s: choose a "
				 "port of 1024 or more with --listen",
				 text);
	if (rc == -EAFNOSUPPORT)
		return base_fail(err, rc,
				 "this machine has no IPv6, so not %s: choose "
				 "an IPv4 address with --listen",
				 text);
	return base_fail(err, rc, "cannot listen on %s: %s", text,
			 strerror(-rc));
}

static int listen_on(struct net *n, const char *text, struct base_error *err)
{
	const int one = 1;
	struct sockaddr_storage sa;
	struct net_addr addr;
	socklen_t len;
	int fd;

	if (net_addr_parse(&addr, text) < 0)
		return base_fail(err, -EINVAL,
				 "cannot listen on '%s': --listen wants a "
				 "numeric ADDR:PORT or [ADDR]:PORT",
				 text);
	len = net_addr_to_socket(&sa, &addr);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return cannot_listen(text, -errno, err);
	n->listen_fd = fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&sa, len) != 0 ||
	    listen(fd, BACKLOG) != 0)
		return cannot_listen(text, -errno, err);
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return cannot_listen(text, -errno, err);
	net_addr_from_socket(&addr, &sa);
	n->listen_port = addr.port;
	net_addr_text(n->address, &addr);
	return 0;
}

/* ---- start and stop ---- */

static void close_all(struct net *n)
{
	net_txs_clear(n);
	net_gossip_close(n);
	for (uint32_t i = 0; i < NET_PORTS; i++)
		net_port_close(&n->port[i]);
	if (n->pool.memory)
		net_pool_close(&n->pool);
	net_nodes_close(&n->nodes);
	net_board_close(&n->view_board);
	net_board_close(&n->save_board);
	release(n->plain_memory, (size_t)NET_CONNS_MAX * NET_RECORD_MAX);
	release(n->chunk_memory, (size_t)NET_CONNS_MAX * NET_CHUNK_BYTES);
	release(n->save_memory, NET_SAVED_MAX);
	free(n->control_memory);
	net_resolver_close(n->resolver);
	net_tls_close(n->shared);
	if (n->listen_fd >= 0)
		(void)close(n->listen_fd);
	if (n->bell >= 0)
		(void)close(n->bell);
	(void)pthread_mutex_destroy(&n->start_lock);
	(void)pthread_cond_destroy(&n->started);
	free(n);
}

static void ring_bell(void *ctx)
{
	net_bell_ring(ctx);
}

static int check_endpoints(const struct net_options *o, struct base_error *err)
{
	char host[NET_ENDPOINT_MAX];
	uint16_t port;

	for (uint32_t i = 0; i < o->members + o->connects; i++) {
		const struct net_endpoint *e =
			i < o->members ? &o->member[i]
				       : &o->connect[i - o->members];

		if (memchr(e->address, '\0', sizeof(e->address)) == NULL ||
		    (e->address[0] &&
		     net_addr_split(host, &port, e->address) < 0))
			return base_fail(err, -EINVAL,
					 "'%.*s' is no address of a peer: "
					 "wanted is HOST:PORT",
					 NET_ENDPOINT_MAX, e->address);
	}
	return 0;
}

static int prepare(struct net *n, const struct net_options *o,
		   struct base_error *err)
{
	struct net_tls *tls = NULL;
	struct chain_siphash_key key;
	uint64_t random[2];
	int rc = check_endpoints(o, err);

	if (rc < 0)
		return rc;
	if (RAND_bytes((uint8_t *)random, sizeof(random)) != 1 ||
	    RAND_bytes((uint8_t *)&key, sizeof(key)) != 1)
		return base_fail(err, -EIO, "OpenSSL has no random numbers");
	n->nonce = random[0];
	n->prng = base_prng_init(random[1]);
	net_known_init(&n->known, &key);
	rc = net_tls_open(&tls, n->id, o->secret, err);
	if (rc < 0)
		return rc;
	n->shared = tls;
	n->ops = &net_tls_ops;
	n->bell = eventfd(0, EFD_CLOEXEC);
	if (n->bell < 0)
		return base_fail(err, -errno, "no eventfd: %s",
				 strerror(errno));
	if (open_memory(n) < 0 || net_gossip_open(n) < 0 ||
	    net_resolver_open(&n->resolver, ring_bell, n) < 0)
		return base_fail(err, -ENOMEM,
				 "no memory for the network (%u MiB are "
				 "reserved)",
				 (unsigned)(NET_MEMORY_MAX >> 20));
	if (o->saved)
		net_save_load(n, o->saved, o->saved_len);
	return o->listen ? listen_on(n, o->listen, err) : 0;
}

int net_start(struct net **out, const struct net_options *options,
	      struct base_error *err)
{
	struct net *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return base_fail(err, -ENOMEM, "no memory for the network");
	n->listen_fd = -1;
	n->bell = -1;
	n->start_rc = 1;
	(void)pthread_mutex_init(&n->start_lock, NULL);
	(void)pthread_cond_init(&n->started, NULL);
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++)
		n->slot[i].conn = -1;
	n->now_ms = net_mono_us() / 1000;
	copy_options(n, options);
	rc = prepare(n, options, err);
	if (rc == 0) {
		rc = -pthread_create(&n->thread, NULL, net_thread, n);
		if (rc < 0)
			(void)base_fail(err, rc, "no thread: %s",
					strerror(-rc));
	}
	if (rc < 0) {
		close_all(n);
		return rc;
	}
	(void)pthread_mutex_lock(&n->start_lock);
	while (n->start_rc > 0)
		(void)pthread_cond_wait(&n->started, &n->start_lock);
	rc = n->start_rc;
	(void)pthread_mutex_unlock(&n->start_lock);
	if (rc < 0) {
		(void)pthread_join(n->thread, NULL);
		*err = n->start_err;
		close_all(n);
		return rc;
	}
	n->o.connect = NULL;
	*out = n;
	return 0;
}

void net_stop(struct net *n)
{
	if (!n)
		return;
	/* Pairs with the acquires in thread.c. */
	atomic_store_explicit(&n->stop, true, memory_order_release);
	net_bell_ring(n);
	(void)pthread_join(n->thread, NULL);
	close_all(n);
}

const char *net_address(const struct net *n)
{
	return n->address;
}

const uint8_t *net_id(const struct net *n)
{
	return n->id;
}

/* ---- control ---- */

static int control(struct net *n, const struct net_control *c)
{
	if (!base_ring_push_mpsc(&n->control, c))
		return -EAGAIN;
	net_bell_ring(n);
	return 0;
}

static int control_id(struct net *n, enum net_control_kind kind,
		      const uint8_t id[static NET_ID_SIZE])
{
	struct net_control c = {.kind = kind};

	memcpy(c.endpoint.id, id, NET_ID_SIZE);
	return control(n, &c);
}

static bool well_formed(const struct net_endpoint *e)
{
	char host[NET_ENDPOINT_MAX];
	uint16_t port;

	return memchr(e->address, '\0', sizeof(e->address)) != NULL &&
	       net_addr_split(host, &port, e->address) == 0;
}

int net_connect(struct net *n, const struct net_endpoint *to, bool remove)
{
	struct net_control c = {.kind = remove ? NET_CTL_FORGET
					       : NET_CTL_CONNECT,
				.endpoint = *to};

	return remove || well_formed(to) ? control(n, &c) : -EINVAL;
}

int net_try(struct net *n, const struct net_endpoint *to)
{
	struct net_control c = {.kind = NET_CTL_TRY, .endpoint = *to};

	return well_formed(to) ? control(n, &c) : -EINVAL;
}

int net_disconnect(struct net *n, const uint8_t id[static NET_ID_SIZE])
{
	return control_id(n, NET_CTL_DISCONNECT, id);
}

int net_grant(struct net *n, const uint8_t id[static NET_ID_SIZE], bool granted)
{
	return control_id(n, granted ? NET_CTL_GRANT : NET_CTL_UNGRANT, id);
}

int net_request_access(struct net *n, const uint8_t *id)
{
	static const uint8_t all[NET_ID_SIZE];

	return control_id(n, NET_CTL_WISH, id ? id : all);
}

int net_set_height(struct net *n, uint64_t height)
{
	struct net_control c = {.kind = NET_CTL_HEIGHT, .number = height};

	return control(n, &c);
}

int net_set_ban(struct net *n, const struct net_ban *ban)
{
	struct net_control c = {.kind = ban->until_s ? NET_CTL_BAN
						     : NET_CTL_UNBAN,
				.ban = *ban};

	return control(n, &c);
}

int net_clear_bans(struct net *n)
{
	struct net_control c = {.kind = NET_CTL_CLEAR_BANS};

	return control(n, &c);
}
