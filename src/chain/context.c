/* SPDX-License-Identifier: MIT */
#include "chain/context.h"

#include <errno.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/difficulty.h"
#include "pow/target.h"

#define WINDOW_S 60

/* Times only have to pass their median, so a chain of hostile ones could walk
 * tau down for ever: it stops far below where every target is 1. Upwards it
 * cannot pass the last time minus the first. */
#define TAU_MIN (-(INT64_C(1) << 62))
#define TAU_MAX ((int64_t)UINT32_MAX)

void chain_context_init(struct chain_context *out,
			const struct chain_header *genesis)
{
	memset(out, 0, sizeof(*out));
	chain_header_hash(&out->hash, genesis);
	out->time_count = 1;
	out->time[0] = genesis->time;
}

void chain_context_append_hashed(struct chain_context *ctx,
				 const struct chain_params *p,
				 const struct chain_header *header,
				 const struct base_hash *hash)
{
	int64_t step = (int64_t)header->time - (int64_t)ctx->time[0];

	BASE_ASSERT(base_hash_equal(&header->prev, &ctx->hash));
	BASE_ASSERT(ctx->height.n < UINT32_MAX);
	if (step > p->half_life_s)
		step = p->half_life_s;
	ctx->tau_s += step;
	if (ctx->tau_s < TAU_MIN)
		ctx->tau_s = TAU_MIN;
	ctx->hash = *hash;
	ctx->height.n++;
	memmove(&ctx->time[1], &ctx->time[0],
		sizeof(ctx->time) - sizeof(ctx->time[0]));
	ctx->time[0] = header->time;
	if (ctx->time_count < CHAIN_MTP_BLOCKS)
		ctx->time_count++;
}

void chain_context_append(struct chain_context *ctx,
			  const struct chain_params *p,
			  const struct chain_header *header)
{
	struct base_hash hash;

	chain_header_hash(&hash, header);
	chain_context_append_hashed(ctx, p, header, &hash);
}

uint32_t chain_context_mtp(const struct chain_context *ctx)
{
	uint32_t sorted[CHAIN_MTP_BLOCKS];

	BASE_ASSERT(ctx->time_count >= 1 &&
		    ctx->time_count <= CHAIN_MTP_BLOCKS);
	for (uint32_t i = 0; i < ctx->time_count; i++) {
		uint32_t at = i;

		for (; at > 0 && sorted[at - 1] > ctx->time[i]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = ctx->time[i];
	}
	return sorted[ctx->time_count / 2];
}

uint32_t chain_context_next_bits(const struct chain_context *ctx,
				 const struct chain_params *p)
{
	struct base_u256 anchor = {.limb = {0}};
	struct base_u256 target;
	int64_t exponent;
	int rc = pow_target_from_bits(&anchor, p->genesis_bits);

	BASE_ASSERT(rc == 0);
	exponent = chain_asert_exponent(ctx->tau_s, p->spacing_s, ctx->height.n,
					p->half_life_s);
	target = chain_asert_target(&anchor, exponent, &p->pow_limit);
	return pow_target_to_bits(&target);
}

enum chain_verdict chain_context_check_hashed(const struct chain_context *ctx,
					      const struct chain_params *p,
					      const struct chain_header *header,
					      const struct base_hash *hash)
{
	enum chain_verdict v = chain_header_check(header, p, hash);

	if (v != CHAIN_OK)
		return v;
	if (!base_hash_equal(&header->prev, &ctx->hash))
		return CHAIN_BAD_PREV;
	if (header->bits != chain_context_next_bits(ctx, p))
		return CHAIN_BAD_DIFFICULTY;
	if (header->time <= chain_context_mtp(ctx))
		return CHAIN_BAD_TIME_OLD;
	return CHAIN_OK;
}

enum chain_verdict chain_context_check(const struct chain_context *ctx,
				       const struct chain_params *p,
				       const struct chain_header *header)
{
	struct base_hash hash;

	chain_header_hash(&hash, header);
	return chain_context_check_hashed(ctx, p, header, &hash);
}

bool chain_time_in_window(uint32_t time, uint64_t tick_ms)
{
	uint64_t tick_s = tick_ms / 1000;

	return time <= tick_s && (uint64_t)time + WINDOW_S >= tick_s;
}

void chain_context_write(uint8_t out[static CHAIN_CONTEXT_SIZE],
			 const struct chain_context *ctx)
{
	struct base_writer w = base_writer_init(out, CHAIN_CONTEXT_SIZE);

	base_write_bytes(&w, ctx->hash.b, sizeof(ctx->hash.b));
	base_write_le32(&w, ctx->height.n);
	base_write_le64(&w, (uint64_t)ctx->tau_s);
	base_write_le32(&w, ctx->time_count);
	for (size_t i = 0; i < CHAIN_MTP_BLOCKS; i++)
		base_write_le32(&w, ctx->time[i]);
	BASE_ASSERT(base_writer_ok(&w) && w.len == CHAIN_CONTEXT_SIZE);
}

static bool plausible(const struct chain_context *ctx)
{
	uint32_t times = ctx->height.n < CHAIN_MTP_BLOCKS ? ctx->height.n + 1
							  : CHAIN_MTP_BLOCKS;

	if (ctx->time_count != times)
		return false;
	for (uint32_t i = times; i < CHAIN_MTP_BLOCKS; i++)
		if (ctx->time[i] != 0)
			return false;
	if (ctx->height.n == 0)
		return ctx->tau_s == 0;
	return ctx->tau_s >= TAU_MIN && ctx->tau_s <= TAU_MAX;
}

int chain_context_read(struct chain_context *out,
		       const uint8_t in[static CHAIN_CONTEXT_SIZE])
{
	struct base_reader r = base_reader_init(in, CHAIN_CONTEXT_SIZE);
	struct chain_context ctx;

	base_read_hash(&ctx.hash, &r);
	ctx.height.n = base_read_le32(&r);
	ctx.tau_s = (int64_t)base_read_le64(&r);
	ctx.time_count = base_read_le32(&r);
	for (size_t i = 0; i < CHAIN_MTP_BLOCKS; i++)
		ctx.time[i] = base_read_le32(&r);
	BASE_ASSERT(base_reader_done(&r));
	if (!plausible(&ctx))
		return -EINVAL;
	*out = ctx;
	return 0;
}
