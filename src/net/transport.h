/* SPDX-License-Identifier: MIT */
/*
 * transport.h: what makes a stream of sealed records out of bytes, and back.
 *
 * Floor 4. Sessions do no I/O: they take what came from the wire and leave
 * what goes to it in a struct net_wire. One thread. tls.h is the one
 * that minerd uses.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "net/net.h"

/* Room that the sealing of one record of NET_RECORD_MAX bytes needs beyond
 * them (RFC 8446, 5.2: at most 256, and the header). */
#define NET_SEAL_EXTRA 261u

struct net_wire {
	const uint8_t *in; /* advanced as it is used up */
	size_t in_len;
	uint8_t *out;
	size_t out_len;
	size_t out_cap;
};

struct net_transport_ops {
	/* A session; NULL: no memory. @expect: the id of the peer that we
	 * connect to; NULL: it connected to us. */
	void *(*open)(void *shared, const uint8_t *expect);
	void (*close)(void *session);
	/* 1: done, and peer() is known; 0: needs more from the wire; -EPROTO,
	 * with the alert in @w->out. Nothing is written beyond @w->out_cap:
	 * without room for it, -EPROTO; so in read(). */
	int (*handshake)(void *session, struct net_wire *w);
	/* Bytes of plaintext written to @out (1..@cap); 0: needs more from the
	 * wire; -EPIPE: it closed; -EPROTO. */
	int (*read)(void *session, struct net_wire *w, uint8_t *out,
		    uint32_t cap);
	/* Seals @len bytes, 1..NET_RECORD_MAX, as one record; @w->out has room
	 * for them and NET_SEAL_EXTRA. 0 or -EPROTO. */
	int (*write)(void *session, struct net_wire *w, const uint8_t *data,
		     uint32_t len);
	/* The id that the peer has proved, NET_ID_SIZE bytes. */
	const uint8_t *(*peer)(const void *session);
};

#endif
