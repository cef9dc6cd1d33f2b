/* SPDX-License-Identifier: MIT */
#include "node/wallet.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "node/clock.h"
#include "node/seed.h"
#include "node/wallet_file.h"

/* A row of the table of output keys. */
struct known_key {
	uint8_t key[CHAIN_KEY_SIZE];
	node_address_ref address;
};

static int complain(struct base_error *err, const struct node_wallet *w, int rc)
{
	const char *what = "cannot be read; restore it from your backup";

	if (rc == -EKEYREJECTED)
		what = "was not encrypted with this passphrase";
	else if (rc == -EBADMSG)
		what = "is damaged; restore it from your backup";
	else if (rc == -EXDEV)
		what = "is of another wallet than keys/wallet.json beside it; "
		       "restore both from one backup";
	else if (rc == -ENOMEM)
		what = "cannot be used: no memory";
	return base_fail(err, rc, "%.300s/" NODE_SEED_FILE " %s",
			 w->datadir->path, what);
}

/* From the line of the seed to what signs. */
static int open_line(struct node_xprv *out, const char *line,
		     const char *passphrase)
{
	struct node_seed seed;
	int rc = node_seed_decode(&seed, line, passphrase);

	if (rc == 0)
		rc = node_bip86_account(out, seed.bytes, seed.len);
	base_wipe(&seed, sizeof(seed));
	return rc;
}

static int create_seed(char line[static NODE_SEED_LINE_MAX],
		       const struct node_datadir *d, const char *passphrase,
		       struct base_error *err)
{
	char dir[NODE_PATH_MAX];
	struct node_seed seed;
	int rc = node_seed_random(&seed);

	if (rc == 0)
		rc = node_seed_encode(line, &seed, passphrase);
	base_wipe(&seed, sizeof(seed));
	if (rc < 0)
		return base_fail(err, rc, "cannot make a wallet: %s",
				 strerror(-rc));
	rc = node_datadir_subdir(dir, d, "keys", err);
	if (rc == 0)
		rc = node_seed_write(d, NODE_SEED_FILE, line, err);
	return rc;
}

static int read_seed(char line[static NODE_SEED_LINE_MAX],
		     const struct node_wallet *w, bool create,
		     const char *passphrase, struct base_error *err)
{
	int rc = node_seed_read(line, w->datadir, NODE_SEED_FILE, err);

	if (rc == -ENOENT && create)
		return create_seed(line, w->datadir, passphrase, err);
	if (rc == -ENOENT)
		return base_fail(err, rc,
				 "%.200s/" NODE_SEED_FILE
				 " is missing, but this datadir already has a "
				 "network; restore it from your backup, or "
				 "with 'minerd wallet restore'",
				 w->datadir->path);
	return rc == -EBADMSG ? complain(err, w, rc) : rc;
}

/* What wallet.json says, or would say for the unlocked account. */
static int load_state(struct node_wallet *w, bool created,
		      struct base_error *err)
{
	struct node_xpub account;
	int rc = node_wallet_file_read(w, err);

	if (rc == -ENOENT && !w->unlocked)
		return base_fail(
			err, rc,
			"%.200s/" NODE_WALLET_FILE
			" is missing, and the seed it could be made from is "
			"encrypted; start once with --wallet-passphrase-file, "
			"or restore the file from your backup",
			w->datadir->path);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (w->unlocked && node_bip86_public(&account, &w->secret) < 0)
		return complain(err, w, -EBADMSG);
	if (rc == 0) {
		if (w->unlocked &&
		    memcmp(&account, &w->account, sizeof(account)) != 0)
			return complain(err, w, -EXDEV);
		return 0;
	}
	w->account = account;
	w->next[NODE_RECEIVE] = 1; /* address 0 is mining's */
	w->scanned = created;
	w->changed = true;
	return node_wallet_save(w, err);
}

static int open_wallet(struct node_wallet *w, bool create,
		       const char *passphrase, struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	struct base_error unused;
	bool created = node_seed_read(line, w->datadir, NODE_SEED_FILE,
				      &unused) == -ENOENT;
	int rc = read_seed(line, w, create, passphrase, err);

	if (rc < 0)
		return rc;
	w->encrypted = node_seed_is_encrypted(line);
	w->unlocked = passphrase || !w->encrypted;
	if (w->unlocked)
		rc = open_line(&w->secret, line, passphrase);
	base_wipe(line, sizeof(line));
	if (rc < 0)
		return complain(err, w, rc);
	if (passphrase && !w->encrypted)
		return base_fail(err, -EINVAL,
				 "there is a --wallet-passphrase-file, but the "
				 "wallet in %.200s is not encrypted; encrypt "
				 "it with 'minerd wallet encrypt'",
				 w->datadir->path);
	rc = load_state(w, created, err);
	for (uint32_t i = 0; i < NODE_BRANCHES && rc == 0; i++)
		if (node_bip86_branch(&w->branch[i], &w->account, i) < 0)
			rc = base_fail(err, -EBADMSG,
				       "%.200s/" NODE_WALLET_FILE
				       " is damaged; restore it from your "
				       "backup",
				       w->datadir->path);
	return rc;
}

int node_wallet_open(struct node_wallet **out, const struct node_datadir *d,
		     bool create, const char *passphrase,
		     struct base_error *err)
{
	struct node_wallet *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return base_fail(err, -ENOMEM, "no memory for the wallet");
	w->datadir = d;
	w->relock_ms = NODE_WALLET_FOR_EVER;
	rc = node_table_init(&w->refs, CHAIN_KEY_SIZE,
			     sizeof(struct known_key));
	if (rc == 0)
		rc = node_table_init(&w->coins, sizeof(struct chain_outpoint),
				     sizeof(struct node_wallet_coin));
	if (rc == 0)
		rc = node_table_init(&w->pending, sizeof(struct chain_outpoint),
				     sizeof(struct node_wallet_coin));
	if (rc == 0)
		rc = node_table_init(&w->spent, sizeof(struct chain_outpoint),
				     sizeof(struct chain_outpoint));
	if (rc < 0)
		rc = base_fail(err, rc, "no randomness for the wallet");
	else
		rc = open_wallet(w, create, passphrase, err);
	if (rc < 0)
		node_wallet_close(w);
	else
		*out = w;
	return rc;
}

void node_wallet_close(struct node_wallet *w)
{
	if (!w)
		return;
	node_table_free(&w->refs);
	node_table_free(&w->coins);
	node_table_free(&w->pending);
	node_table_free(&w->spent);
	free(w->key[NODE_RECEIVE]);
	free(w->key[NODE_CHANGE]);
	free(w->scratch);
	base_wipe(w, sizeof(*w));
	free(w);
}

int node_wallet_payout_key(uint8_t key[static CHAIN_KEY_SIZE],
			   const struct node_wallet *w)
{
	return node_bip86_output_key(key, &w->branch[NODE_RECEIVE], 0);
}

static int derive_branch(struct node_wallet *w, uint32_t branch)
{
	uint32_t want = w->next[branch] + NODE_WALLET_GAP;
	void *keys;

	if (want <= w->derived[branch])
		return 0;
	if (want > NODE_WALLET_KEYS_MAX)
		return -ENOSPC;
	/* In steps, so that one address more is seldom a copy of all. */
	want = (want + NODE_WALLET_GAP / 4) / (NODE_WALLET_GAP / 4) *
	       (NODE_WALLET_GAP / 4);
	keys = realloc(w->key[branch], want * sizeof(*w->key[branch]));
	if (!keys)
		return -ENOMEM;
	w->key[branch] = keys;
	for (uint32_t i = w->derived[branch]; i < want; i++) {
		struct known_key known = {.address = i << 1 | branch};
		int rc =
			node_bip86_output_key(known.key, &w->branch[branch], i);

		if (rc == 0)
			rc = node_table_put(&w->refs, &known);
		if (rc < 0)
			return -ENOMEM;
		memcpy(w->key[branch][i], known.key, sizeof(known.key));
		w->derived[branch] = i + 1;
	}
	return 0;
}

int node_wallet_derive(struct node_wallet *w)
{
	int rc = derive_branch(w, NODE_RECEIVE);

	return rc < 0 ? rc : derive_branch(w, NODE_CHANGE);
}

const uint8_t *node_wallet_key(const struct node_wallet *w,
			       node_address_ref address)
{
	BASE_ASSERT(address >> 1 < w->derived[address & 1]);
	return w->key[address & 1][address >> 1];
}

bool node_wallet_find(node_address_ref *out, const struct node_wallet *w,
		      const uint8_t key[static CHAIN_KEY_SIZE])
{
	const struct known_key *known = node_table_find(&w->refs, key);

	if (known)
		*out = known->address;
	return known;
}

int node_wallet_met(struct node_wallet *w, node_address_ref address)
{
	uint32_t index = address >> 1;

	if (index < w->next[address & 1])
		return 0;
	w->next[address & 1] = index + 1;
	w->changed = true;
	return node_wallet_derive(w);
}

int node_wallet_take(node_address_ref *out, struct node_wallet *w,
		     enum node_branch branch, struct base_error *err)
{
	uint32_t index = w->next[branch];
	int rc;

	w->next[branch]++;
	w->changed = true;
	rc = node_wallet_derive(w);
	if (rc < 0)
		(void)base_fail(err, rc, "no more addresses: %s",
				strerror(-rc));
	else
		rc = node_wallet_save(w, err);
	if (rc < 0) {
		w->next[branch]--;
		return rc;
	}
	*out = index << 1 | branch;
	return 0;
}

int node_wallet_save(struct node_wallet *w, struct base_error *err)
{
	int rc;

	if (!w->changed)
		return 0;
	rc = node_wallet_file_write(w, err);
	if (rc == 0)
		w->changed = false;
	return rc;
}

void node_wallet_lock(struct node_wallet *w)
{
	w->unlocked = false;
	w->relock_ms = NODE_WALLET_FOR_EVER;
	base_wipe(&w->secret, sizeof(w->secret));
}

int node_wallet_tick(struct node_wallet *w)
{
	uint64_t now = node_monotonic_ms();

	if (!w->unlocked || w->relock_ms == NODE_WALLET_FOR_EVER)
		return -1;
	if (w->relock_ms <= now) {
		node_wallet_lock(w);
		return -1;
	}
	return w->relock_ms - now > INT_MAX ? INT_MAX
					    : (int)(w->relock_ms - now);
}

const struct node_xprv *node_wallet_secret(struct node_wallet *w)
{
	(void)node_wallet_tick(w);
	return w->unlocked ? &w->secret : NULL;
}

/* The seed is what wallet.json is about. */
static int check_account(const struct node_wallet *w,
			 const struct node_xprv *secret)
{
	struct node_xpub account;
	int rc = node_bip86_public(&account, secret);

	if (rc == 0 && memcmp(&account, &w->account, sizeof(account)) != 0)
		rc = -EXDEV;
	return rc;
}

int node_wallet_unlock(struct node_wallet *w, const char *passphrase,
		       uint64_t relock_ms, struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	struct node_xprv secret;
	int rc = node_seed_read(line, w->datadir, NODE_SEED_FILE, err);

	if (rc < 0 && rc != -EBADMSG)
		return rc;
	if (rc == 0)
		rc = open_line(&secret, line, passphrase);
	if (rc == 0)
		rc = check_account(w, &secret);
	if (rc == 0) {
		w->secret = secret;
		w->unlocked = true;
		w->relock_ms = relock_ms;
	} else {
		rc = complain(err, w, rc);
	}
	base_wipe(&secret, sizeof(secret));
	base_wipe(line, sizeof(line));
	return rc;
}

int node_wallet_encrypt(struct node_wallet *w, const char *from, const char *to,
			struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	struct node_seed seed;
	int rc = node_seed_read(line, w->datadir, NODE_SEED_FILE, err);

	if (rc < 0 && rc != -EBADMSG)
		return rc;
	if (rc == 0)
		rc = node_seed_decode(&seed, line, from);
	if (rc < 0) {
		rc = complain(err, w, rc);
	} else {
		rc = node_seed_encode(line, &seed, to);
		if (rc < 0)
			rc = base_fail(err, rc, "cannot encrypt the seed: %s",
				       strerror(-rc));
		else
			rc = node_seed_write(w->datadir, NODE_SEED_FILE, line,
					     err);
	}
	if (rc == 0 && !w->encrypted) {
		w->encrypted = true;
		node_wallet_lock(w);
	}
	base_wipe(&seed, sizeof(seed));
	base_wipe(line, sizeof(line));
	return rc;
}
