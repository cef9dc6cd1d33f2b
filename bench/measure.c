/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One-block compression is what a miner does; OpenSSL deprecates asking. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include "base/assert.h"

#define BATCH_HASHES 8192u
#define CALIBRATE_NS 20000000u

/* OpenSSL reads this when it is loaded; bit 29 of the word after the colon
 * (CPUID leaf 7, EBX) is the SHA extensions. */
#define CAPABILITIES "OPENSSL_ia32cap"
#define WITHOUT_SHA ":~0x20000000"

/* libcrypto looks at the environment once, when it is loaded: so this
 * program starts itself again when the environment is not as wanted. */
int measure_settle_baseline(bool with_sha, char **argv)
{
	const char *have = getenv(CAPABILITIES);
	bool settled =
		with_sha ? !have : have && strcmp(have, WITHOUT_SHA) == 0;

	if (settled)
		return 0;
	if ((with_sha ? unsetenv(CAPABILITIES)
		      : setenv(CAPABILITIES, WITHOUT_SHA, 1)) == 0)
		(void)execv("/proc/self/exe", argv);
	return -1;
}

uint64_t measure_clock_ns(clockid_t clock)
{
	struct timespec t;

	BASE_ASSERT(clock_gettime(clock, &t) == 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

double measure_rate(const struct measure_slice *s)
{
	return (double)s->hashes * 1e9 / (double)(s->cpu_ns ? s->cpu_ns : 1);
}

struct measure_slice measure_backend(const struct minerd_pow_backend *b,
				     uint32_t midstates, unsigned ms)
{
	struct measure_slice out = {0, 0};
	struct minerd_pow_job job;
	struct minerd_pow_hits hits;
	uint64_t batch = BATCH_HASHES / midstates;
	uint64_t first = 0;
	uint64_t start = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	/* The work does not depend on the words. */
	memset(&job, 0x5a, sizeof(job));
	memset(job.target, 0, sizeof(job.target));
	job.midstate_count = midstates;
	do {
		uint64_t next = b->scan(&job, first, first + batch, &hits);

		out.hashes += (next - first) * midstates;
		first = next < MINERD_POW_NONCE_END - batch ? next : 0;
		out.cpu_ns = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	} while (out.cpu_ns < (uint64_t)ms * 1000000u);
	return out;
}

struct measure_slice measure_openssl(unsigned ms)
{
	struct measure_slice out = {0, 0};
	SHA256_CTX midstate;
	SHA256_CTX initial;
	uint8_t block[SHA256_CBLOCK] = {1};
	uint8_t digest[SHA256_CBLOCK] = {0};
	uint64_t start = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID);

	SHA256_Init(&initial);
	midstate = initial;
	SHA256_Transform(&midstate, block);
	digest[32] = 0x80;
	digest[62] = 1;
	do {
		for (uint32_t i = 0; i < BATCH_HASHES; i++) {
			SHA256_CTX c = midstate;

			memcpy(block + 12, &i, sizeof(i));
			SHA256_Transform(&c, block);
			memcpy(digest, c.h, sizeof(c.h));
			c = initial;
			SHA256_Transform(&c, digest);
		}
		out.hashes += BATCH_HASHES;
		out.cpu_ns = measure_clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
	} while (out.cpu_ns < (uint64_t)ms * 1000000u);
	return out;
}

struct thread_arg {
	const struct minerd_pow_backend *b;
	unsigned ms;
	struct measure_slice slice;
};

static void *thread_main(void *p)
{
	struct thread_arg *arg = p;

	arg->slice = measure_backend(arg->b, arg->b->midstates, arg->ms);
	return NULL;
}

int measure_threads(struct measure_slice *out,
		    const struct minerd_pow_backend *b, unsigned count,
		    unsigned ms)
{
	pthread_t threads[MEASURE_THREADS_MAX];
	struct thread_arg args[MEASURE_THREADS_MAX];
	struct measure_slice sum = {0, 0};
	unsigned started = 0;
	int rc = 0;

	BASE_ASSERT(count >= 1 && count <= MEASURE_THREADS_MAX);
	while (started < count && rc == 0) {
		args[started] = (struct thread_arg){b, ms, {0, 0}};
		rc = pthread_create(&threads[started], NULL, thread_main,
				    &args[started]);
		if (rc == 0)
			started++;
	}
	for (unsigned i = 0; i < started; i++) {
		(void)pthread_join(threads[i], NULL);
		sum.hashes += args[i].slice.hashes;
		sum.cpu_ns += args[i].slice.cpu_ns;
	}
	if (rc)
		return -rc;
	*out = sum;
	return 0;
}

/* The child's whole life: one slice into the pipe, which holds it. */
static void child_main(int fd, const struct minerd_pow_backend *b, unsigned ms)
{
	struct measure_slice slice = measure_backend(b, b->midstates, ms);
	ssize_t n = write(fd, &slice, sizeof(slice));

	_exit(n == (ssize_t)sizeof(slice) ? 0 : 1);
}

int measure_processes(struct measure_slice *out,
		      const struct minerd_pow_backend *b, unsigned count,
		      unsigned ms)
{
	struct measure_slice sum = {0, 0};
	struct measure_slice slice;
	pid_t children[MEASURE_THREADS_MAX];
	unsigned started = 0;
	int fds[2];
	int rc = 0;

	BASE_ASSERT(count >= 1 && count <= MEASURE_THREADS_MAX);
	if (pipe(fds) != 0)
		return -errno;
	for (; started < count; started++) {
		children[started] = fork();
		if (children[started] == 0)
			child_main(fds[1], b, ms);
		if (children[started] < 0) {
			rc = -errno;
			break;
		}
	}
	(void)close(fds[1]);
	for (unsigned i = 0; i < started; i++) {
		/* A slice is far below PIPE_BUF: written in one piece. */
		if (read(fds[0], &slice, sizeof(slice)) !=
		    (ssize_t)sizeof(slice)) {
			rc = -EIO;
			break;
		}
		sum.hashes += slice.hashes;
		sum.cpu_ns += slice.cpu_ns;
	}
	(void)close(fds[0]);
	for (unsigned i = 0; i < started; i++)
		(void)waitpid(children[i], NULL, 0);
	if (rc)
		return rc;
	*out = sum;
	return 0;
}

#if defined(__x86_64__)

static uint64_t tsc(void)
{
	return __builtin_ia32_rdtsc();
}

double measure_tsc_hz(void)
{
	uint64_t start = measure_clock_ns(CLOCK_MONOTONIC_RAW);
	uint64_t from = tsc();
	uint64_t now;

	do
		now = measure_clock_ns(CLOCK_MONOTONIC_RAW);
	while (now - start < CALIBRATE_NS);
	return (double)(tsc() - from) * 1e9 / (double)(now - start);
}

double measure_core_per_tsc(void)
{
	double best = 0;
	double ratio;

	/* The fastest of many is the one nobody interrupted. */
	for (unsigned i = 0; i < 200; i++) {
		uint64_t from = tsc();
		uint64_t x = 0;

		for (unsigned j = 0; j < 1000; j++)
			__asm__ volatile("add %1, %0\n\tadd %1, %0\n\t"
					 "add %1, %0\n\tadd %1, %0\n\t"
					 "add %1, %0\n\tadd %1, %0\n\t"
					 "add %1, %0\n\tadd %1, %0"
					 : "+r"(x)
					 : "r"(from));
		ratio = 8000.0 / (double)(tsc() - from);
		if (ratio > best)
			best = ratio;
	}
	return best;
}

#else

double measure_tsc_hz(void)
{
	return 0;
}

double measure_core_per_tsc(void)
{
	return 0;
}

#endif

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double measure_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count % 2 ? values[count / 2]
			 : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void measure_machine(char out[static MEASURE_MACHINE_MAX])
{
	char line[256];
	char *colon;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	FILE *f = fopen("/proc/cpuinfo", "r");

	(void)strcpy(out, "unknown CPU");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "model name", 10) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		colon = strchr(line, ':');
		if (colon && strlen(colon) > 2)
			(void)snprintf(out, MEASURE_MACHINE_MAX,
				       "%.128s, %ld CPUs", colon + 2, cpus);
		break;
	}
	if (f)
		(void)fclose(f);
}
