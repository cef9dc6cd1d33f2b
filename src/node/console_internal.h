/* SPDX-License-Identifier: MIT */
/*
 * console_internal.h: what the console's own files share; nobody else includes
 * it.
 *
 * Floor 5. console.c has its life, console_term.c the terminal and its lines,
 * console_verbs.c what can be typed, console_do.c and console_show.c what that
 * does, console_grid.c the picture of the agreement.
 */
#ifndef NODE_CONSOLE_INTERNAL_H
#define NODE_CONSOLE_INTERNAL_H

#include <histedit.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <wchar.h>

#include "node/console.h"
#include "node/progress.h"
#include "node/wake.h"

#define NODE_CONSOLE_LINE_MAX 1024 /* bytes of a line that is typed */
#define NODE_CONSOLE_TEXT_MAX 256  /* of a status and the like, with NUL */
#define NODE_CONSOLE_PIECES_MAX 3  /* arguments of a verb */
#define NODE_CONSOLE_HISTORY_MAX 500
#define NODE_CONSOLE_COLUMNS_MIN 10u
#define NODE_CONSOLE_COLUMNS_MAX NODE_PROGRESS_COLUMNS_MAX
_Static_assert(NODE_CONSOLE_COLUMNS_MAX < NODE_CONSOLE_TEXT_MAX,
	       "a line of status fits");

enum node_colour {
	NODE_PLAIN,
	NODE_RED,
	NODE_GREEN,
	NODE_YELLOW,
	NODE_BOLD,
	NODE_DIM
};

/* How fast it catches up. */
struct node_console_sync {
	uint32_t target; /* 0: it does not */
	uint32_t from;
	uint64_t since_ms; /* monotonic */
};

struct node_console {
	struct node_console_options o;
	int log_in; /* the pipe */
	int log_out;
	struct node_wake wake;	 /* the console's */
	struct node_wake asker;	 /* rung by the reader */
	struct node_wake silent; /* rung when no method is called any more */
	pthread_t thread;
	bool running;
	_Atomic bool quiet;
	_Atomic bool gone; /* nothing but the pipe is used any more */
	_Atomic bool done; /* nor that: the thread ends */
	/* The terminal. */
	EditLine *el;
	History *history;
	char history_path[NODE_PATH_MAX];
	mbstate_t shift;
	bool ended; /* no more input */
	bool away;  /* another job has the terminal */
	bool colours;
	bool moves; /* the cursor can be moved */
	unsigned columns;
	const char *question; /* in place of the status; or NULL */
	bool watching;	      /* a status line, no line is edited */
	bool hidden;	      /* what is typed is not shown */
	char drawn[NODE_CONSOLE_TEXT_MAX];  /* the prompt as it is shown */
	char prompt[NODE_CONSOLE_TEXT_MAX]; /* libedit's */
	char line[NODE_CONSOLE_LINE_MAX];   /* the last that was typed */
	char log[4096];
	size_t log_len;
	/* The status, once a second. */
	uint64_t looked_ms;
	struct node_status status;
	struct net_view view;
	struct node_console_sync sync;
};

/* ---- console_term.c ---- */

BASE_MUST_CHECK int node_console_term_open(struct node_console *c);
void node_console_term_close(struct node_console *c);
bool node_console_over(const struct node_console *c);

/* A line without the blanks around it, with @question before it; NULL: the
 * status. The console's until the next one. NULL: the input ended, or the
 * console must be quiet. */
char *node_console_ask(struct node_console *c, const char *question);
/* As that, with nothing shown and nothing kept; the caller wipes it. */
char *node_console_ask_hidden(struct node_console *c, const char *question);
void node_console_remember(struct node_console *c, const char *line);
/* The status on one line, until a key is pressed, which it returns; '\0': as
 * node_console_ask(). */
char node_console_watch(struct node_console *c);
/* Puts a character before what is typed next. */
void node_console_type(struct node_console *c, char key);
/* Before something is printed over the line that is edited. */
void node_console_erase(struct node_console *c);

/* A line; control characters become '?'. */
void node_console_say(const struct node_console *c, enum node_colour colour,
		      const char *fmt, ...) BASE_PRINTF(3, 4);

/* ---- console_status.c ---- */

/* Looks at most once a second, unless @now. */
void node_console_look(struct node_console *c, bool now);
/* As much of the status as fits. */
void node_console_status_text(char out[static NODE_CONSOLE_TEXT_MAX],
			      const struct node_console *c, unsigned columns);
/* How far catching up is; false: it does not. */
bool node_console_sync_text(char out[static NODE_CONSOLE_TEXT_MAX],
			    const struct node_console *c, unsigned columns);

/* "12.34 MH/s". */
void node_console_rate_text(char out[static NODE_CONSOLE_TEXT_MAX], double hps);
/* "45 s", "12 min", "3 h", "5 d". */
void node_console_time_text(char out[static NODE_CONSOLE_TEXT_MAX],
			    double seconds);

/* ---- console_verbs.c ---- */

struct node_console_verb {
	const char *words; /* "show block" */
	const char *also;  /* another name, or NULL */
	const char *args;  /* for help: "HASH|HEIGHT" */
	const char *menu;
	/* What is asked for when it is missing; optional ones, which begin
	 * with '(', only when the verb was chosen by number. */
	const char *ask[NODE_CONSOLE_PIECES_MAX];
	void (*run)(struct node_console *c, char **piece);
};

void node_console_menu(const struct node_console *c);
/* What was typed. */
void node_console_obey(struct node_console *c, const char *line);
/* libedit's, for the tabulator. */
unsigned char node_console_complete(EditLine *el, int key);

/* ---- console_do.c ---- */

/* The result of a method, whose @params it takes over; NULL, having said
 * why. The caller lets it go. */
json_t *node_console_call(struct node_console *c, const char *method,
			  json_t *params);

void node_console_access(struct node_console *c, char **piece);
void node_console_send(struct node_console *c, char **piece);
void node_console_connect(struct node_console *c, char **piece);
void node_console_pin(struct node_console *c, char **piece);
void node_console_unpin(struct node_console *c, char **piece);
void node_console_broadcast(struct node_console *c, char **piece);
void node_console_hold(struct node_console *c, char **piece);
void node_console_pause(struct node_console *c, char **piece);
void node_console_resume(struct node_console *c, char **piece);
void node_console_address(struct node_console *c, char **piece);
void node_console_unlock(struct node_console *c, char **piece);
void node_console_halt(struct node_console *c, char **piece);

/* ---- console_show.c ---- */

void node_console_peers(struct node_console *c, char **piece);
void node_console_chain(struct node_console *c, char **piece);
void node_console_block(struct node_console *c, char **piece);
void node_console_pool(struct node_console *c, char **piece);
void node_console_hashrate(struct node_console *c, char **piece);
void node_console_balance(struct node_console *c, char **piece);
void node_console_status(struct node_console *c, char **piece);

/* ---- console_grid.c ---- */

void node_console_consensus(struct node_console *c, char **piece);

#endif
