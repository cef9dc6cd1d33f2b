/* SPDX-License-Identifier: MIT */
/*
 * sync: how fast a node that comes late follows: a light node's headers and
 * certificates, a full node's blocks.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/committee.h"
#include "follow.h"
#include "measure.h"
#include "node/verify_pool.h"
#include "path.h"

#define ROUNDS_MAX 101
#define EXIT_USAGE 2

struct options {
	struct follow_options follow;
	struct path_options path;
	uint32_t rounds;
	uint32_t blocks; /* 0: no full part */
	bool json;
};

static const char usage[] =
	"usage: sync [options]\n"
	"Headers a second of CPU time of one thread: hashed, linked, judged by "
	"difficulty,\n"
	"proof of work and time, certificates verified. Then full blocks of "
	"signed\n"
	"transactions: executed, signatures verified, stored durably; what "
	"takes the time\n"
	"by the wall clock. Medians.\n"
	"  --headers N    of the chain (default 1000000)\n"
	"  --every N      headers a certificate (default 2000)\n"
	"  --members N    of the committee (default 7)\n"
	"  --faults N     that may be faulty (default 2)\n"
	"  --rounds N     passes over the headers (default 5)\n"
	"  --blocks N     full blocks (default 15; 0: none)\n"
	"  --coins N      before them (default 10000)\n"
	"  --threads N    verify signatures (default 2)\n"
	"  --dir DIR      for the store (default /tmp)\n"
	"  --json         one line for tools\n"
	"  --help         this text\n";

static int bad(const char *what, const char *value)
{
	(void)fprintf(stderr, "sync: %s '%s'\n%s", what, value, usage);
	return -EINVAL;
}

static int number(uint32_t *out, const char *text, uint32_t min, uint32_t max)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return bad("not a number:", text);
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v < min || v > max)
		return bad("out of range:", text);
	*out = (uint32_t)v;
	return 0;
}

enum {
	OPT_HEADERS = 1,
	OPT_EVERY,
	OPT_MEMBERS,
	OPT_FAULTS,
	OPT_ROUNDS,
	OPT_BLOCKS,
	OPT_COINS,
	OPT_THREADS,
	OPT_DIR,
	OPT_JSON,
	OPT_HELP
};

static int set_option(struct options *o, int opt, const char *value)
{
	switch (opt) {
	case OPT_HEADERS:
		return number(&o->follow.headers, value, 1, FOLLOW_HEADERS_MAX);
	case OPT_EVERY:
		return number(&o->follow.every, value, 1, FOLLOW_HEADERS_MAX);
	case OPT_MEMBERS:
		return number(&o->follow.members, value, 1, DS_MEMBERS_MAX);
	case OPT_FAULTS:
		return number(&o->follow.faults, value, 0, DS_MEMBERS_MAX / 2);
	case OPT_ROUNDS:
		return number(&o->rounds, value, 1, ROUNDS_MAX);
	case OPT_BLOCKS:
		return number(&o->blocks, value, 0, ROUNDS_MAX);
	case OPT_COINS:
		return number(&o->path.coins, value, PATH_COINS_MIN,
			      LEDGER_COINS_MAX);
	case OPT_THREADS:
		return number(&o->path.threads, value, 1,
			      NODE_VERIFY_THREADS_MAX);
	case OPT_DIR:
		o->path.dir = value;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_HELP:
		(void)fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	default:
		(void)fputs(usage, stderr);
		return -EINVAL;
	}
}

static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"headers", required_argument, NULL, OPT_HEADERS},
		{"every", required_argument, NULL, OPT_EVERY},
		{"members", required_argument, NULL, OPT_MEMBERS},
		{"faults", required_argument, NULL, OPT_FAULTS},
		{"rounds", required_argument, NULL, OPT_ROUNDS},
		{"blocks", required_argument, NULL, OPT_BLOCKS},
		{"coins", required_argument, NULL, OPT_COINS},
		{"threads", required_argument, NULL, OPT_THREADS},
		{"dir", required_argument, NULL, OPT_DIR},
		{"json", no_argument, NULL, OPT_JSON},
		{"help", no_argument, NULL, OPT_HELP},
		{NULL, 0, NULL, 0},
	};
	int opt;

	*o = (struct options){
		.follow = {.headers = 1000000,
			   .every = 2000,
			   .members = 7,
			   .faults = 2},
		.path = {.dir = "/tmp",
			 .threads = 2,
			 .coins = 10000,
			 .shape = {.inputs = 1,
				   .outputs = 2,
				   .txs = UINT32_MAX,
				   .sign = true}},
		.rounds = 5,
		.blocks = 15,
	};
	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (set_option(o, opt, optarg))
			return -EINVAL;
	if (o->follow.members < 2 * o->follow.faults + 1)
		return bad("--faults leaves no certificates with --members",
			   "");
	return optind < argc ? bad("not an option:", argv[optind]) : 0;
}

struct series {
	double value[ROUNDS_MAX];
};

static json_t *spread(struct series *s, uint32_t count)
{
	double median = measure_median(s->value, count);

	return json_pack("{s:f, s:f, s:f}", "min", s->value[0], "median",
			 median, "max", s->value[count - 1]);
}

static json_t *light_part(const struct options *o)
{
	static struct series rate, share;
	struct follow *f = follow_create(&o->follow);

	if (!f) {
		(void)fprintf(stderr, "sync: no memory for the headers\n");
		return NULL;
	}
	for (uint32_t i = 0; i < o->rounds; i++) {
		double certs;
		double all = follow_run(f, &certs);

		rate.value[i] = o->follow.headers * 1e9 / all;
		share.value[i] = certs / all;
	}
	follow_free(f);
	return json_pack("{s:i, s:i, s:i, s:i, s:o, s:o}", "headers",
			 (int)o->follow.headers, "every", (int)o->follow.every,
			 "members", (int)o->follow.members, "faults",
			 (int)o->follow.faults, "headers_per_cpu_second",
			 spread(&rate, o->rounds), "certificates_share",
			 spread(&share, o->rounds));
}

static json_t *full_part(const struct options *o)
{
	static struct series tx, wall, cpu, execute, verify, append;
	struct path_sample s = {0};
	struct path *p;
	int rc = path_open(&p, &o->path);

	if (rc)
		return NULL;
	for (uint32_t i = 0; i < o->blocks && !rc; i++) {
		rc = path_block(&s, p, o->path.threads, false);
		tx.value[i] = s.txs * 1e9 / s.wall_ns;
		wall.value[i] = s.wall_ns / 1e6;
		cpu.value[i] = s.cpu_ns / 1e6;
		execute.value[i] = s.execute_wall_ns / 1e6;
		verify.value[i] = s.verify_wall_ns / 1e6;
		append.value[i] = s.append_wall_ns / 1e6;
	}
	path_close(p);
	if (rc)
		return NULL;
	return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "threads", (int)o->path.threads, "transactions",
			 (int)s.txs, "bytes", (int)s.bytes,
			 "transactions_per_second", spread(&tx, o->blocks),
			 "wall_ms", spread(&wall, o->blocks), "cpu_ms",
			 spread(&cpu, o->blocks), "execute_ms",
			 spread(&execute, o->blocks), "verify_ms",
			 spread(&verify, o->blocks), "append_ms",
			 spread(&append, o->blocks));
}

static double part(const json_t *row, const char *name, const char *which)
{
	return json_real_value(
		json_object_get(json_object_get(row, name), which));
}

static void print_series(const json_t *row, const char *name, const char *text)
{
	(void)printf("  %-34s %12.3f  (%.3f to %.3f)\n", text,
		     part(row, name, "median"), part(row, name, "min"),
		     part(row, name, "max"));
}

static void print_light(const json_t *row, const struct options *o)
{
	(void)printf("light: %u headers, a certificate of %u members every "
		     "%u\n",
		     o->follow.headers, o->follow.members - o->follow.faults,
		     o->follow.every);
	print_series(row, "headers_per_cpu_second", "headers a CPU second");
	print_series(row, "certificates_share", "of it for certificates");
}

static void print_full(const json_t *row, const struct options *o)
{
	const double verify = part(row, "verify_ms", "median") +
			      part(row, "execute_ms", "median");
	const double append = part(row, "append_ms", "median");

	(void)printf("full: blocks of %lld transactions, %u verify threads\n",
		     (long long)json_integer_value(
			     json_object_get(row, "transactions")),
		     o->path.threads);
	print_series(row, "transactions_per_second", "transactions a second");
	print_series(row, "wall_ms", "a block, ms by the wall clock");
	print_series(row, "execute_ms", "  executed");
	print_series(row, "verify_ms", "  signatures");
	print_series(row, "append_ms", "  stored durably");
	print_series(row, "cpu_ms", "a block, ms of CPU time");
	(void)printf("bound by %s: %.1f ms of verification, %.1f ms of disk\n",
		     verify > append ? "verification" : "the disk", verify,
		     append);
}

int main(int argc, char **argv)
{
	char machine[MEASURE_MACHINE_MAX];
	struct options o;
	json_t *root, *light, *full = NULL;

	if (parse_options(&o, argc, argv))
		return EXIT_USAGE;
	light = light_part(&o);
	if (light && o.blocks > 0)
		full = full_part(&o);
	if (!light || (o.blocks > 0 && !full))
		return EXIT_FAILURE;
	measure_machine(machine);
	root = json_pack("{s:s, s:o, s:o*}", "machine", machine, "light", light,
			 "full", full);
	if (!root)
		return EXIT_FAILURE;
	if (o.json) {
		(void)json_dumpf(root, stdout, JSON_REAL_PRECISION(6));
		(void)putchar('\n');
	} else {
		(void)printf("machine %s\n", machine);
		print_light(light, &o);
		if (full)
			print_full(full, &o);
	}
	json_decref(root);
	return EXIT_SUCCESS;
}
