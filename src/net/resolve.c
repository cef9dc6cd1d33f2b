/* SPDX-License-Identifier: MIT */
#include "net/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>

struct question {
	uint32_t tag;
	char address[NET_ENDPOINT_MAX];
};

struct answer {
	uint32_t tag;
	bool found;
	struct net_addr addr;
};

/* Both threads hold it; the last one frees it. */
struct net_resolver {
	pthread_mutex_t lock;
	pthread_cond_t asked;
	bool closed;
	bool running;
	uint32_t holders;
	uint32_t question_first;
	uint32_t question_count;
	uint32_t answer_first;
	uint32_t answer_count;
	void (*wake)(void *ctx);
	void *wake_ctx;
	struct question question[NET_RESOLVE_DEPTH];
	struct answer answer[NET_RESOLVE_DEPTH];
};

int net_resolver_open(struct net_resolver **out, void (*wake)(void *ctx),
		      void *ctx)
{
	struct net_resolver *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)pthread_cond_init(&r->asked, NULL);
	r->holders = 1;
	r->wake = wake;
	r->wake_ctx = ctx;
	*out = r;
	return 0;
}

/* Called with the lock held; gives it back. */
static void let_go(struct net_resolver *r)
{
	bool last = --r->holders == 0;

	(void)pthread_mutex_unlock(&r->lock);
	if (!last)
		return;
	(void)pthread_mutex_destroy(&r->lock);
	(void)pthread_cond_destroy(&r->asked);
	free(r);
}

void net_resolver_close(struct net_resolver *r)
{
	if (!r)
		return;
	(void)pthread_mutex_lock(&r->lock);
	r->closed = true;
	(void)pthread_cond_signal(&r->asked);
	let_go(r);
}

static bool look_up(struct net_addr *out, const char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				 .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *list = NULL;
	struct sockaddr_storage sa;
	char host[NET_ENDPOINT_MAX];
	uint16_t port;
	bool found = false;

	if (net_addr_split(host, &port, address) < 0 ||
	    getaddrinfo(host, NULL, &hints, &list) != 0)
		return false;
	if (list && list->ai_addrlen <= sizeof(sa)) {
		memset(&sa, 0, sizeof(sa));
		memcpy(&sa, list->ai_addr, list->ai_addrlen);
		net_addr_from_socket(out, &sa);
		out->port = port;
		found = true;
	}
	freeaddrinfo(list);
	return found;
}

static void *resolver_thread(void *arg)
{
	struct net_resolver *r = arg;

	(void)pthread_mutex_lock(&r->lock);
	while (!r->closed) {
		struct answer a = {0};
		struct question q;

		if (r->question_count == 0) {
			(void)pthread_cond_wait(&r->asked, &r->lock);
			continue;
		}
		q = r->question[r->question_first];
		r->question_first = (r->question_first + 1) % NET_RESOLVE_DEPTH;
		r->question_count--;
		(void)pthread_mutex_unlock(&r->lock);
		a.tag = q.tag;
		a.found = look_up(&a.addr, q.address);
		(void)pthread_mutex_lock(&r->lock);
		if (r->closed || r->answer_count == NET_RESOLVE_DEPTH)
			continue;
		r->answer[(r->answer_first + r->answer_count++) %
			  NET_RESOLVE_DEPTH] = a;
		/* Under the lock: the net is not freed meanwhile. */
		r->wake(r->wake_ctx);
	}
	let_go(r);
	return NULL;
}

/* With the lock held, when the first name is asked for. */
static bool run(struct net_resolver *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	if (r->running)
		return true;
	if (pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ok = pthread_create(&thread, &attr, resolver_thread, r) == 0;
	(void)pthread_attr_destroy(&attr);
	r->running = ok;
	r->holders += ok;
	return ok;
}

bool net_resolve(struct net_resolver *r, uint32_t tag, const char *address)
{
	struct question *q;
	bool ok = false;

	(void)pthread_mutex_lock(&r->lock);
	if (r->question_count < NET_RESOLVE_DEPTH && run(r)) {
		q = &r->question[(r->question_first + r->question_count++) %
				 NET_RESOLVE_DEPTH];
		q->tag = tag;
		memset(q->address, 0, sizeof(q->address));
		memcpy(q->address, address,
		       strnlen(address, sizeof(q->address) - 1));
		(void)pthread_cond_signal(&r->asked);
		ok = true;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return ok;
}

bool net_resolved(struct net_resolver *r, uint32_t *tag, bool *found,
		  struct net_addr *addr)
{
	bool any;

	(void)pthread_mutex_lock(&r->lock);
	any = r->answer_count > 0;
	if (any) {
		const struct answer *a = &r->answer[r->answer_first];

		*tag = a->tag;
		*found = a->found;
		*addr = a->addr;
		r->answer_first = (r->answer_first + 1) % NET_RESOLVE_DEPTH;
		r->answer_count--;
	}
	(void)pthread_mutex_unlock(&r->lock);
	return any;
}
