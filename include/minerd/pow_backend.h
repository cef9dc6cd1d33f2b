/* SPDX-License-Identifier: MIT */
/*
 * minerd/pow_backend.h: the contract between minerd and a SHA-256d search
 * kernel, built in or loaded with `minerd --pow-backend ./x.so`.
 *
 * A backend scans nonces of one 80-byte block header template and reports
 * those whose SHA-256d, read as a 256-bit little-endian number, is at most
 * the target. It is a pure function: no state, allocation, clock, lock or
 * I/O; the same arguments give the same result on every backend, bit for
 * bit. Any thread may call it, many at once.
 *
 * A backend out of tree is a shared object that exports minerd_pow_backend()
 * (below). minerd refuses it by name when the ABI version differs, when
 * supported() says no, or when the self-test disagrees with the reference.
 *
 * The header's 80 bytes are two SHA-256 blocks. The first 64 bytes (version,
 * previous hash, 28 bytes of merkle root) are hashed once into a *midstate*;
 * only the second block holds the nonce. Headers that differ only in version
 * bits (BIP320) have other midstates and the same second block, so a kernel
 * may share one message schedule among all midstates of a job.
 *
 * This header is self-contained (C99, stdint.h) and installed.
 */
#ifndef MINERD_POW_BACKEND_H
#define MINERD_POW_BACKEND_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Grows whenever a struct or a rule below changes. */
#define MINERD_POW_ABI 1u

#define MINERD_POW_MIDSTATES_MAX 16u
#define MINERD_POW_HITS_MAX 64u /* >= MINERD_POW_MIDSTATES_MAX */
#define MINERD_POW_NAME_MAX 31u

/* One past the last nonce of a header. */
#define MINERD_POW_NONCE_END (UINT64_C(1) << 32)

struct minerd_pow_job {
	/* SHA-256 state after the first 64 bytes, one per header version. */
	uint32_t midstate[MINERD_POW_MIDSTATES_MAX][8];
	/* How many of them are to be searched, 1..MIDSTATES_MAX. */
	uint32_t midstate_count;
	/* Header bytes 64..75 as three big-endian words: the end of the
	 * merkle root, the time, the bits. */
	uint32_t tail[3];
	/* The target as a number: word 0 least significant. */
	uint32_t target[8];
};

struct minerd_pow_hit {
	uint32_t nonce;	   /* the header's nonce field as a number */
	uint32_t midstate; /* index into the job's midstates */
};

struct minerd_pow_hits {
	uint32_t count; /* 0..HITS_MAX */
	struct minerd_pow_hit at[MINERD_POW_HITS_MAX];
};

struct minerd_pow_backend {
	uint32_t abi;	     /* MINERD_POW_ABI it was built against */
	uint32_t lanes;	     /* nonces per vector, 1..256; for people */
	uint32_t midstates;  /* midstates it likes per job, 1..MIDSTATES_MAX:
			      * any count works, this one is fastest */
	uint32_t reserved;   /* 0 */
	const char *name;    /* [a-z0-9_-], 1..NAME_MAX characters */
	const char *summary; /* one line for people */

	/* Whether this CPU and operating system can run scan(): 1 or 0.
	 * Itself runs anywhere. */
	int (*supported)(void);

	/*
	 * Searches every (nonce, midstate) with first <= nonce < end, where
	 * 0 <= first <= end <= MINERD_POW_NONCE_END; end - first may be any
	 * number, also 0. Overwrites @hits: ascending by nonce, then by
	 * midstate. Returns the first nonce *not* searched: @end, or earlier
	 * when the hits of the next nonce might not fit any more, that is, as
	 * soon as count + midstate_count > HITS_MAX after a nonce; all hits
	 * below the returned nonce are in @hits, none at or above it, so
	 * calling again from there loses and repeats nothing.
	 */
	uint64_t (*scan)(const struct minerd_pow_job *job, uint64_t first,
			 uint64_t end, struct minerd_pow_hits *hits);
};

/* The symbol a shared object exports. Returns a static description, never
 * NULL; called once, before threads use the backend. */
typedef const struct minerd_pow_backend *minerd_pow_backend_fn(void);
const struct minerd_pow_backend *minerd_pow_backend(void);

#define MINERD_POW_SYMBOL "minerd_pow_backend"

#ifdef __cplusplus
}
#endif

#endif
