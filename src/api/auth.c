/* SPDX-License-Identifier: MIT */
#include "api/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <strings.h>

#include "base/bytes.h"

/* Copies @len bytes as a string of 1..@max. */
static bool take(char *out, size_t max, const char *from, size_t len)
{
	if (len == 0 || len > max)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static bool parse_user(struct api_user *u, const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	const char *dollar = memchr(text, '$', len);
	char hash[2 * sizeof(u->hash) + 1];

	return colon && dollar && colon < dollar &&
	       take(u->name, API_USER_MAX, text, (size_t)(colon - text)) &&
	       take(u->salt, API_SALT_MAX, colon + 1,
		    (size_t)(dollar - colon - 1)) &&
	       take(hash, sizeof(hash) - 1, dollar + 1,
		    len - (size_t)(dollar + 1 - text)) &&
	       base_from_hex(u->hash, sizeof(u->hash), hash) == 0;
}

int api_auth_add(struct api_auth *auth, const char *text)
{
	struct api_auth out = *auth;

	while (*text) {
		size_t len = strcspn(text, ",");

		if (out.user_count == API_USERS_MAX ||
		    !parse_user(&out.user[out.user_count], text, len))
			return -EINVAL;
		out.user_count++;
		text += len;
		if (*text == ',' && *++text == '\0')
			return -EINVAL;
	}
	*auth = out;
	return 0;
}

/* The bytes of @in, without the padding. 0 when it is not base64 or does not
 * fit: no credential is empty. */
static size_t decode_base64(char out[static API_CREDENTIAL_MAX + 1],
			    const char *in)
{
	uint8_t data[API_CREDENTIAL_MAX + 4];
	size_t len = strlen(in);
	size_t pad = 0;
	int n;

	while (pad < 2 && pad < len && in[len - 1 - pad] == '=')
		pad++;
	if (len == 0 || len % 4 != 0 || len / 4 * 3 > API_CREDENTIAL_MAX)
		return 0;
	n = EVP_DecodeBlock(data, (const uint8_t *)in, (int)len);
	if (n < 3)
		return 0;
	memcpy(out, data, (size_t)n - pad);
	out[(size_t)n - pad] = '\0';
	base_wipe(data, sizeof(data));
	return (size_t)n - pad;
}

static bool same(const void *a, size_t a_len, const void *b, size_t b_len)
{
	return a_len == b_len && CRYPTO_memcmp(a, b, a_len) == 0;
}

static bool is_user(const struct api_user *u, const char *name, size_t name_len,
		    const char *password, size_t password_len)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned hash_len = 0;

	if (!HMAC(EVP_sha256(), u->salt, (int)strlen(u->salt),
		  (const uint8_t *)password, password_len, hash, &hash_len))
		return false;
	return same(hash, hash_len, u->hash, sizeof(u->hash)) &&
	       same(name, name_len, u->name, strlen(u->name));
}

bool api_auth_check(const struct api_auth *auth, const char *header)
{
	static const char scheme[] = "Basic ";
	char text[API_CREDENTIAL_MAX + 1];
	const char *colon;
	bool ok;
	size_t len;

	if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return false;
	header += sizeof(scheme) - 1;
	header += strspn(header, " ");
	len = decode_base64(text, header);
	colon = memchr(text, ':', len);
	if (len == 0 || !colon)
		return false;
	ok = *auth->cookie &&
	     same(text, len, auth->cookie, strlen(auth->cookie));
	for (uint32_t i = 0; i < auth->user_count; i++)
		ok |= is_user(&auth->user[i], text, (size_t)(colon - text),
			      colon + 1, len - (size_t)(colon + 1 - text));
	base_wipe(text, sizeof(text));
	return ok;
}
