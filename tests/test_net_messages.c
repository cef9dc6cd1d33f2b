/* SPDX-License-Identifier: MIT */
/* Whatever keeps the network from starting is named, and its cure. */
#include "net_fixture.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "net/uring.h"

#define NO_FILTERS 77

/* What the system says, and what the user must read. */
struct refusal {
	long call; /* system call that fails with... */
	int error;
	const char *listen;
	int rc;
	const char *cause;
	const char *cure;
};

static const struct refusal refusals[] = {
	/* A container's filter, and a kernel without it. */
	{__NR_io_uring_setup, EPERM, NULL, -EPERM, "io_uring", "seccomp"},
	{__NR_io_uring_setup, ENOSYS, NULL, -ENOSYS, "io_uring", "Linux 6.1"},
	{__NR_io_uring_setup, EINVAL, NULL, -EOPNOTSUPP, "io_uring is too old",
	 "Linux 6.1"},
	{__NR_io_uring_setup, ENOMEM, NULL, -ENOMEM, "memory", "ulimit -l"},
	{__NR_io_uring_setup, EMFILE, NULL, -EMFILE, "io_uring", "open files"},
	{__NR_io_uring_register, EPERM, NULL, -EPERM, "io_uring", "seccomp"},
	{__NR_bind, EACCES, "127.0.0.1:80", -EACCES, "may not listen",
	 "1024 or more"},
	{__NR_bind, EADDRINUSE, "127.0.0.1:80", -EADDRINUSE, "is in use",
	 "another port with --listen"},
	{__NR_socket, EAFNOSUPPORT, "[::1]:80", -EAFNOSUPPORT, "no IPv6",
	 "an IPv4 address with --listen"},
};

static bool filter(long call, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | ((uint32_t)error & 0xffff)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = BASE_COUNT(code), .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int start_refused(const struct refusal *r)
{
	struct base_error err = {""};
	struct net_options o;
	struct net *net;
	struct node n;
	int disabled = 0;
	FILE *f = fopen("/proc/sys/kernel/io_uring_disabled", "re");

	if (f) {
		if (fscanf(f, "%d", &disabled) != 1)
			disabled = 0;
		(void)fclose(f);
	}
	/* Then that is the cause, whatever a filter says. */
	if (disabled > 0)
		return NO_FILTERS;
	node_key(&n, 1);
	o = node_options(&n);
	if (r->listen)
		o.listen = r->listen;
	if (!filter(r->call, r->error))
		return NO_FILTERS;
	if (net_start(&net, &o, &err) != r->rc)
		return 1;
	(void)fprintf(stderr, "# %s\n", err.text);
	if (!strstr(err.text, r->cause) || !strstr(err.text, r->cure))
		return 2;
	return 0;
}

static void what_the_system_refuses_is_explained(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < BASE_COUNT(refusals); i++) {
		pid_t child = fork();
		int status = 0;

		assert_true(child >= 0);
		if (child == 0)
			_exit(start_refused(&refusals[i]));
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == NO_FILTERS) {
			print_message("# this system allows no filters, or no "
				      "io_uring\n");
			skip();
		}
		if (WEXITSTATUS(status) != 0)
			fail_msg("refusal %u: %d", i, WEXITSTATUS(status));
	}
}

static void a_switch_of_the_kernel_is_explained(void **state)
{
	struct base_error err = {""};

	(void)state;
	for (int level = 1; level <= 2; level++) {
		assert_int_equal(net_uring_explain(-EPERM, level, &err),
				 -EPERM);
		assert_non_null(strstr(err.text, level == 1 ? "disabled = 1"
							    : "disabled = 2"));
		assert_non_null(
			strstr(err.text, "sysctl kernel.io_uring_disabled=0"));
	}
	/* It is on: somebody else refuses. */
	assert_int_equal(net_uring_explain(-EPERM, 0, &err), -EPERM);
	assert_null(strstr(err.text, "sysctl"));
	assert_non_null(strstr(err.text, "seccomp"));
	/* Whole, however long it is. */
	assert_int_equal(err.text[strlen(err.text) - 1], 'r');
}

struct bad_address {
	const char *listen;
	const char *peer;
	int rc;
	const char *cause;
	const char *cure;
};

static const struct bad_address bad_addresses[] = {
	{"nonsense", NULL, -EINVAL, "'nonsense'", "ADDR:PORT"},
	{"localhost:1", NULL, -EINVAL, "'localhost:1'", "numeric"},
	{"127.0.0.1:65536", NULL, -EINVAL, "'127.0.0.1:65536'", "ADDR:PORT"},
	{"::1:9444", NULL, -EINVAL, "'::1:9444'", "[ADDR]:PORT"},
	{"192.0.2.1:1", NULL, -EADDRNOTAVAIL, "192.0.2.1:1 is no address",
	 "0.0.0.0:PORT"},
	{NULL, "nonsense", -EINVAL, "'nonsense'", "HOST:PORT"},
	{NULL, "host:", -EINVAL, "'host:'", "HOST:PORT"},
	{NULL, "[::1:1", -EINVAL, "'[::1:1'", "HOST:PORT"},
};

static void bad_addresses_are_explained(void **state)
{
	struct node n;

	(void)state;
	node_key(&n, 1);
	for (uint32_t i = 0; i < BASE_COUNT(bad_addresses); i++) {
		const struct bad_address *b = &bad_addresses[i];
		struct net_options o = node_options(&n);
		struct base_error err = {""};

		o.listen = b->listen;
		if (b->peer) {
			(void)snprintf(n.self.address, sizeof(n.self.address),
				       "%s", b->peer);
			o.connect = &n.self;
			o.connects = 1;
		}
		assert_int_equal(net_start(&n.net, &o, &err), b->rc);
		assert_non_null(strstr(err.text, b->cause));
		assert_non_null(strstr(err.text, b->cure));
	}
}

static void a_port_in_use_is_explained(void **state)
{
	struct base_error err = {""};
	struct net_options o;
	struct node n, other;

	(void)state;
	node_begin(&n, 1);
	node_key(&other, 2);
	o = node_options(&other);
	o.listen = n.self.address;
	assert_int_equal(net_start(&other.net, &o, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, n.self.address));
	assert_non_null(strstr(err.text, "another port with --listen"));
	node_end(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_system_refuses_is_explained),
		cmocka_unit_test(a_switch_of_the_kernel_is_explained),
		cmocka_unit_test(bad_addresses_are_explained),
		cmocka_unit_test(a_port_in_use_is_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
