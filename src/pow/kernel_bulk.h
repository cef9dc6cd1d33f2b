/* SPDX-License-Identifier: MIT */
/*
 * kernel_bulk.h: whole messages through the vector kernels, one a lane.
 *
 * Floor 1, pure, private. Included by a kernel file after kernel_vec.h, whose
 * schedule and rounds it uses; defines vec_pairs() and vec_headers(). The
 * kernel file also defines, each within the vector's parts of 128 bits:
 *
 *   vec_byte_swap(x)           bytes of each word reversed
 *   vec_low32, vec_high32, vec_low64, vec_high64(x, y)
 *                              words, or pairs of them, of the lower or upper
 *                              halves of x and y in turn
 *   vec_gather(p, stride)      16 bytes from p, p + 4 * stride, ... a part
 *   vec_scatter(p, stride, x)  the reverse
 *
 * Lane 4 * part + i of a vector is message i + 4 * part: so four vectors of
 * 16 bytes become four vectors of one word by transposing within the parts.
 */
#ifndef POW_KERNEL_BULK_H
#define POW_KERNEL_BULK_H

#include "pow/kernel_vec.h"

#define BULK_PAIR_BITS 512u
#define BULK_HEADER_BITS 640u
#define BULK_DIGEST_BITS 256u
#define BULK_PADDING UINT32_C(0x80000000)

/* Rows become columns and back, within each part. */
VEC_INLINE void vec_transpose(vec x[static 4])
{
	vec ab = vec_low32(x[0], x[1]);
	vec cd = vec_low32(x[2], x[3]);
	vec ef = vec_high32(x[0], x[1]);
	vec gh = vec_high32(x[2], x[3]);

	x[0] = vec_low64(ab, cd);
	x[1] = vec_high64(ab, cd);
	x[2] = vec_low64(ef, gh);
	x[3] = vec_high64(ef, gh);
}

/* @words big-endian words, a multiple of 4, of each message from @at on. */
VEC_INLINE void bulk_load(struct vec_work *work, const uint8_t *at,
			  size_t stride, unsigned words)
{
	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		const uint8_t *p = at + i * stride * VEC_LANES;

		for (unsigned t = 0; t < words; t += 4) {
			vec x[4];

			for (unsigned j = 0; j < 4; j++)
				x[j] = vec_gather(
					p + j * stride + 4 * (size_t)t, stride);
			vec_transpose(x);
			for (unsigned j = 0; j < 4; j++)
				work->w[t + j][i] = vec_byte_swap(x[j]);
		}
	}
}

VEC_INLINE void bulk_store(struct base_hash *out, vec (*h)[VEC_STREAMS])
{
	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		uint8_t *p = out[i * VEC_LANES].b;

		for (unsigned t = 0; t < 8; t += 4) {
			vec x[4];

			for (unsigned j = 0; j < 4; j++)
				x[j] = vec_byte_swap(h[t + j][i]);
			vec_transpose(x);
			for (unsigned j = 0; j < 4; j++)
				vec_scatter(p + j * sizeof(*out) +
						    4 * (size_t)t,
					    sizeof(*out), x[j]);
		}
	}
}

/* The padding from word @t on, and the message's length. */
VEC_INLINE void bulk_pad(struct vec_work *work, unsigned t, uint32_t bits)
{
	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		work->w[t][i] = vec_set(BULK_PADDING);
		for (unsigned j = t + 1; j < 15; j++)
			work->w[j][i] = vec_set(0);
		work->w[15][i] = vec_set(bits);
	}
}

/* Words @t, even, to 63. */
VEC_INLINE void bulk_expand(struct vec_work *work, unsigned t)
{
	vec even[VEC_STREAMS];
	vec odd[VEC_STREAMS];

	for (unsigned i = 0; i < VEC_STREAMS; i++) {
		even[i] = work->w[t - 2][i];
		odd[i] = work->w[t - 1][i];
	}
	VEC_ROLLED
	for (; t < 64; t += 2) {
		EACH(EXPAND, even, t);
		EACH(EXPAND, odd, t + 1);
	}
}

#define BULK_START(i)                                \
	do {                                         \
		s[i].a = h[0][i];                    \
		s[i].b = h[1][i];                    \
		s[i].c = h[2][i];                    \
		s[i].d = h[3][i];                    \
		s[i].e = h[4][i];                    \
		s[i].f = h[5][i];                    \
		s[i].g = h[6][i];                    \
		s[i].h = h[7][i];                    \
		s[i].bc = vec_xor(h[1][i], h[2][i]); \
	} while (0)

#define BULK_END(i)                                 \
	do {                                        \
		h[0][i] = vec_add(h[0][i], s[i].a); \
		h[1][i] = vec_add(h[1][i], s[i].b); \
		h[2][i] = vec_add(h[2][i], s[i].c); \
		h[3][i] = vec_add(h[3][i], s[i].d); \
		h[4][i] = vec_add(h[4][i], s[i].e); \
		h[5][i] = vec_add(h[5][i], s[i].f); \
		h[6][i] = vec_add(h[6][i], s[i].g); \
		h[7][i] = vec_add(h[7][i], s[i].h); \
	} while (0)

/* The block in @work, expanded, into the chaining value. */
VEC_INLINE void bulk_rounds(vec (*h)[VEC_STREAMS], const struct vec_work *work)
{
	struct vec_state s[VEC_STREAMS];

	BULK_START(0);
	BULK_START(1);
	VEC_ROLLED
	for (unsigned t = 0; t < 64; t += 8) {
		ROUNDS_4(KW_SECOND, t);
		ROUNDS_4_MORE(KW_SECOND, t + 4);
	}
	BULK_END(0);
	BULK_END(1);
}

/* The same of a block that is the same in all lanes: words plus constants. */
#define KW_SAME(i, t) vec_set(kw[t])

VEC_INLINE void bulk_rounds_same(vec (*h)[VEC_STREAMS], const uint32_t *kw)
{
	struct vec_state s[VEC_STREAMS];

	BULK_START(0);
	BULK_START(1);
	VEC_ROLLED
	for (unsigned t = 0; t < 64; t += 8) {
		ROUNDS_4(KW_SAME, t);
		ROUNDS_4_MORE(KW_SAME, t + 4);
	}
	BULK_END(0);
	BULK_END(1);
}

VEC_INLINE void bulk_initial(vec (*h)[VEC_STREAMS])
{
	for (unsigned j = 0; j < 8; j++)
		for (unsigned i = 0; i < VEC_STREAMS; i++)
			h[j][i] = vec_set(pow_sha256_iv[j]);
}

/* The hash of the hash @h, written to @out. */
VEC_INLINE void bulk_second(struct base_hash *out, vec (*h)[VEC_STREAMS],
			    struct vec_work *work)
{
	for (unsigned j = 0; j < 8; j++)
		for (unsigned i = 0; i < VEC_STREAMS; i++)
			work->w[j][i] = h[j][i];
	bulk_pad(work, 8, BULK_DIGEST_BITS);
	EXPAND_16(EXPAND_SECOND, 16);
	bulk_expand(work, 32);
	bulk_initial(h);
	bulk_rounds(h, work);
	bulk_store(out, h);
}

VEC_INLINE void bulk_pairs_step(struct base_hash *out,
				const struct base_hash *in,
				const uint32_t *padding_kw)
{
	struct vec_work work;
	vec h[8][VEC_STREAMS];

	bulk_load(&work, in->b, 2 * sizeof(*in), 16);
	bulk_expand(&work, 16);
	bulk_initial(h);
	bulk_rounds(h, &work);
	bulk_rounds_same(h, padding_kw);
	bulk_second(out, h, &work);
}

VEC_INLINE void bulk_headers_step(struct base_hash *out, const uint8_t *in,
				  size_t stride)
{
	struct vec_work work;
	vec h[8][VEC_STREAMS];

	bulk_load(&work, in, stride, 16);
	bulk_expand(&work, 16);
	bulk_initial(h);
	bulk_rounds(h, &work);
	bulk_load(&work, in + POW_SHA256_BLOCK, stride, 4);
	bulk_pad(&work, 4, BULK_HEADER_BITS);
	bulk_expand(&work, 16);
	bulk_rounds(h, &work);
	bulk_second(out, h, &work);
}

/* The last, ragged step works on copies: no lane reads past the caller's
 * messages. */
VEC_INLINE void vec_pairs(struct base_hash *out, const struct base_hash *in,
			  size_t count)
{
	struct base_hash padded[2 * VEC_STEP] = {0};
	uint32_t kw[64];

	pow_kernel_padding(kw, BULK_PAIR_BITS);
	while (count > 0) {
		bool whole = count >= VEC_STEP;
		size_t n = whole ? VEC_STEP : count;

		if (!whole)
			memcpy(padded, in, 2 * n * sizeof(*in));
		bulk_pairs_step(whole ? out : padded, whole ? in : padded, kw);
		if (!whole)
			memcpy(out, padded, n * sizeof(*out));
		out += n;
		in += 2 * n;
		count -= n;
	}
}

VEC_INLINE void vec_headers(struct base_hash *out, const uint8_t *headers,
			    size_t stride, size_t count)
{
	uint8_t padded[VEC_STEP * POW_HEADER_SIZE] = {0};
	struct base_hash hash[VEC_STEP];

	while (count > 0) {
		bool whole = count >= VEC_STEP;
		size_t n = whole ? VEC_STEP : count;

		for (size_t i = 0; !whole && i < n; i++)
			memcpy(padded + i * POW_HEADER_SIZE,
			       headers + i * stride, POW_HEADER_SIZE);
		bulk_headers_step(whole ? out : hash, whole ? headers : padded,
				  whole ? stride : POW_HEADER_SIZE);
		if (!whole)
			memcpy(out, hash, n * sizeof(*out));
		out += n;
		headers += n * stride;
		count -= n;
	}
}

#endif
