/* SPDX-License-Identifier: MIT */
#include "api/writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

#define FIRST_CAP 1024

void api_writer_init(struct api_writer *w, size_t max)
{
	*w = (struct api_writer){.max = max};
}

void api_writer_free(struct api_writer *w)
{
	free(w->data);
	*w = (struct api_writer){.max = w->max};
}

struct api_writer_mark api_writer_mark(const struct api_writer *w)
{
	return (struct api_writer_mark){.len = w->len, .comma = w->comma};
}

void api_writer_rewind(struct api_writer *w, struct api_writer_mark mark)
{
	w->len = mark.len;
	w->comma = mark.comma;
	w->failed = false;
}

/* Room for @len more bytes; NULL when there is none. */
static char *reserve(struct api_writer *w, size_t len)
{
	size_t cap = w->cap ? w->cap : FIRST_CAP;
	char *data;

	if (w->failed || len > w->max - w->len) {
		w->failed = true;
		return NULL;
	}
	while (cap < w->len + len)
		cap *= 2;
	if (cap != w->cap) {
		data = realloc(w->data, cap);
		if (!data) {
			w->failed = true;
			return NULL;
		}
		w->data = data;
		w->cap = cap;
	}
	return w->data + w->len;
}

void api_raw(struct api_writer *w, const void *data, size_t len)
{
	char *to = reserve(w, len);

	if (!to)
		return;
	if (len > 0)
		memcpy(to, data, len);
	w->len += len;
}

static void put(struct api_writer *w, const char *text)
{
	api_raw(w, text, strlen(text));
}

/* Before every value and key. */
static void separate(struct api_writer *w)
{
	if (w->comma)
		put(w, ",");
	w->comma = false;
}

static void value(struct api_writer *w, const char *text)
{
	separate(w);
	put(w, text);
	w->comma = true;
}

static void begin(struct api_writer *w, const char *brace)
{
	separate(w);
	put(w, brace);
}

static void end(struct api_writer *w, const char *brace)
{
	put(w, brace);
	w->comma = true;
}

void api_object_begin(struct api_writer *w)
{
	begin(w, "{");
}

void api_object_end(struct api_writer *w)
{
	end(w, "}");
}

void api_array_begin(struct api_writer *w)
{
	begin(w, "[");
}

void api_array_end(struct api_writer *w)
{
	end(w, "]");
}

static void quote(struct api_writer *w, const char *text)
{
	static const char short_of[] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
		['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
	char escape[8];

	put(w, "\"");
	while (*text) {
		unsigned char c = (unsigned char)*text;
		const char *from = text;

		while (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			c = (unsigned char)*++text;
		api_raw(w, from, (size_t)(text - from));
		if (c == '\0')
			break;
		if (c < sizeof(short_of) && short_of[c])
			(void)snprintf(escape, sizeof(escape), "\\%c",
				       short_of[c]);
		else
			(void)snprintf(escape, sizeof(escape), "\\u%04x", c);
		put(w, escape);
		text++;
	}
	put(w, "\"");
}

void api_key(struct api_writer *w, const char *name)
{
	separate(w);
	quote(w, name);
	put(w, ":");
}

void api_string(struct api_writer *w, const char *text)
{
	separate(w);
	quote(w, text);
	w->comma = true;
}

void api_int(struct api_writer *w, int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, v);
	value(w, text);
}

void api_bool(struct api_writer *w, bool v)
{
	value(w, v ? "true" : "false");
}

void api_null(struct api_writer *w)
{
	value(w, "null");
}

void api_real(struct api_writer *w, double v)
{
	char text[40];

	if (!isfinite(v)) {
		api_null(w);
		return;
	}
	(void)snprintf(text, sizeof(text), "%.16g", v);
	value(w, text);
}

void api_amount(struct api_writer *w, struct base_amount amount)
{
	uint64_t size = amount.units < 0 ? 0 - (uint64_t)amount.units
					 : (uint64_t)amount.units;
	char text[32];

	(void)snprintf(text, sizeof(text), "%s%" PRIu64 ".%08" PRIu64,
		       amount.units < 0 ? "-" : "", size / (uint64_t)BASE_COIN,
		       size % (uint64_t)BASE_COIN);
	value(w, text);
}

void api_hex(struct api_writer *w, const uint8_t *data, size_t len)
{
	char *to;

	separate(w);
	put(w, "\"");
	/* One more than the digits: base_to_hex() ends with a NUL, where the
	 * closing quote then goes. */
	to = len <= SIZE_MAX / 4 ? reserve(w, 2 * len + 1) : NULL;
	if (to) {
		base_to_hex(to, data, len);
		w->len += 2 * len;
	}
	put(w, "\"");
	w->comma = true;
}

void api_hash(struct api_writer *w, const struct base_hash *hash)
{
	char hex[BASE_HASH_HEX_SIZE];

	base_hash_to_hex(hex, hash);
	api_string(w, hex);
}

void api_json(struct api_writer *w, const char *json)
{
	value(w, json);
}

void api_put_string(struct api_writer *w, const char *key, const char *text)
{
	api_key(w, key);
	api_string(w, text);
}

void api_put_int(struct api_writer *w, const char *key, int64_t v)
{
	api_key(w, key);
	api_int(w, v);
}

void api_put_bool(struct api_writer *w, const char *key, bool v)
{
	api_key(w, key);
	api_bool(w, v);
}

void api_put_real(struct api_writer *w, const char *key, double v)
{
	api_key(w, key);
	api_real(w, v);
}

void api_put_amount(struct api_writer *w, const char *key,
		    struct base_amount amount)
{
	api_key(w, key);
	api_amount(w, amount);
}

void api_put_hex(struct api_writer *w, const char *key, const uint8_t *data,
		 size_t len)
{
	api_key(w, key);
	api_hex(w, data, len);
}

void api_put_hash(struct api_writer *w, const char *key,
		  const struct base_hash *hash)
{
	api_key(w, key);
	api_hash(w, hash);
}
