/* SPDX-License-Identifier: MIT */
/*
 * txpool.h: how a transaction comes into the pool, and out of it again.
 *
 * Floor 5; the consensus thread's. It wraps the pure mempool
 * (chain/mempool.h) with what that trusts its caller for: a transaction is
 * decoded, checked by itself and against the coins of the tip and of the
 * pool; its signatures go to the verify threads; when they return it is
 * judged once more, for the tip or the pool may have moved, and added. What
 * was verified is remembered by wtxid, so that a block of known transactions
 * costs no signature check.
 *
 * Other threads reach it by asks (node/ask.h). Nothing is allocated after
 * the start.
 */
#ifndef NODE_TXPOOL_H
#define NODE_TXPOOL_H

#include "chain/block.h"
#include "chain/mempool.h"
#include "node/ask.h"
#include "node/verify_pool.h"
#include "store/store.h"

/* Transactions whose signatures are being verified. */
#define NODE_TXPOOL_FLIGHTS 64

enum node_tx_outcome {
	NODE_TX_ACCEPTED,  /* in the pool, or, in a trial, fit for it */
	NODE_TX_IN_POOL,   /* it was there already */
	NODE_TX_IN_CHAIN,  /* a final block has it: its outputs are coins */
	NODE_TX_UNDECODED, /* not a transaction, or bytes follow it */
	NODE_TX_MISSING,   /* an input is missing or spent */
	NODE_TX_FEE_LIMIT, /* it pays more than @fee_rate_max */
	NODE_TX_REFUSED,   /* for the reason in @reject */
	NODE_TX_BUSY,	   /* too many are being verified; try again */
	NODE_TX_UNKNOWN,   /* the coins could not be read from disk */
};

/* A transaction offered to the pool. */
struct node_tx_offer {
	struct node_ask ask;
	/* Asked. */
	const uint8_t *data; /* the serialisation, whole; borrowed */
	size_t len;
	bool trial;	      /* judge only, as testmempoolaccept does */
	int64_t fee_rate_max; /* units per 1000 virtual bytes; 0: none */
	/* Answered. */
	enum node_tx_outcome outcome;
	const char *reject; /* reject string of Bitcoin Core, static; "" */
	uint32_t checks;    /* signatures that were verified for it */
	/* Where it was decoded: */
	struct base_hash txid;
	struct base_hash wtxid;
	uint32_t vsize;
	/* Where it was accepted, or refused for its fee: */
	struct base_amount fee;
};

/* Offers and waits. 0 with the answer in @offer; -EAGAIN as node_ask(). */
BASE_MUST_CHECK int node_tx_offer(struct node_asks *asks,
				  struct node_tx_offer *offer,
				  const struct node_wake *asker);

/* For the run() of other asks: the pool itself; and the word that a choice
 * for the next block changed (pins, exclusions, deltas). */
struct chain_mempool *node_txpool_mempool(struct node_txpool *pool);
void node_txpool_touch(struct node_txpool *pool);

/*
 * The owner's part. Main opens, restores, and after the consensus thread has
 * ended dumps and closes; in between the consensus thread is the owner.
 */

/* Memory for a pool of @bytes_max (chain/mempool.h), for transactions of
 * networks like @params (borrowed). 0; -ENOMEM; -EIO: no random numbers. */
BASE_MUST_CHECK int node_txpool_open(struct node_txpool **out,
				     const struct chain_params *params,
				     size_t bytes_max, struct base_error *err);
void node_txpool_close(struct node_txpool *pool); /* NULL is allowed */

/* What is judged next is judged on the coins of this tip. @coins stays valid
 * until the next call. */
void node_txpool_set_tip(struct node_txpool *pool,
			 const struct chain_coins *coins,
			 struct base_height tip);

/* Unix time; what is too old goes. */
void node_txpool_set_time(struct node_txpool *pool, uint64_t now_s);

/* From now on signatures go to @verify; until then, and with NULL, they are
 * verified at once by the caller's thread. */
void node_txpool_set_verify(struct node_txpool *pool,
			    struct node_verify *verify);

/* Called with every transaction that has come in, from here or from a peer,
 * while its bytes last. */
void node_txpool_set_accepted(struct node_txpool *pool,
			      void (*accepted)(void *ctx,
					       const struct node_tx_offer *o),
			      void *ctx);

/* The consensus thread's own offer: ask.done is called with the answer, now or
 * later. */
void node_txpool_offer(struct node_txpool *pool, struct node_tx_offer *offer);

/* A reply of a verify thread whose tag is below NODE_TXPOOL_FLIGHTS. */
void node_txpool_verified(struct node_txpool *pool,
			  const struct node_verify_reply *reply);

/* A block became final: its transactions, and what conflicts with them, go;
 * all of them count as known. @scratch holds @len bytes. */
void node_txpool_final(struct node_txpool *pool, uint8_t *scratch,
		       const uint8_t *block, size_t len);

/* The transactions whose signatures are known to be good. */
struct chain_known node_txpool_known(struct node_txpool *pool);

/* Changes with everything that may change the choice for a block. */
uint64_t node_txpool_generation(const struct node_txpool *pool);

/* Takes in what @r's store kept of the pool before, judging each transaction
 * anew; the tip must be set. Returns how many are in the pool now. A damaged
 * dump is read up to the damage, which *@damaged tells. */
uint32_t node_txpool_restore(struct node_txpool *pool, struct store_reader *r,
			     bool *damaged);

/* Writes the pool to the store: 0, or the error of store_pool_write(). */
BASE_MUST_CHECK int node_txpool_dump(struct node_txpool *pool,
				     struct store *store,
				     struct base_error *err);

#endif
