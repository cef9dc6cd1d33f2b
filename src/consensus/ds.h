/* SPDX-License-Identifier: MIT */
/*
 * ds.h: Dolev-Strong agreement on mined blocks, one node's state machine.
 *
 * Floor 3, pure. Inputs in, actions out: nothing here knows a clock, a
 * socket, a disk or a key. The same inputs give the same actions, byte for
 * byte. Rules are cited as in consensus.md and docs/consensus.md (R1.6).
 *
 * Use: one thread calls an input function, then takes every action with
 * ds_next() and carries it out, in order, before the next input. What an
 * action points to is borrowed until then, unless it says otherwise. `now`
 * is Unix time in milliseconds and never decreases.
 *
 * Nothing is allocated: memory comes in once. Members that lie can make a
 * node wait, count and ban; they cannot make it grow.
 */
#ifndef DS_DS_H
#define DS_DS_H

#include "chain/block.h"
#include "consensus/message.h"

#define DS_PEERS_MAX 128       /* connections at once */
#define DS_PENDING_MAX 192     /* messages that wait for something */
#define DS_PENDING_PER_PEER 64 /* of them from one peer */
#define DS_ACTIONS_MAX 4096    /* between two calls of ds_next() */
#define DS_SCRATCHES 3	       /* blocks whose transactions are verified */
#define DS_BODIES_MAX_BYTES (UINT64_C(256) << 20)

/* What a member says of itself in its beats. */
enum ds_mode {
	DS_SYNC,   /* behind, or in doubt: learns what is final */
	DS_SHADOW, /* follows the rounds, signs nothing */
	DS_ACTIVE, /* signs, proposes, votes */
	DS_HALT,   /* two certificates contradict each other: all stops */
};

/* Why a member left ACTIVE (taint), or what people must know (alert). */
enum ds_reason {
	DS_REASON_NONE,
	DS_LATE,      /* R2.a: a tick ran later than g after its time */
	DS_BEATS,     /* R2.b: fewer than n - f members are heard */
	DS_D1,	      /* R1.4, R1L: others had what I had not */
	DS_DIVERGED,  /* R5: f + 1 members name another tip */
	DS_OVERRULED, /* R4: a certificate for another block than mine */
	DS_BEHIND,    /* R4: a certificate above my next height */
	DS_ANOMALY,   /* the clock stepped, or the machine slept */
	DS_STORAGE,   /* what had to be durable could not be written */
	DS_STALL,     /* R2.i: decided, but no certificate */
	DS_SPLIT,     /* R3: no block can reach a quorum */
	DS_SKEW,      /* R5: more than f clocks are off */
	DS_FORK,      /* R5, without certificates: a member's tip differs */
	DS_CONFLICT,  /* R4: two certificates at one height: HALT */
	DS_REASONS
};

/* Stable names for logs and tests: "LATE", "D1" ... */
const char *ds_reason_name(enum ds_reason reason);

/* Peers as a set. */
struct ds_peers {
	uint64_t word[DS_PEERS_MAX / 64];
};

enum ds_action_kind {
	DS_ACT_SEND,	 /* a message to peers */
	DS_ACT_VERIFY,	 /* signatures: answer with ds_verified() */
	DS_ACT_PERSIST,	 /* make durable: answer with ds_persisted() */
	DS_ACT_DECIDED,	 /* a block won its rounds */
	DS_ACT_FINAL,	 /* a block is final and on disk */
	DS_ACT_TEMPLATE, /* mine on this tip from now on, or (no context)
			  * pause */
	DS_ACT_MODE,	 /* this node's mode changed */
	DS_ACT_ALERT,	 /* for people */
	DS_ACT_BAN,	 /* this peer's fault, as the wire proves */
	DS_ACT_NEED,	 /* ask a peer: for STATUS, headers or a block */
	DS_ACT_HAVE,	 /* tell all peers that this block is on disk */
	DS_ACT_DROPPED,	 /* an own block no longer passes */
};

/* What a PERSIST action makes durable, all of it in one transaction. */
enum ds_persist_kind {
	DS_PERSIST_PROPOSED, /* tick: the last that I may have proposed in */
	DS_PERSIST_VOTE,     /* my vote and the block it is for */
	DS_PERSIST_FINAL,    /* block, its changes to the coins, certificate */
	DS_PERSIST_EVIDENCE,
};

enum ds_need_kind {
	DS_NEED_STATUS,	 /* the certificate of its final tip: ds_status() */
	DS_NEED_HEADERS, /* from a height on, up to a hash: ds_headers() */
	DS_NEED_BLOCK,	 /* by its hash: ds_block() */
	DS_NEED_CERT,	 /* of a block, by its hash: ds_message(DS_CERT) */
};

struct ds_action {
	enum ds_action_kind kind;
	union {
		struct {
			enum ds_message_kind kind;
			struct ds_peers to;
			/* Those of @to that hold the block already: send a
			 * proposal to them without body and certificate. */
			struct ds_peers bare;
			/* They may have had it before: it is sent whatever is
			 * remembered of that. */
			bool again;
			union {
				struct ds_proposal proposal;
				struct ds_vote vote;
				struct ds_cert cert;
				struct ds_beat beat;
				struct ds_evidence evidence;
			};
		} send;
		struct {
			uint64_t id;
			const struct chain_check *check; /* until answered */
			uint32_t count;
		} verify;
		struct {
			uint64_t id;
			enum ds_persist_kind kind;
			struct base_tick tick;
			struct ds_vote vote;
			struct ds_cert cert; /* mask 0: there is none */
			struct ds_evidence evidence;
			/* Until answered: */
			const uint8_t *block;
			size_t block_len;
			const struct chain_changes *changes;
			struct chain_context after; /* the tip then */
		} persist;
		struct {
			struct base_height height;
			struct base_hash hash;
			uint8_t sender;
			struct base_tick tick; /* at which it was decided */
		} block;		       /* DECIDED, FINAL, DROPPED */
		const struct chain_context *template;
		struct {
			enum ds_mode mode;
			enum ds_reason reason; /* of a taint */
		} mode;
		struct {
			enum ds_reason reason;
			uint8_t member; /* where one is to blame */
		} alert;
		struct {
			uint32_t peer;
		} ban;
		struct {
			enum ds_need_kind kind;
			uint32_t peer;
			struct base_hash hash;
			struct base_height from; /* HEADERS: the first */
			uint32_t count;		 /* HEADERS: at most */
		} need;
	};
};

/* The member's own secret. Called for a member only; takes some 50 us. */
struct ds_signer {
	void (*sign)(void *ctx, uint8_t signature[static DS_SIGNATURE_SIZE],
		     const struct base_hash *hash);
	void *ctx;
};

/* What is final and on disk, as it is at F. */
struct ds_ledger {
	struct chain_coins coins;
	struct chain_known known; /* signatures of transactions seen before */
};

struct ds_options {
	const struct ds_committee *committee;
	const struct chain_params *params;
	int self; /* our index, or -1: not a member */
	struct ds_signer signer;
	struct ds_ledger ledger;
	uint8_t salt[CHAIN_SALT_SIZE]; /* random, secret */
};

struct ds;

/* Bytes of memory, aligned to 64, for a network like this; what is not used
 * stays untouched. 0: its bodies would exceed DS_BODIES_MAX_BYTES. */
size_t ds_memory(const struct ds_options *options);

/* What the store knows at the start. */
struct ds_boot {
	struct chain_context final;	/* F */
	const struct ds_cert *cert;	/* of F; NULL: genesis, or without */
	struct base_tick last_proposed; /* valid with has_proposed */
	bool has_proposed;
	const struct ds_vote *vote; /* my last; NULL: none */
	const uint8_t *vote_block;  /* the block it is for */
	size_t vote_block_len;
	/* Certificates off: a block above F that people vouch for, to be caught
	 * up with before anything else; NULL: they vouch for F. */
	const struct base_hash *trusted;
};

/* Begins in SYNC at time @now. @memory is ds_memory() bytes, borrowed. */
struct ds *ds_init(void *memory, const struct ds_options *options,
		   const struct ds_boot *boot, uint64_t now);

/* Inputs. Each first runs every tick that is due (R0). */
void ds_advance(struct ds *ds, uint64_t now);
void ds_message(struct ds *ds, uint64_t now, uint32_t peer,
		enum ds_message_kind kind, const uint8_t *data, size_t len);
/* A block of our own for the last template: proposed at the next tick that
 * R2.g allows; a later one takes its place. */
void ds_own_block(struct ds *ds, uint64_t now, const uint8_t *block,
		  size_t len);
/* @good: every signature of the VERIFY action @id. */
void ds_verified(struct ds *ds, uint64_t now, uint64_t id, bool good);
/* @done: it is durable; otherwise nothing was written. The ledger shows the
 * new F when this is called for a FINAL. */
void ds_persisted(struct ds *ds, uint64_t now, uint64_t id, bool done);
void ds_clock_anomaly(struct ds *ds, uint64_t now);
/* @member: the peer's index, or -1. @peer is below DS_PEERS_MAX and free. */
void ds_peer_up(struct ds *ds, uint64_t now, uint32_t peer, int member);
void ds_peer_down(struct ds *ds, uint64_t now, uint32_t peer);
/* The peer holds this block and its parent's certificate. */
void ds_have(struct ds *ds, uint64_t now, uint32_t peer,
	     const struct base_hash *hash);
/* Answers to NEED actions. A certificate of @len 0: at genesis. */
void ds_status(struct ds *ds, uint64_t now, uint32_t peer, const uint8_t *cert,
	       size_t len);
void ds_headers(struct ds *ds, uint64_t now, uint32_t peer,
		const uint8_t *headers, size_t count);
void ds_block(struct ds *ds, uint64_t now, uint32_t peer, const uint8_t *block,
	      size_t len);

/* The next action; false when there is none. */
BASE_MUST_CHECK bool ds_next(struct ds *ds, struct ds_action *out);

/* When ds_advance() is due next, in Unix milliseconds; UINT64_MAX: never
 * again, for all is halted. */
uint64_t ds_next_tick_ms(const struct ds *ds);

/* What peers may ask for and is not on disk yet: the bytes of a block, or the
 * certificate of a recent one (NULL: not here). Borrowed until the next
 * input. */
const uint8_t *ds_find_block(size_t *len, const struct ds *ds,
			     const struct base_hash *hash);
const struct ds_cert *ds_find_cert(const struct ds *ds,
				   const struct base_hash *hash);

/* For displays and tests. */

/* What members said of themselves in the beats of a tick. A member counts
 * itself, by its mode of now, unless that is HALT. */
struct ds_beats_view {
	struct base_tick tick; /* before the last that ran, so all are in */
	ds_mask heard;	       /* in time; empty where no tick precedes */
	ds_mask strong;	       /* of these, not in SYNC */
	ds_mask active;	       /* of these, ACTIVE */
	ds_mask agree;	       /* of the strong, with my tip of that tick */
};

struct ds_status_view {
	enum ds_mode mode;
	struct base_tick tick; /* the last that ran */
	bool ticking;	       /* tick 0 has come */
	struct chain_context final;
	struct base_hash decided; /* D */
	struct base_height decided_height;
	uint32_t clean_ticks;	   /* in SHADOW, towards ACTIVE */
	struct base_height target; /* in SYNC: the height that it catches up
				    * with; 0: not known */
	struct ds_beats_view beats;
	uint64_t counter[DS_REASONS];
};
void ds_look(struct ds_status_view *out, const struct ds *ds);

#define DS_VIEW_VALUES_MAX 2 /* more say no more: no such block is decided */
#define DS_VIEW_VOTES_MAX (2 * DS_MEMBERS_MAX)
#define DS_VIEW_INSTANCES_MAX ((DS_MEMBERS_MAX + 4) * DS_MEMBERS_MAX)

/* A proposal in its rounds: the instance (tick, sender), one cell of the grid
 * that people see. */
struct ds_instance_view {
	struct base_tick tick;
	uint8_t sender;
	uint8_t values;	   /* different ones, signatures verified */
	uint8_t extracted; /* of them, 0..2; exactly 1: may be decided */
	uint8_t pad[5];
	/* The first of them, the extracted ones before the others. */
	struct {
		struct base_hash hash;
		ds_mask verified; /* whose signatures were */
	} value[DS_VIEW_VALUES_MAX];
};

struct ds_vote_view {
	struct base_hash hash;
	uint8_t voter;
	uint8_t pad[7];
};

/* The rounds under way and the votes behind them; large: not for a stack. */
struct ds_rounds_view {
	struct base_tick tick;	   /* the last that ran */
	struct base_height height; /* F + 1, which the votes are for */
	uint32_t vote_count;	   /* by voter */
	uint32_t instance_count;   /* by tick, then sender */
	uint32_t rounds;	   /* W: (T, s) is settled at tick T + W */
	struct ds_vote_view vote[DS_VIEW_VOTES_MAX];
	struct ds_instance_view instance[DS_VIEW_INSTANCES_MAX];
};

/* Every instance that is kept, from tick - W - 2 to tick + 1, with a value in
 * it, and every vote at F + 1. Of the arrays nothing is written beyond the
 * counts. */
void ds_look_rounds(struct ds_rounds_view *out, const struct ds *ds);

#endif
