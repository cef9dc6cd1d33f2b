/* SPDX-License-Identifier: MIT */
/*
 * main.c: minerd, a peer-to-peer ledger node.
 *
 *~ The numbered remarks (written like this one) follow one block from
 *~ command line to disk: `grep -rn '~ [0-9]' src` lists them in order.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "node/config.h"
#include "node/console.h"
#include "node/devnet.h"
#include "node/keys_cmd.h"
#include "node/member.h"
#include "node/network_cmd.h"
#include "node/run.h"
#include "node/transfer.h"
#include "node/version.h"
#include "node/wallet_cmd.h"

/* "help init" is "init --help". */
static int help_about(int argc, char **argv)
{
	static char flag[] = "--help";
	char *words[] = {argc > 1 ? argv[1] : NULL, argc > 2 ? argv[2] : flag,
			 flag, NULL};

	if (argc > 1 && strcmp(argv[1], "init") == 0)
		return node_init(2, words);
	if (argc > 1 && strcmp(argv[1], "network") == 0)
		return node_network_cmd(argc > 2 ? 3 : 2, words);
	if (argc > 1 && strcmp(argv[1], "devnet") == 0)
		return node_devnet(2, words);
	if (argc > 1 && strcmp(argv[1], "backup") == 0)
		return node_backup(2, words);
	if (argc > 1 && strcmp(argv[1], "export") == 0)
		return node_export(2, words);
	if (argc > 1 && strcmp(argv[1], "import") == 0)
		return node_import(2, words);
	node_config_help(stdout);
	return NODE_EXIT_OK;
}

/*~ 1. The command line, the environment and the configuration file become
 * one immutable struct; the command in it decides what runs. */
int main(int argc, char **argv)
{
	static struct node_config config;
	struct base_error err;

	int rc = node_config_load(&config, argc, argv, environ, &err);

	if (rc < 0)
		return node_complain(&err, rc == -EINVAL ? NODE_EXIT_USAGE
							 : NODE_EXIT_FAILURE);
	switch (config.command) {
	case NODE_HELP:
		node_config_help(stdout);
		return NODE_EXIT_OK;
	case NODE_VERSION:
		(void)printf("minerd " NODE_VERSION_TEXT "\n");
		return NODE_EXIT_OK;
	case NODE_PRINT_CONFIG:
		node_config_print(stdout, &config);
		return NODE_EXIT_OK;
	case NODE_PRINT_TOPOLOGY:
		return node_print_topology(&config);
	case NODE_VERIFY:
		return node_verify(&config);
	case NODE_WALLET_EXPORT:
		return node_wallet_export(&config);
	case NODE_WALLET_RESTORE:
		return node_wallet_restore(&config);
	case NODE_WALLET_ENCRYPT:
		return node_wallet_encrypt_file(&config);
	case NODE_KEYS_ENCRYPT:
	case NODE_KEYS_DECRYPT:
		return node_keys_cmd(&config);
	case NODE_INIT:
		return node_init(argc - 1, argv + 1);
	case NODE_NETWORK:
		return node_network_cmd(argc - 1, argv + 1);
	case NODE_DEVNET:
		return node_devnet(argc - 1, argv + 1);
	case NODE_BACKUP:
		return node_backup(argc - 1, argv + 1);
	case NODE_EXPORT:
		return node_export(argc - 1, argv + 1);
	case NODE_IMPORT:
		return node_import(argc - 1, argv + 1);
	case NODE_HELP_ABOUT:
		return help_about(argc - 1, argv + 1);
	case NODE_RUN:
		break;
	}
	if (argc == 1 && node_console_wanted(&config) &&
	    node_console_choose(&config) < 0)
		return NODE_EXIT_OK;
	return node_run(&config);
}
