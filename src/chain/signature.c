/* SPDX-License-Identifier: MIT */
#include "chain/signature.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

bool chain_signature_valid(const uint8_t signature[static CHAIN_SIGNATURE_SIZE],
			   const uint8_t *message, size_t len,
			   const uint8_t key[static CHAIN_KEY_SIZE])
{
	secp256k1_xonly_pubkey point;

	return secp256k1_xonly_pubkey_parse(secp256k1_context_static, &point,
					    key) == 1 &&
	       secp256k1_schnorrsig_verify(secp256k1_context_static, signature,
					   message, len, &point) == 1;
}

bool chain_checks_valid(const struct chain_check *check, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!chain_signature_valid(
			    check[i].signature, check[i].sighash.b,
			    sizeof(check[i].sighash.b), check[i].key))
			return false;
	return true;
}
