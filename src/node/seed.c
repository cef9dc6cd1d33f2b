/* SPDX-License-Identifier: MIT */
#include "node/seed.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "base/bytes.h"
#include "pow/sha256.h"

#define MAGIC "minerd-seed-1 "
#define HEAD_FORMAT \
	MAGIC "scrypt %" PRIu64 " %" PRIu64 " %" PRIu64 " %s aes-256-gcm %s "
#define SALT_SIZE 16
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define KEY_SIZE 32
#define CHECK_SIZE 4
#define NEW_SEED_SIZE 32

/* An encrypted line taken apart. */
struct sealed {
	uint64_t n, r, p;
	uint8_t salt[SALT_SIZE];
	uint8_t nonce[NONCE_SIZE];
	uint8_t text[NODE_SEED_MAX];
	size_t len;
	uint8_t tag[TAG_SIZE];
};

int node_seed_random(struct node_seed *out)
{
	out->len = NEW_SEED_SIZE;
	return RAND_priv_bytes(out->bytes, NEW_SEED_SIZE) == 1 ? 0 : -EIO;
}

bool node_seed_is_encrypted(const char *line)
{
	return strncmp(line, MAGIC, sizeof(MAGIC) - 1) == 0;
}

/* What is authenticated: the line up to the ciphertext. */
static size_t write_head(char out[static NODE_SEED_LINE_MAX],
			 const struct sealed *s)
{
	char salt[2 * SALT_SIZE + 1];
	char nonce[2 * NONCE_SIZE + 1];

	base_to_hex(salt, s->salt, SALT_SIZE);
	base_to_hex(nonce, s->nonce, NONCE_SIZE);
	return (size_t)snprintf(out, NODE_SEED_LINE_MAX, HEAD_FORMAT, s->n,
				s->r, s->p, salt, nonce);
}

static void write_line(char out[static NODE_SEED_LINE_MAX],
		       const struct sealed *s)
{
	size_t at = write_head(out, s);
	struct base_hash check;

	base_to_hex(out + at, s->text, s->len);
	at += 2 * s->len;
	out[at++] = ' ';
	base_to_hex(out + at, s->tag, TAG_SIZE);
	at += 2 * (size_t)TAG_SIZE;
	pow_sha256(&check, out, at);
	out[at++] = ' ';
	base_to_hex(out + at, check.b, CHECK_SIZE);
}

/* Takes a line apart; it must be the very line that would be written. */
static int read_line(struct sealed *s, const char *line)
{
	char salt[2 * SALT_SIZE + 2] = "";
	char nonce[2 * NONCE_SIZE + 2] = "";
	char text[2 * NODE_SEED_MAX + 2] = "";
	char tag[2 * TAG_SIZE + 2] = "";
	char again[NODE_SEED_LINE_MAX];

	memset(s, 0, sizeof(*s));
	if (sscanf(line,
		   MAGIC "scrypt %19" SCNu64 " %19" SCNu64 " %19" SCNu64
			 " %33s aes-256-gcm %25s %129s %33s",
		   &s->n, &s->r, &s->p, salt, nonce, text, tag) != 7)
		return -EBADMSG;
	s->len = strlen(text) / 2;
	if (s->len < NODE_SEED_MIN || s->len > NODE_SEED_MAX ||
	    base_from_hex(s->salt, SALT_SIZE, salt) < 0 ||
	    base_from_hex(s->nonce, NONCE_SIZE, nonce) < 0 ||
	    base_from_hex(s->text, s->len, text) < 0 ||
	    base_from_hex(s->tag, TAG_SIZE, tag) < 0)
		return -EBADMSG;
	write_line(again, s);
	return strcmp(again, line) == 0 ? 0 : -EBADMSG;
}

static int derive_key(uint8_t key[static KEY_SIZE], const struct sealed *s,
		      const char *passphrase)
{
	const uint64_t bytes = NODE_SCRYPT_BYTES_MAX;

	/* Each factor by itself first, so that the product is exact. */
	if (s->n > bytes || s->r > 1024 || s->p > 1024 || s->n < 2 ||
	    s->r == 0 || s->p == 0 || 128 * s->n * s->r > bytes / 2)
		return -EBADMSG;
	if (EVP_PBE_scrypt(passphrase, strlen(passphrase), s->salt, SALT_SIZE,
			   s->n, s->r, s->p, bytes, key, KEY_SIZE) != 1)
		return -ENOMEM;
	return 0;
}

/* @out may be s->text. Encrypting fills s->tag, decrypting checks it. */
static int gcm(uint8_t *out, const uint8_t *in, struct sealed *s,
	       const uint8_t key[static KEY_SIZE], int encrypt)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	char head[NODE_SEED_LINE_MAX];
	int head_len = (int)write_head(head, s);
	int len;
	int rc = -ENOMEM;

	if (c &&
	    EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, s->nonce,
			      encrypt) &&
	    (encrypt ||
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, s->tag)) &&
	    EVP_CipherUpdate(c, NULL, &len, (const uint8_t *)head, head_len) &&
	    EVP_CipherUpdate(c, out, &len, in, (int)s->len)) {
		rc = EVP_CipherFinal_ex(c, out + s->len, &len) ? 0
							       : -EKEYREJECTED;
		if (rc == 0 && encrypt &&
		    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_SIZE,
					 s->tag))
			rc = -ENOMEM;
	}
	EVP_CIPHER_CTX_free(c);
	return rc;
}

static int seal(char out[static NODE_SEED_LINE_MAX],
		const struct node_seed *seed, const char *passphrase)
{
	struct sealed s = {.n = NODE_SCRYPT_N,
			   .r = NODE_SCRYPT_R,
			   .p = NODE_SCRYPT_P,
			   .len = seed->len};
	uint8_t key[KEY_SIZE];
	int rc;

	if (RAND_bytes(s.salt, SALT_SIZE) != 1 ||
	    RAND_bytes(s.nonce, NONCE_SIZE) != 1)
		return -EIO;
	rc = derive_key(key, &s, passphrase);
	if (rc == 0)
		rc = gcm(s.text, seed->bytes, &s, key, 1);
	if (rc == 0)
		write_line(out, &s);
	base_wipe(key, sizeof(key));
	return rc;
}

int node_seed_encode(char out[static NODE_SEED_LINE_MAX],
		     const struct node_seed *seed, const char *passphrase)
{
	if (!passphrase) {
		base_to_hex(out, seed->bytes, seed->len);
		return 0;
	}
	if (*passphrase == '\0' || strlen(passphrase) > NODE_PASSPHRASE_MAX)
		return -EINVAL;
	return seal(out, seed, passphrase);
}

static int unseal(struct node_seed *out, const char *line,
		  const char *passphrase)
{
	struct sealed s;
	struct node_seed seed;
	uint8_t key[KEY_SIZE];
	int rc = read_line(&s, line);

	if (rc < 0)
		return rc;
	if (!passphrase)
		return -ENOKEY;
	if (strlen(passphrase) > NODE_PASSPHRASE_MAX)
		return -EKEYREJECTED;
	rc = derive_key(key, &s, passphrase);
	if (rc == 0)
		rc = gcm(seed.bytes, s.text, &s, key, 0);
	seed.len = s.len;
	if (rc == 0)
		*out = seed;
	base_wipe(key, sizeof(key));
	base_wipe(&seed, sizeof(seed));
	return rc;
}

int node_seed_decode(struct node_seed *out, const char *line,
		     const char *passphrase)
{
	size_t len = strlen(line) / 2;

	if (node_seed_is_encrypted(line))
		return unseal(out, line, passphrase);
	if (len < NODE_SEED_MIN || len > NODE_SEED_MAX ||
	    base_from_hex(out->bytes, len, line) < 0)
		return -EBADMSG;
	out->len = len;
	return 0;
}

int node_seed_read(char line[static NODE_SEED_LINE_MAX],
		   const struct node_datadir *d, const char *name,
		   struct base_error *err)
{
	char path[NODE_PATH_MAX];
	size_t len;
	size_t end;
	int rc = node_datadir_path(path, d, name, err);

	if (rc == 0)
		rc = node_secret_read(line, &len, NODE_SEED_LINE_MAX, path,
				      err);
	if (rc < 0)
		return rc == -EFBIG ? -EBADMSG : rc;
	/* One line: what has more is not what was written here. */
	end = strcspn(line, "\n");
	if (end + (line[end] == '\n') != len)
		return base_fail(err, -EBADMSG,
				 "%.300s is damaged (more than a line); "
				 "restore it from your backup",
				 path);
	line[end] = '\0';
	return 0;
}

int node_seed_write(const struct node_datadir *d, const char *name,
		    const char *line, struct base_error *err)
{
	char path[NODE_PATH_MAX];
	char text[NODE_SEED_LINE_MAX + 1];
	int len = snprintf(text, sizeof(text), "%s\n", line);
	int rc = node_datadir_path(path, d, name, err);

	if (rc == 0)
		rc = node_file_write(path, text, (size_t)len, 0600, err);
	base_wipe(text, sizeof(text));
	return rc;
}
