/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "chain_fixture.h"
#include "folder.h"
#include "spend_fixture.h"

#include "node/clock.h"
#include "node/seed.h"
#include "node/wallet.h"
#include "node/wallet_coins.h"
#include "node/wallet_spend.h"
#include "pow/sha256.h"

#include <sys/stat.h>

#define COINS_MAX 600u

struct fixture {
	char folder[32];
	struct node_datadir datadir;
	struct node_wallet *w;
	struct base_error err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	(void)strcpy(f->folder, "/tmp/minerd-wallet-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(node_datadir_open(&f->datadir, f->folder, &f->err), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	node_wallet_close(f->w);
	node_datadir_close(&f->datadir);
	assert_int_equal(test_remove_folder(f->folder), 0);
	free(f);
	return 0;
}

static int open_wallet(struct fixture *f, bool create, const char *passphrase)
{
	node_wallet_close(f->w);
	f->w = NULL;
	return node_wallet_open(&f->w, &f->datadir, create, passphrase,
				&f->err);
}

static void path_of(char out[static NODE_PATH_MAX], const struct fixture *f,
		    const char *name)
{
	struct base_error err;

	assert_int_equal(node_datadir_path(out, &f->datadir, name, &err), 0);
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
	char path[NODE_PATH_MAX];

	path_of(path, f, name);
	assert_int_equal(
		node_file_write(path, text, strlen(text), 0600, &f->err), 0);
}

static void remove_file(const struct fixture *f, const char *name)
{
	char path[NODE_PATH_MAX];

	path_of(path, f, name);
	assert_int_equal(remove(path), 0);
}

static void seeds_are_kept_plain_and_encrypted(void **state)
{
	const size_t lengths[] = {NODE_SEED_MIN, 33, NODE_SEED_MAX};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lengths); i++) {
		struct node_seed seed = {.len = lengths[i]};
		struct node_seed back = {.len = 0};
		char plain[NODE_SEED_LINE_MAX];
		char line[NODE_SEED_LINE_MAX];

		memset(seed.bytes, 0x5a + (int)i, seed.len);
		assert_int_equal(node_seed_encode(plain, &seed, NULL), 0);
		assert_false(node_seed_is_encrypted(plain));
		assert_int_equal(node_seed_decode(&back, plain, NULL), 0);
		assert_int_equal(back.len, seed.len);
		assert_memory_equal(back.bytes, seed.bytes, seed.len);

		assert_int_equal(node_seed_encode(line, &seed, "p\xc3\xa4ss w"),
				 0);
		assert_true(node_seed_is_encrypted(line));
		assert_null(strstr(line, "5a5a5a5a"));
		assert_int_equal(node_seed_decode(&back, line, NULL), -ENOKEY);
		memset(&back, 0, sizeof(back));
		assert_int_equal(node_seed_decode(&back, line, "p\xc3\xa4ss w"),
				 0);
		assert_int_equal(back.len, seed.len);
		assert_memory_equal(back.bytes, seed.bytes, seed.len);
	}
}

static void wrong_passphrases_are_told_from_damage(void **state)
{
	struct node_seed seed = {.len = 32, .bytes = {1, 2, 3}};
	struct node_seed back = {.len = 7};
	char line[NODE_SEED_LINE_MAX];
	char longest[NODE_PASSPHRASE_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(node_seed_encode(line, &seed, ""), -EINVAL);
	assert_int_equal(node_seed_encode(line, &seed, longest), -EINVAL);
	assert_int_equal(node_seed_encode(line, &seed, "right"), 0);
	assert_int_equal(node_seed_decode(&back, line, "wrong"), -EKEYREJECTED);
	assert_int_equal(node_seed_decode(&back, line, ""), -EKEYREJECTED);
	assert_int_equal(node_seed_decode(&back, line, longest), -EKEYREJECTED);
	for (size_t i = 0; line[i]; i++) {
		char was = line[i];

		line[i] = was == '1' ? '2' : '1';
		assert_int_equal(node_seed_decode(&back, line, "right"),
				 -EBADMSG);
		line[i] = '\0'; /* cut off */
		assert_int_equal(node_seed_decode(&back, line, "right"),
				 -EBADMSG);
		line[i] = was;
	}
	(void)strcat(line, " ");
	assert_int_equal(node_seed_decode(&back, line, "right"), -EBADMSG);
	assert_int_equal(back.len, 7);
}

/* A line with a good checksum may still ask for more memory than there is. */
static void absurd_costs_are_refused(void **state)
{
	static const char *const costs[] = {
		"1073741824 8 1", "65536 1024 1", "65536 8 1025", "0 8 1",
		"65536 0 1",	  "65536 8 0",	  "65535 8 1"};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(costs); i++) {
		char line[NODE_SEED_LINE_MAX];
		struct base_hash check;
		struct node_seed back;
		size_t len = (size_t)snprintf(
			line, sizeof(line),
			"minerd-seed-1 scrypt %s %032d aes-256-gcm %024d %064d "
			"%032d",
			costs[i], 0, 0, 0, 0);

		pow_sha256(&check, line, len);
		line[len++] = ' ';
		base_to_hex(line + len, check.b, 4);
		assert_true(node_seed_decode(&back, line, "x") < 0);
	}
}

static void damaged_plain_seeds_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "00", "0011223344556677889900aabbccdd", /* 15 bytes */
		"0011223344556677889900aabbccddeeff0",
		"0011223344556677889900aabbccddeg"};
	struct node_seed back;
	char longest[2 * NODE_SEED_MAX + 3];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_int_equal(node_seed_decode(&back, bad[i], NULL),
				 -EBADMSG);
	memset(longest, '0', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(node_seed_decode(&back, longest, NULL), -EBADMSG);
}

static void wallets_are_made_once_and_kept(void **state)
{
	struct fixture *f = *state;
	uint8_t payout[CHAIN_KEY_SIZE];
	uint8_t key[CHAIN_KEY_SIZE];
	char path[NODE_PATH_MAX];
	struct stat st;
	node_address_ref a;

	assert_int_equal(open_wallet(f, false, NULL), -ENOENT);
	assert_non_null(strstr(f->err.text, "wallet restore"));
	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_int_equal(node_wallet_payout_key(payout, f->w), 0);
	assert_int_equal(node_wallet_derive(f->w), 0);
	assert_memory_equal(node_wallet_key(f->w, 0), payout, sizeof(payout));
	/* Address 0 is mining's and is not handed out. */
	assert_int_equal(node_wallet_take(&a, f->w, NODE_RECEIVE, &f->err), 0);
	assert_int_equal(a, 1 << 1 | NODE_RECEIVE);
	assert_int_equal(node_wallet_take(&a, f->w, NODE_CHANGE, &f->err), 0);
	assert_int_equal(a, 0 << 1 | NODE_CHANGE);
	memcpy(key, node_wallet_key(f->w, a), sizeof(key));
	for (size_t i = 0; i < 2; i++) {
		path_of(path, f, i ? NODE_WALLET_FILE : NODE_SEED_FILE);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}

	assert_int_equal(open_wallet(f, false, NULL), 0);
	assert_int_equal(node_wallet_derive(f->w), 0);
	assert_true(node_wallet_find(&a, f->w, key));
	assert_int_equal(a, 0 << 1 | NODE_CHANGE);
	assert_false(node_wallet_find(&a, f->w, f->w->branch[0].chain));
	assert_int_equal(node_wallet_take(&a, f->w, NODE_RECEIVE, &f->err), 0);
	assert_int_equal(a, 2 << 1 | NODE_RECEIVE);
	assert_int_equal(node_wallet_take(&a, f->w, NODE_CHANGE, &f->err), 0);
	assert_int_equal(a, 1 << 1 | NODE_CHANGE);
	/* What is met in the chain is used up. */
	assert_int_equal(node_wallet_met(f->w, 700 << 1 | NODE_RECEIVE), 0);
	assert_int_equal(f->w->derived[NODE_RECEIVE] >= 701 + NODE_WALLET_GAP,
			 1);
	assert_int_equal(node_wallet_take(&a, f->w, NODE_RECEIVE, &f->err), 0);
	assert_int_equal(a, 701 << 1 | NODE_RECEIVE);
}

static void lost_and_foreign_files_are_told(void **state)
{
	struct fixture *f = *state;
	uint8_t payout[CHAIN_KEY_SIZE];
	uint8_t again[CHAIN_KEY_SIZE];

	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_true(f->w->scanned);
	assert_int_equal(node_wallet_payout_key(payout, f->w), 0);
	remove_file(f, NODE_WALLET_FILE);
	assert_int_equal(open_wallet(f, false, NULL), 0);
	assert_false(f->w->scanned);
	assert_int_equal(node_wallet_payout_key(again, f->w), 0);
	assert_memory_equal(again, payout, sizeof(payout));

	write_file(f, NODE_SEED_FILE, "00112233445566778899aabbccddeeff\n");
	assert_int_equal(open_wallet(f, false, NULL), -EXDEV);
	assert_non_null(strstr(f->err.text, "another wallet"));
	write_file(f, NODE_SEED_FILE, "0011\n");
	assert_int_equal(open_wallet(f, false, NULL), -EBADMSG);
	write_file(f, NODE_SEED_FILE, "00112233445566778899aabbccddeeff\n");
	write_file(f, NODE_WALLET_FILE, "{\"format\": 2}");
	assert_int_equal(open_wallet(f, false, NULL), -EPROTO);
	write_file(f, NODE_WALLET_FILE, "{\"format\": 1}");
	assert_int_equal(open_wallet(f, false, NULL), -EBADMSG);
	write_file(f, NODE_WALLET_FILE, "{");
	assert_int_equal(open_wallet(f, false, NULL), -EBADMSG);
	remove_file(f, NODE_WALLET_FILE);
	assert_int_equal(open_wallet(f, false, NULL), 0);
}

static void locked_wallets_pay_nobody(void **state)
{
	struct fixture *f = *state;
	uint8_t payout[CHAIN_KEY_SIZE];
	uint8_t again[CHAIN_KEY_SIZE];

	assert_int_equal(open_wallet(f, true, "one"), 0);
	assert_non_null(node_wallet_secret(f->w));
	assert_int_equal(node_wallet_payout_key(payout, f->w), 0);
	assert_int_equal(open_wallet(f, false, "two"), -EKEYREJECTED);
	assert_int_equal(open_wallet(f, false, NULL), 0);
	assert_true(f->w->encrypted);
	assert_null(node_wallet_secret(f->w));
	assert_int_equal(node_wallet_payout_key(again, f->w), 0);
	assert_memory_equal(again, payout, sizeof(payout));

	assert_int_equal(
		node_wallet_unlock(f->w, "two", NODE_WALLET_FOR_EVER, &f->err),
		-EKEYREJECTED);
	assert_null(node_wallet_secret(f->w));
	assert_int_equal(
		node_wallet_unlock(f->w, "one", NODE_WALLET_FOR_EVER, &f->err),
		0);
	assert_non_null(node_wallet_secret(f->w));
	assert_int_equal(node_wallet_tick(f->w), -1);
	f->w->relock_ms = node_monotonic_ms() + 100000;
	assert_in_range(node_wallet_tick(f->w), 1, 100000);
	f->w->relock_ms = 0;
	assert_null(node_wallet_secret(f->w));
	assert_int_equal(f->w->secret.key[0] | f->w->secret.key[31] |
				 f->w->secret.chain[0],
			 0);

	assert_int_equal(node_wallet_encrypt(f->w, "two", "three", &f->err),
			 -EKEYREJECTED);
	assert_int_equal(node_wallet_encrypt(f->w, "one", "three", &f->err), 0);
	remove_file(f, NODE_WALLET_FILE);
	assert_int_equal(open_wallet(f, false, NULL), -ENOENT);
	assert_non_null(strstr(f->err.text, "--wallet-passphrase-file"));
	assert_int_equal(open_wallet(f, false, "three"), 0);
}

static void plain_wallets_become_encrypted(void **state)
{
	struct fixture *f = *state;
	char line[NODE_SEED_LINE_MAX];
	uint8_t payout[CHAIN_KEY_SIZE];
	uint8_t again[CHAIN_KEY_SIZE];

	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_int_equal(node_wallet_payout_key(payout, f->w), 0);
	assert_int_equal(open_wallet(f, false, "one"), -EINVAL);
	assert_int_equal(open_wallet(f, false, NULL), 0);
	assert_int_equal(node_wallet_encrypt(f->w, NULL, "", &f->err), -EINVAL);
	assert_non_null(node_wallet_secret(f->w));
	assert_int_equal(node_wallet_encrypt(f->w, NULL, "one", &f->err), 0);
	assert_null(node_wallet_secret(f->w));
	assert_int_equal(
		node_seed_read(line, &f->datadir, NODE_SEED_FILE, &f->err), 0);
	assert_true(node_seed_is_encrypted(line));
	assert_int_equal(open_wallet(f, false, "one"), 0);
	assert_int_equal(node_wallet_payout_key(again, f->w), 0);
	assert_memory_equal(again, payout, sizeof(payout));
}

/* Coins of these amounts, by size. */
struct purse {
	struct node_wallet_coin coin[COINS_MAX];
	const struct node_wallet_coin *list[COINS_MAX];
	size_t count;
};

static void purse_add(struct purse *p, int64_t units)
{
	struct node_wallet_coin *c = &p->coin[p->count];

	memset(c, 0, sizeof(*c));
	c->at.txid.b[0] = 0xc0;
	c->at.index = (uint32_t)p->count;
	c->amount.units = units;
	c->trusted = true;
	p->list[p->count++] = c;
}

static int select_of(struct node_spend *s, struct purse *p, int64_t amount,
		     bool from_amount)
{
	*s = (struct node_spend){.amount.units = amount,
				 .fee_from_amount = from_amount,
				 .fee_rate = CHAIN_MEMPOOL_RELAY_FEE,
				 .inputs_max = NODE_SPEND_INPUTS_MAX};
	return node_spend_select(s, p->list, p->count);
}

/* One input: 111 vB to one key, 154 with change; each further input 57.5. */
static void coins_are_chosen(void **state)
{
	static struct purse p;
	struct node_spend s;

	(void)state;
	p.count = 0;
	assert_int_equal(select_of(&s, &p, 1000, false), -ENOSPC);
	purse_add(&p, 50000);
	purse_add(&p, 10000);
	purse_add(&p, 3000);
	/* The smallest that suffices, with change. */
	assert_int_equal(select_of(&s, &p, 5000, false), 0);
	assert_int_equal(s.inputs, 1);
	assert_int_equal(s.coin[0]->amount.units, 10000);
	assert_int_equal(s.fee.units, 154);
	assert_int_equal(s.change.units, 10000 - 5000 - 154);
	assert_int_equal(s.paid.units, 5000);
	/* Exactly, without change; one less does not suffice. */
	assert_int_equal(select_of(&s, &p, 10000 - 111, false), 0);
	assert_int_equal(s.coin[0]->amount.units, 10000);
	assert_int_equal(s.change.units, 0);
	assert_int_equal(s.fee.units, 111);
	assert_int_equal(select_of(&s, &p, 10000 - 110, false), 0);
	assert_int_equal(s.coin[0]->amount.units, 50000);
	/* Change of 330 is change, of 329 is fee. */
	assert_int_equal(select_of(&s, &p, 10000 - 154 - 330, false), 0);
	assert_int_equal(s.change.units, 330);
	assert_int_equal(select_of(&s, &p, 10000 - 154 - 329, false), 0);
	assert_int_equal(s.change.units, 0);
	assert_int_equal(s.fee.units, 154 + 329);
	/* The largest first. */
	assert_int_equal(select_of(&s, &p, 55000, false), 0);
	assert_int_equal(s.inputs, 2);
	assert_int_equal(s.fee.units, 212);
	assert_int_equal(select_of(&s, &p, 63000 - 226, false), 0);
	assert_int_equal(s.inputs, 3);
	assert_int_equal(s.fee.units, 226);
	assert_int_equal(select_of(&s, &p, 63000 - 225, false), -ENOSPC);
	assert_int_equal(select_of(&s, &p, 329, false), -EDOM);
	assert_int_equal(select_of(&s, &p, 330, false), 0);
}

static void fees_come_from_the_amount_when_asked(void **state)
{
	static struct purse p;
	struct node_spend s;

	(void)state;
	p.count = 0;
	purse_add(&p, 50000);
	purse_add(&p, 10000);
	/* All of it. */
	assert_int_equal(select_of(&s, &p, 60000, true), 0);
	assert_int_equal(s.inputs, 2);
	assert_int_equal(s.change.units, 0);
	assert_int_equal(s.fee.units, 169);
	assert_int_equal(s.paid.units, 60000 - 169);
	assert_int_equal(select_of(&s, &p, 60001, true), -ENOSPC);
	/* With change, the payee pays for that output, too. */
	assert_int_equal(select_of(&s, &p, 9670, true), 0);
	assert_int_equal(s.change.units, 330);
	assert_int_equal(s.paid.units, 9670 - 154);
	/* What is too little for change spares the payee. */
	assert_int_equal(select_of(&s, &p, 9950, true), 0);
	assert_int_equal(s.change.units, 0);
	assert_int_equal(s.fee.units, 111);
	assert_int_equal(s.paid.units, 10000 - 111);
	assert_int_equal(select_of(&s, &p, 9700, true), 0);
	assert_int_equal(s.fee.units, 300);
	assert_int_equal(s.paid.units, 9700);
	/* Dust once the fee is off. */
	assert_int_equal(select_of(&s, &p, 330 + 153, true), -EDOM);
	assert_int_equal(select_of(&s, &p, 330 + 154, true), 0);
}

static void inputs_and_fees_are_bounded(void **state)
{
	static struct purse p;
	struct node_spend s;

	(void)state;
	p.count = 0;
	for (unsigned i = 0; i < COINS_MAX; i++)
		purse_add(&p, 1000);
	assert_int_equal(select_of(&s, &p, 480000, false), -E2BIG);
	assert_in_range(s.paid.units, 400000, 479999);
	assert_int_equal(select_of(&s, &p, s.paid.units, false), 0);
	assert_int_equal(s.inputs, NODE_SPEND_INPUTS_MAX);
	/* A coin that costs more than it holds never helps. */
	p.count = 0;
	purse_add(&p, 1000);
	for (unsigned i = 0; i < 100; i++)
		purse_add(&p, 50);
	assert_int_equal(select_of(&s, &p, 1000, false), -ENOSPC);
	p.count = 0;
	purse_add(&p, BASE_MAX_MONEY);
	s = (struct node_spend){.amount.units = BASE_COIN,
				.fee_rate = INT64_C(1000000000000),
				.inputs_max = 1};
	assert_int_equal(node_spend_select(&s, p.list, p.count), -ERANGE);
}

/* The purse, with the wallet's keys. */
struct keyed_purse {
	const struct node_wallet *w;
	const struct purse *p;
};

static int keyed_get(void *ctx, struct chain_coin *out,
		     const struct chain_outpoint *at)
{
	const struct keyed_purse *k = ctx;
	const struct node_wallet_coin *coin = &k->p->coin[at->index];

	if (at->index >= k->p->count || !chain_outpoint_equal(&coin->at, at))
		return -ENOENT;
	*out = (struct chain_coin){.amount = coin->amount};
	memcpy(out->key, node_wallet_key(k->w, coin->address),
	       sizeof(out->key));
	return 0;
}

/* The rules and the signatures say yes, and the size is the promised one. */
static void check_built(const struct fixture *f, const struct purse *p,
			const struct node_spend *s, const uint8_t *data,
			size_t len)
{
	static uint8_t memory[1 << 20];
	static struct chain_check check[NODE_SPEND_INPUTS_MAX];
	static const uint8_t salt[CHAIN_SALT_SIZE];
	struct keyed_purse keyed = {.w = f->w, .p = p};
	const struct chain_coins coins = {.get = keyed_get, .ctx = &keyed};
	struct base_reader r = base_reader_init(data, len);
	struct chain_changes changes;
	struct chain_params params;
	struct chain_spending spending = {.params = &params,
					  .coins = &coins,
					  .changes = &changes,
					  .height.n = 10};
	struct chain_tx_view tx;
	struct base_amount fee;

	fixture_params(&params);
	params.max_block_bytes = CHAIN_BLOCK_BYTES_DEFAULT;
	params.max_block_inputs = NODE_SPEND_INPUTS_MAX;
	assert_true(chain_changes_size(600) <= sizeof(memory));
	chain_changes_init(&changes, memory, 600, salt);
	assert_int_equal(chain_tx_parse(&tx, &r), 0);
	assert_true(base_reader_done(&r));
	assert_int_equal(chain_tx_check(&tx, &params), CHAIN_OK);
	assert_int_equal(chain_tx_spend(&fee, check, &spending, &tx), CHAIN_OK);
	assert_int_equal(fee.units, s->fee.units);
	assert_true(chain_checks_valid(check, s->inputs));
	assert_int_equal(
		3 * tx.stripped_len + tx.len,
		node_spend_weight(s->inputs, s->change.units > 0, s->memo_len));
}

static void built_transactions_are_valid(void **state)
{
	static const struct {
		uint32_t inputs;
		size_t memo;
	} known[] = {{1, 0},  {2, 2},  {5, 75},
		     {1, 76}, {3, 80}, {NODE_SPEND_INPUTS_MAX, 1}};
	static uint8_t data[NODE_SPEND_SIZE_MAX];
	static struct purse p;
	struct fixture *f = *state;

	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_int_equal(node_wallet_derive(f->w), 0);
	for (size_t i = 0; i < BASE_COUNT(known); i++) {
		struct node_spend s;
		size_t len;

		p.count = 0;
		for (uint32_t n = 0; n < known[i].inputs; n++) {
			purse_add(&p, 10000);
			p.coin[n].address = n % (2 * NODE_WALLET_GAP);
		}
		/* All are needed, and change of 1000 is left. */
		s = (struct node_spend){
			.amount.units =
				9000 + 10000 * (known[i].inputs - 1) -
				(node_spend_weight(known[i].inputs, true,
						   known[i].memo) +
				 3) / 4,
			.fee_rate = CHAIN_MEMPOOL_RELAY_FEE,
			.memo_len = known[i].memo,
			.change_first = i % 2,
			.inputs_max = NODE_SPEND_INPUTS_MAX};
		memset(s.memo, 'm', s.memo_len);
		memcpy(s.key, node_wallet_key(f->w, 10), sizeof(s.key));
		memcpy(s.change_key, node_wallet_key(f->w, 11), sizeof(s.key));
		assert_int_equal(node_spend_select(&s, p.list, p.count), 0);
		assert_int_equal(s.inputs, known[i].inputs);
		assert_int_equal(node_spend_build(data, &len, &s, f->w,
						  node_wallet_secret(f->w)),
				 0);
		check_built(f, &p, &s, data, len);
	}
}

/* The one-byte memos that have opcodes of their own take one byte less than
 * they are charged for. */
static void small_memos_are_minimal(void **state)
{
	static uint8_t data[NODE_SPEND_SIZE_MAX];
	static struct purse p;
	struct fixture *f = *state;
	struct chain_params params;

	fixture_params(&params);
	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_int_equal(node_wallet_derive(f->w), 0);
	p.count = 0;
	purse_add(&p, 10000);
	for (char c = 1; c <= 17; c++) {
		struct node_spend s = {.amount.units = 5000,
				       .fee_rate = CHAIN_MEMPOOL_RELAY_FEE,
				       .memo = {c},
				       .memo_len = 1,
				       .inputs_max = 1};
		struct base_reader r;
		struct chain_tx_view tx;
		size_t len;

		assert_int_equal(node_spend_select(&s, p.list, p.count), 0);
		assert_int_equal(node_spend_build(data, &len, &s, f->w,
						  node_wallet_secret(f->w)),
				 0);
		r = base_reader_init(data, len);
		assert_int_equal(chain_tx_parse(&tx, &r), 0);
		assert_int_equal(chain_tx_check(&tx, &params), CHAIN_OK);
	}
}

static void signing_for_others_fails(void **state)
{
	static uint8_t data[NODE_SPEND_SIZE_MAX];
	static struct purse p;
	struct fixture *f = *state;
	struct node_xprv other = {.key = {1}};
	struct node_spend s;
	size_t len = 7;

	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_int_equal(node_wallet_derive(f->w), 0);
	p.count = 0;
	purse_add(&p, 10000);
	assert_int_equal(select_of(&s, &p, 5000, false), 0);
	assert_int_equal(node_spend_build(data, &len, &s, f->w, &other),
			 -EINVAL);
	assert_int_equal(len, 7);
}

/* A copy of a pool with the transactions that are put into it. */
struct pool {
	uint8_t bytes[4096];
	struct node_pool_copy copy;
};

static void pool_put(struct pool *p, const struct spend_tx *t,
		     uint32_t ancestors)
{
	struct base_writer w = base_writer_init(p->bytes + p->copy.len,
						sizeof(p->bytes) - p->copy.len);

	base_write_bytes(&w, t->txid.b, sizeof(t->txid.b));
	base_write_le32(&w, ancestors);
	base_write_le32(&w, (uint32_t)t->len);
	base_write_bytes(&w, t->bytes, t->len);
	assert_true(base_writer_ok(&w));
	p->copy.data = p->bytes;
	p->copy.len += w.len;
}

/* Pays @units to address @to of the wallet, out of output @index of @from. */
static void pool_tx(struct spend_tx *t, char script[static 2 * 34 + 1],
		    const struct node_wallet *w, node_address_ref to,
		    int64_t units, const struct base_hash *from, uint32_t index)
{
	uint8_t p2tr[CHAIN_P2TR_SIZE];

	memset(t, 0, sizeof(*t));
	chain_script_p2tr(p2tr, node_wallet_key(w, to));
	base_to_hex(script, p2tr, sizeof(p2tr));
	t->version = 2;
	t->inputs = 1;
	t->outputs = 1;
	t->in[0] = (struct spend_in){.at.txid = *from,
				     .at.index = index,
				     .secret = 3,
				     .sequence = UINT32_MAX};
	t->out[0] = (struct spend_out){.amount = units, .script = script};
	spend_build(t);
}

static void balances(const struct fixture *f, int64_t trusted, int64_t pending,
		     int64_t immature)
{
	struct node_wallet_balance b;

	node_wallet_balance(&b, f->w, 2, 0);
	assert_int_equal(b.trusted.units, trusted);
	assert_int_equal(b.pending.units, pending);
	assert_int_equal(b.immature.units, immature);
}

static void the_pool_counts_as_far_as_it_is_ours(void **state)
{
	const struct base_hash strange = {{9}};
	struct fixture *f = *state;
	struct node_wallet_coin coin = {
		.amount.units = 1000, .at.txid = {{1}}, .trusted = true};
	struct spend_tx paid, change, chained;
	char script[3][2 * CHAIN_P2TR_SIZE + 1];
	struct pool pool = {.copy.fee_rate = 2000};

	assert_int_equal(open_wallet(f, true, NULL), 0);
	assert_int_equal(node_wallet_derive(f->w), 0);
	f->w->height = 1;
	assert_int_equal(node_table_put(&f->w->coins, &coin), 0);
	coin.at.index = 1;
	coin.coinbase = true;
	assert_int_equal(node_table_put(&f->w->coins, &coin), 0);
	assert_int_equal(node_wallet_sync_pool(f->w, &pool.copy), 0);
	balances(f, 1000, 0, 1000);
	assert_int_equal(f->w->pool_fee_rate, 2000);

	/* A stranger's payment waits; ours becomes change. */
	pool_tx(&paid, script[0], f->w, 40, 500, &strange, 0);
	pool_tx(&change, script[1], f->w, 41, 900, &coin.at.txid, 0);
	pool_put(&pool, &paid, 1);
	pool_put(&pool, &change, 1);
	assert_int_equal(node_wallet_sync_pool(f->w, &pool.copy), 0);
	balances(f, 900, 500, 1000);
	assert_int_equal(f->w->next[NODE_RECEIVE], 21);
	assert_int_equal(f->w->next[NODE_CHANGE], 21);

	/* What is made of a stranger's payment can be taken back as well. */
	pool_tx(&chained, script[2], f->w, 42, 400, &paid.txid, 0);
	pool_put(&pool, &chained, 2);
	assert_int_equal(node_wallet_sync_pool(f->w, &pool.copy), 0);
	balances(f, 900, 400, 1000);

	/* The block that confirms the change came after the copy. */
	coin = (struct node_wallet_coin){.amount.units = 900,
					 .at.txid = change.txid,
					 .address = 41,
					 .height.n = 1,
					 .trusted = true};
	node_table_remove(&f->w->coins, &(struct chain_outpoint){{{1}}, 0});
	assert_int_equal(node_table_put(&f->w->coins, &coin), 0);
	f->w->height = 2;
	assert_int_equal(node_wallet_sync_pool(f->w, &pool.copy), 0);
	balances(f, 1900, 400, 0);

	/* What leaves the pool without a block frees what it spent. */
	pool.copy.len = 0;
	assert_int_equal(node_wallet_sync_pool(f->w, &pool.copy), 0);
	balances(f, 1900, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_are_kept_plain_and_encrypted),
		cmocka_unit_test(wrong_passphrases_are_told_from_damage),
		cmocka_unit_test(absurd_costs_are_refused),
		cmocka_unit_test(damaged_plain_seeds_are_refused),
		cmocka_unit_test_setup_teardown(wallets_are_made_once_and_kept,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(lost_and_foreign_files_are_told,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(locked_wallets_pay_nobody,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(plain_wallets_become_encrypted,
						set_up, tear_down),
		cmocka_unit_test(coins_are_chosen),
		cmocka_unit_test(fees_come_from_the_amount_when_asked),
		cmocka_unit_test(inputs_and_fees_are_bounded),
		cmocka_unit_test_setup_teardown(built_transactions_are_valid,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(small_memos_are_minimal, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(signing_for_others_fails,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_pool_counts_as_far_as_it_is_ours, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
