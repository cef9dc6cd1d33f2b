/* SPDX-License-Identifier: MIT */
/*
 * internal.h: the state of the net thread, for the files of this folder.
 *
 * Floor 4. Everything belongs to the net thread but what struct net_port says.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <pthread.h>

#include "base/ring.h"
#include "net/ban.h"
#include "net/board.h"
#include "net/buffer.h"
#include "net/idmap.h"
#include "net/known.h"
#include "net/queue.h"
#include "net/quota.h"
#include "net/resolve.h"
#include "net/transport.h"
#include "net/uring.h"

/* Peers, and connections that are no peers yet or no more. */
#define NET_CONNS_MAX (NET_SLOTS_MAX + 32)

#define NET_RECORDS_PER_CHUNK 8u
#define NET_CHUNK_BYTES \
	(NET_RECORDS_PER_CHUNK * (NET_RECORD_MAX + NET_SEAL_EXTRA))
#define NET_SIDE_BYTES 4096u /* sealed while reading: handshakes, alerts */
#define NET_NOTSENT_BYTES (128 << 10)

#define NET_QUEUE_MEMBER 8192u /* messages that wait for one peer */
#define NET_QUEUE_OTHER 2048u
#define NET_QUEUE_SPARED 256u /* is never the longest */
#define NET_OPEN_MEMBER 32    /* requests without an answer */
#define NET_OPEN_OTHER 8
#define NET_SCORE_MAX 100u
#define NET_SCORE_UNSOLICITED 1u
#define NET_SCORE_QUOTA 10u
#define NET_SCORE_UNANSWERED 5u
#define NET_CHECKS_OWED_S 60u /* longer no peer owes for signatures */
#define NET_LINGER_MS 1000u
#define NET_STEP_MS 50u /* between two looks at what has timed out */

#define NET_DEPTH_URGENT 8192u
#define NET_DEPTH_REST 4096u
#define NET_DEPTH_READER 512u
#define NET_DEPTH_COMMANDS 8192u
#define NET_DEPTH_READER_COMMANDS 1024u
#define NET_DEPTH_RETURNS 65536u
#define NET_DEPTH_HOME 32768u
#define NET_DEPTH_CONTROL 256u

#define NET_TXS_MAX 4096u	 /* kept for those who ask */
#define NET_TXS_BYTES (4u << 20) /* of the buffers that they lie in */
#define NET_TXS_LARGE_MAX 4u	 /* of them in large buffers or bodies */
#define NET_ANNOUNCE_MAX 1024u	 /* that wait, of a peer */
#define NET_WANTED_MAX 4096u	 /* transactions asked for */
#define NET_WANTED_MEMBER 2000u	 /* of them from one peer */
#define NET_WANTED_OTHER 500u
#define NET_WANTED_MS 2000u	/* then another peer is asked */
#define NET_DELIVERED_MS 10000u /* the consumer has it and is thinking */

/* Of the outbound that are no members: what one owner can have. */
#define NET_OUTBOUND_PER_GROUP 4u

#define NET_TARGETS_MAX (NET_MEMBERS_MAX + NET_CONNECT_MAX + NET_OUTBOUND_MAX)

/* Where a buffer is from. */
enum net_home {
	NET_HOME_CONSENSUS = NET_CONSENSUS,
	NET_HOME_READER = NET_READER,
	NET_HOME_RECEIVED,
	NET_HOMES
};

enum net_conn_state {
	NET_CONN_FREE,
	NET_CONN_CONNECTING,
	NET_CONN_HANDSHAKE,
	NET_CONN_HELLO, /* waits for it */
	NET_CONN_UP,
	NET_CONN_LINGER,  /* sends its last words */
	NET_CONN_CLOSING, /* waits until the kernel is done with it */
};

/* A request that has no answer yet. */
struct net_open {
	uint64_t deadline_ms;
	uint8_t type;
	uint8_t port; /* that asked */
};

struct net_conn {
	enum net_conn_state state;
	uint32_t gen;
	int fd;
	uint32_t ops; /* that the kernel has */
	bool outbound;
	int member; /* or -1 */
	int slot;   /* or -1 */
	int target; /* that it was dialled for, or -1 */
	struct net_addr addr;
	struct sockaddr_storage to; /* until it is */
	uint8_t id[NET_ID_SIZE];
	void *session;
	struct net_hello hello;
	bool pending;	     /* inbound, and has not said HELLO */
	bool granted;	     /* it may ask */
	bool was_told;	     /* that it may not */
	bool watches;	     /* we sent WATCH */
	uint8_t wish;	     /* enum net_wish */
	uint8_t wish_reason; /* enum net_reason */
	enum net_reason why; /* it was closed */
	uint64_t since_ms;
	uint64_t up_unix_ms;

	/* receiving */
	bool receiving; /* an operation is under way */
	bool eof;
	enum net_uring_group group;
	enum net_uring_group armed; /* of the operation that is under way */
	uint32_t rx_first;	    /* received buffers, UINT32_MAX: none */
	uint32_t rx_last;
	uint32_t rx_at; /* used of the first */
	bool paused;
	bool owes;	/* paused for its quota */
	uint8_t *plain; /* NET_RECORD_MAX bytes */
	uint32_t plain_at;
	uint32_t plain_len;
	struct net_parser parser;
	uint32_t lane_begun[NET_LANES]; /* as the parser counts */
	uint64_t lane_ms[NET_LANES];	/* when that was */
	uint64_t held;			/* bytes counted against it */

	/* sending */
	struct net_queue queue;
	bool dirty; /* is on the list of those with something to send */
	bool sending;
	uint8_t *chunk; /* NET_CHUNK_BYTES */
	uint32_t chunk_len;
	uint32_t chunk_at;
	uint64_t progress_ms; /* when a chunk was last taken, or began */
	uint8_t side[NET_SIDE_BYTES];
	uint32_t side_len;

	/* limits */
	struct net_quota bytes;
	struct net_quota txs;	   /* that it may announce */
	struct net_quota announce; /* that we may */
	struct net_quota addrs;
	struct net_quota lookups;
	struct net_quota checks;
	struct net_quota score;
	struct net_open open[NET_OPEN_MEMBER];
	uint32_t open_count;
	uint32_t asked;	  /* requests of it that are not answered */
	uint32_t watched; /* keys, by it */
	uint32_t wanted;  /* transactions it owes us */

	/* gossip */
	uint32_t announces[NET_ANNOUNCE_MAX]; /* numbers of transactions */
	uint32_t announce_first;
	uint32_t announce_count;

	/* liveness */
	uint64_t ping_ms;
	uint64_t ping_number; /* the last sent; 0: answered */
	uint32_t pings_missed;
	uint64_t ping_sent_us;
	uint64_t ping_us;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t last_in_ms;
	uint64_t last_out_ms;
	uint64_t addr_ms; /* when addresses were sent */
};

/* A received buffer of the kernel's, in the list of its connection. */
struct net_rx {
	uint32_t next;
	uint32_t len;
};

enum net_command_kind {
	NET_CMD_SEND,
	NET_CMD_REPLY,
	NET_CMD_PASS,
	NET_CMD_SEEN,
	NET_CMD_FAULT,	/* points; NET_SCORE_MAX: ban */
	NET_CMD_CHARGE, /* points: signatures */
};

struct net_command {
	enum net_command_kind kind;
	uint8_t type;
	bool has_id;
	uint8_t id[32];
	uint32_t slot;
	uint32_t gen;
	uint32_t points;
	bool useless;
	struct ds_peers to;
	struct net_buffer *buffer;
};

struct net_return {
	struct net_buffer *buffer; /* NULL: an acknowledged DOWN */
	uint32_t slot;
};

/* The pushing thread of each ring is named; the other pops. */
struct net_port {
	struct net *net;
	enum net_port_kind kind;
	struct base_ring_spsc urgent;	/* net thread: struct net_event */
	struct base_ring_spsc rest;	/* net thread: struct net_event */
	struct base_ring_spsc home;	/* net thread: struct net_buffer * */
	struct base_ring_spsc commands; /* port: struct net_command */
	struct base_ring_spsc returns;	/* port: struct net_return */
	void *memory;
	bool has_urgent;
	/* the port's */
	struct net_pool pool;
	struct net_event stash; /* came before its peer's UP */
	bool stashed;
	int down_slot;			/* to acknowledge, or -1 */
	uint32_t up_gen[NET_SLOTS_MAX]; /* 0: down */
	/* the net thread's */
	bool pushed;		/* since the last wake */
	_Atomic uint64_t again; /* commands refused: the port counts */
	_Atomic bool starved;	/* the port got no buffer */
};

enum net_control_kind {
	NET_CTL_CONNECT,
	NET_CTL_TRY,
	NET_CTL_FORGET,
	NET_CTL_DISCONNECT,
	NET_CTL_GRANT,
	NET_CTL_UNGRANT,
	NET_CTL_WISH,
	NET_CTL_HEIGHT,
	NET_CTL_BAN,
	NET_CTL_UNBAN,
	NET_CTL_CLEAR_BANS,
};

struct net_control {
	enum net_control_kind kind;
	struct net_endpoint endpoint;
	struct net_ban ban;
	uint64_t number;
};

/* What a slot is to peers and port. */
struct net_slot {
	int conn; /* or -1 */
	uint32_t gen;
	bool down_due; /* DOWN could not be pushed yet */
	bool taken;    /* until the port has acknowledged the DOWN */
	enum net_reason why;
};

/* Somebody to be connected to. */
struct net_target {
	bool used;
	bool keep;  /* member or --connect; else discovered, or one try */
	int member; /* or -1 */
	uint8_t id[NET_ID_SIZE];
	char address[NET_ENDPOINT_MAX];
	struct net_addr addr;
	bool resolved;
	bool resolving;
	int conn; /* or -1 */
	uint32_t failures;
	uint64_t next_ms;
};

/* A transaction that was sent with an id. */
struct net_tx {
	uint8_t id[32];
	struct net_buffer *buffer;
	struct net_key key;
	uint32_t map; /* index in the map */
};

struct net_wanted {
	uint8_t id[32];
	uint32_t from; /* slot asked */
	bool delivered;
	struct ds_peers tried;
	uint64_t deadline_ms;
};

/* A member's id that is refused until @until_ms. */
struct net_refusal {
	uint64_t until_ms;
};

struct net {
	struct net_options o; /* pointers in it are our copies or NULL */
	struct net_timing t;  /* with defaults */
	struct net_limits l;  /* with defaults */
	struct net_endpoint member[NET_MEMBERS_MAX];
	struct net_refusal refusal[NET_MEMBERS_MAX];
	/* Where each was connected from last; all zero: nowhere yet. */
	uint8_t member_ip[NET_MEMBERS_MAX][16];
	uint8_t access_list[NET_ACCESS_MAX][NET_ID_SIZE];
	uint32_t access_count;
	uint8_t id[NET_ID_SIZE];
	uint64_t nonce;
	uint64_t height;

	pthread_t thread;
	pthread_mutex_t start_lock; /* only for the start */
	pthread_cond_t started;
	int start_rc; /* 1: not known yet */
	struct base_error start_err;
	_Atomic bool stop;
	_Atomic uint32_t asleep; /* port.c says how it pairs */
	int bell;		 /* eventfd */
	uint64_t bell_count;
	int listen_fd;
	bool accepting;
	uint64_t accept_ms; /* not before */
	char address[NET_ADDR_TEXT_MAX];
	uint16_t listen_port;

	const struct net_transport_ops *ops;
	void *shared; /* of the transport */
	struct net_uring *uring;
	struct net_rx rx[NET_GROUPS * NET_URING_BUFFERS_MAX];
	struct net_resolver *resolver;
	uint32_t buffers[NET_HOMES][NET_SIZES]; /* how many of each */
	struct net_pool pool;			/* received */
	struct net_nodes nodes;
	struct net_port port[NET_PORTS];
	struct base_ring_mpsc control;
	void *control_memory;

	struct net_conn conn[NET_CONNS_MAX];
	struct net_slot slot[NET_SLOTS_MAX];
	uint32_t next_gen;
	uint8_t *plain_memory;
	uint8_t *chunk_memory;
	uint16_t dirty[NET_CONNS_MAX];
	uint32_t dirty_count;
	uint32_t paused_count;
	uint32_t closing_count;
	uint32_t pending_count; /* inbound that have not said HELLO */
	struct net_target target[NET_TARGETS_MAX];

	struct net_keyer keyer;
	struct net_seen seen;  /* valid messages */
	struct net_seen heard; /* what peers have, valid or not */
	struct net_tx tx[NET_TXS_MAX];
	struct net_idmap tx_map;
	uint32_t tx_index[NET_TXS_MAX]; /* from the map's to @tx's */
	uint32_t tx_next;		/* number of the next */
	uint32_t tx_first;		/* the oldest that is kept */
	uint64_t tx_bytes;
	uint32_t tx_large;
	struct net_idmap wanted_map;
	struct net_wanted wanted[NET_WANTED_MAX];

	struct net_ban_table bans;
	struct net_known_table known;
	bool save_due;
	uint64_t save_ms;
	struct base_prng prng; /* seeded from OpenSSL: jitter and choices */

	uint64_t now_ms; /* CLOCK_MONOTONIC */
	uint64_t step_ms;
	uint64_t announce_ms;
	uint64_t publish_ms;
	uint64_t discover_ms;
	uint64_t counter[NET_COUNTERS];
	struct net_view view;
	struct net_board view_board;
	struct net_board save_board;
	uint8_t *save_memory;
	uint8_t record[NET_RECORD_MAX];
};

static inline uint32_t net_conn_index(const struct net *n,
				      const struct net_conn *c)
{
	return (uint32_t)(c - n->conn);
}

static inline void net_count(struct net *n, enum net_counter c)
{
	n->counter[c]++;
}

static inline bool net_conn_is_member(const struct net_conn *c)
{
	return c->member >= 0;
}

/* ---- thread.c ---- */
void *net_thread(void *arg);
void net_log(struct net *n, const char *fmt, ...) BASE_PRINTF(2, 3);
uint64_t net_unix_ms(void);
uint64_t net_mono_us(void);

/* ---- port.c: the net thread's side ---- */
void net_bell_ring(struct net *n);
/* A buffer that nobody needs any more, as one holder sees it. */
void net_unref(struct net *n, struct net_buffer *b);
/* The port lets go of a buffer, or never gets it. */
void net_port_drop(struct net *n, struct net_buffer *b);
/* False: full. */
BASE_MUST_CHECK bool net_port_push(struct net *n, enum net_port_kind kind,
				   const struct net_event *e, bool urgent);
void net_ports_drain(struct net *n);
void net_ports_wake(struct net *n);
BASE_MUST_CHECK int net_port_open(struct net *n, enum net_port_kind kind);
void net_port_close(struct net_port *p);

/* ---- command.c ---- */
void net_do_command(struct net *n, struct net_port *p,
		    const struct net_command *c);
void net_do_control(struct net *n, const struct net_control *c);

/* ---- conn.c: connections and their bytes ---- */
/* What an operation is, and whose, as the kernel gives it back. */
enum net_op {
	NET_OP_NONE, /* of no consequence */
	NET_OP_ACCEPT,
	NET_OP_BELL,
	NET_OP_CONNECT,
	NET_OP_RECEIVE,
	NET_OP_SEND,
	NET_OP_CANCEL,
	NET_OP_STOP, /* a cancelled receive */
};

static inline uint64_t net_op(enum net_op op, uint32_t conn)
{
	return (uint64_t)op << 32 | conn;
}

struct net_conn *net_conn_new(struct net *n, int fd, bool outbound,
			      const struct net_addr *addr);
void net_conn_accepted(struct net *n, int fd);
void net_conn_connected(struct net *n, struct net_conn *c, int res);
void net_conn_received(struct net *n, struct net_conn *c,
		       const struct net_completion *done);
/* Reads on, where it stopped. */
void net_conn_resume(struct net *n, struct net_conn *c);
/* Ends it; @tell: the peer hears why, when it can. */
void net_conn_close(struct net *n, struct net_conn *c, enum net_reason why,
		    bool tell);
/* It is not pending any more. */
void net_conn_settle(struct net *n, struct net_conn *c);
/* Frees those that are closed, once the kernel is done with them. */
void net_conns_reap(struct net *n);

/* ---- output.c ---- */
void net_output_mark(struct net *n, struct net_conn *c);
void net_output_flush(struct net *n);
void net_output_sent(struct net *n, struct net_conn *c, int res);
/* Queues a message; takes a reference. False: the connection was closed. */
bool net_output_queue(struct net *n, struct net_conn *c, uint8_t type,
		      struct net_buffer *b);
/* The same with bytes of our own. */
bool net_output_bytes(struct net *n, struct net_conn *c, uint8_t type,
		      const void *data, uint32_t len);
/* The peer that most waits for is closed; not @spare. False: none is. */
bool net_output_shed(struct net *n, const struct net_conn *spare);
void net_output_clear(struct net *n, struct net_conn *c);

/* ---- peer.c: HELLO, slots, faults ---- */
void net_peer_proved(struct net *n, struct net_conn *c);
enum net_parse_result net_peer_hello(struct net *n, struct net_conn *c,
				     const struct net_buffer *b);
void net_peer_down(struct net *n, struct net_conn *c, enum net_reason why);
void net_peer_downs_due(struct net *n);
void net_peer_acknowledged(struct net *n, uint32_t slot);
/* @c may be closed afterwards. */
void net_peer_fault(struct net *n, struct net_conn *c, uint32_t points);
void net_peer_ban(struct net *n, struct net_conn *c);
/* As net_charge(). @c may be closed afterwards. */
void net_peer_charge(struct net *n, struct net_conn *c, uint32_t checks,
		     bool useless);
struct net_conn *net_peer_at(struct net *n, uint32_t slot);
int net_member_of(const struct net *n, const uint8_t id[static NET_ID_SIZE]);
bool net_may_ask(const struct net *n, const struct net_conn *c);

/* ---- deliver.c: what becomes of a message ---- */
extern const struct net_sink net_deliver_ops;
enum net_parse_result net_deliver_begin(void *ctx, struct net_buffer **out,
					uint8_t type, uint32_t len);
enum net_parse_result net_deliver_message(void *ctx, uint8_t type,
					  struct net_buffer *b);
/* The requests to @c are over. */
void net_requests_end(struct net *n, struct net_conn *c);
/* A request goes out to @c, for @port. False: too many are open. */
bool net_request_open(struct net *n, struct net_conn *c, uint8_t type,
		      enum net_port_kind port);
void net_requests_expire(struct net *n, struct net_conn *c);
void net_refuse(struct net *n, struct net_conn *c, enum net_reason reason,
		uint8_t type);

/* ---- gossip.c ---- */
/* Sends to @to but those who have it; notes it. */
void net_gossip_send(struct net *n, uint8_t type, struct net_buffer *b,
		     const struct ds_peers *to, const uint8_t id[static 32]);
void net_gossip_seen(struct net *n, const uint8_t id[static 32]);
/* True: a copy; drop it. */
bool net_gossip_heard(struct net *n, struct net_conn *c,
		      const uint8_t id[static 32], bool drop);
void net_gossip_forget(struct net *n, uint32_t slot);
BASE_MUST_CHECK int net_gossip_open(struct net *n);
void net_gossip_close(struct net *n);

/* ---- txs.c ---- */
void net_txs_add(struct net *n, struct net_buffer *b, const struct ds_peers *to,
		 const uint8_t id[static 32]);
void net_txs_announce(struct net *n);
enum net_parse_result net_txs_inv(struct net *n, struct net_conn *c,
				  const struct net_buffer *b);
/* Answers what is kept; true: the rest is left in @b for the port. */
bool net_txs_get(struct net *n, struct net_conn *c, struct net_buffer *b);
/* True: it was asked for. */
bool net_txs_came(struct net *n, struct net_conn *c,
		  const uint8_t id[static 32], bool *copy);
/* It is valid, or could not be taken: nobody is to be asked for it now. */
void net_txs_done(struct net *n, const uint8_t id[static 32]);
void net_txs_expire(struct net *n);
void net_txs_gone(struct net *n, struct net_conn *c);
void net_txs_clear(struct net *n);

/* ---- dial.c ---- */
void net_dial_init(struct net *n);
void net_dial_add(struct net *n, const struct net_endpoint *e, int member);
void net_dial_try(struct net *n, const struct net_endpoint *e);
void net_dial_remove(struct net *n, const struct net_endpoint *e);
void net_dial_step(struct net *n);
/* The connection of a target ended; @was_up: it had become a peer. */
void net_dial_ended(struct net *n, struct net_conn *c, bool was_up);
void net_dial_up(struct net *n, struct net_conn *c);
void net_addr_send(struct net *n, struct net_conn *c);
void net_addr_came(struct net *n, struct net_conn *c,
		   const struct net_buffer *b);

/* ---- step.c: what the time brings ---- */
void net_step(struct net *n);

/* ---- view.c ---- */
void net_view_publish(struct net *n);
void net_save_publish(struct net *n);
void net_save_load(struct net *n, const uint8_t *data, size_t len);

#endif
