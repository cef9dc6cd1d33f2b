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

bool node_console_sync_text(char out[static NODE_PROGRESS_MAX],
			    const struct node_console *c, unsigned columns)
{
	const struct node_console_sync *y = &c->sync;
	uint64_t spent = c->looked_ms - y->since_ms;
	uint32_t height = c->status.tip.height.n;
	double rate = 0;

	if (y->target == 0)
		return false;
	if (spent > 0 && height > y->from)
		rate = (double)(height - y->from) * 1000 / (double)spent;
	node_progress_text(out, columns, height, y->target, rate);
	return true;
}

/* Appends a piece where it fits; whether it did. */
static bool add(char out[static NODE_PROGRESS_MAX], unsigned columns,
		const char *piece)
{
	size_t len = strlen(out);
	size_t more = strlen(piece) + (len > 0 ? 2 : 0);

	if (len + more > columns)
		return false;
	(void)snprintf(out + len, NODE_PROGRESS_MAX - len, "%s%s",
		       len > 0 ? "  " : "", piece);
	return true;
}

/* The most important first: what does not fit is left out. */
void node_console_status_text(char out[static NODE_PROGRESS_MAX],
			      const struct node_console *c, unsigned columns)
{
	const struct node_status *s = &c->status;
	const uint32_t height = s->tip.height.n;
	char rate[NODE_PROGRESS_MAX];
	char piece[NODE_PROGRESS_MAX + 16];

	*out = '\0';
	(void)snprintf(piece, sizeof(piece), "height %u", height);
	(void)add(out, columns, piece);
	(void)add(out, columns,
		  s->mode < BASE_COUNT(mode_name) ? mode_name[s->mode] : "?");
	if (columns > strlen(out) + 12 &&
	    node_console_sync_text(rate, c,
				   columns - (unsigned)strlen(out) - 2)) {
		(void)add(out, columns, rate);
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
	node_rate_text(rate, s->hashes_per_second);
	(void)add(out, columns,
		  s->paused ? "paused"
		  : s->held ? "block held"
			    : rate);
}
