/* SPDX-License-Identifier: MIT */
/*
 * context.h: what the rules for the next block need to know of the chain.
 *
 * Floor 2, pure. One small value per tip: enough for difficulty, time and
 * height rules without looking at older blocks. Appending a header yields
 * the context of the next tip.
 */
#ifndef CHAIN_CONTEXT_H
#define CHAIN_CONTEXT_H

#include "chain/header.h"
#include "chain/params.h"
#include "chain/verdict.h"

#define CHAIN_MTP_BLOCKS 11

struct chain_context {
	struct base_hash hash; /* of the tip */
	struct base_height height;
	int64_t tau_s;	     /* bounded elapsed time, chain.md, Difficulty */
	uint32_t time_count; /* 1..CHAIN_MTP_BLOCKS */
	uint32_t time[CHAIN_MTP_BLOCKS]; /* of the last blocks, newest first */
};

/* The context of a chain that is only @genesis. */
void chain_context_init(struct chain_context *out,
			const struct chain_header *genesis);

/* Makes @header, already checked, the tip. */
void chain_context_append(struct chain_context *ctx,
			  const struct chain_params *p,
			  const struct chain_header *header);

/* Median time past: sorted[n / 2] of the last n = min(11, all) times. The
 * next block's time must be greater. */
uint32_t chain_context_mtp(const struct chain_context *ctx);

/* The bits that the next block must carry. */
uint32_t chain_context_next_bits(const struct chain_context *ctx,
				 const struct chain_params *p);

/* Proof of work, version, prev, difficulty and MTP of the next header. */
enum chain_verdict chain_context_check(const struct chain_context *ctx,
				       const struct chain_params *p,
				       const struct chain_header *header);

/* Both for who has the hash of @header already. */
enum chain_verdict chain_context_check_hashed(const struct chain_context *ctx,
					      const struct chain_params *p,
					      const struct chain_header *header,
					      const struct base_hash *hash);
void chain_context_append_hashed(struct chain_context *ctx,
				 const struct chain_params *p,
				 const struct chain_header *header,
				 const struct base_hash *hash);

/* The time window of a DS message of tick T, whose time t(T) is @tick_ms:
 * floor(tick_ms/1000) - 60 <= time <= floor(tick_ms/1000). */
bool chain_time_in_window(uint32_t time, uint64_t tick_ms);

/* Exact form for storage: fixed size, little-endian. */
#define CHAIN_CONTEXT_SIZE (32 + 4 + 8 + 4 + 4 * CHAIN_MTP_BLOCKS)
void chain_context_write(uint8_t out[static CHAIN_CONTEXT_SIZE],
			 const struct chain_context *ctx);
/* 0, or -EINVAL when @in cannot have been written by the above. */
BASE_MUST_CHECK int
chain_context_read(struct chain_context *out,
		   const uint8_t in[static CHAIN_CONTEXT_SIZE]);

#endif
