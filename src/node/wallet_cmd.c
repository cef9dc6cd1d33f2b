/* SPDX-License-Identifier: MIT */
#include "node/wallet_cmd.h"

#include <errno.h>
#include <unistd.h>

#include "base/bytes.h"
#include "node/passphrase.h"
#include "node/run.h"
#include "node/wallet.h"

/* An existing datadir, locked. */
static int open_datadir(struct node_datadir *out, const struct node_config *c,
			struct base_error *err)
{
	int rc = node_datadir_look(out, c->datadir, err);

	return rc < 0 ? rc : node_datadir_open(out, c->datadir, err);
}

static int finish(struct node_datadir *d, int rc, const struct base_error *err)
{
	node_datadir_close(d);
	if (rc == 0)
		return NODE_EXIT_OK;
	return node_complain(err, rc == -EBUSY ? NODE_EXIT_LOCKED
					       : NODE_EXIT_FAILURE);
}

static int seed_failed(struct base_error *err, int rc)
{
	const char *why = "the seed's file is damaged; restore it from your "
			  "backup";

	if (rc == -EKEYREJECTED)
		why = "the wallet was not encrypted with this passphrase";
	else if (rc == -ENOMEM)
		why = "no memory to decrypt the seed";
	return base_fail(err, rc, "%s", why);
}

static int read_seed(struct node_seed *out, const struct node_datadir *d,
		     const struct node_config *c, struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	struct node_passphrase p = {.given = false};
	int rc = node_seed_read(line, d, NODE_SEED_FILE, err);

	if (rc == 0 && node_seed_is_encrypted(line))
		rc = node_passphrase_ask(&p, c, NODE_WALLET_PASSPHRASE, false,
					 err);
	if (rc == 0) {
		rc = node_seed_decode(out, line, p.given ? p.text : NULL);
		if (rc < 0)
			rc = seed_failed(err, rc);
	}
	base_wipe(&p, sizeof(p));
	base_wipe(line, sizeof(line));
	return rc;
}

int node_wallet_export(const struct node_config *c)
{
	char hex[2 * NODE_SEED_MAX + 2];
	struct node_datadir d = {.lock_fd = -1};
	struct base_error err;
	struct node_seed seed;
	int rc = open_datadir(&d, c, &err);

	if (rc == 0)
		rc = read_seed(&seed, &d, c, &err);
	if (rc == 0) {
		size_t len = 2 * seed.len;

		base_to_hex(hex, seed.bytes, seed.len);
		hex[len] = '\n';
		/* Past stdio, whose buffer would keep it. */
		if (write(STDOUT_FILENO, hex, len + 1) != (ssize_t)len + 1)
			rc = base_fail(&err, -EIO, "cannot write the seed");
		base_wipe(hex, sizeof(hex));
		base_wipe(&seed, sizeof(seed));
	}
	return finish(&d, rc, &err);
}

/* One line of hex from standard input. */
static int type_seed(struct node_seed *out, struct base_error *err)
{
	char line[2 * NODE_SEED_MAX + 3];
	size_t len = 0;
	ssize_t n = 1;
	int rc;

	while (len < sizeof(line) - 1 && !memchr(line, '\n', len) && n > 0) {
		n = read(STDIN_FILENO, line + len, sizeof(line) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	line[len] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	/* Hex only: restoring takes no encrypted line. */
	rc = node_seed_is_encrypted(line) ? -EBADMSG
					  : node_seed_decode(out, line, NULL);
	base_wipe(line, sizeof(line));
	if (rc < 0)
		return base_fail(err, -EINVAL,
				 "standard input must be one line of %d to %d "
				 "hex digits, the seed",
				 2 * NODE_SEED_MIN, 2 * NODE_SEED_MAX);
	return 0;
}

/* Nothing of a wallet may be there: it would be lost, or mixed up. */
static int refuse_existing(const struct node_datadir *d, struct base_error *err)
{
	static const char *const names[] = {NODE_SEED_FILE, NODE_WALLET_FILE};
	char path[NODE_PATH_MAX];

	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		int rc = node_datadir_path(path, d, names[i], err);

		if (rc < 0)
			return rc;
		if (access(path, F_OK) == 0)
			return base_fail(err, -EEXIST,
					 "%.300s is there already; move the "
					 "old wallet away first",
					 path);
	}
	return 0;
}

/* Makes the files: the seed, then by opening the wallet what follows. */
static int write_wallet(const struct node_datadir *d,
			const struct node_seed *seed, const char *passphrase,
			struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	char dir[NODE_PATH_MAX];
	struct node_wallet *w;
	int rc = node_datadir_subdir(dir, d, "keys", err);

	if (rc < 0)
		return rc;
	rc = node_seed_encode(line, seed, passphrase);
	if (rc < 0)
		return base_fail(err, rc, "cannot encrypt the seed: %s",
				 strerror(-rc));
	rc = node_seed_write(d, NODE_SEED_FILE, line, err);
	base_wipe(line, sizeof(line));
	if (rc == 0)
		rc = node_wallet_open(&w, d, false, passphrase, err);
	if (rc == 0)
		node_wallet_close(w);
	return rc;
}

int node_wallet_restore(const struct node_config *c)
{
	struct node_datadir d = {.lock_fd = -1};
	struct node_passphrase p = {.given = false};
	struct node_seed seed;
	struct base_error err;
	int rc = node_datadir_open(&d, c->datadir, &err);

	if (rc == 0)
		rc = refuse_existing(&d, &err);
	if (rc == 0)
		rc = node_passphrase_file(&p, c, NODE_WALLET_PASSPHRASE, &err);
	if (rc == 0)
		rc = type_seed(&seed, &err);
	if (rc == 0)
		rc = write_wallet(&d, &seed, p.given ? p.text : NULL, &err);
	base_wipe(&p, sizeof(p));
	base_wipe(&seed, sizeof(seed));
	return finish(&d, rc, &err);
}

int node_wallet_encrypt_file(const struct node_config *c)
{
	char line[NODE_SEED_LINE_MAX];
	struct node_datadir d = {.lock_fd = -1};
	struct node_passphrase p = {.given = false};
	struct node_wallet *w = NULL;
	struct base_error err;
	int rc = open_datadir(&d, c, &err);

	if (rc == 0)
		rc = node_seed_read(line, &d, NODE_SEED_FILE, &err);
	if (rc == 0 && node_seed_is_encrypted(line))
		rc = base_fail(&err, -EINVAL,
			       "the wallet is encrypted "
			       "already; walletpassphrasechange "
			       "changes its passphrase");
	base_wipe(line, sizeof(line));
	if (rc == 0)
		rc = node_wallet_open(&w, &d, false, NULL, &err);
	if (rc == 0)
		rc = node_passphrase_ask(&p, c, NODE_WALLET_PASSPHRASE, true,
					 &err);
	if (rc == 0)
		rc = node_wallet_encrypt(w, NULL, p.text, &err);
	node_wallet_close(w);
	base_wipe(&p, sizeof(p));
	return finish(&d, rc, &err);
}
