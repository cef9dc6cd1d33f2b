/* SPDX-License-Identifier: MIT */
/*
 * A preloaded library that moves CLOCK_REALTIME by as many milliseconds as the
 * file that TEST_CLOCK_FILE names says, from one moment to the next: a step
 * of the system's clock, for one process.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 32

static long shift_ms(void)
{
	const char *path = getenv("TEST_CLOCK_FILE");
	char text[TEXT_MAX] = "";
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	int (*real)(clockid_t, struct timespec *);
	long ms;
	int rc;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	rc = real(id, out);
	if (rc != 0 || id != CLOCK_REALTIME)
		return rc;
	ms = shift_ms() + out->tv_nsec / 1000000;
	out->tv_sec += ms / 1000;
	ms %= 1000;
	if (ms < 0) {
		ms += 1000;
		out->tv_sec--;
	}
	out->tv_nsec = ms * 1000000 + out->tv_nsec % 1000000;
	return 0;
}
