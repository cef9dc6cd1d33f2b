/* SPDX-License-Identifier: MIT */
/*
 * changes.h: what transactions do to the coins, before anything is stored.
 *
 * Floor 2, pure: memory comes from the caller. A list of outputs spent and
 * created, in order, and a hash table to find them by; asked before the coins
 * underneath, so that a transaction can spend what one before it made. One
 * thread. Outpoints are chosen by strangers: the secret salt keeps them from
 * choosing ones that collide; no answer depends on it.
 */
#ifndef CHAIN_CHANGES_H
#define CHAIN_CHANGES_H

#include "chain/siphash.h"
#include "chain/utxo.h"

#define CHAIN_SALT_SIZE 16

/* created and not spent: to be stored. spent and not created: to be removed.
 * Both: came and went, nothing to do. */
struct chain_change {
	struct chain_outpoint at;
	struct chain_coin coin;
	bool created;
	bool spent;
	uint32_t spender; /* number of the transaction that spent it */
};

struct chain_changes {
	struct chain_change *change; /* count of them, oldest first */
	size_t count;
	size_t cap;
	uint32_t *slot; /* place in the list + 1, or 0; mask + 1 in use */
	size_t slot_cap;
	size_t mask;
	uint32_t tx; /* number of the transaction at work */
	struct chain_siphash_key salt;
};

/* Bytes of memory for @cap changes. */
size_t chain_changes_size(size_t cap);

/* An empty list of at most @cap (1..2^30) in @memory, which is aligned as
 * malloc() does, of chain_changes_size(cap) bytes, and borrowed. */
void chain_changes_init(struct chain_changes *out, void *memory, size_t cap,
			const uint8_t salt[static CHAIN_SALT_SIZE]);

/* Forgets everything; at most @need (<= cap) changes will follow. The cost
 * grows with @need, not with the cap. */
void chain_changes_clear(struct chain_changes *c, size_t need);

/* The spends that follow are another transaction's. */
void chain_changes_next_tx(struct chain_changes *c);

/*
 * Spends @at: a coin of this list, or of @under. 0 with *@out the coin;
 * -ENOENT: there is none or it is spent; -EEXIST: this very transaction has
 * spent it already; another -errno: @under failed.
 */
BASE_MUST_CHECK int chain_changes_spend(struct chain_coin *out,
					struct chain_changes *c,
					const struct chain_coins *under,
					const struct chain_outpoint *at);

/* Adds a coin whose outpoint is new: ids do not repeat, and the coins
 * underneath have none that is still to be made. */
void chain_changes_create(struct chain_changes *c,
			  const struct chain_outpoint *at,
			  const struct chain_coin *coin);

#endif
