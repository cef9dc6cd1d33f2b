/* SPDX-License-Identifier: MIT */
#include "pow/pool_quota.h"

#include <inttypes.h>
#include <stdio.h>

#define PATH_SIZE 1024	  /* a longer path is passed over */
#define LINE_SIZE 8192	  /* of the tables in /proc */
#define LINES_MAX 1000000 /* bounds reading them */

/* The two hierarchies that can hold a CPU quota. */
enum version { V1, V2, VERSIONS };

struct search {
	const char *root;
	char own[VERSIONS][PATH_SIZE]; /* the process's cgroup; "" if none */
	uint32_t quota;
};

/* A mounted hierarchy. */
struct mount {
	char base[PATH_SIZE]; /* the cgroup that is its root */
	char at[PATH_SIZE];
	enum version version;
};

static FILE *open_file(const char *root, const char *dir, const char *name)
{
	char path[4 * PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s%s/%s", root, dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return NULL;
	return fopen(path, "re");
}

/* Whether @list, separated by commas, has @word. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

static void read_own(struct search *s)
{
	FILE *f = open_file(s->root, "/proc/self", "cgroup");
	char line[LINE_SIZE];

	for (int i = 0; f && i < LINES_MAX && fgets(line, sizeof(line), f);
	     i++) {
		/* number ':' controllers ':' path */
		char *controllers = strchr(line, ':');
		char *path = controllers ? strchr(controllers + 1, ':') : NULL;
		enum version v;

		if (!path)
			continue;
		*path++ = '\0';
		controllers++;
		path[strcspn(path, "\n")] = '\0';
		if (controllers[0] == '\0')
			v = V2;
		else if (has_word(controllers, "cpu"))
			v = V1;
		else
			continue;
		if (path[0] == '/' && strlen(path) < PATH_SIZE)
			strcpy(s->own[v], path);
	}
	if (f)
		(void)fclose(f);
}

/* The quota of one cgroup as quota and period in microseconds. */
static bool read_files(uint64_t *quota, uint64_t *period, const char *root,
		       const char *dir, enum version v)
{
	FILE *f =
		open_file(root, dir, v == V2 ? "cpu.max" : "cpu.cfs_quota_us");
	int64_t q = 0; /* "max" and -1 say no quota */
	int fields;

	if (!f)
		return false;
	fields = fscanf(f, "%" SCNd64 " %" SCNu64, &q, period);
	(void)fclose(f);
	if (v == V1 && fields == 1) {
		f = open_file(root, dir, "cpu.cfs_period_us");
		if (!f)
			return false;
		fields += fscanf(f, "%" SCNu64, period);
		(void)fclose(f);
	}
	*quota = (uint64_t)q;
	return fields == 2 && q > 0 && *period > 0;
}

static void read_quota(struct search *s, const char *dir, enum version v)
{
	uint64_t quota, period, cpus;

	if (!read_files(&quota, &period, s->root, dir, v))
		return;
	cpus = quota / period + (quota % period != 0);
	if (cpus <= UINT32_MAX && (s->quota == 0 || cpus < s->quota))
		s->quota = (uint32_t)cpus;
}

/* From the process's cgroup up to the root of the mount. */
static void walk_up(struct search *s, const struct mount *m)
{
	const char *own = s->own[m->version];
	size_t base = strcmp(m->base, "/") ? strlen(m->base) : 0;
	char dir[2 * PATH_SIZE];
	size_t at = strlen(m->at);
	bool within = strncmp(own, m->base, base) == 0 &&
		      (own[base] == '/' || own[base] == '\0') &&
		      !strstr(own, "/..");

	/* A cgroup out of the mount's sight leaves the mount's own root. */
	(void)snprintf(dir, sizeof(dir), "%s%s", m->at,
		       within ? own + base : "");
	for (;;) { /* bounded by the path's length */
		char *slash = strrchr(dir, '/');

		read_quota(s, dir, m->version);
		if (strlen(dir) <= at || !slash)
			return;
		*slash = '\0';
	}
}

static bool parse_mount(struct mount *m, char *line)
{
	char *tail = strstr(line, " - ");
	char type[32], options[PATH_SIZE];

	_Static_assert(PATH_SIZE == 1024, "the widths below");
	if (!tail)
		return false;
	*tail = '\0';
	if (sscanf(line, "%*s %*s %*s %1023s %1023s", m->base, m->at) != 2)
		return false;
	if (sscanf(tail + 3, "%31s %*s %1023s", type, options) != 2)
		return false;
	m->version = strcmp(type, "cgroup2") ? V1 : V2;
	return m->version == V2 ||
	       (strcmp(type, "cgroup") == 0 && has_word(options, "cpu"));
}

uint32_t pow_quota_read(const char *root)
{
	struct search s = {.root = root};
	char line[LINE_SIZE];
	struct mount m;
	FILE *f;

	read_own(&s);
	f = open_file(root, "/proc/self", "mountinfo");
	for (int i = 0; f && i < LINES_MAX && fgets(line, sizeof(line), f);
	     i++) {
		if (parse_mount(&m, line))
			walk_up(&s, &m);
	}
	if (f)
		(void)fclose(f);
	return s.quota;
}
