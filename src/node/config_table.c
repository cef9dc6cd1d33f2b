/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/config_table.h"
#include "node/parse.h"
#include "node/verify_pool.h"
#include "pow/backend.h"

/* An ID@HOST:PORT */
#define NODE_PIECE_MAX (2 * NET_ID_SIZE + 1 + NET_ENDPOINT_MAX)

static int set_path(char out[static NODE_PATH_MAX], const char *text)
{
	if (strlen(text) >= NODE_PATH_MAX)
		return -EINVAL;
	(void)strcpy(out, text);
	return 0;
}

static int set_datadir(struct node_config *c, const char *text)
{
	return *text ? set_path(c->datadir, text) : -EINVAL;
}

static int set_conf(struct node_config *c, const char *text)
{
	return set_path(c->conf, text);
}

static int set_network(struct node_config *c, const char *text)
{
	return set_path(c->network, text);
}

static int set_backend(struct node_config *c, const char *text)
{
	if (strcmp(text, "auto") != 0 && !strchr(text, '/') &&
	    !pow_backend_find(text))
		return -EINVAL;
	return set_path(c->pow_backend, text);
}

/* A number of threads, or 0 for auto. */
static int set_count(uint32_t *out, const char *text, uint32_t most)
{
	uint64_t n = 0;

	if (strcmp(text, "auto") != 0 && node_parse_u64(&n, text, 1, most) < 0)
		return -EINVAL;
	*out = (uint32_t)n;
	return 0;
}

static int set_threads(struct node_config *c, const char *text)
{
	return set_count(&c->threads, text, POW_WORKERS_MAX);
}

static int set_verify_threads(struct node_config *c, const char *text)
{
	return set_count(&c->verify_threads, text, NODE_VERIFY_THREADS_MAX);
}

static int set_spacing(struct node_config *c, const char *text)
{
	uint64_t n;

	if (node_parse_u64(&n, text, 1, NODE_SPACING_MAX_S) < 0)
		return -EINVAL;
	c->spacing_s = (uint32_t)n;
	return 0;
}

static int set_affinity(struct node_config *c, const char *text)
{
	if (*text == '\0') {
		c->affinity_set = false;
		return 0;
	}
	if (node_parse_affinity(c->affinity, text) < 0)
		return -EINVAL;
	c->affinity_set = true;
	return 0;
}

static int set_db_map(struct node_config *c, const char *text)
{
	if (*text == '\0') {
		c->db_map = 0;
		return 0;
	}
	return node_parse_size(&c->db_map, text, UINT64_C(1) << 20,
			       UINT64_C(1) << 46);
}

static int set_rpc(struct node_config *c, const char *text)
{
	struct sockaddr_storage at;
	socklen_t len;

	if (strcmp(text, "off") == 0)
		text = "";
	else if (strlen(text) >= sizeof(c->rpc) ||
		 api_address_parse(&at, &len, text) < 0)
		return -EINVAL;
	(void)strcpy(c->rpc, text);
	return 0;
}

static int set_switch(bool *out, const char *text)
{
	*out = strcmp(text, "on") == 0;
	return *out || strcmp(text, "off") == 0 ? 0 : -EINVAL;
}

static int set_rest(struct node_config *c, const char *text)
{
	return set_switch(&c->rest, text);
}

static int set_txindex(struct node_config *c, const char *text)
{
	return set_switch(&c->txindex, text);
}

/* The names of an option and of its flag that takes it back. */
static int set_console(struct node_config *c, const char *text)
{
	if (strcmp(text, "no-console") == 0)
		text = "off";
	return set_switch(&c->console, text);
}

static int set_rpcauth(struct node_config *c, const char *text)
{
	memset(&c->rpcauth, 0, sizeof(c->rpcauth));
	return api_auth_add(&c->rpcauth, text);
}

static int set_wallet_passphrase_file(struct node_config *c, const char *text)
{
	return set_path(c->wallet_passphrase_file, text);
}

static int set_key_passphrase_file(struct node_config *c, const char *text)
{
	return set_path(c->key_passphrase_file, text);
}

static int set_log_format(struct node_config *c, const char *text)
{
	if (strcmp(text, "json") != 0 && strcmp(text, "text") != 0)
		return -EINVAL;
	c->log_json = *text == 'j';
	return 0;
}

static int set_log_level(struct node_config *c, const char *text)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			c->log_level = (enum node_log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_mode(struct node_config *c, const char *text)
{
	static const char *const names[] = {"miner", "full", "light"};

	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			c->mode = (enum net_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_listen(struct node_config *c, const char *text)
{
	struct sockaddr_storage at;
	socklen_t len;

	if (strlen(text) >= sizeof(c->listen) ||
	    (*text && strcmp(text, "off") != 0 &&
	     api_address_parse(&at, &len, text) < 0))
		return -EINVAL;
	(void)strcpy(c->listen, text);
	return 0;
}

/* Calls @each for every piece of @text between commas; none is empty. */
static int each_piece(struct node_config *c, const char *text,
		      int (*each)(struct node_config *c, const char *piece))
{
	char piece[NODE_PIECE_MAX];
	int rc = 0;

	while (rc == 0 && *text) {
		size_t len = strcspn(text, ",");

		if (len == 0 || len >= sizeof(piece))
			return -EINVAL;
		memcpy(piece, text, len);
		piece[len] = '\0';
		rc = each(c, piece);
		text += len + (text[len] == ',');
	}
	return rc;
}

static int add_connect(struct node_config *c, const char *text)
{
	if (c->connects == NET_CONNECT_MAX ||
	    node_parse_endpoint(&c->connect[c->connects], text) < 0)
		return -EINVAL;
	c->connects++;
	return 0;
}

static int set_connect(struct node_config *c, const char *text)
{
	c->connects = 0;
	return each_piece(c, text, add_connect);
}

static int add_access(struct node_config *c, const char *text)
{
	if (c->access_count == NET_ACCESS_MAX ||
	    base_from_hex(c->access_id[c->access_count], NET_ID_SIZE, text) < 0)
		return -EINVAL;
	c->access_count++;
	return 0;
}

static int set_access(struct node_config *c, const char *text)
{
	c->access_count = 0;
	c->access = NET_ACCESS_OPEN;
	if (strcmp(text, "open") == 0)
		return 0;
	c->access = NET_ACCESS_MEMBERS;
	if (strcmp(text, "members") == 0)
		return 0;
	c->access = NET_ACCESS_LIST;
	return *text ? each_piece(c, text, add_access) : -EINVAL;
}

static int add_ban(struct node_config *c, const char *text)
{
	static const struct net_ban nobody;

	if (c->bans == NODE_BANS_MAX ||
	    node_parse_ban(&c->ban[c->bans], text) < 0 ||
	    memcmp(&c->ban[c->bans], &nobody, sizeof(nobody)) == 0)
		return -EINVAL;
	c->bans++;
	return 0;
}

static int set_ban(struct node_config *c, const char *text)
{
	c->bans = 0;
	return each_piece(c, text, add_ban);
}

static int set_vote_epoch(struct node_config *c, const char *text)
{
	uint64_t n;

	if (node_parse_u64(&n, text, 0, UINT32_MAX) < 0)
		return -EINVAL;
	c->vote_epoch = (uint32_t)n;
	return 0;
}

static int set_trust_tip(struct node_config *c, const char *text)
{
	c->trusts_tip = *text != '\0';
	return c->trusts_tip ? base_hash_from_hex(&c->trust_tip, text) : 0;
}

const struct node_option node_options[] = {
	{.name = "mode",
	 .arg = "MODE",
	 .fallback = "miner",
	 .allowed = "miner, full or light",
	 .help = "miner proposes blocks, full keeps and validates the\n"
		 "chain, light keeps headers and certificates",
	 .set = set_mode},
	{.name = "full", .help = "as --mode full", .sets = "mode"},
	{.name = "light", .help = "as --mode light", .sets = "mode"},
	{.name = "listen",
	 .arg = "ADDR:PORT",
	 .fallback = "",
	 .allowed =
		 "off, or a numeric address and a port such as 0.0.0.0:9444 or "
		 "[::]:9444",
	 .help = "where other nodes connect; default: a member's own\n"
		 "address in the network file, else off",
	 .set = set_listen},
	{.name = "connect",
	 .arg = "ID@HOST:PORT",
	 .fallback = "",
	 .allowed = "64 hex digits, '@', a host and a port; several with "
		    "commas between",
	 .help = "another node to connect to; may be given 64 times",
	 .set = set_connect,
	 .repeats = true},
	{.name = "access",
	 .arg = "WHO",
	 .fallback = "open",
	 .allowed = "open, members, or node ids with commas "
		    "between",
	 .help = "who may ask for the chain: open, members, or the\n"
		 "members and these node ids",
	 .set = set_access},
	{.name = "ban",
	 .arg = "WHO",
	 .fallback = "",
	 .allowed = "node ids of 64 hex digits and single addresses, with "
		    "commas between",
	 .help = "who may not connect: node ids and addresses; may be\n"
		 "given 256 times",
	 .set = set_ban,
	 .repeats = true},
	{.name = "vote-epoch",
	 .arg = "N",
	 .fallback = "0",
	 .allowed = "0 to 4294967295",
	 .help = "raised by all members together after a SPLIT",
	 .set = set_vote_epoch},
	{.name = "trust-tip",
	 .arg = "HASH",
	 .fallback = "",
	 .allowed = "64 hex digits",
	 .help = "certificates off: the tip that people vouch for",
	 .set = set_trust_tip},
	{.name = "threads",
	 .arg = "N",
	 .fallback = "auto",
	 .allowed = "auto, or 1 to 1024",
	 .help = "miner threads; auto is one for each usable CPU",
	 .set = set_threads},
	{.name = "verify-threads",
	 .arg = "N",
	 .fallback = "auto",
	 .allowed = "auto, or 1 to 64",
	 .help = "threads that verify signatures; auto is one for each\n"
		 "usable CPU, at most 16",
	 .set = set_verify_threads},
	{.name = "pow-backend",
	 .arg = "NAME",
	 .fallback = "auto",
	 .allowed = "auto, scalar, sse41, avx2, avx512, shani, "
		    "mixed, or a path with a '/' in it",
	 .help = "SHA-256d kernel: auto, scalar, sse41, avx2, avx512,\n"
		 "shani, mixed, or ./x.so built against\n"
		 "minerd/pow_backend.h",
	 .set = set_backend},
	{.name = "cpu-affinity",
	 .arg = "CPUS",
	 .fallback = "",
	 .allowed = "a list such as 0-3,8 or a mask such as 0x10f",
	 .help = "CPUs that miner threads may use",
	 .set = set_affinity},
	{.name = "datadir",
	 .arg = "DIR",
	 .fallback = "~/.minerd",
	 .allowed = "a path below 4096 characters",
	 .help = "keys, network file and chain; one node at a time",
	 .set = set_datadir},
	{.name = "network",
	 .arg = "FILE",
	 .fallback = "",
	 .allowed = "a path below 4096 characters",
	 .help = "the network file; default DATADIR/network.json, made\n"
		 "anew as a one-member network where there is none",
	 .set = set_network},
	{.name = "spacing",
	 .arg = "SECONDS",
	 .fallback = "5",
	 .allowed = "1 to 86400",
	 .help = "block spacing of a network that is made now",
	 .set = set_spacing},
	{.name = "db-map",
	 .arg = "SIZE",
	 .fallback = "",
	 .allowed = "1M to 64T, such as 20G",
	 .help = "most that the chain may grow to on disk; default 1T",
	 .set = set_db_map},
	{.name = "txindex",
	 .arg = "ON",
	 .fallback = "off",
	 .allowed = "on or off",
	 .help = "whether the store finds every transaction by its id",
	 .set = set_txindex},
	{.name = "rpc",
	 .arg = "ADDR:PORT",
	 .fallback = "127.0.0.1:9445",
	 .allowed = "off, or a numeric address and a port such as "
		    "127.0.0.1:9445 or "
		    "[::1]:0",
	 .help = "where JSON-RPC is served; port 0 takes any, off none",
	 .set = set_rpc},
	{.name = "rpcauth",
	 .arg = "USERS",
	 .fallback = "",
	 .allowed = "USER:SALT$HASH, up to 16 with commas between",
	 .help = "who may call besides the cookie, as Bitcoin Core's",
	 .set = set_rpcauth},
	{.name = "rest",
	 .arg = "ON",
	 .fallback = "off",
	 .allowed = "on or off",
	 .help = "whether GET /rest/ is served, without credentials",
	 .set = set_rest},
	{.name = "wallet-passphrase-file",
	 .arg = "FILE",
	 .fallback = "",
	 .allowed = "a path below 4096 characters",
	 .help = "its first line encrypts a new wallet, or unlocks one",
	 .set = set_wallet_passphrase_file},
	{.name = "console",
	 .arg = "ON",
	 .fallback = "on",
	 .allowed = "on or off",
	 .help = "whether a terminal gets the console: a prompt and a menu",
	 .set = set_console},
	{.name = "no-console",
	 .help = "as --console off: log lines alone",
	 .sets = "console"},
	{.name = "key-passphrase-file",
	 .arg = "FILE",
	 .fallback = "",
	 .allowed = "a path below 4096 characters",
	 .help = "its first line encrypts new keys of the node, or\n"
		 "unlocks them; else the terminal is asked",
	 .set = set_key_passphrase_file},
	{.name = "log-format",
	 .arg = "FORMAT",
	 .fallback = "text",
	 .allowed = "text or json",
	 .help = "one event a line on standard output",
	 .set = set_log_format},
	{.name = "log-level",
	 .arg = "LEVEL",
	 .fallback = "info",
	 .allowed = "error, warn, info or debug",
	 .help = "the least important events shown",
	 .set = set_log_level},
	{.name = "conf",
	 .arg = "FILE",
	 .fallback = "",
	 .allowed = "a path below 4096 characters",
	 .help = "configuration file; default DATADIR/minerd.conf",
	 .set = set_conf},
	{.name = "print-config",
	 .help = "show every setting and where it comes from",
	 .command = NODE_PRINT_CONFIG},
	{.name = "print-topology",
	 .help = "show this machine's CPUs and the pinning plan",
	 .command = NODE_PRINT_TOPOLOGY},
	{.name = "version",
	 .help = "show the version",
	 .command = NODE_VERSION},
	{.name = "help", .help = "show this text", .command = NODE_HELP},
};

const size_t node_option_count = BASE_COUNT(node_options);

_Static_assert(BASE_COUNT(node_options) <= NODE_OPTIONS_MAX,
	       "value[] holds all");
