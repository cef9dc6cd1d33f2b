/* SPDX-License-Identifier: MIT */
/*
 * sim.h: a small world in which real state machines agree on real blocks.
 *
 * One thread, one world, one seed at a time: everything that happens is an
 * event at a virtual millisecond, and every choice comes from the seed, so
 * that a seed replays exactly. Nodes run src/consensus over src/chain; the
 * clock, the wires, the disks, the miners and the liars are simulated.
 *
 * A world runs in one of two regimes. SYNC: never more than f members are
 * faulty or rejoining and every delay is within delta; agreement, progress
 * and the absence of taints are checked at every tick. CHAOS: anything goes
 * until the world heals; safety is checked all along, progress afterwards.
 */
#ifndef SIM_H
#define SIM_H

#include <stdio.h>

#include "base/prng.h"
#include "consensus/ds.h"

#define SIM_NODES_MAX (DS_MEMBERS_MAX + 1) /* and an observer */
#define SIM_DELTA_MS 1000
#define SIM_START_MS UINT64_C(1700000000000)
#define SIM_BLOCK_MAX CHAIN_BLOCK_BYTES_MIN
#define SIM_BLOCK_BYTES 1024 /* of those that the simulator builds */
#define SIM_BLOCKS_MAX 16384 /* built in one seed */
#define SIM_CHAIN_MAX 1024   /* heights in one seed */
#define SIM_COINS_MAX 2048   /* a power of two */
#define SIM_OPS_MAX 16	     /* writes that wait for a disk */
#define SIM_TICKS_MIN 200
#define SIM_TICKS_MAX 600
#define SIM_DECIDED_MIN 10
#define SIM_BRIDGES 40	 /* of so many seeds one is a bridge */
#define SIM_KINDS_MIN 3	 /* of faults that happen in one seed */
#define SIM_HISTORY 1024 /* ticks whose tip is remembered, a power of two */
#define SIM_WINDOW 16	 /* instances whose sends are counted */
#define SIM_ARCHIVE 64	 /* messages that a liar keeps */
#define SIM_NONE UINT32_MAX
#define SIM_NEVER UINT64_MAX

/* What can go wrong: environment first, then what liars do. */
#define SIM_FAULTS(X)                     \
	X(LOSS, "loss")                   \
	X(DELAY, "delay")                 \
	X(DUPLICATE, "duplicate")         \
	X(REORDER, "reorder")             \
	X(PARTITION, "partition")         \
	X(ONE_WAY, "one-way")             \
	X(OVERFLOW, "queue-overflow")     \
	X(OFFSET, "clock-offset")         \
	X(DRIFT, "clock-drift")           \
	X(STEP, "clock-step")             \
	X(PAUSE, "pause")                 \
	X(CRASH, "crash")                 \
	X(CRASH_PERSIST, "crash-persist") \
	X(AMNESIA, "amnesia")             \
	X(TORN, "torn-write")             \
	X(DISK_FULL, "disk-full")         \
	X(DISK_SLOW, "disk-slow")         \
	X(EQUIVOCATE, "equivocate")       \
	X(WITHHOLD, "withhold")           \
	X(LAST_ROUND, "last-round")       \
	X(BACK_DATE, "back-date")         \
	X(STRIP, "strip")                 \
	X(BAD_SIG, "bad-signature")       \
	X(STALE, "stale-parent")          \
	X(VOTE_BOTH, "vote-both")         \
	X(LYING_BEAT, "lying-beat")       \
	X(MUTATED, "mutated-body")        \
	X(FLOOD, "flood")                 \
	X(REPLAY, "replay")

enum sim_fault {
#define X(name, text) SIM_##name,
	SIM_FAULTS(X)
#undef X
		SIM_FAULT_KINDS
};

#define SIM_FIRST_LIE SIM_EQUIVOCATE
#define SIM_ANY_FAULTS UINT64_MAX
#define SIM_BIT(fault) (UINT64_C(1) << (fault))

/* The checkers: invariants 1 to 13, and what must never be at all. */
#define SIM_CHECKS(X)                                  \
	X(1, "tips equal at every tick")               \
	X(2, "a sole honest proposal is decided")      \
	X(3, "one vote per height and key")            \
	X(4, "one proposal per tick")                  \
	X(5, "no conflicting certificates")            \
	X(6, "the final chain only grows")             \
	X(7, "a divergence is alarmed")                \
	X(8, "honest nodes are not banned")            \
	X(9, "output depends on input only")           \
	X(10, "bounds hold")                           \
	X(11, "nothing leaves before it is durable")   \
	X(12, "no taint under synchrony")              \
	X(13, "progress resumes")                      \
	X(15, "the ledger is what its blocks make it") \
	X(16, "a seed is long and faulty enough")

enum sim_check {
	SIM_CHECK_NONE,
#define X(number, text) SIM_CHECK_##number = number,
	SIM_CHECKS(X)
#undef X
		SIM_CHECK_KINDS
};

/* Shared by the processes of a run. */
struct sim_totals {
	uint64_t seeds;
	uint64_t decided;
	uint64_t finals;
	uint64_t ticks;
	uint64_t signatures; /* asked to be verified */
	uint64_t sends;
	uint64_t fault[SIM_FAULT_KINDS];
	uint64_t check[SIM_CHECK_KINDS]; /* times that one judged */
	uint64_t reason[DS_REASONS];
	uint64_t rule[64];
	uint64_t ended;	 /* seeds in HALT, or that people must end */
	uint64_t failed; /* seeds with a violation */
	uint64_t first_failed;
};

struct sim_options {
	uint32_t nodes;	 /* 0: drawn */
	uint32_t f;	 /* SIM_NONE: drawn */
	uint32_t liars;	 /* SIM_NONE: drawn */
	uint64_t faults; /* bits of enum sim_fault that may be drawn */
	bool verbose;
	bool quiet;	 /* a violation is expected */
	bool calm;	 /* no chaos */
	int break_check; /* canaries: the checker that must see something */
};

/* ---- blocks that exist, whoever made them ---- */

struct sim_block {
	struct base_hash hash;
	struct base_hash prev;
	struct chain_context after;
	uint32_t len;
	uint8_t sender;
	uint8_t bytes[SIM_BLOCK_BYTES];
};

struct sim_coin {
	bool used;
	struct chain_outpoint at;
	struct chain_coin coin;
};

struct sim_coins {
	uint32_t count;
	struct sim_coin slot[SIM_COINS_MAX];
};

/* ---- one node ---- */

/* A write on its way to the disk; what it points to is the ds's. */
struct sim_op {
	uint64_t id;
	enum ds_persist_kind kind;
	struct base_tick tick;
	struct ds_vote vote;
	struct ds_cert cert;
	uint32_t block;
	const struct chain_changes *changes;
	struct chain_context after;
};

/* What a crash does not take. */
struct sim_disk {
	uint32_t height;
	uint32_t block[SIM_CHAIN_MAX];
	struct ds_cert cert[SIM_CHAIN_MAX];
	struct chain_context final;
	bool has_proposed;
	struct base_tick last_proposed;
	bool has_vote;
	struct ds_vote vote;
	uint8_t vote_signature[DS_SIGNATURE_SIZE];
	uint32_t vote_block;
	uint64_t vote_at; /* the world's time */
	struct sim_coins coins;
};

struct sim_clock {
	int64_t offset_ms;
	int64_t drift_ppm;
	uint64_t since; /* when drift began */
	uint64_t last;	/* what the node was told last */
};

struct sim_node {
	uint32_t index;
	int member; /* or -1: an observer */
	bool liar;
	bool victim;  /* of faults, in the SYNC regime */
	bool amnesic; /* lost its disk: counts as a liar from then on */
	bool up;
	uint64_t bad_until;  /* excused from being in step */
	uint64_t busy_until; /* with the faults drawn so far */
	uint32_t incarnation;
	struct ds *ds;
	void *memory;
	struct ds_options options;
	struct ds_committee committee;
	struct sim_clock clock;
	uint64_t paused_until;
	struct sim_disk disk;
	struct sim_op op[SIM_OPS_MAX];
	uint32_t op_first, op_count;
	uint64_t disk_free_at; /* when the write before is done */
	uint64_t full_until, slow_until;
	bool crash_at_persist;
	bool crash_at_vote; /* only when a vote is on its way */
	/* mining */
	struct chain_context template;
	bool has_template;
	uint32_t template_number;
	/* seen by the checkers */
	enum ds_mode mode;
	struct base_tick tick;
	bool ticking;
	struct base_hash decided;
	uint32_t decided_height;
	uint64_t active_since; /* true time; SIM_NEVER when not ACTIVE */
	uint64_t alarmed_at;   /* last taint or alert */
	uint64_t decided_at[SIM_CHAIN_MAX]; /* by height */
	uint32_t height_then;		    /* when it was last judged */
	struct base_hash voted[SIM_CHAIN_MAX];
	uint8_t voted_is[SIM_CHAIN_MAX];
	uint32_t vote_epoch;
	struct ds_peers vote_to; /* heard our vote since last cleared */
	uint64_t proposed_tick;
	struct base_hash proposed;
	bool has_proposed;
	uint32_t final_height;
	struct base_hash final;
	uint64_t instance_tick[SIM_WINDOW][DS_MEMBERS_MAX];
	uint32_t instance_steps[SIM_WINDOW][DS_MEMBERS_MAX];
	uint32_t instance_sends[SIM_WINDOW][DS_MEMBERS_MAX];
};

/* ---- the wires ---- */

struct sim_buf {
	struct sim_buf *next;
	uint32_t refs;
	uint32_t len;
	uint32_t size_class;
	uint8_t bytes[];
};

struct sim_link {
	bool exists; /* the topology has it */
	bool up;     /* both ends know of it */
	bool cut;    /* one way: what enters is lost */
	bool broken; /* lost something: must reconnect */
	uint32_t flying;
	uint32_t generation;
	uint64_t last_arrival; /* for links that keep order */
};

/* What travels besides enum ds_message_kind. */
enum sim_wire {
	SIM_HAVE = 16,
	SIM_ASK_STATUS,
	SIM_ASK_HEADERS,
	SIM_ASK_BLOCK,
	SIM_ASK_CERT,
	SIM_STATUS,
	SIM_HEADERS,
	SIM_BLOCK,
};

/* ---- events ---- */

enum sim_event_kind {
	SIM_EV_TICK,
	SIM_EV_PACKET,
	SIM_EV_VERIFIED,
	SIM_EV_PERSISTED,
	SIM_EV_MINED,
	SIM_EV_LINK,  /* comes up */
	SIM_EV_LIE,   /* a liar sends what it prepared */
	SIM_EV_FAULT, /* one begins or ends */
	SIM_EV_HEAL,  /* all of them end */
	SIM_EV_CHECK, /* a checker's appointment */
	SIM_EV_END,   /* is it over? */
	SIM_EV_SCENE,
};

struct sim_event {
	uint64_t at;
	uint64_t seq;
	uint8_t kind;
	uint8_t node;
	uint8_t other;
	uint8_t wire;
	uint32_t incarnation; /* or generation of a link */
	uint32_t count;
	uint64_t id;
	const void *pointer;
	struct sim_buf *buf;
};

/* ---- the world ---- */

/* A proposal as honest nodes sent it, for checker 2 and the grid. */
struct sim_proposed {
	uint64_t tick;
	uint8_t sender;
	struct base_hash hash;
	struct base_hash prev;
	bool honest;
	bool timely; /* made in a time of synchrony */
};

#define SIM_PROPOSED_MAX 256

/* A node's own signature on a value, for the grid. */
struct sim_signed {
	uint64_t tick;
	uint8_t sender;
	uint8_t node;
	int8_t round;
	struct base_hash hash;
};

#define SIM_SIGNED_MAX 256

struct sim_world {
	struct sim_options options;
	uint64_t seed;
	struct base_prng rng;
	uint64_t now;
	uint64_t seq;
	bool chaos; /* the regime */
	bool healed;
	bool stop;
	uint32_t count; /* nodes */
	uint32_t members;
	uint32_t liars;
	uint64_t lies;	/* bits of enum sim_fault */
	uint64_t drawn; /* the same, of all faults of this seed */
	uint64_t fired; /* and those that happened */
	bool ended;	/* two certificates: nothing follows */
	struct chain_params params;
	struct base_hash genesis_hash;
	struct ds_committee committee;
	bool real_signatures;
	bool complete; /* every pair has a link */
	bool keep_order;
	bool bridge;	/* an observer between two halves, and a liar */
	bool halves;	/* a liar between two halves: what this seed is about */
	bool two_faced; /* liars keep two halves apart */
	uint32_t hop_ms;  /* a link's longest delay in a healthy time */
	uint32_t late_ms; /* a tick's longest lateness in such a time */
	uint32_t skew_ms;
	uint32_t verify_ms;
	uint32_t loss_ppm, delay_ppm, duplicate_ppm, queue_max;
	uint64_t mining_ms; /* mean time between blocks of all */
	uint32_t tx_ppm;    /* blocks with a transaction */
	uint32_t known_ppm; /* transactions whose signatures are known */
	uint64_t heal_at;
	uint32_t decided; /* blocks, by the first that says so */
	uint32_t highest_decided;
	uint32_t split_height; /* that an alert gave up: people must act */
	uint32_t recoveries;   /* how often they did */
	uint32_t postponed;    /* times that check 13 waited */
	uint32_t decided_at_heal;
	uint64_t start_until; /* where liars have drawn it out */
	uint64_t judged_at;   /* when check 13 was or will be made */
	uint64_t trace;	      /* hash of all that happened */
	enum sim_check violated;
	char violation[512];
	struct sim_totals *totals;
	/* tips by tick, of ACTIVE nodes in a healthy time */
	uint64_t history_tick[SIM_HISTORY];
	struct base_hash history[SIM_HISTORY];
	/* certificates by height */
	struct base_hash certified[SIM_CHAIN_MAX];
	uint8_t certified_is[SIM_CHAIN_MAX];
	struct sim_proposed proposed[SIM_PROPOSED_MAX];
	uint32_t proposed_count;
	struct sim_signed endorsed[SIM_SIGNED_MAX];
	uint32_t endorsed_count;
	struct sim_link link[SIM_NODES_MAX][SIM_NODES_MAX];
	struct sim_node node[SIM_NODES_MAX];
	uint32_t block_count;
	struct sim_block block[SIM_BLOCKS_MAX];
	uint32_t block_slot[2 * SIM_BLOCKS_MAX];
	struct sim_buf *archive[SIM_ARCHIVE];
	uint8_t archive_kind[SIM_ARCHIVE];
	uint32_t archive_count;
	void (*scene)(struct sim_world *w, const struct sim_event *e);
	bool (*scene_filter)(struct sim_world *w, struct sim_node *from,
			     struct sim_node *to, uint8_t wire,
			     const struct sim_buf *buf);
};

/* world.c: events and the life of a seed */
void sim_at(struct sim_world *w, uint64_t at, const struct sim_event *e);
bool sim_run(struct sim_world *w, uint64_t seed);
void sim_world_boot(struct sim_world *w);
void sim_world_begin(struct sim_world *w, uint64_t seed);
void sim_world_loop(struct sim_world *w);
uint64_t sim_below(struct sim_world *w, uint64_t bound);
bool sim_chance(struct sim_world *w, uint64_t ppm);
uint64_t sim_tick_time(const struct sim_world *w, uint64_t tick);

/* draw.c: what a seed decides before anything happens */
void sim_draw(struct sim_world *w);
void sim_draw_params(struct sim_world *w, uint32_t n, uint32_t f);
void sim_connect_all(struct sim_world *w);

/* trace.c */
uint64_t sim_mix(uint64_t hash, const void *data, size_t len);
void sim_trace(struct sim_world *w, const void *data, size_t len);
void sim_trace_u64(struct sim_world *w, uint64_t value);
void sim_say(struct sim_world *w, const struct sim_node *n, const char *format,
	     ...) __attribute__((format(printf, 3, 4)));
void sim_grid(const struct sim_world *w);
const char *sim_fault_name(int fault);
const char *sim_mode_name(enum ds_mode mode);
const char *sim_check_name(int check);

/* oracle.c: signatures */
void sim_sign(const struct sim_world *w, uint32_t member,
	      uint8_t signature[static DS_SIGNATURE_SIZE],
	      const struct base_hash *hash);
bool sim_verify(const struct sim_world *w, const struct chain_check *check);
void sim_member_key(const struct sim_world *w, uint32_t member,
		    uint8_t key[static CHAIN_KEY_SIZE]);

/* blocks.c: building and finding them */
struct sim_build {
	const struct chain_context *on;
	uint8_t sender;
	uint32_t time;
	uint64_t salt;		       /* makes two blocks on one tip differ */
	uint32_t bits;		       /* 0: as the rule demands */
	const struct sim_coins *coins; /* NULL: no transaction */
};
uint32_t sim_block_build(struct sim_world *w, const struct sim_build *b);
uint32_t sim_block_find(const struct sim_world *w,
			const struct base_hash *hash);
uint32_t sim_block_genesis(struct sim_world *w);
void sim_blocks_clear(struct sim_world *w);

/* ledger.c: coins, and the disk */
int sim_coins_get(void *coins, struct chain_coin *out,
		  const struct chain_outpoint *at);
void sim_coins_apply(struct sim_coins *coins,
		     const struct chain_changes *changes);
void sim_disk_format(struct sim_world *w, struct sim_disk *d);
void sim_disk_apply(struct sim_world *w, struct sim_node *n,
		    const struct sim_op *op);
void sim_persist(struct sim_world *w, struct sim_node *n,
		 const struct ds_action *a);
void sim_persisted(struct sim_world *w, struct sim_node *n);
void sim_ledger_check(struct sim_world *w, const struct sim_node *n);
void sim_pool_reset(void);
void *sim_pool(size_t size);

/* net.c: wires */
struct sim_buf *sim_buf_new(const void *data, size_t len, size_t cap);
void sim_buf_put(struct sim_buf *buf);
void sim_send(struct sim_world *w, struct sim_node *from, uint32_t to,
	      uint8_t wire, struct sim_buf *buf);
void sim_send_after(struct sim_world *w, struct sim_node *from, uint32_t to,
		    uint8_t wire, struct sim_buf *buf, uint64_t delay);
void sim_packet(struct sim_world *w, const struct sim_event *e);
void sim_link_up(struct sim_world *w, uint32_t a, uint32_t b);
void sim_link_down(struct sim_world *w, uint32_t a, uint32_t b);
void sim_links_mend(struct sim_world *w);

/* A peer's number is not its index, so that nobody takes one for the other. */
static inline uint32_t sim_peer_of(uint32_t index)
{
	return DS_PEERS_MAX - 1 - index;
}

static inline uint32_t sim_index_of(uint32_t peer)
{
	return DS_PEERS_MAX - 1 - peer;
}

/* node.c: the runtime around a ds */
uint64_t sim_local(const struct sim_world *w, const struct sim_node *n);
uint64_t sim_now(const struct sim_world *w, struct sim_node *n);
void sim_boot(struct sim_world *w, struct sim_node *n, bool trusted);
void sim_crash(struct sim_world *w, struct sim_node *n);
void sim_drain(struct sim_world *w, struct sim_node *n);
void sim_tick(struct sim_world *w, struct sim_node *n);
void sim_mined(struct sim_world *w, struct sim_node *n, uint32_t number);
void sim_mine_next(struct sim_world *w, struct sim_node *n);
void sim_step_clock(struct sim_world *w, struct sim_node *n, int64_t by_ms);
size_t sim_send_bytes(uint8_t *out, size_t cap, const struct ds_action *a,
		      bool bare);

/* serve.c: what nodes ask, and answers */
void sim_need(struct sim_world *w, struct sim_node *n,
	      const struct ds_action *a);
void sim_serve(struct sim_world *w, struct sim_node *n, uint32_t from,
	       uint8_t wire, const uint8_t *data, size_t len);

/* faults.c: what happens to honest nodes */
bool sim_people_needed(const struct sim_world *w);
void sim_people_recover(struct sim_world *w);
void sim_people_restart(struct sim_world *w, struct sim_node *n);
void sim_faults_draw(struct sim_world *w);
void sim_faults_add(struct sim_world *w);
void sim_fault(struct sim_world *w, const struct sim_event *e);
void sim_heal(struct sim_world *w);
uint64_t sim_start_over(const struct sim_world *w);
void sim_start_longer(struct sim_world *w);
void sim_start_anew(struct sim_world *w, const struct sim_node *n);
bool sim_starting(const struct sim_world *w);
bool sim_split_at_start(const struct sim_world *w, uint32_t height);
void sim_expect_progress(struct sim_world *w);
void sim_excuse(struct sim_world *w, struct sim_node *n);
void sim_fired(struct sim_world *w, enum sim_fault fault);

/* liar.c: what the others do */
bool sim_lie_send(struct sim_world *w, struct sim_node *n, struct ds_action *a);
bool sim_lie_mined(struct sim_world *w, struct sim_node *n);
void sim_lie_tick(struct sim_world *w, struct sim_node *n);
void sim_lie(struct sim_world *w, const struct sim_event *e);
/* A new block on the liar's template, signed by it alone: a reference. */
struct sim_buf *sim_lie_proposal(struct sim_world *w, struct sim_node *n,
				 uint64_t tick);
void sim_lie_archive(struct sim_world *w, uint8_t wire, struct sim_buf *buf);

/* check.c: the checkers */
void sim_violation(struct sim_world *w, enum sim_check check,
		   const struct sim_node *n, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void sim_check_send(struct sim_world *w, struct sim_node *n,
		    const struct ds_action *a);
void sim_check_action(struct sim_world *w, struct sim_node *n,
		      const struct ds_action *a);
void sim_check_look(struct sim_world *w, struct sim_node *n);
void sim_check_peer_up(struct sim_world *w, struct sim_node *n, uint32_t peer);
void sim_check_boot(struct sim_world *w, struct sim_node *n);
void sim_check_appointment(struct sim_world *w, const struct sim_event *e);
void sim_check_heal(struct sim_world *w);
void sim_check_end(struct sim_world *w);
void sim_check_proposed(struct sim_world *w, const struct sim_proposed *p);
bool sim_in_step(const struct sim_world *w, const struct sim_node *n);
bool sim_honest(const struct sim_node *n);

/* canary.c and scene.c */
int sim_canaries(struct sim_world *w);
int sim_scene(struct sim_world *w, const char *name);
void sim_scenes_list(void);

#endif
