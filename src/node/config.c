/* SPDX-License-Identifier: MIT */
#include "node/config.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "node/config_table.h"
#include "node/parse.h"

#define NAME_MAX_LEN 64
#define ENV_PREFIX "MINERD_"
#define HELP_COLUMN 22

/* Words that come before the options. */
static const struct {
	const char *first;
	const char *second; /* NULL: none */
	enum node_command command;
	const char *help;
	bool own; /* its options are its own */
} commands[] = {
	{"init", NULL, NODE_INIT, "make a member's keys, print its descriptor",
	 true},
	{"network", "assemble", NODE_NETWORK,
	 "make the network file of members' descriptors", true},
	{"network", "new", NODE_NETWORK,
	 "make a whole network on this machine, for tests", true},
	{"network", NULL, NODE_NETWORK, NULL, true},
	{"devnet", NULL, NODE_DEVNET,
	 "run a network of several nodes on this machine", true},
	{"backup", NULL, NODE_BACKUP, "copy the chain, also while a node runs",
	 true},
	{"export", NULL, NODE_EXPORT, "write the chain as one stream", true},
	{"import", NULL, NODE_IMPORT, "read such a stream, checking everything",
	 true},
	{"help", NULL, NODE_HELP_ABOUT, NULL, true},
	{"verify", NULL, NODE_VERIFY, "re-check the whole chain", false},
	{"wallet", "export", NODE_WALLET_EXPORT, "print the wallet's seed",
	 false},
	{"wallet", "restore", NODE_WALLET_RESTORE,
	 "make a wallet of a seed on standard input", false},
	{"wallet", "encrypt", NODE_WALLET_ENCRYPT,
	 "encrypt the seed with a passphrase", false},
	{"keys", "encrypt", NODE_KEYS_ENCRYPT,
	 "encrypt the node's keys with a passphrase", false},
	{"keys", "decrypt", NODE_KEYS_DECRYPT, "and store them plain again",
	 false},
};

static const char from_default[] = "default";
static const char from_console[] = "console";

/* Variables that belong to the tests, not to the node. */
static const char *const test_variables[] = {
	"MINERD_VECTORS",
	"MINERD_FAULT",
	"MINERD_QEMU",
};

static size_t find_option(const char *name)
{
	size_t i = 0;

	while (i < node_option_count && strcmp(node_options[i].name, name) != 0)
		i++;
	return i;
}

static int refuse_unknown(struct base_error *err, const char *where,
			  const char *name)
{
	const char *best = NULL;
	size_t distance = NODE_EDIT_MAX;

	for (size_t i = 0; i < node_option_count; i++)
		if (node_is_nearer(&distance, name, node_options[i].name))
			best = node_options[i].name;
	if (best)
		return base_fail(err, -EINVAL,
				 "unknown option '%s' in %s; did you mean "
				 "'%s'? 'minerd --help' lists all",
				 name, where, best);
	return base_fail(err, -EINVAL,
			 "unknown option '%s' in %s; 'minerd --help' lists all",
			 name, where);
}

static int apply(struct node_config *c, size_t i, const char *text,
		 const char *origin, struct base_error *err)
{
	const struct node_option *o = &node_options[i];

	char joined[NODE_VALUE_MAX];

	if (o->repeats && c->value[i].origin == origin && *c->value[i].text &&
	    *text &&
	    (size_t)snprintf(joined, sizeof(joined), "%s,%s", c->value[i].text,
			     text) < sizeof(joined))
		text = joined;
	if (strlen(text) >= NODE_VALUE_MAX || o->set(c, text) < 0)
		return base_fail(err, -EINVAL,
				 "%s '%.200s' (%s) is not allowed; it may be "
				 "%s",
				 o->name, text, origin, o->allowed);
	(void)strcpy(c->value[i].text, text);
	c->value[i].origin = origin;
	return 0;
}

bool node_config_is_default(const struct node_config *c, const char *name)
{
	size_t i = find_option(name);

	BASE_ASSERT(i < node_option_count);
	return strcmp(c->value[i].origin, from_default) == 0;
}

/* What a running node can change. */
static const char *const changeable[] = {"log-level", "connect", "access",
					 "ban"};

static bool is_changeable(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT(changeable); i++)
		if (strcmp(name, changeable[i]) == 0)
			return true;
	return false;
}

int node_config_reload(struct node_config *out, const struct node_config *old,
		       char *names, size_t cap, struct base_error *err)
{
	struct node_config *now = malloc(sizeof(*now));
	size_t at = 0;
	int rc;

	*out = *old;
	*names = '\0';
	if (!now)
		return base_fail(err, -ENOMEM, "no memory to read it");
	rc = node_config_load(now, old->argc, old->argv, old->environ_, err);
	for (size_t i = 0; i < node_option_count && rc == 0; i++) {
		const struct node_option *o = &node_options[i];

		if (!o->arg ||
		    strcmp(now->value[i].text, old->value[i].text) == 0 ||
		    strcmp(old->value[i].origin, from_console) == 0)
			continue;
		if (is_changeable(o->name)) {
			out->value[i].origin = NULL; /* nothing is joined */
			rc = apply(out, i, now->value[i].text,
				   now->value[i].origin, err);
		} else if (at < cap) {
			at += (size_t)snprintf(names + at, cap - at, "%s%s",
					       at > 0 ? ", " : "", o->name);
		}
	}
	if (rc < 0)
		*out = *old;
	free(now);
	return rc;
}

int node_config_choose(struct node_config *c, const char *name,
		       const char *text, struct base_error *err)
{
	size_t i = find_option(name);

	BASE_ASSERT(i < node_option_count);
	return apply(c, i, text, from_console, err);
}

static int apply_defaults(struct node_config *c, struct base_error *err)
{
	const char *home = getenv("HOME");
	char path[NODE_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < node_option_count && rc == 0; i++) {
		const char *text = node_options[i].fallback;

		if (!text)
			continue;
		if (strncmp(text, "~/", 2) == 0) {
			(void)snprintf(path, sizeof(path), "%s/%s",
				       home && *home ? home : ".", text + 2);
			text = path;
		}
		rc = apply(c, i, text, from_default, err);
	}
	return rc;
}

/* Walks the flags. With @c NULL only their names are checked, and @datadir
 * and @conf receive the values that say where the file is. */
struct flag_walk {
	struct node_config *c;
	const char *datadir;
	const char *conf;
};

static int one_flag(struct flag_walk *w, const char *name, const char *value,
		    bool *took_value, struct base_error *err)
{
	char key[NAME_MAX_LEN];
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	size_t i;

	if (len >= sizeof(key))
		return refuse_unknown(err, "the command line", name);
	memcpy(key, name, len);
	key[len] = '\0';
	i = find_option(key);
	if (i == node_option_count)
		return refuse_unknown(err, "the command line", key);
	if (!node_options[i].arg) {
		if (equals)
			return base_fail(err, -EINVAL, "--%s takes no value",
					 key);
		if (w->c && node_options[i].sets)
			return apply(w->c, find_option(node_options[i].sets),
				     key, "flag", err);
		if (w->c)
			w->c->command = node_options[i].command;
		return 0;
	}
	*took_value = !equals;
	value = equals ? equals + 1 : value;
	if (!value)
		return base_fail(err, -EINVAL, "--%s needs a value: %s", key,
				 node_options[i].allowed);
	if (strcmp(key, "datadir") == 0)
		w->datadir = value;
	if (strcmp(key, "conf") == 0)
		w->conf = value;
	return w->c ? apply(w->c, i, value, "flag", err) : 0;
}

/* Whether the command line is a command's that parses it by itself. */
static bool has_own_options(const struct node_config *c)
{
	for (size_t i = 0; i < BASE_COUNT(commands); i++)
		if (commands[i].command == c->command)
			return commands[i].own;
	return false;
}

/* How many words of the command line are the command. */
static int take_command(struct flag_walk *w, int argc, char **argv)
{
	for (size_t i = 0; i < BASE_COUNT(commands); i++) {
		int words = commands[i].second ? 2 : 1;

		if (argc <= words || strcmp(argv[1], commands[i].first) != 0 ||
		    (words == 2 && strcmp(argv[2], commands[i].second) != 0))
			continue;
		if (w->c)
			w->c->command = commands[i].command;
		return words;
	}
	return 0;
}

static int walk_flags(struct flag_walk *w, int argc, char **argv,
		      struct base_error *err)
{
	for (int i = 1 + take_command(w, argc, argv); i < argc; i++) {
		bool took_value = false;
		int rc;

		if (strcmp(argv[i], "-h") == 0)
			rc = one_flag(w, "help", NULL, &took_value, err);
		else if (strncmp(argv[i], "--", 2) == 0 && argv[i][2])
			rc = one_flag(w, argv[i] + 2, argv[i + 1], &took_value,
				      err);
		else
			return base_fail(err, -EINVAL,
					 "unexpected argument '%.200s'; "
					 "subcommands, such as 'wallet "
					 "export', come first; 'minerd "
					 "--help' lists them",
					 argv[i]);
		if (rc < 0)
			return rc;
		i += took_value;
	}
	return 0;
}

/* MINERD_POW_BACKEND -> pow-backend. False when it cannot be one of ours. */
static bool env_to_name(char out[static NAME_MAX_LEN], const char *variable,
			size_t len)
{
	const size_t skip = sizeof(ENV_PREFIX) - 1;

	if (len - skip >= NAME_MAX_LEN)
		return false;
	for (size_t i = skip; i < len; i++)
		out[i - skip] =
			variable[i] == '_'
				? '-'
				: (char)tolower((unsigned char)variable[i]);
	out[len - skip] = '\0';
	return true;
}

static bool is_test_variable(const char *variable, size_t len)
{
	for (size_t i = 0; i < BASE_COUNT(test_variables); i++)
		if (strlen(test_variables[i]) == len &&
		    strncmp(test_variables[i], variable, len) == 0)
			return true;
	return false;
}

static int one_variable(struct node_config *c, const char *variable,
			struct base_error *err)
{
	const char *equals = strchr(variable, '=');
	size_t len = equals ? (size_t)(equals - variable) : strlen(variable);
	char name[NAME_MAX_LEN];
	size_t i;

	if (!equals || is_test_variable(variable, len))
		return 0;
	if (!env_to_name(name, variable, len))
		return base_fail(err, -EINVAL,
				 "unknown variable %.100s in the environment",
				 variable);
	i = find_option(name);
	if (i == node_option_count || !node_options[i].arg)
		return refuse_unknown(err, "the environment (MINERD_*)", name);
	return apply(c, i, equals + 1, "environment", err);
}

static int apply_environment(struct node_config *c, char **environ_,
			     struct base_error *err)
{
	int rc = 0;

	for (char **v = environ_; *v && rc == 0; v++)
		if (strncmp(*v, ENV_PREFIX, sizeof(ENV_PREFIX) - 1) == 0)
			rc = one_variable(c, *v, err);
	return rc;
}

struct file_walk {
	struct node_config *c;
	struct base_error *err;
	const char *path;
	int rc;
};

/* libinih's callback: 1 goes on, 0 is an error. */
static int one_key(void *user, const char *section, const char *name,
		   const char *value)
{
	struct file_walk *w = user;
	size_t i = find_option(name);

	if (w->rc < 0)
		return 0;
	if (*section)
		w->rc = base_fail(w->err, -EINVAL,
				  "%.300s: section [%s] is unknown; keys stand "
				  "at the top, without sections",
				  w->path, section);
	else if (strcmp(name, "conf") == 0 || strcmp(name, "datadir") == 0)
		w->rc = base_fail(w->err, -EINVAL,
				  "%.300s: '%s' says where this file is and "
				  "cannot stand in it; use --%s",
				  w->path, name, name);
	else if (i == node_option_count || !node_options[i].arg)
		w->rc = refuse_unknown(w->err, "the configuration file", name);
	else
		w->rc = apply(w->c, i, value ? value : "", "file", w->err);
	return w->rc == 0;
}

static int apply_file(struct node_config *c, const char *path, bool must_exist,
		      struct base_error *err)
{
	struct file_walk w = {.c = c, .err = err, .path = path};
	FILE *f = fopen(path, "re");
	int line;

	if (!f && !must_exist && (errno == ENOENT || errno == ENOTDIR))
		return 0; /* what is wrong with the datadir is said later */
	if (!f)
		return base_fail(err, must_exist ? -EINVAL : -errno,
				 "cannot read the configuration file %.300s: "
				 "%s; fix that, or name another --conf or "
				 "--datadir",
				 path, strerror(errno));
	errno = 0;
	line = ini_parse_file(f, one_key, &w);
	/* A directory is opened, too. */
	if (w.rc == 0 && ferror(f))
		w.rc = base_fail(err, errno ? -errno : -EIO,
				 "cannot read the configuration file %.300s: "
				 "%s",
				 path, strerror(errno ? errno : EIO));
	(void)fclose(f);
	if (w.rc < 0)
		return w.rc;
	if (line != 0)
		return base_fail(err, -EINVAL,
				 "%.300s: line %d is not of the form key=value",
				 path, line);
	return 0;
}

static const char *environment_value(char **environ_, const char *variable)
{
	size_t len = strlen(variable);

	for (char **v = environ_; *v; v++)
		if (strncmp(*v, variable, len) == 0 && (*v)[len] == '=')
			return *v + len + 1;
	return NULL;
}

/* Where the file is must be known before it is read: flags and environment
 * are looked at for that alone, then applied in order of strength. */
int node_config_load(struct node_config *out, int argc, char **argv,
		     char **environ_, struct base_error *err)
{
	struct flag_walk look = {.c = NULL};
	struct flag_walk flags = {.c = out};
	char path[NODE_PATH_MAX + 16];
	int rc;

	memset(out, 0, sizeof(*out));
	out->argc = argc;
	out->argv = argv;
	out->environ_ = environ_;
	(void)take_command(&flags, argc, argv);
	if (has_own_options(out))
		return 0;
	rc = walk_flags(&look, argc, argv, err);
	if (rc == 0)
		rc = apply_defaults(out, err);
	if (rc < 0)
		return rc;
	if (!look.datadir)
		look.datadir = environment_value(environ_, "MINERD_DATADIR");
	if (!look.conf)
		look.conf = environment_value(environ_, "MINERD_CONF");
	(void)snprintf(path, sizeof(path), "%s/minerd.conf",
		       look.datadir ? look.datadir : out->datadir);
	rc = apply_file(out, look.conf && *look.conf ? look.conf : path,
			look.conf && *look.conf, err);
	if (rc == 0)
		rc = apply_environment(out, environ_, err);
	if (rc == 0)
		rc = walk_flags(&flags, argc, argv, err);
	return rc;
}

int node_config_load_given(struct node_config *out,
			   const struct node_given *given, size_t count,
			   struct base_error *err)
{
	static const char program[] = "minerd";
	const char *word[2 * NODE_GIVEN_MAX + 2] = {program};
	int argc = 1;

	BASE_ASSERT(count <= NODE_GIVEN_MAX);
	for (size_t i = 0; i < count; i++) {
		if (!given[i].value)
			continue;
		word[argc++] = given[i].name;
		word[argc++] = given[i].value;
	}
	/* As main() gets them; nothing writes through them. */
	return node_config_load(out, argc, (char **)(uintptr_t)word, environ,
				err);
}

void node_config_help(FILE *to)
{
	(void)fputs("minerd mines, keeps or follows the ledger of a network; "
		    "without a\nnetwork file, of one of its own.\n\n"
		    "usage: minerd [--threads N] [options]\n",
		    to);
	for (size_t i = 0; i < BASE_COUNT(commands); i++) {
		char words[64];

		if (!commands[i].help)
			continue;
		(void)snprintf(words, sizeof(words), "%s%s%s",
			       commands[i].first, commands[i].second ? " " : "",
			       commands[i].second ? commands[i].second : "");
		(void)fprintf(to, "       minerd %-16s [options]   %s\n", words,
			      commands[i].help);
	}
	(void)fputs("\noptions (flag --NAME, environment MINERD_NAME, file "
		    "NAME=):\n",
		    to);
	for (size_t i = 0; i < node_option_count; i++) {
		const struct node_option *o = &node_options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "--%s%s%s", o->name,
			       o->arg ? " " : "", o->arg ? o->arg : "");
		(void)fprintf(to, "  %-*s ", HELP_COLUMN, left);
		if (strlen(left) > HELP_COLUMN)
			(void)fprintf(to, "\n%25s", "");
		for (const char *p = o->help; *p; p++) {
			(void)fputc(*p, to);
			if (*p == '\n')
				(void)fprintf(to, "%25s", "");
		}
		if (o->fallback && *o->fallback)
			(void)fprintf(to, " [%s]", o->fallback);
		(void)fputc('\n', to);
	}
	(void)fputs("\nexit status: 0 success, 1 failure, 2 usage, 3 another "
		    "node holds the datadir\n",
		    to);
}

void node_config_print(FILE *to, const struct node_config *c)
{
	for (size_t i = 0; i < node_option_count; i++)
		if (node_options[i].arg)
			(void)fprintf(to, "# %s\n%s=%s\n", c->value[i].origin,
				      node_options[i].name, c->value[i].text);
}

int node_parse_affinity(uint64_t bits[static POW_CPUS_MAX / 64],
			const char *text)
{
	uint64_t out[POW_CPUS_MAX / 64] = {0};
	int rc = strncmp(text, "0x", 2) == 0
			 ? node_parse_mask(out, POW_CPUS_MAX, text + 2)
			 : node_parse_list(out, POW_CPUS_MAX, text);

	if (rc == 0)
		memcpy(bits, out, sizeof(out));
	return rc;
}
