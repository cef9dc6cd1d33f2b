/* SPDX-License-Identifier: MIT */
#include "node/keys.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/bytes.h"
#include "node/passphrase.h"
#include "node/seed.h"

#define SECRET_SIZE 32

static const char signing_name[] = "keys/signing.key";
static const char node_name[] = "keys/node.key";

static int write_secret(const struct node_datadir *d, const char *name,
			const uint8_t secret[static SECRET_SIZE],
			const char *passphrase, struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	struct node_seed seed = {.len = SECRET_SIZE};
	int rc;

	memcpy(seed.bytes, secret, SECRET_SIZE);
	rc = node_seed_encode(line, &seed, passphrase);
	if (rc < 0)
		(void)base_fail(err, rc, "cannot encrypt %.200s/%s: %s",
				d->path, name, strerror(-rc));
	else
		rc = node_seed_write(d, name, line, err);
	base_wipe(&seed, sizeof(seed));
	base_wipe(line, sizeof(line));
	return rc;
}

static int create_secret(uint8_t out[static SECRET_SIZE],
			 const struct node_datadir *d, const char *name,
			 const char *passphrase, struct base_error *err)
{
	uint8_t secret[SECRET_SIZE];
	int rc;

	if (RAND_priv_bytes(secret, sizeof(secret)) != 1)
		return base_fail(err, -EIO,
				 "the system gave no random bytes for %s",
				 name);
	rc = write_secret(d, name, secret, passphrase, err);
	if (rc == 0)
		memcpy(out, secret, sizeof(secret));
	base_wipe(secret, sizeof(secret));
	return rc;
}

static int refuse_line(const struct node_datadir *d, const char *name, int rc,
		       struct base_error *err)
{
	const char *why = "is damaged (not 64 hex digits); restore it from "
			  "your backup";

	if (rc == -ENOENT)
		why = "is missing, but the others of its network know that "
		      "key; restore the file from your backup";
	else if (rc == -ENOKEY)
		why = "is encrypted; its passphrase is needed: "
		      "--key-passphrase-file";
	else if (rc == -EKEYREJECTED)
		why = "was not encrypted with this passphrase";
	else if (rc == -ENOMEM)
		why = "cannot be decrypted: no memory";
	else
		rc = -EBADMSG;
	return base_fail(err, rc, "%.300s/%s %s", d->path, name, why);
}

static int load_secret(uint8_t out[static SECRET_SIZE],
		       const struct node_datadir *d, const char *name,
		       bool create, const char *passphrase,
		       struct base_error *err)
{
	char line[NODE_SEED_LINE_MAX];
	struct node_seed seed;
	int rc = node_seed_read(line, d, name, err);

	if (rc == -ENOENT && create)
		return create_secret(out, d, name, passphrase, err);
	if (rc < 0 && rc != -ENOENT && rc != -EBADMSG)
		return rc;
	if (rc == 0) {
		rc = node_seed_decode(&seed, line, passphrase);
		if (rc == 0 && seed.len != SECRET_SIZE)
			rc = -EBADMSG;
		if (rc == 0)
			memcpy(out, seed.bytes, SECRET_SIZE);
		base_wipe(&seed, sizeof(seed));
	}
	base_wipe(line, sizeof(line));
	return rc < 0 ? refuse_line(d, name, rc, err) : 0;
}

static int ed25519_public(uint8_t out[static 32],
			  const uint8_t secret[static 32])
{
	size_t len = 32;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						     secret, 32);
	int ok = key && EVP_PKEY_get_raw_public_key(key, out, &len) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -EINVAL;
}

static int derive_public(struct node_keys *k, const char *dir,
			 struct base_error *err)
{
	if (node_xonly_public(k->signing_public, k->signing_secret) < 0)
		return base_fail(
			err, -EBADMSG,
			"%.300s/keys/signing.key is not a valid "
			"secp256k1 secret; restore it from your backup",
			dir);
	if (ed25519_public(k->node_id, k->node_secret) < 0)
		return base_fail(err, -EBADMSG,
				 "%.300s/keys/node.key cannot be used; "
				 "restore it from your backup",
				 dir);
	return 0;
}

int node_keys_load(struct node_keys *out, const struct node_datadir *d,
		   bool create, const char *passphrase, struct base_error *err)
{
	struct node_keys k;
	char dir[NODE_PATH_MAX];
	int rc = 0;

	memset(&k, 0, sizeof(k));
	if (create)
		rc = node_datadir_subdir(dir, d, "keys", err);
	if (rc == 0)
		rc = load_secret(k.signing_secret, d, signing_name, create,
				 passphrase, err);
	if (rc == 0)
		rc = load_secret(k.node_secret, d, node_name, create,
				 passphrase, err);
	if (rc == 0)
		rc = derive_public(&k, d->path, err);
	if (rc == 0)
		*out = k;
	base_wipe(&k, sizeof(k));
	return rc;
}

static int ask_and_load(struct node_keys *out, const struct node_datadir *d,
			const struct node_config *config,
			struct base_error *err)
{
	struct node_passphrase p;
	int rc = -EKEYREJECTED;

	for (int i = 0; i < NODE_PASSPHRASE_TRIES && rc == -EKEYREJECTED; i++) {
		if (i > 0)
			node_passphrase_wrong();
		rc = node_passphrase_ask(&p, config, NODE_KEY_PASSPHRASE, false,
					 err);
		/* An empty line is a wrong one. */
		if (rc == -EINVAL)
			rc = -EKEYREJECTED;
		else if (rc == 0)
			rc = node_keys_load(out, d, false, p.text, err);
		base_wipe(&p, sizeof(p));
	}
	if (rc == -EKEYREJECTED)
		return base_fail(
			err, rc,
			"the passphrase was wrong %d times; without it "
			"the keys in %.200s/keys cannot be used. Start "
			"again, or restore them from a backup",
			NODE_PASSPHRASE_TRIES, d->path);
	return rc;
}

int node_keys_open(struct node_keys *out, const struct node_datadir *d,
		   bool create, const struct node_config *config,
		   struct base_error *err)
{
	struct node_passphrase p = {.given = false};
	int rc = 0;

	if (config)
		rc = node_passphrase_file(&p, config, NODE_KEY_PASSPHRASE, err);
	if (rc == 0)
		rc = node_keys_load(out, d, create, p.given ? p.text : NULL,
				    err);
	if (rc == -ENOKEY && config)
		rc = ask_and_load(out, d, config, err);
	base_wipe(&p, sizeof(p));
	return rc;
}

int node_keys_save(const struct node_keys *k, const struct node_datadir *d,
		   const char *passphrase, struct base_error *err)
{
	int rc = write_secret(d, signing_name, k->signing_secret, passphrase,
			      err);

	if (rc == 0)
		rc = write_secret(d, node_name, k->node_secret, passphrase,
				  err);
	return rc;
}

int node_keys_encrypted(const struct node_datadir *d, struct base_error *err)
{
	static const char *const names[] = {signing_name, node_name};
	char line[NODE_SEED_LINE_MAX];
	int count = 0;

	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		int rc = node_seed_read(line, d, names[i], err);

		if (rc == -ENOENT || rc == -EBADMSG)
			return refuse_line(d, names[i], rc, err);
		if (rc < 0)
			return rc;
		count += node_seed_is_encrypted(line);
		base_wipe(line, sizeof(line));
	}
	return count;
}

void node_keys_wipe(struct node_keys *k)
{
	base_wipe(k, sizeof(*k));
}
