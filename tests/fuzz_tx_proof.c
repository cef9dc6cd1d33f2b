/* SPDX-License-Identifier: MIT */
/* Proofs of transactions: read, judged, and written again as they were. */
#include <stdlib.h>

#include "base/assert.h"
#include "chain/tx_proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct base_hash root = {{1}};
	struct base_reader r = base_reader_init(data, size);
	struct chain_tx_proof p;

	while (base_reader_left(&r) > 0 && chain_tx_proof_read(&p, &r) == 0) {
		size_t len = CHAIN_TX_PROOF_EXTRA(p.depth) + p.tx.len;
		uint8_t *again = malloc(len);
		uint8_t *scratch = malloc(p.tx.stripped_len);
		struct base_writer w = base_writer_init(again, len);
		struct base_hash txid;

		BASE_ASSERT(again && scratch);
		BASE_ASSERT(!chain_tx_proof_holds(&txid, scratch, &p, &root));
		chain_tx_proof_write(&w, &p);
		BASE_ASSERT(base_writer_ok(&w) && w.len == len);
		BASE_ASSERT(memcmp(r.at - len, again, len) == 0);
		free(again);
		free(scratch);
	}
	return 0;
}
