/* SPDX-License-Identifier: MIT */
#include "blocking.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "base/assert.h"
#include "measure.h"

static char cipher[64];

struct end {
	SSL *ssl;
	uint8_t *body;
	uint64_t count;
	uint32_t bytes;
};

static int any_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)store;
	(void)arg;
	return 1;
}

static SSL_CTX *make_ctx(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	X509 *x = X509_new();

	BASE_ASSERT(ctx && key && x);
	BASE_ASSERT(X509_gmtime_adj(X509_getm_notBefore(x), 0) &&
		    X509_gmtime_adj(X509_getm_notAfter(x), 3600) &&
		    X509_set_pubkey(x, key) && X509_sign(x, key, NULL));
	BASE_ASSERT(SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION));
	/* What src/net prefers on a CPU with AES. */
	BASE_ASSERT(SSL_CTX_set_ciphersuites(
		ctx, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"));
	BASE_ASSERT(SSL_CTX_use_certificate(ctx, x) == 1 &&
		    SSL_CTX_use_PrivateKey(ctx, key) == 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, any_certificate, NULL);
	BASE_ASSERT(SSL_CTX_set_num_tickets(ctx, 0));
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

static void connect_pair(int fd[2])
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	const int one = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	BASE_ASSERT(bind(listener, (struct sockaddr *)&a, len) == 0 &&
		    listen(listener, 1) == 0 &&
		    getsockname(listener, (struct sockaddr *)&a, &len) == 0);
	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	BASE_ASSERT(connect(fd[0], (struct sockaddr *)&a, len) == 0);
	fd[1] = accept(listener, NULL, NULL);
	BASE_ASSERT(fd[1] >= 0);
	for (int i = 0; i < 2; i++)
		(void)setsockopt(fd[i], IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
	(void)close(listener);
}

static void *send_all(void *arg)
{
	struct end *e = arg;

	BASE_ASSERT(SSL_connect(e->ssl) == 1);
	for (uint64_t i = 0; i < e->count; i++)
		BASE_ASSERT(SSL_write(e->ssl, e->body, (int)e->bytes) ==
			    (int)e->bytes);
	return NULL;
}

static void receive_all(struct end *e)
{
	BASE_ASSERT(SSL_accept(e->ssl) == 1);
	for (uint64_t i = 0; i < e->count; i++)
		for (uint32_t at = 0; at < e->bytes;) {
			int n = SSL_read(e->ssl, e->body + at,
					 (int)(e->bytes - at));

			BASE_ASSERT(n > 0);
			at += (uint32_t)n;
		}
}

struct blocking_sample blocking_run(uint64_t count, uint32_t bytes)
{
	SSL_CTX *ctx = make_ctx();
	struct blocking_sample s;
	struct end end[2];
	pthread_t thread;
	uint64_t cpu;
	uint64_t wall;
	int fd[2];

	connect_pair(fd);
	for (int i = 0; i < 2; i++) {
		end[i] = (struct end){.ssl = SSL_new(ctx),
				      .body = calloc(1, bytes),
				      .count = count,
				      .bytes = bytes};
		BASE_ASSERT(end[i].ssl && end[i].body);
		BASE_ASSERT(SSL_set_fd(end[i].ssl, fd[i]) == 1);
	}
	cpu = measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	wall = measure_clock_ns(CLOCK_MONOTONIC);
	BASE_ASSERT(pthread_create(&thread, NULL, send_all, &end[0]) == 0);
	receive_all(&end[1]);
	(void)pthread_join(thread, NULL);
	s.cpu_ns = (double)(measure_clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	s.wall_ns = (double)(measure_clock_ns(CLOCK_MONOTONIC) - wall);
	(void)strncpy(cipher, SSL_get_cipher_name(end[1].ssl),
		      sizeof(cipher) - 1);
	for (int i = 0; i < 2; i++) {
		SSL_free(end[i].ssl);
		free(end[i].body);
		(void)close(fd[i]);
	}
	SSL_CTX_free(ctx);
	return s;
}

const char *blocking_cipher(void)
{
	return cipher;
}
