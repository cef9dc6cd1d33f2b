/* SPDX-License-Identifier: MIT */
/*
 * tls.h: TLS 1.3 (RFC 8446) between nodes that know each other by key.
 *
 * Floor 4. OpenSSL over memory: no descriptor is handed to it. Each node has
 * an Ed25519 key (RFC 8410) and a self-signed certificate that carries
 * it; the id of a node is the raw public key, which the handshake proves. A
 * certificate says nothing else: names and dates are not looked at. TLS 1.3
 * only; X25519; AES-128-GCM and ChaCha20-Poly1305; no tickets, no early data;
 * ALPN "minerd/1"; both sides show a certificate.
 *
 * What OpenSSL writes goes to the caller's struct net_wire and nowhere else:
 * where there is no room the session fails. What it reads and keeps is bounded
 * too: by its own limits for one message, and by NET_TLS_QUIET_MAX for all
 * of them.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/transport.h"

/* Bytes that a session takes from the wire without a byte of plaintext coming
 * out, so for a handshake, too, which needs some 1,200; then it fails. More
 * than the longest record, for one may be under way. */
#define NET_TLS_QUIET_MAX (2u * NET_RECORD_MAX)

/* What OpenSSL 3.0 keeps for one session at worst: a message whose header says
 * the most that it allows (a ClientHello of 131,396 bytes), grown by a third;
 * a record in each direction; and its state. */
#define NET_TLS_BYTES (224u << 10)

struct net_tls;

/* 0, -ENOMEM or -EIO: OpenSSL refused; @err says. @id: our own. */
BASE_MUST_CHECK int net_tls_open(struct net_tls **out,
				 uint8_t id[static NET_ID_SIZE],
				 const uint8_t secret[static 32],
				 struct base_error *err);
void net_tls_close(struct net_tls *t);

/* To be given a struct net_tls as @shared. */
extern const struct net_transport_ops net_tls_ops;

#endif
