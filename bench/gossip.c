/* SPDX-License-Identifier: MIT */
/*
 * gossip: two nodes of this process over the loopback: short messages with
 * everything that gossip does to them, and bodies of 1 MiB against OpenSSL on
 * blocking sockets.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "blocking.h"
#include "measure.h"
#include "net/net.h"
#include "node/wake.h"

#define MESSAGE_BYTES 150u
#define BODY_BYTES (1u << 20)
#define ROUNDS_MAX 101
#define WINDOW_MAX 2048u /* messages on their way */
#define BODIES 6u	 /* the same for bodies */
#define UP_MS_MAX 10000
#define EXIT_USAGE 2

/* A CERT may have this length; consensus is not asked what it means. */
#define MESSAGE_TYPE NET_CERT
_Static_assert(MESSAGE_BYTES >= DS_CERT_SIZE(1), "the shortest one");

struct side {
	struct net *net;
	struct net_port *port;
	struct node_wake wake;
	struct net_endpoint self;
	uint32_t slot; /* of the other */
};

struct run {
	struct side a; /* sends */
	struct side b;
	uint64_t count;
	uint64_t window;
	bool bodies;
	_Atomic uint64_t got; /* by b */
};

struct options {
	unsigned rounds;
	uint64_t messages;
	uint64_t bodies;
	uint64_t window;
	bool json;
};

static void wake(void *ctx)
{
	node_wake_ring(ctx);
}

static bool identify(void *ctx, uint8_t id[static 32], uint8_t type,
		     const uint8_t *data, size_t len)
{
	(void)ctx;
	(void)len;
	memcpy(id, data, 32);
	id[31] = type;
	return true;
}

static void side_open(struct side *s, uint8_t number,
		      const struct net_endpoint *member)
{
	struct net_options o = {.max_block_bytes = BODY_BYTES,
				.mode = NET_FULL_NODE,
				.listen = "127.0.0.1:0",
				.member = member,
				.members = 1,
				.self = -1,
				.identify = identify,
				.limits = {.bytes_per_s = UINT32_MAX,
					   .bytes_burst = UINT32_MAX,
					   .send_queue = 64u << 20,
					   .receive_queue = 64u << 20}};
	struct base_error err;

	memset(o.secret, number, sizeof(o.secret));
	BASE_ASSERT(node_wake_open(&s->wake) == 0);
	o.wake[NET_CONSENSUS] = wake;
	o.wake_ctx[NET_CONSENSUS] = &s->wake;
	if (net_start(&s->net, &o, &err) < 0) {
		(void)fprintf(stderr, "gossip: %s\n", err.text);
		exit(1);
	}
	s->port = net_port(s->net, NET_CONSENSUS);
	memcpy(s->self.id, net_id(s->net), NET_ID_SIZE);
	(void)snprintf(s->self.address, sizeof(s->self.address), "%s",
		       net_address(s->net));
}

static bool come_up(struct side *s)
{
	struct net_event e;

	for (int i = 0; i < UP_MS_MAX; i++) {
		if (net_next(s->port, &e)) {
			BASE_ASSERT(e.kind == NET_EV_UP);
			s->slot = e.slot;
			return true;
		}
		node_wake_wait(&s->wake, 1);
	}
	return false;
}

static void run_open(struct run *r)
{
	struct net_endpoint member[2] = {{.address = ""}, {.address = ""}};
	uint8_t secret[32];

	memset(r, 0, sizeof(*r));
	for (uint8_t i = 0; i < 2; i++) {
		memset(secret, i + 1, sizeof(secret));
		BASE_ASSERT(net_id_of(member[i].id, secret) == 0);
	}
	side_open(&r->a, 1, &member[1]);
	side_open(&r->b, 2, &member[0]);
	BASE_ASSERT(net_connect(r->a.net, &r->b.self, false) == 0);
	if (!come_up(&r->a) || !come_up(&r->b)) {
		(void)fprintf(stderr, "gossip: the nodes do not meet\n");
		exit(1);
	}
}

static void run_close(struct run *r)
{
	net_stop(r->a.net);
	net_stop(r->b.net);
	node_wake_close(&r->a.wake);
	node_wake_close(&r->b.wake);
}

static void send_one(struct run *r, uint64_t number)
{
	size_t len = r->bodies ? BODY_BYTES : MESSAGE_BYTES;
	struct net_send s = {.type = r->bodies ? NET_PROPOSAL : MESSAGE_TYPE};
	uint8_t id[32] = {0};

	s.to.word[r->a.slot / 64] = UINT64_C(1) << (r->a.slot % 64);
	while (!(s.buffer = net_buffer_get(r->a.port, len)))
		(void)sched_yield();
	memset(s.buffer->data, 0, 64);
	memcpy(s.buffer->data, &number, sizeof(number));
	memcpy(id, s.buffer->data, sizeof(id));
	id[31] = s.type;
	s.id = r->bodies ? NULL : id;
	while (net_send(r->a.port, &s) < 0)
		(void)sched_yield();
	net_release(r->a.port, s.buffer);
}

static void *sender(void *arg)
{
	struct run *r = arg;

	for (uint64_t i = 0; i < r->count; i++) {
		/* Only how many: what was received is not looked at. */
		while (i - atomic_load_explicit(&r->got,
						memory_order_relaxed) >=
		       r->window)
			node_wake_wait(&r->a.wake, 1);
		send_one(r, i);
	}
	return NULL;
}

/* In order, all of them, each of the right length. */
static void receive_all(struct run *r)
{
	uint64_t often = r->window < 4 ? 1 : r->window / 4;
	uint64_t got = 0;
	uint64_t number;
	struct net_event e;

	while (got < r->count) {
		if (!net_next(r->b.port, &e)) {
			node_wake_wait(&r->b.wake, 100);
			continue;
		}
		if (e.kind != NET_EV_MESSAGE) {
			(void)fprintf(stderr, "gossip: the peer is gone: %s\n",
				      net_reason_name(e.down));
			exit(1);
		}
		memcpy(&number, e.message.buffer->data, sizeof(number));
		BASE_ASSERT(number == got);
		BASE_ASSERT(e.message.buffer->len ==
			    (r->bodies ? BODY_BYTES : MESSAGE_BYTES));
		if (e.message.has_id)
			while (net_seen(r->b.port, e.message.id) < 0)
				(void)sched_yield();
		net_release(r->b.port, e.message.buffer);
		atomic_store_explicit(&r->got, ++got, memory_order_relaxed);
		if (r->bodies || got % often == 0)
			node_wake_ring(&r->a.wake);
	}
}

struct sample {
	double cpu_ns;
	double wall_ns;
	uint64_t enters;
};

/* Both nodes' system calls; the view is published twice a second. */
static uint64_t enters_of(const struct run *r)
{
	struct net_view v[2];

	(void)nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
	net_look(&v[0], r->a.net);
	net_look(&v[1], r->b.net);
	return v[0].counter[NET_C_ENTERS] + v[1].counter[NET_C_ENTERS];
}

static struct sample run_once(uint64_t count, uint64_t window, bool bodies)
{
	static struct run r;
	struct sample s;
	pthread_t thread;
	uint64_t cpu;
	uint64_t wall;

	run_open(&r);
	r.count = count;
	r.window = window;
	r.bodies = bodies;
	s.enters = enters_of(&r);
	cpu = measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall = measure_clock_ns(CLOCK_MONOTONIC);
	BASE_ASSERT(pthread_create(&thread, NULL, sender, &r) == 0);
	receive_all(&r);
	(void)pthread_join(thread, NULL);
	s.cpu_ns = (double)(measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	s.wall_ns = (double)(measure_clock_ns(CLOCK_MONOTONIC) - wall);
	s.enters = enters_of(&r) - s.enters;
	run_close(&r);
	return s;
}

/* ---- the report ---- */

enum figure {
	MESSAGES_PER_CPU_S,
	MESSAGES_PER_S,
	MESSAGES_PER_ENTER,
	BODY_MB_PER_CPU_S,
	BODY_MB_PER_S,
	BLOCKING_MB_PER_CPU_S,
	BLOCKING_MB_PER_S,
	CPU_RATIO,
	WALL_RATIO,
	FIGURES
};

static const struct {
	const char *key;
	const char *text;
} figure[FIGURES] = {
	[MESSAGES_PER_CPU_S] = {"messages_per_cpu_s",
				"messages a CPU second, all threads"},
	[MESSAGES_PER_S] = {"messages_per_s", "messages a second"},
	[MESSAGES_PER_ENTER] = {"messages_per_enter",
				"messages an io_uring_enter, both nodes"},
	[BODY_MB_PER_CPU_S] = {"body_mb_per_cpu_s", "bodies, MB a CPU second"},
	[BODY_MB_PER_S] = {"body_mb_per_s", "bodies, MB a second"},
	[BLOCKING_MB_PER_CPU_S] = {"blocking_mb_per_cpu_s",
				   "blocking sockets, MB a CPU second"},
	[BLOCKING_MB_PER_S] = {"blocking_mb_per_s",
			       "blocking sockets, MB a second"},
	[CPU_RATIO] = {"cpu_ratio", "bodies / blocking sockets, CPU time"},
	[WALL_RATIO] = {"wall_ratio", "bodies / blocking sockets, wall clock"},
};

static double value[FIGURES][ROUNDS_MAX];

static void measure(const struct options *o)
{
	double bytes = (double)o->bodies * BODY_BYTES;

	for (unsigned i = 0; i < o->rounds; i++) {
		struct sample m = run_once(o->messages, o->window, false);
		struct sample b = run_once(o->bodies, BODIES, true);
		struct blocking_sample t = blocking_run(o->bodies, BODY_BYTES);
		double n = (double)o->messages;

		value[MESSAGES_PER_CPU_S][i] = n * 1e9 / m.cpu_ns;
		value[MESSAGES_PER_S][i] = n * 1e9 / m.wall_ns;
		value[MESSAGES_PER_ENTER][i] = n / (double)m.enters;
		value[BODY_MB_PER_CPU_S][i] = bytes * 1e3 / b.cpu_ns;
		value[BODY_MB_PER_S][i] = bytes * 1e3 / b.wall_ns;
		value[BLOCKING_MB_PER_CPU_S][i] = bytes * 1e3 / t.cpu_ns;
		value[BLOCKING_MB_PER_S][i] = bytes * 1e3 / t.wall_ns;
		value[CPU_RATIO][i] = t.cpu_ns / b.cpu_ns;
		value[WALL_RATIO][i] = t.wall_ns / b.wall_ns;
	}
}

static void print(const struct options *o, const char *machine)
{
	printf("%s\n%u rounds of %llu messages of %u bytes, and %llu bodies of "
	       "1 MiB; %s\n%-40s %12s %12s %12s\n",
	       machine, o->rounds, (unsigned long long)o->messages,
	       MESSAGE_BYTES, (unsigned long long)o->bodies, blocking_cipher(),
	       "", "min", "median", "max");
	for (int f = 0; f < FIGURES; f++) {
		double median = measure_median(value[f], o->rounds);

		printf("%-40s %12.2f %12.2f %12.2f\n", figure[f].text,
		       value[f][0], median, value[f][o->rounds - 1]);
	}
}

static int print_json(const struct options *o, const char *machine)
{
	json_t *root = json_pack("{s:s, s:s, s:i, s:s}", "bench", "gossip",
				 "machine", machine, "rounds", (int)o->rounds,
				 "cipher", blocking_cipher());

	for (int f = 0; f < FIGURES; f++) {
		double median = measure_median(value[f], o->rounds);

		(void)json_object_set_new(root, figure[f].key,
					  json_pack("{s:f, s:f, s:f}", "min",
						    value[f][0], "median",
						    median, "max",
						    value[f][o->rounds - 1]));
	}
	if (json_dumpf(root, stdout, JSON_REAL_PRECISION(6)) < 0)
		return 1;
	printf("\n");
	json_decref(root);
	return 0;
}

static const char usage[] =
	"usage: gossip [options]\n"
	"Two nodes over the loopback: short messages, and bodies against "
	"OpenSSL on\nblocking sockets. CPU time is that of all threads.\n"
	"  --rounds N    3 to 101 (default 5)\n"
	"  --messages N  a round (default 400000)\n"
	"  --window N    of them on their way, 1 to 2048 (default 2048)\n"
	"  --bodies N    of 1 MiB, a round (default 500)\n"
	"  --json        one line for tools\n"
	"  --help        this text\n";

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"messages", required_argument, NULL, 'm'},
		{"bodies", required_argument, NULL, 'b'},
		{"window", required_argument, NULL, 'w'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.rounds = 5,
			    .messages = 400000,
			    .bodies = 500,
			    .window = WINDOW_MAX};
	char machine[MEASURE_MACHINE_MAX];
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'r')
			o.rounds = (unsigned)atoi(optarg);
		else if (c == 'm')
			o.messages = (uint64_t)atoll(optarg);
		else if (c == 'b')
			o.bodies = (uint64_t)atoll(optarg);
		else if (c == 'w')
			o.window = (uint64_t)atoll(optarg);
		else if (c == 'j')
			o.json = true;
		else
			return fputs(usage, c == 'h' ? stdout : stderr) < 0 ||
					       c == 'h'
				       ? 0
				       : EXIT_USAGE;
	}
	if (o.rounds < 3 || o.rounds > ROUNDS_MAX || o.messages < 1000 ||
	    o.messages > 100000000 || o.window < 1 || o.window > WINDOW_MAX ||
	    o.bodies < 10 || o.bodies > 100000) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	measure_machine(machine);
	measure(&o);
	if (o.json)
		return print_json(&o, machine);
	print(&o, machine);
	return 0;
}
