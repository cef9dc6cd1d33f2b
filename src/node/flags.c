/* SPDX-License-Identifier: MIT */
#include "node/flags.h"

#include <errno.h>
#include <time.h>

#include "base/assert.h"
#include "node/parse.h"

#define HELP_COLUMN 24

static const struct node_flag *find(const struct node_flags *t,
				    const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->flag[i].name, name) == 0)
			return &t->flag[i];
	return NULL;
}

static int refuse_unknown(const struct node_flags *t, const char *name,
			  struct base_error *err)
{
	const char *best = NULL;
	size_t distance = NODE_EDIT_MAX;

	for (size_t i = 0; i < t->count; i++)
		if (node_is_nearer(&distance, name, t->flag[i].name))
			best = t->flag[i].name;
	if (best)
		return base_fail(err, -EINVAL,
				 "unknown option '%.100s' of '%s'; did you "
				 "mean '%s'? '%s --help' lists all",
				 name, t->command, best, t->command);
	return base_fail(err, -EINVAL,
			 "unknown option '%.100s' of '%s'; '%s --help' lists "
			 "all",
			 name, t->command, t->command);
}

/* "2026-12-31T23:59:59Z", every digit in its place. */
static int parse_utc(uint64_t *out, const char *text)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
	struct tm tm = {0};
	struct tm again;
	time_t t;

	if (strlen(text) != sizeof(shape) - 1)
		return -EINVAL;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9'
				    : text[i] != shape[i])
			return -EINVAL;
	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2dZ", &tm.tm_year, &tm.tm_mon,
		   &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	again = tm;
	t = timegm(&again);
	/* What timegm() had to mend was no date. */
	if (t < 0 || again.tm_mon != tm.tm_mon || again.tm_hour != tm.tm_hour ||
	    again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
		return -EINVAL;
	*out = (uint64_t)t * 1000;
	return 0;
}

static int parse_time(uint64_t *out, const char *text, uint64_t least,
		      uint64_t most)
{
	uint64_t n;

	if (node_parse_u64(out, text, least, most) == 0)
		return 0;
	if (parse_utc(&n, text) < 0 || n < least || n > most)
		return -EINVAL;
	*out = n;
	return 0;
}

static int set(void *out, const struct node_flag *o, char *text)
{
	struct node_number number = {.given = true};
	const size_t len = strlen(text);
	int rc = -EINVAL;

	switch (o->kind) {
	case NODE_FLAG_TEXT:
		if (len < o->least || len > o->most)
			return -EINVAL;
		memcpy((char *)out + o->at, &text, sizeof(text));
		return 0;
	case NODE_FLAG_NUMBER:
		rc = node_parse_u64(&number.n, text, o->least, o->most);
		break;
	case NODE_FLAG_SIZE:
		rc = node_parse_size(&number.n, text, o->least, o->most);
		break;
	case NODE_FLAG_TIME:
		rc = parse_time(&number.n, text, o->least, o->most);
		break;
	case NODE_FLAG_SWITCH:
		break;
	}
	if (rc == 0)
		memcpy((char *)out + o->at, &number, sizeof(number));
	return rc;
}

static int refuse_value(const struct node_flag *o, const char *text,
			struct base_error *err)
{
	const char *what = "";

	switch (o->kind) {
	case NODE_FLAG_TEXT:
		what = " characters";
		break;
	case NODE_FLAG_SIZE:
		what = " bytes, also as 64K or 1M";
		break;
	case NODE_FLAG_TIME:
		what = " milliseconds since 1970, or UTC as "
		       "2026-12-31T23:59:59Z";
		break;
	case NODE_FLAG_NUMBER:
	case NODE_FLAG_SWITCH:
		break;
	}
	return base_fail(err, -EINVAL,
			 "--%s '%.100s' is not allowed; it may be %ju to %ju%s",
			 o->name, text, (uintmax_t)o->least, (uintmax_t)o->most,
			 what);
}

static int one_flag(void *out, const struct node_flags *t, char *flag,
		    char *next, bool *took_next, struct base_error *err)
{
	char name[NODE_FLAG_NAME_MAX];
	char *equals = strchr(flag, '=');
	const size_t len = equals ? (size_t)(equals - flag) : strlen(flag);
	const struct node_flag *o;
	char *text = equals ? equals + 1 : next;

	if (len >= sizeof(name))
		return refuse_unknown(t, flag, err);
	memcpy(name, flag, len);
	name[len] = '\0';
	o = find(t, name);
	if (!o)
		return refuse_unknown(t, name, err);
	if (o->kind == NODE_FLAG_SWITCH) {
		const bool on = true;

		memcpy((char *)out + o->at, &on, sizeof(on));
		return !equals ? 0
			       : base_fail(err, -EINVAL, "--%s takes no value",
					   name);
	}
	if (!text)
		return base_fail(err, -EINVAL, "--%s needs a value: %s %s",
				 name, o->arg, o->help);
	*took_next = !equals;
	return set(out, o, text) < 0 ? refuse_value(o, text, err) : 0;
}

int node_flags_parse(void *out, bool *help, int *word_count,
		     const struct node_flags *table, int argc, char **argv,
		     struct base_error *err)
{
	bool flags = true;
	int words = 0;

	*help = false;
	for (int i = 1; i < argc && !*help; i++)
		*help = strcmp(argv[i], "--help") == 0 ||
			strcmp(argv[i], "-h") == 0;
	for (int i = 1; i < argc && !*help; i++) {
		bool took_next = false;
		int rc = 0;

		if (flags && strcmp(argv[i], "--") == 0)
			flags = false;
		else if (flags && strncmp(argv[i], "--", 2) == 0)
			rc = one_flag(out, table, argv[i] + 2, argv[i + 1],
				      &took_next, err);
		else if (!table->words ||
			 (flags && *argv[i] == '-' && argv[i][1]))
			rc = base_fail(err, -EINVAL,
				       "unexpected argument '%.200s' of '%s'; "
				       "'%s --help' tells what there is",
				       argv[i], table->command, table->command);
		else
			argv[words++] = argv[i];
		if (rc < 0)
			return rc;
		i += took_next;
	}
	*word_count = words;
	return 0;
}

void node_flags_help(FILE *to, const struct node_flags *table)
{
	(void)fprintf(to, "%s\n\nusage: %s%s%s%s\n\noptions:\n", table->about,
		      table->command, table->words ? " " : "",
		      table->words ? table->words : "", " [options]");
	for (size_t i = 0; i < table->count; i++) {
		const struct node_flag *o = &table->flag[i];
		char left[NODE_FLAG_NAME_MAX + 32];

		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name,
			       o->arg ? " " : "", o->arg ? o->arg : "");
		(void)fprintf(to, "  %-*s ", HELP_COLUMN, left);
		if (strlen(left) > HELP_COLUMN)
			(void)fprintf(to, "\n%*s", HELP_COLUMN + 3, "");
		for (const char *p = o->help; *p; p++) {
			(void)fputc(*p, to);
			if (*p == '\n')
				(void)fprintf(to, "%*s", HELP_COLUMN + 3, "");
		}
		(void)fputc('\n', to);
	}
	(void)fputs("\nexit status: 0 success, 1 failure, 2 usage\n", to);
}
