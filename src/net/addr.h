/* SPDX-License-Identifier: MIT */
/*
 * addr.h: socket addresses as 16 bytes and a port, and the table of those
 * that were heard of.
 *
 * Floor 4. IPv4 is written as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2). Times
 * in the table are Unix seconds.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <sys/socket.h>

#include "base/prng.h"
#include "net/net.h"

struct net_addr {
	uint8_t ip[16];
	uint16_t port;
};

/* Splits "HOST:PORT", "[IPV6]:PORT" into @host, of NET_ENDPOINT_MAX, and a
 * port of 0..65535. 0 or -EINVAL. */
BASE_MUST_CHECK int net_addr_split(char host[static NET_ENDPOINT_MAX],
				   uint16_t *port, const char *text);

/* A numeric address. 0 or -EINVAL: it is a name, or nothing. */
BASE_MUST_CHECK int net_addr_parse(struct net_addr *out, const char *text);
socklen_t net_addr_to_socket(struct sockaddr_storage *out,
			     const struct net_addr *a);
void net_addr_from_socket(struct net_addr *out,
			  const struct sockaddr_storage *a);

/* "1.2.3.4:5" or "[::1]:5" and NUL. */
#define NET_ADDR_TEXT_MAX 64
void net_addr_text(char out[static NET_ADDR_TEXT_MAX],
		   const struct net_addr *a);

/* Both lie in one /24 (IPv4) or /48. */
bool net_addr_same_network(const struct net_addr *a, const struct net_addr *b);
bool net_addr_same_host(const struct net_addr *a, const struct net_addr *b);

/* ---- the table ---- */

struct net_known {
	struct net_addr addr;
	uint8_t id[NET_ID_SIZE];
	uint32_t seen_s;
	uint32_t failures; /* to connect, in a row */
	uint64_t tried_ms; /* of the monotonic clock; 0: not yet */
};

struct net_known_table {
	uint32_t count;
	struct net_known entry[NET_ADDRESSES_MAX];
};

/* Adds it, or brings up to date what is known of this id. A full table loses
 * an old one, chosen by @prng. */
void net_known_add(struct net_known_table *t, struct base_prng *prng,
		   const struct net_addr *addr,
		   const uint8_t id[static NET_ID_SIZE], uint32_t seen_s);
struct net_known *net_known_find(struct net_known_table *t,
				 const uint8_t id[static NET_ID_SIZE]);
void net_known_remove(struct net_known_table *t, struct net_known *k);

#endif
