/* SPDX-License-Identifier: MIT */
#include "node/verify_rate.h"

#include <time.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/signature.h"

#define RUNS 5
#define CHECKS 64

/* BIP340's test vector 1: a valid signature. */
static const char key_hex[] = "dff1d77f2a671c5f36183726db2341be"
			      "58feae1da2deced843240f7b502ba659";
static const char message_hex[] = "243f6a8885a308d313198a2e03707344"
				  "a4093822299f31d0082efa98ec4e6c89";
static const char signature_hex[] =
	"6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341"
	"8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a";

static double cpu_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double node_verify_rate(void)
{
	struct chain_check check;
	double best = 0;
	int rc = base_from_hex(check.key, sizeof(check.key), key_hex);

	if (rc == 0)
		rc = base_from_hex(check.sighash.b, sizeof(check.sighash.b),
				   message_hex);
	if (rc == 0)
		rc = base_from_hex(check.signature, sizeof(check.signature),
				   signature_hex);
	BASE_ASSERT(rc == 0);
	for (int run = 0; run < RUNS; run++) {
		double from = cpu_seconds();
		double took;

		for (int i = 0; i < CHECKS; i++)
			BASE_ASSERT(chain_checks_valid(&check, 1));
		took = cpu_seconds() - from;
		if (took > 0 && CHECKS / took > best)
			best = CHECKS / took;
	}
	return best;
}

bool node_verify_fast_enough(const struct chain_params *p, double rate,
			     uint32_t threads)
{
	double inputs = (double)p->member_count * p->max_block_inputs;

	return inputs <= rate * threads * p->delta_ms / 4000;
}
