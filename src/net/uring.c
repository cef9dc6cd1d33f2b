/* SPDX-License-Identifier: MIT */
#include "net/uring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <liburing.h>

#include "base/assert.h"

#define ENTRIES 512u
#define COMPLETIONS 8192u
#define BATCH 256u
#define UNHEARD UINT64_MAX /* data of operations of our own */

struct net_uring {
	struct io_uring ring;
	struct io_uring_buf_ring *group[NET_GROUPS];
	uint8_t *memory; /* of both groups */
	uint32_t buffers;
	uint32_t files; /* places of registered files, by descriptor */
	bool attached[NET_URING_FILES_MAX];
	struct __kernel_timespec
		patience; /* of a connect; read on submission */
	uint64_t enters;
};

static int setting(void)
{
	FILE *f = fopen("/proc/sys/kernel/io_uring_disabled", "re");
	int value = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%d", &value) != 1)
		value = -1;
	(void)fclose(f);
	return value;
}

int net_uring_explain(int rc, int disabled, struct base_error *err)
{
	if ((rc == -EPERM || rc == -ENOSYS) && disabled > 0)
		return base_fail(
			err, rc,
			"io_uring is switched off on this machine "
			"(kernel.io_uring_disabled = %d); minerd needs it: "
			"sysctl kernel.io_uring_disabled=0",
			disabled);
	if (rc == -EPERM || rc == -ENOSYS)
		return base_fail(
			err, rc,
			"the kernel refuses io_uring (%s). Containers block it "
			"by default: allow io_uring_setup, io_uring_enter and "
			"io_uring_register in the seccomp profile (docker: "
			"--security-opt seccomp=unconfined). Otherwise minerd "
			"needs Linux 6.1 or newer",
			strerror(-rc));
	if (rc == -EINVAL)
		return base_fail(err, -EOPNOTSUPP,
				 "this kernel's io_uring is too old: minerd "
				 "needs Linux 6.1 or newer");
	if (rc == -ENOMEM)
		return base_fail(err, rc,
				 "no memory for io_uring: raise the limit of "
				 "locked memory (ulimit -l)");
	if (rc == -EMFILE || rc == -ENFILE)
		return base_fail(err, rc,
				 "io_uring cannot be set up: too many open "
				 "files; raise their limit (ulimit -n)");
	return base_fail(err, rc, "io_uring cannot be set up: %s",
			 strerror(-rc));
}

static size_t group_bytes(const struct net_uring *u)
{
	return (size_t)u->buffers * NET_URING_BUFFER_BYTES;
}

static void offer(struct net_uring *u, uint32_t group, uint32_t index, int at)
{
	io_uring_buf_ring_add(u->group[group],
			      net_uring_buffer(u, group, index),
			      NET_URING_BUFFER_BYTES, (unsigned short)index,
			      io_uring_buf_ring_mask(u->buffers), at);
}

static int open_group(struct net_uring *u, uint32_t group)
{
	size_t bytes = sizeof(struct io_uring_buf) * u->buffers;
	struct io_uring_buf_reg reg = {.ring_entries = u->buffers,
				       .bgid = (unsigned short)group};
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (p == MAP_FAILED)
		return -ENOMEM;
	reg.ring_addr = (uintptr_t)p;
	rc = io_uring_register_buf_ring(&u->ring, &reg, 0);
	if (rc < 0) {
		(void)munmap(p, bytes);
		return rc;
	}
	u->group[group] = p;
	io_uring_buf_ring_init(u->group[group]);
	for (uint32_t i = 0; i < u->buffers; i++)
		offer(u, group, i, (int)i);
	io_uring_buf_ring_advance(u->group[group], (int)u->buffers);
	return 0;
}

/* No more than may be open: beyond it the library would raise that limit. */
static void open_files(struct net_uring *u)
{
	struct rlimit limit;
	uint32_t most = NET_URING_FILES_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < most)
		most = (uint32_t)limit.rlim_cur;
	if (io_uring_register_files_sparse(&u->ring, most) == 0)
		u->files = most;
}

int net_uring_open(struct net_uring **out, uint32_t buffers,
		   struct base_error *err)
{
	struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
						  IORING_SETUP_DEFER_TASKRUN |
						  IORING_SETUP_CQSIZE,
					 .cq_entries = COMPLETIONS};
	struct net_uring *u = calloc(1, sizeof(*u));
	int rc;

	BASE_ASSERT(buffers <= NET_URING_BUFFERS_MAX);
	if (!u)
		return base_fail(err, -ENOMEM, "no memory for io_uring");
	u->buffers = buffers;
	u->ring.ring_fd = -1;
	u->memory =
		mmap(NULL, group_bytes(u) * NET_GROUPS, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (u->memory == MAP_FAILED) {
		free(u);
		return base_fail(err, -ENOMEM, "no memory for io_uring");
	}
	rc = io_uring_queue_init_params(ENTRIES, &u->ring, &params);
	if (rc < 0)
		u->ring.ring_fd = -1;
	/* Entering is cheaper with it; without it all works, too. */
	if (rc >= 0)
		(void)io_uring_register_ring_fd(&u->ring);
	for (uint32_t i = 0; i < NET_GROUPS && rc >= 0; i++)
		rc = open_group(u, i);
	if (rc < 0) {
		net_uring_close(u);
		return net_uring_explain(rc, setting(), err);
	}
	open_files(u);
	*out = u;
	return 0;
}

void net_uring_close(struct net_uring *u)
{
	if (!u)
		return;
	if (u->ring.ring_fd >= 0)
		io_uring_queue_exit(&u->ring);
	for (uint32_t i = 0; i < NET_GROUPS; i++)
		if (u->group[i])
			(void)munmap(u->group[i],
				     sizeof(struct io_uring_buf) * u->buffers);
	(void)munmap(u->memory, group_bytes(u) * NET_GROUPS);
	free(u);
}

static void set_file(struct net_uring *u, int fd, int to)
{
	if (fd >= 0 && (uint32_t)fd < u->files &&
	    io_uring_register_files_update(&u->ring, (unsigned)fd, &to, 1) == 1)
		u->attached[fd] = to >= 0;
}

void net_uring_attach(struct net_uring *u, int fd)
{
	set_file(u, fd, fd);
}

void net_uring_detach(struct net_uring *u, int fd)
{
	set_file(u, fd, -1);
}

/* The place of a registered file is the number of its descriptor. */
static void use_file(const struct net_uring *u, struct io_uring_sqe *sqe)
{
	if (sqe->fd >= 0 && (uint32_t)sqe->fd < u->files &&
	    u->attached[sqe->fd])
		sqe->flags |= IOSQE_FIXED_FILE;
}

/* The next free entry; a full queue is handed over first. */
static struct io_uring_sqe *entry(struct net_uring *u, uint64_t data)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe) {
		(void)io_uring_submit(&u->ring);
		u->enters++;
		sqe = io_uring_get_sqe(&u->ring);
		BASE_ASSERT(sqe);
	}
	/* The preparations below leave it alone. */
	io_uring_sqe_set_data64(sqe, data);
	return sqe;
}

void net_uring_accept(struct net_uring *u, int fd, uint64_t data)
{
	struct io_uring_sqe *sqe = entry(u, data);

	io_uring_prep_multishot_accept(sqe, fd, NULL, NULL, SOCK_CLOEXEC);
	io_uring_sqe_set_data64(sqe, data);
}

void net_uring_connect(struct net_uring *u, int fd,
		       const struct sockaddr_storage *to, socklen_t len,
		       uint32_t timeout_ms, uint64_t data)
{
	struct io_uring_sqe *sqe;

	u->patience = (struct __kernel_timespec){.tv_sec = timeout_ms / 1000,
						 .tv_nsec = timeout_ms % 1000 *
							    1000000};
	/* A link does not outlive a submission. */
	if (io_uring_sq_space_left(&u->ring) < 2) {
		(void)io_uring_submit(&u->ring);
		u->enters++;
	}
	sqe = entry(u, data);
	io_uring_prep_connect(sqe, fd, (const struct sockaddr *)to, len);
	io_uring_sqe_set_data64(sqe, data);
	use_file(u, sqe);
	sqe->flags |= IOSQE_IO_LINK;
	sqe = entry(u, UNHEARD);
	io_uring_prep_link_timeout(sqe, &u->patience, 0);
	io_uring_sqe_set_data64(sqe, UNHEARD);
}

void net_uring_receive(struct net_uring *u, int fd, enum net_uring_group group,
		       bool many, uint64_t data)
{
	struct io_uring_sqe *sqe = entry(u, data);

	if (many)
		io_uring_prep_recv_multishot(sqe, fd, NULL, 0, 0);
	else
		io_uring_prep_recv(sqe, fd, NULL, NET_URING_BUFFER_BYTES, 0);
	use_file(u, sqe);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = (unsigned short)group;
	io_uring_sqe_set_data64(sqe, data);
}

void net_uring_send(struct net_uring *u, int fd, const uint8_t *bytes,
		    size_t len, uint64_t data)
{
	struct io_uring_sqe *sqe = entry(u, data);

	io_uring_prep_send(sqe, fd, bytes, len, MSG_NOSIGNAL);
	use_file(u, sqe);
	io_uring_sqe_set_data64(sqe, data);
}

void net_uring_read(struct net_uring *u, int fd, void *out, uint32_t len,
		    uint64_t data)
{
	struct io_uring_sqe *sqe = entry(u, data);

	io_uring_prep_read(sqe, fd, out, len, 0);
	io_uring_sqe_set_data64(sqe, data);
}

void net_uring_cancel(struct net_uring *u, int fd, uint64_t data)
{
	struct io_uring_sqe *sqe = entry(u, data);

	io_uring_prep_cancel_fd(sqe, fd, IORING_ASYNC_CANCEL_ALL);
	io_uring_sqe_set_data64(sqe, data);
}

void net_uring_cancel_one(struct net_uring *u, uint64_t target, uint64_t data)
{
	struct io_uring_sqe *sqe = entry(u, data);

	io_uring_prep_cancel64(sqe, target, 0);
	io_uring_sqe_set_data64(sqe, data);
}

uint8_t *net_uring_buffer(struct net_uring *u, enum net_uring_group group,
			  uint32_t index)
{
	return u->memory + group_bytes(u) * group +
	       (size_t)index * NET_URING_BUFFER_BYTES;
}

void net_uring_recycle(struct net_uring *u, enum net_uring_group group,
		       uint32_t index)
{
	offer(u, group, index, 0);
	io_uring_buf_ring_advance(u->group[group], 1);
}

void net_uring_run(struct net_uring *u, uint32_t timeout_ms,
		   net_uring_handler *handler, void *ctx)
{
	struct __kernel_timespec t = {.tv_sec = timeout_ms / 1000,
				      .tv_nsec = timeout_ms % 1000 * 1000000};
	struct io_uring_cqe *cqe[BATCH];
	struct io_uring_cqe *first;
	unsigned count;

	/* Even without a wait: deferred work is run by entering. */
	(void)io_uring_submit_and_wait_timeout(&u->ring, &first, 1, &t, NULL);
	u->enters++;
	/* Bounded: each turn takes what was complete when it began. */
	for (uint32_t turn = 0; turn < COMPLETIONS / BATCH; turn++) {
		count = io_uring_peek_batch_cqe(&u->ring, cqe, BATCH);
		for (unsigned i = 0; i < count; i++) {
			struct net_completion c = {
				.data = io_uring_cqe_get_data64(cqe[i]),
				.res = cqe[i]->res,
				.more = cqe[i]->flags & IORING_CQE_F_MORE,
				.buffer = -1};

			if (cqe[i]->flags & IORING_CQE_F_BUFFER)
				c.buffer = (int)(cqe[i]->flags >>
						 IORING_CQE_BUFFER_SHIFT);
			if (c.data != UNHEARD)
				handler(ctx, &c);
		}
		io_uring_cq_advance(&u->ring, count);
		if (count < BATCH)
			break;
	}
}

uint64_t net_uring_enters(const struct net_uring *u)
{
	return u->enters;
}

size_t net_uring_bytes(const struct net_uring *u)
{
	return group_bytes(u) * NET_GROUPS;
}
