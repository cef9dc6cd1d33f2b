/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include <errno.h>

struct base_reader base_reader_init(const uint8_t *data, size_t len)
{
	return (struct base_reader){.at = data, .end = data + len};
}

size_t base_reader_left(const struct base_reader *r)
{
	return (size_t)(r->end - r->at);
}

const uint8_t *base_read_bytes(struct base_reader *r, size_t len)
{
	const uint8_t *p = r->at;

	if (r->failed || len > base_reader_left(r)) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	return p;
}

uint8_t base_read_u8(struct base_reader *r)
{
	const uint8_t *p = base_read_bytes(r, 1);

	return p ? *p : 0;
}

uint16_t base_read_le16(struct base_reader *r)
{
	const uint8_t *p = base_read_bytes(r, 2);

	return p ? (uint16_t)((unsigned)p[0] | (unsigned)p[1] << 8) : 0;
}

uint32_t base_read_le32(struct base_reader *r)
{
	const uint8_t *p = base_read_bytes(r, 4);

	return p ? base_load_le32(p) : 0;
}

uint64_t base_read_le64(struct base_reader *r)
{
	const uint8_t *p = base_read_bytes(r, 8);

	return p ? base_load_le64(p) : 0;
}

uint64_t base_read_compact_size(struct base_reader *r)
{
	uint8_t tag = base_read_u8(r);
	uint64_t v = tag;
	uint64_t least = 0;

	if (tag == 0xfd) {
		v = base_read_le16(r);
		least = 0xfd;
	} else if (tag == 0xfe) {
		v = base_read_le32(r);
		least = 0x10000;
	} else if (tag == 0xff) {
		v = base_read_le64(r);
		least = UINT64_C(0x100000000);
	}
	if (v < least)
		r->failed = true;
	return r->failed ? 0 : v;
}

void base_read_hash(struct base_hash *out, struct base_reader *r)
{
	const uint8_t *p = base_read_bytes(r, sizeof(out->b));

	if (p)
		memcpy(out->b, p, sizeof(out->b));
	else
		memset(out->b, 0, sizeof(out->b));
}

struct base_writer base_writer_init(uint8_t *data, size_t cap)
{
	return (struct base_writer){.data = data, .cap = cap};
}

void base_write_bytes(struct base_writer *w, const void *data, size_t len)
{
	if (w->failed || len > w->cap - w->len) {
		w->failed = true;
		return;
	}
	if (len > 0)
		memcpy(w->data + w->len, data, len);
	w->len += len;
}

void base_write_u8(struct base_writer *w, uint8_t v)
{
	base_write_bytes(w, &v, sizeof(v));
}

void base_write_le16(struct base_writer *w, uint16_t v)
{
	base_write_bytes(w, &v, sizeof(v));
}

void base_write_le32(struct base_writer *w, uint32_t v)
{
	base_write_bytes(w, &v, sizeof(v));
}

void base_write_le64(struct base_writer *w, uint64_t v)
{
	base_write_bytes(w, &v, sizeof(v));
}

size_t base_compact_size_len(uint64_t v)
{
	if (v < 0xfd)
		return 1;
	if (v <= UINT16_MAX)
		return 3;
	return v <= UINT32_MAX ? 5 : 9;
}

void base_write_compact_size(struct base_writer *w, uint64_t v)
{
	switch (base_compact_size_len(v)) {
	case 1:
		base_write_u8(w, (uint8_t)v);
		break;
	case 3:
		base_write_u8(w, 0xfd);
		base_write_le16(w, (uint16_t)v);
		break;
	case 5:
		base_write_u8(w, 0xfe);
		base_write_le32(w, (uint32_t)v);
		break;
	default:
		base_write_u8(w, 0xff);
		base_write_le64(w, v);
		break;
	}
}

void base_to_hex(char *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int base_from_hex(uint8_t *out, size_t len, const char *hex)
{
	for (size_t i = 0; i < 2 * len; i++)
		if (hex_digit(hex[i]) < 0)
			return -EINVAL;
	if (hex[2 * len] != '\0')
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)(hex_digit(hex[2 * i]) << 4 |
				   hex_digit(hex[2 * i + 1]));
	return 0;
}

void base_hash_to_hex(char out[static BASE_HASH_HEX_SIZE],
		      const struct base_hash *hash)
{
	struct base_hash reversed;

	for (size_t i = 0; i < sizeof(reversed.b); i++)
		reversed.b[i] = hash->b[sizeof(hash->b) - 1 - i];
	base_to_hex(out, reversed.b, sizeof(reversed.b));
}

int base_hash_from_hex(struct base_hash *out, const char *hex)
{
	struct base_hash reversed;

	if (base_from_hex(reversed.b, sizeof(reversed.b), hex) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(reversed.b); i++)
		out->b[i] = reversed.b[sizeof(reversed.b) - 1 - i];
	return 0;
}

void base_wipe(void *data, size_t len)
{
	memset(data, 0, len);
	__asm__ __volatile__("" : : "r"(data) : "memory");
}
