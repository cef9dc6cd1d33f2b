/* SPDX-License-Identifier: MIT */
#include "pow/pool_load.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"

/* Hashes between two looks at the clock: some 0.1 ms at the least. */
#define BATCH_HASHES 4096u

static uint64_t cpu_ns(void)
{
	struct timespec t;

	BASE_ASSERT(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double pow_load_measure(const struct minerd_pow_backend *b, unsigned ms)
{
	struct minerd_pow_job job;
	struct minerd_pow_hits hits;
	uint64_t batch = BATCH_HASHES / b->midstates;
	uint64_t budget = (uint64_t)ms * 1000000u;
	uint64_t hashes = 0;
	uint64_t first = 0;
	uint64_t start;
	uint64_t spent;

	/* Any job will do: the work does not depend on the words. */
	memset(&job, 0x5a, sizeof(job));
	memset(job.target, 0, sizeof(job.target));
	job.midstate_count = b->midstates;
	(void)b->scan(&job, 0, batch, &hits); /* code and data into caches */
	start = cpu_ns();
	do {
		uint64_t next = b->scan(&job, first, first + batch, &hits);

		hashes += (next - first) * job.midstate_count;
		first = next < MINERD_POW_NONCE_END - batch ? next : 0;
		spent = cpu_ns() - start;
	} while (spent < budget);
	return (double)hashes * 1e9 / (double)(spent ? spent : 1);
}

static int load_auto(const struct minerd_pow_backend **out, double *hps,
		     struct base_error *err)
{
	const struct minerd_pow_backend *best = NULL;
	double best_hps = 0;
	size_t count;
	const struct minerd_pow_backend *const *table =
		pow_backend_table(&count);

	for (size_t i = 0; i < count; i++) {
		double rate;
		int rc;

		if (!table[i]->supported())
			continue;
		/* One that fails is a bug of ours or of the CPU: stop. */
		rc = pow_backend_self_test(table[i], err);
		if (rc)
			return rc;
		rate = pow_load_measure(table[i], POW_LOAD_TIMING_MS);
		if (!best || rate > best_hps) {
			best = table[i];
			best_hps = rate;
		}
	}
	BASE_ASSERT(best); /* scalar runs everywhere */
	*out = best;
	if (hps)
		*hps = best_hps;
	return 0;
}

static int unknown_name(const char *name, struct base_error *err)
{
	char names[BASE_ERROR_MAX / 2] = "auto";
	size_t len = strlen(names);
	size_t count;
	const struct minerd_pow_backend *const *table =
		pow_backend_table(&count);

	for (size_t i = 0; i < count && len < sizeof(names); i++)
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					", %s", table[i]->name);
	return base_fail(err, -ENOENT,
			 "no backend is called '%.64s'; there are %s, or the "
			 "path of a shared object with a '/' in it",
			 name, names);
}

static int load_file(const struct minerd_pow_backend **out, const char *path,
		     struct base_error *err)
{
	const struct minerd_pow_backend *b;
	minerd_pow_backend_fn *get;
	void *symbol;
	void *handle;
	int rc;

	if (access(path, F_OK) != 0)
		return base_fail(err, -ENOENT,
				 "backend file %s: %s; give the path of a "
				 "shared object",
				 path, strerror(errno));
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return base_fail(err, -ELIBACC,
				 "backend file %s cannot be loaded: %s", path,
				 dlerror());
	symbol = dlsym(handle, MINERD_POW_SYMBOL);
	if (!symbol) {
		rc = base_fail(err, -ELIBACC,
			       "backend file %s does not export %s(): see "
			       "minerd/pow_backend.h",
			       path, MINERD_POW_SYMBOL);
		goto close;
	}
	/* POSIX allows what ISO C does not: an object as a function. */
	memcpy(&get, &symbol, sizeof(get));
	b = get();
	if (!b) {
		rc = base_fail(err, -EPROTO,
			       "backend file %s: %s() returned nothing", path,
			       MINERD_POW_SYMBOL);
		goto close;
	}
	rc = pow_backend_self_test(b, err);
	if (rc) {
		struct base_error why = *err;

		base_fail(err, rc, "%s refused: %s", path, why.text);
		goto close;
	}
	*out = b;
	return 0;
close:
	(void)dlclose(handle);
	return rc;
}

int pow_load_backend(const struct minerd_pow_backend **out, double *hps,
		     const char *name, struct base_error *err)
{
	const struct minerd_pow_backend *b = NULL;
	int rc;

	if (strcmp(name, "auto") == 0)
		return load_auto(out, hps, err);
	if (strchr(name, '/')) {
		rc = load_file(&b, name, err);
	} else {
		b = pow_backend_find(name);
		rc = b ? pow_backend_self_test(b, err)
		       : unknown_name(name, err);
	}
	if (rc)
		return rc;
	if (hps)
		*hps = pow_load_measure(b, POW_LOAD_TIMING_MS);
	*out = b;
	return 0;
}
