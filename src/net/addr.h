/* SPDX-License-Identifier: MIT */
/*
 * addr.h: socket addresses as 16 bytes and a port.
 *
 * Floor 4. IPv4 is written as IPv4-mapped IPv6 (RFC 4291, 2.5.5.2).
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <sys/socket.h>

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

/* Addresses that one owner easily has many of: the /16 of IPv4, the /32 of
 * IPv6. */
struct net_group {
	uint8_t b[6];
};

struct net_group net_addr_group(const struct net_addr *a);

#endif
