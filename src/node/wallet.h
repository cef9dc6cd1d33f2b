/* SPDX-License-Identifier: MIT */
/*
 * wallet.h: the node's own keys: addresses, lock, and files.
 *
 * Floor 5. Main opens it, the reader thread uses it, main closes it after
 * that thread ended. The account's extended public key is in the clear, so
 * that addresses, balance and payout work while the wallet is locked. What
 * signs is in memory only while it is unlocked; the seed itself never stays.
 *
 * Files in DATADIR/keys, mode 0600: wallet.seed (node/seed.h) and
 * wallet.json: {"format", "account", "receive", "change", "scanned"}: the
 * extended public key, the next indexes of both branches, and whether the
 * chain has been looked through for them.
 *
 * Which coins are ours is found in the chain and the pool (wallet_coins.h);
 * the wallet keeps no truth of its own.
 */
#ifndef NODE_WALLET_H
#define NODE_WALLET_H

#include "base/error.h"
#include "chain/utxo.h"
#include "node/bip86.h"
#include "node/datadir.h"
#include "node/table.h"

#define NODE_WALLET_FILE "keys/wallet.json"
#define NODE_WALLET_FORMAT 1
/* Keys looked for beyond those handed out: a restored wallet finds its coins
 * if no more addresses than this were left unused in a row. */
#define NODE_WALLET_GAP 1000u
/* Addresses of each branch. */
#define NODE_WALLET_KEYS_MAX (UINT32_C(1) << 20)
#define NODE_WALLET_FOR_EVER UINT64_MAX

enum node_branch { NODE_RECEIVE, NODE_CHANGE, NODE_BRANCHES };

/* An address: index << 1 | branch. */
typedef uint32_t node_address_ref;

struct node_wallet_coin {
	struct chain_outpoint at; /* first: the key of its table */
	node_address_ref address;
	struct base_amount amount;
	struct base_height height; /* of a confirmed one */
	uint32_t ancestors; /* 0: confirmed; else with itself, in the pool */
	bool coinbase;
	bool trusted; /* confirmed, or made of our coins alone */
};

/* The fields are for the wallet's own files. */
struct node_wallet {
	const struct node_datadir *datadir;
	/* Addresses. */
	struct node_xpub account;
	struct node_xpub branch[NODE_BRANCHES];
	uint32_t next[NODE_BRANCHES];
	uint32_t derived[NODE_BRANCHES]; /* keys held */
	uint8_t (*key[NODE_BRANCHES])[CHAIN_KEY_SIZE];
	struct node_table refs; /* output key -> address */
	bool scanned;
	bool changed; /* since it was saved */
	/* The lock. */
	bool encrypted;
	bool unlocked;
	struct node_xprv secret; /* of the account; while unlocked */
	uint64_t relock_ms;	 /* monotonic */
	/* Coins (wallet_coins.h). */
	struct node_table coins;
	uint32_t height;      /* of the first block that was not looked at */
	struct base_hash tip; /* of the last that was */
	struct node_table pending; /* coins that wait in the pool */
	struct node_table spent;   /* outpoints that the pool spends */
	int64_t pool_fee_rate;	   /* units per 1000 vB that it asks for */
	uint8_t *scratch;
	size_t scratch_size;
};

/*
 * Opens the wallet of @d, borrowed until the close. With @create a missing
 * one is made, encrypted if there is a @passphrase; an encrypted one is
 * unlocked with it. A missing wallet.json is made again from the seed, where
 * that can be read. 0; -ENOENT: no seed, or an encrypted one without
 * wallet.json and passphrase; -EKEYREJECTED: wrong passphrase; -EINVAL: a
 * passphrase, but the wallet is not encrypted; -EBADMSG: damaged; -EXDEV:
 * the files are of two wallets. @err says what to do.
 */
BASE_MUST_CHECK int node_wallet_open(struct node_wallet **out,
				     const struct node_datadir *d, bool create,
				     const char *passphrase,
				     struct base_error *err);
/* NULL is allowed. */
void node_wallet_close(struct node_wallet *w);

/* The output key of receiving address 0: what mining pays to. */
BASE_MUST_CHECK int node_wallet_payout_key(uint8_t key[static CHAIN_KEY_SIZE],
					   const struct node_wallet *w);

/* Derives the keys that are looked for, before any of what follows. 0;
 * -ENOMEM; -ENOSPC: KEYS_MAX addresses. */
BASE_MUST_CHECK int node_wallet_derive(struct node_wallet *w);

/* The key of a derived address. */
const uint8_t *node_wallet_key(const struct node_wallet *w,
			       node_address_ref address);
bool node_wallet_find(node_address_ref *out, const struct node_wallet *w,
		      const uint8_t key[static CHAIN_KEY_SIZE]);

/* Hands out the next address of @branch; it is on disk as used before this
 * returns. Errors of node_wallet_derive() and of files. */
BASE_MUST_CHECK int node_wallet_take(node_address_ref *out,
				     struct node_wallet *w,
				     enum node_branch branch,
				     struct base_error *err);
/* @address was met: it will not be handed out any more. Errors of
 * node_wallet_derive(). */
BASE_MUST_CHECK int node_wallet_met(struct node_wallet *w,
				    node_address_ref address);
/* Writes wallet.json if something changed. */
BASE_MUST_CHECK int node_wallet_save(struct node_wallet *w,
				     struct base_error *err);

/* What signs; NULL: locked. */
const struct node_xprv *node_wallet_secret(struct node_wallet *w);

/* Unlocks until @relock_ms of the monotonic clock. 0; -EKEYREJECTED;
 * -EBADMSG, -EXDEV and errors of files. */
BASE_MUST_CHECK int node_wallet_unlock(struct node_wallet *w,
				       const char *passphrase,
				       uint64_t relock_ms,
				       struct base_error *err);
void node_wallet_lock(struct node_wallet *w);
/* Locks it when it is time. Milliseconds until then; -1: never. */
int node_wallet_tick(struct node_wallet *w);

/* Replaces the line of the seed: @from NULL: it is plain. After encrypting,
 * the wallet is locked. 0; -EKEYREJECTED: @from is wrong; -EINVAL: @to is
 * empty or too long; errors of files. */
BASE_MUST_CHECK int node_wallet_encrypt(struct node_wallet *w, const char *from,
					const char *to, struct base_error *err);

#endif
