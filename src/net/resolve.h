/* SPDX-License-Identifier: MIT */
/*
 * resolve.h: names of hosts to addresses, in a thread of its own, because
 * getaddrinfo() waits for others.
 *
 * Floor 4.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/addr.h"

#define NET_RESOLVE_DEPTH 256u

struct net_resolver;

/* 0 or -errno. @wake is called by the thread after each answer. */
BASE_MUST_CHECK int net_resolver_open(struct net_resolver **out,
				      void (*wake)(void *ctx), void *ctx);
/* Does not wait for a name that is being looked up. */
void net_resolver_close(struct net_resolver *r);

/* Asks for "HOST:PORT"; @tag comes back. False: too many wait. */
BASE_MUST_CHECK bool net_resolve(struct net_resolver *r, uint32_t tag,
				 const char *address);
/* An answer; @found false: there is none. False: none is there. */
BASE_MUST_CHECK bool net_resolved(struct net_resolver *r, uint32_t *tag,
				  bool *found, struct net_addr *addr);

#endif
