/* SPDX-License-Identifier: MIT */
/*
 * The agreement as a grid: a row for each member, a column for each tick, and
 * in it who signed the member's proposal of that tick.
 */
#include <stdlib.h>

#include "base/bytes.h"
#include "consensus/ds.h"
#include "node/console_internal.h"

#define NARROW_COLUMNS 40
#define TICKS_MAX 16

struct grid {
	struct node_console *c;
	const json_t *info;
	const json_t *who;
	unsigned members;
	unsigned name; /* columns of a name */
	unsigned cell; /* of a cell, with the blank before it */
	bool narrow;
	json_int_t first; /* tick of the first column */
	unsigned ticks;
	char line[NODE_CONSOLE_LINE_MAX];
	size_t len;
};

static void add(struct grid *g, const char *fmt, ...) BASE_PRINTF(2, 3);

static void add(struct grid *g, const char *fmt, ...)
{
	const size_t room = sizeof(g->line) - g->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(g->line + g->len, room, fmt, args);
	va_end(args);
	if (n > 0)
		g->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void end_line(struct grid *g, enum node_colour colour)
{
	node_console_say(g->c, colour, "%s", g->line);
	g->len = 0;
	*g->line = '\0';
}

static json_int_t integer(const json_t *in, const char *key)
{
	return json_integer_value(json_object_get(in, key));
}

static const char *text_of(const json_t *in, const char *key)
{
	const char *text = json_string_value(json_object_get(in, key));

	return text ? text : "";
}

/* A mark for each member, or hex digits where they are many. */
static void put_mask(char out[static 72], const struct grid *g,
		     const json_t *value)
{
	uint64_t mask = strtoull(text_of(value, "mask"), NULL, 16);

	if (g->members > 8) {
		(void)snprintf(out, 72, "%0*llx", (int)(g->members + 3) / 4,
			       (unsigned long long)mask);
		return;
	}
	for (unsigned i = 0; i < g->members; i++)
		out[i] = mask >> i & 1 ? '#' : '.';
	out[g->members] = '\0';
}

static void put_cell(char out[static 80], const struct grid *g,
		     json_int_t sender, json_int_t tick)
{
	json_t *in;
	size_t i;

	(void)strcpy(out, "-");
	json_array_foreach(json_object_get(g->info, "rounds"), i, in)
	{
		if (integer(in, "sender") != sender ||
		    integer(in, "tick") != tick)
			continue;
		put_mask(out, g,
			 json_array_get(json_object_get(in, "values"), 0));
		if (integer(in, "count") > 1)
			(void)strcat(out, "!");
		else if (integer(in, "extracted") == 0)
			(void)strcat(out, "?");
	}
}

/* The end of what it voted for: hashes begin alike. */
static void put_vote(char out[static 8], const struct grid *g, json_int_t voter)
{
	const char *hash = "";
	bool two = false;
	json_t *v;
	size_t i;

	json_array_foreach(json_object_get(g->info, "votes"), i, v)
	{
		if (integer(v, "voter") != voter)
			continue;
		two = *hash && strcmp(hash, text_of(v, "hash")) != 0;
		hash = text_of(v, "hash");
	}
	if (strlen(hash) < 6)
		(void)strcpy(out, "-");
	else
		(void)snprintf(out, 8, "%.6s%s", hash + strlen(hash) - 6,
			       two ? "!" : "");
}

static const char *beat_of(const json_t *member)
{
	const char *mode = text_of(member, "mode");
	bool agrees = json_is_true(json_object_get(member, "agrees"));

	if (strcmp(mode, "ACTIVE") == 0)
		return agrees ? "A+" : "A";
	if (strcmp(mode, "SHADOW") == 0)
		return agrees ? "S+" : "S";
	return *mode ? "y" : "-";
}

static void measure(struct grid *g)
{
	const unsigned columns = g->c->columns;
	const json_int_t tick = integer(g->info, "tick");
	const unsigned digits =
		(unsigned)snprintf(NULL, 0, "%lld", (long long)tick + 1);
	unsigned mask;
	unsigned used;

	g->members = (unsigned)integer(g->who, "n");
	g->narrow = columns < NARROW_COLUMNS;
	g->name = g->narrow ? 6 : 12;
	mask = (g->members > 8 ? (g->members + 3) / 4 : g->members) + 1;
	g->cell = 1 + (mask > digits ? mask : digits);
	used = g->name + 3 + (g->narrow ? 0 : 8);
	g->ticks = columns > used ? (columns - used - 1) / g->cell : 0;
	if (g->ticks < 1)
		g->ticks = 1;
	if (g->ticks > TICKS_MAX)
		g->ticks = TICKS_MAX;
	if (g->ticks > integer(g->who, "rounds") + 3)
		g->ticks = (unsigned)integer(g->who, "rounds") + 3;
	g->first = tick + 2 - g->ticks;
}

static void put_row(struct grid *g, const json_t *member)
{
	const json_int_t index = integer(member, "index");
	bool self = json_is_true(json_object_get(member, "self"));
	char cell[80];
	char vote[8];

	add(g, "%-*.*s %-2s", (int)g->name, (int)g->name,
	    text_of(member, "name"), beat_of(member));
	if (!g->narrow) {
		put_vote(vote, g, index);
		add(g, " %-7s", vote);
	}
	for (unsigned i = 0; i < g->ticks; i++) {
		put_cell(cell, g, index, g->first + i);
		add(g, " %*s", (int)g->cell - 1, cell);
	}
	end_line(g, self ? NODE_BOLD : NODE_PLAIN);
}

static void put_head(struct grid *g)
{
	const json_t *final = json_object_get(g->info, "final");
	const json_t *decided = json_object_get(g->info, "decided");

	add(g, "%s, tick %lld, final %lld, decided %lld, quorum %lld of %u",
	    text_of(g->info, "mode"), (long long)integer(g->info, "tick"),
	    (long long)integer(final, "height"),
	    (long long)integer(decided, "height"),
	    (long long)integer(g->who, "quorum"), g->members);
	end_line(g, NODE_BOLD);
	add(g, "%-*.*s %-2s", (int)g->name, (int)g->name, "member", "b");
	if (!g->narrow)
		add(g, " %-7s", "vote");
	for (unsigned i = 0; i < g->ticks; i++)
		add(g, " %*lld", (int)g->cell - 1, (long long)(g->first + i));
	end_line(g, NODE_DIM);
}

void node_console_consensus(struct node_console *c, char **piece)
{
	json_t *info = node_console_call(c, "getconsensusinfo", NULL);
	json_t *who = info ? node_console_call(c, "getcommittee", NULL) : NULL;
	struct grid g = {.c = c, .info = info, .who = who};
	json_t *member;
	size_t i;

	(void)piece;
	if (who) {
		measure(&g);
		put_head(&g);
		json_array_foreach(json_object_get(who, "members"), i, member)
		{
			put_row(&g, member);
		}
		node_console_say(
			c, NODE_DIM,
			"b: A active, S shadow, y catching up, - silent, + "
			"agrees; a cell: who signed the proposal of that "
			"member and tick, ? in time for nobody, ! two of them");
	}
	json_decref(who);
	json_decref(info);
}
