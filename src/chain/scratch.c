/* SPDX-License-Identifier: MIT */
#include "chain/scratch.h"

#include "chain/block.h"
#include "chain/spend.h"

#define ALIGN 16

static size_t most_txs(uint32_t max_block_bytes)
{
	return max_block_bytes / CHAIN_TX_SIZE_MIN;
}

static size_t most_checks(uint32_t max_block_bytes)
{
	return max_block_bytes / CHAIN_SPEND_SIZE_MIN;
}

/* A block's bytes are inputs or outputs; genesis has a size of its own. */
static size_t most_changes(uint32_t max_block_bytes)
{
	size_t bytes = max_block_bytes;

	if (bytes < CHAIN_GENESIS_MAX)
		bytes = CHAIN_GENESIS_MAX;
	return bytes / CHAIN_COIN_OUTPUT_SIZE;
}

/* The next @size bytes of what begins at *@at. */
static void *take(uint8_t **at, size_t size)
{
	uint8_t *taken = *at;

	*at += (size + ALIGN - 1) / ALIGN * ALIGN;
	return taken;
}

size_t chain_scratch_size(uint32_t max_block_bytes)
{
	return 3 * most_txs(max_block_bytes) * sizeof(struct base_hash) +
	       most_checks(max_block_bytes) * sizeof(struct chain_check) +
	       chain_changes_size(most_changes(max_block_bytes)) +
	       max_block_bytes + 6 * ALIGN;
}

void chain_scratch_init(struct chain_scratch *out, void *memory,
			uint32_t max_block_bytes,
			const uint8_t salt[static CHAIN_SALT_SIZE])
{
	size_t hashes = most_txs(max_block_bytes) * sizeof(struct base_hash);
	size_t changes = most_changes(max_block_bytes);
	uint8_t *at = memory;

	*out = (struct chain_scratch){.max_block_bytes = max_block_bytes};
	out->txid = take(&at, hashes);
	out->wtxid = take(&at, hashes);
	out->node = take(&at, hashes);
	out->check = take(&at, most_checks(max_block_bytes) *
				       sizeof(struct chain_check));
	chain_changes_init(&out->changes,
			   take(&at, chain_changes_size(changes)), changes,
			   salt);
	out->bytes = take(&at, max_block_bytes);
}
