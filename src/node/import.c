/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "consensus/light.h"
#include "node/flags.h"
#include "node/genesis.h"
#include "node/member.h"
#include "node/passphrase.h"
#include "node/progress.h"
#include "node/run.h"
#include "node/stream.h"
#include "node/transfer.h"
#include "node/wallet.h"

#define HEAD_SIZE (4 + 32 + 4 + 32)
#define PART_HEAD_SIZE 12

_Static_assert(NODE_STREAM_RECORD_MAX >= CHAIN_BLOCK_BYTES_MAX &&
		       NODE_STREAM_RECORD_MAX >=
			       PART_HEAD_SIZE +
				       NODE_STREAM_PART_MAX *
					       CHAIN_HEADER_SIZE +
				       DS_CERT_SIZE(DS_MEMBERS_MAX),
	       "every record of a good stream may be read");

struct import_options {
	const char *datadir;
	const char *conf;
	const char *network;
	const char *trust_tip;
	const char *passphrase_file;
	const char *key_passphrase_file;
};

#define AT(field) offsetof(struct import_options, field)

static const struct node_flag import_options[] = {
	{"datadir", "DIR", NODE_FLAG_TEXT, AT(datadir), 1, NODE_PATH_MAX - 1,
	 "whose chain grows; made where there is none [~/.minerd]"},
	{"conf", "FILE", NODE_FLAG_TEXT, AT(conf), 1, NODE_PATH_MAX - 1,
	 "configuration file [DATADIR/minerd.conf]"},
	{"network", "FILE", NODE_FLAG_TEXT, AT(network), 1, NODE_PATH_MAX - 1,
	 "the network file [DATADIR/network.json]"},
	{"trust-tip", "HASH", NODE_FLAG_TEXT, AT(trust_tip), 64, 64,
	 "certificates off: the last block, as people vouch for it"},
	{"wallet-passphrase-file", "FILE", NODE_FLAG_TEXT, AT(passphrase_file),
	 1, NODE_PATH_MAX - 1,
	 "its first line encrypts the wallet of a new "
	 "datadir"},
	{"key-passphrase-file", "FILE", NODE_FLAG_TEXT, AT(key_passphrase_file),
	 1, NODE_PATH_MAX - 1,
	 "its first line encrypts the keys of a new datadir"},
};

static const struct node_flags import_table = {
	.command = "minerd import",
	.about = "Appends what the stream FILE (-: standard input) of 'minerd "
		 "export' has beyond the\ntip of the datadir. Everything is "
		 "checked as in a sync: blocks by executing them,\n"
		 "certificates by their signatures. What was appended stays: "
		 "an interrupted import\ngoes on when it is run again. The "
		 "network file must be there.",
	.flag = import_options,
	.count = BASE_COUNT(import_options),
	.words = "FILE",
};

struct import {
	struct node_config config;
	struct node_chain chain;
	struct ds_committee committee;
	struct node_stream in;
	struct node_progress bar;
	struct store *store;
	struct chain_context tip;
	uint32_t began; /* height of the tip before */
	struct chain_scratch scratch;
	void *memory; /* of the scratch */
	/* What the stream says of itself. */
	struct base_height last;
	struct base_hash last_hash;
	/* The part being read. */
	uint32_t first;
	uint32_t count;
	struct base_hash hash[NODE_STREAM_PART_MAX];
	uint8_t cert[DS_CERT_SIZE(DS_MEMBERS_MAX)];
	size_t cert_len;
};

static int read_head(struct import *m, struct base_error *err)
{
	struct base_reader r;
	struct base_hash genesis;
	uint32_t version;
	int rc = node_stream_get(&m->in, err);

	if (rc < 0)
		return rc;
	if (m->in.type != NODE_REC_HEAD || m->in.len != HEAD_SIZE)
		return node_stream_bad(&m->in, err, "it has no header");
	r = base_reader_init(m->in.data, m->in.len);
	version = base_read_le32(&r);
	base_read_hash(&genesis, &r);
	m->last.n = base_read_le32(&r);
	base_read_hash(&m->last_hash, &r);
	if (version != NODE_STREAM_VERSION)
		return base_fail(err, -EPROTO,
				 "%.300s has version %u, this minerd knows %u; "
				 "use another minerd",
				 m->in.name, version, NODE_STREAM_VERSION);
	if (base_hash_equal(&genesis, &m->chain.genesis_hash))
		return 0;
	return base_fail(err, -EXDEV,
			 "%.300s is the chain of another network than the "
			 "network file's; name that one's with --network and "
			 "another --datadir",
			 m->in.name);
}

/* What vouches for the part: its last block's certificate. */
static int check_cert(struct import *m, const uint8_t *data, size_t len,
		      struct base_error *err)
{
	const uint32_t end = m->first + m->count - 1;
	struct ds_cert cert;

	if (!m->committee.certified)
		return len == 0 ? 0
				: node_stream_bad(&m->in, err,
						  "a certificate, but the "
						  "network makes none");
	if (len == 0)
		return node_stream_bad(&m->in, err,
				       "no certificate for what follows");
	if (len > sizeof(m->cert) ||
	    ds_cert_read(&cert, &m->committee, data, len) < 0)
		return node_stream_bad(&m->in, err,
				       "the next certificate is unreadable");
	if (cert.height.n != end ||
	    !base_hash_equal(&cert.hash, &m->hash[m->count - 1]))
		return node_stream_bad(&m->in, err,
				       "the next certificate is another "
				       "block's");
	if (end > m->tip.height.n && !ds_cert_valid(&m->committee, &cert))
		return node_stream_bad(&m->in, err,
				       "the next certificate has a wrong "
				       "signature");
	memcpy(m->cert, data, len);
	m->cert_len = len;
	return 0;
}

/* A block that we have is the same one; the rest leads on from the tip @at. */
static int check_header(struct import *m, struct store_reader *r,
			struct chain_context *at, uint32_t i,
			const uint8_t *bytes, struct base_error *err)
{
	const struct base_height height = {m->first + i};
	struct chain_header h;
	struct base_hash ours;
	enum chain_verdict verdict;
	char why[96];

	chain_header_read(&h, bytes);
	chain_header_hash(&m->hash[i], &h);
	if (height.n <= at->height.n) {
		if (store_hash_at(&ours, r, height) < 0)
			return base_fail(err, -EBADMSG,
					 "the chain in %.300s is damaged at "
					 "height %u; 'minerd verify' says more",
					 m->config.datadir, height.n);
		if (base_hash_equal(&ours, &m->hash[i]))
			return 0;
		(void)snprintf(why, sizeof(why),
			       "block %u is another one than the datadir's",
			       height.n);
		(void)node_stream_bad(&m->in, err, why);
		return -EXDEV;
	}
	verdict = chain_context_check_hashed(at, &m->chain.params, &h,
					     &m->hash[i]);
	if (verdict != CHAIN_OK) {
		(void)snprintf(why, sizeof(why), "the header of block %u: %s",
			       height.n, chain_verdict_name(verdict));
		return node_stream_bad(&m->in, err, why);
	}
	chain_context_append_hashed(at, &m->chain.params, &h, &m->hash[i]);
	return 0;
}

static int check_headers(struct import *m, struct chain_context *at,
			 const uint8_t *headers, struct base_error *err)
{
	struct store_reader *r;
	int rc = store_read_begin(&r, m->store, err);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < m->count && rc == 0; i++)
		rc = check_header(m, r, at, i,
				  headers + i * (size_t)CHAIN_HEADER_SIZE, err);
	store_read_end(r);
	return rc;
}

/* The record read last is a part that begins at @next: @at, the tip so far, is
 * moved to its end. */
static int take_part(struct import *m, uint32_t next, struct chain_context *at,
		     struct base_error *err)
{
	struct base_reader r = base_reader_init(m->in.data, m->in.len);
	const uint8_t *headers;
	uint32_t cert_len;
	int rc;

	m->first = base_read_le32(&r);
	m->count = base_read_le32(&r);
	cert_len = base_read_le32(&r);
	if (m->first != next || m->count == 0 ||
	    m->count > NODE_STREAM_PART_MAX ||
	    m->count > m->last.n - next + 1 ||
	    base_reader_left(&r) !=
		    m->count * (size_t)CHAIN_HEADER_SIZE + cert_len)
		return node_stream_bad(&m->in, err, "the next part is wrong");
	headers = base_read_bytes(&r, m->count * (size_t)CHAIN_HEADER_SIZE);
	rc = check_headers(m, at, headers, err);
	if (rc == 0)
		rc = check_cert(m, base_read_bytes(&r, cert_len), cert_len,
				err);
	return rc;
}

static int append(struct import *m, uint32_t i, const struct chain_header *h,
		  struct base_error *err)
{
	const bool last = i + 1 == m->count && m->cert_len > 0;
	struct store_block block = {.data = m->in.data,
				    .len = m->in.len,
				    .after = m->tip,
				    .changes = &m->scratch.changes,
				    .cert = last ? m->cert : NULL,
				    .cert_len = last ? m->cert_len : 0};
	int rc;

	chain_context_append_hashed(&block.after, &m->chain.params, h,
				    &m->hash[i]);
	rc = store_append(m->store, &block, err);
	if (rc == 0)
		m->tip = block.after;
	return rc;
}

/* The record read last is block @i of the part. */
static int take_block(struct import *m, uint32_t i, struct base_error *err)
{
	struct chain_block_info info;
	struct store_reader *r;
	struct chain_coins coins;
	struct chain_header h;
	struct base_hash hash;
	enum chain_verdict verdict;
	char why[96];
	int rc;

	if (m->in.type != NODE_REC_BLOCK || m->in.len <= CHAIN_HEADER_SIZE ||
	    m->in.len > m->chain.params.max_block_bytes)
		return node_stream_bad(&m->in, err, "what follows is no block");
	chain_header_read(&h, m->in.data);
	chain_header_hash(&hash, &h);
	if (!base_hash_equal(&hash, &m->hash[i]))
		return node_stream_bad(&m->in, err,
				       "that block is not the one announced");
	if (m->first + i <= m->tip.height.n)
		return 0;
	rc = store_read_begin(&r, m->store, err);
	if (rc < 0)
		return rc;
	coins = store_coins(r);
	verdict = chain_block_validate(&info, &m->chain.params, &m->tip, &coins,
				       &m->scratch, m->in.data, m->in.len);
	store_read_end(r);
	if (verdict == CHAIN_COINS_FAILED)
		return base_fail(err, -EIO,
				 "the coins of %.300s cannot be read; check "
				 "the disk",
				 m->config.datadir);
	if (verdict == CHAIN_OK)
		return append(m, i, &h, err);
	(void)snprintf(why, sizeof(why), "block %u is against the rules: %s",
		       m->first + i, chain_verdict_name(verdict));
	return node_stream_bad(&m->in, err, why);
}

static int take_end(struct import *m, struct base_error *err)
{
	int c;

	if (m->in.type != NODE_REC_END || m->in.len != 4 ||
	    base_load_le32(m->in.data) != m->in.blocks ||
	    m->in.blocks != m->last.n)
		return node_stream_bad(&m->in, err, "the end is wrong");
	c = getc(m->in.f);
	if (c != EOF)
		return node_stream_bad(&m->in, err, "something follows it");
	return 0;
}

/* All parts; @look: nothing is appended, but the way is seen to lead to the
 * block that people vouch for. */
static int walk(struct import *m, bool look, struct base_error *err)
{
	struct chain_context at = m->tip;
	uint32_t next = 1;
	int rc = 0;

	while (rc == 0 && next <= m->last.n) {
		rc = node_stream_get(&m->in, err);
		if (rc == 0 && m->in.type != NODE_REC_PART)
			rc = node_stream_bad(&m->in, err, "a part is missing");
		if (rc == 0)
			rc = take_part(m, next, &at, err);
		for (uint32_t i = 0; i < m->count && rc == 0; i++) {
			rc = node_stream_get(&m->in, err);
			if (rc == 0 && !look)
				rc = take_block(m, i, err);
			node_progress_show(&m->bar, m->in.blocks);
		}
		if (rc == 0)
			next += m->count;
	}
	if (rc == 0)
		rc = node_stream_get(&m->in, err);
	if (rc == 0)
		rc = take_end(m, err);
	if (rc == 0 && m->last.n > 0 &&
	    !base_hash_equal(&m->hash[m->count - 1], &m->last_hash))
		return node_stream_bad(&m->in, err,
				       "the last block is not the header's");
	return rc;
}

static int begin(struct import *m, FILE *f, const char *name,
		 struct base_error *err)
{
	int rc = node_stream_read(&m->in, f, name, err);

	return rc == 0 ? read_head(m, err) : rc;
}

/* Without certificates only people can vouch for the chain, and for its end
 * alone: the whole way there is looked at before a block is taken. */
static int look_first(struct import *m, FILE *f, const char *name,
		      struct base_error *err)
{
	char hex[BASE_HASH_HEX_SIZE];
	int rc;

	base_hash_to_hex(hex, &m->last_hash);
	if (!m->config.trusts_tip ||
	    !base_hash_equal(&m->config.trust_tip, &m->last_hash))
		return base_fail(err, -EPERM,
				 "the network makes no certificates; %.200s "
				 "ends with block %s: once other members "
				 "confirm it, say --trust-tip with that hash",
				 name, hex);
	if (fseeko(f, 0, SEEK_CUR) < 0)
		return base_fail(err, -ESPIPE,
				 "without certificates a stream is read twice; "
				 "import it from a file");
	node_progress_begin(&m->bar, STDERR_FILENO, "check", 0, m->last.n);
	rc = walk(m, true, err);
	node_progress_end(&m->bar);
	if (rc == 0 && fseeko(f, 0, SEEK_SET) < 0)
		rc = base_fail(err, -errno, "cannot read %.300s again: %s",
			       name, strerror(errno));
	node_stream_end(&m->in);
	return rc == 0 ? begin(m, f, name, err) : rc;
}

static int take_stream(struct import *m, FILE *f, const char *name,
		       struct base_error *err)
{
	uint8_t salt[CHAIN_SALT_SIZE];
	const uint32_t block_bytes = m->chain.params.max_block_bytes;
	int rc = begin(m, f, name, err);

	m->began = m->tip.height.n;
	if (rc == 0 && !m->committee.certified && m->last.n > m->began)
		rc = look_first(m, f, name, err);
	if (rc < 0)
		return rc;
	if (getrandom(salt, sizeof(salt), 0) != sizeof(salt))
		return base_fail(err, -EIO, "no random numbers: %s",
				 strerror(errno));
	m->memory = malloc(chain_scratch_size(block_bytes));
	if (!m->memory)
		return base_fail(err, -ENOMEM, "no memory to check blocks");
	chain_scratch_init(&m->scratch, m->memory, block_bytes, salt);
	node_progress_begin(&m->bar, STDERR_FILENO, "import", 0, m->last.n);
	rc = walk(m, false, err);
	node_progress_end(&m->bar);
	free(m->memory);
	return rc;
}

/* A datadir without a chain, of which nobody was told, gets keys and a wallet
 * as by a first start; later ones would miss them. */
static int make_keys(struct import *m, const struct node_datadir *d,
		     struct base_error *err)
{
	struct node_passphrase p;
	struct node_wallet *wallet;
	struct node_keys keys;
	char data[NODE_PATH_MAX];
	int rc = node_datadir_path(data, d, "chain/data.mdb", err);

	if (rc < 0 || access(data, F_OK) == 0 || node_member_described(d))
		return rc;
	rc = node_keys_open(&keys, d, true, &m->config, err);
	node_keys_wipe(&keys);
	if (rc == 0)
		rc = node_passphrase_file(&p, &m->config,
					  NODE_WALLET_PASSPHRASE, err);
	if (rc < 0)
		return rc;
	rc = node_wallet_open(&wallet, d, true, p.given ? p.text : NULL, err);
	base_wipe(&p, sizeof(p));
	if (rc == 0)
		node_wallet_close(wallet);
	return rc;
}

static int import_into(struct import *m, const struct node_datadir *d, FILE *f,
		       const char *name, struct base_error *err)
{
	char network[NODE_PATH_MAX];
	int rc = node_chain_path(network, &m->config, d, err);

	if (rc == 0 && access(network, F_OK) < 0)
		rc = base_fail(err, -ENOENT,
			       "there is no network file %.300s; a chain is "
			       "checked against it: name it with --network",
			       network);
	if (rc == 0)
		rc = node_chain_load(&m->chain, network, err);
	if (rc < 0)
		return rc;
	ds_committee_init(&m->committee, &m->chain.params,
			  &m->chain.genesis_hash, m->config.vote_epoch);
	rc = make_keys(m, d, err);
	if (rc == 0)
		rc = node_chain_open(&m->store, &m->tip, &m->chain, &m->config,
				     d, false, err);
	if (rc == 0)
		rc = take_stream(m, f, name, err);
	node_stream_end(&m->in);
	store_close(m->store);
	return rc;
}

static int import_chain(struct import *m, const struct import_options *o,
			const char *path, struct base_error *err)
{
	const struct node_given given[] = {
		{"--datadir", o->datadir},
		{"--conf", o->conf},
		{"--network", o->network},
		{"--trust-tip", o->trust_tip},
		{"--wallet-passphrase-file", o->passphrase_file},
		{"--key-passphrase-file", o->key_passphrase_file}};
	const bool standard = strcmp(path, "-") == 0;
	struct node_datadir d = {.lock_fd = -1};
	FILE *f = stdin;
	int rc = node_config_load_given(&m->config, given, BASE_COUNT(given),
					err);

	if (rc < 0)
		return rc;
	if (standard && isatty(STDIN_FILENO))
		return base_fail(err, -EINVAL,
				 "standard input is a terminal; name a file");
	if (!standard)
		f = fopen(path, "re");
	if (!f)
		return base_fail(err, -errno, "cannot read %.300s: %s", path,
				 strerror(errno));
	rc = node_datadir_open(&d, m->config.datadir, err);
	if (rc == 0)
		rc = import_into(m, &d, f, standard ? "standard input" : path,
				 err);
	node_datadir_close(&d);
	if (!standard)
		(void)fclose(f);
	return rc;
}

int node_import(int argc, char **argv)
{
	struct import_options o = {.datadir = NULL};
	char hash[BASE_HASH_HEX_SIZE];
	struct import *m = NULL;
	struct base_error err;
	bool help;
	int words;
	int rc = node_flags_parse(&o, &help, &words, &import_table, argc, argv,
				  &err);

	if (rc == 0 && help) {
		node_flags_help(stdout, &import_table);
		return NODE_EXIT_OK;
	}
	if (rc == 0 && (words != 1 || !*argv[0]))
		rc = base_fail(&err, -EINVAL,
			       "name one file, or - for standard input: minerd "
			       "import FILE");
	if (rc == 0) {
		m = calloc(1, sizeof(*m));
		rc = m ? import_chain(m, &o, argv[0], &err)
		       : base_fail(&err, -ENOMEM, "no memory for an import");
	}
	if (rc < 0 && m && m->tip.height.n > m->began)
		(void)fprintf(
			stderr,
			"minerd: blocks %u to %u were imported and stay\n",
			m->began + 1, m->tip.height.n);
	if (rc == 0) {
		base_hash_to_hex(hash, &m->tip.hash);
		(void)printf("imported %u blocks\nheight %u hash %s\n",
			     m->tip.height.n - m->began, m->tip.height.n, hash);
	}
	free(m);
	return node_transfer_end(rc, &err);
}
