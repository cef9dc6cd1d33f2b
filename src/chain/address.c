/* SPDX-License-Identifier: MIT */
#include "chain/address.h"

#include <errno.h>

#include "base/assert.h"

#define BECH32_MAX 90 /* characters, BIP173 */
#define BECH32M 0x2bc830a3u
#define CHECKSUM 6
#define SYMBOLS 52	     /* of 5 bits, for 32 bytes */
#define VALUES (1 + SYMBOLS) /* witness version, then the program */
#define DATA (VALUES + CHECKSUM)

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* One step of the BCH code of BIP173. */
static uint32_t polymod_step(uint32_t chk, uint8_t value)
{
	static const uint32_t generator[5] = {
		0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = chk >> 25;

	chk = (chk & 0x1ffffff) << 5 ^ value;
	for (int i = 0; i < 5; i++)
		if (top >> i & 1)
			chk ^= generator[i];
	return chk;
}

static uint32_t polymod(const char *prefix, size_t prefix_len,
			const uint8_t *value, size_t count)
{
	uint32_t chk = 1;

	for (size_t i = 0; i < prefix_len; i++)
		chk = polymod_step(chk, (uint8_t)prefix[i] >> 5);
	chk = polymod_step(chk, 0);
	for (size_t i = 0; i < prefix_len; i++)
		chk = polymod_step(chk, (uint8_t)prefix[i] & 31);
	for (size_t i = 0; i < count; i++)
		chk = polymod_step(chk, value[i]);
	return chk;
}

static void to_symbols(uint8_t out[static SYMBOLS],
		       const uint8_t key[static CHAIN_KEY_SIZE])
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < CHAIN_KEY_SIZE; i++) {
		acc = acc << 8 | key[i];
		for (bits += 8; bits >= 5;) {
			bits -= 5;
			out[n++] = acc >> bits & 31;
		}
	}
	out[n] = (uint8_t)(acc << (5 - bits) & 31);
}

/* False when the padding, four bits, is not zero. */
static bool from_symbols(uint8_t key[static CHAIN_KEY_SIZE],
			 const uint8_t symbol[static SYMBOLS])
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < SYMBOLS; i++) {
		acc = acc << 5 | symbol[i];
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			key[n++] = (uint8_t)(acc >> bits);
		}
	}
	return (acc & ((1u << bits) - 1)) == 0;
}

void chain_address_encode(char out[static CHAIN_ADDRESS_SIZE],
			  const char *prefix,
			  const uint8_t key[static CHAIN_KEY_SIZE])
{
	size_t len = strlen(prefix);
	uint8_t value[DATA] = {1};
	uint32_t chk;

	BASE_ASSERT(len >= 1 && len <= CHAIN_PREFIX_MAX);
	to_symbols(value + 1, key);
	chk = polymod(prefix, len, value, DATA) ^ BECH32M;
	for (unsigned i = 0; i < CHECKSUM; i++)
		value[VALUES + i] = chk >> 5 * (CHECKSUM - 1 - i) & 31;
	memcpy(out, prefix, len);
	out[len++] = '1';
	for (size_t i = 0; i < DATA; i++)
		out[len++] = charset[value[i]];
	out[len] = '\0';
}

/* Copies @in in lower case. The length, or 0 when it is too long or short,
 * mixes cases, or has characters that no bech32 string has. */
static size_t lower(char out[static BECH32_MAX + 1], const char *in)
{
	size_t len = strnlen(in, BECH32_MAX + 1);
	bool has_lower = false;
	bool has_upper = false;

	if (len > BECH32_MAX)
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (c < 33 || c > 126)
			return 0;
		has_lower = has_lower || (c >= 'a' && c <= 'z');
		if (c >= 'A' && c <= 'Z') {
			has_upper = true;
			c = (char)(c - 'A' + 'a');
		}
		out[i] = c;
	}
	out[len] = '\0';
	return has_lower && has_upper ? 0 : len;
}

int chain_address_decode(uint8_t key[static CHAIN_KEY_SIZE], const char *prefix,
			 const char *address)
{
	char text[BECH32_MAX + 1];
	uint8_t value[DATA];
	uint8_t program[CHAIN_KEY_SIZE];
	size_t len = lower(text, address);
	size_t prefix_len;

	if (len < 1 + 1 + DATA)
		return -EINVAL;
	/* '1' is no symbol, so what precedes the data is prefix and '1'. */
	prefix_len = len - DATA - 1;
	if (text[prefix_len] != '1')
		return -EINVAL;
	for (size_t i = 0; i < DATA; i++) {
		const char *at = strchr(charset, text[prefix_len + 1 + i]);

		if (!at)
			return -EINVAL;
		value[i] = (uint8_t)(at - charset);
	}
	if (polymod(text, prefix_len, value, DATA) != BECH32M ||
	    value[0] != 1 || !from_symbols(program, value + 1))
		return -EINVAL;
	if (prefix_len != strlen(prefix) ||
	    memcmp(text, prefix, prefix_len) != 0)
		return -EXDEV;
	memcpy(key, program, CHAIN_KEY_SIZE);
	return 0;
}
