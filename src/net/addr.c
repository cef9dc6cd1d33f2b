/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool is_mapped(const struct net_addr *a)
{
	return memcmp(a->ip, mapped, sizeof(mapped)) == 0;
}

int net_addr_split(char host[static NET_ENDPOINT_MAX], uint16_t *port,
		   const char *text)
{
	const char *colon = strrchr(text, ':');
	const char *from = text;
	size_t len;
	char *end;
	long value;

	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	value = strtol(colon + 1, &end, 10);
	if (*end != '\0' || value > 65535)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (len < 3 || text[len - 1] != ']')
			return -EINVAL;
		from++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL;
	}
	if (len >= NET_ENDPOINT_MAX)
		return -EINVAL;
	memcpy(host, from, len);
	host[len] = '\0';
	*port = (uint16_t)value;
	return 0;
}

int net_addr_parse(struct net_addr *out, const char *text)
{
	char host[NET_ENDPOINT_MAX];
	struct net_addr a;

	if (net_addr_split(host, &a.port, text) < 0)
		return -EINVAL;
	memcpy(a.ip, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, host, a.ip + 12) != 1 &&
	    inet_pton(AF_INET6, host, a.ip) != 1)
		return -EINVAL;
	*out = a;
	return 0;
}

socklen_t net_addr_to_socket(struct sockaddr_storage *out,
			     const struct net_addr *a)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(a->port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(a->port)};

	memset(out, 0, sizeof(*out));
	if (is_mapped(a)) {
		memcpy(&v4.sin_addr, a->ip + 12, 4);
		memcpy(out, &v4, sizeof(v4));
		return sizeof(v4);
	}
	memcpy(&v6.sin6_addr, a->ip, 16);
	memcpy(out, &v6, sizeof(v6));
	return sizeof(v6);
}

void net_addr_from_socket(struct net_addr *out,
			  const struct sockaddr_storage *a)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	memset(out, 0, sizeof(*out));
	if (a->ss_family == AF_INET) {
		memcpy(&v4, a, sizeof(v4));
		memcpy(out->ip, mapped, sizeof(mapped));
		memcpy(out->ip + 12, &v4.sin_addr, 4);
		out->port = ntohs(v4.sin_port);
	} else if (a->ss_family == AF_INET6) {
		memcpy(&v6, a, sizeof(v6));
		memcpy(out->ip, &v6.sin6_addr, 16);
		out->port = ntohs(v6.sin6_port);
	}
}

void net_addr_text(char out[static NET_ADDR_TEXT_MAX], const struct net_addr *a)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (is_mapped(a)) {
		(void)inet_ntop(AF_INET, a->ip + 12, host, sizeof(host));
		(void)snprintf(out, NET_ADDR_TEXT_MAX, "%s:%u", host, a->port);
		return;
	}
	(void)inet_ntop(AF_INET6, a->ip, host, sizeof(host));
	(void)snprintf(out, NET_ADDR_TEXT_MAX, "[%s]:%u", host, a->port);
}

bool net_addr_same_network(const struct net_addr *a, const struct net_addr *b)
{
	/* The first 15 bytes of a mapped address are its /24. */
	return is_mapped(a) == is_mapped(b) &&
	       memcmp(a->ip, b->ip, is_mapped(a) ? 15 : 6) == 0;
}

bool net_addr_same_host(const struct net_addr *a, const struct net_addr *b)
{
	return memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

struct net_group net_addr_group(const struct net_addr *a)
{
	struct net_group g = {{is_mapped(a) ? 4 : 6}};

	memcpy(g.b + 1, is_mapped(a) ? a->ip + 12 : a->ip,
	       is_mapped(a) ? 2 : 4);
	return g;
}
