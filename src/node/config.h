/* SPDX-License-Identifier: MIT */
/*
 * config.h: what the operator asked for.
 *
 * Floor 5. Four sources, strongest first: flags, environment (MINERD_*),
 * the configuration file, defaults. Every option is one row of one table in
 * config.c: its flag, its key in the file and its variable have one name
 * (`pow-backend`, `pow-backend=`, MINERD_POW_BACKEND). Unknown names and
 * values out of range are refused, by name, with the nearest match.
 *
 * Main thread, at start; immutable afterwards.
 */
#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

#include <stdio.h>

#include "api/http.h"
#include "base/error.h"
#include "net/net.h"
#include "pow/pool_plan.h"

#define NODE_PATH_MAX 4096
#define NODE_OPTIONS_MAX 40
#define NODE_BANS_MAX 256 /* of --ban */
#define NODE_VALUE_MAX 24576
#define NODE_SPACING_DEFAULT_S 5
#define NODE_SPACING_MAX_S 86400

enum node_command {
	NODE_RUN,	     /* no subcommand: run the node */
	NODE_VERIFY,	     /* verify */
	NODE_WALLET_EXPORT,  /* wallet export */
	NODE_WALLET_RESTORE, /* wallet restore */
	NODE_WALLET_ENCRYPT, /* wallet encrypt */
	NODE_KEYS_ENCRYPT,   /* keys encrypt */
	NODE_KEYS_DECRYPT,   /* keys decrypt */
	/* Those below have options of their own (node/flags.h). */
	NODE_INIT,	     /* init */
	NODE_NETWORK,	     /* network new, network assemble */
	NODE_DEVNET,	     /* devnet */
	NODE_BACKUP,	     /* backup */
	NODE_EXPORT,	     /* export */
	NODE_IMPORT,	     /* import */
	NODE_HELP_ABOUT,     /* help [SUBCOMMAND] */
	NODE_HELP,	     /* --help */
	NODE_VERSION,	     /* --version */
	NODE_PRINT_CONFIG,   /* --print-config */
	NODE_PRINT_TOPOLOGY, /* --print-topology */
};

enum node_log_level {
	NODE_LOG_ERROR,
	NODE_LOG_WARN,
	NODE_LOG_INFO,
	NODE_LOG_DEBUG,
};

struct node_config {
	enum node_command command;
	char datadir[NODE_PATH_MAX]; /* absolute or as given */
	char conf[NODE_PATH_MAX];    /* "" : DATADIR/minerd.conf if there */
	char network[NODE_PATH_MAX]; /* "" : DATADIR/network.json */
	bool console;		     /* on a terminal */
	enum net_mode mode;
	char listen[API_ADDRESS_MAX]; /* "": a member's own; or "off" */
	struct net_endpoint connect[NET_CONNECT_MAX];
	uint32_t connects;
	enum net_access access;
	uint8_t access_id[NET_ACCESS_MAX][NET_ID_SIZE];
	uint32_t access_count;
	struct net_ban ban[NODE_BANS_MAX]; /* id, address */
	uint32_t bans;
	uint32_t vote_epoch;
	bool trusts_tip;
	struct base_hash trust_tip;
	uint32_t threads;	 /* 0: one for each usable CPU */
	uint32_t verify_threads; /* 0: chosen by the CPUs */
	uint32_t spacing_s;	 /* of a network made now */
	char pow_backend[NODE_PATH_MAX];
	bool affinity_set;
	uint64_t affinity[POW_CPUS_MAX / 64]; /* bit n: CPU n */
	uint64_t db_map;	   /* bytes; 0: the store's default */
	bool txindex;		   /* the store has an index by txid */
	char rpc[API_ADDRESS_MAX]; /* "": no RPC */
	char wallet_passphrase_file[NODE_PATH_MAX]; /* "": none */
	char key_passphrase_file[NODE_PATH_MAX];    /* "": none */
	struct api_auth rpcauth;
	bool rest;
	bool log_json;
	enum node_log_level log_level;
	/* What it was made of, to be read again; borrowed. */
	int argc;
	char **argv;
	char **environ_;
	/* The text and origin of each option, for --print-config. */
	struct {
		char text[NODE_VALUE_MAX];
		const char *origin; /* "default", "flag", ...; static */
	} value[NODE_OPTIONS_MAX];
};

/*
 * Fills @out from @argv, @environ_ (as in environ(7)) and the file they
 * name; with a command that has options of its own only @out->command. 0;
 * -EINVAL: usage, @err says which name or value and what is allowed; other
 * negative: the file could not be read.
 */
BASE_MUST_CHECK int node_config_load(struct node_config *out, int argc,
				     char **argv, char **environ_,
				     struct base_error *err);

/*
 * The same for a command with options of its own, of which some are a node's:
 * @given are @count of them, at most NODE_GIVEN_MAX, each "--NAME" and its
 * value; those whose value is NULL were not given. Environment and file count
 * as for a node.
 */
#define NODE_GIVEN_MAX 8
struct node_given {
	const char *name;
	const char *value;
};
BASE_MUST_CHECK int node_config_load_given(struct node_config *out,
					   const struct node_given *given,
					   size_t count,
					   struct base_error *err);

/*
 * A node's configuration as its sources are now, for SIGHUP: *@out is @old, but
 * for log-level, connect, access and ban, which are as the sources say. @names,
 * of @cap bytes, gets the other options that the sources say otherwise, with
 * commas between: they need a restart. Errors as node_config_load(), and *@out
 * is @old then.
 */
BASE_MUST_CHECK int node_config_reload(struct node_config *out,
				       const struct node_config *old,
				       char *names, size_t cap,
				       struct base_error *err);

/* Whether nobody chose the value of option @name, which exists. */
bool node_config_is_default(const struct node_config *c, const char *name);

/* Gives option @name, which exists, the value @text, as someone who was asked
 * chose it. 0 or -EINVAL. */
BASE_MUST_CHECK int node_config_choose(struct node_config *c, const char *name,
				       const char *text,
				       struct base_error *err);

/* The help text, and the settings in the shape of a configuration file. */
void node_config_help(FILE *to);
void node_config_print(FILE *to, const struct node_config *c);

/* Parses "0-3,8" or "0x10f" into CPU bits. 0 or -EINVAL. */
BASE_MUST_CHECK int node_parse_affinity(uint64_t bits[static POW_CPUS_MAX / 64],
					const char *text);

#endif
