/* SPDX-License-Identifier: MIT */
/*
 * writer.h: JSON text, written from left to right into growing memory.
 *
 * Floor 4. One thread per writer. There is no tree in between, so numbers
 * come out exactly as a method means them: 64-bit integers whole, amounts
 * with eight decimals as Bitcoin Core prints them. Commas are the writer's
 * business; that begins and ends match is the caller's.
 *
 * The first failure (no memory, or more than @max bytes) sticks: nothing is
 * written from then on, and api_writer_ok() tells at the end.
 */
#ifndef API_WRITER_H
#define API_WRITER_H

#include "base/types.h"

struct api_writer {
	char *data; /* owned; not NUL-terminated */
	size_t len;
	size_t cap;
	size_t max;
	bool failed;
	bool comma; /* a value precedes on this level */
};

/* A place to go back to: everything written since is undone. */
struct api_writer_mark {
	size_t len;
	bool comma;
};

void api_writer_init(struct api_writer *w, size_t max);
void api_writer_free(struct api_writer *w);

static inline bool api_writer_ok(const struct api_writer *w)
{
	return !w->failed;
}

struct api_writer_mark api_writer_mark(const struct api_writer *w);
/* Also clears a failure. */
void api_writer_rewind(struct api_writer *w, struct api_writer_mark mark);

void api_object_begin(struct api_writer *w);
void api_object_end(struct api_writer *w);
void api_array_begin(struct api_writer *w);
void api_array_end(struct api_writer *w);

/* The name of the next value in an object. */
void api_key(struct api_writer *w, const char *name);

/* @text is UTF-8 and is escaped. */
void api_string(struct api_writer *w, const char *text);
void api_int(struct api_writer *w, int64_t v);
void api_bool(struct api_writer *w, bool v);
void api_null(struct api_writer *w);
/* At most 16 significant digits, as Bitcoin Core writes difficulties. Not a
 * finite number: null. */
void api_real(struct api_writer *w, double v);
/* 50.00000000; any int64_t. */
void api_amount(struct api_writer *w, struct base_amount amount);
/* A string of lower-case hex. */
void api_hex(struct api_writer *w, const uint8_t *data, size_t len);
/* A string as people write hashes, see base_hash_to_hex(). */
void api_hash(struct api_writer *w, const struct base_hash *hash);
/* A complete JSON value, as it is. */
void api_json(struct api_writer *w, const char *json);

/* Bytes outside of JSON, without a comma. */
void api_raw(struct api_writer *w, const void *data, size_t len);

/* A name and its value. */
void api_put_string(struct api_writer *w, const char *key, const char *text);
void api_put_int(struct api_writer *w, const char *key, int64_t v);
void api_put_bool(struct api_writer *w, const char *key, bool v);
void api_put_real(struct api_writer *w, const char *key, double v);
void api_put_amount(struct api_writer *w, const char *key,
		    struct base_amount amount);
void api_put_hex(struct api_writer *w, const char *key, const uint8_t *data,
		 size_t len);
void api_put_hash(struct api_writer *w, const char *key,
		  const struct base_hash *hash);

#endif
