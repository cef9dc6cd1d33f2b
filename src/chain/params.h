/* SPDX-License-Identifier: MIT */
/*
 * params.h: everything that defines one chain.
 *
 * Floor 2, pure. The values of a network file (chain.md, Network file); the
 * file itself is read and written by node/network_file.h. Two nodes with
 * equal parameters have the same genesis block.
 */
#ifndef CHAIN_PARAMS_H
#define CHAIN_PARAMS_H

#include "base/error.h"
#include "base/types.h"
#include "base/u256.h"

#define CHAIN_NAME_MAX 32      /* chain and member names, [a-z0-9-] */
#define CHAIN_PREFIX_MAX 16    /* bech32 prefix, [a-z] */
#define CHAIN_ENDPOINT_MAX 255 /* HOST:PORT */
#define CHAIN_MEMBERS_MAX 64   /* one bit each in a u64 mask */
#define CHAIN_OUTPUTS_MAX 1024 /* initial outputs of genesis */
#define CHAIN_KEY_SIZE 32

#define CHAIN_BLOCK_BYTES_MIN 4096u
#define CHAIN_BLOCK_BYTES_MAX (16u << 20)
#define CHAIN_BLOCK_BYTES_DEFAULT (1u << 20)
#define CHAIN_HALF_LIFE_SPACINGS 12 /* half_life_s default, in spacings */
#define CHAIN_MATURITY_DEFAULT 1
#define CHAIN_DELTA_MAX_MS 3600000u
#define CHAIN_SPACING_MAX_S 86400u
#define CHAIN_BLOCK_INPUTS_MAX (1u << 20)
#define CHAIN_GENESIS_END_MS ((UINT64_C(1) << 32) * 1000)

struct chain_member {
	char name[CHAIN_NAME_MAX + 1];
	uint8_t signing_key[CHAIN_KEY_SIZE];  /* x-only secp256k1, BIP340 */
	uint8_t node_id[CHAIN_KEY_SIZE];      /* Ed25519 public key */
	char address[CHAIN_ENDPOINT_MAX + 1]; /* HOST:PORT */
};

struct chain_initial_output {
	uint8_t key[CHAIN_KEY_SIZE]; /* P2TR output key */
	struct base_amount amount;
};

struct chain_params {
	char name[CHAIN_NAME_MAX + 1];
	char address_prefix[CHAIN_PREFIX_MAX + 1];
	uint64_t genesis_time_ms; /* Unix time, < 2^32 s */
	uint32_t delta_ms;	  /* one tick, 1..3,600,000 */
	uint32_t faults;	  /* f, < member_count */
	uint32_t member_count;	  /* n, 1..CHAIN_MEMBERS_MAX */
	struct chain_member member[CHAIN_MEMBERS_MAX];
	struct base_u256 pow_limit; /* highest target allowed, >= 1 */
	uint32_t genesis_bits;	    /* target <= pow_limit */
	uint32_t spacing_s;	    /* 1..86,400 */
	uint32_t half_life_s;	    /* 1..2^31-1 */
	uint32_t max_block_bytes;   /* BLOCK_BYTES_MIN..BLOCK_BYTES_MAX */
	uint32_t max_block_inputs;  /* 1..2^20 */
	struct base_amount subsidy_initial;
	uint32_t subsidy_halving_blocks; /* >= 1 */
	uint32_t coinbase_maturity;	 /* 1..2^20 */
	uint32_t output_count;		 /* 0..CHAIN_OUTPUTS_MAX */
	struct chain_initial_output output[CHAIN_OUTPUTS_MAX];
};

/* Checks one member by itself: name, signing key, address. 0 or -EINVAL; @err
 * begins with the field's name. */
BASE_MUST_CHECK int chain_member_check(const struct chain_member *m,
				       struct base_error *err);

/* Checks every range above, the relations between them, that keys are on
 * the curve, and that no name, key or node id occurs twice. 0 or -EINVAL;
 * @err names the field and the range. */
BASE_MUST_CHECK int chain_params_check(const struct chain_params *p,
				       struct base_error *err);

/* initial >> (height / halving_blocks); 0 from 64 halvings on and for
 * genesis. */
struct base_amount chain_subsidy(const struct chain_params *p,
				 struct base_height height);

#endif
