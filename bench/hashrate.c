/* SPDX-License-Identifier: MIT */
/*
 * hashrate: how fast each kernel is, against OpenSSL, the execution ports,
 * and itself on several threads; or a search of one given header.
 */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "measure.h"
#include "port_model.h"
#include "pow/cpu.h"
#include "pow/pool_load.h"
#include "pow/target.h"

#define SLICES_MIN 9
#define SLICE_MS 50
#define SCALING_MS 200
#define ROWS_MAX (2 * (POW_BACKENDS_MAX + 1))
#define EXIT_USAGE 2

struct options {
	const char *backend; /* NULL: all */
	unsigned slices;
	unsigned threads_first; /* 0: no scaling */
	unsigned threads_last;
	bool json;
	bool with_sha;
	const char *header; /* NULL: measure */
	uint64_t nonce_start;
	uint64_t count; /* 0: up to the last nonce */
};

struct row {
	const struct minerd_pow_backend *backend;
	uint32_t rolling; /* midstates per job */
	double hps[MEASURE_SLICES_MAX];
	double ratio[MEASURE_SLICES_MAX];
};

struct scaling {
	unsigned threads;
	double hps;
	double efficiency;
};

struct report {
	char machine[MEASURE_MACHINE_MAX];
	char baseline[64];
	double baseline_hps;
	double tsc_hz;
	double core_per_tsc;
	unsigned row_count;
	struct row rows[ROWS_MAX];
	unsigned scaling_count;
	struct scaling scaling[MEASURE_THREADS_MAX];
};

static const char usage[] =
	"usage: hashrate [options]\n"
	"Hashes per second of CPU time of each kernel, and the ratio to "
	"OpenSSL's\n"
	"one-block SHA256_Transform doing the same two compressions in the "
	"same run:\n"
	"alternating slices, medians.\n"
	"  --backend NAME|./x.so   only this kernel (default: all this CPU "
	"supports)\n"
	"  --slices N              slices of each, at least 9 (default 9)\n"
	"  --threads N | A..B      also hashes per CPU second of N threads "
	"against\n"
	"                          N processes of one thread each, "
	"alternating\n"
	"  --json                  one line for tools\n"
	"  --baseline-without-sha  OpenSSL may not use the CPU's SHA "
	"extensions: figures\n"
	"                          of all machines are on one scale (default)\n"
	"  --baseline-with-sha     OpenSSL as it comes\n"
	"  --header HEX160         search this 80-byte header, no version "
	"rolling,\n"
	"                          against its own bits; print \"nonce N hash "
	"HEX\"\n"
	"  --nonce-start N         first nonce (default 0)\n"
	"  --count N               how many nonces (default: up to the last)\n"
	"  --help                  this text\n";

static int bad(const char *what, const char *value)
{
	(void)fprintf(stderr, "hashrate: %s '%s'\n%s", what, value, usage);
	return -EINVAL;
}

/* @text as a decimal number in @min..@max. */
static int parse_number(uint64_t *out, const char *text, uint64_t min,
			uint64_t max)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno || *end || v < min || v > max)
		return -EINVAL;
	*out = v;
	return 0;
}

/* "N" is N..N. */
static int parse_threads(struct options *o, const char *text)
{
	char first[16];
	const char *dots = strstr(text, "..");
	size_t len = dots ? (size_t)(dots - text) : strlen(text);
	uint64_t a;
	uint64_t b;

	if (len >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, len);
	first[len] = '\0';
	if (parse_number(&a, first, 1, MEASURE_THREADS_MAX) ||
	    parse_number(&b, dots ? dots + 2 : first, a, MEASURE_THREADS_MAX))
		return -EINVAL;
	o->threads_first = (unsigned)a;
	o->threads_last = (unsigned)b;
	return 0;
}

enum {
	OPT_BACKEND = 1,
	OPT_SLICES,
	OPT_THREADS,
	OPT_JSON,
	OPT_WITHOUT_SHA,
	OPT_WITH_SHA,
	OPT_HEADER,
	OPT_NONCE_START,
	OPT_COUNT,
	OPT_HELP
};

static int set_option(struct options *o, int opt, const char *value)
{
	uint64_t n;

	switch (opt) {
	case OPT_BACKEND:
		o->backend = value;
		return 0;
	case OPT_SLICES:
		if (parse_number(&n, value, SLICES_MIN, MEASURE_SLICES_MAX))
			return bad("--slices wants 9 to 1001, not", value);
		o->slices = (unsigned)n;
		return 0;
	case OPT_THREADS:
		if (parse_threads(o, value))
			return bad("--threads wants N or A..B, 1 to 256, not",
				   value);
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_WITHOUT_SHA:
	case OPT_WITH_SHA:
		o->with_sha = opt == OPT_WITH_SHA;
		return 0;
	case OPT_HEADER:
		o->header = value;
		return 0;
	case OPT_NONCE_START:
		if (parse_number(&o->nonce_start, value, 0, UINT32_MAX))
			return bad("--nonce-start wants 0 to 4294967295, not",
				   value);
		return 0;
	case OPT_COUNT:
		if (parse_number(&o->count, value, 1, MINERD_POW_NONCE_END))
			return bad("--count wants 1 to 4294967296, not", value);
		return 0;
	default:
		(void)fputs(usage, stderr);
		return -EINVAL;
	}
}

static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{"backend", required_argument, NULL, OPT_BACKEND},
		{"slices", required_argument, NULL, OPT_SLICES},
		{"threads", required_argument, NULL, OPT_THREADS},
		{"json", no_argument, NULL, OPT_JSON},
		{"baseline-without-sha", no_argument, NULL, OPT_WITHOUT_SHA},
		{"baseline-with-sha", no_argument, NULL, OPT_WITH_SHA},
		{"header", required_argument, NULL, OPT_HEADER},
		{"nonce-start", required_argument, NULL, OPT_NONCE_START},
		{"count", required_argument, NULL, OPT_COUNT},
		{"help", no_argument, NULL, OPT_HELP},
		{NULL, 0, NULL, 0},
	};
	int opt;

	*o = (struct options){.slices = SLICES_MIN};
	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (opt == OPT_HELP) {
			(void)fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		}
		if (set_option(o, opt, optarg))
			return -EINVAL;
	}
	if (optind < argc)
		return bad("not an option:", argv[optind]);
	if (o->count > MINERD_POW_NONCE_END - o->nonce_start)
		return bad("--count goes beyond the last nonce, 4294967295, "
			   "from --nonce-start:",
			   "too large");
	if (!o->header && (o->nonce_start || o->count))
		return bad("needs --header:", "--nonce-start, --count");
	return 0;
}

static void print_hit(const uint8_t *header, uint32_t nonce)
{
	uint8_t full[POW_HEADER_SIZE];
	struct base_hash hash;
	char hex[BASE_HASH_HEX_SIZE];

	memcpy(full, header, sizeof(full));
	base_store_le32(full + 76, nonce);
	pow_sha256d(&hash, full, sizeof(full));
	base_hash_to_hex(hex, &hash);
	(void)printf("nonce %u hash %s\n", nonce, hex);
}

static int search_header(const struct options *o)
{
	const struct minerd_pow_backend *b;
	uint8_t header[POW_HEADER_SIZE];
	struct base_error err;
	struct minerd_pow_job job;
	struct minerd_pow_hits hits;
	struct base_u256 target;
	struct base_hash bytes;
	uint32_t version;
	uint64_t end =
		o->count ? o->nonce_start + o->count : MINERD_POW_NONCE_END;

	if (base_from_hex(header, sizeof(header), o->header)) {
		(void)bad("--header wants 160 hex digits, not", o->header);
		return EXIT_USAGE;
	}
	if (pow_target_from_bits(&target, base_load_le32(header + 72))) {
		(void)bad("the bits of --header are no target:", o->header);
		return EXIT_USAGE;
	}
	if (pow_load_backend(&b, NULL, o->backend ? o->backend : "auto",
			     &err)) {
		(void)fprintf(stderr, "hashrate: %s\n", err.text);
		return EXIT_USAGE;
	}
	version = base_load_le32(header);
	base_u256_to_hash(&bytes, &target);
	pow_job_init(&job, &version, 1, header, &bytes);
	for (uint64_t n = o->nonce_start; n < end;) {
		n = b->scan(&job, n, end, &hits);
		for (uint32_t i = 0; i < hits.count; i++)
			print_hit(header, hits.at[i].nonce);
	}
	return EXIT_SUCCESS;
}

static void add_rows(struct report *r, const struct minerd_pow_backend *b)
{
	r->rows[r->row_count].backend = b;
	r->rows[r->row_count++].rolling = 1;
	if (b->midstates == 1)
		return;
	r->rows[r->row_count].backend = b;
	r->rows[r->row_count++].rolling = b->midstates;
}

static int choose_rows(struct report *r, const struct options *o)
{
	const struct minerd_pow_backend *b;
	struct base_error err;
	size_t count;
	const struct minerd_pow_backend *const *table =
		pow_backend_table(&count);

	if (o->backend) {
		if (pow_load_backend(&b, NULL, o->backend, &err)) {
			(void)fprintf(stderr, "hashrate: %s\n", err.text);
			return -EINVAL;
		}
		add_rows(r, b);
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		if (table[i]->supported())
			add_rows(r, table[i]);
	return 0;
}

/* Every slice of a kernel follows one of the baseline. */
static int measure_rows(struct report *r, const struct options *o)
{
	size_t per_row = o->slices;
	double *baseline = calloc(per_row * r->row_count, sizeof(*baseline));
	size_t n = 0;

	if (!baseline)
		return -ENOMEM;
	for (size_t s = 0; s < per_row; s++) {
		for (unsigned i = 0; i < r->row_count; i++) {
			struct row *row = &r->rows[i];
			struct measure_slice a = measure_openssl(SLICE_MS);
			struct measure_slice b = measure_backend(
				row->backend, row->rolling, SLICE_MS);

			baseline[n++] = measure_rate(&a);
			row->hps[s] = measure_rate(&b);
			row->ratio[s] = measure_rate(&b) / measure_rate(&a);
		}
	}
	r->baseline_hps = measure_median(baseline, n);
	free(baseline);
	for (unsigned i = 0; i < r->row_count; i++) {
		(void)measure_median(r->rows[i].hps, per_row);
		(void)measure_median(r->rows[i].ratio, per_row);
	}
	return 0;
}

static int measure_scaling(struct report *r, const struct options *o,
			   const struct minerd_pow_backend *b)
{
	double efficiency[MEASURE_SLICES_MAX];
	double hps[MEASURE_SLICES_MAX];

	for (unsigned n = o->threads_first; n <= o->threads_last; n++) {
		for (unsigned s = 0; s < o->slices; s++) {
			struct measure_slice p;
			struct measure_slice t;
			int rc = measure_processes(&p, b, n, SCALING_MS);

			if (!rc)
				rc = measure_threads(&t, b, n, SCALING_MS);
			if (rc) {
				(void)fprintf(stderr,
					      "hashrate: %u threads: %s\n", n,
					      strerror(-rc));
				return rc;
			}
			hps[s] = measure_rate(&t) * n;
			efficiency[s] = measure_rate(&t) / measure_rate(&p);
		}
		r->scaling[r->scaling_count++] = (struct scaling){
			.threads = n,
			.hps = measure_median(hps, o->slices),
			.efficiency = measure_median(efficiency, o->slices)};
	}
	return 0;
}

/* CPU time, not wall time, times the counter's rate: sharing the machine
 * does not count. */
static double tsc_cycles(const struct report *r, const struct row *row,
			 unsigned slices)
{
	return r->tsc_hz / row->hps[slices / 2];
}

static json_t *number_or_null(double v)
{
	return v > 0 ? json_real(v) : json_null();
}

static int print_json(const struct report *r, unsigned slices)
{
	json_t *rows = json_array();
	json_t *scaling = json_array();
	json_t *root;
	int rc;

	for (unsigned i = 0; i < r->row_count; i++) {
		const struct row *row = &r->rows[i];
		double tsc = tsc_cycles(r, row, slices);

		(void)json_array_append_new(
			rows,
			json_pack("{s:s, s:i, s:f, s:f, s:f, s:f, s:o, s:o, "
				  "s:o}",
				  "name", row->backend->name, "rolling",
				  (int)row->rolling, "hps",
				  row->hps[slices / 2], "ratio",
				  row->ratio[slices / 2], "ratio_min",
				  row->ratio[0], "ratio_max",
				  row->ratio[slices - 1], "cycles_per_hash",
				  number_or_null(tsc), "core_cycles_per_hash",
				  number_or_null(tsc * r->core_per_tsc),
				  "bound_cycles",
				  number_or_null(port_model_bound(
					  row->backend, row->rolling))));
	}
	for (unsigned i = 0; i < r->scaling_count; i++)
		(void)json_array_append_new(
			scaling, json_pack("{s:i, s:f, s:f}", "threads",
					   (int)r->scaling[i].threads, "hps",
					   r->scaling[i].hps, "efficiency",
					   r->scaling[i].efficiency));
	root = json_pack("{s:s, s:s, s:f, s:i, s:s, s:o, s:o}", "machine",
			 r->machine, "baseline", r->baseline, "baseline_hps",
			 r->baseline_hps, "slices", (int)slices, "port_model",
			 port_model_name(), "backends", rows, "scaling",
			 scaling);
	rc = root && json_dumpf(root, stdout, JSON_REAL_PRECISION(6)) == 0
		     ? 0
		     : -ENOMEM;
	(void)putchar('\n');
	json_decref(root);
	return rc;
}

static void print_table(const struct report *r, unsigned slices)
{
	(void)printf(
		"machine   %s\nbaseline  %s: %.3f MH/s of CPU time\n"
		"ports     %s\n"
		"cycles    tsc: of the time stamp counter; core, bound: of "
		"the core's clock\n\n"
		"%-10s %7s %9s %7s %15s %8s %8s %8s\n",
		r->machine, r->baseline, r->baseline_hps / 1e6,
		port_model_name(), "backend", "rolling", "MH/s", "ratio",
		"min..max", "tsc", "core", "bound");
	for (unsigned i = 0; i < r->row_count; i++) {
		const struct row *row = &r->rows[i];
		double tsc = tsc_cycles(r, row, slices);
		double bound = port_model_bound(row->backend, row->rolling);

		(void)printf("%-10s %7u %9.3f %7.2f %6.2f ..%6.2f %8.1f %8.1f ",
			     row->backend->name, row->rolling,
			     row->hps[slices / 2] / 1e6, row->ratio[slices / 2],
			     row->ratio[0], row->ratio[slices - 1], tsc,
			     tsc * r->core_per_tsc);
		if (bound > 0)
			(void)printf("%8.1f\n", bound);
		else
			(void)printf("%8s\n", "-");
	}
	for (unsigned i = 0; i < r->scaling_count; i++)
		(void)printf("%s%u threads: %.3f MH/s of CPU time, %.4f of as "
			     "many processes\n",
			     i ? "" : "\n", r->scaling[i].threads,
			     r->scaling[i].hps / 1e6, r->scaling[i].efficiency);
}

static const struct minerd_pow_backend *fastest(const struct report *r,
						unsigned slices)
{
	const struct row *best = &r->rows[0];

	for (unsigned i = 1; i < r->row_count; i++)
		if (r->rows[i].hps[slices / 2] > best->hps[slices / 2])
			best = &r->rows[i];
	return best->backend;
}

int main(int argc, char **argv)
{
	static struct report report;
	struct options o;

	if (parse_options(&o, argc, argv))
		return EXIT_USAGE;
	if (o.header)
		return search_header(&o);
	if (measure_settle_baseline(o.with_sha, argv)) {
		(void)fprintf(stderr, "hashrate: cannot start again: %s\n",
			      strerror(errno));
		return EXIT_FAILURE;
	}
	measure_machine(report.machine);
	(void)snprintf(report.baseline, sizeof(report.baseline),
		       "openssl SHA256_Transform, SHA extensions %s",
		       (pow_cpu_features() & POW_CPU_SHA) == 0 ? "absent"
		       : o.with_sha			       ? "on"
							       : "off");
	if (choose_rows(&report, &o))
		return EXIT_USAGE;
	report.tsc_hz = measure_tsc_hz();
	report.core_per_tsc = measure_core_per_tsc();
	if (measure_rows(&report, &o))
		return EXIT_FAILURE;
	if (o.threads_first &&
	    measure_scaling(&report, &o, fastest(&report, o.slices)))
		return EXIT_FAILURE;
	if (o.json)
		return print_json(&report, o.slices) ? EXIT_FAILURE
						     : EXIT_SUCCESS;
	print_table(&report, o.slices);
	return EXIT_SUCCESS;
}
