/* SPDX-License-Identifier: MIT */
#include "node/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "node/clock.h"

#define COLUMNS_UNKNOWN 80
#define PIECE_MAX 48
#define BAR_MIN 5 /* narrower ones say nothing */
#define BAR_MAX 50
#define GREEN "\x1b[32m"
#define PLAIN "\x1b[0m"
#define CLEAR_REST "\x1b[K"

static void write_left(char out[static PIECE_MAX],
		       const struct node_progress_state *s)
{
	uint64_t left;

	*out = '\0';
	if (s->total == 0 || s->rate == 0 || s->done > s->total)
		return;
	left = (s->total - s->done) / s->rate;
	if (left < 3600)
		(void)snprintf(out, PIECE_MAX,
			       " %" PRIu64 ":%02" PRIu64 " left", left / 60,
			       left % 60);
	else if (left < 100 * (uint64_t)3600)
		(void)snprintf(out, PIECE_MAX,
			       " %" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " left",
			       left / 3600, left / 60 % 60, left % 60);
	else
		(void)snprintf(out, PIECE_MAX, " days left");
}

static void write_done(char out[static PIECE_MAX],
		       const struct node_progress_state *s)
{
	unsigned percent = 100;

	if (s->total == 0) {
		(void)snprintf(out, PIECE_MAX, " %" PRIu64, s->done);
		return;
	}
	if (s->done < s->total)
		percent = (unsigned)((double)s->done * 100 / (double)s->total);
	(void)snprintf(out, PIECE_MAX, " %3u%%", percent);
}

static size_t write_bar(char *out, size_t cells,
			const struct node_progress_state *s)
{
	size_t full = cells;
	size_t at = 0;

	if (s->done < s->total)
		full = (size_t)((double)s->done * (double)cells /
				(double)s->total);
	at += (size_t)sprintf(out, " [%s", s->colour ? GREEN : "");
	memset(out + at, '#', full);
	at += full;
	at += (size_t)sprintf(out + at, "%s", s->colour ? PLAIN : "");
	memset(out + at, '.', cells - full);
	at += cells - full;
	out[at++] = ']';
	return at;
}

size_t node_progress_line(char out[static NODE_PROGRESS_LINE_MAX],
			  const struct node_progress_state *s)
{
	char done[PIECE_MAX], rate[PIECE_MAX] = "", left[PIECE_MAX] = "";
	size_t room = s->columns;
	size_t cells = 0;
	size_t at;

	if (room < NODE_PROGRESS_COLUMNS_MIN)
		room = NODE_PROGRESS_COLUMNS_MIN;
	if (room > NODE_PROGRESS_COLUMNS_MAX)
		room = NODE_PROGRESS_COLUMNS_MAX;
	room--; /* the last column would wrap on some terminals */
	write_done(done, s);
	write_left(left, s);
	if (s->rate > 0)
		(void)snprintf(rate, sizeof(rate), " %" PRIu64 "/s", s->rate);
	if (strlen(s->what) + strlen(done) + strlen(left) > room)
		left[*left ? strcspn(left + 1, " ") + 1 : 0] = '\0';
	if (strlen(s->what) + strlen(done) + strlen(left) > room)
		*left = '\0';
	if (strlen(s->what) + strlen(done) + strlen(left) + strlen(rate) > room)
		*rate = '\0';
	at = (size_t)snprintf(out, room + 1, "%s", s->what);
	if (at > room)
		at = room;
	room -= at;
	if (s->total > 0 &&
	    room >= strlen(done) + strlen(rate) + strlen(left) + BAR_MIN + 3)
		cells = room - strlen(done) - strlen(rate) - strlen(left) - 3;
	if (cells > BAR_MAX)
		cells = BAR_MAX;
	room += at; /* columns in all */
	if (cells > 0)
		at += write_bar(out + at, cells, s);
	(void)snprintf(out + at, NODE_PROGRESS_LINE_MAX - at, "%s%s%s", done,
		       rate, left);
	at = strlen(out);
	if (cells > 0 && s->colour)
		return at - sizeof(GREEN PLAIN) + 1;
	if (at > room) {
		out[room] = '\0';
		at = room;
	}
	return at;
}

bool node_progress_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return (!no || !*no) && isatty(fd);
}

void node_progress_begin(struct node_progress *p, int fd, const char *what,
			 uint64_t from, uint64_t total)
{
	*p = (struct node_progress){.fd = isatty(fd) ? fd : -1,
				    .what = what,
				    .colour = node_progress_colour(fd),
				    .from = from,
				    .done = from,
				    .total = total,
				    .began_ms = node_monotonic_ms()};
}

static void draw(const struct node_progress *p, uint64_t now, const char *end)
{
	char line[NODE_PROGRESS_LINE_MAX];
	char text[NODE_PROGRESS_LINE_MAX + 16];
	uint64_t took = now - p->began_ms;
	struct winsize size = {.ws_col = 0};
	struct node_progress_state s = {.what = p->what,
					.done = p->done,
					.total = p->total,
					.columns = COLUMNS_UNKNOWN,
					.colour = p->colour};
	int len;

	if (took > 0 && p->done > p->from)
		s.rate = (p->done - p->from) * 1000 / took;
	if (ioctl(p->fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		s.columns = size.ws_col;
	(void)node_progress_line(line, &s);
	len = snprintf(text, sizeof(text), "\r%s" CLEAR_REST "%s", line, end);
	(void)!write(p->fd, text, (size_t)len);
}

void node_progress_show(struct node_progress *p, uint64_t done)
{
	uint64_t now;

	p->done = done;
	if (p->fd < 0)
		return;
	now = node_monotonic_ms();
	if (now < p->due_ms)
		return;
	p->due_ms = now + NODE_PROGRESS_MS;
	draw(p, now, "");
}

void node_progress_end(struct node_progress *p)
{
	if (p->fd >= 0)
		draw(p, node_monotonic_ms(), "\n");
	p->fd = -1;
}
