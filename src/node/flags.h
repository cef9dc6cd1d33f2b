/* SPDX-License-Identifier: MIT */
/*
 * flags.h: the options of one subcommand.
 *
 * Floor 5. Main thread, at start. For subcommands that do not run a node and
 * have options of their own (config.h has those of a node): one table each,
 * of which the parser, the help text and every message are made. Flags are
 * `--NAME VALUE` or `--NAME=VALUE`; `--help` and `-h` are always known.
 */
#ifndef NODE_FLAGS_H
#define NODE_FLAGS_H

#include <stdio.h>

#include "base/error.h"
#include "base/types.h"

#define NODE_FLAG_NAME_MAX 64

enum node_flag_kind {
	NODE_FLAG_NUMBER, /* decimal, least..most, into node_number */
	NODE_FLAG_SIZE,	  /* with K, M, G or T, into node_number */
	NODE_FLAG_TEXT,	  /* least..most characters, into const char * */
	NODE_FLAG_TIME,	  /* Unix ms, or UTC as 2026-12-31T23:59:59Z */
	NODE_FLAG_SWITCH, /* no value; into bool */
};

/* A number that may have been given. */
struct node_number {
	bool given;
	uint64_t n;
};

struct node_flag {
	const char *name;
	const char *arg; /* placeholder for people; NULL with a switch */
	enum node_flag_kind kind;
	size_t at; /* offset in the struct that is filled */
	uint64_t least;
	uint64_t most;
	const char *help; /* lines, without the last newline */
};

struct node_flags {
	const char *command; /* "minerd init": for messages */
	const char *about;   /* the top of the help text */
	const struct node_flag *flag;
	size_t count;
	const char *words; /* what other arguments are; NULL: none allowed */
};

/*
 * Fills @out, which the caller has zeroed, from @argv[1] on. Words that are
 * no flags are moved to the front: argv[0] to argv[*@word_count - 1]; flags
 * and words may be mixed, and all after "--" are words. Texts are borrowed
 * from @argv. *@help: the help text is wanted, and nothing else was looked
 * at. 0; -EINVAL: usage, @err names the option, what is allowed, and the
 * nearest name.
 */
BASE_MUST_CHECK int node_flags_parse(void *out, bool *help, int *word_count,
				     const struct node_flags *table, int argc,
				     char **argv, struct base_error *err);

/* The help text. */
void node_flags_help(FILE *to, const struct node_flags *table);

#endif
