/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/bytes.h"
#include "node/console_internal.h"
#include "node/parse.h"

#define WIDE_COLUMNS 80
#define MENU_COLUMN 40

static void help(struct node_console *c, char **piece);
static void leave(struct node_console *c, char **piece);
static void watch(struct node_console *c, char **piece);

/* Their places are the numbers of the menu. */
static const struct node_console_verb verbs[] = {
	{"request access",
	 "access",
	 "[PEER]",
	 "ask for the chain",
	 {"(which peer, or all) "},
	 node_console_access},
	{"send",
	 "broadcast transaction",
	 "ADDRESS AMOUNT [MEMO]",
	 "broadcast a payment",
	 {"to which address? ", "how many coins? ", "(a memo, or nothing) "},
	 node_console_send},
	{"connect",
	 NULL,
	 "ID@HOST:PORT",
	 "connect to a node",
	 {"to whom (ID@HOST:PORT)? "},
	 node_console_connect},
	{"peers", NULL, "", "who is connected", {NULL}, node_console_peers},
	{"show chain",
	 "chain",
	 "",
	 "the last blocks",
	 {NULL},
	 node_console_chain},
	{"show block",
	 "block",
	 "HASH|HEIGHT",
	 "a block",
	 {"which hash or height? "},
	 node_console_block},
	{"show pool", "pool", "", "what waits", {NULL}, node_console_pool},
	{"pin",
	 NULL,
	 "TXID",
	 "put into my block",
	 {"which transaction? "},
	 node_console_pin},
	{"unpin",
	 NULL,
	 "TXID",
	 "take that back",
	 {"which transaction? "},
	 node_console_unpin},
	{"broadcast block",
	 NULL,
	 "",
	 "propose what is held",
	 {NULL},
	 node_console_broadcast},
	{"hold blocks",
	 "hold",
	 "on|off",
	 "hold back my blocks",
	 {"on or off? "},
	 node_console_hold},
	{"consensus",
	 "consensus status",
	 "",
	 "members and rounds",
	 {NULL},
	 node_console_consensus},
	{"hash rate",
	 "h",
	 "",
	 "how fast I mine",
	 {NULL},
	 node_console_hashrate},
	{"pause", "p", "", "stop mining", {NULL}, node_console_pause},
	{"resume", "r", "", "mine again", {NULL}, node_console_resume},
	{"balance", NULL, "", "my coins", {NULL}, node_console_balance},
	{"new address",
	 "address",
	 "",
	 "to be paid at",
	 {NULL},
	 node_console_address},
	{"unlock", NULL, "", "unlock the wallet", {NULL}, node_console_unlock},
	{"status",
	 "s",
	 "",
	 "this node at a glance",
	 {NULL},
	 node_console_status},
	{"watch", NULL, "", "no line: h p r s are keys", {NULL}, watch},
	{"leave", "quit", "", "close the console alone", {NULL}, leave},
	{"stop", NULL, "", "stop the node", {NULL}, node_console_halt},
	{"help", "?", "[COMMAND]", "this menu, or one of it", {NULL}, help},
};

static void put_entry(char *out, size_t size, size_t i)
{
	(void)snprintf(out, size, "%2zu %-15s %s", i + 1, verbs[i].words,
		       verbs[i].menu);
}

void node_console_menu(const struct node_console *c)
{
	const size_t count = BASE_COUNT(verbs);
	const bool wide = c->columns >= WIDE_COLUMNS;
	const size_t rows = wide ? (count + 1) / 2 : count;
	char left[96];
	char right[96] = "";

	for (size_t i = 0; i < rows; i++) {
		put_entry(left, sizeof(left), i);
		if (wide && i + rows < count)
			put_entry(right, sizeof(right), i + rows);
		if (wide)
			node_console_say(c, NODE_PLAIN, "%-*s %s",
					 MENU_COLUMN - 1, left,
					 i + rows < count ? right : "");
		else if (c->columns < 40)
			node_console_say(c, NODE_PLAIN, "%2zu %s", i + 1,
					 verbs[i].words);
		else
			node_console_say(c, NODE_PLAIN, "%s", left);
	}
}

static void explain(const struct node_console *c, size_t i)
{
	node_console_say(c, NODE_PLAIN, "%zu: %s%s%s: %s", i + 1,
			 verbs[i].words, *verbs[i].args ? " " : "",
			 verbs[i].args, verbs[i].menu);
	if (verbs[i].also)
		node_console_say(c, NODE_PLAIN, "also: %s", verbs[i].also);
}

/* Whether @line begins with @words, in any case; then what follows them. */
static const char *after(const char *line, const char *words)
{
	while (*words) {
		if (*words == ' ') {
			size_t blanks = strspn(line, " \t");

			if (blanks == 0)
				return NULL;
			line += blanks;
		} else if (tolower((unsigned char)*line++) != *words) {
			return NULL;
		}
		words++;
	}
	if (*line && *line != ' ' && *line != '\t')
		return NULL;
	return line + strspn(line, " \t");
}

/* The verb with the most words; its arguments are at @args. */
static size_t find_verb(const char *line, const char **args)
{
	size_t best = BASE_COUNT(verbs);
	size_t most = 0;

	for (size_t i = 0; i < BASE_COUNT(verbs); i++) {
		const char *names[] = {verbs[i].words, verbs[i].also};

		for (size_t n = 0; n < BASE_COUNT(names); n++) {
			const char *rest =
				names[n] ? after(line, names[n]) : NULL;

			if (!rest || strlen(names[n]) <= most)
				continue;
			most = strlen(names[n]);
			best = i;
			*args = rest;
		}
	}
	return best;
}

/* By number or by name. */
static size_t find(const char *line, const char **args, bool *by_number)
{
	size_t digits = strspn(line, "0123456789");
	uint64_t number;
	char text[8];

	*by_number = digits > 0 && digits < sizeof(text);
	if (!*by_number || (line[digits] && !strchr(" \t", line[digits])))
		return find_verb(line, args);
	memcpy(text, line, digits);
	text[digits] = '\0';
	if (node_parse_u64(&number, text, 1, BASE_COUNT(verbs)) < 0)
		return BASE_COUNT(verbs);
	*args = line + digits + strspn(line + digits, " \t");
	return number - 1;
}

static void unknown(const struct node_console *c, const char *line)
{
	size_t distance = NODE_EDIT_MAX;
	const char *best = NULL;

	for (size_t i = 0; i < BASE_COUNT(verbs); i++) {
		if (node_is_nearer(&distance, line, verbs[i].words))
			best = verbs[i].words;
		if (verbs[i].also &&
		    node_is_nearer(&distance, line, verbs[i].also))
			best = verbs[i].also;
	}
	node_console_say(c, NODE_RED,
			 best ? "there is no command '%.60s'; did you mean "
				"'%s'? 'help' lists all"
			      : "there is no command '%.60s'; 'help' lists "
				"all",
			 line, best);
}

static void help(struct node_console *c, char **piece)
{
	const char *args;
	bool by_number;
	size_t i;

	if (!*piece[0]) {
		node_console_menu(c);
		node_console_say(
			c, NODE_PLAIN,
			"Type a number or the words; TAB completes them, the "
			"arrows bring back old lines. 'help COMMAND' has its "
			"arguments. Ctrl-D leaves the console, Ctrl-C stops "
			"the node. minerd-cli does the same from scripts.");
		return;
	}
	i = find(piece[0], &args, &by_number);
	if (i < BASE_COUNT(verbs))
		explain(c, i);
	else
		unknown(c, piece[0]);
}

static void leave(struct node_console *c, char **piece)
{
	(void)piece;
	c->ended = true;
}

/* A key that is none of the four is the first of a line. */
static void watch(struct node_console *c, char **piece)
{
	static const struct {
		char key;
		const char *line;
	} keys[] = {{'h', "hash rate"},
		    {'p', "pause"},
		    {'r', "resume"},
		    {'s', "status"}};

	(void)piece;
	node_console_say(c, NODE_PLAIN,
			 "h hash rate, p pause, r resume, s status; any other "
			 "key: back to the line");
	for (;;) {
		char key = node_console_watch(c);
		size_t i = 0;

		while (i < BASE_COUNT(keys) && keys[i].key != key)
			i++;
		if (i == BASE_COUNT(keys)) {
			if (key > ' ')
				node_console_type(c, key);
			return;
		}
		node_console_obey(c, keys[i].line);
	}
}

/* Cuts @args into pieces, of which the last is all the rest. */
static void cut(char *args, char **piece, size_t count)
{
	for (size_t i = 0; i < NODE_CONSOLE_PIECES_MAX; i++) {
		size_t len =
			i + 1 < count ? strcspn(args, " \t") : strlen(args);
		bool more = args[len] != '\0';

		piece[i] = args;
		args += len;
		if (more) {
			*args++ = '\0';
			args += strspn(args, " \t");
		}
	}
}

/* What is missing is asked for; false: nothing was answered to what must
 * be. */
static bool fill(struct node_console *c, const struct node_console_verb *v,
		 char **piece, char (*answer)[NODE_CONSOLE_LINE_MAX],
		 bool by_number)
{
	for (size_t i = 0; i < NODE_CONSOLE_PIECES_MAX && v->ask[i]; i++) {
		bool optional = *v->ask[i] == '(';
		const char *text;

		if (*piece[i] || (optional && !by_number))
			continue;
		text = node_console_ask(c, v->ask[i]);
		if (!text)
			return false;
		(void)snprintf(answer[i], NODE_CONSOLE_LINE_MAX, "%s", text);
		piece[i] = answer[i];
		if (!*piece[i] && !optional) {
			node_console_say(c, NODE_PLAIN, "nothing was done");
			return false;
		}
	}
	return true;
}

void node_console_obey(struct node_console *c, const char *line)
{
	char answer[NODE_CONSOLE_PIECES_MAX][NODE_CONSOLE_LINE_MAX];
	char *piece[NODE_CONSOLE_PIECES_MAX];
	char typed[NODE_CONSOLE_LINE_MAX];
	const char *args = "";
	bool by_number;
	size_t count = 0;
	size_t i;

	(void)snprintf(typed, sizeof(typed), "%s", line);
	if (!*typed)
		return;
	if (line == c->line || strlen(typed) > 1)
		node_console_remember(c, typed);
	i = find(typed, &args, &by_number);
	if (i == BASE_COUNT(verbs)) {
		unknown(c, typed);
		return;
	}
	while (count < NODE_CONSOLE_PIECES_MAX && verbs[i].ask[count])
		count++;
	cut(typed + (args - typed), piece, count);
	if (*args && !*verbs[i].args) {
		node_console_say(c, NODE_RED, "'%s' takes nothing more",
				 verbs[i].words);
		return;
	}
	if (fill(c, &verbs[i], piece, answer, by_number && !*args))
		verbs[i].run(c, piece);
	(void)fflush(stdout);
}

/* ---- completion ---- */

/* How many verbs begin with @text; @more: what all of them go on with. */
static size_t matches(const char *text, char more[static 32])
{
	const size_t len = strlen(text);
	size_t count = 0;

	*more = '\0';
	for (size_t i = 0; i < BASE_COUNT(verbs); i++) {
		const char *words = verbs[i].words;
		size_t same = 0;

		if (strncasecmp(words, text, len) != 0)
			continue;
		words += len;
		if (count++ == 0) {
			(void)snprintf(more, 32, "%s", words);
			continue;
		}
		while (words[same] && words[same] == more[same])
			same++;
		more[same] = '\0';
	}
	return count;
}

unsigned char node_console_complete(EditLine *el, int key)
{
	const LineInfo *line = el_line(el);
	struct node_console *c = NULL;
	char text[64];
	char more[32];
	size_t len = (size_t)(line->cursor - line->buffer);
	const char *from = text;
	size_t count;

	(void)key;
	(void)el_get(el, EL_CLIENTDATA, &c);
	if (len >= sizeof(text) || line->cursor != line->lastchar)
		return CC_REFRESH_BEEP;
	memcpy(text, line->buffer, len);
	text[len] = '\0';
	if (strncasecmp(text, "help ", 5) == 0)
		from = text + 5;
	count = matches(from, more);
	if (count == 0)
		return CC_REFRESH_BEEP;
	if (count == 1)
		(void)strcat(more, " ");
	if (*more) {
		(void)el_insertstr(el, more);
		return CC_REFRESH;
	}
	node_console_erase(c);
	for (size_t i = 0; i < BASE_COUNT(verbs); i++)
		if (strncasecmp(verbs[i].words, from, strlen(from)) == 0)
			node_console_say(c, NODE_DIM, "%s %s", verbs[i].words,
					 verbs[i].args);
	(void)fflush(stdout);
	return CC_REDISPLAY;
}
