/* SPDX-License-Identifier: MIT */
/*
 * auth.h: who may call: the cookie of this run, and rpcauth users.
 *
 * Floor 4. HTTP Basic (RFC 7617) against two kinds of credentials, as
 * Bitcoin Core's: the cookie `__cookie__:HEX`, which whoever can read the
 * datadir knows, and `USER:SALT$HASH` entries, HASH being the hex of
 * HMAC-SHA256 with key SALT over the password (share/rpcauth). Secrets are
 * compared in constant time. Immutable once filled; any thread checks.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "base/types.h"

#define API_COOKIE_MAX 128
#define API_USERS_MAX 16
#define API_USER_MAX 64
#define API_SALT_MAX 64
#define API_CREDENTIAL_MAX 512 /* user, colon and password of a request */

struct api_user {
	char name[API_USER_MAX + 1];
	char salt[API_SALT_MAX + 1];
	uint8_t hash[32];
};

struct api_auth {
	char cookie[API_COOKIE_MAX + 1]; /* "": none */
	uint32_t user_count;
	struct api_user user[API_USERS_MAX];
};

/* Adds the entries of @text, "USER:SALT$HASH" separated by commas; "" adds
 * none. 0 or -EINVAL with @auth untouched. */
BASE_MUST_CHECK int api_auth_add(struct api_auth *auth, const char *text);

/* Whether the value of an Authorization header (NULL: there was none) names
 * one of the credentials. */
bool api_auth_check(const struct api_auth *auth, const char *header);

#endif
