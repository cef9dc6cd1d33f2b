/* SPDX-License-Identifier: MIT */
/*
 * blocking.h: the baseline of bench/gossip: bodies through OpenSSL on two
 * blocking sockets, one thread each, SSL_write() and SSL_read() of a whole
 * body, with the same protocol and cipher as src/net.
 */
#ifndef BENCH_BLOCKING_H
#define BENCH_BLOCKING_H

#include "base/types.h"

struct blocking_sample {
	double cpu_ns; /* of both threads */
	double wall_ns;
};

/* @count bodies of @bytes, one way. Ends the program when it cannot. */
struct blocking_sample blocking_run(uint64_t count, uint32_t bytes);

/* The cipher that the last run agreed on. */
const char *blocking_cipher(void);

#endif
