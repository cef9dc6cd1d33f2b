/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/flags.h"
#include "node/genesis.h"
#include "node/run.h"
#include "node/transfer.h"

/* Larger than each file beside the store that a backup has. */
#define FILE_BYTES_MAX (2u << 20)

struct backup_options {
	const char *datadir;
	const char *conf;
	const char *network;
	bool with_keys;
};

#define AT(field) offsetof(struct backup_options, field)

static const struct node_flag backup_options[] = {
	{"datadir", "DIR", NODE_FLAG_TEXT, AT(datadir), 1, NODE_PATH_MAX - 1,
	 "what to copy [~/.minerd]"},
	{"conf", "FILE", NODE_FLAG_TEXT, AT(conf), 1, NODE_PATH_MAX - 1,
	 "configuration file [DATADIR/minerd.conf]"},
	{"network", "FILE", NODE_FLAG_TEXT, AT(network), 1, NODE_PATH_MAX - 1,
	 "the network file [DATADIR/network.json]"},
	{"with-keys", NULL, NODE_FLAG_SWITCH, AT(with_keys), 0, 0,
	 "copy keys and wallet, too: who has them is this node"},
};

static const struct node_flags backup_table = {
	.command = "minerd backup",
	.about = "Copies the chain, the network file and what else a node "
		 "needs into the new\ndirectory DIR, also while the node "
		 "runs. DIR is a datadir: 'minerd --datadir DIR'\nor a copy "
		 "of it starts there, once keys/ is in it. Never run two nodes "
		 "with the\nsame keys.",
	.flag = backup_options,
	.count = BASE_COUNT(backup_options),
	.words = "DIR",
};

struct backup {
	struct node_config config;
	struct node_chain chain;
	struct node_datadir from;
	struct node_datadir to;
	bool light;
	struct chain_context tip;
	char bytes[FILE_BYTES_MAX];
};

int node_transfer_end(int rc, const struct base_error *err)
{
	if (rc == 0)
		return NODE_EXIT_OK;
	if (rc == -EBUSY)
		return node_complain(err, NODE_EXIT_LOCKED);
	return node_complain(err, rc == -EINVAL ? NODE_EXIT_USAGE
						: NODE_EXIT_FAILURE);
}

/* Copies @from to the file @name of the backup. */
static int copy_as(struct backup *b, const char *from, const char *name,
		   mode_t mode, struct base_error *err)
{
	char to[NODE_PATH_MAX];
	size_t len;
	int rc = node_datadir_path(to, &b->to, name, err);

	if (rc == 0)
		rc = node_file_read(b->bytes, &len, sizeof(b->bytes), from,
				    err);
	if (rc == 0)
		rc = node_file_write(to, b->bytes, len, mode, err);
	return rc;
}

/* The same of a file that need not be there. */
static int copy_file(struct backup *b, const char *name, struct base_error *err)
{
	char from[NODE_PATH_MAX];
	int rc = node_datadir_path(from, &b->from, name, err);

	if (rc == 0 && access(from, F_OK) == 0)
		rc = copy_as(b, from, name, 0600, err);
	return rc;
}

static int copy_keys(struct backup *b, struct base_error *err)
{
	char from[NODE_PATH_MAX];
	char to[NODE_PATH_MAX];
	struct dirent *entry;
	DIR *dir;
	int rc = node_datadir_path(from, &b->from, "keys", err);

	if (rc == 0)
		rc = node_datadir_subdir(to, &b->to, "keys", err);
	if (rc < 0)
		return rc;
	dir = opendir(from);
	if (!dir)
		return base_fail(err, -errno, "cannot read %.300s: %s", from,
				 strerror(errno));
	while (rc == 0 && (entry = readdir(dir))) {
		char name[NODE_PATH_MAX];

		if (*entry->d_name == '.')
			continue;
		(void)snprintf(name, sizeof(name), "keys/%s", entry->d_name);
		rc = copy_file(b, name, err);
	}
	(void)closedir(dir);
	base_wipe(b->bytes, sizeof(b->bytes));
	return rc;
}

/* Nothing of another backup, or of anything else, may be there. */
static int make_dir(const char *path, struct base_error *err)
{
	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno == EEXIST && rmdir(path) == 0 && mkdir(path, 0700) == 0)
		return 0;
	if (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR)
		return base_fail(err, -EEXIST,
				 "%.300s is there already and not empty; name "
				 "a new directory",
				 path);
	return base_fail(err, -errno, "cannot create %.300s: %s", path,
			 strerror(errno));
}

/* A light node's store holds no chain: its own files are checked there. */
static int copy_light(struct backup *b, struct base_error *err)
{
	char dir[NODE_PATH_MAX];
	char to[NODE_PATH_MAX];
	struct store *store;
	const struct store_options options = {
		.dir = dir, .read_only = true, .light = true};
	int rc = node_datadir_path(dir, &b->from, "light", err);

	if (rc == 0)
		rc = store_open(&store, &options, err);
	if (rc < 0)
		return rc;
	rc = node_datadir_subdir(to, &b->to, "light", err);
	if (rc == 0)
		rc = node_datadir_path(to, &b->to, "light/data.mdb", err);
	if (rc == 0)
		rc = store_copy(store, to, err);
	store_close(store);
	return rc;
}

/* And looks at the copy, as a start will. */
static int copy_chain(struct backup *b, struct base_error *err)
{
	char to[NODE_PATH_MAX];
	struct store *store;
	int rc = node_chain_open(&store, &b->tip, &b->chain, &b->config,
				 &b->from, true, err);

	if (rc < 0)
		return rc;
	rc = node_datadir_subdir(to, &b->to, "chain", err);
	if (rc == 0)
		rc = node_datadir_path(to, &b->to, "chain/data.mdb", err);
	if (rc == 0)
		rc = store_copy(store, to, err);
	store_close(store);
	if (rc == 0)
		rc = node_chain_open(&store, &b->tip, &b->chain, &b->config,
				     &b->to, true, err);
	if (rc == 0)
		store_close(store);
	return rc;
}

static int copy_all(struct backup *b, const char *network, bool with_keys,
		    struct base_error *err)
{
	static const char *const files[] = {"member.json", "minerd.conf",
					    "peers.dat"};
	char path[NODE_PATH_MAX];
	int rc = make_dir(b->to.path, err);

	if (rc == 0)
		rc = b->light ? copy_light(b, err) : copy_chain(b, err);
	if (rc == 0)
		rc = copy_as(b, network, "network.json", 0644, err);
	for (size_t i = 0; i < BASE_COUNT(files) && rc == 0; i++)
		rc = copy_file(b, files[i], err);
	if (rc == 0 && with_keys)
		rc = copy_keys(b, err);
	/* Last, for it makes a datadir of the directory. */
	if (rc == 0)
		rc = node_datadir_path(path, &b->to, "minerd.lock", err);
	if (rc == 0)
		rc = node_file_write(path, "", 0, 0600, err);
	return rc;
}

static int backup(struct backup *b, const struct backup_options *o,
		  const char *to, struct base_error *err)
{
	const struct node_given given[] = {{"--datadir", o->datadir},
					   {"--conf", o->conf},
					   {"--network", o->network}};
	char network[NODE_PATH_MAX];
	char data[NODE_PATH_MAX];
	int rc;

	b->to.lock_fd = -1;
	if (strlen(to) >= sizeof(b->to.path))
		return base_fail(err, -ENAMETOOLONG,
				 "the path %.100s... is "
				 "too long",
				 to);
	(void)strcpy(b->to.path, to);
	rc = node_config_load_given(&b->config, given, BASE_COUNT(given), err);
	if (rc == 0)
		rc = node_datadir_look(&b->from, b->config.datadir, err);
	if (rc == 0)
		rc = node_datadir_path(data, &b->from, "chain/data.mdb", err);
	if (rc == 0)
		rc = node_chain_path(network, &b->config, &b->from, err);
	if (rc == 0)
		rc = node_chain_load(&b->chain, network, err);
	if (rc < 0)
		return rc;
	b->light = b->config.mode == NET_LIGHT || access(data, F_OK) < 0;
	return copy_all(b, network, o->with_keys, err);
}

static void tell(const struct backup *b, bool with_keys)
{
	char hash[BASE_HASH_HEX_SIZE];

	if (b->light) {
		(void)printf("backup of a light node in %s\n", b->to.path);
	} else {
		base_hash_to_hex(hash, &b->tip.hash);
		(void)printf("backup of height %u hash %s in %s\n",
			     b->tip.height.n, hash, b->to.path);
	}
	if (with_keys)
		(void)printf("It has keys/: who can read it is this node and "
			     "owns its coins. Keep it secret.\n");
	else
		(void)printf("It does not have keys/: signing.key, node.key "
			     "and the wallet. A node starts on it\nonly with "
			     "them. Keep copies of keys/ elsewhere, or use "
			     "--with-keys.\n");
}

int node_backup(int argc, char **argv)
{
	struct backup_options o = {.datadir = NULL};
	struct backup *b = NULL;
	struct base_error err;
	bool help;
	int words;
	int rc = node_flags_parse(&o, &help, &words, &backup_table, argc, argv,
				  &err);

	if (rc == 0 && help) {
		node_flags_help(stdout, &backup_table);
		return NODE_EXIT_OK;
	}
	if (rc == 0 && (words != 1 || !*argv[0]))
		rc = base_fail(&err, -EINVAL,
			       "name one new directory: minerd backup DIR");
	if (rc == 0) {
		b = calloc(1, sizeof(*b));
		rc = b ? backup(b, &o, argv[0], &err)
		       : base_fail(&err, -ENOMEM, "no memory for a backup");
	}
	if (rc == 0)
		tell(b, o.with_keys);
	free(b);
	return node_transfer_end(rc, &err);
}
