/* SPDX-License-Identifier: MIT */
/*
 * net.h: the networking thread: peers on one side, rings on the other.
 *
 * Floor 4. One thread owns every socket (io_uring), the encryption, the
 * frames, quotas, gossip and bans. It knows no rule of the ledger: what it
 * receives goes, as bytes, to one of two *ports*:
 *
 *   NET_CONSENSUS  the thread that decides: peers that come and go, messages
 *                  of the agreement, transactions, answers to its requests
 *   NET_READER     the thread that reads from disk: requests of peers
 *
 * A port belongs to one thread. Every function with a `struct net_port`
 * is called by that thread alone; those with a `struct net` by any.
 *
 *   ring                    class  depth   when full
 *   ----------------------  -----  ------  ------------------------------
 *   net -> consensus        spsc    8,192  the peer is closed
 *     urgent: PROPOSAL, VOTE, CERT, BEAT, EVID, UP, DOWN
 *   net -> consensus        spsc    4,096  transactions are dropped and
 *     the rest                             counted; else the peer is closed
 *   net -> reader           spsc      512  the asker gets REFUSED, busy
 *   consensus -> net        spsc    8,192  -EAGAIN and counted; a tick's
 *   reader -> net           spsc    1,024  worst case is half of it
 *   port -> net, returns    spsc   65,536  never: deeper than all buffers
 *   net -> port, buffers    spsc   32,768  never: deeper than all buffers
 *   any -> net, control     mpsc      256  -EAGAIN
 *
 * Nothing is allocated after the start; OpenSSL allocates for each connection,
 * which are bounded. All of it stays below NET_MEMORY_MAX. A buffer is counted
 * against the peer it came from until it is released, and a peer whose
 * buffers are held too long is not read from meanwhile.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/error.h"
#include "consensus/ds.h"
#include "net/wire.h"

#define NET_SLOTS_MAX DS_PEERS_MAX /* peers at once */
#define NET_MEMBERS_MAX DS_MEMBERS_MAX
#define NET_INBOUND_MAX 64    /* that are no members */
#define NET_OUTBOUND_MAX 8    /* that are no members */
#define NET_PENDING_MAX 16    /* inbound before their HELLO */
#define NET_PER_NETWORK_MAX 4 /* inbound of one /24 or /48 */
#define NET_MEMORY_MAX (UINT64_C(256) << 20)
#define NET_CONNECT_MAX 64 /* --connect */
#define NET_ACCESS_MAX 256 /* ids on an access list */
#define NET_WATCH_MAX 1000 /* keys that one peer watches */
#define NET_BANS_MAX 4096
#define NET_ADDRESSES_MAX 2048	   /* known to the table of peers */
#define NET_ENDPOINT_MAX 256	   /* "HOST:PORT" and NUL */
#define NET_SAVED_MAX (512u << 10) /* bytes of net_save() */

struct net;
struct net_port;

enum net_port_kind { NET_CONSENSUS, NET_READER, NET_PORTS };

/* What a node says it is, in its HELLO. */
enum net_mode { NET_MINER, NET_FULL_NODE, NET_LIGHT, NET_MODES };

/* Who may ask for blocks, headers, proofs (network.md, Access). */
enum net_access {
	NET_ACCESS_OPEN,
	NET_ACCESS_MEMBERS,
	NET_ACCESS_LIST, /* members, and the ids of options and net_grant() */
};

/* What a peer says to our wish to ask it for the chain. */
enum net_wish {
	NET_WISH_NONE, /* nothing; we did not ask */
	NET_WISH_SENT,
	NET_WISH_GRANTED,
	NET_WISH_REFUSED,
	NET_WISH_NOT_FULL, /* it keeps no chain */
	NET_WISHES
};

/* A peer to connect to, or to expect. */
struct net_endpoint {
	uint8_t id[NET_ID_SIZE];	/* Ed25519 public key */
	char address[NET_ENDPOINT_MAX]; /* "HOST:PORT", "[::1]:9444"; "": it
					 * connects to us */
};

/* Milliseconds; 0 stands for the default in brackets. */
struct net_timing {
	uint32_t hello;	    /* from the connection to its HELLO [5,000] */
	uint32_t slow;	    /* a send queue without progress [10,000] */
	uint32_t frame;	    /* a message under way without its end [30,000] */
	uint32_t answer;    /* a request without an answer [10,000] */
	uint32_t ping;	    /* between pings; three unanswered: [20,000] */
	uint32_t retry;	    /* the first pause before connecting again [250] */
	uint32_t retry_max; /* its bound for others than members [60,000] */
	uint32_t retry_member; /* and for members: 4 delta [4,000] */
	uint32_t refuse;       /* a member's id after an offence [60,000] */
	uint32_t announce;     /* transactions are announced together [100] */
	uint32_t publish;      /* of what net_look(), net_bans() copy [500] */
};

/* Other bounds than the design's, for tests and benches; 0: the design's. With
 * one that is set members have the same. */
struct net_limits {
	uint32_t inbound;
	uint32_t outbound;
	uint32_t pending;
	uint32_t per_network;
	uint32_t bytes_per_s;	/* [1 MiB; members 8 MiB] */
	uint32_t bytes_burst;	/* [4 MiB; members 16 MiB] */
	uint32_t txs_per_s;	/* [50; members 200] */
	uint32_t txs_burst;	/* [500; members 2,000] */
	uint32_t send_queue;	/* bytes [2 MiB; members 8 MiB] */
	uint32_t receive_queue; /* bytes [1 MiB; members 2 MiB] */
	/* Keys and ids that requests make the reader look up. */
	uint32_t lookups_per_s; /* [100; members 1,000] */
	uint32_t lookups_burst; /* [1,000; members 10,000] */
	uint32_t checks_per_s;	/* of signatures [64; members 512] */
	uint32_t checks_burst;	/* [256; members 2,048] */
};

/*
 * The canonical id of a gossip message, by which copies are recognised:
 * writes 32 bytes that include the type and returns true; false: this message
 * is never a copy. Called by the net thread for every message of the types
 * CERT, VOTE, BEAT, HAVE and TX: pure, and quick.
 */
typedef bool net_identify(void *ctx, uint8_t id[static 32], uint8_t type,
			  const uint8_t *data, size_t len);

struct net_options {
	uint8_t secret[32];	  /* Ed25519; copied */
	struct base_hash genesis; /* of the chain */
	uint32_t max_block_bytes;
	enum net_mode mode;
	uint64_t height;    /* of the tip, for HELLO; later net_set_height() */
	const char *listen; /* "0.0.0.0:9444", "[::]:0"; NULL: do not */
	const struct net_endpoint *member; /* by committee index; copied */
	uint32_t members;
	int self;			    /* our index among them, or -1 */
	const struct net_endpoint *connect; /* copied */
	uint32_t connects;
	bool discover; /* connect to addresses heard of */
	enum net_access access;
	const uint8_t (*access_list)[NET_ID_SIZE]; /* copied */
	uint32_t access_count;
	net_identify *identify; /* NULL: no message is ever a copy */
	void *identify_ctx;
	struct net_timing timing;
	struct net_limits limits;
	const uint8_t *saved; /* of an earlier net_save(); NULL; copied */
	size_t saved_len;     /* what is damaged is left out */
	/* Called by the net thread after it queued something for a port; must
	 * not block. NULL: nobody sleeps there. */
	void (*wake[NET_PORTS])(void *ctx);
	void *wake_ctx[NET_PORTS];
	/* One line for the log; by the net thread; must not block. NULL. */
	void (*log)(void *ctx, const char *line);
	void *log_ctx;
};

/*
 * Listens and starts the thread. 0; -EINVAL: an address; -EADDRINUSE,
 * -EADDRNOTAVAIL, -EACCES...: it cannot be listened on; -ENOSYS, -EPERM: the
 * kernel offers no io_uring, and what can be done; -EOPNOTSUPP: its io_uring
 * is too old; -ENOMEM; @err says.
 */
BASE_MUST_CHECK int net_start(struct net **out,
			      const struct net_options *options,
			      struct base_error *err);

/* Ends the thread, closes everything and frees it. No port is used any more,
 * and what it holds is gone. NULL is allowed. */
void net_stop(struct net *n);

/* "ADDR:PORT" that it listens on, with the port that was chosen; "" when it
 * does not. */
const char *net_address(const struct net *n);
const uint8_t *net_id(const struct net *n);

/* The public key of an Ed25519 secret. 0 or -EIO. */
BASE_MUST_CHECK int net_id_of(uint8_t id[static NET_ID_SIZE],
			      const uint8_t secret[static 32]);

struct net_port *net_port(struct net *n, enum net_port_kind kind);

/* ---- buffers ---- */

/*
 * Bytes that travel. A port holds a buffer from the event that brought it, or
 * from net_buffer_get(), until net_release(). While it holds it, it may send
 * it, any number of times, one that it received as well. @data may be written
 * only between net_buffer_get() and the first net_send().
 */
struct net_buffer {
	uint8_t *data;
	uint32_t len; /* at most cap */
	uint32_t cap;
	/* The rest is private. */
	uint32_t index;
	uint32_t refs; /* the net thread's */
	uint32_t next;
	uint8_t home; /* the pool that it is from */
	uint8_t size; /* class */
	int16_t conn; /* that it is counted against, or -1 */
	uint32_t gen; /* of that connection */
};

/* A buffer of at least @len bytes, its len set to @len; NULL: none is free, or
 * @len exceeds a frame. Always answers at once. When none is free, the peer
 * that most waits for is closed, so that one who does not read keeps nobody
 * from being spoken to. */
struct net_buffer *net_buffer_get(struct net_port *p, size_t len);
void net_release(struct net_port *p, struct net_buffer *b);

/* ---- events ---- */

enum net_event_kind {
	NET_EV_UP,	   /* a peer said HELLO; NET_CONSENSUS only */
	NET_EV_DOWN,	   /* it is gone; its slot is free at the next
			    * net_next(); NET_CONSENSUS only */
	NET_EV_MESSAGE,	   /* release the buffer */
	NET_EV_UNANSWERED, /* a request of this port timed out; to the reader
			    * also: its peer is gone */
};

struct net_event {
	enum net_event_kind kind;
	uint32_t slot; /* below NET_SLOTS_MAX: the peer, for ds.h */
	uint32_t gen;  /* tells one peer of a slot from the next */
	union {
		struct {
			uint8_t id[NET_ID_SIZE];
			int member; /* its index, or -1 */
			enum net_mode mode;
			bool outbound;
			uint64_t height;
		} up;
		enum net_reason down;
		struct {
			uint8_t type; /* enum net_type */
			/* identify() knew it, and this is it. */
			bool has_id;
			uint8_t id[32];
			struct net_buffer *buffer;
		} message;
		uint8_t unanswered; /* type of the request */
	};
};

/* The oldest urgent event, else the oldest; false: there is none, and
 * the wake callback follows the next one. */
BASE_MUST_CHECK bool net_next(struct net_port *p, struct net_event *out);

/* ---- commands ---- */

struct net_send {
	uint8_t type;
	struct net_buffer *buffer; /* NULL: no payload */
	struct ds_peers to;	   /* slots; those that are gone are skipped */
	/* The canonical id, or NULL. With it peers that are known to have the
	 * message are skipped, those that get it are noted, and it is seen:
	 * further copies that arrive are dropped. So only for messages that
	 * are valid. Without it everybody in @to gets it. */
	const uint8_t *id;
};

/*
 * Queues a message for peers: to each in the order of the calls, urgent types
 * before the rest. Requests are opened for each peer; one that has too
 * many open answers UNANSWERED at once. A peer whose send queue has no room is
 * closed. A TX with an id is announced instead (TX_INV), kept for a while, and
 * sent to who asks; those that it came from are not told. 0 or -EAGAIN.
 */
BASE_MUST_CHECK int net_send(struct net_port *p, const struct net_send *s);

/* Every slot. */
struct ds_peers net_everyone(void);

/* Answers the request @e, also after other peers took the slot (then nothing
 * is sent). @buffer may be NULL. */
BASE_MUST_CHECK int net_reply(struct net_port *p, const struct net_event *e,
			      uint8_t type, struct net_buffer *buffer);

/* Hands a request to the other port, which gets it as if from the peer; this
 * one holds the buffer no more (do not release it). -EAGAIN: it still does. */
BASE_MUST_CHECK int net_pass(struct net_port *p, const struct net_event *e);

/* @id is valid: copies that arrive from now on are dropped. */
BASE_MUST_CHECK int net_seen(struct net_port *p, const uint8_t id[static 32]);

/* The peer's fault, as the wire proves: closed and banned for 24 h; a member:
 * refused for a minute. */
BASE_MUST_CHECK int net_ban(struct net_port *p, uint32_t slot);

/* Takes @points off its 100; at 0 as net_ban(). Points grow back, one a
 * second. */
BASE_MUST_CHECK int net_fault(struct net_port *p, uint32_t slot,
			      uint32_t points);

/*
 * Signatures cost the peer that made us check them: @checks of them, of one
 * message of this peer's. Those of a transaction are charged always. Those of
 * a PROPOSAL, VOTE, CERT or BEAT only when they were @useless, for the rest is
 * their signer's, whom the rules bound, and not the relaying peer's. While a
 * peer owes (net_limits, checks), for a minute at most, it is asked for no
 * transactions; a charge for what was @useless takes 10 of its points then.
 * That a message is provably bad is net_ban()'s.
 */
BASE_MUST_CHECK int net_charge(struct net_port *p, uint32_t slot,
			       uint32_t checks, bool useless);

/* ---- control, by any thread ---- */

/* Each: 0, -EAGAIN, or -EINVAL: an address. They take effect soon. */

/* Tries to be connected to @to from now on; @remove: no more. */
BASE_MUST_CHECK int net_connect(struct net *n, const struct net_endpoint *to,
				bool remove);
/* Once: after a failure, or once it has gone, there is no other try, unless @to
 * is connected to anyway. */
BASE_MUST_CHECK int net_try(struct net *n, const struct net_endpoint *to);
BASE_MUST_CHECK int net_disconnect(struct net *n,
				   const uint8_t id[static NET_ID_SIZE]);
/* Lets @id ask (NET_ACCESS_LIST), or no more. */
BASE_MUST_CHECK int
net_grant(struct net *n, const uint8_t id[static NET_ID_SIZE], bool granted);
/* Asks the peer @id, or with NULL all of them, for access to the chain; what
 * they say is in net_look(). */
BASE_MUST_CHECK int net_request_access(struct net *n, const uint8_t *id);
BASE_MUST_CHECK int net_set_height(struct net *n, uint64_t height);

/* A ban names a key, an address, or both. */
struct net_ban {
	uint8_t id[NET_ID_SIZE]; /* all zero: any */
	uint8_t address[16];	 /* IPv6 or mapped IPv4; all zero: any */
	uint64_t until_s;	 /* Unix time */
	bool manual;		 /* setban, not an offence */
};

/* Bans, or with @until_s 0 lifts every ban that names this key or address.
 * Peers it is for are closed. A member is never banned: its id is refused for
 * a minute. */
BASE_MUST_CHECK int net_set_ban(struct net *n, const struct net_ban *ban);
BASE_MUST_CHECK int net_clear_bans(struct net *n);

/* ---- views, by any thread, of the last published state ---- */

/* Copies at most @cap bans that have not run out; how many. */
uint32_t net_bans(struct net_ban *out, uint32_t cap, const struct net *n);

/* The table of addresses, scores and bans as bytes for the store. @out holds
 * NET_SAVED_MAX; returns the length. */
size_t net_save(uint8_t *out, const struct net *n);

struct net_peer_info {
	uint8_t id[NET_ID_SIZE];
	uint8_t address[16];
	uint16_t port;
	uint8_t slot;
	int8_t member; /* or -1 */
	uint8_t mode;
	bool outbound;
	bool granted;	     /* may ask */
	uint8_t wish;	     /* enum net_wish */
	uint8_t wish_reason; /* enum net_reason; with NET_WISH_REFUSED */
	uint8_t score;
	uint16_t version;
	uint64_t height;   /* as its HELLO said */
	uint64_t up_ms;	   /* Unix time */
	uint64_t bytes_in; /* before decryption */
	uint64_t bytes_out;
	uint64_t last_in_ms; /* Unix time */
	uint64_t last_out_ms;
	uint64_t ping_us;   /* the last round trip; 0: none yet */
	uint32_t queue_out; /* bytes */
	uint32_t queue_in;
};

enum net_counter {
	NET_C_BYTES_IN,
	NET_C_BYTES_OUT,
	NET_C_FRAMES_IN,
	NET_C_FRAMES_OUT,
	NET_C_ENTERS, /* io_uring_enter() */
	NET_C_ACCEPTED,
	NET_C_REFUSED,	  /* connections, for any reason */
	NET_C_HANDSHAKES, /* completed */
	NET_C_BAD_FRAMES,
	NET_C_COPIES,	  /* seen before and dropped */
	NET_C_FILTERED,	  /* not sent to who has it */
	NET_C_TX_DROPPED, /* the ring was full, or over the quota */
	NET_C_UNSOLICITED,
	NET_C_UNANSWERED,
	NET_C_BUSY,	/* requests refused */
	NET_C_SLOW,	/* peers closed for not reading */
	NET_C_OVERFLOW, /* peers closed because a ring was full */
	NET_C_BANS,
	NET_C_PAUSES, /* reading stopped for a quota or memory */
	NET_C_AGAIN,  /* commands refused by a full ring */
	NET_COUNTERS
};

/* Stable names for metrics: "bytes_in" ... */
const char *net_counter_name(enum net_counter c);

struct net_view {
	uint64_t counter[NET_COUNTERS];
	uint64_t memory;   /* bytes reserved */
	uint64_t held;	   /* bytes of it in use for messages */
	uint32_t inbound;  /* beside members */
	uint32_t outbound; /* beside members */
	uint32_t members;
	uint32_t addresses; /* known */
	uint32_t bans;
	uint32_t peers;
	struct net_peer_info peer[NET_SLOTS_MAX];
};

void net_look(struct net_view *out, const struct net *n);

#endif
