/* SPDX-License-Identifier: MIT */
/*
 * headers: how fast each kernel hashes block headers and merkle trees, whole
 * messages as they come, against OpenSSL hashing them one by one.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/prng.h"
#include "chain/merkle.h"
#include "measure.h"
#include "pow/bulk.h"

#define SLICES_MIN 9
#define SLICE_MS 30
#define HEADERS 2048u
#define LEAVES 4096u
#define ROWS_MAX (POW_BULK_MAX + 1)
#define EXIT_USAGE 2

struct options {
	unsigned slices;
	bool json;
	bool with_sha;
};

struct row {
	const struct pow_bulk *way;	    /* NULL: what the program chooses */
	double headers[MEASURE_SLICES_MAX]; /* a CPU second */
	double header_ratio[MEASURE_SLICES_MAX]; /* to OpenSSL */
	double nodes[MEASURE_SLICES_MAX];	 /* a CPU second */
	double merkle_ratio[MEASURE_SLICES_MAX]; /* to OpenSSL */
};

struct report {
	char machine[MEASURE_MACHINE_MAX];
	unsigned row_count;
	struct row rows[ROWS_MAX];
	double openssl_headers;
	double openssl_nodes;
};

static const char usage[] =
	"usage: headers [options]\n"
	"Headers of 80 bytes, and nodes of merkle trees of 4,096 leaves, "
	"hashed "
	"a second\n"
	"of CPU time by each kernel, and the ratio to OpenSSL hashing one "
	"after "
	"the other\n"
	"in the same run: alternating slices, medians.\n"
	"  --slices N              slices of each, at least 9 (default 9)\n"
	"  --json                  one line for tools\n"
	"  --baseline-without-sha  OpenSSL may not use the CPU's SHA "
	"extensions (default)\n"
	"  --baseline-with-sha     OpenSSL as it comes\n"
	"  --help                  this text\n";

static uint8_t header[HEADERS * POW_HEADER_SIZE];
static struct base_hash leaf[LEAVES];
static struct base_hash out[LEAVES];

static void openssl_double(struct base_hash *to, const void *data, size_t len)
{
	uint8_t once[SHA256_DIGEST_LENGTH];

	SHA256(data, len, once);
	SHA256(once, sizeof(once), to->b);
}

static void openssl_headers(const struct pow_bulk *way)
{
	(void)way;
	for (size_t i = 0; i < HEADERS; i++)
		openssl_double(&out[i], header + i * POW_HEADER_SIZE,
			       POW_HEADER_SIZE);
}

static void openssl_merkle(const struct pow_bulk *way)
{
	(void)way;
	memcpy(out, leaf, sizeof(out));
	for (size_t n = LEAVES / 2; n > 0; n /= 2)
		for (size_t i = 0; i < n; i++)
			openssl_double(&out[i], &out[2 * i], 2 * sizeof(*out));
}

static void way_headers(const struct pow_bulk *way)
{
	if (way)
		way->headers(out, header, POW_HEADER_SIZE, HEADERS);
	else
		pow_bulk_headers(out, header, POW_HEADER_SIZE, HEADERS);
}

static void way_merkle(const struct pow_bulk *way)
{
	struct base_hash root;
	bool mutated;

	memcpy(out, leaf, sizeof(out));
	if (!way) {
		chain_merkle_root(&root, &mutated, out, LEAVES);
		return;
	}
	for (size_t n = LEAVES / 2; n > 0; n /= 2)
		way->pairs(out, out, n);
}

/* Messages a CPU second: @run hashes @count. */
static double slice(void (*run)(const struct pow_bulk *way),
		    const struct pow_bulk *way, unsigned count)
{
	struct measure_slice s = {0, 0};
	uint64_t start = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	do {
		run(way);
		s.hashes += count;
		s.cpu_ns = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	} while (s.cpu_ns < SLICE_MS * UINT64_C(1000000));
	return measure_rate(&s);
}

static void choose_rows(struct report *r)
{
	size_t count;
	const struct pow_bulk *table = pow_bulk_table(&count);

	for (size_t i = 0; i < count; i++)
		if (table[i].supported())
			r->rows[r->row_count++].way = &table[i];
	r->rows[r->row_count++].way = NULL;
}

/* Every slice of a kernel follows one of OpenSSL. */
static int measure_rows(struct report *r, unsigned slices)
{
	size_t all = (size_t)slices * r->row_count;
	double *headers = calloc(all, sizeof(*headers));
	double *nodes = calloc(all, sizeof(*nodes));
	size_t n = 0;

	if (!headers || !nodes) {
		free(headers);
		free(nodes);
		return -ENOMEM;
	}
	for (unsigned s = 0; s < slices; s++) {
		for (unsigned i = 0; i < r->row_count; i++, n++) {
			struct row *row = &r->rows[i];

			headers[n] = slice(openssl_headers, NULL, HEADERS);
			row->headers[s] = slice(way_headers, row->way, HEADERS);
			row->header_ratio[s] = row->headers[s] / headers[n];
			nodes[n] = slice(openssl_merkle, NULL, LEAVES - 1);
			row->nodes[s] = slice(way_merkle, row->way, LEAVES - 1);
			row->merkle_ratio[s] = row->nodes[s] / nodes[n];
		}
	}
	r->openssl_headers = measure_median(headers, n);
	r->openssl_nodes = measure_median(nodes, n);
	free(headers);
	free(nodes);
	return 0;
}

static void sort_rows(struct report *r, unsigned slices)
{
	for (unsigned i = 0; i < r->row_count; i++) {
		struct row *row = &r->rows[i];

		row->headers[0] = measure_median(row->headers, slices);
		(void)measure_median(row->header_ratio, slices);
		row->nodes[0] = measure_median(row->nodes, slices);
		(void)measure_median(row->merkle_ratio, slices);
	}
}

static const char *row_name(const struct row *row)
{
	return row->way ? row->way->name : "chosen";
}

static int print_json(const struct report *r, unsigned slices)
{
	json_t *rows = json_array();
	json_t *root;
	int rc;

	for (unsigned i = 0; i < r->row_count; i++) {
		const struct row *row = &r->rows[i];

		(void)json_array_append_new(
			rows, json_pack("{s:s, s:f, s:f, s:f, s:f}", "name",
					row_name(row), "headers_per_second",
					row->headers[0], "headers_ratio",
					row->header_ratio[slices / 2],
					"nodes_per_second", row->nodes[0],
					"merkle_ratio",
					row->merkle_ratio[slices / 2]));
	}
	root = json_pack("{s:s, s:i, s:f, s:f, s:o}", "machine", r->machine,
			 "slices", (int)slices, "openssl_headers_per_second",
			 r->openssl_headers, "openssl_nodes_per_second",
			 r->openssl_nodes, "ways", rows);
	rc = root && json_dumpf(root, stdout, JSON_REAL_PRECISION(6)) == 0
		     ? EXIT_SUCCESS
		     : EXIT_FAILURE;
	(void)putchar('\n');
	json_decref(root);
	return rc;
}

static void print_table(const struct report *r, unsigned slices)
{
	(void)printf("machine  %s\n"
		     "openssl  %.3f million headers, %.3f million merkle nodes "
		     "a CPU second\n\n"
		     "%-8s %9s %7s %15s %9s %7s %15s\n",
		     r->machine, r->openssl_headers / 1e6,
		     r->openssl_nodes / 1e6, "kernel", "Mheaders", "ratio",
		     "min..max", "Mnodes", "ratio", "min..max");
	for (unsigned i = 0; i < r->row_count; i++) {
		const struct row *row = &r->rows[i];

		(void)printf(
			"%-8s %9.3f %7.2f %6.2f ..%6.2f %10.3f %7.2f "
			"%6.2f ..%6.2f\n",
			row_name(row), row->headers[0] / 1e6,
			row->header_ratio[slices / 2], row->header_ratio[0],
			row->header_ratio[slices - 1], row->nodes[0] / 1e6,
			row->merkle_ratio[slices / 2], row->merkle_ratio[0],
			row->merkle_ratio[slices - 1]);
	}
}

static int bad(const char *what, const char *value)
{
	(void)fprintf(stderr, "headers: %s '%s'\n%s", what, value, usage);
	return -EINVAL;
}

static int parse_slices(unsigned *slices, const char *text)
{
	char *end;
	unsigned long v;

	if (*text < '0' || *text > '9')
		return bad("--slices wants 9 to 1001, not", text);
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v < SLICES_MIN || v > MEASURE_SLICES_MAX)
		return bad("--slices wants 9 to 1001, not", text);
	*slices = (unsigned)v;
	return 0;
}

enum { OPT_SLICES = 1, OPT_JSON, OPT_WITHOUT_SHA, OPT_WITH_SHA, OPT_HELP };

static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"slices", required_argument, NULL, OPT_SLICES},
		{"json", no_argument, NULL, OPT_JSON},
		{"baseline-without-sha", no_argument, NULL, OPT_WITHOUT_SHA},
		{"baseline-with-sha", no_argument, NULL, OPT_WITH_SHA},
		{"help", no_argument, NULL, OPT_HELP},
		{NULL, 0, NULL, 0},
	};
	int opt;

	*o = (struct options){.slices = SLICES_MIN};
	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (opt) {
		case OPT_SLICES:
			if (parse_slices(&o->slices, optarg))
				return -EINVAL;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_WITHOUT_SHA:
		case OPT_WITH_SHA:
			o->with_sha = opt == OPT_WITH_SHA;
			break;
		case OPT_HELP:
			(void)fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			(void)fputs(usage, stderr);
			return -EINVAL;
		}
	}
	return optind < argc ? bad("not an option:", argv[optind]) : 0;
}

int main(int argc, char **argv)
{
	static struct report report;
	struct base_prng p = base_prng_init(1);
	struct options o;

	if (parse_options(&o, argc, argv))
		return EXIT_USAGE;
	if (measure_settle_baseline(o.with_sha, argv)) {
		(void)fprintf(stderr, "headers: cannot start again: %s\n",
			      strerror(errno));
		return EXIT_FAILURE;
	}
	base_prng_fill(&p, header, sizeof(header));
	base_prng_fill(&p, (uint8_t *)leaf, sizeof(leaf));
	measure_machine(report.machine);
	choose_rows(&report);
	if (measure_rows(&report, o.slices))
		return EXIT_FAILURE;
	sort_rows(&report, o.slices);
	if (o.json)
		return print_json(&report, o.slices);
	print_table(&report, o.slices);
	return EXIT_SUCCESS;
}
