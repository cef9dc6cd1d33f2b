/* SPDX-License-Identifier: MIT */
/*
 * finality: what agreement on a block takes, by committee size and faults
 * borne: messages, bytes, signatures verified against the least that the
 * rules ask for, CPU time of the state machine, and time. bench/network.h has
 * the network; here are options and what is printed. docs/performance.md
 * derives the bounds.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"
#include "network.h"

#define EXIT_USAGE 2
#define FAULTS_KINDS 6

static const char usage[] =
	"usage: finality [options]\n"
	"Committees of real state machines under a virtual clock: for n = 4, "
	"7, 16, 32, 64\n"
	"and f = 1, 2, 5, n/3, n/2, n-1, one honest proposer a block, what a "
	"decided block\n"
	"takes. Medians over blocks, with their spread.\n"
	"  --n N          one size only, 2 to 64\n"
	"  --f F          one number of faults only, below n\n"
	"  --blocks N     a row, 2 to 1000 (default 30)\n"
	"  --seconds N    of CPU time a row, after which no new block begins\n"
	"                 (default 20; two blocks at least)\n"
	"  --real         BIP340 signatures instead of cheap ones\n"
	"  --json         one line for tools\n"
	"  --help         this text\n";

struct options {
	uint32_t n, f; /* f UINT32_MAX: all */
	uint32_t blocks;
	uint32_t seconds;
	bool real, json;
};

static int set_number(uint32_t *out, const char *name, const char *value,
		      uint32_t min, uint32_t max)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(value, &end, 10);
	if (*value >= '0' && *value <= '9' && *end == '\0' && !errno &&
	    v >= min && v <= max) {
		*out = (uint32_t)v;
		return 0;
	}
	(void)fprintf(stderr, "finality: --%s wants %u to %u, not '%s'\n%s",
		      name, min, max, value, usage);
	return -EINVAL;
}

static int set_option(struct options *o, int opt, const char *value)
{
	switch (opt) {
	case 'n':
		return set_number(&o->n, "n", value, 2, DS_MEMBERS_MAX);
	case 'f':
		return set_number(&o->f, "f", value, 0, DS_MEMBERS_MAX - 1);
	case 'b':
		return set_number(&o->blocks, "blocks", value, 2,
				  NETWORK_BLOCKS_MAX);
	case 's':
		return set_number(&o->seconds, "seconds", value, 1, 100000);
	case 'r':
		o->real = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'h':
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
		{"n", required_argument, NULL, 'n'},
		{"f", required_argument, NULL, 'f'},
		{"blocks", required_argument, NULL, 'b'},
		{"seconds", required_argument, NULL, 's'},
		{"real", no_argument, NULL, 'r'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	*o = (struct options){.f = UINT32_MAX, .blocks = 30, .seconds = 20};
	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (set_option(o, opt, optarg))
			return -EINVAL;
	if (optind == argc && (!o->n || o->f == UINT32_MAX || o->f < o->n))
		return 0;
	(void)fputs(usage, stderr);
	return -EINVAL;
}

/* Median, least and most over the blocks, of those that have a value. */
static json_t *spread(const struct network_report *r,
		      double (*field)(const struct network_block *b))
{
	static double value[NETWORK_BLOCKS_MAX];
	size_t count = 0;
	double median;

	for (uint32_t i = 0; i < r->blocks; i++) {
		value[count] = field(&r->block[i]);
		count += value[count] > 0;
	}
	if (count == 0)
		return json_null();
	median = measure_median(value, count);
	return json_pack("{s:f, s:f, s:f}", "median", median, "min", value[0],
			 "max", value[count - 1]);
}

static double rounds_messages(const struct network_block *b)
{
	return (double)b->messages[DS_PROPOSAL];
}

static double rounds_bytes(const struct network_block *b)
{
	return (double)b->bytes[DS_PROPOSAL];
}

/* Votes, certificates and HAVE. */
static double vote_messages(const struct network_block *b)
{
	return (double)(b->messages[DS_VOTE] + b->messages[DS_CERT] +
			b->messages[0]);
}

static double vote_bytes(const struct network_block *b)
{
	return (double)(b->bytes[DS_VOTE] + b->bytes[DS_CERT] + b->bytes[0]);
}

static double beat_messages(const struct network_block *b)
{
	return (double)b->messages[DS_BEAT] / b->ticks;
}

static double beat_bytes(const struct network_block *b)
{
	return (double)b->bytes[DS_BEAT] / b->ticks;
}

static double all_messages(const struct network_block *b)
{
	return rounds_messages(b) + vote_messages(b) +
	       (double)b->messages[DS_BEAT];
}

static double all_bytes(const struct network_block *b)
{
	return rounds_bytes(b) + vote_bytes(b) + (double)b->bytes[DS_BEAT];
}

static double rounds_checks(const struct network_block *b)
{
	return (double)b->checks[DS_PROPOSAL];
}

static double vote_checks(const struct network_block *b)
{
	return (double)(b->checks[DS_VOTE] + b->checks[DS_CERT]);
}

static double block_checks(const struct network_block *b)
{
	return rounds_checks(b) + vote_checks(b);
}

static double beat_checks(const struct network_block *b)
{
	return (double)b->checks[DS_BEAT] / b->ticks;
}

static double cpu_us(const struct network_block *b)
{
	return b->cpu_us;
}

static double cpu_us_a_tick(const struct network_block *b)
{
	return b->cpu_us / b->ticks;
}

static double sign_us(const struct network_block *b)
{
	return b->sign_us;
}

static double decided(const struct network_block *b)
{
	return b->decided;
}

static double final(const struct network_block *b)
{
	return b->final;
}

static double ticks(const struct network_block *b)
{
	return b->ticks;
}

static const struct {
	const char *name;
	double (*field)(const struct network_block *b);
} fields[] = {
	{"messages", all_messages},
	{"bytes", all_bytes},
	{"rounds_messages", rounds_messages},
	{"rounds_bytes", rounds_bytes},
	{"vote_messages", vote_messages},
	{"vote_bytes", vote_bytes},
	{"beat_messages_a_tick", beat_messages},
	{"beat_bytes_a_tick", beat_bytes},
	{"rounds_checks", rounds_checks},
	{"vote_checks", vote_checks},
	{"block_checks", block_checks},
	{"beat_checks_a_tick", beat_checks},
	{"cpu_us", cpu_us},
	{"cpu_us_a_tick", cpu_us_a_tick},
	{"signature_us", sign_us},
	{"decided", decided},
	{"final", final},
	{"ticks", ticks},
};

/* docs/performance.md: f for each member but the proposer in the rounds, q - 1
 * others' votes; n - f - 1 others' beats a tick. */
static double least_checks(uint32_t n, uint32_t f, bool certified)
{
	return (double)(n - 1) * (f ? f : 1) +
	       (certified ? (double)n * (n - f - 1) : 0);
}

static json_t *to_json(const struct network_report *r,
		       const struct network_options *o)
{
	json_t *row = json_pack(
		"{s:i, s:i, s:b, s:b, s:i, s:f, s:f}", "n", (int)o->n, "f",
		(int)o->f, "certified", r->certified, "real", o->real, "blocks",
		(int)r->blocks, "least_block_checks",
		least_checks(o->n, o->f, r->certified),
		"least_beat_checks_a_tick", (double)o->n * (o->n - o->f - 1));

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		(void)json_object_set_new(row, fields[i].name,
					  spread(r, fields[i].field));
	return row;
}

static double part(const json_t *row, const char *name, const char *which)
{
	return json_number_value(
		json_object_get(json_object_get(row, name), which));
}

static double median(const json_t *row, const char *name)
{
	return part(row, name, "median");
}

static double whole(const json_t *row, const char *name)
{
	return json_number_value(json_object_get(row, name));
}

static void print_head(void)
{
	char machine[MEASURE_MACHINE_MAX];

	measure_machine(machine);
	(void)printf(
		"machine  %s\n"
		"A block: messages, kB, signatures verified by all members, "
		"and "
		"that over the least;\n"
		"CPU us of one member's state machine with its spread; deltas "
		"from the tick to\n"
		"decided and final at the last member.\n\n"
		"%2s %2s %3s %9s %8s %9s %8s %8s %8s %7s %5s %9s "
		"%19s %7s %6s\n",
		machine, "n", "f", "blk", "rounds", "kB", "votes", "kB",
		"beats/t", "checks", "least", "ratio", "CPU us", "(spread)",
		"decided", "final");
}

static void print_row(const json_t *row)
{
	const double checks = median(row, "block_checks");
	const double least = whole(row, "least_block_checks");

	(void)printf("%2.0f %2.0f %3.0f %9.0f %8.0f %9.0f %8.0f %8.0f %8.0f "
		     "%7.0f %5.2f ",
		     whole(row, "n"), whole(row, "f"), whole(row, "blocks"),
		     median(row, "rounds_messages"),
		     median(row, "rounds_bytes") / 1e3,
		     median(row, "vote_messages"),
		     median(row, "vote_bytes") / 1e3,
		     median(row, "beat_messages_a_tick"), checks, least,
		     checks / least);
	if (json_is_true(json_object_get(row, "real")))
		(void)printf("%9s %20s", "-", "");
	else
		(void)printf("%9.0f (%8.0f to %7.0f)", median(row, "cpu_us"),
			     part(row, "cpu_us", "min"),
			     part(row, "cpu_us", "max"));
	(void)printf(" %7.2f %6.2f\n", median(row, "decided"),
		     median(row, "final"));
	if (json_is_true(json_object_get(row, "real")))
		(void)printf("         BIP340: %.0f us of CPU a block and "
			     "member (%.0f to %.0f)\n",
			     median(row, "signature_us"),
			     part(row, "signature_us", "min"),
			     part(row, "signature_us", "max"));
	(void)fflush(stdout);
}

static int one_row(json_t *rows, const struct options *o, uint32_t n,
		   uint32_t f)
{
	static struct network_report report;
	const struct network_options options = {.n = n,
						.f = f,
						.blocks = o->blocks,
						.cpu_ms = o->seconds * 1000,
						.real = o->real};
	json_t *row;
	int rc = network_run(&report, &options);

	if (rc) {
		(void)fprintf(stderr, "finality: no memory for n = %u\n", n);
		return rc;
	}
	row = to_json(&report, &options);
	if (!row)
		return -ENOMEM;
	if (!o->json)
		print_row(row);
	return json_array_append_new(rows, row);
}

/* The numbers of faults for @n: different ones, ascending, below n. */
static uint32_t faults_of(uint32_t out[static FAULTS_KINDS], uint32_t n)
{
	const uint32_t wanted[FAULTS_KINDS] = {1, 2, 5, n / 3, n / 2, n - 1};
	uint32_t count = 0;

	for (uint32_t f = 1; f < n; f++)
		for (uint32_t i = 0; i < FAULTS_KINDS; i++) {
			if (wanted[i] != f)
				continue;
			out[count++] = f;
			break;
		}
	return count;
}

static int all_rows(json_t *rows, const struct options *o)
{
	static const uint32_t sizes[] = {4, 7, 16, 32, 64};
	int rc = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes) && !rc; i++) {
		const uint32_t n = o->n ? o->n : sizes[i];
		uint32_t faults[FAULTS_KINDS];
		uint32_t count = faults_of(faults, n);

		if (o->f != UINT32_MAX) {
			faults[0] = o->f;
			count = o->f < n;
		}
		for (uint32_t k = 0; k < count && !rc; k++)
			rc = one_row(rows, o, n, faults[k]);
		if (o->n)
			break;
	}
	return rc;
}

int main(int argc, char **argv)
{
	char machine[MEASURE_MACHINE_MAX];
	struct options o;
	json_t *rows, *root;

	if (parse_options(&o, argc, argv))
		return EXIT_USAGE;
	rows = json_array();
	if (!rows)
		return EXIT_FAILURE;
	if (!o.json)
		print_head();
	if (all_rows(rows, &o))
		return EXIT_FAILURE;
	if (o.json) {
		measure_machine(machine);
		root = json_pack("{s:s, s:O}", "machine", machine, "rows",
				 rows);
		(void)json_dumpf(root, stdout, JSON_REAL_PRECISION(6));
		(void)putchar('\n');
		json_decref(root);
	}
	json_decref(rows);
	return EXIT_SUCCESS;
}
