/* SPDX-License-Identifier: MIT */
/*
 * fuzz_network.c: any bytes as a network file. What is accepted has a
 * canonical form that reads back as the same network, and a genesis block.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "chain/block.h"
#include "node/network_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct chain_params p;
static struct chain_params q;
static uint8_t genesis[CHAIN_GENESIS_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct base_error err;
	struct base_hash hash;
	struct base_hash again;
	char *canonical;

	if (node_network_parse(&p, &hash, (const char *)data, size, "fuzz",
			       &err) < 0) {
		BASE_ASSERT(strlen(err.text) > 0);
		return 0;
	}
	canonical = node_network_canonical(&p);
	BASE_ASSERT(canonical);
	BASE_ASSERT(node_network_parse(&q, &again, canonical, strlen(canonical),
				       "again", &err) == 0);
	BASE_ASSERT(base_hash_equal(&hash, &again));
	free(canonical);
	BASE_ASSERT(chain_genesis_build(genesis, sizeof(genesis), &p, &hash) >
		    0);
	return 0;
}
