/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/console_internal.h"

#define IDLE_MS 1000
#define ERASE_BELOW "\r\033[J"

bool node_console_over(const struct node_console *c)
{
	/* Pairs with the release in node_console_quiet(). */
	return atomic_load_explicit(&c->quiet, memory_order_acquire);
}

/* ---- what is printed ---- */

static const char *const colour_code[] = {
	[NODE_PLAIN] = "",	   [NODE_RED] = "\033[31m",
	[NODE_GREEN] = "\033[32m", [NODE_YELLOW] = "\033[33m",
	[NODE_BOLD] = "\033[1m",   [NODE_DIM] = "\033[2m",
};

/* What others chose must not steer the terminal. */
static void put(const struct node_console *c, enum node_colour colour,
		const char *text, size_t len)
{
	bool coloured = c->colours && colour != NODE_PLAIN;

	if (coloured)
		(void)fputs(colour_code[colour], stdout);
	for (size_t i = 0; i < len; i++)
		(void)putchar((unsigned char)text[i] < 0x20 || text[i] == 0x7f
				      ? '?'
				      : text[i]);
	(void)fputs(coloured ? "\033[0m\n" : "\n", stdout);
}

void node_console_say(const struct node_console *c, enum node_colour colour,
		      const char *fmt, ...)
{
	char text[2 * NODE_CONSOLE_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	put(c, colour, text, strlen(text));
}

/* ---- the line that is edited ---- */

/* Bytes of UTF-8 that begin a character. */
static size_t width_of(const char *text, const char *end)
{
	size_t n = 0;

	for (; text < end; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

void node_console_erase(struct node_console *c)
{
	const LineInfo *line = el_line(c->el);
	size_t at = strlen(c->drawn);

	if (!c->moves) {
		(void)fputs("\n", stdout);
		return;
	}
	if (!c->watching && !c->hidden)
		at += width_of(line->buffer, line->cursor);
	if (at >= c->columns)
		(void)printf("\033[%zuA", at / c->columns);
	(void)fputs(ERASE_BELOW, stdout);
}

static void draw(struct node_console *c)
{
	if (c->watching || c->hidden) {
		(void)fputs(c->drawn, stdout);
		(void)fflush(stdout);
		return;
	}
	(void)fflush(stdout);
	(void)el_set(c->el, EL_REFRESH);
}

/* The prompt as it should be: the status while nothing is typed. */
static void make_prompt(char out[static NODE_CONSOLE_TEXT_MAX],
			const struct node_console *c)
{
	const LineInfo *line = el_line(c->el);
	char status[NODE_CONSOLE_TEXT_MAX];

	if (c->question) {
		(void)snprintf(out, NODE_CONSOLE_TEXT_MAX, "%s", c->question);
	} else if (c->watching) {
		node_console_status_text(out, c, c->columns - 1);
	} else if (line->lastchar > line->buffer) {
		(void)strcpy(out, "> ");
	} else {
		node_console_status_text(status, c, c->columns - 8);
		(void)snprintf(out, NODE_CONSOLE_TEXT_MAX, "%.240s> ", status);
	}
}

static char *libedit_prompt(EditLine *el)
{
	struct node_console *c = NULL;

	(void)el_get(el, EL_CLIENTDATA, &c);
	make_prompt(c->prompt, c);
	(void)strcpy(c->drawn, c->prompt);
	return c->prompt;
}

static void redraw(struct node_console *c)
{
	char now[NODE_CONSOLE_TEXT_MAX];

	make_prompt(now, c);
	/* Without a cursor that moves every change would be a new line. */
	if (strcmp(now, c->drawn) == 0 || (!c->moves && *c->drawn))
		return;
	node_console_erase(c);
	(void)strcpy(c->drawn, now);
	draw(c);
}

static void follow_size(struct node_console *c, bool first)
{
	struct winsize size = {.ws_col = 80};
	unsigned columns;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size.ws_col = 80;
	columns = size.ws_col;
	if (columns < NODE_CONSOLE_COLUMNS_MIN)
		columns = NODE_CONSOLE_COLUMNS_MIN;
	if (columns > NODE_CONSOLE_COLUMNS_MAX)
		columns = NODE_CONSOLE_COLUMNS_MAX;
	if (columns == c->columns)
		return;
	c->columns = columns;
	if (first)
		return;
	el_resize(c->el);
	node_console_erase(c);
	make_prompt(c->drawn, c);
	draw(c);
}

/* ---- log lines ---- */

static enum node_colour colour_of(const char *line, size_t len)
{
	char head[48];

	(void)snprintf(head, sizeof(head), "%.*s", (int)len, line);
	if (strstr(head, "Z error: "))
		return NODE_RED;
	if (strstr(head, "Z warn: "))
		return NODE_YELLOW;
	return NODE_DIM;
}

/* Whole lines, above the one that is edited. */
static void take_log(struct node_console *c)
{
	ssize_t n = read(c->log_in, c->log + c->log_len,
			 sizeof(c->log) - c->log_len);
	char *from = c->log;
	char *end;

	if (n <= 0)
		return;
	c->log_len += (size_t)n;
	if (!memchr(c->log, '\n', c->log_len) && c->log_len < sizeof(c->log))
		return;
	node_console_erase(c);
	while ((end = memchr(from, '\n',
			     c->log_len - (size_t)(from - c->log)))) {
		put(c, colour_of(from, (size_t)(end - from)), from,
		    (size_t)(end - from));
		from = end + 1;
	}
	if (from == c->log) /* no line is as long */
		from += c->log_len;
	c->log_len -= (size_t)(from - c->log);
	memmove(c->log, from, c->log_len);
	node_console_look(c, true);
	make_prompt(c->drawn, c);
	draw(c);
}

/* ---- keys ---- */

/* Another job has the terminal while this one is in the background: it must
 * neither read nor set it, and sets it anew when it is back. */
static bool is_away(struct node_console *c)
{
	bool away = tcgetpgrp(STDIN_FILENO) != getpgrp();

	if (c->away && !away) {
		(void)el_set(c->el, EL_PREP_TERM, 0);
		(void)el_set(c->el, EL_PREP_TERM, 1);
		draw(c);
	}
	c->away = away;
	return away;
}

/* 1: a character is in @out; 0: not yet; -1: the end. */
static int take_byte(struct node_console *c, wchar_t *out)
{
	const LineInfo *line = el_line(c->el);
	char byte;
	ssize_t n = read(STDIN_FILENO, &byte, 1);
	size_t len;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return -1;
	/* A line has its end; only what ends or edits it is taken then. */
	if ((unsigned char)byte >= 0x20 && byte != 0x7f &&
	    line->lastchar - line->buffer >= NODE_CONSOLE_LINE_MAX - 8)
		return 0;
	len = mbrtowc(out, &byte, 1, &c->shift);
	if (len == (size_t)-1) { /* no character of this terminal's */
		memset(&c->shift, 0, sizeof(c->shift));
		return 0;
	}
	return len == (size_t)-2 ? 0 : 1;
}

static int get_char(EditLine *el, wchar_t *out)
{
	struct node_console *c = NULL;

	(void)el_get(el, EL_CLIENTDATA, &c);
	while (!node_console_over(c)) {
		struct pollfd p[] = {
			{.fd = c->log_in, .events = POLLIN},
			{.fd = c->wake.fd, .events = POLLIN},
			{.fd = STDIN_FILENO, .events = POLLIN},
		};
		int got = 0;

		if (is_away(c))
			p[2].fd = -1;
		follow_size(c, false);
		node_console_look(c, false);
		redraw(c);
		(void)fflush(stdout);
		if (poll(p, BASE_COUNT(p), IDLE_MS) <= 0)
			continue;
		if (p[0].revents & POLLIN)
			take_log(c);
		if (p[2].revents)
			got = take_byte(c, out);
		if (got < 0)
			c->ended = true;
		if (got != 0)
			return got;
	}
	return -1;
}

/* ---- lines ---- */

static char *trimmed(struct node_console *c)
{
	char *from = c->line;
	size_t len;

	from += strspn(from, " \t\r\n");
	len = strlen(from);
	while (len > 0 && strchr(" \t\r\n", from[len - 1]))
		len--;
	from[len] = '\0';
	return from;
}

char *node_console_ask(struct node_console *c, const char *question)
{
	const char *line;
	int len = 0;

	(void)fflush(stdout);
	node_console_look(c, true);
	c->question = question;
	line = c->ended || node_console_over(c) ? NULL : el_gets(c->el, &len);
	/* What is typed while a command runs is not echoed into its words. */
	(void)el_set(c->el, EL_PREP_TERM, 1);
	c->question = NULL;
	*c->drawn = '\0';
	/* What is typed when the input ends was not entered. */
	if (!line || len <= 0 || c->ended || node_console_over(c)) {
		c->ended = true;
		if (!node_console_over(c))
			(void)puts("");
		return NULL;
	}
	(void)snprintf(c->line, sizeof(c->line), "%s", line);
	return trimmed(c);
}

char *node_console_ask_hidden(struct node_console *c, const char *question)
{
	size_t len = 0;
	wchar_t key;
	int got;

	c->question = question;
	c->hidden = true;
	while ((got = get_char(c->el, &key)) == 1 && key != L'\n' &&
	       key != L'\r') {
		char bytes[MB_LEN_MAX];
		mbstate_t shift = {0};
		size_t n = wcrtomb(bytes, key, &shift);

		if (key == 0x7f || key == L'\b')
			len = 0; /* what is not seen is typed anew */
		else if (n < sizeof(c->line) - len)
			memcpy(c->line + len, bytes, n), len += n;
	}
	c->hidden = false;
	c->question = NULL;
	*c->drawn = '\0';
	(void)puts("");
	c->line[len] = '\0';
	return got == 1 ? c->line : NULL;
}

char node_console_watch(struct node_console *c)
{
	wchar_t key = 0;
	int got;

	c->watching = true;
	got = get_char(c->el, &key);
	node_console_erase(c);
	c->watching = false;
	*c->drawn = '\0';
	if (got == 1 && key == 4) /* Ctrl-D */
		c->ended = true;
	if (got != 1 || key == 4)
		return '\0';
	return key > 0 && key < 0x7f ? (char)key : ' ';
}

void node_console_type(struct node_console *c, char key)
{
	const char text[2] = {key, '\0'};

	el_push(c->el, text);
}

/* ---- open and close ---- */

void node_console_remember(struct node_console *c, const char *line)
{
	HistEvent e;

	if (c->history)
		(void)history(c->history, &e, H_ENTER, line);
}

static void open_history(struct node_console *c)
{
	HistEvent e;

	c->history = history_init();
	if (!c->history)
		return;
	(void)history(c->history, &e, H_SETSIZE, NODE_CONSOLE_HISTORY_MAX);
	(void)history(c->history, &e, H_SETUNIQUE, 1);
	/* None yet, or damaged: it begins anew. */
	(void)history(c->history, &e, H_LOAD, c->history_path);
	(void)el_set(c->el, EL_HIST, history, c->history);
}

int node_console_term_open(struct node_console *c)
{
	const char *term = getenv("TERM");
	const char *no_colour = getenv("NO_COLOR");

	c->moves = term && *term && strcmp(term, "dumb") != 0;
	c->colours = c->moves && !(no_colour && *no_colour);
	follow_size(c, true);
	c->el = el_init("minerd", stdin, stdout, stderr);
	if (!c->el)
		return -ENOMEM;
	(void)el_set(c->el, EL_CLIENTDATA, c);
	(void)el_set(c->el, EL_GETCFN, get_char);
	(void)el_set(c->el, EL_PROMPT, libedit_prompt);
	(void)el_set(c->el, EL_EDITOR, "emacs");
	/* Wide, for it keeps copies of the others and never frees them. */
	(void)el_wset(c->el, EL_ADDFN, L"complete", L"complete what is typed",
		      node_console_complete);
	(void)el_set(c->el, EL_BIND, "^I", "complete", NULL);
	(void)el_set(c->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	open_history(c);
	/* libedit sets the terminal only after it has shown the prompt. */
	(void)el_set(c->el, EL_PREP_TERM, 1);
	return 0;
}

void node_console_term_close(struct node_console *c)
{
	HistEvent e;

	if (c->history) {
		(void)history(c->history, &e, H_SAVE, c->history_path);
		history_end(c->history);
	}
	/* Also sets the terminal as it was. */
	el_end(c->el);
	c->el = NULL;
	c->history = NULL;
}
