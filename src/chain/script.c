/* SPDX-License-Identifier: MIT */
#include "chain/script.h"

#define OP_PUSHDATA1 0x4c
#define OP_1NEGATE 0x4f
#define OP_1 0x51
#define OP_16 0x60
#define OP_RETURN 0x6a
#define PUSH_DIRECT_MAX 75
#define COMMITMENT_SIZE 38

static const uint8_t commitment_tag[CHAIN_COMMITMENT_AT] = {
	OP_RETURN, 36, 0xaa, 0x21, 0xa9, 0xed};

/* Exactly one push in its shortest form (BIP62, rule 3). */
static bool is_minimal_push(const uint8_t *s, size_t len)
{
	uint8_t op;

	if (len == 0)
		return false;
	op = s[0];
	if (op == 0 || op == OP_1NEGATE || (op >= OP_1 && op <= OP_16))
		return len == 1;
	if (op == 1) /* small numbers have opcodes of their own */
		return len == 2 && s[1] != 0x81 && (s[1] == 0 || s[1] > 16);
	if (op <= PUSH_DIRECT_MAX)
		return len == 1 + (size_t)op;
	return op == OP_PUSHDATA1 && len >= 2 && s[1] > PUSH_DIRECT_MAX &&
	       s[1] <= CHAIN_DATA_MAX && len == 2 + (size_t)s[1];
}

enum chain_script_kind chain_script_kind(const uint8_t *script, size_t len)
{
	if (len == CHAIN_P2TR_SIZE && script[0] == OP_1 &&
	    script[1] == CHAIN_KEY_SIZE)
		return CHAIN_SCRIPT_P2TR;
	if (len == COMMITMENT_SIZE &&
	    memcmp(script, commitment_tag, sizeof(commitment_tag)) == 0)
		return CHAIN_SCRIPT_COMMITMENT;
	if (len > 0 && script[0] == OP_RETURN &&
	    is_minimal_push(script + 1, len - 1))
		return CHAIN_SCRIPT_DATA;
	return CHAIN_SCRIPT_OTHER;
}

void chain_script_write_height(struct base_writer *w, struct base_height height)
{
	uint8_t number[CHAIN_SCRIPT_HEIGHT_MAX - 1];
	uint8_t len = 0;

	if (height.n == 0) {
		base_write_u8(w, 0);
		return;
	}
	if (height.n <= 16) {
		base_write_u8(w, (uint8_t)(OP_1 - 1 + height.n));
		return;
	}
	for (uint32_t left = height.n; left > 0; left >>= 8)
		number[len++] = (uint8_t)left;
	if (number[len - 1] & 0x80) /* the top bit would be the sign */
		number[len++] = 0;
	base_write_u8(w, len);
	base_write_bytes(w, number, len);
}

bool chain_script_read_height(struct base_height *out, struct base_reader *r)
{
	uint8_t again[CHAIN_SCRIPT_HEIGHT_MAX];
	struct base_writer w = base_writer_init(again, sizeof(again));
	const uint8_t *from = r->at;
	uint8_t op = base_read_u8(r);
	struct base_height height = {0};

	if (op >= OP_1 && op <= OP_16) {
		height.n = op - (OP_1 - 1u);
	} else if (op < CHAIN_SCRIPT_HEIGHT_MAX) {
		uint64_t n = 0;

		for (unsigned i = 0; i < op; i++)
			n |= (uint64_t)base_read_u8(r) << 8 * i;
		if (n > UINT32_MAX)
			return false;
		height.n = (uint32_t)n;
	}
	/* One form for one height: what is written again is what was read. */
	chain_script_write_height(&w, height);
	if (!base_reader_ok(r) || height.n == 0 ||
	    w.len != (size_t)(r->at - from) || memcmp(again, from, w.len) != 0)
		return false;
	*out = height;
	return true;
}

void chain_script_p2tr(uint8_t out[static CHAIN_P2TR_SIZE],
		       const uint8_t key[static CHAIN_KEY_SIZE])
{
	out[0] = OP_1;
	out[1] = CHAIN_KEY_SIZE;
	memcpy(out + CHAIN_P2TR_KEY_AT, key, CHAIN_KEY_SIZE);
}

void chain_script_write_p2tr(struct base_writer *w, struct base_amount amount,
			     const uint8_t key[static CHAIN_KEY_SIZE])
{
	uint8_t script[CHAIN_P2TR_SIZE];

	chain_script_p2tr(script, key);
	base_write_le64(w, (uint64_t)amount.units);
	base_write_compact_size(w, sizeof(script));
	base_write_bytes(w, script, sizeof(script));
}

void chain_script_write_commitment(struct base_writer *w,
				   const struct base_hash *commitment)
{
	base_write_le64(w, 0);
	base_write_compact_size(w, COMMITMENT_SIZE);
	base_write_bytes(w, commitment_tag, sizeof(commitment_tag));
	base_write_bytes(w, commitment->b, sizeof(commitment->b));
}
