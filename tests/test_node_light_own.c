/* SPDX-License-Identifier: MIT */
/* A light node's own transactions: found, proved, sent. */
#include "light_peers.h"

#include "chain/block.h"
#include "node/wallet_coins.h"

#define TIP 40u
#define TXS_MAX 4u

/* Blocks that no rule for coins has judged: light nodes see none. */
struct content {
	const uint8_t *key; /* of the coinbase */
	uint32_t txs;
	struct spend_tx *tx[TXS_MAX];
};

static uint8_t genesis_block[CHAIN_GENESIS_MAX];
static struct base_hash coinbase_txid[TIP + 50];

static void address(uint8_t key[static CHAIN_KEY_SIZE], uint32_t branch,
		    uint32_t index)
{
	assert_int_equal(
		node_bip86_output_key(key, &w->wallet->branch[branch], index),
		0);
}

static void make_genesis(void)
{
	static const struct base_hash params_hash = {{7}};
	struct chain_change none;
	const struct chain_changes changes = {.change = &none, .count = 0};
	const struct store_options o = {.dir = w->dir,
					.map_bytes = UINT64_C(64) << 20};
	struct base_hash hash;
	size_t len;

	len = chain_genesis_build(genesis_block, sizeof(genesis_block), &w->p,
				  &params_hash);
	chain_header_read(&w->genesis, genesis_block);
	chain_header_hash(&hash, &w->genesis);
	ds_committee_init(&w->c, &w->p, &hash, 0);
	chain_open(&w->main);
	assert_int_equal(store_open(&w->full, &o, &w->err), 0);
	assert_int_equal(store_init_chain(w->full, genesis_block, len,
					  &w->main.at[0], &changes, &w->err),
			 0);
}

/* The next block; the peers that have the store know it. */
static void add_block(const struct content *c)
{
	static uint8_t block[CHAIN_BLOCK_BYTES_MIN];
	static uint8_t txs[CHAIN_BLOCK_BYTES_MIN];
	const uint32_t height = w->main.count + 1;
	struct chain_context *at = &w->main.at[height];
	struct chain_coinbase cb = {.height = {height},
				    .value = {50 * BASE_COIN},
				    .extranonce = {1}};
	struct chain_header h = {.version = CHAIN_VERSION};
	struct base_hash leaf[1 + TXS_MAX] = {{{0}}};
	struct chain_change none;
	const struct chain_changes changes = {.change = &none, .count = 0};
	uint8_t coinbase[CHAIN_COINBASE_BUILD_MAX];
	uint8_t *header = w->main.headers + (size_t)height * CHAIN_HEADER_SIZE;
	size_t at_nonce, len, txs_len = 0, block_len;
	bool mutated;

	if (c->key)
		memcpy(cb.key, c->key, sizeof(cb.key));
	len = chain_coinbase_build(coinbase, sizeof(coinbase), &at_nonce, &cb);
	pow_sha256d(&leaf[0], coinbase, len);
	coinbase_txid[height] = leaf[0];
	for (uint32_t i = 0; i < c->txs; i++) {
		memcpy(txs + txs_len, c->tx[i]->bytes, c->tx[i]->len);
		txs_len += c->tx[i]->len;
		leaf[1 + i] = c->tx[i]->txid;
	}
	*at = w->main.at[height - 1];
	h.prev = at->hash;
	h.time = at->time[0] + w->p.spacing_s;
	h.bits = chain_context_next_bits(at, &w->p);
	chain_merkle_root(&h.merkle_root, &mutated, leaf, 1 + c->txs);
	light_mine(&h, at, &w->p);
	chain_header_write(header, &h);
	block_len = chain_block_assemble(block, sizeof(block), header, coinbase,
					 len, txs, txs_len, c->txs);
	assert_true(block_len > 0);
	assert_int_equal(
		store_append(w->full,
			     &(struct store_block){.data = block,
						   .len = block_len,
						   .after = *at,
						   .changes = &changes},
			     &w->err),
		0);
	w->main.count = height;
	for (uint32_t i = 0; i < w->peers; i++)
		w->peer[i].tip = height;
}

/* Spends output 0 of @from for one coin to @key. */
static void spend(struct spend_tx *t, const struct base_hash *from,
		  const uint8_t *key)
{
	uint8_t signature[1][CHAIN_SIGNATURE_SIZE] = {{5}};
	char script[2 * CHAIN_P2TR_SIZE + 1];
	uint8_t bytes[CHAIN_P2TR_SIZE];

	chain_script_p2tr(bytes, key);
	base_to_hex(script, bytes, sizeof(bytes));
	memset(t, 0, sizeof(*t));
	t->version = 2;
	t->inputs = 1;
	t->outputs = 1;
	t->in[0] = (struct spend_in){.at = {.txid = *from},
				     .sequence = UINT32_MAX};
	t->out[0] = (struct spend_out){.amount = BASE_COIN, .script = script};
	spend_serialise(t, NULL);
	chain_wtxid(&t->txid, &t->view);
	spend_serialise(t, signature);
}

/* Coinbases of 3, 7 and 11 are ours, that of 3 is spent at 20; 15 pays an
 * address at the end of the gap, 25 one beyond it. */
static void make_chain(void)
{
	static const uint8_t stranger[CHAIN_KEY_SIZE] = {0x77};
	uint8_t key[4][CHAIN_KEY_SIZE];
	struct spend_tx t;

	address(key[0], NODE_RECEIVE, 0);
	address(key[1], NODE_CHANGE, 3);
	address(key[2], NODE_RECEIVE, NODE_LIGHT_GAP - 1);
	address(key[3], NODE_RECEIVE, 2 * NODE_LIGHT_GAP - 3);
	make_genesis();
	for (uint32_t h = 1; h <= TIP; h++) {
		struct content c = {.key = stranger, .tx = {&t}};

		if (h == 3 || h == 7)
			c.key = key[0];
		if (h == 11)
			c.key = key[1];
		if (h == 15)
			c.key = key[2];
		if (h == 25)
			c.key = key[3];
		if (h == 20) {
			spend(&t, &coinbase_txid[3], stranger);
			c.txs = 1;
		}
		add_block(&c);
	}
}

#define OURS 6u
#define COINS 4u

static int set_up(void **state)
{
	char datadir[sizeof(w->folder) + 8];

	(void)state;
	if (world_begin() < 0)
		return -1;
	world_folder();
	(void)strcpy(w->dir, "/tmp/minerd-light-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(datadir, sizeof(datadir), "%s/d", w->folder);
	assert_int_equal(node_datadir_open(&w->datadir, datadir, &w->err), 0);
	assert_int_equal(
		node_wallet_open(&w->wallet, &w->datadir, true, NULL, &w->err),
		0);
	make_chain();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	end_light();
	node_wallet_close(w->wallet);
	node_datadir_close(&w->datadir);
	world_clear();
	store_close(w->full);
	assert_int_equal(test_remove_folder(w->dir), 0);
	chain_close(&w->main);
	node_log_stop(w->log);
	free(w);
	return 0;
}

static bool all_found(const struct node_light_view *v)
{
	return v->final >= TIP && v->searched == v->final && v->txs >= OURS;
}

static bool asked_one(const struct node_light_view *v)
{
	return v->final == TIP && v->asked == TIP;
}

static bool is_banned(const struct node_light_view *v)
{
	(void)v;
	return bans() > 0;
}

static bool all_up(const struct node_light_view *v)
{
	(void)v;
	for (uint32_t i = 0; i < w->peers; i++)
		if (!w->peer[i].up)
			return false;
	return true;
}

static bool all_down(const struct node_light_view *v)
{
	(void)v;
	for (uint32_t i = 0; i < w->peers; i++)
		if (w->peer[i].up)
			return false;
	return true;
}

static bool a_is_up(const struct node_light_view *v)
{
	(void)v;
	return w->peer[0].up;
}

static bool followed(const struct node_light_view *v)
{
	return v->final == w->main.count;
}

static uint32_t txs_wanted;

static bool so_many(const struct node_light_view *v)
{
	return v->txs >= txs_wanted;
}

static void assert_coins(uint32_t count)
{
	struct store_reader *r;

	assert_int_equal(store_read_begin(&r, w->store, &w->err), 0);
	assert_int_equal(node_light_wallet(w->wallet, r, &w->err), 0);
	store_read_end(r);
	assert_int_equal(w->wallet->coins.count, count);
	assert_int_equal(w->wallet->height, look().final + 1);
}

static void two_who_are_honest(void **state)
{
	struct node_wallet_balance balance;

	(void)state;
	begin_light();
	connect_peer(add_peer(HONEST, TIP));
	connect_peer(add_peer(HONEST, TIP));
	serve_until(all_found);
	assert_int_equal(look().txs, OURS);
	assert_coins(COINS);
	node_wallet_balance(&balance, w->wallet, 1, 0);
	assert_int_equal(balance.trusted.units, COINS * 50 * BASE_COIN);
	assert_int_equal(bans(), 0);
	/* It is all there again. */
	end_light();
	begin_light();
	assert_int_equal(look().searched, TIP);
	assert_coins(COINS);
}

static void one_who_leaves_out(void **state)
{
	(void)state;
	begin_light();
	connect_peer(add_peer(OMITS, TIP));
	connect_peer(add_peer(HONEST, TIP));
	serve_until(all_found);
	assert_coins(COINS);
	/* That is no offence. */
	assert_int_equal(bans(), 0);
}

/* One alone is believed for now, and asked again beside another. */
static void one_alone_who_leaves_out(void **state)
{
	(void)state;
	begin_light();
	connect_peer(add_peer(OMITS, TIP));
	serve_until(asked_one);
	assert_int_equal(look().searched, 0);
	assert_int_equal(look().txs, 0);
	connect_peer(add_peer(HONEST, TIP));
	serve_until(all_found);
	assert_coins(COINS);
}

static void one_alone_who_is_honest(void **state)
{
	(void)state;
	begin_light();
	connect_peer(add_peer(HONEST, TIP));
	serve_until(asked_one);
	assert_int_equal(look().txs, OURS);
	assert_int_equal(look().searched, 0);
	assert_coins(COINS);
}

static void one_who_forges(void **state)
{
	(void)state;
	begin_light();
	connect_peer(add_peer(FORGED_PROOF, TIP));
	serve_until(is_banned);
	connect_peer(add_peer(HONEST, TIP));
	connect_peer(add_peer(HONEST, TIP));
	serve_until(all_found);
	assert_coins(COINS);
}

static void tell_watchers(struct peer *s)
{
	struct net_event e = {.kind = NET_EV_MESSAGE};
	struct store_reader *r;
	size_t len;

	assert_int_equal(store_read_begin(&r, s->store, &w->err), 0);
	while (node_history_watched(w->out, &len, &e.slot, &e.gen, s->history,
				    r, (struct base_height){w->main.count}))
		answer(s, &e, NET_WATCHED, w->out, len);
	store_read_end(r);
}

/* The news before the certificate, and after it. */
static void news(void **state)
{
	uint8_t key[CHAIN_KEY_SIZE];
	const struct content c = {.key = key};
	struct peer *a, *b;

	(void)state;
	begin_light();
	a = add_peer(HONEST, TIP);
	b = add_peer(OMITS, TIP);
	connect_peer(a);
	connect_peer(b);
	serve_until(all_found);
	address(key, NODE_RECEIVE, 7);
	add_block(&c);
	tell_watchers(a);
	for (int i = 0; i < 50; i++) {
		pump();
		pause_ms(1);
	}
	assert_int_equal(look().final, TIP);
	certify(a, &w->main, TIP + 1);
	txs_wanted = OURS + 1;
	serve_until(so_many);
	add_block(&c);
	certify(a, &w->main, TIP + 2);
	serve_until(followed);
	tell_watchers(a);
	txs_wanted = OURS + 2;
	serve_until(so_many);
	assert_coins(COINS + 2);
}

/* Without news, it asks by itself. */
static void news_that_were_left_out(void **state)
{
	uint8_t key[CHAIN_KEY_SIZE];
	struct content c = {.key = key};
	struct peer *a;

	(void)state;
	begin_light();
	a = add_peer(HONEST, TIP);
	connect_peer(a);
	connect_peer(add_peer(HONEST, TIP));
	serve_until(all_found);
	address(key, NODE_RECEIVE, 7);
	add_block(&c);
	c.key = NULL;
	for (uint32_t i = 1; i < NODE_LIGHT_POLL_BLOCKS; i++)
		add_block(&c);
	certify(a, &w->main, TIP + NODE_LIGHT_POLL_BLOCKS);
	txs_wanted = OURS + 1;
	serve_until(so_many);
}

static bool was_sent(const struct node_light_view *v)
{
	(void)v;
	return w->peer[w->peers - 1].txs > 0;
}

static void a_transaction_of_ours(void **state)
{
	static const uint8_t stranger[CHAIN_KEY_SIZE] = {0x33};
	struct base_hash wtxid;
	struct content c = {.txs = 1};
	struct node_wake asker;
	struct spend_tx t;
	struct peer *a;

	(void)state;
	begin_light();
	a = add_peer(HONEST, TIP);
	connect_peer(a);
	connect_peer(add_peer(HONEST, TIP));
	serve_until(all_found);
	spend(&t, &coinbase_txid[7], stranger);
	chain_wtxid(&wtxid, &t.view);
	assert_int_equal(node_wake_open(&asker), 0);
	assert_int_equal(node_light_send(w->light, t.bytes, t.len - 1, &asker),
			 -EINVAL);
	assert_int_equal(node_light_send(w->light, t.bytes, t.len, &asker), 0);
	assert_int_equal(node_light_send(w->light, t.bytes, t.len, &asker), 0);
	node_wake_close(&asker);
	serve_until(was_sent);
	assert_true(base_hash_equal(&w->peer[1].last_tx, &wtxid));
	/* Again after a restart, to who comes. */
	end_light();
	begin_light();
	connect_peer(add_peer(HONEST, TIP));
	serve_until(was_sent);
	assert_true(base_hash_equal(&w->peer[2].last_tx, &wtxid));
	connect_peer(a);
	/* Until a block has it. */
	c.tx[0] = &t;
	add_block(&c);
	serve_until(a_is_up);
	certify(a, &w->main, TIP + 1);
	txs_wanted = 1; /* since that start */
	serve_until(so_many);
	assert_coins(COINS - 1);
	connect_peer(&w->peer[1]);
	serve_until(all_up);
	end_light();
	begin_light();
	serve_until(all_down);
	a->txs = 0;
	connect_peer(a);
	connect_peer(&w->peer[1]);
	connect_peer(&w->peer[2]);
	serve_until(all_up);
	for (int i = 0; i < 100; i++) {
		pump();
		pause_ms(1);
	}
	assert_int_equal(a->txs, 0);
}

/* Addresses that were handed out are looked for, however far. */
static void addresses_handed_out(void **state)
{
	uint8_t key[CHAIN_KEY_SIZE];
	const struct content c = {.key = key};
	struct peer *a;

	(void)state;
	address(key, NODE_RECEIVE, 300);
	add_block(&c);
	begin_light();
	a = add_peer(HONEST, w->main.count);
	connect_peer(a);
	connect_peer(add_peer(HONEST, w->main.count));
	serve_until(all_found);
	assert_int_equal(look().txs, OURS);
	node_light_use(w->light, NODE_RECEIVE, 290);
	node_light_use(w->light, NODE_RECEIVE, 2);
	node_wake_ring(&w->wake);
	txs_wanted = OURS + 1;
	serve_until(so_many);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(two_who_are_honest),	TEST(one_who_leaves_out),
		TEST(one_alone_who_leaves_out), TEST(one_alone_who_is_honest),
		TEST(one_who_forges),		TEST(news),
		TEST(news_that_were_left_out),	TEST(a_transaction_of_ours),
		TEST(addresses_handed_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
