/* SPDX-License-Identifier: MIT */
/*
 * consensus_internal.h: what the consensus thread's own files share; nobody
 * else includes it.
 *
 * Floor 5. consensus.c has its life and its loop, consensus_act.c what the
 * state machine asks for, consensus_mine.c templates and what miners find,
 * consensus_net.c peers, consensus_tx.c their transactions,
 * consensus_fetch.c blocks asked for ahead,
 * consensus_hand.c what the operator wants of the miners.
 */
#ifndef NODE_CONSENSUS_INTERNAL_H
#define NODE_CONSENSUS_INTERNAL_H

#include "node/clock.h"
#include "node/consensus.h"
#include "node/lateness.h"
#include "node/template.h"
#include "node/verify_pool.h"
#include "pow/pool_rate.h"

#define SECOND_MS 1000

/* Verifications that the state machine waits for. */
#define VERIFYING_MAX (NODE_VERIFY_MESSAGES_MAX + NODE_VERIFY_BLOCKS_MAX)

struct verifying {
	uint32_t left; /* replies to come; 0: free */
	bool good;
	uint64_t id;
};

/* Transactions of peers: being judged, and waiting for that. */
#define NODE_TX_FLIGHTS NODE_TXPOOL_FLIGHTS
#define NODE_TX_WAITING_MAX 1024
/* Those that lack what others, which are being judged, may bring; and how
 * often one is judged: a peer sends a chain of payments at once. */
#define NODE_TX_HELD_MAX 64
#define NODE_TX_TRIES_MAX 32

struct node_tx_waiting {
	struct net_event event;
	uint32_t tries;
};

struct node_tx_flight {
	struct node_tx_offer offer;
	struct node_tx_waiting tx;
	struct node_consensus *consensus; /* NULL: free */
};

#define NODE_NO_PEER UINT32_MAX
#define NODE_FETCH_WINDOW 16u

struct node_peer {
	bool up;
	uint32_t gen;
	int member; /* or -1 */
	enum net_mode mode;
};

/* A block asked for ahead. */
struct node_fetched {
	uint32_t peer;		   /* NODE_NO_PEER: not asked for */
	struct net_buffer *buffer; /* NULL: it has not come */
};

struct node_fetch {
	struct base_hash way[NET_HEADERS_MAX]; /* from the final tip on */
	uint32_t count;
	uint32_t next; /* the lowest that the state machine may ask for */
	bool wanted;   /* it did */
	struct node_fetched block[NODE_FETCH_WINDOW]; /* i at i % WINDOW */
};

struct node_consensus {
	struct node_consensus_options options;
	struct node_signer *signer;
	struct ds *ds;
	void *memory; /* of the ds */
	struct chain_context final;
	enum ds_mode mode;
	struct node_clock clock;
	uint64_t now;		   /* what the ds was told last */
	struct node_lateness late; /* of ticks */
	uint32_t writes;	   /* with the store */
	struct verifying verifying[VERIFYING_MAX];
	struct store_reader *reader; /* snapshot of F's coins */
	uint8_t *bytes;		     /* max_block_bytes, for the moment */
	/* Peers. */
	struct net_port *port; /* NULL: this node has none */
	bool net_waits;	       /* there may be more events */
	struct node_peer peer[NET_SLOTS_MAX];
	struct node_fetch fetch;
	uint64_t sync_since_ms; /* monotonic; 0: not catching up */
	uint64_t sync_told_ms;
	struct base_height sync_from;
	struct node_tx_flight flight[NODE_TX_FLIGHTS];
	struct node_tx_waiting tx_waiting[NODE_TX_WAITING_MAX];
	struct node_tx_waiting tx_held[NODE_TX_HELD_MAX];
	uint32_t tx_holds;
	uint32_t tx_first;
	uint32_t tx_next;
	/* Mining. */
	bool has_template;	  /* @template is on F and may be searched */
	bool mining;		  /* work is published */
	bool waiting_told;	  /* the clock is behind: said once */
	bool paused;		  /* by the operator */
	bool holding;		  /* what is found waits for the operator */
	uint8_t *held;		  /* max_block_bytes */
	size_t held_len;	  /* 0: none waits */
	uint64_t resting_until;	  /* a block of ours is under way */
	struct chain_context tip; /* of the template */
	struct node_template template;
	uint64_t work_id;
	uint64_t built_on;	 /* the pool's generation in the template */
	uint64_t next_second_ms; /* monotonic */
	uint64_t next_rate_ms;
	struct pow_rate total;
	struct pow_rate *worker; /* plan->worker_count of them */
	struct node_store_thread *store;
	struct node_verify *verify;
	struct pow_pool *miners; /* NULL: this node does not mine */
	pthread_t thread;
	_Atomic bool stopping;
	int rc; /* why the thread ended; read after the join */
	struct base_error err;
	struct ds_rounds_view rounds; /* as last shown */
};

/* consensus.c */
void node_consensus_fail(struct node_consensus *c, int rc,
			 const struct base_error *err);
/* Looks at the coins of the final tip from here on. */
BASE_MUST_CHECK int node_consensus_snapshot(struct node_consensus *c,
					    struct base_error *err);

/* consensus_show.c: at every tick, every second and every new tip. */
void node_consensus_show(struct node_consensus *c);
/* Once a second: a line of progress. */
void node_consensus_tell_sync(struct node_consensus *c, uint64_t monotonic);
/* Brings @now up to the clock, and notes how late a tick that is due is. */
void node_consensus_look_at_clock(struct node_consensus *c);

/* consensus_act.c: after every input to the ds, carries out its actions. */
void node_consensus_act(struct node_consensus *c);
void node_consensus_written(struct node_consensus *c,
			    const struct node_written *written);
void node_consensus_verified(struct node_consensus *c,
			     const struct node_verify_reply *reply);

/* consensus_mine.c */
BASE_MUST_CHECK int node_mine_open(struct node_consensus *c,
				   struct base_error *err);
void node_mine_close(struct node_consensus *c);
/* Mine on @tip; NULL: pause. */
void node_mine_on(struct node_consensus *c, const struct chain_context *tip);
/* The mode has changed, or a block of ours was dropped. */
void node_mine_again(struct node_consensus *c);
void node_mine_take(struct node_consensus *c);
/* The operator's: consensus_hand.c. A block is held for the latter. */
void node_mine_pause(struct node_consensus *c, bool paused);
void node_mine_broadcast(struct node_consensus *c);
void node_mine_every_second(struct node_consensus *c, uint64_t now);

/* consensus_net.c */
void node_net_open(struct node_consensus *c);
/* What peers sent; not all of it when @net_waits is set. */
void node_net_take(struct node_consensus *c);
void node_net_send(struct node_consensus *c, const struct ds_action *a);
void node_net_need(struct node_consensus *c, const struct ds_action *a);
void node_net_have(struct node_consensus *c, const struct base_hash *hash);
void node_net_ban(struct node_consensus *c, uint32_t peer);
struct ds_peers node_net_only(uint32_t slot);
/* Releases the buffer. Without a free one, or with a full ring, a message is
 * lost, as on any network; net.h counts it. @id as in struct net_send. */
void node_net_send_buffer(struct node_consensus *c, uint8_t type,
			  struct net_buffer *b, const struct ds_peers *to,
			  const uint8_t *id);
void node_net_send_copy(struct node_consensus *c, uint8_t type,
			const void *data, size_t len, const struct ds_peers *to,
			const uint8_t *id);
void node_net_ask_block(struct node_consensus *c, const struct base_hash *hash,
			uint32_t peer);

/* consensus_tx.c: one that came, whose buffer is taken over; judges those that
 * wait; sends those that a peer asked for by id; tells a new peer what waits
 * here; and, with the consensus as @ctx, everyone of one that was accepted. */
void node_tx_take(struct node_consensus *c, const struct node_tx_waiting *tx);
void node_tx_judge(struct node_consensus *c);
void node_tx_give(struct node_consensus *c, const struct net_event *e);
void node_tx_announce(struct node_consensus *c, uint32_t slot);
void node_tx_relay(void *ctx, const struct node_tx_offer *o);

/* consensus_fetch.c: the headers that lead from the final tip; a block that the
 * state machine asks for; one that came (true: its buffer is held), that a
 * peer has not, or never will; and the turn of one that is held. */
void node_fetch_clear(struct node_consensus *c);
void node_fetch_way(struct node_consensus *c, const uint8_t *headers,
		    size_t count);
void node_fetch_want(struct node_consensus *c, const struct base_hash *hash,
		     uint32_t peer);
BASE_MUST_CHECK bool node_fetch_hold(struct node_consensus *c,
				     const struct net_event *e);
void node_fetch_missing(struct node_consensus *c, uint32_t peer);
void node_fetch_gone(struct node_consensus *c, uint32_t peer);
void node_fetch_feed(struct node_consensus *c);

#endif
