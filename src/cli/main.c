/* SPDX-License-Identifier: MIT */
/*
 * main.c: minerd-cli, which asks the running node of a datadir.
 *
 * Finds the address (DATADIR/rpc.addr) and the credentials (DATADIR/.cookie)
 * that the node wrote, sends one JSON-RPC call over a blocking socket and
 * prints the result as bitcoin-cli does: strings bare, nothing for null,
 * otherwise indented JSON whose numbers are the node's own digits.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/client.h"
#include "base/error.h"
#include "base/types.h"
#include "cli/version.h"

#define ARGS_MAX 64
#define TIMEOUT_MS 900000
#define EXIT_USAGE 2

/* Parameters that are JSON and not strings, by position and by name. As
 * bitcoin-cli's table, it lists what nodes of any age may offer. */
static const struct json_param {
	const char *method;
	int index;
	const char *name;
} json_params[] = {
	{"addnode", 2, "v2transport"},
	{"createrawtransaction", 0, "inputs"},
	{"createrawtransaction", 1, "outputs"},
	{"decoderawtransaction", 1, "iswitness"},
	{"disconnectnode", 1, "nodeid"},
	{"estimatesmartfee", 0, "conf_target"},
	{"getbalance", 1, "minconf"},
	{"getbalance", 2, "include_watchonly"},
	{"getbalance", 3, "avoid_reuse"},
	{"getblock", 1, "verbosity"},
	{"getblockhash", 0, "height"},
	{"getblockheader", 1, "verbose"},
	{"getblocktemplate", 0, "template_request"},
	{"getcertificate", 0, "hash_or_height"},
	{"getmempoolancestors", 1, "verbose"},
	{"getmempooldescendants", 1, "verbose"},
	{"getnetworkhashps", 0, "nblocks"},
	{"getnetworkhashps", 1, "height"},
	{"getrawmempool", 0, "verbose"},
	{"getrawmempool", 1, "mempool_sequence"},
	{"getrawtransaction", 1, "verbosity"},
	{"gettxout", 1, "n"},
	{"gettxout", 2, "include_mempool"},
	{"gettxoutproof", 0, "txids"},
	{"holdblocks", 0, "hold"},
	{"listunspent", 0, "minconf"},
	{"listunspent", 1, "maxconf"},
	{"listunspent", 2, "addresses"},
	{"listunspent", 3, "include_unsafe"},
	{"logging", 0, "include"},
	{"logging", 1, "exclude"},
	{"prioritisetransaction", 1, "dummy"},
	{"prioritisetransaction", 2, "fee_delta"},
	{"sendrawtransaction", 1, "maxfeerate"},
	{"sendtoaddress", 1, "amount"},
	{"sendtoaddress", 4, "subtractfeefromamount"},
	{"sendtoaddress", 5, "replaceable"},
	{"sendtoaddress", 6, "conf_target"},
	{"sendtoaddress", 8, "avoid_reuse"},
	{"sendtoaddress", 9, "fee_rate"},
	{"sendtoaddress", 10, "verbose"},
	{"setban", 2, "bantime"},
	{"setban", 3, "absolute"},
	{"testmempoolaccept", 0, "rawtxs"},
	{"testmempoolaccept", 1, "maxfeerate"},
	{"walletpassphrase", 1, "timeout"},
};

/* A call as it was typed. */
struct request {
	const char *method;
	bool named; /* each argument is NAME=VALUE */
	int count;
	char **argument;
};

static int complain(const struct base_error *err)
{
	(void)fprintf(stderr, "error: %s\n", err->text);
	return EXIT_FAILURE;
}

/* @text as a string of JSON; NULL when it is not UTF-8. */
static char *quote(const char *text, size_t len)
{
	json_t *v = json_stringn(text, len);
	char *quoted = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;

	json_decref(v);
	return quoted;
}

/* The parameter, by name if it has one, where its value is JSON. */
static const struct json_param *find_json(const char *method, int index,
					  const char *name, size_t len)
{
	for (size_t i = 0; i < BASE_COUNT(json_params); i++) {
		const struct json_param *p = &json_params[i];

		if (strcmp(p->method, method) == 0 &&
		    (name ? strncmp(p->name, name, len) == 0 && !p->name[len]
			  : p->index == index))
			return p;
	}
	return NULL;
}

/* What is no JSON is a string here. */
static bool may_be_text(const struct json_param *p)
{
	return strcmp(p->name, "hash_or_height") == 0;
}

/* Writes argument @index of @r: its name, if it has one, and its value. */
static int put_argument(FILE *f, const struct request *r, int index,
			struct base_error *err)
{
	const char *value = r->argument[index];
	const char *name = r->named ? value : NULL;
	size_t name_len = r->named ? strcspn(value, "=") : 0;
	char *quoted;
	const struct json_param *json;

	if (name) {
		if (!name[name_len])
			return base_fail(err, -EINVAL,
					 "No '=' in named argument '%.200s'",
					 name);
		value += name_len + 1;
		quoted = quote(name, name_len);
		if (!quoted)
			return base_fail(err, -EINVAL, "not UTF-8 text: %.200s",
					 name);
		(void)fprintf(f, "%s:", quoted);
		free(quoted);
	}
	json = find_json(r->method, index, name, name_len);
	if (json) {
		json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);

		if (v) {
			json_decref(v);
			/* It goes out as it was typed: its digits count. */
			(void)fputs(value, f);
			return 0;
		}
		if (!may_be_text(json))
			return base_fail(err, -EINVAL,
					 "Error parsing JSON: %.200s", value);
	}
	quoted = quote(value, strlen(value));
	if (!quoted)
		return base_fail(err, -EINVAL, "not UTF-8 text: %.200s", value);
	(void)fputs(quoted, f);
	free(quoted);
	return 0;
}

/* The request's text; NULL after @err was written. The caller frees it. */
static char *make_body(const struct request *r, struct base_error *err)
{
	char *method = quote(r->method, strlen(r->method));
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int rc = 0;

	if (!f)
		rc = base_fail(err, -ENOMEM, "no memory");
	else if (!method)
		rc = base_fail(err, -EINVAL, "not a method: %.200s", r->method);
	if (rc == 0)
		(void)fprintf(f, "{\"id\":1,\"method\":%s,\"params\":%c",
			      method, r->named ? '{' : '[');
	for (int i = 0; i < r->count && rc == 0; i++) {
		if (i > 0)
			(void)fputc(',', f);
		rc = put_argument(f, r, i, err);
	}
	if (rc == 0)
		(void)fprintf(f, "%c}", r->named ? '}' : ']');
	if (f && fclose(f) != 0 && rc == 0)
		rc = base_fail(err, -ENOMEM, "no memory");
	free(method);
	if (rc < 0) {
		free(text);
		return NULL;
	}
	return text;
}

static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

/* The end of a value in text that a parser has accepted. */
static const char *skip_value(const char *p)
{
	size_t depth = 0;

	do {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if (*p == '}' || *p == ']')
			depth--;
		p++;
	} while (*p && (depth > 0 || !strchr(",}]", *p)));
	return p;
}

/* Indents the value that begins at @p by two columns a level. */
static void print_indented(const char *p)
{
	const char *end = skip_value(p);
	int depth = 0;

	while (p < end) {
		const char *from = p;

		if (*p == '"') {
			p = skip_string(p);
			(void)fwrite(from, 1, (size_t)(p - from), stdout);
			continue;
		}
		p++;
		if (*from == '}' || *from == ']')
			(void)printf("\n%*s", 2 * --depth, "");
		(void)putchar(*from);
		if (*from == '{' || *from == '[')
			depth++;
		else if (*from == ':')
			(void)putchar(' ');
		if ((strchr("{[,", *from)) && *p != '}' && *p != ']')
			(void)printf("\n%*s", 2 * depth, "");
	}
	(void)putchar('\n');
}

static int print_error(const json_t *error)
{
	const json_t *code = json_object_get(error, "code");
	const char *message =
		json_string_value(json_object_get(error, "message"));

	(void)fprintf(stderr, "error code: %lld\nerror message:\n%s\n",
		      (long long)json_integer_value(code),
		      message ? message : "");
	return abs((int)json_integer_value(code));
}

/* Prints the reply; the exit status. */
static int show(const struct api_reply *r)
{
	static const char first[] = "{\"result\":";
	json_t *in = json_loads(r->body, 0, NULL);
	const json_t *result = json_object_get(in, "result");
	const json_t *error = json_object_get(in, "error");
	int status = EXIT_SUCCESS;

	if (r->status == 401)
		(void)fprintf(stderr, "error: the node refuses the cookie of "
				      "its datadir; was it restarted?\n");
	else if (!in)
		(void)fprintf(stderr, "error: server response %d: %.200s\n",
			      r->status, r->body);
	if (!in)
		return EXIT_FAILURE;
	if (json_is_object(error))
		status = print_error(error);
	else if (json_is_string(result))
		(void)printf("%s\n", json_string_value(result));
	else if (result && !json_is_null(result) &&
		 strncmp(r->body, first, sizeof(first) - 1) == 0)
		print_indented(r->body + sizeof(first) - 1);
	json_decref(in);
	return status;
}

static int call(struct api_client *n, const struct request *r)
{
	struct api_reply reply = {.data = NULL};
	struct base_error err;
	char *body = make_body(r, &err);
	int rc = body ? 0 : -EINVAL;
	int status;

	if (rc == 0)
		rc = api_client_find(n, &err);
	if (rc == 0)
		rc = api_client_call(&reply, n, body, &err);
	status = rc < 0 ? complain(&err) : show(&reply);
	if (fflush(stdout) != 0 && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	api_reply_free(&reply);
	free(body);
	return status;
}

static int usage(FILE *to, int status)
{
	(void)fputs("usage: minerd-cli [--datadir DIR] METHOD [ARGUMENTS]\n"
		    "       minerd-cli [--datadir DIR] --named METHOD "
		    "[NAME=VALUE ...]\n"
		    "\n"
		    "Asks the node that runs in DIR.\n"
		    "'minerd-cli help' lists the methods, 'minerd-cli help "
		    "METHOD' explains one.\n"
		    "\n"
		    "options:\n"
		    "  --datadir DIR  the node's; default MINERD_DATADIR, else "
		    "~/.minerd\n"
		    "  --named        the arguments are NAME=VALUE, in any "
		    "order\n"
		    "  --version      show the version\n"
		    "  --help         show this text\n"
		    "\n"
		    "exit status: 0 success, 1 failure, 2 usage, otherwise "
		    "the error code\nwithout its sign\n",
		    to);
	return status;
}

static void default_datadir(struct api_client *n)
{
	const char *datadir = getenv("MINERD_DATADIR");
	const char *home = getenv("HOME");

	if (datadir && *datadir)
		(void)snprintf(n->datadir, sizeof(n->datadir), "%s", datadir);
	else
		(void)snprintf(n->datadir, sizeof(n->datadir), "%s/.minerd",
			       home && *home ? home : ".");
}

int main(int argc, char **argv)
{
	static const char flag[] = "--datadir";
	static struct api_client n = {.timeout_ms = TIMEOUT_MS};
	struct request r = {.named = false};
	int i = 1;

	default_datadir(&n);
	for (; i < argc && *argv[i] == '-'; i++) {
		const char *value = NULL;

		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			return usage(stdout, EXIT_SUCCESS);
		if (strcmp(argv[i], "--version") == 0) {
			(void)printf("minerd-cli " CLI_VERSION_TEXT "\n");
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[i], "--named") == 0 ||
		    strcmp(argv[i], "-named") == 0) {
			r.named = true;
			continue;
		}
		if (strcmp(argv[i], flag) == 0 && i + 1 < argc)
			value = argv[++i];
		else if (strncmp(argv[i], flag, sizeof(flag) - 1) == 0 &&
			 argv[i][sizeof(flag) - 1] == '=')
			value = argv[i] + sizeof(flag);
		if (!value || !*value || strlen(value) >= sizeof(n.datadir)) {
			(void)fprintf(stderr, "minerd-cli: bad option %s\n",
				      argv[i]);
			return usage(stderr, EXIT_USAGE);
		}
		(void)strcpy(n.datadir, value);
	}
	if (i == argc || argc - i > ARGS_MAX)
		return usage(stderr, EXIT_USAGE);
	r.method = argv[i];
	r.count = argc - i - 1;
	r.argument = argv + i + 1;
	return call(&n, &r);
}
