/* SPDX-License-Identifier: MIT */
/*
 * fuzz_address.c: any text as an address, and any key as one.
 */
#include "base/assert.h"
#include "chain/address.h"

#define TEXT_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* What is an address is the only way to write its key, but for its case. */
static void decode(const char *prefix, const char *text)
{
	uint8_t key[CHAIN_KEY_SIZE];
	char again[CHAIN_ADDRESS_SIZE];
	size_t len;

	if (chain_address_decode(key, prefix, text) < 0)
		return;
	chain_address_encode(again, prefix, key);
	len = strlen(text);
	BASE_ASSERT(len == strlen(again));
	for (size_t i = 0; i < len; i++)
		BASE_ASSERT(lower(text[i]) == again[i]);
}

static void encode(const uint8_t key[static CHAIN_KEY_SIZE])
{
	char text[CHAIN_ADDRESS_SIZE];
	uint8_t back[CHAIN_KEY_SIZE];
	int rc;

	chain_address_encode(text, "tb", key);
	rc = chain_address_decode(back, "tb", text);
	BASE_ASSERT(rc == 0 && memcmp(back, key, CHAIN_KEY_SIZE) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1];
	size_t len = size < TEXT_MAX ? size : TEXT_MAX;

	if (len > 0)
		memcpy(text, data, len);
	text[len] = '\0';
	decode("bc", text);
	decode("tb", text);
	if (size >= CHAIN_KEY_SIZE)
		encode(data);
	return 0;
}
