/* SPDX-License-Identifier: MIT */
/*
 * sim: runs seeds, and says which of them broke a rule.
 *
 *   sim --seeds N --seed S --nodes N --faults F --faults LIST --jobs N --once
 *   sim --seed S --verbose         one seed, told
 *   sim --canaries                 each checker must see what is wrong
 *   sim --scenes | --scene NAME | --list-scenes
 *   sim --list-mutants | --mutant NAME
 *
 * Exit status: 0; 1: a violation (with --mutant: as it should be); 2: usage.
 */
#include "sim.h"

#include <getopt.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "consensus/hooks.h"

#define JOBS_MAX 16
#define COMPLETE_SEEDS 1000 /* from so many on no counter may be zero */

_Static_assert(DS_RULES_COUNT <= 64, "sim_totals.rule");

struct run {
	struct sim_options options;
	uint64_t first;
	uint64_t seeds;
	uint32_t jobs;
	bool twice;
	bool canaries;
	bool scenes;
	const char *scene;
};

static struct sim_world world;

static void fail(struct sim_world *w, uint64_t seed)
{
	w->totals->failed++;
	if (w->totals->first_failed == 0 || seed + 1 < w->totals->first_failed)
		w->totals->first_failed = seed + 1;
	printf("%sseed %llu: %s\n", w->options.quiet ? "# " : "",
	       (unsigned long long)seed, w->violation);
	(void)fflush(stdout);
}

static bool one_seed(struct sim_world *w, uint64_t seed, bool twice)
{
	uint64_t trace;

	if (!sim_run(w, seed)) {
		fail(w, seed);
		return false;
	}
	if (!twice)
		return true;
	trace = w->trace;
	w->totals->seeds--;
	w->totals->check[SIM_CHECK_9]++;
	if (!sim_run(w, seed) || w->trace != trace) {
		sim_violation(w, SIM_CHECK_9, NULL, "the second run differs");
		fail(w, seed);
		return false;
	}
	return true;
}

/* Every @jobs-th seed. */
static void work(const struct run *r, struct sim_totals *totals, uint32_t job)
{
	struct sim_world *w = &world;

	w->totals = totals;
	w->options = r->options;
	for (uint64_t i = job; i < r->seeds; i += r->jobs) {
		if (!one_seed(w, r->first + i, r->twice) && r->options.quiet)
			break;
	}
	for (unsigned i = 0; i < DS_RULES_COUNT; i++)
		totals->rule[i] = ds_rule_hits[i];
}

static void add(struct sim_totals *out, const struct sim_totals *t)
{
	uint64_t *a = (uint64_t *)out;
	const uint64_t *b = (const uint64_t *)t;
	uint64_t first = out->first_failed;

	for (size_t i = 0; i < sizeof(*out) / sizeof(*a); i++)
		a[i] += b[i];
	out->first_failed = first;
	if (t->first_failed && (first == 0 || t->first_failed < first))
		out->first_failed = t->first_failed;
}

/* A process for each job; what they counted comes back in shared memory. */
static bool run_jobs(const struct run *r, struct sim_totals *out)
{
	struct sim_totals *shared =
		mmap(NULL, sizeof(*shared) * r->jobs, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[JOBS_MAX];
	bool good = true;

	if (shared == MAP_FAILED)
		return false;
	(void)fflush(stdout);
	for (uint32_t j = 0; j < r->jobs; j++) {
		pid[j] = r->jobs > 1 ? fork() : 0;
		if (pid[j] != 0)
			continue;
		work(r, &shared[j], j);
		if (r->jobs > 1) {
			(void)fflush(stdout);
			_exit(0);
		}
	}
	for (uint32_t j = 0; j < r->jobs; j++) {
		int status = 0;

		if (r->jobs > 1 &&
		    (waitpid(pid[j], &status, 0) < 0 || status != 0)) {
			printf("job %u ended with status %d\n", j, status);
			good = false;
		}
		add(out, &shared[j]);
	}
	(void)munmap(shared, sizeof(*shared) * r->jobs);
	return good;
}

static uint32_t row(const char *kind, const char *name, uint64_t count)
{
	printf("%-6s %-36s %12llu%s\n", kind, name, (unsigned long long)count,
	       count == 0 ? "  NEVER" : "");
	return count == 0;
}

/* How often everything happened; returns how many never did. */
static uint32_t table(const struct run *r, const struct sim_totals *t)
{
	uint32_t zeros = 0;

	for (unsigned i = 0; i < DS_RULES_COUNT; i++)
		zeros += row("rule", ds_rule_name(i), t->rule[i]);
	for (int i = 0; i < SIM_FAULT_KINDS; i++)
		zeros += row("fault", sim_fault_name(i), t->fault[i]);
	for (int i = 0; i < SIM_CHECK_KINDS; i++)
		if (*sim_check_name(i) && (i != SIM_CHECK_9 || r->twice))
			zeros += row("check", sim_check_name(i), t->check[i]);
	for (int i = 1; i < DS_REASONS; i++)
		printf("%-6s %-36s %12llu\n", "reason",
		       ds_reason_name((enum ds_reason)i),
		       (unsigned long long)t->reason[i]);
	return zeros;
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seeds, and where none of them notices, the scenes. */
static int tell_mutant(const struct run *r, struct sim_totals *t)
{
	world.totals = t;
	if (t->failed) {
		printf("caught by seed %llu\n",
		       (unsigned long long)(t->first_failed - 1));
		return 1;
	}
	printf("not caught in %llu seeds\n", (unsigned long long)r->seeds);
	if (sim_scene(&world, NULL) == 0)
		return 0;
	printf("caught by a scene\n");
	return 1;
}

static int run_seeds(struct run *r)
{
	struct sim_totals t = {0};
	double began = seconds();
	bool good = run_jobs(r, &t);
	double took = seconds() - began;
	uint32_t zeros;

	if (r->options.quiet)
		return tell_mutant(r, &t);
	zeros = table(r, &t);
	printf("%llu seeds, %llu ticks, %llu decided, %llu final, %llu sends, "
	       "%llu signatures\n",
	       (unsigned long long)t.seeds, (unsigned long long)t.ticks,
	       (unsigned long long)t.decided, (unsigned long long)t.finals,
	       (unsigned long long)t.sends, (unsigned long long)t.signatures);
	printf("%.1f s, %.0f seeds a minute\n", took,
	       60 * (double)r->seeds / took);
	printf("%llu seeds ended early: in HALT, or people must choose\n",
	       (unsigned long long)t.ended);
	if (t.failed)
		printf("%llu seeds FAILED, the first is %llu: --seed %llu "
		       "--verbose tells\n",
		       (unsigned long long)t.failed,
		       (unsigned long long)(t.first_failed - 1),
		       (unsigned long long)(t.first_failed - 1));
	if (zeros && r->seeds >= COMPLETE_SEEDS &&
	    r->options.faults == SIM_ANY_FAULTS && !r->options.nodes) {
		printf("%u counters are zero: FAILED\n", zeros);
		good = false;
	}
	return good && !t.failed ? 0 : 1;
}

/* One seed, with all that is known of it when it fails. */
static int run_one(struct run *r)
{
	static struct sim_totals t;
	bool good;

	world.totals = &t;
	world.options = r->options;
	good = one_seed(&world, r->first, false);
	printf("trace %016llx, %u decided\n", (unsigned long long)world.trace,
	       world.decided);
	if (!good)
		sim_grid(&world);
	return good ? 0 : 1;
}

static const char usage_text[] =
	"usage: sim [--seeds N] [--seed S] [--nodes N] [--faults F] ...\n"
	"  --seeds N      so many seeds, from --seed S on\n"
	"  --nodes N      members, 1 to 64; otherwise drawn, 1 to 7\n"
	"  --faults F     a number: f, as --f F; otherwise drawn\n"
	"  --faults a,b   names: only these kinds of fault (--list-faults)\n"
	"  --liars N      of the f; otherwise drawn\n"
	"  --jobs N       processes, 2 unless told\n"
	"  --once         not each seed twice, to compare the traces\n"
	"  --verbose      --seed S alone, told\n"
	"  --mutant NAME  exit status 1 when a seed catches it\n"
	"  --scene NAME | --scenes | --canaries\n"
	"  --list-mutants | --list-scenes | --list-faults | --help\n";

static int usage(void)
{
	(void)fputs(usage_text, stderr);
	return 2;
}

static bool parse_faults(uint64_t *out, char *list)
{
	char *save = NULL;

	*out = 0;
	for (char *name = strtok_r(list, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		int i = 0;

		while (i < SIM_FAULT_KINDS &&
		       strcmp(name, sim_fault_name(i)) != 0)
			i++;
		if (i < SIM_FAULT_KINDS)
			*out |= SIM_BIT(i);
		else if (strcmp(name, "none") != 0)
			return false;
	}
	return true;
}

/* A number is f; names are the kinds that may be drawn. */
static bool parse_f_or_faults(struct sim_options *out, char *text)
{
	if (strspn(text, "0123456789") != strlen(text) || !*text)
		return parse_faults(&out->faults, text);
	out->f = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

static bool set_mutant(const char *name)
{
	for (unsigned i = 1; i < DS_MUTANTS_COUNT; i++) {
		if (strcmp(name, ds_mutant_name(i)) != 0)
			continue;
		ds_mutant = (int)i;
		return true;
	}
	return false;
}

static int list(int what)
{
	if (what == 'M')
		for (unsigned i = 1; i < DS_MUTANTS_COUNT; i++)
			printf("%s\n", ds_mutant_name(i));
	else if (what == 'F')
		for (int i = 0; i < SIM_FAULT_KINDS; i++)
			printf("%s\n", sim_fault_name(i));
	else
		sim_scenes_list();
	return 0;
}

static const struct option long_options[] = {
	{"seeds", required_argument, NULL, 'n'},
	{"seed", required_argument, NULL, 's'},
	{"nodes", required_argument, NULL, 'N'},
	{"f", required_argument, NULL, 'f'},
	{"liars", required_argument, NULL, 'l'},
	{"faults", required_argument, NULL, 'x'},
	{"jobs", required_argument, NULL, 'j'},
	{"once", no_argument, NULL, 'o'},
	{"verbose", no_argument, NULL, 'v'},
	{"mutant", required_argument, NULL, 'm'},
	{"scene", required_argument, NULL, 'e'},
	{"scenes", no_argument, NULL, 'E'},
	{"canaries", no_argument, NULL, 'c'},
	{"list-mutants", no_argument, NULL, 'M'},
	{"list-faults", no_argument, NULL, 'F'},
	{"list-scenes", no_argument, NULL, 'S'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static bool parse_option(struct run *r, int c)
{
	switch (c) {
	case 'n':
		r->seeds = strtoull(optarg, NULL, 10);
		return r->seeds > 0;
	case 's':
		r->first = strtoull(optarg, NULL, 10);
		return true;
	case 'N':
		r->options.nodes = (uint32_t)strtoul(optarg, NULL, 10);
		return r->options.nodes >= 1 &&
		       r->options.nodes <= DS_MEMBERS_MAX;
	case 'f':
		r->options.f = (uint32_t)strtoul(optarg, NULL, 10);
		return true;
	case 'l':
		r->options.liars = (uint32_t)strtoul(optarg, NULL, 10);
		return true;
	case 'x':
		return parse_f_or_faults(&r->options, optarg);
	case 'j':
		r->jobs = (uint32_t)strtoul(optarg, NULL, 10);
		return r->jobs >= 1 && r->jobs <= JOBS_MAX;
	case 'o':
		r->twice = false;
		return true;
	case 'v':
		r->options.verbose = true;
		return true;
	case 'm':
		r->options.quiet = true;
		r->twice = false;
		return set_mutant(optarg);
	case 'e':
		r->scene = optarg;
		return true;
	case 'E':
		r->scenes = true;
		return true;
	case 'c':
		r->canaries = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	static struct sim_totals totals;
	struct run r = {.options = {.f = SIM_NONE,
				    .liars = SIM_NONE,
				    .faults = SIM_ANY_FAULTS},
			.jobs = 2,
			.twice = true};
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'M' || c == 'F' || c == 'S')
			return list(c);
		if (c == 'h')
			return fputs(usage_text, stdout) < 0;
		if (!parse_option(&r, c))
			return usage();
	}
	if (optind < argc)
		return usage();
	world.totals = &totals;
	world.options = r.options;
	if (r.canaries)
		return sim_canaries(&world);
	if (r.scene || r.scenes)
		return sim_scene(&world, r.scene);
	if (r.seeds == 0 && r.options.verbose)
		return run_one(&r);
	if (r.seeds == 0)
		r.seeds = r.options.quiet ? 1000 : 1;
	return run_seeds(&r);
}
