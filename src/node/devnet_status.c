/* SPDX-License-Identifier: MIT */
#include "node/devnet_internal.h"

#include <jansson.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "node/clock.h"

#define LINE_MAX_BYTES 1024
#define PLAIN_EVERY_MS 5000
#define COLUMNS_DEFAULT 80

static const char request[] =
	"[{\"id\":0,\"method\":\"getmininginfo\",\"params\":[]},"
	"{\"id\":1,\"method\":\"getconsensusinfo\",\"params\":[]}]";

static uint32_t height_of(const json_t *block)
{
	return (uint32_t)json_integer_value(json_object_get(block, "height"));
}

static void read_views(struct node_devnet_view *v, const json_t *mining,
		       const json_t *consensus)
{
	const char *mode =
		json_string_value(json_object_get(consensus, "mode"));

	v->hps = json_number_value(json_object_get(mining, "hashespersec"));
	v->height = height_of(json_object_get(consensus, "final"));
	v->decided = height_of(json_object_get(consensus, "decided"));
	(void)snprintf(v->mode, sizeof(v->mode), "%s", mode ? mode : "");
	v->known = json_is_object(mining) && json_is_object(consensus);
}

void node_devnet_ask(struct node_devnet_run *d, uint32_t i)
{
	struct node_devnet_child *n = &d->node[i];
	struct node_devnet_view v = {.known = false};
	struct api_reply reply;
	struct base_error err;
	json_t *in;

	n->view.known = false;
	n->client.timeout_ms = NODE_DEVNET_ASK_MS;
	_Static_assert(sizeof(n->client.datadir) == sizeof(n->dir),
		       "a path is a path");
	memcpy(n->client.datadir, n->dir, sizeof(n->dir));
	if (n->pid == 0)
		return;
	n->found = n->found || api_client_find(&n->client, &err) == 0;
	if (!n->found || api_client_call(&reply, &n->client, request, &err) < 0)
		return;
	in = json_loads(reply.body, 0, NULL);
	api_reply_free(&reply);
	read_views(&v, json_object_get(json_array_get(in, 0), "result"),
		   json_object_get(json_array_get(in, 1), "result"));
	json_decref(in);
	n->view = v;
}

static void put_rate(FILE *f, double hps)
{
	static const char *const units[] = {"H/s", "kH/s", "MH/s", "GH/s",
					    "TH/s"};
	size_t unit = 0;

	while (hps >= 1000 && unit + 1 < BASE_COUNT(units)) {
		hps /= 1000;
		unit++;
	}
	(void)fprintf(f, "%.*f %s", hps < 10 ? 2 : 1, hps, units[unit]);
}

/* "3 active, 1 shadow", by modes in the order in which they are met. */
static void put_modes(FILE *f, const struct node_devnet_run *d)
{
	bool first = true;

	for (uint32_t i = 0; i < d->count; i++) {
		const char *mode = d->node[i].view.mode;
		uint32_t same = 0;
		uint32_t before = 0;

		if (!d->node[i].view.known || !*mode)
			continue;
		for (uint32_t k = 0; k < d->count; k++) {
			const struct node_devnet_view *o = &d->node[k].view;

			if (o->known && strcmp(o->mode, mode) == 0) {
				same++;
				before += k < i;
			}
		}
		if (before > 0)
			continue;
		(void)fprintf(f, "%s%u %s", first ? "" : ", ", same, mode);
		first = false;
	}
}

static void put_heights(FILE *f, const struct node_devnet_run *d)
{
	uint32_t undecided = 0;

	(void)fprintf(f, "height");
	for (uint32_t i = 0; i < d->count; i++) {
		const struct node_devnet_view *v = &d->node[i].view;

		if (!v->known) {
			(void)fprintf(f, " -");
			continue;
		}
		(void)fprintf(f, " %u", v->height);
		if (v->decided > v->height &&
		    v->decided - v->height > undecided)
			undecided = v->decided - v->height;
	}
	if (undecided > 0)
		(void)fprintf(f, " (+%u)", undecided);
}

static void put_time(FILE *f, const struct node_devnet_run *d, uint64_t now)
{
	struct node_clock clock;
	uint64_t wall;

	node_clock_init(&clock);
	wall = node_clock_ms(&clock);
	if (wall < d->params.genesis_time_ms)
		(void)fprintf(f, "begins in %.0f s",
			      (double)(d->params.genesis_time_ms - wall) /
				      1000);
	else if (d->top_ms == 0)
		(void)fprintf(f, "no block yet");
	else
		(void)fprintf(f, "final %.1f s ago",
			      (double)(now - d->top_ms) / 1000);
}

static void make_line(char out[static LINE_MAX_BYTES],
		      struct node_devnet_run *d)
{
	const uint64_t now = node_monotonic_ms();
	FILE *f = fmemopen(out, LINE_MAX_BYTES, "w");
	double hps = 0;
	uint32_t top = 0;

	out[0] = '\0';
	if (!f)
		return;
	for (uint32_t i = 0; i < d->count; i++) {
		const struct node_devnet_view *v = &d->node[i].view;

		if (v->known && v->height > top)
			top = v->height;
		hps += v->known ? v->hps : 0;
	}
	if (top > d->top) {
		d->top = top;
		d->top_ms = now;
	}
	put_heights(f, d);
	(void)fprintf(f, " | ");
	put_time(f, d, now);
	(void)fprintf(f, " | ");
	put_modes(f, d);
	(void)fprintf(f, " | ");
	put_rate(f, hps);
	(void)fclose(f);
	out[LINE_MAX_BYTES - 1] = '\0';
}

static void announce(struct node_devnet_run *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		if (!d->node[i].view.known)
			return;
	d->announced = true;
	node_devnet_leave_line(d);
	for (uint32_t i = 0; i < d->count; i++)
		(void)printf("node%u answers JSON-RPC on %s\n", i,
			     d->node[i].client.address);
	(void)printf("ask with: minerd-cli --datadir %s/node0 "
		     "getconsensusinfo\n",
		     d->dir);
}

void node_devnet_show(struct node_devnet_run *d)
{
	char line[LINE_MAX_BYTES];
	const uint64_t now = node_monotonic_ms();
	struct winsize size = {.ws_col = COLUMNS_DEFAULT};

	if (!d->announced)
		announce(d);
	make_line(line, d);
	if (isatty(STDOUT_FILENO)) {
		(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
		if (size.ws_col > 1 && strlen(line) >= size.ws_col)
			line[size.ws_col - 1] = '\0';
		(void)printf("\r%s\x1b[K", line);
		d->shown = true;
	} else if (now - d->plain_ms >= PLAIN_EVERY_MS) {
		(void)printf("%s\n", line);
		d->plain_ms = now;
	}
	(void)fflush(stdout);
}

void node_devnet_leave_line(struct node_devnet_run *d)
{
	if (d->shown)
		(void)printf("\n");
	d->shown = false;
	(void)fflush(stdout);
}
