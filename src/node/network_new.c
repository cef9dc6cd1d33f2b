/* SPDX-License-Identifier: MIT */
#include "node/network_new.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "node/clock.h"
#include "node/datadir.h"
#include "node/member.h"
#include "node/network_file.h"
#include "node/network_make.h"

int node_network_dir(char *out, size_t cap, const char *dir, uint32_t node,
		     struct base_error *err)
{
	int n = snprintf(out, cap, "%s/node%u", dir, node);

	if (n < 0 || (size_t)n >= cap)
		return base_fail(err, -ENAMETOOLONG,
				 "the path %.100s... is too long", dir);
	return 0;
}

/* Member names whose order by bytes is that of their numbers. */
static void name_member(char out[static CHAIN_NAME_MAX + 1], uint32_t i,
			uint32_t members)
{
	(void)snprintf(out, CHAIN_NAME_MAX + 1, "node%0*u",
		       members > 10 ? 2 : 1, i);
}

static int take_folder(const char *dir, struct base_error *err)
{
	struct dirent *entry;
	bool empty = true;
	DIR *d;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return base_fail(err, -errno, "cannot create %.300s: %s", dir,
				 strerror(errno));
	d = opendir(dir);
	if (!d)
		return base_fail(err, -errno, "cannot read %.300s: %s", dir,
				 strerror(errno));
	while ((entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			empty = false;
	(void)closedir(d);
	if (!empty)
		return base_fail(err, -EEXIST,
				 "%.300s is not empty; choose an empty or new "
				 "directory with --dir",
				 dir);
	return 0;
}

static int make_parameters(struct chain_params *p,
			   const struct node_network_new *w,
			   struct base_error *err)
{
	const struct node_network_wish wish = {
		.name = w->name,
		.genesis_time_ms = p->genesis_time_ms,
		.faults = w->faults,
		.delta_ms = w->delta_ms,
		.spacing_s = w->spacing_s,
		.hps = w->hps,
	};

	return node_network_make(p, &wish, err);
}

/* Before anything is on disk. */
static int check_wish(const struct node_network_new *w, struct base_error *err)
{
	if (w->base_port < 1 || w->base_port + w->members > 65536)
		return base_fail(err, -EINVAL,
				 "ports %u to %u: they must be 1 to 65535",
				 w->base_port, w->base_port + w->members - 1);
	return node_network_check_faults(w->members, w->faults, err);
}

static int make_member(struct chain_member *out, uint32_t i,
		       const struct node_network_new *w, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char name[CHAIN_NAME_MAX + 1];
	char address[CHAIN_ENDPOINT_MAX + 1];
	int rc = node_network_dir(path, sizeof(path), w->dir, i, err);

	if (rc < 0)
		return rc;
	name_member(name, i, w->members);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u",
		       w->base_port + i);
	return node_member_init(out, path, name, address, NULL, err);
}

/* DIR/nodeN/network.json, or with @node < 0 DIR's own. */
static int save_copy(const char *dir, int node, const struct chain_params *p,
		     struct base_error *err)
{
	char folder[NODE_PATH_MAX];
	char path[NODE_PATH_MAX + sizeof(NODE_NETWORK_FILE) + 1];
	int rc = 0;

	if (node < 0)
		(void)snprintf(folder, sizeof(folder), "%s", dir);
	else
		rc = node_network_dir(folder, sizeof(folder), dir,
				      (uint32_t)node, err);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/" NODE_NETWORK_FILE, folder);
	return node_network_save(path, p, err);
}

int node_network_follower(const char *dir, uint32_t node,
			  const struct chain_params *p, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	struct node_datadir d = {.lock_fd = -1};
	int rc = node_network_dir(path, sizeof(path), dir, node, err);

	if (rc == 0)
		rc = node_datadir_open(&d, path, err);
	node_datadir_close(&d);
	return rc == 0 ? save_copy(dir, (int)node, p, err) : rc;
}

static int make_all(struct chain_params *p, const struct node_network_new *w,
		    struct base_error *err)
{
	struct node_clock clock;
	int rc = check_wish(w, err);

	if (rc == 0)
		rc = take_folder(w->dir, err);
	for (uint32_t i = 0; i < w->members && rc == 0; i++)
		rc = make_member(&p->member[i], i, w, err);
	if (rc < 0)
		return rc;
	p->member_count = w->members;
	node_clock_init(&clock);
	p->genesis_time_ms =
		node_clock_ms(&clock) + UINT64_C(1000) * w->start_in_s;
	rc = make_parameters(p, w, err);
	for (uint32_t i = 0; i < w->members && rc == 0; i++)
		rc = save_copy(w->dir, (int)i, p, err);
	for (uint32_t i = w->members; i < w->nodes && rc == 0; i++)
		rc = node_network_follower(w->dir, i, p, err);
	return rc == 0 ? save_copy(w->dir, -1, p, err) : rc;
}

int node_network_create(struct chain_params *out,
			const struct node_network_new *wish,
			struct base_error *err)
{
	struct chain_params *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return base_fail(err, -ENOMEM, "no memory for a network");
	rc = make_all(p, wish, err);
	if (rc == 0)
		*out = *p;
	free(p);
	return rc;
}

void node_network_warn(const struct chain_params *p)
{
	uint32_t least =
		node_spacing(NODE_SPACING_LEAST, p->faults, p->delta_ms);

	if (p->spacing_s < least)
		(void)fprintf(stderr,
			      "minerd: warning: a block every %u s with f=%u "
			      "and delta %u ms is too fast to agree\non; at "
			      "least %u s is needed, %u s is advised\n",
			      p->spacing_s, p->faults, p->delta_ms, least,
			      node_spacing(NODE_SPACING_ADVISED, p->faults,
					   p->delta_ms));
}
