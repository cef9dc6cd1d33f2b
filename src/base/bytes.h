/* SPDX-License-Identifier: MIT */
/*
 * bytes.h: fixed-width integers, hex, and cursors that cannot overrun.
 *
 * Floor 0, pure. A cursor remembers its first failure, so a parser reads
 * field after field and asks once at the end. Nothing here owns memory: a
 * cursor borrows the buffer it was given for as long as it is used.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/types.h"

static inline uint32_t base_load_le32(const uint8_t p[static 4])
{
	uint32_t v;

	memcpy(&v, p, sizeof(v)); /* little-endian by platform.h */
	return v;
}

static inline uint64_t base_load_le64(const uint8_t p[static 8])
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t base_load_be32(const uint8_t p[static 4])
{
	return __builtin_bswap32(base_load_le32(p));
}

static inline void base_store_le32(uint8_t p[static 4], uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void base_store_le64(uint8_t p[static 8], uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void base_store_be32(uint8_t p[static 4], uint32_t v)
{
	base_store_le32(p, __builtin_bswap32(v));
}

static inline uint64_t base_load_be64(const uint8_t p[static 8])
{
	return __builtin_bswap64(base_load_le64(p));
}

static inline void base_store_be64(uint8_t p[static 8], uint64_t v)
{
	base_store_le64(p, __builtin_bswap64(v));
}

/* Reads from @at towards @end. After a failed read every further read fails
 * and yields zeros; base_reader_ok() tells. */
struct base_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

struct base_reader base_reader_init(const uint8_t *data, size_t len);
uint8_t base_read_u8(struct base_reader *r);
uint16_t base_read_le16(struct base_reader *r);
uint32_t base_read_le32(struct base_reader *r);
uint64_t base_read_le64(struct base_reader *r);

/* Bitcoin's CompactSize, shortest form demanded: a longer one fails. */
uint64_t base_read_compact_size(struct base_reader *r);

/* The next @len bytes, borrowed from the buffer; NULL when fewer remain. */
const uint8_t *base_read_bytes(struct base_reader *r, size_t len);
void base_read_hash(struct base_hash *out, struct base_reader *r);
size_t base_reader_left(const struct base_reader *r);

/* No read failed so far. */
static inline bool base_reader_ok(const struct base_reader *r)
{
	return !r->failed;
}

/* No read failed and nothing is left over. */
static inline bool base_reader_done(const struct base_reader *r)
{
	return !r->failed && r->at == r->end;
}

/* Writes into @data, at most @cap bytes; the first write that does not fit
 * sets @failed, and nothing is written from then on. */
struct base_writer {
	uint8_t *data;
	size_t len;
	size_t cap;
	bool failed;
};

struct base_writer base_writer_init(uint8_t *data, size_t cap);
void base_write_u8(struct base_writer *w, uint8_t v);
void base_write_le16(struct base_writer *w, uint16_t v);
void base_write_le32(struct base_writer *w, uint32_t v);
void base_write_le64(struct base_writer *w, uint64_t v);
void base_write_compact_size(struct base_writer *w, uint64_t v);
void base_write_bytes(struct base_writer *w, const void *data, size_t len);

static inline bool base_writer_ok(const struct base_writer *w)
{
	return !w->failed;
}

/* Bytes that base_write_compact_size() uses for @v: 1, 3, 5 or 9. */
size_t base_compact_size_len(uint64_t v);

/* Lower-case hex of @len bytes and a NUL: @out holds 2 * len + 1 chars. */
void base_to_hex(char *out, const uint8_t *data, size_t len);

/* Decodes exactly @len bytes from 2 * @len hex digits (either case) followed
 * by NUL. 0, or -EINVAL with @out untouched. */
BASE_MUST_CHECK int base_from_hex(uint8_t *out, size_t len, const char *hex);

#define BASE_HASH_HEX_SIZE 65 /* 64 digits and NUL */

/* The way people and RPC write a hash: bytes reversed, lower case. */
void base_hash_to_hex(char out[static BASE_HASH_HEX_SIZE],
		      const struct base_hash *hash);
/* Inverse of base_hash_to_hex(). 0 or -EINVAL. */
BASE_MUST_CHECK int base_hash_from_hex(struct base_hash *out, const char *hex);

/* Overwrites secrets in a way the compiler may not remove. */
void base_wipe(void *data, size_t len);

#endif
