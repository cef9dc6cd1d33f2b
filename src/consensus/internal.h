/* SPDX-License-Identifier: MIT */
/*
 * internal.h: what the state machine's own files share; nobody else includes
 * it.
 *
 * Floor 3, pure. ds.c has inputs, actions and order (R0), bodies.c the blocks
 * held in memory, instance.c what is known of a proposal, proposal.c R1 and
 * R1L, tick.c R2, vote.c R3, cert.c R4, beat.c R5, catchup.c R6, mode.c R7,
 * look.c what people see.
 */
#ifndef DS_INTERNAL_H
#define DS_INTERNAL_H

#include "base/assert.h"
#include "base/bytes.h"
#include "consensus/ds.h"
#include "consensus/hooks.h"

/* Ticks of history: the rounds and what may come late. */
#define DS_HISTORY_MAX (DS_MEMBERS_MAX + 4)
#define DS_BEATS_MAX (DS_MEMBERS_MAX + 3)
/* Bodies beyond those of the slots: pending, voted, decided, own. */
#define DS_SPARE_BODIES 32
#define DS_SPARE_BODIES_EACH 8 /* fewer, where there are few members */
#define DS_SLOTS 2	       /* values of an instance that may be extracted */
/* Values beyond the slots: what was sent of them carried a signer counted on
 * fewer than two others. */
#define DS_LIGHT_MAX (2 * DS_MEMBERS_MAX)
#define DS_CERTS_KEPT 4
#define DS_HAVES 8 /* hashes remembered of each peer */
#define DS_HEADERS_MAX 2000
#define DS_ACCUSATIONS_MAX 16 /* remembered, the youngest */
/* Bytes of signatures that the actions of one input point to: each pending
 * message may be settled and sent on with one of every member. */
#define DS_ARENA_BYTES (UINT32_C(2) << 20)
#define DS_NOBODY UINT32_MAX
#define DS_NO_INDEX (-1)
#define DS_BAD_BODY (-2)

/* A certificate with its signatures. */
struct ds_held_cert {
	bool set;
	struct ds_cert cert; /* cert.signatures is the next member */
	uint8_t signature[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
};

/* A block in memory, shared by all who hold a reference. */
struct ds_body {
	uint32_t refs; /* 0: free, unless it lingers */
	bool lingers;  /* actions may point to it */
	struct base_hash hash;
	struct chain_block_info info; /* by chain_block_check() */
	bool executed;		      /* its transactions were judged, */
	bool good;		      /* on its parent: they are valid */
	size_t len;
	uint8_t *data; /* max_block_bytes */
};

/* A value with room for its signatures. */
struct ds_slot {
	struct base_hash hash;
	int body;
	ds_mask verified;
	uint32_t sent;	 /* most signatures sent at once, W at most */
	ds_mask counted; /* signers that were sent with it */
	uint8_t signature[DS_MEMBERS_MAX][DS_SIGNATURE_SIZE];
	/* Signatures that each link has carried, either way. */
	ds_mask carried[DS_PEERS_MAX];
};

/* A value without. */
struct ds_light {
	struct base_hash hash;
	ds_mask verified;
	uint32_t sent; /* as in a slot */
	ds_mask counted;
};

/* The instance (tick, sender). */
struct ds_instance {
	bool used;
	struct base_tick tick;
	uint32_t extracted; /* values in slots, 0..DS_SLOTS */
	uint32_t lights;
	uint8_t counted[DS_MEMBERS_MAX]; /* values sent with a signer's */
	struct ds_slot slot[DS_SLOTS];
	struct ds_light light[DS_LIGHT_MAX];
	/* The sender's signature on the first hash, for evidence. */
	bool has_first, accused;
	struct base_hash first_hash;
	uint8_t first_signature[DS_SIGNATURE_SIZE];
};

/* What a pending message waits for. */
#define DS_WAIT_BODY 1u /* the block */
#define DS_WAIT_SIGS 2u /* signatures with the verifier */

struct ds_pending {
	bool used;
	uint32_t peer; /* DS_NOBODY: gone, or ourselves */
	enum ds_message_kind kind;
	uint32_t waits;
	uint64_t id; /* of the VERIFY that is out */
	bool bad_sigs;
	/* PROPOSAL */
	struct base_tick tick;
	uint8_t sender;
	ds_mask mask;
	ds_mask fresh; /* signatures not verified before */
	struct chain_header header;
	struct base_hash hash;
	int body;
	/* VOTE, BEAT */
	struct ds_vote vote;
	struct ds_beat beat;
	/* EVID */
	struct ds_evidence evidence;
	/* CERT */
	struct ds_held_cert cert;
	bool asked; /* it answers our catch-up */
	uint8_t signature[DS_MEMBERS_MAX * DS_SIGNATURE_SIZE];
	struct chain_check check[DS_MEMBERS_MAX];
};

/* Memory in which one block's transactions are judged. */
struct ds_judge {
	bool busy;
	int body;
	uint64_t id; /* of the VERIFY that is out */
	struct chain_scratch scratch;
};

/* The votes of one height. */
struct ds_tally {
	struct {
		uint32_t count; /* hashes, 0..2 */
		struct base_hash hash[2];
		uint8_t signature[2][DS_SIGNATURE_SIZE];
		bool accused;
	} voter[DS_MEMBERS_MAX];
};

struct ds_beats {
	bool used;
	struct base_tick tick;
	ds_mask heard;	/* every mode */
	ds_mask strong; /* those not in SYNC: their tips count */
	ds_mask active; /* of these, those that need not catch up */
	struct base_hash tip[DS_MEMBERS_MAX];
	uint32_t final[DS_MEMBERS_MAX]; /* heights */
};

struct ds_hist {
	bool used;
	struct base_tick tick;
	struct chain_context at; /* D after the tick */
};

struct ds_peer {
	bool up;
	int member; /* or DS_NO_INDEX */
	uint32_t have_next;
	struct base_hash have[DS_HAVES];
	bool has_status; /* answered since catch-up began */
	uint32_t pending;
};

/* P: decided here, not certified. */
struct ds_decided {
	bool set;
	int body;
	struct chain_context after;
	struct base_tick at; /* the tick that decided it */
	bool stalled;	     /* said */
};

/* A block on its way to the disk as the next final one. */
struct ds_finalising {
	bool set; /* chosen: the body may still be missing */
	bool out; /* PERSIST is out */
	uint64_t id;
	int body;
	int judge;
	struct base_hash hash;
	struct ds_held_cert cert; /* cert.set false: without */
	struct chain_context after;
};

/* Our own block, waiting for its tick. */
struct ds_own {
	bool set;
	int body;
	bool has_last; /* proposed since D last changed */
	struct base_hash last;
	bool reserving;
	uint64_t id;
	bool has_reserved;
	struct base_tick reserved;
	struct base_tick last_tick; /* that I may have proposed in */
	bool has_last_tick;
};

struct ds_own_vote {
	bool has; /* voted at F + 1, or voting */
	struct base_height height;
	struct base_hash hash;
	bool out; /* PERSIST is out */
	uint64_t id;
	int body; /* kept until F passes it */
	uint8_t signature[DS_SIGNATURE_SIZE];
	bool sent;
};

struct ds_accusation {
	struct ds_evidence evidence;
	uint8_t signature[2][DS_SIGNATURE_SIZE];
};

enum ds_catchup_phase {
	DS_CATCH_DONE,	  /* F is what others have */
	DS_CATCH_STATUS,  /* asking who is where */
	DS_CATCH_HEADERS, /* the way from F to the target */
	DS_CATCH_CERT,	  /* for the end of a long way's part */
	DS_CATCH_BLOCKS,
};

struct ds_catchup {
	enum ds_catchup_phase phase;
	struct base_tick since; /* of the phase's last question */
	uint32_t answers;	/* and of these, members' */
	uint32_t members;
	uint32_t asked_peer;
	bool again; /* the answer was of no use: ask at the next tick */
	struct ds_held_cert target;
	struct ds_held_cert part; /* the target of these headers */
	uint32_t way_count;
	uint32_t way_next;
	struct base_hash way[DS_HEADERS_MAX];
};

struct ds {
	struct ds_options o;
	const struct ds_committee *c;
	const struct chain_params *p;
	uint64_t now;
	bool lingering; /* a body may linger */
	bool ticking;
	struct base_tick tick; /* the last that ran */
	enum ds_mode mode;
	bool has_shadow;
	struct base_tick shadow; /* S */
	uint32_t clean;
	struct chain_context final; /* F */
	struct base_tick final_at;  /* the last tick before it was */
	struct ds_held_cert kept[DS_CERTS_KEPT];
	uint32_t kept_next;
	struct ds_decided decided; /* P */
	struct ds_finalising next;
	struct ds_own own;
	struct ds_own_vote vote;
	struct ds_tally tally[2]; /* of F + 1 and F + 2 */
	bool split_said;
	struct ds_hist hist[DS_HISTORY_MAX];
	struct ds_beats beats[DS_BEATS_MAX];
	struct ds_peer peer[DS_PEERS_MAX];
	struct ds_catchup catchup;
	bool trusting; /* certificates off: until F is the block @trusted */
	struct base_hash trusted;
	struct ds_accusation accusation[DS_ACCUSATIONS_MAX];
	uint32_t accusations; /* so far */
	bool template_said;   /* about the present D */
	bool pause_said;
	uint64_t next_id;
	uint64_t counter[DS_REASONS];
	ds_mask skewed; /* members whose clocks are off */
	bool skew_said;
	uint32_t fork_ticks[DS_MEMBERS_MAX]; /* on another tip */
	struct ds_held_cert queued;	     /* for F + 2, until F has moved */
	struct base_hash asked_hash;	     /* the block asked for last, */
	uint64_t asked_ms;		     /* when, */
	uint32_t asked_last;		     /* and of whom */
	int wish; /* the body to vote for, being judged */
	/* Sized by the network. */
	uint32_t history;	      /* W + 4 */
	struct ds_instance *instance; /* history * n */
	uint32_t bodies;
	struct ds_body *body;
	struct ds_judge judge[DS_SCRATCHES];
	struct chain_scratch checking; /* for chain_block_check() */
	struct ds_pending *pending;    /* DS_PENDING_MAX */
	struct ds_action *action;      /* DS_ACTIONS_MAX */
	uint32_t action_first, action_count;
	uint8_t *arena; /* DS_ARENA_BYTES, for what actions point to */
	uint32_t arena_used;
};

/* ds.c */
struct ds_action *ds_act(struct ds *ds, enum ds_action_kind kind);
uint64_t ds_new_id(struct ds *ds);
void ds_ban(struct ds *ds, uint32_t peer);
void ds_alert(struct ds *ds, enum ds_reason reason, uint8_t member);
void ds_ask(struct ds *ds, enum ds_need_kind kind, uint32_t peer,
	    const struct base_hash *hash);
static inline bool ds_is_member(const struct ds *ds)
{
	return ds->o.self >= 0;
}
/* The tip D: P, else F. */
static inline const struct chain_context *ds_tip(const struct ds *ds)
{
	return ds->decided.set ? &ds->decided.after : &ds->final;
}
/* Asks for a block that more than one step may want: once in delta / 4, first
 * one of @holders, then everyone in turn. */
void ds_ask_again(struct ds *ds, ds_mask holders, const struct base_hash *hash);
/* A copy of @count signatures that lasts as long as the actions do. */
const uint8_t *ds_snapshot(struct ds *ds, const uint8_t *signatures,
			   uint32_t count);
void ds_peers_all(struct ds_peers *out, const struct ds *ds, uint32_t except);
static inline void ds_peers_add(struct ds_peers *s, uint32_t peer)
{
	s->word[peer / 64] |= UINT64_C(1) << peer % 64;
}
static inline bool ds_peers_empty(const struct ds_peers *s)
{
	uint64_t any = 0;

	for (size_t i = 0; i < DS_PEERS_MAX / 64; i++)
		any |= s->word[i];
	return any == 0;
}
/* A pending entry; NULL: none is free for this peer. */
struct ds_pending *ds_pend(struct ds *ds, uint32_t peer,
			   enum ds_message_kind kind);
/* The same signature on the same is being verified: in a full mesh each vote
 * and beat comes from everyone at once, and the room is for others. */
bool ds_verifying(const struct ds *ds, enum ds_message_kind kind,
		  const struct base_hash *hash, const uint8_t *signature);
void ds_unpend(struct ds *ds, struct ds_pending *m);
/* Sends @count checks of @m to the verifier. */
void ds_verify(struct ds *ds, struct ds_pending *m, uint32_t count);

/* bodies.c */
int ds_body_find(const struct ds *ds, const struct base_hash *hash);
/* Copies @block in, which is well-formed and hashes to what it is looked up
 * by; with one reference. DS_NO_INDEX: no room; DS_BAD_BODY: it is malformed or
 * invalid by itself. */
int ds_body_add(struct ds *ds, const uint8_t *block, size_t len);
void ds_body_hold(struct ds *ds, int body);
void ds_body_drop(struct ds *ds, int body);
/* Judges the transactions on F, which is the parent. 1: they are valid or
 * not (body->executed); 0: answer follows, or no memory is free: again
 * later. */
int ds_body_judge(struct ds *ds, int body);
/* Memory to judge a block in; NULL: all is in use. */
struct ds_judge *ds_judge_free(struct ds *ds);
/* The verifier's answer. False: the id is not of a judge. */
bool ds_body_judged(struct ds *ds, uint64_t id, bool good);
/* The actions of the last input are carried out. */
void ds_bodies_let_go(struct ds *ds);
/* F moved: what was being judged on the old one is void. */
void ds_bodies_forget_judges(struct ds *ds);

/* instance.c */
struct ds_instance *ds_instance_at(struct ds *ds, struct base_tick tick,
				   uint8_t sender);
struct ds_slot *ds_slot_find(struct ds_instance *in,
			     const struct base_hash *hash);
struct ds_light *ds_light_find(struct ds_instance *in,
			       const struct base_hash *hash);
void ds_instance_free(struct ds *ds, struct ds_instance *in);

/* proposal.c: R1 */
void ds_on_proposal(struct ds *ds, uint32_t peer, const struct ds_proposal *m);
void ds_proposal_step(struct ds *ds, struct ds_pending *m);
void ds_proposals_step(struct ds *ds);		 /* all that wait */
void ds_proposals_body(struct ds *ds, int body); /* which has come */
void ds_propose(struct ds *ds, struct base_tick tick);

/* tick.c: R2 */
void ds_run_tick(struct ds *ds, struct base_tick k);
const struct ds_hist *ds_hist_at(const struct ds *ds, struct base_tick k);
/* No later tick is due. Of those that a stopped machine runs at once, only
 * this one says again what was said before. */
static inline bool ds_is_newest(const struct ds *ds, struct base_tick k)
{
	return ds_tick_ms(ds->c, (struct base_tick){k.n + 1}) > ds->now;
}
void ds_publish_template(struct ds *ds);
void ds_reserve_tick(struct ds *ds);

/* vote.c: R3 */
void ds_on_vote(struct ds *ds, uint32_t peer, const struct ds_vote *m);
void ds_vote_good(struct ds *ds, struct ds_pending *m);
void ds_vote_for(struct ds *ds, int body);
void ds_vote_persisted(struct ds *ds, bool done);
void ds_votes_step(struct ds *ds); /* the rule for F + 1 */
void ds_votes_shift(struct ds *ds);
void ds_votes_send_all(struct ds *ds, const struct ds_peers *to);
void ds_accuse(struct ds *ds, const struct ds_evidence *e);
void ds_on_evidence(struct ds *ds, uint32_t peer, const struct ds_evidence *m);
void ds_evidence_good(struct ds *ds, struct ds_pending *m);

/* cert.c: R4 */
const struct ds_held_cert *ds_cert_of(const struct ds *ds,
				      const struct base_hash *hash);
void ds_on_cert(struct ds *ds, uint32_t peer, const struct ds_cert *m,
		bool asked);
void ds_cert_good(struct ds *ds, uint32_t peer, const struct ds_held_cert *m,
		  bool asked);
void ds_hold_cert(struct ds_held_cert *out, const struct ds_cert *in);
void ds_finalise(struct ds *ds, const struct base_hash *hash,
		 const struct ds_held_cert *cert);
void ds_finalise_step(struct ds *ds);
void ds_halt(struct ds *ds);
void ds_cert_send_again(struct ds *ds, const struct ds_held_cert *held,
			uint32_t peer);
void ds_drop_decided(struct ds *ds);
void ds_final_persisted(struct ds *ds, bool done);

/* beat.c: R5 */
void ds_on_beat(struct ds *ds, uint32_t peer, const struct ds_beat *m);
void ds_beat_good(struct ds *ds, struct ds_pending *m);
void ds_send_beat(struct ds *ds, struct base_tick k);
bool ds_beats_suffice(const struct ds *ds, struct base_tick k);
const struct ds_beats *ds_beats_at(const struct ds *ds, struct base_tick k);
/* The tip that >= f + 1 beats of @k name; NULL: none. */
const struct base_hash *ds_beats_tip(const struct ds *ds, struct base_tick k);
/* The tip that >= f + 1 of @members name; NULL: none. */
const struct base_hash *
ds_common_tip(const struct ds *ds, const struct ds_beats *b, ds_mask members);
/* How many other members' beats of @k, but for those in SYNC, name @tip. */
uint32_t ds_beats_naming(const struct ds *ds, struct base_tick k,
			 const struct base_hash *tip);
void ds_judge_beats(struct ds *ds, struct base_tick k);

/* catchup.c: R6 */
/* The next connected peer after @peer; DS_NOBODY: there is none. */
uint32_t ds_another_peer(const struct ds *ds, uint32_t peer);
void ds_catchup_begin(struct ds *ds);
void ds_catchup_tick(struct ds *ds);
void ds_catchup_target(struct ds *ds, const struct ds_held_cert *cert);
void ds_catchup_advanced(struct ds *ds);
void ds_catchup_answer(struct ds *ds, uint32_t peer,
		       const struct ds_held_cert *cert);

/* mode.c: R7 */
void ds_set_mode(struct ds *ds, enum ds_mode mode, enum ds_reason reason);
void ds_taint(struct ds *ds, enum ds_reason reason);
void ds_mode_tick(struct ds *ds, struct base_tick k);

#endif
