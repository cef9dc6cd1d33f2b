/* SPDX-License-Identifier: MIT */
/*
 * validate: how fast blocks go the whole way, from bytes to a durable commit,
 * against the signature library itself, in CPU time. bench/path.h has the
 * way; here are options, rounds, and what is printed.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger.h"
#include "measure.h"
#include "node/verify_pool.h"
#include "path.h"

#define ROUNDS_MAX 1001
#define EXIT_USAGE 2

struct options {
	struct path_options path;
	unsigned rounds;
	uint32_t compare[2]; /* coins; 0: measure one */
	bool json;
};

/* The ways a block is measured, each once a round. */
enum way { ONE, MANY, KNOWN, WAYS };

struct series {
	double value[ROUNDS_MAX];
};

struct report {
	unsigned rounds;
	struct series library; /* verifications a CPU second */
	struct path_sample sample[WAYS][ROUNDS_MAX];
	struct series rate[WAYS]; /* transactions a CPU second */
	struct series checks;	  /* ONE's signatures a CPU second */
	struct series share;	  /* that over the library's */
	struct series scaling;	  /* MANY's rate over ONE's */
	struct series speedup;	  /* ONE's wall over MANY's */
	struct series gain;	  /* ONE's CPU time over KNOWN's */
	long rss_anon_kb;
};

static const char usage[] =
	"usage: validate [options]\n"
	"Blocks through the whole path: decoding, ids, merkle trees, coins "
	"from "
	"the store,\n"
	"sighashes, verification by threads, and the commit with its coins. "
	"Rates are per\n"
	"second of CPU time of all threads, medians over rounds; in each "
	"round, "
	"one after\n"
	"the other: the signature library alone, a block with one verify "
	"thread, one with\n"
	"--threads, and one whose transactions were verified before.\n"
	"  --threads N         verify threads, 2 to 64 (default 2)\n"
	"  --rounds N          at least 3 (default 9)\n"
	"  --coins N           unspent coins to begin with, and about as many "
	"all along,\n"
	"                      1024 to 10000000 (default 10000)\n"
	"  --coins-compare A,B both, each in a process of its own, and B's "
	"figures over A's\n"
	"  --inputs N          of each transaction (default 1)\n"
	"  --outputs N         of each transaction (default 2)\n"
	"  --txs N             transactions a block (default: what 1 MiB "
	"holds)\n"
	"  --dir DIR           where the store is made (default $TMPDIR or "
	"/tmp)\n"
	"  --json              one line for tools\n"
	"  --help              this text\n";

static int bad(const char *what, const char *value)
{
	(void)fprintf(stderr, "validate: %s '%s'\n%s", what, value, usage);
	return -EINVAL;
}

static int parse_number(uint32_t *out, const char **text, uint32_t min,
			uint32_t max)
{
	char *end;
	unsigned long long v;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(*text, &end, 10);
	if (errno || v < min || v > max)
		return -EINVAL;
	*out = (uint32_t)v;
	*text = end;
	return 0;
}

static int set_number(uint32_t *out, const char *name, const char *value,
		      uint32_t min, uint32_t max)
{
	const char *text = value;

	if (parse_number(out, &text, min, max) == 0 && *text == '\0')
		return 0;
	(void)fprintf(stderr, "validate: --%s wants %u to %u, not '%s'\n%s",
		      name, min, max, value, usage);
	return -EINVAL;
}

static int set_compare(struct options *o, const char *value)
{
	const char *text = value;

	if (parse_number(&o->compare[0], &text, PATH_COINS_MIN,
			 LEDGER_COINS_MAX) == 0 &&
	    *text++ == ',' &&
	    parse_number(&o->compare[1], &text, PATH_COINS_MIN,
			 LEDGER_COINS_MAX) == 0 &&
	    *text == '\0')
		return 0;
	return bad("--coins-compare wants A,B, 1024 to 10000000, not", value);
}

enum {
	OPT_THREADS = 1,
	OPT_ROUNDS,
	OPT_COINS,
	OPT_COMPARE,
	OPT_INPUTS,
	OPT_OUTPUTS,
	OPT_TXS,
	OPT_DIR,
	OPT_JSON,
	OPT_HELP
};

static int set_option(struct options *o, int opt, const char *value)
{
	switch (opt) {
	case OPT_THREADS:
		return set_number(&o->path.threads, "threads", value, 2,
				  NODE_VERIFY_THREADS_MAX);
	case OPT_ROUNDS:
		return set_number(&o->rounds, "rounds", value, 3, ROUNDS_MAX);
	case OPT_COINS:
		return set_number(&o->path.coins, "coins", value,
				  PATH_COINS_MIN, LEDGER_COINS_MAX);
	case OPT_COMPARE:
		return set_compare(o, value);
	case OPT_INPUTS:
		return set_number(&o->path.shape.inputs, "inputs", value, 1,
				  LEDGER_TX_INPUTS_MAX);
	case OPT_OUTPUTS:
		return set_number(&o->path.shape.outputs, "outputs", value, 1,
				  LEDGER_TX_OUTPUTS_MAX);
	case OPT_TXS:
		return set_number(&o->path.shape.txs, "txs", value, 1,
				  UINT32_MAX);
	case OPT_DIR:
		o->path.dir = value;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	default:
		(void)fputs(usage, stderr);
		return -EINVAL;
	}
}

static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"threads", required_argument, NULL, OPT_THREADS},
		{"rounds", required_argument, NULL, OPT_ROUNDS},
		{"coins", required_argument, NULL, OPT_COINS},
		{"coins-compare", required_argument, NULL, OPT_COMPARE},
		{"inputs", required_argument, NULL, OPT_INPUTS},
		{"outputs", required_argument, NULL, OPT_OUTPUTS},
		{"txs", required_argument, NULL, OPT_TXS},
		{"dir", required_argument, NULL, OPT_DIR},
		{"json", no_argument, NULL, OPT_JSON},
		{"help", no_argument, NULL, OPT_HELP},
		{NULL, 0, NULL, 0},
	};
	const char *tmp = getenv("TMPDIR");
	int opt;

	*o = (struct options){
		.path = {.dir = tmp ? tmp : "/tmp",
			 .threads = 2,
			 .coins = 10000,
			 .shape = {.inputs = 1,
				   .outputs = 2,
				   .txs = UINT32_MAX,
				   .sign = true}},
		.rounds = 9,
	};
	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (opt == OPT_HELP) {
			(void)fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		}
		if (set_option(o, opt, optarg))
			return -EINVAL;
	}
	return optind < argc ? bad("not an option:", argv[optind]) : 0;
}

static double per_second(double count, double ns)
{
	return count * 1e9 / ns;
}

static void compute(struct report *r, unsigned i)
{
	const struct path_sample *one = &r->sample[ONE][i];
	const struct path_sample *many = &r->sample[MANY][i];
	const struct path_sample *known = &r->sample[KNOWN][i];

	for (unsigned w = 0; w < WAYS; w++)
		r->rate[w].value[i] =
			per_second(r->sample[w][i].txs, r->sample[w][i].cpu_ns);
	r->checks.value[i] = per_second(one->inputs, one->cpu_ns);
	r->share.value[i] = r->checks.value[i] / r->library.value[i];
	r->scaling.value[i] = r->rate[MANY].value[i] / r->rate[ONE].value[i];
	r->speedup.value[i] = one->wall_ns / many->wall_ns;
	r->gain.value[i] = one->cpu_ns / known->cpu_ns;
}

/* One round before those that count warms the caches. */
static int measure(struct report *r, const struct options *o)
{
	struct path *path;
	int rc = path_open(&path, &o->path);

	if (rc)
		return rc;
	r->rounds = o->rounds;
	for (unsigned n = 0; n <= o->rounds && !rc; n++) {
		unsigned i = n > 0 ? n - 1 : 0;

		r->library.value[i] = path_library_rate(path);
		rc = path_block(&r->sample[ONE][i], path, 1, false);
		if (!rc)
			rc = path_block(&r->sample[MANY][i], path,
					o->path.threads, false);
		if (!rc)
			rc = path_block(&r->sample[KNOWN][i], path, 1, true);
		if (!rc)
			compute(r, i);
	}
	r->rss_anon_kb = path_rss_anon_kb(path);
	path_close(path);
	return rc;
}

static double median_of(const struct report *r, enum way w,
			double (*field)(const struct path_sample *s))
{
	double values[ROUNDS_MAX];

	for (unsigned i = 0; i < r->rounds; i++)
		values[i] = field(&r->sample[w][i]);
	return measure_median(values, r->rounds);
}

static double cpu_ms(const struct path_sample *s)
{
	return s->cpu_ns / 1e6;
}

static double execute_ms(const struct path_sample *s)
{
	return s->execute_ns / 1e6;
}

static double verify_ms(const struct path_sample *s)
{
	return (s->cpu_ns - s->execute_ns - s->append_ns) / 1e6;
}

static double append_ms(const struct path_sample *s)
{
	return s->append_ns / 1e6;
}

static double wall_ms(const struct path_sample *s)
{
	return s->wall_ns / 1e6;
}

static json_t *spread(struct series *s, unsigned rounds)
{
	double median = measure_median(s->value, rounds);

	return json_pack("{s:f, s:f, s:f}", "median", median, "min",
			 s->value[0], "max", s->value[rounds - 1]);
}

static json_t *way_json(struct report *r, enum way w, const char *name,
			unsigned threads)
{
	return json_pack(
		"{s:s, s:i, s:f, s:f, s:f, s:f, s:f, s:o}", "name", name,
		"threads", (int)threads, "cpu_ms", median_of(r, w, cpu_ms),
		"execute_ms", median_of(r, w, execute_ms), "verify_ms",
		median_of(r, w, verify_ms), "append_ms",
		median_of(r, w, append_ms), "wall_ms", median_of(r, w, wall_ms),
		"txs_per_cpu_second", spread(&r->rate[w], r->rounds));
}

/* Sorts the series: after this nothing belongs to one round any more. */
static json_t *to_json(struct report *r, const struct options *o)
{
	const struct path_sample *s = &r->sample[ONE][0];
	json_t *ways = json_array();
	char machine[MEASURE_MACHINE_MAX];

	(void)json_array_append_new(ways, way_json(r, ONE, "one", 1));
	(void)json_array_append_new(ways,
				    way_json(r, MANY, "many", o->path.threads));
	(void)json_array_append_new(ways, way_json(r, KNOWN, "known", 1));
	measure_machine(machine);
	return json_pack(
		"{s:s, s:i, s:i, s:{s:I, s:i, s:i, s:i}, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o, s:I}",
		"machine", machine, "rounds", (int)r->rounds, "coins",
		(int)o->path.coins, "block", "bytes", (json_int_t)s->bytes,
		"txs", (int)s->txs, "inputs", (int)s->inputs, "outputs",
		(int)(s->txs * o->path.shape.outputs), "library_per_cpu_second",
		spread(&r->library, r->rounds), "checks_per_cpu_second",
		spread(&r->checks, r->rounds), "ways", ways, "share",
		spread(&r->share, r->rounds), "scaling",
		spread(&r->scaling, r->rounds), "wall_speedup",
		spread(&r->speedup, r->rounds), "known_gain",
		spread(&r->gain, r->rounds), "rss_anon_kb",
		(json_int_t)r->rss_anon_kb);
}

static double number(const json_t *root, const char *name, const char *part)
{
	const json_t *value = json_object_get(root, name);

	return json_number_value(part ? json_object_get(value, part) : value);
}

static void print_ratio(const json_t *root, const char *name, const char *text)
{
	(void)printf("%-46s %6.3f  (%.3f to %.3f)\n", text,
		     number(root, name, "median"), number(root, name, "min"),
		     number(root, name, "max"));
}

static void print_text(const json_t *root)
{
	const json_t *block = json_object_get(root, "block");
	const json_t *way;
	size_t i;

	(void)printf("machine  %s\n"
		     "block    %.0f bytes, %.0f transactions, %.0f inputs, "
		     "%.0f outputs; %.0f coins\n"
		     "library  %.0f verifications a CPU second, %.2f us each\n"
		     "\n%-6s %7s %9s %9s %9s %9s %9s %9s\n",
		     json_string_value(json_object_get(root, "machine")),
		     number(block, "bytes", NULL), number(block, "txs", NULL),
		     number(block, "inputs", NULL),
		     number(block, "outputs", NULL),
		     number(root, "coins", NULL),
		     number(root, "library_per_cpu_second", "median"),
		     1e6 / number(root, "library_per_cpu_second", "median"),
		     "way", "threads", "tx/CPU s", "CPU ms", "execute",
		     "verify", "append", "wall ms");
	json_array_foreach(json_object_get(root, "ways"), i, way)(void) printf(
		"%-6s %7.0f %9.0f %9.2f %9.2f %9.2f %9.2f %9.2f\n",
		json_string_value(json_object_get(way, "name")),
		number(way, "threads", NULL),
		number(way, "txs_per_cpu_second", "median"),
		number(way, "cpu_ms", NULL), number(way, "execute_ms", NULL),
		number(way, "verify_ms", NULL), number(way, "append_ms", NULL),
		number(way, "wall_ms", NULL));
	(void)printf("\n");
	print_ratio(root, "share", "one: signatures a CPU second / library's");
	print_ratio(root, "scaling", "many / one, transactions a CPU second");
	print_ratio(root, "wall_speedup", "one / many, wall clock");
	print_ratio(root, "known_gain", "one / known, CPU time");
	(void)printf("RssAnon  %.0f kB\n", number(root, "rss_anon_kb", NULL));
}

/* This program with --json and @coins in place of --coins-compare. */
static void run_child(int fd, const struct options *o, uint32_t coins)
{
	const struct path_options *p = &o->path;
	char *args[9] = {NULL};
	int n = 0;

	n |= asprintf(&args[0], "validate");
	n |= asprintf(&args[1], "--json");
	n |= asprintf(&args[2], "--threads=%u", p->threads);
	n |= asprintf(&args[3], "--rounds=%u", o->rounds);
	n |= asprintf(&args[4], "--coins=%u", coins);
	n |= asprintf(&args[5], "--inputs=%u", p->shape.inputs);
	n |= asprintf(&args[6], "--outputs=%u", p->shape.outputs);
	n |= asprintf(&args[7], "--txs=%u", p->shape.txs);
	if (n >= 0 && setenv("TMPDIR", p->dir, 1) == 0 &&
	    dup2(fd, STDOUT_FILENO) >= 0)
		(void)execv("/proc/self/exe", args);
	_exit(EXIT_FAILURE);
}

static json_t *child_json(const struct options *o, uint32_t coins)
{
	json_t *root = NULL;
	json_error_t error;
	FILE *in = NULL;
	int fds[2];
	int status;
	pid_t child;

	if (pipe(fds) < 0)
		return NULL;
	child = fork();
	if (child == 0)
		run_child(fds[1], o, coins);
	(void)close(fds[1]);
	if (child > 0)
		in = fdopen(fds[0], "r");
	if (in)
		root = json_loadf(in, 0, &error);
	(void)(in ? fclose(in) : close(fds[0]));
	if (child > 0)
		(void)waitpid(child, &status, 0);
	return root;
}

static double way_ms(const json_t *root, size_t way, const char *name)
{
	return number(json_array_get(json_object_get(root, "ways"), way), name,
		      NULL);
}

static int compare(const struct options *o)
{
	json_t *a = child_json(o, o->compare[0]);
	json_t *b = child_json(o, o->compare[1]);
	json_t *both;
	int rc = -EIO;

	if (!a || !b) {
		(void)fprintf(stderr, "validate: a measurement failed\n");
		goto out;
	}
	/* In units of the library's time: the machine may have been faster
	 * for one of the two processes. */
	both = json_pack(
		"{s:O, s:O, s:{s:f, s:f, s:f}}", "a", a, "b", b, "ratio",
		"cpu_over_library",
		number(a, "share", "median") / number(b, "share", "median"),
		"known_cpu_ms",
		way_ms(b, KNOWN, "cpu_ms") / way_ms(a, KNOWN, "cpu_ms"),
		"rss_anon",
		number(b, "rss_anon_kb", NULL) /
			number(a, "rss_anon_kb", NULL));
	if (o->json) {
		(void)json_dumpf(both, stdout, JSON_REAL_PRECISION(6));
		(void)putchar('\n');
	} else {
		const json_t *ratio = json_object_get(both, "ratio");

		print_text(a);
		(void)printf("\n");
		print_text(b);
		(void)printf(
			"\n%u coins / %u coins\n"
			"CPU time of an unverified block %.3f (in units of "
			"the library's),\nof a known one %.3f, RssAnon "
			"%.3f\n",
			o->compare[1], o->compare[0],
			number(ratio, "cpu_over_library", NULL),
			number(ratio, "known_cpu_ms", NULL),
			number(ratio, "rss_anon", NULL));
	}
	json_decref(both);
	rc = 0;
out:
	json_decref(a);
	json_decref(b);
	return rc;
}

int main(int argc, char **argv)
{
	static struct report report;
	struct options o;
	json_t *root;

	if (parse_options(&o, argc, argv))
		return EXIT_USAGE;
	if (o.compare[0])
		return compare(&o) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (measure(&report, &o))
		return EXIT_FAILURE;
	root = to_json(&report, &o);
	if (!root)
		return EXIT_FAILURE;
	if (o.json) {
		(void)json_dumpf(root, stdout, JSON_REAL_PRECISION(6));
		(void)putchar('\n');
	} else {
		print_text(root);
	}
	json_decref(root);
	return EXIT_SUCCESS;
}
