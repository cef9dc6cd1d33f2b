/* SPDX-License-Identifier: MIT */
/*
 * light.h: what a light node keeps: headers, the certificate of the newest
 * final one, and its own transactions with their proofs.
 *
 * Floor 4. In a store that was opened with `light`; guarantees and errors are
 * store.h's: each write is one durable commit. One certificate is kept, for it
 * vouches for all ancestors. Headers above the final one passed the rules, but
 * nobody vouches for them yet: kept, so that an interrupted sync goes on.
 */
#ifndef STORE_LIGHT_H
#define STORE_LIGHT_H

#include "store/store.h"

/* Headers that are one record: two records fill a page of 4 KiB. */
#define STORE_LIGHT_CHUNK 25u
#define STORE_LIGHT_KEY_SIZE 32

struct store_light {
	struct chain_context final;
	struct chain_context tip;
	const uint8_t *cert; /* of final; NULL: at genesis */
	size_t cert_len;
	/* Certificates that contradict each other; NULL: none do. */
	const uint8_t *conflict[2];
	size_t conflict_len[2];
};

/* 0; -ENODATA: nothing was stored yet; -EBADMSG: damaged. */
BASE_MUST_CHECK int store_light_state(struct store_light *out,
				      struct store_reader *r);

/* What changes on the way. */
struct store_light_step {
	const uint8_t *headers; /* of heights tip.height - count + 1 and on */
	uint32_t count;
	struct chain_context tip;	   /* with them, or final again */
	const struct chain_context *final; /* NULL: as it was */
	const uint8_t *cert;		   /* of @final; NULL at genesis */
	size_t cert_len;
};

/* The first step is genesis' header as final. Headers above @tip that were
 * kept before are kept no more. Errors as store_append(); -EINVAL: the headers
 * do not follow those kept. */
BASE_MUST_CHECK int store_light_step(struct store *s,
				     const struct store_light_step *step,
				     struct base_error *err);

/* The header of a height at or below tip. 0; -ENOENT: above it; -EBADMSG. */
BASE_MUST_CHECK int store_light_header(uint8_t out[static CHAIN_HEADER_SIZE],
				       struct store_reader *r,
				       struct base_height height);

/* R4: two certificates at one height; the node ends its work. */
BASE_MUST_CHECK int store_light_conflict(struct store *s, const uint8_t *a,
					 size_t a_len, const uint8_t *b,
					 size_t b_len, struct base_error *err);

/* ---- our own ---- */

/* A transaction in a block, and what proves it. */
struct store_light_tx {
	struct base_height height;
	uint32_t index; /* in its block */
	const uint8_t *proof;
	size_t len;
};

/* What is looked for in the chain, and the first height that was not. */
struct store_light_key {
	uint8_t key[STORE_LIGHT_KEY_SIZE];
	struct base_height next;
};

/* What was found, and how far: replaces what was there for the same places
 * and keys. Errors as store_append(). */
BASE_MUST_CHECK int store_light_found(struct store *s,
				      const struct store_light_tx *tx,
				      size_t tx_count,
				      const struct store_light_key *key,
				      size_t key_count, struct base_error *err);

/* The first at @height, @index or behind it. 0; -ENOENT: no more; -EBADMSG. */
BASE_MUST_CHECK int store_light_tx(struct store_light_tx *out,
				   struct store_reader *r,
				   struct base_height height, uint32_t index);

/* Calls @each for all keys; stops at the first nonzero, which is returned.
 * 0; -EBADMSG. */
BASE_MUST_CHECK int
store_light_keys(struct store_reader *r,
		 int (*each)(void *ctx, const struct store_light_key *key),
		 void *ctx);

/* A transaction of ours that no block has yet; later it is not waited for any
 * more (@tx NULL). Errors as store_append(). */
BASE_MUST_CHECK int store_light_pend(struct store *s,
				     const struct base_hash *txid,
				     const uint8_t *tx, size_t len,
				     struct base_error *err);

/* As store_light_keys(). */
BASE_MUST_CHECK int
store_light_pending(struct store_reader *r,
		    int (*each)(void *ctx, const struct base_hash *txid,
				const uint8_t *tx, size_t len),
		    void *ctx);

#endif
