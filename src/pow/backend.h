/* SPDX-License-Identifier: MIT */
/*
 * backend.h: the table of built-in kernels, and what every kernel shares.
 *
 * Floor 1, pure. The contract of a kernel is minerd/pow_backend.h. The
 * program is compiled for the baseline CPU; a kernel's own file alone has
 * its instruction set, and runs only after its supported() said so.
 */
#ifndef POW_BACKEND_H
#define POW_BACKEND_H

#include "base/error.h"
#include "base/types.h"
#include "minerd/pow_backend.h"
#include "pow/sha256.h"

#define POW_BACKENDS_MAX 8

/* Version bits that miners may roll (BIP320). */
#define POW_VERSION_MASK UINT32_C(0x1fffe000)

/* The built-in kernels of this build, slowest first; [0] is "scalar".
 * @count receives their number. Some may not be supported here. */
const struct minerd_pow_backend *const *pow_backend_table(size_t *count);

/* The built-in kernel of that name, or NULL. Support is not checked. */
const struct minerd_pow_backend *pow_backend_find(const char *name);

/* Prepares @job from a header template and a target: its nonce is ignored.
 * Midstate i has the version bits @versions[i]; @count in
 * 1..MINERD_POW_MIDSTATES_MAX. */
void pow_job_init(struct minerd_pow_job *job, const uint32_t *versions,
		  uint32_t count, const uint8_t header[static POW_HEADER_SIZE],
		  const struct base_hash *target);

/* The i-th of the 2^16 versions made by spreading i over the rollable bits
 * of @version; those bits of @version itself are replaced. @i < 2^16. */
uint32_t pow_version_roll(uint32_t version, uint32_t i);

/*
 * Checks shape and behaviour of @b before its first use: ABI, name, support,
 * then known headers, ragged ranges, boundary targets, hit overflow and
 * random jobs (fixed seed) against the scalar kernel. About 10 ms.
 * 0; -EPROTO (another ABI or a broken description), -ENOTSUP (this CPU
 * cannot run it), -EBADMSG (it computes something else than SHA-256d).
 * @err names the backend and the check that failed.
 */
BASE_MUST_CHECK int pow_backend_self_test(const struct minerd_pow_backend *b,
					  struct base_error *err);

#endif
