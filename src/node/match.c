/* SPDX-License-Identifier: MIT */
#include "node/match.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/assert.h"
#include "chain/block.h"
#include "chain/script.h"

_Static_assert(NODE_MATCH_KEYS_MAX < UINT16_MAX, "a slot numbers every key");
_Static_assert((NODE_MATCH_SLOTS & (NODE_MATCH_SLOTS - 1)) == 0,
	       "slots are found by a mask");

int node_match_open(struct node_match *m, uint32_t max_block_bytes,
		    struct base_error *err)
{
	memset(m, 0, sizeof(*m));
	if (getrandom(&m->hasher, sizeof(m->hasher), 0) !=
	    (ssize_t)sizeof(m->hasher))
		return base_fail(err, -EIO, "no random numbers");
	m->txs_max = max_block_bytes / CHAIN_TX_SIZE_MIN;
	m->found = malloc(m->txs_max * sizeof(*m->found));
	m->view = malloc(m->txs_max * sizeof(*m->view));
	m->tree = malloc(
		(chain_merkle_tree_size(m->txs_max) + CHAIN_MERKLE_DEPTH_MAX) *
		sizeof(*m->tree));
	m->scratch = malloc(max_block_bytes);
	if (!m->found || !m->view || !m->tree || !m->scratch) {
		node_match_close(m);
		return base_fail(err, -ENOMEM,
				 "no memory to answer light nodes");
	}
	return 0;
}

void node_match_close(struct node_match *m)
{
	free(m->found);
	free(m->view);
	free(m->tree);
	free(m->scratch);
	memset(m, 0, sizeof(*m));
}

void node_match_clear(struct node_match *m)
{
	if (m->count > 0)
		memset(m->slot, 0, sizeof(m->slot));
	m->count = 0;
}

/* Its slot, or the free one where it belongs. */
static uint32_t find_slot(const struct node_match *m, const uint8_t *key)
{
	uint32_t at =
		(uint32_t)chain_siphash(&m->hasher, key, NODE_MATCH_KEY_SIZE) &
		(NODE_MATCH_SLOTS - 1);

	/* Ends: half of the slots are free. */
	while (m->slot[at] != 0 &&
	       memcmp(m->key[m->slot[at] - 1], key, NODE_MATCH_KEY_SIZE) != 0)
		at = (at + 1) & (NODE_MATCH_SLOTS - 1);
	return at;
}

bool node_match_add(struct node_match *m,
		    const uint8_t key[static NODE_MATCH_KEY_SIZE])
{
	uint32_t at = find_slot(m, key);

	if (m->slot[at] != 0)
		return true;
	if (m->count == NODE_MATCH_KEYS_MAX)
		return false;
	memcpy(m->key[m->count], key, NODE_MATCH_KEY_SIZE);
	m->slot[at] = (uint16_t)++m->count;
	return true;
}

bool node_match_has(const struct node_match *m,
		    const uint8_t key[static NODE_MATCH_KEY_SIZE])
{
	return m->slot[find_slot(m, key)] != 0;
}

static bool spends(const struct node_match *m, const struct chain_tx_view *tx)
{
	struct base_reader r = base_reader_init(
		tx->inputs, (size_t)(tx->outputs - tx->inputs));

	for (uint32_t i = 0; i < tx->input_count; i++) {
		struct chain_tx_input in;

		chain_tx_read_input(&in, &r);
		if (node_match_has(m, in.prev_hash.b))
			return true;
	}
	return false;
}

static bool pays(const struct node_match *m, const struct chain_tx_view *tx)
{
	struct base_reader r = base_reader_init(
		tx->outputs, (size_t)(tx->data + tx->len - tx->outputs));

	for (uint32_t i = 0; i < tx->output_count; i++) {
		struct chain_tx_output o;

		chain_tx_read_output(&o, &r);
		if (chain_script_kind(o.script, o.script_len) ==
			    CHAIN_SCRIPT_P2TR &&
		    node_match_has(m, o.script + CHAIN_P2TR_KEY_AT))
			return true;
	}
	return false;
}

/* The transactions of a block as views. */
static int read_block(struct node_match *m, const uint8_t *block, size_t len)
{
	struct base_reader r = base_reader_init(block, len);
	uint64_t count;

	m->found_count = 0;
	m->tree_made = false;
	m->txs = 0;
	(void)base_read_bytes(&r, CHAIN_HEADER_SIZE);
	count = base_read_compact_size(&r);
	if (!base_reader_ok(&r) || count == 0 || count > m->txs_max)
		return -EBADMSG;
	for (uint64_t i = 0; i < count; i++)
		if (chain_tx_parse(&m->view[i], &r) < 0)
			return -EBADMSG;
	if (!base_reader_done(&r))
		return -EBADMSG;
	m->txs = (uint32_t)count;
	return 0;
}

static void add_found(struct node_match *m, uint32_t index)
{
	m->found[m->found_count++] =
		(struct node_match_found){.tx = m->view[index], .index = index};
}

int node_match_block(struct node_match *m, uint32_t *end, const uint8_t *block,
		     size_t len)
{
	int rc = read_block(m, block, len);
	uint32_t i;

	if (rc < 0)
		return rc;
	for (i = 0; i < m->txs; i++) {
		const struct chain_tx_view *tx = &m->view[i];
		struct base_hash txid;

		if (!pays(m, tx) && !spends(m, tx))
			continue;
		add_found(m, i);
		chain_txid(&txid, m->scratch, tx);
		if (!node_match_add(m, txid.b)) {
			i++;
			break;
		}
	}
	*end = i;
	return 0;
}

static void make_tree(struct node_match *m)
{
	if (m->tree_made)
		return;
	for (uint32_t i = 0; i < m->txs; i++)
		chain_txid(&m->tree[i], m->scratch, &m->view[i]);
	chain_merkle_tree(m->tree, m->txs);
	m->tree_made = true;
}

int node_match_txid(struct node_match *m, const uint8_t *block, size_t len,
		    const struct base_hash *txid)
{
	int rc = read_block(m, block, len);

	if (rc < 0)
		return rc;
	make_tree(m);
	for (uint32_t i = 0; i < m->txs; i++)
		if (base_hash_equal(&m->tree[i], txid)) {
			add_found(m, i);
			return 0;
		}
	return -ENOENT;
}

void node_match_proof(struct chain_tx_proof *out,
		      struct base_hash branch[static CHAIN_MERKLE_DEPTH_MAX],
		      struct node_match *m, const struct node_match_found *f,
		      struct base_height height)
{
	size_t depth;

	make_tree(m);
	depth = chain_merkle_tree_branch(branch, m->tree, m->txs, f->index);
	*out = (struct chain_tx_proof){.height = height,
				       .index = f->index,
				       .depth = (uint32_t)depth,
				       .branch = branch,
				       .tx = f->tx};
}
