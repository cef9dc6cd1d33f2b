/* SPDX-License-Identifier: MIT */
#include "node/network_cmd.h"

#include <errno.h>
#include <stdlib.h>

#include "node/flags.h"
#include "node/genesis.h"
#include "node/network_file.h"
#include "node/network_make.h"
#include "node/network_new.h"
#include "node/run.h"

#define DELTA_DEFAULT_MS 1000u	  /* between machines */
#define DELTA_NEW_DEFAULT_MS 500u /* on one */
#define MEMBERS_NEW_DEFAULT 4u
#define BASE_PORT_DEFAULT 9500u
#define MEMBER_HPS_DEFAULT 10000000u /* about one core */
#define HPS_MAX (UINT64_C(1) << 60)

struct assemble_options {
	const char *name;
	struct node_number faults;
	struct node_number delta;
	struct node_number spacing;
	struct node_number start;
	struct node_number hash_rate;
	struct node_number block_bytes;
	const char *out;
};

#define AT(field) offsetof(struct assemble_options, field)

static const struct node_flag assemble_flags[] = {
	{"start", "TIME", NODE_FLAG_TIME, AT(start), 0,
	 CHAIN_GENESIS_END_MS - 1,
	 "when the network begins, which all must give alike: Unix\n"
	 "milliseconds, or UTC such as 2026-12-31T23:59:59Z"},
	{"faults", "F", NODE_FLAG_NUMBER, AT(faults), 0, CHAIN_MEMBERS_MAX - 1,
	 "members that may be faulty at once [(members - 1) / 3]"},
	{"delta", "MS", NODE_FLAG_NUMBER, AT(delta), 1, CHAIN_DELTA_MAX_MS,
	 "one round of agreement: more than any message takes [1000]"},
	{"spacing", "SECONDS", NODE_FLAG_NUMBER, AT(spacing), 1,
	 CHAIN_SPACING_MAX_S, "between blocks [10 * (faults + 1) * delta]"},
	{"name", "NAME", NODE_FLAG_TEXT, AT(name), 1, CHAIN_NAME_MAX,
	 "what the network is called: a-z, 0-9 and - [minerd]"},
	{"hash-rate", "HPS", NODE_FLAG_NUMBER, AT(hash_rate), 1, HPS_MAX,
	 "hashes per second of all miners together, for the first\n"
	 "difficulty [10000000 for each member]"},
	{"max-block-bytes", "SIZE", NODE_FLAG_SIZE, AT(block_bytes),
	 CHAIN_BLOCK_BYTES_MIN, CHAIN_BLOCK_BYTES_MAX,
	 "largest block [1M, or what so many members can have]"},
	{"out", "FILE", NODE_FLAG_TEXT, AT(out), 1, NODE_PATH_MAX - 1,
	 "where the network file goes [standard output]"},
};

#undef AT

static const struct node_flags assemble_table = {
	.command = "minerd network assemble",
	.about = "Makes the network file of members' descriptors ('minerd "
		 "init'). Whoever runs it\nwith the same descriptors and "
		 "options, in whatever order, gets the same bytes.\nThe "
		 "members' order is that of their names.",
	.flag = assemble_flags,
	.count = BASE_COUNT(assemble_flags),
	.words = "FILE...",
};

/* What two descriptors must not share. */
static const char *shared_key(const struct chain_member *a,
			      const struct chain_member *b)
{
	if (strcmp(a->name, b->name) == 0)
		return "name";
	if (memcmp(a->signing_key, b->signing_key, CHAIN_KEY_SIZE) == 0)
		return "signing_key";
	if (memcmp(a->node_id, b->node_id, CHAIN_KEY_SIZE) == 0)
		return "node_id";
	return strcmp(a->address, b->address) == 0 ? "address" : NULL;
}

static int read_members(struct chain_params *p, int count, char **paths,
			struct base_error *err)
{
	if (count < 1)
		return base_fail(err, -EINVAL,
				 "no descriptors: name the file of each "
				 "member, as 'minerd init' printed it");
	if (count > CHAIN_MEMBERS_MAX)
		return base_fail(err, -EINVAL,
				 "%d descriptors: a network has at most %d "
				 "members",
				 count, CHAIN_MEMBERS_MAX);
	for (int i = 0; i < count; i++) {
		struct chain_member *m = &p->member[i];
		int rc = node_descriptor_load(m, paths[i], err);

		if (rc < 0)
			return rc == -EINVAL ? -EBADMSG : rc;
		for (int k = 0; k < i; k++) {
			const char *key = shared_key(m, &p->member[k]);

			if (key)
				return base_fail(err, -EBADMSG,
						 "descriptor %.200s: %s is "
						 "that of %.200s; each member "
						 "needs its own",
						 paths[i], key, paths[k]);
		}
	}
	p->member_count = (uint32_t)count;
	return 0;
}

static uint32_t number_or(const struct node_number *n, uint64_t otherwise)
{
	return (uint32_t)(n->given ? n->n : otherwise);
}

/* @p, whose members are there, after the wishes of @o. */
static int assemble(struct chain_params *p, const struct assemble_options *o,
		    struct base_error *err)
{
	uint32_t n = p->member_count;
	struct node_network_wish wish = {
		.name = o->name ? o->name : "minerd",
		.genesis_time_ms = o->start.n,
		.faults = number_or(&o->faults, (n - 1) / 3),
		.delta_ms = number_or(&o->delta, DELTA_DEFAULT_MS),
		.max_block_bytes = number_or(&o->block_bytes, 0),
		.hps = o->hash_rate.given ? o->hash_rate.n
					  : (uint64_t)MEMBER_HPS_DEFAULT * n,
	};

	wish.spacing_s = number_or(
		&o->spacing,
		node_spacing(NODE_SPACING_ADVISED, wish.faults, wish.delta_ms));
	return node_network_make(p, &wish, err);
}

/* People compare the hash of genesis, of which everything is part. */
static int say_genesis(const char *text, struct base_error *err)
{
	struct node_chain *c = calloc(1, sizeof(*c));
	char hash[BASE_HASH_HEX_SIZE];
	int rc = -ENOMEM;

	if (!c)
		return base_fail(err, rc, "no memory for the network");
	rc = node_chain_parse(c, text, strlen(text), "just made", err);
	if (rc == 0) {
		base_hash_to_hex(hash, &c->genesis_hash);
		(void)fprintf(stderr,
			      "network '%s' of %u member%s, f=%u, delta %u ms, "
			      "a block every %u s\ngenesis %s, which all "
			      "members must see alike\n",
			      c->params.name, c->params.member_count,
			      c->params.member_count == 1 ? "" : "s",
			      c->params.faults, c->params.delta_ms,
			      c->params.spacing_s, hash);
		node_network_warn(&c->params);
	}
	free(c);
	return rc;
}

static int print(const char *text, const char *path, struct base_error *err)
{
	if (path)
		return node_file_write(path, text, strlen(text), 0644, err);
	if (fputs(text, stdout) < 0 || fflush(stdout) != 0)
		return base_fail(err, -EIO, "cannot write the network file: %s",
				 strerror(errno));
	return 0;
}

static int network_assemble(int argc, char **argv, struct base_error *err)
{
	struct assemble_options o = {.name = NULL};
	struct chain_params *p;
	char *text = NULL;
	bool help;
	int words;
	int rc = node_flags_parse(&o, &help, &words, &assemble_table, argc,
				  argv, err);

	if (rc < 0)
		return rc;
	if (help) {
		node_flags_help(stdout, &assemble_table);
		return 0;
	}
	if (!o.start.given)
		return base_fail(err, -EINVAL,
				 "--start TIME is needed, and all members must "
				 "give the same: the network file does not "
				 "depend on when it is made");
	p = calloc(1, sizeof(*p));
	if (!p)
		return base_fail(err, -ENOMEM, "no memory for the network");
	rc = read_members(p, words, argv, err);
	if (rc == 0)
		rc = assemble(p, &o, err);
	if (rc == 0) {
		text = node_network_text(p);
		if (!text)
			rc = base_fail(err, -ENOMEM, "no memory for the file");
	}
	if (rc == 0)
		rc = print(text, o.out, err);
	if (rc == 0)
		rc = say_genesis(text, err);
	free(text);
	free(p);
	return rc;
}

struct new_options {
	const char *dir;
	const char *backend;
	struct node_number members;
	struct node_number faults;
	struct node_number delta;
	struct node_number spacing;
	struct node_number start_in;
	struct node_number base_port;
};

#define AT(field) offsetof(struct new_options, field)

static const struct node_flag new_flags[] = {
	{"members", "N", NODE_FLAG_NUMBER, AT(members), 1, CHAIN_MEMBERS_MAX,
	 "members [4]"},
	{"faults", "F", NODE_FLAG_NUMBER, AT(faults), 0, CHAIN_MEMBERS_MAX - 1,
	 "of them may be faulty at once [(members - 1) / 3]"},
	{"dir", "DIR", NODE_FLAG_TEXT, AT(dir), 1, NODE_PATH_MAX - 16,
	 "new or empty: gets network.json, node0, node1 ..."},
	{"delta", "MS", NODE_FLAG_NUMBER, AT(delta), 1, CHAIN_DELTA_MAX_MS,
	 "one round of agreement [500]"},
	{"spacing", "SECONDS", NODE_FLAG_NUMBER, AT(spacing), 1,
	 CHAIN_SPACING_MAX_S, "between blocks [5 * (faults + 1) * delta]"},
	{"start-in", "SECONDS", NODE_FLAG_NUMBER, AT(start_in), 0,
	 NODE_START_IN_MAX_S, "the network begins as long from now [10]"},
	{"base-port", "PORT", NODE_FLAG_NUMBER, AT(base_port), 1, 65535,
	 "node i listens on 127.0.0.1, this port + i [9500]"},
	{"pow-backend", "NAME", NODE_FLAG_TEXT, AT(backend), 1,
	 NODE_PATH_MAX - 1,
	 "kernel whose rate sets the first difficulty [auto]"},
};

#undef AT

static const struct node_flags new_table = {
	.command = "minerd network new",
	.about = "Makes a network of several members on this machine, for "
		 "tests: DIR/network.json,\nand the datadirs DIR/node0, "
		 "DIR/node1 ... Difficulty is set from the measured\nhash "
		 "rate of this machine, which they share.",
	.flag = new_flags,
	.count = BASE_COUNT(new_flags),
};

static void say_new(const struct node_network_new *w)
{
	(void)printf("network '%s' of %u member%s, f=%u, delta %u ms, a block "
		     "every %u s, begins in %u s\n",
		     w->name, w->members, w->members == 1 ? "" : "s", w->faults,
		     w->delta_ms, w->spacing_s, w->start_in_s);
	for (uint32_t i = 0; i < w->members; i++)
		(void)printf("minerd --datadir %s/node%u --rpc 127.0.0.1:0\n",
			     w->dir, i);
}

static int network_new(int argc, char **argv, struct base_error *err)
{
	struct new_options o = {.dir = NULL};
	struct node_network_new w = {.name = "local"};
	struct chain_params *p;
	bool help;
	int words;
	int rc = node_flags_parse(&o, &help, &words, &new_table, argc, argv,
				  err);

	if (rc < 0)
		return rc;
	if (help) {
		node_flags_help(stdout, &new_table);
		return 0;
	}
	if (!o.dir)
		return base_fail(err, -EINVAL,
				 "--dir DIR is needed: a new or "
				 "empty directory");
	w.dir = o.dir;
	w.members = number_or(&o.members, MEMBERS_NEW_DEFAULT);
	w.nodes = w.members;
	w.faults = number_or(&o.faults, (w.members - 1) / 3);
	w.delta_ms = number_or(&o.delta, DELTA_NEW_DEFAULT_MS);
	w.spacing_s = number_or(&o.spacing, node_spacing(NODE_SPACING_LEAST,
							 w.faults, w.delta_ms));
	w.start_in_s = number_or(&o.start_in, NODE_START_IN_DEFAULT_S);
	w.base_port = number_or(&o.base_port, BASE_PORT_DEFAULT);
	p = calloc(1, sizeof(*p));
	if (!p)
		return base_fail(err, -ENOMEM, "no memory for the network");
	rc = node_machine_hps(&w.hps, o.backend ? o.backend : "auto", 0, err);
	if (rc == 0)
		rc = node_network_create(p, &w, err);
	if (rc == 0) {
		say_new(&w);
		node_network_warn(p);
	}
	free(p);
	return rc;
}

int node_network_cmd(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	struct base_error err;
	int rc;

	if (strcmp(word, "assemble") == 0) {
		rc = network_assemble(argc - 1, argv + 1, &err);
	} else if (strcmp(word, "new") == 0) {
		rc = network_new(argc - 1, argv + 1, &err);
	} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		node_flags_help(stdout, &assemble_table);
		(void)printf("\n\n");
		node_flags_help(stdout, &new_table);
		rc = 0;
	} else {
		rc = base_fail(&err, -EINVAL,
			       "'%.100s' is no subcommand of 'minerd network'; "
			       "there are 'assemble' and 'new'",
			       word);
	}
	if (rc < 0)
		return node_complain(&err, rc == -EINVAL ? NODE_EXIT_USAGE
							 : NODE_EXIT_FAILURE);
	return NODE_EXIT_OK;
}
