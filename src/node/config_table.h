/* SPDX-License-Identifier: MIT */
/*
 * config_table.h: the table of all options, which config.c reads.
 *
 * Floor 5. Help, flags, environment and file know an option from its row.
 */
#ifndef NODE_CONFIG_TABLE_H
#define NODE_CONFIG_TABLE_H

#include "node/config.h"

/* One setting. @set parses @text into the config; 0 or -EINVAL. */
struct node_option {
	const char *name;
	const char *arg;      /* placeholder for people; NULL: a plain flag */
	const char *fallback; /* default text; NULL with flags */
	const char *allowed;  /* what a value may be, for messages */
	const char *help;
	int (*set)(struct node_config *c, const char *text);
	enum node_command command; /* of a plain flag */
	const char *sets; /* a plain flag: the option that gets its name as
			   * value; NULL: it is a command */
	bool repeats;	  /* what one source says twice is joined by a comma */
};

extern const struct node_option node_options[];
extern const size_t node_option_count;

#endif
