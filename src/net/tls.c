/* SPDX-License-Identifier: MIT */
#include "net/tls.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/assert.h"
#include "base/bytes.h"

#define CERT_DAYS 36500L
#define CERT_LIST_BYTES 4096L

static const uint8_t alpn[] = "\x08minerd/1";
#define ALPN_SIZE (sizeof(alpn) - 1)

struct net_tls {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
};

struct session {
	SSL *ssl;
	struct net_wire *wire; /* during a call */
	uint8_t expect[NET_ID_SIZE];
	uint8_t id[NET_ID_SIZE];
	bool expects;
	uint32_t quiet; /* bytes taken since plaintext came out */
};

_Static_assert(NET_TLS_QUIET_MAX > NET_RECORD_MAX + NET_SEAL_EXTRA,
	       "a record fits");

/* ---- memory in OpenSSL's terms ---- */

static int wire_read(BIO *bio, char *out, int len)
{
	struct session *s = BIO_get_data(bio);
	size_t n = (size_t)len;

	BIO_clear_retry_flags(bio);
	if (s->wire->in_len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > s->wire->in_len)
		n = s->wire->in_len;
	memcpy(out, s->wire->in, n);
	s->wire->in += n;
	s->wire->in_len -= n;
	return (int)n;
}

static int wire_write(BIO *bio, const char *data, int len)
{
	struct session *s = BIO_get_data(bio);
	size_t room = s->wire->out_cap - s->wire->out_len;
	size_t n = (size_t)len;

	BIO_clear_retry_flags(bio);
	if (n > room)
		n = room;
	if (n == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	memcpy(s->wire->out + s->wire->out_len, data, n);
	s->wire->out_len += n;
	return (int)n;
}

static long wire_ctrl(BIO *bio, int command, long number, void *p)
{
	(void)bio;
	(void)number;
	(void)p;
	return command == BIO_CTRL_FLUSH;
}

/* ---- keys and certificates ---- */

int net_id_of(uint8_t id[static NET_ID_SIZE], const uint8_t secret[static 32])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						     secret, 32);
	size_t len = NET_ID_SIZE;
	int ok = key && EVP_PKEY_get_raw_public_key(key, id, &len) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : -EIO;
}

static X509 *make_certificate(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name;

	if (!x)
		return NULL;
	name = X509_get_subject_name(x);
	if (X509_set_version(x, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
	    X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
	    X509_time_adj_ex(X509_getm_notAfter(x), CERT_DAYS, 0, NULL) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				       (const uint8_t *)"minerd", -1, -1, 0) &&
	    X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
	    X509_sign(x, key, NULL))
		return x;
	X509_free(x);
	return NULL;
}

/* OpenSSL calls it for the peer's certificate; that the peer holds its key is
 * proved by the handshake. */
static int check_certificate(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct session *s = SSL_get_app_data(ssl);
	X509 *x = X509_STORE_CTX_get0_cert(store);
	EVP_PKEY *key = x ? X509_get0_pubkey(x) : NULL;
	uint8_t id[NET_ID_SIZE];
	size_t len = sizeof(id);

	(void)arg;
	if (!key || EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(key, id, &len) != 1 ||
	    len != sizeof(id) ||
	    (s->expects && memcmp(id, s->expect, sizeof(id)) != 0)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	memcpy(s->id, id, sizeof(id));
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static int choose_alpn(SSL *ssl, const unsigned char **out,
		       unsigned char *out_len, const unsigned char *in,
		       unsigned int in_len, void *arg)
{
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_len,
				  alpn, ALPN_SIZE, in,
				  in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	return SSL_TLSEXT_ERR_OK;
}

static bool has_aes(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_supports("aes");
#else
	return true;
#endif
}

static bool configure(SSL_CTX *ctx, EVP_PKEY *key, X509 *x)
{
	const char *suites =
		has_aes()
			? "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
			: "TLS_CHACHA20_POLY1305_SHA256:"
			  "TLS_AES_128_GCM_SHA256";

	SSL_CTX_set_verify(
		ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, check_certificate, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_BYTES);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
	       SSL_CTX_set_ciphersuites(ctx, suites) &&
	       SSL_CTX_set1_groups_list(ctx, "X25519") &&
	       SSL_CTX_set1_sigalgs_list(ctx, "ed25519") &&
	       SSL_CTX_set_num_tickets(ctx, 0) &&
	       SSL_CTX_set_max_early_data(ctx, 0) &&
	       SSL_CTX_set_alpn_protos(ctx, alpn, ALPN_SIZE) == 0 &&
	       SSL_CTX_use_certificate(ctx, x) &&
	       SSL_CTX_use_PrivateKey(ctx, key);
}

static BIO_METHOD *make_bio(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
				     "minerd wire");

	if (m && BIO_meth_set_read(m, wire_read) &&
	    BIO_meth_set_write(m, wire_write) &&
	    BIO_meth_set_ctrl(m, wire_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

int net_tls_open(struct net_tls **out, uint8_t id[static NET_ID_SIZE],
		 const uint8_t secret[static 32], struct base_error *err)
{
	struct net_tls *t = calloc(1, sizeof(*t));
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						     secret, 32);
	X509 *x = key ? make_certificate(key) : NULL;
	size_t len = NET_ID_SIZE;

	if (t) {
		t->ctx = SSL_CTX_new(TLS_method());
		t->bio = make_bio();
	}
	if (!t || !t->ctx || !t->bio || !x || !configure(t->ctx, key, x) ||
	    EVP_PKEY_get_raw_public_key(key, id, &len) != 1) {
		unsigned long code = ERR_get_error();

		X509_free(x);
		EVP_PKEY_free(key);
		net_tls_close(t);
		ERR_clear_error();
		return base_fail(err, -EIO, "OpenSSL cannot prepare TLS: %s",
				 code ? ERR_reason_error_string(code)
				      : "no memory");
	}
	X509_free(x);
	EVP_PKEY_free(key);
	*out = t;
	return 0;
}

void net_tls_close(struct net_tls *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->bio);
	free(t);
}

/* ---- sessions ---- */

static void session_close(void *session)
{
	struct session *s = session;

	if (!s)
		return;
	SSL_free(s->ssl);
	free(s);
}

static void *session_open(void *shared, const uint8_t *expect)
{
	struct net_tls *t = shared;
	struct session *s = calloc(1, sizeof(*s));
	BIO *bio = s ? BIO_new(t->bio) : NULL;

	if (!bio) {
		free(s);
		return NULL;
	}
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	s->ssl = SSL_new(t->ctx);
	if (!s->ssl) {
		BIO_free(bio);
		free(s);
		return NULL;
	}
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	if (expect) {
		s->expects = true;
		memcpy(s->expect, expect, sizeof(s->expect));
		SSL_set_connect_state(s->ssl);
	} else {
		SSL_set_accept_state(s->ssl);
	}
	return s;
}

static bool alpn_agreed(SSL *ssl)
{
	const unsigned char *name;
	unsigned int len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return len == ALPN_SIZE - 1 && memcmp(name, alpn + 1, len) == 0;
}

/* It took what came since @before, and nothing came out. */
static int wait_quietly(struct session *s, size_t before)
{
	size_t taken = before - s->wire->in_len;

	if (taken > NET_TLS_QUIET_MAX - s->quiet)
		return -EPROTO;
	s->quiet += (uint32_t)taken;
	return 0;
}

static int session_handshake(void *session, struct net_wire *w)
{
	struct session *s = session;
	size_t before = w->in_len;
	int rc;

	s->wire = w;
	ERR_clear_error();
	rc = SSL_do_handshake(s->ssl);
	if (rc == 1)
		return alpn_agreed(s->ssl) ? 1 : -EPROTO;
	if (SSL_get_error(s->ssl, rc) == SSL_ERROR_WANT_READ)
		return wait_quietly(s, before);
	ERR_clear_error();
	return -EPROTO;
}

static int session_read(void *session, struct net_wire *w, uint8_t *out,
			uint32_t cap)
{
	struct session *s = session;
	size_t before = w->in_len;
	int error;
	int n;

	s->wire = w;
	ERR_clear_error();
	n = SSL_read(s->ssl, out, (int)cap);
	if (n > 0) {
		s->quiet = 0;
		return n;
	}
	error = SSL_get_error(s->ssl, n);
	if (error == SSL_ERROR_WANT_READ)
		return wait_quietly(s, before);
	ERR_clear_error();
	return error == SSL_ERROR_ZERO_RETURN ? -EPIPE : -EPROTO;
}

static int session_write(void *session, struct net_wire *w, const uint8_t *data,
			 uint32_t len)
{
	struct session *s = session;

	BASE_ASSERT(len >= 1 && len <= NET_RECORD_MAX);
	BASE_ASSERT(w->out_cap - w->out_len >= len + NET_SEAL_EXTRA);
	s->wire = w;
	ERR_clear_error();
	if (SSL_write(s->ssl, data, (int)len) == (int)len)
		return 0;
	ERR_clear_error();
	return -EPROTO;
}

static const uint8_t *session_peer(const void *session)
{
	const struct session *s = session;

	return s->id;
}

const struct net_transport_ops net_tls_ops = {
	.open = session_open,
	.close = session_close,
	.handshake = session_handshake,
	.read = session_read,
	.write = session_write,
	.peer = session_peer,
};
