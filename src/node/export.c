/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/flags.h"
#include "node/genesis.h"
#include "node/progress.h"
#include "node/run.h"
#include "node/stream.h"
#include "node/transfer.h"

struct export_options {
	const char *datadir;
	const char *conf;
	const char *network;
};

#define AT(field) offsetof(struct export_options, field)

static const struct node_flag export_options[] = {
	{"datadir", "DIR", NODE_FLAG_TEXT, AT(datadir), 1, NODE_PATH_MAX - 1,
	 "whose chain [~/.minerd]"},
	{"conf", "FILE", NODE_FLAG_TEXT, AT(conf), 1, NODE_PATH_MAX - 1,
	 "configuration file [DATADIR/minerd.conf]"},
	{"network", "FILE", NODE_FLAG_TEXT, AT(network), 1, NODE_PATH_MAX - 1,
	 "the network file [DATADIR/network.json]"},
};

static const struct node_flags export_table = {
	.command = "minerd export",
	.about = "Writes all blocks and certificates as one stream with "
		 "checksums into the new\nfile FILE, or to standard output "
		 "(-), also while a node runs.\n'minerd import' reads it.",
	.flag = export_options,
	.count = BASE_COUNT(export_options),
	.words = "FILE",
};

struct export
{
	struct node_config config;
	struct node_chain chain;
	struct node_stream out;
	struct node_progress bar;
	struct chain_context tip;
	struct store_reader *r;
	uint8_t part[12 + NODE_STREAM_PART_MAX * CHAIN_HEADER_SIZE];
};

static int unreadable(const struct export *e, uint32_t height,
		      struct base_error *err)
{
	return base_fail(err, -EBADMSG,
			 "the chain in %.300s is damaged at height %u; "
			 "'minerd verify' says more",
			 e->config.datadir, height);
}

/* The height up to which the next certificate vouches; without certificates
 * as far as a part goes. */
static int find_end(uint32_t *end, const uint8_t **cert, size_t *len,
		    struct export *e, uint32_t from, struct base_error *err)
{
	uint32_t most = e->tip.height.n - from + 1;
	uint32_t last;

	if (most > NODE_STREAM_PART_MAX)
		most = NODE_STREAM_PART_MAX;
	last = from + most - 1;
	*len = 0;
	*cert = NULL;
	for (*end = from; *end <= last; (*end)++) {
		int rc = store_cert_at(cert, len, e->r,
				       (struct base_height){*end});

		if (rc == 0)
			return 0;
		if (rc != -ENOENT)
			return unreadable(e, *end, err);
	}
	*cert = NULL;
	*len = 0;
	*end = last;
	return 0;
}

static int put_part(struct export *e, uint32_t from, uint32_t end,
		    const uint8_t *cert, size_t cert_len,
		    struct base_error *err)
{
	struct base_writer w = base_writer_init(e->part, sizeof(e->part));
	const uint8_t *block;
	size_t len;
	int rc;

	base_write_le32(&w, from);
	base_write_le32(&w, end - from + 1);
	base_write_le32(&w, (uint32_t)cert_len);
	for (uint32_t h = from; h <= end; h++) {
		if (store_block_at(&block, &len, e->r,
				   (struct base_height){h}) < 0)
			return unreadable(e, h, err);
		base_write_bytes(&w, block, CHAIN_HEADER_SIZE);
	}
	rc = node_stream_put(&e->out, NODE_REC_PART, e->part, w.len, cert,
			     cert_len, err);
	for (uint32_t h = from; h <= end && rc == 0; h++) {
		if (store_block_at(&block, &len, e->r,
				   (struct base_height){h}) < 0)
			return unreadable(e, h, err);
		rc = node_stream_put(&e->out, NODE_REC_BLOCK, block, len, NULL,
				     0, err);
		node_progress_show(&e->bar, h);
	}
	return rc;
}

static int put_head(struct export *e, struct base_error *err)
{
	uint8_t head[4 + 32 + 4 + 32];
	struct base_writer w = base_writer_init(head, sizeof(head));

	base_write_le32(&w, NODE_STREAM_VERSION);
	base_write_bytes(&w, e->chain.genesis_hash.b, 32);
	base_write_le32(&w, e->tip.height.n);
	base_write_bytes(&w, e->tip.hash.b, 32);
	return node_stream_put(&e->out, NODE_REC_HEAD, head, sizeof(head), NULL,
			       0, err);
}

/* The tip is read with the blocks: of one snapshot. */
static int put_chain(struct export *e, struct base_error *err)
{
	uint32_t from = 1;
	uint8_t count[4];
	int rc = put_head(e, err);

	while (rc == 0 && from <= e->tip.height.n) {
		const uint8_t *cert;
		uint32_t end;
		size_t len;

		rc = find_end(&end, &cert, &len, e, from, err);
		if (rc == 0)
			rc = put_part(e, from, end, cert, len, err);
		from = end + 1;
	}
	base_store_le32(count, e->tip.height.n);
	if (rc == 0)
		rc = node_stream_put(&e->out, NODE_REC_END, count,
				     sizeof(count), NULL, 0, err);
	return rc;
}

static int export_to(struct export *e, FILE *f, const char *name,
		     struct base_error *err)
{
	struct node_datadir d = {.lock_fd = -1};
	char network[NODE_PATH_MAX];
	struct store *store;
	int rc = node_datadir_look(&d, e->config.datadir, err);

	if (rc == 0)
		rc = node_chain_path(network, &e->config, &d, err);
	if (rc == 0)
		rc = node_chain_load(&e->chain, network, err);
	if (rc == 0)
		rc = node_chain_open(&store, &e->tip, &e->chain, &e->config, &d,
				     true, err);
	if (rc < 0)
		return rc;
	rc = store_read_begin(&e->r, store, err);
	if (rc == 0) {
		/* At least what the tip was before the snapshot. */
		node_progress_begin(&e->bar, STDERR_FILENO, "export", 0,
				    e->tip.height.n);
		rc = node_stream_write(&e->out, f, name, err);
		if (rc == 0)
			rc = put_chain(e, err);
		node_progress_end(&e->bar);
		store_read_end(e->r);
	}
	store_close(store);
	return rc;
}

/* Whole or not at all. */
static int export_file(struct export *e, const char *path,
		       struct base_error *err)
{
	char temporary[NODE_PATH_MAX + 8];
	FILE *f;
	int fd;
	int rc;

	if (strlen(path) >= NODE_PATH_MAX)
		return base_fail(err, -ENAMETOOLONG, "path too long: %.200s",
				 path);
	if (access(path, F_OK) == 0)
		return base_fail(err, -EEXIST,
				 "%.300s is there already; name a new file",
				 path);
	(void)snprintf(temporary, sizeof(temporary), "%s.part", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return base_fail(err, -errno, "cannot create %.300s: %s",
				 temporary, strerror(errno));
	rc = export_to(e, f, path, err);
	errno = 0;
	if (rc == 0 &&
	    (fflush(f) != 0 || fsync(fd) < 0 || rename(temporary, path) < 0))
		rc = base_fail(err, errno ? -errno : -EIO,
			       "cannot write %.300s: %s", path,
			       strerror(errno));
	(void)fclose(f);
	if (rc < 0)
		(void)unlink(temporary);
	return rc;
}

static int export_stdout(struct export *e, struct base_error *err)
{
	int rc;

	if (isatty(STDOUT_FILENO))
		return base_fail(err, -EINVAL,
				 "standard output is a terminal; name a file, "
				 "or send it to a program");
	rc = export_to(e, stdout, "standard output", err);
	errno = 0;
	if (rc == 0 && fflush(stdout) != 0)
		rc = base_fail(err, errno ? -errno : -EIO,
			       "cannot write standard output: %s",
			       strerror(errno));
	return rc;
}

static int export_chain(struct export *e, const struct export_options *o,
			const char *path, struct base_error *err)
{
	const struct node_given given[] = {{"--datadir", o->datadir},
					   {"--conf", o->conf},
					   {"--network", o->network}};
	int rc = node_config_load_given(&e->config, given, BASE_COUNT(given),
					err);

	if (rc < 0)
		return rc;
	return strcmp(path, "-") == 0 ? export_stdout(e, err)
				      : export_file(e, path, err);
}

int node_export(int argc, char **argv)
{
	struct export_options o = {.datadir = NULL};
	struct export *e = NULL;
	struct base_error err;
	bool help;
	int words;
	int rc = node_flags_parse(&o, &help, &words, &export_table, argc, argv,
				  &err);

	if (rc == 0 && help) {
		node_flags_help(stdout, &export_table);
		return NODE_EXIT_OK;
	}
	if (rc == 0 && (words != 1 || !*argv[0]))
		rc = base_fail(&err, -EINVAL,
			       "name one new file, or - for standard output: "
			       "minerd export FILE");
	if (rc == 0) {
		e = calloc(1, sizeof(*e));
		rc = e ? export_chain(e, &o, argv[0], &err)
		       : base_fail(&err, -ENOMEM, "no memory for an export");
	}
	if (rc == 0)
		(void)fprintf(stderr, "exported %u blocks\n", e->tip.height.n);
	free(e);
	return node_transfer_end(rc, &err);
}
