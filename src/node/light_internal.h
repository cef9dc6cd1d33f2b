/* SPDX-License-Identifier: MIT */
/*
 * light_internal.h: what the light thread's own files share; nobody else
 * includes it.
 *
 * Floor 5. light.c has its life and its loop, light_sync.c headers and
 * certificates, light_history.c the questions about our keys, light_own.c the
 * keys and what is proved.
 */
#ifndef NODE_LIGHT_INTERNAL_H
#define NODE_LIGHT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/ring.h"
#include "chain/tx_proof.h"
#include "consensus/light.h"
#include "node/clock.h"
#include "node/light.h"
#include "node/table.h"

#define LIGHT_WINDOW 8u	  /* messages of headers under way or waiting */
#define LIGHT_PER_PEER 3u /* of them asked of one */
#define LIGHT_FLIGHTS 32u /* requests, those given up included */
/* A certificate is asked for after so many messages: what it makes final is
 * not lost by a liar. */
#define LIGHT_MARK_EVERY 4u
#define LIGHT_REST_MS 500u	    /* who had nothing, or no time */
#define LIGHT_STATUS_MS 10000u	    /* between questions for the tip */
#define LIGHT_PROGRESS_MS 5000u	    /* between lines about it */
#define LIGHT_HISTORY_REST_MS 2000u /* who had no time for our history */
#define LIGHT_SENDS 16u		    /* from other threads, not yet taken */
#define LIGHT_NOBODY UINT32_MAX

_Static_assert(LIGHT_PER_PEER *NET_HEADERS_MAX *CHAIN_HEADER_SIZE < 1u << 20,
	       "what one peer sends stays below its receive queue");
_Static_assert(NET_HEADERS_MAX <= CHAIN_RUN_MAX, "a message is one run");

struct light_peer {
	bool up;
	bool full; /* it may be asked */
	uint32_t gen;
	uint32_t flights;
	uint64_t rest_until;
	uint64_t history_rest_until;
	uint32_t watched[NODE_BRANCHES]; /* addresses that it was told */
};

/* A request for headers; one that was given up is waited for all the same, so
 * that answers find their questions. */
struct light_flight {
	bool used;
	uint32_t slot;
	uint32_t gen;
	uint64_t number; /* in the order of asking */
	uint64_t round;	 /* of the window it was for */
	uint32_t from;
};

enum light_batch_state { LIGHT_EMPTY, LIGHT_ASKED, LIGHT_HERE };

struct light_batch {
	enum light_batch_state state;
	uint32_t from;
	uint32_t count;
	uint32_t slot; /* who was asked */
	uint32_t gen;
	struct net_buffer *data; /* HERE */
};

/* What we look for. */
struct light_key {
	uint8_t key[STORE_LIGHT_KEY_SIZE];
	bool address;		 /* else a txid */
	uint8_t branch;		 /* of an address */
	uint32_t index;		 /* of an address */
	struct base_height next; /* by NODE_LIGHT_WITNESSES, durable */
	struct base_height seen; /* by one at least */
};

struct light_witness {
	enum { LIGHT_IDLE, LIGHT_WAITS, LIGHT_SAID } state;
	uint32_t slot;
	uint32_t gen;
	uint32_t height; /* SAID: from where to go on */
	uint32_t index;
};

/* A search for some keys, from a place in the chain on. */
struct light_job {
	bool on;
	uint32_t height;
	uint32_t index;
	uint32_t count;
	uint8_t key[NET_KEYS_MAX][STORE_LIGHT_KEY_SIZE];
	struct light_witness witness[NODE_LIGHT_WITNESSES];
	uint32_t witnesses; /* of them there are */
};

/* A transaction of another thread, which waits; all of it is that thread's
 * again once it is answered. */
struct light_send {
	const uint8_t *data;
	size_t len;
	const struct node_wake *asker;
	int rc;
	_Atomic bool answered;
};

struct node_light {
	struct node_light_options o;
	struct net_port *port;
	struct ds_light ds;
	uint64_t now; /* monotonic ms */
	struct light_peer peer[NET_SLOTS_MAX];
	/* Headers. */
	struct light_batch batch[LIGHT_WINDOW]; /* a ring */
	uint32_t batch_first;
	uint32_t batch_count;
	struct light_flight flight[LIGHT_FLIGHTS];
	uint64_t flights; /* since the start */
	uint64_t round;
	uint32_t since_mark;
	uint32_t target_slot; /* whose certificate it is */
	bool alone;
	uint32_t alone_slot;
	uint64_t status_due;
	uint32_t status_slot; /* asked last */
	uint64_t progress_due;
	uint32_t progress_tip;
	struct base_hash hash[CHAIN_RUN_MAX];
	/* Our own. */
	bool has_wallet;
	struct node_xpub branch[NODE_BRANCHES];
	uint32_t derived[NODE_BRANCHES];
	struct node_table keys; /* of struct light_key */
	bool full_told;		/* there are too many */
	uint32_t news_height;	/* there is something for us */
	uint32_t witnesses;	/* that could be asked at the last look */
	uint32_t txs;
	struct light_job job;
	uint8_t *scratch; /* of one transaction */
	struct base_hash pending[NODE_LIGHT_PENDING_MAX];    /* txids */
	struct base_hash pending_id[NODE_LIGHT_PENDING_MAX]; /* wtxids */
	uint32_t pending_count;
	/* Other threads'. */
	struct base_ring_mpsc sends; /* of struct light_send * */
	_Alignas(8) uint8_t sends_memory[LIGHT_SENDS * 4 * sizeof(void *)];
	_Atomic uint32_t use[NODE_BRANCHES];
	_Atomic uint32_t view[sizeof(struct node_light_view) / 4];
	/* Life. */
	pthread_t thread;
	_Atomic bool stopping;
	int rc;
	struct base_error err;
};

/* light.c */
void node_light_fail(struct node_light *l, int rc,
		     const struct base_error *err);
/* To the peer in @slot; a message that finds no buffer is lost. */
bool node_light_ask(struct node_light *l, uint32_t slot, uint8_t type,
		    const void *data, size_t len);
void node_light_ban(struct node_light *l, uint32_t slot, const char *why);
bool node_light_is(const struct node_light *l, uint32_t slot, uint32_t gen);

/* light_sync.c */
void node_light_sync_up(struct node_light *l, uint32_t slot);
void node_light_sync_down(struct node_light *l, uint32_t slot);
void node_light_cert(struct node_light *l, uint32_t slot, const uint8_t *data,
		     size_t len);
/* Takes the buffer of @e. */
void node_light_headers(struct node_light *l, const struct net_event *e);
/* A request for headers has no answer. */
void node_light_no_headers(struct node_light *l, uint32_t slot, uint32_t gen);
void node_light_sync(struct node_light *l);
void node_light_sync_close(struct node_light *l);

/* light_history.c */
void node_light_history(struct node_light *l, const struct net_event *e);
void node_light_no_history(struct node_light *l, uint32_t slot, uint32_t gen);
void node_light_watched(struct node_light *l, const struct net_event *e);
void node_light_search(struct node_light *l);

/* light_own.c */
BASE_MUST_CHECK int node_light_own_open(struct node_light *l,
					struct base_error *err);
void node_light_own_close(struct node_light *l);
void node_light_own_derive(struct node_light *l);
/* Where a peer's proofs lead. */
enum light_proofs {
	LIGHT_PROVED,
	LIGHT_UNKNOWN, /* of a block above final */
	LIGHT_FORGED,
};
/* Takes the proofs in @r; what is ours is durable then, and its txid a key:
 * with those of @job, where there is one. */
enum light_proofs node_light_take(struct node_light *l, struct base_reader *r,
				  struct light_job *job);
/* The keys of @job were looked for below @next; @by_all: by all witnesses. */
void node_light_searched(struct node_light *l, const struct light_job *job,
			 struct base_height next, bool by_all);
BASE_MUST_CHECK int node_light_pend(struct node_light *l, const uint8_t *tx,
				    size_t len);
void node_light_tell_pending(struct node_light *l, uint32_t slot);
void node_light_give_pending(struct node_light *l, const struct net_event *e);

#endif
