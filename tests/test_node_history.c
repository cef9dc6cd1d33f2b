/* SPDX-License-Identifier: MIT */
/* What light nodes are told of their transactions, and that it is proved. */
#include "store_fixture.h"

#include "base/prng.h"
#include "node/history.h"

#define OUT_MAX (CHAIN_BLOCK_BYTES_MIN + NET_FRAME_EXTRA)
#define PROOFS_MAX 512u

struct answer {
	uint32_t height; /* from which to go on */
	uint32_t index;
	uint32_t count;
	struct chain_tx_proof proof[PROOFS_MAX];
	struct base_hash txid[PROOFS_MAX];
};

struct served {
	struct fixture *f;
	struct store *s;
	struct store_reader *r;
	struct node_history *h;
	struct test_block tip;
	uint8_t key[CHAIN_KEY_SIZE];   /* that TEST_SECRET spends */
	uint8_t miner[CHAIN_KEY_SIZE]; /* of all coinbases */
	struct base_hash genesis_txid;
	uint8_t out[OUT_MAX];
	struct answer answer;
};

static struct served *v;

static void look_anew(void)
{
	struct base_error err;

	if (v->r)
		store_read_end(v->r);
	assert_int_equal(store_read_begin(&v->r, v->s, &err), 0);
}

static int begin(void **state)
{
	secp256k1_keypair pair;
	struct chain_header header;
	struct base_error err;

	v = calloc(1, sizeof(*v));
	if (!v || set_up((void **)&v->f) < 0)
		return -1;
	(void)state;
	v->s = open_with(v->f, MAP, false);
	init(v->s, v->f);
	grow(v->s, v->f, 6, &v->tip);
	spend_key(v->key, &pair, TEST_SECRET);
	v->miner[0] = 1;
	chain_header_read(&header, v->f->genesis.data);
	v->genesis_txid = header.merkle_root;
	look_anew();
	return node_history_open(&v->h, v->f->p.max_block_bytes, &err);
}

static int end(void **state)
{
	void *f = v->f;

	(void)state;
	node_history_close(v->h);
	store_read_end(v->r);
	store_close(v->s);
	(void)tear_down(&f);
	free(v);
	return 0;
}

/* Takes the answer apart; everything in it holds. */
static void read_answer(size_t len)
{
	struct answer *a = &v->answer;
	struct base_reader in = base_reader_init(v->out, len);
	uint8_t scratch[CHAIN_BLOCK_BYTES_MIN];

	memset(a, 0, sizeof(*a));
	a->height = base_read_le32(&in);
	a->index = base_read_le32(&in);
	while (base_reader_left(&in) > 0) {
		struct chain_tx_proof *p = &a->proof[a->count];
		struct chain_header header;
		const uint8_t *block;
		size_t block_len;

		assert_int_equal(chain_tx_proof_read(p, &in), 0);
		assert_int_equal(
			store_block_at(&block, &block_len, v->r, p->height), 0);
		chain_header_read(&header, block);
		assert_true(chain_tx_proof_holds(&a->txid[a->count], scratch, p,
						 &header.merkle_root));
		a->count++;
		assert_true(a->count < PROOFS_MAX);
	}
	assert_true(base_reader_done(&in));
}

static void ask(uint32_t height, uint32_t index, const void *keys,
		uint32_t count)
{
	uint8_t request[8 + 32 * NET_KEYS_MAX];
	size_t len;

	base_store_le32(request, height);
	base_store_le32(request + 4, index);
	memcpy(request + 8, keys, 32 * (size_t)count);
	assert_int_equal(node_history_of(v->out, &len, v->h, v->r, request,
					 8 + 32 * (size_t)count),
			 0);
	read_answer(len);
}

static void payments_to_a_key(void **state)
{
	struct answer *a = &v->answer;

	(void)state;
	ask(0, 0, v->key, 1);
	assert_int_equal(a->height, 7);
	assert_int_equal(a->index, 0);
	assert_int_equal(a->count, 1 + 2 * TEST_SPENDS);
	assert_int_equal(a->proof[0].height.n, 0);
	assert_memory_equal(&a->txid[0], &v->genesis_txid, 32);
	for (uint32_t i = 1; i < a->count; i++) {
		assert_int_equal(a->proof[i].height.n, (i + 1) / 2);
		assert_int_equal(a->proof[i].index, 1 + (i + 1) % 2);
	}
	ask(3, 0, v->key, 1);
	assert_int_equal(a->count, 4);
	ask(3, 2, v->key, 1);
	assert_int_equal(a->count, 3);
	assert_int_equal(a->proof[0].index, 2);
	ask(3, 3, v->key, 1);
	assert_int_equal(a->count, 2);
	ask(5, 0, v->key, 1);
	assert_int_equal(a->count, 0);
	assert_int_equal(a->height, 7);
	ask(7, 0, v->key, 1);
	assert_int_equal(a->height, 7);
	ask(UINT32_MAX, 9, v->key, 1);
	assert_int_equal(a->height, UINT32_MAX);
	assert_int_equal(a->index, 9);
}

static void who_spends_an_output(void **state)
{
	struct answer *a = &v->answer;
	struct base_hash second;

	(void)state;
	/* Those that spend genesis' outputs, and who spends theirs. */
	ask(0, 0, v->genesis_txid.b, 1);
	assert_int_equal(a->count, 2 * TEST_SPENDS);
	second = a->txid[2];
	assert_int_equal(a->proof[2].height.n, 2);
	ask(0, 0, second.b, 1);
	assert_int_equal(a->count, 1);
	assert_int_equal(a->proof[0].height.n, 2);
	assert_int_equal(a->proof[0].index, 2);
}

static void many_keys(void **state)
{
	uint8_t keys[3][32] = {{9}, {8}};
	struct answer *a = &v->answer;

	(void)state;
	ask(0, 0, keys, 2);
	assert_int_equal(a->count, 0);
	memcpy(keys[1], v->miner, 32);
	memcpy(keys[2], v->key, 32);
	ask(0, 0, keys, 3);
	assert_int_equal(a->count, 1 + 6 + 2 * TEST_SPENDS);
}

/* An answer that gets full goes on where it ended. */
static void long_answers(void **state)
{
	struct answer *a = &v->answer;
	uint32_t height = 0, index = 0, seen = 0, asked = 0;

	(void)state;
	grow(v->s, v->f, 500, &v->tip);
	look_anew();
	while (height < 507 && asked < 10) {
		ask(height, index, v->miner, 1);
		asked++;
		assert_true(a->height > height);
		for (uint32_t i = 0; i < a->count; i++)
			assert_int_equal(a->proof[i].height.n, ++seen);
		height = a->height;
		index = a->index;
	}
	assert_int_equal(seen, 506);
	assert_true(asked >= 2);
}

static void malformed_requests(void **state)
{
	uint8_t request[8 + 32 * (NET_KEYS_MAX + 1)] = {0};
	static const size_t bad[] = {0,	 7,  8,	 39,
				     41, 71, 73, 8 + 32 * (NET_KEYS_MAX + 1)};
	size_t len;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_int_equal(node_history_of(v->out, &len, v->h, v->r,
						 request, bad[i]),
				 -EBADMSG);
	assert_int_equal(
		node_history_proof(v->out, &len, v->h, v->r, request, 31),
		-EBADMSG);
	assert_int_equal(
		node_history_watch(v->h, 1, 1, v->tip.ctx.height, request, 0),
		-EBADMSG);
	assert_int_equal(
		node_history_watch(v->h, 1, 1, v->tip.ctx.height, request, 33),
		-EBADMSG);
}

static bool prove(const struct base_hash *txid)
{
	struct base_reader in;
	struct chain_tx_proof p;
	size_t len;

	assert_int_equal(
		node_history_proof(v->out, &len, v->h, v->r, txid->b, 32), 0);
	if (len == 0)
		return false;
	in = base_reader_init(v->out, len);
	assert_int_equal(chain_tx_proof_read(&p, &in), 0);
	assert_true(base_reader_done(&in));
	return true;
}

static void one_transaction(void **state)
{
	struct base_hash half_spent, spent, none = {{1}};
	struct store_options options = {
		.dir = v->f->dir, .map_bytes = MAP, .txindex = true};
	struct base_error err;

	(void)state;
	ask(2, 0, v->key, 1);
	half_spent = v->answer.txid[0];
	spent = v->genesis_txid; /* all four outputs */
	assert_false(prove(&none));
	assert_true(prove(&half_spent));
	assert_false(prove(&spent));
	store_read_end(v->r);
	v->r = NULL;
	store_close(v->s);
	assert_int_equal(store_open(&v->s, &options, &err), 0);
	look_anew();
	assert_true(prove(&half_spent));
	assert_true(prove(&spent));
	assert_false(prove(&none));
}

static bool news(uint32_t *slot, uint32_t *gen)
{
	size_t len;
	bool any;

	any = node_history_watched(v->out, &len, slot, gen, v->h, v->r,
				   v->tip.ctx.height);
	if (any)
		read_answer(len);
	return any;
}

static void news_for_watchers(void **state)
{
	uint8_t keys[2][32] = {{0}, {7}};
	uint32_t slot, gen;

	(void)state;
	memcpy(keys[0], v->miner, 32);
	assert_int_equal(
		node_history_watch(v->h, 5, 77, v->tip.ctx.height, keys[0], 64),
		0);
	assert_int_equal(
		node_history_watch(v->h, 6, 78, v->tip.ctx.height, keys[1], 32),
		0);
	assert_false(news(&slot, &gen));
	grow(v->s, v->f, 2, &v->tip);
	look_anew();
	assert_true(news(&slot, &gen));
	assert_int_equal(slot, 5);
	assert_int_equal(gen, 77);
	assert_int_equal(v->answer.count, 2);
	assert_int_equal(v->answer.proof[0].height.n, 7);
	assert_int_equal(v->answer.height, 9);
	assert_false(news(&slot, &gen));
	/* Another peer took its slot, and wants something else. */
	assert_int_equal(
		node_history_watch(v->h, 5, 79, v->tip.ctx.height, keys[1], 32),
		0);
	grow(v->s, v->f, 1, &v->tip);
	look_anew();
	assert_false(news(&slot, &gen));
	assert_int_equal(
		node_history_watch(v->h, 5, 79, v->tip.ctx.height, keys[0], 32),
		0);
	assert_false(news(&slot, &gen));
	grow(v->s, v->f, NODE_WATCH_BLOCKS_MAX, &v->tip);
	look_anew();
	assert_true(news(&slot, &gen));
	assert_int_equal(v->answer.count, NODE_WATCH_BLOCKS_MAX);
	grow(v->s, v->f, NODE_WATCH_BLOCKS_MAX + 1, &v->tip);
	look_anew();
	assert_false(news(&slot, &gen));
	grow(v->s, v->f, 1, &v->tip);
	look_anew();
	assert_true(news(&slot, &gen));
	assert_int_equal(v->answer.count, 1);
}

static void watchers_are_bounded(void **state)
{
	uint8_t keys[NET_KEYS_MAX][32] = {{0}};
	uint32_t added = 0;

	(void)state;
	while (added < NODE_WATCH_KEYS_MAX) {
		for (uint32_t i = 0; i < NET_KEYS_MAX; i++)
			base_store_le32(keys[i], added++);
		assert_int_equal(node_history_watch(v->h, 1, 1,
						    v->tip.ctx.height, keys[0],
						    sizeof(keys)),
				 0);
	}
	/* Known ones cost nothing. */
	assert_int_equal(node_history_watch(v->h, 1, 1, v->tip.ctx.height,
					    keys[0], sizeof(keys)),
			 0);
	base_store_le32(keys[0], added);
	assert_int_equal(
		node_history_watch(v->h, 1, 1, v->tip.ctx.height, keys[0], 32),
		-ENOSPC);
}

/* A table without room ends the search behind what was found. */
static void a_full_table(void **state)
{
	struct node_match *m = calloc(1, sizeof(*m));
	struct base_error err;
	const uint8_t *block;
	uint8_t key[32] = {[31] = 9};
	uint32_t found_end;
	size_t len;

	(void)state;
	assert_non_null(m);
	assert_int_equal(node_match_open(m, CHAIN_BLOCK_BYTES_MIN, &err), 0);
	assert_true(node_match_add(m, v->key));
	for (uint32_t i = 1; i < NODE_MATCH_KEYS_MAX; i++) {
		base_store_le32(key, i);
		assert_true(node_match_add(m, key));
		assert_true(node_match_add(m, key));
		assert_true(node_match_has(m, key));
	}
	base_store_le32(key, NODE_MATCH_KEYS_MAX);
	assert_false(node_match_has(m, key));
	assert_false(node_match_add(m, key));
	assert_int_equal(
		store_block_at(&block, &len, v->r, (struct base_height){1}), 0);
	assert_int_equal(node_match_block(m, &found_end, block, len), 0);
	assert_int_equal(m->txs, 3);
	assert_int_equal(m->found_count, 1);
	assert_int_equal(found_end, 2);
	node_match_clear(m);
	assert_false(node_match_has(m, v->key));
	assert_int_equal(node_match_block(m, &found_end, block, len), 0);
	assert_int_equal(m->found_count, 0);
	assert_int_equal(found_end, 3);
	assert_int_equal(node_match_block(m, &found_end, block, len - 1),
			 -EBADMSG);
	node_match_close(m);
	free(m);
}

/* Every changed byte of a proof breaks it, but for those of the witness. */
static void forged_proofs(void **state)
{
	struct base_prng prng = base_prng_init(1);
	uint8_t scratch[CHAIN_BLOCK_BYTES_MIN], kept[OUT_MAX];
	struct chain_header header;
	struct chain_tx_proof p;
	const uint8_t *block;
	struct base_hash txid;
	size_t len, broken = 0, same = 0;

	(void)state;
	ask(2, 0, v->key, 1);
	txid = v->answer.txid[0];
	assert_int_equal(
		node_history_proof(v->out, &len, v->h, v->r, txid.b, 32), 0);
	memcpy(kept, v->out, len);
	for (int i = 0; i < 20000; i++) {
		size_t at = base_prng_below(&prng, len);
		struct base_reader in;
		struct base_hash got;

		memcpy(v->out, kept, len);
		v->out[at] ^= (uint8_t)(1 + base_prng_below(&prng, 255));
		in = base_reader_init(v->out, len);
		size_t block_len;

		if (chain_tx_proof_read(&p, &in) < 0 ||
		    !base_reader_done(&in) ||
		    store_block_at(&block, &block_len, v->r, p.height) < 0) {
			broken++;
			continue;
		}
		chain_header_read(&header, block);
		if (!chain_tx_proof_holds(&got, scratch, &p,
					  &header.merkle_root)) {
			broken++;
			continue;
		}
		assert_memory_equal(&got, &txid, sizeof(txid));
		same++;
	}
	print_message("# %zu broken, %zu changed witnesses\n", broken, same);
	assert_true(broken > 10000 && same > 0);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(payments_to_a_key),  TEST(who_spends_an_output),
		TEST(many_keys),	  TEST(long_answers),
		TEST(malformed_requests), TEST(one_transaction),
		TEST(news_for_watchers),  TEST(watchers_are_bounded),
		TEST(a_full_table),	  TEST(forged_proofs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
