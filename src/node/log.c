/* SPDX-License-Identifier: MIT */
#include "node/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include "base/bytes.h"
#include "base/ring.h"
#include "node/clock.h"
#include "node/topology.h"
#include "node/wake.h"

#define STUCK_MS 2000
#define WORDS_MAX 512

struct node_log_record {
	uint32_t len;
	char line[NODE_LOG_LINE_MAX];
};

struct node_log {
	struct node_log_options options;
	struct base_ring_mpsc ring;
	void *ring_memory;
	struct node_wake wake;
	pthread_t thread;
	_Atomic int level; /* orders nothing: a line more or less is no harm */
	_Atomic uint64_t dropped;
	_Atomic bool stopping;
	bool broken; /* log thread: the reader is gone or stuck */
};

/* The text of a record, with room for the newline, cut if need be. */
struct line {
	struct node_log_record record;
	size_t len;
};

static void add(struct line *l, const char *fmt, ...) BASE_PRINTF(2, 3);

static void add(struct line *l, const char *fmt, ...)
{
	const size_t room = sizeof(l->record.line) - 1 - l->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(l->record.line + l->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void add_json_text(struct line *l, const char *text)
{
	add(l, "\"");
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			add(l, "\\%c", *p);
		else if ((unsigned char)*p < 0x20)
			add(l, "\\u%04x", (unsigned)*p);
		else
			add(l, "%c", *p);
	}
	add(l, "\"");
}

static void add_time(struct line *l)
{
	time_t now = time(NULL);
	struct tm tm;

	(void)gmtime_r(&now, &tm);
	add(l, "%04d-%02d-%02dT%02d:%02d:%02dZ ", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The last member of an object: when, in Unix milliseconds. */
static void add_json_end(struct line *l)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	add(l, ",\"time_ms\":%lld}",
	    (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void submit(struct node_log *log, struct line *l)
{
	l->record.line[l->len++] = '\n';
	l->record.len = (uint32_t)l->len;
	if (base_ring_push_mpsc(&log->ring, &l->record))
		node_wake_ring(&log->wake);
	else
		(void)atomic_fetch_add_explicit(&log->dropped, 1,
						memory_order_relaxed);
}

enum node_log_level node_log_level(const struct node_log *log)
{
	return (enum node_log_level)atomic_load_explicit(&log->level,
							 memory_order_relaxed);
}

void node_log_set_level(struct node_log *log, enum node_log_level level)
{
	atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

const char *node_log_level_name(enum node_log_level level)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	return names[level];
}

void node_log(struct node_log *log, enum node_log_level level,
	      const char *event, const char *fmt, ...)
{
	struct line l = {.len = 0};
	char words[WORDS_MAX];
	va_list args;

	if (level > node_log_level(log))
		return;
	va_start(args, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	if (log->options.json) {
		add(&l,
		    "{\"event\":\"%s\",\"level\":\"%s\",\"message\":", event,
		    node_log_level_name(level));
		add_json_text(&l, words);
		add_json_end(&l);
	} else {
		add_time(&l);
		if (level <= NODE_LOG_WARN)
			add(&l, "%s: ", node_log_level_name(level));
		add(&l, "%s", words);
	}
	submit(log, &l);
}

void node_log_block(struct node_log *log, struct base_height height,
		    const struct base_hash *hash)
{
	struct line l = {.len = 0};
	char hex[BASE_HASH_HEX_SIZE];

	if (node_log_level(log) < NODE_LOG_INFO)
		return;
	base_hash_to_hex(hex, hash);
	if (log->options.json) {
		add(&l, "{\"event\":\"block\",\"height\":%u,\"hash\":\"%s\"",
		    height.n, hex);
		add_json_end(&l);
	} else {
		add_time(&l);
		add(&l, "block %u %s", height.n, hex);
	}
	submit(log, &l);
}

static void add_rate(struct line *l, const char *name, double hps)
{
	static const char *const units[] = {"H/s",  "kH/s", "MH/s",
					    "GH/s", "TH/s", "PH/s"};
	size_t u = 0;

	for (; hps >= 1000 && u + 1 < BASE_COUNT(units); u++)
		hps /= 1000;
	add(l, " %s %.2f %s", name, hps, units[u]);
}

void node_log_rate(struct node_log *log, int worker, uint32_t threads,
		   const struct pow_rate *rate)
{
	static const char *const names[] = {"10s", "60s", "15m"};
	struct line l = {.len = 0};

	if (node_log_level(log) < (worker < 0 ? NODE_LOG_INFO : NODE_LOG_DEBUG))
		return;
	if (log->options.json) {
		add(&l, "{\"event\":\"hashrate\",");
		if (worker < 0)
			add(&l, "\"threads\":%u", threads);
		else
			add(&l, "\"worker\":%d", worker);
		for (unsigned w = 0; w < POW_RATE_WINDOWS; w++)
			add(&l, ",\"hps_%s\":%.0f", names[w],
			    pow_rate_get(rate, w));
		add_json_end(&l);
	} else {
		add_time(&l);
		if (worker < 0)
			add(&l, "hash rate of %u thread%s:", threads,
			    threads == 1 ? "" : "s");
		else
			add(&l, "hash rate of worker %d:", worker);
		for (unsigned w = 0; w < POW_RATE_WINDOWS; w++)
			add_rate(&l, names[w], pow_rate_get(rate, w));
	}
	submit(log, &l);
}

/* Waits for the reader; while stopping only STUCK_MS in all. */
static bool wait_writable(struct node_log *log)
{
	const int slice_ms = 100;
	struct pollfd p = {.fd = log->options.fd, .events = POLLOUT};
	int waited = 0;

	for (;;) {
		if (poll(&p, 1, slice_ms) > 0)
			return true;
		/* Pairs with the release in node_log_stop(). */
		if (atomic_load_explicit(&log->stopping, memory_order_acquire))
			waited += slice_ms;
		if (waited >= STUCK_MS)
			return false;
	}
}

static void write_line(struct node_log *log, const char *p, size_t len)
{
	while (len > 0 && !log->broken) {
		ssize_t n = -1;

		if (wait_writable(log))
			n = write(log->options.fd, p, len);
		else
			errno = ETIMEDOUT;
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			log->broken = true;
			if (log->options.closed)
				log->options.closed(log->options.closed_ctx);
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}

static void *log_main(void *arg)
{
	struct node_log *log = arg;
	struct node_log_record r;
	bool stopping;

	(void)pthread_setname_np(pthread_self(), "log");
	do {
		uint64_t dropped;

		node_wake_wait(&log->wake, -1);
		/* Read before the drain: what was queued before the stop is
		 * still written. Pairs with the release in node_log_stop(). */
		stopping = atomic_load_explicit(&log->stopping,
						memory_order_acquire);
		while (base_ring_pop_mpsc(&log->ring, &r))
			write_line(log, r.line, r.len);
		dropped = atomic_exchange_explicit(&log->dropped, 0,
						   memory_order_relaxed);
		if (dropped > 0)
			node_log(log, NODE_LOG_WARN, "log_dropped",
				 "%llu log lines were dropped: the reader of "
				 "standard output is too slow",
				 (unsigned long long)dropped);
	} while (!stopping);
	return NULL;
}

static void free_log(struct node_log *log)
{
	node_wake_close(&log->wake);
	free(log->ring_memory);
	free(log);
}

int node_log_start(struct node_log **out,
		   const struct node_log_options *options,
		   struct base_error *err)
{
	const uint32_t size = sizeof(struct node_log_record);
	struct node_log *log =
		aligned_alloc(BASE_CACHE_LINE, sizeof(struct node_log));
	int rc;

	if (!log)
		return base_fail(err, -ENOMEM, "no memory for the log");
	memset(log, 0, sizeof(*log));
	log->options = *options;
	node_log_set_level(log, options->level);
	rc = node_wake_open(&log->wake);
	log->ring_memory = malloc(base_ring_bytes_mpsc(NODE_LOG_DEPTH, size));
	if (rc == 0 && !log->ring_memory)
		rc = -ENOMEM;
	if (rc == 0) {
		base_ring_init_mpsc(&log->ring, log->ring_memory,
				    NODE_LOG_DEPTH, size);
		rc = -pthread_create(&log->thread, NULL, log_main, log);
	}
	if (rc < 0) {
		free_log(log);
		return base_fail(err, rc, "cannot start the log thread: %s",
				 strerror(-rc));
	}
	*out = log;
	return 0;
}

void node_log_stop(struct node_log *log)
{
	if (!log)
		return;
	/* Pairs with the acquire in log_main() and wait_writable(). */
	atomic_store_explicit(&log->stopping, true, memory_order_release);
	node_wake_ring(&log->wake);
	(void)pthread_join(log->thread, NULL);
	free_log(log);
}
