/* SPDX-License-Identifier: MIT */
/*
 * The first questions, asked before anything runs: which node, and which
 * network if it is to follow one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <unistd.h>

#include "node/console.h"

#define ANSWER_MAX 1024
#define ADDRESSES_MAX 16

static const char *const mode_names[] = {"full", "miner", "light"};

static void print_address(const struct ifaddrs *a)
{
	char text[INET6_ADDRSTRLEN];
	const void *from = NULL;

	if (a->ifa_addr->sa_family == AF_INET)
		from = &((const struct sockaddr_in *)(const void *)a->ifa_addr)
				->sin_addr;
	else
		from = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)
				->sin6_addr;
	if (inet_ntop(a->ifa_addr->sa_family, from, text, sizeof(text)))
		(void)printf("  %s (%s)\n", text, a->ifa_name);
}

/* Those by which others may reach it. */
static void show_addresses(void)
{
	struct ifaddrs *list;
	int shown = 0;

	(void)puts("This machine's addresses:");
	if (getifaddrs(&list) < 0)
		list = NULL;
	for (const struct ifaddrs *a = list; a && shown < ADDRESSES_MAX;
	     a = a->ifa_next) {
		if (!a->ifa_addr || (a->ifa_flags & IFF_LOOPBACK) ||
		    (a->ifa_addr->sa_family != AF_INET &&
		     a->ifa_addr->sa_family != AF_INET6))
			continue;
		print_address(a);
		shown++;
	}
	if (shown == 0)
		(void)puts("  127.0.0.1 alone: no other machine can reach it");
	if (list)
		freeifaddrs(list);
}

/* False: the input ended. */
static bool ask(char out[static ANSWER_MAX], const char *question)
{
	(void)fputs(question, stdout);
	(void)fflush(stdout);
	if (!fgets(out, ANSWER_MAX, stdin))
		return false;
	/* A line that is too long is no answer; its rest goes. */
	if (!strchr(out, '\n')) {
		int c;

		do {
			c = getchar();
		} while (c != '\n' && c != EOF);
		(void)strcpy(out, "such a long line");
	}
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static int ask_mode(const char **mode, enum net_mode now)
{
	char answer[ANSWER_MAX];
	char question[64];
	size_t usual = now == NET_FULL_NODE ? 0 : now == NET_LIGHT ? 2 : 1;

	(void)puts(
		"Which node shall run?\n"
		"  1 full   keeps and validates the chain of a network\n"
		"  2 miner  proposes blocks; alone it makes its own network\n"
		"  3 light  keeps headers, and proofs of its own payments");
	(void)snprintf(question, sizeof(question),
		       "1, 2 or 3 [%zu]: ", usual + 1);
	while (ask(answer, question)) {
		*mode = mode_names[usual];
		if (!*answer)
			return 0;
		for (size_t i = 0; i < BASE_COUNT(mode_names); i++) {
			*mode = mode_names[i];
			if ((answer[0] == (char)('1' + i) && !answer[1]) ||
			    strcmp(answer, mode_names[i]) == 0)
				return 0;
		}
		(void)printf("'%.60s' is none of 1, 2 and 3.\n", answer);
	}
	return -ECANCELED;
}

/* Who follows a network needs its file. */
static int ask_network(struct node_config *c)
{
	char path[NODE_PATH_MAX + 16];
	char answer[ANSWER_MAX];
	struct base_error err;

	(void)snprintf(path, sizeof(path), "%s/network.json", c->datadir);
	while (!*c->network && access(path, R_OK) < 0) {
		(void)printf("There is no %s.\n", path);
		if (!ask(answer, "The network's file: "))
			return -ECANCELED;
		if (access(answer, R_OK) == 0 &&
		    node_config_choose(c, "network", answer, &err) == 0)
			return 0;
		(void)printf("'%.200s' cannot be read. Its members have the "
			     "file; Ctrl-D ends.\n",
			     answer);
	}
	return 0;
}

int node_console_choose(struct node_config *c)
{
	struct base_error err;
	const char *mode = NULL;
	int rc;

	show_addresses();
	rc = ask_mode(&mode, c->mode);
	if (rc == 0)
		rc = node_config_choose(c, "mode", mode, &err);
	if (rc == 0 && c->mode != NET_MINER)
		rc = ask_network(c);
	if (rc < 0)
		(void)puts("\nNothing was started.");
	return rc < 0 ? -ECANCELED : 0;
}
