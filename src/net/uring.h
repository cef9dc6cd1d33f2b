/* SPDX-License-Identifier: MIT */
/*
 * uring.h: the kernel's rings; the only user of liburing.
 *
 * Floor 4. One thread opens it, prepares operations, and runs: each run hands
 * the kernel everything that was prepared and takes what is complete, with
 * one system call. What is received lies in buffers that the kernel chose
 * from two groups, one for members, one for everybody else, so that strangers
 * cannot use up those of members. Linux 6.1.
 */
#ifndef NET_URING_H
#define NET_URING_H

#include <sys/socket.h>

#include "base/error.h"
#include "base/types.h"

#define NET_URING_BUFFER_BYTES (32u << 10)
#define NET_URING_BUFFERS_MAX 256u /* of a group */
#define NET_URING_FILES_MAX 1024u  /* descriptors below may be attached */

enum net_uring_group { NET_GROUP_OTHERS, NET_GROUP_MEMBERS, NET_GROUPS };

struct net_uring;

struct net_completion {
	uint64_t data; /* as the operation was given */
	int res;       /* bytes, a descriptor, 0, or -errno */
	bool more;     /* the operation goes on */
	int buffer;    /* index of the buffer, or -1 */
};

typedef void net_uring_handler(void *ctx, const struct net_completion *c);

/* @buffers of each group, a power of two. 0; -EPERM, -ENOSYS, -EOPNOTSUPP,
 * -ENOMEM...; @err says why, and the cure. */
BASE_MUST_CHECK int net_uring_open(struct net_uring **out, uint32_t buffers,
				   struct base_error *err);
void net_uring_close(struct net_uring *u);

/* Why @rc is all that the kernel gives, and the cure, with @disabled of
 * kernel.io_uring_disabled, -1: no such setting. Returns what
 * net_uring_open() does then. */
BASE_MUST_CHECK int net_uring_explain(int rc, int disabled,
				      struct base_error *err);

/* The kernel keeps @fd at hand (registered files), which spares every operation
 * its look-up and a reference. Detach it before it is closed, when nothing is
 * under way on it. Where the kernel will not, or beyond NET_URING_FILES_MAX,
 * operations do without. */
void net_uring_attach(struct net_uring *u, int fd);
void net_uring_detach(struct net_uring *u, int fd);

/* Each prepares one operation; memory stays until it is complete. */
void net_uring_accept(struct net_uring *u, int fd, uint64_t data);
/* -ECANCELED after @timeout_ms, which must be the same in all calls. */
void net_uring_connect(struct net_uring *u, int fd,
		       const struct sockaddr_storage *to, socklen_t len,
		       uint32_t timeout_ms, uint64_t data);
/* Once, or @many times until it fails or runs out of buffers (-ENOBUFS). */
void net_uring_receive(struct net_uring *u, int fd, enum net_uring_group group,
		       bool many, uint64_t data);
void net_uring_send(struct net_uring *u, int fd, const uint8_t *bytes,
		    size_t len, uint64_t data);
void net_uring_read(struct net_uring *u, int fd, void *out, uint32_t len,
		    uint64_t data);
/* Everything under way on @fd completes with -ECANCELED, soon. */
void net_uring_cancel(struct net_uring *u, int fd, uint64_t data);

/* The operation that was given @target. */
void net_uring_cancel_one(struct net_uring *u, uint64_t target, uint64_t data);

uint8_t *net_uring_buffer(struct net_uring *u, enum net_uring_group group,
			  uint32_t index);
/* The kernel may fill it again. */
void net_uring_recycle(struct net_uring *u, enum net_uring_group group,
		       uint32_t index);

/* Submits, waits until something is complete or @timeout_ms have passed (0:
 * does not wait), and calls @handler for each completion. */
void net_uring_run(struct net_uring *u, uint32_t timeout_ms,
		   net_uring_handler *handler, void *ctx);

/* How often the kernel was entered, and how much memory is reserved. */
uint64_t net_uring_enters(const struct net_uring *u);
size_t net_uring_bytes(const struct net_uring *u);

#endif
