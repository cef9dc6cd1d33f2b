/* SPDX-License-Identifier: MIT */
#include "store/light.h"

#include <errno.h>

#include "base/assert.h"
#include "store/internal.h"

#define CHUNK_SIZE (STORE_LIGHT_CHUNK * CHAIN_HEADER_SIZE)
/* Besides headers: the state. */
#define STATE_BYTES 65536

/* More would not be part of a page any more: LMDB holds at least two records a
 * page, with some bytes for each. */
_Static_assert(2 * (CHUNK_SIZE + 16) < 4096 - 32, "two chunks fill a page");

static const char *const conflict_name[2] = {"conflict 0", "conflict 1"};

static int put_state(const struct store *s, MDB_txn *txn, const char *name,
		     const void *data, size_t len)
{
	MDB_val key = store_val(name, strlen(name));
	MDB_val value = store_val(data, len);

	return mdb_put(txn, s->table[STORE_LIGHT_STATE], &key, &value, 0);
}

static int put_context(const struct store *s, MDB_txn *txn, const char *name,
		       const struct chain_context *ctx)
{
	uint8_t record[CHAIN_CONTEXT_SIZE];

	chain_context_write(record, ctx);
	return put_state(s, txn, name, record, sizeof(record));
}

/* 0, MDB_NOTFOUND, MDB_CORRUPTED or LMDB's error. */
static int get_context(struct chain_context *out, const struct store *s,
		       MDB_txn *txn, const char *name)
{
	MDB_val value;
	int rc = store_get(&value, s, txn, STORE_LIGHT_STATE, name,
			   strlen(name));

	if (rc)
		return rc;
	if (value.mv_size != CHAIN_CONTEXT_SIZE ||
	    chain_context_read(out, value.mv_data))
		return MDB_CORRUPTED;
	return 0;
}

static void get_optional(const uint8_t **data, size_t *len,
			 const struct store_reader *r, const char *name)
{
	MDB_val value;

	*data = NULL;
	*len = 0;
	if (store_get(&value, r->s, r->txn, STORE_LIGHT_STATE, name,
		      strlen(name)))
		return;
	*data = value.mv_data;
	*len = value.mv_size;
}

int store_light_state(struct store_light *out, struct store_reader *r)
{
	struct store_light state;
	int rc;

	BASE_ASSERT(r->s->light);
	rc = get_context(&state.tip, r->s, r->txn, "tip");
	if (rc == MDB_NOTFOUND)
		return -ENODATA;
	if (!rc)
		rc = get_context(&state.final, r->s, r->txn, "final");
	if (rc || state.final.height.n > state.tip.height.n)
		return -EBADMSG;
	get_optional(&state.cert, &state.cert_len, r, "cert");
	for (size_t i = 0; i < 2; i++)
		get_optional(&state.conflict[i], &state.conflict_len[i], r,
			     conflict_name[i]);
	if (!state.cert != (state.final.height.n == 0))
		return -EBADMSG;
	*out = state;
	return 0;
}

/* The number of the last chunk there is, or -1. */
static int last_chunk(int64_t *out, const struct store *s, MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, s->table[STORE_LIGHT_HEADERS], &cursor);

	if (rc)
		return rc;
	*out = -1;
	rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	if (!rc && key.mv_size == 4)
		*out = base_load_be32(key.mv_data);
	else if (!rc)
		rc = MDB_CORRUPTED;
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Chunk @number, whose headers up to @height - 1 stay, and from @height on are
 * @count of @headers. Those after them go. */
static int put_chunk(const struct store *s, MDB_txn *txn, uint32_t height,
		     const uint8_t *headers, uint32_t count, int64_t last)
{
	const uint32_t number = height / STORE_LIGHT_CHUNK;
	const size_t kept = (height % STORE_LIGHT_CHUNK) * CHAIN_HEADER_SIZE;
	const size_t added = (size_t)count * CHAIN_HEADER_SIZE;
	uint8_t bytes[CHUNK_SIZE];
	uint8_t at[4];
	MDB_val key = store_val(at, sizeof(at));
	MDB_val value;
	int rc;

	base_store_be32(at, number);
	if (kept > 0) {
		rc = mdb_get(txn, s->table[STORE_LIGHT_HEADERS], &key, &value);
		if (rc || value.mv_size < kept)
			return rc ? rc : MDB_CORRUPTED;
		memcpy(bytes, value.mv_data, kept);
	}
	memcpy(bytes + kept, headers, added);
	value = store_val(bytes, kept + added);
	/* In order they fill the pages; leftovers of another way are there. */
	return mdb_put(txn, s->table[STORE_LIGHT_HEADERS], &key, &value,
		       number > last ? MDB_APPEND : 0);
}

static int put_headers(const struct store *s, MDB_txn *txn,
		       const struct store_light_step *step)
{
	uint32_t height = step->tip.height.n - step->count + 1;
	uint32_t done = 0;
	int64_t last;
	int rc = last_chunk(&last, s, txn);

	while (!rc && done < step->count) {
		uint32_t room = STORE_LIGHT_CHUNK - height % STORE_LIGHT_CHUNK;
		uint32_t count = step->count - done;

		if (count > room)
			count = room;
		rc = put_chunk(s, txn, height,
			       step->headers + (size_t)done * CHAIN_HEADER_SIZE,
			       count, last);
		done += count;
		height += count;
	}
	return rc;
}

/* The first of the headers comes after one that is kept. */
static bool follows(const struct store *s, MDB_txn *txn,
		    const struct store_light_step *step)
{
	struct chain_context tip;
	int rc = get_context(&tip, s, txn, "tip");

	if (rc)
		return rc == MDB_NOTFOUND && step->tip.height.n == 0 &&
		       step->count == 1 && step->final;
	return step->count <= step->tip.height.n &&
	       step->tip.height.n - step->count <= tip.height.n;
}

int store_light_step(struct store *s, const struct store_light_step *step,
		     struct base_error *err)
{
	const uint64_t bytes =
		STATE_BYTES + (uint64_t)step->count * CHAIN_HEADER_SIZE;
	MDB_txn *txn;
	int rc;

	BASE_ASSERT(s->light && !s->read_only);
	rc = store_txn_begin(&txn, s, 0, err);
	if (rc)
		return rc;
	if (!follows(s, txn, step)) {
		store_txn_abort(s, txn);
		return base_fail(err, -EINVAL,
				 "%s: headers up to %u do not follow those "
				 "kept",
				 s->path, step->tip.height.n);
	}
	rc = put_headers(s, txn, step);
	if (!rc)
		rc = put_context(s, txn, "tip", &step->tip);
	if (!rc && step->final)
		rc = put_context(s, txn, "final", step->final);
	if (!rc && step->cert)
		rc = put_state(s, txn, "cert", step->cert, step->cert_len);
	return store_write_end(s, txn, rc, bytes, err);
}

int store_light_header(uint8_t out[static CHAIN_HEADER_SIZE],
		       struct store_reader *r, struct base_height height)
{
	const size_t at = (height.n % STORE_LIGHT_CHUNK) * CHAIN_HEADER_SIZE;
	struct chain_context tip;
	uint8_t key[4];
	MDB_val value;
	int rc = get_context(&tip, r->s, r->txn, "tip");

	if (rc && rc != MDB_NOTFOUND)
		return -EBADMSG;
	if (rc || height.n > tip.height.n)
		return -ENOENT;
	base_store_be32(key, height.n / STORE_LIGHT_CHUNK);
	rc = store_get(&value, r->s, r->txn, STORE_LIGHT_HEADERS, key,
		       sizeof(key));
	if (rc || value.mv_size < at + CHAIN_HEADER_SIZE)
		return -EBADMSG;
	memcpy(out, (const uint8_t *)value.mv_data + at, CHAIN_HEADER_SIZE);
	return 0;
}

int store_light_conflict(struct store *s, const uint8_t *a, size_t a_len,
			 const uint8_t *b, size_t b_len, struct base_error *err)
{
	MDB_txn *txn;
	int rc = store_txn_begin(&txn, s, 0, err);

	if (rc)
		return rc;
	rc = put_state(s, txn, conflict_name[0], a, a_len);
	if (!rc)
		rc = put_state(s, txn, conflict_name[1], b, b_len);
	return store_write_end(s, txn, rc, STATE_BYTES, err);
}
