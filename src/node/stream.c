/* SPDX-License-Identifier: MIT */
#include "node/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "pow/sha256.h"

/* As PNG's: a copy that changed line ends, or that cut the eighth bit, shows
 * at once. */
static const uint8_t magic[8] = {0x89, 'M', 'D', 'X', '\r', '\n', 0x1a, '\n'};

#define HEAD_SIZE 5 /* type and length */

static void next_check(struct node_stream *s,
		       const uint8_t head[static HEAD_SIZE], const void *a,
		       size_t a_len, const void *b, size_t b_len)
{
	struct pow_sha256_stream sha;

	pow_sha256_init(&sha);
	pow_sha256_update(&sha, s->check.b, sizeof(s->check.b));
	pow_sha256_update(&sha, head, HEAD_SIZE);
	pow_sha256_update(&sha, a, a_len);
	if (b_len > 0)
		pow_sha256_update(&sha, b, b_len);
	pow_sha256_final(&s->check, &sha);
}

static int write_failed(const struct node_stream *s, struct base_error *err)
{
	int rc = errno ? -errno : -EIO;

	return base_fail(err, rc, "cannot write %.300s: %s%s", s->name,
			 strerror(-rc),
			 rc == -ENOSPC ? "; free space and try again" : "");
}

static int write_bytes(struct node_stream *s, const void *data, size_t len,
		       struct base_error *err)
{
	errno = 0;
	if (len > 0 && fwrite(data, 1, len, s->f) != len)
		return write_failed(s, err);
	s->at += len;
	return 0;
}

int node_stream_write(struct node_stream *out, FILE *f, const char *name,
		      struct base_error *err)
{
	*out = (struct node_stream){.f = f, .name = name};
	return write_bytes(out, magic, sizeof(magic), err);
}

int node_stream_put(struct node_stream *s, enum node_record type, const void *a,
		    size_t a_len, const void *b, size_t b_len,
		    struct base_error *err)
{
	uint8_t head[HEAD_SIZE] = {(uint8_t)type};
	int rc;

	base_store_le32(head + 1, (uint32_t)(a_len + b_len));
	next_check(s, head, a, a_len, b, b_len);
	rc = write_bytes(s, head, sizeof(head), err);
	if (rc == 0)
		rc = write_bytes(s, a, a_len, err);
	if (rc == 0)
		rc = write_bytes(s, b, b_len, err);
	if (rc == 0)
		rc = write_bytes(s, s->check.b, sizeof(s->check.b), err);
	if (rc == 0 && type == NODE_REC_BLOCK)
		s->blocks++;
	return rc;
}

int node_stream_bad(const struct node_stream *s, struct base_error *err,
		    const char *why)
{
	return base_fail(err, -EBADMSG,
			 "%.300s, byte %" PRIu64 ", after block %u: %s",
			 s->name, s->at, s->blocks, why);
}

static int read_bytes(struct node_stream *s, void *data, size_t len,
		      struct base_error *err)
{
	size_t n;

	errno = 0;
	n = fread(data, 1, len, s->f);
	s->at += n;
	if (n == len)
		return 0;
	if (ferror(s->f))
		return base_fail(err, errno ? -errno : -EIO,
				 "cannot read %.300s: %s", s->name,
				 strerror(errno ? errno : EIO));
	(void)node_stream_bad(s, err,
			      "it ends there and is not whole; get the rest, "
			      "or export it again");
	return -ENODATA;
}

int node_stream_read(struct node_stream *out, FILE *f, const char *name,
		     struct base_error *err)
{
	uint8_t got[sizeof(magic)];
	int rc;

	*out = (struct node_stream){.f = f, .name = name};
	rc = read_bytes(out, got, sizeof(got), err);
	if (rc < 0 && rc != -ENODATA)
		return rc;
	if (rc == 0 && memcmp(got, magic, sizeof(magic)) == 0)
		return 0;
	return base_fail(err, -EBADMSG,
			 "%.300s is not what 'minerd export' writes, or was "
			 "changed as text on its way",
			 name);
}

static int make_room(struct node_stream *s, size_t len, struct base_error *err)
{
	uint8_t *data;

	if (len <= s->cap)
		return 0;
	data = realloc(s->data, len);
	if (!data)
		return base_fail(err, -ENOMEM, "no memory to read %.300s",
				 s->name);
	s->data = data;
	s->cap = len;
	return 0;
}

int node_stream_get(struct node_stream *s, struct base_error *err)
{
	uint8_t head[HEAD_SIZE];
	struct base_hash check;
	int rc = read_bytes(s, head, sizeof(head), err);

	if (rc < 0)
		return rc;
	s->type = head[0];
	s->len = base_load_le32(head + 1);
	if (s->len == 0 || s->len > NODE_STREAM_RECORD_MAX)
		return node_stream_bad(s, err, "it is damaged (a length)");
	rc = make_room(s, s->len, err);
	if (rc == 0)
		rc = read_bytes(s, s->data, s->len, err);
	if (rc == 0)
		rc = read_bytes(s, check.b, sizeof(check.b), err);
	if (rc < 0)
		return rc;
	next_check(s, head, s->data, s->len, NULL, 0);
	if (!base_hash_equal(&check, &s->check))
		return node_stream_bad(s, err,
				       "it is damaged (the checksum differs)");
	if (s->type == NODE_REC_BLOCK)
		s->blocks++;
	return 0;
}

void node_stream_end(struct node_stream *s)
{
	free(s->data);
	s->data = NULL;
}
