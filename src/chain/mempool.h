/* SPDX-License-Identifier: MIT */
/*
 * mempool.h: transactions that wait for a block.
 *
 * Floor 2, pure: the clock, the key of the hash tables and all memory come
 * in; nothing is allocated. One thread at a time. Guarantees: no two entries
 * spend one output; an entry's parents are there for as long as they are
 * unconfirmed; usage never exceeds the limit; the same calls give the same
 * orders and choices, whatever the key.
 *
 * Policy (chain.md, Transactions): at least 1 unit per virtual byte, P2TR
 * outputs of at least 330 units, no replacement, chains of at most 25
 * entries and 101,000 virtual bytes, 14 days. Whether a transaction may
 * spend what it spends is checked before it comes here.
 *
 * Entries are borrowed from the pool and read only. A pointer to one holds
 * until that entry leaves; its data until the pool next changes.
 *
 * Fee rates are compared exactly, as fractions; equal ones by txid. "Fee"
 * below is the fee paid plus the operator's delta, where not said otherwise.
 */
#ifndef CHAIN_MEMPOOL_H
#define CHAIN_MEMPOOL_H

#include "chain/siphash.h"
#include "chain/tx.h"

#define CHAIN_MEMPOOL_BYTES_MAX ((size_t)64 << 20) /* overhead included */
#define CHAIN_MEMPOOL_BYTES_MIN ((size_t)1 << 20)
#define CHAIN_MEMPOOL_CHAIN_MAX 25 /* ancestors or descendants, with self */
#define CHAIN_MEMPOOL_CHAIN_VSIZE_MAX 101000
#define CHAIN_MEMPOOL_WEIGHT_MAX 400000 /* of one transaction, BIP141 */
#define CHAIN_MEMPOOL_EXPIRY_S (14 * 24 * 3600)
#define CHAIN_MEMPOOL_DUST 330	     /* units, P2TR output */
#define CHAIN_MEMPOOL_RELAY_FEE 1000 /* units per 1000 virtual bytes */
#define CHAIN_MEMPOOL_NOTES_MAX 1024 /* txids with a delta, pin, exclusion */

enum chain_mempool_verdict {
	CHAIN_MEMPOOL_OK = 0,
	CHAIN_MEMPOOL_SIZE,	    /* "tx-size": over WEIGHT_MAX */
	CHAIN_MEMPOOL_DUST_OUTPUT,  /* "dust" */
	CHAIN_MEMPOOL_KNOWN,	    /* "txn-already-in-mempool" */
	CHAIN_MEMPOOL_SAME_TXID,    /* "txn-same-nonwitness-data-in-mempool" */
	CHAIN_MEMPOOL_DOUBLE_INPUT, /* "bad-txns-inputs-duplicate" */
	CHAIN_MEMPOOL_CONFLICT,	    /* "txn-mempool-conflict" */
	CHAIN_MEMPOOL_LOW_FEE,	    /* "min relay fee not met" */
	CHAIN_MEMPOOL_LONG_CHAIN,   /* "too-long-mempool-chain" */
	CHAIN_MEMPOOL_FULL,	    /* "mempool full" */
	CHAIN_MEMPOOL_VERDICTS
};

/* The reject string; "" for OK. Static. */
const char *chain_mempool_verdict_name(enum chain_mempool_verdict v);

/* A transaction with all its ancestors, or descendants, in the pool. */
struct chain_mempool_package {
	uint32_t count; /* 1..CHAIN_MEMPOOL_CHAIN_MAX */
	uint32_t vsize; /* 1..CHAIN_MEMPOOL_CHAIN_VSIZE_MAX */
	int64_t fee;	/* may be negative by the operator's delta */
};

struct chain_mempool_entry {
	struct base_hash txid;
	struct base_hash wtxid;
	const uint8_t *data; /* the whole serialisation */
	uint32_t len;
	uint32_t vsize;
	uint32_t input_count;
	uint32_t output_count;
	struct base_amount fee; /* paid, without delta */
	int64_t delta;		/* units, by chain_mempool_prioritise() */
	uint64_t time_s;	/* of entry, never before a parent's */
	uint64_t sequence;	/* of entry, unique, from 1 up */
	bool pinned;
	bool excluded;
	struct chain_mempool_package ancestors;	  /* with itself */
	struct chain_mempool_package descendants; /* with itself */
};

enum chain_mempool_order {
	CHAIN_MEMPOOL_BY_RATE,	      /* own fee rate, best first */
	CHAIN_MEMPOOL_BY_ANCESTORS,   /* fee rate with ancestors */
	CHAIN_MEMPOOL_BY_DESCENDANTS, /* fee rate with descendants */
	CHAIN_MEMPOOL_BY_TIME,	      /* entry, oldest first, parents first */
	CHAIN_MEMPOOL_ORDERS
};

struct chain_mempool_totals {
	uint32_t count;
	uint64_t vsize;	      /* sum over all entries */
	size_t usage;	      /* bytes, overhead included */
	size_t bytes_max;     /* limit on usage */
	int64_t fees;	      /* paid, without deltas */
	uint64_t min_fee_kvb; /* units per 1000 virtual bytes that a package
			       * needs: RELAY_FEE, or more in a full pool */
};

struct chain_mempool;

/* Bytes of memory, aligned to 64, that a pool limited to @bytes_max
 * (BYTES_MIN..BYTES_MAX) needs. More than @bytes_max: each table is as large
 * as its own worst case; what is not used is never touched. */
size_t chain_mempool_memory(size_t bytes_max);

/* Builds an empty pool in @memory, which it borrows. @key is random and
 * secret. */
struct chain_mempool *chain_mempool_init(void *memory, size_t bytes_max,
					 const struct chain_siphash_key *key);

/* Copies @tx in. @fee, in 0..BASE_MAX_MONEY, is what it pays; every input is
 * known to be an unspent output of the chain or an output of an entry. @tx
 * does not point into the pool. Makes room by removing whole packages of the
 * lowest fee rate; where the newcomer would be among them, it is refused. A
 * refusal changes nothing. */
enum chain_mempool_verdict
chain_mempool_add(struct chain_mempool *m, const struct chain_tx_view *tx,
		  const struct base_hash *txid, const struct base_hash *wtxid,
		  struct base_amount fee, uint64_t now_s);

/* What chain_mempool_add() would say; the pool is as before. */
enum chain_mempool_verdict
chain_mempool_try(struct chain_mempool *m, const struct chain_tx_view *tx,
		  const struct base_hash *txid, const struct base_hash *wtxid,
		  struct base_amount fee, uint64_t now_s);

/* NULL when there is none. */
const struct chain_mempool_entry *
chain_mempool_find(const struct chain_mempool *m, const struct base_hash *txid);
const struct chain_mempool_entry *
chain_mempool_find_wtxid(const struct chain_mempool *m,
			 const struct base_hash *wtxid);

/* The entry that spends output @index of @txid; NULL when none does. */
const struct chain_mempool_entry *
chain_mempool_spender(const struct chain_mempool *m,
		      const struct base_hash *txid, uint32_t index);

/* Output @index of entry @txid, spent or not; false when there is none. The
 * script is borrowed as entry data are. */
bool chain_mempool_coin(struct chain_tx_output *out,
			const struct chain_mempool *m,
			const struct base_hash *txid, uint32_t index);

/* Walks all entries in an order; NULL at its end. */
const struct chain_mempool_entry *
chain_mempool_first(const struct chain_mempool *m,
		    enum chain_mempool_order order);
const struct chain_mempool_entry *
chain_mempool_next(const struct chain_mempool_entry *entry,
		   enum chain_mempool_order order);

/* All ancestors or descendants of @entry in the pool, without itself, in no
 * particular order. Returns how many. */
uint32_t chain_mempool_ancestors(
	const struct chain_mempool_entry *out[static CHAIN_MEMPOOL_CHAIN_MAX],
	struct chain_mempool *m, const struct chain_mempool_entry *entry);
uint32_t chain_mempool_descendants(
	const struct chain_mempool_entry *out[static CHAIN_MEMPOOL_CHAIN_MAX],
	struct chain_mempool *m, const struct chain_mempool_entry *entry);

void chain_mempool_totals(struct chain_mempool_totals *out,
			  const struct chain_mempool *m);

/* Removes an entry with its descendants. Returns how many went. */
uint32_t chain_mempool_remove(struct chain_mempool *m,
			      const struct base_hash *txid);

/* Removes what entered more than EXPIRY_S before @now_s, with descendants.
 * Returns how many went. */
uint32_t chain_mempool_expire(struct chain_mempool *m, uint64_t now_s);

/* @tx is in a final block: its entry goes and its children stay; entries that
 * spend what it spends go with their descendants; what the operator noted
 * about it is forgotten. To be called for each transaction in block order.
 * @tx does not point into the pool. */
void chain_mempool_confirm(struct chain_mempool *m,
			   const struct chain_tx_view *tx,
			   const struct base_hash *txid);

/* The same for a whole valid block. @scratch holds @len bytes. 0, or -EBADMSG
 * when @block cannot be parsed; then nothing, or its beginning, was done. */
BASE_MUST_CHECK int chain_mempool_confirm_block(struct chain_mempool *m,
						uint8_t *scratch,
						const uint8_t *block,
						size_t len);

/*
 * The operator's notes on a txid, in the pool or yet to come; they last until
 * it is confirmed. 0, or -ENOSPC: NOTES_MAX txids are noted already.
 *
 * A pinned transaction and its ancestors go first into the next block, in the
 * order of pinning; an excluded one and its descendants never, even when
 * pinned. A txid is pinned, excluded or neither; the last call holds. A delta
 * adds to the one before and counts as fee for every order and for the relay
 * minimum; -ERANGE: the sum would be beyond +-BASE_MAX_MONEY. Neither pin nor
 * exclusion keeps an entry from eviction; a delta may.
 */
BASE_MUST_CHECK int chain_mempool_prioritise(struct chain_mempool *m,
					     const struct base_hash *txid,
					     int64_t delta);
BASE_MUST_CHECK int chain_mempool_pin(struct chain_mempool *m,
				      const struct base_hash *txid);
BASE_MUST_CHECK int chain_mempool_exclude(struct chain_mempool *m,
					  const struct base_hash *txid);
void chain_mempool_unmark(struct chain_mempool *m,
			  const struct base_hash *txid);

/* What a block may hold besides its header and coinbase. */
struct chain_mempool_room {
	uint32_t bytes; /* of whole serialisations, witness included */
	uint32_t inputs;
	uint32_t txs; /* entries that @out holds */
};

struct chain_mempool_selection {
	uint32_t count;
	uint32_t bytes;
	uint32_t inputs;
	struct base_amount fees; /* paid, without deltas */
};

/* Consecutive packages that do not fit before a nearly full block is called
 * full, and what is nearly full: the room left. */
#define CHAIN_MEMPOOL_MISSES_MAX 1000
#define CHAIN_MEMPOOL_NEARLY_BYTES 1000
#define CHAIN_MEMPOOL_NEARLY_INPUTS 5

/* Chooses a block: pinned ones, then again and again the entry with the best
 * fee rate of itself with its ancestors not chosen yet, and those ancestors.
 * Parents stand before children. Packages that do not fit are passed over. */
void chain_mempool_select(struct chain_mempool_selection *sel,
			  const struct chain_mempool_entry **out,
			  struct chain_mempool *m,
			  const struct chain_mempool_room *room);

#endif
