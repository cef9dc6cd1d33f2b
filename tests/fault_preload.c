/* SPDX-License-Identifier: MIT */
/*
 * fault_preload.c: makes the storage of an unmodified program fail.
 *
 *   LD_PRELOAD=build/tests/libfault_preload.so MINERD_FAULT=MODE:N program
 *
 * The Nth call (from 1) that changes a file whose name ends in "data.mdb" is
 * the one that MODE happens to. Counted, over all threads, are pwrite,
 * pwritev, write, writev, ftruncate, fsync, fdatasync, and rename to such a
 * name. Modes:
 *
 *   kill-before     SIGKILL instead of the call
 *   kill-torn       SIGKILL after the first half of the bytes was written;
 *                   as kill-before for calls that write none
 *   kill-after      SIGKILL after the call
 *   fail-ENOSPC     fails with that error, and so does every later call
 *   fail-EIO
 *   fail-ENOSPC-once, fail-EIO-once
 *                   fails this one call
 *   short           writes the first half and says so, as a disk that fills
 *                   up does; later calls fail with ENOSPC
 *   short-once      later calls succeed
 *
 * Without MINERD_FAULT nothing happens; one that cannot be read ends the
 * program with status 127, so that no test passes because of a slip. LMDB's
 * msync is for MDB_WRITEMAP, which the store does not use.
 */
/* Both names of a call are defined here, so neither may become the other. */
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum fault { NONE, KILL_BEFORE, KILL_TORN, KILL_AFTER, FAIL, SHORT };

static const struct mode {
	const char *name;
	enum fault fault;
	int error; /* of the calls after it, and of FAIL itself */
	bool once;
} modes[] = {
	{"kill-before", KILL_BEFORE, 0, true},
	{"kill-torn", KILL_TORN, 0, true},
	{"kill-after", KILL_AFTER, 0, true},
	{"fail-ENOSPC", FAIL, ENOSPC, false},
	{"fail-EIO", FAIL, EIO, false},
	{"fail-ENOSPC-once", FAIL, ENOSPC, true},
	{"fail-EIO-once", FAIL, EIO, true},
	{"short", SHORT, ENOSPC, false},
	{"short-once", SHORT, ENOSPC, true},
};

#define SUFFIX "data.mdb"

/* Set before main() and only read from then on. */
static const struct mode *mode;
static unsigned long at;

/* A plain counter: relaxed, since nothing else is ordered by it. */
static _Atomic unsigned long calls;

static __attribute__((constructor)) void read_mode(void)
{
	const char *text = getenv("MINERD_FAULT");
	const char *colon = text ? strrchr(text, ':') : NULL;
	char *end = NULL;

	if (!text)
		return;
	for (size_t i = 0; colon && i < sizeof(modes) / sizeof(*modes); i++)
		if (strlen(modes[i].name) == (size_t)(colon - text) &&
		    strncmp(modes[i].name, text, (size_t)(colon - text)) == 0)
			mode = &modes[i];
	if (mode)
		at = strtoul(colon + 1, &end, 10);
	if (!mode || at == 0 || *end != '\0') {
		(void)fprintf(stderr, "fault_preload: MINERD_FAULT=%s?\n",
			      text);
		_exit(127);
	}
}

static bool is_data(const char *name, size_t len)
{
	size_t suffix = strlen(SUFFIX);

	return len >= suffix &&
	       memcmp(name + len - suffix, SUFFIX, suffix) == 0;
}

/* Counts a call and says what happens to it; sets errno for FAIL. */
static enum fault count(void)
{
	unsigned long n =
		atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;

	if (n < at || (n > at && mode->once))
		return NONE;
	errno = mode->error;
	if (n > at)
		return FAIL;
	return mode->fault;
}

static enum fault on_fd(int fd)
{
	char link[64], name[PATH_MAX];
	int saved = errno;
	ssize_t len;

	if (!mode)
		return NONE;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, name, sizeof(name));
	errno = saved;
	return len > 0 && is_data(name, (size_t)len) ? count() : NONE;
}

static void die(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

/* One that writes no bytes: what comes before the call, then after. */
static long around(enum fault fault, long number, long a, long b)
{
	long rc;

	if (fault == KILL_BEFORE || fault == KILL_TORN)
		die();
	if (fault == FAIL || fault == SHORT)
		return -1;
	rc = syscall(number, a, b);
	if (fault == KILL_AFTER)
		die();
	return rc;
}

/* Cuts @iov down to half its bytes; @out holds @count of them. */
static int halve(struct iovec *out, const struct iovec *iov, int count)
{
	size_t left = 0;
	int n = 0;

	for (int i = 0; i < count; i++)
		left += iov[i].iov_len;
	left /= 2;
	while (n < count && left > 0) {
		out[n] = iov[n];
		if (out[n].iov_len > left)
			out[n].iov_len = left;
		left -= out[n].iov_len;
		n++;
	}
	return n;
}

/* Every write comes down to this; @offset -1: at the file's position. */
static ssize_t put(int fd, const struct iovec *iov, int n, off_t offset)
{
	struct iovec half[IOV_MAX];
	enum fault fault = on_fd(fd);
	ssize_t rc;

	if (fault == KILL_BEFORE)
		die();
	if (fault == FAIL)
		return -1;
	if ((fault == KILL_TORN || fault == SHORT) && n <= IOV_MAX) {
		n = halve(half, iov, n);
		iov = half;
	}
	if (offset < 0)
		rc = syscall(SYS_writev, fd, iov, n);
	else
		rc = syscall(SYS_pwritev, fd, iov, n, offset, 0);
	if (fault == KILL_TORN || fault == KILL_AFTER)
		die();
	return rc;
}

static ssize_t put_one(int fd, const void *data, size_t len, off_t offset)
{
	union {
		const void *in;
		void *out;
	} bytes = {data};
	struct iovec iov = {bytes.out, len};

	return put(fd, &iov, 1, offset);
}

ssize_t write(int fd, const void *data, size_t len)
{
	return put_one(fd, data, len, -1);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
	return put_one(fd, data, len, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset)
{
	return put_one(fd, data, len, offset);
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	return put(fd, iov, n, -1);
}

ssize_t pwritev(int fd, const struct iovec *iov, int n, off_t offset)
{
	return put(fd, iov, n, offset);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int n, off64_t offset)
{
	return put(fd, iov, n, offset);
}

int fsync(int fd)
{
	return (int)around(on_fd(fd), SYS_fsync, fd, 0);
}

int fdatasync(int fd)
{
	return (int)around(on_fd(fd), SYS_fdatasync, fd, 0);
}

int ftruncate(int fd, off_t len)
{
	return (int)around(on_fd(fd), SYS_ftruncate, fd, len);
}

int ftruncate64(int fd, off64_t len)
{
	return (int)around(on_fd(fd), SYS_ftruncate, fd, len);
}

int rename(const char *from, const char *to)
{
	enum fault fault = NONE;

	if (mode && is_data(to, strlen(to)))
		fault = count();
	return (int)around(fault, SYS_rename, (long)from, (long)to);
}
