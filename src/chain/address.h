/* SPDX-License-Identifier: MIT */
/*
 * address.h: bech32m addresses of Taproot keys (BIP350, BIP341).
 *
 * Floor 2, pure. Witness version 1, 32-byte program, the network's own
 * prefix; nothing else is an address here.
 */
#ifndef CHAIN_ADDRESS_H
#define CHAIN_ADDRESS_H

#include "chain/params.h"

/* prefix, separator, version, 52 symbols, 6 of checksum, NUL */
#define CHAIN_ADDRESS_SIZE (CHAIN_PREFIX_MAX + 1 + 1 + 52 + 6 + 1)

/* Writes the address of output key @key and a NUL. */
void chain_address_encode(char out[static CHAIN_ADDRESS_SIZE],
			  const char *prefix,
			  const uint8_t key[static CHAIN_KEY_SIZE]);

/* Decodes an address of this @prefix; all-lower or all-upper case. 0;
 * -EINVAL: not bech32m, or not version 1 with 32 bytes; -EXDEV: a good
 * address of another prefix. @key is untouched on failure. */
BASE_MUST_CHECK int chain_address_decode(uint8_t key[static CHAIN_KEY_SIZE],
					 const char *prefix,
					 const char *address);

#endif
