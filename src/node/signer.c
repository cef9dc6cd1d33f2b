/* SPDX-License-Identifier: MIT */
#include "node/signer.h"

#include <errno.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"

struct node_signer {
	secp256k1_context *ctx;
	secp256k1_keypair pair;
};

int node_signer_open(struct node_signer **out,
		     const uint8_t secret[static NODE_SECRET_SIZE],
		     struct base_error *err)
{
	struct node_signer *s = calloc(1, sizeof(*s));
	uint8_t blind[32];

	if (!s)
		return base_fail(err, -ENOMEM, "no memory to sign with");
	s->ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	/* Blinding hides the secret from who measures; signing is right
	 * without it, too. */
	if (RAND_bytes(blind, sizeof(blind)) == 1)
		(void)!secp256k1_context_randomize(s->ctx, blind);
	base_wipe(blind, sizeof(blind));
	if (!secp256k1_keypair_create(s->ctx, &s->pair, secret)) {
		node_signer_close(s);
		return base_fail(err, -EINVAL,
				 "the signing key is no secp256k1 secret");
	}
	*out = s;
	return 0;
}

void node_signer_close(struct node_signer *s)
{
	if (!s)
		return;
	base_wipe(&s->pair, sizeof(s->pair));
	secp256k1_context_destroy(s->ctx);
	free(s);
}

static void sign(void *ctx, uint8_t signature[static DS_SIGNATURE_SIZE],
		 const struct base_hash *hash)
{
	struct node_signer *s = ctx;
	uint8_t aux[32];
	bool random = RAND_bytes(aux, sizeof(aux)) == 1;
	int ok = secp256k1_schnorrsig_sign32(s->ctx, signature, hash->b,
					     &s->pair, random ? aux : NULL);

	BASE_ASSERT(ok);
}

struct ds_signer node_signer_of(struct node_signer *s)
{
	return (struct ds_signer){.sign = sign, .ctx = s};
}
