/* SPDX-License-Identifier: MIT */
#include "node/clock.h"
#include "node/console_internal.h"

#define LOOK_MS 1000

static const char *const mode_name[] = {
	[DS_SYNC] = "SYNC",
	[DS_SHADOW] = "SHADOW",
	[DS_ACTIVE] = "ACTIVE",
	[DS_HALT] = "HALT",
};

static void follow_sync(struct node_console *c, uint64_t now)
{
	const struct node_status *s = &c->status;
	struct node_console_sync *y = &c->sync;

	if (s->target.n <= s->tip.height.n) {
		y->target = 0;
		return;
	}
	if (y->target == 0) {
		y->from = s->tip.height.n;
		y->since_ms = now;
	}
	y->target = s->target.n;
}

void node_console_look(struct node_console *c, bool now)
{
	uint64_t at = node_monotonic_ms();

	if (!now && at - c->looked_ms < LOOK_MS)
		return;
	c->looked_ms = at;
	node_status_read(&c->status, c->o.status);
	if (c->o.net)
		net_look(&c->view, c->o.net);
	follow_sync(c, at);
}

bool node_console_sync_text(char out[static NODE_CONSOLE_TEXT_MAX],
			    const struct node_console *c, unsigned columns)
{
	const struct node_console_sync *y = &c->sync;
	const uint64_t spent = c->looked_ms - y->since_ms;
	const uint32_t height = c->status.tip.height.n;
	struct node_progress_state s = {.what = "sync",
					.done = height,
					.total = y->target,
					.columns = columns + 1};
	char line[NODE_PROGRESS_LINE_MAX];

	if (y->target == 0)
		return false;
	if (spent > 0 && height > y->from)
		s.rate = (uint64_t)(height - y->from) * 1000 / spent;
	(void)node_progress_line(line, &s);
	(void)snprintf(out, NODE_CONSOLE_TEXT_MAX, "%s", line);
	return true;
}

void node_console_rate_text(char out[static NODE_CONSOLE_TEXT_MAX], double hps)
{
	static const char *const units[] = {"H/s",  "kH/s", "MH/s",
					    "GH/s", "TH/s", "PH/s"};
	size_t u = 0;

	for (; hps >= 1000 && u + 1 < BASE_COUNT(units); u++)
		hps /= 1000;
	(void)snprintf(out, NODE_CONSOLE_TEXT_MAX, "%.2f %s", hps, units[u]);
}

void node_console_time_text(char out[static NODE_CONSOLE_TEXT_MAX],
			    double seconds)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"min", 60}};

	for (size_t i = 0; i < BASE_COUNT(units); i++) {
		if (seconds >= 2 * units[i].seconds) {
			(void)snprintf(out, NODE_CONSOLE_TEXT_MAX, "%.0f %s",
				       seconds / units[i].seconds,
				       units[i].name);
			return;
		}
	}
	(void)snprintf(out, NODE_CONSOLE_TEXT_MAX, "%.0f s", seconds);
}

/* Appends a piece where it fits; whether it did. */
static bool add(char out[static NODE_CONSOLE_TEXT_MAX], unsigned columns,
		const char *piece)
{
	size_t len = strlen(out);
	size_t more = strlen(piece) + (len > 0 ? 2 : 0);

	if (len + more > columns)
		return false;
	(void)snprintf(out + len, NODE_CONSOLE_TEXT_MAX - len, "%s%s",
		       len > 0 ? "  " : "", piece);
	return true;
}

/* The most important first: what does not fit is left out. */
void node_console_status_text(char out[static NODE_CONSOLE_TEXT_MAX],
			      const struct node_console *c, unsigned columns)
{
	const struct node_status *s = &c->status;
	const uint32_t height = s->tip.height.n;
	char rate[NODE_CONSOLE_TEXT_MAX];
	char piece[NODE_CONSOLE_TEXT_MAX + 16];

	*out = '\0';
	(void)snprintf(piece, sizeof(piece), "height %u", height);
	(void)add(out, columns, piece);
	(void)add(out, columns,
		  s->mode < BASE_COUNT(mode_name) ? mode_name[s->mode] : "?");
	if (c->sync.target > 0) {
		(void)node_console_sync_text(
			rate, c, columns - (unsigned)strlen(out) - 2);
		(void)snprintf(piece, sizeof(piece), "%llu%%",
			       (unsigned long long)height * 100 /
				       c->sync.target);
		if (!add(out, columns, rate))
			(void)add(out, columns, piece);
		return;
	}
	(void)snprintf(piece, sizeof(piece), "lag %u",
		       s->decided_height.n > height
			       ? s->decided_height.n - height
			       : 0);
	(void)add(out, columns, piece);
	(void)snprintf(piece, sizeof(piece), "%u peer%s", c->view.peers,
		       c->view.peers == 1 ? "" : "s");
	(void)add(out, columns, piece);
	if (s->threads == 0)
		return;
	node_console_rate_text(rate, s->hashes_per_second);
	(void)add(out, columns,
		  s->paused ? "paused"
		  : s->held ? "block held"
			    : rate);
}
