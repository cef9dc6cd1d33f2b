/* SPDX-License-Identifier: MIT */
#include "node/member.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/flags.h"
#include "node/keys.h"
#include "node/network_file.h"
#include "node/passphrase.h"
#include "node/run.h"
#include "node/wallet.h"

/* What is in the datadir already. */
struct found {
	char path[NODE_PATH_MAX]; /* of member.json */
	struct chain_member member;
	bool described; /* member.json is there */
	bool network;	/* network.json is there */
};

static int look_around(struct found *f, const struct node_datadir *d,
		       struct base_error *err)
{
	char network[NODE_PATH_MAX];
	int rc = node_datadir_path(f->path, d, NODE_MEMBER_FILE, err);

	if (rc == 0)
		rc = node_datadir_path(network, d, "network.json", err);
	if (rc < 0)
		return rc;
	f->network = access(network, F_OK) == 0;
	rc = node_descriptor_load(&f->member, f->path, err);
	f->described = rc == 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (f->network && !f->described)
		return base_fail(err, -EEXIST,
				 "%.300s has a network of its own; choose an "
				 "empty or new directory with --datadir",
				 d->path);
	return 0;
}

/* A descriptor that others may have is not changed. */
static int keep_promise(const struct found *f, const char *name,
			const char *address, struct base_error *err)
{
	const struct chain_member *m = &f->member;

	if (name && strcmp(name, m->name) != 0)
		return base_fail(err, -EEXIST,
				 "%.300s says that this is member '%s', not "
				 "'%.40s'; to be another one choose another "
				 "--datadir, or remove that file",
				 f->path, m->name, name);
	if (address && strcmp(address, m->address) != 0)
		return base_fail(err, -EEXIST,
				 "%.200s says that the address is %.100s, not "
				 "%.100s; to change it remove that file, and "
				 "give the others the new descriptor",
				 f->path, m->address, address);
	return 0;
}

/* Name and address into @m, before anything is made for them. */
static int describe(struct chain_member *m, const char *datadir,
		    const char *name, const char *address,
		    struct base_error *err)
{
	char path[NODE_PATH_MAX + sizeof(NODE_MEMBER_FILE) + 1];

	(void)snprintf(path, sizeof(path), "%s/" NODE_MEMBER_FILE, datadir);
	if (!name && access(path, F_OK) == 0)
		return 0;
	if (!name)
		return base_fail(err, -EINVAL,
				 "--member NAME is needed: what the others "
				 "shall call this member");
	if (!address)
		address = NODE_MEMBER_ADDRESS;
	if (strlen(name) > CHAIN_NAME_MAX)
		return base_fail(err, -EINVAL,
				 "the name '%.100s' is longer than %d "
				 "characters",
				 name, CHAIN_NAME_MAX);
	if (strlen(address) > CHAIN_ENDPOINT_MAX)
		return base_fail(err, -EINVAL,
				 "the address '%.100s...' is longer than %d "
				 "characters",
				 address, CHAIN_ENDPOINT_MAX);
	(void)strcpy(m->name, name);
	(void)strcpy(m->address, address);
	/* A point of the curve, in place of the key to come. */
	m->signing_key[CHAIN_KEY_SIZE - 1] = 1;
	return chain_member_check(m, err);
}

static int save(const struct found *f, const struct chain_member *m,
		struct base_error *err)
{
	char *text = node_descriptor_text(m);
	int rc;

	if (!text)
		return base_fail(err, -ENOMEM, "no memory for %.300s", f->path);
	rc = node_file_write(f->path, text, strlen(text), 0644, err);
	free(text);
	return rc;
}

/* Keys and wallet, made only where nobody can have been told of them. */
static int fill(struct chain_member *m, const struct node_datadir *d,
		const struct found *f, const struct node_config *config,
		struct base_error *err)
{
	struct node_passphrase p = {.given = false};
	struct node_keys keys;
	struct node_wallet *wallet;
	const bool create = !f->described && !f->network;
	int rc = node_keys_open(&keys, d, create, config, err);

	if (rc < 0)
		return rc;
	memcpy(m->signing_key, keys.signing_public, sizeof(m->signing_key));
	memcpy(m->node_id, keys.node_id, sizeof(m->node_id));
	node_keys_wipe(&keys);
	if (f->described &&
	    (memcmp(m->signing_key, f->member.signing_key, CHAIN_KEY_SIZE) ||
	     memcmp(m->node_id, f->member.node_id, CHAIN_KEY_SIZE)))
		return base_fail(err, -EBADMSG,
				 "%.300s and the keys beside it are not of one "
				 "member; restore them from your backup",
				 f->path);
	if (!create)
		return 0;
	if (config)
		rc = node_passphrase_file(&p, config, NODE_WALLET_PASSPHRASE,
					  err);
	if (rc < 0)
		return rc;
	rc = node_wallet_open(&wallet, d, true, p.given ? p.text : NULL, err);
	base_wipe(&p, sizeof(p));
	if (rc == 0)
		node_wallet_close(wallet);
	return rc;
}

int node_member_init(struct chain_member *out, const char *datadir,
		     const char *name, const char *address,
		     const struct node_config *config, struct base_error *err)
{
	struct node_datadir d = {.lock_fd = -1};
	struct chain_member m = {.name = ""};
	struct found *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return base_fail(err, -ENOMEM, "no memory for a member");
	rc = describe(&m, datadir, name, address, err);
	if (rc == 0)
		rc = node_datadir_open(&d, datadir, err);
	if (rc == 0)
		rc = look_around(f, &d, err);
	if (rc == 0 && f->described) {
		m = f->member;
		rc = keep_promise(f, name, address, err);
	}
	if (rc == 0)
		rc = fill(&m, &d, f, config, err);
	if (rc == 0 && !f->described)
		rc = save(f, &m, err);
	node_datadir_close(&d);
	free(f);
	if (rc == 0)
		*out = m;
	return rc;
}

bool node_member_described(const struct node_datadir *d)
{
	char path[NODE_PATH_MAX];
	struct base_error err;

	return node_datadir_path(path, d, NODE_MEMBER_FILE, &err) == 0 &&
	       access(path, F_OK) == 0;
}

struct init_options {
	const char *member;
	const char *address;
	const char *datadir;
	const char *conf;
	const char *passphrase_file;
	const char *key_passphrase_file;
};

#define AT(field) offsetof(struct init_options, field)

static const struct node_flag init_options[] = {
	{"member", "NAME", NODE_FLAG_TEXT, AT(member), 1, CHAIN_NAME_MAX,
	 "what the others call this member: a-z, 0-9 and -"},
	{"address", "HOST:PORT", NODE_FLAG_TEXT, AT(address), 1,
	 CHAIN_ENDPOINT_MAX,
	 "where the others reach it [" NODE_MEMBER_ADDRESS "]"},
	{"datadir", "DIR", NODE_FLAG_TEXT, AT(datadir), 1, NODE_PATH_MAX - 1,
	 "where its keys, wallet and chain are to be [~/.minerd]"},
	{"conf", "FILE", NODE_FLAG_TEXT, AT(conf), 1, NODE_PATH_MAX - 1,
	 "configuration file [DATADIR/minerd.conf]"},
	{"wallet-passphrase-file", "FILE", NODE_FLAG_TEXT, AT(passphrase_file),
	 1, NODE_PATH_MAX - 1, "its first line encrypts the new wallet"},
	{"key-passphrase-file", "FILE", NODE_FLAG_TEXT, AT(key_passphrase_file),
	 1, NODE_PATH_MAX - 1, "its first line encrypts the new keys"},
};

static const struct node_flags init_table = {
	.command = "minerd init",
	.about = "Makes the keys, the wallet and the datadir of a member of a "
		 "network to be,\nand prints its descriptor: what the others "
		 "need for 'minerd network assemble'.\nWhat is there already "
		 "stays: a second run prints the same.",
	.flag = init_options,
	.count = BASE_COUNT(init_options),
};

/* Environment and configuration file count for this, too: what a node has of
 * these options is given on to where those are read. */
static int load_config(struct node_config *c, const struct init_options *o,
		       struct base_error *err)
{
	const struct node_given given[] = {
		{"--datadir", o->datadir},
		{"--conf", o->conf},
		{"--wallet-passphrase-file", o->passphrase_file},
		{"--key-passphrase-file", o->key_passphrase_file}};

	return node_config_load_given(c, given, BASE_COUNT(given), err);
}

static int print(const struct chain_member *m, struct base_error *err)
{
	char *text = node_descriptor_text(m);
	int rc = text ? 0 : -ENOMEM;

	if (rc < 0)
		return base_fail(err, rc, "no memory for the descriptor");
	if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
		rc = base_fail(err, -EIO, "cannot write the descriptor: %s",
			       strerror(errno));
	free(text);
	return rc;
}

int node_init(int argc, char **argv)
{
	static struct node_config config;
	struct init_options o = {.member = NULL};
	struct chain_member m;
	struct base_error err;
	bool help;
	int words;
	int rc = node_flags_parse(&o, &help, &words, &init_table, argc, argv,
				  &err);

	if (rc == 0 && help) {
		node_flags_help(stdout, &init_table);
		return NODE_EXIT_OK;
	}
	if (rc == 0)
		rc = load_config(&config, &o, &err);
	if (rc < 0)
		return node_complain(&err, rc == -EINVAL ? NODE_EXIT_USAGE
							 : NODE_EXIT_FAILURE);
	rc = node_member_init(&m, config.datadir, o.member, o.address, &config,
			      &err);
	if (rc == 0)
		rc = print(&m, &err);
	if (rc == 0 && strcmp(m.address, NODE_MEMBER_ADDRESS) == 0)
		(void)fprintf(stderr, "minerd: " NODE_MEMBER_ADDRESS
				      " is reached from this machine only; for "
				      "others remove the\nmember.json in the "
				      "datadir and give --address "
				      "HOST:PORT\n");
	if (rc == -EBUSY)
		return node_complain(&err, NODE_EXIT_LOCKED);
	if (rc < 0)
		return node_complain(&err, rc == -EINVAL ? NODE_EXIT_USAGE
							 : NODE_EXIT_FAILURE);
	return NODE_EXIT_OK;
}
