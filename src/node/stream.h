/* SPDX-License-Identifier: MIT */
/*
 * stream.h: a chain as one stream of bytes, for `minerd export` and `import`.
 *
 * Floor 5. Main thread. Eight bytes of magic, then records:
 *
 *   type u8 | length u32 | payload | check (32 bytes)
 *
 * integers little-endian. A check is the SHA-256 of the check before it (zeros
 * before the first), and of type, length and payload: no record can be damaged,
 * left out or moved unnoticed. In this order:
 *
 *   'H'  version u32 | genesis hash | height u32 | hash: of the last block
 *   'P'  height of the first u32 | count u32 | certificate's length u32 |
 *        count headers | certificate of the last, or nothing
 *   'B'  a block; as many as the part before it has headers
 *   'E'  number of blocks u32; nothing follows
 *
 * Parts and their blocks follow each other from height 1 to the last. A part
 * says first what vouches for its blocks, so that no block needs to be taken,
 * or kept in memory, before that was checked.
 */
#ifndef NODE_STREAM_H
#define NODE_STREAM_H

#include <stdio.h>

#include "base/error.h"
#include "base/types.h"

#define NODE_STREAM_VERSION 1u
#define NODE_STREAM_PART_MAX 2000u /* headers */
#define NODE_STREAM_RECORD_MAX (UINT32_C(1) << 26)

enum node_record {
	NODE_REC_HEAD = 'H',
	NODE_REC_PART = 'P',
	NODE_REC_BLOCK = 'B',
	NODE_REC_END = 'E',
};

struct node_stream {
	FILE *f;	  /* borrowed */
	const char *name; /* for messages; borrowed */
	uint64_t at;	  /* bytes so far */
	uint32_t blocks;  /* whole blocks so far */
	struct base_hash check;
	/* Of a reader: the record read last. */
	uint8_t type;
	uint8_t *data; /* ours */
	size_t len;
	size_t cap;
};

/* What @f is: a stream to be written, or read. The magic goes over it at once.
 * 0; -EIO and other errno; of reading -EBADMSG: it is no such stream. */
BASE_MUST_CHECK int node_stream_write(struct node_stream *out, FILE *f,
				      const char *name, struct base_error *err);
BASE_MUST_CHECK int node_stream_read(struct node_stream *out, FILE *f,
				     const char *name, struct base_error *err);

/* Writes a record of two pieces, of which the second may be empty. 0; errno of
 * the file. */
BASE_MUST_CHECK int node_stream_put(struct node_stream *s,
				    enum node_record type, const void *a,
				    size_t a_len, const void *b, size_t b_len,
				    struct base_error *err);

/* Reads the next record into data and len, which stay until the next call. 0;
 * -ENODATA: the stream ends too early; -EBADMSG: damaged; -ENOMEM; errno of the
 * file. @err says where. */
BASE_MUST_CHECK int node_stream_get(struct node_stream *s,
				    struct base_error *err);

/* "FILE, byte N, after block H: @why". Returns -EBADMSG. */
int node_stream_bad(const struct node_stream *s, struct base_error *err,
		    const char *why);

/* Frees what a reader holds. */
void node_stream_end(struct node_stream *s);

#endif
