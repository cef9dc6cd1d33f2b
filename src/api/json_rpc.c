/* SPDX-License-Identifier: MIT */
#include "api/json_rpc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/decimal.h"
#include "base/assert.h"
#include "base/bytes.h"

#define HTTP_OK 200u
#define HTTP_NO_CONTENT 204u
#define HTTP_BAD_REQUEST 400u
#define HTTP_NOT_FOUND 404u
#define HTTP_INTERNAL_ERROR 500u
#define NAME_SHOWN_MAX 100
#define AMOUNT_DECIMALS 8  /* BASE_COIN */
#define REAL_DIGITS_MAX 17 /* tell every double from the others */

/* One request of a body, as far as it could be read. */
struct request {
	bool v2;
	const json_t *id; /* NULL: none */
	const char *name;
	json_t *params; /* array, object or NULL */
};

/* What was cut short in the middle of a character is not UTF-8 any more;
 * our own words are ASCII, so only quotations lose by this. */
static void keep_ascii(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			*text = '?';
}

enum api_code api_fail(struct api_call *call, enum api_code code,
		       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(call->message, sizeof(call->message), fmt, args);
	va_end(args);
	keep_ascii(call->message);
	return code;
}

static unsigned type_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return API_STRING;
	case JSON_INTEGER:
	case JSON_REAL:
		return API_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return API_BOOLEAN;
	case JSON_ARRAY:
		return API_ARRAY;
	case JSON_OBJECT:
		return API_OBJECT;
	case JSON_NULL:
		break;
	}
	return 0;
}

/* The first of @types, in Core's words. */
static const char *type_name(unsigned types)
{
	static const char *const names[] = {"string", "number", "bool", "array",
					    "object"};

	for (size_t i = 0; i < BASE_COUNT(names); i++)
		if (types >> i & 1)
			return names[i];
	return "null";
}

enum api_code api_param_int(int64_t *out, struct api_call *call, size_t index,
			    int64_t least, int64_t most)
{
	const json_t *v = call->param[index];
	int64_t n;

	if (!json_is_integer(v))
		return api_fail(call, API_MISC, "JSON integer out of range");
	n = json_integer_value(v);
	if (n < least || n > most)
		return api_fail(call, API_MISC, "JSON integer out of range");
	*out = n;
	return API_OK;
}

enum api_code api_param_hash(struct base_hash *out, struct api_call *call,
			     size_t index)
{
	const char *name = call->method->param[index].name;
	const char *text = json_string_value(call->param[index]);
	size_t len = strlen(text);

	if (len != BASE_HASH_HEX_SIZE - 1)
		return api_fail(call, API_INVALID_PARAMETER,
				"%s must be of length 64 (not %zu, for "
				"'%.*s')",
				name, len, NAME_SHOWN_MAX, text);
	if (base_hash_from_hex(out, text) < 0)
		return api_fail(call, API_INVALID_PARAMETER,
				"%s must be hexadecimal string (not '%s')",
				name, text);
	return API_OK;
}

/* A JSON number with a point has become a double. The shortest text that
 * stands for the same double is what was written, for every amount there can
 * be: two of them are further apart than doubles of that size. */
static void write_shortest(char *out, size_t cap, double v)
{
	int digits = 1;

	do
		(void)snprintf(out, cap, "%.*g", digits, v);
	while (strtod(out, NULL) != v && digits++ < REAL_DIGITS_MAX);
}

enum api_code api_param_fixed(int64_t *out, struct api_call *call, size_t index,
			      unsigned decimals)
{
	const json_t *v = call->param[index];
	const char *text = json_string_value(v);
	char number[64];

	if (json_is_integer(v)) {
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			       json_integer_value(v));
		text = number;
	} else if (json_is_real(v)) {
		write_shortest(number, sizeof(number), json_real_value(v));
		text = number;
	}
	if (!text || api_decimal_parse(out, text, decimals) < 0)
		return api_fail(call, API_TYPE, "Invalid amount");
	return API_OK;
}

enum api_code api_param_amount(struct base_amount *out, struct api_call *call,
			       size_t index)
{
	struct base_amount a = {0};
	enum api_code rc =
		api_param_fixed(&a.units, call, index, AMOUNT_DECIMALS);

	if (rc == API_OK && !base_amount_valid(a))
		rc = api_fail(call, API_TYPE, "Amount out of range");
	if (rc == API_OK)
		*out = a;
	return rc;
}

static const struct api_method *find_method(const struct api_table *table,
					    const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->method[i].name, name) == 0)
			return &table->method[i];
	return NULL;
}

static size_t param_count(const struct api_method *m)
{
	size_t n = 0;

	while (n < API_PARAMS_MAX && m->param[n].name)
		n++;
	return n;
}

/* getblock "blockhash" ( verbosity ) */
static void write_usage(char *out, size_t cap, const struct api_method *m)
{
	size_t count = param_count(m);
	size_t at = (size_t)snprintf(out, cap, "%s", m->name);
	bool optional = false;

	for (size_t i = 0; i < count; i++) {
		const struct api_param *p = &m->param[i];
		const char *quote = p->types & API_STRING ? "\"" : "";
		bool opens = !p->required && !optional;

		optional |= opens;
		BASE_ASSERT(at < cap);
		at += (size_t)snprintf(out + at, cap - at, " %s%s%s%s",
				       opens ? "( " : "", quote, p->name,
				       quote);
	}
	BASE_ASSERT(at < cap);
	(void)snprintf(out + at, cap - at, "%s", optional ? " )" : "");
}

enum api_code api_fail_usage(struct api_call *call)
{
	char usage[API_MESSAGE_MAX / 2];

	write_usage(usage, sizeof(usage), call->method);
	return api_fail(call, API_MISC, "%s\n\n%s", usage, call->method->help);
}

static int by_category(const void *a, const void *b)
{
	const struct api_method *const *x = a;
	const struct api_method *const *y = b;
	int order = strcmp((*x)->category, (*y)->category);

	return order ? order : strcmp((*x)->name, (*y)->name);
}

static size_t append(char *out, size_t at, const char *text)
{
	size_t len = strlen(text);

	BASE_ASSERT(at + len < API_HELP_MAX);
	memcpy(out + at, text, len + 1);
	return at + len;
}

/* Core's list: one heading a category, one usage line a method. */
static enum api_code help_all(struct api_call *call)
{
	const struct api_table *t = call->table;
	const struct api_method **sorted = calloc(t->count, sizeof(*sorted));
	const char *category = NULL;
	char line[API_MESSAGE_MAX / 2];
	char text[API_HELP_MAX];
	size_t at = 0;

	if (!sorted)
		return api_fail(call, API_OUT_OF_MEMORY, "Out of memory");
	for (size_t i = 0; i < t->count; i++)
		sorted[i] = &t->method[i];
	qsort(sorted, t->count, sizeof(const struct api_method *), by_category);
	for (size_t i = 0; i < t->count; i++) {
		if (!category || strcmp(category, sorted[i]->category) != 0) {
			const char *gap = category ? "\n\n" : "";

			category = sorted[i]->category;
			(void)snprintf(line, sizeof(line), "%s== %c%s ==", gap,
				       category[0] - 'a' + 'A', category + 1);
			at = append(text, at, line);
		}
		at = append(text, at, "\n");
		write_usage(line, sizeof(line), sorted[i]);
		at = append(text, at, line);
	}
	free(sorted);
	api_string(call->out, text);
	return API_OK;
}

enum api_code api_help(struct api_call *call)
{
	const char *name = json_string_value(call->param[0]);
	const struct api_method *m;
	char text[API_HELP_MAX];
	size_t at;

	if (!name)
		return help_all(call);
	m = find_method(call->table, name);
	if (!m) {
		(void)snprintf(text, sizeof(text),
			       "help: unknown command: %.*s", NAME_SHOWN_MAX,
			       name);
		keep_ascii(text);
		api_string(call->out, text);
		return API_OK;
	}
	write_usage(text, sizeof(text), m);
	at = append(text, strlen(text), "\n\n");
	(void)append(text, at, m->help);
	api_string(call->out, text);
	return API_OK;
}

/* Puts named parameters where the method declares them. */
static enum api_code take_named(struct api_call *call, json_t *params)
{
	const struct api_method *m = call->method;
	size_t count = param_count(m);
	const char *key;
	json_t *v;

	json_object_foreach(params, key, v)
	{
		size_t i = 0;

		while (i < count && strcmp(m->param[i].name, key) != 0)
			i++;
		if (i == count)
			return api_fail(call, API_INVALID_PARAMETER,
					"Unknown named parameter %.*s",
					NAME_SHOWN_MAX, key);
		call->param[i] = v;
	}
	return API_OK;
}

static enum api_code check_params(struct api_call *call)
{
	const struct api_method *m = call->method;
	size_t count = param_count(m);

	for (size_t i = 0; i < count; i++) {
		const struct api_param *p = &m->param[i];
		unsigned type;

		if (json_is_null(call->param[i]))
			call->param[i] = NULL;
		if (!call->param[i] && p->required)
			return api_fail_usage(call);
		if (!call->param[i])
			continue;
		type = type_of(call->param[i]);
		if (!(type & p->types))
			return api_fail(call, API_TYPE,
					"Wrong type passed:\n{\n    \"Position "
					"%zu (%s)\": \"JSON value of type %s "
					"is not of expected type %s\"\n}",
					i + 1, p->name, type_name(type),
					type_name(p->types));
	}
	return API_OK;
}

static enum api_code run(struct api_call *call, const struct request *r)
{
	size_t given = json_array_size(r->params);
	enum api_code code = API_OK;

	call->method = find_method(call->table, r->name);
	if (!call->method)
		return api_fail(call, API_METHOD_NOT_FOUND, "Method not found");
	if (json_is_object(r->params))
		code = take_named(call, r->params);
	else if (given > param_count(call->method))
		return api_fail_usage(call);
	for (size_t i = 0; i < given; i++)
		call->param[i] = json_array_get(r->params, i);
	if (code == API_OK)
		code = check_params(call);
	if (code == API_OK)
		code = call->method->run(call);
	return code;
}

/* The members of a request object; what fails is Core's -32600. */
static enum api_code read_request(struct request *r, struct api_call *call,
				  const json_t *in)
{
	const json_t *version;
	const json_t *method;

	*r = (struct request){0};
	if (!json_is_object(in))
		return api_fail(call, API_INVALID_REQUEST,
				"Invalid Request object");
	r->id = json_object_get(in, "id");
	version = json_object_get(in, "jsonrpc");
	if (version && !json_is_null(version)) {
		const char *text = json_string_value(version);

		if (!text)
			return api_fail(call, API_INVALID_REQUEST,
					"jsonrpc field must be a string");
		r->v2 = strcmp(text, "2.0") == 0;
		if (!r->v2 && strcmp(text, "1.0") != 0 &&
		    strcmp(text, "1.1") != 0)
			return api_fail(call, API_INVALID_REQUEST,
					"JSON-RPC version not supported");
	}
	method = json_object_get(in, "method");
	if (!method || json_is_null(method))
		return api_fail(call, API_INVALID_REQUEST, "Missing method");
	r->name = json_string_value(method);
	if (!r->name)
		return api_fail(call, API_INVALID_REQUEST,
				"Method must be a string");
	r->params = json_object_get(in, "params");
	if (json_is_null(r->params))
		r->params = NULL;
	if (r->params && !json_is_array(r->params) &&
	    !json_is_object(r->params))
		return api_fail(call, API_INVALID_REQUEST,
				"Params must be an array or object");
	return API_OK;
}

static void write_error(struct api_writer *out, enum api_code code,
			const char *message)
{
	api_key(out, "error");
	api_object_begin(out);
	api_put_int(out, "code", code);
	api_put_string(out, "message", message);
	api_object_end(out);
}

static void write_id(struct api_writer *out, const struct request *r)
{
	char *text = NULL;

	if (r->id) {
		text = json_dumps(r->id, JSON_ENCODE_ANY | JSON_COMPACT);
		if (!text)
			out->failed = true;
	}
	if (text || !r->v2) {
		api_key(out, "id");
		api_json(out, text ? text : "null");
	}
	free(text);
}

/* One request, one reply object. Returns the code, API_OK with a result. */
static enum api_code answer(struct api_writer *out, struct request *r,
			    const struct api_table *table, const json_t *in)
{
	struct api_call call = {.ctx = table->ctx, .table = table, .out = out};
	struct api_writer_mark mark;
	enum api_code code = read_request(r, &call, in);

	api_object_begin(out);
	if (r->v2)
		api_put_string(out, "jsonrpc", "2.0");
	mark = api_writer_mark(out);
	if (code == API_OK) {
		api_key(out, "result");
		code = run(&call, r);
	}
	if (code == API_OK && !api_writer_ok(out))
		code = api_fail(&call, API_INTERNAL,
				"the result is larger than %u bytes",
				API_REPLY_MAX);
	if (code != API_OK) {
		api_writer_rewind(out, mark);
		if (!r->v2) {
			api_key(out, "result");
			api_null(out);
		}
		write_error(out, code, call.message);
	} else if (!r->v2) {
		api_key(out, "error");
		api_null(out);
	}
	write_id(out, r);
	api_object_end(out);
	return code;
}

static unsigned status_of(enum api_code code)
{
	switch (code) {
	case API_OK:
		return HTTP_OK;
	case API_INVALID_REQUEST:
		return HTTP_BAD_REQUEST;
	case API_METHOD_NOT_FOUND:
		return HTTP_NOT_FOUND;
	default:
		return HTTP_INTERNAL_ERROR;
	}
}

/* A call that wants no answer is made all the same. */
static bool is_notification(const struct request *r)
{
	return r->v2 && !r->id && r->name;
}

static unsigned answer_one(struct api_writer *out,
			   const struct api_table *table, const json_t *in)
{
	struct request r;
	enum api_code code = answer(out, &r, table, in);

	if (is_notification(&r)) {
		out->len = 0;
		return HTTP_NO_CONTENT;
	}
	/* Version 2.0 keeps the status for HTTP's own failures. */
	if (r.v2 && code != API_INVALID_REQUEST)
		return HTTP_OK;
	return status_of(code);
}

static unsigned answer_batch(struct api_writer *out,
			     const struct api_table *table, const json_t *in)
{
	size_t count = json_array_size(in);
	size_t silent = 0;

	if (count > API_BATCH_MAX) {
		char message[64];

		(void)snprintf(message, sizeof(message),
			       "a batch holds at most %d requests",
			       API_BATCH_MAX);
		api_error_reply(out, API_INVALID_REQUEST, message);
		return HTTP_BAD_REQUEST;
	}
	api_array_begin(out);
	/* Ends when not even an error fits any more: the whole reply is one. */
	for (size_t i = 0; i < count && api_writer_ok(out); i++) {
		struct api_writer_mark mark = api_writer_mark(out);
		struct request r;

		(void)answer(out, &r, table, json_array_get(in, i));
		if (api_writer_ok(out) && is_notification(&r)) {
			silent++;
			api_writer_rewind(out, mark);
		}
	}
	api_array_end(out);
	if (count > 0 && silent == count) {
		out->len = 0;
		return HTTP_NO_CONTENT;
	}
	return HTTP_OK;
}

/* The parser descends by recursion: how deep is decided before it starts.
 * Brackets within strings do not count; malformed text is its business. */
static bool too_deep(const char *text, size_t len)
{
	size_t depth = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			in_string = c != '"';
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++depth > API_NESTING_MAX)
				return true;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
	}
	return false;
}

void api_error_reply(struct api_writer *out, enum api_code code,
		     const char *message)
{
	const struct request nothing = {0};

	api_object_begin(out);
	api_key(out, "result");
	api_null(out);
	write_error(out, code, message);
	write_id(out, &nothing);
	api_object_end(out);
	api_raw(out, "\n", 1);
}

unsigned api_json_rpc(struct api_writer *out, const struct api_table *table,
		      const char *body, size_t len)
{
	unsigned status;
	json_t *in = NULL;

	if (!too_deep(body, len))
		in = json_loadb(body, len,
				JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (!in) {
		api_error_reply(out, API_PARSE, "Parse error");
		return HTTP_INTERNAL_ERROR;
	}
	if (json_is_object(in)) {
		status = answer_one(out, table, in);
	} else if (json_is_array(in)) {
		status = answer_batch(out, table, in);
	} else {
		api_error_reply(out, API_PARSE, "Top-level object parse error");
		json_decref(in);
		return HTTP_INTERNAL_ERROR;
	}
	json_decref(in);
	if (!api_writer_ok(out)) {
		api_writer_rewind(out, (struct api_writer_mark){0});
		api_error_reply(out, API_INTERNAL, "the reply is too large");
		return HTTP_INTERNAL_ERROR;
	}
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		api_raw(out, "\n", 1);
	return status;
}
