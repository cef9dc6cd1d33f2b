/* SPDX-License-Identifier: MIT */
#include "node/keys.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/bytes.h"

#define SECRET_SIZE 32
#define LINE_SIZE (2 * SECRET_SIZE + 1) /* hex and newline */

static int create_secret(uint8_t out[static SECRET_SIZE], const char *path,
			 struct base_error *err)
{
	uint8_t secret[SECRET_SIZE];
	char line[LINE_SIZE + 1];
	int rc;

	if (RAND_priv_bytes(secret, sizeof(secret)) != 1)
		return base_fail(err, -EIO,
				 "the system gave no random bytes for %.300s",
				 path);
	base_to_hex(line, secret, sizeof(secret));
	line[LINE_SIZE - 1] = '\n';
	rc = node_file_write(path, line, LINE_SIZE, 0600, err);
	if (rc == 0)
		memcpy(out, secret, sizeof(secret));
	base_wipe(secret, sizeof(secret));
	base_wipe(line, sizeof(line));
	return rc;
}

static int load_secret(uint8_t out[static SECRET_SIZE],
		       const struct node_datadir *d, const char *name,
		       bool create, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char line[LINE_SIZE + 2];
	size_t len;
	int rc = node_datadir_path(path, d, name, err);

	if (rc < 0)
		return rc;
	rc = node_file_read(line, &len, sizeof(line), path, err);
	if (rc == -ENOENT && create)
		return create_secret(out, path, err);
	if (rc == -ENOENT)
		return base_fail(err, rc,
				 "%.300s is missing, but the others of its "
				 "network know that key; restore the file from "
				 "your backup",
				 path);
	if (rc < 0 && rc != -EFBIG)
		return rc;
	if (rc == 0) {
		line[strcspn(line, "\n")] = '\0';
		rc = base_from_hex(out, SECRET_SIZE, line);
	}
	base_wipe(line, sizeof(line));
	if (rc < 0)
		return base_fail(err, -EBADMSG,
				 "%.300s is damaged (not 64 hex digits); "
				 "restore it from your backup",
				 path);
	return 0;
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
		   bool create, struct base_error *err)
{
	struct node_keys k;
	char dir[NODE_PATH_MAX];
	int rc = 0;

	memset(&k, 0, sizeof(k));
	if (create)
		rc = node_datadir_subdir(dir, d, "keys", err);
	if (rc == 0)
		rc = load_secret(k.signing_secret, d, "keys/signing.key",
				 create, err);
	if (rc == 0)
		rc = load_secret(k.node_secret, d, "keys/node.key", create,
				 err);
	if (rc == 0)
		rc = derive_public(&k, d->path, err);
	if (rc == 0)
		*out = k;
	base_wipe(&k, sizeof(k));
	return rc;
}

void node_keys_wipe(struct node_keys *k)
{
	base_wipe(k, sizeof(*k));
}
