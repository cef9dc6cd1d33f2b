/* SPDX-License-Identifier: MIT */
/*
 * ring: what an element costs on its way through the rings between threads,
 * against the same ring behind a mutex.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/ring.h"
#include "measure.h"

#define DEPTH 1024u
#define ELEM_BYTES 64u
#define BATCH 64u
#define ROUNDS_MAX 1001
#define EXIT_USAGE 2

enum kind { SPSC, MPSC, MUTEX, KINDS };

static const char *const kind_name[KINDS] = {"spsc", "mpsc", "mutex"};

struct ring {
	enum kind kind;
	struct base_ring_spsc spsc; /* MUTEX uses it, too */
	struct base_ring_mpsc mpsc;
	pthread_mutex_t lock;
	void *memory;
};

struct elem {
	uint64_t word[ELEM_BYTES / 8];
};

static void ring_open(struct ring *r, enum kind kind)
{
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->memory = malloc(base_ring_bytes_mpsc(DEPTH, ELEM_BYTES));
	BASE_ASSERT(r->memory);
	if (kind == MPSC)
		base_ring_init_mpsc(&r->mpsc, r->memory, DEPTH, ELEM_BYTES);
	else
		base_ring_init_spsc(&r->spsc, r->memory, DEPTH, ELEM_BYTES);
	BASE_ASSERT(pthread_mutex_init(&r->lock, NULL) == 0);
}

static void ring_close(struct ring *r)
{
	(void)pthread_mutex_destroy(&r->lock);
	free(r->memory);
}

static bool push(struct ring *r, const struct elem *e)
{
	bool ok;

	if (r->kind == SPSC)
		return base_ring_push_spsc(&r->spsc, e);
	if (r->kind == MPSC)
		return base_ring_push_mpsc(&r->mpsc, e);
	(void)pthread_mutex_lock(&r->lock);
	ok = base_ring_push_spsc(&r->spsc, e);
	(void)pthread_mutex_unlock(&r->lock);
	return ok;
}

static bool pop(struct ring *r, struct elem *e)
{
	bool ok;

	if (r->kind == SPSC)
		return base_ring_pop_spsc(&r->spsc, e);
	if (r->kind == MPSC)
		return base_ring_pop_mpsc(&r->mpsc, e);
	(void)pthread_mutex_lock(&r->lock);
	ok = base_ring_pop_spsc(&r->spsc, e);
	(void)pthread_mutex_unlock(&r->lock);
	return ok;
}

/* In and out by one thread: CPU nanoseconds an element. */
static double alone(enum kind kind, uint64_t count)
{
	struct elem e = {{0}};
	struct ring r;
	uint64_t start;
	uint64_t sum = 0;
	double ns;

	ring_open(&r, kind);
	start = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	for (uint64_t i = 0; i < count; i += BATCH) {
		for (uint64_t k = 0; k < BATCH; k++) {
			e.word[0] = i + k;
			BASE_ASSERT(push(&r, &e));
		}
		for (uint64_t k = 0; k < BATCH; k++) {
			BASE_ASSERT(pop(&r, &e));
			sum += e.word[0];
		}
	}
	ns = (double)(measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start);
	BASE_ASSERT(sum == count * (count - 1) / 2);
	ring_close(&r);
	return ns / (double)count;
}

struct pusher {
	struct ring *ring;
	uint64_t count;
};

static void *push_all(void *arg)
{
	struct pusher *p = arg;
	struct elem e = {{0}};

	for (uint64_t i = 0; i < p->count; i++) {
		e.word[0] = i;
		while (!push(p->ring, &e))
			(void)sched_yield();
	}
	return NULL;
}

/* From one thread to another: CPU nanoseconds of both an element. */
static double across(enum kind kind, uint64_t count)
{
	struct ring r;
	struct pusher p = {.ring = &r, .count = count};
	struct elem e;
	pthread_t thread;
	uint64_t start;
	uint64_t sum = 0;
	double ns;

	ring_open(&r, kind);
	start = measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	BASE_ASSERT(pthread_create(&thread, NULL, push_all, &p) == 0);
	for (uint64_t i = 0; i < count;) {
		if (!pop(&r, &e)) {
			(void)sched_yield();
			continue;
		}
		sum += e.word[0];
		i++;
	}
	(void)pthread_join(thread, NULL);
	ns = (double)(measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start);
	BASE_ASSERT(sum == count * (count - 1) / 2);
	ring_close(&r);
	return ns / (double)count;
}

enum way { ALONE, ACROSS, WAYS };

static const char *const way_name[WAYS] = {"one thread", "two threads"};
static const char *const way_key[WAYS] = {"one", "two"};

static double value[WAYS][KINDS][ROUNDS_MAX];
static double ratio[WAYS][KINDS][ROUNDS_MAX];

struct options {
	unsigned rounds;
	uint64_t count;
	bool json;
};

static void measure(const struct options *o)
{
	for (unsigned i = 0; i < o->rounds; i++)
		for (int k = 0; k < KINDS; k++) {
			value[ALONE][k][i] = alone((enum kind)k, o->count);
			value[ACROSS][k][i] = across((enum kind)k, o->count);
		}
	for (int w = 0; w < WAYS; w++)
		for (int k = 0; k < KINDS; k++)
			for (unsigned i = 0; i < o->rounds; i++)
				ratio[w][k][i] =
					value[w][k][i] / value[w][MUTEX][i];
}

static void print(const struct options *o, const char *machine)
{
	printf("%s\n%u rounds of %llu elements of %u bytes; CPU ns an element, "
	       "min/median/max, and its\nratio to the same ring behind a mutex "
	       "in the same round\n",
	       machine, o->rounds, (unsigned long long)o->count, ELEM_BYTES);
	for (int w = 0; w < WAYS; w++)
		for (int k = 0; k < KINDS; k++) {
			double *v = value[w][k];
			double median = measure_median(v, o->rounds);
			double against = measure_median(ratio[w][k], o->rounds);

			printf("%-11s %-5s %7.1f %7.1f %7.1f  %5.2f\n",
			       way_name[w], kind_name[k], v[0], median,
			       v[o->rounds - 1], against);
		}
}

static int print_json(const struct options *o, const char *machine)
{
	json_t *root = json_pack("{s:s, s:s, s:i}", "bench", "ring", "machine",
				 machine, "rounds", (int)o->rounds);

	for (int w = 0; w < WAYS; w++)
		for (int k = 0; k < KINDS; k++) {
			double *v = value[w][k];
			double median = measure_median(v, o->rounds);
			char name[32];

			(void)snprintf(name, sizeof(name), "%s_%s",
				       kind_name[k], way_key[w]);
			(void)json_object_set_new(
				root, name,
				json_pack("{s:f, s:f, s:f, s:f}", "min", v[0],
					  "median", median, "max",
					  v[o->rounds - 1], "ratio",
					  measure_median(ratio[w][k],
							 o->rounds)));
		}
	if (json_dumpf(root, stdout, JSON_REAL_PRECISION(5)) < 0)
		return 1;
	printf("\n");
	json_decref(root);
	return 0;
}

static const char usage[] =
	"usage: ring [options]\n"
	"What an element costs in the rings between threads (base/ring.h).\n"
	"  --rounds N    3 to 1001 (default 9)\n"
	"  --count N     elements a round, in thousands (default 1000)\n"
	"  --json        one line for tools\n"
	"  --help        this text\n";

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"count", required_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.rounds = 9, .count = 1000};
	char machine[MEASURE_MACHINE_MAX];
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'r')
			o.rounds = (unsigned)atoi(optarg);
		else if (c == 'c')
			o.count = (uint64_t)atoll(optarg);
		else if (c == 'j')
			o.json = true;
		else
			return fputs(usage, c == 'h' ? stdout : stderr) < 0 ||
					       c == 'h'
				       ? 0
				       : EXIT_USAGE;
	}
	if (o.rounds < 3 || o.rounds > ROUNDS_MAX || o.count < 1 ||
	    o.count > 1000000) {
		(void)fputs(usage, stderr);
		return EXIT_USAGE;
	}
	o.count *= 1024; /* whole batches */
	measure_machine(machine);
	measure(&o);
	if (o.json)
		return print_json(&o, machine);
	print(&o, machine);
	return 0;
}
