/* SPDX-License-Identifier: MIT */
/* What nodes ask of each other, and answer. */
#include "sim.h"

#include "base/assert.h"

#define HEADERS_MAX 150
#define ASK_SIZE (32 + 4 + 4)

void sim_need(struct sim_world *w, struct sim_node *n,
	      const struct ds_action *a)
{
	static const uint8_t wire[] = {
		[DS_NEED_STATUS] = SIM_ASK_STATUS,
		[DS_NEED_HEADERS] = SIM_ASK_HEADERS,
		[DS_NEED_BLOCK] = SIM_ASK_BLOCK,
		[DS_NEED_CERT] = SIM_ASK_CERT,
	};
	uint8_t bytes[ASK_SIZE] = {0};
	uint32_t to = sim_index_of(a->need.peer);
	struct sim_buf *buf;

	if (a->need.kind != DS_NEED_STATUS)
		memcpy(bytes, a->need.hash.b, 32);
	if (a->need.kind == DS_NEED_HEADERS) {
		base_store_le32(bytes + 32, a->need.from.n);
		base_store_le32(bytes + 36, a->need.count);
	}
	BASE_ASSERT(to < w->count);
	buf = sim_buf_new(bytes, sizeof(bytes), sizeof(bytes));
	sim_say(w, n, "needs %d of %u", (int)a->need.kind, to);
	sim_send(w, n, to, wire[a->need.kind], buf);
	sim_buf_put(buf);
}

static void answer(struct sim_world *w, struct sim_node *n, uint32_t to,
		   uint8_t wire, const uint8_t *data, size_t len)
{
	struct sim_buf *buf = sim_buf_new(data, len, len);

	sim_send(w, n, to, wire, buf);
	sim_buf_put(buf);
}

/* The height of a final block; SIM_NONE: it is not in this chain. */
static uint32_t height_of(const struct sim_world *w, const struct sim_node *n,
			  const struct base_hash *hash)
{
	uint32_t i = sim_block_find(w, hash);
	uint32_t h;

	if (i == SIM_NONE)
		return SIM_NONE;
	h = w->block[i].after.height.n;
	return h <= n->disk.height && n->disk.block[h] == i ? h : SIM_NONE;
}

static void answer_cert(struct sim_world *w, struct sim_node *n, uint32_t to,
			uint8_t wire, const struct ds_cert *cert)
{
	uint8_t bytes[DS_CERT_SIZE(DS_MEMBERS_MAX)];
	size_t len = 0;

	if (cert->mask)
		len = ds_cert_write(bytes, sizeof(bytes), cert);
	answer(w, n, to, wire, bytes, len);
}

/* From the disk, or what only the ds has yet. */
static void answer_block(struct sim_world *w, struct sim_node *n, uint32_t to,
			 const struct base_hash *hash)
{
	uint32_t i = sim_block_find(w, hash);
	const uint8_t *bytes;
	size_t len;

	if (height_of(w, n, hash) != SIM_NONE ||
	    (i != SIM_NONE && n->disk.has_vote && n->disk.vote_block == i)) {
		answer(w, n, to, SIM_BLOCK, w->block[i].bytes, w->block[i].len);
		return;
	}
	bytes = ds_find_block(&len, n->ds, hash);
	if (bytes)
		answer(w, n, to, SIM_BLOCK, bytes, len);
}

static void answer_cert_of(struct sim_world *w, struct sim_node *n, uint32_t to,
			   const struct base_hash *hash)
{
	uint32_t h = height_of(w, n, hash);
	const struct ds_cert *cert = ds_find_cert(n->ds, hash);

	if (h != SIM_NONE && n->disk.cert[h].mask)
		cert = &n->disk.cert[h];
	if (cert)
		answer_cert(w, n, to, DS_CERT, cert);
}

static void answer_headers(struct sim_world *w, struct sim_node *n, uint32_t to,
			   const uint8_t *ask)
{
	uint8_t bytes[HEADERS_MAX * CHAIN_HEADER_SIZE];
	uint32_t from = base_load_le32(ask + 32);
	uint32_t most = base_load_le32(ask + 36);
	uint32_t count = 0;
	struct base_hash hash;
	uint32_t last;

	memcpy(hash.b, ask, 32);
	last = height_of(w, n, &hash);
	if (last == SIM_NONE)
		last = n->disk.height;
	if (most > HEADERS_MAX)
		most = HEADERS_MAX;
	for (uint32_t h = from; h <= last && count < most; h++, count++)
		memcpy(bytes + (size_t)count * CHAIN_HEADER_SIZE,
		       w->block[n->disk.block[h]].bytes, CHAIN_HEADER_SIZE);
	answer(w, n, to, SIM_HEADERS, bytes, (size_t)count * CHAIN_HEADER_SIZE);
}

/* Requests are answered beside the ds, from the disk. */
void sim_serve(struct sim_world *w, struct sim_node *n, uint32_t from,
	       uint8_t wire, const uint8_t *data, size_t len)
{
	struct base_hash hash;
	uint32_t i;

	BASE_ASSERT(len == ASK_SIZE);
	memcpy(hash.b, data, 32);
	switch (wire) {
	case SIM_ASK_STATUS:
		/* A liar shows itself behind. */
		i = n->disk.height;
		if (n->liar && sim_chance(w, 300000))
			i = (uint32_t)sim_below(w, i + 1);
		answer_cert(w, n, from, SIM_STATUS, &n->disk.cert[i]);
		break;
	case SIM_ASK_HEADERS:
		answer_headers(w, n, from, data);
		break;
	case SIM_ASK_BLOCK:
		answer_block(w, n, from, &hash);
		break;
	case SIM_ASK_CERT:
		answer_cert_of(w, n, from, &hash);
		break;
	default:
		BASE_ASSERT(wire == SIM_ASK_STATUS);
	}
}
