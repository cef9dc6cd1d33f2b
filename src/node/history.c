/* SPDX-License-Identifier: MIT */
#include "node/history.h"

#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"

#define PLACE_SIZE 8 /* height and index in front of proofs */

struct watcher {
	bool used;
	uint32_t gen;
	uint32_t next; /* the first height that was not looked through */
	uint32_t count;
	uint8_t key[NODE_WATCH_KEYS_MAX][NODE_MATCH_KEY_SIZE];
};

struct node_history {
	uint32_t max_block_bytes;
	struct node_match match;
	struct watcher watcher[NET_SLOTS_MAX]; /* untouched until used */
};

int node_history_open(struct node_history **out, uint32_t max_block_bytes,
		      struct base_error *err)
{
	struct node_history *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return base_fail(err, -ENOMEM,
				 "no memory to answer light nodes");
	s->max_block_bytes = max_block_bytes;
	rc = node_match_open(&s->match, max_block_bytes, err);
	if (rc < 0) {
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void node_history_close(struct node_history *s)
{
	if (!s)
		return;
	node_match_close(&s->match);
	free(s);
}

size_t node_history_cap(const struct node_history *s)
{
	return (size_t)s->max_block_bytes + NET_FRAME_EXTRA;
}

/* ---- one transaction ---- */

/* By the index, or by an output that nobody has spent. 0; -ENOENT; -EIO. */
static int find_height(struct base_height *out, struct store_reader *r,
		       const struct base_hash *txid)
{
	struct chain_coin coin;
	int rc = store_tx_height(out, r, txid);

	for (uint32_t i = 0; rc == -EOPNOTSUPP && i < NODE_HISTORY_LOOKUPS;
	     i++) {
		const struct chain_outpoint at = {.txid = *txid, .index = i};
		int got = store_coin_at(&coin, r, &at);

		if (got == 0)
			*out = coin.height;
		if (got != -ENOENT)
			rc = got;
	}
	if (rc == -EOPNOTSUPP)
		return -ENOENT;
	return rc == -EBADMSG ? -EIO : rc;
}

int node_history_proof(uint8_t *out, size_t *len, struct node_history *s,
		       struct store_reader *r, const uint8_t *request,
		       size_t request_len)
{
	struct base_hash branch[CHAIN_MERKLE_DEPTH_MAX];
	struct base_writer w = base_writer_init(out, node_history_cap(s));
	struct chain_tx_proof proof;
	struct base_height height;
	struct base_hash txid;
	const uint8_t *block;
	size_t block_len;
	int rc;

	if (request_len != sizeof(txid.b))
		return -EBADMSG;
	memcpy(txid.b, request, sizeof(txid.b));
	rc = find_height(&height, r, &txid);
	if (rc == -ENOENT) {
		*len = 0;
		return 0;
	}
	if (rc == 0 &&
	    (store_block_at(&block, &block_len, r, height) < 0 ||
	     node_match_txid(&s->match, block, block_len, &txid) < 0))
		rc = -EIO;
	if (rc < 0)
		return rc;
	node_match_proof(&proof, branch, &s->match, &s->match.found[0], height);
	chain_tx_proof_write(&w, &proof);
	BASE_ASSERT(base_writer_ok(&w));
	*len = w.len;
	return 0;
}

/* ---- many ---- */

/* How far a search came, and what it may still cost. */
struct search {
	uint32_t height;
	uint32_t index;
	uint32_t blocks;
	size_t bytes;
	struct base_writer w;
};

/* The finds of one block, from s->index on, as far as they fit. True: all. */
static bool put_found(struct search *at, struct node_match *m)
{
	struct base_hash branch[CHAIN_MERKLE_DEPTH_MAX];

	for (uint32_t i = 0; i < m->found_count; i++) {
		const struct node_match_found *f = &m->found[i];
		struct chain_tx_proof proof;

		if (f->index < at->index)
			continue;
		node_match_proof(&proof, branch, m, f,
				 (struct base_height){at->height});
		if (CHAIN_TX_PROOF_EXTRA(proof.depth) + f->tx.len >
		    at->w.cap - at->w.len) {
			at->index = f->index;
			return false;
		}
		chain_tx_proof_write(&at->w, &proof);
	}
	return true;
}

/* 0: go on; 1: this search is over; -EIO. */
static int search_block(struct search *at, struct node_match *m,
			struct store_reader *r)
{
	const uint8_t *block;
	size_t len;
	uint32_t end;
	int rc = store_block_at(&block, &len, r,
				(struct base_height){at->height});

	if (rc == -ENOENT)
		return 1;
	if (rc < 0 || node_match_block(m, &end, block, len) < 0)
		return -EIO;
	if (!put_found(at, m))
		return 1;
	if (end < m->txs) {
		at->index = end;
		return 1;
	}
	at->height++;
	at->index = 0;
	at->blocks++;
	at->bytes += len;
	return at->height == 0 || at->blocks >= NODE_HISTORY_SCAN_BLOCKS ||
	       at->bytes >= NODE_HISTORY_SCAN_BYTES;
}

/* From @height and @index on; the keys are in the table. */
static int search(uint8_t *out, size_t *len, struct node_history *s,
		  struct store_reader *r, uint32_t height, uint32_t index,
		  uint32_t *reached)
{
	struct search at = {
		.height = height,
		.index = index,
		.w = base_writer_init(out, node_history_cap(s)),
	};
	int rc = 0;

	_Static_assert(
		PLACE_SIZE + CHAIN_TX_PROOF_EXTRA(CHAIN_MERKLE_DEPTH_MAX) <=
			NET_FRAME_EXTRA,
		"a proof of any transaction fits");
	base_write_le64(&at.w, 0);
	while (rc == 0)
		rc = search_block(&at, &s->match, r);
	if (rc < 0)
		return rc;
	base_store_le32(out, at.height);
	base_store_le32(out + 4, at.index);
	*len = at.w.len;
	*reached = at.height;
	return 0;
}

int node_history_of(uint8_t *out, size_t *len, struct node_history *s,
		    struct store_reader *r, const uint8_t *request,
		    size_t request_len)
{
	const size_t keys = (request_len - PLACE_SIZE) / NODE_MATCH_KEY_SIZE;
	uint32_t reached;

	if (request_len < PLACE_SIZE + NODE_MATCH_KEY_SIZE ||
	    (request_len - PLACE_SIZE) % NODE_MATCH_KEY_SIZE != 0 ||
	    keys > NET_KEYS_MAX)
		return -EBADMSG;
	node_match_clear(&s->match);
	for (size_t i = 0; i < keys; i++)
		if (!node_match_add(&s->match, request + PLACE_SIZE +
						       i * NODE_MATCH_KEY_SIZE))
			return -EBADMSG;
	return search(out, len, s, r, base_load_le32(request),
		      base_load_le32(request + 4), &reached);
}

/* ---- what is new ---- */

static bool watches(const struct watcher *w, const uint8_t *key)
{
	for (uint32_t i = 0; i < w->count; i++)
		if (memcmp(w->key[i], key, NODE_MATCH_KEY_SIZE) == 0)
			return true;
	return false;
}

int node_history_watch(struct node_history *s, uint32_t slot, uint32_t gen,
		       struct base_height tip, const uint8_t *request,
		       size_t request_len)
{
	const size_t keys = request_len / NODE_MATCH_KEY_SIZE;
	struct watcher *w = &s->watcher[slot];

	BASE_ASSERT(slot < NET_SLOTS_MAX);
	if (keys == 0 || request_len % NODE_MATCH_KEY_SIZE != 0 ||
	    keys > NET_KEYS_MAX)
		return -EBADMSG;
	if (!w->used || w->gen != gen) {
		w->used = true;
		w->gen = gen;
		w->count = 0;
		w->next = tip.n + 1;
	}
	for (size_t i = 0; i < keys; i++) {
		const uint8_t *key = request + i * NODE_MATCH_KEY_SIZE;

		if (watches(w, key))
			continue;
		if (w->count == NODE_WATCH_KEYS_MAX)
			return -ENOSPC;
		memcpy(w->key[w->count++], key, NODE_MATCH_KEY_SIZE);
	}
	return 0;
}

/* True: there is something for it in @out. */
static bool look_for(uint8_t *out, size_t *len, struct node_history *s,
		     struct watcher *w, struct store_reader *r,
		     struct base_height tip)
{
	uint32_t reached;

	if (tip.n - w->next >= NODE_WATCH_BLOCKS_MAX) {
		w->next = tip.n + 1;
		return false;
	}
	node_match_clear(&s->match);
	for (uint32_t i = 0; i < w->count; i++)
		if (!node_match_add(&s->match, w->key[i]))
			break;
	if (search(out, len, s, r, w->next, 0, &reached) < 0) {
		w->next = tip.n + 1;
		return false;
	}
	/* An answer that got full is news enough: it will ask. */
	w->next = reached > w->next ? reached : w->next + 1;
	return *len > PLACE_SIZE;
}

bool node_history_watched(uint8_t *out, size_t *len, uint32_t *slot,
			  uint32_t *gen, struct node_history *s,
			  struct store_reader *r, struct base_height tip)
{
	for (uint32_t i = 0; i < NET_SLOTS_MAX; i++) {
		struct watcher *w = &s->watcher[i];

		if (!w->used || w->next > tip.n)
			continue;
		if (!look_for(out, len, s, w, r, tip))
			continue;
		*slot = i;
		*gen = w->gen;
		return true;
	}
	return false;
}
