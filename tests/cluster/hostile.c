/* SPDX-License-Identifier: MIT */
/*
 * Peers that mean harm, one after the other, against nodes that run: each
 * comes with a new key from a new address of this machine and breaks one rule
 * or one quota until it is thrown out.
 *
 *   hostile GENESIS SEED NODE_ID@ADDR:PORT...
 *
 * Goes round the nodes until its standard input ends; prints what it did.
 */
#include "../net_raw.h"

#include "base/prng.h"

#define TARGETS_MAX 64
#define IDLE_MAX 16	  /* connections that are kept and say nothing */
#define FLOOD_FRAMES 4000 /* of one peer; far beyond every burst */

static struct raw r;
static struct raw idle[IDLE_MAX];
static struct node target[TARGETS_MAX];
static struct base_hash genesis;
static struct base_prng prng;
static uint8_t page[NET_RECORD_MAX];
static uint64_t frames;
static uint64_t peers;

static void random_bytes(void *out, size_t len)
{
	uint8_t *p = out;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)base_prng_u64(&prng);
}

/* An address that nobody was banned by yet. */
static void open_new(struct raw *to, const struct node *n)
{
	const struct timeval patience = {.tv_sec = 1};
	char from[NET_ENDPOINT_MAX];

	(void)snprintf(from, sizeof(from), "127.%u.%u.%u:0",
		       128 + (unsigned)base_prng_below(&prng, 100),
		       (unsigned)base_prng_below(&prng, 256),
		       1 + (unsigned)base_prng_below(&prng, 254));
	raw_open_from(to, n, 0, from);
	/* A peer that does not read us must not hold up the others. */
	(void)setsockopt(to->fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
			 sizeof(patience));
	peers++;
}

static bool shake(struct raw *to, const uint8_t *expect)
{
	struct base_error err;
	uint8_t secret[32];

	random_bytes(secret, sizeof(secret));
	return net_tls_open(&to->tls, to->id, secret, &err) == 0 &&
	       raw_handshake_with(to, to->tls, expect);
}

static bool hello(struct raw *to, const struct base_hash *chain)
{
	struct net_hello h = raw_hello_of();

	h.genesis = *chain;
	h.nonce = base_prng_u64(&prng);
	return raw_hello(to, &h);
}

static bool frame(uint8_t type, const void *payload, uint32_t len)
{
	frames++;
	return raw_frame(&r, len, type, 0, payload, len);
}

static void flood(uint8_t type, uint32_t len)
{
	for (int i = 0; i < FLOOD_FRAMES; i++) {
		random_bytes(page, len < 64 ? len : 64);
		if (!frame(type, page, len))
			return;
	}
}

/* A vote, or a beat, of the right shape and with no right signature. */
static void false_votes(void)
{
	uint8_t vote[DS_VOTE_SIZE];

	for (int i = 0; i < FLOOD_FRAMES; i++) {
		random_bytes(vote, sizeof(vote));
		memset(vote, 0, 12);		 /* epoch, height */
		vote[4] = (uint8_t)(1 + i % 50); /* some is F + 1 */
		vote[44] = (uint8_t)(i % 4);
		if (!frame(NET_VOTE, vote, sizeof(vote)))
			return;
	}
}

static void bad_header(void)
{
	uint8_t data[NET_FRAME_HEADER];

	random_bytes(data, sizeof(data));
	frames++;
	(void)raw_seal(&r, data, sizeof(data));
}

static void too_long(void)
{
	frames++;
	(void)raw_frame(&r, UINT32_MAX, NET_BLOCK, 0, page, 100);
}

/* Asks for much, and reads nothing. */
static void slow_reader(void)
{
	uint8_t range[8] = {1, 0, 0, 0, 0xd0, 7};

	for (int i = 0; i < FLOOD_FRAMES; i++)
		if (!frame(NET_GET_HEADERS, range, sizeof(range)))
			return;
}

static void once_inside(uint64_t kind)
{
	switch (kind) {
	case 0:
		bad_header();
		break;
	case 1:
		too_long();
		break;
	case 2:
		flood(NET_PING, 8);
		break;
	case 3:
		flood(NET_TX, 4000);
		break;
	case 4:
		false_votes();
		break;
	case 5:
		slow_reader();
		break;
	case 6:
		flood(NET_HAVE, 32);
		break;
	case 7:
		flood(NET_TX_INV, 3200);
		break;
	default:
		flood(NET_EVID, DS_EVID_SIZE);
		break;
	}
}

static void attack(const struct node *n)
{
	static uint32_t next_idle;
	uint64_t kind = base_prng_below(&prng, 13);
	struct base_hash other;
	uint8_t wrong[NET_ID_SIZE];
	struct raw *i;

	switch (kind) {
	case 9: /* half open */
		i = &idle[next_idle++ % IDLE_MAX];
		raw_close(i);
		open_new(i, n);
		return;
	case 10: /* no TLS */
		open_new(&r, n);
		random_bytes(page, 2000);
		(void)raw_bytes(&r, page, 2000);
		break;
	case 11: /* who it is not */
		open_new(&r, n);
		random_bytes(wrong, sizeof(wrong));
		(void)shake(&r, wrong);
		break;
	case 12: /* another chain */
		open_new(&r, n);
		random_bytes(&other, sizeof(other));
		if (shake(&r, n->id))
			(void)hello(&r, &other);
		(void)raw_more(&r, 1000);
		break;
	default:
		open_new(&r, n);
		if (shake(&r, n->id) && hello(&r, &genesis))
			once_inside(kind);
		break;
	}
	raw_close(&r);
}

static bool told_to_end(void)
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

int main(int argc, char **argv)
{
	uint32_t count = 0;

	if (argc < 4 || base_hash_from_hex(&genesis, argv[1]) < 0)
		return 2;
	prng = base_prng_init(strtoull(argv[2], NULL, 10));
	for (int i = 3; i < argc && count < TARGETS_MAX; i++, count++) {
		char id[2 * NET_ID_SIZE + 1] = "";

		memcpy(id, argv[i], 2 * NET_ID_SIZE);
		if (strlen(argv[i]) < 2 * NET_ID_SIZE + 2 ||
		    base_from_hex(target[count].id, NET_ID_SIZE, id) < 0)
			return 2;
		(void)snprintf(target[count].self.address,
			       sizeof(target[count].self.address), "%s",
			       argv[i] + 2 * NET_ID_SIZE + 1);
	}
	r.fd = -1;
	for (uint32_t i = 0; i < IDLE_MAX; i++)
		idle[i].fd = -1;
	for (uint32_t i = 0; !told_to_end(); i++)
		attack(&target[i % count]);
	(void)printf("%llu peers, %llu frames\n", (unsigned long long)peers,
		     (unsigned long long)frames);
	return 0;
}
